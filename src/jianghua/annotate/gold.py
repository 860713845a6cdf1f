"""From votes to gold: unanimous, or adjudicated with a written reason; everything else stays open.

The primary function and the set of functions are separate questions. Where all votes agree on one,
that one is gold; an adjudication row settles both. One vote alone settles nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jianghua.annotate.agreement import Dispute, disputes
from jianghua.annotate.votes import current_votes
from jianghua.files import read_placed_jsonl
from jianghua.schema import LABELS, BadData, Vote, check_functions, check_record


@dataclass(frozen=True, slots=True)
class Adjudication:
    """What the adjudicator decided of a paragraph, and why; `place` is `FILE:LINE`."""

    id: str
    sha256: str
    label: str | None
    functions: tuple[str, ...]
    reason: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """The settled answers for a paragraph.

    `label` is meant only where `primary_settled`, `functions` only where `functions_settled`.
    `agreement_primary` is the share of votes for the gold label, `agreement_functions` the mean over
    the four functions of the share of votes that agree with gold; None while not settled.
    `disputed`: some votes differ, adjudicated or not. `reason` is the adjudicator's, or empty.
    """

    id: str
    sha256: str
    label: str | None
    functions: tuple[str, ...]
    primary_settled: bool
    functions_settled: bool
    agreement_primary: float | None
    agreement_functions: float | None
    disputed: bool
    reason: str
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`rows`: paragraphs with at least one settled question, by id, ids sorted.

    `open`: paragraphs with an open question, the most disputed first and then, with disagreement 0,
    those that only one vote speaks for. A paragraph with one question settled is in both.
    """

    rows: dict[str, Gold]
    open: list[Dispute]

    @property
    def queue(self) -> list[str]:
        """Ids of the paragraphs that wait for a decision, in the order of `open`."""
        return [dispute.id for dispute in self.open]

    def as_votes(self) -> dict[str, Vote]:
        """The fully settled paragraphs' gold in the shape of votes, to measure raters against."""
        return {
            unit: Vote(unit, "alone", "gold", row.label, row.functions, row.sha256)
            for unit, row in self.rows.items()
            if row.primary_settled and row.functions_settled
        }


def read_adjudicated(path: str | Path, sha256s: Mapping[str, str] | None = None) -> dict[str, Adjudication]:
    """Adjudication rows by paragraph id; a missing file has none.

    Refuses, naming file and line, a second row for a paragraph, a row without a reason, a label that
    is not among the functions and, with `sha256s` (paragraph id → hash), an unknown paragraph or another
    text than today's.
    """
    path = Path(path)
    if not path.exists():
        return {}

    def parse(record: object) -> dict:
        types = {"id": str, "sha256": str, "label": (str, type(None)), "functions": list, "reason": str}
        record = check_record(record, types)
        functions = check_functions(record["id"], record["label"], record["functions"])
        if not record["reason"].strip():
            raise BadData(f"the decision on {record['id']!r} has no reason; write one")
        if sha256s is not None and record["id"] not in sha256s:
            raise BadData(f"unknown paragraph {record['id']!r}")
        if sha256s is not None and sha256s[record["id"]] != record["sha256"]:
            raise BadData(f"the decision on {record['id']!r} is about another text; decide again")
        return {name: record[name] for name in types} | {"functions": functions}

    decided: dict[str, Adjudication] = {}
    for place, record in read_placed_jsonl(path, parse):
        if record["id"] in decided:
            raise BadData(f"{place}: {record['id']!r} has been decided already at {decided[record['id']].place}")
        decided[record["id"]] = Adjudication(**record, place=place)
    return decided


def aggregate(votes: Sequence[Vote], adjudicated: Mapping[str, Adjudication] | None = None) -> Aggregate:
    """Gold and the open queue, from the newest rounds of `votes`.

    An adjudication row decides whatever the votes say, so a unanimous error can be mended with a
    written reason. Raises `BadData` where a decision and the votes are about different texts.
    """
    adjudicated = adjudicated or {}
    disputed = {dispute.id: dispute for dispute in disputes(votes)}
    rows, single = {}, []
    for unit, cast in current_votes(votes).items():
        decision = adjudicated.get(unit)
        if decision and decision.sha256 != cast[0].sha256:
            raise BadData(
                f"{decision.place}: the decision on {unit!r} is about another text than its votes; decide again"
            )
        if not decision and len(cast) == 1:
            single.append(Dispute(unit, cast[0].sha256, 0.0, 0.0, tuple(cast)))
            continue
        gold = _settle(cast, decision, disputed=unit in disputed)
        if gold.primary_settled or gold.functions_settled:
            rows[unit] = gold
    queue = [dispute for unit, dispute in disputed.items() if unit not in adjudicated]
    return Aggregate(rows, queue + single)


def _settle(cast: Sequence[Vote], decision: Adjudication | None, disputed: bool) -> Gold:
    answer = decision or cast[0]
    primary = bool(decision) or len({vote.label for vote in cast}) == 1
    functions = bool(decision) or len({vote.functions for vote in cast}) == 1
    same = [(name in vote.functions) == (name in answer.functions) for vote in cast for name in LABELS]
    return Gold(
        id=cast[0].id,
        sha256=cast[0].sha256,
        label=answer.label if primary else None,
        functions=answer.functions if functions else (),
        primary_settled=primary,
        functions_settled=functions,
        agreement_primary=_share([vote.label == answer.label for vote in cast]) if primary else None,
        agreement_functions=_share(same) if functions else None,
        disputed=disputed,
        reason=decision.reason if decision else "",
        votes=tuple(cast),
    )


def _share(agree: Sequence[bool]) -> float:
    return sum(agree) / len(agree)
