"""Raw file → clean paragraphs: html, txt, docx and pdf, with offsets and a report of what was dropped."""

from jianghua.ingest.document import Ingested, ingest_file, ingest_paths, unread_note, write_ingested

__all__ = ["Ingested", "ingest_file", "ingest_paths", "unread_note", "write_ingested"]
