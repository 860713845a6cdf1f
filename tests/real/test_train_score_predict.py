"""train, score and predict as a user runs them: real data, real models, real files."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from script_errors import one_line_error
from tiny_build import tiny_build

from jianghua.models import Majority
from jianghua.schema import LABELS
from jianghua.training import read_predictions, read_run

SPEECH = """在全镇安全生产会上的讲话

同志们：

上半年，全镇没有发生一起亡人事故，各站所日夜值守，应急分队出动四十七次，这份成绩来之不易，我代表镇党委向大家表示感谢。

但也要看到，有的企业台账造假，有的村把检查当成走过场，隐患报了三次还摆在那里，这是很不应该的。

月底前，由安监办牵头，对辖区所有烟花爆竹网点再查一遍，发现一处整改一处，逾期不改的一律停业。
"""


@pytest.mark.parametrize("device", ["tpu", "cuda:99"])
def test_a_device_that_is_not_there_is_bad_usage_and_leaves_nothing(device, tmp_path, root, run_script):
    speech = root / "data/speeches/constructed/c001.txt"
    for name, more in (("train", []), ("predict", [f"input={speech}", "output=o.csv"])):
        line = one_line_error(run_script(name, *more, f"device={device}", cwd=tmp_path), 2)
        assert line.startswith(f"usage: device={device}: ")
        assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("work（1）")


@pytest.fixture(scope="module")
def tfidf_run(folder, root):
    command = [sys.executable, str(root / "scripts/train.py"), "model=tfidf"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return next(folder.glob("runs/constructed-primary/tfidf/*-s1")), result.stdout


def test_a_run_folder_holds_what_the_contract_says(tfidf_run):
    run, output = tfidf_run
    names = {"config.yaml", "environment.json", "metrics.json", "predictions.parquet", "model", "log.txt", "DONE"}
    assert names <= {path.name for path in run.iterdir()}
    environment = json.loads((run / "environment.json").read_text("utf-8"))
    assert environment["dataset"]["build"] == "constructed"
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))["split"]["test"]
    assert metrics["macro_f1"]["low"] < metrics["macro_f1"]["value"] < metrics["macro_f1"]["high"]
    assert "majority" in output
    assert "tfidf" in output
    assert (run / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert str(run.parents[3]) not in (run / "config.yaml").read_text("utf-8")


def test_predictions_hold_no_gold_and_the_fingerprint_in_their_metadata(tfidf_run):
    predictions, metadata = read_predictions(tfidf_run[0] / "predictions.parquet")
    assert {p.split for p in predictions} == {"validation", "test"}
    assert all(abs(sum(p.proba) - 1) < 1e-5 for p in predictions)
    assert len(metadata["fingerprint"]) == 16


def test_a_repeated_command_finds_its_own_run(tfidf_run, folder, run_script):
    result = run_script("train", "model=tfidf", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "is finished; rerun=true trains it anew" in result.stdout
    assert len(list(folder.glob("runs/constructed-primary/tfidf/*"))) == 1


def test_score_recomputes_the_same_numbers_without_torch(tfidf_run, folder, run_script):
    for name in ("torch", "transformers"):
        (folder / "without" / name).mkdir(parents=True)
        (folder / "without" / name / "__init__.py").write_text(f"raise RuntimeError('{name} was imported')\n", "utf-8")
    path = os.pathsep.join([str(folder / "without"), os.environ.get("PYTHONPATH", "")])
    check = [sys.executable, "-c", "import torch"]
    blocked = subprocess.run(check, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert "torch was imported" in blocked.stderr
    result = run_script("score", f"run={tfidf_run[0]}", "output=scores.json", cwd=folder, PYTHONPATH=path)
    assert result.returncode == 0, result.stderr
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    stored = json.loads((tfidf_run[0] / "metrics.json").read_text("utf-8"))
    assert scores["split"] == stored["split"]


def test_score_compares_two_runs_over_documents(tfidf_run, folder, run_script):
    assert run_script("train", "model=majority", cwd=folder).returncode == 0
    majority = next(folder.glob("runs/constructed-primary/majority/*-s1"))
    result = run_script("score", f"run={tfidf_run[0]}", f"compare={majority}", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "test: difference in macro-F1 +" in result.stdout
    assert re.search(r"paired randomisation over \d+ documents", result.stdout)


def test_a_multirun_fills_one_folder_a_run_and_refuses_a_fixed_folder(tmp_path, run_script):
    result = run_script("train", "-m", "model=majority", "data.config=primary,functions", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("runs/*/majority/*/DONE"))) == 2
    result = run_script("train", "-m", "model=majority", "seed=1,2", "output_dir=one", cwd=tmp_path)
    assert result.returncode == 2
    assert "output_dir= with -m" in result.stderr


def test_an_unfinished_run_is_no_result(tfidf_run, tmp_path, run_script):
    shutil.copytree(tfidf_run[0], tmp_path / "run")
    (tmp_path / "run" / "DONE").unlink()
    assert "not a finished run" in one_line_error(run_script("score", "run=run", cwd=tmp_path), 1)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "html"])
def test_predict_labels_a_raw_document(tfidf_run, tmp_path, run_script, ending):
    (tmp_path / "讲话（1）, a=b.txt").write_text(SPEECH, "utf-8")
    output = tmp_path / f"结果 ~.{ending}"
    result = run_script(
        "predict", "input=讲话（1）, a=b.txt", f"output={output.name}", f"model_path={tfidf_run[0]}", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    text = output.read_text("utf-8-sig")
    assert "应急分队出动四十七次" in text
    if ending == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        assert [row["position"] for row in rows] == [0, 1, 2]
        assert all(set(row) == {"id", "doc_id", "position", "text", "label", "proba"} for row in rows)
        assert all(row["label"] == max(row["proba"], key=row["proba"].get) for row in rows)
        assert list(rows[0]["proba"]) == list(LABELS)
    elif ending == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert len(rows) == 3
        assert list(rows[0]) == ["id", "doc_id", "position", "text", "label", "proba"]
        assert set(json.loads(rows[0]["proba"])) == set(LABELS)
    else:
        assert text.count('<section class="p ') == 3
        assert "http" not in text


def test_a_repeated_command_does_not_label_the_page_it_wrote_into_the_folder(tfidf_run, tmp_path, run_script):
    (tmp_path / "各镇").mkdir()
    (tmp_path / "各镇/安全.txt").write_text(SPEECH, "utf-8")
    arguments = ["input=各镇", "output=各镇/讲话.html", f"model_path={tfidf_run[0]}"]
    pages = []
    for _ in range(2):
        result = run_script("predict", *arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        pages.append((tmp_path / "各镇/讲话.html").read_bytes())
    assert pages[0] == pages[1]
    (tmp_path / "各镇/安全.txt").unlink()
    assert "各镇: no html, txt, docx or pdf file" in one_line_error(run_script("predict", *arguments, cwd=tmp_path), 1)
    assert (tmp_path / "各镇/讲话.html").read_bytes() == pages[0]


@pytest.mark.parametrize("ending", ["csv", "html"])
def test_of_a_folder_predict_names_what_it_does_not_read_and_passes_over_its_own_result(
    tfidf_run, tmp_path, run_script, ending
):
    (tmp_path / "稿件").mkdir()
    (tmp_path / "稿件/讲话.txt").write_text(SPEECH, "utf-8")
    (tmp_path / "稿件/旧.wps").write_bytes(b"\xd0\xcf\x11\xe0")
    for _ in range(2):
        arguments = [f"output=稿件/结果.{ending}", f"model_path={tfidf_run[0]}"]
        result = run_script("predict", "input=稿件", *arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        told = result.stderr.splitlines()
        assert told[0].startswith("3 paragraphs → ")
        assert told[1:] == ["note: 1 file not read (1 *.wps); save it as docx, pdf, html or txt"]


def test_predict_takes_a_paragraph_file(tfidf_run, tmp_path, run_script):
    (tmp_path / "p.jsonl").write_text('{"id": "x-000", "text": "月底前必须完成整改。"}\n', "utf-8")
    result = run_script("predict", "input=p.jsonl", "output=o.jsonl", f"model_path={tfidf_run[0]}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    row = json.loads((tmp_path / "o.jsonl").read_text("utf-8"))
    assert (row["id"], row["doc_id"], row["position"]) == ("x-000", "p", 0)


def test_what_ingest_writes_predict_takes_and_a_field_cut_out_of_it_is_named_with_its_line(
    tfidf_run, tmp_path, run_script
):
    (tmp_path / "讲话.txt").write_text(SPEECH, "utf-8")
    assert run_script("ingest", "input=讲话.txt", "output=out", cwd=tmp_path).returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "out/paragraphs.jsonl").read_text("utf-8").splitlines()]
    arguments = ["output=o.jsonl", f"model_path={tfidf_run[0]}"]
    result = run_script("predict", "input=out/paragraphs.jsonl", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (tmp_path / "o.jsonl").unlink()
    del rows[1]["position"]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    result = run_script("predict", "input=p.jsonl", *arguments, cwd=tmp_path)
    assert "p.jsonl:2: missing field 'position'" in one_line_error(result, 1)
    assert not (tmp_path / "o.jsonl").exists()


BAD = {
    "missing field": (
        "predict",
        ["input=nofield.jsonl", "output=o.csv", "model_path=RUN"],
        1,
        "nofield.jsonl:2: missing",
    ),
    "no model folder": ("predict", ["input=p.txt", "output=o.csv", "model_path=void"], 1, "void: no such model folder"),
    "not a model folder": ("predict", ["input=p.txt", "output=o.csv", "model_path=empty"], 1, "not a model folder"),
    "short priors": (
        "predict",
        ["input=p.txt", "output=o.csv", "model_path=short"],
        1,
        "short/config.json: not a whole majority model (priors has the shape (2,), not (4,))",
    ),
    "no default run": ("predict", ["input=p.txt", "output=o.csv"], 1, "python scripts/train.py"),
    "unknown format": ("predict", ["input=p.txt", "output=o.docx", "model_path=RUN"], 2, "output=o.docx"),
    "empty input": ("predict", ["input=", "output=o.csv", "model_path=RUN"], 2, "input=: takes a path"),
    "output is input": ("predict", ["input=all.jsonl", "output=all.jsonl", "model_path=RUN"], 2, "the input itself"),
    "output is a folder": ("predict", ["input=p.txt", "output=full.csv", "model_path=RUN"], 2, "full.csv: a folder"),
    "output below a file": ("predict", ["input=p.txt", "output=p.txt/o.csv", "model_path=RUN"], 1, "cannot be written"),
    "half a character": ("predict", ["input=half.jsonl", "output=o.csv", "model_path=RUN"], 1, "half.jsonl:1: "),
    "nested too deeply": ("predict", ["input=deep.jsonl", "output=o.csv", "model_path=RUN"], 1, "deep.jsonl:1: "),
    "option with a plus": ("predict", ["input=p.txt", "output=o.csv", "+batchsize=3"], 2, "batchsize: no such option"),
    "a number for text": ("ingest", ["input=p.txt", "output=o", "source=2024"], 2, "source= takes text"),
    "unknown model": ("train", ["model=gpt9"], 2, "gpt9"),
    "unknown option": ("train", ["epochs=3"], 2, "epochs"),
    "unknown configuration": ("train", ["data.config=both", "model=majority"], 2, "data.config=both"),
    "no paragraphs": ("predict", ["input=void.jsonl", "output=o.csv", "model_path=RUN"], 1, "void.jsonl: no such file"),
    "mistyped benchmark folder": ("train", ["data.root=void", "model=majority"], 1, "data.root="),
    "no dataset": ("train", ["data.path=void", "model=majority"], 1, "build_dataset.py"),
    "no encoder": ("train", ["model.path=void/none"], 1, "no encoder could be loaded"),
    "no run": ("score", ["run=void"], 1, "void: no such run folder"),
    "bad mode": ("reproduce", ["mode=magic"], 2, "mode=magic"),
    "wrong type": ("train", ["seed=[", "model=majority"], 2, ""),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line_and_nothing_is_written(case, tfidf_run, tmp_path, run_script):
    script, arguments, status, says = BAD[case]
    (tmp_path / "p.txt").write_text(SPEECH, "utf-8")
    (tmp_path / "empty").mkdir()
    Majority("primary", [0.5, 0.5]).save(tmp_path / "short")
    (tmp_path / "nofield.jsonl").write_text('{"id": "a-0", "text": "好。"}\n{"id": "a-1"}\n', "utf-8")
    paragraph = {"id": "a-0", "doc_id": "a", "position": 0, "title": "", "section": "", "source": ""}
    paragraph |= {"start": 0, "end": 1}
    for name, text in (("all", "好。"), ("half", "\ud800")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(paragraph | {"text": text}), "utf-8")
    (tmp_path / "deep.jsonl").write_text("[" * 100_000, "utf-8")
    (tmp_path / "full.csv").mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    arguments = [argument.replace("RUN", str(tfidf_run[0])) for argument in arguments]
    result = run_script(script, *arguments, cwd=tmp_path)
    assert says in one_line_error(result, status)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def tampered(root, target: Path, change) -> Path:
    """A copy of the shipped build with the train rows of `primary` changed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shutil.copytree(root / "data/jianghua", target)
    path = target / "primary/train-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows, pq.read_table(target / "primary/test-00000-of-00001.parquet").to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return target


def test_training_refuses_a_dataset_whose_train_split_holds_a_test_paragraph(root, tmp_path, run_script):
    tampered(root, tmp_path / "data", lambda rows, test: rows[3].update(text=test[0]["text"], sha256=test[0]["sha256"]))
    result = run_script("train", "model=majority", "data.path=data", cwd=tmp_path)
    assert "of a validation or test document" in one_line_error(result, 1)


def test_a_text_that_does_not_match_its_hash_is_refused_with_its_paragraph(root, tmp_path, run_script):
    tampered(root, tmp_path / "data", lambda rows, test: rows[3].update(text=rows[3]["text"] + "。"))
    result = run_script("train", "model=majority", "data.path=data", cwd=tmp_path)
    assert "does not match its sha256" in one_line_error(result, 1)


def test_a_label_that_does_not_exist_is_refused_with_its_paragraph(root, tmp_path, run_script):
    tampered(root, tmp_path / "data", lambda rows, test: rows[0].update(label=7))
    result = run_script("train", "model=majority", "data.path=data", cwd=tmp_path)
    assert "a label that does not exist" in one_line_error(result, 1)


def test_scores_of_another_dataset_are_refused(root, tfidf_run, tmp_path, run_script):
    tampered(root, tmp_path / "data", lambda rows, test: rows[0].update(label=(rows[0]["label"] + 1) % 4))
    result = run_script("score", f"run={tfidf_run[0]}", "data.path=data", cwd=tmp_path)
    error = one_line_error(result, 1)
    # the train split is not scored, but a run belongs to one dataset as a whole
    assert "made for dataset constructed" in error


# every way out of the process is shut: what a script needs must be in the tree
OFFLINE = """
import socket
def shut(*arguments, **options):
    raise RuntimeError(f"a way out was tried: {arguments[1:]}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.gethostbyname = shut
"""


@pytest.mark.slow
def test_training_scoring_and_predicting_ask_nothing_of_the_network(tmp_path, root, run_script):
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut/sitecustomize.py").write_text(OFFLINE, "utf-8")
    path = {"PYTHONPATH": str(tmp_path / "shut"), "HF_HUB_OFFLINE": "0"}
    tried = "import socket; socket.create_connection(('127.0.0.1', 9))"
    refused = subprocess.run(
        [sys.executable, "-c", tried], env=os.environ | path, capture_output=True, text=True, check=False
    )
    assert "a way out was tried" in refused.stderr
    tiny_build(root, tmp_path / "build")
    speech = root / "data/speeches/constructed/c001.txt"
    for name, option in {"tfidf": "model=tfidf", "mini": "train.epochs=1"}.items():
        for script, *options in (
            ("train", option, "data.path=build", f"output_dir={name}"),
            ("score", f"run={name}", "data.path=build"),
            ("predict", f"input={speech}", f"output={name}.csv", f"model_path={name}/model"),
        ):
            result = run_script(script, *options, cwd=tmp_path, timeout=900, **path)
            assert result.returncode == 0, result.stderr
        with (tmp_path / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            assert len(list(csv.DictReader(file))) > 9


@pytest.fixture(scope="module")
def mini_run(tmp_path_factory, root):
    """The shipped BERT trained on a build of a few documents, for both configurations, and on a part of that."""
    folder = tmp_path_factory.mktemp("mini")
    tiny_build(root, folder / "build")
    for more in (["data.config=primary"], ["data.config=functions"], ["data=part", "data.config=functions"]):
        command = [sys.executable, str(root / "scripts/train.py"), *more, "data.path=build"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
        assert result.returncode == 0, result.stderr
        assert "tokens/s" in result.stdout
        assert "left" in result.stdout
    return folder


def test_a_finished_run_of_another_configuration_is_neither_shown_nor_destroyed(tfidf_run, tmp_path, run_script):
    shutil.copytree(tfidf_run[0], tmp_path / "run")
    for more in ([], ["rerun=true"]):
        result = run_script("train", "model=majority", "output_dir=run", *more, cwd=tmp_path)
        assert "another configuration or dataset" in one_line_error(result, 1)
    assert (tmp_path / "run" / "DONE").exists()


def test_runs_of_different_configurations_are_not_compared(tfidf_run, folder, run_script):
    assert run_script("train", "model=tfidf", "data.config=functions", cwd=folder).returncode == 0
    functions = next(folder.glob("runs/constructed-functions/tfidf/*-s1"))
    result = run_script("score", f"run={tfidf_run[0]}", f"compare={functions}", cwd=folder)
    assert "is a primary run" in one_line_error(result, 2)


@pytest.mark.slow
def test_the_saved_model_in_a_plain_pipeline_gives_what_predict_gives(mini_run, run_script):
    from transformers import pipeline

    for config in ("primary", "functions"):
        model = next(mini_run.glob(f"runs/constructed-{config}/mini/*-s1/model"))
        (mini_run / "p.txt").write_text(SPEECH, "utf-8")
        result = run_script("predict", "input=p.txt", "output=o.jsonl", f"model_path={model}", cwd=mini_run)
        assert result.returncode == 0, result.stderr
        rows = [json.loads(line) for line in (mini_run / "o.jsonl").read_text("utf-8").splitlines()]
        plain = pipeline("text-classification", model=str(model), top_k=None)
        for row in rows:
            for answer in plain([row["text"]])[0]:
                assert answer["score"] == pytest.approx(row["proba"][answer["label"]], abs=1e-5)


@pytest.mark.slow
def test_predict_finds_the_default_run_and_prefers_functions(mini_run, run_script):
    result = run_script("predict", "input=p.txt", "output=page.html", cwd=mini_run)
    assert result.returncode == 0, result.stderr
    # the newest run of all was trained on a part of the data: nobody asked for that as their model
    part = max(mini_run.glob("runs/constructed-functions/mini/*/DONE"), key=lambda path: path.stat().st_mtime).parent
    assert "constructed-functions" in result.stderr
    assert part.name not in result.stderr
    assert "每段可有多种功能" in (mini_run / "page.html").read_text("utf-8")


@pytest.mark.slow
def test_one_seed_gives_identical_predictions_and_a_killed_run_goes_on(root, tmp_path, run_script):
    tiny_build(root, tmp_path / "build")
    arguments = ["data.path=build", "train.epochs=4", "train.patience=9"]
    assert run_script("train", *arguments, "output_dir=whole", cwd=tmp_path, timeout=900).returncode == 0
    command = [sys.executable, str(root / "scripts/train.py"), *arguments, "output_dir=killed"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    deadline = time.monotonic() + 600
    while not checkpoint.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert "interrupted" in process.stderr.read()
    assert not (tmp_path / "killed" / "DONE").exists()
    result = run_script("train", *arguments, "output_dir=killed", cwd=tmp_path, timeout=900)
    assert result.returncode == 0, result.stderr
    whole, killed = (read_run(tmp_path / name).predictions for name in ("whole", "killed"))
    assert whole == killed
    assert not checkpoint.exists()


@pytest.mark.slow
def test_another_configuration_in_the_same_folder_is_refused(mini_run, tmp_path, run_script):
    run = next(mini_run.glob("runs/constructed-primary/mini/*-s1"))
    shutil.copytree(mini_run / "build", tmp_path / "build")
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "DONE").unlink()
    result = run_script("train", "data.path=build", "output_dir=run", "train.epochs=3", cwd=tmp_path)
    assert "another configuration or dataset" in one_line_error(result, 1)
