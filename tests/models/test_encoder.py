"""The encoder: which tokens belong to which sentence, and what is saved is what runs."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from jianghua.annotate import split_sentences
from jianghua.models import tokenizer as tokenizers
from jianghua.models.encoder import Encoder
from jianghua.schema import BadData

TEXTS = [
    "一是修通六条村道。二是改造危房三百户，群众满意！“欠账”还不少……今后怎么办？",
    "上半年完成投资１，０００万元,超过序时进度。\u3000但是,投产的只有2个(占4%)。",
    "修" * 300 + "。" + "桥" * 400 + "。完。",
]


@pytest.fixture(scope="module")
def encoder(root):
    return Encoder.start(str(root / "data/pretrained/mini"), "primary")


def test_every_token_is_counted_in_the_sentence_whose_characters_it_stands_for(encoder):
    spans = [split_sentences(text) for text in TEXTS]
    sequences, cut = encoder.encode(TEXTS)
    numbers = encoder.sentence_of_tokens(TEXTS, [[end for _, end in span] for span in spans])
    assert cut == 1
    for text, span, sequence, number in zip(TEXTS, spans, sequences, numbers, strict=True):
        assert len(number) == len(sequence)
        assert number[0] == number[-1] == -1
        assert (number[1:-1] >= 0).all()
        for k, (start, end) in enumerate(span):
            alone = encoder.tokenizer.backend_tokenizer.encode(text[start:end], add_special_tokens=False).ids
            inside = sequence[number == k].tolist()
            assert inside == alone[: len(inside)]
            assert len(inside) == len(alone) or len(text) > 500


def test_the_cpu_by_name_gives_the_bits_it_gives_by_default(encoder, root, tmp_path):
    named = Encoder.start(str(root / "data/pretrained/mini"), "primary", device="cpu")
    expected = encoder.predict_logits(TEXTS)
    assert named.device == encoder.device == torch.device("cpu")
    assert (named.predict_logits(TEXTS) == expected).all()
    named.save(tmp_path)
    assert (Encoder.load(tmp_path, "cpu").predict_logits(TEXTS) == expected).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("flat", [True, False])
def test_logits_and_features_of_a_gpu_come_back_as_fp32_near_those_of_the_cpu(root, flat):
    from jianghua.models.device import computes_bf16

    found = []
    for device in ("cpu", "cuda"):
        encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", device=device)
        if not flat:
            encoder.flat = False
            encoder.model.set_attn_implementation("sdpa")
        found.append((encoder.predict_logits(TEXTS), encoder.features(TEXTS)))
    share = 0.05 if computes_bf16(encoder.device) else 1e-3
    for a, b in zip(*found, strict=True):
        assert a.dtype == b.dtype == "float32"
        assert abs(a - b).max() < share * abs(a).max()


def test_states_come_in_the_order_of_the_texts_and_padded_models_give_the_same(encoder):
    sequences, _ = encoder.encode(TEXTS)
    encoder.model.eval()
    with torch.inference_mode():
        logits, states = encoder.logits_and_states(sequences)
        encoder.flat = False
        encoder.model.set_attn_implementation("sdpa")
        padded_logits, padded_states = encoder.logits_and_states(sequences)
    assert len(states) == sum(map(len, sequences))
    assert torch.allclose(logits, padded_logits, atol=1e-4)
    assert torch.allclose(states, padded_states, atol=1e-3)


def test_a_folder_without_the_weights_of_its_head_is_refused_and_not_filled_up_at_random(encoder, tmp_path):
    encoder.save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file({n: t for n, t in tensors.items() if "classifier" not in n}, tmp_path / "model.safetensors")
    with pytest.raises(BadData, match=r"not a whole model .* weights are missing"):
        Encoder.load(tmp_path)


def broken_number(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][0] = torch.nan
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def other_config(**more):
    def change(folder):
        record = json.loads((folder / "config.json").read_text("utf-8"))
        (folder / "config.json").write_text(json.dumps(record | more), "utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_config(num_hidden_layers=1, layer_types=["full_attention"]), "weights have no place in its network"),
        (broken_number, r"classifier\.bias hold numbers that are not finite"),
        (other_config(overlong="middle"), r"config\.json: overlong is 'middle'; it is one of truncate"),
    ],
    ids=["a layer less", "no number", "no such way"],
)
def test_a_saved_model_that_would_answer_otherwise_than_it_did_is_refused(change, says, encoder, tmp_path):
    encoder.save(tmp_path)
    Encoder.load(tmp_path)
    change(tmp_path)
    with pytest.raises(BadData, match=says):
        Encoder.load(tmp_path)


def test_a_folder_without_its_tokenizer_is_refused_by_the_files_name(encoder, tmp_path):
    encoder.save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(BadData, match=r"tokenizer\.json: no such file"):
        Encoder.load(tmp_path)


def test_a_run_that_starts_from_another_run_reads_long_texts_its_own_way(root, tmp_path):
    Encoder.start(str(root / "data/pretrained/mini"), "primary", overlong="head_tail").save(tmp_path / "one")
    Encoder.start(str(tmp_path / "one"), "primary").save(tmp_path / "two")
    assert Encoder.load(tmp_path / "one").overlong == "head_tail"
    assert Encoder.load(tmp_path / "two").overlong == "truncate"


def test_tokenising_a_few_texts_at_a_time_changes_nothing(encoder, monkeypatch):
    encoder._known = None
    whole = encoder.encode(TEXTS)
    monkeypatch.setattr(tokenizers, "AT_ONCE", 2)
    parts = encoder.encode(TEXTS)
    assert parts[1] == whole[1] == 1
    assert all(torch.equal(a, b) for a, b in zip(parts[0], whole[0], strict=True))
    assert parts[0][0].dtype == torch.long
