"""Training steps: the flat loop of `finetune` against `transformers.Trainer`, in real tokens a second.

    python benchmarks/train_step.py [--rounds 3] [--steps 6] [--base-rounds 2]

First the same bundled encoder on both sides (it drops nothing) and the head for evidence sentences off; then the
shipped recipe as it is (evidence, tokens left out, parts, adversarial steps, averaged weights, no dropout in the
encoder) against Trainer with a dropout of 0.1 in embeddings, attention, inner layers and head, what fine-tuning BERT
takes by default; then a 12 × 768 ModernBERT with random weights and no dropout on either side; then peak memory at the
same batch, again without dropout.
Before anything is timed, loss and gradients of the same 16 paragraphs must agree. Both sides take some 16 to 20
paragraphs a batch. Flat runs as scripts/train.py runs it (a shard of the batch a thread; beside it, all threads on one
batch), Trainer as it comes. The speed of matrix multiplication is the mean over a third of a second of the best of
several shapes. The figures are written after each block.
"""

import tempfile
from pathlib import Path

import numpy as np
from harness import SHIPPED, Benchmark, Side, arguments, interleave, per_round
from training_sides import MINI, base_size, flat, flat_whole, matmul, trainer, with_dropout

PADDINGS = {"512": "padded to 512", "longest": "dynamic padding", "grouped": "grouped by length"}
BASE = "12 × 768 ModernBERT"
SAME = {"512": 9.0, "longest": 3.5, "grouped": 1.6}
DEFAULTS = {"512": 11.0, "longest": 4.0, "grouped": 1.8}


def check_equal(benchmark: Benchmark, what: str, sides: list[Side]) -> dict:
    """Loss and gradients of the first 16 paragraphs, the first side's against the others'; returns its answer."""
    first, *others = [side.answer() for side in sides]
    for side, other in zip(sides[1:], others, strict=True):
        loss = abs(first["loss"] - other["loss"])
        gradient = max(
            np.abs(a - other["gradients"][name]).max() / np.abs(a).max() for name, a in first["gradients"].items()
        )
        if first["tokens"] != other["tokens"]:
            raise SystemExit(f"{side.name} reads {other['tokens']} tokens, not {first['tokens']}; nothing was timed")
        benchmark.check(f"{what}, {side.name}: loss, distance from flat", loss, 1e-4)
        benchmark.check(f"{what}, {side.name}: gradients, distance from flat relative to the largest", gradient, 1e-4)
    return first


def block(
    benchmark, steps: int, rounds: int, what: str, targets: dict, theirs: Path = MINI, dropout: float = 0
) -> None:
    """Flat against the three ways of padding, `mini`; one block of the table.

    With a `dropout` on the other side (of the model at `theirs`), flat runs the whole shipped recipe.
    """
    evidence = dropout > 0
    sides = [Side("flat", flat, MINI, 3 * steps, evidence, environment=SHIPPED)]
    # padding costs time and no precision: fewer steps of the slow ones give as steady a figure
    counts = {"512": max(1, steps // 2), "longest": steps, "grouped": 2 * steps}
    sides += [Side(PADDINGS[pad], trainer, theirs, counts[pad], pad, dropout) for pad in PADDINGS]
    if not evidence:
        sides.append(Side("flat, threads share a batch", flat_whole, MINI, 3 * steps, environment=SHIPPED))
    sides.append(Side("matmul", matmul, environment=SHIPPED))
    answer = check_equal(benchmark, what, sides[:-1])
    speed = interleave(sides, rounds)
    for side in sides:
        side.close()
    for name, values in speed.items():
        unit = "GFLOP/s" if name == "matmul" else "tokens/s"
        benchmark.row(f"{what}: {'Trainer, ' if name in PADDINGS.values() else ''}{name}", unit, values)
    for pad, target in targets.items():
        benchmark.claim(f"{what}, over Trainer {PADDINGS[pad]}", per_round(speed["flat"], speed[PADDINGS[pad]]), target)
    if not evidence:
        done = [3 * answer["flops"] * tokens / 1e9 for tokens in speed["flat"]]
        benchmark.claim("training `mini`, share of matrix-multiply speed", per_round(done, speed["matmul"]), 0.65)


def base_block(benchmark: Benchmark, steps: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "base"
        base_size(folder)
        sides = [Side("flat", flat, folder, steps, environment=SHIPPED)]
        sides.append(Side("dynamic padding", trainer, folder, steps, "longest"))
        check_equal(benchmark, BASE, sides)
        speed = interleave(sides, rounds, warmup=0)
        for side in sides:
            side.close()
    benchmark.row(f"{BASE}: flat", "tokens/s", speed["flat"])
    benchmark.row(f"{BASE}: Trainer, dynamic padding", "tokens/s", speed["dynamic padding"])
    what = f"{BASE}, no dropout on either side, over Trainer dynamic padding"
    benchmark.claim(what, per_round(speed["flat"], speed["dynamic padding"]), 2.5)


def memory_block(benchmark: Benchmark, steps: int) -> None:
    """Peak memory of training on the same 16 paragraphs again and again."""
    sides = [Side("flat", flat, MINI, steps, True, True, environment=SHIPPED)]
    sides.append(Side("dynamic padding", trainer, MINI, steps, "longest", 0.0, True))
    for side in sides:
        side.round()
    (ours, ours_more), (theirs, theirs_more) = (side.memory() for side in sides)
    for side in sides:
        side.close()
    benchmark.row("peak memory: flat, shipped recipe", "MB", [ours])
    benchmark.row("peak memory: Trainer, dynamic padding", "MB", [theirs])
    benchmark.row("peak memory above imports, data and weights: flat, shipped recipe", "MB", [ours_more])
    benchmark.row("peak memory above imports, data and weights: Trainer, dynamic padding", "MB", [theirs_more])
    what = "peak memory at the same batch, of Trainer's with dynamic padding"
    benchmark.claim(what, [ours / theirs], 1.0, at_least=False)


def main() -> None:
    options = arguments(__doc__, "train_step", rounds=3, steps=6, base_steps=2, base_rounds=2)
    benchmark = Benchmark("train_step", options.rounds)
    steps, rounds = options.steps, options.rounds
    block(benchmark, steps, rounds, "`mini`, no dropout on either side", SAME)
    benchmark.save(options.output)
    with tempfile.TemporaryDirectory() as temporary:
        theirs = with_dropout(Path(temporary) / "dropout")
        block(benchmark, steps, rounds, "`mini`, shipped recipe against dropout 0.1", DEFAULTS, theirs, 0.1)
    benchmark.save(options.output)
    if options.base_rounds:
        base_block(benchmark, options.base_steps, options.base_rounds)
        benchmark.save(options.output)
    memory_block(benchmark, max(2, options.steps))
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
