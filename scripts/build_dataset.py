"""Speeches and votes → the dataset: `python scripts/build_dataset.py [public=FOLDER|wikisource] [output=DIR]`."""

from jianghua.command import BadUsage, command


@command("build_dataset", paths=("data_root", "public", "output", "page", "results", "cache"))
def main(config):
    import sys
    from pathlib import Path

    from jianghua.dataset import BUILD_MARKS, build, freeze_public, freeze_splits, read_manifests, write_build
    from jianghua.files import check_replaceable

    data, output = Path(config.data_root), Path(config.output)
    if config.freeze and config.public == "wikisource":
        raise BadUsage("freeze=true takes the hashes from files: public= must be a folder")
    public = Path(config.public) if config.public else None
    if config.public == "wikisource":
        from jianghua.hub import fetch_wikisource

        public = Path(config.cache)
        fetch_wikisource(read_manifests(data).values(), public, base=config.mirror, progress=print)
    if config.freeze:
        added = freeze_public(data, public) if public else 0
        print(f"{added} public documents taken in, {freeze_splits(data)} documents given a split")
        return
    check_replaceable(output, BUILD_MARKS)
    result = build(data, public)
    if not write_build(result, data, output, Path(config.results)):
        print(f"note: {config.results} has no scores of this build; its card shows none", file=sys.stderr)
    if config.page:
        from jianghua.annotate import current_votes, read_adjudicated, read_votes
        from jianghua.annotate.votes import ADJUDICATED
        from jianghua.files import write_atomic
        from jianghua.report.browse import browse_page

        votes = current_votes(read_votes(data / "annotations"))
        reasons = {i: row.reason for i, row in read_adjudicated(data / "annotations" / ADJUDICATED).items()}
        page = browse_page(result.rows, votes, f"{result.name} build", result.fingerprint, reasons)
        write_atomic(Path(config.page), page)
    for name, splits in result.rows.items():
        print(f"{name}: " + ", ".join(f"{split} {len(rows)}" for split, rows in splits.items()))
    print(f"{result.name} build {result.fingerprint} → {output} ({len(result.removed)} near-duplicates left out)")
    if result.name == "full":
        print(f"also written: index.jsonl and near_duplicates.jsonl in {data}, {data.parent / 'DATASET_CARD.md'}")


if __name__ == "__main__":
    main()
