"""Raw speeches → clean paragraphs: `python scripts/ingest.py input=FILE|FOLDER output=DIR`."""

from jianghua.command import command


@command("ingest", paths=("input", "output"))
def main(config):
    from collections import Counter
    from pathlib import Path

    from jianghua.ingest import ingest_paths, write_ingested

    documents = ingest_paths([Path(config.input)], source=config.source)
    write_ingested(documents, Path(config.output))
    for document in documents:
        reasons = Counter(reason for _, _, reason in document.dropped)
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "nothing"
        print(f"{document.file}: {len(document.paragraphs)} paragraphs ({document.encoding}); dropped: {told}")
    print(f"→ {Path(config.output) / 'paragraphs.jsonl'}, {Path(config.output) / 'report.json'}")


if __name__ == "__main__":
    main()
