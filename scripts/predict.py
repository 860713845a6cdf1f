"""Label the paragraphs of a speech: `python scripts/predict.py input=讲话.docx output=讲话.html`."""

from jianghua.command import BadUsage, command


@command("predict", paths=("input", "output", "model_path", "runs"))
def main(config):
    import sys
    from pathlib import Path

    from jianghua.ingest import ingest_paths, unread_note
    from jianghua.models import check_device, load_classifier
    from jianghua.models.classifier import decided_names
    from jianghua.report.labelled import FORMATS, write_labelled
    from jianghua.schema import check_number
    from jianghua.training import model_folder

    source, output = Path(config.input), Path(config.output)
    if output.is_dir():
        raise BadUsage(f"output={output}: a folder; name a file in it")
    if output.exists() and source.exists() and output.samefile(source):
        raise BadUsage(f"output={output}: the input itself; name another file")
    if output.suffix.lower() not in FORMATS:
        raise BadUsage(f"output={output}: the ending says the format, one of {', '.join(FORMATS)}")
    if config.batch_size is not None:
        check_number("batch_size", config.batch_size, 1, whole=True)
    check_device(config.device)
    if config.engine != "torch" and config.device not in ("auto", "cpu"):
        raise BadUsage(f"device={config.device}: engine={config.engine} runs on the CPU; device= is for engine=torch")
    if source.suffix.lower() == ".jsonl":
        from jianghua.annotate import read_paragraphs

        paragraphs = read_paragraphs(source)
    else:
        documents = ingest_paths([source], apart=output)  # an earlier result in the folder is no speech
        paragraphs = [paragraph for document in documents for paragraph in document.paragraphs]
    folder = model_folder(config.model_path, Path(config.runs))
    if config.engine == "torch":
        classifier = load_classifier(folder, config.device)
    else:
        from jianghua.models.exported import load_exported

        classifier = load_exported(folder, config.engine, lambda line: print(f"note: {line}", file=sys.stderr))
    # baselines know no batches
    more = {"batch_size": config.batch_size} if config.batch_size and hasattr(classifier, "cut") else {}
    proba = classifier.predict_proba([paragraph.text for paragraph in paragraphs], **more)
    cut = getattr(classifier, "cut", 0)
    if cut:
        print(f"note: {cut} paragraphs are longer than the model reads and were not read whole", file=sys.stderr)
    names = decided_names(classifier, proba)
    write_labelled(output, paragraphs, names, proba, classifier.config, folder.as_posix(), cut)
    print(f"{len(paragraphs)} paragraphs → {output} (model {folder})", file=sys.stderr)
    if note := unread_note([source], apart=output):
        print(f"note: {note}", file=sys.stderr)


if __name__ == "__main__":
    main()
