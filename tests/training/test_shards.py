"""A training step in shards: the gradients of the whole batch, and the same weights at any number of threads."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jianghua.models import Examples
from jianghua.models.encoder import Encoder
from jianghua.training import finetune as finetune_module
from jianghua.training.finetune import Recipe, finetune
from jianghua.training.shards import at_once, backward_in_shards, cut, drops

TEXTS = [f"第{i}件事，今年全县修好了{i}座桥，群众很满意。" * (1 + i % 7) for i in range(24)]


@pytest.fixture
def encoder(root):
    found = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=5)
    found.model.train()
    return found


def gradients(encoder, backward):
    sequences, _ = encoder.encode(TEXTS)

    def loss_of(items):
        loss = encoder.logits(items).square().sum() / len(TEXTS)
        return loss, torch.stack([loss, 2 * loss])

    shown = backward(loss_of, sequences, [len(s) for s in sequences])
    found = {name: p.grad.clone() for name, p in encoder.model.named_parameters() if p.grad is not None}
    encoder.model.zero_grad(set_to_none=True)
    return shown, found


def test_shards_add_up_to_the_gradients_and_losses_of_the_whole_batch(encoder):
    whole_shown, whole = gradients(encoder, at_once)
    with backward_in_shards(encoder.model, list(encoder.model.parameters()), 6) as backward:
        assert backward is not at_once
        shown, found = gradients(encoder, backward)
    assert torch.allclose(shown, whole_shown, rtol=1e-5)
    assert found.keys() == whole.keys()
    for name, gradient in found.items():
        assert not gradient.is_sparse
        assert torch.allclose(gradient, whole[name], rtol=1e-3, atol=1e-6 * float(whole[name].abs().max()) + 1e-8), name
    assert not encoder.model.get_input_embeddings().sparse


@given(st.lists(st.integers(1, 600), min_size=1, max_size=60), st.integers(1, 9))
def test_shards_hold_every_item_once_in_order_and_are_about_even(lengths, shards):
    parts = cut(lengths, shards)
    assert [i for part in parts for i in part] == list(range(len(lengths)))
    assert all(parts)
    share = sum(lengths) / max(shards, sum(lengths) / 1024)
    assert all(sum(lengths[i] for i in part) <= share + max(lengths) for part in parts)


def test_a_failure_in_a_shard_reaches_the_caller_and_leaves_pytorch_its_threads(encoder):
    before = torch.get_num_threads()

    def loss_of(items):
        raise ValueError("no loss")

    with (
        pytest.raises(ValueError, match="no loss"),
        backward_in_shards(encoder.model, list(encoder.model.parameters())) as backward,
    ):
        backward(loss_of, [1, 2], [400, 400])
    assert torch.get_num_threads() == before
    assert not encoder.model.get_input_embeddings().sparse


@pytest.mark.parametrize("share", ["attention_dropout", "classifier_dropout"])
def test_a_model_with_dropout_takes_its_batches_whole(root, tmp_path, share):
    folder = tmp_path / "mini"
    shutil.copytree(root / "data/pretrained/mini", folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {share: 0.1}), "utf-8")
    model = Encoder.start(str(folder), "primary").model
    assert drops(model)
    with backward_in_shards(model, list(model.parameters())) as backward:
        assert backward is at_once


def spans(text):
    """Evidence of all sentences but of every third text's, which no annotator has divided."""
    ends = [place + 1 for place, character in enumerate(text) if character == "。"]
    starts = [0, *ends[:-1]]
    functions = [0, None, 2]
    found = [
        {"start": a, "end": b, "function": functions[i % 3]} for i, (a, b) in enumerate(zip(starts, ends, strict=True))
    ]
    return [] if len(text) % 3 == 0 else found


TRAIN = Examples(TEXTS, np.arange(len(TEXTS)) % 4, [spans(text) for text in TEXTS])


def trained(root, folder, epochs=2):
    recipe = Recipe(1e-3, epochs, 1024, 0.1, 0.01, 9, 1.0, 0.2, 0.0, 0.0, 0.0, 1.0, 2, seed=3)
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=5)
    history = finetune(encoder, TRAIN, TRAIN, recipe, folder / "checkpoint", lambda row: None)
    (folder / "checkpoint").unlink()
    return encoder, history


def test_a_run_in_shards_learns_what_a_run_on_whole_batches_learns(root, tmp_path, monkeypatch):
    assert 0 < sum(not row for row in TRAIN.sentences) < len(TEXTS)
    encoder, history = trained(root, tmp_path, epochs=1)
    monkeypatch.setattr(finetune_module, "backward_in_shards", lambda *of: nullcontext(at_once))
    whole, whole_history = trained(root, tmp_path, epochs=1)
    assert history[0]["train_loss"] == pytest.approx(whole_history[0]["train_loss"], rel=1e-4)
    # Adam makes much of a gradient that is nearly zero, so single weights may part
    assert np.allclose(encoder.predict_logits(TEXTS), whole.predict_logits(TEXTS), atol=0.02)


def test_one_thread_and_several_train_the_same_weights_to_the_bit(root, tmp_path):
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            encoder, _ = trained(root, tmp_path)
            assert torch.get_num_threads() == threads
            found.append((encoder.model.state_dict(), encoder.predict_logits(TEXTS)))
    finally:
        torch.set_num_threads(before)
    (weights, logits), *others = found
    for other_weights, other_logits in others:
        assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())
        assert np.array_equal(logits, other_logits)


def test_callers_in_two_threads_get_the_bits_of_one_and_leave_pytorch_its_threads(encoder):
    expected, before = encoder.predict_logits(TEXTS), torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(encoder.predict_logits, [TEXTS] * 4))
    assert all(np.array_equal(logits, expected) for logits in found)
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == before
