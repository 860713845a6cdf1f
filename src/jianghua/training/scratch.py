"""Training every listed run anew, through the same script a user types; a finished run is not repeated."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jianghua.dataset import index_as_build
from jianghua.schema import BUILDS, BadData
from jianghua.training.runs import finished, store_run

Folders = Mapping[str, Sequence[Path]]  # model → run folder a seed


def train_listed(config, builds: Sequence[str], script: Path) -> dict[str, Folders]:
    """Train the runs of `builds` that `config` (conf/reproduce.yaml) lists, into `runs`; build → `Folders`.

    What is no build is a split of the full one, by its name in conf/data. `script` is scripts/train.py. Nothing is
    copied to `results` here: only when all are trained can they be compared with what is stored, and a call that was
    interrupted must find the same stored runs again.
    """
    data, runs = Path(config.data_root), Path(config.runs)
    default = script.parents[1] / "data"
    # what the configuration gives by itself is not passed on, so that stored configurations name no machine
    root = [] if data == default else [f"data.root={data}"]
    full = runs / "full-build"
    if set(builds) - {"constructed"}:
        source = [f"data_root={data}", f"public={config.public}", f"output={full}"]
        _call([script.with_name("build_dataset.py"), *source])
    trained = {}
    for build in builds:
        where = [] if data == default else [f"data.path={data / 'jianghua'}"]
        if build != "constructed":
            where = [f"data.path={full}"]
        split = None if build in BUILDS else build
        if split:
            where = [f"data={split}", *where]
        place = place_of(runs, index_as_build(data, build, config.config).fingerprint, script, split) / config.config
        trained[build] = {model: [place / model / f"s{seed}" for seed in config.seeds] for model in config.models}
        for model, folders in trained[build].items():
            for seed, folder in zip(config.seeds, folders, strict=True):
                if not finished(folder):
                    what = [f"model={model}", f"seed={seed}", f"data.config={config.config}"]
                    _call([script, *what, *where, *root, f"output_dir={folder}"])
    return trained


def place_of(runs: Path, fingerprint: str, script: Path, split: str | None = None) -> Path:
    """Where the runs of a dataset, or of a split of it, by today's recipe, models and bundled encoder are.

    A finished run of another recipe or encoder, or by other rules of the split, is not taken for one of these.
    """
    root, digest = script.parents[1], hashlib.sha256()
    conf = root / "conf"
    files = [conf / "data" / f"{split}.yaml"] if split else []
    files += [conf / "train.yaml", *conf.glob("train/*.yaml"), *conf.glob("model/*.yaml")]
    for file in sorted([*files, *root.glob("data/pretrained/*/model.safetensors")]):
        digest.update(file.read_bytes())
    return runs / "reproduce" / f"{fingerprint}-{digest.hexdigest()[:8]}"


def keep(trained: Folders, places: Folders) -> None:
    """Copy what tables need of `trained` to `places`, a folder each, whole or not at all."""
    for model, folders in trained.items():
        for folder, place in zip(folders, places[model], strict=True):
            store_run(folder, place, more=("metrics.json",))


def same_runs(left: Sequence[Path], right: Sequence[Path]) -> bool:
    """Whether these are the same runs, not only runs that answer alike: `environment.json` has the time each took."""
    names = ("environment.json", "predictions.parquet")
    return all(
        (one / name).read_bytes() == (other / name).read_bytes()
        for one, other in zip(left, right, strict=True)
        for name in names
    )


def _call(arguments: list) -> None:
    print("$ " + " ".join(map(str, arguments)), flush=True)
    with subprocess.Popen([sys.executable, *map(str, arguments)]) as process:  # waits for it on leaving
        try:
            status = process.wait()
        except BaseException:
            process.terminate()  # subprocess.run would kill it before it has saved where it is
            raise
    if status:
        raise BadData(f"{arguments[0]} ended with status {status}; run the same command again to go on")
