"""Scores from counts. Everything here works on stacks of counts, so that ten thousand resamples are one call.

For `primary` the counts are a confusion matrix (gold × predicted); for `functions` three numbers a
function: true positives, false positives, false negatives. F1 = 2·tp / (2·tp + fp + fn).

Undefined cases: a class that is neither in the gold labels nor predicted is left out of a macro mean
(as scikit-learn does by default); a class that is in one of them but never right has F1 = 0; a mean
over no class at all, and the accuracy of nothing, are NaN. Balanced accuracy is over the classes of the
gold labels. Matthews' coefficient is 0 where all gold labels, or all predictions, are of one class. A
paragraph without functions for which none is predicted has F1 = 1 in the sample mean; the average
precision of a function that never occurs is NaN.
"""

import numpy as np

CLASSES = 4


def confusion_counts(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Confusion matrix (4, 4), gold in rows; `gold` and `predicted` are (n,) class ids."""
    return np.bincount(gold * CLASSES + predicted, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def one_vs_rest(confusion: np.ndarray) -> np.ndarray:
    """(…, C, C) confusion → (…, C, 3) true positives, false positives, false negatives."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.stack([hits, confusion.sum(-2) - hits, confusion.sum(-1) - hits], axis=-1)


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


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """(…, C, C) → (…) mean recall over the classes that occur in gold."""
    confusion = np.asarray(confusion, dtype=float)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1))
    defined = ~np.isnan(recall)
    return _ratio(np.where(defined, recall, 0).sum(-1), defined.sum(-1))


def matthews_correlation(confusion: np.ndarray) -> np.ndarray:
    """(…, C, C) → (…) Matthews' correlation of several classes (Gorodkin 2004), in [-1, 1]."""
    confusion = np.asarray(confusion, dtype=float)
    gold, predicted, n = confusion.sum(-1), confusion.sum(-2), confusion.sum((-2, -1))
    covariance = np.trace(confusion, axis1=-2, axis2=-1) * n - (gold * predicted).sum(-1)
    # rounding may leave a hair less than nothing where all are of one class
    spread = np.sqrt(np.maximum(n**2 - (gold**2).sum(-1), 0) * np.maximum(n**2 - (predicted**2).sum(-1), 0))
    return np.where(n > 0, np.nan_to_num(_ratio(covariance, spread)), np.nan)


def average_precision(gold: np.ndarray, scores: np.ndarray) -> float:
    """Sum of precision times the gain in recall over falling scores: gold (n,) booleans, scores (n,).

    Not interpolated; paragraphs with equal scores enter together (Manning et al. 2008, §8.4; as
    scikit-learn has it). NaN where gold never occurs.
    """
    gold, scores = np.asarray(gold, bool), np.asarray(scores, float)
    if not gold.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = gold[order].cumsum()[last]
    gains = np.diff(hits, prepend=0)
    return float((hits / (last + 1) * gains).sum() / gold.sum())


def precision_recall(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(…, C, 3) → precision and recall, each (…, C); 0 where nothing was predicted, or nothing is gold,
    though the class occurs."""
    tp, fp, fn = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    occurs = tp + fp + fn > 0

    def share(top, bottom):
        return np.where(occurs, np.nan_to_num(_ratio(top, bottom)), np.nan)

    return share(tp, tp + fp), share(tp, tp + fn)
