"""What was tried in fine-tuning and pre-training, judged by validation alone: a line a trial in results/trials.jsonl.

    python benchmarks/trials.py "NAME" RUN [RUN ...] [--encoder FOLDER] [--code "WHAT"]

`RUN` are finished run folders of `scripts/train.py` that differ in their seed alone. From them come the settings that
are not those of conf/train/default.yaml, validation macro-F1 and loss; the test part of no run is read. `--encoder` is
the folder that the runs started from: its own record tells how long it was trained. `--code` says what the runs did
that no setting of the tree does. A line of the same name, build and data is replaced; `python benchmarks/report.py`
makes the table in README.md.
"""

import argparse
import json
from pathlib import Path

from harness import RESULTS, ROOT

TRIALS = RESULTS / "trials.jsonl"


def flat(settings: dict, prefix: str = "") -> dict:
    """Nested settings by dotted names."""
    found = {}
    for name, value in settings.items():
        inner = isinstance(value, dict)
        found |= flat(value, f"{prefix}{name}.") if inner else {prefix + name: value}
    return found


def pretraining(folder: Path) -> dict:
    """Steps, tokens and hours of an encoder, of all its stages together, and the last masked loss."""
    from omegaconf import OmegaConf

    record = OmegaConf.to_container(OmegaConf.load(folder / "pretraining.yaml"))
    last = json.loads((folder / "loss_curve.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    stages, tokens = record, 0
    while stages:
        tokens += stages["steps"] * stages["batch_tokens"]
        stages = stages.get("before")
    return {"tokens": tokens, "hours": round(last["seconds"] / 3600, 2), "masked_loss": last["loss"]}


def trial(name: str, runs: list[Path], encoder: Path | None, code: str) -> dict:
    """The line of a trial. Raises `SystemExit` for runs that are unfinished or differ in more than their seed."""
    from omegaconf import OmegaConf

    apart = {"seed", "output_dir", "runs", "rerun", "threads", "device"}
    shipped = OmegaConf.load(ROOT / "conf/train/default.yaml")
    settings, rows = [], []
    for folder in runs:
        if not (folder / "DONE").exists():
            raise SystemExit(f"{folder}: no finished run")
        config = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"), resolve=False)
        settings.append({key: value for key, value in flat(config).items() if key not in apart})
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        best = max(metrics["history"], key=lambda row: (row["macro_f1"], -row["loss"]))
        rows.append((config["seed"], best, environment))
    if any(other != settings[0] for other in settings):
        raise SystemExit(f"{name}: these runs differ in more than their seed")
    changed = {
        key: value for key, value in settings[0].items() if shipped.get(key.removeprefix("train."), value) != value
    }
    rows.sort(key=lambda row: row[0])
    return {
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
    parser.add_argument("--code", default="")
    parser.add_argument("--output", type=Path, default=TRIALS)
    options = parser.parse_args()
    new = trial(options.name, options.runs, options.encoder, options.code)
    old = options.output.read_text(encoding="utf-8").splitlines() if options.output.is_file() else []
    same = ("name", "build", "fingerprint")
    kept = [row for row in map(json.loads, old) if any(row[key] != new[key] for key in same)]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in [*kept, new]]
    options.output.write_text("".join(lines), encoding="utf-8")
    print(lines[-1], end="")


if __name__ == "__main__":
    main()
