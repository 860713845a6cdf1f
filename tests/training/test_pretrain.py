"""Pre-training: masking, the start from co-occurrence, resuming, and the folder that comes out."""

import functools
import gzip
import json
import shutil
import time
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from interruption import Stop, stop_when
from torch.nn import functional

from jianghua.models import flat
from jianghua.models.tokenizer import train_vocabulary
from jianghua.schema import BadData, BadUsage
from jianghua.training import pretrain as module
from jianghua.training.cooccurrence import cooccurrence_embeddings
from jianghua.training.pretrain import mask_tokens, pretrain, pretraining_losses, read_corpus, sequences_of
from jianghua.training.shards import at_once

ARCHITECTURE = {
    "num_hidden_layers": 1,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
TEXTS = [[f"第{i}条　县级以上人民政府应当加强对农田水利工作的领导，保护耕地，防止污染。" * 2] for i in range(60)]


@functools.cache
def sources():
    tokenizer = train_vocabulary((p for d in TEXTS for p in d), 600)
    ids = [[e.ids for e in tokenizer.encode_batch_fast(d, add_special_tokens=False)] for d in TEXTS]
    return tokenizer, {"laws": sequences_of(ids, 60, 2, 3)}


def run(output, progress=lambda row: None, **more):
    tokenizer, texts = sources()
    settings = {
        "steps": 100,
        "batch_tokens": 256,
        "learning_rate": 3e-3,
        "warmup": 5,
        "weight_decay": 0.01,
        "set_weight": 0.5,
    }
    settings |= {"mask_share": 0.15, "seed": 1, "checkpoint_minutes": 60, "weights": {"laws": 1.0}} | more
    return pretrain(texts, tokenizer, output, architecture=ARCHITECTURE, progress=progress, **settings)


def test_the_loss_falls_and_the_folder_loads_with_plain_transformers(tmp_path):
    from safetensors.torch import load_file
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    curve = run(tmp_path / "mini")
    assert curve[-1]["loss"] < curve[0]["loss"] - 0.5
    assert curve[-1]["set_loss"] < curve[0]["set_loss"] - 0.2
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "mini")
    # what a classifier reads has been trained: the mean of all states, through the trained head
    assert model.config.classifier_pooling == "mean"
    saved = load_file(tmp_path / "mini" / "model.safetensors")["head.dense.weight"]
    assert torch.equal(model.head.dense.weight.half(), saved)
    assert model.dtype == torch.float32
    assert len(AutoTokenizer.from_pretrained(tmp_path / "mini")) == model.config.vocab_size
    assert (tmp_path / "mini" / "model.safetensors").stat().st_size < 2 * model.num_parameters() + 400_000
    assert json.loads((tmp_path / "mini" / "config.json").read_text("utf-8"))["dtype"] == "float32"


def test_the_curve_counts_the_cpu_seconds_of_the_process(tmp_path):
    def work(row):  # a second of it in the run's own process: the steps alone may take less than half of one
        until = time.process_time() + 1
        while row["step"] == 50 and time.process_time() < until:
            pass

    began = time.process_time()
    first, last = (row["cpu_seconds"] for row in run(tmp_path / "mini", work))
    spent = time.process_time() - began
    assert 0 <= first <= spent - 0.5
    assert first + 1 <= last <= spent + 0.5


def test_the_curve_of_two_stages_goes_on_and_says_no_cpu_time_that_it_does_not_know():
    row = {"loss": 4.0, "step": 50, "seconds": 9, "cpu_seconds": 16}
    later = [row | {"loss": 3.0}, row | {"loss": 2.0, "step": 100, "seconds": 20, "cpu_seconds": 31}]
    whole = module.whole_curve([row], later)
    assert [r["step"] for r in whole] == [50, 100, 150]
    assert [r["cpu_seconds"] for r in whole] == [16, 32, 47]
    assert [r["loss"] for r in whole] == [4.0, 3.0, 2.0]
    old = {"loss": 4.0, "step": 50, "seconds": 9}
    assert module.whole_curve([old], later)[-1] == {"loss": 2.0, "step": 150, "seconds": 29}
    assert module.whole_curve([row], [old])[-1] == {"loss": 4.0, "step": 100, "seconds": 18}
    assert module.whole_curve([], later) == later


def test_shards_train_what_whole_batches_train_and_the_same_to_the_bit_at_any_number_of_threads(tmp_path, monkeypatch):
    from safetensors.torch import load_file

    before, found = torch.get_num_threads(), {}
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            curve = run(tmp_path / "mini", steps=20)
            found[threads] = load_file(tmp_path / "mini" / "model.safetensors")
            shutil.rmtree(tmp_path / "mini")
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(value, found[2][name]) for name, value in found[1].items())
    monkeypatch.setattr(module, "backward_in_shards", lambda *of: nullcontext(at_once))
    whole = run(tmp_path / "mini", steps=20)
    assert curve[-1]["loss"] == pytest.approx(whole[-1]["loss"], rel=1e-3)
    assert curve[-1]["set_loss"] == pytest.approx(whole[-1]["set_loss"], rel=1e-3)


def test_losses_and_gradients_are_those_of_the_padded_model():
    from transformers import ModernBertForMaskedLM

    tokenizer, texts = sources()
    sequences = [sequence[:n] for sequence, n in zip(texts["laws"], (17, 60, 33, 5, 48), strict=False)]
    torch.manual_seed(0)
    model = ModernBertForMaskedLM(module.network(tokenizer, ARCHITECTURE | {"max_position_embeddings": 64}))
    head = module.TokenSet(ARCHITECTURE["hidden_size"], model.config.vocab_size)
    chosen = [torch.rand(len(sequence)) < 0.3 for sequence in sequences]
    mask = tokenizer.token_to_id("[MASK]")
    masked = [torch.where(place, mask, tokens) for tokens, place in zip(sequences, chosen, strict=True)]

    def gradients(guessed, told):
        (guessed + told).backward()
        found = {name: p.grad.clone() for name, p in [*model.named_parameters(), *head.named_parameters()]}
        model.zero_grad()
        head.zero_grad()
        return found

    flat.use_flat(model)
    ours = pretraining_losses(model, head, sequences, masked, chosen)
    found = gradients(*ours)
    model.set_attn_implementation("sdpa")
    row = torch.nn.utils.rnn.pad_sequence(masked, batch_first=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    inside = torch.arange(row.shape[1])[None] < lengths[:, None]
    states = model.model(input_ids=row, attention_mask=inside.long()).last_hidden_state
    places = torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True)
    answers = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)[places]
    guessed = functional.cross_entropy(model.decoder(model.head(states[places])), answers, reduction="sum")
    means = (states * inside[..., None]).sum(1) / lengths[:, None]
    logs = head(model.head(means), model.decoder.weight).log_softmax(1)
    sets = [sequence[1:-1].unique() for sequence in sequences]
    told = -sum(log[tokens].mean() for log, tokens in zip(logs, sets, strict=True))
    assert ours[0].item() == pytest.approx(guessed.item(), rel=1e-5)
    assert ours[1].item() == pytest.approx(told.item(), rel=1e-5)
    for name, gradient in gradients(guessed, told).items():
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max())), name


stop_at_50 = stop_when(lambda row: row["step"] == 50)


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path):
    from safetensors.torch import load_file

    run(tmp_path / "whole")
    with pytest.raises(Stop):
        run(tmp_path / "torn", progress=stop_at_50, checkpoint_minutes=0)
    assert not (tmp_path / "torn").exists()
    assert (tmp_path / "torn.checkpoint.pt").exists()
    run(tmp_path / "torn")
    whole, torn = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "torn"))
    assert all(torch.equal(whole[name], torn[name]) for name in whole)
    assert not (tmp_path / "torn.checkpoint.pt").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_loss_falls_on_a_gpu_about_as_on_the_cpu(tmp_path):
    on_cpu, on_gpu = (run(tmp_path / device, device=device)[-1] for device in ("cpu", "cuda"))
    assert on_gpu["loss"] == pytest.approx(on_cpu["loss"], rel=0.1)
    assert on_gpu["set_loss"] == pytest.approx(on_cpu["set_loss"], rel=0.1)


OTHERS = [{"seed": 2}, {"learning_rate": 1e-4}, {"mask_share": 0.3}, {"weights": {"laws": 0.5}}]


@pytest.mark.parametrize("more", OTHERS)
def test_a_checkpoint_of_another_configuration_is_refused(more, tmp_path):
    with pytest.raises(Stop):
        run(tmp_path / "torn", progress=stop_at_50, checkpoint_minutes=0, steps=60)
    with pytest.raises(BadData, match="another configuration"):
        run(tmp_path / "torn", steps=60, **more)


def test_a_vocabulary_is_kept_for_the_same_texts_and_size_only(tmp_path):
    texts = [paragraph for document in TEXTS for paragraph in document]
    first = module.vocabulary_for(tmp_path / "mini", texts, 300).to_str()
    assert module.vocabulary_for(tmp_path / "mini", texts, 300).to_str() == first
    assert module.vocabulary_for(tmp_path / "mini", texts, 80).to_str() != first
    assert len(list(tmp_path.glob("mini.vocabulary-*.json"))) == 2


@pytest.mark.parametrize(
    ("option", "value"), [("steps", 0), ("batch_tokens", -1), ("learning_rate", 0), ("mask_share", 1)]
)
def test_settings_with_which_nothing_can_be_pretrained_are_bad_usage(option, value, tmp_path):
    with pytest.raises(BadUsage, match=f"{option}={value}"):
        run(tmp_path / "mini", **{option: value})


def test_an_encoder_to_go_on_from_whose_configuration_is_damaged_is_refused_by_name(tmp_path):
    for name in (*module.MARKS, "config.json", "tokenizer.json", module.CURVE, module.RECORD):
        (tmp_path / name).write_text("{")
    with pytest.raises(BadData, match=r"config\.json: not JSON"):
        module.check_folders(tmp_path / "further", tmp_path, ARCHITECTURE)


def test_special_tokens_are_never_masked_and_about_the_share_is():
    generator = torch.Generator().manual_seed(0)
    row = torch.randint(5, 500, (40_000,))
    row[::100] = 2
    special = row == 2
    masked, places = mask_tokens(row, special, 500, 4, 0.15, generator)
    assert not special[places].any()
    assert 0.12 < len(places) / len(row) < 0.16
    changed = masked[places] != row[places]
    assert 0.87 < changed.float().mean() < 0.93
    untouched = torch.ones(len(row), dtype=torch.bool)
    untouched[places] = False
    assert torch.equal(masked[untouched], row[untouched])


def test_sequences_stay_within_a_document_and_lose_nothing():
    documents = [[list(range(10, 40)), list(range(40, 60))], [list(range(100, 250))]]
    sequences = sequences_of(documents, 62, 2, 3)
    assert all(len(s) <= 62 and s[0] == 2 and s[-1] == 3 for s in sequences)
    tokens = [int(t) for s in sequences for t in s[1:-1]]
    assert tokens == [t for d in documents for p in d for t in p]
    assert not any({10, 100} <= set(s.tolist()) for s in sequences)


def test_cooccurrence_puts_tokens_of_like_company_close_together():
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(400):  # 5 and 6 stand between the same neighbours, 7 elsewhere
        rows.append(np.array([10, rng.integers(5, 7), 11, 12, 7, 13]))
    vectors = cooccurrence_embeddings(rows, 20, 4)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[5] @ unit[6] > 0.95 > unit[5] @ unit[7]


def test_a_corpus_that_is_not_there_or_not_utf8_is_refused(tmp_path):
    with pytest.raises(BadData, match="no such file"):
        read_corpus(tmp_path / "none.txt")
    (tmp_path / "gbk.txt").write_bytes("县级以上".encode("gb18030"))
    with pytest.raises(BadData, match="not readable as UTF-8"):
        read_corpus(tmp_path / "gbk.txt")
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(("县级以上人民政府" * 50).encode())[:-9])
    with pytest.raises(BadData, match="not readable as UTF-8"):
        read_corpus(tmp_path / "cut.txt.gz")
