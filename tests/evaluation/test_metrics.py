"""Metrics against scikit-learn on random inputs, and their undefined cases."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from jianghua.evaluation import (
    accuracy,
    average_precision,
    balanced_accuracy,
    f1_per_class,
    macro_f1,
    matthews_correlation,
    measure,
    micro_f1,
)
from jianghua.evaluation.measure import item_counts
from jianghua.evaluation.metrics import confusion_counts, one_vs_rest, precision_recall

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(labels)
def test_primary_scores_equal_scikit_learn(pairs):
    gold, predicted = map(np.array, zip(*pairs, strict=True))
    confusion = confusion_counts(gold, predicted)
    counts = one_vs_rest(confusion)
    assert confusion.tolist() == reference.confusion_matrix(gold, predicted, labels=range(4)).tolist()
    assert macro_f1(counts) == pytest.approx(reference.f1_score(gold, predicted, average="macro"))
    assert micro_f1(counts) == pytest.approx(reference.f1_score(gold, predicted, average="micro"))
    assert accuracy(confusion) == pytest.approx(reference.accuracy_score(gold, predicted))
    assert matthews_correlation(confusion) == pytest.approx(reference.matthews_corrcoef(gold, predicted), abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of predicted classes that are not in gold
        assert balanced_accuracy(confusion) == pytest.approx(reference.balanced_accuracy_score(gold, predicted))
    precision, recall = precision_recall(counts)
    expected = reference.precision_recall_fscore_support(gold, predicted, labels=range(4), zero_division=0)
    occurs = np.isin(range(4), np.concatenate([gold, predicted]))
    assert precision[occurs] == pytest.approx(expected[0][occurs])
    assert recall[occurs] == pytest.approx(expected[1][occurs])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 8), min_size=1, max_size=40))
def test_function_scores_equal_scikit_learn(rows):
    table = np.array(rows)
    gold, predicted = table[:, :4], table[:, 4:]
    counts = item_counts(gold, predicted).sum(0)
    scores = f1_per_class(counts)
    expected = reference.f1_score(gold, predicted, average=None, zero_division=0)
    defined = (gold | predicted).any(0)
    assert scores[defined] == pytest.approx(expected[defined])
    assert np.isnan(scores[~defined]).all()
    if defined.any():
        macro = reference.f1_score(gold, predicted, average="macro", labels=np.flatnonzero(defined), zero_division=0)
        assert macro_f1(counts) == pytest.approx(macro)
    else:
        assert np.isnan(macro_f1(counts))
    samples = reference.f1_score(gold, predicted, average="samples", zero_division=1)
    assert measure(gold, predicted, "functions")["sample_f1"]["value"] == pytest.approx(samples)
    if defined.any():
        assert micro_f1(counts) == pytest.approx(reference.f1_score(gold, predicted, average="micro"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_average_precision_equals_scikit_learn_also_with_equal_scores(pairs):
    gold, scores = map(np.array, zip(*pairs, strict=True))
    if gold.any():
        assert average_precision(gold, scores / 5) == pytest.approx(reference.average_precision_score(gold, scores / 5))
    else:
        assert np.isnan(average_precision(gold, scores / 5))


@settings(max_examples=15, deadline=None)
@given(labels)
def test_all_scores_of_a_part_equal_scikit_learn(pairs):
    gold, predicted = map(np.array, zip(*pairs, strict=True))
    scores = measure(gold, predicted, "primary")
    assert scores["macro_f1"]["value"] == pytest.approx(reference.f1_score(gold, predicted, average="macro"))
    assert scores["accuracy"]["value"] == pytest.approx(reference.accuracy_score(gold, predicted))
    assert scores["matthews_correlation"]["value"] == pytest.approx(
        reference.matthews_corrcoef(gold, predicted), abs=1e-12
    )
    assert scores["macro_f1"]["low"] is None
    assert sum(scores["per_class"][name]["n"] for name in scores["per_class"]) == len(gold)


def test_a_class_that_is_neither_gold_nor_predicted_is_left_out_of_the_macro_mean():
    counts = one_vs_rest(confusion_counts(np.array([0, 1]), np.array([0, 1])))
    assert np.isnan(f1_per_class(counts)[2])
    assert macro_f1(counts) == 1.0


def test_a_class_that_is_predicted_but_never_gold_counts_as_zero():
    counts = one_vs_rest(confusion_counts(np.array([0, 0]), np.array([0, 2])))
    assert f1_per_class(counts)[2] == 0.0
    assert macro_f1(counts) == pytest.approx((2 / 3 + 0) / 2)


def test_a_macro_mean_over_no_class_is_nan():
    assert np.isnan(macro_f1(np.zeros((4, 3))))


def test_scores_of_nothing_are_nan():
    nothing = np.zeros((4, 4))
    assert np.isnan(accuracy(nothing))
    assert np.isnan(balanced_accuracy(nothing))
    assert np.isnan(matthews_correlation(nothing))


def test_the_correlation_of_one_class_with_anything_is_zero():
    assert matthews_correlation(confusion_counts(np.array([0, 1, 2]), np.array([1, 1, 1]))) == 0.0
    assert matthews_correlation(confusion_counts(np.array([1, 1]), np.array([0, 1]))) == 0.0


def test_a_system_that_always_says_the_same_is_scored_without_a_warning():
    gold = np.random.default_rng(0).integers(0, 4, 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = measure(gold, np.full(300, 2), "primary", None, [f"d{i // 10}" for i in range(300)])
    assert scores["matthews_correlation"]["value"] == 0


def test_balanced_accuracy_is_over_the_classes_of_the_gold_labels():
    assert balanced_accuracy(confusion_counts(np.array([0, 0, 1]), np.array([0, 3, 1]))) == pytest.approx(0.75)


def test_no_function_where_there_is_none_is_right():
    gold, predicted = np.zeros((2, 4), bool), np.array([[0, 0, 0, 0], [1, 0, 0, 0]], bool)
    assert measure(gold, predicted, "functions")["sample_f1"]["value"] == 0.5


def test_undefined_scores_of_a_part_are_null():
    scores = measure(np.zeros((3, 4), bool), np.zeros((3, 4), bool), "functions", np.full((3, 4), 0.1), list("aab"))
    assert scores["macro_f1"] == {"value": None, "low": None, "high": None, "n": 3, "documents": 2}
    assert scores["exact_match"]["value"] == 1.0
    assert scores["per_class"]["praise"] == {
        "f1": {"value": None, "low": None, "high": None, "n": 0, "documents": 2},
        "precision": None,
        "recall": None,
        "n": 0,
        "average_precision": None,
    }
