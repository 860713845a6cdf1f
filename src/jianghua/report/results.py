"""The published score tables from stored predictions: a table a build and split part, neighbours compared."""

from collections.abc import Mapping

from jianghua.evaluation import scored_parts
from jianghua.evaluation.compare import ALPHA
from jianghua.evaluation.intervals import METHOD, REPLICATES
from jianghua.evaluation.measure import HEADLINE_MINIMUM
from jianghua.report.leaderboard import leaderboard
from jianghua.report.tables import csv_table, latex_table, markdown_table, number, rank
from jianghua.schema import BUILDS, LABELS, Prediction

ABOUT = {
    "majority": "majority class",
    "length": "length alone",
    "keywords": "keyword patterns",
    "tfidf": "TF-IDF + logistic regression",
    "tfidf_svm": "TF-IDF + linear SVM",
    "probe": "`mini`, frozen, linear head",
    "mini_random": "`mini`, random weights",
    "mini": "`mini`, pre-trained",
}
ABOUT_ZH = {
    "majority": "多数类",
    "length": "只看长度",
    "keywords": "关键词规则",
    "tfidf_svm": "TF-IDF＋线性支持向量机",
    "probe": "mini，冻结，线性分类层",
    "tfidf": "TF-IDF＋逻辑回归",
    "mini_random": "mini，随机权重",
    "mini": "mini，预训练",
}

# what a split of the full build trains on, by its name in conf/data, and what its tables' notes say of it
TRAINED_ON = {"cross_source": "the constructed speeches of the full build"}
SPLIT_NOTES = {
    "cross_source": "Only the labels are of constructed speeches alone: the encoder of both pre-trained `mini`, and "
    "the vocabulary of all three, are made of unlabelled train documents of both sources."
}
METHODS = {"studentised": "bootstrap-t", "bca": "BCa", "percentile": "percentile bootstrap"}
HEADER = ["model", "macro-F1", "lowest–highest seed", "rank", "over the row above", *LABELS]


def boards_of(rows: dict[str, list[dict]], runs: Mapping[str, list[list[Prediction]]], config: str) -> dict:
    """Name of each test part → its `leaderboard`, with `source`, the source of its paragraphs."""
    return {
        name: leaderboard(rows, split, part, runs, config) | {"source": part[0]["source"]}
        for name, (split, part) in scored_parts(rows).items()
        if split == "test"
    }


def called(build: str) -> str:
    """A build, or a split of the full one by its name in conf/data, in titles and lines."""
    return f"{build} build" if build in BUILDS else f"{build} split of the full build"


def trained_on(build: str) -> str:
    return f"the {build} build" if build in BUILDS else TRAINED_ON[build]


def class_cells(row: dict) -> list[str]:
    """F1 of each function, `–` where it is undefined."""
    return [number({"value": value}) for value in row["per_class"]]


def part_rows(board: dict) -> list[list[str]]:
    """Cells of one part, in the order of `HEADER`: models, then votes."""
    body = []
    for model, row in board["models"].items():
        step = ""
        if row["step"]:
            p = row["step"]["p"]
            step = f"{row['step']['difference']:+.3f} (p = {p:.4f}){' *' if p < ALPHA else ''}"
        seeds = f"{min(row['single']):.3f}–{max(row['single']):.3f}"
        classes = class_cells(row)
        body.append([ABOUT.get(model, model), number(row), seeds, rank(row["rank"]), step, *classes])
    for name, row in board["votes"].items():
        body.append([name, number(row), "", "", "", *class_cells(row)])
    return body


def part_notes(board: dict) -> list[str]:
    """What stands under the table of one part."""
    support = dict(zip(LABELS, board["support"], strict=True))
    counts = ", ".join(f"{label} {n}" for label, n in support.items())
    notes = [f"{board['n']} paragraphs in {board['documents']} documents: {counts}."]
    left_out = [f"{label} ({support[label]})" for i, label in enumerate(LABELS) if i not in board["labels"]]
    if left_out:
        notes.append(
            f"Macro-F1 is over the functions with at least {HEADLINE_MINIMUM} paragraphs here; "
            f"left out: {', '.join(left_out)}."
        )
    smallest = board["smallest"]
    if smallest and None not in smallest:
        low, high = f"{min(smallest):.3f}", f"{max(smallest):.3f}"
        notes.append(
            f"The smallest true difference between neighbours that one uncorrected test at 0.05 would show here with a "
            f"power of 80 %: "
            f"{low if low == high else f'{low} to {high}'}."
        )
        for pair in board["alike"]:
            names = " and ".join(ABOUT.get(m, m) for m in pair)
            notes[-1] += f" Not in that range: {names}, whose counts are equal in every document."
    if board["votes"]:
        sizes = ", ".join(f"{one['protocol']} {one['n']}" for one in board["votes"].values())
        notes.append(
            f"Votes are scored on the paragraphs where the other protocols have a majority ({sizes}), not against "
            "gold, which is made of them; they are no ceiling."
        )
    return notes


def intervals_note(units: str = "documents") -> str:
    """What numbers in brackets are, for the note of a table without a `method_note`."""
    return f"In brackets 95 % intervals by resampling {units} ({METHODS[METHOD]}, {REPLICATES:,} replicates)."


def method_note(seeds: int) -> str:
    """What stands under every score table: what its value, brackets, ranks and differences are."""
    mean, units = (f"Mean of {seeds} seeds", "documents and seeds") if seeds > 1 else ("One seed", "documents")
    return (
        f"{mean}; in brackets its 95 % interval by resampling {units} "
        f"({METHODS[METHOD]}, {REPLICATES:,} replicates), and ranks in as many resamples. Differences: paired "
        "randomisation over documents, p-values Holm-corrected within the table; * marks those below 0.05."
    )


def board_notes(build: str, board: dict) -> str:
    """All that stands under one part's table, whatever its format."""
    seeds = len(next(iter(board["models"].values()))["single"])
    split = [SPLIT_NOTES[build]] if build in SPLIT_NOTES else []
    return " ".join([*part_notes(board), *split, method_note(seeds)])


def build_tables(build: str, fingerprint: str, boards: Mapping[str, dict], config: str) -> str:
    """All test tables of one build as Markdown; `boards` are from `boards_of`."""
    text = ""
    for board in boards.values():
        source = board["source"]
        text += f"**Trained on {trained_on(build)}, tested on its {source} part** (`{config}`, `{fingerprint}`)\n\n"
        text += markdown_table(HEADER, part_rows(board)) + f"\n{board_notes(build, board)}\n\n"
    return text.removesuffix("\n")


def part_latex(build: str, fingerprint: str, board: dict, config: str) -> str:
    """One part as a LaTeX table; its caption says what build, part and dataset it is of."""
    caption = f"Trained on {trained_on(build)}, tested on its {board['source']} part ({config}, {fingerprint})."
    return latex_table(HEADER, part_rows(board), f"{caption} {board_notes(build, board)}")


def part_csv(board: dict) -> str:
    """One part as CSV, a number a column; `group`: models that share a letter are not told apart."""
    header = ["model", "macro_f1", "low", "high", "lowest_seed", "highest_seed", "rank", "rank_low", "rank_high"]
    header += ["difference_over_row_above", "p_holm", "group", "paragraphs", *(f"f1_{label}" for label in LABELS)]
    body = []
    for model, row in board["models"].items():
        place, step = row["rank"], row["step"] or {"difference": None, "p": None}
        cells = [model, row["value"], row["low"], row["high"], min(row["single"]), max(row["single"])]
        cells += [place["rank"], place["low"], place["high"], step["difference"], step["p"], row["group"], board["n"]]
        body.append(cells + row["per_class"])
    for row in board["votes"].values():
        cells = [f"votes:{row['protocol']}", row["value"], row["low"], row["high"], *[None] * 8, row["n"]]
        body.append(cells + row["per_class"])
    return csv_table(header, body)
