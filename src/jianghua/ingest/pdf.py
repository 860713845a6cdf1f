"""PDF with a text layer → text and blocks. Where a printed line begins and ends tells what belongs together."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from jianghua.ingest.blocks import Block, tidy
from jianghua.ingest.lines import ends_finally
from jianghua.schema import BadData


@dataclass(slots=True)
class _Line:
    """A printed line: its box and base line on the page in points, its letters' height, its text."""

    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float
    text: str
    page: int


def _pages(data: bytes, where: str) -> tuple[list[tuple[float, list[_Line]]], list[int]]:
    """(height, lines from top to bottom) of every page, and the places of the pages that are pictures without text."""
    try:
        import pymupdf
    except ImportError:
        raise BadData(f"{where}: reading pdf needs pymupdf: pip install 'jianghua[ingest]'") from None
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        document = pymupdf.open(stream=data, filetype="pdf")
    except Exception:
        raise BadData(f"{where}: not a PDF, or a damaged one; save it again") from None
    with document:
        if document.needs_pass:
            raise BadData(f"{where}: protected by a password; save it without one")
        count = document.page_count  # before the library mends the page tree and counts anew
        if not count:
            raise BadData(f"{where}: not a PDF, or a damaged one; save it again")
        pages, pictures = [], []
        for number in range(count):
            try:
                page = document[number]
                pages.append((page.rect.height, _lines(page, number)))
                if not pages[-1][1] and page.get_images():
                    pictures.append(number)
            except Exception as error:
                at = f"page {number + 1} of {count} is damaged ({type(error).__name__})"
                raise BadData(f"{where}: {at}; save it again") from None
        return pages, pictures


def _lines(page, number: int) -> list[_Line]:
    found: list[_Line] = []
    from pymupdf import TEXTFLAGS_TEXT  # of "dict" alone, pictures would be unpacked as well

    for block in page.get_text("dict", flags=TEXTFLAGS_TEXT)["blocks"]:
        for line in block.get("lines", ()):
            text = "".join(span["text"] for span in line["spans"])
            if text.strip():
                widest = max(line["spans"], key=lambda span: span["size"] * len(span["text"].strip()))
                found.append(_Line(*line["bbox"], widest["origin"][1], widest["size"], text, number))
    found.sort(key=lambda line: (line.base, line.left))
    lines: list[_Line] = []
    for line in found:
        last = lines[-1] if lines else None
        # a printed line comes in pieces where the font changes
        if last and abs(last.base - line.base) < 0.5 * line.size:
            first, second = sorted((last, line), key=lambda piece: piece.left)
            space = " " if second.left - first.right > 0.2 * line.size else ""
            lines[-1] = _Line(
                first.left,
                min(last.top, line.top),
                max(last.right, line.right),
                max(last.bottom, line.bottom),
                last.base,
                max(last.size, line.size),
                first.text + space + second.text,
                number,
            )
        else:
            lines.append(line)
    return lines


def _running(pages: list[tuple[float, list[_Line]]]) -> set[int]:
    """Ids of the lines that are running heads, feet and page numbers."""

    def shape(text: str) -> str:
        return re.sub(r"\d+", "#", "".join(text.split()))

    def outer(line: _Line, height: float) -> bool:
        return line.bottom < 0.12 * height or line.top > 0.88 * height

    seen = Counter(key for height, lines in pages for key in {shape(x.text) for x in lines if outer(x, height)})
    return {
        id(line)
        for height, lines in pages
        for line in lines
        if outer(line, height)
        and (
            (len(pages) > 1 and seen[shape(line.text)] >= max(2, 0.4 * len(pages)))
            or re.fullmatch(r"[-—–―\s·•第页共/|\d]{1,14}|Page\s*\d+.{0,8}", line.text.strip(), re.IGNORECASE)
        )
    }


@dataclass(frozen=True, slots=True)
class _Layout:
    """What most lines share: letters' size, left and right margin, distance from line to line, in points."""

    size: float
    left: float
    right: float
    step: float

    def indents(self, line: _Line) -> bool:
        return line.left - self.left > 1.2 * line.size

    def sets_apart(self, last: _Line, line: _Line) -> bool:
        return last.page == line.page and line.base - last.base > self.step + 0.35 * line.size

    def goes_on(self, last: _Line, line: _Line) -> bool:
        """Whether `line` continues the paragraph, or the title, that `last` is the latest line of."""
        large = line.size > self.size + 1.5 and abs(last.size - line.size) < 0.5
        if large and last.page == line.page and line.base - last.base < 2.2 * line.size:
            return True
        # a line that was wrapped by count falls short by its digits
        short = (2 if ends_finally(last.text.strip()) else 6) * line.size
        full = last.right > self.right - short and last.left - self.left < 4 * line.size
        indented = self.indents(line) or line.text[0].isspace()
        return full and not indented and not self.sets_apart(last, line) and abs(last.size - line.size) < 1.5


def _layout(lines: list[_Line]) -> _Layout:
    size = Counter(round(line.size) for line in lines for _ in line.text).most_common(1)[0][0]
    body = [line for line in lines if abs(line.size - size) < 1.5]
    steps = Counter(round(b.base - a.base) for a, b in pairwise(body) if a.page == b.page and b.base > a.base)
    return _Layout(
        size,
        _margin([line.left for line in body], low=True),
        _margin([line.right for line in body], low=False),
        steps.most_common(1)[0][0] if steps else float("inf"),
    )


def pdf_blocks(data: bytes, where: str) -> tuple[str, list[Block], list[tuple[int, int, str]]]:
    """(text, blocks, what has none) of a PDF: printed lines joined to paragraphs, running heads and page numbers marked
    hidden; a page that is a picture is named where it would stand.

    A line goes on with the paragraph above it when that reaches the right margin and it is not indented
    itself, nor set off by space, nor of another size; page breaks make no difference.
    """
    pages, pictures = _pages(data, where)
    if not any(lines for _, lines in pages):
        raise BadData(f"{where}: no text layer, only pictures of pages; run OCR on it first")
    running = _running(pages)
    lines = [line for _, inside in pages for line in inside]
    text_lines = [line for line in lines if id(line) not in running]
    if not text_lines:
        raise BadData(f"{where}: no text but page numbers and running heads; run OCR on it first")
    layout = _layout(text_lines)
    raw, place = [], 0
    blocks: list[Block] = []
    last: tuple[_Line, Block] | None = None
    for line in lines:
        text = line.text + "\n"
        block = tidy(text, list(range(place, place + len(text))), list(range(place + 1, place + len(text) + 1)))
        place += len(text)
        raw.append(text)
        if block is None:
            continue
        if id(line) in running:
            block.hidden = "running head"
            blocks.append(block)
            continue
        if last and layout.goes_on(last[0], line):
            last[1].absorb(block)
            last = line, last[1]
            continue
        block.gap = int(bool(last) and layout.sets_apart(last[0], line))
        block.indent = block.indent or layout.indents(line)
        blocks.append(block)
        last = line, block
    lost = []
    for number in pictures:
        at = sum(len(line.text) + 1 for line in lines if line.page < number)
        lost.append((at, at, f"page {number + 1} is a picture without text"))
    return "".join(raw), blocks, lost


def _margin(edges: list[float], *, low: bool) -> float:
    """The outermost edge that at least a tenth of the lines share."""
    rounded = Counter(round(edge / 2) * 2 for edge in edges)
    shared = [edge for edge in rounded if sum(rounded[edge + d] for d in (-2, 0, 2)) >= 0.1 * len(edges)]
    if not shared:
        return min(edges) if low else max(edges)
    return min(shared) if low else max(shared)
