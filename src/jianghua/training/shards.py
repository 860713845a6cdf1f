"""A training step in shards: a batch is cut into a few, and each goes forward and backward on one thread.

Threads that share an operation wait for each other after it; with a shard each they wait once a step, and another
process that takes a core costs its share rather than the whole. The cut depends on token counts only, and gradients
are added in the order of the shards, so the trained weights are the same to the bit at any number of threads.

A batch is taken as a whole, with all threads on each operation, where shards do not pay or do not repeat themselves: on
a GPU; by a model with dropout, which draws from PyTorch's one stream of random numbers, so that it would matter which
shard comes first; and by a large model, whose operations keep the threads busy and whose gradients, one set a shard,
would fill the memory.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from jianghua.models.device import one_thread_each, thread_count

SHARDS = 4  # of a batch, or more where one would have over SHARD_TOKENS; smaller ones lose more than they win
SHARD_TOKENS = 1024
LARGE = 50_000_000  # weights beside the embeddings


def drops(model: torch.nn.Module) -> bool:
    """Whether `model` has dropout anywhere: in a layer, or in attention, which only its configuration tells."""
    layers = any(isinstance(module, torch.nn.Dropout) and module.p for module in model.modules())
    return layers or any("dropout" in name and value for name, value in model.config.to_dict().items())


def cut(lengths: Sequence[int], shards: int) -> list[list[int]]:
    """Items of `lengths` tokens, in their order, in about even shards; none is empty."""
    total = sum(lengths)
    wanted = max(shards, -(-total // SHARD_TOKENS))
    found: dict[int, list[int]] = {}
    before = 0
    for i, length in enumerate(lengths):
        found.setdefault((2 * before + length) * wanted // (2 * total), []).append(i)  # by the item's middle
        before += length
    return list(found.values())


@contextmanager
def backward_in_shards(
    model: torch.nn.Module, parameters: Sequence[torch.nn.Parameter], shards: int = SHARDS
) -> Iterator[Callable]:
    """Gives `backward(loss_of, items, lengths)`, which sets the parameters' gradients.

    `loss_of(items)` answers for some of a batch's items, whose token counts are `lengths`, with (loss to train on,
    losses to show), both to be added up over the batch; `backward` gives back the sum of what is shown.
    """
    embeddings = model.get_input_embeddings()
    large = sum(p.numel() for p in parameters) - embeddings.weight.numel() > LARGE
    if model.device.type != "cpu" or large or drops(model):
        yield at_once
        return

    def gradients(loss_of: Callable, shard: list) -> tuple:
        loss, shown = loss_of(shard)
        return shown.detach(), torch.autograd.grad(loss, parameters, allow_unused=True)

    def backward(loss_of: Callable, items: Sequence, lengths: Sequence[int]) -> torch.Tensor:
        parts = [[items[i] for i in part] for part in cut(lengths, shards)]
        answers = each(lambda shard: gradients(loss_of, shard), parts)
        total, sums = next(answers)
        sums = list(sums)
        for shown, found in answers:
            total = total + shown
            sums = [_added(one, other) for one, other in zip(sums, found, strict=True)]
        for parameter, value in zip(parameters, sums, strict=True):
            parameter.grad = value.to_dense() if value is not None and value.is_sparse else value
        return total

    # a shard meets a few hundred rows of the embeddings: their gradient is kept as those rows
    embeddings.sparse = True
    try:
        with one_thread_each() as each:
            yield backward
    finally:
        embeddings.sparse = False


def at_once(loss_of: Callable, items: Sequence, lengths: Sequence[int]) -> torch.Tensor:
    loss, shown = loss_of(items)
    loss.backward()
    return shown.detach()


def _added(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other if one.is_sparse else one.add_(other)


def clip_gradients(parameters: Sequence[torch.nn.Parameter], most: float) -> None:
    """Scale the gradients down to a joint norm of `most`; on one thread, since a sum's bits depend on their number."""
    with thread_count(1):
        torch.nn.utils.clip_grad_norm_(parameters, most)
