"""Results for others: predictions and tables as a dataset, the page and the demo as Spaces, the metric as a module."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from jianghua.dataset import index_as_build, index_fingerprint, read_index
from jianghua.dataset.croissant import release
from jianghua.evaluation.export import evaluate_module
from jianghua.hub.content import Content
from jianghua.hub.licences import licence_file
from jianghua.report.results import called
from jianghua.report.stored import SHOWN
from jianghua.schema import BUILDS, LABELS, SCORED, BadData
from jianghua.training import read_run
from jianghua.training.runs import Run

RUN_FILES = ("config.yaml", "environment.json", "metrics.json", "predictions.parquet")
MODULES, ROOMS = ("__init__.py", "schema.py", "files.py"), ("ingest", "models", "report")  # what the demo's app imports
# what the demo needs beside those
REQUIREMENTS = ("transformers", "torch", "tokenizers", "safetensors", "huggingface_hub", "numpy", "scipy", "jinja2")
REQUIREMENTS += ("charset-normalizer", "python-docx", "pymupdf")


def front_matter(**record) -> str:
    return f"---\n{yaml.safe_dump(record, allow_unicode=True, sort_keys=False)}---\n"


def results_content(repo_id: str, results: Path, data: Path, dataset_id: str, folder: Path) -> Content:
    """Predictions of every stored run, a configuration for each build or split and label kind, scores and tables.

    All stand in it, each with its fingerprint, whichever build the dataset repository holds. Raises
    `BadData` for a run that another dataset than the one in `data` was used for, and for tables of another one.
    """
    files: dict[str, Path | bytes] = {}
    tables: dict[str, list[Run]] = {}
    fingerprints: dict[str, str] = {}
    for run_folder in sorted(done.parent for done in (results / "runs").glob("*/*/*/DONE")):
        run = read_run(run_folder)
        name = run_folder.parents[1].name.removesuffix(f"-{run.config}")  # the build, or a split of it
        if name not in fingerprints:
            fingerprints[name] = index_as_build(data, run.build, run.config).fingerprint
        run.check_dataset(run.build, fingerprints[name])
        tables.setdefault(f"{name}_{run.config}", []).append(run)
        where = run_folder.relative_to(results).as_posix()
        files |= {f"{where}/{name}": run_folder / name for name in RUN_FILES}
    if not tables:
        raise BadData(f"{results / 'runs'}: no finished run; scripts/reproduce.py mode=scratch makes them")
    for name, runs in tables.items():
        for split in SCORED:
            path = folder / "predictions" / name / f"{split}-00000-of-00001.parquet"
            _write_predictions(path, runs, split)
            files[path.relative_to(folder).as_posix()] = path
    check_current(results, fingerprints)
    files |= {path.name: path for path in sorted(results.glob("*.md"))}
    for place in ("tables", "pictures"):
        files |= {
            f"{place}/{p.name}": p for p in sorted((results / place).glob("*")) if p.is_file() and p.name[0] != "."
        }
    version, _ = release(data)
    files["LICENSE"] = licence_file("cc-by-4.0", "Predictions, scores, tables and pictures")
    files["README.md"] = _results_card(repo_id, dataset_id, tables, results, version).encode()
    # of both builds, so that they can be compared with whichever of them is published
    dataset = {"repo_id": dataset_id, "fingerprints": {b: index_fingerprint(read_index(data, b)) for b in BUILDS}}
    record = {"what": "results", "version": version, "fingerprints": fingerprints, "dataset": dataset}
    use = f'load_dataset("{repo_id}", "{next(iter(tables))}", split="test", revision="REVISION")'
    return Content("dataset", repo_id, files, record, use, [["dataset", name] for name in tables])


def check_current(results: Path, fingerprints: Mapping[str, str]) -> None:
    """Refuse tables, and a page if there is one, without the fingerprint of a build or split that has stored runs."""
    for build, fingerprint in fingerprints.items():
        for path in (results / f"{build}.md", results / "index.html"):
            if path.name == "index.html" and not path.is_file():
                continue
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            # a split has the fingerprint of its build: that alone does not tell whether the page shows it
            if fingerprint not in text or (path.suffix == ".html" and f'"build":"{build}"' not in text):
                raise BadData(f"{path}: not of the {called(build)} {fingerprint}; run scripts/reproduce.py first")


def _write_predictions(path: Path, runs: list[Run], split: str) -> None:
    """`model, seed, id, predicted, proba` of one split part of all runs; class names come with the features."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import ClassLabel, Features, List, Value

    label = ClassLabel(names=list(LABELS))
    columns = {"model": Value("string"), "seed": Value("int32"), "id": Value("string")}
    columns |= {"predicted": label if runs[0].config == "primary" else List(label), "proba": List(Value("float32"))}
    schema = Features(columns).arrow_schema
    rows = [
        {"model": run.model, "seed": run.seed, "id": p.id, "predicted": p.predicted, "proba": p.proba}
        for run in runs
        for p in run.predictions
        if p.split == split
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")


def _results_card(repo_id: str, dataset_id: str, tables: dict[str, list[Run]], results: Path, version: str) -> str:
    configs = [
        {
            "config_name": name,
            "data_files": [{"split": split, "path": f"predictions/{name}/{split}-*.parquet"} for split in SCORED],
        }
        for name in tables
    ]
    front = front_matter(license="cc-by-4.0", language=["zh"], pretty_name="Jianghua: results", configs=configs)
    scores = "\n".join(
        (results / f"{build}.md").read_text("utf-8") for build in SHOWN if (results / f"{build}.md").exists()
    )
    listed = "\n".join(
        f"| `{name}` | {runs[0].build} | `{runs[0].fingerprint}` | {len(runs)} | "
        f"{', '.join(dict.fromkeys(run.model for run in runs))} |"
        for name, runs in tables.items()
    )
    return f"""{front}
# Results of Jianghua {version}

What each model said of each validation and test paragraph of [{dataset_id}](https://huggingface.co/datasets/{dataset_id}):
`model`, `seed`, `id`, `predicted` and four probabilities. Gold is not here; join it by `id`:

```python
from datasets import load_dataset
said = load_dataset("{repo_id}", "{next(iter(tables))}", split="test")
```

Each configuration holds the rows of one build of the dataset, or of a split of it, that its runs were trained and
tested on:

| configuration | build | fingerprint | runs | models |
| --- | --- | --- | ---: | --- |
{listed}

The paragraphs of the constructed build are those of the full build with `source == "constructed"`, under the same ids
and in the same splits; `cross_source` is trained on the constructed rows of the full build and tested on its public
ones. Which build [{dataset_id}](https://huggingface.co/datasets/{dataset_id}) holds stands in its
card. `runs/` has each run's configuration, environment and scores as they were written.

## Tables

{scores}"""


def page_content(repo_id: str, results: Path, data: Path) -> Content | None:
    """The results page as a static Space, or None while there is no `results/index.html`."""
    page = results / "index.html"
    if not page.is_file():
        return None
    version, _ = release(data)
    front = front_matter(
        title="Jianghua results", sdk="static", app_file="index.html", license="cc-by-4.0", pinned=False
    )
    files = {
        "index.html": page,
        "README.md": f"{front}\nThe results of Jianghua {version}, one page.\n".encode(),
        "LICENSE": licence_file("cc-by-4.0", "This page and its figures"),
    }
    record = {"what": "page", "version": version}
    return Content("space", repo_id, files, record, f"ENDPOINT/spaces/{repo_id}", sdk="static")


def metric_content(repo_id: str, metric: Path, data: Path, root: Path) -> Content:
    """The module for `evaluate` as a Space, where `evaluate.load("ORG/NAME")` looks for it."""
    module = metric / "jianghua.py"
    if not module.is_file() or module.read_text(encoding="utf-8") != evaluate_module():
        raise BadData(f"{module}: not what its sources make; run python -m jianghua.evaluation.export {metric} first")
    version, _ = release(data)
    name = repo_id.split("/")[-1]
    readme = (metric / "README.md").read_text(encoding="utf-8").replace('load("metrics/jianghua"', f'load("{repo_id}"')
    readme = readme.replace("`jianghua.py`", f"`{name}.py`").partition("\nDo not change")[0]  # there it is not made
    front = front_matter(
        title="Jianghua metric", sdk="static", app_file="index.html", license="apache-2.0", tags=["evaluate", "metric"]
    )
    line = f'evaluate.load("{repo_id}", "primary")'
    page = f'<!doctype html><meta charset="utf-8"><title>{repo_id}</title><pre>{line}</pre>\n'
    files = {
        f"{name}.py": module,
        "index.html": page.encode(),
        "README.md": f"{front}\n{readme}".encode(),
        "LICENSE": root / "LICENSE",
    }
    use = f'evaluate.load("{repo_id}", "primary", revision="REVISION")'
    loads = [["metric", "primary"], ["metric", "functions"]]
    return Content("space", repo_id, files, {"what": "metric", "version": version}, use, loads, sdk="static")


def demo_content(repo_id: str, model_id: str, revision: str, data: Path, root: Path) -> Content:
    """The Gradio demo as a Space: `app.py`, the package's source beside it, and which model at which revision."""
    version, _ = release(data)
    package = root / "src" / "jianghua"
    source = [package / name for name in MODULES]
    source += [p for room in ROOMS for p in sorted((package / room).iterdir()) if p.suffix in (".py", ".jinja")]
    files: dict[str, Path | bytes] = {f"jianghua/{path.relative_to(package).as_posix()}": path for path in source}
    pins = dict(line.split("==") for line in (root / "constraints.txt").read_text("utf-8").split() if "==" in line)
    pins = {name.lower().replace("_", "-"): number for name, number in pins.items()}
    lines = [f"{name}=={pins[name.replace('_', '-')]}" for name in REQUIREMENTS]
    front = front_matter(
        title="Jianghua demo",
        sdk="gradio",
        sdk_version=pins["gradio"],
        python_version="3.12",
        app_file="app.py",
        license="apache-2.0",
        models=[model_id],
    )
    files |= {
        "app.py": package / "hub" / "space" / "app.py",
        "model.json": (json.dumps({"repo_id": model_id, "revision": revision}) + "\n").encode(),
        "requirements.txt": ("\n".join(lines) + "\n").encode(),
        "README.md": f"{front}\nPaste or drop a speech and see what each paragraph does. Model: {model_id}.\n".encode(),
        "LICENSE": root / "LICENSE",
    }
    record = {"what": "demo", "version": version, "model_id": model_id}
    return Content("space", repo_id, files, record, f"ENDPOINT/spaces/{repo_id}", sdk="gradio")
