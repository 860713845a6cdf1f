"""Training every listed run anew, through the same script a user types; a finished run is not repeated."""

import shutil
import subprocess
import sys
from pathlib import Path

from jianghua.dataset import index_as_build
from jianghua.files import folder_atomic
from jianghua.schema import BadData
from jianghua.training.runs import finished, read_json, read_run

KEPT = ("config.yaml", "environment.json", "metrics.json", "predictions.parquet", "DONE")


def train_listed(config, script: Path) -> None:
    """Train the runs that `config` (conf/reproduce.yaml) lists, into `runs`; copy what tables need to `results`.

    Says for each run whether its test macro-F1 lies in the interval of the one stored before.
    """
    data, results, runs = Path(config.data_root), Path(config.results), Path(config.runs)
    default = script.parents[1] / "data"
    for build in config.builds:
        # what the configuration gives by itself is not passed on, so that stored configurations name no machine
        where = [] if data == default else [f"data.path={data / 'jianghua'}", f"data.root={data}"]
        if build == "full":
            if not config.public:
                print("full build: left as stored (public= names the folder with the raw public speeches)")
                continue
            folder = runs / "full-build"
            where = [f"data.path={folder}"] + ([] if data == default else [f"data.root={data}"])
            _call(
                [
                    script.with_name("build_dataset.py"),
                    f"data_root={data}",
                    f"public={config.public}",
                    f"output={folder}",
                ]
            )
        fingerprint = index_as_build(data, build, config.config).fingerprint
        for model in config.models:
            for seed in config.seeds:
                place = runs / "reproduce" / fingerprint / config.config / model / f"s{seed}"
                if not finished(place):
                    _call(
                        [
                            script,
                            f"model={model}",
                            f"seed={seed}",
                            f"data.config={config.config}",
                            *where,
                            f"output_dir={place}",
                        ]
                    )
                read_run(place)
                target = results / "runs" / f"{build}-{config.config}" / model / f"s{seed}"
                _compare(target, place)
                with folder_atomic(target, marks=("DONE", "metrics.json")) as folder_new:
                    for name in KEPT:
                        shutil.copyfile(place / name, folder_new / name)


def _call(arguments: list) -> None:
    print("$ " + " ".join(map(str, arguments)), flush=True)
    result = subprocess.run([sys.executable, *map(str, arguments)], check=False)
    if result.returncode:
        raise BadData(f"{arguments[0]} ended with status {result.returncode}; run the same command again to go on")


def _compare(stored: Path, anew: Path) -> None:
    """One line: does the new test score lie in the stored interval?"""
    if not finished(stored):
        return
    old, new = (read_json(folder / "metrics.json")["split"]["test"]["macro_f1"] for folder in (stored, anew))
    if old["low"] is None:
        return
    inside = old["low"] <= new["value"] <= old["high"]
    print(
        f"{anew}: macro-F1 {new['value']:.3f}, stored {old['value']:.3f} "
        f"[{old['low']:.3f}, {old['high']:.3f}]: {'inside' if inside else 'OUTSIDE'}"
    )
