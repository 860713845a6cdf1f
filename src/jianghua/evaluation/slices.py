"""Where a system is weak: scores of parts of a part, and the worst of them beside the whole (as WILDS does)."""

from collections.abc import Callable, Sequence

import numpy as np

from jianghua.evaluation.measure import finite
from jianghua.evaluation.metrics import macro_f1

SLICE_MINIMUM = 30


def _length(row: dict) -> str:
    chars = row.get("chars") or len(row["text"])
    return "under 80" if chars < 80 else "80-199" if chars < 200 else "200 and over"


def _decade(row: dict) -> str | None:
    return None if row.get("year") is None else f"{row['year'] // 10 * 10}s"


def _functions(row: dict, config: str) -> str:
    """Number of functions of the paragraph; a `primary` row has no list of them, but evidence sentences."""
    found = row["functions"] if config == "functions" else {_function(s) for s in row.get("sentences") or []} - {None}
    return "3 or more" if len(found) > 2 else str(len(found))


def _function(sentence: dict | Sequence) -> int | None:
    # a row of a build has {start, end, function}, a row of the index [end, function]
    return sentence["function"] if isinstance(sentence, dict) else sentence[-1]


def _thirds(rows: Sequence[dict]) -> dict[str, str]:
    """Paragraph id → third of its document, by its place among the positions seen here."""
    last: dict[str, int] = {}
    for row in rows:
        last[row["doc_id"]] = max(last.get(row["doc_id"], 0), row.get("position") or 0)
    names = ("first third", "middle third", "last third")
    return {row["id"]: names[3 * (row.get("position") or 0) // (last[row["doc_id"]] + 1)] for row in rows}


def slices_of(rows: Sequence[dict], config: str) -> dict[str, list[str]]:
    """Slice name → the group of each row; `none` where a row has no such property."""
    thirds = _thirds(rows)
    keys: dict[str, Callable[[dict], object]] = {
        name: (lambda row, name=name: row.get(name)) for name in ("source", "occasion", "level", "register", "noise")
    }
    keys |= {
        "decade": _decade,
        "length": _length,
        "position": lambda row: thirds[row["id"]],
        "disputed": lambda row: "disputed" if row.get("disputed") else "unanimous",
        "functions": lambda row: _functions(row, config),
    }
    return {name: ["none" if key(row) is None else str(key(row)) for row in rows] for name, key in keys.items()}


def slice_scores(rows: Sequence[dict], counts: np.ndarray, correct: np.ndarray, config: str) -> dict:
    """Slice → group → macro-F1, share of wholly right answers, size; `small` marks groups under `SLICE_MINIMUM`.

    `counts` (n, 4, 3) are the items' counts, `correct` (n,) whether the whole answer is right.
    """
    result: dict = {}
    for name, groups in slices_of(rows, config).items():
        result[name] = {}
        for group in sorted(set(groups)):
            members = np.flatnonzero(np.array(groups) == group)
            result[name][group] = {
                "macro_f1": finite(macro_f1(counts[members].sum(0))),
                "correct": float(correct[members].mean()),
                "n": len(members),
                "documents": len({rows[i]["doc_id"] for i in members}),
                "small": len(members) < SLICE_MINIMUM,
            }
    return result


def worst_slice(slices: dict, n: int) -> dict | None:
    """The group with the lowest share of right answers among those of at least `SLICE_MINIMUM` paragraphs.

    By right answers and not by macro-F1, in which a class with one paragraph weighs as much as all others.
    The lowest of many noisy numbers lies too low: read it as where to look. None if no true part is large
    enough (a group of all `n` paragraphs is not a part).
    """
    found = [
        {"slice": name, "group": group} | scores
        for name, groups in slices.items()
        for group, scores in groups.items()
        if not scores["small"] and scores["n"] < n
    ]
    if not found:
        return None
    return {key: value for key, value in min(found, key=lambda s: s["correct"]).items() if key != "small"}
