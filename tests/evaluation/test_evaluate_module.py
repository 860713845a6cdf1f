"""metrics/jianghua: what the generator writes, and the same numbers where the package is not installed."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jianghua.evaluation import measure
from jianghua.evaluation.export import evaluate_module

# -I leaves out PYTHONPATH and the folder; the finder hides a package installed in site-packages
CODE = """
import json, sys

class Hide:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "jianghua":
            raise ImportError("hidden")

sys.meta_path.insert(0, Hide())
import evaluate
job = json.load(open(sys.argv[2]))
scores = {
    config: evaluate.load(sys.argv[1], config).compute(**arguments) for config, arguments in job.items()
}
try:
    import jianghua
except ImportError:
    print(json.dumps(scores))
"""


def test_the_module_in_the_tree_is_what_the_generator_writes(root):
    assert (root / "metrics/jianghua/jianghua.py").read_text("utf-8") == evaluate_module()


def test_the_module_names_nothing_of_this_package():
    lines = evaluate_module().splitlines()
    assert not [line for line in lines if line.startswith(("import jianghua", "from jianghua"))]


def test_the_example_in_the_modules_text_has_an_interval():
    """It promises intervals, which two documents would not have."""
    score = measure(np.array([0, 2, 1, 1]), np.array([0, 2, 2, 1]), "primary", None, ["a", "a", "b", "c"])["macro_f1"]
    assert round(score["value"], 3) == 0.778
    assert score["low"] < 0.778
    text = evaluate_module()
    assert 'predictions=[0, 2, 2, 1], references=[0, 2, 1, 1], doc_ids=["a", "a", "b", "c"])' in text
    assert "0.778" in text


@pytest.mark.slow
def test_evaluate_loads_it_offline_without_the_package_and_gives_the_same_numbers(root, tmp_path):
    rng = np.random.default_rng(0)
    gold, predicted = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    sets, found, proba = rng.random((60, 4)) < 0.3, rng.random((60, 4)) < 0.3, rng.random((60, 4))
    documents = [f"d{i // 10}" for i in range(60)]

    def ids(table):
        return [np.flatnonzero(line).tolist() for line in table]

    job = {
        "primary": {"predictions": predicted.tolist(), "references": gold.tolist(), "doc_ids": documents},
        "functions": {"predictions": ids(found), "references": ids(sets), "proba": proba.tolist()},
    }
    (tmp_path / "job.json").write_text(json.dumps(job), "utf-8")
    result = subprocess.run(
        [sys.executable, "-I", "-c", CODE, str(root / "metrics/jianghua"), str(tmp_path / "job.json")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")},
    )
    assert result.returncode == 0, result.stderr[-2000:]
    scores = json.loads(result.stdout.splitlines()[-1])
    assert scores["primary"] == measure(gold, predicted, "primary", None, documents)
    assert scores["functions"] == measure(sets, found, "functions", proba)
