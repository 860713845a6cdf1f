"""Batches by token budget, in random order, every paragraph once an epoch."""

import random
from collections.abc import Iterable, Iterator, Sequence


def token_batches(
    lengths: Sequence[int], order: Iterable[int], budget: int, most: int | None = None
) -> Iterator[list[int]]:
    """Indices in the given order, cut into batches of at most `budget` tokens and `most` paragraphs.

    A paragraph longer than the budget is a batch of its own.
    """
    batch, used = [], 0
    for index in order:
        if batch and (used + lengths[index] > budget or len(batch) == most):
            yield batch
            batch, used = [], 0
        batch.append(index)
        used += lengths[index]
    if batch:
        yield batch


def shuffled(count: int, seed: int, epoch: int) -> list[int]:
    """The order of epoch `epoch` under `seed`: the same on every machine."""
    order = list(range(count))
    random.Random(f"{seed}-{epoch}").shuffle(order)
    return order
