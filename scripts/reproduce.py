"""Every score table of README, DATASET_CARD.md and results/ again, its pictures and page: see conf/reproduce.yaml."""

from jianghua.command import BadUsage, command


@command("reproduce", paths=("public", "data_root", "results", "root", "runs", "curves"))
def main(config):
    from pathlib import Path

    from jianghua.dataset import between_marks, index_as_build
    from jianghua.files import write_atomic
    from jianghua.report.curves import keep_runs
    from jianghua.report.published import Built, write_results
    from jianghua.report.results import boards_of, build_tables
    from jianghua.training import read_run

    data, results, root = Path(config.data_root), Path(config.results), Path(config.root)
    if config.mode not in ("predictions", "scratch"):
        raise BadUsage(f"mode={config.mode}: the modes are predictions and scratch")
    if config.mode == "scratch":
        from jianghua.training.scratch import train_listed

        train_listed(config, Path(__file__).with_name("train.py"))
    tables, builds = {}, {}
    for build in config.builds:
        loaded = index_as_build(data, build, config.config)
        runs = {}
        for model in config.models:
            folders = [results / "runs" / f"{build}-{config.config}" / model / f"s{seed}" for seed in config.seeds]
            runs[model] = [read_run(folder) for folder in folders]
            for run in runs[model]:
                run.check_dataset(build, loaded.fingerprint)
        predictions = {model: [run.predictions for run in seeds] for model, seeds in runs.items()}
        boards = boards_of(loaded.rows, predictions, config.config)
        builds[build] = Built(loaded, runs, boards)
        tables[build] = build_tables(build, loaded.fingerprint, boards, config.config)
    if config.curves:
        fingerprints = {build: built.loaded.fingerprint for build, built in builds.items()}
        print(f"{keep_runs(Path(config.curves), results, fingerprints)} runs of learning curves kept\n")
    write_results(results, data, builds, config.config)
    for build, table in tables.items():
        write_atomic(results / f"{build}.md", table)
        print(table)
    # a page shows both builds, also when only one was asked for
    parts = [results / f"{build}.md" for build in ("full", "constructed")]
    together = "\n".join(part.read_text(encoding="utf-8") for part in parts if part.exists())
    for page, section in (
        (root / "README.md", together),
        (root / "README.zh.md", together),
        (root / "DATASET_CARD.md", tables.get("full")),
        (data / "jianghua" / "README.md", tables.get("constructed")),
    ):
        if section and page.exists():
            write_atomic(page, between_marks(page.read_text(encoding="utf-8"), section))


if __name__ == "__main__":
    main()
