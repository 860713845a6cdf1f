"""Two speeches, or two sets of them, side by side: what share does what, and what became of the old one's sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jianghua.evaluation.intervals import FEWEST, LEVEL, NO_VARIANCE, document_variance, documents_of, sum_by_document
from jianghua.files import write_atomic, write_json
from jianghua.report.page import by_probability
from jianghua.report.tables import print_table
from jianghua.report.templates import NAMES_ZH, render
from jianghua.report.wording import SIMILAR, WITHIN, edits, match_sentences, parts_of, same_words, sentences_of
from jianghua.schema import LABELS, Paragraph

FORMATS = (".html", ".htm", ".json")
# of sentences; added ones are the new side's, dropped ones the old's, a part is found within a longer sentence
STATES = ("kept", "changed", "part", "added", "dropped")
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

    `old`, `new` and `difference` are `{"value", "low", "high"}`; the ends are those of a 95 % interval over documents
    (linearised variance of a ratio, Cochran 1977, chapter 6, with Student's t, for the difference Welch's), None where
    a side has fewer than `FEWEST`, since one speech says nothing of others, and where all are alike. `expected` are the
    two shares by the probabilities, None for none.
    """
    sides = [characters(one) for one in (old, new)]
    rows = []
    for column, name in enumerate(COUNTED):
        statistic = share(column)
        a, b = (float(statistic(counts.sum(0))) for counts in sides)
        spread = [document_variance(counts[None], statistic) for counts in sides]
        freedom = [len(counts) - 1 if len(counts) >= FEWEST else 0 for counts in sides]
        scores = {"old": _score(a, spread[0], freedom[0], (0, 1)), "new": _score(b, spread[1], freedom[1], (0, 1))}
        between = 0.0
        if all(freedom) and sum(spread) > NO_VARIANCE:
            between = sum(spread) ** 2 / sum(v**2 / f for v, f in zip(spread, freedom, strict=True))
        scores["difference"] = _score(b - a, sum(spread), between, (-1, 1))
        expected = None
        if name != "none":
            expected = [float(share(TOTAL + 1 + column)(counts.sum(0))) for counts in sides]
        rows.append({"function": name} | scores | {"expected": expected})
    return rows


def _score(value: float, variance: float, freedom: float, bounds: tuple[float, float]) -> dict:
    from scipy.stats import t as student

    if freedom < 1 or variance <= NO_VARIANCE:
        return {"value": value, "low": None, "high": None}
    half = float(student.ppf((1 + LEVEL) / 2, freedom)) * variance**0.5
    return {"value": value, "low": max(bounds[0], value - half), "high": min(bounds[1], value + half)}


def wording(old: Labelled, new: Labelled) -> dict:
    """What the new speech's sentences come from: `new` and `old` are rows a sentence, in the speech's order.

    A new row: `paragraph` (its place in the speech), `text`, `state` (of `STATES`), where it is not `added` `from`, the
    index of the old row, and where it is `kept` or `changed` their `similarity`; an old row: `paragraph`, `text`,
    `state`, and `to` where it is not `dropped`. Number and share of characters in each state stand in `shares`.
    """
    before, after = (sentences_of([p.text for p in one.paragraphs]) for one in (old, new))
    matched = match_sentences([text for _, text in before], [text for _, text in after])
    rows = {"old": [{"paragraph": i, "text": text, "state": "dropped"} for i, text in before]}
    rows["new"] = [{"paragraph": i, "text": text, "state": "added"} for i, text in after]
    for to, (source, similarity) in matched.items():
        state = "kept" if same_words(before[source][1], after[to][1]) else "changed"
        rows["new"][to] |= {"state": state, "from": source, "similarity": round(similarity, 4)}
        rows["old"][source] |= {"state": state, "to": to}
    for side, whole, link, left in (("new", before, "from", "added"), ("old", after, "to", "dropped")):
        open_ = [row for row in rows[side] if row["state"] == left]
        for i, j in parts_of([text for _, text in whole], [row["text"] for row in open_]).items():
            open_[i] |= {"state": "part", link: j}
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
    """The documents in their order; labels of a paragraph stand with the most probable first."""
    found: dict[str, dict] = {}
    for paragraph, names, numbers in zip(own.paragraphs, own.labels, own.proba, strict=True):
        titled = paragraph.title and paragraph.title != paragraph.doc_id
        name = f"{paragraph.title}（{paragraph.doc_id}）" if titled else paragraph.doc_id
        document = found.setdefault(paragraph.doc_id, {"doc_id": paragraph.doc_id, "name": name, "paragraphs": []})
        proba = dict(zip(LABELS, (round(float(p), 6) for p in numbers), strict=True))
        one = {"id": paragraph.id, "text": paragraph.text, "section": paragraph.section}
        document["paragraphs"].append(one | {"labels": by_probability(names, numbers), "proba": proba})
    return list(found.values())


def speeches_page(comparison: dict, model: str, cut: int = 0) -> str:
    """HTML of `side_by_side`: the shares, both courses in colour, and the texts with what became of each sentence."""
    texts = comparison["wording"]
    sentences: dict[str, list[list[dict]]] = {}
    for side, documents in comparison["documents"].items():
        sentences[side] = [[] for document in documents for _ in document["paragraphs"]]
        for index, row in enumerate(texts[side] if texts else []):
            pieces = [("same", row["text"])]
            if side == "new" and row["state"] == "changed":
                pieces = edits(texts["old"][row["from"]]["text"], row["text"])
            shown = row | {"index": index, "pieces": pieces, "other": row.get("from", row.get("to"))}
            sentences[side][row["paragraph"]].append(shown)
    few = any(len(documents) < FEWEST for documents in comparison["documents"].values())
    values = {"comparison": comparison, "sentences": sentences, "model": model, "cut": cut}
    limits = {"similar": SIMILAR, "within": WITHIN, "fewest": FEWEST, "few": few}
    return render("speeches.html.jinja", names=NAMES_ZH, **values, **limits)


def write_comparison(output: Path, comparison: dict, model: str, cut: int = 0) -> None:
    """Write the page or the record, by the ending of `output`."""
    if output.suffix.lower() == ".json":
        write_json(output, comparison | {"model": model, "not_read_whole": cut}, indent=1)
    else:
        write_atomic(output, speeches_page(comparison, model, cut))


def print_profile(comparison: dict) -> None:
    """The shares, and what became of the sentences, on standard output."""

    def cell(score: dict, sign: str = "") -> str:
        value, low, high = (None if part is None else f"{100 * part:{sign}.1f}" for part in score.values())
        return value if low is None else f"{value} [{low}, {high}]"

    rows = [
        [row["function"], cell(row["old"]), cell(row["new"]), cell(row["difference"], "+")]
        for row in comparison["profile"]
        if row["function"] != "none" or comparison["config"] == "functions"  # a primary model finds no none
    ]
    titles = [_said(comparison["documents"][name]) for name in ("old", "new")]
    caption = "a paragraph may count for several functions, or for none" if comparison["config"] == "functions" else ""
    title = f"{titles[0]} → {titles[1]}: per cent of the characters"
    print_table(title, ["function", "old", "new", "difference"], rows, caption)
    for name, shares in ((comparison["wording"] or {}).get("shares") or {}).items():
        told = ", ".join(f"{state} {own['sentences']} ({own['share']:.0%})" for state, own in shares.items())
        print(f"sentences of the {name} speech: {told}")


def _said(documents: Sequence[dict]) -> str:
    return documents[0]["name"] if len(documents) == 1 else f"{len(documents)} speeches"
