"""Every model of the zoo opens by its own configuration, and every known trap is sprung here, on tiny checkpoints."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from omegaconf import OmegaConf
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, pipeline
from zoo_checkpoints import KINDS, ZOO, build, texts, wordpiece

from jianghua.models import Examples
from jianghua.models.checkpoint import Checkpoint
from jianghua.models.encoder import Encoder
from jianghua.models.exported import load_exported
from jianghua.models.probe import fit_probe
from jianghua.models.tokenizer import normalise_for, unknown_share
from jianghua.schema import LABELS, BadData, BadUsage

CONF = Path(__file__).resolve().parents[2] / "conf" / "model"
MARKED = "今年投入1,000万元；“最后一公里”——还没有打通……怎么办？（见附件）"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One checkpoint of every kind, as the Hub serves it."""
    folder = tmp_path_factory.mktemp("hub")
    return {kind: build(kind, folder / kind) for kind in KINDS}


def opened(name, folder, **more):
    model = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml").model)
    where = {key: model[key] for key in ("revision", "architecture", "tokenizer", "max_length")}
    return Encoder.start(str(folder), "primary", **{"head": model["head"]} | where | more)


@pytest.mark.parametrize("name", [name for name, kind in ZOO.items() if kind in ("deberta", "qwen3")])
def test_what_has_no_flat_path_exports_to_its_own_answers(name, hub, tmp_path):
    opened(name, hub[ZOO[name]]).save(tmp_path)
    encoder, sample = Encoder.load(tmp_path), [*texts()[:8], MARKED]
    assert not encoder.flat
    expected = encoder.predict_proba(sample)
    assert np.ptp(expected, 0).max() > 0.01
    assert np.abs(load_exported(tmp_path, "onnx").predict_proba(sample) - expected).max() < 1e-5


def copied(hub, kind, target, **changes):
    shutil.copytree(hub[kind], target)
    record = json.loads((target / "config.json").read_text("utf-8")) | changes
    record = {key: value for key, value in record.items() if value is not None}
    (target / "config.json").write_text(json.dumps(record), "utf-8")
    return target


@pytest.mark.parametrize("name", ZOO)
def test_every_model_of_the_zoo_reads_saves_and_gives_the_same_in_a_plain_pipeline(name, hub, tmp_path):
    encoder = opened(name, hub[ZOO[name]])
    sample = [*texts()[:8], MARKED]
    expected = encoder.predict_proba(sample)
    assert np.ptp(expected, 0).max() > 0.01
    encoder.save(tmp_path)
    again = Encoder.load(tmp_path)
    assert again.encode(sample)[0][-1].tolist() == encoder.encode(sample)[0][-1].tolist()
    assert np.array_equal(again.predict_proba(sample), expected)
    plain = pipeline("text-classification", model=str(tmp_path), top_k=None)
    for text, row in zip(sample, expected, strict=True):
        for answer in plain([text])[0]:
            assert answer["score"] == pytest.approx(row[LABELS.index(answer["label"])], abs=1e-5)
    assert json.loads((tmp_path / "config.json").read_text("utf-8"))["id2label"] == dict(
        zip("0123", LABELS, strict=True)
    )


@pytest.mark.parametrize("kind", [kind for kind, row in KINDS.items() if row[0] not in ("deberta-v2", "qwen3")])
def test_the_flat_path_gives_what_padded_batches_give_on_every_architecture_that_has_it(kind, hub):
    encoder = Encoder.start(str(hub[kind]), "primary", head="probe")
    assert encoder.flat
    flat_logits = encoder.predict_logits(texts()[:10])
    encoder.flat = False
    encoder.model.set_attn_implementation("sdpa")
    assert np.allclose(flat_logits, encoder.predict_logits(texts()[:10]), atol=1e-4)


def test_the_rotary_bases_of_a_config_under_their_published_names_reach_the_network(hub, tmp_path):
    published = json.loads((hub["qwen3"] / "config.json").read_text("utf-8"))
    assert published["rope_theta"] == 1000000
    assert "rope_parameters" not in published
    assert opened("qwen3_embedding", hub["qwen3"]).model.config.rope_parameters["rope_theta"] == 1000000
    stock = opened("modernbert_large_wwm", hub["modernbert"])
    # other numbers than the library's own defaults, which would stand there anyway
    other = copied(hub, "modernbert", tmp_path / "rope", global_rope_theta=80000.0, local_rope_theta=500.0)
    changed = opened("modernbert_large_wwm", other)
    for encoder, full, sliding in ((stock, 160000, 10000), (changed, 80000, 500)):
        bases = encoder.model.config.rope_parameters
        assert bases["full_attention"]["rope_theta"] == full
        assert bases["sliding_attention"]["rope_theta"] == sliding
    assert not np.allclose(stock.features(texts()[:4]), changed.features(texts()[:4]), atol=1e-4)


def test_a_pooler_that_the_file_does_not_hold_is_drawn_anew_and_that_is_said(hub, tmp_path, capsys):
    encoder = Encoder.start(str(hub["bert"]), "primary")
    assert f"note: {hub['bert']} holds no pooler" in capsys.readouterr().err
    encoder.save(tmp_path / "whole")
    Encoder.start(str(tmp_path / "whole"), "primary")
    Encoder.start(str(hub["bert"]), "primary", head="probe")  # opened up, not drawn
    assert "pooler" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "bad",
    [{"path": None}, {"path": ""}, {"path": 7}, {"revision": 1.0}, {"tokenizer": 3}, {"max_length": 0}],
    ids=str,
)
def test_options_of_a_checkpoint_that_make_no_sense_are_refused(bad):
    with pytest.raises(BadUsage, match=rf"^model\.{next(iter(bad))}="):
        Checkpoint(**{"path": "somewhere"} | bad)


def test_a_model_called_roberta_gets_the_classes_of_its_config_and_not_of_its_name(hub, tmp_path):
    folder = copied(hub, "hfl_bert", tmp_path / "chinese-roberta-wwm-ext")
    encoder = opened("roberta_wwm_ext", folder)
    assert type(encoder.model).__name__ == "BertForSequenceClassification"
    assert type(encoder.tokenizer).__name__ == "BertTokenizer"
    # an old copy of bert_config.json names no model_type, and the library would guess RoBERTa by the folder
    old = copied(hub, "hfl_bert", tmp_path / "roberta_old", model_type=None, architectures=None)
    assert type(opened("roberta_wwm_ext", old).model).__name__ == "BertForSequenceClassification"
    with pytest.raises(BadData, match="names no model_type"):
        Encoder.start(str(old), "primary")


def test_a_tokenizer_class_that_reads_no_chinese_is_refused(hub):
    with pytest.raises(BadData, match="reads no Chinese"):
        opened("deberta_v2_320m", hub["deberta"], tokenizer=None)  # the architecture's own class, on a vocab.txt
    for wrong in ("RobertaTokenizer", "BartTokenizer", "T5Tokenizer"):  # they read nothing, or all texts alike
        with pytest.raises(BadData, match="reads no Chinese"):
            opened("roberta_wwm_ext", hub["hfl_bert"], tokenizer=wrong)
    with pytest.raises(BadUsage, match=r"model\.tokenizer=BertTokeniser: no tokenizer class"):
        opened("bert_base_chinese", hub["bert"], tokenizer="BertTokeniser")


def test_an_architecture_that_config_json_contradicts_is_refused(hub):
    with pytest.raises(BadData, match="says model_type ernie"):
        opened("bert_base_chinese", hub["ernie"])


def test_code_that_comes_with_a_model_is_never_run(hub, tmp_path):
    trap = "raise SystemExit('the code of a checkpoint was run')"
    folder = copied(hub, "bert", tmp_path / "own", model_type="own", auto_map={"AutoConfig": "own.Own"})
    (folder / "own.py").write_text(trap, "utf-8")
    with pytest.raises(BadData, match="trust_remote_code stays off"):
        Encoder.start(str(folder), "primary")
    # with a model_type of the library, its class is used and the file is not looked at
    known = copied(
        hub, "bert", tmp_path / "known", auto_map={"AutoModelForSequenceClassification": "own.Own", "AutoConfig": "o.C"}
    )
    (known / "own.py").write_text(trap, "utf-8")
    assert type(Encoder.start(str(known), "primary").model).__name__ == "BertForSequenceClassification"


@pytest.mark.parametrize("name", ["DistilBertForMaskedLM", "AlbertForPreTraining", "ConvBertForMaskedLM"])
def test_the_heads_of_pre_training_of_other_networks_are_no_part_of_the_encoder(name, tmp_path):
    """Networks that are not in the zoo and that transformers knows start from what it saves of them."""
    size = {"vocab_size": wordpiece(tmp_path), "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    size |= {"intermediate_size": 64, "dim": 32, "n_heads": 2, "n_layers": 1, "hidden_dim": 64, "embedding_size": 32}
    kind = getattr(transformers, name)
    kind(kind.config_class(**size)).save_pretrained(tmp_path)
    encoder = Encoder.start(str(tmp_path), "primary", tokenizer="BertTokenizer")
    assert encoder.predict_proba(["我们要把这件事情办好。"]).shape == (1, 4)


def test_weights_that_do_not_fit_the_config_are_refused_and_never_drawn_at_random(hub, tmp_path):
    deeper = copied(hub, "bert", tmp_path / "deeper", num_hidden_layers=3)
    with pytest.raises(BadData, match="weights of the encoder are not in the file"):
        Encoder.start(str(deeper), "primary")
    shallower = copied(hub, "bert", tmp_path / "shallower", num_hidden_layers=1)
    with pytest.raises(BadData, match="have no place in a bert network"):
        Encoder.start(str(shallower), "primary")
    longer = copied(hub, "bert", tmp_path / "longer")
    tensors = load_file(longer / "model.safetensors")
    tensors["bert.encoder.conv.conv.weight"] = torch.zeros(4, 4)
    save_file(tensors, longer / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadData, match="have no place in a bert network"):
        Encoder.start(str(longer), "primary")
    wider = copied(hub, "bert", tmp_path / "wider", intermediate_size=96)
    with pytest.raises(BadData, match=r"weights are of other shapes than its config\.json makes them, bert\.encoder\."):
        Encoder.start(str(wider), "primary")
    broken = copied(hub, "bert", tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    tensors["bert.embeddings.word_embeddings.weight"][0, 0] = torch.nan
    save_file(tensors, broken / "model.safetensors", {"format": "pt"})
    for head in ("classifier", "probe"):
        with pytest.raises(BadData, match=r"word_embeddings\.weight hold numbers that are not finite; copy the file"):
            Encoder.start(str(broken), "primary", head=head)


@pytest.mark.parametrize("vocabulary", ["", "有\n没有\n", None], ids=["empty", "without [UNK]", "a folder"])
def test_a_broken_vocabulary_is_refused_by_its_folder_before_anything_is_trained(vocabulary, hub, tmp_path):
    folder = copied(hub, "bert", tmp_path / "broken")
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    (folder / "vocab.txt").mkdir() if vocabulary is None else (folder / "vocab.txt").write_text(vocabulary, "utf-8")
    with pytest.raises(BadData, match=f"^{re.escape(str(folder))}: "):
        opened("bert_base_chinese", folder)


def test_a_pin_beside_a_folder_pins_nothing_and_that_is_said(hub, capsys):
    Encoder.start(str(hub["bert"]), "primary", revision="abc")
    assert f"note: {hub['bert']} is a folder, in which model.revision=abc pins nothing" in capsys.readouterr().err


def test_weights_under_their_old_names_are_found_and_task_embeddings_are_not_dropped(hub, tmp_path):
    expected = opened("ernie3_base", hub["ernie"]).predict_logits(texts()[:4])
    old = copied(hub, "ernie", tmp_path / "old")
    weights = torch.load(old / "pytorch_model.bin")
    names = {name: name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta") for name in weights}
    torch.save({names[name]: weight for name, weight in weights.items()}, old / "pytorch_model.bin")
    assert np.array_equal(opened("ernie3_base", old).predict_logits(texts()[:4]), expected)
    # early conversions called themselves BERT, which has no place for what tells the tasks apart
    bert = copied(hub, "ernie", tmp_path / "bert", model_type="bert")
    renamed = {name.replace("ernie.", "bert."): weight for name, weight in weights.items()}
    torch.save(renamed, bert / "pytorch_model.bin")
    with pytest.raises(BadData, match="task_type_embeddings"):
        Encoder.start(str(bert), "primary")


def test_stock_modernbert_takes_the_norms_of_the_checkpoint_and_refuses_another_kind_of_norm(hub, tmp_path):
    folder = tmp_path / "norms"
    shutil.copytree(hub["modernbert"], folder)
    weights = load_file(folder / "model.safetensors")
    norms = [name for name in weights if "norm" in name and name.startswith("model.")]
    assert len(norms) >= 4
    generator = torch.Generator().manual_seed(1)
    for name in norms:
        weights[name] = 1 + torch.rand(weights[name].shape, generator=generator)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = opened("modernbert_large_wwm", folder)
    loaded = encoder.model.state_dict()
    assert all(torch.equal(loaded[name], weights[name]) for name in norms)
    # a norm with a bias is another function: its biases would have no place
    weights["model.layers.1.attn_norm.bias"] = torch.ones(32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadData, match=r"attn_norm\.bias"):
        opened("modernbert_large_wwm", folder)
    with pytest.raises(BadData, match="RMSNorm"):
        opened("modernbert_large_wwm", copied(hub, "modernbert", tmp_path / "rms", norm_type="rmsnorm"))


def test_tensors_that_are_not_contiguous_are_saved(hub, tmp_path):
    encoder = Encoder.start(str(hub["bert"]), "primary")
    weight = encoder.model.bert.encoder.layer[0].output.dense.weight
    weight.data = weight.data.t().contiguous().t()
    assert not weight.is_contiguous()
    expected = encoder.predict_logits(texts()[:3])
    encoder.save(tmp_path)
    assert np.allclose(Encoder.load(tmp_path).predict_logits(texts()[:3]), expected, atol=1e-6)


def test_a_classifier_with_other_labels_or_another_order_is_no_starting_point(hub, tmp_path):
    start = Encoder.start(str(hub["bert"]), "primary")
    start.save(tmp_path / "ours")
    Encoder.start(str(tmp_path / "ours"), "primary")
    for number, names in enumerate([["anecdote", *LABELS[:3]], ["negative", "positive"]]):
        folder = tmp_path / f"theirs{number}"
        shutil.copytree(tmp_path / "ours", folder)
        record = json.loads((folder / "config.json").read_text("utf-8"))
        record |= {"id2label": {str(i): name for i, name in enumerate(names)}}
        (folder / "config.json").write_text(json.dumps(record), "utf-8")
        with pytest.raises(BadData, match="holds a classifier whose labels are"):
            Encoder.start(str(folder), "primary")
        with pytest.raises(BadData, match="not a model of this benchmark"):
            Encoder.load(folder)


def test_what_cannot_be_found_is_said_with_the_id_and_the_way_around(tmp_path, hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BadData) as error:
        opened("bert_base_chinese", "google-bert/bert-base-chinese")
    assert "hf download google-bert/bert-base-chinese --local-dir FOLDER" in str(error.value)
    assert "model.path=FOLDER" in str(error.value)
    shutil.copytree(hub["bert"], tmp_path / "bare")
    (tmp_path / "bare" / "model.safetensors").unlink()
    with pytest.raises(BadData, match="the folder needs, each of them whole, config"):
        opened("bert_base_chinese", tmp_path / "bare")
    (tmp_path / "bare" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BadData, match="no encoder could be loaded"):
        opened("bert_base_chinese", tmp_path / "bare")


def test_qwen_pads_on_the_left_with_a_token_that_ends_no_text_and_pools_the_end_token(hub):
    encoder = opened("qwen3_embedding", hub["qwen3"])
    tokenizer = encoder.tokenizer
    assert tokenizer.padding_side == "left"
    assert tokenizer.pad_token == "<|fim_pad|>"
    assert encoder.model.config.pad_token_id == tokenizer.pad_token_id
    sample = texts()[:9]
    sequences, _ = encoder.encode(sample)
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    assert all(sequence[-1] == end for sequence in sequences)
    with torch.inference_mode():
        states = [encoder.model.model(input_ids=s[None]).last_hidden_state[0, -1].numpy() for s in sequences]
    assert np.allclose(encoder.features(sample), states, atol=1e-4)  # batched and padded, against one by one
    assert encoder.features([]).shape == (0, len(states[0]))


def test_a_probe_on_a_head_without_a_bias_refuses_a_train_split_that_lacks_a_label(hub):
    encoder = opened("qwen3_embedding", hub["qwen3"])
    some = Examples(texts()[:6], np.array([0, 1, 2, 0, 1, 2]))
    with pytest.raises(BadData, match="the train split holds no anecdote"):
        fit_probe(encoder, some, some)


@pytest.mark.parametrize("config", ["primary", "functions"])
@pytest.mark.parametrize("kind", ["bert", "qwen3", "xlm_roberta"])
def test_a_probe_leaves_the_encoder_as_it_is_and_learns_a_linear_head(kind, config, hub, tmp_path):
    encoder = Encoder.start(str(hub[kind]), config, head="probe")
    before = {k: v.clone() for k, v in encoder.model.base_model.state_dict().items()}
    ids = np.arange(40) % 4
    words = ["成绩突出值得表扬", "存在差距必须批评", "月底之前负责落实", "那天他在村口说过"]
    data = Examples([words[i] * (1 + n % 3) for n, i in enumerate(ids)], ids)
    if config == "functions":
        data = Examples(data.texts, np.eye(4, dtype=bool)[ids])
    rows = fit_probe(encoder, data, data)
    assert min(rows, key=lambda row: row["loss"])["loss"] < 0.3
    assert (encoder.predict_proba(data.texts).argmax(1) == ids).all()
    after = encoder.model.base_model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if ".pooler." not in name)
    encoder.save(tmp_path)
    assert np.allclose(Encoder.load(tmp_path).predict_logits(words), encoder.predict_logits(words), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_punctuation_reaches_every_tokenizer_as_something_it_can_read(kind, hub):
    tokenizer = AutoTokenizer.from_pretrained(hub[kind]) if kind != "deberta" else None
    encoder = Encoder.start(str(hub[kind]), "primary", tokenizer="BertTokenizer" if kind == "deberta" else None)
    if tokenizer is not None:
        assert unknown_share(encoder.tokenizer, [MARKED]) <= unknown_share(tokenizer, [MARKED])
    assert unknown_share(encoder.tokenizer, [MARKED]) == 0 or kind == "mmbert"
    report = encoder.reads([MARKED, "修" * 33_000])
    assert report["overlong"] == 1
    assert report["unknown_share"] == unknown_share(encoder.tokenizer, [MARKED, "修" * 33_000])


def test_a_byte_level_vocabulary_keeps_full_width_marks(hub):
    tokenizer = AutoTokenizer.from_pretrained(hub["qwen3"])
    normalise_for(tokenizer)
    assert tokenizer.decode(
        tokenizer.backend_tokenizer.encode("成绩,也要;看到：差距！", add_special_tokens=False).ids
    ) == ("成绩，也要；看到：差距！")
