"""Fine-tuning: the evidence head reads the right sentences, and a killed run goes on."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from jianghua.models import Examples
from jianghua.models.encoder import Encoder
from jianghua.training.finetune import Evidence, Recipe, finetune

PRAISE, DIRECTIVE = "去年修通六条村道。", "各村月底前报名单。"
TEXTS = [PRAISE + DIRECTIVE * 2, PRAISE * 3 + DIRECTIVE, "同志们好。" + PRAISE * 2, DIRECTIVE]


def spans(text):
    found, start = [], 0
    for sentence in text.split("。")[:-1]:
        end = start + len(sentence) + 1
        found.append({"start": start, "end": end, "function": {"去": 0, "各": 2, "同": None}[sentence[0]]})
        start = end
    return found


@pytest.fixture
def train():
    return Examples(TEXTS * 4, np.array([2, 0, 0, 2] * 4), [spans(text) for text in TEXTS] * 4)


def test_the_loss_is_that_of_each_sentences_mean_state(root, train):
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary")
    encoder.model.eval()
    evidence = Evidence(encoder, train)
    evidence.dropout.eval()
    batch = [1, 0, 2]
    sequences, _ = encoder.encode([train.texts[i] for i in batch])
    _, states = encoder.logits_and_states(sequences)
    losses, pieces = [], states.split([len(s) for s in sequences])
    for i, piece in zip(batch, pieces, strict=True):
        for k, span in enumerate(train.sentences[i]):
            mean = piece[evidence.numbers[i] == k].mean(0)
            target = torch.tensor(4 if span["function"] is None else span["function"])
            losses.append(functional.cross_entropy(evidence.head(mean), target))
    assert evidence.loss(batch, states).item() == pytest.approx(torch.stack(losses).mean().item(), abs=1e-4)


def test_a_run_killed_between_epochs_ends_with_the_same_weights(root, train, tmp_path):
    recipe = Recipe(1e-3, 3, 128, 0.1, 0.01, 9, 1.0, 0.2, seed=3)

    class Stop(BaseException):
        pass

    def stop(row):
        if row.get("epoch") == 3 and "step" in row:
            raise Stop

    def run(name, progress=lambda row: None):
        encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3)
        finetune(encoder, train, train, recipe, tmp_path / name, progress)
        return encoder.model.state_dict()

    whole = run("whole")
    with pytest.raises(Stop):
        run("torn", stop)
    torn = run("torn")
    assert all(torch.equal(whole[name], torn[name]) for name in whole)


@pytest.mark.parametrize(("mask_share", "learns"), [(0.0, True), (1.0, False)])
def test_what_is_masked_in_training_cannot_be_learnt(root, train, tmp_path, mask_share, learns):
    even = ["甲，乙，丙。", "丁，戊，己。"] * 8  # two functions, the same number of tokens
    examples = Examples(even, np.array([0, 2] * 8), None)
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=1)
    lengths = {len(sequence) for sequence in encoder.encode(even)[0]}
    history = finetune(
        encoder,
        examples,
        examples,
        Recipe(1e-3, 6, 128, 0.1, 0.0, 9, 0.0, mask_share, seed=1),
        tmp_path / "checkpoint",
        lambda row: None,
    )
    assert len(lengths) == 1
    assert (history[-1]["train_loss"] < 0.3) == learns
