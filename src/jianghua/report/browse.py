"""The dataset as one static HTML file: filter by function, source and dispute, see votes and evidence sentences."""

from collections.abc import Mapping

from jianghua.report.templates import GROUPS_ZH, NAMES_ZH, render
from jianghua.schema import LABELS, SPLITS, Vote


def _entry(row: dict, split: str, label: int | None, votes: list[Vote]) -> dict:
    spans = next((vote.sentences for vote in votes if vote.sentences), ())
    pieces = [(row["text"][s.start : s.end], s.function) for s in spans] or [(row["text"], None)]
    cast = [
        {"protocol": vote.protocol, "label": vote.label, "functions": list(vote.functions)}
        for vote in sorted(votes, key=lambda vote: (vote.protocol, vote.annotator))
    ]
    answers = {(vote.label, vote.functions) for vote in votes}
    return {
        "id": row["id"],
        "title": row["title"],
        "year": row["year"],
        "source": row["source"],
        "split": split,
        "register": row["register"],
        "noise": row["noise"],
        "label": None if label is None else LABELS[label],
        "functions": [LABELS[i] for i in row["functions"]],
        "pieces": pieces,
        "votes": cast,
        "disputed": len(answers) > 1,
    }


def browse_page(
    rows: dict[str, dict[str, list[dict]]],
    votes: Mapping[str, list[Vote]],
    name: str,
    fingerprint: str,
    reasons: Mapping[str, str],
) -> str:
    """HTML of a build's rows (configuration → split → rows), in the order of documents.

    `votes` are the votes that count and `reasons` the adjudicators' reasons, by paragraph id.
    """
    labels = {row["id"]: row["label"] for part in rows["primary"].values() for row in part}
    entries = [
        _entry(row, split, labels.get(row["id"]), votes[row["id"]]) | {"reason": reasons.get(row["id"], "")}
        for split in SPLITS
        for row in rows["functions"][split]
    ]
    entries.sort(key=lambda entry: entry["id"])
    return render(
        "browse.html.jinja",
        data=entries,
        names=NAMES_ZH,
        groups=GROUPS_ZH,
        sources=sorted({entry["source"] for entry in entries}),
        splits=SPLITS,
        name=name,
        fingerprint=fingerprint,
        count=len(entries),
    )
