"""Gold and predictions → all scores of one part, with intervals where the documents are known."""

from collections.abc import Callable, Sequence

import numpy as np

from jianghua.evaluation.intervals import bootstrap_interval, documents_of, sum_by_document
from jianghua.evaluation.metrics import (
    accuracy,
    average_precision,
    balanced_accuracy,
    confusion_counts,
    f1_per_class,
    macro_f1,
    matthews_correlation,
    micro_f1,
    precision_recall,
)
from jianghua.schema import LABELS

HEADLINE_MINIMUM = 30  # test paragraphs a function needs to enter the headline


def item_counts(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts of each single item, (n, 4, 3): what sums over documents are made of."""
    if gold.ndim == 1:
        eye = np.eye(len(LABELS), dtype=bool)
        gold, predicted = eye[gold], eye[predicted]
    return np.stack([gold & predicted, ~gold & predicted, gold & ~predicted], axis=-1).astype(float)


def support_of(gold: np.ndarray) -> np.ndarray:
    """(4,) how many items have each function."""
    return np.bincount(gold, minlength=len(LABELS)) if gold.ndim == 1 else gold.sum(0)


def headline_of(support: np.ndarray) -> list[int]:
    """Class ids with enough items for the headline score, of `support` (4,), whatever the part's source is."""
    return np.flatnonzero(support >= HEADLINE_MINIMUM).tolist()


def finite(value: float) -> float | None:
    """The number, or None for NaN: JSON has no NaN."""
    return None if np.isnan(value) else float(value)


def share(counts: np.ndarray) -> np.ndarray:
    """(…, 2) sums of something and of all → (…) its share."""
    return np.divide(counts[..., 0], counts[..., 1], out=np.full(counts.shape[:-1], np.nan), where=counts[..., 1] > 0)


def with_interval(by_document: np.ndarray, statistic: Callable, n: int, bounds=(0, 1)) -> dict:
    """A score with its interval: value, low, high, n (paragraphs) and documents."""
    value = float(statistic(by_document.sum(0)[None])[0])
    interval = bootstrap_interval(by_document, statistic, bounds=bounds)
    low, high = interval if interval else (None, None)
    return {"value": finite(value), "low": low, "high": high, "n": n, "documents": len(by_document)}


def measure(
    gold: np.ndarray,
    predicted: np.ndarray,
    config: str,
    proba: np.ndarray | None = None,
    doc_ids: Sequence[str] | None = None,
) -> dict:
    """Scores of one part: (n,) class ids for `primary`, (n, 4) booleans for `functions`.

    `proba` (n, 4) adds the average precision of each function. Without `doc_ids`, (n,), or with fewer
    than three documents, there are no intervals: `low` and `high` are None.
    """
    n = len(gold)
    numbers, documents = documents_of(["all"] * n if doc_ids is None else list(doc_ids))

    def summed(values: np.ndarray) -> np.ndarray:
        return sum_by_document(values.astype(float), numbers, documents)

    def scored(by_document: np.ndarray, statistic: Callable, size: int = n, **options) -> dict:
        score = with_interval(by_document, statistic, size, **options)
        return score if doc_ids is not None else score | {"documents": None}

    counts = summed(item_counts(gold, predicted))
    support = support_of(gold)
    head = headline_of(support)
    result = {"macro_f1": scored(counts, macro_f1)}
    if head:
        names = [LABELS[i] for i in head]
        same = len(head) == len(LABELS)
        score = result["macro_f1"] if same else scored(counts, lambda c: macro_f1(c, head))
        result["headline_macro_f1"] = score | {"labels": names}
    result["micro_f1"] = scored(counts, micro_f1)
    if config == "primary":
        cells = np.zeros((n, len(LABELS), len(LABELS)))
        cells[np.arange(n), gold, predicted] = 1
        confusions = summed(cells)
        result["accuracy"] = scored(confusions, accuracy)
        result["balanced_accuracy"] = scored(confusions, balanced_accuracy)
        result["matthews_correlation"] = scored(confusions, matthews_correlation, bounds=(-1, 1))
        result["confusion"] = confusion_counts(gold, predicted).tolist()
    else:
        exact = (gold == predicted).all(1)
        ones = np.ones(n)
        item_f1 = np.nan_to_num(micro_f1(item_counts(gold, predicted)), nan=1.0)
        result["sample_f1"] = scored(summed(np.stack([item_f1, ones], 1)), share)
        result["exact_match"] = scored(summed(np.stack([exact, ones], 1)), share)
    precision, recall = precision_recall(counts.sum(0))
    result["per_class"] = {}
    for i, label in enumerate(LABELS):
        result["per_class"][label] = {
            "f1": scored(counts, lambda c, i=i: f1_per_class(c)[..., i], int(support[i])),
            "precision": finite(precision[i]),
            "recall": finite(recall[i]),
            "n": int(support[i]),
        }
        if config == "functions" and proba is not None:
            result["per_class"][label]["average_precision"] = finite(average_precision(gold[:, i], proba[:, i]))
    return result
