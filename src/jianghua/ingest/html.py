"""HTML source → blocks whose characters know their place in the source.

The standard library's tokenizer is used for the one thing that tree builders throw away: where in
the source a character stood. It tells blocks apart and marks what is hidden, a link or a heading;
what is the speech is decided in `assemble` and `furniture`, as for every other kind of file.
"""

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

from jianghua.ingest.blocks import Block, tidy
from jianghua.ingest.lines import ENUMERATED
from jianghua.ingest.markup import SILENT, is_hidden, named_furniture

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption "  # noqa: SIM905
    "figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main menu nav ol p pre section "
    "summary table tbody td tfoot th thead title tr ul".split()
)
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_IN_HEAD = frozenset(("base", "link", "meta", "noscript", "script", "style", "template", "title"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
# a start tag ends these open elements, unless one of the second set stands between (their end tags are optional)
_ENDS = {
    "li": ({"li"}, {"ul", "ol", "menu", "dir"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr"}, {"table"}),
    "td": ({"td", "th"}, {"tr", "table"}),
    "th": ({"td", "th"}, {"tr", "table"}),
    "body": ({"head"}, set()),
}
_CELLS = frozenset(("td", "th", "table"))
_META_TITLES = frozenset(("articletitle", "og:title", "title"))
_SITE = re.compile(r"(网|网站|政府|文库|频道|平台|门户|首页|栏目|论坛|文档)$")
_BOLD = re.compile(r"font-weight\s*:\s*(bold|[6-9]00)", re.I)


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element, and what it hands down to the text inside it."""

    tag: str
    reason: str = ""  # why the text is no speech
    removed: bool = False  # hidden or inline: taken out of its line; otherwise a block of its own
    link: bool = False
    heading: bool = False
    bold: bool = False
    pre: bool = False
    root: int = -1  # where the outermost element around it that is no speech begins


class _Collector(HTMLParser):
    def __init__(self, raw: str, believed: frozenset[int] = frozenset()):
        super().__init__(convert_charrefs=False)
        self.raw = raw
        self.lines = [0, *(match.end() for match in re.finditer("\n", raw))]
        self.believed = believed  # where elements begin that are the text whatever their markup says
        self.sizes: dict[int, int] = {}  # running text in an element that is no speech, by its root
        sheets = " ".join(re.findall(r"(?is)<style[^>]*>(.*?)</style>", raw))
        # what is hidden in print or on a small screen is not hidden
        sheets = re.sub(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", " ", sheets)
        self.hidden_names = {
            name
            for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", sheets)
            if is_hidden(rules)
            for name in re.findall(r"[.#]([\w-]+)\s*(?:,|$)", selectors.strip())
        }
        self.stack: list[_Element] = [_Element("")]
        self.open: Counter[str] = Counter()  # elements of each name in it: a deep page is not searched at every tag
        self.blocks: list[Block] = []
        self.removed: list[tuple[int, int, str]] = []
        self.page_title = self.meta_title = ""
        self.gap = 1
        self._clear()

    def _clear(self) -> None:
        self.text: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.linked = self.headed = self.bold = 0

    def _place(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def flush(self, gap: int = 1) -> None:
        """End the block that is open; `gap` borders or line breaks stand after it."""
        text = "".join(self.text)
        block = tidy(text, self.starts, self.ends)
        if block is None:
            self.gap = max(self.gap, 1)
        else:
            count = sum(not c.isspace() for c in text)
            block.gap = self.gap
            block.link = self.linked >= 0.8 * count
            block.heading = self.headed >= 0.8 * count
            block.bold = self.bold >= count
            within = self.stack[-1]
            if within.reason and not within.removed:
                block.hidden = within.reason
                self.sizes[within.root] = self.sizes.get(within.root, 0) + _sentence_size(block.text)
            self.blocks.append(block)
            self.gap = gap
        self._clear()

    def _close(self, first: int, end: int | None = None) -> None:
        """Take the elements at depths `first` to `end` off the stack."""
        self.open.subtract(element.tag for element in self.stack[first:end])
        del self.stack[first:end]

    def _end_open(self, tags: set[str], walls: set[str]) -> None:
        if not any(self.open[tag] for tag in tags):
            return
        for depth in range(len(self.stack) - 1, 0, -1):
            if self.stack[depth].tag in walls:
                return
            if self.stack[depth].tag in tags:
                self._close(depth)
                return

    def parse_html_declaration(self, i: int) -> int:
        try:
            return super().parse_html_declaration(i)
        except AssertionError:  # browsers take a marked section they do not know (`<![end if]>`) for a comment
            return self.parse_bogus_comment(i)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "br":
            # one break is a torn line, two are a border
            self.flush(0)
            return
        if self.stack[-1].tag == "head" and tag not in _IN_HEAD:
            self._close(len(self.stack) - 1)
        if tag in _BLOCKS:
            self.flush()
            self._end_open({"p"}, {"td", "th", "table", "caption"})
        if tag in _ENDS:
            self._end_open(*_ENDS[tag])
        attributes = dict(attrs)
        if tag == "meta" and (attributes.get("name") or attributes.get("property") or "").lower() in _META_TITLES:
            self.meta_title = self.meta_title or " ".join((attributes.get("content") or "").split())
        if tag in _VOID:
            return
        above, reason, removed, place = self.stack[-1], "", False, self._place()
        if tag in SILENT:
            reason, removed = "markup", True
        elif place not in self.believed and tag not in ("html", "body", "main", "article"):
            if is_hidden_element(attributes, self.hidden_names):
                reason, removed = "hidden text", True
            else:
                reason = named_furniture(tag, f"{attributes.get('class') or ''} {attributes.get('id') or ''}")
            if reason and not removed and tag not in _BLOCKS:
                removed = reason in ("advertisement", "navigation")
                reason = reason if removed else ""
        self.open[tag] += 1
        self.stack.append(
            _Element(
                tag,
                above.reason if above.removed or not reason else reason,
                above.removed or removed,
                # Word puts the headings of its documents in <a name="_Toc…">
                above.link or (tag == "a" and not ("name" in attributes and "href" not in attributes)),
                above.heading or tag in _HEADINGS,
                above.bold or tag in ("b", "strong") or bool(_BOLD.search(attributes.get("style") or "")),
                above.pre or tag == "pre",
                place if reason and above.root < 0 else above.root,
            )
        )

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        if tag in _VOID or tag in _BLOCKS:
            self.handle_starttag(tag, attrs)
            if tag not in _VOID:
                self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "br":  # browsers read </br> as <br>
            self.flush(0)
        if tag in _BLOCKS:
            self.flush()
        if not self.open[tag]:
            return
        walls = () if tag in _CELLS or tag in ("tr", "tbody", "body", "html") else _CELLS
        for depth in range(len(self.stack) - 1, 0, -1):
            if self.stack[depth].tag == tag:
                # an open inline element ends with its block; a block does not end with an inline element
                self._close(depth, None if tag in _BLOCKS else depth + 1)
                return
            if self.stack[depth].tag in walls:
                return  # a stray end tag in a cell closes nothing outside it

    def _add(self, text: str, starts: list[int], ends: list[int]) -> None:
        within = self.stack[-1]
        if within.tag == "title" and len(self.stack) < 5:
            self.page_title += text
            return
        # an inline element that is named like furniture but holds sentences is a part of the text
        if within.removed and not (within.reason not in ("markup", "hidden text") and len(text) > 80 and "。" in text):
            if within.reason != "markup":
                self.sizes[within.root] = self.sizes.get(within.root, 0) + _running(text)
            if text.strip():
                self.removed.append((starts[0], ends[-1], within.reason))
            return
        if not self.text and not within.pre:  # the source's own indentation is not the text's
            skip = len(text) - len(text.lstrip(" \t\r\n\f"))
            text, starts, ends = text[skip:], starts[skip:], ends[skip:]
        if not text:
            return
        self.text.append(text)
        self.starts += starts
        self.ends += ends
        size = sum(not c.isspace() for c in text)
        self.linked += size * within.link
        self.headed += size * within.heading
        self.bold += size * within.bold

    def handle_data(self, data: str) -> None:
        start = self._place()
        if not self.stack[-1].pre:
            self._add(data, list(range(start, start + len(data))), list(range(start + 1, start + len(data) + 1)))
            return
        for number, line in enumerate(re.split("(\n)", data)):
            if number % 2:
                self.flush(0)
            elif line:
                self._add(line, list(range(start, start + len(line))), list(range(start + 1, start + len(line) + 1)))
            start += len(line)

    def _reference(self, source: str) -> None:
        start = self._place()
        end = start + len(source)
        if self.raw[end : end + 1] == ";":
            end += 1
        text = unescape(self.raw[start:end])
        self._add(text, [start] * len(text), [end] * len(text))

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")


def is_hidden_element(attributes: dict, hidden_names: set[str]) -> bool:
    """Whether an element's attributes, or the page's style sheet, keep its text from being seen."""
    names = set(f"{attributes.get('class') or ''} {attributes.get('id') or ''}".split())
    white = (attributes.get("color") or "").lower() in ("#ffffff", "#fff", "white")
    return (
        is_hidden(attributes.get("style") or "")
        or "hidden" in attributes
        or white
        or "jammer" in names  # what Discuz calls its copy traps
        or bool(hidden_names & names)
    )


def _running(piece: str) -> int:
    """Characters of a piece of running text; menus count for nothing."""
    return len(piece) if re.search("[。！？；，]", piece) else 0


def _sentence_size(text: str) -> int:
    """Characters of a block of running text; menus and captions count for nothing."""
    return _running(text) if len(text) > 30 else 0


def _collect(raw: str, believed: frozenset[int] = frozenset()) -> _Collector:
    collector = _Collector(raw, believed)
    collector.feed(raw)
    collector.close()
    collector.flush()
    return collector


def html_blocks(raw: str) -> tuple[list[Block], str, list[tuple[int, int, str]]]:
    """(blocks in order, page title, stretches taken out of them) of a page.

    A block's `hidden` says why its markup calls it furniture. An element whose name says so, or that is
    hidden until a script shows it, but that holds nearly all of the text is believed to be the text.
    """
    believed: frozenset[int] = frozenset()
    while True:
        collector = _collect(raw, believed)
        blocks = collector.blocks
        visible = sum(_sentence_size(block.text) for block in blocks if not block.hidden)
        text = {root for root, size in collector.sizes.items() if size > 60 and visible < size / 5}
        if text <= believed:
            break
        believed |= text  # what stands inside is then judged by its own markup
    emphasised = sum(len(block.text) for block in blocks if block.bold)
    for block in blocks:
        # a short bold line is a heading, but not on a page that is bold all through
        if block.bold and len(block.text) <= 45 and emphasised < sum(len(b.text) for b in blocks) / 3:
            block.heading = True
    return blocks, _title(blocks, " ".join((collector.meta_title or collector.page_title).split())), collector.removed


def _title(blocks: list[Block], page_title: str) -> str:
    """The speech's title: the line of the page that its title holds too, else the first heading."""

    def bare(text: str) -> str:
        return re.sub(r"\W", "", text)

    seen = [block for block in blocks if not block.hidden and not block.link]
    shared = [b.text for b in seen if len(b.text) <= 80 and len(bare(b.text)) >= 5 and bare(b.text) in bare(page_title)]
    if shared:
        # a site's name stands in the page title too
        return max(shared, key=lambda t: (not _SITE.search(t), bare(page_title).startswith(bare(t)), len(t)))
    above = itertools.takewhile(lambda block: not _sentence_size(block.text), seen)
    heading = next((b.text for b in above if b.heading and 8 <= len(b.text) <= 80 and not ENUMERATED.match(b.text)), "")
    return heading or page_title
