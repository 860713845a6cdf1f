"""Paired comparison of systems on the same paragraphs, over documents. Counts are (seeds, documents, C, 3)."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jianghua.evaluation.intervals import (
    FEWEST,
    NO_VARIANCE,
    REPLICATES,
    document_variance,
    percentile_ends,
    replicate_scores,
    row_blocks,
    seed_variance,
    standard_error,
    studentised_ends,
    studentised_replicates,
)
from jianghua.evaluation.metrics import macro_f1

POWER = 0.8
ALPHA = 0.05
BOOTSTRAP = ("low", "high", "p_value", "standard_error", "effect_size", "smallest_difference")


def check_pair(left: np.ndarray, right: np.ndarray) -> None:
    """Raise `ValueError` for counts that are not of the same documents, classes and number of seeds."""
    if left.shape[1:] != right.shape[1:]:
        raise ValueError(f"counts of different documents or classes: {left.shape[1:]} and {right.shape[1:]}")
    if len(left) != len(right):
        raise ValueError(f"{len(left)} seeds on one side and {len(right)} on the other")


def paired_randomisation(
    left: np.ndarray, right: np.ndarray, *, replicates: int = REPLICATES, seed: int = 0, labels: list[int] | None = None
) -> dict:
    """Approximate randomisation test of the difference in macro-F1 (Noreen 1989; Yeh 2000, §3).

    `left` and `right` are counts (seeds, documents, C, 3). Under the null hypothesis a document's
    predictions could have come from either system, so in each replicate a coin decides for each document whether
    the systems' answers are swapped, those of all seeds together; the statistic is the difference of the means
    over seeds. The p-value
    is two-sided, with the usual +1 (Davison & Hinkley 1997, §4.2.5); None for fewer than three documents,
    whose few swaps can tell nothing.
    """
    left, right = np.asarray(left, float), np.asarray(right, float)
    check_pair(left, right)
    documents = left.shape[1]

    def score(counts):
        return macro_f1(counts.sum(1), labels).mean(0)

    observed = float(score(left) - score(right))
    result = {"difference": observed, "p_value": None, "documents": documents, "seeds": len(left)}
    if documents < FEWEST or np.isnan(observed):
        return result
    # seeds are paired in the swap by position; the mean of each side is what enters the statistic
    a = left.reshape(len(left), documents, -1)
    b = right.reshape(len(right), documents, -1)
    shape = left.shape[2:]

    def side(swaps, stay, come):
        sums = np.stack([(1 - swaps) @ kept + swaps @ taken for kept, taken in zip(stay, come, strict=True)], 1)
        return macro_f1(sums.reshape(len(swaps), len(stay), *shape), labels).mean(1)

    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, 2, size=(rows, documents)).astype(float) for rows in row_blocks(replicates, documents))
    differences = np.concatenate([side(swaps, a, b) - side(swaps, b, a) for swaps in drawn])
    extreme = int((np.abs(differences) >= abs(observed) - 1e-12).sum())
    return result | {"p_value": (extreme + 1) / (replicates + 1)}


def _difference(left: np.ndarray, right: np.ndarray, labels: list[int] | None) -> tuple[np.ndarray, Callable]:
    """Both systems' counts as one, (seeds, documents, 2, C, 3), and the statistic that is their difference."""
    left, right = np.asarray(left, float), np.asarray(right, float)
    check_pair(left, right)

    def statistic(counts: np.ndarray) -> np.ndarray:
        return macro_f1(counts[..., 0, :, :], labels) - macro_f1(counts[..., 1, :, :], labels)

    return np.stack([left, right], axis=2), statistic


def smallest_difference(left: np.ndarray, right: np.ndarray, *, labels: list[int] | None = None) -> float | None:
    """The smallest true difference that a paired test of two such systems finds with a power of 80 % at 0.05.

    (t(0.975) + t(0.8)) standard errors of the difference, documents - 1 degrees of freedom (Bloom 1995).
    None for fewer than three documents.
    """
    both, statistic = _difference(left, right, labels)
    return _detectable(standard_error(both, statistic), both.shape[1]) if both.shape[1] >= FEWEST else None


def _detectable(error: float, documents: int) -> float:
    """The true difference with standard error `error` that a test at 0.05 finds with a power of 80 %."""
    from scipy.stats import t as student

    return float((student.ppf(1 - ALPHA / 2, documents - 1) + student.ppf(POWER, documents - 1)) * error)


def paired_bootstrap(
    left: np.ndarray, right: np.ndarray, *, replicates: int = REPLICATES, seed: int = 0, labels: list[int] | None = None
) -> dict:
    """Interval and test of the difference in macro-F1, resampling documents (and seeds) of both systems alike.

    Keys: `difference`, `low`, `high` (95 %, bootstrap-t), `p_value` (two-sided, studentised; Davison & Hinkley
    1997, §4.4.1), `standard_error`, `effect_size` (the difference over the standard deviation of the documents'
    contributions to it: Cohen's d for paired observations; 0 where the two never differ, None where they differ
    alike in every document) and `smallest_difference`. All but the difference are None for fewer than
    three documents.
    """
    both, statistic = _difference(left, right, labels)
    documents = both.shape[1]
    difference = float(statistic(both.sum(1)).mean())
    if documents < FEWEST or np.isnan(difference):
        return {"difference": difference} | dict.fromkeys(BOOTSTRAP)
    variance = document_variance(both, statistic)
    error = float(np.sqrt(variance + seed_variance(both, statistic)))
    values = replicate_scores(both, statistic, seed=seed, replicates=replicates)
    t = studentised_replicates(both, statistic, values, seed)
    low, high = studentised_ends(difference, error, t, bounds=(-1, 1))
    if error**2 > NO_VARIANCE:
        p_value = (int((np.abs(t) >= abs(difference) / error - 1e-12).sum()) + 1) / (len(t) + 1)
    else:  # no resample differs from the sample: none is as extreme as a difference, all as none
        p_value = 1 / (replicates + 1) if difference else 1.0
    no_spread = None if difference else 0.0
    return {
        "difference": difference,
        "low": low,
        "high": high,
        "p_value": p_value,
        "standard_error": error,
        "effect_size": difference / (documents * variance) ** 0.5 if variance > NO_VARIANCE else no_spread,
        "smallest_difference": _detectable(error, documents),
    }


def compare(left: np.ndarray, right: np.ndarray, *, labels: list[int] | None = None) -> dict:
    """Both tests: the keys of `paired_randomisation`, and those of `paired_bootstrap` under `bootstrap`."""
    bootstrap = paired_bootstrap(left, right, labels=labels)
    result = paired_randomisation(left, right, labels=labels)
    return result | {"bootstrap": {name: bootstrap[name] for name in BOOTSTRAP}}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979): adjusted p-values in the order given."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def ranks(
    systems: Mapping[str, np.ndarray],
    *,
    replicates: int = REPLICATES,
    labels: list[int] | None = None,
) -> dict[str, dict]:
    """Rank of each system by macro-F1, 1 the best, with the 95 % interval over resampled documents and seeds.

    Equal scores share the better rank. The intervals hold for one system at a time, not for all together
    (Goldstein & Spiegelhalter 1996); for fewer than three documents `low` and `high` are None.
    """

    def place(scores: np.ndarray) -> np.ndarray:
        return 1 + (scores[:, None, :] > scores[:, :, None] + 1e-12).sum(2)

    def score(sums: np.ndarray) -> np.ndarray:
        return macro_f1(sums, labels)

    counts = [np.asarray(one, float) for one in systems.values()]
    single = place(np.array([[score(one.sum(1)).mean() for one in counts]]))[0]
    result = {name: {"rank": int(rank), "low": None, "high": None} for name, rank in zip(systems, single, strict=True)}
    if counts[0].shape[1] < FEWEST:
        return result
    scores = [
        # the same documents for all; but seed 1 of one model has nothing to do with seed 1 of another
        replicate_scores(one, score, seed_of_seeds=1 + i, replicates=replicates)
        for i, one in enumerate(counts)
    ]
    for name, drawn in zip(systems, place(np.stack(scores, axis=1)).T, strict=True):
        low, high = percentile_ends(drawn)
        result[name] |= {"low": int(np.floor(low)), "high": int(np.ceil(high))}
    return result
