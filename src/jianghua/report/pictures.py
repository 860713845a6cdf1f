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
    buffer = io.BytesIO()
    kind = path.suffix.lstrip(".") or "png"
    # no date or version in the file: the same counts give the same bytes
    metadata = {"Software": None} if kind == "png" else {"Date": None}
    with plt.rc_context({"svg.hashsalt": "jianghua"}):
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    plt.close(figure)
    write_atomic(path, buffer.getvalue())
