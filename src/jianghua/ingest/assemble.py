"""Blocks → title, headings and paragraphs: what is furniture goes, what was torn apart is joined."""

import itertools
import re
from collections.abc import Sequence

from jianghua.ingest.blocks import Block
from jianghua.ingest.furniture import cut_inside, ends_the_text, reason_to_drop

FINAL = '。！？；：…”’）」』】》!?;:)"'
_CONTINUES = "，。、；：！？》”’）」』】,.;:!?)%％"
_OPENS = "“‘（《〈「『【(〔"
_NUMERAL = "一二三四五六七八九十百"
_ENUMERATED = re.compile(
    rf"^(第[{_NUMERAL}\d]+(部分|章|节|编|讲|方面|个方面)?([、，,.．:：\s]|$)|[{_NUMERAL}]+[、.．,，]|[（(][{_NUMERAL}\d]+[)）]|\d{{1,2}}[、.．]|[{_NUMERAL}]{{1,2}}$)"
)
_TITLE_LABEL = re.compile(r"^(标题|题目)[:：]")
_SITE_SUFFIX = re.compile(r"\s*([_|–—]|\s-\s|-(?=[^-]{2,12}(网|站|库|文秘|范文)))[^_|–—]{0,40}$")
_BULLET = re.compile(r"^[•·●◆■▪○▶►※*-]+\s*")


class Assembled:
    """Title, paragraphs as (section, block), and dropped stretches (start, end, reason) of one document."""

    def __init__(self) -> None:
        self.title = ""
        self.paragraphs: list[tuple[str, Block]] = []
        self.dropped: list[tuple[int, int, str]] = []

    def drop(self, block: Block, reason: str) -> None:
        self.dropped.append((block.start, block.end, reason))


def ends_finally(text: str) -> bool:
    return text[-1] in FINAL


def unwrap(blocks: Sequence[Block]) -> list[Block]:
    """Lines that an editor broke at a fixed width, joined back; other texts are returned as they are.

    A text counts as hard-wrapped when more than half of its lines end without punctuation at nearly the
    greatest width. A full line is joined to the next unless that is indented or stands after an empty line.
    """
    widths = [len(block.text) + 2 * block.indent for block in blocks]
    if len(widths) < 4:
        return list(blocks)
    # a few over-long lines (a title, an address) must not hide the width
    width = sorted(widths)[int(len(widths) * 0.9)]
    full = [w >= width - 4 for w in widths]
    broken = sum(f and not ends_finally(b.text) for f, b in zip(full, blocks, strict=True))
    if not 12 <= width <= 90 or broken < 0.4 * len(blocks):
        return list(blocks)
    joined: list[Block] = []
    for i, block in enumerate(blocks):
        if i and full[i - 1] and block.gap == 0 and not block.indent and not _ENUMERATED.match(block.text):
            joined[-1].absorb(block)
        else:
            joined.append(block)
    return joined


def mend_lines(blocks: Sequence[Block]) -> list[Block]:
    """Where paragraphs stand between empty lines, a single line break is a torn place (a link stood there)."""
    spaced = [block for block in blocks if block.gap > 0]
    if len(spaced) <= len(blocks) / 2 or len(blocks) < 3:
        return list(blocks)
    mended: list[Block] = []
    for block in blocks:
        previous = mended[-1] if mended else None
        if previous is None or block.gap > 0 or block.heading or _stands_alone(previous, block):
            mended.append(block)
        else:
            previous.absorb(block)
    return mended


def _stands_alone(previous: Block, block: Block) -> bool:
    """Whether two neighbouring lines are two things for all that no empty line is between them."""
    if block.text[0] in _CONTINUES or previous.text[-1] in _OPENS:
        return False
    if not ends_finally(previous.text) and (block.text.isdigit() or len(previous.text) > 60):
        return False
    if _TITLE_LABEL.match(previous.text) or _TITLE_LABEL.match(block.text) or _BULLET.match(block.text):
        return True
    return bool(reason_to_drop(block) or reason_to_drop(previous) or ends_the_text(previous) or ends_the_text(block))


def _is_heading(block: Block, previous_final: bool, torn: bool) -> bool:
    """A heading says what follows and ends without punctuation; `torn`: the next line goes on with it."""
    text = block.text
    if len(text) > 60 or text[-1] in "。！？；，、：…,;:!?" + _OPENS:
        return False
    if block.heading:
        return True
    if _ENUMERATED.match(text):
        return len(text) <= 45
    if text[-1] in "”）)》】":
        return False if torn else len(text) <= 30 and previous_final
    return len(text) <= 30 and previous_final and not torn and text[0] not in _CONTINUES


def assemble(blocks: Sequence[Block], title: str = "") -> Assembled:
    """Judge the blocks of one document, in order. `title` is what the file itself says, if it does."""
    result = Assembled()
    body: list[Block] = []
    in_links = False
    blocks = mend_lines(unwrap([block for block in blocks if not _drop_hidden(block, result)]))
    for index, block in enumerate(blocks):
        if reason := ends_the_text(block):
            for rest in blocks[index:]:
                result.drop(rest, reason)
            break
        bullet = _BULLET.match(block.text)
        sentence = bool(re.search("[。！？；]", block.text)) and len(block.text) > 20
        if in_links and not sentence and len(block.text) <= 70 and not block.heading:
            result.drop(block, "related links")
            continue
        if in_links and bullet and bullet.end() < len(block.text):  # speech glued to the last bullet
            block.cut(0, bullet.end(), "related links")
        in_links = False
        if label := _TITLE_LABEL.match(block.text):
            title = title or block.text[label.end() :]
            result.drop(block, "repeated title")
            continue
        if reason := reason_to_drop(block):
            result.drop(block, reason)
            in_links = reason == "related links"
            continue
        if block.link and not sentence:
            result.drop(block, "link")
            continue
        last = block.end
        cut_inside(block)
        result.dropped += block.dropped
        if not block.text:
            continue
        block.broken = any(end == last and reason == "truncation notice" for _, end, reason in block.dropped)
        body.append(block)
    result.title = _SITE_SUFFIX.sub("", title) if title else ""
    _front_matter(body, result)
    _paragraphs(body, result)
    return result


def _drop_hidden(block: Block, result: Assembled) -> bool:
    if block.hidden:
        result.drop(block, block.hidden)
    return bool(block.hidden)


def _front_matter(body: list[Block], result: Assembled) -> None:
    """Take title lines, dates and names off the head of the text, and repeated titles out of it."""
    taken = 0
    for block, following in itertools.pairwise(body):
        text = block.text
        if len(text) > 60 or text[-1] in "。；，：:" + _OPENS or _ENUMERATED.match(text) or re.search("[。；]", text):
            break
        if following.text[0] in _CONTINUES or (ends_finally(text) and text[-1] not in "）)》”！？"):
            break
        # under the title: subtitles and names; the last such line before the first paragraph may be a section
        if (result.title or taken) and len(text) > 12 and text[0] not in "—―（(" and ends_finally(following.text):
            break
        if result.title and not taken and block.heading and re.sub(r"\W", "", text) != re.sub(r"\W", "", result.title):
            break
        taken += 1
    for block in body[:taken]:
        result.drop(block, "dateline" if result.title else "title")
        result.title = result.title or block.text
    del body[:taken]
    bare = re.sub(r"\W", "", result.title)
    for block in [block for block in body if bare and re.sub(r"\W", "", block.text) == bare]:
        result.drop(block, "repeated title")
        body.remove(block)


def _paragraphs(body: list[Block], result: Assembled) -> None:
    section = ""
    spaced = sum(block.gap > 0 for block in body) > len(body) / 2
    open_block: Block | None = None  # the paragraph that may go on
    for index, block in enumerate(body):
        following = body[index + 1] if index + 1 < len(body) else None
        previous_final = open_block is None or ends_finally(open_block.text)
        if open_block is not None and _goes_on(open_block, block, previous_final):
            open_block.absorb(block)
            open_block.broken = block.broken
            continue
        torn = following is not None and (following.text[0] in _CONTINUES or (spaced and following.gap == 0))
        if _is_heading(block, previous_final, torn):
            section = block.text
            result.drop(block, "heading")
            open_block = None
            continue
        result.paragraphs.append((section, block))
        open_block = block


def _goes_on(previous: Block, block: Block, previous_final: bool) -> bool:
    """Whether `block` is the rest of the paragraph `previous`, torn off by a link or a page break."""
    if previous.broken or block.heading:
        return False
    if block.text[0] in _CONTINUES or previous.text[-1] in _OPENS:
        return True
    if previous_final or _ENUMERATED.match(block.text):
        return False
    return block.gap == 0 or len(previous.text) > 30
