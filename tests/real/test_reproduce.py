"""Every published table is what the stored predictions give."""

import json
import shutil

import pytest


@pytest.fixture
def copy(root, tmp_path):
    """What reproduce reads and writes, beside the checkout."""
    for name in ("README.md", "README.zh.md", "DATASET_CARD.md"):
        shutil.copy(root / name, tmp_path / name)
    shutil.copytree(root / "results", tmp_path / "results")
    (tmp_path / "data/jianghua").mkdir(parents=True)
    shutil.copy(root / "data/index.jsonl", tmp_path / "data")
    shutil.copy(root / "data/jianghua/README.md", tmp_path / "data/jianghua")
    return tmp_path


def reproduce(run_script, copy):
    return run_script("reproduce", f"root={copy}", f"results={copy}/results", f"data_root={copy}/data", cwd=copy)


def test_tables_rebuilt_from_predictions_are_those_in_the_tree(root, copy, run_script):
    pages = ["README.md", "README.zh.md", "DATASET_CARD.md", "data/jianghua/README.md"]
    pages += ["results/constructed.md", "results/full.md"]
    for page in pages[:4]:  # so that nothing passes by being left alone
        text = (copy / page).read_text("utf-8")
        assert "majority class" in text
        (copy / page).write_text(text.replace("majority class", "?"), "utf-8")
    result = reproduce(run_script, copy)
    assert result.returncode == 0, result.stderr
    for page in pages:
        assert (copy / page).read_text("utf-8") == (root / page).read_text("utf-8"), page


def test_stored_metrics_are_what_the_stored_predictions_give(root, tmp_path, run_script):
    run = root / "results/runs/full-primary/tfidf/s1"
    result = run_script("score", f"run={run}", "output=scores.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert scores["split"] == json.loads((run / "metrics.json").read_text("utf-8"))["split"]


def test_a_missing_run_is_refused_and_nothing_is_changed(copy, run_script):
    shutil.rmtree(copy / "results/runs/constructed-primary/mini/s2")
    before = (copy / "README.md").read_bytes()
    result = reproduce(run_script, copy)
    assert result.returncode == 1
    assert "s2: no such run folder" in result.stderr
    assert (copy / "README.md").read_bytes() == before


def test_a_run_of_another_dataset_is_refused_in_a_table(copy, run_script):
    index = copy / "data/index.jsonl"
    lines = index.read_text("utf-8").splitlines(keepends=True)
    index.write_text("".join(lines[1:]), "utf-8")
    result = reproduce(run_script, copy)
    assert result.returncode == 1
    assert "made for dataset" in result.stderr


def test_score_compares_stored_runs_without_their_models(root, tmp_path, run_script):
    runs = root / "results/runs/constructed-primary"
    result = run_script("score", f"run={runs}/mini/s1", f"compare={runs}/majority/s1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "test: difference in macro-F1 +" in result.stdout


def test_the_default_models_interval_lies_above_the_majority_class(root):
    runs = root / "results/runs/constructed-primary"
    for seed in (1, 2, 3):
        scores = [
            json.loads((runs / model / f"s{seed}" / "metrics.json").read_text("utf-8"))["split"]["test"]["macro_f1"]
            for model in ("mini", "majority")
        ]
        assert scores[0]["low"] > scores[1]["high"]


@pytest.mark.parametrize("build", ["constructed", "full"])
def test_pre_training_beats_random_weights_in_a_paired_test_over_documents(root, build):
    from jianghua.dataset import index_as_build
    from jianghua.evaluation import compare_runs
    from jianghua.training import read_run

    rows = index_as_build(root / "data", build, "primary").rows
    runs = root / f"results/runs/{build}-primary"
    trained, random = (
        [read_run(runs / model / f"s{seed}").predictions for seed in (1, 2, 3)] for model in ("mini", "mini_random")
    )
    compared = compare_runs(rows, trained, random, "primary")
    for part, test in ((part, test) for part, test in compared.items() if part != "validation"):
        assert test["difference"] > 0, part
        assert test["p_value"] < 0.05, part
