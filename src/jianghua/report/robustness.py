"""Robustness, minimal pairs and cost of one trained model: printed, and measured where only the model can say."""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

from jianghua.report.tables import number, print_table

ROBUSTNESS_COLUMNS = ["perturbation", "paragraphs changed", "macro-F1", "drop", "p (Holm)", "answers changed"]
CONTRAST_COLUMNS = ["pairs", "both right", "first right", "second right", "same answer twice"]


def signed(score: dict) -> str:
    """`+0.012 [-0.003, +0.030]`, a difference with its interval."""
    text = f"{score['value']:+.3f}"
    return text if score["low"] is None else f"{text} [{score['low']:+.3f}, {score['high']:+.3f}]"


def robustness_rows(part: dict) -> list[list[str]]:
    """Cells of `robustness_scores`, the clean paragraphs first, in the order of `ROBUSTNESS_COLUMNS`."""
    rows = [["none", "", number(part["clean"]), "", "", ""]]
    for name, one in part["perturbations"].items():
        p = one["drop"]["p_holm"]
        cells = [name, f"{one['changed']:.3f}", number(one["macro_f1"]), signed(one["drop"])]
        rows.append([*cells, "" if p is None else f"{p:.4f}", number(one["flips"])])
    return rows


def contrast_row(scores: dict) -> list[str]:
    """Cells of `contrast_scores`, in the order of `CONTRAST_COLUMNS`."""
    names = ("pair_accuracy", "accuracy_a", "accuracy_b", "same_answer")
    return [str(scores["pair_accuracy"]["n"]), *(number(scores[name]) for name in names)]


def print_robustness(title: str, part: dict) -> None:
    """One part under every perturbation, on standard output."""
    caption = f"macro-F1 over {', '.join(part['labels'])}; drop: clean minus spoilt, 95 %, paired over documents"
    print_table(title, ROBUSTNESS_COLUMNS, robustness_rows(part), caption)


def print_contrast(scores: dict) -> None:
    """The minimal pairs, and each change of label, on standard output."""
    changes = ", ".join(f"{name} {one['right']}/{one['n']}" for name, one in scores["by_change"].items())
    print_table("minimal pairs", CONTRAST_COLUMNS, [contrast_row(scores)], f"pairs right: {changes}")


def parameters(folder: Path) -> int | None:
    """Numbers a saved model consists of, read from the files' headers; None where it has no file of weights."""
    import numpy as np

    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        total += sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            total += sum(arrays[name].size for name in arrays.files if arrays[name].dtype.kind == "f")
    return total or None


def cost_of(run: Path, classifier, texts: Sequence[str]) -> dict:
    """Parameters, and CPU time of labelling `texts`: by characters, since each tokenizer cuts tokens of its own.

    Of a model on a GPU only the parameters: how busy the CPU was meanwhile says nothing of its cost.
    """
    if str(getattr(classifier, "device", "cpu")) != "cpu":
        return {"parameters": parameters(run / "model")}
    classifier.predict_proba(list(texts[:8]))  # the first call sets up what later ones find
    began = time.process_time()
    classifier.predict_proba(list(texts))
    seconds = max(time.process_time() - began, 1e-9)
    return {
        "parameters": parameters(run / "model"),
        "characters_per_cpu_second": round(sum(map(len, texts)) / seconds, 1),
        "cpu_seconds_per_1000_paragraphs": round(1000 * seconds / len(texts), 4),
    }
