"""Training while another process takes one core, against the same undisturbed.

    python benchmarks/disturbed.py [--rounds 3] [--steps 8]

The other process computes without pause, bound to one core. `finetune` runs as scripts/train.py runs it: a shard of the
batch a thread. Beside it the same loop with all threads on one batch, which sleep while they wait for each other or
spin, and Trainer as it comes. Loss and gradients of all must agree first.
"""

import multiprocessing
import os

from harness import SHIPPED, Benchmark, Side, arguments, per_round
from train_step import check_equal
from training_sides import MINI, flat, flat_whole, trainer


def burn(core: int, ready) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    ready.set()
    number = 1
    while True:
        number = number * 1103515245 % 2147483648 + 1


def disturbed(side: Side) -> float:
    """One round of `side` while a core is taken."""
    core = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=burn, args=(core, ready), daemon=True)
    other.start()
    try:
        ready.wait(60)
        return side.round()
    finally:
        other.kill()
        other.join()


def main() -> None:
    options = arguments(__doc__, "disturbed", rounds=3, steps=8)
    benchmark = Benchmark("disturbed", options.rounds)
    sides = [
        Side("flat, in shards (shipped)", flat, MINI, options.steps, environment=SHIPPED),
        *(
            Side(f"flat, threads share a batch, {how}", flat_whole, MINI, options.steps, environment=environment)
            for how, environment in {"sleeping": SHIPPED, "spinning": {"OMP_WAIT_POLICY": "ACTIVE"}}.items()
        ),
        Side("Trainer, dynamic padding", trainer, MINI, max(2, options.steps // 4), "longest"),
    ]
    check_equal(benchmark, "`mini`", sides)
    for side in sides:
        side.round()
    alone: dict[str, list[float]] = {side.name: [] for side in sides}
    shared: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(options.rounds):
        for side in sides:
            alone[side.name].append(side.round())
            shared[side.name].append(disturbed(side))
        print(f"round {number + 1} of {options.rounds}", flush=True)
    for side in sides:
        benchmark.row(f"{side.name}, undisturbed", "tokens/s", alone[side.name])
        benchmark.row(f"{side.name}, disturbed", "tokens/s", shared[side.name])
        benchmark.row(
            f"{side.name}, disturbed over undisturbed", "ratio", per_round(shared[side.name], alone[side.name])
        )
        side.close()
    name = sides[0].name
    benchmark.claim("training while another process takes one core", per_round(shared[name], alone[name]), 0.5)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
