"""Fine-tune and evaluate a model on the benchmark: `python scripts/train.py`, see conf/train.yaml."""

from jianghua.command import BadUsage, command

PATHS = ("data.path", "data.root", "data.revision", "output_dir", "runs")
PATHS += ("model.path", "model.revision", "model.cache", "model.base_url")
NULLABLE = ("model.architecture", "model.tokenizer", "model.max_length", "model.key_env")


def table_of_all(jobs):
    from jianghua.report.sweep import print_sweep

    print_sweep(jobs)


@command("train", paths=PATHS, nullable=NULLABLE, together=table_of_all)
def main(config):
    from pathlib import Path

    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from jianghua.dataset import load_build
    from jianghua.files import read_json
    from jianghua.models import thread_count
    from jianghua.report import confusion_picture, training_progress
    from jianghua.report.sweep import job_record, print_run, without_epochs
    from jianghua.training import finished, run

    several = HydraConfig.get().mode.name == "MULTIRUN"
    if config.output_dir and several:
        raise BadUsage("output_dir= with -m would write every run into one folder; use runs= instead")
    settings = OmegaConf.to_container(config, resolve=True)
    run.check_settings(settings)
    if "repo_id" in settings["data"]:
        from jianghua.hub import fetch_into

        fetch_into(config, settings)
    loaded = load_build(Path(settings["data"]["path"]), config.data.config, settings["data"]["subset"])
    folder = run.folder_of(settings, loaded)
    run.check_owner(settings, loaded, folder)
    found = finished(folder) and not config.rerun
    if found:
        if not several:
            print(f"{folder} is finished; rerun=true trains it anew")
        metrics = read_json(folder / "metrics.json")
    else:
        run.check_training_text(loaded, Path(config.data.root))
        if config.rerun:
            (folder / "checkpoint.pt").unlink(missing_ok=True)
        threads = config.threads if config.model.kind == "encoder" else None
        with training_progress() as progress, thread_count(threads):
            shown = without_epochs(progress) if several else progress
            metrics = run.train_run(settings, OmegaConf.to_yaml(config), loaded, folder, shown)
    if "confusion" in metrics["split"]["test"]:
        title = f"{config.model.name}, seed {config.seed}: test, {loaded.build} build"
        confusion_picture(metrics["split"]["test"]["confusion"], folder / "confusion.png", title)
    if several:
        return job_record(settings, HydraConfig.get().overrides.task, loaded, folder, metrics, found)
    print_run(settings, loaded, metrics)
    print(f"run folder: {folder}   model: {folder / 'model'}")
    return None


if __name__ == "__main__":
    main()
