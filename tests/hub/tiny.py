"""A small benchmark and a small encoder, made from what the tree holds: enough to publish and to come back with."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from jianghua.dataset import build, index_rows, read_splits, write_build
from jianghua.files import read_jsonl, write_atomic, write_jsonl

DOCUMENTS = {"train": 24, "validation": 4, "test": 4}
PLAIN = ("GUIDELINES.md", "CHANGELOG.md", "LICENSE", "set_phrases.txt")


def chosen_documents(data: Path, source: str, counts: dict[str, int]) -> list[dict]:
    """Manifest rows of the first so many documents of each split that were voted on."""
    splits = read_splits(data)
    voted = {row["id"].rpartition("-")[0] for row in read_jsonl(data / "annotations" / "alone.jsonl")}
    left, chosen = dict(counts), []
    manifest = read_jsonl(data / "speeches" / source / "manifest.jsonl")
    # of the public ones early reports for training and late ones for testing, as `by_year` wants them
    late = [row for row in manifest if splits.get(row["doc_id"]) == "test"][::-1]
    early = [row for row in manifest if splits.get(row["doc_id"]) != "test"]
    for row in early + late:
        split = splits.get(row["doc_id"])
        if row["doc_id"] in voted and left.get(split, 0) > 0:
            left[split] -= 1
            chosen.append(row)
    return chosen


def small_benchmark(data: Path, target: Path, public: Path | None = None, documents=DOCUMENTS) -> Path:
    """`target/data`: a few documents, their build, index and card; with `public` the full build's too."""
    small = target / "data"
    rows = {"constructed": chosen_documents(data, "constructed", documents), "public": []}
    if public:
        rows["public"] = chosen_documents(data, "public", {"train": 4, "validation": 2, "test": 2})
    kept = {row["doc_id"] for part in rows.values() for row in part}
    for source, part in rows.items():
        write_jsonl(small / "speeches" / source / "manifest.jsonl", part)
    for row in rows["constructed"]:
        shutil.copyfile(data / "speeches/constructed" / row["file"], small / "speeches/constructed" / row["file"])
    write_jsonl(small / "splits.jsonl", [r for r in read_jsonl(data / "splits.jsonl") if r["doc_id"] in kept])
    for path in (data / "annotations").glob("*.jsonl"):
        votes = [r for r in read_jsonl(path) if "id" not in r or r["id"].rpartition("-")[0] in kept]
        write_jsonl(small / "annotations" / path.name, votes)
    for name in PLAIN:
        shutil.copyfile(data / name, small / name)
    constructed = build(small)
    write_build(constructed, small, small / "jianghua", target / "results")
    write_jsonl(small / "index.jsonl", index_rows(constructed.rows))
    if public:
        write_build(build(small, public), small, target / "full", target / "results")
    return small


def small_encoder(tokenizer: Path, folder: Path) -> Path:
    """A folder with the tokenizer of the bundled model and a tiny BERT whose weights are drawn."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, folder / name)
    words = max(json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"].values()) + 1
    import torch
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=words, max_position_embeddings=512, **sizes)).save_pretrained(folder)
    write_atomic(folder / "README.md", "---\nlicense: cc-by-sa-4.0\n---\n# tiny\n")
    return folder


def train(root: Path, cwd: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """`scripts/train.py` with the options, in `cwd`."""
    import os

    command = [sys.executable, str(root / "scripts/train.py"), *options]
    settings = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | environment
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False, env=settings)
