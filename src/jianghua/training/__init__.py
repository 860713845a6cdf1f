"""Training: `finetune`, `pretrain`, `shards` (these import torch when they are imported), and run folders."""

from jianghua.training.runs import (
    environment,
    find_default_model,
    finished,
    read_json,
    read_predictions,
    read_run,
    run_hash,
    write_predictions,
)

__all__ = [
    "environment",
    "find_default_model",
    "finished",
    "read_json",
    "read_predictions",
    "read_run",
    "run_hash",
    "write_predictions",
]
