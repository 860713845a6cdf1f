"""Scores from stored predictions: `python scripts/score.py run=DIR` or `compare=[DIR,DIR]`; see conf/score.yaml."""

from jianghua.command import BadUsage, command


def folders(value: str | None) -> list[str]:
    """`DIR`, or `[DIR,DIR]` with names that hold a comma in single quotes."""
    import csv
    import os

    if not value:
        return []
    if os.path.isdir(value) or not (value.startswith("[") and value.endswith("]")):
        return [value]
    found = next(csv.reader([value[1:-1]], quotechar="'", skipinitialspace=True), [])
    return [name.strip() for name in found if name.strip()]


@command("score", paths=("run", "compare", "data.root", "data.path", "output", "pictures"))
def main(config):
    import re
    from pathlib import Path

    from jianghua.dataset import index_as_build, load_build
    from jianghua.evaluation import compare_table, score_predictions
    from jianghua.files import read_json, write_json
    from jianghua.report import print_comparison, print_scores, print_slices, score_pictures
    from jianghua.training import read_run

    runs = [read_run(Path(folder)) for folder in folders(config.run) + folders(config.compare)]
    if not runs or (config.compare and len(runs) < 2):
        raise BadUsage("run=DIR names a run to score, compare=[DIR,DIR] two or more to compare")
    first = runs[0]
    if config.data.path:
        loaded = load_build(Path(config.data.path), first.config, first.subset)
    else:
        loaded = index_as_build(Path(config.data.root), first.build, first.config, first.subset)
    for run in runs:
        if run.config != first.config:
            raise BadUsage(f"{first.folder} is a {first.config} run, {run.folder} a {run.config} run")
        if any((run.subset or {}).get(part) != (first.subset or {}).get(part) for part in ("validation", "test")):
            raise BadUsage(f"{first.folder} and {run.folder} were scored on different split configurations")
        run.check_dataset(loaded.build, loaded.fingerprint)
    names = [f"{run.model} s{run.seed}" for run in runs]
    names = [str(run.folder) if names.count(name) > 1 else name for name, run in zip(names, runs, strict=True)]
    if len(set(names)) < len(names):
        raise BadUsage(f"{max(names, key=names.count)} is named twice")
    scores = [score_predictions(loaded.rows, run.predictions, run.config, str(run.folder)) for run in runs]
    for part in scores[0]["split"]:
        rows = [(name, score["split"][part]) for name, score in zip(names, scores, strict=True)]
        print_scores(f"{part} of the {loaded.build} build, {first.config}", first.config, rows)
        if config.slices:
            print_slices(part, rows)
    result = scores[0]
    if len(runs) > 1:
        systems = {name: [run.predictions] for name, run in zip(names, runs, strict=True)}
        comparison = compare_table(loaded.rows, systems, first.config)
        print_comparison(comparison)
        result = {"runs": scores, "comparison": comparison}
    if config.output:
        write_json(Path(config.output), result)
    for name, run, score in zip(names, runs, scores, strict=True):
        if config.pictures:
            score_pictures(score, Path(config.pictures), re.sub(r"[^\w.-]+", "-", name).strip("-"))
        if config.update:
            write_json(run.folder / "metrics.json", read_json(run.folder / "metrics.json") | score)


if __name__ == "__main__":
    main()
