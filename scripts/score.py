"""Scores from stored predictions: `python scripts/score.py run=DIR [compare=DIR]`."""

from jianghua.command import BadUsage, command


@command("score", paths=("run", "compare", "data.root", "data.path", "output"))
def main(config):
    from pathlib import Path

    from jianghua.dataset import index_as_build, load_build
    from jianghua.evaluation import compare_runs, score_predictions
    from jianghua.report import print_scores
    from jianghua.training import read_run
    from jianghua.training.runs import write_json

    runs = [read_run(Path(folder)) for folder in (config.run, config.compare) if folder]
    first = runs[0]
    if config.data.path:
        loaded = load_build(Path(config.data.path), first.config, first.subset)
    else:
        loaded = index_as_build(Path(config.data.root), first.build, first.config, first.subset)
    if runs[-1].config != first.config:
        raise BadUsage(f"{first.folder} is a {first.config} run, {runs[-1].folder} a {runs[-1].config} run")
    if runs[-1].subset != first.subset:
        raise BadUsage(f"{first.folder} and {runs[-1].folder} were scored on different split configurations")
    for run in runs:
        run.check_dataset(loaded.build, loaded.fingerprint)
    scores = [score_predictions(loaded.rows, run.predictions, run.config, str(run.folder)) for run in runs]
    for part in scores[0]["split"]:
        print_scores(
            f"{part} of the {loaded.build} build, {first.config}",
            first.config,
            [(f"{run.model} s{run.seed}", score["split"][part]) for run, score in zip(runs, scores, strict=True)],
        )
    result = scores[0]
    if len(runs) == 2:
        tests = compare_runs(loaded.rows, [first.predictions], [runs[1].predictions], first.config)
        result = {"runs": scores, "comparison": tests}
        for part, test in tests.items():
            print(
                f"{part}: difference in macro-F1 {test['difference']:+.3f}, p = {test['p_value']:.4f} "
                f"(paired randomisation over {test['documents']} documents)"
            )
    if config.output:
        write_json(Path(config.output), result)


if __name__ == "__main__":
    main()
