"""Paragraphs longer than a model reads: what of them is read, and never silently.

`truncate` keeps the beginning; `head_tail` a quarter from the beginning and three from the end (Sun et al.
2019, "How to Fine-Tune BERT for Text Classification?", §5.3.1, keep 128 and 382 of 510); `split` reads
everything, in windows of nearly equal length whose logits are averaged (fine-tuning reads the first window).
The special tokens at both ends stay where the tokenizer puts them. No torch here: the exported engine cuts
by the same rules.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from jianghua.schema import BadUsage

WAYS = ("truncate", "head_tail", "split")
# parts of the `model_type` of networks whose positions start after the padding id, as RoBERTa's
AFTER_PADDING = ("roberta", "camembert", "mpnet", "longformer", "data2vec-text")


def check_way(way: str) -> str:
    if way not in WAYS:
        raise BadUsage(f"data.overlong={way}: the ways to read an over-long paragraph are {', '.join(WAYS)}")
    return way


def most_positions(kind: str, positions: int, padding: int | None) -> int:
    """Tokens that a network of the `model_type` `kind` has positions for, by its `config.json`."""
    after_padding = any(name in kind for name in AFTER_PADDING) and padding is not None
    return positions - padding - 1 if after_padding else positions


def special_ends(tokenizer) -> tuple[int, int]:
    """How many special tokens a `tokenizers.Tokenizer` puts before and after a text."""
    mask = tokenizer.encode("好").special_tokens_mask
    inside = [place for place, special in enumerate(mask) if not special]
    if not inside:  # the text itself became a special token: an unknown character of some vocabularies
        return 1, 1
    return inside[0], len(mask) - 1 - inside[-1]


def windows(length: int, limit: int, way: str, ends: tuple[int, int]) -> list[list[int]]:
    """Which of `length` tokens a model of at most `limit` tokens reads: one list of places a window.

    `ends` as `special_ends` gives them; every window keeps both. One window unless `way` is "split".
    """
    if length <= limit:
        return [list(range(length))]
    first, last = ends
    before, after = list(range(first)), list(range(length - last, length))
    body, room = range(first, length - last), limit - first - last
    if way == "truncate":
        parts = [body[:room]]
    elif way == "head_tail":
        head = room // 4
        parts = [[*body[:head], *body[len(body) - (room - head) :]]]
    else:
        count = -(-len(body) // room)
        edges = [len(body) * number // count for number in range(count + 1)]
        parts = [body[start:end] for start, end in pairwise(edges)]
    return [[*before, *part, *after] for part in parts]


def read_windows(
    sequences: Sequence[Sequence[int]], limit: int, way: str, ends: tuple[int, int]
) -> tuple[list[Sequence[int]], list[int], int]:
    """Token ids of all windows of all texts, which text each window is of, and how many texts were over-long."""
    found, owner = [], []
    for number, ids in enumerate(sequences):
        if len(ids) <= limit:
            found.append(ids)
            owner.append(number)
            continue
        for window in windows(len(ids), limit, way, ends):
            found.append([ids[place] for place in window])
            owner.append(number)
    return found, owner, sum(len(ids) > limit for ids in sequences)


def mean_of_windows(rows: np.ndarray, owner: Sequence[int]) -> np.ndarray:
    """(windows, d) → (texts, d): the mean over each text's windows, which stand together; `owner` of `read_windows`."""
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    return np.array([windows.mean(0) for windows in np.split(rows, starts[1:])])
