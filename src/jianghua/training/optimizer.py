"""What fine-tuning and pre-training share: the optimiser, and a checkpoint that is whole or not there."""

from collections.abc import Sequence
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
