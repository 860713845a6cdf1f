"""Whether a probability means what it says."""

import numpy as np


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """ECE over `bins` bins of equal mass (Nguyen & O'Connor 2015; Guo et al. 2017, §3).

    `confidence` and `correct` are (n,). Biased upwards when bins hold few items: with n items a bin
    of n / bins is the finest that can be asked for. NaN for no items.
    """
    confidence, correct = np.asarray(confidence, float), np.asarray(correct, float)
    if not len(confidence):
        return float("nan")
    # by quantiles, so that equal confidences share a bin whatever the order of the items
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.searchsorted(edges, confidence, side="left")
    mass = np.bincount(places, minlength=len(edges) + 1)
    gaps = np.abs(np.bincount(places, confidence - correct, minlength=len(mass)))
    return float(gaps.sum() / len(confidence))


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

    Candidates lie midway between neighbouring probabilities; among equals the one nearest 0.5 wins.
    0.5 where a function never occurs.
    """
    thresholds = []
    for scores, truth in zip(np.asarray(proba, float).T, np.asarray(gold, bool).T, strict=True):
        if not truth.any():
            thresholds.append(0.5)
            continue
        levels = np.unique(scores)
        candidates = np.append((levels[1:] + levels[:-1]) / 2, 0.5)
        predicted = scores[None] >= candidates[:, None]
        tp = (predicted & truth).sum(1)
        f1 = 2 * tp / (predicted.sum(1) + truth.sum())
        best = candidates[f1 == f1.max()]
        thresholds.append(float(best[np.abs(best - 0.5).argmin()]))
    return thresholds
