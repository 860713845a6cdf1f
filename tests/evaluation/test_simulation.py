"""The simulation behind docs/evaluation.md: its truth is true, and the page says what was measured."""

import importlib.util
import json
from itertools import product

import numpy as np
import pytest
from scipy.stats import f_oneway

from jianghua.dataset import index_as_build
from jianghua.evaluation import macro_f1
from jianghua.evaluation.intervals import METHOD
from jianghua.evaluation.metrics import one_vs_rest
from jianghua.evaluation.simulation import (
    System,
    hierarchical_scores,
    intraclass_correlation,
    observe,
    raised,
    true_score,
)
from jianghua.files import write_json
from jianghua.schema import BadData, Prediction
from jianghua.training.runs import write_predictions

PROFILES = np.array([[5, 3, 8, 1], [2, 0, 30, 0], [4, 4, 4, 4], [0, 6, 12, 2]])


@pytest.fixture
def coverage(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")  # as Python does for a script
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


def test_the_intra_document_correlation_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    answers = rng.random((30, 8)) < rng.uniform(0.4, 1, (30, 1))
    ratio = f_oneway(*answers.astype(float)).statistic  # documents of one size: (F - 1) / (F + size - 1)
    expected = (ratio - 1) / (ratio + 7)
    assert intraclass_correlation(answers.sum(1), np.full(30, 8)) == pytest.approx(expected)
    # documents of two sizes, by hand: sums of squares 8/15 over 1 and 2/3 over 3 degrees of freedom, mean size 2.4
    assert intraclass_correlation([0, 2], [2, 3]) == pytest.approx(
        (8 / 15 - (2 / 3) / 3) / (8 / 15 + 1.4 * (2 / 3) / 3)
    )


def test_the_intra_document_correlation_is_found_again_and_undefined_where_nothing_varies():
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 40, 4000)
    alike, apart = (rng.binomial(sizes, rng.beta(a, a, 4000)) for a in (500.0, 2.0))
    assert intraclass_correlation(apart, sizes) == pytest.approx(1 / 5, abs=0.02)  # 1 / (a + b + 1)
    assert intraclass_correlation(alike, sizes) == pytest.approx(0, abs=0.02)
    assert np.isnan(intraclass_correlation([3], [5]))
    assert np.isnan(intraclass_correlation([3, 5], [3, 5]))
    assert np.isnan(intraclass_correlation([1, 0], [1, 1]))


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
    now = {source: profiles for source, (profiles, _) in coverage.parts().items()}
    assert {row["source"] for row in result["coverage"]} == {row["source"] for row in result["tests"]} == set(now)
    for row in result["coverage"] + result["tests"]:  # of the test parts as they are, not as they once were
        assert (row["documents"], row["paragraphs"]) == (len(now[row["source"]]), now[row["source"]].sum()), row
    for row in result["tests"]:
        for rate in (*row["equal"].values(), *row["equal_by_other_means"].values()):
            assert rate <= 0.08


def test_the_stored_correlations_of_made_up_systems_are_those_that_the_command_makes(root, coverage):
    found = json.loads((root / "benchmarks/results/coverage.json").read_text("utf-8"))["correlations"]
    assert found["made_up"] == coverage.made_up_correlations()
    for row in found["made_up"]:
        assert row["alike"] < 0.02 < 0.04 < row["unlike"]


def test_the_stored_correlations_are_those_of_all_stored_runs(root, coverage):
    found = json.loads((root / "benchmarks/results/coverage.json").read_text("utf-8"))["correlations"]["stored"]
    assert found == coverage.stored_correlations(coverage.RUNS)
    listed = {path.name for path in coverage.RUNS.iterdir()}
    assert {(row["source"], row["model"]) for row in found} == set(product(("public", "constructed"), listed))


def test_correlations_of_runs_are_means_over_seeds_and_a_run_of_another_dataset_is_refused(root, coverage, tmp_path):
    loaded = index_as_build(root / "data", "full", "primary")

    def store(model, seed, wrong, fingerprint=loaded.fingerprint):
        folder = tmp_path / model / f"s{seed}"
        folder.mkdir(parents=True)
        predictions = [
            Prediction(row["id"], split, (row["label"] + wrong(row)) % 4, [0.25] * 4)
            for split in ("validation", "test")
            for row in loaded.rows[split]
        ]
        metadata = {"build": "full", "fingerprint": fingerprint}
        write_predictions(folder / "predictions.parquet", predictions, "primary", metadata)
        write_json(folder / "environment.json", {"model": model, "seed": seed})
        (folder / "DONE").write_text("")

    # whole documents wrong: answers of one go together wholly; every other paragraph wrong: they do not at all
    last = {row["doc_id"] for row in loaded.rows["test"][::2]} - {row["doc_id"] for row in loaded.rows["test"][:300]}
    for seed in (1, 2):
        store("tfidf", seed, lambda row: row["doc_id"] in last)
    store("mini", 1, lambda row: row["position"] % 2)
    found = {(row["model"], row["source"]): row for row in coverage.stored_correlations(tmp_path)}
    assert found["tfidf", "constructed"]["correlation"] == pytest.approx(1)
    assert found["tfidf", "constructed"]["seeds"] == 2
    assert abs(found["mini", "constructed"]["correlation"]) < 0.1
    assert {source for _, source in found} == {"public", "constructed"}
    store("length", 1, lambda row: 0, fingerprint="0123456789abcdef")
    with pytest.raises(BadData, match="made for dataset full 0123456789abcdef"):
        coverage.stored_correlations(tmp_path)
