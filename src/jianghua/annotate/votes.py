"""Votes: the files `data/annotations/PROTOCOL.jsonl`, one vote a line, and what must hold of them.

A vote is what one annotator said of one paragraph under one protocol (`schema.Vote`). Votes are
never changed: when the guidelines change, paragraphs are voted on again in a higher `round`, and the
older votes stay in the file. The SHA-256 of the paragraph's text pins what was voted on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jianghua.files import read_jsonl, read_placed_jsonl
from jianghua.schema import LABELS, PROTOCOLS, SOURCES, BadData, SentenceSpan, Vote, at, check_record

ADJUDICATED = "adjudicated.jsonl"
ANNOTATORS = "annotators.jsonl"


def doc_id_of(paragraph_id: str) -> str:
    """The document of a paragraph: its id up to the last hyphen."""
    return paragraph_id.rpartition("-")[0] or paragraph_id


def check_protocol(protocol: str) -> str:
    if protocol not in PROTOCOLS:
        raise BadData(f"unknown protocol {protocol!r}: the protocols are {', '.join(PROTOCOLS)}")
    return protocol


def check_spans(spans: Sequence[SentenceSpan], length: int | None = None) -> None:
    """Raise `BadData` unless the sentences follow one another from 0 to `length` (characters)."""
    position = 0
    for span in spans:
        if span.start != position or span.end <= span.start:
            raise BadData(f"sentence {span.start}–{span.end} should start at {position} and not be empty")
        position = span.end
    if length is not None and position != length:
        raise BadData(f"the sentences end at {position}, the text has {length} characters")


def label_of_spans(spans: Sequence[SentenceSpan]) -> tuple[str | None, tuple[str, ...]]:
    """`(label, functions)` of a paragraph from its sentences, which cover it end to end (see `check_spans`).

    The functions are the union of the sentences'. The label is the function with most characters, an
    exact tie going to the one that comes last; it is None where the sentences with a function make up
    less than a third of the characters (data/GUIDELINES.md, section 五).
    """
    characters, last = defaultdict(int), {}
    for span in spans:
        if span.function is not None:
            characters[span.function] += span.end - span.start
            last[span.function] = span.start
    functions = tuple(name for name in LABELS if name in characters)
    if not functions or 3 * sum(characters.values()) < spans[-1].end:
        return None, functions
    return max(functions, key=lambda name: (characters[name], last[name])), functions


def check_vote(vote: Vote) -> Vote:
    """The vote, if it is sound in itself; raises `BadData` without a place."""
    if not vote.id.strip():
        raise BadData("a vote names no paragraph: its id is empty")
    if vote.round < 1:
        raise BadData(f"round {vote.round} of {vote.id!r}: rounds count from 1")
    if not vote.annotator.strip():
        raise BadData(f"the vote on {vote.id!r} names no annotator")
    if vote.protocol == "sentences" and not vote.sentences:
        raise BadData(f"the vote on {vote.id!r} has no sentences, and the protocol is `sentences`")
    if vote.sentences:
        check_spans(vote.sentences)
        label, functions = label_of_spans(vote.sentences)
        if (label, functions) != (vote.label, vote.functions):
            raise BadData(
                f"{vote.id!r} has label {vote.label} and functions {list(vote.functions)}, but its sentences "
                f"give {label} and {list(functions)}; leave label and functions out and import it again"
            )
    return vote


def check_text(vote: Vote, sha256s: Mapping[str, str]) -> None:
    """Raise `BadData` unless the vote is on a paragraph of `sha256s` (id → hash of its text) as it is now."""
    if vote.id not in sha256s:
        raise BadData(f"unknown paragraph {vote.id!r}")
    if vote.sha256 != sha256s[vote.id]:
        raise BadData(
            f"the vote on {vote.id!r} is about another text (SHA-256 {vote.sha256[:12] or 'missing'}…, "
            f"the paragraph has {sha256s[vote.id][:12]}…); vote again on the text as it is now"
        )


def refuse_duplicates(placed: Iterable[tuple[str, Vote]]) -> None:
    """Raise `BadData`, naming both places, on two votes of one annotator on one paragraph in one round."""
    seen: dict[tuple, str] = {}
    for place, vote in placed:
        key = (vote.id, vote.protocol, vote.annotator, vote.round)
        if key in seen:
            raise BadData(
                f"{place}: {vote.annotator!r} has voted on {vote.id!r} already at {seen[key]} "
                f"(protocol {vote.protocol}, round {vote.round}); remove one, or, if somebody else cast it, import it "
                "with annotator=NAME"
            )
        seen[key] = place


def read_placed_votes(
    path: str | Path, sha256s: Mapping[str, str] | None = None, lengths: Mapping[str, int] | None = None
) -> list[tuple[str, Vote]]:
    """`read_votes`, each vote with its place `FILE:LINE`."""
    path = Path(path)
    placed = []
    for file in _vote_files(path):
        protocol = file.stem if file.stem in PROTOCOLS else None

        def parse(record: object, protocol: str | None = protocol) -> Vote:
            vote = Vote.from_json(record, protocol)
            check_protocol(vote.protocol)
            if protocol and vote.protocol != protocol:
                raise BadData(f"a vote of protocol {vote.protocol!r} in the file of {protocol!r}")
            return check_vote(vote)

        placed += read_placed_jsonl(file, parse)
    refuse_duplicates(placed)
    if sha256s is not None:
        _check_texts(placed, sha256s, lengths or {})
    return placed


def _check_texts(placed: Sequence[tuple[str, Vote]], sha256s: Mapping[str, str], lengths: Mapping[str, int]) -> None:
    newest: dict[tuple[str, str], int] = {}
    for _, vote in placed:
        newest[vote.id, vote.protocol] = max(vote.round, newest.get((vote.id, vote.protocol), 1))
    for place, vote in placed:
        # votes of an older round stay in the file, and may be about the text as it was then
        if vote.round < newest[vote.id, vote.protocol]:
            continue
        with at(place):
            check_text(vote, sha256s)
            if vote.sentences and vote.id in lengths:
                check_spans(vote.sentences, lengths[vote.id])


def read_votes(
    path: str | Path, sha256s: Mapping[str, str] | None = None, lengths: Mapping[str, int] | None = None
) -> list[Vote]:
    """All votes, of every round, of a file or of a folder with one file a protocol.

    With `sha256s` (paragraph id → SHA-256 of its text) a vote on an unknown paragraph or on another
    text is refused, unless a later round of its protocol has replaced it; with `lengths` (paragraph id →
    characters), so are sentences that do not cover their text. Every refusal is a `BadData` that names
    file and line.
    """
    return [vote for _, vote in read_placed_votes(path, sha256s, lengths)]


def _vote_files(path: Path) -> list[Path]:
    if not path.exists():
        raise BadData(f"{path}: no such file or folder of votes")
    if not path.is_dir():
        return [path]
    files = [path / f"{protocol}.jsonl" for protocol in PROTOCOLS]
    known = {file.name for file in files} | {ADJUDICATED, ANNOTATORS}
    if stray := sorted({file.name for file in path.glob("*.jsonl")} - known):
        raise BadData(f"{path / stray[0]}: not a vote file; vote files are named {', '.join(PROTOCOLS)} (.jsonl)")
    found = [file for file in files if file.exists()]
    if not found:
        raise BadData(f"{path}: no votes; a vote file is named {', '.join(PROTOCOLS)} (.jsonl)")
    return found


def current_votes(votes: Iterable[Vote]) -> dict[str, list[Vote]]:
    """The votes that count, by paragraph, paragraphs sorted: of each protocol the newest round there.

    Raises `BadData` if the votes on a paragraph are about different texts.
    """
    by_question: dict[tuple[str, str], list[Vote]] = defaultdict(list)
    for vote in votes:
        by_question[vote.id, vote.protocol].append(vote)
    current: dict[str, list[Vote]] = defaultdict(list)
    order = sorted(by_question, key=lambda key: (key[0], PROTOCOLS.index(key[1])))
    for key in order:
        newest = max(vote.round for vote in by_question[key])
        current[key[0]] += sorted(
            (vote for vote in by_question[key] if vote.round == newest), key=lambda vote: vote.annotator
        )
    for paragraph, cast in current.items():
        if len({vote.sha256 for vote in cast}) > 1:
            raters = ", ".join(f"{vote.protocol}/{vote.annotator} {vote.sha256[:12] or 'none'}" for vote in cast)
            raise BadData(f"votes on {paragraph!r} are about different texts (SHA-256: {raters}); vote again")
    return dict(current)


def newest_round(votes: Iterable[Vote]) -> list[Vote]:
    """The votes that count (see `current_votes`), by paragraph, protocol and annotator."""
    return [vote for cast in current_votes(votes).values() for vote in cast]


def read_annotators(folder: str | Path) -> dict[str, dict]:
    """Annotator → `{"kind", "guidelines"}` of `annotators.jsonl`: model or person, and the edition read.

    `guidelines` is None for an annotator who read none (`names_only`). A folder without the file has none.
    """
    path = Path(folder) / ANNOTATORS
    types = {"annotator": str, "kind": str, "guidelines": (int, type(None))}
    rows = read_jsonl(path, lambda row: check_record(row, types)) if path.exists() else []
    return {row["annotator"]: row for row in rows}


def read_sources(speeches: str | Path) -> dict[str, str]:
    """Document id → source, from `SOURCE/manifest.jsonl` in a folder of speeches; empty without any."""
    sources = {}
    for source in SOURCES:
        manifest = Path(speeches) / source / "manifest.jsonl"
        if manifest.exists():
            rows = read_jsonl(manifest, lambda row: check_record(row, {"doc_id": str}))
            sources |= {row["doc_id"]: source for row in rows}
    return sources


def standard_slices(
    votes: Iterable[Vote], sources: Mapping[str, str], annotators: Mapping[str, dict]
) -> dict[str, dict[str, str]]:
    """The slices of an agreement report (paragraph id → part): `source`, and `guidelines`.

    A paragraph is `fresh` where everybody who voted on it read the newest edition of the guidelines, or
    none: it played no part in writing them.
    """
    ids = {vote.id for vote in votes}
    slices = {"source": {unit: sources.get(doc_id_of(unit), "unlisted") for unit in ids}}
    editions = {name: row["guidelines"] for name, row in annotators.items() if row["guidelines"] is not None}
    if editions:
        if unlisted := sorted({vote.annotator for vote in votes} - set(annotators)):
            raise BadData(
                f"annotator {unlisted[0]!r} has votes but no row in annotators.jsonl beside them: which guidelines "
                "were read is not known; add a row, or keep votes that are no part of it in another folder"
            )
        newest = max(editions.values())
        older = {vote.id for vote in votes if editions.get(vote.annotator, newest) < newest}
        slices["guidelines"] = {unit: "used to revise them" if unit in older else "fresh" for unit in ids}
    return slices
