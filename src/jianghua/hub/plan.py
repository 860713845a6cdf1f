"""What a command publishes: the contents of each repository, staged and checked before the first is sent."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from jianghua.dataset.croissant import release
from jianghua.hub.content import Content, check_content, check_repo_id, check_tag
from jianghua.hub.dataset import dataset_content, further_splits
from jianghua.hub.model import model_content
from jianghua.hub.results import demo_content, metric_content, page_content, results_content
from jianghua.schema import BadData, BadUsage
from jianghua.training import read_run
from jianghua.training.runs import default_run_folders, default_runs

WHAT = ("dataset", "model", "results", "all")


def plan(config, root: Path, folder: Path, token: str | None) -> list[Content]:
    """Contents in the order of publishing, for the options of conf/publish.yaml; files are staged in `folder`.

    `root` is the checkout. Raises `BadUsage` for options that do not fit together, `BadData` for content that
    must not be published.
    """
    if config.what not in WHAT:
        raise BadUsage(f"what={config.what}: it is one of {', '.join(WHAT)}")
    if config.what == "all":
        if not config.org or config.repo_id:
            raise BadUsage("what=all takes org=ORG; the names under it stand in conf/publish.yaml (names.*)")
        org = config.org
        check_repo_id(f"{org}/{config.names.dataset}")
    else:
        if not config.repo_id or config.org:
            raise BadUsage(f"what={config.what} takes repo_id=ORG/NAME")
        check_repo_id(config.repo_id)
        org = config.repo_id.split("/")[0]
    if config.what == "model" and not config.run:
        raise BadUsage("what=model takes run=DIR, a finished run folder")
    if config.tag is not None:
        check_tag(config.tag)
    contents = list(_contents(config, org, root, folder))
    named = [f"{content.kind} {content.repo_id}" for content in contents]
    if twice := [name for name in named if named.count(name) > 1]:
        raise BadUsage(f"{twice[0]}: one name for two things; repo_id= or names.* takes another")
    # temporary names and the checkout's place are paths of this machine, whatever they are called
    places = [path for path in (root, Path.home(), folder) if len(path.parts) > 2]
    for content in contents:
        check_content(
            content,
            max_file_mb=config.max_file_mb,
            max_total_mb=config.max_total_mb,
            token=token,
            places=places,
        )
    return contents


def _contents(config, org: str, root: Path, folder: Path) -> Iterator[Content]:
    names = {key: f"{org}/{name}" for key, name in config.names.items() if key != "model"}
    models = {key: f"{org}/{name}" for key, name in config.names.model.items()}
    data, results = Path(config.data_root), Path(config.results)
    if config.what in ("dataset", "all"):
        subsets = further_splits(root / "conf" / "data", config.splits, config.few_shot)
        public = Path(config.public) if config.public else None
        (folder / "dataset").mkdir()
        dataset = config.repo_id or names["dataset"]
        published = dataset_content(dataset, data, public, results, subsets, folder / "dataset")[0]
        yield published
    if config.what == "model":
        revision = config.dataset_revision
        yield model_content(config.repo_id, Path(config.run), data, names["dataset"], config.license, revision)
    runs = default_runs(Path(config.runs), needs="model.safetensors")
    if config.what == "all":
        revision = tag_of(published, config.tag, data)
        runs = {kind: run_of_build(Path(config.runs), kind, published.record) for kind in models if kind in runs}
        for kind, repo_id in models.items():
            if kind in runs:
                print(f"{repo_id}: the run {runs[kind]}")
                yield model_content(repo_id, runs[kind], data, names["dataset"], config.license, revision)
            else:
                print(f"note: no finished default run of {kind} below {config.runs}; {repo_id} is left out")
    if config.what not in ("results", "all"):
        return
    yield results_content(config.repo_id or names["results"], results, data, names["dataset"], folder / "results")
    if page := page_content(names["page"], results, data):
        yield page
    else:
        print(f"note: no {results / 'index.html'}; the page {names['page']} is left out")
    yield metric_content(names["metric"], Path(config.metric), data, root)
    chosen = next((models[kind] for kind in ("functions", "primary") if kind in runs), None)
    if chosen:
        # only then does this command tag the model that the demo names
        revision = (config.tag if config.what == "all" else None) or "main"
        yield demo_content(names["demo"], chosen, revision, data, root)
    else:
        print(f"note: no finished default run below {config.runs}; the demo {names['demo']} is left out")


def run_of_build(runs: Path, kind: str, published: Mapping) -> Path:
    """The newest finished default run of `kind` below `runs` that was trained on the whole published build.

    `published` says its `build` and `fingerprint`. Raises `BadData` where every run used another dataset or a part.
    """
    for config, folder in default_run_folders(runs, needs="model.safetensors"):
        if config != kind:
            continue
        run = read_run(folder)
        if (run.build, run.fingerprint, run.subset) == (published["build"], published["fingerprint"], None):
            return folder
    raise BadData(
        f"{runs}: no finished default run of {kind} used the whole {published['build']} build "
        f"{published['fingerprint']} that is to be published; train one on it "
        f"(scripts/train.py data.config={kind}, data.path= for the full build), or publish what the run used (public=)"
    )


def tag_of(content: Content, tag: str | None, data: Path) -> str | None:
    """`tag`, else for the dataset the version of its change log."""
    if tag is None and content.record["what"] == "dataset":
        return f"v{release(data)[0]}"
    return tag


def listing(content: Content) -> str:
    """Files with sizes, and the card: what `dry_run=true` shows."""
    content = content.marked()
    lines = [f"{content.kind} {content.repo_id}"]
    lines += [f"  {content.size(name):>12,} bytes  {name}" for name in sorted(content.files)]
    lines.append(f"  {sum(map(content.size, content.files)):>12,} bytes in {len(content.files)} files\n")
    return "\n".join(lines) + "\n" + content.read("README.md").decode("utf-8")
