"""Cutting a paragraph into sentences: the units of the `sentences` protocol.

A sentence ends after 。！？ (full or half width) and after …… at the end of a clause; closing quotes
and brackets stay with it. Semicolons, colons and commas do not end one. A mark inside a title
(《谁来种地？》), or followed by what carries the sentence on (“……”的说法, “……？”，), does not either.
"""

import re

_ENDS = re.compile(r"(?P<mark>[。！？!?]+[。！？!?…]*|…+[。！？!?]*)(?P<close>[”’」』）)】〕》〉\]\"']*)(?P<space>\s*)")
_GOES_ON = "，、；：,;:的——"
# an enumeration that breaks off is taken up by one of these: 修路、架桥……都要有人管
_TAKES_UP = "等都也均皆"


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Offsets `(start, end)` of the sentences of `text`, end to end: together they are the whole text.

    White space after a sentence belongs to it. An empty text has no sentences.
    """
    spans, start = [], 0
    for match in _ENDS.finditer(text):
        end = match.end()
        if end < len(text) and not _ends_sentence(match, text[end]):
            continue
        spans.append((start, end))
        start = end
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def _ends_sentence(match: re.Match, following: str) -> bool:
    if following in _GOES_ON or set(match["close"]) & set("》〉"):
        return False
    only_dots = set(match["mark"]) == {"…"}
    return not (only_dots and following in _TAKES_UP)
