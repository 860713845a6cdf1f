"""DOCX and PDF → text and blocks. The text is what offsets refer to; `ingest` writes it beside the paragraphs."""

import re
from collections import Counter
from pathlib import Path

from jianghua.ingest.blocks import Block, line_blocks
from jianghua.schema import BadData


def _missing(path: Path, package: str) -> BadData:
    return BadData(f"{path}: reading this kind of file needs {package}; pip install 'jianghua[ingest]'")


def docx_blocks(path: Path) -> tuple[str, list[Block], str]:
    """(text, blocks, title) of a Word file: paragraphs and table cells in order, headings by their style."""
    try:
        import docx
        from docx.table import Table
    except ImportError:
        raise _missing(path, "python-docx") from None
    try:
        document = docx.Document(str(path))
    except Exception as error:
        data = path.read_bytes()[:8]
        if not data:
            raise BadData(f"{path}: the file is empty") from None
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            raise BadData(f"{path}: encrypted, or an old .doc; save it as .docx without a password") from None
        raise BadData(f"{path}: not a Word file ({type(error).__name__}); save it as .docx again") from None
    lines: list[tuple[str, bool]] = []

    def walk(container) -> None:
        for item in container.iter_inner_content():
            if isinstance(item, Table):
                seen = set()
                for row in item.rows:
                    for cell in row.cells:
                        if cell._tc not in seen:  # a merged cell is listed once a column
                            seen.add(cell._tc)
                            walk(cell)
                continue
            style = (item.style.name or "") if item.style is not None else ""
            heading = style.lower().startswith(("heading", "标题")) or style.lower() == "title"
            # a manual line break starts a line of its own
            lines.extend((line, heading) for line in re.split(r"[\n\v]", item.text))
            lines.append(("", False))

    walk(document)
    raw = "".join(line + "\n" for line, _ in lines)
    blocks = line_blocks(raw)
    headings = {line.strip() for line, heading in lines if heading and line.strip()}
    for block in blocks:
        block.heading = raw[block.start : block.end] in headings
    if not blocks:
        raise BadData(f"{path}: no text in it; a scanned speech needs OCR first")
    title = (document.core_properties.title or "").strip()
    first = blocks[0].text
    return raw, blocks, title if title and title in first else ""


def pdf_blocks(path: Path) -> tuple[str, list[Block], str]:
    """(text, blocks, title) of a PDF's text layer, lines as they stand, running heads and page numbers left out."""
    try:
        import pymupdf
    except ImportError:
        raise _missing(path, "pymupdf") from None
    pymupdf.TOOLS.mupdf_display_errors(False)
    if path.stat().st_size == 0:
        raise BadData(f"{path}: the file is empty")
    try:
        document = pymupdf.open(path, filetype="pdf")
    except Exception:
        raise BadData(f"{path}: not a PDF, or a damaged one; save it again") from None
    if document.needs_pass:
        raise BadData(f"{path}: protected by a password; save it without one")
    pages = []
    for page in document:
        lines = []
        for block in page.get_text("dict", sort=True)["blocks"]:
            for line in block.get("lines", ()):
                text = "".join(span["text"] for span in line["spans"])
                if text.strip():
                    lines.append((line["bbox"], text))
        # spans of one printed line come apart where the font changes
        merged: list[list] = []
        for box, text in sorted(lines, key=lambda item: (round(item[0][3]), item[0][0])):
            if merged and abs(merged[-1][0][3] - box[3]) < 3 and box[0] >= merged[-1][0][2] - 2:
                merged[-1] = [(*merged[-1][0][:2], box[2], box[3]), merged[-1][1] + text]
            else:
                merged.append([box, text])
        pages.append((page.rect.height, merged))
    if not any(lines for _, lines in pages):
        raise BadData(f"{path}: no text layer, only pictures of pages; run OCR on it first")

    def shape(text: str) -> str:
        return re.sub(r"\d+", "#", "".join(text.split()))

    def marginal(box, height) -> bool:
        return box[3] < 0.1 * height or box[1] > 0.9 * height

    repeated = Counter(
        key for height, lines in pages for key in {shape(text) for box, text in lines if marginal(box, height)}
    )
    left = Counter(round(box[0]) for _, lines in pages for box, _ in lines)
    margin = min((x for x, n in left.items() if n >= 0.1 * sum(left.values())), default=0)
    out = []
    for height, lines in pages:
        previous = None
        for box, text in lines:
            running = marginal(box, height) and len(pages) > 1 and repeated[shape(text)] > len(pages) / 2
            number = marginal(box, height) and re.fullmatch(r"[-—–\s·第页共/\d]{1,12}", text.strip())
            if running or number:
                continue
            size = box[3] - box[1]
            if previous is not None and box[1] - previous > 1.2 * size:
                out.append("")
            # an indented first line is told by where it begins
            indent = "　　" if box[0] - margin > 1.2 * size and not text.startswith(("　", " ")) else ""
            out.append(indent + text.rstrip())
            previous = box[3]
    raw = "".join(line + "\n" for line in out)
    return raw, line_blocks(raw), ""
