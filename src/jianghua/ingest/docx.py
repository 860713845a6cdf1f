"""DOCX → text and blocks. The text is what offsets refer to; `ingest` writes it beside the paragraphs."""

import re
from io import BytesIO

from jianghua.ingest.blocks import Block, line_blocks
from jianghua.schema import BadData

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says a text box a second time
_SKIPPED = {f"{_W}del", f"{_W}moveFrom", f"{_W}rt", _FALLBACK}  # deleted by a tracked change, or pinyin
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def _open(data: bytes, where: str) -> tuple:
    """(body, styles, title) of a Word file, the first two as XML elements; what the library trips over is refused."""
    try:
        import docx
    except ImportError:
        raise BadData(f"{where}: reading docx needs python-docx: pip install 'jianghua[ingest]'") from None
    if data.startswith(_OLD_OFFICE):
        raise BadData(f"{where}: protected by a password, or an old .doc; save it as .docx without a password")
    try:
        document = docx.Document(BytesIO(data))
        body, styles, title = document.element.body, document.styles.element, document.core_properties.title
    except Exception as error:
        raise BadData(f"{where}: not a Word file or a damaged one ({type(error).__name__}); save it again") from None
    if body is None:
        raise BadData(f"{where}: a Word file without a body, so a damaged one; save it again")
    return body, styles, title


def _is_hidden(run) -> bool:
    """Hidden by a run's own format: `w:vanish`, or white letters on no ground."""
    format_ = run.find(f"{_W}rPr")
    if format_ is None:
        return False
    vanish = format_.find(f"{_W}vanish")
    if vanish is not None and vanish.get(f"{_W}val") not in ("0", "false"):
        return True
    color = format_.find(f"{_W}color")
    ground = format_.find(f"{_W}shd") is not None or format_.find(f"{_W}highlight") is not None
    return color is not None and (color.get(f"{_W}val") or "").upper() == "FFFFFF" and not ground


def _pieces(element):
    """(text, run) of a paragraph in reading order, without the paragraphs of text boxes inside it."""
    for child in element:
        if child.tag in _SKIPPED or child.tag == f"{_W}p":
            continue
        if child.tag == f"{_W}t":
            yield child.text or "", element
        elif child.tag == f"{_W}noBreakHyphen":
            yield "-", element
        elif child.tag in (f"{_W}br", f"{_W}cr"):
            yield "\n", element
        elif child.tag == f"{_W}tab":
            if element.tag == f"{_W}r":
                yield "\t", element
        else:
            yield from _pieces(child)


def _paragraphs(element):
    """All paragraphs below an element, in tables, content controls and text boxes too, in document order."""
    for child in element:
        if child.tag in _SKIPPED:
            continue
        if child.tag == f"{_W}p":
            yield child
        yield from _paragraphs(child)


def _rows_of_figures(body) -> set:
    """The paragraphs of table rows in which no cell holds a sentence; a row of one cell may be a title or a heading."""
    found = set()
    for row in body.iter(f"{_W}tr"):
        inside = list(row.iter(f"{_W}p"))
        texts = ["".join(text for text, _ in _pieces(paragraph)).strip() for paragraph in inside]
        sentence = any(len(text) > 30 or re.search("[。！？；]", text) for text in texts)
        if not sentence and len(row.findall(f"{_W}tc")) > 1:
            found.update(inside)
    return found


def _heading_styles(element) -> set[str]:
    """Ids of the styles that head: by name, by outline level, or by what they are based on."""
    found: set[str] = set()
    styles = {s.get(f"{_W}styleId"): s for s in element.iter(f"{_W}style")}
    for style_id, style in styles.items():
        seen: set[str] = set()
        current = style
        while current is not None and id(current) not in seen:
            seen.add(id(current))
            name = current.find(f"{_W}name")
            called = "" if name is None else (name.get(f"{_W}val") or "").lower()
            level = current.find(f"{_W}pPr/{_W}outlineLvl")
            if (
                called == "title"
                or called.startswith(("heading", "标题"))
                or (level is not None and level.get(f"{_W}val") != "9")
            ):
                found.add(style_id)
                break
            based = current.find(f"{_W}basedOn")
            current = None if based is None else styles.get(based.get(f"{_W}val"))
    return found


def docx_blocks(data: bytes, where: str) -> tuple[str, list[Block], str, list[tuple[int, int, str]]]:
    """(text, blocks, title, hidden stretches) of a Word file, paragraphs in order.

    Headers, footers, footnotes and tracked deletions are no part of the text. A manual line break starts a
    new line of it, as the end of a paragraph does. Table rows that hold figures or names alone are hidden blocks.
    """
    body, styles_element, title = _open(data, where)
    styles = _heading_styles(styles_element)
    raw: list[str] = []
    hidden: list[tuple[int, int, str]] = []
    heads: list[tuple[int, int, bool]] = []  # start, end, whether all of it is bold and not said to be a heading
    figures, cells = _rows_of_figures(body), []
    place = 0
    for paragraph in _paragraphs(body):
        start, bold, size = place, 0, 0
        for text, run in _pieces(paragraph):
            if text.strip() and _is_hidden(run):
                hidden.append((place, place + len(text), "hidden text"))
            elif text.strip():
                weight = run.find(f"{_W}rPr/{_W}b")
                bold += len(text) * (weight is not None and weight.get(f"{_W}val") not in ("0", "false"))
                size += len(text)
            raw.append(text)
            place += len(text)
        raw.append("\n")
        place += 1
        if paragraph in figures:
            cells.append((start, place))
            continue
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        level = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        if (style is not None and style.get(f"{_W}val") in styles) or (
            level is not None and level.get(f"{_W}val") != "9"
        ):
            heads.append((start, place, False))
        elif size and bold == size:
            heads.append((start, place, True))
    text = "".join(raw)
    blocks = _without(line_blocks(text), hidden)
    if not blocks:
        raise BadData(f"{where}: no text in it; pictures of pages need OCR first")
    bold_share = sum(end - start for start, end, is_bold in heads if is_bold) / len(text)
    for block in blocks:
        if any(start <= block.start < end for start, end in cells):
            block.hidden = "table cell"
        for start, end, is_bold in heads:
            if start <= block.start < end and (not is_bold or (len(block.text) <= 45 and bold_share < 1 / 3)):
                block.heading = True
    title = re.sub(r"\s+", " ", title or "").strip()
    # the property is often what the template was called: the first lines of the text decide
    return text, blocks, title if any(title and title in block.text for block in blocks[:3]) else "", hidden


def _without(blocks: list[Block], hidden: list[tuple[int, int, str]]) -> list[Block]:
    """The blocks less the characters that stand in hidden stretches."""
    gone = {place for start, end, _ in hidden for place in range(start, end)}
    for block in blocks:
        kept = [i for i, place in enumerate(block.starts) if place not in gone]
        if len(kept) < len(block.text):
            block.text = "".join(block.text[i] for i in kept)
            block.starts, block.ends = [block.starts[i] for i in kept], [block.ends[i] for i in kept]
    return [block for block in blocks if block.text]
