"""Scores from counts. Everything here works on stacks of counts, so that ten thousand resamples are one call.

For `primary` the counts are a confusion matrix (gold × predicted); for `functions` three numbers a
function: true positives, false positives, false negatives. F1 = 2·tp / (2·tp + fp + fn).

Undefined cases: a class that is neither in the gold labels nor predicted is left out of a macro mean
(as scikit-learn does by default); a class that is in one of them but never right has F1 = 0; a mean
over no class at all, and the accuracy of nothing, are NaN.
"""

import numpy as np

CLASSES = 4


def confusion_counts(gold: np.ndarray, predicted: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """Confusion matrix (classes, classes), gold in rows; `gold` and `predicted` are (n,) class ids."""
    return np.bincount(gold * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def one_vs_rest(confusion: np.ndarray) -> np.ndarray:
    """(…, C, C) confusion → (…, C, 3) true positives, false positives, false negatives."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.stack([hits, confusion.sum(-2) - hits, confusion.sum(-1) - hits], axis=-1)


def function_counts(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n, C) booleans → (C, 3) true positives, false positives, false negatives."""
    gold, predicted = gold.astype(bool), predicted.astype(bool)
    return np.stack([(gold & predicted).sum(0), (~gold & predicted).sum(0), (gold & ~predicted).sum(0)], axis=-1)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)


def f1_per_class(counts: np.ndarray) -> np.ndarray:
    """(…, C, 3) → (…, C) F1, NaN where the class is neither gold nor predicted."""
    tp, fp, fn = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def macro_f1(counts: np.ndarray, labels: list[int] | None = None) -> np.ndarray:
    """(…, C, 3) → (…) mean F1 over the classes that occur, or over those of `labels` that do."""
    scores = f1_per_class(counts)
    if labels is not None:
        scores = scores[..., labels]
    defined = ~np.isnan(scores)
    return _ratio(np.where(defined, scores, 0).sum(-1), defined.sum(-1))


def micro_f1(counts: np.ndarray) -> np.ndarray:
    """(…, C, 3) → (…) F1 of the summed counts."""
    return f1_per_class(np.asarray(counts).sum(-2)[..., None, :])[..., 0]


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """(…, C, C) → (…) share of the diagonal."""
    confusion = np.asarray(confusion, dtype=float)
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum((-2, -1)))


def precision_recall(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(…, C, 3) → precision and recall, each (…, C); 0 where nothing was predicted, or nothing is gold,
    though the class occurs."""
    tp, fp, fn = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    occurs = tp + fp + fn > 0

    def share(top, bottom):
        return np.where(occurs, np.nan_to_num(_ratio(top, bottom)), np.nan)

    return share(tp, tp + fp), share(tp, tp + fn)
