"""publish.py and data=hub as a user runs them, against the loopback Hub; whoever comes back uses plain clients."""

import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from loopback import READ, WRITE, Blob, Fault, LoopbackHub
from script_errors import one_line_error
from tiny import small_benchmark, small_encoder, train

from jianghua.dataset import between_marks, load_build
from jianghua.dataset.croissant import release
from jianghua.schema import LABELS
from jianghua.training.runs import read_predictions, write_predictions

ORG = "org"
# what is left out, or taken from the cache, is noted before something fails
one_line_error = functools.partial(one_line_error, notes=True)


@pytest.fixture(scope="module")
def world(root, tmp_path_factory):
    """A folder with a small benchmark, finished runs of a tiny encoder on it, and results made of one."""
    folder = tmp_path_factory.mktemp("world")
    data = small_benchmark(root / "data", folder)
    small_encoder(root / "data/pretrained/mini", folder / "encoder")
    place = ["data.path=data/jianghua", "data.root=data", "model.path=encoder"]
    for config in ("primary", "functions"):
        result = train(root, folder, *place, "train.epochs=1", f"data.config={config}")
        assert result.returncode == 0, result.stderr
    run = next(folder.glob("runs/constructed-primary/mini/*"))
    stored = folder / "results/runs/constructed-primary/mini/s1"
    stored.mkdir(parents=True)
    for name in ("config.yaml", "environment.json", "metrics.json", "predictions.parquet", "DONE"):
        (stored / name).write_bytes((run / name).read_bytes())
    fingerprint = load_build(data / "jianghua", "primary").fingerprint
    tables = f"**Trained on the constructed build** (`primary`, `{fingerprint}`)\n"
    (folder / "results/constructed.md").write_text(tables, "utf-8")
    for name in ("tables/constructed-primary-test.csv", "pictures/scores.svg"):
        (folder / "results" / name).parent.mkdir(exist_ok=True)
        (folder / "results" / name).write_text(f"of {fingerprint}\n", "utf-8")
    card = data / "jianghua/README.md"
    card.write_text(between_marks(card.read_text("utf-8"), tables), "utf-8")
    return SimpleNamespace(folder=folder, data=data, run=run, version=f"v{release(data)[0]}")


@pytest.fixture(scope="module")
def server():
    hub = LoopbackHub()
    yield hub
    hub.close()


@pytest.fixture
def own_hub():
    hub = LoopbackHub()
    yield hub
    hub.close()


def publish(root, world, hub, *options, home, token=WRITE, **more):
    command = [sys.executable, str(root / "scripts/publish.py"), "data_root=data", "results=results", *options]
    environment = os.environ | hub.environment(home, token) | {"OMP_NUM_THREADS": "1"}
    arguments = {"cwd": world.folder, "capture_output": True, "text": True, "timeout": 600, "check": False} | more
    return subprocess.run(command, env=environment, **arguments)


@pytest.fixture(scope="module")
def published(root, world, server, tmp_path_factory):
    result = publish(root, world, server, "what=all", f"org={ORG}", home=tmp_path_factory.mktemp("home"))
    assert result.returncode == 0, result.stderr
    assert WRITE not in result.stdout + result.stderr
    return SimpleNamespace(hub=server, output=result.stdout, files=lambda *key: server.repository(*key).head.files)


def stranger(hub, tmp_path, code, **environment):
    """What plain clients print in a process of its own with a fresh cache and no token."""
    settings = os.environ | hub.environment(tmp_path / "home", None) | {"OMP_NUM_THREADS": "1"} | environment
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=settings, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("streaming", [False, True])
def test_the_dataset_comes_back_with_plain_load_dataset(published, world, tmp_path, streaming):
    code = f"""
import json
from datasets import load_dataset
data = load_dataset("{ORG}/jianghua", "primary", revision="{world.version}", streaming={streaming})
rows = {{split: [row["id"] for row in part] for split, part in data.items()}}
print(json.dumps([rows, data["train"].features["label"].names]))
"""
    rows, names = json.loads(stranger(published.hub, tmp_path, code))
    ours = load_build(world.data / "jianghua", "primary").rows
    assert rows == {split: [row["id"] for row in part] for split, part in ours.items()}
    assert names == list(LABELS)


@pytest.mark.slow
def test_split_configurations_are_configurations_of_the_dataset(published, tmp_path):
    code = f"""
import json
from collections import Counter
from datasets import get_dataset_config_names, load_dataset
names = get_dataset_config_names("{ORG}/jianghua")
data = load_dataset("{ORG}/jianghua", "few_shot_8_2")
print(json.dumps([names, Counter(data["train"]["label"]), list(data["test"]["id"])]))
"""
    names, labels, test = json.loads(stranger(published.hub, tmp_path, code))
    assert names[:2] == ["primary", "functions"]
    assert "few_shot_8_5" in names
    # the constructed build has no public paragraphs to cross to
    assert "cross_source" not in names
    assert labels == {"0": 8, "1": 8, "2": 8, "3": 8}
    assert test


@pytest.mark.slow
def test_the_full_build_is_published_with_the_splits_across_sources(root, public_folder, own_hub, tmp_path):
    data = small_benchmark(root / "data", tmp_path, public_folder)
    world = SimpleNamespace(folder=tmp_path, data=data)
    options = ["what=dataset", f"repo_id={ORG}/full", f"public={public_folder}"]
    result = publish(root, world, own_hub, *options, home=tmp_path / "h")
    assert result.returncode == 0, result.stderr
    code = f"""
import json
from datasets import load_dataset
parts = {{}}
for name in ("cross_source", "cross_source_back", "by_year", "functions_cross_source"):
    data = load_dataset("{ORG}/full", name)
    parts[name] = {{split: sorted(set(part["source"])) for split, part in data.items()}}
print(json.dumps(parts))
"""
    parts = json.loads(stranger(own_hub, tmp_path, code))
    assert parts["cross_source"] == {"train": ["constructed"], "validation": ["constructed"], "test": ["public"]}
    assert parts["cross_source_back"]["test"] == ["constructed"]
    assert parts["functions_cross_source"]["test"] == ["public"]
    assert parts["by_year"]["train"] == ["public"]


@pytest.mark.slow
def test_the_model_comes_back_with_plain_pipeline_and_gives_what_predict_gives(published, world, tmp_path):
    texts = [row["text"] for row in load_build(world.data / "jianghua", "primary").rows["test"]][:5]
    code = f"""
import json
from transformers import pipeline
classify = pipeline("text-classification", model="{ORG}/jianghua-mini", top_k=None)
print(json.dumps([{{d["label"]: d["score"] for d in answer}} for answer in classify({texts!r}, truncation=True)]))
"""
    answers = json.loads(stranger(published.hub, tmp_path, code).splitlines()[-1])
    from jianghua.models import load_classifier

    ours = load_classifier(world.run / "model").predict_proba(texts)
    for answer, row in zip(answers, ours, strict=True):
        assert [answer[label] for label in LABELS] == pytest.approx(row.tolist(), abs=1e-5)


@pytest.mark.slow
def test_the_metric_comes_back_with_evaluate(published, tmp_path):
    code = f"""
import shutil
from pathlib import Path
import evaluate
from huggingface_hub import hf_hub_download
path = hf_hub_download("{ORG}/jianghua_metric", "jianghua_metric.py", repo_type="space")
Path("jianghua_metric").mkdir()
shutil.copyfile(path, "jianghua_metric/jianghua_metric.py")
for name in ("./jianghua_metric", "{ORG}/jianghua_metric"):
    metric = evaluate.load(name, "primary")
    scores = metric.compute(predictions=[0, 2, 2, 1], references=[0, 2, 1, 1], doc_ids=["a", "a", "b", "b"])
    print(round(scores["macro_f1"]["value"], 3))
"""
    assert stranger(published.hub, tmp_path, code).split() == ["0.778", "0.778"]


@pytest.mark.slow
def test_results_come_back_with_class_names_and_the_stored_predictions(published, world, tmp_path):
    code = f"""
import json
from datasets import load_dataset
said = load_dataset("{ORG}/jianghua-results", "constructed_primary", split="test")
print(json.dumps([list(said["id"]), list(said["predicted"]), said.features["predicted"].names]))
"""
    ids, predicted, names = json.loads(stranger(published.hub, tmp_path, code))
    from jianghua.training import read_run

    stored = {p.id: p.predicted for p in read_run(world.run).predictions if p.split == "test"}
    assert dict(zip(ids, predicted, strict=True)) == stored
    assert names == list(LABELS)


@pytest.mark.slow
def test_the_results_hold_tables_and_pictures_and_say_which_rows_are_of_which_build(published, world):
    files = published.files("dataset", f"{ORG}/jianghua-results")
    assert {"constructed.md", "tables/constructed-primary-test.csv", "pictures/scores.svg"} <= set(files)
    fingerprint = load_build(world.data / "jianghua", "primary").fingerprint
    card = files["README.md"].data.decode()
    assert f"| `constructed_primary` | constructed | `{fingerprint}` | 1 | mini |" in card
    assert json.loads(files["published.json"].data)["dataset"]["fingerprints"]["constructed"] == fingerprint


@pytest.mark.slow
def test_the_model_card_shows_the_scores_of_the_run_and_passes_the_librarys_validation(published, world):
    from huggingface_hub import ModelCard

    card = ModelCard(published.files("model", f"{ORG}/jianghua-mini")["README.md"].data.decode())
    metrics = json.loads((world.run / "metrics.json").read_text("utf-8"))["split"]["test"]
    shown = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert shown["macro-F1"] == round(metrics["macro_f1"]["value"], 4)
    assert shown["accuracy"] == round(metrics["accuracy"]["value"], 4)
    assert {result.dataset_revision for result in card.data.eval_results} == {world.version}
    assert card.data.license == "cc-by-sa-4.0"
    other = ModelCard(published.files("model", f"{ORG}/jianghua-mini-functions")["README.md"].data.decode())
    assert {result.dataset_config for result in other.data.eval_results} == {"functions"}
    assert "at or above its threshold" in other.text


@pytest.mark.slow
def test_the_hub_takes_the_model_cards_and_refuses_them_without_licence_or_with_broken_scores(published, tmp_path):
    for name in ("jianghua-mini", "jianghua-mini-functions"):
        (tmp_path / f"{name}.md").write_bytes(published.files("model", f"{ORG}/{name}")["README.md"].data)
    code = """
from huggingface_hub import ModelCard, RepoCard

def verdict(text, kind=RepoCard):  # this one sends what it got; a ModelCard reads the scores itself
    try:
        kind(text).validate("model")
    except ValueError as error:
        return str(error)
    return "valid"

for name in ("jianghua-mini", "jianghua-mini-functions"):
    text = open(f"{name}.md", encoding="utf-8").read()
    licence = "license: cc-by-sa-4.0"
    task = "type: text-classification"
    assert licence in text and task in text
    print(verdict(text, ModelCard))
    print("task.type" in verdict(text.replace(task, "kind: x", 1)))
    print("license" in verdict(text.replace(licence, "license: none-such", 1)))
    print("license" in verdict(text.replace(licence, "language: zh", 1)))
"""
    assert stranger(published.hub, tmp_path, code).split() == ["valid", "True", "True", "True"] * 2


@pytest.mark.slow
def test_the_dataset_cards_metadata_is_read_by_datasets_itself(published):
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    files = published.files("dataset", f"{ORG}/jianghua")
    card = DatasetCard(files["README.md"].data.decode())
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    assert configs.get_default_config_name() == "primary"
    assert f'load_dataset("{ORG}/jianghua", "primary")' in card.text
    sidecars = {
        "GUIDELINES.md",
        "CHANGELOG.md",
        "LICENSE",
        "croissant.json",
        "annotations/alone.jsonl",
        "published.json",
    }
    assert sidecars <= set(files)


@pytest.mark.slow
def test_the_published_croissant_describes_every_configuration_of_the_card_and_its_records_load(published, tmp_path):
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    mlc = pytest.importorskip("mlcroissant")
    files = published.files("dataset", f"{ORG}/jianghua")
    for name, blob in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(blob.data)
    configs = MetadataConfigs.from_dataset_card_data(DatasetCard(files["README.md"].data.decode()).data)
    metadata = mlc.Dataset(str(tmp_path / "croissant.json"))
    described = {record_set.name for record_set in metadata.metadata.record_sets}
    assert described == {f"{config}_{split}" for config in configs for split in ("train", "validation", "test")}
    assert "few_shot_8_1" in configs
    assert len(list(metadata.records("few_shot_8_1_train"))) == 32  # eight of each of the four functions


@pytest.mark.slow
def test_a_model_repository_holds_what_it_takes_to_know_where_it_came_from(published, world):
    files = published.files("model", f"{ORG}/jianghua-mini")
    record = json.loads(files["published.json"].data)
    environment = json.loads((world.run / "environment.json").read_text("utf-8"))
    assert record["fingerprint"] == environment["dataset"]["fingerprint"]
    assert record["dataset"]["repo_id"] == f"{ORG}/jianghua"
    configuration = files["training_config.yaml"].data.decode()
    assert "learning_rate" in configuration
    assert "data/jianghua" not in configuration
    assert {int(i): n for i, n in json.loads(files["config.json"].data)["id2label"].items()} == dict(enumerate(LABELS))


@pytest.mark.slow
def test_each_repository_is_one_commit_and_publishing_again_changes_nothing_and_says_so(
    root, world, published, tmp_path
):
    hub = published.hub
    before = {key: [commit.oid for commit in repository.commits] for key, repository in hub.repositories.items()}
    assert {len(commits) for commits in before.values()} == {2}
    kinds = [kind for kind, _ in before]
    assert (kinds.count("dataset"), kinds.count("model"), kinds.count("space")) == (2, 2, 2)
    result = publish(root, world, hub, "what=all", f"org={ORG}", "check=false", home=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("nothing changed") == len(before)
    assert before == {
        key: [commit.oid for commit in repository.commits] for key, repository in hub.repositories.items()
    }


@pytest.mark.slow
def test_what_is_left_out_is_said_and_the_lines_a_user_types_are_printed(published, world):
    assert "the page org/jianghua-page is left out" in published.output
    assert f'load_dataset("{ORG}/jianghua", "primary", revision="{world.version}")' in published.output
    assert f'pipeline("text-classification", model="{ORG}/jianghua-mini"' in published.output
    assert f"{published.hub.url}/spaces/{ORG}/jianghua-demo\n" in published.output
    assert f"{ORG}/jianghua-mini: the run {world.run.relative_to(world.folder)}\n" in published.output


@pytest.mark.slow
def test_the_line_for_the_metric_was_tried_and_works_for_whoever_types_it(published, tmp_path):
    assert "evaluate.load primary: macro-F1 of a perfect answer 1" in published.output
    commit = published.hub.repository("space", f"{ORG}/jianghua_metric").head.oid
    line = f'evaluate.load("{ORG}/jianghua_metric", "primary", revision="{commit}")'
    assert line in published.output
    code = (
        f"import evaluate\nprint({line}.compute(predictions=[0, 1], references=[0, 1], doc_ids=['a', 'b'])['accuracy'])"
    )
    assert '"value": 1' in stranger(published.hub, tmp_path, code).replace("'", '"')


@pytest.mark.slow
def test_the_demo_space_labels_a_speech_with_its_own_files_and_the_published_model(published, tmp_path):
    files = published.files("space", f"{ORG}/jianghua-demo")
    for name, blob in files.items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / name).write_bytes(blob.data)
    needed = {line.split("==")[0] for line in files["requirements.txt"].data.decode().split()}
    code = """
import sys
sys.path.insert(0, "space")
import app, jianghua
assert jianghua.__file__.startswith(sys.path[0]) or "space" in jianghua.__file__, jianghua.__file__
page = app.label_speech(*app.from_hub(), app.EXAMPLE, None)
assert "隐患报了三次" in page
print("\\n".join(sorted({name.split(".")[0] for name in sys.modules})))
"""
    loaded = set(stranger(published.hub, tmp_path, code).split())
    assert "gradio" not in needed  # a Space brings its own, by sdk_version
    assert not loaded & {"hydra", "omegaconf", "datasets", "evaluate", "matplotlib"}


@pytest.mark.slow
def test_training_on_a_pinned_revision_gives_what_the_build_on_disk_gives(root, world, published, tmp_path):
    hub = published.hub
    options = ["data=hub", f"data.repo_id={ORG}/jianghua", f"data.root={world.data}", "model=tfidf"]
    settings = hub.environment(tmp_path / "home", None)
    pinned = train(root, tmp_path, *options, f"data.revision={world.version}", **settings)
    assert pinned.returncode == 0, pinned.stderr
    assert "names no revision" not in pinned.stderr
    run = next(tmp_path.glob("runs/*/tfidf/*"))
    commit = hub.repository("dataset", f"{ORG}/jianghua").head.oid
    record = json.loads((run / "environment.json").read_text("utf-8"))["dataset"]
    assert (record["repo_id"], record["revision"]) == (f"{ORG}/jianghua", commit)
    assert f"revision: {commit}" in (run / "config.yaml").read_text("utf-8")
    assert str(tmp_path) not in (run / "config.yaml").read_text("utf-8").replace(str(world.data), "")
    on_disk = train(
        root, tmp_path, f"data.path={world.data}/jianghua", f"data.root={world.data}", "model=tfidf", "runs=b"
    )
    assert on_disk.returncode == 0, on_disk.stderr
    other = next(tmp_path.glob("b/*/tfidf/*"))
    assert (run / "metrics.json").read_bytes() == (other / "metrics.json").read_bytes()

    # an unpinned revision is resolved to the same commit, warned about, and finds the same run
    unpinned = train(root, tmp_path, *options, **settings)
    assert unpinned.returncode == 0, unpinned.stderr
    assert f"Pin it: data.revision={commit}" in unpinned.stderr
    assert "is finished" in unpinned.stdout

    # offline, and with a Hub that is gone, the cache serves
    for gone in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        cached = train(root, tmp_path, *options, f"data.revision={world.version}", **(settings | gone))
        assert cached.returncode == 0, cached.stderr
        assert "comes from the cache" in cached.stderr
        assert "is finished" in cached.stdout

    # a cached file that changed is not trained on
    path = next(tmp_path.glob("home/hub/*/snapshots/*/primary/train*.parquet")).resolve()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    damaged = train(root, tmp_path, *options, **settings)
    assert "is damaged" in one_line_error(damaged, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["data.repo_id=org/none"], "knows no such repository"),
        ([f"data.repo_id={ORG}/jianghua", "data.revision=v9"], "no such revision"),
        ([f"data.repo_id={ORG}/jianghua", "data.time_limit=1"], "did not answer within 1 seconds"),
    ],
)
def test_data_that_cannot_be_had_is_one_line_that_names_the_offline_way(root, published, tmp_path, options, says):
    hub = published.hub
    if "data.time_limit=1" in options:
        hub.reset(Fault("silent", path="/api/datasets/", times=99))
    try:
        result = train(root, tmp_path, "data=hub", "model=tfidf", *options, **hub.environment(tmp_path / "h", None))
    finally:
        hub.reset()
    line = one_line_error(result, 1)
    assert says in line
    assert "data=local" in line
    assert not (tmp_path / "runs").exists()


def test_a_dataset_of_the_hub_without_its_name_is_a_usage_error(root, tmp_path):
    assert "data.repo_id= is required" in one_line_error(train(root, tmp_path, "data=hub", "model=tfidf"), 2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["what=everything", "repo_id=a/b"], "what=everything: it is one of"),
        (["what=all", "repo_id=a/b"], "what=all takes org="),
        (["what=dataset"], "what=dataset takes repo_id="),
        (["what=model", "repo_id=a/b"], "what=model takes run=DIR"),
        (["repo_id=a/b"], "what= is required"),
        (["what=dataset", "repo_id=bad", "dry_run=true"], "repo_id=bad: not a repository name"),
        (["what=model", "run=x", "repo_id=a/b", "tag=v 1"], "tag=v 1: not a name for a tag"),
        (["what=model", "run=x", "repo_id=a/b", "tag=main"], "tag=main: means a branch"),
        (["what=results", "repo_id=a/b", "names.page=x", "names.metric=x"], "space a/x: one name for two things"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(run_script, tmp_path, options, says):
    assert says in one_line_error(run_script("publish", *options, cwd=tmp_path), 2)


@pytest.mark.parametrize(
    "options",
    [
        ["what=dataset", "repo_id=2024"],
        ["what=results", "repo_id=true"],
        ["what=model", "run=x", "repo_id=[a,b]"],
        ["what=model", "run=x", "repo_id={a:b}"],
        ["what=all", "org=[a,b]"],
        ["what=all", "org=讲话"],
    ],
)
def test_a_name_that_hydra_would_take_for_a_number_or_a_list_is_no_repository_name(run_script, tmp_path, options):
    assert "not a repository name" in one_line_error(run_script("publish", *options, cwd=tmp_path), 2)


@pytest.mark.parametrize("name", ["2024", "nonsense"])
def test_a_dataset_of_the_hub_under_a_name_that_is_none_is_a_usage_error(root, tmp_path, name):
    result = train(root, tmp_path, "data=hub", f"data.repo_id={name}", "model=tfidf")
    assert f"repo_id={name}: not a repository name" in one_line_error(result, 2)


def test_a_token_with_characters_that_cannot_be_sent_is_named(run_script, tmp_path):
    options = ["what=model", "run=x", "repo_id=a/b"]
    result = run_script("publish", *options, cwd=tmp_path, HF_TOKEN="hf_口令" + "x" * 20)
    assert "HF_TOKEN (or what `hf auth login` stored) holds characters that no token has" in one_line_error(result, 1)
    assert "口令" not in result.stderr


@pytest.mark.slow
def test_models_are_runs_on_the_build_that_is_published_and_the_tag_is_the_one_they_name(
    root, world, own_hub, tmp_path
):
    runs = tmp_path / "runs"
    shutil.copytree(world.folder / "runs", runs)
    kept = next(runs.glob("constructed-primary/mini/*"))
    for kind in ("primary", "functions"):  # a newer one of each on the full build
        other = runs / f"full-{kind}/mini/later"
        shutil.copytree(next(runs.glob(f"constructed-{kind}/mini/*")), other)
        predictions, metadata = read_predictions(other / "predictions.parquet")
        metadata |= {"build": "full", "fingerprint": "f" * 16}
        write_predictions(other / "predictions.parquet", predictions, metadata.pop("config"), metadata)
        os.utime(other / "DONE")
    options = ["what=all", "org=org", f"runs={runs}", "tag=v9.9", "dry_run=true"]
    result = publish(root, world, own_hub, *options, home=tmp_path / "h")
    assert result.returncode == 0, result.stderr
    assert f"org/jianghua-mini: the run {kept}" in result.stdout
    assert "revision `v9.9`, fingerprint" in result.stdout
    assert "f" * 16 not in result.stdout
    assert world.version not in result.stdout.partition("model org/jianghua-mini")[2].partition("model org/")[0]
    for constructed in runs.glob("constructed-*"):
        shutil.rmtree(constructed)
    line = one_line_error(publish(root, world, own_hub, *options, home=tmp_path / "h"), 1)
    assert "no finished default run of primary used the whole constructed build" in line
    assert own_hub.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["model", "results"])
def test_what_was_made_with_another_dataset_than_the_hub_holds_is_not_published(root, world, own_hub, tmp_path, what):
    mark = {"what": "dataset", "version": "0", "build": "constructed", "fingerprint": "0" * 16, "files": {}}
    theirs = own_hub.create("dataset", "org/jianghua")
    theirs.tags[world.version] = theirs.add("older", {"published.json": Blob(json.dumps(mark).encode(), False)}).oid
    options = [f"what={what}", f"run={world.run}", "repo_id=org/m", "check=false"]
    line = one_line_error(publish(root, world, own_hub, *options, home=tmp_path), 1)
    assert f"is the constructed build {'0' * 16}; publish the dataset it was made with first" in line
    assert set(own_hub.repositories) == {("dataset", "org/jianghua")}
    mark["fingerprint"] = load_build(world.data / "jianghua", "primary").fingerprint
    theirs.tags[world.version] = theirs.add("this one", {"published.json": Blob(json.dumps(mark).encode(), False)}).oid
    again = publish(root, world, own_hub, *options, home=tmp_path)
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_dry_run_shows_files_and_card_and_sends_nothing(root, world, own_hub, tmp_path):
    result = publish(
        root,
        world,
        own_hub,
        "what=model",
        f"run={world.run}",
        "repo_id=org/m",
        "dry_run=true",
        home=tmp_path,
        token=None,
    )
    assert result.returncode == 0, result.stderr
    assert "model.safetensors" in result.stdout
    assert "model-index:" in result.stdout
    assert own_hub.requests == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "says"),
    [(None, "no token; put one with write rights into HF_TOKEN"), (READ, "the token may only read")],
)
def test_a_missing_or_weak_token_is_one_line_and_nothing_is_made(root, world, own_hub, tmp_path, token, says):
    options = ["what=model", f"run={world.run}", "repo_id=org/m"]
    assert says in one_line_error(publish(root, world, own_hub, *options, home=tmp_path, token=token), 1)
    assert not own_hub.repositories


@pytest.mark.slow
def test_a_silent_server_is_given_up_after_the_time_limit(root, world, own_hub, tmp_path):
    own_hub.reset(Fault("silent", path="whoami", times=9))
    options = ["what=model", f"run={world.run}", "repo_id=org/m", "time_limit=1"]
    assert "did not answer within 1 seconds" in one_line_error(
        publish(root, world, own_hub, *options, home=tmp_path), 1
    )


@pytest.mark.slow
def test_a_run_of_another_dataset_is_not_published(root, world, own_hub, tmp_path):
    other = tmp_path / "data"
    small_benchmark(root / "data", tmp_path, documents={"train": 20, "validation": 4, "test": 4})
    options = ["what=model", f"run={world.run}", "repo_id=org/m", f"data_root={other}"]
    assert "made for dataset constructed" in one_line_error(publish(root, world, own_hub, *options, home=tmp_path), 1)
    assert own_hub.requests == []


@pytest.mark.slow
def test_a_build_that_is_not_current_is_not_published(root, own_hub, tmp_path):
    data = small_benchmark(root / "data", tmp_path)
    card = data / "jianghua/README.md"
    card.write_text(card.read_text("utf-8").replace("fingerprint `", "fingerprint `0"), "utf-8")
    world = SimpleNamespace(folder=tmp_path)
    result = publish(root, world, own_hub, "what=dataset", "repo_id=org/d", home=tmp_path / "h")
    assert "not the card of the constructed build" in one_line_error(result, 1)
    table = data / "jianghua/primary/train-00000-of-00001.parquet"
    table.write_bytes(table.read_bytes() + b"x")
    result = publish(root, world, own_hub, "what=dataset", "repo_id=org/d", home=tmp_path / "h")
    assert "not what speeches and votes make" in one_line_error(result, 1)
    assert own_hub.requests == []


@pytest.mark.slow
def test_a_full_disk_during_the_check_is_one_line_and_the_commit_stays_whole(root, world, own_hub, tmp_path):
    def small_files_only():  # the kernel itself refuses to write beyond this
        resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    options = ["what=model", f"run={world.run}", "repo_id=org/m"]
    result = publish(root, world, own_hub, *options, home=tmp_path / "h", preexec_fn=small_files_only)
    line = one_line_error(result, 1)
    assert "no room left on the disk" in line
    assert "a stranger cannot use it" in line
    again = publish(root, world, own_hub, *options, home=tmp_path / "h")
    assert again.returncode == 0, again.stderr
    assert "nothing changed" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("at", ["preupload", "POST .*/commit/"])
def test_a_script_that_is_stopped_leaves_one_whole_version(root, world, own_hub, tmp_path, at):
    own_hub.reset(Fault("silent_after", path=at))
    command = [sys.executable, str(root / "scripts/publish.py"), "data_root=data", "what=model", f"run={world.run}"]
    environment = os.environ | own_hub.environment(tmp_path / "h") | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "repo_id=org/m", "check=false"], cwd=world.folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    while not any(at.removeprefix("POST .*") in request for request in own_hub.requests):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, errors
    repository = own_hub.repository("model", "org/m")
    assert len(repository.commits) == (1 if at == "preupload" else 2)
    own_hub.reset()
    again = publish(root, world, own_hub, "what=model", f"run={world.run}", "repo_id=org/m", home=tmp_path / "h")
    assert again.returncode == 0, again.stderr
    assert len(repository.commits) == 2


@pytest.mark.slow
def test_a_name_that_belongs_to_another_type_is_refused(root, world, own_hub, tmp_path):
    own_hub.create("dataset", "org/m").add("theirs", {"README.md": Blob(b"x", False)})
    options = ["what=model", f"run={world.run}", "repo_id=org/m"]
    line = one_line_error(publish(root, world, own_hub, *options, home=tmp_path), 1)
    assert "org/m is a dataset on the Hub, and a model is to be published" in line
