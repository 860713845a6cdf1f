"""`reproduce.py mode=scratch`: listed runs trained by the script a user types, then held against the stored ones."""

import shutil
import signal
import subprocess
import sys
import time

import pytest
from stored_runs import answers, contents, small_data, store

from jianghua.dataset import index_as_build, read_index
from jianghua.training import read_run
from jianghua.training.scratch import place_of

MODELS, SEEDS = ["majority", "length"], [1, 2]
STORED = "results/runs/constructed-primary"


@pytest.fixture(scope="module")
def data(root, tmp_path_factory):
    return small_data(root, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def loaded(data):
    return index_as_build(data, "constructed", "primary")


@pytest.fixture(scope="module")
def scratch(data, run_script):
    """Run it in a folder that has (or gets) runs/ and results/."""

    def run(folder, models=MODELS):
        listed = [f"models=[{','.join(models)}]", f"seeds=[{','.join(map(str, SEEDS))}]", "builds=[constructed]"]
        place = [f"data_root={data}", f"results={folder}/results", f"root={folder}", f"runs={folder}/runs"]
        return run_script("reproduce", "mode=scratch", *listed, *place, cwd=folder, timeout=1200)

    return run


@pytest.fixture(scope="module")
def first(scratch, tmp_path_factory):
    """A folder in which all was trained and stored, and what the command said."""
    folder = tmp_path_factory.mktemp("first")
    return folder, scratch(folder)


def trainings(result):
    return [line for line in result.stdout.splitlines() if line.startswith("$ ")]


def verdicts(result):
    """Model → what its one row says after the score."""
    assert result.returncode == 0, result.stderr
    title = "constructed build, constructed part, "
    lines = [line.removeprefix(title) for line in result.stdout.splitlines() if line.startswith(title)]
    rows = [line.split(": macro-F1 ") for line in lines]
    assert [model for model, _ in rows] == MODELS  # a row a model, as in the tables, not a row a run
    return {model: said.partition(", ")[2] for model, said in rows}


def fill(place, loaded, right, models=MODELS, fingerprint=None):
    """Finished runs of made-up models below `place`, which answer all rightly or all wrongly."""
    for model in models:
        for seed in SEEDS:
            store(place / model / f"s{seed}", answers(loaded.rows, right), fingerprint or loaded.fingerprint, seed)


@pytest.mark.slow
def test_what_is_listed_is_trained_once_and_stored(first, scratch):
    folder, result = first
    assert verdicts(result) == dict.fromkeys(MODELS, "not stored yet, not compared")
    assert len(trainings(result)) == len(MODELS) * len(SEEDS)
    for model in MODELS:
        for seed in SEEDS:
            run = read_run(folder / STORED / model / f"s{seed}")
            assert (run.model, run.seed) == (model, seed)
    repeated = scratch(folder)
    assert trainings(repeated) == []
    assert verdicts(repeated) == dict.fromkeys(MODELS, "stored already, not compared")


@pytest.mark.slow
def test_a_model_trained_anew_lies_in_the_interval_it_had_before(first, scratch, tmp_path):
    again = shutil.copytree(first[0], tmp_path / "again")
    for folder in (again / "runs").rglob("length"):
        shutil.rmtree(folder)
    for record in (again / STORED / "length").rglob("environment.json"):  # by chance both may have taken as long
        record.write_text(record.read_text("utf-8").replace('"seconds": ', '"seconds": 9'), "utf-8")
    result = scratch(again)
    assert len(trainings(result)) == len(SEEDS)
    said = verdicts(result)
    assert said["majority"] == "stored already, not compared"
    assert said["length"].startswith("stored 0.")
    assert said["length"].endswith("]: inside")


@pytest.mark.slow
def test_what_is_listed_across_sources_is_trained_on_one_source_and_tested_on_the_other(
    root, run_script, public_folder, tmp_path
):
    listed = ["models=[majority,length]", "seeds=[1]", "builds=[cross_source]", f"public={public_folder}"]
    place = [f"results={tmp_path}/results", f"root={tmp_path}", f"runs={tmp_path}/runs"]
    result = run_script("reproduce", "mode=scratch", *listed, *place, cwd=tmp_path, timeout=1200)
    assert result.returncode == 0, result.stderr
    source = {row["id"]: row["source"] for row in read_index(root / "data", "full")}
    run = read_run(tmp_path / "results/runs/cross_source-primary/majority/s1")
    assert run.subset["train"] == {"source": "constructed"}
    assert {(p.split, source[p.id]) for p in run.predictions} == {("validation", "constructed"), ("test", "public")}
    table = (tmp_path / "results/cross_source.md").read_text("utf-8")
    assert table.startswith("**Trained on the constructed speeches of the full build, tested on its public part**")


def test_a_stored_run_of_another_dataset_is_not_compared_and_makes_way(root, scratch, loaded, tmp_path):
    fill(place_of(tmp_path / "runs", loaded.fingerprint, root / "scripts/train.py") / "primary", loaded, right=False)
    fill(tmp_path / STORED, loaded, True, ["majority"], fingerprint="0123456789abcdef")
    fill(tmp_path / STORED, loaded, True, ["length"])
    said = verdicts(scratch(tmp_path))
    assert said["majority"] == "stored for another dataset, not compared"
    assert said["length"] == "stored 1.000 [1.000, 1.000]: OUTSIDE"
    assert {read_run(done.parent).fingerprint for done in (tmp_path / STORED).rglob("DONE")} == {loaded.fingerprint}


def test_an_interrupted_call_changes_no_stored_run_and_the_next_compares_with_them(root, scratch, loaded, tmp_path):
    trained = place_of(tmp_path / "runs", loaded.fingerprint, root / "scripts/train.py") / "primary"
    fill(trained, loaded, True, ["majority"])
    fill(tmp_path / STORED, loaded, right=False)
    before = contents(tmp_path / "results")
    stopped = scratch(tmp_path, ["majority", "no_such_model"])
    assert stopped.returncode == 1
    assert "run the same command again to go on" in stopped.stderr
    assert contents(tmp_path / "results") == before
    fill(trained, loaded, True, ["length"])
    assert verdicts(scratch(tmp_path)) == dict.fromkeys(MODELS, "stored 0.000 [0.000, 0.000]: OUTSIDE")
    assert contents(tmp_path / STORED) == contents(trained)  # and now the new ones are stored


@pytest.mark.slow
def test_a_stopped_command_lets_the_training_save_where_it_is(root, data, tmp_path):
    listed = ["mode=scratch", "models=[mini]", "seeds=[1]", "builds=[constructed]", f"data_root={data}"]
    place = [f"results={tmp_path}/results", f"root={tmp_path}", f"runs={tmp_path}/runs"]
    command = [sys.executable, root / "scripts/reproduce.py", *listed, *place]
    with open(tmp_path / "out", "wb") as out:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("runs/**/config.yaml")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # to it alone: the training is to hear of it all the same
    status, said = process.wait(timeout=120), (tmp_path / "out").read_text("utf-8")
    assert status == 128 + signal.SIGTERM, said
    # a training that is killed says nothing, and saves nothing
    assert said.count("interrupted: stopped by SIGTERM") == 2, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "changed", ["conf/train/default.yaml", "conf/model/mini.yaml", "data/pretrained/mini/model.safetensors"]
)
def test_runs_of_another_recipe_or_encoder_lie_in_another_place(changed, tmp_path):
    for name in ("conf/train.yaml", "conf/train/default.yaml", "conf/model/mini.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a: 1\n", "utf-8")
    weights = tmp_path / "data/pretrained/mini/model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")

    def place():
        return place_of(tmp_path / "runs", "0123456789abcdef", tmp_path / "scripts/train.py")

    before = place()
    assert place() == before
    (tmp_path / changed).write_bytes(b"a: 2\n")
    assert place() != before
