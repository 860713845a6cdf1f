"""Slices: every paragraph in one group of each, small ones marked. Votes: scored against one another only."""

import numpy as np
import pytest

from jianghua.dataset import index_as_build, load_build
from jianghua.evaluation import macro_f1, scored_parts, votes_alone
from jianghua.evaluation.slices import slice_scores, slices_of, worst_slice
from jianghua.evaluation.votes import majority

NAMES = {
    "source",
    "occasion",
    "level",
    "register",
    "decade",
    "length",
    "position",
    "noise",
    "disputed",
    "functions",
}


def row(number, **more):
    base = {"id": f"d{number // 10}-{number % 10:03d}", "doc_id": f"d{number // 10}", "position": number % 10}
    base |= {"source": "constructed", "occasion": None, "level": "county", "year": 1987, "text": "字" * 90}
    return base | {"agreement": 1.0, "sentences": [[40, 0], [90, 2]]} | more


def test_every_paragraph_stands_in_one_group_of_each_slice(root):
    for config in ("primary", "functions"):
        rows = index_as_build(root / "data", "full", config).rows["test"]
        slices = slices_of(rows, config)
        assert set(slices) == NAMES
        assert all(len(groups) == len(rows) for groups in slices.values())


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_a_build_and_the_index_without_text_give_the_same_slices(root, config):
    build = load_build(root / "data/jianghua", config).rows["test"]
    index = index_as_build(root / "data", "constructed", config).rows["test"]
    assert slices_of(build, config) == slices_of(index, config)


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_the_disputed_slice_holds_what_a_vote_disputes_in_either_configuration(root, config):
    index = {row["id"]: row for row in index_as_build(root / "data", "full", "functions").rows["test"]}
    rows = index_as_build(root / "data", "full", config).rows["test"]
    groups = slices_of(rows, config)["disputed"]
    for row, group in zip((index[row["id"]] for row in rows), groups, strict=True):
        answers = {(vote.get("label"), tuple(vote["functions"])) for vote in row["votes"]}
        answers.add((row["label"], tuple(row["functions"])))  # which an adjudicator may have given against all votes
        assert (group == "disputed") == (len(answers) > 1), row["id"]


def test_groups_are_named_for_what_they_are():
    slices = slices_of([row(i) for i in range(10)], "primary")
    assert set(slices["decade"]) == {"1980s"}
    assert set(slices["occasion"]) == {"none"}
    assert set(slices["functions"]) == {"2"}
    assert slices["position"] == ["first third"] * 4 + ["middle third"] * 3 + ["last third"] * 3


def scored(rows, correct):
    gold = np.zeros((len(rows), 4), bool)
    gold[:, 0] = True
    counts = np.stack([gold & correct[:, None], ~gold & False, gold & ~correct[:, None]], -1)
    return slice_scores(rows, counts, correct, "primary")


def test_groups_under_thirty_are_marked_and_never_the_worst():
    rows = [row(i, level="village" if i < 10 else "county" if i < 60 else "city") for i in range(100)]
    correct = np.array([False] * 10 + [i % 2 == 0 for i in range(50)] + [True] * 40)
    slices = scored(rows, correct)
    assert slices["level"]["village"]["small"]
    assert slices["level"]["village"]["correct"] == 0
    assert not slices["level"]["city"]["small"]
    worst = worst_slice({"level": slices["level"]}, 100)
    assert (worst["group"], worst["correct"], worst["n"], worst["documents"]) == ("county", 0.5, 50, 5)


def test_a_group_of_everything_is_no_worst_slice():
    slices = scored([row(i) for i in range(40)], np.ones(40, bool))
    assert worst_slice({"level": slices["level"]}, 40) is None


def test_a_majority_is_more_than_half_of_at_least_two():
    one, two, none = frozenset([1]), frozenset([2]), frozenset()
    assert majority([one], "primary") is None
    assert majority([one, two], "primary") is None
    assert majority([one, one, two], "primary") == one
    assert majority([none, none, two], "primary") == none
    assert majority([one, two], "functions") is None
    assert majority([one, one | two, none], "functions") == one


def voted(number, **answers):
    votes = [
        {"protocol": name, "label": label, "functions": [] if label is None else [label]}
        for name, label in answers.items()
    ]
    return row(number) | {"votes": votes, "label": 0, "functions": [0]}


def test_votes_are_scored_against_the_other_protocols_and_not_against_gold():
    rows = [voted(i, alone=3, in_document=1, sentences=1) for i in range(4)]
    alone, *others = votes_alone(rows, "primary")
    assert alone.name == "votes `alone` against the majority of the other protocols"
    assert alone.n == 4
    assert alone.counts[0].sum(0)[1].tolist() == [0, 0, 4]  # class 1 was missed, though gold is class 0
    assert others == []  # the others' references are one vote each way: no majority


def test_a_vote_for_none_misses_and_a_majority_for_none_is_left_out():
    rows = [voted(0, alone=None, in_document=2, sentences=2), voted(1, alone=2, in_document=None, sentences=None)]
    (alone,) = votes_alone(rows, "primary")
    assert alone.n == 1
    assert alone.counts[0].sum(0)[2].tolist() == [0, 0, 1]
    assert alone.counts.sum() == 1


def test_of_several_passes_the_first_counts():
    rows = [voted(0, alone=1, in_document=2, sentences=2)]
    rows[0]["votes"].insert(1, {"protocol": "alone", "label": 2, "functions": [2]})
    (alone,) = votes_alone(rows, "primary")
    assert macro_f1(alone.counts[0].sum(0)) == 0


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_the_benchmarks_own_protocols_agree_with_one_another(root, config):
    for _, part in scored_parts(index_as_build(root / "data", "full", config).rows).values():
        found = votes_alone(part, config)
        assert [one.protocol for one in found] == ["alone", "in_document", "sentences", "names_only"]
        assert all(0.5 < macro_f1(one.counts[0].sum(0), [0, 2]) <= 1 for one in found)
        assert found[-1].n < found[0].n <= len(part)


def test_rows_without_votes_have_no_vote_rows():
    assert votes_alone([row(0) | {"votes": None, "label": 0}], "primary") == []
