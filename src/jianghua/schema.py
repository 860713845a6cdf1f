"""The words of the field: labels, and the records that pass from room to room.

A record knows how to become a JSON object and how to be read from one; a field that is missing or
of the wrong type raises `BadData`, whose text is the one line a person reads on standard error.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields

LABELS = ("praise", "criticism", "directive", "anecdote")
LABELS_ZH = {"praise": "表扬", "criticism": "批评", "directive": "要求", "anecdote": "事例"}
PROTOCOLS = ("alone", "in_document", "sentences", "names_only")
SPLITS = ("train", "validation", "test")
SCORED = SPLITS[1:]  # on which models are scored, and of which nothing may be learnt
CONFIGS = ("primary", "functions")
SOURCES = ("constructed", "public")
BUILDS = ("full", "constructed")  # of both sources, of the constructed speeches alone


class BadData(Exception):
    """Input that cannot be used. The text says what, where and how to mend it, in one line."""


@contextmanager
def at(place: object) -> Iterator[None]:
    """A `BadData` that is raised in the block gets `place` (`FILE:LINE`, `FILE: task N` …) in front."""
    try:
        yield
    except BadData as error:
        raise BadData(f"{place}: {error}") from None


class BadUsage(Exception):
    """An option or a combination of options that makes no sense; the text is one line."""


def check_number(
    name: str, value, low: float, high: float = math.inf, *, whole: bool = False, above: bool = False
) -> None:
    """BadUsage unless `value` is a number, a whole one if `whole`, from `low` (over it if `above`) to `high`."""
    kinds = int if whole else (int, float)
    number = isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high or (above and value == low):
        bounds = f"over {low}" if above else f"from {low}"
        bounds += f" to {high}" if high < math.inf else ""
        raise BadUsage(f"{name}={value}: {name}= takes a {'whole ' if whole else ''}number {bounds}")


def label_id(name: str) -> int:
    """The class id of a label name; raises `BadData` for a label that does not exist."""
    if name not in LABELS:
        raise BadData(f"unknown label {name!r}: the labels are {', '.join(LABELS)}")
    return LABELS.index(name)


def check_label(name: str | None) -> str | None:
    """`name`, if it is that of a label or None, which means none of them."""
    return None if name is None else LABELS[label_id(name)]


def check_functions(of: str, label: str | None, functions: Sequence[str | None]) -> tuple[str, ...]:
    """`functions` in the order of `LABELS`, once they exist and the `label` of the paragraph `of` is among them."""
    named = {check_label(name) for name in functions}
    ordered = tuple(name for name in LABELS if name in named)
    if check_label(label) is not None and label not in ordered:
        raise BadData(f"label {label!r} of {of!r} is not among its functions {list(ordered)}")
    return ordered


def check_characters(name: str, text: str) -> None:
    """Refuse half a character, which JSON's escapes can spell and no UTF-8 file can hold."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadData(f"{name} holds half a character (a lone surrogate)")


def check_record(record: object, types: dict[str, type | tuple], optional: dict | None = None) -> dict:
    """`record` with the defaults of `optional` filled in, once its fields have the given types."""
    if not isinstance(record, dict):
        raise BadData(f"expected a JSON object, found {type(record).__name__}")
    record = {**(optional or {}), **record}
    for name, kind in types.items():
        if name not in record:
            raise BadData(f"missing field {name!r}")
        value = record[name]
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            names = " or ".join("null" if k is type(None) else k.__name__ for k in wanted)
            raise BadData(f"field {name!r} should be {names}, found {value!r:.60}")
    return record


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a document, as the paragraph file holds it; a row lacks none of these fields.

    `start` and `end` are character offsets into the decoded raw text of the document: what lies
    between them is the paragraph, give or take white space and what `report.json` lists as dropped.
    """

    id: str
    doc_id: str
    position: int
    title: str
    section: str
    text: str
    source: str
    start: int
    end: int

    @classmethod
    def from_json(cls, record: object) -> "Paragraph":
        types = {f.name: f.type for f in fields(cls)}
        record = check_record(record, types)
        if not record["id"]:
            raise BadData("a paragraph's id is empty")
        if not record["text"].strip():
            raise BadData(f"paragraph {record['id']!r} has no text")
        for name in ("id", "doc_id", "title", "section", "text"):
            check_characters(f"the {name} of paragraph {record['id']!r}", record[name])
        return cls(**{name: record[name] for name in types})

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SentenceSpan:
    """A sentence of a paragraph (character offsets into its text) and its function, or None."""

    start: int
    end: int
    function: str | None

    @classmethod
    def from_json(cls, record: object, parse: Callable[[str | None], str | None] = check_label) -> "SentenceSpan":
        record = check_record(record, {"start": int, "end": int, "function": (str, type(None))})
        return cls(record["start"], record["end"], parse(record["function"]))


@dataclass(frozen=True, slots=True)
class Vote:
    """What one annotator said of one paragraph under one protocol.

    `label` is the primary function, None meaning “none of the four”; `functions` are all the
    functions found, in the order of `LABELS`; `sha256` pins the text that was voted on.
    """

    id: str
    protocol: str
    annotator: str
    label: str | None
    functions: tuple[str, ...]
    sha256: str = ""
    round: int = 1
    sentences: tuple[SentenceSpan, ...] = field(default=())

    @classmethod
    def from_json(cls, record: object, protocol: str | None = None) -> "Vote":
        types = {
            "id": str,
            "protocol": str,
            "annotator": str,
            "label": (str, type(None)),
            "functions": list,
            "sha256": str,
            "round": int,
            "sentences": list,
        }
        optional = {"sha256": "", "round": 1, "sentences": []}
        if protocol:
            optional["protocol"] = protocol
        record = check_record(record, types, optional)
        for name in ("id", "annotator"):
            check_characters(f"the {name} of a vote", record[name])
        functions = check_functions(record["id"], record["label"], record["functions"])
        return cls(
            record["id"],
            record["protocol"],
            record["annotator"],
            record["label"],
            functions,
            record["sha256"],
            record["round"],
            tuple(map(SentenceSpan.from_json, record["sentences"])),
        )

    def to_json(self) -> dict:
        row = {"id": self.id, "annotator": self.annotator, "round": self.round, "label": self.label}
        row |= {"functions": list(self.functions), "sha256": self.sha256}
        if self.sentences:
            row["sentences"] = [asdict(span) for span in self.sentences]
        return row


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer for one paragraph: a class id (`primary`) or a list of ids (`functions`), and
    one probability a label, in the order of `LABELS`."""

    id: str
    split: str
    predicted: int | list[int]
    proba: list[float]
