"""What was tried in fine-tuning and pre-training, judged by validation alone: a line a trial in results/trials.jsonl.

    python benchmarks/trials.py "NAME" RUN [RUN ...] [--encoder FOLDER] [--series "WHICH"] [--code "WHAT"]

`RUN` are finished run folders of `scripts/train.py` that differ in their seed alone. From them come the settings that
are not those of conf/train/default.yaml, validation macro-F1 and loss; the test part of no run is read. `--encoder` is
the folder that the runs started from: its own record tells how long it was trained. `--code` says what the runs did
that no setting of the tree does, `--series` in which table the line belongs. A line of the same series, name, build
and data is replaced; `python benchmarks/report.py` makes the tables in README.md.
"""

import argparse
import json
from pathlib import Path

from harness import RESULTS, ROOT

from jianghua.files import read_json, read_jsonl, write_jsonl
from jianghua.report.model_card import stages_of
from jianghua.training import finished
from jianghua.training.runs import best_epoch

TRIALS = RESULTS / "trials.jsonl"


def pretraining(folder: Path) -> dict:
    """Tokens and hours of an encoder, of all its stages together (CPU time, if its curve has it), and the last
    masked loss."""
    from omegaconf import OmegaConf

    record = OmegaConf.to_container(OmegaConf.load(folder / "pretraining.yaml"))
    last = read_jsonl(folder / "loss_curve.jsonl")[-1]
    tokens = sum(stage["steps"] * stage["batch_tokens"] for stage in stages_of(record))
    seconds, kind = (last["cpu_seconds"], "CPU h") if "cpu_seconds" in last else (last["seconds"], "h")
    return {"tokens": tokens, "hours": round(seconds / 3600, 2), "of": kind, "masked_loss": last["loss"]}


def trial(name: str, runs: list[Path], encoder: Path | None, series: str, code: str) -> dict:
    """The line of a trial. Raises `SystemExit` for runs that are unfinished or differ in more than their seed."""
    from omegaconf import OmegaConf

    stamps, rows = set(), []
    for folder in runs:
        if not finished(folder):
            raise SystemExit(f"{folder}: no finished run")
        text = (folder / "config.yaml").read_text(encoding="utf-8")
        config = OmegaConf.create(text)
        stamps.add(text.partition(" seed ")[0])  # what the run is known by, apart from its seed
        history, environment = read_json(folder / "metrics.json")["history"], read_json(folder / "environment.json")
        best = best_epoch(history)
        rows.append((config.seed, best, environment))
    if len(stamps) > 1:
        raise SystemExit(f"{name}: these runs differ in more than their seed")
    shipped = OmegaConf.load(ROOT / "conf/train/default.yaml")
    changed = {f"train.{key}": value for key, value in config.train.items() if shipped.get(key) != value}
    rows.sort(key=lambda row: row[0])
    return {
        "series": series,
        "name": name,
        "code": code,
        **rows[0][2]["dataset"],
        "settings": changed,
        "encoder": pretraining(encoder) if encoder else None,
        "seeds": [seed for seed, _, _ in rows],
        "macro_f1": [round(best["macro_f1"], 4) for _, best, _ in rows],
        "loss": [round(best["loss"], 4) for _, best, _ in rows],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--series", default="Fine-tuning")
    parser.add_argument("--code", default="")
    parser.add_argument("--output", type=Path, default=TRIALS)
    options = parser.parse_args()
    new = trial(options.name, options.runs, options.encoder, options.series, options.code)
    old = read_jsonl(options.output) if options.output.is_file() else []
    same = ("series", "name", "build", "fingerprint")
    write_jsonl(options.output, [*(row for row in old if any(row[key] != new[key] for key in same)), new])
    print(json.dumps(new, ensure_ascii=False))


if __name__ == "__main__":
    main()
