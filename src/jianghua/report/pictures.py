"""Pictures of scores, SVG or PNG by the suffix of their path; both, where it has neither. Equal scores, equal bytes."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from jianghua.files import write_atomic
from jianghua.schema import LABELS

KINDS = (".svg", ".png")


def _subplots(*shape: int, figsize: tuple[float, float], **more):
    from matplotlib.figure import Figure  # not pyplot, which keeps figures and a notebook's way of showing them

    figure = Figure(figsize=figsize, layout="constrained")
    return figure, figure.subplots(*shape, **more)


def _draw_matrix(
    axes,
    values,
    texts: Sequence[Sequence],
    rows: Sequence[str],
    columns: Sequence[str],
    fontsize: float | None = 7,
    rotation: float = 30,
    aspect: str | None = None,
) -> None:
    """An array of numbers from 0 to 1 as colour on `axes`, each with its text, and the names of rows and columns."""
    import numpy as np

    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect=aspect)
    axes.set_xticks(range(len(columns)), columns, rotation=rotation, ha="right", fontsize=fontsize)
    axes.set_yticks(range(len(rows)), rows, fontsize=fontsize)
    for (i, j), value in np.ndenumerate(values):
        color = "white" if value > 0.55 else "black"
        axes.text(j, i, texts[i][j], ha="center", va="center", color=color, fontsize=fontsize)


def _row_shares(confusion: Sequence[Sequence[float]]):
    import numpy as np

    counts = np.array(confusion, float)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def confusion_picture(confusion: list[list[int]], path: Path, title: str) -> None:
    """A confusion matrix, gold in rows, shares of the row as colour and counts as text; PNG or SVG by suffix."""
    figure, axes = _subplots(figsize=(4.6, 4.2))
    _draw_matrix(axes, _row_shares(confusion), confusion, LABELS, LABELS, fontsize=None, rotation=25)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def calibration_picture(calibration: dict, path: Path, title: str) -> None:
    """Reliability diagram (bins of equal mass) and risk–coverage curve side by side; PNG or SVG by suffix.

    `calibration` is what `metrics.json` holds of one part.
    """
    bins, curve = calibration["reliability"], calibration["risk_coverage"]
    figure, (left, right) = _subplots(1, 2, figsize=(8.4, 4.2))
    left.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    largest = max((b["n"] for b in bins), default=1)
    left.plot([b["confidence"] for b in bins], [b["correct"] for b in bins], color="C0", linewidth=1)
    left.scatter(
        [b["confidence"] for b in bins], [b["correct"] for b in bins], s=[10 + 50 * b["n"] / largest for b in bins]
    )
    left.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share right", title="reliability")
    error, perfect = (
        calibration[name] for name in ("expected_calibration_error", "expected_calibration_error_if_calibrated")
    )
    if error is not None:
        left.text(0.03, 0.95, f"ECE {error:.3f}\n(calibrated: {perfect:.3f})", va="top", transform=left.transAxes)
    right.plot(curve["coverage"], curve["risk"], color="C3", marker=".")
    right.set(xlim=(0, 1.02), xlabel="share answered, most confident first", ylabel="share wrong")
    right.set_ylim(bottom=0)
    right.set_title("risk–coverage" + ("" if curve["aurc"] is None else f", area {curve['aurc']:.3f}"))
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def score_pictures(scores: dict, folder: Path, name: str) -> None:
    """`NAME-PART-calibration.svg` of each part of `metrics.json`, and `NAME-PART-confusion.svg` for `primary`."""
    for part, numbers in scores["split"].items():
        title = f"{name}: {part}"
        calibration_picture(numbers["calibration"], folder / f"{name}-{part}-calibration.svg", title)
        if "confusion" in numbers:
            confusion_picture(numbers["confusion"], folder / f"{name}-{part}-confusion.svg", title)


def leaderboard_picture(board: dict, path: Path, title: str) -> None:
    """Macro-F1 of each model with its 95 % interval, best on top, and the letters of its significance group.

    `board` is from `leaderboard`.
    """
    models = sorted(board["models"].items(), key=lambda item: item[1]["value"])
    figure, axes = _subplots(figsize=(6.4, 1.2 + 0.32 * len(models)))
    for y, (_, row) in enumerate(models):
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [y, y], color="C0", linewidth=2)
        axes.plot([row["value"]], [y], "o", color="C0")
        axes.text(1.01, y, row["group"], va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(models)), [name for name, _ in models])
    axes.set(xlim=(0, 1), xlabel="macro-F1, 95 % interval; models with a common letter are not told apart")
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def _grid(count: int, side: float):
    columns = min(4, count)
    lines = -(-count // columns)
    figure, grid = _subplots(lines, columns, figsize=(side * columns + 0.6, side * lines + 0.5), squeeze=False)
    for axes in grid.flat[count:]:
        axes.axis("off")
    return figure, grid.flat[:count]


def confusions_picture(confusions: Mapping[str, Sequence[Sequence[float]]], path: Path, title: str) -> None:
    """Confusion matrices of several models: gold in rows, shares of the row as colour and number."""
    figure, grid = _grid(len(confusions), 2.5)
    for axes, (name, confusion) in zip(grid, confusions.items(), strict=True):
        shares = _row_shares(confusion)
        _draw_matrix(axes, shares, [[f"{share:.2f}" for share in row] for row in shares], LABELS, LABELS)
        axes.set_title(name, fontsize=9)
    figure.suptitle(title + "; gold in rows, predicted in columns", fontsize=10)
    _save(figure, path)


def heat_picture(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]], path: Path, title: str
) -> None:
    """Numbers from 0 to 1 as colour and text, `values` a list a row; `–` where one is None."""
    import numpy as np

    numbers = np.array(values, float)
    size = (2.6 + 0.85 * len(columns), 1.1 + 0.24 * len(rows))
    figure, axes = _subplots(figsize=size)
    texts = [["–" if np.isnan(number) else f"{number:.3f}" for number in row] for row in numbers]
    _draw_matrix(axes, numbers, texts, rows, columns, aspect="auto")
    axes.set_title(title, fontsize=9, wrap=True)
    _save(figure, path)


def reliabilities_picture(calibrations: Mapping[str, dict], path: Path, title: str) -> None:
    """Reliability diagrams of several models; values are what `calibration_scores` gives."""
    figure, grid = _grid(len(calibrations), 2.5)
    for axes, (name, calibration) in zip(grid, calibrations.items(), strict=True):
        bins, error = calibration["reliability"], calibration["expected_calibration_error"]
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
        axes.plot([b["confidence"] for b in bins], [b["correct"] for b in bins], "o-", color="C0", markersize=3)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
        axes.set_title(name + ("" if error is None else f", ECE {error:.3f}"), fontsize=9)
    figure.suptitle(title + "; confidence across, share right up", fontsize=10)
    _save(figure, path)


def curves_picture(curves: Sequence[dict], path: Path, title: str) -> None:
    """Learning curves of one part: train paragraphs (logarithmic) against macro-F1, with 95 % intervals."""
    figure, axes = _subplots(figsize=(6.4, 4.2))
    models = sorted({curve["model"] for curve in curves})
    for curve in curves:
        points = curve["points"]
        few = curve["kind"] == "per_class"
        x, y = [p["paragraphs"] for p in points], [p["value"] for p in points]
        spread = [[0 if p[end] is None else abs(p["value"] - p[end]) for p in points] for end in ("low", "high")]
        label = f"{curve['model']}, {'so many a function' if few else 'share of documents'}"
        style = "--" if few else "-"
        color = f"C{models.index(curve['model'])}"
        axes.errorbar(x, y, spread, fmt="o" + style, color=color, capsize=3, markersize=4, label=label)
    axes.set(xscale="log", ylim=(0, 1), xlabel="train paragraphs", ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def cost_picture(board: dict, costs: Mapping[str, dict], path: Path, title: str) -> None:
    """CPU seconds of training (logarithmic) against macro-F1; models whose cost is not known are left out."""
    figure, axes = _subplots(figsize=(6.4, 4.2))
    for i, (model, row) in enumerate(board["models"].items()):
        seconds = costs.get(model, {}).get("train_cpu_seconds")
        if not seconds:
            continue
        spread = None if row["low"] is None else [[row["value"] - row["low"]], [row["high"] - row["value"]]]
        axes.errorbar([seconds], [row["value"]], spread, fmt="o", color=f"C{i % 10}", capsize=3)
        axes.annotate(model, (seconds, row["value"]), textcoords="offset points", xytext=(6, 4), fontsize=8)
    axes.set(xscale="log", ylim=(0, 1), xlabel="CPU seconds of training", ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def _save(figure, path: Path) -> None:
    from matplotlib import rc_context

    paths = [path] if path.suffix in KINDS else [path.with_name(path.name + kind) for kind in KINDS]
    for one in paths:
        buffer = io.BytesIO()
        # no date or version in the file: the same counts give the same bytes
        metadata = {"Software": None} if one.suffix == ".png" else {"Date": None}
        # text as text, not as outlines: a heat map of hundreds of numbers stays small
        with rc_context({"svg.hashsalt": "jianghua", "svg.fonttype": "none"}):
            figure.savefig(buffer, format=one.suffix[1:], dpi=130, metadata=metadata)
        write_atomic(one, buffer.getvalue())
        figure.set_layout_engine("none")  # it is laid out once
