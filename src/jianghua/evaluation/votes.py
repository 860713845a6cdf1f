"""What votes alone would score: a protocol's answers against the majority of the other protocols' answers.

Gold is made of these very votes, so votes cannot be scored against gold. The number says how far one way
of asking agrees with the others, on the scale of the tables; it is no ceiling, and where models cast the
votes it says nothing about people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jianghua.evaluation.intervals import documents_of, sum_by_document
from jianghua.evaluation.measure import item_counts
from jianghua.schema import LABELS, PROTOCOLS


@dataclass(frozen=True)
class VotesAlone:
    """One protocol's votes in the shape of a system's answers: counts (1, documents, 4, 3) and paragraphs."""

    protocol: str
    counts: np.ndarray
    n: int

    @property
    def name(self) -> str:
        return f"votes `{self.protocol}` against the majority of the other protocols"


def answers_of(row: dict, config: str) -> dict[str, frozenset[int]]:
    """Protocol → its answer as a set of class ids, empty for none; of several passes the first listed."""
    answers: dict[str, frozenset[int]] = {}
    for vote in row.get("votes") or []:
        if config == "functions":
            answer = frozenset(vote["functions"])
        else:
            answer = frozenset() if vote.get("label") is None else frozenset([vote["label"]])
        answers.setdefault(vote["protocol"], answer)
    return answers


def majority(answers: Sequence[frozenset[int]], config: str) -> frozenset[int] | None:
    """What more than half of at least two answers say; None where there is no such thing.

    For `primary` more than half must give one and the same answer; for `functions` each function is
    decided by itself, and one tie leaves the paragraph out.
    """
    if len(answers) < 2:
        return None
    half = len(answers) / 2
    if config == "primary":
        return next((answer for answer in answers if answers.count(answer) > half), None)
    votes = [sum(i in answer for answer in answers) for i in range(len(LABELS))]
    return None if half in votes else frozenset(i for i, count in enumerate(votes) if count > half)


def votes_alone(rows: Sequence[dict], config: str) -> list[VotesAlone]:
    """Each protocol that has votes, in the order of `PROTOCOLS`.

    A `primary` paragraph whose majority is “none” is left out, as it is of the dataset; a vote for “none”
    on another paragraph misses its class.
    """
    result = []
    for protocol in PROTOCOLS:
        gold, given, doc_ids = [], [], []
        for row in rows:
            answers = answers_of(row, config)
            own = answers.pop(protocol, None)
            reference = majority(list(answers.values()), config)
            if own is None or reference is None or (config == "primary" and not reference):
                continue
            gold.append([i in reference for i in range(len(LABELS))])
            given.append([i in own for i in range(len(LABELS))])
            doc_ids.append(row["doc_id"])
        if gold:
            counts = sum_by_document(item_counts(np.array(gold), np.array(given)), *documents_of(doc_ids))
            result.append(VotesAlone(protocol, counts[None], len(gold)))
    return result
