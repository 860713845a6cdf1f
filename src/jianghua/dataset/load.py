"""A build on disk → rows, for training and scoring."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jianghua.dataset.build import arrow_schema, index_fingerprint, index_rows, parquet_path
from jianghua.dataset.sources import constructed_paragraphs, public_paragraphs, read_manifests, read_splits
from jianghua.dataset.subsets import take
from jianghua.files import read_jsonl, read_parquet, text_sha256
from jianghua.schema import CONFIGS, LABELS, SPLITS, BadData, BadUsage


@dataclass(frozen=True)
class Loaded:
    """Rows of one configuration by split, with the name and fingerprint of the build they come from."""

    build: str
    fingerprint: str
    rows: dict[str, list[dict]]


def _read(folder: Path, config: str, split: str) -> list[dict]:
    path = folder / parquet_path(config, split)
    table = read_parquet(path, f"; scripts/build_dataset.py output={folder} makes it")
    check_class_names(path, config, table.schema.metadata)
    rows = table.to_pylist()
    if missing := [name for name in arrow_schema(config).names if name not in table.column_names]:
        raise BadData(f"{path}: missing column {missing[0]!r}")
    for row in rows:
        if row.get("sha256") and text_sha256(row["text"]) != row["sha256"]:
            raise BadData(f"{path}: the text of paragraph {row['id']!r} does not match its sha256; build it again")
        ids = [row["label"]] if config == "primary" else row["functions"]
        if any(i is None or not 0 <= i < len(LABELS) for i in ids):
            raise BadData(f"{path}: paragraph {row['id']!r} has a label that does not exist: {ids}")
    return rows


def check_class_names(path: Path, config: str, metadata: Mapping[bytes, bytes] | None) -> None:
    """Refuse a Parquet file whose `ClassLabel` names are not ours in our order; one that names none is let pass.

    Ids alone would not tell: gold or a model of `["anecdote", "praise", …]` would go on under wrong names.
    """
    try:
        found = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        raise BadData(f"{path}: its metadata under 'huggingface' is not JSON; build it again") from None
    column = "label" if config == "primary" else "functions"
    for key in ("info", "features", column):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, dict) and "feature" in found:  # a list of labels
        found = found["feature"]
    names = found.get("names") if isinstance(found, dict) else None
    if names is not None and names != list(LABELS):
        raise BadData(f"{path}: its class labels are {names}, not {list(LABELS)}; models are saved with those")


def load_build(folder: Path, config: str, subset: Mapping | None = None) -> Loaded:
    """All splits of one configuration of the build in `folder`, or what `subset` takes of them (see `subsets`)."""
    if config not in CONFIGS:
        raise BadUsage(f"data.config={config}: the configurations are {', '.join(CONFIGS)}")
    if not folder.is_dir():
        raise BadData(f"{folder}: no such folder; scripts/build_dataset.py output={folder} makes it")
    rows = {name: {split: _read(folder, name, split) for split in SPLITS} for name in CONFIGS}
    every = [row for parts in rows.values() for part in parts.values() for row in part]
    name = "full" if any(row["source"] == "public" for row in every) else "constructed"
    fingerprint = index_fingerprint(index_rows(rows))
    # a vote that is not gold's answer, for the primary function where there is one, or for the functions, disputes a
    # paragraph, whichever configuration is read
    disputed = {row["id"] for row in every if row["agreement"] not in (None, 1.0)}
    for row in every:
        row["disputed"] = row["id"] in disputed
    return Loaded(name, fingerprint, take(rows[config], subset, config))


def read_index(data: Path, build: str) -> list[dict]:
    """The index of a build from the tree: all rows of `data/index.jsonl`, or the constructed ones."""
    rows = read_jsonl(data / "index.jsonl")
    if build == "constructed":
        rows = [row for row in rows if row["source"] == "constructed"]
    return rows


def index_as_build(data: Path, build: str, config: str, subset: Mapping | None = None) -> Loaded:
    """A build without its text, from the index in the tree: enough to score predictions."""
    index = read_index(data, build)
    rows: dict[str, list[dict]] = {split: [] for split in SPLITS}
    for row in index:
        if config == "functions" or row["label"] is not None:
            primary, functions = row["agreement_primary"], row["agreement_functions"]
            agreement = functions if config == "functions" else primary
            disputed = {functions, primary} - {None, 1.0}
            rows[row["split"]].append(row | {"agreement": agreement, "disputed": bool(disputed)})
    return Loaded(build, index_fingerprint(index), take(rows, subset, config))


def train_documents(data: Path, public: Path) -> list[list[str]]:
    """Texts of the train documents of both sources, a list of paragraphs a document; for pre-training."""
    speeches, splits = read_manifests(data), read_splits(data)
    train = {doc_id: info for doc_id, info in speeches.items() if splits.get(doc_id) == "train"}
    documents: dict[str, list[str]] = {}
    for paragraph in constructed_paragraphs(data, speeches, list(train)) + public_paragraphs(public, train):
        documents.setdefault(paragraph.doc_id, []).append(paragraph.text)
    return list(documents.values())
