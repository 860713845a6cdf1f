"""A finished run as a model repository: weights, tokenizer, card with scores, what it was trained with and on."""

import re
from pathlib import Path

from jianghua.dataset import index_as_build
from jianghua.dataset.croissant import release
from jianghua.files import read_json
from jianghua.hub.content import Content
from jianghua.hub.licences import licence_file
from jianghua.models.classifier import read_config
from jianghua.report.model_card import run_card
from jianghua.schema import BadData
from jianghua.training import read_run

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json")  # without these plain transformers cannot load it
PATHS = ("data.path", "data.root", "runs", "output_dir")


def model_content(
    repo_id: str,
    run_folder: Path,
    data: Path,
    dataset_id: str,
    license: str | None = None,
    dataset_revision: str | None = None,
) -> Content:
    """The files of the model repository for the run in `run_folder`, trained on the dataset `dataset_id`.

    `dataset_revision` is the tag or commit that holds that dataset, by default v and the change log's version; a
    run that was trained on a published dataset says its own.
    Raises `BadData` for an unfinished run, for one without an encoder, and for one whose dataset is not the
    one in `data`; `license` is needed where the encoder that it started from has no card with one.
    """
    run = read_run(run_folder)
    folder = run_folder / "model"
    if missing := [name for name in MODEL_FILES if not (folder / name).is_file()]:
        raise BadData(f"{folder}: no {missing[0]}; only an encoder's run can be published as a model")
    thresholds = read_config(folder).get("thresholds")
    run.check_dataset(run.build, index_as_build(data, run.build, run.config).fingerprint)
    record, metrics = read_json(run_folder / "environment.json"), read_json(run_folder / "metrics.json")
    version, _ = release(data)
    trained_on = record["dataset"]
    dataset = {
        "repo_id": trained_on.get("repo_id", dataset_id),
        "revision": trained_on.get("revision", dataset_revision or f"v{version}"),
        "config": run.config,
        "build": run.build,
        "fingerprint": run.fingerprint,
        "subset": run.subset,
    }
    configuration, encoder = training_config(run_folder)
    license = license or encoder_license(encoder)
    files: dict[str, Path | bytes] = {path.name: path for path in sorted(folder.iterdir()) if _plain(path)}
    files |= {name: run_folder / name for name in ("environment.json", "metrics.json")}
    files["training_config.yaml"] = configuration.encode()
    files["LICENSE"] = licence_file(license, "These weights")
    files["README.md"] = run_card(repo_id, record, metrics, dataset, license, thresholds).encode()
    about = {"what": "model", "version": version, "build": run.build, "fingerprint": run.fingerprint}
    about |= {"config": run.config, "model": run.model, "seed": run.seed, "dataset": dataset}
    use = f'pipeline("text-classification", model="{repo_id}", revision="REVISION")'
    return Content("model", repo_id, files, about, use, [["model"]])


def _plain(path: Path) -> bool:
    """Weights as safetensors and small text files; no pickles, no exports, nothing hidden."""
    return path.is_file() and path.suffix in (".safetensors", ".json", ".txt", ".model") and path.name[0] != "."


def training_config(run_folder: Path) -> tuple[str, str]:
    """The run's configuration without paths of the machine, and the encoder it started from as written there."""
    from omegaconf import OmegaConf

    config = OmegaConf.load(run_folder / "config.yaml")
    encoder = str(OmegaConf.to_container(config, resolve=False)["model"].get("path") or "")
    for key in PATHS:
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(config, parent) if parent else config
        if node is not None and name in node:
            del node[name]
    if encoder.startswith("/") or re.match(r"[A-Za-z]:\\", encoder):
        config.model.path = Path(encoder).name
    return OmegaConf.to_yaml(config), encoder


def encoder_license(encoder: str) -> str:
    """The licence in the card of the encoder's folder: fine-tuned weights are made of its weights."""
    inside = re.fullmatch(r"\$\{root:(.*)\}", encoder)
    folder = Path(encoder)
    if inside:
        from omegaconf import OmegaConf

        folder = Path(OmegaConf.create({"path": encoder}).path)
    card = folder / "README.md"
    found = re.search(r"^license: *(\S+)$", card.read_text(encoding="utf-8"), re.MULTILINE) if card.is_file() else None
    if not found:
        raise BadData(
            f"the encoder {encoder} has no card that names a licence; say which one the weights have: license="
        )
    return found[1]
