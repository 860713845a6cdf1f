"""Predictions and gold → the numbers of `metrics.json`, with intervals. No torch."""

import itertools
from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np

from jianghua.evaluation.calibration import calibration_scores
from jianghua.evaluation.compare import compare, holm, ranks
from jianghua.evaluation.intervals import documents_of, sum_by_document
from jianghua.evaluation.measure import headline_of, item_counts, measure, support_of
from jianghua.evaluation.slices import slice_scores, worst_slice
from jianghua.schema import LABELS, SCORED, BadData, Prediction


def join(predictions: Sequence[Prediction], gold: Sequence[dict], split: str, where: str = "predictions") -> list:
    """Predictions in the order of the gold rows of one split; refuses what does not fit one to one."""
    by_id: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.split != split:
            continue
        if prediction.id in by_id:
            raise BadData(f"{where}: two predictions for paragraph {prediction.id!r}")
        by_id[prediction.id] = prediction
    wanted = [row["id"] for row in gold]
    if not wanted:
        raise BadData(f"{where}: the dataset has no paragraphs in split {split!r}")
    if missing := [i for i in wanted if i not in by_id]:
        raise BadData(f"{where}: no prediction for paragraph {missing[0]!r} of {split} ({len(missing)} missing)")
    if unknown := sorted(set(by_id) - set(wanted), key=str):
        raise BadData(f"{where}: prediction for {unknown[0]!r}, which is not in {split} of this dataset")
    return [by_id[i] for i in wanted]


def predictions_of(
    part: Sequence[dict],
    predictions: Sequence[Prediction],
    gold: Sequence[dict],
    split: str,
    where: str = "predictions",
) -> list[Prediction]:
    """Predictions in the order of `part`, some of the `gold` rows of one split; refuses as `join` does."""
    by_id = {prediction.id: prediction for prediction in join(predictions, gold, split, where)}
    return [by_id[row["id"]] for row in part]


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_label(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(LABELS)


def check_proba(predictions: Sequence[Prediction], config: str, where: str = "predictions") -> np.ndarray:
    """(n, 4) probabilities of predictions whose labels exist.

    Refused where they are not four numbers a paragraph, outside [0, 1] or, for `primary`, not of sum one.
    """
    for prediction in predictions:
        proba = prediction.proba
        if not isinstance(proba, list | tuple) or len(proba) != len(LABELS) or not all(map(_is_number, proba)):
            raise BadData(
                f"{where}: paragraph {prediction.id!r} needs {len(LABELS)} probabilities, found {proba!r:.60}"
            )
        chosen = [prediction.predicted] if config == "primary" else prediction.predicted
        if not isinstance(chosen, list) or not all(_is_label(i) for i in chosen):
            raise BadData(
                f"{where}: paragraph {prediction.id!r} has the label {prediction.predicted}, which does not exist"
            )
    proba = np.array([p.proba for p in predictions], float).reshape(-1, len(LABELS))
    outside = ~((proba >= 0) & (proba <= 1)).all(1)
    wrong_sum = np.abs(proba.sum(1) - 1) > 1e-3 if config == "primary" else np.zeros(len(proba), bool)
    for bad, why in ((outside, "outside 0 to 1"), (wrong_sum, "that do not sum to one")):
        if bad.any():
            index = int(bad.argmax())
            found = f"paragraph {predictions[index].id!r} has probabilities {proba[index].round(4).tolist()}"
            raise BadData(f"{where}: {found}, {why}; predict it anew")
    return proba


def as_array(chosen: Sequence, config: str) -> np.ndarray:
    """A class id (`primary`) or a list of ids (`functions`) each → (n,) class ids, or (n, 4) booleans."""
    if config == "primary":
        return np.array(chosen, dtype=int)
    return np.array([[i in one for i in range(len(LABELS))] for one in chosen], dtype=bool).reshape(-1, len(LABELS))


def targets(rows: Sequence[dict], config: str) -> np.ndarray:
    """Gold of rows: (n,) class ids for `primary`, (n, 4) booleans for `functions`."""
    return as_array([row["label" if config == "primary" else "functions"] for row in rows], config)


def decisions(predictions: Sequence[Prediction], config: str) -> np.ndarray:
    """What was predicted, in the shape of `targets`."""
    return as_array([p.predicted for p in predictions], config)


def wholly_right(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n,) whether a paragraph was answered as it is in gold, no function too few or too many."""
    return gold == predicted if gold.ndim == 1 else (gold == predicted).all(1)


def document_counts(rows: Sequence[dict], predictions: Sequence[Prediction], config: str) -> np.ndarray:
    """(documents, 4, 3) counts, documents in the order of their ids."""
    numbers, documents = documents_of([row["doc_id"] for row in rows])
    return sum_by_document(item_counts(targets(rows, config), decisions(predictions, config)), numbers, documents)


def score_split(
    rows: Sequence[dict], predictions: Sequence[Prediction], config: str, where: str = "predictions"
) -> dict:
    """All numbers of one split. `rows` and `predictions` (from `join`) are in the same order."""
    proba = check_proba(predictions, config, where)
    gold, predicted = targets(rows, config), decisions(predictions, config)
    result = measure(gold, predicted, config, proba, [row["doc_id"] for row in rows])
    result["calibration"] = calibration_scores(proba, gold, predicted, config)
    correct = wholly_right(gold, predicted)
    result["slices"] = slice_scores(rows, item_counts(gold, predicted), correct, config)
    result["worst_slice"] = worst_slice(result["slices"], len(rows))
    return result


def scored_parts(rows: dict[str, list[dict]]) -> dict[str, tuple[str, list[dict]]]:
    """Name in `metrics.json` → (dataset split, rows). Where there are public test paragraphs, `test` is
    those, and the constructed ones stand beside it as `test_constructed`, never pooled."""
    parts = {}
    for split in SCORED:
        part = rows.get(split, [])
        public = [row for row in part if row["source"] == "public"]
        constructed = [row for row in part if row["source"] == "constructed"]
        if public and constructed:
            parts[split] = (split, public)
            parts[f"{split}_constructed"] = (split, constructed)
        elif part:
            parts[split] = (split, part)
    return parts


def check_splits(predictions: Sequence[Prediction], where: str = "predictions") -> None:
    """Refuse a prediction in a split that is not scored: `join` never looks at it, whatever its id is."""
    for prediction in predictions:
        if prediction.split not in SCORED:
            raise BadData(
                f"{where}: prediction for {prediction.id!r} in split {prediction.split!r}, which is not scored; "
                f"the splits are {' and '.join(SCORED)}"
            )


def score_predictions(
    rows: dict[str, list[dict]], predictions: Sequence[Prediction], config: str, where: str = "predictions"
) -> dict:
    """The content of `metrics.json`: one prediction for each validation and test paragraph, and no others."""
    if not any(rows.get(split) for split in SCORED):
        raise BadData(f"{where}: the dataset has no validation or test paragraphs")
    for split in SCORED:
        if not rows.get(split):
            raise BadData(f"{where}: the dataset has no paragraphs in split {split!r}")
    check_splits(predictions, where)
    result = {}
    for name, (split, part) in scored_parts(rows).items():
        result[name] = score_split(part, predictions_of(part, predictions, rows[split], split, where), config, where)
    return {"config": config, "split": result}


def headline_labels(part: Sequence[dict], config: str) -> list[int]:
    """Class ids the headline score of a part is over in tables and comparisons: all four, but of public paragraphs
    those with 30. (`headline_macro_f1` of `metrics.json` asks for 30 in every part: see `measure.headline_of`.)

    Real reports hardly contain some functions; the constructed part answers for them. Empty if none has 30.
    """
    if part[0]["source"] != "public":
        return list(range(len(LABELS)))
    return headline_of(support_of(targets(part, config)))


def part_counts(
    rows: dict[str, list[dict]],
    split: str,
    part: Sequence[dict],
    runs: Sequence[Sequence[Prediction]],
    config: str,
    where: str = "predictions",
) -> np.ndarray:
    """Counts (seeds, documents, 4, 3) on one part of `scored_parts`; `runs` is one list of predictions a seed."""
    stacked = []
    for predictions in runs:
        stacked.append(document_counts(part, predictions_of(part, predictions, rows[split], split, where), config))
    return np.stack(stacked)


def compare_table(
    rows: dict[str, list[dict]], systems: Mapping[str, Sequence[Sequence[Prediction]]], config: str
) -> dict:
    """Systems (name → one list of predictions a seed) against their neighbours, on every scored part.

    Part → `labels` (macro-F1 is over the part's headline labels, or all that occur where it has none), `pairs`
    (each system minus the next: the keys of `compare`, `left`, `right`, and `p_holm`, corrected within the
    part) and `ranks`.
    """
    result = {}
    for name, (split, part) in scored_parts(rows).items():
        head = headline_labels(part, config) or list(range(len(LABELS)))
        counts = {system: part_counts(rows, split, part, runs, config, system) for system, runs in systems.items()}
        pairs = [
            {"left": left, "right": right} | compare(counts[left], counts[right], labels=head)
            for left, right in itertools.pairwise(counts)
        ]
        if all(pair["p_value"] is not None for pair in pairs):
            for pair, adjusted in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
                pair["p_holm"] = adjusted
        result[name] = {"labels": [LABELS[i] for i in head], "pairs": pairs, "ranks": ranks(counts, labels=head)}
    return result
