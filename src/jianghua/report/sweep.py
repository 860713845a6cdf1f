"""What a training shows at its end: one run beside the baselines, or the tables of several models and seeds."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from jianghua.dataset import Loaded, load_build
from jianghua.evaluation import headline_labels, scored_parts
from jianghua.report.leaderboard import leaderboard
from jianghua.report.results import HEADER, method_note, part_notes, part_rows
from jianghua.report.tables import number, print_scores, print_table
from jianghua.schema import LABELS
from jianghua.training import read_run
from jianghua.training.run import baseline_scores

NOT_OF_THE_MODEL = ("seed", "runs", "output_dir", "rerun", "data")


def print_run(settings: dict, loaded: Loaded, metrics: dict) -> None:
    """Print the scores of one run on each part of test, beside majority and TF-IDF fitted on the same rows."""
    from jianghua.models import Majority, Tfidf

    config, model = settings["data"]["config"], settings["model"]["name"]
    part_of = subset_words(settings["data"].get("subset") or {})
    rows = [(model, metrics)]
    for baseline in (Majority(config), Tfidf(config)):
        name = type(baseline).__name__.lower()
        if name != model:
            rows.append((name, baseline_scores(baseline, loaded)))
    for part in metrics["split"]:
        if part.startswith("test"):
            title = f"{part} of the {loaded.build} build{f' ({part_of})' if part_of else ''}"
            title += f", {config}, seed {settings['seed']}"
            print_scores(title, config, [(name, row["split"][part]) for name, row in rows])


def without_epochs(progress: Callable[[dict], None]) -> Callable[[dict], None]:
    """What `training_progress` gives, for one job of several: the bar and warnings, but no line an epoch."""
    return lambda row: progress(row) if "step" in row or "warning" in row else None


def _draw(job: dict) -> int | None:
    """Which draw of train the job had, if there was anything to draw."""
    subset = job["settings"]["data"].get("subset") or {}
    return (subset.get("train") or {}).get("draw")


def _subset(job: dict, drawn: bool) -> dict:
    """The rules by which rows were taken; where each seed has its draw of train (`drawn`), without that."""
    subset = {split: dict(rule) for split, rule in (job["settings"]["data"].get("subset") or {}).items() if rule}
    if drawn and "train" in subset:
        subset["train"].pop("draw", None)
    return subset


def subset_words(subset: dict) -> str:
    """`train documents 0.25, draw 1; test source public`; nothing for whole parts."""
    said = []
    for split, rule in subset.items():
        values = {key: value for key, value in (rule or {}).items() if value is not None}
        if "year" in values:
            values["year"] = "–".join("" if year is None else str(year) for year in values["year"])
        if values:
            said.append(f"{split} " + ", ".join(f"{key} {value}" for key, value in values.items()))
    return "; ".join(said)


def job_record(
    settings: dict, overrides: Sequence[str], loaded: Loaded, folder: Path, metrics: dict, found: bool
) -> dict:
    """What one job tells those beside it: where its run stands, of what it is, and a line about it (`said`).

    `settings` is the resolved configuration, `overrides` what was typed; `found`: the run was there already.
    """
    test = metrics["split"]["test"]
    public = scored_parts(loaded.rows)["test"][1][0]["source"] == "public"
    score = number(test.get("headline_macro_f1") if public else test["macro_f1"])
    name = f"{settings['model']['name']}, seed {settings['seed']}"
    of = ", ".join(filter(None, [name, settings["data"]["config"], subset_words(settings["data"].get("subset") or {})]))
    return {
        "said": f"{of}: test {'headline' if public else 'macro-F1'} {score}{' (finished before)' if found else ''}",
        "settings": settings,
        "overrides": list(overrides),
        "build": loaded.build,
        "fingerprint": loaded.fingerprint,
        "folder": str(folder),
    }


def _table_of(job: dict, drawn: bool) -> str:
    config = job["settings"]["data"]["config"]
    return json.dumps([job["build"], job["fingerprint"], config, _subset(job, drawn)], sort_keys=True)


def _row_of(job: dict) -> str:
    """Everything that a seed of the same row has in common."""
    settings = job["settings"]
    own = {key: value for key, value in settings.items() if key not in NOT_OF_THE_MODEL}
    return json.dumps([own, settings["data"].get("overlong")], sort_keys=True)


def _grouped(jobs: Sequence[dict], key: Callable[[dict], str]) -> list[list[dict]]:
    groups: dict[str, list[dict]] = {}
    for job in jobs:
        groups.setdefault(key(job), []).append(job)
    return list(groups.values())


def _row_names(rows: Sequence[list[dict]], fixed: set[str]) -> list[str]:
    """The model of each row; where several rows are of one model, what was typed for them alone too."""
    models = [row[0]["settings"]["model"]["name"] for row in rows]
    names = []
    for model, row in zip(models, rows, strict=True):
        typed = [one for one in row[0]["overrides"] if one not in fixed and "=" in one]
        told = [one for one in typed if one.partition("=")[0] not in ("model", "seed", "data")]
        told = [one for one in told if not one.startswith(("data.config=", "data.subset.", "data.path="))]
        names.append(" ".join([model, *told]) if models.count(model) > 1 else model)
    # what a folder of settings changed may not have been typed
    return [f"{name} #{i}" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]


def print_sweep(jobs: Sequence[dict]) -> None:
    """The tables of all jobs (from `job_record`), models in the order of the jobs, each with its rows' run folders.

    A row is a model with all its settings, over the seeds that every row of its table has, so that rows can be
    compared; what was trained on another part of the data stands in another table.
    """
    fixed = set.intersection(*(set(job["overrides"]) for job in jobs))
    draws = {(job["settings"]["seed"], _draw(job)) for job in jobs if _draw(job) is not None}
    drawn = len(draws) > 1 and all(seed == draw for seed, draw in draws)
    for table in _grouped(jobs, lambda job: _table_of(job, drawn)):
        rows = _grouped(table, _row_of)
        named = dict(zip(_row_names(rows, fixed), rows, strict=True))
        _print_table(named, subset_words(_subset(table[0], drawn)))
        for name, row in named.items():
            folders = [Path(job["folder"]) for job in row]
            print(f"{name}: {folders[0].parent}: {', '.join(dict.fromkeys(folder.name for folder in folders))}")


def header_of(board: dict) -> list[str]:
    """`HEADER`, with the score under the name it has in one run's table: `headline` where functions are left out."""
    whole = len(board["labels"]) == len(LABELS)
    return [name if whole or name != "macro-F1" else "headline" for name in HEADER]


def _print_table(rows: dict[str, list[dict]], part_of: str) -> None:
    by_seed = {name: {job["settings"]["seed"]: job for job in row} for name, row in rows.items()}
    first = next(iter(rows.values()))[0]
    data = first["settings"]["data"]
    seeds = [seed for seed in next(iter(by_seed.values())) if all(seed in own for own in by_seed.values())]
    if not seeds:
        print(f"no table of {', '.join(rows)}: they have no seed in common")
        return
    left_out = {name: [str(seed) for seed in own if seed not in seeds] for name, own in by_seed.items()}
    loaded = load_build(Path(data["path"]), data["config"], data["subset"])
    predictions = {}
    for name, own in by_seed.items():
        runs = [read_run(Path(own[seed]["folder"])) for seed in seeds]
        for run in runs:
            run.check_dataset(loaded.build, loaded.fingerprint)
        predictions[name] = [run.predictions for run in runs]
    for split, part in (where for where in scored_parts(loaded.rows).values() if where[0] == "test"):
        title = f"Trained on the {loaded.build} build{f' ({part_of})' if part_of else ''}, tested on its "
        title += f"{part[0]['source']} part ({data['config']}, {loaded.fingerprint})"
        if not headline_labels(part, data["config"]):
            print(f"{title}: too few paragraphs of every function for a score")
            continue
        board = leaderboard(loaded.rows, split, part, predictions, data["config"]) | {"votes": {}}
        # models are named as they are typed
        cells = [[name, *row[1:]] for name, row in zip(board["models"], part_rows(board), strict=True)]
        notes = [*part_notes(board), method_note(len(seeds))]
        notes += [f"Not in the mean: {name} seed {', '.join(one)}." for name, one in left_out.items() if one]
        print_table(title, header_of(board), cells, " ".join(notes))
