"""The baselines as a user runs them: one script, one kind of run folder, one table."""

import json

import numpy as np
import pytest
from loopback_llm import Loopback, said
from tiny_build import tiny_build

from jianghua.models import load_classifier
from jianghua.training import read_run

FAST = ["majority", "length", "keywords", "tfidf", "tfidf_svm"]


@pytest.fixture(scope="module")
def data(tmp_path_factory, root):
    return tiny_build(root, tmp_path_factory.mktemp("data") / "build")


@pytest.mark.parametrize("config", ["primary", pytest.param("functions", marks=pytest.mark.slow)])
def test_every_baseline_fills_a_run_folder_that_score_compares_with_the_others(config, data, tmp_path, run_script):
    arguments = [f"model={','.join(FAST)}", f"data.path={data}", f"data.config={config}"]
    result = run_script("train", "-m", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folders = [next(tmp_path.glob(f"runs/constructed-{config}/{name}/*-s1")) for name in FAST]
    for folder in folders:
        run = read_run(folder)
        probability = np.array([p.proba for p in run.predictions])
        assert ((probability >= 0) & (probability <= 1)).all()
        if config == "primary":
            assert np.allclose(probability.sum(1), 1, atol=1e-5)
        assert load_classifier(folder / "model").predict_proba(["月底前必须整改。"]).shape == (1, 4)
    result = run_script("score", f"compare=[{','.join(map(str, folders))}]", f"data.path={data}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert all(f"{name} s1" in result.stdout for name in FAST)


def test_a_run_that_is_not_finished_is_no_model_and_a_file_no_place_for_one(data, tmp_path, run_script):
    assert run_script("train", "model=keywords", f"data.path={data}", "output_dir=run", cwd=tmp_path).returncode == 0
    (tmp_path / "run/DONE").unlink()
    (tmp_path / "p.txt").write_text("讲话\n\n我代表县委向大家表示衷心感谢。\n", "utf-8")
    result = run_script("predict", "input=p.txt", "output=o.csv", "model_path=run", cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "run: an unfinished run; the command that began it goes on with it" in result.stderr
    for option in ("runs=p.txt", "output_dir=p.txt"):
        result = run_script("train", "model=majority", f"data.path={data}", option, cwd=tmp_path)
        assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
        assert "cannot be made" in result.stderr


def test_predict_takes_a_baseline_as_it_takes_an_encoder(data, tmp_path, run_script):
    assert run_script("train", "model=keywords", f"data.path={data}", "output_dir=run", cwd=tmp_path).returncode == 0
    (tmp_path / "p.txt").write_text(
        "讲话\n\n我代表县委向大家表示衷心感谢。\n\n有的同志作风漂浮，工作流于形式。\n", "utf-8"
    )
    result = run_script("predict", "input=p.txt", "output=o.jsonl", "model_path=run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    labels = [json.loads(line)["label"] for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    assert labels[-2:] == ["praise", "criticism"]
    result = run_script("predict", "input=p.txt", "output=o.csv", "model_path=run", "engine=onnx", cwd=tmp_path)
    assert result.returncode == 2
    assert "is a keywords model; only encoders are exported" in result.stderr


@pytest.mark.slow
def test_the_probe_of_the_bundled_encoder_trains_and_is_an_ordinary_encoder(data, tmp_path, run_script):
    result = run_script("train", "model=probe", f"data.path={data}", "output_dir=run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "probe_c=" in (tmp_path / "run" / "log.txt").read_text("utf-8")
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_a_language_model_is_asked_through_the_same_script_and_its_cost_stands_in_the_metrics(
    data, tmp_path, run_script
):
    server = Loopback()
    server.reply = '{"label": "directive"}'
    server.faults = [503, said("不好说")]
    arguments = ["model=llm", "model.name=some/model", f"model.base_url={server.base_url}", f"data.path={data}"]
    arguments += ["model.price=[2,8]", "model.backoff=0.01", "model.shots=1"]
    try:
        result = run_script("train", *arguments, cwd=tmp_path, NO_PROXY="127.0.0.1")
        assert result.returncode == 0, result.stderr
        folder = next(tmp_path.glob("runs/constructed-primary/some--model/*-s1"))
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        asked = len(read_run(folder).predictions)
        costs = metrics["costs"]
        assert costs["paragraphs"] == asked
        assert costs["requests"] == asked + 2  # one fault, one answer that was no label
        assert (costs["retries"], costs["asked_again"], costs["refused"]) == (1, 1, 0)
        assert costs["cost"] == pytest.approx((costs["prompt_tokens"] * 2 + costs["completion_tokens"] * 8) / 1e6)
        assert "some/model" in result.stdout
        assert {len(request["messages"]) for request in server.requests} >= {2 + 8}
        # trained anew, every answer comes from the cache
        count = len(server.requests)
        result = run_script("train", *arguments, "rerun=true", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert len(server.requests) == count
    finally:
        server.close()
    # options that make no sense end before anything is asked, and a key is never shown
    bad = {
        "model.price=2": "two numbers",
        "model.price=[2,null]": "model.price=None",
        "model.shots=-1": "model.shots=-1",
    }
    bad |= {"model.retries=-1": "model.retries=-1", "model.base_url=8000": "model.base_url=8000"}
    for option, says in bad.items():
        result = run_script("train", *arguments, option, cwd=tmp_path)
        assert result.returncode == 2, (option, result.stderr)
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert says in result.stderr
    result = run_script("train", *arguments, "model.shots=0", cwd=tmp_path, OPENAI_API_KEY="sk very secret")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "OPENAI_API_KEY: the key in it holds" in result.stderr
    assert "secret" not in result.stderr + result.stdout
    # and with the endpoint gone, a changed prompt cannot be answered: one line
    result = run_script("train", *arguments, "model.shots=0", "model.retries=1", cwd=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "no answer after 2 tries" in result.stderr
