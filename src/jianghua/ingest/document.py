"""One file → title, clean paragraphs with offsets, and what was dropped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jianghua.files import folder_atomic, to_json_line, write_atomic
from jianghua.ingest.assemble import assemble
from jianghua.ingest.blocks import Block, line_blocks
from jianghua.ingest.decode import decode
from jianghua.schema import BadData, Paragraph

KINDS = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".shtml": "html",
    ".txt": "txt",
    ".text": "txt",
    ".md": "txt",
}
KINDS |= {".docx": "docx", ".pdf": "pdf"}


@dataclass(frozen=True)
class Ingested:
    """A document. `raw` is the decoded text that offsets refer to; `dropped` are (start, end, reason)."""

    doc_id: str
    title: str
    file: str
    kind: str
    encoding: str
    raw: str
    paragraphs: list[Paragraph]
    dropped: list[tuple[int, int, str]]

    def report(self) -> dict:
        """The document's entry in `report.json`."""
        return {
            "doc_id": self.doc_id,
            "file": self.file,
            "kind": self.kind,
            "encoding": self.encoding,
            "title": self.title,
            "characters": len(self.raw),
            "paragraphs": len(self.paragraphs),
            "dropped": [
                {"start": start, "end": end, "reason": reason, "text": self.raw[start:end][:200]}
                for start, end, reason in self.dropped
            ],
        }


def _read(path: Path) -> tuple[str, str, str, list[Block], str]:
    """(kind, encoding, raw text, blocks, title) of a file."""
    kind = KINDS.get(path.suffix.lower())
    if not path.exists():
        raise BadData(f"{path}: no such file")
    if kind is None:
        raise BadData(
            f"{path}: cannot read {path.suffix or 'a file without an ending'}; it reads html, txt, docx and pdf"
        )
    if kind == "docx":
        from jianghua.ingest.office import docx_blocks

        return kind, "utf-8", *docx_blocks(path)
    if kind == "pdf":
        from jianghua.ingest.office import pdf_blocks

        return kind, "utf-8", *pdf_blocks(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror})") from None
    raw, encoding = decode(data, str(path))
    head = raw[:3000].lower()
    if kind == "html" or any(tag in head for tag in ("<html", "<body", "<!doctype html", "<div", "<p>", "<p ")):
        from jianghua.ingest.html import html_blocks

        blocks, title = html_blocks(raw)
        return "html", encoding, raw, blocks, title
    return kind, encoding, raw, line_blocks(raw), ""


def ingest_file(path: str | Path, *, doc_id: str | None = None, source: str = "") -> Ingested:
    """Read one file. Raises `BadData` (file and reason, one line) for what cannot be read or holds no paragraph."""
    path = Path(path)
    doc_id = doc_id or path.stem
    kind, encoding, raw, blocks, title = _read(path)
    found = assemble(blocks, title)
    if not found.paragraphs:
        raise BadData(f"{path}: no paragraph of a speech found in it")
    title = found.title or path.stem
    paragraphs = [
        Paragraph(
            f"{doc_id}-{position:03d}", doc_id, position, title, section, block.text, source, block.start, block.end
        )
        for position, (section, block) in enumerate(found.paragraphs)
    ]
    return Ingested(doc_id, title, path.name, kind, encoding, raw, paragraphs, sorted(found.dropped))


def ingest_paths(inputs: Sequence[str | Path], source: str = "") -> list[Ingested]:
    """Read files and folders (their readable files, sorted by name); every document gets an id of its own."""
    files: list[Path] = []
    for entry in map(Path, inputs):
        if entry.is_dir():
            inside = sorted(
                p for p in entry.rglob("*") if p.suffix.lower() in KINDS and not p.name.startswith((".", "~$"))
            )
            if not inside:
                raise BadData(f"{entry}: no html, txt, docx or pdf file in this folder")
            files += inside
        else:
            files.append(entry)
    documents, taken = [], set()
    for file in files:
        doc_id = file.stem
        if doc_id in taken:
            doc_id = file.name
        number = 2
        while doc_id in taken:
            doc_id, number = f"{file.stem}~{number}", number + 1
        taken.add(doc_id)
        documents.append(ingest_file(file, doc_id=doc_id, source=source))
    return documents


def write_ingested(documents: Sequence[Ingested], output: str | Path) -> None:
    """Write `paragraphs.jsonl`, `report.json` and, for office files, `text/DOC_ID.txt`; all or nothing."""
    output = Path(output)
    if output.is_dir() and any(p.name not in ("paragraphs.jsonl", "report.json", "text") for p in output.iterdir()):
        raise BadData(f"{output}: holds other files; output= takes a new folder or one that ingest made")
    with folder_atomic(output) as folder:
        lines = (to_json_line(p.to_json()) for document in documents for p in document.paragraphs)
        write_atomic(folder / "paragraphs.jsonl", "".join(lines))
        report = {"documents": [document.report() for document in documents]}
        write_atomic(folder / "report.json", json.dumps(report, ensure_ascii=False, indent=1) + "\n")
        for document in documents:
            if document.kind in ("docx", "pdf"):
                write_atomic(folder / "text" / f"{document.doc_id}.txt", document.raw)
