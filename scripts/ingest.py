"""Raw speeches → clean paragraphs: `python scripts/ingest.py input=FILE|FOLDER output=DIR`."""

from jianghua.command import command


@command("ingest", paths=("input", "output"))
def main(config):
    import sys
    from collections import Counter
    from pathlib import Path

    from jianghua.ingest import ingest_paths, unread_note, write_ingested

    output, skipped = Path(config.output), [] if config.skip_bad else None
    documents = ingest_paths([config.input], config.source, bad=skipped)
    write_ingested(documents, output)
    for document in documents:
        reasons = Counter(reason for _, _, reason, _ in document.dropped)
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "nothing"
        print(f"{document.file}: {len(document.paragraphs)} paragraphs ({document.encoding}); dropped: {told}")
    print(f"→ {output / 'paragraphs.jsonl'}, {output / 'report.json'}")
    for error in skipped or ():
        print(f"skipped: {error}", file=sys.stderr)
    if note := unread_note([config.input]):
        print(f"note: {note}", file=sys.stderr)


if __name__ == "__main__":
    main()
