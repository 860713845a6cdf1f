"""Label the paragraphs of a speech: `python scripts/predict.py input=讲话.docx output=讲话.html`."""

from jianghua.command import command


@command("predict", paths=("input", "output", "model_path", "runs"))
def main(config):
    import sys
    from pathlib import Path

    from jianghua.ingest import unread_note
    from jianghua.models import check_engine, label_texts, load_engine
    from jianghua.report.labelled import FORMATS, check_output, not_read_whole, read_speeches, write_labelled
    from jianghua.schema import check_number
    from jianghua.training import model_folder

    def note(line: str) -> None:
        print(f"note: {line}", file=sys.stderr)

    source, output = Path(config.input), Path(config.output)
    check_output(output, [source], FORMATS)
    if config.batch_size is not None:
        check_number("batch_size", config.batch_size, 1, whole=True)
    check_engine(config.engine, config.device)
    paragraphs = read_speeches(source, output)
    folder = model_folder(config.model_path, Path(config.runs))
    classifier = load_engine(folder, config.engine, config.device, note)
    labels, proba, cut = label_texts(classifier, [paragraph.text for paragraph in paragraphs], config.batch_size)
    write_labelled(output, paragraphs, labels, proba, classifier.config, folder.as_posix(), cut)
    print(f"{len(paragraphs)} paragraphs → {output} (model {folder})", file=sys.stderr)
    for line in filter(None, (not_read_whole(cut), unread_note([source], apart=output))):
        note(line)


if __name__ == "__main__":
    main()
