"""What every model of the benchmark can do, and how one is found again in a folder."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np

from jianghua.files import read_json, write_json
from jianghua.models.device import check_device
from jianghua.models.overlong import WAYS
from jianghua.schema import LABELS, BadData, BadUsage

# kind in `config.json` → module and class; every other kind is an encoder of the transformers library
WITHOUT_ENCODER = {
    "majority": ("baselines", "Majority"),
    "length": ("baselines", "Length"),
    "keywords": ("keywords", "Keywords"),
    "tfidf": ("baselines", "Tfidf"),
    "llm": ("llm", "PromptedModel"),
}


@dataclass(frozen=True)
class Examples:
    """Texts with their gold: (n,) class ids for `primary`, (n, 4) booleans for `functions`.

    `sentences` holds a text's evidence, `{"start", "end", "function"}` with a class id or None, where the
    dataset has it; a model may learn from it and needs none to predict.
    """

    texts: list[str]
    target: np.ndarray
    sentences: list[list[dict]] | None = None


class Classifier(Protocol):
    """A model: `fit` on examples, probabilities for texts, a folder to live in.

    An encoder is fitted by `training.finetune`, which needs more than the examples. What not all have is asked for by
    name: `predict_logits` and `scale` (there is something to calibrate), `cut` (texts of the last call that were too
    long) and `reads` (an encoder), `costs` (a language model).
    """

    config: str
    thresholds: list[float]

    def fit(self, train: Examples) -> None: ...

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 4): for `primary` rows sum to one, for `functions` each number stands alone."""
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> "Classifier": ...


def decide(proba: np.ndarray, config: str, thresholds: Sequence[float]) -> list[int] | list[list[int]]:
    """Class ids (`primary`: the most probable) or lists of ids (`functions`: those at or over their threshold)."""
    if config == "primary":
        return proba.argmax(1).tolist()
    return [[i for i, p in enumerate(row) if p >= thresholds[i]] for row in proba]


def names_by_id(id2label: Mapping) -> list:
    """The names of a `config.json`'s `id2label` in the order of their ids, which JSON keeps as text."""
    return [name for _, name in sorted((int(i), name) for i, name in id2label.items())]


def read_config(folder: Path) -> dict:
    """`config.json` of a model folder, checked against the labels of this benchmark."""
    path = folder / "config.json"
    if not folder.is_dir():
        raise BadData(f"{folder}: no such model folder")
    if not path.is_file():
        raise BadData(f"{folder}: not a model folder (no config.json); train.py writes one as RUN/model")
    config = read_json(path)
    try:
        names = names_by_id(config["id2label"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadData(f"{path}: has no id2label; it is not a classifier of this benchmark") from None
    if names != list(LABELS):
        raise BadData(f"{path}: its labels are {names}, not {list(LABELS)}; it is not a model of this benchmark")
    if (way := config.get("overlong", WAYS[0])) not in WAYS:
        raise BadData(f"{path}: overlong is {way!r}; it is one of {', '.join(WAYS)}")
    try:
        if "thresholds" in config:
            config["thresholds"] = numbers("thresholds", config["thresholds"]).tolist()
    except (TypeError, ValueError) as error:
        raise BadData(f"{path}: not a whole model ({error})") from None
    return config


def numbers(name: str, value: object, rows: int | None = None) -> np.ndarray:
    """(4,) or, with `rows`, (rows, 4) finite numbers of a model file; `ValueError` names what is of another shape."""
    found, wanted = np.array(value, float), (len(LABELS),) if rows is None else (rows, len(LABELS))
    if found.shape != wanted:
        raise ValueError(f"{name} has the shape {found.shape}, not {wanted}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} has a number that is not finite")
    return found


def positive(name: str, value: object) -> float:
    """A finite number over 0 of a model file; `ValueError` names what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise ValueError(f"{name} is {value!r:.60}, not a number over 0")
    return float(value)


def write_config(folder: Path, kind: str, config: str, thresholds: Sequence[float], **more) -> None:
    """`config.json` of a model that is not an encoder, in the same words as transformers'."""
    record = {"model_type": kind} | label_fields(config) | {"thresholds": list(thresholds)}
    write_json(folder / "config.json", record | more, indent=2)


def label_fields(config: str) -> dict:
    """What a `config.json` says of the labels and of how they are chosen, in transformers' words."""
    return {
        "problem_type": "single_label_classification" if config == "primary" else "multi_label_classification",
        "id2label": dict(enumerate(LABELS)),
        "label2id": {name: i for i, name in enumerate(LABELS)},
    }


def config_of(record: dict) -> str:
    """ "primary" or "functions", from a model's `config.json`."""
    return "functions" if record.get("problem_type") == "multi_label_classification" else "primary"


def first_line(error: Exception) -> str:
    """The first line of what another library says went wrong, and the next where that only announces it; the error's
    name where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def load_classifier(folder: Path, device: str = "cpu") -> Classifier:
    """The model in `folder`, whichever it is; only an encoder imports torch, and runs on `device`."""
    check_device(device)
    record = read_config(folder)
    kind = record.get("model_type")
    if kind in WITHOUT_ENCODER:
        module, name = WITHOUT_ENCODER[kind]
        return getattr(import_module(f"jianghua.models.{module}"), name).load(folder)
    from jianghua.models.encoder import Encoder

    return Encoder.load(folder, device)


def check_engine(engine: str, device: str) -> None:
    """Raise `BadUsage` for a device that does not exist, or that this engine does not run on."""
    check_device(device)
    if engine != "torch" and device not in ("auto", "cpu"):
        raise BadUsage(f"device={device}: engine={engine} runs on the CPU; device= is for engine=torch")


def load_engine(folder: Path, engine: str, device: str, note: Callable[[str], None]) -> Classifier:
    """The model in `folder` as `engine` runs it: torch, or an exported one, whose first start `note` tells of."""
    if engine == "torch":
        return load_classifier(folder, device)
    from jianghua.models.exported import load_exported

    return load_exported(folder, engine, note)


def label_texts(classifier: Classifier, texts: Sequence[str], batch_size: int | None = None) -> tuple:
    """`(labels, proba, cut)`: the label names decided for each text, probabilities (n, 4), and how many texts are
    longer than the model reads."""
    # baselines know no batches, and read every text whole
    more = {"batch_size": batch_size} if batch_size and hasattr(classifier, "cut") else {}
    proba = classifier.predict_proba(texts, **more)
    decided = decide(proba, classifier.config, classifier.thresholds)
    names = [[LABELS[i] for i in (row if isinstance(row, list) else [row])] for row in decided]
    return names, proba, getattr(classifier, "cut", 0)
