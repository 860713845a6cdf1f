"""What goes into the smaller repositories, and the texts that must hold before they are sent."""

import json
import os
import shutil

import pyarrow.parquet as pq
import pytest
from huggingface_hub import SpaceCard
from tiny import PLAIN

from jianghua.dataset import read_index
from jianghua.dataset.croissant import release
from jianghua.files import write_json
from jianghua.hub.connection import hide_tokens
from jianghua.hub.content import Content, check_content
from jianghua.hub.dataset import further_splits, hub_card
from jianghua.hub.licences import licence_file
from jianghua.hub.plan import run_of_build, tag_of
from jianghua.hub.results import check_current, demo_content, metric_content, page_content, results_content
from jianghua.schema import BadData, Prediction
from jianghua.training.runs import write_predictions

LIMITS = {"max_file_mb": 10, "max_total_mb": 50, "token": None}


@pytest.fixture
def data(root, tmp_path):
    for name in PLAIN:
        shutil.copyfile(root / "data" / name, tmp_path / name)
    return tmp_path


def test_the_results_page_becomes_a_static_space_once_it_is_there(data, tmp_path):
    assert page_content("org/page", tmp_path, data) is None
    (tmp_path / "index.html").write_text("<!doctype html><p>结果</p>", "utf-8")
    page = page_content("org/page", tmp_path, data)
    check_content(page, **LIMITS)
    assert (page.kind, page.sdk) == ("space", "static")
    assert page.read("index.html").decode() == "<!doctype html><p>结果</p>"
    assert page.line("https://huggingface.co", "0" * 40) == "https://huggingface.co/spaces/org/page"


def test_a_page_or_tables_that_do_not_name_the_stored_builds_are_not_published(data, tmp_path):
    builds = {"full": "f" * 16, "constructed": "c" * 16}
    for build, fingerprint in builds.items():
        (tmp_path / f"{build}.md").write_text(f"of `{fingerprint}`", "utf-8")
    check_current(tmp_path, builds)  # no page at all is no stale page
    page = tmp_path / "index.html"
    named = {build: f'"build":"{build}","fingerprint":"{fingerprint}"' for build, fingerprint in builds.items()}
    page.write_text(f"<p>{named['full']} {named['constructed']}", "utf-8")
    check_current(tmp_path, builds)
    # a split has its build's fingerprint and must stand on the page all the same
    (tmp_path / "cross_source.md").write_text(f"of `{builds['full']}`", "utf-8")
    with pytest.raises(BadData, match=r"index.html: not of the cross_source split of the full build f{16}; run"):
        check_current(tmp_path, builds | {"cross_source": builds["full"]})
    page.write_text(f"<p>{named['full']}", "utf-8")
    with pytest.raises(BadData, match=r"index.html: not of the constructed build c{16}; run scripts/reproduce.py"):
        check_current(tmp_path, builds)
    page.unlink()
    (tmp_path / "full.md").write_text("of `0000`", "utf-8")
    with pytest.raises(BadData, match=r"full.md: not of the full build f{16}; run scripts/reproduce.py"):
        check_current(tmp_path, builds)
    (tmp_path / "full.md").unlink()
    with pytest.raises(BadData, match=r"full.md: not of the full build"):
        check_current(tmp_path, builds)


def test_the_metric_is_published_under_the_name_that_evaluate_looks_for(root, data):
    metric = metric_content("org/jianghua_metric", root / "metrics/jianghua", data, root)
    check_content(metric, **LIMITS)
    assert metric.read("jianghua_metric.py") == (root / "metrics/jianghua/jianghua.py").read_bytes()
    readme = metric.read("README.md").decode()
    assert 'evaluate.load("org/jianghua_metric"' in readme
    assert "evaluation.export" not in readme  # which would write another file, and is not there


def test_a_metric_that_is_not_what_its_sources_make_is_refused(root, data, tmp_path):
    shutil.copytree(root / "metrics/jianghua", tmp_path / "metric")
    with (tmp_path / "metric/jianghua.py").open("a", encoding="utf-8") as file:
        file.write("# changed by hand\n")
    with pytest.raises(BadData, match=r"not what its sources make; run python -m jianghua\.evaluation\.export"):
        metric_content("org/m", tmp_path / "metric", data, root)


def test_the_demo_pins_what_it_needs_and_names_its_model(root, data):
    demo = demo_content("org/demo", "org/model", "v1", data, root)
    check_content(demo, **LIMITS)
    assert all("==" in line for line in demo.read("requirements.txt").decode().split())
    assert b'"org/model"' in demo.read("model.json")
    assert {"app.py", "jianghua/schema.py", "jianghua/report/page.html.jinja"} <= set(demo.files)
    front = SpaceCard(demo.read("README.md").decode()).data.to_dict()
    assert (front["sdk"], front["python_version"]) == ("gradio", "3.12")
    assert demo.line("https://hub", "v1") == "https://hub/spaces/org/demo"


def stored_run(runs, name, build, fingerprint, *, subset=None, default=True, kind="primary", age=0):
    """A finished run's folder as far as choosing one looks: who made it, on what, when."""
    folder = runs / f"{build}-{kind}" / "mini" / name
    (folder / "model").mkdir(parents=True)
    (folder / "model/model.safetensors").write_bytes(b"weights")
    record = {"model": "mini", "seed": 1, "default_run": default, "data_config": kind}
    write_json(folder / "environment.json", record)
    metadata = {"build": build, "fingerprint": fingerprint, "subset": json.dumps(subset)}
    said = [Prediction("d-1", "test", 0, [0.7, 0.1, 0.1, 0.1])]
    write_predictions(folder / "predictions.parquet", said, kind, metadata)
    (folder / "DONE").touch()
    os.utime(folder / "DONE", (1e9 - age, 1e9 - age))
    return folder


def test_results_of_a_split_across_sources_have_a_configuration_of_their_own(root, tmp_path):
    content = results_content("org/results", root / "results", root / "data", "org/data", tmp_path)
    names = {name for _, name in content.loads}
    assert names == {"constructed_primary", "full_primary", "cross_source_primary"}
    source = {row["id"]: row["source"] for row in read_index(root / "data", "full")}
    said = pq.read_table(tmp_path / "predictions/cross_source_primary/test-00000-of-00001.parquet").to_pylist()
    assert {source[row["id"]] for row in said} == {"public"}
    once = {(row["model"], row["seed"], row["id"]) for row in said}
    assert len(once) == len(said)
    assert {"tables/cross_source-primary-test.csv", "cross_source.md"} <= set(content.files)


def test_the_model_that_goes_with_a_dataset_is_the_newest_run_on_all_of_that_very_build(tmp_path):
    published = {"build": "full", "fingerprint": "f1"}
    stored_run(tmp_path, "newest-of-another-build", "constructed", "c1", age=0)
    stored_run(tmp_path, "newer-on-a-part", "full", "f1", subset={"train": {"per_class": 8}}, age=1)
    stored_run(tmp_path, "newer-of-an-older-version", "full", "f0", age=2)
    stored_run(tmp_path, "newer-of-another-model", "full", "f1", default=False, age=3)
    wanted = stored_run(tmp_path, "this", "full", "f1", age=4)
    stored_run(tmp_path, "older", "full", "f1", age=5)
    assert run_of_build(tmp_path, "primary", published) == wanted
    with pytest.raises(BadData, match="no finished default run of primary used the whole full build f2"):
        run_of_build(tmp_path, "primary", {"build": "full", "fingerprint": "f2"})
    with pytest.raises(BadData, match="no finished default run of functions"):
        run_of_build(tmp_path, "functions", published)


def test_a_tag_is_of_every_repository_or_without_one_of_the_dataset_alone(root):
    version = f"v{release(root / 'data')[0]}"
    for what, default in (("dataset", version), ("model", None), ("results", None), ("page", None)):
        one = Content("model", "org/x", {}, {"what": what}, "")
        assert tag_of(one, None, root / "data") == default
        assert tag_of(one, "v9", root / "data") == "v9"


def test_further_splits_come_from_the_configurations_that_training_uses(root):
    names = ["cross_source", "by_year", "few_shot"]
    splits = further_splits(root / "conf/data", names, {"per_class": [8, 16], "draw": [1, 2, 3]})
    few = {f"few_shot_{n}_{draw}" for n in (8, 16) for draw in (1, 2, 3)}
    assert set(splits) == {"cross_source", "functions_cross_source", "by_year", "functions_by_year"} | few
    assert splits["cross_source"]["subset"]["test"] == {"source": "public"}
    assert splits["few_shot_16_3"]["subset"]["train"] == {"per_class": 16, "draw": 3}
    with pytest.raises(BadData, match=r"none.yaml: no such split configuration"):
        further_splits(root / "conf/data", ["none"], {})


def test_the_card_on_the_hub_keeps_the_trees_text_and_adds_configurations_and_the_name(root):
    card = (root / "data/jianghua/README.md").read_text("utf-8")
    parts = {
        "few": {"train": "few/train-*.parquet", "validation": "primary/v-*.parquet", "test": "primary/t-*.parquet"}
    }
    hub = hub_card(card, "org/data", parts, {"few": {"train": 8, "validation": 3, "test": 4}})
    from huggingface_hub import DatasetCard

    configs = DatasetCard(hub).data.to_dict()["configs"]
    assert [config["config_name"] for config in configs] == ["primary", "functions", "few"]
    assert configs[-1]["data_files"][0] == {"split": "train", "path": "few/train-*.parquet"}
    assert "ORG/jianghua" not in hub
    assert "| `few` | 8 | 3 | 4 |" in hub
    body = card.split("---\n", 2)[2].replace("ORG/jianghua", "org/data")
    assert all(line in hub for line in body.splitlines())


def test_a_licence_that_is_not_known_is_refused():
    assert b"by-sa/4.0" in licence_file("cc-by-sa-4.0", "These weights")
    with pytest.raises(BadData, match="license=wtf"):
        licence_file("wtf", "These weights")


def test_no_token_survives_in_a_line_whatever_it_looks_like():
    own, other = "abc-" + "x" * 12, "hf_" + "Q" * 30
    assert hide_tokens(f"said {own} and {other}", own) == "said hf_… and hf_…"
