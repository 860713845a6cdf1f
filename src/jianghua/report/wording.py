"""Which sentences of an earlier speech a later one keeps, rewords, takes in part, adds or drops."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from jianghua.annotate import split_sentences
from jianghua.dataset.duplicates import NOT_TEXT, shingles

GRAM = 2  # characters
SIMILAR = 0.35  # Jaccard similarity of two sentences' bigrams from which one counts as the other reworded
WITHIN = 0.7  # share of a sentence's bigrams in one of the other side from which it counts as a part of that one
SHORTEST = 6  # characters of a sentence, marks aside; a shorter one (“同志们：”) comes from nothing but its like
BLOCK = 256  # sentences compared with all of the other side at a time
NUMBER = re.compile(r"(?:(?<!\d)[-－−])?\d+(?:[.．]\d+)*[%％‰]?")  # “2021-2025” has no minus
THOUSANDS = re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))")
PIECE = re.compile(rf"{NUMBER.pattern}|.", re.DOTALL)  # a number is changed whole


def sentences_of(texts: Sequence[str]) -> list[tuple[int, str]]:
    """`(paragraph, sentence)` of all paragraphs in their order, as the `sentences` protocol cuts them."""
    return [(i, text[start:end]) for i, text in enumerate(texts) for start, end in split_sentences(text)]


def same_words(old: str, new: str) -> bool:
    """Whether two sentences differ in marks and white space at most, and those not in a number."""
    return _words(old) == _words(new)


def _words(text: str) -> tuple:
    bare = NOT_TEXT.sub("", text)
    return (bare, *NUMBER.findall(THOUSANDS.sub("", text))) if bare else (text.strip(),)


def match_sentences(old: Sequence[str], new: Sequence[str]) -> dict[int, tuple[int, float]]:
    """Index of a new sentence → index of the old one it comes from, and the Jaccard similarity of their bigrams.

    Each sentence is used once: the most similar pairs first, among equals those whose places in their speeches differ
    least. Marks and white space do not count; a short sentence only matches one of the same words.
    """
    pairs = []
    for i, j, both, own, other in _overlaps(old, new):
        similarity = both / (own + other - both)
        if similarity >= SIMILAR and (same_words(old[j], new[i]) or not (_short(old[j]) or _short(new[i]))):
            apart = abs(i / max(1, len(new) - 1) - j / max(1, len(old) - 1))
            # of those with the same bigrams, the one with the same words
            pairs.append((-similarity, not same_words(old[j], new[i]), apart, i, j))
    matched: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for similarity, _, _, i, j in sorted(pairs):
        if i not in matched and j not in taken:
            matched[i] = (j, -similarity)
            taken.add(j)
    return matched


def parts_of(whole: Sequence[str], pieces: Sequence[str]) -> dict[int, int]:
    """Index of a piece → index of the sentence of `whole` that holds most of its bigrams, and at least `WITHIN`."""
    found: dict[int, tuple[float, int]] = {}
    for i, j, both, own, _ in _overlaps(whole, pieces):
        if both / own >= max(WITHIN, found.get(i, (0, 0))[0]) and not _short(pieces[i]):
            found[i] = max(found.get(i, (0, -j)), (both / own, -j))
    return {i: -j for i, (_, j) in found.items()}


def _short(text: str) -> bool:
    return len(NOT_TEXT.sub("", text)) < SHORTEST


def _overlaps(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int, int]]:
    """`(i, j, shared, own, other)` of new and old sentences that share bigrams: how many, and how many each has."""
    if not (old and new):
        return
    from sklearn.feature_extraction.text import CountVectorizer

    # what has no words (“……”) is taken as it stands
    grams = CountVectorizer(analyzer=lambda text: shingles(text, GRAM) - {""} or {text.strip()})
    table = grams.fit_transform([*old, *new])
    sizes = table.sum(axis=1).A1.tolist()
    earlier = table[: len(old)].T
    for start in range(0, len(new), BLOCK):
        shared = (table[len(old) + start : len(old) + start + BLOCK] @ earlier).tocoo()
        for row, j, both in zip(shared.row.tolist(), shared.col.tolist(), shared.data.tolist(), strict=True):
            yield start + row, j, both, sizes[len(old) + start + row], sizes[j]


def edits(old: str, new: str) -> list[tuple[str, str]]:
    """`(kind, text)` pieces that lead from one sentence to the other: `same`, `gone` (old only), `added` (new only)."""
    before, after = PIECE.findall(old), PIECE.findall(new)
    pieces = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(before[a:b])))
            continue
        pieces += [("gone", "".join(before[a:b]))] if a < b else []
        pieces += [("added", "".join(after[c:d]))] if c < d else []
    return pieces
