"""Two speeches, or two sets of them, side by side: what share does what, and what became of the old one's sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jianghua.evaluation.intervals import (
    bootstrap_interval,
    documents_of,
    percentile_ends,
    replicate_scores,
    sum_by_document,
)
from jianghua.files import write_atomic, write_json
from jianghua.report.tables import print_table
from jianghua.report.templates import NAMES_ZH, render
from jianghua.report.wording import SIMILAR, edits, match_sentences, same_words, sentences_of
from jianghua.schema import LABELS, Paragraph

FORMATS = (".html", ".htm", ".json")
STATES = ("kept", "changed", "added", "dropped")  # of sentences: added ones are the new side's, dropped ones the old's
COUNTED = (*LABELS, "none")
TOTAL = len(COUNTED)  # column of all characters; after it what the probabilities expect of each label


@dataclass(frozen=True)
class Labelled:
    """One side: its paragraphs, the label names decided for each (none to four) and their probabilities (n, 4)."""

    paragraphs: Sequence[Paragraph]
    labels: Sequence[list[str]]
    proba: np.ndarray


def characters(own: Labelled) -> np.ndarray:
    """(documents, 10) characters: of the paragraphs with each function, of those with none, of all; and of each
    function by its probabilities (probability average, Bella et al. 2010)."""
    sizes = np.array([len(paragraph.text) for paragraph in own.paragraphs], float)
    decided = np.array([[name in names or (name == "none" and not names) for name in COUNTED] for names in own.labels])
    columns = np.concatenate([decided, np.ones((len(sizes), 1)), own.proba], axis=1)
    numbers, documents = documents_of([paragraph.doc_id for paragraph in own.paragraphs])
    return sum_by_document(columns * sizes[:, None], numbers, documents)


def share(column: int) -> Callable[[np.ndarray], np.ndarray]:
    """Statistic of stacked sums of `characters`, (n, 10) → (n,): that column's share of all characters."""
    return lambda sums: sums[..., column] / sums[..., TOTAL]


def profile(old: Labelled, new: Labelled) -> list[dict]:
    """A row a function, and one for none: its share of each side's characters, and how far they differ.

    `old`, `new` and `difference` are `{"value", "low", "high"}`; the ends are those of a 95 % interval by resampling
    documents, each side for itself, and None where a side has a single document: one speech is described, and says
    nothing of others. `expected` are the two shares by the probabilities, None for none.
    """
    sides = [characters(one) for one in (old, new)]
    rows = []
    for column, name in enumerate(COUNTED):
        statistic = share(column)
        values = [float(statistic(counts.sum(0))) for counts in sides]
        ends = [bootstrap_interval(counts, statistic) or (None, None) for counts in sides]
        between = (None, None)
        if all(len(counts) > 1 for counts in sides):
            drawn = [replicate_scores(counts[None], statistic, seed=i) for i, counts in enumerate(sides)]
            between = percentile_ends(drawn[1] - drawn[0])
        triples = zip((*values, values[1] - values[0]), (*ends, between), strict=True)
        scores = [{"value": value, "low": low, "high": high} for value, (low, high) in triples]
        expected = None
        if name != "none":
            expected = [float(share(TOTAL + 1 + column)(counts.sum(0))) for counts in sides]
        rows.append({"function": name} | dict(zip(("old", "new", "difference"), scores, strict=True)))
        rows[-1]["expected"] = expected
    return rows


def wording(old: Labelled, new: Labelled) -> dict:
    """What the new speech's sentences come from: `new` and `old` are rows a sentence, in the speech's order.

    A new row: `paragraph` (its place in the speech), `text`, `state` (`kept`, `changed`, `added`), and for the first
    two `similarity`, and `from`, the index of the old row; an old row: `paragraph`, `text`, `state` (`kept`, `changed`,
    `dropped`) and `to`. The share of characters in each state stands in `shares`.
    """
    before, after = (sentences_of([p.text for p in one.paragraphs]) for one in (old, new))
    matched = match_sentences([text for _, text in before], [text for _, text in after])
    rows = {"old": [{"paragraph": i, "text": text, "state": "dropped"} for i, text in before]}
    rows["new"] = [{"paragraph": i, "text": text, "state": "added"} for i, text in after]
    for to, (source, similarity) in matched.items():
        state = "kept" if same_words(before[source][1], after[to][1]) else "changed"
        rows["new"][to] |= {"state": state, "from": source, "similarity": round(similarity, 4)}
        rows["old"][source] |= {"state": state, "to": to}
    return rows | {"shares": {name: _shares(rows[name]) for name in ("old", "new")}}


def _shares(rows: Sequence[dict]) -> dict[str, dict]:
    total = sum(len(row["text"]) for row in rows)
    counted = {state: [row for row in rows if row["state"] == state] for state in STATES}
    return {
        state: {"sentences": len(own), "share": sum(len(row["text"]) for row in own) / total}
        for state, own in counted.items()
        if own
    }


def side_by_side(old: Labelled, new: Labelled, config: str) -> dict:
    """The whole comparison as plain data; `wording` is None unless each side is one speech."""
    single = all(len({p.doc_id for p in one.paragraphs}) == 1 for one in (old, new))
    return {
        "config": config,
        "documents": {name: _documents(one) for name, one in (("old", old), ("new", new))},
        "profile": profile(old, new),
        "wording": wording(old, new) if single else None,
    }


def _documents(own: Labelled) -> list[dict]:
    found: dict[str, dict] = {}
    for paragraph, names in zip(own.paragraphs, own.labels, strict=True):
        record = {"doc_id": paragraph.doc_id, "title": paragraph.title or paragraph.doc_id, "paragraphs": []}
        record = found.setdefault(paragraph.doc_id, record)
        record["paragraphs"].append({"id": paragraph.id, "labels": names, "characters": len(paragraph.text)})
    return list(found.values())


def speeches_page(comparison: dict, old: Labelled, new: Labelled, model: str, cut: int = 0) -> str:
    """HTML of `side_by_side`: the shares, both courses in colour, and the texts with what became of each sentence."""
    texts = comparison["wording"]
    columns = []
    for name, own in (("old", old), ("new", new)):
        entries = [
            {"paragraph": paragraph, "labels": names, "sentences": []}
            for paragraph, names in zip(own.paragraphs, own.labels, strict=True)
        ]
        for index, row in enumerate(texts[name] if texts else []):
            pieces = [("same", row["text"])]
            if name == "new" and row["state"] == "changed":
                pieces = edits(texts["old"][row["from"]]["text"], row["text"])
            shown = row | {"index": index, "pieces": pieces, "other": row.get("from", row.get("to"))}
            entries[row["paragraph"]]["sentences"].append(shown)
        columns.append({"name": name, "entries": entries})
    values = {"comparison": comparison, "columns": columns, "model": model, "cut": cut, "similar": SIMILAR}
    return render("speeches.html.jinja", names=NAMES_ZH, **values)


def write_comparison(output: Path, comparison: dict, old: Labelled, new: Labelled, model: str, cut: int = 0) -> None:
    """Write the page or the record, by the ending of `output`."""
    if output.suffix.lower() == ".json":
        write_json(output, comparison | {"model": model, "not_read_whole": cut}, indent=1)
    else:
        write_atomic(output, speeches_page(comparison, old, new, model, cut))


def print_profile(comparison: dict) -> None:
    """The shares, and what became of the sentences, on standard output."""

    def cell(score: dict, sign: str = "") -> str:
        value, low, high = (None if part is None else f"{100 * part:{sign}.1f}" for part in score.values())
        return value if low is None else f"{value} [{low}, {high}]"

    rows = [
        [row["function"], cell(row["old"]), cell(row["new"]), cell(row["difference"], "+")]
        for row in comparison["profile"]
    ]
    titles = [_said(comparison["documents"][name]) for name in ("old", "new")]
    caption = "a paragraph may count for several functions, or for none" if comparison["config"] == "functions" else ""
    title = f"{titles[0]} → {titles[1]}: per cent of the characters"
    print_table(title, ["function", "old", "new", "difference"], rows, caption)
    for name, shares in ((comparison["wording"] or {}).get("shares") or {}).items():
        told = ", ".join(f"{state} {own['sentences']} ({own['share']:.0%})" for state, own in shares.items())
        print(f"sentences of the {name} speech: {told}")


def _said(documents: Sequence[dict]) -> str:
    return documents[0]["title"] if len(documents) == 1 else f"{len(documents)} speeches"
