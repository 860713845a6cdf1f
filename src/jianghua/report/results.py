"""The published tables, from stored predictions: one table a build and split part, neighbours compared."""

import itertools
from collections.abc import Mapping

import numpy as np

from jianghua.evaluation import (
    headline_labels,
    holm,
    interval_over_seeds,
    macro_f1,
    paired_randomisation,
    part_counts,
    ranks,
    scored_parts,
    smallest_difference,
    targets,
    votes_alone,
)
from jianghua.evaluation.compare import ALPHA
from jianghua.evaluation.intervals import METHOD, REPLICATES
from jianghua.evaluation.measure import HEADLINE_MINIMUM
from jianghua.evaluation.metrics import f1_per_class
from jianghua.report.tables import markdown_table, rank
from jianghua.schema import LABELS, BadData, Prediction

ABOUT = {
    "majority": "majority class",
    "tfidf": "TF-IDF + logistic regression",
    "mini_random": "`mini`, random weights",
    "mini": "`mini`, pre-trained",
}


METHODS = {"studentised": "bootstrap-t", "bca": "BCa", "percentile": "percentile bootstrap"}


def _interval(counts: np.ndarray, labels: list[int]) -> str:
    """Macro-F1 of counts (seeds, documents, 4, 3): mean over seeds, interval over documents and seeds."""
    mean = float(macro_f1(counts.sum(1), labels).mean())
    interval = interval_over_seeds(counts, lambda sums: macro_f1(sums, labels))
    return f"{mean:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def _per_class(counts: np.ndarray) -> list[str]:
    return [f"{value:.3f}" for value in np.nan_to_num(f1_per_class(counts.sum(1))).mean(0)]


def part_table(
    rows: dict[str, list[dict]], split: str, part: list[dict], runs: Mapping[str, list[list[Prediction]]], config: str
) -> tuple[str, list[str]]:
    """Markdown table of one part, models in the order of `runs` (model → predictions a seed), and its notes."""
    gold = targets(part, config)
    support = [int((gold == i).sum()) if config == "primary" else int(gold[:, i].sum()) for i in range(len(LABELS))]
    head = headline_labels(part, config)
    if not head:
        raise BadData(f"no function has {HEADLINE_MINIMUM} paragraphs in {split}: there is no headline score")
    counts = {model: part_counts(rows, split, part, seeds, config, model) for model, seeds in runs.items()}
    names = list(counts)
    neighbours = [(counts[lower], counts[upper]) for upper, lower in itertools.pairwise(names)]
    tests = [paired_randomisation(*pair, labels=head) for pair in neighbours]
    adjusted = holm([test["p_value"] for test in tests])
    places = ranks(counts, labels=head)
    body = []
    for index, model in enumerate(names):
        single = macro_f1(counts[model].sum(1), head)
        step = ""
        if index:
            p = adjusted[index - 1]
            step = f"{tests[index - 1]['difference']:+.3f} (p = {p:.4f}){' *' if p < ALPHA else ''}"
        cells = [ABOUT.get(model, model), _interval(counts[model], head), f"{single.min():.3f}–{single.max():.3f}"]
        body.append([*cells, rank(places[model]), step, *_per_class(counts[model])])
    votes = votes_alone(part, config)
    body += [[one.name, _interval(one.counts, head), "", "", "", *_per_class(one.counts)] for one in votes]
    header = ["model", "macro-F1", "lowest–highest seed", "rank", "over the row above", *LABELS]
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
    smallest = [smallest_difference(*pair, labels=head) for pair in neighbours]
    if smallest and None not in smallest:
        low, high = f"{min(smallest):.3f}", f"{max(smallest):.3f}"
        notes.append(
            f"The smallest true difference between neighbours that this part would show with a power of 80 %: "
            f"{low if low == high else f'{low} to {high}'}."
        )
    if votes:
        notes.append(
            "Votes are scored on the paragraphs where the other protocols have a majority ("
            + ", ".join(f"{one.protocol} {one.n}" for one in votes)
            + "), not against gold, which is made of them; they are no ceiling."
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
        f"Mean of {seeds} seeds; in brackets its 95 % interval by resampling documents and seeds "
        f"({METHODS[METHOD]}, {REPLICATES:,} replicates), and ranks in as many resamples. Differences: paired "
        "randomisation over documents, p-values Holm-corrected within the table; * marks those below 0.05.\n"
    )
    return text
