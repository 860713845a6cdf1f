"""Batches hold every paragraph once; a run's name depends on what matters and on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jianghua.dataset import Loaded
from jianghua.models.batching import shuffled, token_batches
from jianghua.training import run_hash
from jianghua.training.run import folder_of


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(50, 600), st.one_of(st.none(), st.integers(1, 9)))
def test_every_paragraph_is_in_one_batch_and_no_batch_is_over_budget(lengths, budget, most):
    order = shuffled(len(lengths), seed=3, epoch=1)
    batches = list(token_batches(lengths, order, budget, most))
    assert [index for batch in batches for index in batch] == order
    for batch in batches:
        assert len(batch) == 1 or sum(lengths[i] for i in batch) <= budget
        assert most is None or len(batch) <= most


def test_the_order_is_fixed_by_seed_and_epoch():
    assert shuffled(50, 1, 1) == shuffled(50, 1, 1)
    assert shuffled(50, 1, 1) != shuffled(50, 1, 2)
    assert shuffled(50, 1, 1) != shuffled(50, 2, 1)
    assert sorted(shuffled(50, 1, 1)) == list(range(50))


CONFIG = {
    "seed": 1,
    "runs": "runs",
    "output_dir": None,
    "rerun": False,
    "device": "auto",
    "data": {"config": "primary", "path": "/a", "root": "/b"},
    "model": {"name": "mini", "path": "/somewhere/mini"},
    "train": {"epochs": 3},
}


def test_seed_paths_and_device_do_not_change_a_runs_name():
    moved = CONFIG | {"seed": 2, "runs": "elsewhere", "device": "cuda:1", "data": CONFIG["data"] | {"path": "/c"}}
    assert run_hash(CONFIG, "f") == run_hash(moved, "f")
    without = {key: value for key, value in CONFIG.items() if key != "device"}  # runs from before it could be chosen
    assert run_hash(CONFIG, "f") == run_hash(without, "f")


def test_options_and_the_dataset_change_a_runs_name():
    assert run_hash(CONFIG, "f") != run_hash(CONFIG | {"train": {"epochs": 4}}, "f")
    assert run_hash(CONFIG, "f") != run_hash(CONFIG, "g")


@pytest.mark.parametrize("from_scratch", [True, False])
def test_other_weights_make_another_run_unless_all_are_drawn_anew(from_scratch, tmp_path):
    model = {"name": "mini", "kind": "encoder", "path": str(tmp_path), "from_scratch": from_scratch}
    loaded = Loaded("constructed", "f", {})

    def name():
        return folder_of(CONFIG | {"model": model}, loaded)

    (tmp_path / "config.json").write_text("{}", "utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = name()
    (tmp_path / "model.safetensors").write_bytes(b"other")
    assert (name() == before) == from_scratch
    for file in ("config.json", "tokenizer_config.json", "vocab.txt", "spiece.model"):
        before = name()
        (tmp_path / file).write_text("[]", "utf-8")
        assert name() != before


def test_how_encoders_are_fine_tuned_makes_no_other_run_of_a_baseline():
    loaded = Loaded("constructed", "f", {})
    model = {"name": "tfidf", "kind": "tfidf", "c": 10.0}
    before = folder_of(CONFIG | {"model": model}, loaded)
    assert folder_of(CONFIG | {"model": model, "train": {"epochs": 9}}, loaded) == before
    assert folder_of(CONFIG | {"model": model | {"c": 1.0}}, loaded) != before
