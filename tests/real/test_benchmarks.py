"""Every benchmark runs, small; those of speed and accuracy leave figures for report.py."""

import json
import subprocess
import sys

import pytest

from jianghua.dataset import load_build

pytestmark = pytest.mark.slow
TINY = {
    "predict": ["--rounds", "1", "--paragraphs", "24"],
    "start_up": ["--rounds", "1"],
    "train_step": ["--rounds", "1", "--steps", "1", "--base-rounds", "0"],
    "disturbed": ["--rounds", "1", "--steps", "2"],
    "tokenising": ["--rounds", "1", "--share", "0.02"],
    "whole_build": ["--rounds", "1"],
    "growth": ["--rounds", "1", "--only", "alpha", "prediction", "--sizes", "128", "512", "--encoder-sizes", "8", "64"],
    "accuracy": ["--seeds", "2", "--share", "0.02"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_runs_one_tiny_round_and_holds_its_figures_against_targets(name, results, root):
    command = [sys.executable, str(root / f"benchmarks/{name}.py"), *TINY[name], "--output", f"{results / name}.json"]
    command += ["--runs", f"{results / name}.runs"] if name == "accuracy" else []
    result = subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    record = json.loads((results / f"{name}.json").read_text("utf-8"))
    assert record["claims"]
    for claim in record["claims"]:
        assert claim["low"] <= claim["median"] <= claim["high"]
        assert claim["low"] > 0 or name in ("accuracy", "growth")  # a difference, an exponent
        kept = claim["median"] >= claim["target"] if claim["at_least"] else claim["median"] <= claim["target"]
        assert claim["reached"] == kept
        assert f"| {claim['what']} |" in result.stdout
    assert all(row["median"] > 0 for row in record["rows"] if "difference" not in row["what"])


@pytest.mark.parametrize(
    ("name", "small"),
    [
        ("near_duplicates", ["--sizes", "300", "--repeats", "1"]),
        ("intervals", ["--predictions", "200", "--documents", "10", "--repeats", "1"]),
    ],
)
def test_a_benchmark_of_what_others_do_runs_small_and_writes_its_rows(name, small, root, tmp_path):
    command = [sys.executable, str(root / f"benchmarks/{name}.py"), *small, "--json", str(tmp_path / "rows.json")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    rows = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    assert len(rows) > 1
    assert all(row["seconds"] > 0 for row in rows)


def test_what_was_not_measured_is_marked_as_extrapolated(results):
    rows = json.loads((results / "growth.json").read_text("utf-8"))["rows"]
    marked = [(row["what"], row["paragraphs"]) for row in rows if row["extrapolated"]]
    assert marked == [("prediction, bundled encoder", 128), ("prediction, bundled encoder", 512)]
    assert all(row["peak_mb"] >= row["own_mb"] for row in rows)


def test_a_finished_accuracy_run_is_not_trained_again(results, root):
    runs = results / "accuracy.runs"
    before = runs.read_text("utf-8")
    kept = before.splitlines()[:-1]
    runs.write_text("\n".join(kept) + "\n", "utf-8")
    command = [sys.executable, str(root / "benchmarks/accuracy.py"), *TINY["accuracy"], "--runs", str(runs)]
    result = subprocess.run(
        [*command, "--output", f"{results / 'again'}.out"], capture_output=True, text=True, timeout=3000
    )
    assert result.returncode == 0, result.stderr[-2000:]
    after = [json.loads(line) for line in runs.read_text("utf-8").splitlines()]
    assert after[:-1] == [json.loads(line) for line in kept]
    drop = {"seconds": None}
    assert after[-1] | drop == json.loads(before.splitlines()[-1]) | drop


def test_a_run_of_train_py_counts_as_the_shipped_side_and_no_other_run_does(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    from accuracy import of_train

    runs = root / "results/runs/constructed-primary"
    loaded = load_build(root / "data/jianghua", "primary")
    line = of_train(runs / "mini/s2", loaded)
    history = json.loads((runs / "mini/s2/metrics.json").read_text("utf-8"))["history"]
    assert (line["side"], line["seed"], line["share"]) == ("shipped", 2, 1.0)
    assert line["macro_f1"] == max(row["macro_f1"] for row in history)
    with pytest.raises(SystemExit, match=r"tfidf/s1: not a run of train\.py with the settings"):
        of_train(runs / "tfidf/s1", loaded)


def test_the_report_puts_every_claim_into_the_page(results, root, tmp_path):
    records = [json.loads(path.read_text("utf-8")) for path in results.glob("*.json")]
    assert len(records) == len(TINY)
    page = tmp_path / "README.md"
    page.write_text((root / "benchmarks/README.md").read_text("utf-8"), "utf-8")
    command = [sys.executable, str(root / "benchmarks/report.py"), "--results", str(results), "--page", str(page)]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text("utf-8")
    assert "## Near-duplicate search" in text
    for record in records:
        for claim in record["claims"]:
            assert f"| {claim['what']} |" in text


def test_a_trial_is_a_line_from_runs_that_differ_in_their_seed_alone(root, tmp_path):
    runs, lines = root / "results/runs/constructed-primary", tmp_path / "trials.jsonl"

    def trials(*options):
        command = [sys.executable, str(root / "benchmarks/trials.py"), *map(str, options), "--output", str(lines)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    seeds = [runs / "mini" / f"s{seed}" for seed in (2, 1)]
    for name in ("random", "shipped", "shipped"):
        result = trials(name, *seeds, "--encoder", root / "data/pretrained/mini")
        assert result.returncode == 0, result.stderr
    first, second = map(json.loads, lines.read_text("utf-8").splitlines())
    assert (first["name"], second["name"]) == ("random", "shipped")
    validation = [json.loads((folder / "metrics.json").read_text("utf-8"))["history"] for folder in seeds]
    best = [round(max(row["macro_f1"] for row in history), 4) for history in validation]
    assert (second["seeds"], second["macro_f1"]) == ([1, 2], best[::-1])
    assert second["settings"] == {}
    assert second["encoder"]["tokens"] > 1_000_000
    assert trials("shipped", *seeds, "--series", "Pre-training").returncode == 0
    written = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert [(row["series"], row["name"]) for row in written][1:] == [
        ("Fine-tuning", "shipped"),
        ("Pre-training", "shipped"),
    ]
    refused = trials("mixed", seeds[0], runs / "mini_random/s1")
    assert refused.returncode == 1
    assert "differ in more than their seed" in refused.stderr


def test_sides_that_do_not_agree_are_not_timed(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "benchmarks")
    from harness import Benchmark

    with pytest.raises(SystemExit, match="nothing was timed"):
        Benchmark("x", 1).check("distance", float("nan"), 1.0)
