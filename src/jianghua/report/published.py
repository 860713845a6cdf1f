"""What `results/` holds besides the runs: tables (Markdown, LaTeX, CSV), pictures and the page, from stored runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jianghua.dataset import Loaded, index_as_build, load_build, read_manifests
from jianghua.evaluation import scored_parts
from jianghua.files import read_json, write_atomic
from jianghua.report import pictures
from jianghua.report.curves import CURVE_COLUMNS, curve_rows
from jianghua.report.detail_tables import (
    CALIBRATION_NOTE,
    COST_NOTE,
    calibration_table,
    cost_table,
    slice_shares,
    slice_table,
)
from jianghua.report.results import called, intervals_note, part_csv, part_latex
from jianghua.report.results_page import gold_digits, model_details, paragraphs_of, results_page
from jianghua.report.robustness import CONTRAST_COLUMNS, ROBUSTNESS_COLUMNS, contrast_row, robustness_rows
from jianghua.report.tables import csv_table, latex_table, markdown_table
from jianghua.schema import LABELS, BadData
from jianghua.training.runs import Run


@dataclass(frozen=True)
class Built:
    """One build: its rows, its runs (model → a run a seed) and the boards of its test parts."""

    loaded: Loaded
    runs: Mapping[str, Sequence[Run]]
    boards: Mapping[str, dict]


def spent(record: dict) -> float:
    """CPU seconds of a run by its environment.json; older runs recorded the wall time only."""
    return record.get("cpu_seconds", record["seconds"] * record.get("threads", 1))


def costs_of(runs: Mapping[str, Sequence[Run]], measured: Sequence[dict]) -> dict:
    """Model → `train_cpu_seconds` (mean over seeds; wall time × threads where a run does not say its CPU time; None of
    runs on a GPU) and what `measured` says of it."""
    costs = {}
    for model, seeds in runs.items():
        records = [read_json(run.folder / "environment.json") for run in seeds]
        times = [spent(r) for r in records if r.get("seconds") is not None and r.get("device", "cpu") == "cpu"]
        costs[model] = {"train_cpu_seconds": round(sum(times) / len(times), 1) if times else None}
    for record in measured:
        costs.get(record["model"], {}).update(record.get("cost") or {})
    return costs


def read_robustness(results: Path, builds: Mapping[str, Built], config: str) -> list[dict]:
    """What scripts/robustness.py wrote to `results`/robustness for `builds`; another dataset's is refused."""
    found = []
    for path in sorted((results / "robustness").glob("*.json")):
        record = read_json(path)
        if record.get("build") not in builds or record.get("config") != config or record.get("subset"):
            continue
        if record["fingerprint"] != builds[record["build"]].loaded.fingerprint:
            raise BadData(f"{path}: made for dataset {record['fingerprint']}; run scripts/robustness.py again")
        if record["model"] in builds[record["build"]].runs:
            found.append(record)
    return found


def three_formats(folder: Path, name: str, header: list[str], rows: list[list[str]], note: str) -> None:
    """`NAME.md`, `NAME.tex` and `NAME.csv` of one table."""
    write_atomic(folder / f"{name}.md", markdown_table(header, rows) + f"\n{note}\n")
    write_atomic(folder / f"{name}.tex", latex_table(header, rows, note))
    write_atomic(folder / f"{name}.csv", csv_table(header, rows))


def write_part(results: Path, stem: str, part: dict, costs: Mapping[str, dict], config: str) -> None:
    """Tables and pictures of one build and test part."""
    tables, images, board = results / "tables", results / "pictures", part["board"]
    title = f"{called(part['build'])}, {board['source']} test part, {config}"
    write_atomic(tables / f"{stem}.tex", part_latex(part["build"], part["fingerprint"], board, config))
    write_atomic(tables / f"{stem}.csv", part_csv(board))
    note = f"Share right, mean over seeds; {title}, {part['fingerprint']}. (few): under 30 paragraphs."
    three_formats(tables, f"{stem}-slices", *slice_table(part["details"]), note)
    note = f"{title}, {part['fingerprint']}. {CALIBRATION_NOTE}"
    three_formats(tables, f"{stem}-calibration", *calibration_table(part["details"]), note)
    pictures.leaderboard_picture(board, images / f"{stem}-scores", title)
    pictures.cost_picture(board, costs, images / f"{stem}-cost", title)
    calibrations = {model: one["calibration"] for model, one in part["details"].items()}
    pictures.reliabilities_picture(calibrations, images / f"{stem}-reliability", title)
    classes = [f"{label} ({n})" for label, n in zip(LABELS, board["support"], strict=True)]
    values = [row["per_class"] for row in board["models"].values()]
    pictures.heat_picture(list(board["models"]), classes, values, images / f"{stem}-classes", f"F1: {title}")
    names, shares = slice_shares(part["details"])
    pictures.heat_picture(names, list(part["details"]), shares, images / f"{stem}-slices.svg", f"Share right: {title}")
    if config == "primary":
        confusions = {model: one["confusion"] for model, one in part["details"].items()}
        pictures.confusions_picture(confusions, images / f"{stem}-confusion", title)


def write_curves(results: Path, found: Sequence[dict], config: str) -> None:
    """A table and a picture of the learning curves on each build and test part."""
    for build, name in sorted({(curve["build"], curve["part"]) for curve in found}):
        own = [curve for curve in found if (curve["build"], curve["part"]) == (build, name)]
        title = f"Learning curves: {build} build, {own[0]['source']} test part, {config}"
        note = f"{title}. Mean over draws; validation and test are whole. {intervals_note('documents and draws')}"
        rows = [row for curve in own for row in curve_rows(curve)]
        stem = f"{build}-{config}-{name}-learning_curve"
        three_formats(results / "tables", stem, CURVE_COLUMNS, rows, note)
        pictures.curves_picture(own, results / "pictures" / stem, title)


def write_robustness(results: Path, records: Sequence[dict], config: str) -> None:
    """A table of perturbations a build and part, and one of minimal pairs a build."""
    parts = sorted({(record["build"], name) for record in records for name in record["parts"]})
    for build, name in parts:
        rows = [
            [f"{record['model']} s{record['seed']}", *cells]
            for record in records
            if record["build"] == build and name in record["parts"]
            for cells in robustness_rows(record["parts"][name])
        ]
        note = f"Perturbed test paragraphs: {build} build, {name}, {config}. Drop: clean minus spoilt, paired. "
        note += intervals_note()
        stem = f"{build}-{config}-{name}-robustness"
        three_formats(results / "tables", stem, ["model", *ROBUSTNESS_COLUMNS], rows, note)
    for build in sorted({record["build"] for record in records if record.get("contrast")}):
        rows = [
            [f"{record['model']} s{record['seed']}", *contrast_row(record["contrast"])]
            for record in records
            if record["build"] == build and record.get("contrast")
        ]
        note = f"Minimal pairs (data/contrast): models trained on the {build} build, {config}. "
        note += intervals_note("the documents the pairs were made of")
        three_formats(results / "tables", f"{build}-{config}-contrast", ["model", *CONTRAST_COLUMNS], rows, note)


def texts_and_titles(data: Path, config: str) -> tuple[dict[str, str], dict[str, dict]]:
    """Text of constructed test paragraphs by id, where the build that the index knows stands in the tree; titles
    and addresses of documents, where the manifests do."""
    texts, titles = {}, {}
    if (data / "jianghua" / config).is_dir():
        loaded = load_build(data / "jianghua", config)
        if loaded.fingerprint == index_as_build(data, "constructed", config).fingerprint:
            texts = {row["id"]: row["text"] for row in loaded.rows["test"]}
    if (data / "speeches").is_dir():
        for doc_id, info in read_manifests(data).items():
            titles[doc_id] = {"title": info.title} | ({"url": info.url} if info.url else {})
    return texts, titles


def results_of(results: Path, data: Path, builds: Mapping[str, Built], curves: Sequence[dict], config: str) -> dict:
    """All that `write_results` writes, computed and checked: `parts`, `costs`, `curves`, `robustness` and `page`."""
    measured = read_robustness(results, builds, config)
    costs, parts, shown = {}, [], []
    for name, built in builds.items():
        costs[name] = costs_of(built.runs, [record for record in measured if record["build"] == name])
        rows = built.loaded.rows
        for place, (split, part) in scored_parts(rows).items():
            if place not in built.boards:
                continue
            details = {
                model: model_details(rows, split, part, [run.predictions for run in seeds], config)
                for model, seeds in built.runs.items()
            }
            parts.append({"build": name, "part": place, "fingerprint": built.loaded.fingerprint})
            parts[-1] |= {"board": built.boards[place], "details": details}
            parts[-1] |= {"ids": [row["id"] for row in part], "gold": gold_digits(part, config)}
            shown.append(part)
    texts, titles = texts_and_titles(data, config)
    page = results_page(parts, paragraphs_of(shown, titles, texts), costs, curves, measured, config)
    return {"parts": parts, "costs": costs, "curves": curves, "robustness": measured, "page": page}


def write_results(results: Path, made: Mapping, config: str, *, all_builds: bool) -> None:
    """tables/ and pictures/ in `results`, with `all_builds` what shows all of them too: index.html and tables/cost.

    `made` is from `results_of`; equal runs give equal bytes.
    """
    for part in made["parts"]:
        build, place = part["build"], part["part"]
        write_part(results, f"{build}-{config}-{place}", part, made["costs"][build], config)
    write_curves(results, made["curves"], config)
    write_robustness(results, made["robustness"], config)
    if not all_builds:
        return
    write_atomic(results / "index.html", made["page"])
    three_formats(results / "tables", "cost", *cost_table(made["costs"]), COST_NOTE)
