"""The published tables, from stored predictions: one table a build and split part, neighbours compared."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from jianghua.evaluation import bootstrap_interval, macro_f1, paired_randomisation, scored_parts
from jianghua.evaluation.metrics import f1_per_class
from jianghua.evaluation.score import HEADLINE_MINIMUM, document_counts, join, targets
from jianghua.report.tables import markdown_table
from jianghua.schema import LABELS, BadData, Prediction

ABOUT = {
    "majority": "majority class",
    "tfidf": "TF-IDF + logistic regression",
    "mini_random": "`mini`, random weights",
    "mini": "`mini`, pre-trained",
}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Holm 1979): adjusted p-values in the order given."""
    order = np.argsort(p_values)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _interval(counts: np.ndarray, statistic) -> str:
    """`counts` (seeds, documents, 4, 3): mean over seeds, interval over documents."""
    by_document = counts.transpose(1, 0, 2, 3)
    mean = float(statistic(by_document.sum(0)[None]).mean(-1)[0])
    interval = bootstrap_interval(by_document, lambda c: statistic(c).mean(-1))
    return f"{mean:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def part_table(
    rows: dict[str, list[dict]], split: str, part: list[dict], runs: Mapping[str, list[list[Prediction]]], config: str
) -> tuple[str, list[str]]:
    """Markdown table of one part, models in the order of `runs` (model → predictions a seed), and its notes."""
    gold = targets(part, config)
    support = [int((gold == i).sum()) if config == "primary" else int(gold[:, i].sum()) for i in range(len(LABELS))]
    head = list(range(len(LABELS)))
    if (
        part[0]["source"] == "public"
    ):  # real reports hardly contain some functions: the constructed part answers for them
        head = [i for i in head if support[i] >= HEADLINE_MINIMUM]
    if not head:
        raise BadData(f"no function has {HEADLINE_MINIMUM} paragraphs in {split}: there is no headline score")
    counts = {}
    for model, seeds in runs.items():
        stacked = []
        for predictions in seeds:
            by_id = {p.id: p for p in join(predictions, rows[split], split, model)}
            stacked.append(document_counts(part, [by_id[row["id"]] for row in part], config))
        counts[model] = np.stack(stacked)
    names = list(counts)
    tests = [
        paired_randomisation(counts[lower], counts[upper], labels=head) for upper, lower in itertools.pairwise(names)
    ]
    adjusted = holm([test["p_value"] for test in tests])
    body = []
    for index, model in enumerate(names):
        single = macro_f1(counts[model].sum(1), head)
        per_class = np.nan_to_num(f1_per_class(counts[model].sum(1))).mean(0)
        step = "" if index == 0 else f"{tests[index - 1]['difference']:+.3f} (p = {adjusted[index - 1]:.4f})"
        body.append(
            [
                ABOUT.get(model, model),
                _interval(counts[model], lambda c: macro_f1(c, head)),
                f"{single.min():.3f}–{single.max():.3f}",
                step,
                *(f"{value:.3f}" for value in per_class),
            ]
        )
    header = ["model", "macro-F1", "lowest–highest seed", "over the row above", *LABELS]
    documents = len({row["doc_id"] for row in part})
    left_out = [f"{label} ({support[i]})" for i, label in enumerate(LABELS) if i not in head]
    notes = [
        f"{len(part)} paragraphs in {documents} documents: "
        + ", ".join(f"{label} {n}" for label, n in zip(LABELS, support, strict=True))
        + ".",
    ]
    if left_out:
        notes.append(
            f"Macro-F1 is over the functions with at least {HEADLINE_MINIMUM} paragraphs here; "
            f"left out: {', '.join(left_out)}."
        )
    return markdown_table(header, body), notes


def build_tables(
    build: str, fingerprint: str, rows: dict[str, list[dict]], runs: Mapping[str, list[list[Prediction]]], config: str
) -> str:
    """All test tables of one build as Markdown."""
    seeds = len(next(iter(runs.values())))
    text = ""
    for name, (split, part) in scored_parts(rows).items():
        if not name.startswith("test"):
            continue
        table, notes = part_table(rows, split, part, runs, config)
        source = part[0]["source"]
        text += f"**Trained on the {build} build, tested on its {source} part** (`{config}`, `{fingerprint}`)\n\n"
        text += table + "\n" + " ".join(notes) + "\n\n"
    text += (
        f"Mean of {seeds} seeds; in brackets the 95 % interval of that mean by resampling documents (BCa, 10,000 "
        "replicates). Differences: paired randomisation over documents, p-values Holm-corrected within the table.\n"
    )
    return text
