"""A labelled speech as one self-contained HTML page."""

from collections.abc import Sequence
from itertools import groupby

from jianghua.report.templates import NAMES_ZH, render
from jianghua.schema import LABELS, Paragraph


def by_probability(names: Sequence[str], proba: Sequence[float]) -> list[str]:
    """Label names, the most probable first; `proba` is (4,)."""
    return sorted(names, key=lambda name: -proba[LABELS.index(name)])


def speech_page(
    paragraphs: Sequence[Paragraph], labels: Sequence[list[str]], proba, config: str, model: str, cut: int = 0
) -> str:
    """HTML of one or more documents: each paragraph coloured by its (first) function, with its confidence.

    `labels` are the label names decided for each paragraph, none to four; `proba` is (n, 4); `cut` paragraphs were too
    long for the model to read them whole, which the page says.
    """
    entries = []
    for paragraph, names, numbers in zip(paragraphs, labels, proba, strict=True):
        ranked = by_probability(names, numbers)
        entries.append(
            {
                "paragraph": paragraph,
                "labels": ranked,
                "confidence": numbers[LABELS.index(ranked[0])] if ranked else 1 - max(numbers),
                "proba": list(zip(LABELS, (float(p) for p in numbers), strict=True)),
            }
        )
    documents = [
        {"title": members[0]["paragraph"].title or doc_id, "entries": members}
        for doc_id, members in ((k, list(g)) for k, g in groupby(entries, key=lambda e: e["paragraph"].doc_id))
    ]
    counts = {name: sum(name in entry["labels"] for entry in entries) for name in LABELS}
    counts["none"] = sum(not entry["labels"] for entry in entries)
    values = {"documents": documents, "counts": counts, "config": config, "model": model, "cut": cut}
    return render("page.html.jinja", names=NAMES_ZH, **values)
