"""The dataset as the Hub gets it: both configurations and the further splits as Parquet, card, metadata, votes."""

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jianghua.dataset import Build, between_marks, build, index_fingerprint, read_index
from jianghua.dataset.build import parquet_path, write_parquet, write_split
from jianghua.dataset.croissant import croissant, release
from jianghua.dataset.subsets import subset_of, take
from jianghua.hub.content import Content
from jianghua.schema import CONFIGS, SPLITS, BadData

SIDECARS = ("GUIDELINES.md", "CHANGELOG.md", "LICENSE")


def dataset_content(
    repo_id: str, data: Path, public: Path | None, results: Path, subsets: Mapping[str, Mapping], folder: Path
) -> tuple[Content, Build]:
    """The files of the dataset repository, staged in `folder`; with `public` those of the full build.

    `subsets` maps the names of further split configurations to their rules (see `further_splits`); one that
    this build cannot fill is left out. Raises `BadData` where the tree is not what the speeches and votes make.
    """
    result = build(data, public)
    write_parquet(result.rows, folder)
    metadata = folder / "croissant.json"
    metadata.write_text(croissant(result, folder, data), encoding="utf-8")
    card = _current_card(result, data, results, folder)
    parts, counts = _write_subsets(result, subsets, folder)
    described = {name: (subsets[name]["config"], paths) for name, paths in parts.items()}
    metadata.write_text(croissant(result, folder, data, described), encoding="utf-8")
    files: dict[str, Path | bytes] = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    files |= {name: data / name for name in SIDECARS}
    files |= {f"annotations/{path.name}": path for path in sorted((data / "annotations").glob("*.jsonl"))}
    files["README.md"] = hub_card(card, repo_id, parts, counts).encode()
    version, _ = release(data)
    record = {"what": "dataset", "version": version, "build": result.name, "fingerprint": result.fingerprint}
    use = f'load_dataset("{repo_id}", "primary", revision="REVISION")'
    return Content("dataset", repo_id, files, record, use, [["dataset", name] for name in (*CONFIGS, *parts)]), result


def _current_card(result: Build, data: Path, results: Path, folder: Path) -> str:
    """The card that stands in the tree, once everything in the tree is what this build gives."""
    again = "run scripts/build_dataset.py" + (" public=FOLDER output=DIR" if result.name == "full" else "")
    index = read_index(data, result.name)
    if index_fingerprint(index) != result.fingerprint:
        raise BadData(
            f"{data / 'index.jsonl'}: its {result.name} build is {index_fingerprint(index)}, but speeches and votes "
            f"make {result.fingerprint}; run scripts/build_dataset.py public=FOLDER output=DIR first"
        )
    if result.name == "constructed":
        for path in [p for p in folder.rglob("*") if p.is_file()]:
            kept = data / "jianghua" / path.relative_to(folder)
            if not kept.is_file() or kept.read_bytes() != path.read_bytes():
                raise BadData(f"{kept}: not what speeches and votes make; {again} first")
    card_file = data.parent / "DATASET_CARD.md" if result.name == "full" else data / "jianghua" / "README.md"
    if not card_file.is_file():
        raise BadData(f"{card_file}: no such file; {again} first")
    card = card_file.read_text(encoding="utf-8")
    if f"**{result.name}** build of" not in card or f"fingerprint `{result.fingerprint}`" not in card:
        raise BadData(f"{card_file}: not the card of the {result.name} build {result.fingerprint}; {again} first")
    scores = results / f"{result.name}.md"
    if scores.exists() and between_marks(card, scores.read_text(encoding="utf-8")) != card:
        raise BadData(f"{card_file}: its scores are not those of {scores}; run scripts/reproduce.py first")
    return card


def further_splits(conf: Path, names: Sequence[str], few_shot: Mapping[str, Sequence[int]]) -> dict[str, dict]:
    """Name on the Hub → rules, from the files `names` in `conf` (conf/data); `few_shot` gives one a grid.

    `cross_source` is of `primary`, `functions_cross_source` the same of `functions`; the few-shot ones are
    `few_shot_8_1`: so many paragraphs a class, and the draw; of `primary` alone.
    """
    found: dict[str, dict] = {}
    for name in names:
        subset = subset_of(conf, name)
        if any("per_class" in rule for rule in subset.values()):
            for per_class, draw in itertools.product(few_shot["per_class"], few_shot["draw"]):
                rules = {split: rule | {"per_class": per_class, "draw": draw} for split, rule in subset.items()}
                found[f"{name}_{per_class}_{draw}"] = {"config": "primary", "subset": rules}
            continue
        for config in CONFIGS:
            found[name if config == "primary" else f"{config}_{name}"] = {"config": config, "subset": subset}
    return found


def _write_subsets(
    result: Build, subsets: Mapping[str, Mapping], folder: Path
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, int]]]:
    """Parquet of the parts that a further configuration changes; paths and counts by configuration and split.

    A part that stays whole is the file of the main configuration, under its own name: nothing is stored twice.
    """
    parts: dict[str, dict[str, str]] = {}
    counts: dict[str, dict[str, int]] = {}
    for name, wanted in subsets.items():
        config, rows = wanted["config"], result.rows[wanted["config"]]
        try:
            taken = take(rows, wanted["subset"], config)
        except BadData:
            continue  # a part would be empty: the constructed build has no public paragraphs
        parts[name], counts[name] = {}, {split: len(taken[split]) for split in SPLITS}
        for split in SPLITS:
            whole = len(taken[split]) == len(rows[split])
            parts[name][split] = parquet_path(config if whole else name, split)
            if not whole:
                write_split(taken[split], config, folder / parts[name][split])
    return parts, counts


def hub_card(
    card: str, repo_id: str, parts: Mapping[str, Mapping[str, str]], counts: Mapping[str, Mapping[str, int]]
) -> str:
    """The card with the further configurations in its front matter and a table of them, for this repository."""
    _, front, body = re.split(r"^---\n", card, maxsplit=2, flags=re.MULTILINE)
    for name, files in parts.items():
        front += f"- config_name: {name}\n  data_files:\n"
        front += "".join(f"  - split: {split}\n    path: {path}\n" for split, path in files.items())
    table = "### Further split configurations\n\n"
    table += "Each keeps part of its own main split's parts: nothing that was test becomes train.\n\n"
    table += "| configuration | train | validation | test |\n| --- | ---: | ---: | ---: |\n"
    table += "".join(f"| `{name}` | " + " | ".join(str(n[s]) for s in SPLITS) + " |\n" for name, n in counts.items())
    heading = "## Dataset Structure"
    if parts:
        body = body.replace(heading, f"{table}\n{heading}", 1) if heading in body else f"{body}\n{table}"
    return f"---\n{front}---\n{body}".replace("ORG/jianghua", repo_id)
