"""predict.py with each engine on fine-tuned models: the same labels, quickly, and without torch."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from jianghua.dataset import load_build
from jianghua.evaluation import score_predictions
from jianghua.models.exported import load_exported
from jianghua.schema import CONFIGS
from jianghua.training.run import predict_splits
from jianghua.training.runs import read_predictions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory, root):
    """A folder in which the bundled BERT was fine-tuned for both configurations."""
    folder = tmp_path_factory.mktemp("engines")
    for config in CONFIGS:
        command = [sys.executable, str(root / "scripts/train.py"), f"data.config={config}", f"output_dir={config}"]
        command += ["train.epochs=1", "data.subset={train: {documents: 0.4}}"]  # enough to be right most of the time
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3000, check=False)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def speech(folder, root):
    text = (root / "data/speeches/constructed/c001.txt").read_text("utf-8")
    (folder / "讲话.txt").write_text(text, "utf-8")
    return folder / "讲话.txt"


@pytest.fixture(scope="module")
def loaded(root):
    return {config: load_build(root / "data/jianghua", config) for config in CONFIGS}


def of_test(predictions):
    return [prediction for prediction in predictions if prediction.split == "test"]


def stored(folder, config):
    """What `scripts/train.py` stored with its model: answers of the engine torch for validation and test."""
    return read_predictions(folder / config / "predictions.parquet")[0]


def exported(folder, loaded, config, engine):
    return predict_splits(load_exported(folder / config / "model", engine), loaded[config], config)


@pytest.mark.parametrize("config", CONFIGS)
def test_onnx_decides_every_test_paragraph_as_torch_does(config, folder, loaded):
    expected, found = of_test(stored(folder, config)), of_test(exported(folder, loaded, config, "onnx"))
    assert [answer.id for answer in found] == [row["id"] for row in loaded[config].rows["test"]]
    assert np.abs(np.subtract([a.proba for a in found], [a.proba for a in expected])).max() < 1e-5
    assert [answer.predicted for answer in found] == [answer.predicted for answer in expected]


@pytest.mark.parametrize("config", CONFIGS)
def test_int8_changes_few_decisions_on_test_and_macro_f1_by_at_most_three_tenths_of_a_point(config, folder, loaded):
    answers = stored(folder, config), exported(folder, loaded, config, "onnx_int8")
    pairs = list(zip(*map(of_test, answers), strict=True))
    assert sum(a.predicted != b.predicted for a, b in pairs) <= 0.03 * len(pairs)
    assert np.abs([np.subtract(a.proba, b.proba) for a, b in pairs]).max() <= 0.2
    scores = [score_predictions(loaded[config].rows, each, config, "a run") for each in answers]
    exact, rounded = (score["split"]["test"]["macro_f1"]["value"] for score in scores)
    assert rounded == pytest.approx(exact, abs=0.003)


def test_the_script_says_that_it_exports_and_only_the_first_time(folder, speech, run_script):
    (folder / "primary/model/onnx/model.onnx").unlink(missing_ok=True)
    outputs = []
    for number in range(2):
        result = run_script(
            "predict", f"input={speech}", f"output={number}.jsonl", "model_path=primary", "engine=onnx", cwd=folder
        )
        assert result.returncode == 0, result.stderr
        outputs.append((result.stderr, (folder / f"{number}.jsonl").read_text("utf-8")))
    assert "note: exporting to primary/model/onnx/model.onnx, once" in outputs[0][0]
    assert "exporting" not in outputs[1][0]
    assert outputs[0][1] == outputs[1][1]


def test_the_engines_write_the_same_labels(folder, speech, run_script):
    rows = {}
    for engine in ("torch", "onnx"):
        output = folder / f"{engine}.jsonl"
        result = run_script(
            "predict", f"input={speech}", f"output={output}", f"engine={engine}", "model_path=functions", cwd=folder
        )
        assert result.returncode == 0, result.stderr
        rows[engine] = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [row["label"] for row in rows["onnx"]] == [row["label"] for row in rows["torch"]]
    for a, b in zip(rows["onnx"], rows["torch"], strict=True):
        assert a["proba"] == pytest.approx(b["proba"], abs=1e-5)


@pytest.mark.parametrize("engine", ["onnx", "onnx_int8"])
def test_an_exported_page_loads_no_torch_and_takes_less_than_half_the_processor_time(engine, folder, speech, root):
    load_exported(folder / "primary" / "model", engine)
    script = root / "scripts/predict.py"
    arguments = [f"input={speech}", f"output={engine}.html", "model_path=primary"]
    code = (
        "import atexit, runpy, sys; sys.argv = sys.argv[1:]\n"
        "heavy = ('torch', 'transformers', 'scipy', 'evaluate', 'datasets')\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules]))\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(script), *arguments, f"engine={engine}"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout.strip() == "[]"
    seconds = {engine: [], "torch": []}
    for name in [engine, "torch"] * 2:  # in turn, so that other work on the machine hits both
        before = os.times()
        command = [sys.executable, str(script), *arguments, f"engine={name}"]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        after = os.times()
        seconds[name].append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(seconds[engine]) < 0.5 * min(seconds["torch"]), seconds


def test_an_unknown_engine_and_a_model_that_is_no_encoder_are_bad_usage(folder, speech, run_script):
    result = run_script("predict", f"input={speech}", "output=o.csv", "model_path=primary", "engine=tpu", cwd=folder)
    assert result.returncode == 2
    assert result.stderr == "usage: engine=tpu: the engines are torch, onnx, onnx_int8\n"
    assert run_script("train", "model=majority", "output_dir=majority", cwd=folder).returncode == 0
    result = run_script("predict", f"input={speech}", "output=o.csv", "model_path=majority", "engine=onnx", cwd=folder)
    assert result.returncode == 2
    assert "only encoders are exported" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("size", ["0", "-1", "abc", "2.5", "true"])
def test_a_batch_size_that_is_no_number_of_paragraphs_is_bad_usage(size, tmp_path, root, run_script):
    source = root / "data/speeches/constructed/c001.txt"
    result = run_script("predict", f"input={source}", "output=o.csv", f"batch_size={size}", cwd=tmp_path)
    assert result.returncode == 2
    assert re.fullmatch(r"usage: batch_size=\S+: batch_size= takes a whole number from 1\n", result.stderr)
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("option", ["threads=abc", "threads=-1", "train.epochs=0", "train.batch_tokens=0"])
def test_a_training_that_cannot_be_is_bad_usage_and_leaves_no_folder(option, tmp_path, run_script):
    result = run_script("train", option, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"usage: {option}: ")
    assert not list(tmp_path.iterdir())
