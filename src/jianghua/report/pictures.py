"""Pictures of scores."""

import io
from pathlib import Path

from jianghua.files import write_atomic
from jianghua.schema import LABELS


def confusion_picture(confusion: list[list[int]], path: Path, title: str) -> None:
    """A confusion matrix, gold in rows, shares of the row as colour and counts as text; PNG or SVG by suffix."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(4.6, 4.2), constrained_layout=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=25, ha="right")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.set_title(title, fontsize=10)
    for i in range(len(LABELS)):
        for j in range(len(LABELS)):
            axes.text(j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.55 else "black")
    _save(figure, path)


def calibration_picture(calibration: dict, path: Path, title: str) -> None:
    """Reliability diagram (bins of equal mass) and risk–coverage curve side by side; PNG or SVG by suffix.

    `calibration` is what `metrics.json` holds of one part.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    bins, curve = calibration["reliability"], calibration["risk_coverage"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.2), constrained_layout=True)
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


def _save(figure, path: Path) -> None:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    kind = path.suffix.lstrip(".") or "png"
    # no date or version in the file: the same counts give the same bytes
    metadata = {"Software": None} if kind == "png" else {"Date": None}
    with plt.rc_context({"svg.hashsalt": "jianghua"}):
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    plt.close(figure)
    write_atomic(path, buffer.getvalue())
