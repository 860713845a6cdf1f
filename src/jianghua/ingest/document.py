"""One file → title, clean paragraphs with offsets, and what was dropped."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jianghua.files import folder_atomic, write_atomic, write_json, write_jsonl
from jianghua.ingest.assemble import Assembled, assemble
from jianghua.ingest.blocks import line_blocks, markdown_blocks
from jianghua.ingest.decode import decode
from jianghua.schema import BadData, Paragraph

KINDS = dict.fromkeys((".html", ".htm", ".xhtml", ".shtml"), "html") | dict.fromkeys((".txt", ".text", ".md"), "txt")
KINDS |= {".docx": "docx", ".pdf": "pdf"}
_MARKUP = re.compile(
    r"<(html|head|body|!doctype html|title|meta|article|section|main|div|p|br|h[1-6]|ul|ol|li|pre|blockquote"
    r"|table|tr|td|center)[\s/>]",
    re.IGNORECASE,
)
_PAGE = re.compile(r"<(html|body|!doctype html)[\s/>]", re.IGNORECASE)  # Markdown may hold other tags
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_OUTPUT = ("paragraphs.jsonl", "report.json", "text")


@dataclass(frozen=True)
class Ingested:
    """A document. `raw` is the decoded text that offsets refer to; `dropped` are (start, end, reason, text)."""

    doc_id: str
    title: str
    file: str
    kind: str
    encoding: str
    raw: str
    paragraphs: list[Paragraph]
    dropped: list[tuple[int, int, str, str]]

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
                {"start": start, "end": end, "reason": reason, "text": text[:200]}
                for start, end, reason, text in self.dropped
            ],
        }


def _read(path: Path) -> tuple[str, str, str, Assembled]:
    """(kind, encoding, raw text, what was found in it) of a file."""
    kind = KINDS.get(path.suffix.lower())
    if not path.exists():
        raise BadData(f"{path}: no such file")
    if path.is_dir():
        raise BadData(f"{path}: a folder, not a file")
    if kind is None:
        ending = f"*{path.suffix}" if path.suffix else "a file without an ending"
        raise BadData(f"{path}: cannot read {ending}; it reads html, txt, docx and pdf, so save it as one of them")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise BadData(f"{path}: the file is empty")
    if kind == "docx":
        from jianghua.ingest.docx import docx_blocks

        raw, blocks, title, hidden = docx_blocks(data, str(path))
        found = assemble(blocks, title, torn=False)
        found.dropped += hidden
        return kind, "utf-8", raw, found
    if kind == "pdf":
        from jianghua.ingest.pdf import pdf_blocks

        raw, blocks, pictures = pdf_blocks(data, str(path))
        found = assemble(blocks, wrapped=False, torn=False)
        found.dropped += pictures
        return kind, "utf-8", raw, found
    raw, encoding = decode(data, str(path))
    markdown = path.suffix.lower() == ".md"
    if not (_PAGE if markdown else _MARKUP).search(raw if kind == "html" else raw[:3000]):
        return "txt", encoding, raw, assemble((markdown_blocks if markdown else line_blocks)(raw))
    from jianghua.ingest.html import html_blocks

    blocks, title, removed = html_blocks(raw)
    found = assemble(blocks, title, torn=False)
    found.dropped += removed
    return "html", encoding, raw, found


def _name_of(path: Path) -> Path:
    """The file's name; one that is not UTF-8 comes from an archive that was packed under GB18030."""
    try:
        path.name.encode()
    except UnicodeEncodeError:  # Python shows such bytes as lone surrogates
        return Path(os.fsencode(path.name).decode("gb18030", "replace"))
    return Path(path.name)


def ingest_file(path: str | Path, *, doc_id: str | None = None, source: str = "") -> Ingested:
    """Read one file. Raises `BadData` (file and reason, one line) for what cannot be read or holds no paragraph."""
    path = Path(path)
    name = _name_of(path)
    doc_id = doc_id or name.stem
    kind, encoding, raw, found = _read(path)
    if not found.paragraphs:
        raise BadData(f"{path}: no paragraph of a speech found in it")
    if not any(_HAN.search(block.text) for _, block in found.paragraphs):
        raise BadData(f"{path}: no Chinese character in it (read as {encoding}); save it as UTF-8 if it has some")
    title = found.title or name.stem
    paragraphs = [
        Paragraph(
            f"{doc_id}-{position:03d}", doc_id, position, title, section, block.text, source, block.start, block.end
        )
        for position, (section, block) in enumerate(found.paragraphs)
    ]
    # scripts and style sheets are worth a word only where a paragraph runs across them
    dropped = [
        (start, end, reason, raw[start:end])
        for start, end, reason in sorted(set(found.dropped))
        if reason != "markup" or any(p.start <= start < p.end for p in paragraphs)
    ]
    return Ingested(doc_id, title, name.name, kind, encoding, raw, paragraphs, dropped)


def _files_in(folder: Path, apart: Path | None) -> list[Path]:
    """The files of a folder and its sub-folders that are neither hidden, nor `apart`, nor written by `ingest`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    written = [path.parent for path in folder.rglob("paragraphs.jsonl") if (path.parent / "report.json").is_file()]
    own = [place / name for place in written for name in _OUTPUT]
    return [
        path
        for path in files
        # .x is hidden, ~$x is what Word leaves beside an open file
        if not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        and not any(path.is_relative_to(place) for place in own)
        and not (apart is not None and apart.exists() and path.samefile(apart))
    ]


def readable_files(inputs: Sequence[str | Path], apart: Path | None = None) -> list[Path]:
    """The files named, and those of the folders named that have a known ending, sorted by name.

    What `ingest` wrote itself and the file `apart` are not read; `BadData` for a folder with nothing to read.
    """
    files: list[Path] = []
    if not all(map(str, inputs)):
        raise BadData("a file or folder without a name; input= takes its path")
    for entry in map(Path, inputs):
        if not entry.is_dir():
            files.append(entry)
            continue
        inside = [path for path in _files_in(entry, apart) if path.suffix.lower() in KINDS]
        if not inside:
            others = unread_note([entry], apart)
            raise BadData(f"{entry}: no html, txt, docx or pdf file in this folder{others and f'; {others}'}")
        files += sorted(inside)
    return files


def unread_note(inputs: Sequence[str | Path], apart: Path | None = None) -> str:
    """How many files of the folders among `inputs` have an ending that is not read, by ending; "" if none has."""
    folders = [entry for entry in map(Path, inputs) if entry.is_dir()]
    others = [path for folder in folders for path in _files_in(folder, apart) if path.suffix.lower() not in KINDS]
    if not others:
        return ""
    kinds = Counter(f"*{path.suffix.lower()}" if path.suffix else "without an ending" for path in others)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    files, them = ("1 file", "it") if len(others) == 1 else (f"{len(others)} files", "them")
    return f"{files} not read ({told}); save {them} as docx, pdf, html or txt"


def ingest_paths(
    inputs: Sequence[str | Path], source: str = "", *, bad: list[BadData] | None = None, apart: Path | None = None
) -> list[Ingested]:
    """Read files and folders; every document gets an id of its own: the file's stem, its name, or a number behind it.

    A file that cannot be read raises `BadData` that names all such files; or, given a list `bad`, its error
    is put there and the others are returned. `apart` is a file that is not read where it stands in a folder.
    """
    documents, errors, taken = [], [], set()
    for file in readable_files(inputs, apart):
        name = _name_of(file)
        doc_id, number = name.stem, 2
        if doc_id in taken:
            doc_id = name.name
        while doc_id in taken:
            doc_id, number = f"{name.stem}~{number}", number + 1
        taken.add(doc_id)
        try:
            documents.append(ingest_file(file, doc_id=doc_id, source=source))
        except BadData as error:
            errors.append(error)
    if errors and (bad is None or not documents):
        said = "; ".join(map(str, errors))
        if len(errors) > 1:
            said = f"{len(errors)} files cannot be used: {said}"
        if documents and any(Path(entry).is_dir() for entry in inputs):
            them = "it" if len(errors) == 1 else "them"
            said += f"; ingest.py with skip_bad=true leaves {them} out; give what it writes instead"
        raise BadData(said)
    if bad is not None:
        bad += errors
    return documents


def write_ingested(documents: Sequence[Ingested], output: str | Path) -> None:
    """Write `paragraphs.jsonl`, `report.json` and, for office files, `text/DOC_ID.txt`; all or nothing."""
    output = Path(output)
    if output.is_dir() and any(p.name not in _OUTPUT for p in output.iterdir()):
        raise BadData(f"{output}: holds other files; output= takes a new folder or one that ingest made")
    try:
        with folder_atomic(output, marks=("paragraphs.jsonl",)) as folder:
            rows = (p.to_json() for document in documents for p in document.paragraphs)
            write_jsonl(folder / "paragraphs.jsonl", rows)
            report = {"documents": [document.report() for document in documents]}
            write_json(folder / "report.json", report)
            for document in documents:
                if document.kind in ("docx", "pdf"):
                    write_atomic(folder / "text" / f"{document.doc_id}.txt", document.raw)
    except OSError as error:
        raise BadData(f"{output}: cannot be written ({error.strerror})") from None
