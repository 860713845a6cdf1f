"""Several models and seeds by one command: one table, one line a failed job, nothing left beside the runs."""

import json
import re

import pytest
import yaml
from tiny_build import tiny_build

MODELS = ["majority", "length", "keywords"]
SCORE = r"(\d\.\d{3}) \[\d\.\d{3}, \d\.\d{3}\]"


@pytest.fixture(scope="module")
def data(tmp_path_factory, root):
    return tiny_build(root, tmp_path_factory.mktemp("data") / "build")


@pytest.fixture(scope="module")
def swept(data, tmp_path_factory, run_script):
    """A folder where three models with two seeds each were trained, and what the script said."""
    folder = tmp_path_factory.mktemp("swept")
    return folder, run_script(
        "train", "-m", f"model={','.join(MODELS)}", "seed=1,2", f"data.path={data}", cwd=folder, timeout=900
    )


def tables(text: str) -> list[dict[str, float]]:
    """The score of each row of each table, by the row's name; a row without an interval is no row."""
    found = []
    for table in text.split("┏")[1:]:
        found.append(
            {name: float(score) for name, score in re.findall(rf"^│ (\S+(?: \S+)*) +│ {SCORE} │", table, re.M)}
        )
    return found


def test_all_jobs_fill_one_table_with_a_row_a_model_and_intervals(swept):
    folder, result = swept
    assert (result.returncode, result.stderr) == (0, "")
    (table,) = tables(result.stdout)
    assert list(table) == MODELS
    for model, score in table.items():
        stored = [json.loads(path.read_text("utf-8")) for path in folder.glob(f"runs/*/{model}/*/metrics.json")]
        values = [metrics["split"]["test"]["macro_f1"]["value"] for metrics in stored]
        assert len(values) == 2
        assert score == pytest.approx(sum(values) / 2, abs=6e-4)
    assert "Mean of 2 seeds" in result.stdout
    assert re.search(r"^│ length .*│ [+-]\d\.\d{3} \(p = \d\.\d{4}\)", result.stdout, re.M)  # over the row above


@pytest.mark.slow
def test_baselines_and_the_fine_tuned_encoder_with_five_seeds_fill_one_table(data, tmp_path, run_script):
    models = ["majority", "length", "keywords", "tfidf", "tfidf_svm", "mini"]
    arguments = [f"model={','.join(models)}", "seed=1,2,3,4,5", f"data.path={data}", "train.epochs=1"]
    result = run_script("train", "-m", *arguments, cwd=tmp_path, timeout=900)
    assert (result.returncode, result.stderr) == (0, "")
    (table,) = tables(result.stdout)
    assert sorted(table) == sorted(models)
    assert len(list(tmp_path.glob("runs/*/*/*/DONE"))) == 30
    assert "Mean of 5 seeds" in result.stdout
    # the seed reaches the weights of the one that is trained by chance
    scores = {path.read_bytes() for path in tmp_path.glob("runs/*/mini/*/predictions.parquet")}
    assert len(scores) == 5


def test_each_job_is_one_line_and_each_run_folder_is_named_once(swept):
    folder, result = swept
    said = re.findall(rf"^(\w+), seed (\d), primary: test macro-F1 {SCORE}; jobs left: (\d)$", result.stdout, re.M)
    assert [(model, seed, left) for model, seed, _, left in said] == [
        (model, str(seed), str(5 - 2 * i - j)) for i, model in enumerate(MODELS) for j, seed in enumerate((1, 2))
    ]
    for run in folder.glob("runs/*/*/*/DONE"):
        assert result.stdout.count(run.parent.name) == 1


def test_only_the_runs_are_left_in_the_working_folder(swept):
    assert [path.name for path in swept[0].iterdir()] == ["runs"]


def test_a_failed_job_is_one_line_and_the_others_are_found_and_shown(swept, data, run_script):
    folder, _ = swept
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/*/DONE")}
    arguments = [f"model={','.join(MODELS)}", "seed=1,abc", f"data.path={data}"]
    result = run_script("train", "-m", *arguments, cwd=folder, timeout=900)
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert len(lines) == len(MODELS)
    for model, line in zip(MODELS, lines, strict=True):
        assert line.startswith(f"usage: model={model} seed=abc ")
        assert line.endswith("seed= takes a whole number")
    assert result.stdout.count("(finished before); jobs left: ") == len(MODELS)
    assert [list(table) for table in tables(result.stdout)] == [MODELS]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*/*/DONE")} == before
    assert [path.name for path in folder.iterdir()] == ["runs"]


def test_models_are_compared_over_the_seeds_that_all_of_them_have(data, tmp_path, run_script):
    assert run_script("train", "model=length", "seed=2", f"data.path={data}", cwd=tmp_path).returncode == 0
    stolen = next(tmp_path.glob("runs/*/length/*-s2/config.yaml"))
    stolen.write_text("# run 00000000 seed 2\n", "utf-8")
    result = run_script(
        "train", "-m", "model=length,majority", "seed=1,2", f"data.path={data}", cwd=tmp_path, timeout=900
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: model=length seed=2 ")
    assert "holds a run of another configuration" in line
    assert [list(table) for table in tables(result.stdout)] == [["length", "majority"]]
    assert "Not in the mean: majority seed 2." in " ".join(result.stdout.split())


def test_a_learning_curve_is_a_table_a_share_of_the_data_and_draws_are_averaged(data, tmp_path, run_script):
    arguments = ["model=length", "experiment=learning_curve", "data.subset.train.documents=0.2,1.0", "seed=1,2"]
    result = run_script("train", *arguments, f"data.path={data}", cwd=tmp_path, timeout=900)
    assert (result.returncode, result.stderr) == (0, "")
    by_share: dict[float, list[float]] = {}
    for run in tmp_path.glob("runs/*/length/*"):
        share = yaml.safe_load((run / "config.yaml").read_text("utf-8"))["data"]["subset"]["train"]["documents"]
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        by_share.setdefault(share, []).append(metrics["split"]["test"]["macro_f1"]["value"])
    shown = tables(result.stdout)
    assert len(shown) == 2
    titles = re.findall(r"^Trained on the constructed build \(train documents (\S+)\)", result.stdout, re.M)
    for title, table in zip(titles, shown, strict=True):
        values = by_share[float(title)]
        assert len(values) == 2
        assert list(table.values()) == [pytest.approx(sum(values) / 2, abs=6e-4)]
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_mistyped_model_among_several_is_one_line_and_starts_nothing(tmp_path, run_script):
    result = run_script("train", "-m", "model=majority,gpt9", "seed=1,2", cwd=tmp_path, timeout=900)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("usage: ")
    assert "gpt9" in line
    assert line.endswith("xlmr_base")  # the last of those that can be chosen; nothing of where Hydra looked
    assert not any(tmp_path.iterdir())


def test_jobs_in_other_processes_fill_the_same_table(data, tmp_path, run_script):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs hydra-submitit-launcher")
    launcher = ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=30", "hydra.launcher.mem_gb=null"]
    arguments = ["model=majority,length", "seed=1,abc", f"data.path={data}"]
    result = run_script("train", "-m", *launcher, *arguments, cwd=tmp_path, timeout=900)
    assert result.returncode == 2, result.stderr
    assert [line.split(" data.path=")[0] for line in result.stderr.splitlines()] == [
        "usage: model=majority seed=abc",
        "usage: model=length seed=abc",
    ]
    assert [list(table) for table in tables(result.stdout)] == [["majority", "length"]]
