"""Every score table of README, DATASET_CARD.md and results/ again, its pictures and page: see conf/reproduce.yaml."""

from jianghua.command import BadUsage, command


@command("reproduce", paths=("public", "data_root", "results", "root", "runs", "curves"))
def main(config):
    from pathlib import Path

    from jianghua.files import write_atomic
    from jianghua.report.curves import keep_runs, runs_to_keep
    from jianghua.report.published import results_of, write_results
    from jianghua.report.stored import (
        against_stored,
        listed_folders,
        read_builds,
        read_curves,
        score_pages,
        splits_of,
        tables_left,
    )
    from jianghua.training.scratch import keep, train_listed

    data, results, name = Path(config.data_root), Path(config.results), config.config
    if config.mode not in ("predictions", "scratch"):
        raise BadUsage(f"mode={config.mode}: the modes are predictions and scratch")
    for key in ("models", "seeds", "builds"):
        if not config[key] or len(set(config[key])) < len(config[key]):
            raise BadUsage(f"{key}={config[key]}: names each once, and one at least")
    stored = {build: listed_folders(results, build, name, config.models, config.seeds) for build in config.builds}
    splits = splits_of(Path(__file__).parents[1] / "conf" / "data", config.builds)
    scratch = [build for build in stored if config.mode == "scratch" and (build == "constructed" or config.public)]
    # what stays as it is is read first: hours of training should not end in a refusal
    left = tables_left(results, data, config.builds, name)
    builds = read_builds(data, {build: own for build, own in stored.items() if build not in scratch}, name, splits)
    if config.mode == "scratch" and builds:
        print(f"left as stored: {', '.join(builds)} (public= names the folder with the raw public speeches)")
    trained = train_listed(config, scratch, Path(__file__).with_name("train.py"))
    builds |= read_builds(data, trained, name, splits)
    builds = {build: builds[build] for build in stored}
    fingerprints = {build: built.loaded.fingerprint for build, built in builds.items()}
    new = runs_to_keep(Path(config.curves), fingerprints) if config.curves else []
    curves = read_curves(results, new, builds, data, name)
    made = results_of(results, data, builds, curves, name)
    pages = score_pages(Path(config.root), data, results, builds, left, name)
    for build in trained:
        print("\n".join(against_stored(build, builds[build], stored[build], name)), flush=True)
    # all is checked: from here on, files are written
    for build, folders in trained.items():
        keep(folders, stored[build])
    if config.curves:
        keep_runs(new, results)
        print(f"{len(new)} runs of learning curves kept\n")
    if left:
        print(f"index.html and tables/cost stay as they are: they show {', '.join(left)} too\n")
    write_results(results, made, name, all_builds=not left)
    for page, text in pages.items():
        write_atomic(page, text)
    for build in builds:
        print(pages[results / f"{build}.md"])


if __name__ == "__main__":
    main()
