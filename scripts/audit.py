"""The labels that look most doubtful to a model that never saw their document: see conf/audit.yaml."""

from jianghua.command import command


@command("audit", paths=("dataset", "output"))
def main(config):
    from pathlib import Path

    import numpy as np

    from jianghua.annotate.audit import character_grams, out_of_fold, suspicious
    from jianghua.dataset import load_build
    from jianghua.files import write_jsonl
    from jianghua.schema import CONFIGS, LABELS, SPLITS, check_number

    check_number("share", config.share, 0, 1, above=True)
    check_number("seed", config.seed, 0, 2**32 - 1, whole=True)
    parts = {name: load_build(Path(config.dataset), name).rows for name in CONFIGS}
    label_of = {row["id"]: row["label"] for part in parts["primary"].values() for row in part}
    rows = [row for split in SPLITS for row in parts["functions"][split]]
    names = [*LABELS, "none"]  # a paragraph without a primary function can be wrong about that, too
    labels = np.array([label_of.get(row["id"], len(LABELS)) for row in rows])
    grams = character_grams([row["text"] for row in rows])
    proba = out_of_fold(grams, labels, [row["doc_id"] for row in rows], seed=config.seed)
    found = suspicious([row["id"] for row in rows], labels, proba, config.share)
    by_id = {row["id"]: row for row in rows}
    queue = [
        entry
        | {"label": names[entry["label"]], "suggested": names[entry["suggested"]]}
        | {"sha256": by_id[entry["id"]]["sha256"], "text": by_id[entry["id"]]["text"]}
        for entry in found
    ]
    write_jsonl(Path(config.output), queue)
    agree = float((proba.argmax(1) == labels).mean())
    print(
        f"{len(rows)} paragraphs, out-of-fold agreement with gold {agree:.1%}; {len(queue)} to look at: {config.output}"
    )


if __name__ == "__main__":
    main()
