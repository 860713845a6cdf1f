"""The results page as reproduce.py makes it, in a real headless Chromium: from a file, in two languages and widths."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape

import pytest

from jianghua.dataset import index_as_build, load_build
from jianghua.schema import LABELS, LABELS_ZH

pytestmark = pytest.mark.slow
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--disable-component-update", "--no-first-run", "--enable-logging=stderr", "--virtual-time-budget=5000"]
# a phone: headless Chromium makes no window that narrow, a frame can be; it tells its sizes and errors to the page
REPORT = """<script>addEventListener("error", e => parent.postMessage("error " + e.message, "*"));
addEventListener("load", () => setTimeout(() => parent.postMessage(
  `${innerWidth} ${document.documentElement.scrollWidth} ${document.querySelectorAll("#board tr").length}`, "*"), 500));
</script>"""


def reproduce(root, folder):
    """reproduce.py on a copy of what it reads and writes."""
    shutil.copytree(root / "results/runs", folder / "results/runs")
    for name in ("curves", "robustness"):
        if (root / "results" / name).is_dir():
            shutil.copytree(root / "results" / name, folder / "results" / name)
    for name in ("constructed", "public"):
        (folder / "data/speeches" / name).mkdir(parents=True)
        shutil.copy(root / f"data/speeches/{name}/manifest.jsonl", folder / f"data/speeches/{name}")
    shutil.copytree(root / "data/jianghua", folder / "data/jianghua")
    shutil.copy(root / "data/index.jsonl", folder / "data")
    command = [sys.executable, str(root / "scripts/reproduce.py"), f"root={folder}", f"results={folder}/results"]
    result = subprocess.run(
        [*command, f"data_root={folder}/data"], cwd=folder, capture_output=True, text=True, env=os.environ, timeout=600
    )
    assert result.returncode == 0, result.stderr
    return folder / "results"


@pytest.fixture(scope="module")
def results(root, tmp_path_factory):
    return reproduce(root, tmp_path_factory.mktemp("结果（1）"))


@pytest.fixture(scope="module")
def page(results):
    return results / "index.html"


@pytest.fixture(scope="module")
def data(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)[1])


def opened(page, tmp_path, hash="", width=1200):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "Chromium is needed: apt-get install chromium"
    size = f"--window-size={width},900"
    command = [chromium, *FLAGS, f"--user-data-dir={tmp_path}/profile", size, "--dump-dom", page.as_uri() + hash]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stderr[-500:]
    assert "CONSOLE" not in result.stderr, result.stderr[-500:]
    return unescape(re.sub(r"<script.*?</script>", "", result.stdout, flags=re.DOTALL))


def files_of(results):
    kept = ("runs", "curves", "robustness")
    paths = [
        path for path in sorted(results.rglob("*")) if path.is_file() and path.relative_to(results).parts[0] not in kept
    ]
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def test_everything_is_byte_identical_when_made_again(root, results, tmp_path):
    first, second = files_of(results), files_of(reproduce(root, tmp_path))
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
    suffixes = {name.rpartition(".")[2] for name in first}
    assert suffixes == {"md", "tex", "csv", "svg", "html"}


def test_the_tree_holds_what_the_stored_runs_give(root, results):
    for name, content in files_of(results).items():
        assert (root / "results" / name).read_bytes() == content, name


def test_it_is_small_loads_nothing_and_holds_no_public_text(page, data, root):
    text = page.read_text("utf-8")
    assert len(text.encode()) < 1_500_000
    assert not re.search(r'(src|href)="(?!data:)', re.sub(r'id="data">.*?</script>', "", text, flags=re.DOTALL))
    constructed = {row["id"]: row["text"] for row in load_build(root / "data/jianghua", "primary").rows["test"]}
    assert {key: one["t"] for key, one in data["paragraphs"].items() if "t" in one} == constructed


@pytest.mark.parametrize("lang", ["", "en"])
def test_both_languages_show_every_model_with_its_interval(lang, page, data, tmp_path):
    for part in data["parts"]:
        dom = opened(page, tmp_path, f"#lang={lang}&part={part['build']}:{part['part']}")
        board = re.search(r'id="board">(.*?)</div>', dom, re.DOTALL)[1]
        for model, row in part["board"]["models"].items():
            assert data["models"][model]["en" if lang else "zh"] in board
            assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in board
        assert ("Leaderboard" in dom) == bool(lang)
        assert (f">{LABELS_ZH['praise']}" in dom) != bool(lang)
        assert "undefined" not in dom
        assert "NaN" not in dom


def test_heat_maps_confusions_and_curves_are_drawn_for_every_model(page, data, tmp_path):
    part = data["parts"][0]
    dom = opened(page, tmp_path)
    models = len(part["board"]["models"])
    for name, count in (("confusion", models), ("reliability", models)):
        section = re.search(rf'id="{name}">(.*?)</section>', dom, re.DOTALL)[1]
        assert section.count("<figure>") == count
    slices = re.search(r'id="slices">(.*?)</div>', dom, re.DOTALL)[1]
    groups = sum(map(len, next(iter(part["details"].values()))["slices"].values()))
    assert slices.count("<tr") == groups + 1
    stored = any((c["build"], c["part"]) == (part["build"], part["part"]) for c in data["curves"])
    assert ('id="curvesSection" hidden' in dom) != stored
    assert re.search(r'id="cost"><svg', dom)


def test_what_a_model_gets_wrong_stands_side_by_side_and_public_text_is_not_there(page, data, root, tmp_path):
    rows = {row["id"]: row for row in index_as_build(root / "data", "full", "primary").rows["test"]}
    for part in data["parts"]:
        model = next(reversed(part["details"]))
        answers, gold = part["details"][model]["answers"], part["gold"]
        wrong = [i for i in range(len(gold)) if any(one[i] != gold[i] for one in answers)]
        dom = opened(page, tmp_path, f"#lang=en&part={part['build']}:{part['part']}&model={model}")
        assert re.search(r'id="count"[^>]*>(\d+) /', dom)[1] == str(len(wrong))
        cards = re.findall(r'<article id="p-([^"]+)">(.*?)</article>', dom, re.DOTALL)
        assert [name for name, _ in cards] == [part["ids"][i] for i in wrong[:30]]
        for name, card in cards:
            assert ("<p>" in card) == (rows[name]["source"] == "constructed")
            assert f"Gold: {LABELS[rows[name]['label']]}" in card
            assert 'class="no"' in card


@pytest.mark.parametrize("width", [360, 390, 1200])
def test_it_fits_the_window_of_a_phone_and_of_a_desk_without_an_error(width, page, tmp_path):
    copy = tmp_path / "page.html"
    copy.write_text(page.read_text("utf-8").replace("<style>", REPORT + "<style>", 1), "utf-8")
    frame = f'<iframe src="page.html" style="width:{width}px;height:800px;border:0"></iframe><div id="said"></div>'
    listen = '<script>addEventListener("message", e => said.append(e.data + ";"))</script>'
    (tmp_path / "frame.html").write_text(listen + frame, "utf-8")
    dom = opened(tmp_path / "frame.html", tmp_path, width=1400)
    said = re.search(r'<div id="said">(.*?)</div>', dom)[1]
    assert "error" not in said
    inner, scroll, rows = map(int, said.rstrip(";").split())
    assert inner == width
    assert scroll <= width
    assert rows > 4
