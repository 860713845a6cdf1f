"""Annotation tasks of paragraphs, a packet for people, or annotators' answers into votes: see conf/annotate.yaml."""

from jianghua.command import BadUsage, command


@command(
    "annotate",
    paths=("import", "export", "packet", "dataset", "output", "paragraphs", "annotator", "votes", "data_root"),
)
def main(config):
    from pathlib import Path

    from jianghua.annotate import FORMATS, add_votes, export_tasks, own_ids, read_answers, read_paragraphs
    from jianghua.schema import PROTOCOLS, check_number

    if sum(config[way] is not None for way in ("import", "export", "packet")) != 1:
        raise BadUsage("give one of import=FILE (answers), export=FILE (paragraphs), packet=DIR (tasks for people)")
    check_number("round", config.round, 1, whole=True)
    if config.packet is not None:
        return make_packet(config)
    if config.format not in FORMATS:
        raise BadUsage(f"unknown format {config.format!r}: format= is one of {', '.join(FORMATS)}")
    if config.protocol is not None and config.protocol not in PROTOCOLS:
        raise BadUsage(f"unknown protocol {config.protocol!r}: protocol= is one of {', '.join(PROTOCOLS)}")
    if config.export is not None:
        if config.output is None:
            raise BadUsage("output=FILE says where the tasks go")
        paragraphs = read_paragraphs(config.export)
        if Path(config.output).exists() and Path(config.output).samefile(config.export):
            raise BadUsage(f"output={config.output}: the paragraphs themselves; name another file")
        files = export_tasks(paragraphs, config.output, config.format, config.protocol or "alone", config.seed)
        print(f"{len(paragraphs)} paragraphs → {', '.join(map(str, files))}")
        return
    if config.format == "jsonl" and config["import"].lower().endswith(".csv"):
        raise BadUsage(f"import={config['import']}: format=csv reads a sheet")
    if config.protocol is None:
        raise BadUsage(f"protocol= says how the votes were cast: {', '.join(PROTOCOLS)}")
    texts = None
    if config.paragraphs is not None:
        texts = {paragraph.id: paragraph.text for paragraph in read_paragraphs(config.paragraphs)}
    answers, skipped = read_answers(config["import"], config.format, config.annotator)
    answers = own_ids(answers, Path(config.data_root) / "packet.jsonl", texts or ())
    folder = config.output or config.votes
    file, total = add_votes(folder, config.protocol, answers, config.round, texts)
    annotators = len({answer.annotator for answer in answers})
    print(f"{len(answers)} votes of {annotators} annotators added, {skipped} skipped: {file} holds {total}")


def make_packet(config):
    from pathlib import Path

    from jianghua.annotate import write_packet
    from jianghua.dataset import fixed_packet

    data = Path(config.data_root)
    paragraphs = fixed_packet(data, Path(config.dataset))
    write_packet(paragraphs, data / "GUIDELINES.md", Path(config.packet))
    print(f"{len(paragraphs)} paragraphs for people → {config.packet}")


if __name__ == "__main__":
    main()
