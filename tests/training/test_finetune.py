"""Fine-tuning: the evidence head reads the right sentences, and a killed run goes on."""

import signal
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from interruption import Stop, stop_when
from torch.nn import functional

from jianghua.models import Examples
from jianghua.models.encoder import Encoder
from jianghua.schema import BadUsage
from jianghua.training.finetune import Evidence, Recipe, Shown, finetune, plan_epoch
from jianghua.training.parts import Texts
from jianghua.training.run import check_settings

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
    ends = [[span["end"] for span in row] for row in train.sentences]
    places = encoder.sentence_of_tokens(train.texts, ends)
    sequences, _ = encoder.encode(train.texts)
    evidence = Evidence(encoder)
    evidence.look_at(Texts(sequences, places, train.sentences, torch.tensor(train.target)))
    evidence.dropout.eval()
    batch = [1, 0, 2]
    kept = [torch.ones(len(sequences[i]), dtype=torch.bool) for i in batch]
    kept[0][2:5] = False  # these tokens are left out
    shown = [Shown(i, keep, evidence.noise(i)) for i, keep in zip(batch, kept, strict=True)]
    sequences = [sequences[i][keep] for i, keep in zip(batch, kept, strict=True)]
    _, states = encoder.logits_and_states(sequences)
    losses, pieces = [], states.split([len(s) for s in sequences])
    for i, keep, piece in zip(batch, kept, pieces, strict=True):
        for k, span in enumerate(train.sentences[i]):
            mean = piece[places[i][keep] == k].mean(0)
            target = torch.tensor(4 if span["function"] is None else span["function"])
            losses.append(functional.cross_entropy(evidence.head(mean), target))
    assert evidence.loss(shown, states).item() == pytest.approx(torch.stack(losses).sum().item(), rel=1e-4)


def stop_in(epoch):
    return stop_when(lambda row: row.get("epoch") == epoch and "step" in row)


def test_a_run_killed_between_epochs_ends_with_the_same_weights(root, train, tmp_path):
    recipe = Recipe(1e-3, 3, 128, 0.1, 0.01, 9, 1.0, 0.2, 0.5, 0.5, 0.5, 1.0, 2, seed=3)

    def run(name, progress=lambda row: None):
        encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3)
        finetune(encoder, train, train, recipe, tmp_path / name, progress)
        return encoder.model.state_dict()

    whole = run("whole")
    with pytest.raises(Stop):
        run("torn", stop_in(3))
    torn = run("torn")
    assert all(torch.equal(whole[name], torn[name]) for name in whole)


@pytest.fixture
def interruptible():
    """SIGINT as a terminal sends it: a command that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("share", [1 / 3, 1 / 2, 1], ids=["within an epoch", "at its end", "at the end of all"])
def test_a_run_stopped_by_a_signal_goes_on_at_the_next_batch_to_the_same_weights(root, train, tmp_path, share):
    recipe = Recipe(1e-3, 2, 90, 0.1, 0.01, 9, 1.0, 0.2, 0.5, 0.5, 0.5, 1.0, 2, seed=3)
    taken = []

    def run(name, interrupt=False):
        encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3)

        def progress(row):
            if "step" in row:
                taken.append(row["step"])
                if interrupt and row["step"] == round(share * row["steps"]):
                    signal.raise_signal(signal.SIGINT)

        return finetune(encoder, train, train, recipe, tmp_path / name, progress), encoder.model.state_dict()

    expected, whole = run("whole")
    steps = taken.copy()
    assert len(steps) == 6
    taken.clear()
    with pytest.raises(KeyboardInterrupt):
        run("stopped", interrupt=True)
    found, again = run("stopped")
    assert taken == steps  # none left out, none twice
    assert found == expected
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_loss_falls_on_a_gpu_too_and_the_run_goes_on_on_the_cpu(root, train, tmp_path):
    recipe = Recipe(1e-3, 6, 128, 0.1, 0.01, 9, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, seed=3)
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3, device="cuda")
    history = finetune(encoder, train, train, recipe, tmp_path / "whole", lambda row: None)
    assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]
    assert {parameter.dtype for parameter in encoder.model.parameters()} == {torch.float32}
    with pytest.raises(Stop):
        finetune(
            Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3, device="cuda"),
            *(train, train, recipe, tmp_path / "torn", stop_in(5)),
        )
    for device in ("cuda", "cpu"):
        again = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3, device=device)
        (tmp_path / device).write_bytes((tmp_path / "torn").read_bytes())
        rows = finetune(again, train, train, recipe, tmp_path / device, lambda row: None)
        assert len(rows) == len(history)
        assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    # what is saved lies on no device, and the encoder is still where it was
    encoder.save(tmp_path / "model")
    assert encoder.device.type == "cuda"
    on_cpu = Encoder.load(tmp_path / "model").predict_proba(train.texts)
    assert np.abs(on_cpu - encoder.predict_proba(train.texts)).max() < 0.05


@pytest.mark.parametrize(("drop_share", "learns"), [(0.0, True), (1.0, False)])
def test_what_is_left_out_in_training_cannot_be_learnt(root, train, tmp_path, drop_share, learns):
    even = ["甲，乙，丙。", "丁，戊，己。"] * 8  # two functions, the same number of tokens
    examples = Examples(even, np.array([0, 2] * 8), None)
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=1)
    lengths = {len(sequence) for sequence in encoder.encode(even)[0]}
    history = finetune(
        encoder,
        examples,
        examples,
        Recipe(1e-3, 6, 128, 0.1, 0.0, 9, 0.0, drop_share, 0.0, 0.0, 0.0, 0.0, 1, seed=1),
        tmp_path / "checkpoint",
        lambda row: None,
    )
    assert len(lengths) == 1
    assert (history[-1]["train_loss"] < 0.3) == learns


@pytest.mark.parametrize("every", [1, 2, 9])
def test_one_step_in_so_many_reads_its_batch_twice_and_no_move_of_the_embeddings_is_left(root, train, tmp_path, every):
    recipe = Recipe(1e-12, 1, 90, 0.1, 0.0, 9, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0, every, seed=3)
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=3)
    before = encoder.model.get_input_embeddings().weight.detach().clone()
    lengths = [len(sequence) for sequence in encoder.encode(train.texts)[0]]
    plan = plan_epoch(lengths, recipe, 0, by_length=False)
    read, forward = [], encoder.logits_and_states

    def counted(sequences):
        if encoder.model.training:
            read.append(len(sequences))
        return forward(sequences)

    encoder.logits_and_states = counted
    steps = []
    finetune(encoder, train, train, recipe, tmp_path / "checkpoint", steps.append)
    again = sum(len(batch) for number, batch in enumerate(plan) if number % every == 0)
    assert len(plan) == 4
    assert sum(read) == len(train.texts) + again
    assert sum("step" in row for row in steps) == len(plan)
    assert torch.allclose(encoder.model.get_input_embeddings().weight, before, atol=1e-6)


def test_the_averaged_weights_are_validated_and_kept_and_training_goes_on_from_its_own(root, train, tmp_path):
    """Seen from outside: an average over the whole training lags behind what is learnt, one over a step does not."""
    examples, results = Examples(train.texts, train.target, None), {}
    for share in (0.0, 0.001, 1.0):
        encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=1)
        before = {name: value.clone() for name, value in encoder.model.state_dict().items()}
        # so slowly that something is left to learn in the last epoch
        recipe = Recipe(2e-4, 4, 128, 0.1, 0.0, 9, 0.0, 0.0, 0.0, 0.0, share, 0.0, 1, seed=1)
        history = finetune(encoder, examples, examples, recipe, tmp_path / f"{share}", lambda row: None)
        after = encoder.model.state_dict()
        inner = [name for name in after if not name.startswith("classifier")]  # which the temperature is folded into
        moved = max((before[name] - after[name]).abs().max() for name in inner)
        results[share] = history, float(moved)
    assert results[0.001] == results[0.0]
    assert [row["train_loss"] for row in results[1.0][0]] == [row["train_loss"] for row in results[0.0][0]]
    assert 0 < results[1.0][1] < 0.8 * results[0.0][1]
    assert results[1.0][0][-1]["loss"] > 1.5 * results[0.0][0][-1]["loss"]


def test_falling_validation_scores_stop_training_early_and_the_best_epoch_is_kept(root, train, tmp_path):
    contrary = Examples(train.texts, 2 - train.target, None)  # what is learnt from train is wrong on validation
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", seed=1)
    first = Recipe(1e-3, 4, 128, 0.1, 0.0, 9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, seed=1)
    assert finetune(encoder, contrary, contrary, first, tmp_path / "first", lambda row: None)[-1]["macro_f1"] == 1.0
    weights = {}

    def keep(row):
        if "macro_f1" in row:
            weights[row["epoch"]] = {name: value.clone() for name, value in encoder.model.state_dict().items()}

    # it begins with what it must unlearn, and the long warm-up keeps the first epoch from unlearning all of it
    recipe = Recipe(1e-3, 6, 128, 0.9, 0.0, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, seed=1)
    history = finetune(encoder, Examples(train.texts, train.target), contrary, recipe, tmp_path / "checkpoint", keep)
    scores = [row["macro_f1"] for row in history]
    best = scores.index(max(scores)) + 1
    assert scores[-1] < max(scores)
    assert len(history) == best + 2 < recipe.epochs  # one epoch without a better score is borne, the second ends it
    kept = encoder.model.state_dict()
    inner = [name for name in kept if not name.startswith("classifier")]  # which the temperature is folded into
    assert all(torch.equal(kept[name], weights[best][name]) for name in inner)
    assert not all(torch.equal(kept[name], weights[len(history)][name]) for name in inner)


RECIPE = Recipe(1e-3, 1, 200, 0.1, 0.0, 9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, seed=4)
LENGTHS = np.random.default_rng(0).integers(4, 120, 300).tolist()


@pytest.mark.parametrize("by_length", [False, True])
def test_every_paragraph_stands_once_in_an_epoch_whose_order_the_seed_decides(by_length):
    plans = [plan_epoch(LENGTHS, RECIPE, epoch, by_length=by_length) for epoch in (0, 0, 1)]
    plans.append(plan_epoch(LENGTHS, replace(RECIPE, seed=5), 0, by_length=by_length))
    for plan in plans:
        assert sorted(i for batch in plan for i in batch) == list(range(len(LENGTHS)))
        assert all(sum(LENGTHS[i] for i in batch) <= 200 for batch in plan)
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert plans[0] != plans[3]


def test_batches_by_length_are_nearly_even_and_come_in_no_order_of_length():
    plan = plan_epoch(LENGTHS, RECIPE, 0, by_length=True)
    padded = sum(len(batch) * max(LENGTHS[i] for i in batch) for batch in plan)
    assert padded < 1.05 * sum(LENGTHS)
    assert padded < 0.8 * sum(
        len(batch) * max(LENGTHS[i] for i in batch) for batch in plan_epoch(LENGTHS, RECIPE, 0, by_length=False)
    )
    longest = [max(LENGTHS[i] for i in batch) for batch in plan]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.4


@pytest.mark.parametrize(("kind", "padded"), [("deberta", True), ("bert", False)])
def test_an_architecture_that_must_pad_trains_on_batches_by_length_and_says_so(root, tmp_path, kind, padded):
    sys.path.insert(0, str(root / "tests"))
    from zoo_checkpoints import build, texts

    encoder = Encoder.start(str(build(kind, tmp_path / kind)), "primary", tokenizer="BertTokenizer", seed=4)
    sample = [text[: 5 + 4 * i] for i, text in enumerate(texts()[:24])]
    examples = Examples(sample, np.arange(24) % 4, None)
    said, seen, forward = [], [], encoder.logits_and_states

    def watched(sequences):
        if encoder.model.training:
            seen.append([len(sequence) for sequence in sequences])
        return forward(sequences)

    encoder.logits_and_states = watched
    finetune(encoder, examples, examples, RECIPE, tmp_path / "checkpoint", said.append)
    lines = [row["warning"] for row in said if "warning" in row]
    assert len(lines) == padded
    assert all("deberta-v2" in line and "sorted by length" in line for line in lines)
    assert sum(map(len, seen)) == len(sample)
    assert len(seen) > 3
    spans = sorted((min(lengths), max(lengths)) for lengths in seen)
    apart = all(before[1] <= after[0] for before, after in pairwise(spans))
    assert apart == padded


def test_a_started_encoder_gives_each_text_to_its_tokenizer_once(root, train):
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary")
    encoder.sentence_of_tokens(train.texts, [[span["end"] for span in row] for row in train.sentences])
    given, tokenise = [], encoder._encodings
    encoder._encodings = lambda texts, **more: given.extend(texts) or tokenise(texts, **more)
    expected = Encoder.start(str(root / "data/pretrained/mini"), "primary").encode([*TEXTS, "新的一句。"])[0]
    found = encoder.encode([*TEXTS, "新的一句。"])[0]
    encoder.reads(["新的一句。", *TEXTS])
    assert given == ["新的一句。"]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("seed", -1),
        ("threads", "abc"),
        ("threads", -1),
        ("threads", 0),
        ("threads", True),
        ("device", "tpu"),
        ("device", "cuda:99"),
        ("device", 0),
        ("train.epochs", 0),
        ("train.batch_tokens", 0),
        ("train.drop_share", 1.5),
        ("train.part_share", -0.1),
        ("train.joined_share", 2),
        ("train.average_share", 1.5),
        ("train.adversarial_step", -1.0),
        ("train.adversarial_every", 0),
        ("train.learning_rate", 0.0),
    ],
)
def test_settings_with_which_nothing_can_be_trained_are_bad_usage(root, option, value):
    from omegaconf import OmegaConf

    config = {
        "seed": 1,
        "threads": None,
        "device": "auto",
        "model": {"kind": "encoder"},
        "train": OmegaConf.to_container(OmegaConf.load(root / "conf/train/default.yaml")),
    }
    check_settings(config)
    (config["train"] if "." in option else config)[option.rpartition(".")[2]] = value
    with pytest.raises(BadUsage, match=f"^{option}={value}: "):
        check_settings(config)
