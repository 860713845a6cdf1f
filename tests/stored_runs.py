"""A small data folder and made-up stored runs, as train.py would leave them, for tests of the published tables."""

import json
import shutil
from pathlib import Path

from tiny_build import tiny_build

from jianghua.dataset import load_build
from jianghua.dataset.build import index_rows
from jianghua.files import write_json, write_jsonl
from jianghua.schema import CONFIGS, Prediction
from jianghua.training.runs import write_predictions


def small_data(root: Path, data: Path) -> Path:
    """A data folder around the tiny build: its index, and the splits and manifests that training asks for."""
    build = tiny_build(root, data / "jianghua")
    write_jsonl(data / "index.jsonl", index_rows({name: load_build(build, name).rows for name in CONFIGS}))
    shutil.copyfile(root / "data/splits.jsonl", data / "splits.jsonl")
    shutil.copytree(root / "data/speeches", data / "speeches")
    return data


def answers(rows: dict[str, list[dict]], right: bool) -> list[Prediction]:
    """All validation and test paragraphs of `primary` answered rightly, or all wrongly."""
    found = []
    for split in ("validation", "test"):
        for row in rows[split]:
            label = row["label"] if right else (row["label"] + 1) % 4
            found.append(Prediction(row["id"], split, label, [float(i == label) for i in range(4)]))
    return found


def store(folder: Path, predictions: list[Prediction], fingerprint: str, seed: int, subset: dict | None = None) -> None:
    """A finished run folder `…/MODEL/sSEED` of the constructed build."""
    metadata = {"fingerprint": fingerprint, "build": "constructed", "subset": json.dumps(subset)}
    write_predictions(folder / "predictions.parquet", predictions, "primary", metadata)
    write_json(folder / "environment.json", {"model": folder.parent.name, "seed": seed, "seconds": 1.0, "threads": 1})
    write_json(folder / "metrics.json", {})
    for name in ("config.yaml", "DONE"):
        (folder / name).write_text("", "utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    """Path below `folder` → bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
