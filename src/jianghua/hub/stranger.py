"""A stranger's look at a published repository: `python -m jianghua.hub.stranger`, the order as JSON on standard input.

Run by `publish.look_from_outside` in a process of its own, so that the cache is fresh and nothing is known yet.
"""

import json
import sys
from pathlib import Path

from jianghua.files import file_sha256
from jianghua.hub.connection import connect, hub_errors
from jianghua.schema import LABELS, BadData


def look(order: dict) -> list[str]:
    """Download, compare hashes, load; a line for each step."""
    connection = connect(order["time_limit"])
    at = {"repo_id": order["repo_id"], "revision": order["revision"]}
    with hub_errors("downloading", connection):
        folder = Path(connection.api.snapshot_download(**at, repo_type=order["kind"]))
    for name, wanted in order["hashes"].items():
        if not (folder / name).is_file():
            raise BadData(f"{name} is missing")
        if file_sha256(folder / name) != wanted:
            raise BadData(f"{name} came back with other content than was sent")
    lines = [f"{len(order['hashes'])} files downloaded, hashes equal"]
    for what, *arguments in order["loads"]:
        with hub_errors("loading", connection):
            lines.append({"dataset": _dataset, "model": _model, "metric": _metric}[what](at, *arguments))
    return lines


def _dataset(at: dict, config: str) -> str:
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    loaded = load_dataset(at["repo_id"], config, revision=at["revision"])
    rows = ", ".join(f"{split} {part.num_rows}" for split, part in loaded.items())
    return f"load_dataset {config}: {rows}"


def _model(at: dict) -> str:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(at["repo_id"], revision=at["revision"])
    model = AutoModelForSequenceClassification.from_pretrained(at["repo_id"], revision=at["revision"])
    names = tuple(name for _, name in sorted(model.config.id2label.items()))
    if names != LABELS:
        raise BadData(f"its labels are {names}, not {LABELS}")
    shape = tuple(model(**tokenizer("同志们，大家辛苦了。", return_tensors="pt")).logits.shape)
    return f"from_pretrained: {sum(p.numel() for p in model.parameters()):,} parameters, answers of shape {shape}"


def _metric(at: dict, config: str) -> str:
    import evaluate

    metric = evaluate.load(at["repo_id"], config, revision=at["revision"])
    said = [0, 1, 2, 3] if config == "primary" else [[0], [1, 2], [3], []]
    scores = metric.compute(predictions=said, references=said, doc_ids=["a", "a", "b", "b"])
    if scores["macro_f1"]["value"] != 1:
        raise BadData(f"its macro-F1 of a perfect answer is {scores['macro_f1']['value']}")
    return f"evaluate.load {config}: macro-F1 of a perfect answer 1"


if __name__ == "__main__":
    try:
        print("\n".join(look(json.load(sys.stdin))))
    except BadData as error:
        sys.exit(str(error))
