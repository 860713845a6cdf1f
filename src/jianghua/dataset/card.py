"""The dataset card: front matter that the Hub and `datasets` read, and sections filled from the data."""

import statistics
from collections import Counter
from pathlib import Path

from jianghua.annotate import (
    agreement_report,
    disputes,
    read_adjudicated,
    read_annotators,
    standard_slices,
)
from jianghua.annotate.votes import ADJUDICATED
from jianghua.dataset.build import Build
from jianghua.dataset.croissant import release
from jianghua.dataset.gates import Measure, gates
from jianghua.dataset.sources import read_manifests
from jianghua.files import read_text
from jianghua.schema import CONFIGS, LABELS, SPLITS, BadData

SCORES_BEGIN, SCORES_END = "<!-- scores: begin -->", "<!-- scores: end -->"


def between_marks(text: str, section: str) -> str:
    """`text` with what stands between the score marks replaced by `section`."""
    head, begin, rest = text.partition(SCORES_BEGIN)
    _, end, tail = rest.partition(SCORES_END)
    if not (begin and end):
        raise BadData(f"a page has no place for scores: put {SCORES_BEGIN} and {SCORES_END} into it")
    return f"{head}{SCORES_BEGIN}\n{section}{SCORES_END}{tail}"


def _counts(build: Build) -> list[dict]:
    """A row for each source and split: documents, paragraphs, and paragraphs by primary function."""
    rows = []
    sources = sorted({row["source"] for part in build.rows["functions"].values() for row in part})
    for source in sources:
        for split in SPLITS:
            every = [row for row in build.rows["functions"][split] if row["source"] == source]
            primary = Counter(row["label"] for row in build.rows["primary"][split] if row["source"] == source)
            rows.append(
                {
                    "source": source,
                    "split": split,
                    "documents": len({row["doc_id"] for row in every}),
                    "paragraphs": len(every),
                    **{label: primary[i] for i, label in enumerate(LABELS)},
                    "none": len(every) - sum(primary.values()),
                    "several": sum(len(row["functions"]) > 1 for row in every),
                }
            )
    return rows


def _lengths(build: Build) -> list[dict]:
    """A row for each source and primary function: lengths in characters."""
    rows = []
    every = [row for part in build.rows["primary"].values() for row in part]
    for source in sorted({row["source"] for row in every}):
        for i, label in enumerate(LABELS):
            lengths = sorted(len(row["text"]) for row in every if row["source"] == source and row["label"] == i)
            if lengths:
                deciles = (
                    statistics.quantiles(lengths, n=10, method="inclusive") if len(lengths) > 1 else [lengths[0]] * 9
                )
                rows.append(
                    {
                        "source": source,
                        "label": label,
                        "n": len(lengths),
                        "low": round(deciles[0]),
                        "median": round(statistics.median(lengths)),
                        "high": round(deciles[-1]),
                    }
                )
    return rows


def size_category(rows: int) -> str:
    """The Hub's name for a dataset of so many rows, as `size_categories` of the front matter takes it."""
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if rows < limit:
            return name
    return "100K<n<1M"


def read_set_phrases(data: Path) -> list[str]:
    """The committed list of set phrases, one a line, `#` for comments; none without the file."""
    path = data / "set_phrases.txt"
    lines = read_text(path).splitlines() if path.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _examples(build: Build) -> list[dict]:
    """One short constructed train paragraph of each function and one with several, by hash order."""
    part = [
        row for row in build.rows["functions"]["train"] if row["source"] == "constructed" and len(row["text"]) < 120
    ]
    labels = {row["id"]: row["label"] for row in build.rows["primary"]["train"]}
    part.sort(key=lambda row: row["sha256"])
    chosen = []
    for label in range(len(LABELS)):
        for several in (False, True):
            found = [r for r in part if labels.get(r["id"]) == label and (len(r["functions"]) > 1) == several]
            chosen += [
                {"id": r["id"], "text": r["text"], "label": LABELS[label]}
                | {"several": ", ".join(LABELS[i] for i in r["functions"] if i != label)}
                for r in found[:1]
            ]
    return chosen


def _protocol_confusion(report: dict) -> dict[str, list[int]]:
    """Counts of primary answers over all pairs of raters of different protocols, symmetric, by category."""
    total = [[0] * len(report["categories"]) for _ in report["categories"]]
    for pair in report["pairs"]:
        first, second = (name.split()[0] for name in pair["raters"])  # "alone 2" is a second pass of one protocol
        if first == second:
            continue
        for i, row in enumerate(pair["confusion"]):
            for j, n in enumerate(row):
                total[i][j] += n
                total[j][i] += n
    return dict(zip(report["categories"], total, strict=True))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _limit(measure: Measure) -> str:
    if measure.limit is None:
        return ""
    sign = "at least" if measure.at_least else "at most"
    return f" ({sign} {measure.limit:g}: {'holds' if measure.holds else 'does not hold'})"


def agreement_measures(report: dict, disputed: float | None) -> list[Measure]:
    """What is asked of the votes: alpha on paragraphs that played no part in revising the guidelines, and, of the share
    of paragraphs that some vote disputes, that it is not small; None leaves that out."""
    fresh = report["slices"].get("guidelines", {}).get("fresh", report["all"])
    functions = {name: fresh[name]["alpha"] for name in LABELS if fresh[name]["alpha"] is not None}
    found = [Measure("fresh paragraphs with two votes or more", fresh["primary"]["units"], 500, True)]
    if fresh["primary"]["alpha"] is not None:
        found.append(Measure("alpha of the primary function, fresh paragraphs", fresh["primary"]["alpha"], 0.8, True))
    if functions:
        lowest = min(functions, key=functions.__getitem__)
        found.append(Measure(f"lowest alpha of a function ({lowest}), fresh paragraphs", functions[lowest], 0.7, True))
    if disputed is not None:
        found.append(
            Measure(
                "share of paragraphs that a vote disputes (a floor: protocols should not merely repeat each other)",
                disputed,
                0.15,
                True,
            )
        )
    return found


def card(build: Build, data: Path, scores: str = "") -> str:
    """The card of a build in Markdown, with YAML front matter; `scores` goes between the marks."""
    from jinja2 import Environment, PackageLoader

    speeches = read_manifests(data)
    ids = {row["id"] for part in build.rows["functions"].values() for row in part}
    votes = [vote for vote in build.votes if vote.id in ids]
    sources = {info.doc_id: info.source for info in speeches.values()}
    annotators = read_annotators(data / "annotations")
    report = agreement_report(votes, standard_slices(votes, sources, annotators))
    every = [row for part in build.rows["functions"].values() for row in part]
    measured = gates(build.rows, read_set_phrases(data))
    disputed = len(disputes(votes))
    # how much is disputed is asked of the whole corpus
    asked = agreement_measures(report, disputed / len(every) if build.name == "full" else None)
    version, date = release(data)
    environment = Environment(
        loader=PackageLoader("jianghua.dataset", "."), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = environment.get_template("card.md.jinja").render(
        build=build,
        version=version,
        date=date,
        configs=CONFIGS,
        splits=SPLITS,
        counts=_counts(build),
        lengths=_lengths(build),
        agreement=report,
        confusion=_protocol_confusion(report),
        disputed=disputed,
        measures=[*measured["measures"], *asked],
        gates=measured,
        shortcut_rows=list(zip(*measured["shortcuts"].values(), strict=True)),
        examples=_examples(build),
        labels=LABELS,
        number=_number,
        figure=lambda value: f"{value:g}" if value == round(value) else f"{value:.3f}",
        percent=lambda value: "–" if value is None else f"{value:.1f} %",
        interval=lambda a: "–" if a["low"] is None else f"[{a['low']:.3f}, {a['high']:.3f}]",
        limit=_limit,
        paragraphs=len(every),
        documents=len({row["doc_id"] for row in every}),
        adjudicated=sum(unit in ids for unit in read_adjudicated(data / "annotations" / ADJUDICATED)),
        noisy=Counter(row["noise"] for row in every if row["noise"]),
        registers=Counter(row["register"] for row in every if row["source"] == "constructed"),
        size=size_category(len(every)),
    )
    return between_marks(text, scores)
