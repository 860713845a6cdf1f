"""Intervals over documents and the paired test: against simulation, and at their edges."""

import time

import numpy as np
import pytest

from jianghua.evaluation import (
    bootstrap_interval,
    holm,
    interval_over_seeds,
    intervals,
    macro_f1,
    paired_bootstrap,
    paired_randomisation,
    ranks,
    smallest_difference,
)
from jianghua.evaluation.intervals import documents_of, draws, seed_weights, standard_error, sum_by_document


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


def test_two_documents_have_no_interval_since_no_resample_of_two_has_a_variance():
    three = np.array([[3.0, 10.0], [7.0, 10.0], [6.0, 10.0]])
    assert bootstrap_interval(three[:2], share) is None
    assert bootstrap_interval(three, share) is not None


def test_one_document_has_no_interval():
    assert bootstrap_interval(np.array([[3.0, 4.0]]), share) is None


def test_the_same_seed_gives_the_same_interval():
    counts = right_and_all(np.random.default_rng(2), 15)
    assert bootstrap_interval(counts, share, seed=3) == bootstrap_interval(counts, share, seed=3)


def test_ten_thousand_replicates_of_five_thousand_predictions_take_under_a_second():
    rng = np.random.default_rng(0)
    items = rng.integers(0, 2, size=(5000, 4, 3)).astype(float)
    numbers, documents = documents_of([f"d{i % 250}" for i in range(5000)])
    began = time.process_time()  # of this process, whatever else the machine does
    counts = sum_by_document(items, numbers, documents)
    assert bootstrap_interval(counts, macro_f1) is not None
    assert time.process_time() - began < 1


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


def test_holm_never_lowers_a_p_value_nor_changes_their_order():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.random(6)
        adjusted = np.array(holm(p))
        assert (adjusted >= p).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


@pytest.mark.parametrize("method", ["percentile", "bca", "studentised"])
def test_every_interval_agrees_with_theory_for_a_mean_over_many_documents(method):
    counts = right_and_all(np.random.default_rng(4), 400)
    low, high = bootstrap_interval(counts, share, method=method)
    x = counts[:, 0] / 12
    assert high - low == pytest.approx(2 * 1.96 * x.std(ddof=1) / 20, rel=0.06)


def test_an_unknown_kind_of_interval_is_refused():
    with pytest.raises(ValueError, match="percentile, bca and studentised"):
        bootstrap_interval(right_and_all(np.random.default_rng(0), 5), share, method="magic")


def test_the_standard_error_of_a_mean_is_the_textbook_one():
    counts = right_and_all(np.random.default_rng(4), 30)
    assert standard_error(counts[None], share) == pytest.approx((counts[:, 0] / 12).std(ddof=1) / 30**0.5, rel=1e-4)


def test_a_resample_draws_as_many_documents_as_there_are():
    weights = draws(7, 500, 0)
    assert (weights.sum(1) == 7).all()
    assert weights.var() == pytest.approx(6 / 7, rel=0.1)


def test_resampling_block_by_block_draws_what_all_at_once_draws(monkeypatch):
    counts = np.random.default_rng(6).integers(0, 4, size=(2, 2, 30, 4, 3)).astype(float)

    def answers():
        both = [bootstrap_interval(counts[0, 0], macro_f1, replicates=501, method=m) for m in ("studentised", "bca")]
        order = ranks(dict(zip("ab", counts, strict=True)), replicates=501)
        return [*both, paired_randomisation(*counts, replicates=501)["p_value"], order]

    whole = answers()
    monkeypatch.setattr(intervals, "CELLS", 100 * 30)
    assert intervals.row_blocks(501, 30) == [100] * 5 + [1]
    blocks = answers()
    assert blocks[2:] == whole[2:]
    assert np.allclose(blocks[:2], whole[:2], atol=1e-12)


def test_seeds_drawn_vary_a_mean_as_much_as_theory_says():
    scores = np.array([0.7, 0.74, 0.79])
    means = (seed_weights(3, 200_000, 1) * scores).mean(1)
    assert means.var() == pytest.approx(scores.var(ddof=1) / 3, rel=0.02)


def test_seeds_that_differ_widen_the_interval_and_equal_ones_do_not():
    one = right_and_all(np.random.default_rng(3), 20)
    equal = interval_over_seeds(np.stack([one, one, one]), share)
    assert equal == pytest.approx(bootstrap_interval(one, share), abs=1e-9)
    worse = one.copy()
    worse[:, 0] = np.maximum(0, worse[:, 0] - 3)
    apart = interval_over_seeds(np.stack([one, worse, one]), share)
    assert apart[1] - apart[0] > 1.2 * (equal[1] - equal[0])


def test_an_interval_stays_within_what_a_score_can_be_and_holds_the_point():
    counts = np.array([[12.0, 12], [12, 12], [12, 12], [9, 12]])
    low, high = bootstrap_interval(counts, share)
    assert 0 <= low <= 45 / 48 <= high <= 1


def test_a_perfect_score_has_an_interval_of_no_width():
    assert bootstrap_interval(np.full((9, 2), 5.0), share) == (1.0, 1.0)


def test_the_paired_bootstrap_tells_a_better_system_apart_and_says_how_sure():
    rng = np.random.default_rng(0)
    good, bad = random_counts(rng, 30, 0.9)[0], random_counts(rng, 30, 0.4)[0]
    test = paired_bootstrap(good, bad)
    assert 0.2 < test["low"] < test["difference"] < test["high"]
    assert test["p_value"] < 0.001
    assert test["effect_size"] > 1
    back = paired_bootstrap(bad, good)
    assert back["effect_size"] == pytest.approx(-test["effect_size"], rel=1e-6)
    assert back["difference"] == pytest.approx(-test["difference"])


def test_the_paired_bootstrap_finds_no_difference_of_a_system_from_itself():
    counts = random_counts(np.random.default_rng(3), 12, 0.5)[0]
    test = paired_bootstrap(counts, counts)
    assert test["difference"] == 0
    assert test["p_value"] == 1.0
    assert test["effect_size"] == 0


def test_the_paired_bootstrap_is_as_sure_as_it_can_be_where_one_system_is_right_and_the_other_wrong_everywhere():
    right, wrong = np.zeros((1, 20, 4, 3)), np.zeros((1, 20, 4, 3))
    right[..., 0], wrong[..., 1], wrong[..., 2] = 1, 1, 1  # hits against false alarms and misses
    test = paired_bootstrap(right, wrong, replicates=999)
    assert (test["difference"], test["low"], test["high"]) == (1, 1, 1)
    assert test["p_value"] == pytest.approx(1 / 1000)
    assert test["effect_size"] is None  # over no spread at all


def test_the_effect_size_is_over_the_spread_of_documents_whatever_the_seeds_add():
    rng = np.random.default_rng(0)
    left, right = random_counts(rng, 30, 0.9)[0], random_counts(rng, 30, 0.4)[0]
    alike = [np.repeat(one, 3, axis=0) for one in (left, right)]
    apart = [np.concatenate([one, one, other]) for one, other in ((left, right), (right, right))]
    assert paired_bootstrap(*alike)["effect_size"] == pytest.approx(paired_bootstrap(left, right)["effect_size"])
    test = paired_bootstrap(*apart)  # two of three seeds differ: the seeds alone make a large error
    assert test["effect_size"] == pytest.approx(paired_bootstrap(left, right)["effect_size"], rel=0.05)


def test_the_two_paired_tests_agree_on_equal_systems():
    false = 0
    for trial in range(100):
        rng = np.random.default_rng(trial)
        left, right = (random_counts(rng, 20, 0.6)[0] for _ in range(2))
        false += paired_bootstrap(left, right, replicates=300, seed=trial)["p_value"] <= 0.05
    assert false / 100 <= 0.12


def test_more_documents_show_smaller_differences():
    def smallest(documents):
        rng = np.random.default_rng(1)
        return smallest_difference(*(random_counts(rng, documents, 0.6)[0] for _ in range(2)))

    assert smallest(200) < smallest(20) / 2


@pytest.mark.parametrize("documents", [1, 2])
def test_fewer_than_three_documents_have_no_test(documents):
    counts = random_counts(np.random.default_rng(0), documents, 0.5)[0]
    assert paired_randomisation(counts, counts)["p_value"] is None
    assert paired_bootstrap(counts, counts)["p_value"] is None
    assert smallest_difference(counts, counts) is None
    assert ranks({"a": counts, "b": counts})["a"] == {"rank": 1, "low": None, "high": None}


def test_a_difference_that_is_not_defined_is_not_significant():
    counts = np.zeros((1, 20, 4, 3))
    counts[..., 0, 0] = 1  # no paragraph has another class, and none is predicted
    for test in (paired_randomisation, paired_bootstrap):
        result = test(counts, counts, labels=[3])
        assert np.isnan(result["difference"])
        assert result["p_value"] is None


def test_ranks_are_sure_where_systems_are_far_apart_and_not_where_they_are_alike():
    rng = np.random.default_rng(0)
    systems = {name: random_counts(rng, 25, rate)[0] for name, rate in (("low", 0.2), ("a", 0.8), ("b", 0.8))}
    places = ranks(systems)
    assert places["low"] == {"rank": 3, "low": 3, "high": 3}
    assert {places["a"]["rank"], places["b"]["rank"]} == {1, 2}
    assert (places["a"]["low"], places["a"]["high"]) == (1, 2)


def test_equal_systems_share_the_better_rank():
    counts = random_counts(np.random.default_rng(0), 10, 0.5)[0]
    assert [place["rank"] for place in ranks({"a": counts, "b": counts}).values()] == [1, 1]
