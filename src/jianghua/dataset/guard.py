"""Nothing that trains may see a validation or test document.

A paragraph is known by the SHA-256 of its text, so the refusal works for public speeches too, whose
text is not in the tree. White space put between the characters does not hide one, nor do characters of no width.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from jianghua.dataset.sources import constructed_paragraphs, read_manifests, read_splits
from jianghua.files import text_sha256
from jianghua.schema import BadData

# white space, and what takes no width: soft hyphens, zero-width spaces and joiners, marks of direction, variants
UNSEEN = re.compile(r"[\s\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]+")
TOLERANCE = 0.1  # share of a document's paragraphs


def heldout_hashes(data: Path) -> dict[str, str]:
    """SHA-256 → paragraph id, for every paragraph of a validation or test document, voted on or not."""
    speeches, splits = read_manifests(data), read_splits(data)
    apart = [doc_id for doc_id in speeches if splits.get(doc_id) != "train"]
    held = {}
    for doc_id in apart:
        held |= {sha256: f"{doc_id}-{i:03d}" for i, sha256 in enumerate(speeches[doc_id].paragraph_sha256)}
    return held | {text_sha256(p.text): p.id for p in constructed_paragraphs(data, speeches, apart)}


def _held_paragraph(text: str, held: dict[str, str]) -> str | None:
    return held.get(text_sha256(text.strip())) or held.get(text_sha256(UNSEEN.sub("", text)))


def refuse_heldout(texts: Iterable[str], held: dict[str, str], where: str) -> None:
    """Raise `BadData` if any text is a paragraph of a held-out document."""
    for number, text in enumerate(texts, 1):
        paragraph = _held_paragraph(text, held)
        if paragraph is not None:
            raise BadData(
                f"{where}: text {number} is paragraph {paragraph} of a validation or test document; "
                "training on it would make every score meaningless. Remove that document"
            )


def without_heldout(documents: Iterable[list[str]], held: dict[str, str], where: str) -> tuple[list[list[str]], int]:
    """Documents (lists of paragraphs) without paragraphs of held-out documents, and how many were taken out.

    Reports share ritual sentences (“现在，我代表国务院……”), so a document may hold a few of another's
    paragraphs, which are left out; one that holds more of them than one, and than a tenth of its own, is a
    held-out document itself and is refused, as is one that is nothing else.
    """
    kept, taken = [], 0
    for number, document in enumerate(documents, 1):
        clean = [text for text in document if _held_paragraph(text, held) is None]
        missing = len(document) - len(clean)
        if missing > max(1, TOLERANCE * len(document)) or (missing and len(document) == 1):
            refuse_heldout(document, held, f"{where}, document {number}")
        kept.append(clean)
        taken += missing
    return kept, taken
