"""Further split configurations: parts of the main split's parts, so that nothing that was test becomes train.

A configuration (conf/data/*.yaml, `subset`) gives a rule a part; a row stays if it fits the rule:
`source` (one of the sources), `year` ([first, last], either null), `documents` with `draw` (a share of each
source's documents), `per_class` with `draw` (so many paragraphs of each label). A draw is a fixed one, and
nested: what a smaller share or number holds is in the larger. A part without a rule stays whole.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from jianghua.schema import LABELS, SOURCES, SPLITS, BadData, BadUsage, check_number

RULES = ("source", "year", "documents", "per_class", "draw")


def subset_of(conf: Path, name: str) -> dict:
    """The rules of the split configuration `name`, a file of `conf` (conf/data) with `subset`."""
    from omegaconf import OmegaConf

    path = conf / f"{name}.yaml"
    if not path.is_file() or not OmegaConf.load(path).get("subset"):
        raise BadData(f"{path}: no such split configuration (a file of conf/data with `subset`)")
    return OmegaConf.to_container(OmegaConf.load(path))["subset"]


def take(rows: dict[str, list[dict]], subset: Mapping | None, config: str) -> dict[str, list[dict]]:
    """Rows by split that fit `subset` (split → rule); raises `BadUsage` for a rule that does not exist.

    Raises `BadData` where a part would be empty.
    """
    if not subset:
        return rows
    if unknown := sorted(set(subset) - set(SPLITS)):
        raise BadUsage(f"data.subset.{unknown[0]}: the parts are {', '.join(SPLITS)}")
    return {split: _part(rows[split], subset.get(split) or {}, split, config) for split in SPLITS}


def _part(rows: list[dict], rule: Mapping, split: str, config: str) -> list[dict]:
    if not isinstance(rule, Mapping):
        raise BadUsage(f"data.subset.{split}={rule}: takes rules, as {{documents: 0.5}}")
    if unknown := sorted(set(rule) - set(RULES)):
        raise BadUsage(f"data.subset.{split}.{unknown[0]}: the rules are {', '.join(RULES)}")
    kept = rows
    if rule.get("source") is not None:
        if rule["source"] not in SOURCES:
            raise BadUsage(f"data.subset.{split}.source={rule['source']}: the sources are {', '.join(SOURCES)}")
        kept = [row for row in kept if row["source"] == rule["source"]]
    if rule.get("year") is not None:
        years = rule["year"]
        if not isinstance(years, Sequence) or len(years) != 2 or any(not isinstance(y, int | None) for y in years):
            raise BadUsage(f"data.subset.{split}.year={years}: takes [first, last], either of them null")
        first, last = years
        kept = [
            row
            for row in kept
            if row["year"] is not None and (first or row["year"]) <= row["year"] <= (last or row["year"])
        ]
    draw = rule.get("draw", 1)
    check_number(f"data.subset.{split}.draw", draw, 1, whole=True)
    if rule.get("documents") is not None:
        kept = _share_of_documents(kept, rule["documents"], draw, split)
    if rule.get("per_class") is not None:
        kept = _draw(kept, rule["per_class"], draw, split, config)
    if rows and not kept:
        raise BadData(
            f"data.subset.{split} leaves no paragraph; a configuration that names the public source needs the full "
            "build: scripts/build_dataset.py public=FOLDER output=DIR, then data.path=DIR"
        )
    return kept


def _share_of_documents(rows: list[dict], share: float, draw: int, split: str) -> list[dict]:
    check_number(f"data.subset.{split}.documents", share, 0, 1, above=True)

    def order(doc_id: str) -> str:
        return hashlib.sha256(f"jianghua-draw-{draw}:{doc_id}".encode()).hexdigest()

    chosen = set()
    for source in SOURCES:
        documents = sorted({row["doc_id"] for row in rows if row["source"] == source}, key=order)
        chosen |= set(documents[: math.ceil(share * len(documents) - 1e-9)])
    return [row for row in rows if row["doc_id"] in chosen]


def _draw(rows: list[dict], per_class: int, draw: int, split: str, config: str) -> list[dict]:
    if config != "primary":
        raise BadUsage("data.subset …per_class: paragraphs a class can be counted for data.config=primary only")
    check_number(f"data.subset.{split}.per_class", per_class, 1, whole=True)

    def order(row: dict) -> str:
        return hashlib.sha256(f"jianghua-draw-{draw}:{row['sha256']}".encode()).hexdigest()

    chosen = set()
    for label, name in enumerate(LABELS):
        of_label = sorted((row for row in rows if row["label"] == label), key=order)
        if len(of_label) < per_class:
            raise BadData(f"data.subset.{split}.per_class={per_class}: {name} has only {len(of_label)} paragraphs")
        chosen |= {row["id"] for row in of_label[:per_class]}
    return [row for row in rows if row["id"] in chosen]
