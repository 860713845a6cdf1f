"""A trained model on spoilt paragraphs and on minimal pairs: `python scripts/robustness.py run=DIR`; see conf/."""

from jianghua.command import BadData, BadUsage, command


@command("robustness", paths=("run", "data.root", "data.path", "pairs", "output"), nullable=("pairs",))
def main(config):
    from pathlib import Path

    from jianghua.dataset import load_build, read_index
    from jianghua.evaluation import scored_parts
    from jianghua.evaluation.contrast import ContrastPair, check_pairs, contrast_scores
    from jianghua.evaluation.robustness import PERTURBATIONS, perturbed, robustness_scores
    from jianghua.files import read_jsonl, write_json
    from jianghua.models import load_classifier
    from jianghua.models.classifier import decide
    from jianghua.report.robustness import cost_of, print_contrast, print_robustness
    from jianghua.training import read_run

    run, root = read_run(Path(config.run)), Path(config.data.root)
    if run.build == "full" and not config.data.path:
        raise BadUsage(f"{run.folder} is of the full build, whose text is not in the tree: data.path= names it")
    loaded = load_build(Path(config.data.path or root / "jianghua"), run.config, run.subset)
    run.check_dataset(loaded.build, loaded.fingerprint)
    names = list(PERTURBATIONS) if config.perturbations is None else config.perturbations
    if isinstance(names, str | int):
        raise BadUsage(f"perturbations={names}: perturbations= takes a list, as [{names}]")
    if not names or len(set(names)) < len(names):
        raise BadUsage("perturbations= names each once, and one at least; null is all")
    for name in names:  # what cannot be done is said before the model is loaded
        perturbed(["好。"], name)
    output = Path(config.output or run.folder / "robustness.json")
    if output.is_dir():
        raise BadUsage(f"output={output}: a folder; it takes a file, as robustness.json")
    pairs = read_jsonl(config.pairs, ContrastPair.from_json) if config.pairs else []
    if pairs:
        check_pairs(pairs, {row["id"]: row["split"] for row in read_index(root, "full")})
    classifier = load_classifier(run.folder / "model", config.device)

    def answer(texts: list[str]) -> list:
        return decide(classifier.predict_proba(texts), run.config, classifier.thresholds)

    stored = {p.id: p.predicted for p in run.predictions}
    result = {"model": run.model, "seed": run.seed, "config": run.config, "build": run.build}
    result |= {"subset": run.subset} if run.subset else {}
    result |= {"fingerprint": run.fingerprint, "perturbation_seed": config.seed, "parts": {}}
    for part, (split, rows) in scored_parts(loaded.rows).items():
        if split != "test":
            continue
        now = answer([row["text"] for row in rows])
        differ = sum(one != stored[row["id"]] for one, row in zip(now, rows, strict=True))
        if differ > len(rows) / 100:
            raise BadData(f"{run.folder}: model/ answers {differ} of {len(rows)} paragraphs of {part} unlike the run")
        result["parts"][part] = robustness_scores(rows, answer, run.config, names=names, seed=config.seed, clean=now)
        print_robustness(f"{run.model} s{run.seed}: {part} of the {run.build} build", result["parts"][part])
    if pairs:
        result["contrast"] = contrast_scores(pairs, answer, run.config)
        print_contrast(result["contrast"])
    result["cost"] = cost_of(run.folder, classifier, [row["text"] for row in loaded.rows["test"]])
    write_json(output, result)
    print(f"written: {output}")


if __name__ == "__main__":
    main()
