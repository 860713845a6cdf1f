"""scripts/pretrain.py as somebody runs it, a few steps long: what it writes, and what it refuses to read."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from tiny import small_benchmark

LAW = "第{}条　县级以上人民政府应当加强对农田水利工作的领导，保护耕地，防止污染，具体办法由第{}章规定。\n"
STORY = "第{}天早上，老张牵着牛过了河，看见对岸的渠又通了水，回来说给{}个邻居听。\n"
SMALL = (
    "architecture={num_hidden_layers: 1, hidden_size: 32, num_attention_heads: 2, intermediate_size: 64,"
    " max_position_embeddings: 64}",
    "sequence_length={speeches: 60, laws: 60, narrative: 60}",
    "vocabulary=900",
    "steps=30",
    "batch_tokens=256",
    "warmup=5",
    "threads=1",
)


@pytest.fixture(scope="module")
def folder(root, tmp_path_factory):
    """A small benchmark without public speeches, and two corpora of a few documents."""
    tmp_path = tmp_path_factory.mktemp("pretrain")
    small_benchmark(root / "data", tmp_path, documents={"train": 6, "validation": 2, "test": 2})
    (tmp_path / "public").mkdir()
    for name, line in (("laws", LAW), ("narrative", STORY)):
        documents = ("".join(line.format(d, n) for n in range(4)) for d in range(20))
        (tmp_path / f"{name}.txt").write_text("\n".join(documents), "utf-8")
    return tmp_path


def pretrain(run_script, folder, output, *more, laws="laws.txt"):
    corpora = (f"corpora.laws={laws}", "corpora.narrative=narrative.txt")
    options = ("data_root=data", "public=public", f"output={output}", *corpora, *SMALL, *more)
    return run_script("pretrain", *options, cwd=folder, OMP_NUM_THREADS="1")


@pytest.mark.slow
def test_a_short_pretraining_leaves_an_encoder_that_plain_transformers_loads_and_its_records(folder, run_script):
    from omegaconf import OmegaConf
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    result = pretrain(run_script, folder, "encoder")
    assert result.returncode == 0, result.stderr
    assert "step 30/30" in result.stdout
    model, report = AutoModelForMaskedLM.from_pretrained(folder / "encoder", output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(folder / "encoder")
    assert len(tokenizer) == model.config.vocab_size
    ids = tokenizer("县级以上人民政府", return_tensors="pt")
    assert model(**ids).logits.shape == (1, ids["input_ids"].shape[1], model.config.vocab_size)
    record = OmegaConf.load(folder / "encoder" / "pretraining.yaml")
    assert record.steps == 30
    assert {row["source"]: row["documents"] for row in record.sources} == {"speeches": 6, "laws": 20, "narrative": 20}
    assert str(folder) not in (folder / "encoder" / "pretraining.yaml").read_text("utf-8")
    card = (folder / "encoder" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: cc-by-sa-4.0\n")
    assert "1 layers, hidden size 32" in card
    curve = [json.loads(line) for line in (folder / "encoder" / "loss_curve.jsonl").read_text("utf-8").splitlines()]
    assert curve[-1]["step"] == 30
    assert not list(folder.glob("encoder.*"))  # neither a checkpoint nor the vocabulary's copy

    result = pretrain(run_script, folder, "further", "start=encoder", "steps=20", "warmup=0")
    assert result.returncode == 0, result.stderr
    record = OmegaConf.load(folder / "further" / "pretraining.yaml")
    assert (record.steps, record.before.steps) == (20, 30)
    assert str(folder) not in (folder / "further" / "pretraining.yaml").read_text("utf-8")
    assert (folder / "further/tokenizer.json").read_bytes() == (folder / "encoder/tokenizer.json").read_bytes()
    further = [json.loads(line) for line in (folder / "further" / "loss_curve.jsonl").read_text("utf-8").splitlines()]
    assert further[: len(curve)] == curve
    assert further[-1]["step"] == 50
    assert further[-1]["loss"] < curve[-1]["loss"]
    card = (folder / "further" / "README.md").read_text("utf-8")
    assert card.index("30 steps of at most") < card.index("20 steps of at most")
    assert f"{50 * 256 / 1e6:.1f} million tokens" in card


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("nowhere", "no model.safetensors; start= takes a folder that pretrain.py wrote"),
        (None, "its num_hidden_layers is 4; give architecture.num_hidden_layers= that"),
    ],
)
def test_going_on_from_what_is_no_such_encoder_is_refused_in_one_line(folder, run_script, root, start, says):
    start = start or root / "data/pretrained/mini"
    result = pretrain(run_script, folder, "refused", f"start={start}")
    assert result.returncode in (1, 2)
    assert result.stderr.count("\n") == 1, result.stderr
    assert says in result.stderr
    assert not (folder / "refused").exists()


def test_an_output_that_holds_other_files_is_refused_before_anything_is_read(folder, run_script):
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "notes.txt").write_text("x", "utf-8")
    result = pretrain(run_script, folder, "mine", laws="no-such-file.txt")
    assert result.returncode == 1
    assert "holds other files" in result.stderr


def test_a_corpus_without_its_terms_is_bad_usage_before_anything_is_read(root, tmp_path):
    """The card names the terms of each corpus, and is written last."""
    shutil.copytree(root / "conf", tmp_path / "conf")
    (tmp_path / "scripts").mkdir()
    shutil.copy(root / "scripts/pretrain.py", tmp_path / "scripts")
    conf = tmp_path / "conf/pretrain.yaml"
    text = conf.read_text("utf-8").replace("  laws: ???\n", "  laws: ???\n  poems: no-such-file.txt\n")
    conf.write_text(text.replace("laws: 0.35,", "laws: 0.25, poems: 0.1,"), "utf-8")
    command = [sys.executable, tmp_path / "scripts/pretrain.py", "public=no", "corpora.laws=no", "corpora.narrative=no"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "usage: terms.poems= is required: a corpus has one in each\n")


@pytest.mark.parametrize("lengths", ["laws: 2", "laws: 17", "speeches: 0"])
def test_a_length_that_holds_no_sequence_is_bad_usage_before_anything_is_read(folder, run_script, lengths):
    name, length = lengths.split(": ")
    result = pretrain(run_script, folder, "refused", f"sequence_length.{name}={length}", laws="no-such-file.txt")
    says = f"sequence_length.{name}={length}: sequence_length.{name}= takes a whole number from 18"
    assert (result.returncode, result.stderr) == (2, f"usage: {says}\n")


@pytest.mark.slow
@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_corpus_that_holds_a_speech_of_validation_or_test_is_refused_and_nothing_is_written(
    folder, run_script, split
):
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / f"data/jianghua/functions/{split}-00000-of-00001.parquet").to_pylist()
    speech = [row["text"] for row in rows if row["doc_id"] == rows[0]["doc_id"]]
    laws = (folder / "laws.txt").read_text("utf-8")
    (folder / "more.txt").write_text(laws + "\n" + "\n".join(speech) + "\n", "utf-8")
    before = sorted(path.name for path in folder.iterdir())
    result = pretrain(run_script, folder, "refused", laws="more.txt")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert "error: laws, document 21: text 1 is paragraph" in result.stderr
    assert "of a validation or test document" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.slow
def test_a_stopped_pretraining_goes_on_at_the_step_it_was_stopped_at(folder, root):
    import torch

    corpora = ("corpora.laws=laws.txt", "corpora.narrative=narrative.txt")
    options = ("data_root=data", "public=public", "output=stopped", *corpora, *SMALL, "steps=100000", "warmup=0")
    command = [sys.executable, str(root / "scripts/pretrain.py"), *options]
    reached = []
    for _ in range(2):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            first = next(line for line in process.stdout if line.startswith("step "))
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=60)
        assert process.returncode == 130
        assert complaint.count("\n") == 1, complaint
        assert not (folder / "stopped").exists()
        state = torch.load(folder / "stopped.checkpoint.pt", weights_only=True)
        reached.append((int(first.split()[1].split("/")[0]), state["step"]))
    (shown, kept), (shown_later, kept_later) = reached
    assert shown <= kept < shown_later <= kept_later
    assert shown_later - kept <= 50  # the first line after it: no step was done twice
