"""Is speed bought with accuracy? Validation macro-F1 of the shipped recipe, seed by seed, against the padded path.

    python benchmarks/accuracy.py [--seeds 5] [--share 1.0] [--runs FILE] [--trained RUN ...]

Both sides fine-tune the bundled encoder on the bundled train split with `finetune`, the shipped batch size, learning
rate, epochs, warm-up and weight decay:

- shipped: the flat path as conf/train/default.yaml has it: no dropout, evidence sentences, tokens left out,
  parts of paragraphs, adversarial steps, averaged weights;
- padded: batches of paragraphs of about one length, padded to their longest, a dropout of 0.1 in embeddings, attention,
  inner layers and head, none of these.

The figure is the best epoch's validation macro-F1. The interval is Student's t over the differences, seed by seed. A
finished run is a line of `--runs`, so that the command goes on where it was stopped. `--trained` are finished run
folders of `python scripts/train.py seed=N`, as results/runs keeps them: the shipped side of those seeds, which is the
same training, is then read and not trained again. `--share` takes the first documents of each split only. The whole
takes some hours on two cores, half of them for each side.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

from harness import RESULTS, ROOT, SHIPPED, Benchmark, Job, Side, arguments
from tokenising import part_of
from training_sides import DATA, MINI, recipe, with_dropout

from jianghua.files import file_sha256, read_json, read_jsonl
from jianghua.schema import BadData
from jianghua.training.runs import best_epoch

SIDES = ("shipped", "padded")
WITHIN = 0.5  # points of macro-F1
PLAIN = ("sentence_weight", "drop_share", "part_share", "average_share", "adversarial_step")  # 0 where padded


def settings_of(side: str, seed: int):
    return recipe(seed=seed, **(dict.fromkeys(PLAIN, 0.0) if side == "padded" else {}))


def one_run(side: str, seed: int, share: float) -> Job:
    """The answer is what the run of `side` with `seed` came to, and with which settings."""
    from jianghua.dataset import load_build
    from jianghua.models.encoder import Encoder
    from jianghua.training.finetune import finetune
    from jianghua.training.run import examples

    def run() -> dict:
        loaded = part_of(load_build(DATA, "primary"), share)
        train, validation = (examples(loaded, split, "primary") for split in ("train", "validation"))
        with tempfile.TemporaryDirectory() as temporary:
            folder, began = Path(temporary), time.perf_counter()
            path = MINI if side == "shipped" else with_dropout(folder / "dropout")
            encoder = Encoder.start(str(path), "primary", seed=seed)
            if side == "padded":
                encoder.flat = False
                encoder.model.set_attn_implementation("sdpa")
            settings, checkpoint = settings_of(side, seed), folder / "checkpoint"
            history = finetune(encoder, train, validation, settings, checkpoint, lambda row: None)
        return _line(side, seed, share, loaded, history, time.perf_counter() - began)

    return Job(run, lambda: 0.0)


def _line(side: str, seed: int, share: float, loaded, history: list[dict], seconds: float) -> dict:
    best = best_epoch(history)
    return {
        **_key(side, seed, share, loaded.fingerprint),
        "macro_f1": best["macro_f1"],
        "epoch": best["epoch"],
        "seconds": round(seconds, 1),
        "train": len(loaded.rows["train"]),
        "validation": len(loaded.rows["validation"]),
    }


def of_train(folder: Path, loaded) -> dict:
    """The line of a run that scripts/train.py made with its defaults on this data; `SystemExit` for another run."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from jianghua.command import register_root
    from jianghua.training import finished
    from jianghua.training.run import check_owner

    if not finished(folder):
        raise SystemExit(f"{folder}: no finished run")
    seed = OmegaConf.load(folder / "config.yaml").seed
    register_root(ROOT)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("train", overrides=[f"seed={seed}"])
    try:
        check_owner(OmegaConf.to_container(config, resolve=True), loaded, folder)
    except BadData:
        raise SystemExit(f"{folder}: not a run of train.py with the settings, encoder and data of today") from None
    history = read_json(folder / "metrics.json")["history"]
    return _line("shipped", seed, 1.0, loaded, history, read_json(folder / "environment.json")["seconds"])


def _key(side: str, seed: int, share: float, fingerprint: str) -> dict:
    """What a stored run must agree in to count: recipe, data, encoder. After a change of the loop, remove the file."""
    from dataclasses import asdict

    settings = {key: value for key, value in asdict(settings_of(side, seed)).items() if key != "seed"}
    weights = file_sha256(MINI / "model.safetensors")[:16]
    key = {"side": side, "seed": seed, "share": share, "fingerprint": fingerprint, "recipe": settings}
    return key | {"encoder_sha256": weights}


def stored(path: Path, key: dict) -> dict | None:
    lines = read_jsonl(path) if path.is_file() else []
    return next((line for line in lines if line | key == line), None)


def keep(run: dict, path: Path) -> None:
    """Add the line of `run`, unless its like is there."""
    if stored(path, _key(run["side"], run["seed"], run["share"], run["fingerprint"])):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run) + "\n")


def interval(differences: list[float]) -> tuple[float, float]:
    """95 % for the mean, by Student's t."""
    from scipy.stats import ttest_1samp

    return tuple(map(float, ttest_1samp(differences, 0).confidence_interval()))


def main() -> None:
    from jianghua.dataset import load_build

    more = {"runs": str(RESULTS / "accuracy.jsonl"), "trained": []}
    options = arguments(__doc__, "accuracy", rounds=None, seeds=5, share=1.0, **more)
    if options.seeds < 2:
        raise SystemExit("--seeds takes a number from 2: an interval needs two differences")
    benchmark, path = Benchmark("accuracy", 1), Path(options.runs)
    loaded, points = load_build(DATA, "primary"), {side: [] for side in SIDES}
    for folder in options.trained:
        keep(of_train(Path(folder), loaded), path)
    for seed in range(1, options.seeds + 1):
        for side in SIDES:
            found = stored(path, _key(side, seed, options.share, loaded.fingerprint))
            if found is None:
                worker = Side(f"{side}, seed {seed}", one_run, side, seed, options.share, environment=SHIPPED)
                found = worker.answer()
                worker.close()
                keep(found, path)
            points[side].append(100 * found["macro_f1"])
            print(f"{side}, seed {seed}: {points[side][-1]:.2f} (epoch {found['epoch']})", flush=True)
    differences = [a - b for a, b in zip(points["shipped"], points["padded"], strict=True)]
    low, high = interval(differences)
    mean, each = statistics.mean(differences), ", ".join(f"{d:+.2f}" for d in differences)
    for side, name in zip(SIDES, ("shipped recipe, flat", "padded, dropout 0.1, nothing added"), strict=True):
        benchmark.row(f"{name}: validation macro-F1", "points", points[side])
    benchmark.row("difference, seed by seed", "points", differences)
    benchmark.row("difference, mean", "points", [mean])
    benchmark.row("difference, mean, end of its 95 % interval (t)", "points", [low, high])
    said = f"shipped minus padded, seed by seed: {each}; mean {mean:+.2f}, 95 % {low:+.2f} to {high:+.2f}"
    benchmark.checks.append(said)
    print(said)
    what = "validation macro-F1, shipped recipe minus padded path with dropout, points: mean, and its 95 % interval"
    benchmark.claim(what, [low, mean, high], -WITHIN)  # no rounds: the lowest and highest are the interval's ends
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
