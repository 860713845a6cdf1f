"""Split configurations: parts of the main split's parts, never anything else."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from jianghua.command import register_root
from jianghua.dataset import index_as_build, load_build
from jianghua.schema import BadData, BadUsage


def subset_of(root, name, *overrides):
    register_root(root)
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        config = compose("train", overrides=[f"data={name}", *overrides])
    return OmegaConf.to_container(config.data, resolve=True)["subset"]


@pytest.mark.parametrize("name", ["cross_source", "cross_source_back", "by_year", "few_shot"])
def test_each_part_of_a_split_configuration_lies_in_the_same_part_of_the_main_split(root, name):
    whole = index_as_build(root / "data", "full", "primary")
    part = index_as_build(root / "data", "full", "primary", subset_of(root, name))
    assert part.fingerprint == whole.fingerprint
    for split, rows in part.rows.items():
        assert rows
        assert {row["id"] for row in rows} <= {row["id"] for row in whole.rows[split]}
    assert sum(map(len, part.rows.values())) < sum(map(len, whole.rows.values()))


def test_cross_source_trains_on_one_source_and_tests_on_the_other(root):
    rows = index_as_build(root / "data", "full", "primary", subset_of(root, "cross_source")).rows
    assert {row["source"] for row in rows["train"] + rows["validation"]} == {"constructed"}
    assert {row["source"] for row in rows["test"]} == {"public"}


def test_by_year_trains_on_older_reports_than_it_tests(root):
    rows = index_as_build(root / "data", "full", "primary", subset_of(root, "by_year")).rows
    assert max(row["year"] for row in rows["train"] + rows["validation"]) < min(row["year"] for row in rows["test"])


def test_few_shot_draws_are_balanced_fixed_and_different(root):
    draws = []
    for draw in (1, 2, 3, 4, 5):
        chosen = subset_of(root, "few_shot", "data.subset.train.per_class=16", f"data.subset.train.draw={draw}")
        rows = load_build(root / "data/jianghua", "primary", chosen).rows["train"]
        assert [sum(row["label"] == i for row in rows) for i in range(4)] == [16] * 4
        assert rows == load_build(root / "data/jianghua", "primary", chosen).rows["train"]
        draws.append(frozenset(row["id"] for row in rows))
    assert len(set(draws)) == 5


@pytest.mark.parametrize(
    ("subset", "error", "words"),
    [
        ({"test": {"source": "public"}}, BadData, "full build"),
        ({"dev": {"source": "public"}}, BadUsage, "data.subset.dev"),
        ({"train": {"sources": "public"}}, BadUsage, "the rules are"),
        ({"train": {"source": "web"}}, BadUsage, "the sources are"),
        ({"train": {"per_class": 9999}}, BadData, "has only"),
        ({"train": {"per_class": 0}}, BadUsage, "whole number from 1"),
        ({"train": {"per_class": 8, "draw": 0}}, BadUsage, "train.draw=0: .*whole number from 1"),
        ({"train": {"documents": 0.5, "draw": "x"}}, BadUsage, "train.draw=x: "),
        ({"train": {"documents": "half"}}, BadUsage, "train.documents=half: "),
        ({"train": {"year": [1999]}}, BadUsage, r"train.year=\[1999\]: takes \[first, last\]"),
        ({"train": {"year": 1999}}, BadUsage, "train.year=1999: takes"),
        ({"train": {"year": ["x", None]}}, BadUsage, "takes .first, last., either of them null"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_one_line(root, subset, error, words):
    with pytest.raises(error, match=words) as caught:
        load_build(root / "data/jianghua", "primary", subset)
    assert "\n" not in str(caught.value)


def test_shares_of_the_train_documents_are_nested_fixed_and_of_both_sources(root):
    whole = index_as_build(root / "data", "full", "primary").rows
    smaller: set[str] = set()
    for share in (0.1, 0.25, 0.5, 1.0):
        chosen = subset_of(root, "part", f"data.subset.train.documents={share}")
        rows = index_as_build(root / "data", "full", "primary", chosen).rows
        for source in ("constructed", "public"):
            all_of_it, part = (
                {row["doc_id"] for row in found["train"] if row["source"] == source} for found in (whole, rows)
            )
            assert 0 <= len(part) - share * len(all_of_it) < 1
        documents = {row["doc_id"] for row in rows["train"]}
        assert smaller <= documents
        assert rows["test"] == whole["test"]
        smaller = documents
    assert smaller == {row["doc_id"] for row in whole["train"]}


def test_another_draw_takes_other_documents_and_a_share_over_one_is_refused(root):
    one, two = (
        {
            row["doc_id"]
            for row in index_as_build(
                root / "data", "constructed", "primary", subset_of(root, "part", f"data.subset.train.draw={draw}")
            ).rows["train"]
        }
        for draw in (1, 2)
    )
    assert one != two
    for share in (0, 1.5, -0.1):
        with pytest.raises(BadUsage, match=r"documents=.* number over 0 to 1"):
            index_as_build(root / "data", "constructed", "primary", {"train": {"documents": share}})
