"""Run folders → builds to publish, checked before anything is written; the pages that show their tables."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jianghua.dataset import Loaded, between_marks, index_as_build
from jianghua.dataset.subsets import subset_of
from jianghua.evaluation import join, part_counts, scored_parts
from jianghua.evaluation.score import check_proba, check_splits
from jianghua.report.curves import at_all_documents, curve_runs, curves, place_of
from jianghua.report.leaderboard import scored
from jianghua.report.published import Built
from jianghua.report.results import TRAINED_ON, boards_of, build_tables, called
from jianghua.schema import BUILDS, SCORED, BadData, BadUsage
from jianghua.training import finished, read_run
from jianghua.training.runs import Run
from jianghua.training.scratch import Folders, same_runs

SHOWN = (*BUILDS, *TRAINED_ON)  # in the order in which pages show them


def listed_folders(results: Path, build: str, config: str, models: Sequence[str], seeds: Sequence[int]) -> Folders:
    """Where the listed runs of a build are stored."""
    place = results / "runs" / f"{build}-{config}"
    return {model: [place / model / f"s{seed}" for seed in seeds] for model in models}


def splits_of(conf: Path, names: Sequence[str]) -> dict[str, dict]:
    """The rules of those of `names` that are no whole build but a split of the full one, by a file of `conf`."""
    if unknown := [name for name in names if name not in SHOWN]:
        raise BadUsage(f"builds={unknown[0]}: tables are of {', '.join(SHOWN)}")
    return {name: subset_of(conf, name) for name in names if name not in BUILDS}


def check_run(run: Run, loaded: Loaded, config: str) -> None:
    """Raise `BadData`, naming the folder, unless the run has one sound answer for each scored paragraph of `loaded`."""
    where = str(run.folder)
    run.check_dataset(loaded.build, loaded.fingerprint)
    if run.config != config:
        raise BadData(f"{where}: a run of {run.config}, not of {config}")
    check_splits(run.predictions, where)
    for split in SCORED:
        check_proba(join(run.predictions, loaded.rows[split], split, where), config, where)


def read_builds(
    data: Path, folders: Mapping[str, Folders], config: str, splits: Mapping[str, dict]
) -> dict[str, Built]:
    """Builds with their runs and boards; `folders`: build → model → run folder a seed; `splits` is from `splits_of`.

    Raises as `check_run`, and for a run that was trained on another part of its build.
    """
    builds = {}
    for build, listed in folders.items():
        subset = splits.get(build)
        loaded = index_as_build(data, "full" if subset else build, config, subset)
        runs = {model: [read_run(folder) for folder in seeds] for model, seeds in listed.items()}
        for run in (run for seeds in runs.values() for run in seeds):
            if run.subset != subset:
                how = "mode=scratch public=FOLDER trains" if subset else "scripts/train.py without a split trains"
                raise BadData(
                    f"{run.folder}: trained on {_said(run.subset)}, not on {_said(subset)} as the {called(build)} "
                    f"wants; {how} it anew"
                )
            check_run(run, loaded, config)
        predictions = {model: [run.predictions for run in seeds] for model, seeds in runs.items()}
        builds[build] = Built(loaded, runs, boards_of(loaded.rows, predictions, config))
    return builds


def _said(subset: dict | None) -> str:
    rules = [f"{split} {name}={value}" for split, rule in (subset or {}).items() for name, value in rule.items()]
    return f"the part {', '.join(rules)}" if subset else "the whole build"


def read_curves(results: Path, new: Sequence[Run], builds: Mapping[str, Built], data: Path, config: str) -> list[dict]:
    """`curves` of what `results`/curves will hold once `new` is kept there; raises as `check_run` for either."""
    kept = {place_of(run, results).absolute() for run in new}
    runs = [run for run in curve_runs(results / "curves") if run.folder.absolute() not in kept]
    runs = [run for run in runs if run.build in builds and run.config == config]
    for run in [*runs, *new]:
        other = run.config != config  # a curve of the other configuration is kept for its own tables
        loaded = index_as_build(data, run.build, run.config) if other else builds[run.build].loaded
        check_run(run, loaded, run.config)
    listed = [run for built in builds.values() for seeds in built.runs.values() for run in seeds]
    points = [run for run in (*runs, *new) if run.config == config]
    points += at_all_documents(points, listed)
    return curves(points, {build: built.loaded for build, built in builds.items()}, config)


def against_stored(build: str, built: Built, folders: Folders, config: str) -> list[str]:
    """A line a row of the tables: does the new score lie in the interval of the runs stored in `folders`?

    Scores are the tables' own: a model on one test part, macro-F1 over its headline functions, mean over seeds.
    """
    lines = []
    for model, places in folders.items():
        try:
            stored, why = [read_run(place) for place in places if finished(place)], ""
            if len(stored) < len(places):
                why = "not stored yet" if not stored else "stored for some seeds only"
            elif any(run.fingerprint != built.loaded.fingerprint for run in stored):
                why = "stored for another dataset"
            elif any(run.subset != built.runs[model][0].subset for run in stored):
                why = "stored for another part of it"
            elif same_runs([run.folder for run in built.runs[model]], places):
                why = "stored already"
            else:
                for run in stored:
                    check_run(run, built.loaded, config)
        except BadData as error:
            why = str(error)
        for name, (split, part) in scored_parts(built.loaded.rows).items():
            if name not in built.boards:
                continue
            board = built.boards[name]
            score = board["models"][model]["value"]
            line = f"{called(build)}, {board['source']} part, {model}: macro-F1 {score:.3f}, "
            if why:
                lines.append(f"{line}{why}, not compared")
                continue
            counts = part_counts(built.loaded.rows, split, part, [run.predictions for run in stored], config)
            old = scored(counts, board["labels"])
            if old["low"] is None:
                lines.append(f"{line}stored {old['value']:.3f} without an interval, not compared")
                continue
            inside = old["low"] <= score <= old["high"]
            ends = f"[{old['low']:.3f}, {old['high']:.3f}]"
            lines.append(f"{line}stored {old['value']:.3f} {ends}: {'inside' if inside else 'OUTSIDE'}")
    return lines


def tables_left(results: Path, data: Path, asked: Sequence[str], config: str) -> dict[str, str]:
    """Tables of the builds that were not asked for, which stay on the pages; another dataset's are refused.

    So are those of another configuration, asked for or not: a folder of results is of one.
    """
    left = {}
    for build in SHOWN:
        path = results / f"{build}.md"
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        tables = re.findall(r"\(`(\w+)`, `([0-9a-f]{16})`\)$", text, re.MULTILINE)
        if others := {other for other, _ in tables} - {config}:
            raise BadUsage(
                f"{path}: holds tables of {', '.join(others)}, not of {config}; results= names a folder for these"
            )
        if build in asked:
            continue
        left[build] = text
        wanted = index_as_build(data, build, config).fingerprint
        found = {fingerprint for _, fingerprint in tables}
        if found != {wanted}:
            of = f"dataset {', '.join(sorted(found))}" if found else "no dataset that it names"
            raise BadData(
                f"{path}: holds tables of {of}, but the {called(build)} is {wanted}; make it anew with builds=[{build}]"
            )
    return left


def score_pages(
    root: Path, data: Path, results: Path, builds: Mapping[str, Built], left: Mapping[str, str], config: str
) -> dict[Path, str]:
    """Path → text of every page that shows score tables; `left` is from `tables_left`."""
    tables = {build: build_tables(build, own.loaded.fingerprint, own.boards, config) for build, own in builds.items()}
    pages = {results / f"{build}.md": table for build, table in tables.items()}
    # a page shows all, also when only one was asked for
    every = tables | left
    together = "\n".join(every[build] for build in SHOWN if build in every)
    for page, section in (
        (root / "README.md", together),
        (root / "README.zh.md", together),
        (root / "DATASET_CARD.md", tables.get("full")),
        (data / "jianghua" / "README.md", tables.get("constructed")),
    ):
        if section and page.exists() and config == "primary":  # the score that these pages are about
            pages[page] = between_marks(page.read_text(encoding="utf-8"), section)
    return pages
