"""Near-duplicate paragraphs: MinHash proposes, the exact 5-gram Jaccard similarity decides."""

import re
from collections.abc import Sequence

THRESHOLD = 0.5
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


def similarities_between(texts: Sequence[str], groups: Sequence[int]) -> tuple:
    """Arrays i, j and 5-gram Jaccard similarity of all pairs in different groups that share a 5-gram, i < j, exact.

    Takes memory for every such pair; `near_duplicates` does not, and may miss one.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    known: dict[str, int] = {}
    columns, ends = [], [0]
    for text in texts:
        columns += [known.setdefault(gram, len(known)) for gram in shingles(text)]
        ends.append(len(columns))
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns, ends), shape=(len(texts), len(known)))
    sizes, group = np.diff(ends), np.asarray(groups)
    common = (matrix @ matrix.T).tocoo()
    apart = (group[common.row] != group[common.col]) & (common.row < common.col)
    i, j, shared = common.row[apart], common.col[apart], common.data[apart]
    return i, j, shared / (sizes[i] + sizes[j] - shared)
