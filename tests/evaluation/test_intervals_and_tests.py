"""Intervals over documents and the paired test: against simulation, and at their edges."""

import time

import numpy as np
import pytest

from jianghua.evaluation import (
    bootstrap_interval,
    choose_thresholds,
    expected_calibration_error,
    fit_temperature,
    macro_f1,
    paired_randomisation,
)
from jianghua.evaluation.intervals import documents_of, sum_by_document
from jianghua.report.results import holm


def right_and_all(rng, documents, rate=0.7, spread=0.15, size=12):
    """Right answers and all answers of documents whose accuracy differs from one another."""
    p = np.clip(rng.normal(rate, spread, documents), 0.02, 0.98)
    right = rng.binomial(size, p)
    return np.stack([right, np.full(documents, size)], axis=1).astype(float)


def share(counts):
    return counts[..., 0] / counts[..., 1]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(300):
        low, high = bootstrap_interval(right_and_all(rng, 23), share, seed=trial, replicates=1000)
        hits += low <= 0.7 <= high
    assert 0.88 <= hits / 300 <= 0.99


def test_the_interval_holds_the_point_and_narrows_with_more_documents():
    rng = np.random.default_rng(1)
    few, many = right_and_all(rng, 10), right_and_all(rng, 200)
    a, b = bootstrap_interval(few, share), bootstrap_interval(many, share)
    assert a[0] < share(few.sum(0)) < a[1]
    assert b[1] - b[0] < (a[1] - a[0]) / 2


def test_one_document_has_no_interval():
    assert bootstrap_interval(np.array([[3.0, 4.0]]), share) is None


def test_the_same_seed_gives_the_same_interval():
    counts = right_and_all(np.random.default_rng(2), 15)
    assert bootstrap_interval(counts, share, seed=3) == bootstrap_interval(counts, share, seed=3)


def test_ten_thousand_replicates_of_five_thousand_predictions_take_under_a_second():
    rng = np.random.default_rng(0)
    items = rng.integers(0, 2, size=(5000, 4, 3)).astype(float)
    numbers, documents = documents_of([f"d{i % 250}" for i in range(5000)])
    began = time.perf_counter()
    counts = sum_by_document(items, numbers, documents)
    assert bootstrap_interval(counts, macro_f1) is not None
    # the bound is one second on an idle core; a shared machine may be slower
    assert time.perf_counter() - began < 4


def random_counts(rng, documents, rate):
    """One seed's counts (1, documents, 4, 3) of a system that is right with probability `rate`."""
    gold = rng.integers(0, 4, size=(documents, 10))
    predicted = np.where(rng.random(gold.shape) < rate, gold, rng.integers(0, 4, size=gold.shape))
    eye = np.eye(4, dtype=bool)
    g, p = eye[gold], eye[predicted]
    return np.stack([(g & p).sum(1), (~g & p).sum(1), (g & ~p).sum(1)], axis=-1)[None].astype(float), gold


def test_equal_systems_are_rarely_told_apart():
    false = 0
    for trial in range(200):
        rng = np.random.default_rng(trial)
        left, right = (random_counts(rng, 20, 0.6)[0] for _ in range(2))
        false += paired_randomisation(left, right, replicates=400, seed=trial)["p_value"] <= 0.05
    assert false / 200 <= 0.10


def test_a_better_system_is_told_apart_and_the_sign_is_right():
    rng = np.random.default_rng(0)
    good, bad = random_counts(rng, 30, 0.9)[0], random_counts(rng, 30, 0.4)[0]
    test = paired_randomisation(good, bad)
    assert test["difference"] > 0.2
    assert test["p_value"] < 0.001
    assert paired_randomisation(bad, good)["difference"] == pytest.approx(-test["difference"])


def test_a_system_does_not_differ_from_itself():
    counts = random_counts(np.random.default_rng(3), 12, 0.5)[0]
    assert paired_randomisation(counts, counts)["p_value"] == 1.0


def test_counts_of_different_documents_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="different documents"):
        paired_randomisation(random_counts(rng, 5, 0.5)[0], random_counts(rng, 6, 0.5)[0])


def test_holm_equals_the_textbook_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_calibration_error_is_zero_for_a_calibrated_model_and_large_for_an_overconfident_one():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 20000)
    assert expected_calibration_error(confidence, rng.random(20000) < confidence) < 0.02
    assert expected_calibration_error(np.full(100, 0.99), np.arange(100) < 50) == pytest.approx(0.49)


def test_the_temperature_undoes_a_scaling_of_the_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = (p.cumsum(1) > rng.random((4000, 1))).argmax(1)
    assert fit_temperature(3 * logits, target, multilabel=False) == pytest.approx(3, rel=0.1)


def test_thresholds_separate_what_can_be_separated():
    proba = np.array([[0.1, 0.5], [0.2, 0.5], [0.35, 0.5], [0.4, 0.5]])
    gold = np.array([[0, 0], [0, 0], [1, 0], [1, 0]], bool)
    first, never = choose_thresholds(proba, gold)
    assert 0.2 < first <= 0.35
    assert never == 0.5
