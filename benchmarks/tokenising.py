"""Loading and tokenising as a share of a default training run.

    python benchmarks/tokenising.py [--rounds 3] [--share 0.1]

Goes through a real run of the shipped recipe on `--share` of the documents of each split: fit, predict validation and
test, say what was read. Timed in it: every call into the tokenizer, the search for the sentence of each token
included. Loading is reading the whole bundled build with its hashes and is counted by that share. The run is counted
without what stands after the fit (prediction of test, scores, saving), so that the share here is at the high end.
"""

import time

from harness import SHIPPED, Benchmark, Side, arguments

CALLS = ("_tokens", "sentence_of_tokens")


class Stopwatch:
    """Seconds inside the outermost of the functions it wraps, and how many texts the tokenizer itself was given."""

    def __init__(self):
        self.seconds, self.texts, self.inside = 0.0, 0, False

    def around(self, function):
        def timed(*args, **kwargs):
            if self.inside:
                return function(*args, **kwargs)
            self.inside, began = True, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.inside = False
                self.seconds += time.perf_counter() - began

        return timed

    def counting(self, function):
        def counted(texts, **kwargs):
            self.texts += len(texts)
            return function(texts, **kwargs)

        return counted


def part_of(loaded, share: float):
    """The first documents of each split, `share` of them."""
    from dataclasses import replace

    rows = {}
    for split, found in loaded.rows.items():
        names = list(dict.fromkeys(row["doc_id"] for row in found))
        kept = set(names[: max(1, round(share * len(names)))])
        rows[split] = [row for row in found if row["doc_id"] in kept]
    return replace(loaded, rows=rows)


def short_run(share: float):
    """A round is a run; it leaves its measurements for `answer`, in seconds."""
    import tempfile
    from pathlib import Path

    from harness import Job
    from training_sides import DATA, MINI, recipe

    from jianghua.dataset import load_build
    from jianghua.models.encoder import Encoder
    from jianghua.training.finetune import finetune
    from jianghua.training.run import examples, predict_splits, what_was_read

    measured: dict[str, float] = {}

    def round() -> float:
        began = time.perf_counter()
        whole = load_build(DATA, "primary")
        loading = time.perf_counter() - began
        loaded = part_of(whole, share)
        counts = [sum(map(len, build.rows.values())) for build in (loaded, whole)]
        train, validation = (examples(loaded, split, "primary") for split in ("train", "validation"))
        encoder, watch = Encoder.start(str(MINI), "primary", seed=1), Stopwatch()
        encoder._encodings = watch.counting(encoder._encodings)
        for name in CALLS:
            setattr(encoder, name, watch.around(getattr(encoder, name)))
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            finetune(encoder, train, validation, recipe(), Path(folder) / "checkpoint", lambda row: None)
            fit = time.perf_counter() - began
        fitting = watch.seconds
        predict_splits(encoder, loaded, "primary")
        what_was_read(encoder, loaded, lambda row: None)
        loading *= counts[0] / counts[1]
        rest = fit - fitting
        measured.update(loading=loading, tokenising=watch.seconds, rest=rest, passes=watch.texts / counts[0])
        return (loading + watch.seconds) / (loading + watch.seconds + rest)

    return Job(lambda: dict(measured), round)


def main() -> None:
    options = arguments(__doc__, "tokenising", rounds=3, share=0.1)
    benchmark = Benchmark("tokenising", options.rounds)
    side = Side("a short run", short_run, options.share, environment=SHIPPED)
    shares, rounds = [], []
    for number in range(options.rounds):
        shares.append(side.round())
        rounds.append(side.answer())
        print(f"round {number + 1} of {options.rounds}", flush=True)
    side.close()
    part = f"of a run on {options.share:.0%} of the documents"
    for key, what in (
        ("loading", f"loading, its share {part}"),
        ("tokenising", f"tokenising, all calls {part}"),
        ("rest", f"the rest of the fit {part}"),
    ):
        benchmark.row(what, "s", [row[key] for row in rounds])
    benchmark.row("times that a paragraph goes through the tokenizer", "passes", [row["passes"] for row in rounds])
    benchmark.claim("tokenising and loading, share of a default training run", shares, 0.02, at_least=False)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
