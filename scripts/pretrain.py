"""Train the vocabulary and the small BERT that ships: see conf/pretrain.yaml."""

from jianghua.command import command

LINE = "step {step}/{steps}  loss {loss:.3f} + {set_loss:.3f}  {tokens_per_second:,} tokens/s  {minutes:.0f} min left"


@command("pretrain", paths=("data_root", "public", "corpora.laws", "corpora.narrative", "output", "start"))
def main(config):
    from pathlib import Path

    from omegaconf import OmegaConf

    from jianghua.dataset import heldout_hashes, train_documents, without_heldout
    from jianghua.files import write_atomic
    from jianghua.models import check_threads, choose_device, thread_count
    from jianghua.report.model_card import encoder_card
    from jianghua.schema import BadUsage, check_number
    from jianghua.training import pretrain as pretraining

    check_threads(config.threads)
    for name in ("speeches", *config.corpora):
        if missing := [key for key in ("weights", "terms", "vocabulary_rounds") if name not in config[key]]:
            raise BadUsage(f"{missing[0]}.{name}= is required: a corpus has one in each")
        check_number(f"sequence_length.{name}", config.sequence_length.get(name), pretraining.SHORTEST + 2, whole=True)
    data, output, device = Path(config.data_root), Path(config.output), str(choose_device(config.device))
    start = Path(config.start) if config.start else None
    before = pretraining.check_folders(output, start, dict(config.architecture))
    held = heldout_hashes(data)
    corpora = {"speeches": train_documents(data, Path(config.public))}
    corpora |= {name: pretraining.read_corpus(Path(path)) for name, path in config.corpora.items()}
    for name, documents in corpora.items():
        corpora[name], taken = without_heldout(documents, held, name)
        print(f"{name}: {taken} paragraphs left out that stand in validation or test documents too")
    read = [documents for name, documents in corpora.items() for _ in range(config.vocabulary_rounds[name])]
    texts = [paragraph for documents in read for document in documents for paragraph in document]
    tokenizer = pretraining.vocabulary_for(output, texts, config.vocabulary, start)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    sources, table = {}, []
    for name, documents in corpora.items():
        ids = [[e.ids for e in tokenizer.encode_batch_fast(d, add_special_tokens=False)] for d in documents]
        sources[name] = pretraining.sequences_of(ids, config.sequence_length[name], cls, sep)
        table.append({"source": name, "documents": len(documents), "tokens": sum(map(len, sources[name]))})
        print(f"{name}: {len(documents)} documents, {table[-1]['tokens']:,} tokens", flush=True)
    names = ("steps", "batch_tokens", "learning_rate", "warmup", "weight_decay", "mask_share", "set_weight", "seed")
    with thread_count(config.threads):
        pretraining.pretrain(
            sources,
            tokenizer,
            output,
            architecture=dict(config.architecture),
            weights=dict(config.weights),
            checkpoint_minutes=config.checkpoint_minutes,
            device=device,
            start=start,
            progress=lambda row: print(LINE.format(steps=config.steps, minutes=row["left"] / 60, **row), flush=True),
            **{name: config[name] for name in names},
        )
    record = OmegaConf.to_container(config, resolve=True)
    for name in ("data_root", "public", "output", "corpora", "start"):
        record.pop(name)
    record |= {"device": device, "sources": table}
    if before:
        record |= {"vocabulary": before["vocabulary"], "before": before}
    write_atomic(output / pretraining.RECORD, OmegaConf.to_yaml(record))
    write_atomic(output / "README.md", encoder_card(output, record))


if __name__ == "__main__":
    main()
