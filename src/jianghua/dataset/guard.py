"""Nothing that trains may see a validation or test document.

A paragraph is known by the SHA-256 of its text without white space, so the refusal works for public
speeches too, whose text is not in the tree.
"""

from collections.abc import Iterable
from pathlib import Path

from jianghua.dataset.sources import constructed_paragraphs, read_manifests, read_splits
from jianghua.files import text_sha256
from jianghua.schema import BadData


def heldout_hashes(data: Path) -> dict[str, str]:
    """SHA-256 → paragraph id, for every paragraph of a validation or test document, voted on or not."""
    speeches, splits = read_manifests(data), read_splits(data)
    held = {}
    for info in speeches.values():
        if splits.get(info.doc_id) != "train":
            held.update({sha256: f"{info.doc_id}-{i:03d}" for i, sha256 in enumerate(info.paragraph_sha256)})
    for paragraph in constructed_paragraphs(data, speeches):
        if splits.get(paragraph.doc_id) != "train":
            held[text_sha256(paragraph.text)] = paragraph.id
    return held


def refuse_heldout(texts: Iterable[str], held: dict[str, str], where: str) -> None:
    """Raise `BadData` if any text is a paragraph of a held-out document."""
    for number, text in enumerate(texts, 1):
        paragraph = held.get(text_sha256("".join(text.split())))
        if paragraph is None:
            paragraph = held.get(text_sha256(text.strip()))
        if paragraph is not None:
            raise BadData(
                f"{where}: text {number} is paragraph {paragraph} of a validation or test document; "
                "training on it would make every score meaningless. Remove that document"
            )
