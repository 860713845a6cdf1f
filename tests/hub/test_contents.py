"""What goes into the smaller repositories, and the texts that must hold before they are sent."""

import shutil

import pytest
from tiny import PLAIN

from jianghua.hub.connection import hide_tokens
from jianghua.hub.content import check_content
from jianghua.hub.dataset import further_splits, hub_card
from jianghua.hub.licences import licence_file
from jianghua.hub.results import demo_content, metric_content, page_content
from jianghua.schema import BadData

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


def test_the_metric_is_published_under_the_name_that_evaluate_looks_for(root, data):
    metric = metric_content("org/jianghua_metric", root / "metrics/jianghua", data, root)
    check_content(metric, **LIMITS)
    assert metric.read("jianghua_metric.py") == (root / "metrics/jianghua/jianghua.py").read_bytes()
    assert 'evaluate.load("org/jianghua_metric"' in metric.read("README.md").decode()


def test_a_metric_that_is_not_what_its_sources_make_is_refused(root, data, tmp_path):
    shutil.copytree(root / "metrics/jianghua", tmp_path / "metric")
    with (tmp_path / "metric/jianghua.py").open("a", encoding="utf-8") as file:
        file.write("# changed by hand\n")
    with pytest.raises(BadData, match=r"not what its sources make; run python -m jianghua\.evaluation\.export"):
        metric_content("org/m", tmp_path / "metric", data, root)


def test_the_demo_pins_what_it_needs_and_names_its_model(root, data):
    pytest.importorskip("gradio")
    demo = demo_content("org/demo", "org/model", "v1", data, root)
    check_content(demo, **LIMITS)
    assert all("==" in line for line in demo.read("requirements.txt").decode().split())
    assert b'"org/model"' in demo.read("model.json")
    assert {"app.py", "jianghua/schema.py", "jianghua/report/page.html.jinja"} <= set(demo.files)


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
