"""Near-duplicate paragraphs: MinHash proposes, the exact 5-gram Jaccard similarity decides."""

import re
from array import array
from collections.abc import Iterator, Sequence

THRESHOLD = 0.5
BLOCK = 1000  # paragraphs compared with all others at a time
NOT_TEXT = re.compile(r"[\W_]+")


def shingles(text: str, size: int = 5) -> set[str]:
    """Character 5-grams of the text without punctuation and white space."""
    bare = NOT_TEXT.sub("", text)
    return {bare[i : i + size] for i in range(max(1, len(bare) - size + 1))}


def jaccard(left: set[str], right: set[str]) -> float:
    """Intersection over union; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> list[tuple[int, int, float]]:
    """Pairs (i, j, similarity), i < j, whose 5-gram Jaccard similarity is at least `threshold`.

    MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, §3.4): 128
    permutations in 32 bands of 4 rows miss a pair of similarity 0.5 with probability below 0.13 and
    one of 0.7 below 2e-4; what they propose is then computed exactly.
    """
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=32)
    pairs = []
    for i, text in enumerate(texts):
        grams = shingles(text)
        sketch = RMinHash(num_perm=128, seed=42)
        sketch.update(sorted(grams))
        for j in index.query(sketch):
            similarity = jaccard(grams, shingles(texts[j]))  # kept sets would take gigabytes
            if similarity >= threshold:
                pairs.append((j, i, similarity))
        index.insert(i, sketch)
    return sorted(pairs)


def similarities_between(texts: Sequence[str], groups: Sequence[int]) -> Iterator[tuple]:
    """Arrays i, j and 5-gram Jaccard similarity of all pairs in different groups that share a 5-gram, i < j, exact.

    They come in blocks of some rows i each, since together they take much memory.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    known: dict[str, int] = {}
    columns, ends = array("i"), [0]
    for text in texts:
        columns.extend(known.setdefault(gram, len(known)) for gram in shingles(text))
        ends.append(len(columns))
    count = len(known)
    known.clear()
    matrix = csr_matrix((np.ones(len(columns), np.int32), np.asarray(columns), ends), shape=(len(texts), count))
    sizes, group, across = np.diff(ends), np.asarray(groups), matrix.T.tocsr()
    for first in range(0, len(texts), BLOCK):
        common = (matrix[first : first + BLOCK] @ across).tocoo()
        row = common.row + first
        apart = (group[row] != group[common.col]) & (row < common.col)
        i, j, shared = row[apart], common.col[apart], common.data[apart]
        yield i, j, shared / (sizes[i] + sizes[j] - shared)
