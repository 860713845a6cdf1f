"""The two ways to train that are compared: the project's `finetune`, and `transformers.Trainer`.

Both are timed from the end of their first step to the end of their last, and counted in real tokens (no padding)
a second, so that nothing but the steps is measured. Both read the same paragraphs and start from the same weights.
"""

import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from harness import ROOT, Job

PARAGRAPHS = 16  # a batch of Trainer; the flat batches hold about as many
MINI = ROOT / "data" / "pretrained" / "mini"
DATA = ROOT / "data" / "jianghua"
RECIPE = ROOT / "conf" / "train" / "default.yaml"


def recipe(**changes):
    """The shipped recipe as conf/train has it, with `changes`."""
    from omegaconf import OmegaConf

    from jianghua.training.finetune import Recipe

    return Recipe(**OmegaConf.to_container(OmegaConf.load(RECIPE)) | {"seed": 1} | changes)


def base_size(folder: Path) -> None:
    """A folder with the configuration of a 12 × 768 ModernBERT (84.95 M weights in its layers, as many as BERT base)
    and the bundled tokenizer, for weights drawn at random."""
    shape = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 2048}
    _copy_of_mini(folder, shape | {"layer_types": ["full_attention"] * 12}, weights=False)


def with_dropout(folder: Path, share: float = 0.1) -> Path:
    """A copy of the bundled encoder that drops `share` wherever it can: what fine-tuning BERT takes by default."""
    names = ("attention_dropout", "mlp_dropout", "embedding_dropout", "classifier_dropout")
    _copy_of_mini(folder, dict.fromkeys(names, share), weights=True)
    return folder


def _copy_of_mini(folder: Path, changes: dict, *, weights: bool) -> None:
    import json
    import shutil

    config = json.loads((MINI / "config.json").read_text(encoding="utf-8"))
    unknown = changes.keys() - config.keys()
    if unknown:
        raise SystemExit(f"{MINI}/config.json has no {sorted(unknown)}: it describes another architecture by now")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json", *(["model.safetensors"] if weights else [])):
        shutil.copy(MINI / name, folder)


def _start(path: Path, dropout: float):
    """The encoder at `path`, which must drop what the benchmark says it drops, in attention and everywhere else."""
    import torch

    from jianghua.models.encoder import Encoder

    encoder = Encoder.start(str(path), "primary", from_scratch=not (path / "model.safetensors").exists(), seed=1)
    found = {m.p for m in encoder.model.modules() if isinstance(m, torch.nn.Dropout)}
    found |= {m.attention_dropout for m in encoder.model.modules() if hasattr(m, "attention_dropout")}
    if found != {dropout}:
        raise SystemExit(f"{path}: its dropout shares are {sorted(found)}, not {dropout} everywhere")
    return encoder


def train_split():
    """The bundled train split as the project's `Examples`."""
    from jianghua.dataset import load_build
    from jianghua.training.run import examples

    return examples(load_build(DATA, "primary"), "train", "primary")


def _answer(model, loss: float, tokens: int, flops: float) -> dict:
    """Loss, and the gradients of three weights far apart, of the first paragraphs without dropout."""
    named = {n: p.grad for n, p in model.named_parameters() if p.grad is not None and p.ndim == 2}
    names = [n for n in named if "att" in n or "classifier" in n]
    kept = {n: named[n].numpy().copy() for n in (names[0], names[len(names) // 2], names[-1])}
    model.zero_grad()
    return {"loss": loss, "gradients": kept, "tokens": tokens, "flops": flops}


def flops_a_token(model, lengths: list[int]) -> float:
    """Forward floating-point operations a real token: linear layers, and attention's two products."""
    import torch

    modules = model.base_model.named_modules()  # the pooler sees one state a paragraph
    linear = sum(2 * m.weight.numel() for n, m in modules if isinstance(m, torch.nn.Linear) and "pooler" not in n)
    squares = sum(n * n for n in lengths) / sum(lengths)
    return linear + model.config.num_hidden_layers * 4 * model.config.hidden_size * squares


def flat_whole(path: Path, steps: int) -> Job:
    """`flat` with all threads on one batch, in place of a shard each."""
    from contextlib import nullcontext

    from jianghua.training import finetune

    finetune.backward_in_shards = lambda *of: nullcontext(finetune.at_once)
    return flat(path, steps)


def flat(path: Path, steps: int, evidence: bool = False, one_batch: bool = False) -> Job:
    """`jianghua.training.finetune`, with the shipped batches; `one_batch`: the same 16 paragraphs in every step."""
    import torch
    from torch.nn import functional

    from jianghua.models import Examples
    from jianghua.training import finetune as module
    from jianghua.training.finetune import finetune

    train = train_split()
    encoder = _start(path, 0.0)
    sequences, _ = encoder.encode(train.texts)
    lengths = [len(s) for s in sequences]
    rounds = iter(range(10**6))
    settings = recipe() if evidence else recipe(sentence_weight=0.0, drop_share=0.0, adversarial_step=0.0)

    def part(indices) -> Examples:
        sentences = [train.sentences[i] for i in indices] if evidence else None
        return Examples([train.texts[i] for i in indices], train.target[indices], sentences)

    def answer():
        """Through the shards that are timed."""
        model, target = encoder.model.eval(), torch.tensor(train.target[:PARAGRAPHS])

        def loss_of(items):
            rows = [i for i, _ in items]
            logits = encoder.logits([sequence for _, sequence in items])
            loss = functional.cross_entropy(logits, target[rows]) * len(rows) / PARAGRAPHS
            return loss, loss

        with module.backward_in_shards(model, list(model.parameters())) as backward:
            first = list(enumerate(sequences[:PARAGRAPHS]))
            loss = float(backward(loss_of, first, lengths[:PARAGRAPHS]))
        return _answer(model, loss, sum(lengths[:PARAGRAPHS]), flops_a_token(model, lengths))

    def round() -> float:
        number = next(rounds)
        if one_batch:
            chosen, epochs, budget = list(range(PARAGRAPHS)), steps, 10**6
        else:
            mean = sum(lengths) / len(lengths)
            count = min(len(lengths), int((steps + 1) * settings.batch_tokens / mean))
            chosen, epochs, budget = random.Random(number).sample(range(len(lengths)), count), 1, settings.batch_tokens
        changed = replace(
            settings,
            part_share=0.0 if one_batch else settings.part_share,  # the same batch, as whole as the other side's
            epochs=epochs,
            batch_tokens=budget,
            patience=steps,
            seed=number,
        )
        times, tokens = [], []

        def progress(row: dict) -> None:
            if "step" in row:
                times.append(time.perf_counter())
                tokens.append(row["tokens"])

        with tempfile.TemporaryDirectory() as folder:
            finetune(encoder, part(chosen), part(chosen[:8]), changed, Path(folder) / "checkpoint", progress)
        if one_batch:  # between two steps an epoch's validation stands; only memory is asked for
            return 0.0
        return sum(tokens[1:]) / (times[-1] - times[0])

    return Job(answer, round)


def trainer(path: Path, steps: int, pad: str, dropout: float = 0.0, one_batch: bool = False) -> Job:
    """`transformers.Trainer`: `pad` is "512" (max_length), "longest" (dynamic), or "grouped" (by length, dynamic).

    The batches are drawn from an epoch of Trainer's own sampler, since that by length starts with the longest.
    """
    import torch
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_pt_utils import LengthGroupedSampler

    train = train_split()
    started = _start(path, dropout)
    model, tokenizer = started.model, started.tokenizer
    model.set_attn_implementation("sdpa")
    limit = started.max_length
    more = {"padding": "max_length"} if pad == "512" else {}
    encoded = tokenizer(train.texts, truncation=True, max_length=limit, **more)
    rows = [{key: encoded[key][i] for key in encoded} | {"labels": int(label)} for i, label in enumerate(train.target)]
    lengths = [sum(row["attention_mask"]) for row in rows]
    rounds = iter(range(10**6))
    collate = DataCollatorWithPadding(tokenizer)

    def answer():
        model.eval()
        batch = collate(rows[:PARAGRAPHS])
        loss = model(**batch).loss
        loss.backward()
        return _answer(model, float(loss.detach()), sum(lengths[:PARAGRAPHS]), flops_a_token(model, lengths))

    def chosen(number: int) -> list[int]:
        if one_batch:
            return list(range(PARAGRAPHS)) * steps
        if pad == "grouped":
            generator = torch.Generator().manual_seed(number)
            order = list(LengthGroupedSampler(PARAGRAPHS, lengths=lengths, generator=generator))
        else:
            order = random.Random(number).sample(range(len(rows)), len(rows))
        batches = [order[i : i + PARAGRAPHS] for i in range(0, len(order) - PARAGRAPHS + 1, PARAGRAPHS)]
        drawn = random.Random(number).sample(batches, min(steps + 1, len(batches)))
        return [i for batch in drawn for i in batch]

    def round() -> float:
        number = next(rounds)
        indices, times = chosen(number), []

        class Clock(TrainerCallback):
            def on_step_end(self, *args, **kwargs):
                times.append(time.perf_counter())

        with tempfile.TemporaryDirectory() as folder:
            settings = TrainingArguments(
                folder,
                per_device_train_batch_size=PARAGRAPHS,
                num_train_epochs=1,
                train_sampling_strategy="sequential",  # the order is drawn above
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
                seed=number,
            )
            rows_in_order = [rows[i] for i in indices]
            work = Trainer(model, settings, data_collator=collate, train_dataset=rows_in_order, callbacks=[Clock()])
            work.remove_callback(PrinterCallback)
            work.train()
        return sum(lengths[i] for i in indices[PARAGRAPHS:]) / (times[-1] - times[0])

    return Job(answer, round)


def matmul(seconds: float = 0.3) -> Job:
    """The machine's own matrix-multiply speed in GFLOP/s, fp32: the best of several shapes, each kept up for `seconds`.

    One call alone can meet a quiet moment that no longer work meets, so single calls are no measure.
    """
    import torch

    shapes = [(2048, 256, 1024), (2048, 1024, 1024), (4096, 256, 256), (2048, 768, 3072), (1024, 1024, 1024)]
    pairs = [(torch.randn(n, k), torch.randn(k, m)) for n, k, m in shapes]

    def speed(a, b) -> float:
        began, calls = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            torch.mm(a, b)
            calls += 1
        return 2 * calls * a.shape[0] * a.shape[1] * b.shape[1] / (time.perf_counter() - began) / 1e9

    return Job(lambda: None, lambda: max(speed(a, b) for a, b in pairs))
