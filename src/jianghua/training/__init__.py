"""Training: `finetune`, `pretrain`, `shards` (these import torch when they are imported), and run folders."""

from jianghua.training.runs import (
    environment,
    finished,
    model_folder,
    read_predictions,
    read_run,
    run_hash,
    write_predictions,
)

__all__ = [
    "environment",
    "finished",
    "model_folder",
    "read_predictions",
    "read_run",
    "run_hash",
    "write_predictions",
]
