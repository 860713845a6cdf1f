"""Paired comparison of two systems on the same paragraphs, over documents."""

import numpy as np

from jianghua.evaluation.metrics import macro_f1


def paired_randomisation(
    left: np.ndarray, right: np.ndarray, *, replicates: int = 10_000, seed: int = 0, labels: list[int] | None = None
) -> dict:
    """Approximate randomisation test of the difference in macro-F1 (Noreen 1989; Yeh 2000, §3).

    `left` and `right` are counts (seeds, documents, C, 3). Under the null hypothesis a document's
    predictions could have come from either system, so each replicate swaps the systems at random a
    document, all seeds together; the statistic is the difference of the means over seeds. The p-value
    is two-sided, with the usual +1 (Davison & Hinkley 1997, §4.2.5).
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    if left.shape[1:] != right.shape[1:]:
        raise ValueError(f"counts of different documents or classes: {left.shape[1:]} and {right.shape[1:]}")
    if len(left) != len(right):
        raise ValueError(f"{len(left)} seeds on one side and {len(right)} on the other")
    documents = left.shape[1]

    def score(counts):
        return macro_f1(counts.sum(1), labels).mean(0)

    observed = float(score(left) - score(right))
    swaps = np.random.default_rng(seed).integers(0, 2, size=(replicates, documents))
    # seeds are paired in the swap by position; the mean of each side is what enters the statistic
    a = left.reshape(len(left), documents, -1)
    b = right.reshape(len(right), documents, -1)
    shape = left.shape[2:]

    def side(stay, come):
        kept = np.einsum("rd,sdk->rsk", 1 - swaps, stay)
        taken = np.einsum("rd,sdk->rsk", swaps, come)
        return macro_f1((kept + taken).reshape(replicates, len(stay), *shape), labels).mean(1)

    differences = side(a, b) - side(b, a)
    extreme = int((np.abs(differences) >= abs(observed) - 1e-12).sum())
    return {
        "difference": observed,
        "p_value": (extreme + 1) / (replicates + 1),
        "documents": documents,
        "seeds": len(left),
    }
