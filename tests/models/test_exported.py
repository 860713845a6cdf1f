"""The exported encoder: torch's answers without torch, the same in any batch, made again when the weights change."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import (
    ElectraConfig,
    ElectraForSequenceClassification,
    ErnieConfig,
    ErnieForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from jianghua.models import Majority
from jianghua.models import exported as module
from jianghua.models.encoder import Encoder
from jianghua.models.exported import load_exported
from jianghua.schema import LABELS, BadData, BadUsage

SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 130,
    "num_labels": len(LABELS),
    "id2label": dict(enumerate(LABELS)),
    "initializer_range": 0.2,  # far apart logits, so that a wrong graph shows
}
MODERN = {"local_attention": 16, "global_attn_every_n_layers": 2, "pad_token_id": 0}
MODERN |= {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 2, "sep_token_id": 3}
MODELS = {
    "ernie": lambda **more: ErnieForSequenceClassification(ErnieConfig(**SHAPE, **more)),
    "roberta": lambda **more: RobertaForSequenceClassification(RobertaConfig(**SHAPE, **more, pad_token_id=0)),
    "xlm-roberta": lambda **more: XLMRobertaForSequenceClassification(
        XLMRobertaConfig(**SHAPE, **more, pad_token_id=0)
    ),
    "electra": lambda **more: ElectraForSequenceClassification(ElectraConfig(**SHAPE, **more, embedding_size=16)),
    "modernbert": lambda **more: ModernBertForSequenceClassification(ModernBertConfig(**SHAPE, **more, **MODERN)),
}


@pytest.fixture(scope="module")
def texts(root):
    table = pq.read_table(root / "data/jianghua/primary/test-00000-of-00001.parquet")
    return [*table["text"].to_pylist()[:60], "修" * 700, "好"]


@pytest.fixture(scope="module")
def mini(root, tmp_path_factory):
    """The bundled BERT with a new head for `functions`, wide enough to tell paragraphs apart."""
    folder = tmp_path_factory.mktemp("mini")
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "functions", seed=5)
    encoder.scale(0.25)
    encoder.thresholds = [0.3, 0.4, 0.5, 0.6]
    encoder.save(folder)
    return folder


@pytest.fixture(scope="module")
def fp32(mini):
    return load_exported(mini, "onnx")


@pytest.fixture(scope="module")
def int8(mini):
    return load_exported(mini, "onnx_int8")


def test_the_exported_model_gives_the_probabilities_of_torch(mini, fp32, texts):
    encoder = Encoder.load(mini)
    expected, found = encoder.predict_proba(texts), fp32.predict_proba(texts)
    assert np.ptp(expected[:, 0]) > 0.05
    assert np.abs(found - expected).max() < 1e-5
    assert (fp32.config, fp32.thresholds) == (encoder.config, encoder.thresholds)


def test_both_read_the_same_tokens_and_cut_the_same_paragraphs(mini, fp32, texts):
    encoder = Encoder.load(mini)
    sequences, cut = encoder.encode(texts)
    assert fp32.max_length == encoder.max_length
    assert [ids[0].tolist() for ids in fp32.encode(texts)[0]] == [sequence.tolist() for sequence in sequences]
    assert fp32.cut == cut == 1


def test_int8_stays_near_fp32_and_is_not_fp32(fp32, int8, texts):
    difference = np.abs(int8.predict_logits(texts) - fp32.predict_logits(texts))
    assert 0 < difference.max() < 0.1 * np.ptp(fp32.predict_logits(texts))


def test_int8_takes_the_products_with_weights_in_the_layers_but_the_way_back_and_nothing_that_stands_on_them(
    mini, int8
):
    import onnx

    nodes = onnx.load(mini / "onnx" / "model_int8.onnx").graph.node
    rounded = {node.name.removesuffix("_quant") for node in nodes if node.op_type == "MatMulInteger"}
    layers = Encoder.load(mini).model.config.num_hidden_layers
    parts = ("attn/Wqkv", "attn/Wo", "mlp/Wi")
    assert rounded == {f"/model/model/layers.{i}/{part}/MatMul" for i in range(layers) for part in parts}


def test_a_graph_that_gives_other_answers_than_torch_is_refused(mini, tmp_path, monkeypatch):
    Encoder.load(mini).save(tmp_path)
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(BadData, match=r"the exported model's logits are \S+ off; use engine=torch"):
        load_exported(tmp_path, "onnx")
    assert not (tmp_path / "onnx").exists()


def test_a_graph_of_another_recipe_is_made_again(mini, tmp_path, monkeypatch):
    Encoder.load(mini).save(tmp_path)
    said = []
    load_exported(tmp_path, "onnx", said.append)
    monkeypatch.setattr(module, "RECIPE", module.RECIPE + 1)
    load_exported(tmp_path, "onnx", said.append)
    assert "exporting again" in said[1]


@pytest.mark.parametrize("engine", ["fp32", "int8"])
def test_a_text_gets_the_same_bits_alone_in_any_batch_and_in_any_order(engine, texts, request):
    model = request.getfixturevalue(engine)
    together = model.predict_logits(texts)
    assert np.array_equal(together, np.concatenate([model.predict_logits([text]) for text in texts]))
    assert np.array_equal(together, model.predict_logits(texts[::-1], batch_size=7)[::-1])


def test_no_texts_give_no_rows(fp32):
    assert fp32.predict_proba([]).shape == (0, len(LABELS))


@pytest.mark.parametrize("name", MODELS)
def test_every_architecture_of_the_flat_path_exports_to_its_own_answers(name, root, texts, tmp_path):
    start = Encoder.start(str(root / "data/pretrained/mini"), "primary")
    torch.manual_seed(0)
    encoder = Encoder(MODELS[name](vocab_size=len(start.tokenizer)), start.tokenizer, "primary")
    encoder.model.config.problem_type = "single_label_classification"
    encoder.save(tmp_path)
    exported, again = load_exported(tmp_path, "onnx"), Encoder.load(tmp_path)
    assert exported.max_length == again.max_length < 131
    expected = again.predict_proba(texts)
    assert np.ptp(expected) > 0.05
    assert np.abs(exported.predict_proba(texts) - expected).max() < 1e-5


def test_a_graph_is_made_once_and_again_when_the_weights_change(mini, tmp_path, texts):
    encoder = Encoder.load(mini)
    encoder.save(tmp_path)
    said = []
    first = load_exported(tmp_path, "onnx", said.append).predict_logits(texts[:3])
    load_exported(tmp_path, "onnx", said.append)
    assert len(said) == 1
    encoder.scale(2.0)
    encoder.save(tmp_path)
    second = load_exported(tmp_path, "onnx", said.append).predict_logits(texts[:3])
    assert "out of date; exporting again" in said[1]
    assert np.allclose(second, first / 2, atol=1e-5)
    assert [path.name for path in (tmp_path / "onnx").iterdir()] == ["model.onnx"]


def test_a_broken_graph_is_made_again(mini, tmp_path):
    Encoder.load(mini).save(tmp_path)
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"half a file")
    said = []
    assert load_exported(tmp_path, "onnx", said.append).predict_logits(["好"]).shape == (1, 4)
    assert len(said) == 1


def test_what_cannot_be_exported_is_said(mini, tmp_path):
    with pytest.raises(BadUsage, match="the engines are torch, onnx, onnx_int8"):
        load_exported(mini, "tensorrt")
    majority = Majority("primary", [0.1, 0.2, 0.3, 0.4])
    majority.save(tmp_path)
    with pytest.raises(BadUsage, match="is a majority model"):
        load_exported(tmp_path, "onnx")
    with pytest.raises(BadData, match="no such model folder"):
        load_exported(tmp_path / "no", "onnx")
    shutil.copytree(mini, tmp_path / "odd")
    record = json.loads((mini / "config.json").read_text("utf-8"))
    (tmp_path / "odd/config.json").write_text(json.dumps(record | {"overlong": "foo"}), "utf-8")
    with pytest.raises(BadData, match=r"config\.json: overlong is 'foo'; it is one of truncate"):
        load_exported(tmp_path / "odd", "onnx")


@pytest.mark.parametrize("package", ["onnxruntime", "onnx"])
def test_without_the_extra_the_command_that_installs_it_is_named(package, mini, tmp_path):
    Encoder.load(mini).save(tmp_path)
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"  # Python's own way to say: not installed
        "from pathlib import Path\n"
        "from jianghua.models.exported import load_exported\n"
        "from jianghua.schema import BadUsage\n"
        "try: load_exported(Path(sys.argv[1]), 'onnx')\n"
        "except BadUsage as error: print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert "pip install 'jianghua[serve]'" in result.stdout
