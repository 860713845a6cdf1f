"""Metrics against scikit-learn on random inputs, and their undefined cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from jianghua.evaluation import accuracy, f1_per_class, macro_f1, micro_f1
from jianghua.evaluation.metrics import confusion_counts, function_counts, one_vs_rest, precision_recall

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
    counts = function_counts(gold, predicted)
    scores = f1_per_class(counts)
    expected = reference.f1_score(gold, predicted, average=None, zero_division=0)
    defined = (gold | predicted).any(0)
    assert scores[defined] == pytest.approx(expected[defined])
    assert np.isnan(scores[~defined]).all()


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
