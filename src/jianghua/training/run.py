"""One run from configuration to `DONE`: fit, predict validation and test, score, write the run folder."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jianghua.dataset import Loaded, heldout_hashes, refuse_heldout
from jianghua.evaluation import score_predictions, targets
from jianghua.files import read_json, text_sha256, write_atomic, write_json
from jianghua.models import Classifier, Examples, Keywords, Length, Majority, Tfidf, decide
from jianghua.models.device import check_device, check_threads, device_name
from jianghua.models.overlong import check_way
from jianghua.models.tokenizer import TOKENIZER_FILES
from jianghua.schema import SCORED, BadData, BadUsage, Prediction, check_number
from jianghua.training.calibrate import calibrate
from jianghua.training.runs import environment, run_hash, write_predictions

UNKNOWN_WORTH_A_WORD = 0.01  # share of tokens


def examples(loaded: Loaded, split: str, config: str) -> Examples:
    rows = loaded.rows[split]
    return Examples([row["text"] for row in rows], targets(rows, config), [row.get("sentences") or [] for row in rows])


def check_training_text(loaded: Loaded, root: Path) -> None:
    """Refuse a dataset whose train split holds a validation or test paragraph, its own or the benchmark's."""
    texts = [row["text"] for row in loaded.rows["train"]]
    held = {text_sha256(row["text"]): row["id"] for split in SCORED for row in loaded.rows[split]}
    if not (root / "splits.jsonl").is_file():
        raise BadData(f"{root / 'splits.jsonl'}: no such file; data.root= names the benchmark's data folder")
    held |= heldout_hashes(root)
    refuse_heldout(texts, held, "the train split")
    shared = {row["doc_id"] for row in loaded.rows["train"]} & {
        row["doc_id"] for split in SCORED for row in loaded.rows[split]
    }
    if shared:
        raise BadData(f"document {min(shared)!r} stands in train and in another split; rebuild the dataset")


def folder_of(config: dict, loaded: Loaded) -> Path:
    """`runs/<data>/<model>/<hash>-s<seed>`, or `output_dir`."""
    if config["output_dir"]:
        return Path(config["output_dir"])
    name = f"{loaded.build}-{config['data']['config']}"
    stem = run_hash(_identity(config), loaded.fingerprint)
    model = str(config["model"]["name"]).replace("/", "--")  # a language model's name may hold a slash
    return Path(config["runs"]) / name / model / f"{stem}-s{config['seed']}"


def _identity(config: dict) -> dict:
    """The configuration, with a local encoder known by the hash of its files instead of their place."""
    import hashlib

    # what conf/model says about a model changes no run, nor does how patiently an endpoint is asked
    apart = ["card"]
    if config["model"]["kind"] == "llm":
        apart += ["workers", "timeout", "retries", "backoff", "cache", "key_env"]
    # and what says nothing, such as tokenizer: null
    apart += [key for key in ("architecture", "tokenizer", "max_length") if config["model"].get(key) is None]
    config = config | {"model": {key: value for key, value in config["model"].items() if key not in apart}}
    if config["model"]["kind"] != "encoder":  # how encoders are fine-tuned changes nothing about the others
        return {key: value for key, value in config.items() if key != "train"}
    folder = Path(str(config["model"]["path"]))
    names = ["config.json", *TOKENIZER_FILES]
    if not config["model"]["from_scratch"]:  # else the weights are not read
        names += ["*.safetensors", "*.bin"]
    files = sorted({file for name in names for file in folder.glob(name) if file.is_file()})
    if not files:
        return config
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            hashlib.file_digest(opened, lambda: digest)  # goes on with it
    model = {key: value for key, value in config["model"].items() if key != "path"}
    return config | {"model": model, "encoder_sha256": digest.hexdigest()}


def _stamp(config: dict, loaded: Loaded) -> str:
    return f"# run {run_hash(_identity(config), loaded.fingerprint)} seed {config['seed']}\n"


def check_owner(config: dict, loaded: Loaded, folder: Path) -> None:
    """Refuse a folder that holds a run of another configuration, dataset or seed."""
    existing = folder / "config.yaml"
    if existing.exists() and not existing.read_text(encoding="utf-8").startswith(_stamp(config, loaded)):
        raise BadData(
            f"{folder}: holds a run of another configuration or dataset; choose another output_dir=, or remove it"
        )
    if not existing.exists() and folder.is_dir() and any(folder.iterdir()):
        raise BadData(f"{folder}: holds other files; output_dir= takes a new folder")


def check_settings(config: dict) -> None:
    """Refuse numbers with which no run can be trained, before anything is read or written."""
    check_threads(config["threads"])
    check_number("seed", config["seed"], 0, whole=True)
    train = config["train"]
    check_device(config["device"])
    for name in ("epochs", "batch_tokens", "adversarial_every"):
        check_number(f"train.{name}", train[name], 1, whole=True)
    check_number("train.patience", train["patience"], 0, whole=True)
    check_number("train.learning_rate", train["learning_rate"], 0, above=True)
    for name in ("sentence_weight", "weight_decay", "adversarial_step"):
        check_number(f"train.{name}", train[name], 0)
    for name in ("warmup_share", "drop_share", "part_share", "joined_share", "average_share"):
        check_number(f"train.{name}", train[name], 0, 1)
    if config["model"]["kind"] == "llm":  # how it is asked is no part of the run's name, and checked all the same
        start_classifier(config)


def start_classifier(config: dict) -> Classifier:
    """The model that the configuration names, not yet fitted."""
    model, data_config = config["model"], config["data"]["config"]
    overlong = check_way(config["data"].get("overlong", "truncate"))
    missing = [key for key, value in model.items() if value == "???"]
    if missing:
        raise BadUsage(f"model.{missing[0]}= is required; conf/model/{model['kind']}.yaml says what it is")
    plain = {"majority": Majority, "length": Length, "keywords": Keywords}
    if model["kind"] in plain:
        return plain[model["kind"]](data_config)
    if model["kind"] == "tfidf":
        return Tfidf(data_config, model["ngrams"], model["min_df"], model["c"], model.get("estimator", "logistic"))
    if model["kind"] == "llm":
        from jianghua.models.endpoint import Endpoint
        from jianghua.models.llm import PromptedModel

        patience = {key: model[key] for key in ("timeout", "retries", "backoff")}
        endpoint = Endpoint(model["base_url"], model["key_env"], Path(model["cache"]), **patience)
        more = {key: model[key] for key in ("shots", "workers", "max_tokens", "price", "request")}
        return PromptedModel(data_config, model["name"], endpoint, seed=config["seed"], **more)
    if model["kind"] == "encoder":
        if _head(model) not in ("classifier", "probe"):
            raise BadUsage(f"model.head={model['head']}: the heads are classifier (fine-tuned), probe (frozen encoder)")
        from jianghua.models.encoder import Encoder

        where = {key: model[key] for key in ("revision", "architecture", "tokenizer", "max_length") if key in model}
        return Encoder.start(
            model["path"],
            data_config,
            from_scratch=model["from_scratch"],
            seed=config["seed"],
            overlong=overlong,
            head=_head(model),
            device=config["device"],
            **where,
        )
    raise BadUsage(f"model.kind={model['kind']}: the kinds are encoder, tfidf, keywords, length, majority, llm")


def _is_default(config: dict) -> bool:
    """Whether `predict` may take the run unasked: `model=mini`, whatever its path, fine-tuned on all there is."""
    model = config["model"]
    own = model["name"] == "mini" and _head(model) == "classifier" and not model["from_scratch"]
    return own and not config["data"].get("subset")


def _head(model: dict) -> str:
    return model.get("head", "classifier")


def fit(classifier: Classifier, config: dict, train: Examples, validation: Examples, folder: Path, progress) -> list:
    """Fit any classifier; returns the history of a fine-tuned encoder's epochs, else nothing."""
    model = config["model"]
    if model["kind"] == "encoder" and _head(model) == "classifier":
        from jianghua.training.finetune import Recipe, finetune

        recipe = Recipe(seed=config["seed"], **config["train"])
        return finetune(classifier, train, validation, recipe, folder / "checkpoint.pt", progress)
    if model["kind"] == "encoder":
        from jianghua.models.probe import fit_probe

        for row in fit_probe(classifier, train, validation):
            progress({"probe_c": row["c"], "loss": row["loss"]})
    else:
        classifier.fit(train)
    calibrate(classifier, validation)
    return []


def what_was_read(classifier: Classifier, loaded: Loaded, report: Callable[[dict], None]) -> dict:
    """For `metrics.json`: what an encoder saw of each split, or what a language model's answers cost."""
    facts = {}
    if getattr(classifier, "commit", None):
        facts["model_commit"] = classifier.commit
    if hasattr(classifier, "reads"):
        facts["reads"] = {split: classifier.reads([row["text"] for row in loaded.rows[split]]) for split in loaded.rows}
        for split, row in facts["reads"].items():
            report({"reads": split} | row)
            if row["unknown_share"] > UNKNOWN_WORTH_A_WORD:
                share = f"{row['unknown_share']:.1%} of the {split} tokens"
                report({"warning": f"{share} are unknown to the tokenizer; is it the model's own?"})
            if row["overlong"]:
                many = f"{row['overlong']} {split} paragraphs are longer than {row['max_length']} tokens"
                report({"warning": f"{many}; data.overlong={row['overlong_way']} says what of them is read"})
    if hasattr(classifier, "costs"):
        facts["costs"] = classifier.costs()
        report(facts["costs"])
    return facts


def predict_splits(classifier: Classifier, loaded: Loaded, config: str) -> list[Prediction]:
    predictions = []
    for split in SCORED:
        rows = loaded.rows[split]
        proba = classifier.predict_proba([row["text"] for row in rows])
        decided = decide(proba, config, classifier.thresholds)
        # what is stored is what decided: float32 could round two near-equal numbers across a threshold
        predictions += [
            Prediction(row["id"], split, choice, numbers)
            for row, choice, numbers in zip(rows, decided, proba.astype(np.float32).tolist(), strict=True)
        ]
    return predictions


def train_run(config: dict, config_yaml: str, loaded: Loaded, folder: Path, progress: Callable[[dict], None]) -> dict:
    """Train and write the run folder, `DONE` last; returns `metrics.json`. An unfinished folder goes on."""
    import logging
    import os

    data_config = config["data"]["config"]
    check_owner(config, loaded, folder)
    classifier = start_classifier(config)  # what cannot be loaded leaves no folder behind
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadData(f"{folder}: cannot be made ({error.strerror}); choose another output_dir= or runs=") from None
    (folder / "DONE").unlink(missing_ok=True)
    write_atomic(folder / "config.yaml", _stamp(config, loaded) + config_yaml)
    logger = logging.getLogger(f"jianghua.run.{folder}")
    handler = logging.FileHandler(folder / "log.txt", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False

    # what a killed run spent until its checkpoint counts too
    spent_file, began_cpu = folder / "spent.json", time.process_time()
    resumed = spent_file.exists() and (folder / "checkpoint.pt").exists()
    before = read_json(spent_file)["cpu_seconds"] if resumed else 0.0

    def cpu_seconds() -> float:
        return round(before + time.process_time() - began_cpu, 1)

    def report(row: dict) -> None:
        if "macro_f1" in row and "epoch" in row:
            write_json(spent_file, {"cpu_seconds": cpu_seconds()})
        if "step" not in row:
            logger.info("%s", " ".join(f"{k}={v:.4f}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))
        if "warning" in row or "epoch" in row:
            progress(row)

    try:
        began = time.monotonic()
        logger.info("dataset %s %s", loaded.build, loaded.fingerprint)
        train, validation = (examples(loaded, split, data_config) for split in ("train", "validation"))
        history = fit(classifier, config, train, validation, folder, report)
        spent = {"seconds": round(time.monotonic() - began, 1), "cpu_seconds": cpu_seconds()}  # of training alone
        predictions = predict_splits(classifier, loaded, data_config)
        metrics = score_predictions(loaded.rows, predictions, data_config, str(folder))
        metrics |= what_was_read(classifier, loaded, report)
        if history:
            metrics["history"] = history
        classifier.save(folder / "model")
        write_predictions(
            folder / "predictions.parquet",
            predictions,
            data_config,
            {
                "fingerprint": loaded.fingerprint,
                "build": loaded.build,
                "thresholds": str(list(classifier.thresholds)),
                "model": config["model"]["name"],
                "seed": str(config["seed"]),
                "subset": json.dumps(config["data"].get("subset")),
            },
        )
        threads, device = 1, "cpu"
        if config["model"]["kind"] == "encoder":
            import torch

            threads, device = torch.get_num_threads(), device_name(classifier.device)
        record = environment(
            loaded.build,
            loaded.fingerprint,
            data_config=data_config,
            model=config["model"]["name"],
            seed=config["seed"],
            default_run=_is_default(config),
            threads=threads,
            device=device,
            cores=os.cpu_count(),
            **spent,
        )
        # of a dataset from the Hub, the commit it is of
        record["dataset"] |= {key: config["data"][key] for key in ("repo_id", "revision") if key in config["data"]}
        write_json(folder / "environment.json", record)
        write_json(folder / "metrics.json", metrics)
        logger.info("done in %.1f s", time.monotonic() - began)
        write_atomic(folder / "DONE", "")
        for name in ("checkpoint.pt", "spent.json"):
            (folder / name).unlink(missing_ok=True)
        return metrics
    except BaseException as error:
        if not isinstance(error, Exception) and (folder / "checkpoint.pt").exists():  # stopped, and saved where it was
            write_json(spent_file, {"cpu_seconds": cpu_seconds()})
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


def baseline_scores(baseline: Classifier, loaded: Loaded) -> dict:
    """Scores of a model that trains in seconds, on the same splits, nothing written."""
    train, validation = (examples(loaded, split, baseline.config) for split in ("train", "validation"))
    baseline.fit(train)
    calibrate(baseline, validation)
    predictions = predict_splits(baseline, loaded, baseline.config)
    return score_predictions(loaded.rows, predictions, baseline.config, type(baseline).__name__)
