"""Speeches in, labelled paragraphs out: an HTML page, JSON Lines or CSV, by the ending of the file's name."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from jianghua.annotate import read_paragraphs
from jianghua.files import to_json_line, write_atomic
from jianghua.ingest import ingest_paths
from jianghua.report.page import speech_page
from jianghua.schema import LABELS, BadUsage, Paragraph

FORMATS = (".html", ".htm", ".jsonl", ".csv")


def check_output(output: Path, inputs: Sequence[Path], formats: Sequence[str]) -> None:
    """Raise `BadUsage` for an output that is a folder, one of the inputs, or of no format known."""
    if output.is_dir():
        raise BadUsage(f"output={output}: a folder; name a file in it")
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        raise BadUsage(f"output={output}: the input itself; name another file")
    if output.suffix.lower() not in formats:
        raise BadUsage(f"output={output}: the ending says the format, one of {', '.join(formats)}")


def read_speeches(source: Path, output: Path) -> list[Paragraph]:
    """Paragraphs of a raw file, of a folder of them, or of a paragraph file (.jsonl); an earlier `output` in the folder
    is no speech."""
    if source.suffix.lower() == ".jsonl":
        return read_paragraphs(source)
    return [paragraph for document in ingest_paths([source], apart=output) for paragraph in document.paragraphs]


def not_read_whole(cut: int) -> str:
    """What a note says of texts that are longer than the model reads; "" if none is."""
    return f"{cut} paragraphs are longer than the model reads and were not read whole" if cut else ""


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
