"""Paragraphs out to annotation tools, and votes back in.

Formats: `jsonl` (one object a paragraph, the project's own), `labelstudio`, `doccano`, `csv` (a sheet). A vote file is
replaced only once everything in the import has been found sound.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from jianghua.annotate import doccano, labelstudio, spreadsheet
from jianghua.annotate.answers import Answer, to_vote
from jianghua.annotate.names import parse_label
from jianghua.annotate.sentences import split_sentences
from jianghua.annotate.votes import (
    check_protocol,
    check_spans,
    label_of_spans,
    read_placed_votes,
    refuse_duplicates,
)
from jianghua.files import read_placed_jsonl, text_sha256, to_json_line, write_atomic, write_jsonl
from jianghua.schema import (
    BadData,
    BadUsage,
    Paragraph,
    SentenceSpan,
    Vote,
    at,
    check_characters,
    check_functions,
    check_record,
)

FORMATS = ("jsonl", "labelstudio", "doccano", "csv")
_HANDED_OUT = {"id", "text", "sha256", "title", "section", "sentences", "annotator"}
_BEYOND_BARE = {field.name for field in fields(Paragraph)} - {"id", "text"}


def read_paragraphs(path: str | Path) -> list[Paragraph]:
    """A paragraph file as `ingest` writes it, or a bare one: somebody's own texts, `{"id", "text"}` a line.

    A bare file is one document, named after the file; its lines give the positions, and there is no raw text
    that offsets could refer to, so they are 0. Votes know a document by its paragraphs' ids (see `doc_id_of`):
    `NAME-1`, `NAME-2`, … are one there, too. A row that has some of the other fields and lacks one raises
    `BadData` with file, line and field; so do two paragraphs with one id.
    """
    path = Path(path)
    rows = read_placed_jsonl(path)
    bare = not any(isinstance(record, dict) and _BEYOND_BARE & set(record) for _, record in rows)
    paragraphs: dict[str, Paragraph] = {}
    for position, (place, record) in enumerate(rows):
        if bare and isinstance(record, dict):
            own = {"doc_id": path.stem, "position": position, "title": path.stem}
            record = record | own | {"section": "", "source": "", "start": 0, "end": 0}
        with at(place):
            paragraph = Paragraph.from_json(record)
        if paragraph.id in paragraphs:
            raise BadData(f"{place}: paragraph {paragraph.id!r} is there already; ids must differ")
        paragraphs[paragraph.id] = paragraph
    if not paragraphs:
        raise BadData(f"{path}: no paragraphs")
    return list(paragraphs.values())


def tasks_of(paragraphs: Sequence[Paragraph], protocol: str, seed: int = 1) -> list[dict]:
    """What an annotator of `protocol` may see: `id`, `text`, and with `in_document` `title` and `section`.

    Only `in_document` keeps the order of the document; elsewhere the paragraphs are shuffled.
    """
    check_protocol(protocol)
    if protocol == "in_document":
        return [{"id": p.id, "text": p.text, "title": p.title, "section": p.section} for p in paragraphs]
    tasks = [{"id": p.id, "text": p.text} for p in paragraphs]
    random.Random(seed).shuffle(tasks)
    return tasks


def export_tasks(
    paragraphs: Sequence[Paragraph], output: str | Path, format: str, protocol: str = "alone", seed: int = 1
) -> list[Path]:
    """Write tasks to `output`, and beside it what the tool needs to know of the labels; the files written.

    The `sentences` protocol goes out as jsonl only, each sentence with its offsets and text; an
    annotator adds `function` to each.
    """
    output = Path(output)
    tasks = tasks_of(paragraphs, protocol, seed)
    if protocol == "sentences" and format != "jsonl":
        raise BadUsage(f"format {format} cannot hold a choice a sentence: export protocol=sentences with format=jsonl")
    if format == "labelstudio":
        config = output.with_suffix(".xml")
        if config == output:
            raise BadUsage(f"output={output}: the labelling configuration goes there; give the tasks another ending")
        write_atomic(output, labelstudio.to_tasks(tasks))
        write_atomic(config, labelstudio.labelling_config(with_title=protocol == "in_document"))
        return [output, config]
    if format == "doccano":
        labels = output.with_suffix(".labels.json")
        write_atomic(output, doccano.to_tasks(tasks))
        write_atomic(labels, doccano.label_list())
        return [output, labels]
    if format == "csv":
        write_atomic(output, spreadsheet.to_sheet(tasks))
        return [output]
    check_format(format)
    for task in tasks:
        text = task["text"]
        task["sha256"] = text_sha256(text)
        if protocol == "sentences":
            task["sentences"] = [{"start": a, "end": b, "text": text[a:b]} for a, b in split_sentences(text)]
    write_jsonl(output, tasks)
    return [output]


def check_format(format: str) -> str:
    if format not in FORMATS:
        raise BadData(f"unknown format {format!r}: the formats are {', '.join(FORMATS)}")
    return format


def read_answers(path: str | Path, format: str, annotator: str | None = None) -> tuple[list[Answer], int]:
    """`(answers, skipped)` of one annotation file; `annotator` renames the only annotator in it."""
    path = Path(path)
    if not path.is_file():
        raise BadData(f"{path}: {'a folder; give one file' if path.is_dir() else 'no such file'}")
    if not path.read_bytes().strip(b"\xef\xbb\xbf \t\r\n"):
        raise BadData(f"{path}: the file is empty")
    readers = {"jsonl": _read_jsonl_answers, "labelstudio": labelstudio.read_answers}
    readers |= {"doccano": doccano.read_answers, "csv": spreadsheet.read_answers}
    answers, skipped = readers[check_format(format)](path)
    if not answers:
        raise BadData(f"{path}: no answers in it ({skipped} skipped)")
    named = sorted({answer.annotator for answer in answers if answer.annotator})
    if annotator and len(named) > 1:
        raise BadData(f"{path}: answers of {len(named)} annotators ({', '.join(named)}); leave annotator= out")
    if annotator:
        answers = [replace(answer, annotator=annotator) for answer in answers]
    for answer in answers:
        with at(answer.place):
            for name in ("id", "annotator", "text", "sha256"):
                check_characters(f"its {name}", getattr(answer, name) or "")
    return answers, skipped


def _read_jsonl_answers(path: Path) -> tuple[list[Answer], int]:
    rows = read_placed_jsonl(path, _parse_row)
    answers = [replace(answer, place=place) for place, answer in rows if answer]
    return answers, len(rows) - len(answers)


def _unanswered(record: object) -> bool:
    """Whether a row is as it was handed out, no more said of it than by whom it was read."""
    if not isinstance(record, dict) or not record.keys() <= _HANDED_OUT:
        return False
    sentences = record.get("sentences", [])
    return isinstance(sentences, list) and not any(isinstance(s, dict) and "function" in s for s in sentences)


def _parse_row(record: object) -> Answer | None:
    if _unanswered(record):
        return None
    null = type(None)
    optional = dict.fromkeys(("annotator", "text", "sha256", "round", "protocol")) | {"sentences": [], "skipped": False}
    types = {"id": str, "annotator": (str, null), "text": (str, null), "sha256": (str, null), "round": (int, null)}
    types["protocol"] = (str, null)
    record = check_record(record, types | {"sentences": list, "skipped": bool}, optional)
    if record["skipped"]:
        return None
    sentences = [SentenceSpan.from_json(span, _label_or_none) for span in record["sentences"]]
    if sentences and "label" not in record:
        check_spans(sentences)
        label, functions = label_of_spans(sentences)
    else:
        record = check_record(record, {"label": (str, null), "functions": list})
        label = _label_or_none(record["label"])
        functions = check_functions(record["id"], label, [_label_or_none(name) for name in record["functions"]])
    names = ("id", "text", "sha256", "annotator", "round", "protocol")
    return Answer(
        **{name: record[name] for name in names}, label=label, functions=functions, sentences=tuple(sentences), place=""
    )


def _label_or_none(name: str | None) -> str | None:
    return None if name is None else parse_label(name)


def add_votes(
    folder: str | Path,
    protocol: str,
    answers: Sequence[Answer],
    round: int = 1,
    texts: Mapping[str, str] | None = None,
) -> tuple[Path, int]:
    """Add the votes of `answers` to the protocol's file in `folder`; the file and how many it now holds.

    All or none: anything unsound, or a vote that is there already, raises `BadData` with its place
    and leaves the file as it was. `texts` maps paragraph ids to texts, where they are known.
    """
    file = Path(folder) / f"{check_protocol(protocol)}.jsonl"
    there: list[tuple[str, Vote]] = read_placed_votes(file) if file.exists() else []
    new: list[tuple[str, Vote]] = []
    for answer in answers:
        with at(answer.place):
            new.append((answer.place, to_vote(answer, protocol, round, texts)))
    refuse_duplicates([*there, *new])
    _refuse_other_texts([*there, *new])
    _refuse_superseded(new, there)
    # what is there stays as it is, to the byte
    old = file.read_bytes() if file.exists() else b""
    if old and not old.endswith(b"\n"):
        old += b"\n"
    write_atomic(file, old + "".join(to_json_line(vote.to_json()) for _, vote in new).encode())
    return file, len(there) + len(new)


def _refuse_superseded(new: Sequence[tuple[str, Vote]], there: Sequence[tuple[str, Vote]]) -> None:
    newest = {vote.id: (place, vote.round) for place, vote in sorted(there, key=lambda item: item[1].round)}
    for place, vote in new:
        if vote.id in newest and vote.round < newest[vote.id][1]:
            other, round = newest[vote.id]
            raise BadData(
                f"{place}: a vote of round {vote.round} on {vote.id!r} would not count, since the one at {other} is of "
                f"round {round}; import it with round={round}"
            )


def _refuse_other_texts(placed: Sequence[tuple[str, Vote]]) -> None:
    first: dict[tuple[str, int], tuple[str, Vote]] = {}
    for place, vote in placed:
        there, other = first.setdefault((vote.id, vote.round), (place, vote))
        if other.sha256 != vote.sha256:
            raise BadData(
                f"{place}: the vote on {vote.id!r} is about another text than the one at {there}; "
                "if the paragraph has changed, import with a higher round="
            )
