"""Lines that belong together, joined: text an editor broke at a fixed width, and text a link tore apart."""

import re
from collections.abc import Sequence

from jianghua.ingest.blocks import Block
from jianghua.ingest.furniture import ends_the_text, reason_to_drop

FINAL = '。！？；：…”’）」』】》!?;:)"'
_FULL_STOP = re.compile(r"[\u3400-\u9fff％%》）)”’][.．]$")
CONTINUES = "，。、；：！？》”’）」』】,.;:!?)%％"
OPENS = "“‘（《〈「『【(〔"
_NUMERAL = "一二三四五六七八九十百"
ENUMERATED = re.compile(
    rf"^(第[{_NUMERAL}\d]+(部分|章|节|编|讲|方面|个方面)?([、，,.．:：\s]|$)|[{_NUMERAL}]+[、.．,，]"
    rf"|[（(][{_NUMERAL}\d]+[)）]|\d{{1,2}}([、．]|\.(?!\d))|[{_NUMERAL}]{{1,2}}$)"
)
TITLE_LABEL = re.compile(r"^(原?标题|题目|转发)[:：]")
_TITLE = re.compile(r"^.{4,50}(讲话|讲话稿|报告|致辞|发言|主持词)$")
BULLET = re.compile(r"^[•·●◆■▪○▶►※*-]+\s*")


def ends_finally(text: str) -> bool:
    """Whether a line ends as a sentence does; a half-width full stop counts after a Chinese character."""
    return text[-1] in FINAL or bool(_FULL_STOP.search(text[-2:]))


_WIDE = re.compile("[\u2001-\U0010ffff]")


def _columns(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))


def _fullness(widths: list[int], unit: int) -> tuple[list[bool], int]:
    """Which lines reach the right margin (within four Chinese characters), and where it is; -1 if nowhere."""
    # a few over-long lines (a title, an address) must not hide the width
    width = sorted(widths)[int(len(widths) * 0.9)]
    if not 12 * unit <= width <= 90 * unit:
        return [False] * len(widths), -1
    return [w >= width - 4 * unit for w in widths], width


def unwrap(blocks: Sequence[Block]) -> list[Block]:
    """Lines that an editor broke at a fixed width, joined back; other texts are returned as they are.

    A text counts as hard-wrapped when two lines of five end without punctuation at nearly the greatest
    width, by characters or by columns. A full line is joined to the next unless that is indented or
    stands after an empty line; furniture between the two is stepped over.
    """
    if len(blocks) < 4:
        return list(blocks)
    best: tuple[int, list[bool], list[bool]] = (0, [], [])
    for unit, measure in ((1, len), (2, _columns)):
        widths = [measure(block.text) + 2 * unit * block.indent for block in blocks]
        full, width = _fullness(widths, unit)
        broken = sum(f and not ends_finally(b.text) for f, b in zip(full, blocks, strict=True))
        if broken > best[0]:
            best = (broken, full, [w >= width - unit for w in widths])
    broken, full, brim = best
    if broken < 0.4 * len(blocks):
        return list(blocks)
    # without indents and empty lines only the end of a sentence can tell where a paragraph ends
    marked = sum(block.indent or block.gap > 0 for block in blocks[1:]) > 0.03 * len(blocks)
    joined: list[Block] = []
    last: Block | None = None
    goes_on = False
    for i, block in enumerate(blocks):
        # a number at the head of a line begins a point only where a sentence has ended
        point = last is not None and ends_finally(last.text) and ENUMERATED.match(block.text)
        alone = block.indent or block.gap > 0 or point
        if last is not None and goes_on and not alone and not (not marked and block.heading):
            if not full[i] and reason_to_drop(block):  # a full line that speaks of a QR code is the speech
                joined.append(block)
                continue
            last.absorb(block)
        else:
            joined.append(block)
            last = block
        goes_on = full[i] and (marked or brim[i] or not ends_finally(block.text))
    return joined


def mend_lines(blocks: Sequence[Block]) -> list[Block]:
    """Where paragraphs stand between empty lines, a single line break is a torn place (a link stood there)."""
    spaced = [block for block in blocks if block.gap > 0]
    if len(spaced) <= len(blocks) / 2 or len(blocks) < 3:
        return list(blocks)
    mended: list[Block] = []
    text: Block | None = None  # the last line that is neither a pager nor an advertisement
    for block in blocks:
        previous = mended[-1] if mended else None
        # a bare number is a torn index, as in M₂, more often than a page's
        inserted = reason_to_drop(block) in ("pager", "advertisement") and not block.text.isdigit()
        if previous is None or block.gap > 0 or block.heading or inserted:
            mended.append(block)
        elif previous is not text and text is not None and block.text[0] in CONTINUES:
            text.absorb(block)
        elif _stands_alone(previous, block):
            mended.append(block)
        else:
            previous.absorb(block)
        if not inserted and mended[-1] is block:
            text = block
    return mended


def _stands_alone(previous: Block, block: Block) -> bool:
    """Whether two neighbouring lines are two things for all that no empty line is between them."""
    if block.text[0] in CONTINUES or previous.text[-1] in OPENS:
        return False
    if not ends_finally(previous.text) and (block.text.isdigit() or len(previous.text) > 60):
        return False
    if TITLE_LABEL.match(previous.text) or TITLE_LABEL.match(block.text) or BULLET.match(block.text):
        return True
    if _TITLE.search(previous.text):  # a name stands under it
        return True
    if block.indent and ends_finally(previous.text):
        return True
    return bool(reason_to_drop(block) or reason_to_drop(previous) or ends_the_text(previous) or ends_the_text(block))
