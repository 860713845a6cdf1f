"""Predictions and gold → the numbers of `metrics.json`, with intervals. No torch."""

from collections.abc import Callable, Sequence

import numpy as np

from jianghua.evaluation import calibration, metrics
from jianghua.evaluation.compare import paired_randomisation
from jianghua.evaluation.intervals import bootstrap_interval, documents_of, sum_by_document
from jianghua.schema import LABELS, BadData, Prediction

HEADLINE_MINIMUM = 30  # test paragraphs a function needs to enter the headline
SLICE_MINIMUM = 30


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
    if unknown := sorted(set(by_id) - set(wanted)):
        raise BadData(f"{where}: prediction for {unknown[0]!r}, which is not in {split} of this dataset")
    return [by_id[i] for i in wanted]


def check_proba(predictions: Sequence[Prediction], config: str, where: str = "predictions") -> np.ndarray:
    """(n, 4) probabilities, refused outside [0, 1] or, for `primary`, when they do not sum to one."""
    for prediction in predictions:
        if len(prediction.proba) != len(LABELS):
            raise BadData(f"{where}: paragraph {prediction.id!r} needs {len(LABELS)} probabilities")
        chosen = [prediction.predicted] if config == "primary" else prediction.predicted
        if not all(isinstance(i, int) and 0 <= i < len(LABELS) for i in chosen):
            raise BadData(
                f"{where}: paragraph {prediction.id!r} has the label {prediction.predicted}, which does not exist"
            )
    proba = np.array([p.proba for p in predictions], float).reshape(-1, len(LABELS))
    bad = ~((proba >= 0) & (proba <= 1)).all(1)
    if config == "primary":
        bad |= np.abs(proba.sum(1) - 1) > 1e-3
    if bad.any():
        index = int(bad.argmax())
        raise BadData(f"{where}: paragraph {predictions[index].id!r} has probabilities {proba[index].tolist()}")
    return proba


def targets(rows: Sequence[dict], config: str) -> np.ndarray:
    """Gold of rows: (n,) class ids for `primary`, (n, 4) booleans for `functions`."""
    if config == "primary":
        return np.array([row["label"] for row in rows], dtype=int)
    return np.array([[i in row["functions"] for i in range(len(LABELS))] for row in rows], dtype=bool).reshape(-1, 4)


def decisions(predictions: Sequence[Prediction], config: str) -> np.ndarray:
    """What was predicted, in the shape of `targets`."""
    if config == "primary":
        return np.array([p.predicted for p in predictions], dtype=int)
    return np.array([[i in p.predicted for i in range(len(LABELS))] for p in predictions], dtype=bool).reshape(-1, 4)


def item_counts(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts of each single item, (n, 4, 3): what sums over documents are made of."""
    if gold.ndim == 1:
        eye = np.eye(len(LABELS), dtype=bool)
        gold, predicted = eye[gold], eye[predicted]
    return np.stack([gold & predicted, ~gold & predicted, gold & ~predicted], axis=-1).astype(float)


def document_counts(rows: Sequence[dict], predictions: Sequence[Prediction], config: str) -> np.ndarray:
    """(documents, 4, 3) counts, documents in the order of their ids."""
    numbers, documents = documents_of([row["doc_id"] for row in rows])
    return sum_by_document(item_counts(targets(rows, config), decisions(predictions, config)), numbers, documents)


def _with_interval(by_document: np.ndarray, statistic: Callable, n: int, **more) -> dict:
    value = float(statistic(by_document.sum(0)[None])[0])
    interval = bootstrap_interval(by_document, statistic)
    low, high = interval if interval else (None, None)
    return {"value": _finite(value), "low": low, "high": high, "n": n, "documents": len(by_document)} | more


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else value


def score_split(
    rows: Sequence[dict], predictions: Sequence[Prediction], config: str, where: str = "predictions"
) -> dict:
    """All numbers of one split. `rows` and `predictions` (from `join`) are in the same order."""
    proba = check_proba(predictions, config, where)
    gold, predicted = targets(rows, config), decisions(predictions, config)
    numbers, documents = documents_of([row["doc_id"] for row in rows])
    counts = sum_by_document(item_counts(gold, predicted), numbers, documents)
    n = len(rows)
    support = (gold[:, None] == np.arange(4)).sum(0) if config == "primary" else gold.sum(0)
    head = [i for i in range(len(LABELS)) if support[i] >= HEADLINE_MINIMUM]
    result = {"macro_f1": _with_interval(counts, metrics.macro_f1, n)}
    if head:
        result["headline_macro_f1"] = _with_interval(
            counts, lambda c: metrics.macro_f1(c, head), n, labels=[LABELS[i] for i in head]
        )
    if config == "primary":
        right = sum_by_document(
            np.stack([gold == predicted, gold != predicted], axis=1).astype(float), numbers, documents
        )
        confidence, correct = proba.max(1), gold == predicted
        onehot = np.eye(4)[gold]
        result["confusion"] = metrics.confusion_counts(gold, predicted).tolist()
    else:
        exact = (gold == predicted).all(1)
        right = sum_by_document(np.stack([exact, ~exact], axis=1).astype(float), numbers, documents)
        confidence, correct = np.maximum(proba, 1 - proba).ravel(), (gold == predicted).ravel()
        onehot = gold.astype(float)
        result["micro_f1"] = _with_interval(counts, metrics.micro_f1, n)
    name = "accuracy" if config == "primary" else "exact_match"
    result[name] = _with_interval(right, lambda c: c[..., 0] / c.sum(-1), n)
    precision, recall = metrics.precision_recall(counts.sum(0))
    result["per_class"] = {}
    for i, label in enumerate(LABELS):
        f1 = _with_interval(counts, lambda c, i=i: metrics.f1_per_class(c)[..., i], int(support[i]))
        result["per_class"][label] = {
            "f1": f1,
            "precision": _finite(float(precision[i])),
            "recall": _finite(float(recall[i])),
            "n": int(support[i]),
        }
    result["calibration"] = {
        "expected_calibration_error": _finite(calibration.expected_calibration_error(confidence, correct)),
        "brier": _finite(calibration.brier_score(proba, onehot)),
    }
    result["slices"] = slice_scores(rows, item_counts(gold, predicted))
    return result


def slice_scores(rows: Sequence[dict], counts: np.ndarray) -> dict:
    """Macro-F1 and size of each slice; `small` marks those under `SLICE_MINIMUM` items."""

    def length(row):
        chars = row.get("chars") or len(row["text"])
        return "under 80" if chars < 80 else "80-199" if chars < 200 else "200 and over"

    keys: dict[str, Callable] = {
        name: (lambda row, name=name: row.get(name)) for name in ("register", "level", "noise")
    }
    keys["length"] = length
    keys["disputed"] = lambda row: "unanimous" if row.get("agreement") in (None, 1.0) else "disputed"
    result: dict = {}
    for name, key in keys.items():
        groups: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            groups.setdefault(str(key(row)), []).append(index)
        result[name] = {
            group: {
                "macro_f1": _finite(float(metrics.macro_f1(counts[members].sum(0)))),
                "n": len(members),
                "small": len(members) < SLICE_MINIMUM,
            }
            for group, members in sorted(groups.items())
        }
    return result


def scored_parts(rows: dict[str, list[dict]]) -> dict[str, tuple[str, list[dict]]]:
    """Name in `metrics.json` → (dataset split, rows). Where there are public test paragraphs, `test` is
    those, and the constructed ones stand beside it as `test_constructed`, never pooled."""
    parts = {}
    for split in ("validation", "test"):
        part = rows.get(split, [])
        public = [row for row in part if row["source"] == "public"]
        constructed = [row for row in part if row["source"] == "constructed"]
        if public and constructed:
            parts[split] = (split, public)
            parts[f"{split}_constructed"] = (split, constructed)
        elif part:
            parts[split] = (split, part)
    return parts


def score_predictions(
    rows: dict[str, list[dict]], predictions: Sequence[Prediction], config: str, where: str = "predictions"
) -> dict:
    """The content of `metrics.json`."""
    result = {}
    for name, (split, part) in scored_parts(rows).items():
        joined = join(predictions, rows[split], split, where)
        by_id = {p.id: p for p in joined}
        result[name] = score_split(part, [by_id[row["id"]] for row in part], config, where)
    if not result:
        raise BadData(f"{where}: the dataset has no validation or test paragraphs")
    return {"config": config, "split": result}


def compare_runs(
    rows: dict[str, list[dict]],
    left: Sequence[Sequence[Prediction]],
    right: Sequence[Sequence[Prediction]],
    config: str,
) -> dict:
    """Paired randomisation over documents on every scored part; each side is one list of predictions a seed."""

    def counts(side: Sequence[Sequence[Prediction]], split: str, part: list[dict]) -> np.ndarray:
        stacked = []
        for predictions in side:
            by_id = {p.id: p for p in join(predictions, rows[split], split)}
            stacked.append(document_counts(part, [by_id[row["id"]] for row in part], config))
        return np.stack(stacked)

    return {
        name: paired_randomisation(counts(left, split, part), counts(right, split, part))
        for name, (split, part) in scored_parts(rows).items()
    }
