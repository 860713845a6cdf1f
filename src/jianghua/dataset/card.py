"""The dataset card: front matter that the Hub and `datasets` read, and sections filled from the data."""

import statistics
from collections import Counter
from pathlib import Path

from jianghua.annotate import (
    agreement_report,
    newest_round,
    read_adjudicated,
    read_annotators,
    read_votes,
    standard_slices,
)
from jianghua.dataset.build import CONFIGS, Build
from jianghua.dataset.sources import read_manifests
from jianghua.schema import LABELS, SPLITS, BadData

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


def card(build: Build, data: Path, scores: str = "") -> str:
    """The card of a build in Markdown, with YAML front matter; `scores` goes between the marks."""
    from jinja2 import Environment, PackageLoader

    speeches = read_manifests(data)
    ids = {row["id"] for part in build.rows["functions"].values() for row in part}
    votes = [vote for vote in newest_round(read_votes(data / "annotations")) if vote.id in ids]
    sources = {info.doc_id: info.source for info in speeches.values()}
    annotators = read_annotators(data / "annotations")
    report = agreement_report(votes, standard_slices(votes, sources, annotators))
    every = [row for part in build.rows["functions"].values() for row in part]
    environment = Environment(
        loader=PackageLoader("jianghua.dataset", "."), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = environment.get_template("card.md.jinja").render(
        build=build,
        configs=CONFIGS,
        splits=SPLITS,
        counts=_counts(build),
        lengths=_lengths(build),
        agreement=report,
        paragraphs=len(every),
        documents=len({row["doc_id"] for row in every}),
        adjudicated=sum(unit in ids for unit in read_adjudicated(data / "annotations" / "adjudicated.jsonl")),
        noisy=Counter(row["noise"] for row in every if row["noise"]),
        registers=Counter(row["register"] for row in every if row["source"] == "constructed"),
        size="n<1K" if len(every) < 1000 else "1K<n<10K",
    )
    return between_marks(text, scores)
