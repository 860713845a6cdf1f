"""Fine-tuning, top to bottom: random batches by token budget, nothing padded, best epoch kept.

Where an architecture has to pad, a batch holds paragraphs of nearly one length instead, in random order.

AdamW with linear warm-up and decay (Devlin et al. 2019, §A.3); validation macro-F1 decides when to
stop and which epoch is kept, the lower loss among equals; then the temperature is fitted on
validation and folded into the last layer, and for `functions` a threshold a function is chosen there.
Where the dataset says which sentence does what, a second head, thrown away afterwards, learns that from
the mean of a sentence's token states: the evidence teaches the encoder where to look. A small corpus is learnt by
heart through its words otherwise: so a share of the input tokens is left out while training (word dropout, Iyyer et al.
2015, §3.1), a share of the paragraphs is cut to runs of their sentences (`training.parts`), and some steps take their
batch a second time with the token embeddings moved along their gradient, where the loss is higher (FGM, Miyato et al.
2017, §3). The weights that are validated and kept are an exponential moving average of those trained.

The encoder trains on the device it is on (`models.device`). Order, tokens left out and the first weights are drawn on
the CPU in any case, dropout on the device; a checkpoint made on one device goes on on another.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import get_ema_multi_avg_fn

from jianghua.evaluation import macro_f1
from jianghua.evaluation.score import as_array, item_counts
from jianghua.models import Examples, decide
from jianghua.models.baselines import probabilities
from jianghua.models.batching import shuffled, token_batches
from jianghua.models.encoder import Encoder
from jianghua.schema import LABELS, BadData
from jianghua.training.adversarial import add_adversarial_pass
from jianghua.training.calibrate import calibrate
from jianghua.training.optimizer import adamw, save_checkpoint, stopping_between_steps
from jianghua.training.parts import Texts, in_parts
from jianghua.training.runs import best_epoch
from jianghua.training.shards import at_once, backward_in_shards, clip_gradients

LOSS_EVERY = 20  # steps between two looks at the loss on a GPU, which has to finish its work for each


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; conf/train gives each a why."""

    learning_rate: float
    epochs: int
    batch_tokens: int
    warmup_share: float
    weight_decay: float
    patience: int
    sentence_weight: float
    drop_share: float
    part_share: float
    joined_share: float
    average_share: float
    adversarial_step: float
    adversarial_every: int
    seed: int


class Shown(NamedTuple):
    """What a step shows of a text: which of its tokens, and what dropout multiplies its sentences' means with."""

    text: int
    kept: torch.Tensor
    noise: torch.Tensor | None


class Evidence:
    """The loss of telling the function of each sentence of the train split, where it is known."""

    def __init__(self, encoder: Encoder):
        self.head = torch.nn.Linear(encoder.model.config.hidden_size, len(LABELS) + 1).to(encoder.device)
        self.dropout = torch.nn.Dropout(0.1)
        self.texts: Texts | None = None

    def look_at(self, texts: Texts) -> None:
        """From now on it is these texts' sentences that are asked about."""
        self.texts, self.places = texts, texts.places
        # the end of an over-long paragraph is cut off, sentences and all
        self.read = [place[place >= 0].unique() for place in texts.places]
        none = len(LABELS)
        self.functions = [
            torch.tensor([none if s["function"] is None else s["function"] for s in spans], dtype=torch.long)[read]
            for spans, read in zip(texts.sentences, self.read, strict=True)
        ]

    def noise(self, i: int) -> torch.Tensor:
        """(sentences read, hidden) of text `i`: what dropout multiplies their means with, drawn on the CPU."""
        return self.dropout(torch.ones(len(self.read[i]), self.head.in_features))

    def loss(self, batch: Sequence[Shown], states: torch.Tensor) -> torch.Tensor:
        """Summed cross-entropy over the sentences of `batch`; `states` (tokens, hidden) of what is shown, in order."""
        places, sentences = [], 0
        for shown in batch:
            place, read = self.places[shown.text][shown.kept], self.read[shown.text]
            places.append(torch.where(place >= 0, torch.searchsorted(read, place) + sentences, -1))
            sentences += len(read)
        place, device = torch.cat(places), states.device
        inside = (place >= 0).nonzero()[:, 0]
        place = place[inside]
        tokens = torch.bincount(place, minlength=sentences).clamp(min=1)  # none, where all of a sentence is left out
        sums = states.new_zeros(sentences, states.shape[1])
        sums = sums.index_add(0, place.to(device), states[inside.to(device)])
        means = sums / tokens[:, None].to(device) * torch.cat([shown.noise for shown in batch]).to(device)
        functions = torch.cat([self.functions[shown.text] for shown in batch]).to(device)
        return functional.cross_entropy(self.head(means), functions, reduction="sum")


def _kept(tokens: int, share: float) -> torch.Tensor:
    """(tokens,) whether a token is shown: a random `share` is not; the first and the last, which are special, are."""
    kept = torch.ones(tokens, dtype=torch.bool)
    if share:
        kept[1:-1] = torch.rand(max(0, tokens - 2)) >= share
    return kept


def plan_epoch(lengths: list[int], recipe: Recipe, epoch: int, *, by_length: bool) -> list[list[int]]:
    """The batches of an epoch, by token budget: in random order, or (`by_length`) sorted and the batches shuffled."""
    order = shuffled(len(lengths), recipe.seed, epoch)
    if not by_length:
        return list(token_batches(lengths, order, recipe.batch_tokens))
    # sorting is stable: among paragraphs of one length chance decides which stand together
    batches = list(token_batches(lengths, sorted(order, key=lengths.__getitem__), recipe.batch_tokens))
    return [batches[i] for i in shuffled(len(batches), recipe.seed, epoch)]


def finetune(
    encoder: Encoder,
    train: Examples,
    validation: Examples,
    recipe: Recipe,
    checkpoint: Path,
    progress: Callable[[dict], None],
) -> list[dict]:
    """Train `encoder` in place; returns a row an epoch.

    `checkpoint`, written after each epoch and when a signal stops the script, lets a run go on where it was, to the
    same weights.
    """
    if not train.texts:
        raise BadData("the train split is empty")
    torch.manual_seed(recipe.seed)
    evidence = Evidence(encoder)
    spans = train.sentences or []
    places = encoder.sentence_of_tokens(train.texts, [[s["end"] for s in row] for row in spans]) if spans else []
    sequences, cut = encoder.encode(train.texts)
    if cut:
        progress(
            {"warning": f"{cut} train paragraphs are longer than {encoder.max_length} tokens and are not read whole"}
        )
    if not encoder.flat:
        kind = encoder.model.config.model_type
        progress({"warning": f"{kind} has no padding-free path: batches are sorted by length, and padded"})
    target = torch.tensor(train.target, dtype=torch.long if encoder.config == "primary" else torch.float32)
    whole = Texts(sequences, places, spans, target)
    draws = [random.Random(f"{recipe.seed}:{epoch}") for epoch in range(recipe.epochs)]
    drawn = [in_parts(whole, recipe.part_share, recipe.joined_share, encoder.max_length, rng) for rng in draws]
    task_loss = functional.cross_entropy if encoder.config == "primary" else functional.binary_cross_entropy_with_logits
    model, device = encoder.model, encoder.device
    trained = torch.nn.ModuleList([model, evidence.head])
    parameters = list(trained.parameters())
    optimizer = adamw(parameters, recipe.weight_decay, lr=recipe.learning_rate)
    lengths = [[len(sequence) for sequence in texts.sequences] for texts in drawn]
    plan = [plan_epoch(lengths[epoch], recipe, epoch, by_length=not encoder.flat) for epoch in range(recipe.epochs)]
    steps = sum(map(len, plan))
    warmup = max(1, round(recipe.warmup_share * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))
    )
    history: list[dict] = []
    best: dict | None = None
    total, begun = torch.zeros((), dtype=torch.float64, device=device), 0  # of the epoch: its loss, batches done
    window = recipe.average_share * steps
    average = [p.detach().clone() for p in parameters] if window > 1 else []
    blend = get_ema_multi_avg_fn(1 - 1 / max(1.0, window))
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        trained.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"])
        if device.type == "cuda" and "cuda_rng" in state:
            torch.cuda.set_rng_state(state["cuda_rng"], device)
        history, best = json.loads(state["history"]), state["best"]
        average = [value.to(device) for value in state["average"]]
        total, begun = state["total"].to(device), state["begun"]

    def save() -> None:
        state = {"model": trained.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
        state |= {"schedule": schedule.state_dict(), "history": json.dumps(history), "best": best}
        state |= {"average": average, "total": total, "begun": begun}
        if device.type == "cuda":
            state["cuda_rng"] = torch.cuda.get_rng_state(device)
        save_checkpoint(state, checkpoint)

    def batch_gradients(epoch: int, batch: list[int], backward: Callable) -> torch.Tensor:
        """Set the gradients of a batch; returns its mean loss."""
        texts = drawn[epoch]
        sentences = sum(len(evidence.read[i]) for i in batch) if recipe.sentence_weight and train.sentences else 0
        items = [
            Shown(i, _kept(lengths[epoch][i], recipe.drop_share), evidence.noise(i) if sentences else None)
            for i in batch
        ]

        def loss_of(part: list[Shown]) -> tuple[torch.Tensor, torch.Tensor]:
            logits, states = encoder.logits_and_states([texts.sequences[shown.text][shown.kept] for shown in part])
            target = texts.target[[shown.text for shown in part]]
            loss = task_loss(logits, target.to(device)) * len(part) / len(batch)
            if not sentences:
                return loss, loss
            return loss + recipe.sentence_weight * evidence.loss(part, states) / sentences, loss

        return backward(loss_of, items, [int(shown.kept.sum()) for shown in items])

    began, done = time.monotonic(), sum(map(len, plan[: len(history)])) + begun
    resumed = done
    shards = backward_in_shards(model, parameters) if encoder.flat else nullcontext(at_once)
    with stopping_between_steps() as stopped, shards as backward:
        for epoch in range(len(history), recipe.epochs):
            if history and len(history) - best_epoch(history)["epoch"] > recipe.patience:
                break
            model.train()
            if evidence.texts is not drawn[epoch]:
                evidence.look_at(drawn[epoch])
            for number, batch in enumerate(plan[epoch][begun:], begun):
                loss = batch_gradients(epoch, batch, backward)
                if recipe.adversarial_step and number % recipe.adversarial_every == 0:
                    again = partial(batch_gradients, epoch, batch, backward)  # others of its tokens are left out
                    weight = model.get_input_embeddings().weight
                    add_adversarial_pass(again, parameters, weight, recipe.adversarial_step)
                clip_gradients(parameters, 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
                if average:
                    blend(average, parameters, None)
                total += loss.double() * len(batch)
                # also at the first step after a stop: there is no earlier value to show
                if device.type == "cpu" or (number - begun) % LOSS_EVERY == 0 or batch is plan[epoch][-1]:
                    value = float(loss)
                    if not total.isfinite():  # nor would it be after any of the steps since the last look
                        raise BadData(f"the loss became {float(total)} in epoch {epoch + 1}; lower train.learning_rate")
                done += 1
                elapsed = time.monotonic() - began
                progress(
                    {
                        "epoch": epoch + 1,
                        "step": done,
                        "steps": steps,
                        "loss": value,
                        "tokens": sum(lengths[epoch][i] for i in batch),
                        "left": elapsed / (done - resumed) * (steps - done),
                    }
                )
                if stopped():
                    begun = number + 1
                    save()
                    raise KeyboardInterrupt
            with _averaged(parameters, average):
                score, loss = _validate(encoder, validation)
                history.append(
                    {"epoch": epoch + 1, "train_loss": float(total) / len(sequences), "loss": loss, "macro_f1": score}
                )
                if best_epoch(history) is history[-1]:
                    best = {name: value.to("cpu", copy=True) for name, value in model.state_dict().items()}
            progress(history[-1])
            total, begun = torch.zeros_like(total), 0
            save()
            if stopped():
                raise KeyboardInterrupt
    model.load_state_dict(best)
    calibrate(encoder, validation)
    return history


@contextmanager
@torch.no_grad()
def _averaged(parameters: Sequence[torch.nn.Parameter], average: Sequence[torch.Tensor]) -> Iterator[None]:
    """The parameters as they are on `average`, if there is one, and afterwards as they were."""
    if not average:
        yield
        return
    kept = [parameter.clone() for parameter in parameters]
    for parameter, value in zip(parameters, average, strict=True):
        parameter.copy_(value)
    yield
    for parameter, value in zip(parameters, kept, strict=True):
        parameter.copy_(value)


def _validate(encoder: Encoder, validation: Examples) -> tuple[float, float]:
    """Macro-F1 (for `functions` at thresholds of 0.5) and mean loss on validation."""
    logits = encoder.predict_logits(validation.texts)
    chosen = decide(probabilities(logits, encoder.config), encoder.config, [0.5] * len(LABELS))
    predicted = as_array(chosen, encoder.config)
    score = float(macro_f1(item_counts(validation.target, predicted).sum(0)))
    scores = torch.tensor(logits)
    if encoder.config == "primary":
        loss = functional.cross_entropy(scores, torch.tensor(validation.target))
    else:
        loss = functional.binary_cross_entropy_with_logits(scores, torch.tensor(validation.target, dtype=torch.float32))
    return (0.0 if np.isnan(score) else score), float(loss)
