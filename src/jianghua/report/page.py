"""A labelled speech as one self-contained HTML page."""

from collections.abc import Sequence
from itertools import groupby

from jianghua.schema import LABELS, LABELS_ZH, Paragraph


def speech_page(
    paragraphs: Sequence[Paragraph], labels: Sequence[list[str]], proba, config: str, model: str, cut: int = 0
) -> str:
    """HTML of one or more documents: each paragraph coloured by its (first) function, with its confidence.

    `labels` are the label names decided for each paragraph, none to four; `proba` is (n, 4); `cut` paragraphs were too
    long for the model to read them whole, which the page says.
    """
    from jinja2 import Environment, PackageLoader

    entries = []
    for paragraph, names, numbers in zip(paragraphs, labels, proba, strict=True):
        ranked = sorted(names, key=lambda name: -numbers[LABELS.index(name)])
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
    template = Environment(loader=PackageLoader("jianghua.report", "."), autoescape=True).get_template(
        "page.html.jinja"
    )
    return template.render(
        documents=documents, counts=counts, names=LABELS_ZH | {"none": "无"}, config=config, model=model, cut=cut
    )
