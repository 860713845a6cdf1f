"""The flat path: the same numbers as the padded model, and the same bits in any batch."""

import json
import sys

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
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

from jianghua.models import flat, thread_count

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 130,
    "num_labels": 4,
    "initializer_range": 0.2,  # attention and gradients far from nothing, so that a wrong one shows
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
# windows of 16 tokens, so that the sequences are longer than they reach
MODERN = {k: v for k, v in SHAPE.items() if "prob" not in k} | {"local_attention": 16, "pad_token_id": 0}
MODERN |= {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 3, "sep_token_id": 4}


def modern(pooling):
    config = ModernBertConfig(**MODERN, classifier_pooling=pooling, global_attn_every_n_layers=2)
    return ModernBertForSequenceClassification(config)


MODELS = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**SHAPE)),
    "ernie": lambda: ErnieForSequenceClassification(ErnieConfig(**SHAPE)),
    "xlm-roberta": lambda: XLMRobertaForSequenceClassification(XLMRobertaConfig(**SHAPE, pad_token_id=1)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**SHAPE, pad_token_id=1)),
    "electra": lambda: ElectraForSequenceClassification(ElectraConfig(**SHAPE, embedding_size=16)),
    "modernbert": lambda: modern("cls"),
    "modernbert-mean": lambda: modern("mean"),
}


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


def sequences(count=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 120, (count,), generator=generator).tolist()
    return [torch.randint(5, 300, (n,), generator=generator) for n in lengths]


def padded_logits(model, texts):
    padded = torch.nn.utils.rnn.pad_sequence(texts, True, model.config.pad_token_id)
    mask = torch.arange(padded.shape[1])[None] < torch.tensor([len(t) for t in texts])[:, None]
    return model(input_ids=padded, attention_mask=mask.long()).logits


def flat_logits(model, texts):
    return flat.classify(model, texts)[0]


def test_logits_and_gradients_equal_those_of_the_padded_model(model):
    texts = sequences(8)
    # a text may spell out the token that pads, which some architectures count no position for
    texts[0] = torch.cat([texts[0], torch.tensor([model.config.pad_token_id, 7, 8])])
    target = torch.arange(8) % 4
    results = []
    for run in (padded_logits, flat_logits):
        if run is flat_logits:
            flat.use_flat(model)
        model.zero_grad()
        logits = run(model, texts)
        torch.nn.functional.cross_entropy(logits, target).backward()
        results.append(
            (logits.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
        )
    (a, grads_a), (b, grads_b) = results
    assert torch.allclose(a, b, atol=1e-5)
    assert grads_a.keys() == grads_b.keys()
    largest = max(grad.abs().max() for grad in grads_a.values())
    assert largest > 0.1
    for name, grad in grads_a.items():
        # what is zero in theory, a key's bias for one, is noise beside the other weights on both sides
        scale = max(grad.abs().max(), 1e-3 * largest)
        assert (grad - grads_b[name]).abs().max() < 1e-4 * scale, name


def test_a_text_gets_the_same_bits_alone_in_any_batch_and_in_any_order(model):
    flat.use_flat(model)
    texts = sequences(40)
    with torch.inference_mode():
        together = flat.classify(model, texts)[0]
        alone = torch.cat([flat.classify(model, [text])[0] for text in texts])
        backwards = flat.classify(model, texts[::-1])[0].flip(0)
        by_seven = torch.cat([flat.classify(model, texts[i : i + 7])[0] for i in range(0, 40, 7)])
    assert torch.equal(together, alone)
    assert torch.equal(together, backwards)
    assert torch.equal(together, by_seven)


def by_its_definition(q, k, v, bounds, bounds_k, most, most_k, *, scale, window_size):
    """What `varlen_attn` says it computes; `window_size` are the distances still seen to the left and the right."""
    assert bounds.dtype == torch.int32
    assert bounds is bounds_k
    starts, ends = bounds[:-1].tolist(), bounds[1:].tolist()
    assert most == most_k == max(end - start for start, end in zip(starts, ends, strict=True))
    assert ends[-1] == len(q)
    outputs = []
    for start, end in zip(starts, ends, strict=True):
        scores = torch.einsum("qhd,khd->hqk", q[start:end], k[start:end]) * scale
        place = torch.arange(end - start)
        ahead = place[None] - place[:, None]
        if window_size != (-1, -1):
            left, right = window_size
            scores = scores.masked_fill((ahead < -left) | (ahead > right), -torch.inf)
        outputs.append(torch.einsum("hqk,khd->qhd", scores.softmax(-1), v[start:end]))
    return torch.cat(outputs)


def test_one_call_for_all_paragraphs_gives_what_a_call_for_each_gives(model, monkeypatch):
    flat.use_flat(model)
    calls = []

    def counted(*arguments, **more):
        calls.append(more["window_size"])
        return by_its_definition(*arguments, **more)

    for texts in (sequences(8), [sequence[:3] for sequence in sequences(2)]):  # the second is filled up
        with torch.inference_mode():
            expected = flat.classify(model, texts)
        with monkeypatch.context() as patch, torch.inference_mode():
            patch.setattr(flat, "_varlen", lambda device: counted)
            patch.setattr(flat, "HALVES", (torch.float32,))  # the same precision, so that nothing hides in noise
            found = flat.classify(model, texts)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(expected, found, strict=True))
    assert len(calls) == 2 * model.config.num_hidden_layers
    windows = {(-1, -1), (8, 8)} if model.config.model_type == "modernbert" else {(-1, -1)}
    assert set(calls) == windows


def test_dropout_in_attention_and_heads_of_odd_sizes_keep_to_a_call_a_paragraph(monkeypatch):
    def never(*arguments, **more):
        raise AssertionError("called")

    monkeypatch.setattr(flat, "_varlen", lambda device: never)
    monkeypatch.setattr(flat, "HALVES", (torch.float32,))
    for changed in ({"attention_probs_dropout_prob": 0.1}, {"hidden_size": 24}):
        network = BertForSequenceClassification(BertConfig(**SHAPE | changed)).train()
        flat.use_flat(network)
        assert flat.classify(network, sequences(3))[0].isfinite().all()


def test_bf16_in_the_forward_pass_leaves_fp32_logits_and_gradients_near_those_of_fp32(model):
    flat.use_flat(model)
    texts, target, gradients = sequences(8), torch.arange(8) % 4, []
    for enabled in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = flat.classify(model, texts)[0]
        torch.nn.functional.cross_entropy(logits.float(), target).backward()
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        assert {grad.dtype for grad in grads} == {torch.float32}
        gradients.append(torch.cat([grad.flatten().clone() for grad in grads]))
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.99


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_logits_and_gradients_on_a_gpu_are_those_of_the_cpu_within_bf16_noise(model):
    from jianghua.models.device import forward_precision

    flat.use_flat(model)
    texts, target, results = sequences(40), torch.arange(40) % 4, []
    for device in (torch.device("cpu"), torch.device("cuda", 0)):
        model.to(device).zero_grad()
        with forward_precision(device):
            logits = flat.classify(model, texts)[0].float()
        torch.nn.functional.cross_entropy(logits, target.to(device)).backward()
        grads = [p.grad.flatten().cpu() for p in model.parameters() if p.grad is not None]
        results.append((logits.detach().cpu(), torch.cat(grads)))
    (a, grads_a), (b, grads_b) = results
    assert (a - b).abs().max() < 0.05 * a.abs().max()
    assert torch.nn.functional.cosine_similarity(grads_a, grads_b, dim=0) > 0.99


def encoder_of(kind, root, folder):
    """The bundled encoder, or a network of 2 × 256 with random weights and the tokenizer that its architecture has."""
    from jianghua.models.encoder import Encoder

    if kind == "mini":
        return Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=1)
    sys.path.insert(0, str(root / "tests"))
    from zoo_checkpoints import build

    path = build(kind, folder / kind)
    record = json.loads((path / "config.json").read_text("utf-8"))
    shape = {"hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 1024}
    (path / "config.json").write_text(json.dumps(record | shape | {"initializer_range": 0.1}), "utf-8")
    tokenizer = "BertTokenizer" if kind == "bert" else None
    return Encoder.start(str(path), "primary", from_scratch=True, seed=1, tokenizer=tokenizer)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mini", "bert", "xlm_roberta"])
def test_two_thousand_paragraphs_get_the_same_bits_alone_in_any_batch_and_in_any_order(kind, root, tmp_path):
    from jianghua.dataset import load_build

    rows = load_build(root / "data/jianghua", "functions").rows["train"]
    texts = [row["text"] for row in rows[:: len(rows) // 2000][:2000]]
    assert len(texts) == 2000
    encoder = encoder_of(kind, root, tmp_path)
    together = encoder.predict_logits(texts)
    assert len(np.unique(together, axis=0)) > 0.95 * len(set(texts))
    assert np.array_equal(together, encoder.predict_logits(texts, batch_size=1))
    assert np.array_equal(together[::50], np.concatenate([encoder.predict_logits([text]) for text in texts[::50]]))
    assert np.array_equal(together, encoder.predict_logits(texts[::-1])[::-1])
    with thread_count(3):
        assert np.array_equal(together[:500], encoder.predict_logits(texts[:500], batch_size=7))
    assert np.array_equal(together, encoder.predict_logits(texts, batch_size=64))
