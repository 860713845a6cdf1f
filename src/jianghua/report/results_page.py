"""The stored results as one static HTML file: boards, heat maps, curves, cost, and what each model gets wrong.

Gold labels and text stand in it once, whatever the number of builds and models; public paragraphs by place only.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from jianghua.evaluation import targets
from jianghua.evaluation.calibration import COVERAGES, calibration_scores
from jianghua.evaluation.measure import item_counts
from jianghua.evaluation.metrics import confusion_counts
from jianghua.evaluation.score import check_proba, decisions, predictions_of, wholly_right
from jianghua.evaluation.slices import slice_scores, worst_slice
from jianghua.report.results import ABOUT, ABOUT_ZH
from jianghua.report.templates import GROUPS_ZH, render
from jianghua.schema import LABELS, LABELS_ZH, Prediction

ROUNDED = 6  # decimals: three are shown, and rounding twice must not show others than the tables do


def rounded(value):
    """`value` with every float in it rounded: the page needs no more, and is smaller."""
    if isinstance(value, float):
        return round(value, ROUNDED)
    if isinstance(value, Mapping):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def _digits(decided: np.ndarray) -> str:
    """A hexadecimal digit a paragraph: bit i is set where function i is decided."""
    sets = np.eye(len(LABELS), dtype=bool)[decided] if decided.ndim == 1 else decided
    return "".join(f"{int(one):x}" for one in sets @ (1 << np.arange(len(LABELS))))


def model_details(
    rows: dict[str, list[dict]], split: str, part: Sequence[dict], seeds: Sequence[Sequence[Prediction]], config: str
) -> dict:
    """One model on one part: `confusion` (summed over seeds; `primary` only), `calibration` (over the answers of all
    seeds), `slices` (share right, means over seeds), `whole` (the same over all), `worst` (from `worst_slice`, of the
    means) and `answers` (a string of hexadecimal digits a seed)."""
    gold = targets(part, config)
    answers, probas, confusion, sliced, right = [], [], np.zeros((len(LABELS), len(LABELS)), int), [], []
    for predictions in seeds:
        own = predictions_of(part, predictions, rows[split], split)
        decided = decisions(own, config)
        probas.append(check_proba(own, config))
        answers.append(decided)
        correct = wholly_right(gold, decided)
        right.append(float(correct.mean()))
        sliced.append(slice_scores(part, item_counts(gold, decided), correct, config))
        if config == "primary":
            confusion += confusion_counts(gold, decided)
    pooled = calibration_scores(
        np.concatenate(probas), np.concatenate([gold] * len(seeds)), np.concatenate(answers), config
    )
    slices = {
        name: {
            group: {key: one[key] for key in ("n", "documents", "small")}
            | {"correct": float(np.mean([other[name][group]["correct"] for other in sliced]))}
            for group, one in groups.items()
        }
        for name, groups in sliced[0].items()
    }
    whole = {"correct": float(np.mean(right)), "n": len(part), "documents": len({row["doc_id"] for row in part})}
    details = {"calibration": pooled, "slices": slices, "whole": whole, "worst": worst_slice(slices, len(part))}
    details |= {"answers": [_digits(one) for one in answers]}
    return details | ({"confusion": confusion.tolist()} if config == "primary" else {})


def paragraphs_of(parts: Sequence[Sequence[dict]], titles: Mapping[str, dict], texts: Mapping[str, str]) -> dict:
    """Paragraph id → where it stands and, unless it is public, its text; `d` is its document in `documents`.

    `titles`: document id → `title`, `url`. A public paragraph has no text here whatever `texts` holds.
    """
    documents, found = {}, {}
    for row in (row for part in parts for row in part):
        documents.setdefault(row["doc_id"], {"source": row["source"]} | dict(titles.get(row["doc_id"], {})))
        text = texts.get(row["id"]) if row["source"] == "constructed" else None
        found[row["id"]] = {"d": row["doc_id"], "n": row["position"] + 1} | ({"t": text} if text else {})
    return {"documents": documents, "paragraphs": found}


def results_page(
    parts: Sequence[dict],
    places: dict,
    costs: Mapping[str, Mapping[str, dict]],
    curves: Sequence[dict],
    robustness: Sequence[dict],
    config: str,
) -> str:
    """HTML of the results.

    `parts`: `build`, `part`, `fingerprint`, `board` (from `leaderboard`), `details` (model → `model_details`), `ids`
    and `gold` (hexadecimal digits); `places` is from `paragraphs_of`; `costs`: build → model → numbers.
    """
    shown = [
        {key: part[key] for key in ("build", "part", "fingerprint", "board", "ids", "gold")}
        | {
            "details": {
                model: {
                    "answers": one["answers"],
                    "confusion": one.get("confusion"),
                    "ece": one["calibration"]["expected_calibration_error"],
                    "ece0": one["calibration"]["expected_calibration_error_if_calibrated"],
                    "brier": one["calibration"]["brier"],
                    "aurc": one["calibration"]["risk_coverage"]["aurc"],
                    "risk": one["calibration"]["risk_coverage"]["risk"],
                    "bins": [[b["confidence"], b["correct"], b["n"]] for b in one["calibration"]["reliability"]],
                    "slices": {
                        name: {group: [g["correct"], g["n"], g["documents"]] for group, g in groups.items()}
                        for name, groups in one["slices"].items()
                    },
                    "whole": [one["whole"][key] for key in ("correct", "n", "documents")],
                    "worst": one["worst"],
                }
                for model, one in part["details"].items()
            }
        }
        for part in parts
    ]
    models = dict.fromkeys(model for part in parts for model in part["board"]["models"])
    data = {
        "config": config,
        "labels": list(LABELS),
        "labelsZh": [LABELS_ZH[label] for label in LABELS],
        "models": {m: {"en": ABOUT.get(m, m).replace("`", ""), "zh": ABOUT_ZH.get(m, m)} for m in models},
        "parts": shown,
        "costs": costs,
        "curves": list(curves),
        "robustness": list(robustness),
        "coverages": list(COVERAGES),
    }
    return render("results.html.jinja", groups=GROUPS_ZH, data=rounded(data | places))


def gold_digits(part: Sequence[dict], config: str) -> str:
    """Gold of a part as `results_page` takes it."""
    return _digits(targets(part, config))
