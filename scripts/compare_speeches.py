"""Two speeches side by side: `python scripts/compare_speeches.py old=去年.docx new=今年.docx output=对比.html`."""

from jianghua.command import command


@command("compare_speeches", paths=("old", "new", "output", "model_path", "runs"))
def main(config):
    import sys
    from pathlib import Path

    from jianghua.ingest import unread_note
    from jianghua.models import check_engine, label_texts, load_engine
    from jianghua.report.labelled import check_output, not_read_whole, read_speeches
    from jianghua.report.speeches import FORMATS, Labelled, print_profile, side_by_side, write_comparison
    from jianghua.training import model_folder

    def note(line: str) -> None:
        print(f"note: {line}", file=sys.stderr)

    sources, output = [Path(config.old), Path(config.new)], Path(config.output)
    check_output(output, sources, FORMATS)
    check_engine(config.engine, config.device)
    paragraphs = [read_speeches(source, output) for source in sources]
    folder = model_folder(config.model_path, Path(config.runs))
    classifier = load_engine(folder, config.engine, config.device, note)
    labels, proba, cut = label_texts(classifier, [paragraph.text for own in paragraphs for paragraph in own])
    n = len(paragraphs[0])
    old, new = Labelled(paragraphs[0], labels[:n], proba[:n]), Labelled(paragraphs[1], labels[n:], proba[n:])
    comparison = side_by_side(old, new, classifier.config)
    write_comparison(output, comparison, folder.as_posix(), cut)
    print_profile(comparison)
    print(f"{n} and {len(paragraphs[1])} paragraphs → {output} (model {folder})", file=sys.stderr)
    for line in filter(None, (not_read_whole(cut), unread_note(sources, apart=output))):
        note(line)


if __name__ == "__main__":
    main()
