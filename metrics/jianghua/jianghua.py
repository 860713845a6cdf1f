"""Scores of the benchmark Jianghua for the library `evaluate`.

Written by `python -m jianghua.evaluation.export metrics/jianghua`; change the files it is made of instead:
src/jianghua/evaluation/{metrics,intervals,measure,export}.py.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import datasets
import evaluate
import numpy as np

LABELS = ('praise', 'criticism', 'directive', 'anecdote')

# from src/jianghua/evaluation/metrics.py
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


# from src/jianghua/evaluation/intervals.py
REPLICATES = 10_000
LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
METHOD = "studentised"
CELLS = 10_000_000  # weights that are held at once: 80 MB
STEP = 1e-3  # of a paragraph, for numeric derivatives of a score by its counts
FEWEST = 3  # documents; of two, no resample but the sample itself has a variance
NO_VARIANCE = 1e-12  # of a score: what is below is left by numeric derivatives


def documents_of(doc_ids: list[str]) -> tuple[np.ndarray, int]:
    """Document number of each item, (n,), and the count of documents."""
    names, numbers = np.unique(np.asarray(doc_ids), return_inverse=True)
    return numbers, len(names)


def sum_by_document(values: np.ndarray, numbers: np.ndarray, documents: int) -> np.ndarray:
    """(n, …) → (documents, …) sums."""
    sums = np.zeros((documents, *values.shape[1:]))
    np.add.at(sums, numbers, values)
    return sums


@lru_cache(maxsize=4)
def draws(units: int, replicates: int, seed: int) -> np.ndarray:
    """How often each of `units` is drawn in each resample: (replicates, units), rows sum to `units`.

    Kept, since all scores of one part are resampled alike: the same documents stand behind all of them.
    """
    weights = _drawn(np.random.default_rng(seed), units, replicates)
    weights.flags.writeable = False
    return weights


def _drawn(rng: np.random.Generator, units: int, replicates: int) -> np.ndarray:
    chosen = rng.integers(0, units, size=(replicates, units))
    chosen += np.arange(replicates)[:, None] * units
    return np.bincount(chosen.ravel(), minlength=replicates * units).reshape(replicates, units).astype(float)


def row_blocks(replicates: int, units: int) -> list[int]:
    """Numbers of rows that add up to `replicates`, so that each block of them holds at most about `CELLS` numbers."""
    rows = max(1, CELLS // units)
    return [min(rows, replicates - start) for start in range(0, replicates, rows)]


def weight_blocks(units: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """The rows of `draws` block by block; several blocks are drawn anew each time, since keeping them all would take
    gigabytes (sixty thousand documents: five)."""
    blocks = row_blocks(replicates, units)
    if len(blocks) == 1:
        yield draws(units, replicates, seed)
        return
    rng = np.random.default_rng(seed)
    for rows in blocks:
        yield _drawn(rng, units, rows)


def seed_weights(seeds: int, replicates: int, seed: int) -> np.ndarray:
    """(replicates, seeds) weights of mean one, stretched so that the variance over few seeds is not too small.

    Drawing S seeds out of S gives (S - 1) / S of the variance of a mean over seeds; the deviations are
    multiplied by the root of its inverse. One seed has weight one: nothing is known of its spread.
    """
    if seeds == 1:
        return np.ones((replicates, 1))
    return 1 + np.sqrt(seeds / (seeds - 1)) * (draws(seeds, replicates, seed) - 1)


def replicate_scores(
    counts: np.ndarray, statistic: Callable, *, seed: int = 0, seed_of_seeds: int = 1, replicates: int = REPLICATES
) -> np.ndarray:
    """The mean score over seeds in each resample of documents and seeds, (replicates,).

    Equal `seed`s draw equal documents, whatever the system; `seed_of_seeds` draws the training seeds.
    """
    seeds, documents = counts.shape[:2]
    shape = counts.shape[2:]
    blocks = []
    for weights in weight_blocks(documents, replicates, seed):
        sums = [(weights @ one.reshape(documents, -1)).reshape(-1, *shape) for one in counts]
        blocks.append(np.stack([statistic(one) for one in sums], axis=1))
    return (np.concatenate(blocks) * seed_weights(seeds, replicates, seed_of_seeds)).mean(1)


def influence(counts: np.ndarray, statistic: Callable, weights: np.ndarray) -> np.ndarray:
    """Derivative of the mean score over seeds by each document's weight, at `weights` (n, documents): (n, documents).

    The gradient by the counts is numeric, so any statistic will do: K + 1 calls for K numbers a document.
    """
    seeds, documents = counts.shape[:2]
    total = np.zeros((len(weights), documents))
    for one in counts.reshape(seeds, documents, -1):
        sums = weights @ one
        base = statistic(sums.reshape(len(sums), *counts.shape[2:]))
        some = np.flatnonzero(one.any(0))
        slopes = np.empty((len(sums), len(some)))
        for column, k in enumerate(some):
            sums[:, k] += STEP
            slopes[:, column] = (statistic(sums.reshape(len(sums), *counts.shape[2:])) - base) / STEP
            sums[:, k] -= STEP
        total += np.nan_to_num(slopes) @ one[:, some].T
    return total / seeds


def seed_variance(counts: np.ndarray, statistic: Callable) -> float:
    """Variance of the mean over training seeds; 0 for one seed, of whose spread nothing is known."""
    return float(statistic(counts.sum(1)).var(ddof=1)) / len(counts) if len(counts) > 1 else 0.0


def document_variance(counts: np.ndarray, statistic: Callable) -> float:
    """Variance of the mean score over seeds that the documents make; NaN for one document.

    Infinitesimal jackknife (Efron & Tibshirani 1993, §21), times documents / (documents - 1).
    """
    documents = counts.shape[1]
    if documents < 2:
        return float("nan")
    by_document = influence(counts, statistic, np.ones((1, documents)))[0]
    return float(documents / (documents - 1) * (by_document**2).sum())


def standard_error(counts: np.ndarray, statistic: Callable) -> float:
    """Standard error of the mean score over seeds, from documents and seeds; NaN for one document."""
    return float(np.sqrt(document_variance(counts, statistic) + seed_variance(counts, statistic)))


def studentised_replicates(counts: np.ndarray, statistic: Callable, values: np.ndarray, seed: int) -> np.ndarray:
    """Each resample's error over its own standard error, (replicates or fewer,): those with an error of zero,
    and those where the score is undefined, are left out. `values` are from `replicate_scores`."""
    documents = counts.shape[1]
    squares = [
        (weights * influence(counts, statistic, weights) ** 2).sum(1)
        for weights in weight_blocks(documents, len(values), seed)
    ]
    variance = documents / (documents - 1) * np.concatenate(squares)
    variance += seed_variance(counts, statistic)
    point = float(np.mean(statistic(counts.sum(1))))
    usable = (variance > NO_VARIANCE) & ~np.isnan(values)
    return (values[usable] - point) / np.sqrt(variance[usable])


def studentised_ends(
    point: float, error: float, t: np.ndarray, bounds: tuple[float, float] = (0, 1)
) -> tuple[float, float]:
    """Bootstrap-t (Efron & Tibshirani 1993, §12.5) of a score with standard error `error`, within `bounds`."""
    if not len(t) or not error > 0:
        return point, point
    low, high = np.quantile(t, TAILS)
    # the point stays inside where a skewed resampling would leave it out
    ends = min(point, point - high * error), max(point, point - low * error)
    return float(max(bounds[0], ends[0])), float(min(bounds[1], ends[1]))


def percentile_ends(values: np.ndarray) -> tuple[float, float]:
    """Quantiles of the resampled scores (Efron 1979)."""
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)


def bca_ends(values: np.ndarray, point: float, left_out: np.ndarray) -> tuple[float, float]:
    """Bias-corrected and accelerated quantiles (Efron 1987; Efron & Tibshirani 1993, §14.3).

    `left_out`: scores without each document.
    """
    from scipy.stats import norm

    values, left_out = np.sort(values), left_out[~np.isnan(left_out)]
    deviations = left_out.mean() - left_out
    spread = (deviations**2).sum() ** 1.5
    acceleration = (deviations**3).sum() / (6 * spread) if spread > 0 else 0.0
    # ties count half, so that a constant statistic has no bias
    below = ((values < point).sum() + (values == point).sum() / 2) / len(values)
    bias = norm.ppf(np.clip(below, 1 / len(values), 1 - 1 / len(values)))
    ends = []
    for tail in TAILS:
        z = bias + norm.ppf(tail)
        ends.append(float(np.quantile(values, norm.cdf(bias + z / (1 - acceleration * z)))))
    return ends[0], ends[1]


def interval_over_seeds(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int = 0,
    replicates: int = REPLICATES,
    method: str = METHOD,
    bounds: tuple[float, float] = (0, 1),
) -> tuple[float, float] | None:
    """Interval of the mean over seeds of `statistic`. `method`: `percentile`, `bca` or `studentised`.

    `bounds`: the least and the largest value the score can have. None for fewer than three documents (there
    is too little to resample), and where the score is undefined.
    """
    counts = np.asarray(counts, float)
    if counts.shape[1] < FEWEST:
        return None
    point = float(np.mean(statistic(counts.sum(1))))
    values = replicate_scores(counts, statistic, seed=seed, replicates=replicates)
    if np.isnan(point) or np.isnan(values).all():
        return None
    if method == "studentised":
        t = studentised_replicates(counts, statistic, values, seed)
        return studentised_ends(point, standard_error(counts, statistic), t, bounds)
    values = values[~np.isnan(values)]
    if method == "percentile":
        return percentile_ends(values)
    if method == "bca":
        left_out = np.mean([statistic(one.sum(0) - one) for one in counts], axis=0)
        return bca_ends(values, point, left_out)
    raise ValueError(f"method {method!r}: the methods are percentile, bca and studentised")


def bootstrap_interval(by_document: np.ndarray, statistic: Callable, **options) -> tuple[float, float] | None:
    """`interval_over_seeds` of one run, whose counts are (documents, …)."""
    return interval_over_seeds(np.asarray(by_document)[None], statistic, **options)


# from src/jianghua/evaluation/measure.py
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

_DESCRIPTION = """\
Scores of Jianghua, functions of paragraphs in Chinese officials' speeches: macro-, micro- and per-class F1,
accuracy, balanced accuracy, Matthews' correlation and the confusion matrix for `primary`; macro-, micro- and
sample F1, exact match and average precision for `functions`. With the documents the paragraphs come from,
95 % intervals by resampling documents.
"""

_KWARGS_DESCRIPTION = """\
Args:
    predictions: class ids 0 to 3 (`primary`), or lists of class ids, which may be empty (`functions`).
    references: the same of the gold labels.
    doc_ids: the document of each paragraph; without it, or with fewer than three, there are no intervals.
    proba: for `functions`, four probabilities a paragraph; adds the average precision of each function.
Returns:
    a dictionary; a score is {"value", "low", "high", "n", "documents"}, undefined numbers are None.
Examples:
    >>> metric = evaluate.load("metrics/jianghua", "primary")
    >>> scores = metric.compute(predictions=[0, 2, 2, 1], references=[0, 2, 1, 1], doc_ids=["a", "a", "b", "c"])
    >>> round(scores["macro_f1"]["value"], 3)
    0.778
"""


def _sets(rows) -> np.ndarray:
    table = np.zeros((len(rows), len(LABELS)), dtype=bool)
    for row, found in zip(table, rows, strict=True):
        row[list(found)] = True
    return table


def _check(name: str, ids) -> None:
    wrong = [i for i in ids if not 0 <= i < len(LABELS)]
    if wrong:
        raise ValueError(f"{name} hold the class {wrong[0]}; the classes are 0 to {len(LABELS) - 1}")


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class Jianghua(evaluate.Metric):
    """See the description; `config_name` is `primary` (the default) or `functions`."""

    def _info(self):
        if self.config_name not in ("default", "primary", "functions"):
            raise ValueError(f"configuration {self.config_name!r}: the configurations are primary and functions")
        one = datasets.Value("int64")
        kind = datasets.Sequence(one) if self.config_name == "functions" else one
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features({"predictions": kind, "references": kind}),
        )

    def _compute(self, predictions, references, doc_ids=None, proba=None):
        if doc_ids is not None and len(doc_ids) != len(references):
            raise ValueError(f"{len(doc_ids)} document ids for {len(references)} paragraphs")
        if self.config_name == "functions":
            for name, rows in (("predictions", predictions), ("references", references)):
                _check(name, [i for row in rows for i in row])
            scores = None if proba is None else np.asarray(proba, dtype=float)
            if scores is not None and scores.shape != (len(references), len(LABELS)):
                raise ValueError(f"proba is {scores.shape}, not ({len(references)}, {len(LABELS)})")
            return measure(_sets(references), _sets(predictions), "functions", scores, doc_ids)
        for name, ids in (("predictions", predictions), ("references", references)):
            _check(name, ids)
        gold, predicted = np.asarray(references, dtype=int), np.asarray(predictions, dtype=int)
        return measure(gold, predicted, "primary", None, doc_ids)
