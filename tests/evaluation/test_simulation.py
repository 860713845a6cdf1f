"""The simulation behind docs/evaluation.md: its truth is true, and the page says what was measured."""

import importlib.util
import json

import numpy as np
import pytest

from jianghua.evaluation import macro_f1
from jianghua.evaluation.intervals import METHOD
from jianghua.evaluation.metrics import one_vs_rest
from jianghua.evaluation.simulation import System, hierarchical_scores, observe, raised, true_score

PROFILES = np.array([[5, 3, 8, 1], [2, 0, 30, 0], [4, 4, 4, 4], [0, 6, 12, 2]])


@pytest.fixture
def coverage(root):
    spec = importlib.util.spec_from_file_location("coverage_benchmark", root / "benchmarks/coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_true_score_is_that_of_very_many_documents():
    system = System((0.8, 0.7, 0.9, 0.5), document=0.6, own=0.3)
    many = np.tile(PROFILES, (4000, 1))
    seen = observe(many, [system], np.random.default_rng(0))[0]
    score = macro_f1(one_vs_rest(seen.sum((0, 1))), [0, 1, 2])
    assert score == pytest.approx(true_score(PROFILES, system, [0, 1, 2]), abs=0.005)


def test_right_answers_of_one_document_go_together_the_more_the_more_documents_differ():
    def spread(document):
        system = System((0.8,) * 4, document=document, own=0.0)
        seen = observe(np.tile([[5, 5, 5, 5]], (3000, 1)), [system], np.random.default_rng(0))[0][0]
        return (np.trace(seen, axis1=1, axis2=2) / 20).std()

    assert spread(0.0) == pytest.approx((0.8 * 0.2 / 20) ** 0.5, rel=0.05)
    assert spread(0.8) > 1.4 * spread(0.0)


def test_two_systems_err_on_the_same_paragraphs_more_often_than_chance():
    system = System((0.8,) * 4)
    left, right = observe(np.tile([[5, 5, 5, 5]], (3000, 1)), [system, system], np.random.default_rng(0))
    share = [np.trace(one[0], axis1=1, axis2=2) for one in (left, right)]
    assert np.corrcoef(*share)[0, 1] > 0.15


def test_a_raised_system_is_better():
    system = System((0.8, 0.7, 0.9, 0.5))
    assert true_score(PROFILES, raised(system, 0.3), [0, 1, 2, 3]) > true_score(PROFILES, system, [0, 1, 2, 3])


def test_resampling_paragraphs_too_varies_more_than_documents_alone():
    rng = np.random.default_rng(0)
    seen = observe(np.tile(PROFILES, (6, 1)), [System((0.8,) * 4, document=0.0, own=0.0)], rng)[0][0]

    def score(counts):
        return macro_f1(one_vs_rest(counts))

    both = hierarchical_scores(seen, score, rng, 0, 2000).std()
    single = np.std([score(seen[rng.integers(0, 24, 24)].sum(0)) for _ in range(2000)])
    assert both > 1.2 * single


def test_the_page_shows_the_stored_numbers_and_the_benchmark_uses_the_interval_they_choose(root, coverage):
    result = json.loads((root / "benchmarks/results/coverage.json").read_text("utf-8"))
    page = (root / "docs/evaluation.md").read_text("utf-8")
    for table in coverage.tables_of(result).values():
        assert table in page
    assert coverage.chosen(result["coverage"]) == METHOD
    for row in result["tests"]:
        for rate in (*row["equal"].values(), *row["equal_by_other_means"].values()):
            assert rate <= 0.08
