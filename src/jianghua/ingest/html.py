"""HTML source → blocks whose characters know their place in the source.

The standard library's tokenizer is used for the one thing that tree builders throw away: where in
the source a character stood. It tells blocks apart and marks what is hidden, a link or a heading;
what is the speech is decided in `assemble` and `furniture`, as for every other kind of file.
"""

import re
from html import unescape
from html.parser import HTMLParser

from jianghua.ingest.blocks import Block, tidy

_BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "center", "dd", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul"]
)
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"])
_SILENT = frozenset(["script", "style", "noscript", "template", "select", "button", "textarea", "iframe", "object", "svg", "head", "form"])
_FURNITURE_TAGS = {"nav": "navigation", "footer": "navigation", "aside": "navigation"}
_FURNITURE_NAMES = [
    ("reader comments", re.compile(r"(^|[-_ ])(comments?|pinglun|liuyan|reply|replies)([-_ ]|$|\d|list|box)", re.I)),
    ("advertisement", re.compile(r"(^|[-_ ])(ads?|advert\w*|gg|guanggao|banner|promo\w*)([-_ ]|$|\d)", re.I)),
    (
        "related links",
        re.compile(
            r"(^|[-_ ])(related|relate|recommend\w*|xiangguan|tuijian|hot(list|news)?|rank\w*)([-_ ]|$|\d|list|box)",
            re.I,
        ),
    ),
    (
        "navigation",
        re.compile(
            r"(^|[-_ ])(nav\w*|menu|sidebar|side|foot(er)?|breadcrumbs?|crumbs?|topbar|toolbar|share|pager|pagination|pages?nav|copyright)([-_ ]|$|\d)",
            re.I,
        ),
    ),
]
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(\.0*)?(px|pt|em|rem|%)?\s*(;|$|!)|opacity\s*:\s*0(\.0*)?\s*(;|$|!)"
    r"|(left|top|text-indent|margin-left)\s*:\s*-\d{3,}|(^|;|\s)color\s*:\s*(#fff(fff)?|white|transparent|rgb\(\s*255\s*,\s*255\s*,\s*255\s*\))\s*(;|$|!)"
    r"|mso-hide\s*:\s*all|height\s*:\s*0(px)?\s*;\s*overflow\s*:\s*hidden",
    re.I,
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))


class _Collector(HTMLParser):
    def __init__(self, raw: str):
        super().__init__(convert_charrefs=False)
        self.raw = raw
        self.lines = [0]
        for match in re.finditer("\n", raw):
            self.lines.append(match.end())
        self.hidden_classes = {
            name
            for selector, body in re.findall(
                r"([^{}]+)\{([^{}]*)\}", " ".join(re.findall(r"(?is)<style[^>]*>(.*?)</style>", raw))
            )
            if _HIDDEN_STYLE.search(body)
            for name in re.findall(r"[.#]([\w-]+)\s*(?:,|$)", selector.strip())
        }
        self.stack: list[tuple[str, str | None, bool, bool]] = []  # tag, reason it is no speech, link, heading
        self.blocks: list[Block] = []
        self.inside: list[tuple[int, int]] = []  # hidden stretches within a line
        self.page_title = ""
        self.first_heading = ""
        self.in_title = False
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

    def flush(self, gap: int) -> None:
        """End the block that is open; `gap` borders or line breaks stand after it."""
        count = len("".join(self.text).strip())
        block = tidy("".join(self.text), self.starts, self.ends)
        if block is not None:
            block.gap = self.gap
            block.link = self.linked >= 0.8 * count
            block.heading = self.headed > 0 and self.headed >= 0.8 * count
            reason = self.stack[-1][1] if self.stack else None
            block.hidden = reason or ""
            self.blocks.append(block)
            self.gap = gap
        else:
            self.gap = max(self.gap, gap) if self.blocks else 1
        self._clear()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "br":
            # one break is a torn line, two are a border
            self.flush(0 if self.text else 1)
            return
        if tag == "title" and not self.page_title:
            self.in_title = True
        if tag in _BLOCKS:
            self.flush(1)
        if tag in _VOID:
            return
        _, reason, link, heading = self.stack[-1] if self.stack else ("", None, False, False)
        self.stack.append(
            (tag, reason or self._reason(tag, dict(attrs)), link or tag == "a", heading or tag in _HEADINGS)
        )

    def _reason(self, tag: str, attributes: dict) -> str | None:
        if tag in _SILENT:
            return "markup"
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        style = attributes.get("style") or ""
        font_size_zero = tag == "font" and (attributes.get("color") or "").lower() in ("#ffffff", "#fff", "white")
        if (
            _HIDDEN_STYLE.search(style)
            or "hidden" in attributes
            or font_size_zero
            or self.hidden_classes & set(names.split())
        ):
            return "hidden text"
        if tag in _FURNITURE_TAGS:
            return _FURNITURE_TAGS[tag]
        if tag in ("body", "html", "main", "article"):
            return None
        return next((reason for reason, pattern in _FURNITURE_NAMES if pattern.search(names)), None)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        if tag == "br" or tag in _BLOCKS:
            self.flush(0 if tag == "br" and self.text else 1)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self.in_title = False
        if tag in _BLOCKS:
            self.flush(1)
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth][0] == tag:
                # an unclosed inline tag ends with its block; a stray end tag closes nothing
                del self.stack[depth:]
                break

    def _add(self, text: str, starts: list[int], ends: list[int]) -> None:
        if self.in_title:
            self.page_title += text
            return
        reason, link, heading = self.stack[-1][1:] if self.stack else (None, False, False)
        if reason == "markup":
            return
        if reason == "hidden text" and self.text and not any(t in _BLOCKS for t in self._since_hidden()):
            # hidden inside a line: taken out at once, so that the line around it stays whole
            self.inside.append((starts[0], ends[-1]))
            return
        self.text.append(text)
        self.starts += starts
        self.ends += ends
        size = len(text.strip())
        self.linked += size * link
        self.headed += size * heading

    def _since_hidden(self) -> list[str]:
        first = next(i for i, entry in enumerate(self.stack) if entry[1] == "hidden text")
        return [entry[0] for entry in self.stack[first:]]

    def handle_data(self, data: str) -> None:
        start = self._place()
        self._add(data, list(range(start, start + len(data))), list(range(start + 1, start + len(data) + 1)))

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


def html_blocks(raw: str) -> tuple[list[Block], str]:
    """Blocks of a page in order, without what its markup says is furniture, and the page's title.

    A container whose name says furniture but that holds most of the text (a `div class="page-side"`
    around everything) is believed to be the text.
    """
    collector = _Collector(raw)
    collector.feed(raw)
    collector.close()
    collector.flush(1)
    total = sum(len(block.text) for block in collector.blocks)
    weights: dict[str, int] = {}
    for block in collector.blocks:
        weights[block.hidden] = weights.get(block.hidden, 0) + len(block.text)
    for block in collector.blocks:
        if block.hidden != "hidden text" and weights[block.hidden] > total / 2:
            block.hidden = ""
    blocks = collector.blocks
    for start, end in collector.inside:
        for block in blocks:
            if block.start < start < block.end:
                block.dropped.append((start, end, "hidden text"))
    title = " ".join(unescape(collector.page_title).split())
    heading = next((b.text for b in blocks if b.heading and not b.hidden), "")
    if heading and (not title or heading in title or len(heading) >= 8):
        title = heading
    return blocks, title
