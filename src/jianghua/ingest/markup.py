"""What a page's markup says of a piece of text: hidden, never shown, or furniture by its name."""

import re

# what stands inside these is never part of a page's text
SILENT = frozenset(
    "script style noscript template select button textarea iframe object svg head rt rp audio video".split()  # noqa: SIM905
)
_TAGS = {"nav": "navigation", "footer": "navigation", "aside": "navigation", "figcaption": "caption"}


def _named(words: str) -> re.Pattern:
    """Matches a class or id that holds one of `words` as a word of its own."""
    return re.compile(rf"(?:^|[-_\s])(?:{words})(?:[-_\s\d]|$)", re.I)


_NAMES = [
    ("reader comments", _named(r"comments?|comment[-_]?list|pinglun|liuyan|replies|reply|guestbook")),
    (
        "advertisement",
        _named(r"ads?|adv|advert\w*|adsense|gg|guanggao|banner|promo\w*|sponsor\w*|download|vip\w*|qrcode"),
    ),
    (
        "related links",
        _named(
            r"related?\w*|relevant|recommend\w*|xiangguan|tuijian|hot|hotnews|hotlist|rank\w*|tags?|prevnext|nextprev"
        ),
    ),
    (
        "navigation",
        _named(
            r"nav\w*|navbox|menu\w*|sidebar|side|foot|footer|breadcrumbs?|crumbs?|crumb\w*|topbar|toolbar|tools?|share\w*|"
            r"bdshare\w*|pager|pagination|pagenav|page[-_]?(?:bar|list|num)|copyright|location|weizhi|position|noprint|"
            r"mw-editsection|mw-jump-link|catlinks|siteSub|contentSub|toc|search\w*|login|header(?:container)?"
        ),
    ),
    ("caption", _named(r"caption|figcaption|img[-_]?(?:desc|note|title)|pictext")),
    ("licence notice", _named(r"license\w*|licence\w*")),
    ("source and editor", _named(r"source|editor|author|meta|info|pubtime|article[-_]?info|laiyuan")),
]
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*(?:0(?:\.0+)?(?:px|pt|em|rem|%)?|1p[xt])\s*(?:;|$|!)"
    r"|(?:left|top|right|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}"
    r"|(?:^|[;{\s])(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*;[^{}]*overflow\s*:\s*hidden"
    r"|overflow\s*:\s*hidden\s*;[^{}]*(?:^|[;{\s])(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*(?:;|$)"
    r"|clip\s*:\s*rect\(\s*[01]",
    re.I,
)
_WHITE = re.compile(
    r"(?:^|[;{\s])color\s*:\s*(?:#f{3}(?:f{3})?|#f[c-f]f[c-f]f[c-f]|white|transparent|rgba?\(\s*255\s*,\s*255\s*,\s*255[^)]*\))"
    r"\s*(?:;|$|!)",
    re.I,
)


def is_hidden(style: str) -> bool:
    """Whether a style (an attribute or the rules of a sheet) keeps text from being seen."""
    if not style:
        return False
    return bool(_HIDDEN.search(style)) or (bool(_WHITE.search(style)) and "background" not in style.lower())


def named_furniture(tag: str, names: str) -> str:
    """Why an element is furniture, going by its tag or its class and id; empty if it is not."""
    if tag in _TAGS:
        return _TAGS[tag]
    if not names.strip():
        return ""
    return next((reason for reason, pattern in _NAMES if pattern.search(names)), "")
