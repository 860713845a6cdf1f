"""Agreement between protocols or annotators, and the adjudication queue: see conf/agreement.yaml."""

from jianghua.command import BadUsage, command


@command("agreement", paths=("votes", "gold", "speeches", "output"))
def main(config):
    import sys
    from pathlib import Path

    from jianghua.annotate import (
        against_gold,
        aggregate,
        agreement_report,
        read_adjudicated,
        read_annotators,
        read_sources,
        read_votes,
        standard_slices,
    )
    from jianghua.annotate.tables import agreement_tables
    from jianghua.annotate.votes import ADJUDICATED
    from jianghua.files import write_json, write_jsonl
    from jianghua.schema import PROTOCOLS, BadData, check_number

    if config.by not in ("protocol", "annotator"):
        raise BadUsage(f"unknown by={config.by}: compare by=protocol or by=annotator")
    check_number("replicates", config.replicates, 1, whole=True)
    check_number("seed", config.seed, 0, whole=True)

    def folder_of(votes):
        return Path(votes) if Path(votes).is_dir() else Path(votes).parent

    output = None if config.output is None else Path(config.output)
    if output is not None and output.resolve() == folder_of(config.votes).resolve():
        raise BadUsage(f"output={output}: the folder of the votes; a queue among them could not be told from votes")
    if output is not None and output.is_file():
        raise BadUsage(f"output={output}: a file; a folder is written")
    votes = read_votes(config.votes)
    if not votes:
        raise BadData(f"{config.votes}: no votes in it")
    folder = folder_of(config.votes)
    result = aggregate(votes, read_adjudicated(folder / ADJUDICATED))
    slices = standard_slices(votes, read_sources(config.speeches), read_annotators(folder))
    report = agreement_report(votes, slices, config.by, config.replicates, config.seed)
    if config.gold is not None:
        decided = aggregate(read_votes(config.gold), read_adjudicated(folder_of(config.gold) / ADJUDICATED))
        report["against_gold"] = against_gold(votes, decided.as_votes(), config.by, config.replicates, config.seed)
    report["gold"] = {
        "primary": sum(row.primary_settled for row in result.rows.values()),
        "functions": sum(row.functions_settled for row in result.rows.values()),
        "disputed": sum(row.disputed for row in result.rows.values()),
        "open": len(result.open),
    }
    print(agreement_tables(report))
    # a rater “alone 2” is whoever came second on each paragraph, so nobody in particular
    if several := [protocol for protocol in PROTOCOLS if f"{protocol} 2" in report["raters"]]:
        named = ", ".join(several)
        print(f"note: several annotators voted under {named}; by=annotator compares them", file=sys.stderr)
    if output is not None:
        write_json(output / "agreement.json", report)
        write_jsonl(output / "queue.jsonl", (dispute.to_json() for dispute in result.open))
        print(f"\nwritten: {output / 'agreement.json'}, {output / 'queue.jsonl'}")


if __name__ == "__main__":
    main()
