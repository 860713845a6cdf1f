"""To and from doccano's JSON Lines for text classification.

doccano knows a set of labels a text and no single choice beside it, so the project has nine labels:
`primary:表扬` … `primary:无` for the primary function, `表扬` … `事例` for all functions; their English names are
read too. A project with the plain labels only (and 无 or none) can be read as long as each text has one.
doccano numbers texts itself under `id`; the paragraph's id travels as `paragraph_id`.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from jianghua.annotate.answers import Answer, answer_of_names
from jianghua.annotate.names import NONE_ZH
from jianghua.files import read_placed_jsonl, to_json_line
from jianghua.schema import LABELS_ZH, BadData, at

PRIMARY_PREFIX = "primary:"


def label_list() -> str:
    """The project's labels, JSON to import under Labels."""
    names = [*(PRIMARY_PREFIX + name for name in (*LABELS_ZH.values(), NONE_ZH)), *LABELS_ZH.values()]
    colours = ("#c0392b", "#2980b9", "#27ae60", "#8e44ad", "#7f8c8d", "#e6b0aa", "#aed6f1", "#abebc6", "#d7bde2")
    rows = [
        {"text": name, "suffix_key": str(key), "background_color": colour, "text_color": "#000000"}
        for key, (name, colour) in enumerate(zip(names, colours, strict=True), 1)
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def to_tasks(tasks: Iterable[dict]) -> str:
    """JSON Lines to import as a data set; `tasks` as `exchange.tasks_of` makes them."""
    rows = ({"text": t["text"], "label": [], "paragraph_id": t["id"]} for t in tasks)
    return "".join(map(to_json_line, rows))


def read_answers(path: Path) -> tuple[list[Answer], int]:
    """`(answers, skipped)` of an export, one file an annotator: the file's stem names who, unless a row does.

    A text without labels has not been answered and counts as skipped; none is a label of its own.
    """
    answers, skipped = [], 0
    for place, row in read_placed_jsonl(path, _check):
        with at(place):
            answer = _answer(row, path.stem, place)
        skipped += answer is None
        if answer:
            answers.append(answer)
    return answers, skipped


def _check(row: object) -> dict:
    if not isinstance(row, dict):
        raise BadData(f"expected a JSON object, found {type(row).__name__}")
    text = row.get("text", row.get("data"))
    if not isinstance(text, str):
        raise BadData("missing field 'text'")
    meta = row.get("meta") if isinstance(row.get("meta"), dict) else row.get("metadata")
    holders = [part for part in (row, meta) if isinstance(part, dict) and "paragraph_id" in part]
    paragraph = holders[0]["paragraph_id"] if holders else row.get("id")
    if not isinstance(paragraph, str):
        raise BadData("no paragraph id; the field is named 'paragraph_id'")
    labels = row.get("label", row.get("labels"))
    if labels is None and ("label" in row or "labels" in row):
        labels = []
    if isinstance(labels, str):
        labels = [labels]
    if not isinstance(labels, list):
        raise BadData("missing field 'label'; export the project of the kind text classification")
    annotator = row.get("annotator") or row.get("username")
    if not isinstance(annotator, str | None):
        raise BadData(f"its annotator is {annotator!r}, not a name")
    return {"id": paragraph, "text": text, "labels": labels, "annotator": annotator}


def _answer(row: dict, stem: str, place: str) -> Answer | None:
    labels = [label.strip() if isinstance(label, str) else label for label in row["labels"]]
    primary = [n.removeprefix(PRIMARY_PREFIX) for n in labels if isinstance(n, str) and n.startswith(PRIMARY_PREFIX)]
    functions = [n for n in labels if not (isinstance(n, str) and n.startswith(PRIMARY_PREFIX))]
    if not labels:
        return None
    if not primary:
        primary = functions
    if len(primary) != 1:
        raise BadData(
            f"paragraph {row['id']!r} has {len(primary)} candidates for the primary function "
            f"({'、'.join(map(str, labels))}); mark one as {PRIMARY_PREFIX}NAME"
        )
    return answer_of_names(row["id"], row["text"], row["annotator"] or stem, primary[0], functions, place)
