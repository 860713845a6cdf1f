"""Every architecture and tokenizer type of the zoo through the real scripts: train, save, load, predict."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from script_errors import one_line_error
from tiny_build import tiny_build
from zoo_checkpoints import ZOO, build

from jianghua.dataset import load_build
from jianghua.models import load_classifier
from jianghua.schema import LABELS
from jianghua.training import read_run

OF_KIND = {kind: name for name, kind in reversed(ZOO.items())}
SPEECH = (
    "同志们：\n\n上半年，全镇没有发生一起亡人事故，我代表镇党委向大家表示感谢。\n\n" + "月底前再查一遍。" * 120 + "\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory, root):
    return tiny_build(root, tmp_path_factory.mktemp("data") / "build")


@pytest.mark.parametrize(
    "kind", ["hfl_bert", *(pytest.param(k, marks=pytest.mark.slow) for k in OF_KIND if k != "hfl_bert")]
)
def test_a_model_of_the_zoo_trains_saves_loads_and_predicts(kind, data, tmp_path, run_script):
    checkpoint = build(kind, tmp_path / "ckpt（1）")
    command = [f"model={OF_KIND[kind]}", f"model.path={checkpoint}", f"data.path={data}", "train.epochs=1"]
    result = run_script("train", *command, "output_dir=run", "data.overlong=head_tail", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    run = read_run(tmp_path / "run")
    rows = {row["id"]: row["text"] for row in load_build(data, "primary").rows["test"]}
    stored = [p for p in run.predictions if p.split == "test"]
    model = load_classifier(tmp_path / "run" / "model")
    again = model.predict_proba([rows[p.id] for p in stored])
    assert np.allclose(again, [p.proba for p in stored], atol=1e-5)
    reads = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))["reads"]
    assert set(reads) == {"train", "validation", "test"}
    # the small byte-fallback vocabulary lacks characters on purpose: that is said aloud, and only there
    lacking = kind == "mmbert"
    assert (reads["train"]["unknown_share"] > 0.05) == lacking
    assert ("of the train tokens are unknown to the tokenizer" in " ".join(result.stdout.split())) == lacking
    assert reads["train"]["max_length"] == model.max_length
    assert "unknown_share=" in (tmp_path / "run" / "log.txt").read_text("utf-8")
    (tmp_path / "p.txt").write_text(SPEECH, "utf-8")
    result = run_script("predict", "input=p.txt", "output=o.jsonl", "model_path=run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    if model.max_length == 512 and kind != "xlm_roberta":
        assert "1 paragraphs are longer than the model reads" in result.stderr
    said = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    expected = model.predict_proba([row["text"] for row in said])
    assert np.allclose([[row["proba"][name] for name in LABELS] for row in said], expected, atol=1e-4)


BAD = {
    "the Hub cannot be reached": (["model=bert_base_chinese"], 1, "model.path=FOLDER"),
    "no weights": (["model=bert_base_chinese", "model.path=bare"], 1, "the weights (model.safetensors"),
    "another architecture": (["model=xlmr_base", "model.path=ckpt"], 1, "model.architecture=xlm-roberta"),
    "other labels": (["model=mini", "model.path=theirs"], 1, "holds a classifier whose labels are ['a', 'b']"),
    "other labels, no class named": (["model=mini", "model.path=nameless"], 1, "holds a classifier whose labels are"),
    "no object": (["model=mini", "model.path=hollow"], 1, "its config.json holds no object"),
    "labels in a list": (["model=mini", "model.path=listed"], 1, "id2label in its config.json is ['praise'], not what"),
    "no tokenizer": (["model=bert_base_chinese", "model.path=mute"], 1, "mute: holds no tokenizer"),
    "unknown head": (["model=mini", "model.head=crf"], 2, "the heads are classifier"),
    "unknown way": (["model=mini", "data.overlong=middle"], 2, "data.overlong=middle"),
    "unknown tokenizer": (["model=bert_base_chinese", "model.path=ckpt", "model.tokenizer=Bart"], 2, "model.tokenizer"),
    "no such model": (["model=nosuch"], 2, "nosuch"),
    "no path": (["model=bert_base_chinese", "model.path=null"], 2, "model.path=None: model.path= takes text"),
    "no address": (["model=llm", "model.name=m"], 2, "model.base_url= is required"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A folder with a sound checkpoint, `ckpt`, and others that are each wrong in one thing."""
    folder = tmp_path_factory.mktemp("checkpoints")
    theirs = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b"}}
    for name in ("ckpt", "bare", "hollow", "mute"):
        build("hfl_bert", folder / name)
    build("hfl_bert", folder / "theirs", **theirs)
    build("hfl_bert", folder / "nameless", **theirs | {"architectures": None})
    build("hfl_bert", folder / "listed", id2label=["praise"])
    (folder / "bare" / "pytorch_model.bin").unlink()
    (folder / "hollow" / "config.json").write_text("[]", "utf-8")
    (folder / "mute" / "vocab.txt").unlink()
    return folder


@pytest.mark.parametrize("case", BAD)
def test_a_model_that_cannot_start_is_one_clear_line_and_leaves_nothing(case, data, broken, run_script):
    arguments, status, says = BAD[case]
    before = sorted(path.name for path in broken.iterdir())
    result = run_script("train", *arguments, f"data.path={data}", cwd=broken)
    assert result.returncode == status, (result.returncode, result.stderr[-800:])
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert says in result.stderr
    assert sorted(path.name for path in broken.iterdir()) == before


@pytest.mark.slow  # the client's own retries take most of a minute, and no setting of its shortens them
def test_a_hub_that_does_not_answer_is_one_clear_line_after_the_note_that_it_is_asked(data, tmp_path, run_script):
    nobody = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hf")}
    result = run_script("train", "model=bert_base_chinese", f"data.path={data}", cwd=tmp_path, **nobody)
    error = one_line_error(result, 1, notes=True)
    assert "hf download google-bert/bert-base-chinese --local-dir FOLDER" in error
    assert "127.0.0.1:9" in error
    assert result.stderr.startswith("note: google-bert/bert-base-chinese is no folder here; asking the Hub for it\n")


def test_a_split_whose_class_labels_stand_in_another_order_is_refused_in_one_line(data, tmp_path, run_script):
    relabelled = tmp_path / "relabelled"
    shutil.copytree(data, relabelled)
    for split in ("validation", "test"):
        path = relabelled / f"primary/{split}-00000-of-00001.parquet"
        table = pq.read_table(path)
        swapped = {
            k: v.replace(b'"praise", "criticism"', b'"criticism", "praise"') for k, v in table.schema.metadata.items()
        }
        assert swapped != table.schema.metadata
        pq.write_table(table.replace_schema_metadata(swapped), path)
        result = run_script("train", "model=majority", f"data.path={relabelled}", cwd=tmp_path)
        assert result.returncode == 1, result.stderr
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert f"{path}: its class labels are ['criticism', 'praise'" in result.stderr
        pq.write_table(table, path)
    # the same rows as they were, so that it was the names and nothing else; and score.py looks at them too
    result = run_script("train", "model=majority", f"data.path={relabelled}", "output_dir=run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    pq.write_table(table.replace_schema_metadata(swapped), path)
    result = run_script("score", "run=run", f"data.path={relabelled}", cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "its class labels are" in result.stderr


def test_a_revision_that_looks_like_a_number_arrives_as_it_was_typed(data, tmp_path, run_script):
    command = ["model=bert_base_chinese", "model.path=some/tiny", "model.revision=1.0", f"data.path={data}"]
    kept = tmp_path / "cache" / "models--some--tiny"
    commit = "0123456789abcdef0123456789abcdef01234567"
    build("bert", kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "1.0").write_text(commit, "utf-8")
    result = run_script("train", *command, "train.epochs=1", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr


def test_a_model_of_the_hub_is_pinned_or_its_commit_is_named(data, tmp_path, run_script):
    # what the Hub's client keeps after a download, so that an id is found without a connection
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "cache" / "models--some--tiny"
    build("hfl_bert", kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit, "utf-8")
    command = ["model=roberta_wwm_ext", "model.path=some/tiny", f"data.path={data}", "train.epochs=1"]
    result = run_script("train", *command, cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    assert f"note: some/tiny is not pinned; model.revision={commit} makes the run repeatable" in result.stderr
    metrics = next(tmp_path.glob("runs/constructed-primary/roberta_wwm_ext/*-s1/metrics.json"))
    assert json.loads(metrics.read_text("utf-8"))["model_commit"] == commit
    pinned = [*command, f"model.revision={commit}"]
    result = run_script("train", *pinned, cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 0, result.stderr
    assert "not pinned" not in result.stderr
    result = run_script("train", *command, "model.revision=v9", cwd=tmp_path, HF_HUB_CACHE=str(tmp_path / "cache"))
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
