"""Speeches, votes and splits → the dataset: rows, Parquet, index, fingerprint. The same inputs give the same bytes."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jianghua.annotate import aggregate, newest_round, read_adjudicated, read_votes
from jianghua.annotate.votes import ADJUDICATED
from jianghua.dataset.duplicates import THRESHOLD, near_duplicates, similarities_between
from jianghua.dataset.sources import (
    SpeechInfo,
    constructed_paragraphs,
    public_paragraphs,
    read_manifests,
    read_splits,
)
from jianghua.files import folder_atomic, read_text, text_sha256, write_atomic, write_jsonl
from jianghua.schema import CONFIGS, LABELS, SPLITS, BadData, Paragraph, Vote, label_id

_SPLIT_ORDER = {"train": 2, "validation": 1, "test": 0}


@dataclass(frozen=True)
class Build:
    """One build: rows of both configurations by split, what was removed, and its fingerprint."""

    name: str  # "constructed" or "full"
    rows: dict[str, dict[str, list[dict]]]  # configuration → split → rows
    removed: list[dict]  # near-duplicates left out
    votes: list[Vote]  # of the newest round, on what was removed too
    fingerprint: str


def build(data: Path, public: Path | None = None) -> Build:
    """The constructed build, or with a folder of raw public speeches the full one.

    Raises `BadData` for a vote on an unknown paragraph or on another text, for one that the votes
    leave open, for a constructed paragraph without votes, and for a document without a split. Public
    paragraphs that nobody voted on are left out.
    """
    speeches, splits = read_manifests(data), read_splits(data)
    if unsplit := [doc_id for doc_id in speeches if doc_id not in splits]:
        raise BadData(f"{data / 'splits.jsonl'}: no split for document {unsplit[0]!r}; run with freeze=true")
    paragraphs = constructed_paragraphs(data, speeches)
    if public is not None:
        paragraphs += public_paragraphs(public, speeches)
    known = {p.id: text_sha256(p.text) for p in paragraphs}
    for info in speeches.values():
        known.update({f"{info.doc_id}-{i:03d}": h for i, h in enumerate(info.paragraph_sha256)})
    annotations = data / "annotations"
    votes = newest_round(read_votes(annotations, known, {p.id: len(p.text) for p in paragraphs}))
    gold = aggregate(votes, read_adjudicated(annotations / ADJUDICATED, known))
    if gold.queue:
        raise BadData(
            f"{annotations / ADJUDICATED}: {len(gold.queue)} paragraphs whose votes differ, or that have only one, "
            f"have no decision, the first is {gold.queue[0]!r}; scripts/agreement.py output=… writes the queue"
        )
    voted = [paragraph for paragraph in paragraphs if paragraph.id in gold.rows]
    unvoted = [p.id for p in paragraphs if p.source == "constructed" and p.id not in gold.rows]
    if unvoted:
        raise BadData(f"{annotations}: no votes for constructed paragraph {unvoted[0]!r} ({len(unvoted)} in all)")
    kept, removed = drop_near_duplicates(voted, splits)
    rows = {config: {split: [] for split in SPLITS} for config in CONFIGS}
    for paragraph in sorted(kept, key=lambda p: (p.source, p.doc_id, p.position)):
        info, decision = speeches[paragraph.doc_id], gold.rows[paragraph.id]
        split = splits[paragraph.doc_id]
        ballots = sorted(decision.votes, key=lambda v: (v.protocol, v.annotator))
        common = _common(paragraph, info) | {"sentences": _evidence(ballots)}
        if decision.label is not None:
            primary = [
                {"protocol": v.protocol, "label": None if v.label is None else label_id(v.label)} for v in ballots
            ]
            rows["primary"][split].append(
                common | {"agreement": decision.agreement_primary, "label": label_id(decision.label), "votes": primary}
            )
        functions = [{"protocol": v.protocol, "functions": [label_id(f) for f in v.functions]} for v in ballots]
        rows["functions"][split].append(
            common
            | {
                "agreement": decision.agreement_functions,
                "functions": [label_id(f) for f in decision.functions],
                "votes": functions,
            }
        )
    name = "constructed" if public is None else "full"
    return Build(name, rows, removed, votes, index_fingerprint(index_rows(rows)))


def _common(paragraph: Paragraph, info: SpeechInfo) -> dict:
    return {
        "id": paragraph.id,
        "doc_id": paragraph.doc_id,
        "position": paragraph.position,
        "title": info.title,
        "text": paragraph.text,
        "sha256": text_sha256(paragraph.text),
        "source": paragraph.source,
        "occasion": info.occasion,
        "level": info.level,
        "register": info.register,
        "year": info.year,
        "noise": info.noise,
    }


def _evidence(ballots: Iterable[Vote]) -> list[dict]:
    """What each sentence does, as the first `sentences` vote has it; empty without one."""
    spans = next((vote.sentences for vote in ballots if vote.sentences), ())
    return [
        {"start": s.start, "end": s.end, "function": None if s.function is None else label_id(s.function)}
        for s in spans
    ]


def drop_near_duplicates(paragraphs: list[Paragraph], splits: dict[str, str]) -> tuple[list[Paragraph], list[dict]]:
    """Paragraphs without near-duplicates of one another, and a row for each that was left out.

    Within a source the one nearer to training goes, so that no test paragraph is lost to a train one;
    between sources the public one goes, so that the constructed rows are the same in both builds. Between splits every
    pair is compared; within a split MinHash may miss one.
    """

    def rank(paragraph: Paragraph) -> tuple:
        return (paragraph.source != "constructed", _SPLIT_ORDER[splits[paragraph.doc_id]], paragraph.id)

    texts = [paragraph.text for paragraph in paragraphs]
    pairs = near_duplicates(texts)
    for block in similarities_between(texts, [_SPLIT_ORDER[splits[p.doc_id]] for p in paragraphs]):
        near = block[2] >= THRESHOLD
        pairs += zip(*(column[near].tolist() for column in block), strict=True)
    partners: dict[int, dict[int, float]] = defaultdict(dict)
    for left, right, value in pairs:
        partners[left][right] = partners[right][left] = value
    dropped: dict[int, dict] = {}
    stay: set[int] = set()
    # from the first in rank on, so that only what has a near-duplicate among those that stay goes
    for index in sorted(partners, key=lambda index: rank(paragraphs[index])):
        found = [(value, other) for other, value in partners[index].items() if other in stay]
        if not found:
            stay.add(index)
        else:
            value, winner = max(found)
            dropped[index] = {
                "id": paragraphs[index].id,
                "near_duplicate_of": paragraphs[winner].id,
                "jaccard": round(value, 4),
            }
    kept = [paragraph for index, paragraph in enumerate(paragraphs) if index not in dropped]
    return kept, sorted(dropped.values(), key=lambda row: row["id"])


def index_rows(rows: dict[str, dict[str, list[dict]]]) -> list[dict]:
    """One row a paragraph without its text: gold, split and the columns that slices need.

    The index of the full build stands in the tree, so that scores and fingerprints can be computed
    again where the public text is not.
    """
    labels = {row["id"]: row for part in rows["primary"].values() for row in part}
    index = []
    for split in SPLITS:
        for row in rows["functions"][split]:
            primary = labels.get(row["id"])
            entry = {name: row[name] for name in ("id", "doc_id", "position", "sha256", "source")} | {"split": split}
            entry |= {name: row[name] for name in ("occasion", "level", "register", "year", "noise")}
            entry["chars"] = len(row["text"])
            entry["label"] = primary["label"] if primary else None
            entry["functions"] = row["functions"]
            entry["sentences"] = [[span["end"], span["function"]] for span in row["sentences"]]
            entry["agreement_primary"] = primary["agreement"] if primary else None
            entry["agreement_functions"] = row["agreement"]
            # without a primary function the paragraph has no primary votes to show
            labels_cast = [{"label": v["label"]} for v in primary["votes"]] if primary else [{}] * len(row["votes"])
            entry["votes"] = [v | cast for v, cast in zip(row["votes"], labels_cast, strict=True)]
            index.append(entry)
    return index


def index_fingerprint(index: Iterable[dict]) -> str:
    """Hex SHA-256 (16 characters) over the index rows in order: the dataset's fingerprint, cards left out."""
    digest = hashlib.sha256()
    for row in index:
        digest.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:16]


def arrow_schema(config: str):
    """The Parquet schema, with the `datasets` features in its metadata so that `ClassLabel` names load."""
    import pyarrow as pa

    text, integer = pa.string(), pa.int32()
    label = {"names": list(LABELS), "_type": "ClassLabel"}
    columns = [("id", text), ("doc_id", text), ("position", integer), ("title", text), ("text", text)]
    columns += [(name, text) for name in ("sha256", "source", "occasion", "level", "register")]
    columns += [("year", integer), ("noise", text), ("agreement", pa.float64())]
    features: dict = {
        name: {"dtype": {"string": "string", "int32": "int32", "double": "float64"}[str(kind)], "_type": "Value"}
        for name, kind in columns
    }
    protocol = {"dtype": "string", "_type": "Value"}
    if config == "primary":
        columns.append(("label", pa.int64()))
        features["label"] = label
        vote = pa.struct([("protocol", text), ("label", pa.int64())])
        features["votes"] = {"feature": {"protocol": protocol, "label": label}, "_type": "List"}
    else:
        columns.append(("functions", pa.list_(pa.int64())))
        features["functions"] = {"feature": label, "_type": "List"}
        vote = pa.struct([("protocol", text), ("functions", pa.list_(pa.int64()))])
        inner = {"feature": label, "_type": "List"}
        features["votes"] = {"feature": {"protocol": protocol, "functions": inner}, "_type": "List"}
    columns.append(("votes", pa.list_(vote)))
    span = pa.struct([("start", integer), ("end", integer), ("function", pa.int64())])
    columns.append(("sentences", pa.list_(span)))
    offset = {"dtype": "int32", "_type": "Value"}
    features["sentences"] = {"feature": {"start": offset, "end": offset, "function": label}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(columns, metadata=metadata)


def parquet_path(config: str, split: str) -> str:
    """Where the Parquet file of a split lies in a build, as the Hub lays data out."""
    return f"{config}/{split}-00000-of-00001.parquet"


def write_parquet(rows: dict[str, dict[str, list[dict]]], folder: Path) -> None:
    """Both configurations, a file a split at its `parquet_path` in `folder`."""
    for config in CONFIGS:
        for split in SPLITS:
            write_split(rows[config][split], config, folder / parquet_path(config, split))


def write_split(rows: list[dict], config: str, path: Path) -> None:
    """One split of a configuration that has the columns of `config`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(config)), path, compression="zstd")


BUILD_MARKS = (parquet_path("primary", "train"),)  # by which a folder is known as a build


def write_build(result: Build, data: Path, output: Path, results: Path) -> bool:
    """Write the build as the Hub lays it out, whole or not at all; returns whether its card shows scores.

    `results` holds the score tables that cards show; tables of another build are none. The full build also writes its
    index and card into the tree (`data/index.jsonl`, `DATASET_CARD.md` beside `data`), so that a clone without the
    public text can reproduce every table.
    """
    from jianghua.dataset.card import card
    from jianghua.dataset.croissant import croissant

    tables = results / f"{result.name}.md"
    scores = read_text(tables) if tables.exists() else ""
    if f"`{result.fingerprint}`" not in scores:
        scores = ""
    beside = {name: read_text(data / name) for name in ("GUIDELINES.md", "CHANGELOG.md")}
    text = card(result, data, scores)
    with folder_atomic(output, BUILD_MARKS) as folder:
        write_parquet(result.rows, folder)
        write_atomic(folder / "README.md", text)
        write_atomic(folder / "croissant.json", croissant(result, folder, data))
        for name, page in beside.items():
            write_atomic(folder / name, page)
    if result.name == "full":
        write_jsonl(data / "index.jsonl", index_rows(result.rows))
        write_jsonl(data / "near_duplicates.jsonl", result.removed)
        write_atomic(data.parent / "DATASET_CARD.md", text)
    return bool(scores)
