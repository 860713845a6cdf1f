"""Uncertainty by resampling documents: paragraphs of one speech are not independent of one another.

A resample draws as many documents as there are, with replacement; its score comes from the weighted
sum of the documents' counts, so ten thousand resamples are one matrix product. Where there are several
training seeds, a resample draws seeds as well (seeds × documents, crossed), and the score is the mean
over the seeds drawn.

Three intervals come from the same resamples. Which one the benchmark uses (`METHOD`) was chosen by its
coverage at the benchmark's own document counts and sizes: docs/evaluation.md has the table, and
benchmarks/coverage.py makes it.

Counts are (seeds, documents, …) throughout; a `statistic` maps stacked sums over documents (n, …) to (n,).
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

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
