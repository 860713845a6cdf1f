"""Loading and tokenising as a share of a default training run.

    python benchmarks/tokenising.py [--rounds 3] [--steps 20]

Timed: reading the bundled build with its hashes, tokenising the train split, and telling which token stands in which
sentence, as `scripts/train.py` does before the first step. The run itself is not gone through: its steps are the
train split's tokens, epoch by epoch, at the rate of `--steps` steps of the shipped recipe. What a run does besides
(validation, saving, scores) is left out, so the share here is at the high end.
"""

import time

from harness import SHIPPED, Benchmark, Job, Side, arguments, interleave
from training_sides import MINI, flat, recipe, train_split


def loading() -> Job:
    """A round is everything from the build on disk to tokens; the answer is how many tokens all epochs have."""
    from jianghua.models.encoder import Encoder
    from jianghua.training.finetune import Evidence

    encoder = Encoder.start(str(MINI), "primary", seed=1)

    def round() -> float:
        began = time.perf_counter()
        train = train_split()
        encoder.encode(train.texts)
        Evidence(encoder, train)
        return time.perf_counter() - began

    def answer() -> int:
        return recipe().epochs * sum(map(len, encoder.encode(train_split().texts)[0]))

    return Job(answer, round)


def main() -> None:
    options = arguments(__doc__, "tokenising", rounds=3, steps=20)
    benchmark = Benchmark("tokenising", options.rounds)
    sides = [Side("loading and tokenising", loading, environment=SHIPPED)]
    sides.append(Side("flat", flat, MINI, options.steps, True, environment=SHIPPED))
    tokens = sides[0].answer()
    measured = interleave(sides, options.rounds)
    for side in sides:
        side.close()
    seconds, rates = measured["loading and tokenising"], measured["flat"]
    run = [tokens / rate for rate in rates]
    benchmark.row("loading and tokenising", "s", seconds)
    benchmark.row("steps of a default run, extrapolated", "s", run)
    share = [before / (before + steps) for before, steps in zip(seconds, run, strict=True)]
    benchmark.claim("tokenising and loading, share of a default training run", share, 0.02, at_least=False)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
