"""Minimal pairs: a paragraph and a small edit of it that changes its function (contrast sets, Gardner et al. 2020).

A model that goes by topic or by style answers both sides alike; it is right about a pair only if it is
right about both.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jianghua.evaluation.intervals import documents_of, sum_by_document
from jianghua.evaluation.measure import share, with_interval
from jianghua.schema import BadData, check_record, label_id

LEAST_SHARED = 0.5  # similarity of the two texts (difflib's ratio): under it the edit is not a small one


@dataclass(frozen=True)
class ContrastPair:
    """Two texts that differ little and have different primary functions.

    `of` is the id of the test paragraph that `text_a` was taken from, or None where both were written anew;
    `what_changed` says in a few words what the edit did.
    """

    id: str
    of: str | None
    text_a: str
    label_a: str
    text_b: str
    label_b: str
    what_changed: str

    @classmethod
    def from_json(cls, record: object) -> "ContrastPair":
        """A pair from a line of `pairs.jsonl`; `BadData` for a field, a label or an edit that will not do."""
        text = dict.fromkeys(("id", "text_a", "label_a", "text_b", "label_b", "what_changed"), str)
        record = check_record(record, text | {"of": (str, type(None))})
        if unknown := sorted(set(record) - set(text) - {"of"}):
            raise BadData(f"pair {record['id']!r} has an unknown field {unknown[0]!r}")
        for name in ("id", "text_a", "text_b", "what_changed"):
            if not record[name].strip():
                raise BadData(f"pair {record['id']!r}: {name} is empty")
        for side in ("label_a", "label_b"):
            label_id(record[side])  # raises for what is no label
        if record["label_a"] == record["label_b"]:
            raise BadData(f"pair {record['id']!r}: both sides are {record['label_a']}; the edit must change the label")
        same = difflib.SequenceMatcher(None, record["text_a"], record["text_b"], autojunk=False).ratio()
        if same == 1 or same < LEAST_SHARED:
            why = "are the same" if same == 1 else f"share {same:.0%}, a minimal pair at least {LEAST_SHARED:.0%}"
            raise BadData(f"pair {record['id']!r}: its texts {why}")
        return cls(**record)


def check_pairs(pairs: Sequence[ContrastPair], index: Mapping[str, str]) -> None:
    """Refuse pairs that repeat, and those made of a paragraph that is not in test.

    `index`: paragraph id → its split. A model may have learned a train paragraph by heart.
    """
    if not pairs:
        raise BadData("there are no contrast pairs")
    seen: dict[str, str] = {}
    for pair in pairs:
        for key in (f"id {pair.id}", pair.text_a, pair.text_b):
            if key in seen:
                what = "id" if key.startswith("id ") else "text"
                raise BadData(f"pair {pair.id!r}: its {what} stands in pair {seen[key]!r} already")
            seen[key] = pair.id
        if pair.of is not None and index.get(pair.of) != "test":
            found = f"is in {index[pair.of]}" if pair.of in index else "is not a paragraph of the dataset"
            raise BadData(f"pair {pair.id!r}: of={pair.of!r} {found}; it takes a test paragraph or null")


def contrast_scores(pairs: Sequence[ContrastPair], answer: Callable[[list[str]], Sequence], config: str) -> dict:
    """Pair accuracy, accuracy of each side, and the share of pairs that get one answer on both sides.

    `answer`: texts → class ids (`primary`) or lists of ids (`functions`). For `functions` a side is right if its
    label is found and the other side's is not. Intervals resample the documents that pairs were made of, a pair
    made of none standing for itself. `by_change`: “praise → criticism” → pairs and pairs right.
    """
    decided = answer([pair.text_a for pair in pairs] + [pair.text_b for pair in pairs])

    def right(one, label: str, other: str) -> bool:
        if config == "primary":
            return one == label_id(label)
        return label_id(label) in one and label_id(other) not in one

    sides = np.array(
        [
            (right(a, pair.label_a, pair.label_b), right(b, pair.label_b, pair.label_a), a == b)
            for pair, a, b in zip(pairs, decided[: len(pairs)], decided[len(pairs) :], strict=True)
        ],
        dtype=float,
    )
    both = sides[:, :2].all(1)
    units = [pair.of.rpartition("-")[0] if pair.of else f"pair {pair.id}" for pair in pairs]
    numbers, documents = documents_of(units)

    def scored(hits: np.ndarray) -> dict:
        sums = sum_by_document(np.stack([hits, np.ones(len(hits))], 1), numbers, documents)
        return with_interval(sums, share, len(pairs))

    changes: dict[str, dict] = {}
    for pair, hit in zip(pairs, both, strict=True):
        change = changes.setdefault(f"{pair.label_a} → {pair.label_b}", {"n": 0, "right": 0})
        change["n"] += 1
        change["right"] += int(hit)
    return {
        "pair_accuracy": scored(both),
        "accuracy_a": scored(sides[:, 0]),
        "accuracy_b": scored(sides[:, 1]),
        "same_answer": scored(sides[:, 2]),
        "by_change": dict(sorted(changes.items())),
        "wrong": [pair.id for pair, hit in zip(pairs, both, strict=True) if not hit],
    }
