"""Whether a probability means what it says."""

import numpy as np

BINS = 15
DRAWS = 200
COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))


def equal_mass_bins(confidence: np.ndarray) -> tuple[np.ndarray, int]:
    """Bin of each item, (n,), and the number of bins: by quantiles, so that equal confidences share a bin
    whatever the order of the items."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, confidence, side="left"), len(edges) + 1


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """ECE over 15 bins of equal mass (Nguyen & O'Connor 2015; Guo et al. 2017, §2).

    `confidence` and `correct` are (n,). Biased upwards, the more the fewer items a bin holds:
    `calibration_error_of_calibrated` says what a calibrated model would show. NaN for no items.
    """
    confidence, correct = np.asarray(confidence, float), np.asarray(correct, float)
    if not len(confidence):
        return float("nan")
    places, size = equal_mass_bins(confidence)
    return float(np.abs(np.bincount(places, confidence - correct, minlength=size)).sum() / len(confidence))


def calibration_error_of_calibrated(confidence: np.ndarray) -> float:
    """The mean ECE of answers that are right exactly as often as `confidence` (n,) says: the bias of ECE at
    this number of items (Kumar et al. 2019, §5). An ECE near it is no sign of miscalibration. NaN for no items."""
    confidence = np.asarray(confidence, float)
    if not len(confidence):
        return float("nan")
    places, size = equal_mass_bins(confidence)
    rng = np.random.default_rng(0)
    gaps = [np.bincount(places, confidence - (rng.random(len(confidence)) < confidence), size) for _ in range(DRAWS)]
    return float(np.abs(gaps).sum(1).mean() / len(confidence))


def reliability(confidence: np.ndarray, correct: np.ndarray) -> list[dict]:
    """The bins of a reliability diagram, least confident first: mean confidence, share correct, items."""
    confidence, correct = np.asarray(confidence, float), np.asarray(correct, float)
    if not len(confidence):
        return []
    places, size = equal_mass_bins(confidence)
    n, sure, right = (np.bincount(places, values, size) for values in (None, confidence, correct))
    return [
        {"confidence": float(sure[i] / n[i]), "correct": float(right[i] / n[i]), "n": int(n[i])}
        for i in np.flatnonzero(n)
    ]


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> dict:
    """The share of errors among the most confident share of items (El-Yaniv & Wiener 2010), and the area
    under that curve (AURC; Geifman et al. 2019, §3): its mean over all n coverages.

    Where confidences are equal, errors are spread evenly over them: the mean over all their orders.
    `coverage` and `risk` are lists of 20 steps. `aurc` is None for no items.
    """
    confidence, wrong = np.asarray(confidence, float), 1 - np.asarray(correct, float)
    n = len(confidence)
    if not n:
        return {"coverage": [], "risk": [], "aurc": None}
    _, group = np.unique(-confidence, return_inverse=True)
    spread = (np.bincount(group, wrong) / np.bincount(group))[np.sort(group)]
    risk = spread.cumsum() / np.arange(1, n + 1)
    # a share of n that floating point puts a hair above a whole number is that number
    taken = np.maximum(1, np.ceil(np.array(COVERAGES) * n - 1e-9).astype(int))
    return {"coverage": list(COVERAGES), "risk": risk[taken - 1].tolist(), "aurc": float(risk.mean())}


def calibration_scores(proba: np.ndarray, gold: np.ndarray, predicted: np.ndarray, config: str) -> dict:
    """All of it for one part: `proba` (n, 4); `gold` and `predicted` (n,) ids, or (n, 4) booleans for `functions`.

    For `functions` reliability is over single yes-or-no answers, the confidence being that of the answer
    given; one abstains from whole paragraphs, whose confidence is that of their least confident answer.
    """
    if config == "primary":
        confidence, correct = proba[np.arange(len(proba)), predicted], gold == predicted
        paragraph, right, target = confidence, correct, np.eye(proba.shape[1])[gold]
    else:
        answers = np.where(predicted, proba, 1 - proba)
        confidence, correct = answers.ravel(), (gold == predicted).ravel()
        paragraph, right, target = answers.min(1), (gold == predicted).all(1), gold.astype(float)
    numbers = {
        "expected_calibration_error": expected_calibration_error(confidence, correct),
        "expected_calibration_error_if_calibrated": calibration_error_of_calibrated(confidence),
        "brier": brier_score(proba, target),
    }
    numbers = {name: None if np.isnan(value) else value for name, value in numbers.items()}
    return numbers | {
        "reliability": reliability(confidence, correct),
        "risk_coverage": risk_coverage(paragraph, right),
    }


def brier_score(proba: np.ndarray, target: np.ndarray) -> float:
    """Mean squared distance of (n, C) probabilities from (n, C) 0/1 targets (Brier 1950)."""
    return float(((np.asarray(proba) - np.asarray(target)) ** 2).sum(1).mean()) if len(proba) else float("nan")


def fit_temperature(logits: np.ndarray, target: np.ndarray, *, multilabel: bool) -> float:
    """The temperature T that minimises the loss of `logits / T` on validation (Guo et al. 2017, §4.2).

    `logits` (n, C); `target` (n,) class ids, or (n, C) booleans when `multilabel`. 1.0 for no items.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_expit, log_softmax

    logits = np.asarray(logits, float)
    if not len(logits):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if multilabel:
            return -np.where(target, log_expit(scaled), log_expit(-scaled)).mean()
        return -log_softmax(scaled, axis=1)[np.arange(len(target)), target].mean()

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def choose_thresholds(proba: np.ndarray, gold: np.ndarray) -> list[float]:
    """A threshold a function, (n, C) → C, each the one with the highest F1 on validation.

    Candidates are the lowest probability, which all reach, and those midway between neighbouring ones; among equals
    the one nearest 0.5 wins. A function that never occurs there has 0.5.
    """
    thresholds = []
    for scores, truth in zip(np.asarray(proba, float).T, np.asarray(gold, bool).T, strict=True):
        if not truth.any():
            thresholds.append(0.5)
            continue
        levels = np.unique(scores)
        candidates = np.concatenate([levels[:1], (levels[1:] + levels[:-1]) / 2, [0.5]])
        # how many lie at or over each candidate: among those with the function, and among all
        tp, predicted = (len(part) - np.searchsorted(np.sort(part), candidates) for part in (scores[truth], scores))
        f1 = 2 * tp / (predicted + truth.sum())
        best = candidates[f1 == f1.max()]
        thresholds.append(float(best[np.abs(best - 0.5).argmin()]))
    return thresholds
