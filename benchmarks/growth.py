"""How time and memory grow with the number of paragraphs, from a thousand to a million.

    python benchmarks/growth.py [--sizes 1000 10000 …] [--encoder-sizes 300 1000 …] [--only alpha … --output FILE]

Each job runs at each size in a process of its own, once a round. Texts have 30 to 300 characters and are made of
clauses of the bundled train split; a document has 16 paragraphs, a paragraph four votes. The encoder and TF-IDF are
measured up to a size that a laptop can bear; what stands beyond is marked as extrapolated, by a straight line through
their own figures. The exponent is the slope of log seconds over log paragraphs, all sizes fitted at once: 1 is linear
growth, 2 quadratic, and less than 1 a cost in it that does not depend on the number.
"""

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import SHIPPED, Benchmark, Job, Side, arguments
from near_duplicates import paragraphs
from training_sides import DATA, MINI, recipe

from jianghua.schema import LABELS, Prediction

DOCUMENT = 16  # paragraphs
SMALL = 64  # paragraphs that a process begins with, so that loading libraries is not counted
LINEAR = 1.2  # what an exponent may be at most: sorting, n log n, is 1.1 over these sizes


def timed(work: Callable[[], object]) -> Job:
    def round() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return Job(lambda: None, round)


def texts_of(count: int) -> tuple[list[str], np.ndarray]:
    """Made-up paragraphs, as many of each function, and their class ids."""
    import pyarrow.parquet as pq

    train = pq.read_table(DATA / "primary" / "train-00000-of-00001.parquet", columns=["text", "label"]).to_pydict()
    texts: list[str] = []
    for label in range(len(LABELS)):
        whole = "\n".join(text for text, found in zip(train["text"], train["label"], strict=True) if found == label)
        clauses = re.findall(r"[^，。；：！？\n]{5,}[，。；：！？]", whole)
        texts += paragraphs(count // len(LABELS), seed=label, pieces=clauses)
    return texts, np.arange(len(texts)) // (count // len(LABELS))


def answers_of(count: int) -> tuple[list[dict], list[Prediction]]:
    """Made-up rows of a dataset, half validation and half test, and the predictions of a run."""
    from intervals import made_up

    gold, predicted, place = made_up(count, count // DOCUMENT)
    proba = np.random.default_rng(1).dirichlet(np.ones(len(LABELS)), count)
    proba[np.arange(count), predicted] += 1
    rows = []
    for i, (document, label) in enumerate(zip(place.tolist(), gold.tolist(), strict=True)):
        split = "validation" if document % 2 else "test"
        row = {"id": f"c{document}-{i:03d}", "doc_id": f"c{document}", "position": i % DOCUMENT, "split": split}
        row |= {"source": "constructed", "chars": 30 + i % 270, "year": 1980 + document % 40}
        rows.append(row | {"label": label, "agreement": 1.0})
    answers = zip(rows, predicted.tolist(), (proba / 2).tolist(), strict=True)
    return rows, [Prediction(row["id"], row["split"], answer, chances) for row, answer, chances in answers]


def alpha(count: int) -> Job:
    from jianghua.annotate import krippendorff_alpha
    from jianghua.annotate.agreement import CATEGORIES

    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(CATEGORIES), (count, 1))
    votes = np.where(rng.random((count, 4)) < 0.8, truth, rng.integers(0, len(CATEGORIES), (count, 4))).tolist()
    units = {f"c{i // DOCUMENT}-{i % DOCUMENT:03d}": cast for i, cast in enumerate(votes)}
    return timed(lambda: krippendorff_alpha(units, len(CATEGORIES)))


def interval(count: int) -> Job:
    from intervals import made_up, on_counts

    data = made_up(count, count // DOCUMENT)
    return timed(lambda: on_counts(*data, "studentised"))


def scoring(count: int) -> Job:
    from jianghua.evaluation import score_predictions

    every, predictions = answers_of(count)
    rows = {split: [row for row in every if row["split"] == split] for split in ("validation", "test")}
    return timed(lambda: score_predictions(rows, predictions, "primary"))


def calibrating(count: int) -> Job:
    from jianghua.evaluation import choose_thresholds, fit_temperature

    logits = np.random.default_rng(0).normal(size=(count, len(LABELS)))
    proba = 1 / (1 + np.exp(-logits))
    gold = np.random.default_rng(1).random(proba.shape) < proba
    return timed(lambda: (fit_temperature(logits, gold, multilabel=True), choose_thresholds(proba, gold)))


def parquet(count: int) -> Job:
    from jianghua.training import read_predictions, write_predictions

    predictions = answers_of(count)[1]

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "predictions.parquet"
            write_predictions(path, predictions, "primary", {})
            read_predictions(path)

    return timed(work)


def tfidf(count: int) -> Job:
    from jianghua.models import Examples, Tfidf

    texts, target = texts_of(count)
    model = Tfidf("primary")

    def work() -> None:
        model.fit(Examples(texts, target))
        model.predict_proba(texts)

    return timed(work)


def tokenising(count: int) -> Job:
    encoder = encoder_from_disk()
    texts, _ = texts_of(count)
    return timed(lambda: encoder.encode(texts))


def prediction(count: int) -> Job:
    encoder = encoder_from_disk()
    texts, _ = texts_of(count)
    return timed(lambda: encoder.predict_proba(texts))


def training(count: int) -> Job:
    """An epoch of fine-tuning; made-up texts have no sentences of known function, so neither evidence nor parts."""
    from jianghua.models import Examples
    from jianghua.training.finetune import finetune

    texts, target = texts_of(count)
    train, validation = Examples(texts, target), Examples(texts[:SMALL], target[:SMALL])

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / "checkpoint"
            finetune(encoder_from_disk(), train, validation, recipe(epochs=1), checkpoint, lambda row: None)

    return timed(work)


def encoder_from_disk():
    """The bundled encoder with a head of random weights, as `predict` loads it."""
    from jianghua.models.encoder import Encoder

    with tempfile.TemporaryDirectory() as folder:
        Encoder.start(str(MINI), "primary", seed=1).save(Path(folder))
        return Encoder.load(Path(folder))


@dataclass(frozen=True)
class Group:
    """A job that is measured at several sizes, and extrapolated to those over `limit` paragraphs."""

    what: str
    prepare: Callable[[int], Job]
    limit: int = 10**9


GROUPS = {
    "alpha": Group("Krippendorff's alpha, with interval", alpha),
    "interval": Group("macro-F1, with interval", interval),
    "scoring": Group("all scores of a run, with intervals", scoring),
    "calibrating": Group("temperature and thresholds", calibrating),
    "parquet": Group("`predictions.parquet`", parquet),
    "tfidf": Group("TF-IDF + logistic regression", tfidf, 100_000),
    "tokenising": Group("tokenising", tokenising),
    "prediction": Group("prediction, bundled encoder", prediction, 10_000),
    "training": Group("fine-tuning, an epoch, bundled encoder", training, 10_000),
}
WITH_ENCODER = ("prediction", "training")


def warmed(prepare: Callable[[int], Job], count: int) -> Job:
    prepare(SMALL).round()
    return prepare(count)


def measure(group: Group, count: int) -> tuple[float, float, float]:
    """Seconds, and the two numbers of `Side.memory`, of one job in a process of its own."""
    side = Side(f"{group.what}, {count:,} paragraphs", warmed, group.prepare, count, environment=SHIPPED)
    try:
        return side.round(), *side.memory()
    finally:
        side.close()


def grow(benchmark: Benchmark, group: Group, sizes: list[int], beyond: list[int]) -> None:
    """Measure `group` at `sizes`, extrapolate to those of `beyond`, hold its exponent against `LINEAR`.

    One size gives neither an exponent nor a line.
    """
    found = np.empty((benchmark.rounds, len(sizes), 3))
    for number in range(benchmark.rounds):
        for place, count in enumerate(sizes):
            found[number, place] = measure(group, count)
            seconds, peak, _ = found[number, place]
            print(f"{group.what}: {count:,} paragraphs, {seconds:.3f} s, peak {peak:,.0f} MB", flush=True)

    def row(count: int, seconds: list[float], peak: float, own: float, extrapolated: bool) -> None:
        benchmark.row(group.what, "s", seconds)
        benchmark.rows[-1] |= {"paragraphs": count, "peak_mb": round(peak), "own_mb": round(own)}
        benchmark.rows[-1] |= {"extrapolated": extrapolated}

    for place, count in enumerate(sizes):
        row(count, found[:, place, 0].tolist(), *found[:, place, 1:].max(0), extrapolated=False)
    if len(sizes) < 2:
        return
    for count in beyond:
        lines = [np.polyfit(sizes, column, 1) for column in (*found[:, :, 0], *found[:, :, 1:].max(0).T)]
        *seconds, peak, own = (float(np.polyval(line, count)) for line in lines)
        row(count, seconds, peak, own, extrapolated=True)
    exponents = [float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) for seconds in found[:, :, 0]]
    what = f"{group.what}: exponent of growth, {sizes[0]:,} to {sizes[-1]:,} paragraphs"
    benchmark.claim(what, exponents, LINEAR, at_least=False)


def main() -> None:
    sizes, encoder_sizes = [1000, 10_000, 100_000, 1_000_000], [300, 1000, 3000, 10_000]
    options = arguments(__doc__, "growth", rounds=1, sizes=sizes, encoder_sizes=encoder_sizes, only=list(GROUPS))
    if unknown := [name for name in options.only if name not in GROUPS]:
        raise SystemExit(f"--only {unknown[0]}: the jobs are {', '.join(GROUPS)}")
    benchmark = Benchmark("growth", options.rounds)
    for name in options.only:
        group = GROUPS[name]
        wanted = options.encoder_sizes if name in WITH_ENCODER else options.sizes
        chosen = sorted(count for count in wanted if count <= group.limit)
        beyond = sorted(count for count in options.sizes if count > max(chosen, default=0))
        grow(benchmark, group, chosen, beyond)
        benchmark.save(options.output)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
