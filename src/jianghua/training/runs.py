"""Run folders: their names, what stands in them, and how a finished one is read again. No torch."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jianghua import __version__
from jianghua.files import folder_atomic, read_json, read_parquet, write_atomic
from jianghua.schema import CONFIGS, BadData, Prediction, at, check_record

STORED = ("config.yaml", "environment.json", "predictions.parquet", "DONE")  # of a run, for tables
PACKAGES = ("torch", "transformers", "tokenizers", "scikit-learn", "numpy", "scipy", "pyarrow")


def run_hash(config: dict, fingerprint: str) -> str:
    """Eight hex digits over the dataset's fingerprint and the configuration without seed, paths, device and threads."""
    # a run that was begun on one device goes on on another, and with any number of threads
    apart = ("seed", "runs", "output_dir", "rerun", "device", "threads")
    kept = {key: value for key, value in config.items() if key not in apart}
    kept["data"] = {key: value for key, value in config["data"].items() if key not in ("path", "root")}
    kept["model"] = {
        key: value for key, value in config["model"].items() if not (key == "path" and os.path.isabs(str(value)))
    }
    text = json.dumps([kept, fingerprint], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the checkout this package is run from, if it is one and git is there."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    except OSError:
        return None


def environment(build: str, fingerprint: str, **more) -> dict:
    """What `environment.json` records: versions, threads, device, git commit, dataset."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}",
        "versions": {"jianghua": __version__} | {name: _package_version(name) for name in PACKAGES},
        "git_commit": _git_commit(),
        "dataset": {"build": build, "fingerprint": fingerprint},
    } | more


def write_predictions(path: Path, predictions: Sequence[Prediction], config: str, metadata: dict[str, str]) -> None:
    """`predictions.parquet`: id, split, predicted, proba; what they depend on in the file's metadata."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    predicted = pa.int8() if config == "primary" else pa.list_(pa.int8())
    schema = pa.schema(
        [("id", pa.string()), ("split", pa.string()), ("predicted", predicted), ("proba", pa.list_(pa.float32()))],
        metadata={"config": config} | metadata,
    )
    rows = [{"id": p.id, "split": p.split, "predicted": p.predicted, "proba": p.proba} for p in predictions]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_predictions(path: Path) -> tuple[list[Prediction], dict[str, str]]:
    """Predictions and the file's metadata."""
    table = read_parquet(path)
    if missing := {"id", "split", "predicted", "proba"} - set(table.column_names):
        raise BadData(f"{path}: missing column {sorted(missing)[0]!r}")
    # other programs may leave bytes there that are no text
    metadata = {
        k.decode(errors="replace"): v.decode(errors="replace") for k, v in (table.schema.metadata or {}).items()
    }
    return [Prediction(**row) for row in table.select(["id", "split", "predicted", "proba"]).to_pylist()], metadata


def finished(folder: Path) -> bool:
    """Whether the run in `folder` ended: only then is it a result."""
    return (folder / "DONE").is_file()


@dataclass(frozen=True)
class Run:
    """A finished run: what it predicted, and of which dataset."""

    folder: Path
    model: str
    seed: int
    config: str
    build: str
    fingerprint: str
    predictions: list[Prediction]
    subset: dict | None = None

    def check_dataset(self, build: str, fingerprint: str) -> None:
        """Refuse to score the run against another dataset than the one it was trained on."""
        if self.fingerprint != fingerprint:
            raise BadData(
                f"{self.folder}: made for dataset {self.build} {self.fingerprint}, but this one is {build} "
                f"{fingerprint}; train it anew, or name its dataset with data.path="
            )


def read_run(folder: Path) -> Run:
    """A finished run folder; what is unfinished is refused."""
    if not folder.is_dir():
        raise BadData(f"{folder}: no such run folder")
    if not finished(folder):
        if within := sorted(done.parent.name for done in folder.glob("*/DONE")):
            raise BadData(f"{folder}: holds the runs {', '.join(within)}; name one of them")
        if not (folder / "config.yaml").is_file():
            raise BadData(f"{folder}: not a run folder (no config.yaml)")
        raise BadData(f"{folder}: not a finished run (no DONE); the command that started it goes on with it")
    record = read_json(folder / "environment.json")
    with at(folder / "environment.json"):
        check_record(record, {"model": str, "seed": int})
    stored = folder / "predictions.parquet"
    predictions, metadata = read_predictions(stored)
    for name in ("config", "build", "fingerprint"):
        if name not in metadata:
            raise BadData(f"{stored}: its metadata does not say its {name!r}")
    if metadata["config"] not in CONFIGS:
        raise BadData(f"{stored}: its metadata has config {metadata['config']!r}, neither primary nor functions")
    try:
        subset = json.loads(metadata.get("subset", "null"))
    except json.JSONDecodeError as error:
        raise BadData(f"{stored}: the subset in its metadata is not JSON ({error})") from None
    if not isinstance(subset, dict | None):
        raise BadData(f"{stored}: the subset in its metadata should be a JSON object or null, found {subset!r:.60}")
    build, fingerprint = metadata["build"], metadata["fingerprint"]
    return Run(folder, record["model"], record["seed"], metadata["config"], build, fingerprint, predictions, subset)


def store_run(folder: Path, place: Path, more: Sequence[str] = ()) -> None:
    """Copy what tables need of the run in `folder`, and the files `more`, to `place`, whole or not at all."""
    with folder_atomic(place, marks=("DONE",)) as new:
        for name in (*STORED, *more):
            shutil.copyfile(folder / name, new / name)


def default_run_folders(runs: Path, needs: str = "tokenizer.json") -> Iterator[tuple[str, Path]]:
    """(configuration, folder) of the finished default runs below `runs` whose `model/` holds the file `needs`.

    The newest comes first.
    """
    by_age = sorted(runs.glob("*/*/*/DONE"), key=lambda path: path.stat().st_mtime)
    for done in by_age[::-1]:
        environment_file = done.parent / "environment.json"
        if not environment_file.is_file() or not (done.parent / "model" / needs).is_file():
            continue
        record = read_json(environment_file)
        if record.get("default_run"):
            yield record["data_config"], done.parent


def default_runs(runs: Path, needs: str = "tokenizer.json") -> dict[str, Path]:
    """Configuration → the newest of `default_run_folders`."""
    newest: dict[str, Path] = {}
    for config, folder in default_run_folders(runs, needs):
        newest.setdefault(config, folder)
    return newest


def model_folder(named: str | None, runs: Path) -> Path:
    """The folder of the saved model that is `named`, itself or by its run's folder; without a name the default's.

    That is `model/` of the newest finished default run, of `functions` if there is one, else of `primary`.
    """
    if named:
        folder = Path(named)
        inside = folder / "model"
        if (folder / "config.json").is_file() or not (inside / "config.json").is_file():
            return folder
        if not (folder / "DONE").is_file():
            raise BadData(f"{folder}: an unfinished run; the command that began it goes on with it")
        return inside
    found = default_runs(runs)
    for config in ("functions", "primary"):
        if config in found:
            return found[config] / "model"
    raise BadData(
        f"{runs}: no finished run of the default model; train one with `python scripts/train.py "
        "data.config=functions`, or name a model folder with model_path="
    )


def best_epoch(history: Sequence[dict]) -> dict:
    """The row of a run's `history` whose weights were kept: the highest macro-F1, the lower loss among equals."""
    return max(history, key=lambda row: (row["macro_f1"], -row["loss"]))
