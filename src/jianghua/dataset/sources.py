"""From the manifests to documents: the constructed speeches in the tree, the public ones by hash.

`data/speeches/public/manifest.jsonl` holds, for every public speech, its address, licence and the
SHA-256 of each of its paragraphs, but no text. The text joins from a folder of raw files, whose
paragraphs must have those hashes.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from jianghua.files import read_jsonl, text_sha256
from jianghua.ingest import ingest_file
from jianghua.schema import SOURCES, SPLITS, BadData, Paragraph, check_record


@dataclass(frozen=True, slots=True)
class SpeechInfo:
    """A manifest row: what is known of a speech apart from its text."""

    doc_id: str
    source: str
    file: str
    title: str
    occasion: str | None
    level: str | None
    register: str | None
    year: int | None
    noise: str | None
    url: str | None
    paragraph_sha256: tuple[str, ...]


def _info(record: object, source: str) -> SpeechInfo:
    text = (str, type(None))
    optional = dict.fromkeys(("occasion", "level", "register", "year", "noise", "url")) | {"paragraphs": []}
    types = {"doc_id": str, "file": str, "title": str, "occasion": text, "level": text, "register": text}
    types |= {"year": (int, type(None)), "noise": text, "url": text, "paragraphs": list}
    record = check_record(record, types, optional)
    hashes = tuple(check_record(p, {"sha256": str})["sha256"] for p in record["paragraphs"])
    if source == "public" and not hashes:
        raise BadData(f"public document {record['doc_id']!r} lists no paragraph hashes")
    names = ("doc_id", "file", "title", "occasion", "level", "register", "year", "noise", "url")
    return SpeechInfo(source=source, paragraph_sha256=hashes, **{name: record[name] for name in names})


def read_manifests(data: Path) -> dict[str, SpeechInfo]:
    """Every speech of the benchmark by `doc_id`, constructed first."""
    speeches: dict[str, SpeechInfo] = {}
    for source in SOURCES:

        def listed(record: object, source=source) -> None:
            info = _info(record, source)
            if info.doc_id in speeches:
                raise BadData(f"document {info.doc_id!r} is listed twice")
            speeches[info.doc_id] = info

        read_jsonl(data / "speeches" / source / "manifest.jsonl", listed)
    return speeches


def read_splits(data: Path) -> dict[str, str]:
    """The frozen split of every document."""
    splits: dict[str, str] = {}

    def given(record: object) -> None:
        record = check_record(record, {"doc_id": str, "split": str})
        if record["split"] not in SPLITS:
            raise BadData(f"document {record['doc_id']!r} has the unknown split {record['split']!r}")
        if splits.setdefault(record["doc_id"], record["split"]) != record["split"]:
            raise BadData(f"document {record['doc_id']!r} stands in two splits")

    read_jsonl(data / "splits.jsonl", given)
    return splits


def constructed_paragraphs(
    data: Path, speeches: dict[str, SpeechInfo], only: Collection[str] | None = None
) -> list[Paragraph]:
    """Paragraphs of all constructed speeches, or of those in `only` (document ids), in manifest order.

    A file without a row is refused.
    """
    folder = data / "speeches" / "constructed"
    listed = {info.file for info in speeches.values() if info.source == "constructed"}
    if stray := sorted({path.name for path in folder.glob("*.txt")} - listed):
        raise BadData(f"{folder / stray[0]}: not in manifest.jsonl; add a row for it or remove it")
    paragraphs = []
    for info in speeches.values():
        if info.source == "constructed" and (only is None or info.doc_id in only):
            paragraphs += ingest_file(folder / info.file, doc_id=info.doc_id, source="constructed").paragraphs
    return paragraphs


def public_paragraphs(folder: Path, speeches: dict[str, SpeechInfo]) -> list[Paragraph]:
    """Paragraphs of all public speeches from a folder of raw files, checked against the manifest's hashes."""
    if not folder.is_dir():
        raise BadData(f"{folder}: no such folder; public= names the folder with the raw public speeches")
    paragraphs = []
    for info in speeches.values():
        if info.source != "public":
            continue
        found = [path for path in (folder / info.file, folder / Path(info.file).name) if path.exists()]
        # a page fetched from its address is the same file with another ending
        found += sorted(folder.glob(f"{info.doc_id}.*"))
        if not found:
            raise BadData(f"{folder}: no file {info.file} for document {info.doc_id!r}")
        document = ingest_file(found[0], doc_id=info.doc_id, source="public").paragraphs
        paragraphs += _by_hash(document, info, found[0])
    return paragraphs


def _by_hash(document: list[Paragraph], info: SpeechInfo, path: Path) -> list[Paragraph]:
    """The listed paragraphs in their listed places; another edition may have more paragraphs around them."""
    by_hash = {text_sha256(paragraph.text): paragraph for paragraph in reversed(document)}
    listed = []
    for position, sha256 in enumerate(info.paragraph_sha256):
        paragraph = by_hash.get(sha256)
        if paragraph is None:
            raise BadData(
                f"{path}: paragraph {position} of {info.doc_id!r} is not the text that was voted on "
                f"(no paragraph has SHA-256 {sha256[:12]}…); use the edition that the manifest's address names"
            )
        listed.append(replace(paragraph, id=f"{info.doc_id}-{position:03d}", position=position, title=info.title))
    return listed
