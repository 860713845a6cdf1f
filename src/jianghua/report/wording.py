"""Which sentences of an earlier speech a later one keeps, changes, adds or drops."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from jianghua.annotate import split_sentences
from jianghua.dataset.duplicates import NOT_TEXT, shingles

GRAM = 2  # characters
SIMILAR = 0.35  # Jaccard similarity of two sentences' bigrams from which one counts as the other reworded
BLOCK = 256  # sentences compared with all of the other side at a time
SHORTEST = 6  # characters of a sentence, punctuation aside; shorter ones (“同志们：”) are matched only when alike


def sentences_of(texts: Sequence[str]) -> list[tuple[int, str]]:
    """`(paragraph, sentence)` of all paragraphs in their order, as the `sentences` protocol cuts them."""
    return [(i, text[start:end]) for i, text in enumerate(texts) for start, end in split_sentences(text)]


def match_sentences(old: Sequence[str], new: Sequence[str], threshold: float = SIMILAR) -> dict[int, tuple[int, float]]:
    """Index of a new sentence → index of the old one it comes from, and the Jaccard similarity of their bigrams.

    Each sentence is used once: the most similar pairs first, among equals those whose places in their speeches differ
    least. Punctuation, white space and pairs below `threshold` do not count; a short sentence only matches one that is
    the same.
    """
    from scipy.sparse import csr_array

    grams = [shingles(text, GRAM) - {""} for text in (*old, *new)]
    numbers: dict[str, int] = {}
    for gram in (gram for own in grams for gram in own):
        numbers.setdefault(gram, len(numbers))
    if not numbers:
        return {}
    sizes = [len(own) for own in grams]
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    columns = [numbers[gram] for own in grams for gram in own]
    table = csr_array(([1.0] * len(columns), columns, ends), shape=(len(grams), len(numbers)))
    earlier, later = table[: len(old)], table[len(old) :]
    bare = [NOT_TEXT.sub("", text) for text in (*old, *new)]
    pairs = []
    for start in range(0, len(new), BLOCK):
        shared = (later[start : start + BLOCK] @ earlier.T).tocoo()
        for row, j, both in zip(shared.row.tolist(), shared.col.tolist(), shared.data.tolist(), strict=True):
            i = start + row
            similarity = both / (sizes[len(old) + i] + sizes[j] - both)
            short = min(len(bare[len(old) + i]), len(bare[j])) < SHORTEST
            if similarity >= threshold and (not short or bare[len(old) + i] == bare[j]):
                apart = abs(i / max(1, len(new) - 1) - j / max(1, len(old) - 1))
                pairs.append((-similarity, apart, i, j))
    matched: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for similarity, _, i, j in sorted(pairs):
        if i not in matched and j not in taken:
            matched[i] = (j, -similarity)
            taken.add(j)
    return matched


def same_words(old: str, new: str) -> bool:
    """Whether two sentences differ in punctuation and white space at most."""
    return NOT_TEXT.sub("", old) == NOT_TEXT.sub("", new)


def edits(old: str, new: str) -> list[tuple[str, str]]:
    """`(kind, text)` pieces that lead from one sentence to the other: `same`, `gone` (old only), `added` (new only)."""
    pieces = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", old[a:b]))
            continue
        pieces += [("gone", old[a:b])] if a < b else []
        pieces += [("added", new[c:d])] if c < d else []
    return pieces
