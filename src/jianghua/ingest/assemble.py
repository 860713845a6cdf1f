"""Blocks → title, headings and paragraphs: what is furniture goes, what was torn apart is joined."""

import itertools
import re
from collections.abc import Sequence

from jianghua.ingest.blocks import Block
from jianghua.ingest.furniture import cut_inside, ends_the_text, reason_to_drop
from jianghua.ingest.lines import BULLET, CONTINUES, ENUMERATED, OPENS, TITLE_LABEL, ends_finally, mend_lines, unwrap

_SITE_SUFFIX = re.compile(r"\s*([_|–—]|\s-\s|-(?=[^-]{2,12}(网|站|库|文秘|范文)))[^_|–—]{0,40}$")
_FILE_ENDING = re.compile(r"\.(docx?|wps|pdf|txt|pptx?)$", re.IGNORECASE)  # sites of documents call pages so

_TITLE_TAIL = re.compile(r"^(会议?|大会)?上?的(重要)?(讲话|讲话稿|报告|致辞|发言)$")


class Assembled:
    """Title, paragraphs as (section, block), and dropped stretches (start, end, reason) of one document."""

    def __init__(self) -> None:
        self.title = ""
        self.paragraphs: list[tuple[str, Block]] = []
        self.dropped: list[tuple[int, int, str]] = []

    def drop(self, block: Block, reason: str) -> None:
        self.dropped.append((block.start, block.end, reason))
        self.dropped += block.dropped


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text)


def _sentence(text: str) -> bool:
    return len(text) > 20 and bool(re.search("[。！？；]", text))


def assemble(blocks: Sequence[Block], title: str = "", *, wrapped: bool = True, torn: bool = True) -> Assembled:
    """Judge the blocks of one document, in order. `title` is what the file itself says, if it does.

    `wrapped`: a block may be a line of a hard-wrapped text; `torn`: a line may end where a link stood.
    """
    result = Assembled()
    seen = [block for block in blocks if not block.hidden]
    for block in blocks:
        if block.hidden:
            result.drop(block, block.hidden)
    if wrapped:
        seen = unwrap(seen)
    if torn:
        seen = mend_lines(seen)
    title, body = _without_furniture(seen, title, result)
    result.title = _FILE_ENDING.sub("", _SITE_SUFFIX.sub("", title)) if title else ""
    _front_matter(body, result)
    _paragraphs(body, result, torn)
    return result


def _without_furniture(blocks: Sequence[Block], title: str, result: Assembled) -> tuple[str, list[Block]]:
    """The title, as far as it is known, and the blocks that are left when furniture is gone."""
    body: list[Block] = []
    in_links = False
    for index, block in enumerate(blocks):
        if reason := ends_the_text(block):
            for rest in blocks[index:]:
                result.drop(rest, reason)
            break
        bullet = BULLET.match(block.text)
        sentence = _sentence(block.text)
        section = block.heading or (ENUMERATED.match(block.text) and not bullet and not block.link)
        if in_links and not sentence and len(block.text) <= 70 and not section:
            result.drop(block, "related links")
            continue
        if in_links and bullet and bullet.end() < len(block.text):  # speech glued to the last bullet
            block.cut(0, bullet.end(), "related links")
        in_links = False
        if label := TITLE_LABEL.match(block.text):
            title = title or block.text[label.end() :]
            result.drop(block, "repeated title")
            continue
        last = block.end
        # first the notices, for their words (“members read all of it”) would make the line an advertisement
        cut_inside(block, "truncation notice")
        block.broken = any(end == last for _, end, _ in block.dropped)
        reason = reason_to_drop(block) if block.text else None
        if reason:
            result.drop(block, reason)
            in_links = reason == "related links"
            continue
        if block.text and block.link and not sentence:
            result.drop(block, "link")
            continue
        cut_inside(block)
        if not block.text:
            result.dropped += block.dropped
            continue
        body.append(block)
    return title, body


def _front_matter(body: list[Block], result: Assembled) -> None:
    """Take title lines, dates and names off the head of the text, and repeated titles out of it."""
    bare = _bare(result.title)
    at = next((i for i, block in enumerate(body) if bare and _bare(block.text) == bare), 0)
    if not any(_sentence(block.text) for block in body[:at]):
        for block in body[:at]:
            result.drop(block, "page head")
        del body[:at]
    taken = 0
    for block, following in itertools.pairwise(body):
        text = block.text
        if len(text) > 60 or text[-1] in "。；，：:" + OPENS or ENUMERATED.match(text) or re.search("[。；]", text):
            break
        if following.text[0] in CONTINUES or (ends_finally(text) and text[-1] not in "）)》】”！？"):
            break
        # under the title: subtitles and names; the last such line before the first paragraph may be a section
        if (result.title or taken) and len(text) > 12 and text[0] not in "—―（(" and ends_finally(following.text):
            break
        if result.title and not taken and block.heading and _bare(text) != bare:
            break
        taken += 1
    for block in body[:taken]:
        again = bare and _bare(block.text) == bare
        result.drop(block, "repeated title" if again else "dateline" if result.title else "title")
        if _TITLE_TAIL.match(block.text) and not bare and result.title == body[0].text:
            result.title += block.text  # a title in two lines
        result.title = result.title or block.text
    del body[:taken]
    result.title = re.sub(r"^【([^【】]+)】$", r"\1", result.title)
    bare = _bare(result.title)
    for block in [block for block in body if bare and _bare(block.text) == bare]:
        result.drop(block, "repeated title")
        body.remove(block)


def _paragraphs(body: list[Block], result: Assembled, torn_lines: bool) -> None:
    section = ""
    spaced = torn_lines and sum(block.gap > 0 for block in body) > len(body) / 2
    open_block: Block | None = None  # the paragraph that may go on
    headings: list[Block] = []  # since the last paragraph
    for index, block in enumerate(body):
        following = body[index + 1] if index + 1 < len(body) else None
        previous_final = open_block is None or ends_finally(open_block.text)
        if open_block is not None and _goes_on(open_block, block, previous_final):
            open_block.absorb(block)
            open_block.broken = block.broken
            continue
        torn = following is not None and (following.text[0] in CONTINUES or (spaced and following.gap == 0))
        if _is_heading(block, previous_final, torn):
            section = block.text
            headings.append(block)
            open_block = None
            continue
        for heading in headings:
            result.drop(heading, "heading")
        headings = []
        result.paragraphs.append((section, block))
        open_block = block
    for heading in headings:  # nothing stands under it: a signature, a date, the foot of the page
        result.drop(heading, "page foot")
    for _, block in result.paragraphs:
        result.dropped += block.dropped


def _is_heading(block: Block, previous_final: bool, torn: bool) -> bool:
    """A heading says what follows and ends without punctuation; `torn`: the next line goes on with it."""
    text = block.text
    if len(text) > 60 or text[-1] in "。！？；，、：…,;:!?" + OPENS or block.broken:
        return False
    if block.heading:
        return True
    if ENUMERATED.match(text):
        return len(text) <= 45
    if text[-1] in "”）)》】":
        return False if torn else len(text) <= 30 and previous_final
    return len(text) <= 30 and previous_final and not torn and text[0] not in CONTINUES


def _goes_on(previous: Block, block: Block, previous_final: bool) -> bool:
    """Whether `block` is the rest of the paragraph `previous`, torn off by a link or a page break."""
    if previous.broken or block.heading:
        return False
    if block.text[0] in CONTINUES or previous.text[-1] in OPENS:
        return True
    if previous_final or ENUMERATED.match(block.text):
        return False
    return block.gap == 0 or (len(previous.text) > 30 and bool(re.search("[，。；、：,;:]", previous.text)))
