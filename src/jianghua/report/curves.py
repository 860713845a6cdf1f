"""Learning curves: stored runs on part of the train split, scored on the whole test parts.

A run belongs to a curve by the rule its predictions say it was trained under (`subset`): a share of the train
documents (`documents`), or so many paragraphs a function (`per_class`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jianghua.dataset import Loaded
from jianghua.dataset.subsets import take
from jianghua.evaluation import headline_labels, part_counts, scored_parts
from jianghua.report.leaderboard import scored
from jianghua.report.tables import number
from jianghua.schema import BadData
from jianghua.training import read_run
from jianghua.training.runs import Run, store_run

KINDS = ("documents", "per_class")
CURVE_COLUMNS = ["model", "trained on", "train paragraphs", "runs", "macro-F1"]


def rule_of(run: Run) -> tuple[str, float] | None:
    """(kind, how much of train) of a run that is a point of a curve; None for any other."""
    subset = run.subset or {}
    rule = subset.get("train") or {}
    kinds = [kind for kind in KINDS if rule.get(kind) is not None]
    if set(subset) != {"train"} or len(kinds) != 1 or set(rule) - {*kinds, "draw"}:
        return None
    return kinds[0], rule[kinds[0]]


def curve_runs(folder: Path) -> list[Run]:
    """The finished runs under `folder` that are points of a curve, in a fixed order."""
    places = sorted(done.parent for done in folder.rglob("DONE"))
    return [run for run in map(read_run, places) if rule_of(run)]


def runs_to_keep(folder: Path, fingerprints: Mapping[str, str]) -> list[Run]:
    """The curves' runs in `folder` that are of these datasets (build → fingerprint); others are left where they are."""
    return [run for run in curve_runs(folder) if fingerprints.get(run.build) == run.fingerprint]


def place_of(run: Run, results: Path) -> Path:
    """Where `keep_runs` puts a run."""
    return results / "curves" / f"{run.build}-{run.config}" / run.model / run.folder.name


def keep_runs(runs: Sequence[Run], results: Path) -> None:
    """Copy what tables need of the curves' `runs` to `results`/curves."""
    for run in runs:
        store_run(run.folder, place_of(run, results))


def at_all_documents(runs: Iterable[Run], listed: Iterable[Run]) -> list[Run]:
    """Those `listed` runs that are on all of train as points of the curves over documents that `runs` have.

    A curve whose last point was trained for it keeps that one.
    """
    over_documents, whole = set(), set()
    for run in runs:
        kind, at = rule_of(run)
        if kind == "documents":
            over_documents.add((run.build, run.model))
            if at == 1:
                whole.add((run.build, run.model))
    return [
        replace(run, subset={"train": {"documents": 1.0, "draw": run.seed}})
        for run in listed
        if not run.subset and (run.build, run.model) in over_documents - whole
    ]


def curves(runs: Iterable[Run], loaded: Mapping[str, Loaded], config: str) -> list[dict]:
    """Points by build, test part, kind and model: `build`, `part`, `source`, `kind`, `model`, `points`.

    A point: `at`, `paragraphs` (in train, mean over draws), `runs`, `value`, `low`, `high` (over documents and
    draws). Raises `BadData` for a run of another dataset.
    """
    points: dict[tuple, list[Run]] = {}
    for run in runs:
        if run.build not in loaded or run.config != config:
            continue
        run.check_dataset(run.build, loaded[run.build].fingerprint)
        points.setdefault((run.build, run.model, *rule_of(run)), []).append(run)
    found: dict[tuple, dict] = {}
    for (build, model, kind, at), members in sorted(points.items()):
        seeds = [run.seed for run in members]
        if len(set(seeds)) < len(seeds):
            raise BadData(f"{members[0].folder}: two runs of {model} with one seed at {kind} {at}; keep one")
        rows = loaded[build].rows
        sizes = [len(take(rows, run.subset, config)["train"]) for run in members]
        predictions = [run.predictions for run in members]
        for name, (split, part) in scored_parts(rows).items():
            head = headline_labels(part, config)
            if split != "test" or not head:
                continue
            counts = part_counts(rows, split, part, predictions, config, str(members[0].folder))
            curve = {"build": build, "part": name, "source": part[0]["source"], "kind": kind, "model": model}
            point = {"at": at, "paragraphs": round(sum(sizes) / len(sizes)), "runs": len(members)}
            key = (build, name, kind, model)
            found.setdefault(key, curve | {"points": []})["points"].append(point | scored(counts, head))
    return [found[key] for key in sorted(found)]


def curve_rows(curve: dict) -> list[list[str]]:
    """Cells of one curve, in the order of `CURVE_COLUMNS`."""
    scale, unit = (100, "% of the documents") if curve["kind"] == "documents" else (1, " a function")
    return [
        [
            curve["model"],
            f"{scale * point['at']:.4g}{unit}",
            str(point["paragraphs"]),
            str(point["runs"]),
            number(point),
        ]
        for point in curve["points"]
    ]
