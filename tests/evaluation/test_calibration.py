"""Whether probabilities mean what they say: against what is known in advance."""

import numpy as np
import pytest

from jianghua.evaluation import (
    choose_thresholds,
    expected_calibration_error,
    fit_temperature,
    reliability,
    risk_coverage,
)
from jianghua.evaluation.calibration import brier_score, calibration_error_of_calibrated, calibration_scores
from jianghua.report import calibration_picture


def test_calibration_error_is_zero_for_a_calibrated_model_and_large_for_an_overconfident_one():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 20000)
    assert expected_calibration_error(confidence, rng.random(20000) < confidence) < 0.02
    assert expected_calibration_error(np.full(100, 0.99), np.arange(100) < 50) == pytest.approx(0.49)


def test_the_stated_bias_is_what_calibrated_models_show_and_falls_with_more_items():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, 300)
    seen = np.mean([expected_calibration_error(confidence, rng.random(300) < confidence) for _ in range(300)])
    assert calibration_error_of_calibrated(confidence) == pytest.approx(seen, rel=0.05)
    assert calibration_error_of_calibrated(rng.uniform(0.3, 1, 30_000)) < seen / 5


def test_a_reliability_diagram_counts_every_item_once_in_bins_of_equal_mass():
    rng = np.random.default_rng(0)
    confidence = rng.random(150)
    correct = rng.random(150) < confidence
    bins = reliability(confidence, correct)
    assert [b["n"] for b in bins] == [10] * 15
    assert [b["confidence"] for b in bins] == sorted(b["confidence"] for b in bins)
    assert sum(b["n"] * b["correct"] for b in bins) == pytest.approx(correct.sum())
    error = sum(b["n"] * abs(b["confidence"] - b["correct"]) for b in bins) / 150
    assert expected_calibration_error(confidence, correct) == pytest.approx(error)


def test_abstaining_from_the_errors_first_is_the_best_curve():
    correct = np.array([True] * 80 + [False] * 20)
    best = risk_coverage(np.linspace(1, 0, 100), correct)
    worst = risk_coverage(np.linspace(0, 1, 100), correct)
    assert best["risk"][best["coverage"].index(0.8)] == 0
    assert best["risk"][-1] == worst["risk"][-1] == pytest.approx(0.2)
    assert best["aurc"] == pytest.approx(np.mean([0.0] * 80 + [k / (80 + k) for k in range(1, 21)]))
    assert worst["risk"][0] == 1
    assert best["aurc"] < 0.2 < worst["aurc"]


def test_confidence_that_says_nothing_has_the_overall_risk_everywhere_in_any_order():
    correct = np.arange(100) < 70
    curve = risk_coverage(np.full(100, 0.6), correct)
    assert curve["risk"] == pytest.approx([0.3] * 20)
    assert risk_coverage(np.full(100, 0.6), correct[::-1]) == curve


def test_no_items_have_no_calibration():
    assert np.isnan(expected_calibration_error(np.array([]), np.array([])))
    assert np.isnan(brier_score(np.zeros((0, 4)), np.zeros((0, 4))))
    assert reliability(np.array([]), np.array([])) == []
    assert risk_coverage(np.array([]), np.array([]))["aurc"] is None


def test_a_sure_and_right_model_has_no_error_and_no_risk():
    gold = np.array([0, 1, 2, 3] * 10)
    scores = calibration_scores(np.eye(4)[gold], gold, gold, "primary")
    assert scores["expected_calibration_error"] == scores["brier"] == scores["risk_coverage"]["aurc"] == 0


def test_the_confidence_of_an_answer_is_that_of_the_answer_given_whatever_the_threshold():
    gold = np.tile([[True, False, False, False]], (50, 1))
    proba = np.tile([[0.3, 0.1, 0.1, 0.1]], (50, 1))
    scores = calibration_scores(proba, gold, proba > 0.2, "functions")
    assert [b["confidence"] for b in scores["reliability"]] == pytest.approx([0.3, 0.9])


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


def test_a_function_that_every_paragraph_has_gets_a_threshold_that_all_reach():
    proba = np.array([[0.2, 0.1], [0.3, 0.1]])
    first, second = choose_thresholds(proba, np.array([[True, True], [True, True]]))
    assert (proba[:, 0] >= first).all()
    assert (proba[:, 1] >= second).all()


def test_thresholds_are_those_that_trying_every_midpoint_finds():
    rng = np.random.default_rng(7)
    proba = rng.integers(0, 40, (300, 4)) / 39  # many are equal
    gold = rng.random((300, 4)) < proba
    for chosen, scores, truth in zip(choose_thresholds(proba, gold), proba.T, gold.T, strict=True):
        levels = np.unique(scores)
        tried = [0.5, levels[0], *(levels[1:] + levels[:-1]) / 2]
        f1 = [2 * (truth & (scores >= t)).sum() / ((scores >= t).sum() + truth.sum()) for t in tried]
        best = [t for t, score in zip(tried, f1, strict=True) if score == max(f1)]
        assert abs(chosen - 0.5) == min(abs(t - 0.5) for t in best)
        assert chosen in best


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_scores_give_the_same_calibration_picture(tmp_path, ending):
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 4, 200)
    scores = calibration_scores(rng.dirichlet(np.ones(4), 200), gold, rng.integers(0, 4, 200), "primary")
    for name in ("a", "b"):
        calibration_picture(scores, tmp_path / f"{name}.{ending}", "t")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert (tmp_path / f"a.{ending}").stat().st_size > 5000
