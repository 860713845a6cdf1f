"""score.py as a user runs it, on stored and made-up runs: comparisons, pictures, slices, unfit predictions."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from script_errors import one_line_error

from jianghua.dataset import index_as_build
from jianghua.dataset.build import index_fingerprint
from jianghua.evaluation import score_predictions
from jianghua.files import read_jsonl, write_json, write_jsonl
from jianghua.schema import Prediction
from jianghua.training.runs import write_predictions

RUNS = "results/runs/constructed-primary"


@pytest.fixture(scope="module")
def made_up(root):
    """Predictions of the constructed build of which about three in four are right, their scores and fingerprint."""
    loaded, rng = index_as_build(root / "data", "constructed", "primary"), np.random.default_rng(0)
    predictions = []
    for split in ("validation", "test"):
        for row in loaded.rows[split]:
            label = row["label"] if rng.random() < 0.7 else int(rng.integers(4))
            predictions.append(Prediction(row["id"], split, label, [0.7 if i == label else 0.1 for i in range(4)]))
    return predictions, score_predictions(loaded.rows, predictions, "primary"), loaded.fingerprint


@pytest.fixture
def stored(made_up, tmp_path):
    """A finished run folder as train.py leaves it, its predictions, and a way to write them anew."""
    folder = tmp_path / "讲话（1）, a=b"
    folder.mkdir()
    predictions, metrics, fingerprint = made_up

    def write(change=None, keep=lambda p: True, **more):
        kept = [p for p in predictions if keep(p)]
        kept = change(kept) if change else kept
        metadata = {"build": "constructed", "fingerprint": fingerprint, "subset": "null"} | more
        write_predictions(folder / "predictions.parquet", kept, "primary", metadata)

    write()
    write_json(folder / "environment.json", {"model": "tfidf", "seed": 1})
    write_json(folder / "metrics.json", metrics)
    (folder / "DONE").write_text("")
    return folder, predictions, write


def test_two_runs_are_compared_over_documents(root, tmp_path, run_script):
    runs = f"[{root / RUNS}/tfidf/s1, {root / RUNS}/majority/s1]"
    result = run_script("score", f"compare={runs}", "output=o.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    line = next(line for line in result.stdout.splitlines() if line.startswith("test: difference in macro-F1 +"))
    for words in ("paired randomisation over 124 documents", "paired bootstrap", "effect size", "80 % power"):
        assert words in line
    written = json.loads((tmp_path / "o.json").read_text("utf-8"))
    (pair,) = written["comparison"]["test"]["pairs"]
    assert pair["bootstrap"]["low"] < pair["difference"] < pair["bootstrap"]["high"]
    assert pair["p_value"] == pair["p_holm"] < 0.01
    assert len(written["runs"]) == 2


def test_more_runs_are_compared_with_their_neighbours_corrected_and_ranked(root, tmp_path, run_script):
    runs = ",".join(str(root / RUNS / name) for name in ("tfidf/s1", "mini/s1", "majority/s1"))
    result = run_script("score", f"compare=[{runs}]", "output=o.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "test: tfidf s1 minus mini s1, difference in macro-F1" in result.stdout
    assert "after Holm" in result.stdout
    test = json.loads((tmp_path / "o.json").read_text("utf-8"))["comparison"]["test"]
    assert len(test["pairs"]) == 2
    assert all(pair["p_holm"] >= pair["p_value"] for pair in test["pairs"])
    assert test["ranks"]["majority s1"] == {"rank": 3, "low": 3, "high": 3}


def test_a_name_with_a_comma_stands_in_quotes(stored, tmp_path, run_script):
    shutil.copytree(stored[0], tmp_path / "other")
    result = run_script("score", f"compare=['{stored[0].name}',other]", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_pictures_slices_and_updated_scores_are_written_where_asked(stored, tmp_path, run_script):
    folder = stored[0]
    old = json.loads((folder / "metrics.json").read_text("utf-8"))
    (folder / "metrics.json").write_text(json.dumps({"history": [1], "split": {}}), "utf-8")
    result = run_script("score", f"run={folder}", "slices=true", "pictures=图", "update=true", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "(few)" in result.stdout
    assert "worst slice of at least 30 paragraphs" in result.stdout
    names = {path.name for path in (tmp_path / "图").iterdir()}
    assert {"tfidf-s1-test-calibration.svg", "tfidf-s1-test-confusion.svg"} <= names
    new = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert new["history"] == [1]
    for part, scores in new["split"].items():
        assert scores["macro_f1"]["value"] == old["split"][part]["macro_f1"]["value"]
        assert scores["worst_slice"]["n"] >= 30


def changed(**more):
    def change(predictions):
        old = predictions[-1]
        new = {"id": old.id, "split": old.split, "predicted": old.predicted, "proba": old.proba} | more
        return [*predictions[:-1], Prediction(**new)]

    return change


BAD = {
    "unknown id": (lambda p: [*p, Prediction("x-001", "test", 0, [1.0, 0.0, 0.0, 0.0])], "x-001"),
    "unknown id in train": (lambda p: [*p, Prediction("x-001", "train", 0, [1.0, 0.0, 0.0, 0.0])], "in split 'train'"),
    "unknown split": (lambda p: [*p, Prediction("x-001", "tset", 0, [1.0, 0.0, 0.0, 0.0])], "in split 'tset'"),
    "no split": (lambda p: [*p, Prediction("x-001", None, 0, [1.0, 0.0, 0.0, 0.0])], "'x-001' in split None"),
    "missing id": (lambda p: p[:-1], "no prediction for paragraph"),
    "duplicate": (lambda p: [*p, p[-1]], "two predictions for paragraph"),
    "probability outside": (changed(proba=[1.5, -0.5, 0.0, 0.0]), "outside 0 to 1"),
    "not a number": (changed(proba=[float("nan"), 0.5, 0.5, 0.0]), "outside 0 to 1"),
    "wrong sum": (changed(proba=[0.5, 0.1, 0.1, 0.1]), "do not sum to one"),
    "no probabilities": (changed(proba=None), "needs 4 probabilities"),
    "unknown label": (changed(predicted=4), "does not exist"),
}


@pytest.mark.parametrize("case", BAD)
def test_predictions_that_do_not_fit_are_refused_and_nothing_is_written(case, stored, tmp_path, run_script):
    folder, _, write = stored
    change, says = BAD[case]
    write(change)
    refused_and_nothing_written(folder, says, tmp_path, run_script)


def refused_and_nothing_written(folder, says, tmp_path, run_script):
    before = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())
    options = ("output=o.json", "pictures=pictures", "update=true")
    error = one_line_error(run_script("score", f"run={folder}", *options, cwd=tmp_path), 1)
    assert says in error
    assert folder.name in error
    assert sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("column", "says"),
    [(lambda n: [["a", "b", "c", "d"]] * n, "found ['a', 'b', 'c', 'd']"), (lambda n: [0.5] * n, "found 0.5")],
    ids=["words", "one number"],
)
def test_probabilities_that_are_not_four_numbers_are_refused(column, says, stored, tmp_path, run_script):
    path = stored[0] / "predictions.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("proba")
    pq.write_table(table.set_column(place, "proba", pa.array(column(len(table)))), path)
    refused_and_nothing_written(stored[0], f"needs 4 probabilities, {says}", tmp_path, run_script)


def test_an_environment_or_a_subset_that_cannot_be_read_is_one_line(stored, tmp_path, run_script):
    stored[2](subset="{train")
    refused_and_nothing_written(stored[0], "the subset in its metadata is not JSON", tmp_path, run_script)
    (stored[0] / "environment.json").write_text("[]", "utf-8")
    refused_and_nothing_written(stored[0], "expected a JSON object, found list", tmp_path, run_script)


def test_predictions_for_another_version_of_the_dataset_are_refused(stored, tmp_path, run_script):
    stored[2](fingerprint="0123456789abcdef")
    error = one_line_error(run_script("score", f"run={stored[0]}", "output=o.json", cwd=tmp_path), 1)
    assert "made for dataset constructed 0123456789abcdef" in error
    assert not (tmp_path / "o.json").exists()


def part_of_the_index(root, tmp_path, keep) -> tuple[str, set[str]]:
    """A data folder whose index holds some rows; its fingerprint, and the ids."""
    rows = [row for row in read_jsonl(root / "data/index.jsonl") if row["source"] == "constructed" and keep(row)]
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "data/index.jsonl", rows)
    return index_fingerprint(rows), {row["id"] for row in rows}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_an_empty_split_is_refused(split, root, stored, tmp_path, run_script):
    fingerprint, ids = part_of_the_index(root, tmp_path, lambda row: row["split"] != split)
    stored[2](keep=lambda p: p.id in ids, fingerprint=fingerprint)
    result = run_script("score", f"run={stored[0]}", "data.root=data", "output=o.json", cwd=tmp_path)
    assert f"no paragraphs in split '{split}'" in one_line_error(result, 1)
    assert not (tmp_path / "o.json").exists()


def test_one_document_has_a_score_and_says_why_it_has_no_interval_and_no_test(root, stored, tmp_path, run_script):
    first = next(p.id for p in stored[1] if p.split == "test").rpartition("-")[0]
    fingerprint, ids = part_of_the_index(root, tmp_path, lambda row: row["split"] != "test" or row["doc_id"] == first)
    stored[2](keep=lambda p: p.id in ids, fingerprint=fingerprint)
    shutil.copytree(stored[0], tmp_path / "other")
    record = json.loads((tmp_path / "other/environment.json").read_text("utf-8"))
    (tmp_path / "other/environment.json").write_text(json.dumps(record | {"seed": 2}), "utf-8")
    options = (f"run={stored[0]}", "compare=other", "data.root=data", "output=o.json")
    result = run_script("score", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "no intervals: too few documents" in " ".join(result.stdout.split())
    assert "no interval and no test: too few documents" in result.stdout
    written = json.loads((tmp_path / "o.json").read_text("utf-8"))
    score = written["runs"][0]["split"]["test"]["macro_f1"]
    assert score["value"] > 0
    assert (score["low"], score["high"], score["documents"]) == (None, None, 1)
    assert written["comparison"]["test"]["pairs"][0]["p_value"] is None


def test_bad_usage_is_said_in_one_line(stored, tmp_path, run_script):
    run = shutil.copytree(stored[0], tmp_path / "run")  # a comma would make it two
    assert "run=DIR" in one_line_error(run_script("score", cwd=tmp_path), 2)
    assert "two or more" in one_line_error(run_script("score", f"compare={run}", cwd=tmp_path), 2)
    assert "named twice" in one_line_error(run_script("score", f"compare=[{run},{run}]", cwd=tmp_path), 2)
