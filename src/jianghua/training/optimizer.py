"""What fine-tuning and pre-training share: the optimiser, whole checkpoints, and stops between two steps."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch


def adamw(parameters: Sequence[torch.nn.Parameter], weight_decay: float, **options) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019, §2) that decays matrices, but neither biases nor the scales of norms."""
    decayed = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, fused=True, **options)


def save_checkpoint(state: dict, path: Path) -> None:
    """Write `state` so that whoever kills the process meanwhile leaves the checkpoint before it."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


@contextmanager
def stopping_between_steps() -> Iterator[Callable[[], bool]]:
    """Hold SIGINT and SIGTERM back: what is given says whether one came, and it takes effect at the end.

    In the midst of a step some weights are of the step before, which no checkpoint may hold.
    """
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        held = {}
    for number in held:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
