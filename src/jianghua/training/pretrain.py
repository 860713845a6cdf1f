"""Pre-training of the small BERT: masked language modelling over spans of tokens, nothing padded.

Sequences are runs of consecutive paragraphs of one document, so that each stays within its text;
a batch is one flat row of them (see `models.flat`); the vocabulary-sized output is computed at the
masked places only. Masking follows BERT (Devlin et al. 2019, §3.1: of the chosen tokens 80 % become
`[MASK]`, 10 % a random token, 10 % stay) with the choice made by spans of 1–4 tokens, as MacBERT
does (Cui et al. 2020, §3.2). Beside it the mean of a sequence's states, which is what a classifier
reads, names the set of tokens of its sequence: masked language modelling alone does not teach a
summary. Token embeddings start from co-occurrence counts.

The network is ModernBERT's (Warner et al. 2024, §2.1: pre-normalisation, rotary positions, gated
feed-forward, no biases) with global attention in every layer: plain transformers load it, and its
sequence classifier reads the mean of all states where BERT's reads one of them.
"""

import gzip
import hashlib
import json
import math
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import torch
from omegaconf import OmegaConf
from transformers import ModernBertConfig, ModernBertForMaskedLM

from jianghua.files import (
    check_replaceable,
    file_sha256,
    folder_atomic,
    read_json,
    read_jsonl,
    write_atomic,
    write_json,
    write_jsonl,
)
from jianghua.models import flat
from jianghua.models.device import choose_device, forward_precision
from jianghua.models.quiet import quiet_transformers
from jianghua.models.tokenizer import save_bert_tokenizer, train_vocabulary
from jianghua.schema import BadData, BadUsage, check_number
from jianghua.training.cooccurrence import cooccurrence_embeddings
from jianghua.training.optimizer import adamw, save_checkpoint, stopping_between_steps
from jianghua.training.shards import backward_in_shards, clip_gradients

SPAN_WEIGHTS = (0.4, 0.3, 0.2, 0.1)  # lengths 1, 2, 3, 4
SHORTEST = 16  # tokens of a sequence between [CLS] and [SEP]; less is no context
CURVE, RECORD = "loss_curve.jsonl", "pretraining.yaml"
MARKS = ("model.safetensors",)  # by which a folder is known as an encoder's
SHARDS = 2  # of a batch; each reads the whole output layer, whatever its size


def read_corpus(path: Path) -> list[list[str]]:
    """Documents of a text file (plain or .gz): a paragraph a line, a blank line between documents."""
    if not path.is_file():
        raise BadData(f"{path}: no such file")
    opener = gzip.open if path.suffix == ".gz" else open
    documents: list[list[str]] = [[]]
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    documents[-1].append(line.strip())
                elif documents[-1]:
                    documents.append([])
    except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        raise BadData(f"{path}: not readable as UTF-8 text ({error})") from None
    return [document for document in documents if document]


def vocabulary_for(output: Path, texts: Sequence[str], size: int, start: Path | None = None):
    """The tokenizer of the run that writes `output`: that of `start`, or trained once and kept beside its checkpoint.

    The library orders equally frequent entries anew each time, so an interrupted run must go on with
    the vocabulary it began with; other texts or another size make another one.
    """
    from tokenizers import Tokenizer

    if start:
        return Tokenizer.from_file(str(start / "tokenizer.json"))
    digest = hashlib.sha256(str(size).encode())
    for text in texts:
        digest.update(b"\n" + text.encode())
    kept = output.with_name(f"{output.name}.vocabulary-{digest.hexdigest()[:8]}.json")
    if not kept.exists():
        write_atomic(kept, train_vocabulary(texts, size).to_str())
    return Tokenizer.from_file(str(kept))


def sequences_of(documents: Iterable[list[list[int]]], length: int, cls: int, sep: int) -> list[torch.Tensor]:
    """Token sequences of at most `length`: consecutive paragraphs of one document joined, over-long ones cut."""
    room = length - 2
    sequences = []
    for paragraphs in documents:
        current: list[int] = []
        for paragraph in paragraphs:
            while paragraph:
                if current and len(current) + len(paragraph) > room:
                    sequences.append(current)
                    current = []
                current = current + paragraph[:room]
                paragraph = paragraph[room:]
        if current:
            sequences.append(current)
    return [torch.tensor([cls, *sequence, sep]) for sequence in sequences if len(sequence) >= SHORTEST]


def mask_tokens(
    row: torch.Tensor, special: torch.Tensor, vocabulary: int, mask_id: int, share: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """`row` (tokens,) with about `share` of its non-special tokens masked by spans, and the masked places."""
    weights = torch.tensor(SPAN_WEIGHTS)
    mean = float((weights * torch.arange(1, 5)).sum())
    starts = (torch.rand(len(row), generator=generator) < share / mean).nonzero()[:, 0]
    spans = torch.multinomial(weights, max(len(starts), 1), replacement=True, generator=generator)[: len(starts)] + 1
    chosen = torch.zeros(len(row), dtype=torch.bool)
    for offset in range(4):
        places = starts[spans > offset] + offset
        chosen[places[places < len(row)]] = True
    places = (chosen & ~special).nonzero()[:, 0]
    fate = torch.rand(len(places), generator=generator)
    masked = row.clone()
    masked[places[fate < 0.8]] = mask_id
    swapped = places[fate >= 0.9]
    masked[swapped] = torch.randint(5, vocabulary, (len(swapped),), generator=generator)
    return masked, places


class TokenSet(torch.nn.Module):
    """From a sequence's summary to logits over the vocabulary, through the token embeddings."""

    def __init__(self, hidden: int, vocabulary: int):
        super().__init__()
        self.dense = torch.nn.Linear(hidden, hidden)
        self.bias = torch.nn.Parameter(torch.zeros(vocabulary))

    def forward(self, pooled: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(self.dense(pooled), embeddings, self.bias)


def pretraining_losses(
    model: ModernBertForMaskedLM,
    head: TokenSet,
    sequences: Sequence[torch.Tensor],
    masked: Sequence[torch.Tensor],
    chosen: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Summed cross-entropy at the `chosen` places, and of each sequence's mean state with the set of its tokens.

    `masked` are the `sequences` as the model sees them, whose own tokens are the answers to both; the second target
    spreads evenly over the distinct tokens between `[CLS]` and `[SEP]`. All are on the CPU, the losses on the model's
    device.
    """
    device = model.device
    lengths = [len(sequence) for sequence in sequences]
    states, _ = flat.token_states(model, list(masked))
    places = torch.cat(list(chosen)).nonzero()[:, 0]
    logits = model.decoder(model.head(states[places.to(device)]))
    answers = torch.cat(list(sequences))[places].to(device)
    guessed = torch.nn.functional.cross_entropy(logits, answers, reduction="sum")
    means = torch.stack([piece.mean(0) for piece in states[: sum(lengths)].split(lengths)])
    logs = head(model.head(means), model.decoder.weight).log_softmax(1)
    inside = [sequence[1:-1].unique() for sequence in sequences]
    counts = torch.tensor([len(tokens) for tokens in inside])
    owner = torch.arange(len(inside)).repeat_interleave(counts)
    found = logs[owner.to(device), torch.cat(inside).to(device)]
    return guessed, -(found / counts[owner].to(device)).sum()


def batch_gradients(
    model: ModernBertForMaskedLM,
    head: TokenSet,
    batch: Sequence[torch.Tensor],
    masked: torch.Tensor,
    places: torch.Tensor,
    set_weight: float,
    backward: Callable,
) -> torch.Tensor:
    """Set the gradients of a batch, `masked` at `places` of its row of tokens; returns its two mean losses (2,)."""
    lengths = [len(sequence) for sequence in batch]
    chosen = torch.zeros(len(masked), dtype=torch.bool)
    chosen[places] = True
    shares = torch.tensor([1 / max(1, len(places)), 1 / len(batch)], device=model.device)

    def loss_of(part: list[tuple]) -> tuple[torch.Tensor, torch.Tensor]:
        with forward_precision(model.device):
            losses = torch.stack(pretraining_losses(model, head, *zip(*part, strict=True))) * shares
        return losses[0] + set_weight * losses[1], losses

    items = list(zip(batch, masked.split(lengths), chosen.split(lengths), strict=True))
    return backward(loss_of, items, lengths)


def mixed_order(sources: dict[str, list], weights: dict[str, float], rng: random.Random) -> Iterator[torch.Tensor]:
    """Sequences without end: a source by its weight in tokens, within it every sequence once a round."""
    mean = {name: sum(map(len, items)) / len(items) for name, items in sources.items()}
    names = list(sources)
    chances = [weights[name] / mean[name] for name in names]
    queues: dict[str, list] = {name: [] for name in names}
    while True:
        name = rng.choices(names, chances)[0]
        if not queues[name]:
            queues[name] = rng.sample(sources[name], len(sources[name]))
        yield queues[name].pop()


def _identity(settings: list, sources: dict[str, list[torch.Tensor]]) -> str:
    """What a checkpoint must agree in to be gone on from: the settings and every token of the texts."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(sources):
        digest.update(name.encode())
        for sequence in sources[name]:
            digest.update(sequence.numpy().tobytes())
    return digest.hexdigest()


def check_folders(output: Path, start: Path | None, architecture: dict) -> dict | None:
    """The record of the encoder to go on from; none without one.

    Refused before the long work: an `output` that holds other files, a `start` that scripts/pretrain.py did not
    write, and one of another architecture.
    """
    check_replaceable(output, MARKS)
    if not start:
        return None
    for name in (*MARKS, "config.json", "tokenizer.json", CURVE, RECORD):
        if not (start / name).is_file():
            raise BadData(f"{start}: no {name}; start= takes a folder that pretrain.py wrote")
    found = read_json(start / "config.json")
    if differ := [name for name, value in architecture.items() if found.get(name) != value]:
        raise BadUsage(f"start={start}: its {differ[0]} is {found.get(differ[0])}; give architecture.{differ[0]}= that")
    return OmegaConf.to_container(OmegaConf.load(start / RECORD))


def learning_rate_at(step: int, steps: int, warmup: int, peak: float) -> float:
    """Linear warm-up, then linear decay to a twentieth of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 - 0.95 * (step - warmup) / max(1, steps - warmup))


def network(tokenizer, architecture: dict) -> ModernBertConfig:
    """The configuration: `architecture` and the tokenizer's own ids; classifiers read the mean of all states."""
    ids = {name: tokenizer.token_to_id(f"[{name.upper()}]") for name in ("pad", "cls", "sep")}
    return ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        pad_token_id=ids["pad"],
        cls_token_id=ids["cls"],
        bos_token_id=ids["cls"],
        sep_token_id=ids["sep"],
        eos_token_id=ids["sep"],
        layer_types=["full_attention"] * architecture["num_hidden_layers"],
        classifier_pooling="mean",
        **architecture,
    )


def pretrain(
    sources: dict[str, list[torch.Tensor]],
    tokenizer,
    output: Path,
    *,
    architecture: dict,
    weights: dict[str, float],
    steps: int,
    batch_tokens: int,
    learning_rate: float,
    warmup: int,
    weight_decay: float,
    mask_share: float,
    set_weight: float,
    seed: int,
    checkpoint_minutes: float,
    progress: Callable[[dict], None],
    device: str = "cpu",
    start: Path | None = None,
) -> list[dict]:
    """Train and write `output` (a plain `from_pretrained` folder, fp16 weights); returns the loss curve.

    `sources` are token sequences by name, `weights` their shares of the tokens seen. A checkpoint
    beside `output`, written every `checkpoint_minutes` and when a signal stops the script, lets an interrupted run go
    on where it was, with the same batches. `device`: see `choose_device`;
    weights, batches and masks are drawn on the CPU in any case. `start` is an encoder's folder to go on from, whose
    architecture and vocabulary these must be; the curve goes on from its own.
    """
    where = choose_device(device)
    if missing := set(sources) ^ set(weights):
        raise BadData(f"text sources and weights differ: {', '.join(sorted(missing))}")
    if empty := [name for name, sequences in sources.items() if not sequences]:
        raise BadData(f"{empty[0]}: no text of {SHORTEST} tokens or more")
    check_number("steps", steps, 1, whole=True)
    check_number("batch_tokens", batch_tokens, 1, whole=True)
    check_number("learning_rate", learning_rate, 0, above=True)
    if not 0 < mask_share < 1:
        raise BadUsage(f"mask_share={mask_share}: mask_share= takes a share between 0 and 1")
    settings = [architecture, weights, steps, batch_tokens, learning_rate, warmup, weight_decay, mask_share, set_weight]
    origin = start and file_sha256(start / "model.safetensors")
    identity = _identity([*settings, seed, tokenizer.to_str(), origin], sources)
    torch.manual_seed(seed)
    vocabulary = tokenizer.get_vocab_size()
    model = ModernBertForMaskedLM(network(tokenizer, architecture))
    config = model.config
    head = TokenSet(config.hidden_size, vocabulary)
    earlier: list[dict] = []
    if start:
        model = ModernBertForMaskedLM.from_pretrained(start, config=config, dtype=torch.float32)
        earlier = read_jsonl(start / CURVE)
    else:
        embedded = cooccurrence_embeddings(
            (s.numpy() for name in sources for s in sources[name]), vocabulary, config.hidden_size, seed=seed
        )
        with torch.no_grad():
            embeddings = model.model.embeddings.tok_embeddings.weight
            embeddings.copy_(torch.from_numpy(embedded))
            embeddings[config.pad_token_id] = 0
    flat.use_flat(model)
    model.train()
    trained = torch.nn.ModuleList([model, head]).to(where)
    parameters = list(trained.parameters())
    optimizer = adamw(parameters, weight_decay, betas=(0.9, 0.98), eps=1e-6)
    generator = torch.Generator().manual_seed(seed)
    stream = mixed_order(sources, weights, random.Random(seed))
    mask_id = tokenizer.token_to_id("[MASK]")
    special_ids = torch.tensor([tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]")])
    pending = next(stream)
    curve: list[dict] = []
    first_step, spent, spent_cpu = 0, 0.0, 0.0
    checkpoint = output.with_name(output.name + ".checkpoint.pt")
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        if state["identity"] != identity:
            raise BadData(f"{checkpoint}: from another configuration; remove it to start anew")
        trained.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first_step, curve = state["step"], json.loads(state["curve"])
        spent, spent_cpu = state["seconds"], state["cpu_seconds"]
    began, began_cpu = time.monotonic(), time.process_time()
    saved = began
    losses, tokens, tick = [], 0, began
    with stopping_between_steps() as stopped, backward_in_shards(model, parameters, SHARDS) as backward:
        for step in range(steps):
            batch, used = [pending], len(pending)
            while used + len(pending := next(stream)) <= batch_tokens:
                batch.append(pending)
                used += len(pending)
            row = torch.cat(batch)
            masked, places = mask_tokens(row, torch.isin(row, special_ids), vocabulary, mask_id, mask_share, generator)
            if step < first_step:  # replayed only for the random streams
                continue
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, steps, warmup, learning_rate)
            shown_losses = batch_gradients(model, head, batch, masked, places, set_weight, backward)
            clip_gradients(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(shown_losses)
            tokens += used
            shown = (step + 1) % 50 == 0 or step + 1 == steps
            stop = stopped()  # asked once: what comes later waits for the next step
            keep = stop or time.monotonic() - saved > checkpoint_minutes * 60
            if shown or keep or where.type == "cpu":  # not at every step: a GPU must finish its work to tell
                both = torch.stack(losses).sum(0).tolist()
                if not math.isfinite(sum(both)):
                    raise BadData(f"loss is {sum(both)} at step {step}: lower learning_rate")
            now = time.monotonic()
            times = {"seconds": spent + now - began, "cpu_seconds": spent_cpu + time.process_time() - began_cpu}
            if shown:
                columns = torch.stack(losses).T.tolist()
                masked_mean, set_mean = (round(sum(column) / len(column), 4) for column in columns)
                point = {"step": step + 1, "loss": masked_mean, "set_loss": set_mean}
                point |= {"tokens_per_second": round(tokens / (now - tick))}
                point |= {name: round(value) for name, value in times.items()}
                curve.append(point)
                progress(point | {"left": (steps - step - 1) * (now - began) / (step + 1 - first_step)})
                losses, tokens, tick = [], 0, now
            if keep:
                saved = now
                state = {"model": trained.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
                state |= {"identity": identity, "curve": json.dumps(curve)} | times
                save_checkpoint(state, checkpoint)
            if stop:
                raise KeyboardInterrupt
    save_pretrained(model, tokenizer, output, whole_curve(earlier, curve))
    checkpoint.unlink(missing_ok=True)
    for kept in output.parent.glob(f"{output.name}.vocabulary-*.json"):
        kept.unlink()
    return curve


def whole_curve(earlier: list[dict], later: list[dict]) -> list[dict]:
    """The rows of two stages; in the later ones steps and seconds go on from those of the earlier stage.

    CPU seconds are left out where one of the stages did not record them: their sum is not known.
    """
    if not earlier:
        return later
    before = earlier[-1]
    counted = [name for name in ("step", "seconds", "cpu_seconds") if all(name in row for row in (before, *later))]
    rows = [row | {name: row[name] + before[name] for name in counted} for row in later]
    return [*earlier, *({key: row[key] for key in row if key != "cpu_seconds" or key in counted} for row in rows)]


def save_pretrained(model: ModernBertForMaskedLM, tokenizer, output: Path, curve: list[dict]) -> None:
    """Write the encoder as fp16 safetensors; `"dtype": "float32"` makes transformers 5 load it as fp32."""
    quiet_transformers()
    with folder_atomic(output, MARKS) as folder:
        model.set_attn_implementation("sdpa")
        model.cpu().half().save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)
        config = read_json(folder / "config.json") | {"dtype": "float32"}
        write_json(folder / "config.json", config, indent=2)
        save_bert_tokenizer(tokenizer, str(folder), config["max_position_embeddings"])
        write_jsonl(folder / CURVE, curve)
