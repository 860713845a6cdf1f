"""Taking new speeches into the benchmark: their hashes into the manifest, their split for ever."""

from pathlib import Path

from jianghua.annotate import aggregate, choose, read_adjudicated, read_packet, read_votes
from jianghua.annotate.votes import ADJUDICATED
from jianghua.dataset.load import load_build
from jianghua.dataset.sources import read_manifests, read_splits
from jianghua.dataset.splits import assign_splits
from jianghua.files import read_jsonl, text_sha256, write_jsonl
from jianghua.ingest import ingest_file
from jianghua.schema import BadData, Paragraph, check_record


def freeze_public(data: Path, folder: Path) -> int:
    """Write the paragraph hashes of public manifest rows that have none yet; returns how many were added.

    Rows that have hashes are never touched: votes hang on them.
    """
    path = data / "speeches" / "public" / "manifest.jsonl"
    rows, added = read_jsonl(path, lambda row: check_record(row, {"doc_id": str, "file": str})), 0
    for row in rows:
        if row.get("paragraphs"):
            continue
        raw = folder / row["file"]
        if not raw.exists():
            raise BadData(f"{raw}: no such file, for document {row['doc_id']!r}")
        paragraphs = ingest_file(raw, doc_id=row["doc_id"], source="public").paragraphs
        row["paragraphs"] = [
            {"position": p.position, "start": p.start, "end": p.end, "sha256": text_sha256(p.text)} for p in paragraphs
        ]
        added += 1
    if added:
        write_jsonl(path, rows)
    return added


def fixed_packet(data: Path, dataset: Path) -> list[Paragraph]:
    """The paragraphs that people are asked about, with their texts from the build in `dataset`.

    They are chosen once (see `annotate.packet`) and stand in `packet.jsonl` from then on, with their
    hashes. Raises `BadData` where the build lacks one or has another text.
    """
    path = data / "packet.jsonl"
    loaded = load_build(dataset, "functions")
    rows = {row["id"]: row for part in loaded.rows.values() for row in part}
    if not path.exists():
        if loaded.build != "full":
            raise BadData(f"{path}: no such file, and to choose anew dataset= must name the full build")
        gold = aggregate(read_votes(data / "annotations"), read_adjudicated(data / "annotations" / ADJUDICATED))
        if unknown := next((i for i in rows if i not in gold.rows), None):
            raise BadData(f"{dataset}: nobody in {data / 'annotations'} voted on its paragraph {unknown!r}")
        cells = [row | {"label": gold.rows[i].label, "disputed": gold.rows[i].disputed} for i, row in rows.items()]
        write_jsonl(path, ({"id": i, "sha256": rows[i]["sha256"]} for i in choose(cells)))
    chosen = read_packet(path)
    for sha256, i in chosen.items():
        if rows.get(i, {}).get("sha256") != sha256:
            raise BadData(f"{dataset}: paragraph {i!r} of {path} is not there; dataset= names the full build")
    paragraphs = (rows[i] for i in chosen.values())
    return [
        Paragraph(r["id"], r["doc_id"], r["position"], r["title"], "", r["text"], r["source"], 0, len(r["text"]))
        for r in paragraphs
    ]


def freeze_splits(data: Path) -> int:
    """Give every document of the manifests that has no split one; returns how many were added."""
    path = data / "splits.jsonl"
    speeches = read_manifests(data)
    frozen = read_splits(data) if path.exists() else {}
    if gone := sorted(set(frozen) - set(speeches)):
        raise BadData(f"{path}: document {gone[0]!r} has a split but stands in no manifest; a frozen document stays")

    def stratum(info) -> str:
        if info.source == "constructed":
            return info.register or ""
        if info.year is None:
            manifest = data / "speeches" / "public" / "manifest.jsonl"
            raise BadData(f"{manifest}: document {info.doc_id!r} has no year, by which public speeches are split")
        return "to1979" if info.year < 1980 else "to1999" if info.year < 2000 else "from2000"

    splits = assign_splits(frozen, [(i.doc_id, i.source, stratum(i)) for i in speeches.values()])
    rows = [{"doc_id": d, "source": speeches[d].source, "split": s} for d, s in splits.items()]
    if len(splits) > len(frozen):
        write_jsonl(path, sorted(rows, key=lambda row: (row["source"], row["doc_id"])))
    return len(splits) - len(frozen)
