"""A training step in shards: the gradients of the whole batch, and the same weights at any number of threads."""

import json
import shutil

import numpy as np
import pytest
import torch

from jianghua.models import Examples
from jianghua.models.encoder import Encoder
from jianghua.training.finetune import Recipe, finetune
from jianghua.training.shards import at_once, backward_on_every_core, drops

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
    with backward_on_every_core(encoder.model, list(encoder.model.parameters()), 200) as backward:
        assert backward is not at_once
        shown, found = gradients(encoder, backward)
    assert torch.allclose(shown, whole_shown, rtol=1e-5)
    assert found.keys() == whole.keys()
    for name, gradient in found.items():
        assert not gradient.is_sparse
        assert torch.allclose(gradient, whole[name], rtol=1e-3, atol=1e-6 * float(whole[name].abs().max()) + 1e-8), name
    assert not encoder.model.get_input_embeddings().sparse


def test_a_failure_in_a_shard_reaches_the_caller_and_leaves_pytorch_its_threads(encoder):
    before = torch.get_num_threads()

    def loss_of(items):
        raise ValueError("no loss")

    with (
        pytest.raises(ValueError, match="no loss"),
        backward_on_every_core(encoder.model, list(encoder.model.parameters())) as backward,
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
    with backward_on_every_core(model, list(model.parameters())) as backward:
        assert backward is at_once


def test_one_thread_and_several_train_the_same_weights_to_the_bit(root, tmp_path):
    train = Examples(TEXTS, np.arange(len(TEXTS)) % 4, None)
    recipe = Recipe(1e-3, 2, 1024, 0.1, 0.01, 9, 0.0, 0.2, seed=3)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=5)
            finetune(encoder, train, train, recipe, tmp_path / f"{threads}.checkpoint", lambda row: None)
            assert torch.get_num_threads() == threads
            found.append((encoder.model.state_dict(), encoder.predict_logits(TEXTS)))
    finally:
        torch.set_num_threads(before)
    (weights, logits), *others = found
    for other_weights, other_logits in others:
        assert all(torch.equal(value, other_weights[name]) for name, value in weights.items())
        assert np.array_equal(logits, other_logits)
