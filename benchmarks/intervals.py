"""An interval of macro-F1 over documents from ten thousand resamples: on counts, by scipy, and by a plain loop.

    python benchmarks/intervals.py [--predictions 5000] [--documents 250] [--json FILE] [--docs]

Made-up predictions. Before anything is timed, all ways must give the same percentile interval to 0.004
(their random draws differ). The loop, which calls scikit-learn once a resample, is timed over fewer
resamples, and its seconds are those times the ratio.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import ROOT, put_between_marks
from scipy.stats import bootstrap
from sklearn.metrics import f1_score

from jianghua.evaluation import bootstrap_interval, macro_f1
from jianghua.evaluation.intervals import REPLICATES, documents_of, draws, sum_by_document
from jianghua.evaluation.measure import item_counts

LOOP = 300  # resamples of the plain loop


def made_up(predictions: int, documents: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gold, predictions and document numbers; four fifths of the answers right."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(4, size=predictions, p=[0.25, 0.2, 0.35, 0.2])
    predicted = np.where(rng.random(predictions) < 0.8, gold, rng.integers(0, 4, predictions))
    return gold, predicted, np.arange(predictions) * documents // predictions


def on_counts(gold, predicted, place, method: str) -> tuple:
    numbers, documents = documents_of(place)
    counts = sum_by_document(item_counts(gold, predicted), numbers, documents)
    draws.cache_clear()  # what a first call costs
    return bootstrap_interval(counts, macro_f1, method=method)


def by_scipy(gold, predicted, place, method: str) -> tuple:
    """scipy.stats.bootstrap over documents, its statistic vectorised on the same counts."""
    numbers, documents = documents_of(place)
    counts = sum_by_document(item_counts(gold, predicted), numbers, documents)

    def score(chosen, axis):
        return macro_f1(counts[np.moveaxis(chosen, axis, -1)].sum(-3))

    result = bootstrap(
        (np.arange(documents),), score, n_resamples=REPLICATES, batch=500, vectorized=True, method=method, rng=0
    )
    return tuple(result.confidence_interval)


def by_loop(gold, predicted, place, resamples: int) -> tuple:
    """Draw documents, put their paragraphs together, call scikit-learn; once a resample."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(place == document) for document in np.unique(place)]
    values = []
    for _ in range(resamples):
        items = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        values.append(f1_score(gold[items], predicted[items], average="macro"))
    return tuple(np.quantile(values, [0.025, 0.975]))


def timed(way: Callable, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        way()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def table(rows: list[dict]) -> str:
    text = "| way | interval | CPU seconds | times |\n| --- | --- | ---: | ---: |\n"
    for row in rows:
        text += f"| {row['way']} | {row['interval']} | {row['seconds']:.2f} | {row['times']:.1f} |\n"
    first = rows[0]
    return text + (
        f"\n{first['predictions']:,} predictions in {first['documents']} documents, {REPLICATES:,} resamples; the loop "
        f"timed over {LOOP}.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=5000)
    parser.add_argument("--documents", type=int, default=250)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="also write the rows there")
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/evaluation.md")
    options = parser.parse_args()
    data = made_up(options.predictions, options.documents)
    expected = on_counts(*data, "percentile")
    for other in (by_scipy(*data, "percentile"), by_loop(*data, 2000)):
        assert np.allclose(expected, other, atol=0.004), f"the ways differ: {expected} and {other}"
    ways = [
        ("on counts", "bootstrap-t", lambda: on_counts(*data, "studentised"), 1),
        ("on counts", "BCa", lambda: on_counts(*data, "bca"), 1),
        ("on counts", "percentile", lambda: on_counts(*data, "percentile"), 1),
        ("scipy.stats.bootstrap", "BCa", lambda: by_scipy(*data, "BCa"), 1),
        ("scipy.stats.bootstrap", "percentile", lambda: by_scipy(*data, "percentile"), 1),
        ("loop over scikit-learn", "percentile", lambda: by_loop(*data, LOOP), REPLICATES / LOOP),
    ]
    rows = []
    for way, interval, call, factor in ways:
        seconds = timed(call, options.repeats) * factor
        rows.append({"way": way, "interval": interval, "seconds": round(seconds, 3)})
        rows[-1] |= {"predictions": options.predictions, "documents": options.documents}
    for row in rows:
        row["times"] = round(row["seconds"] / rows[0]["seconds"], 1)
    print(table(rows))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.docs:
        put_between_marks(ROOT / "docs" / "evaluation.md", {"speed": table(rows)})


if __name__ == "__main__":
    main()
