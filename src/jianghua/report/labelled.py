"""Labelled paragraphs as a file: HTML page, JSON Lines or CSV, by the ending of its name."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from jianghua.files import to_json_line, write_atomic
from jianghua.report.page import speech_page
from jianghua.schema import LABELS, Paragraph

FORMATS = (".html", ".htm", ".jsonl", ".csv")


def write_labelled(
    output: Path,
    paragraphs: Sequence[Paragraph],
    labels: Sequence[list[str]],
    proba,
    config: str,
    model: str,
    cut: int = 0,
) -> None:
    """Write one row a paragraph: id, doc_id, position, text, label, proba.

    `label` is a name for `primary`, a list of names for `functions` (joined by `;` in CSV); `proba` an
    object by label name. A page says that `cut` paragraphs were not read whole.
    """
    suffix = output.suffix.lower()
    if suffix in (".html", ".htm"):
        write_atomic(output, speech_page(paragraphs, labels, proba, config, model, cut))
        return
    rows = [
        {
            "id": paragraph.id,
            "doc_id": paragraph.doc_id,
            "position": paragraph.position,
            "text": paragraph.text,
            "label": names[0] if config == "primary" else names,
            "proba": {label: round(float(p), 6) for label, p in zip(LABELS, numbers, strict=True)},
        }
        for paragraph, names, numbers in zip(paragraphs, labels, proba, strict=True)
    ]
    if suffix == ".jsonl":
        write_atomic(output, "".join(map(to_json_line, rows)))
        return
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        label = row["label"] if isinstance(row["label"], str) else ";".join(row["label"])
        writer.writerow(row | {"label": label, "proba": json.dumps(row["proba"])})
    # the byte order mark makes Excel read it as UTF-8
    write_atomic(output, "\ufeff" + buffer.getvalue())
