"""The results page as reproduce.py makes it, in a real headless Chromium: from a file, in two languages and widths."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from chromium import opened

from jianghua.dataset import index_as_build, load_build
from jianghua.evaluation.contrast import ContrastPair, contrast_scores
from jianghua.evaluation.robustness import robustness_scores
from jianghua.files import read_jsonl
from jianghua.models import Keywords, Majority, decide
from jianghua.report.curves import curves
from jianghua.report.leaderboard import leaderboard
from jianghua.report.results_page import gold_digits, model_details, paragraphs_of, results_page
from jianghua.report.templates import GROUPS_ZH
from jianghua.schema import LABELS, LABELS_ZH, Prediction
from jianghua.training.run import examples
from jianghua.training.runs import Run

pytestmark = pytest.mark.slow
# a phone: headless Chromium makes no window that narrow, a frame can be; it tells its sizes, its errors and what it
# drew to the page
REPORT = """<script>const errors = []; addEventListener("error", e => errors.push(e.message));
addEventListener("load", () => setTimeout(() => parent.postMessage(JSON.stringify({ errors, inner: innerWidth,
  scroll: document.documentElement.scrollWidth, drawn: document.querySelector("main").outerHTML }), "*"), 500));
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


def in_frame(page, tmp_path, width, hash=""):
    """What `page` says of itself in a frame so wide: `errors`, `inner` and `scroll` widths, and `drawn`, its HTML."""
    copy = tmp_path / "page.html"
    copy.write_text(page.read_text("utf-8").replace("<style>", REPORT + "<style>", 1), "utf-8")
    frame = f'<iframe src="page.html{hash}" style="width:{width}px;height:800px;border:0"></iframe>'
    listen = '<pre id="said"></pre><script>addEventListener("message", e => said.append(e.data))</script>'
    (tmp_path / "frame.html").write_text('<meta charset="utf-8">' + listen + frame, "utf-8")
    dom = opened(tmp_path / "frame.html", tmp_path, width=1400)
    return json.loads(re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)[1])


def section(dom, name):
    """The `section` that holds the element of that id."""
    return next(one for one in re.findall(r"<section.*?</section>", dom, re.DOTALL) if f'id="{name}"' in one)


def body_rows(html):
    return sum(body.count("<tr") for body in re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL))


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
    assert suffixes == {"md", "tex", "csv", "svg", "png", "html"}


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


def test_heat_maps_and_confusions_are_drawn_for_every_model(page, data, tmp_path):
    part = data["parts"][0]
    dom = opened(page, tmp_path)
    models = len(part["board"]["models"])
    for name in ("confusion", "reliability"):
        assert section(dom, name).count("<figure>") == models
    slices = re.search(r'id="slices">(.*?)</div>', dom, re.DOTALL)[1]
    groups = sum(map(len, next(iter(part["details"].values()))["slices"].values()))
    assert slices.count("<tr") == groups + 3  # header, all, worst
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
    said = in_frame(page, tmp_path, width)
    assert said["errors"] == []
    assert said["inner"] == width
    assert said["scroll"] <= width
    assert body_rows(re.search(r'id="board">(.*?)</div>', said["drawn"], re.DOTALL)[1]) > 4


PERTURBATIONS = ["half_width_punctuation", "no_enumeration"]
COST = {"train_cpu_seconds": 12.5, "parameters": 1234, "characters_per_cpu_second": 5e5}


def two_models(root):
    """Two cheap models on the constructed build: the build, one of them, what they predict, and a part of a page as
    write_results makes it."""
    loaded = load_build(root / "data/jianghua", "primary")
    rows, part = loaded.rows, loaded.rows["test"]
    models = {"majority": Majority("primary"), "keywords": Keywords("primary")}
    predictions = {}
    for name, model in models.items():
        model.fit(examples(loaded, "train", "primary"))
        predictions[name] = [
            Prediction(row["id"], split, answer, numbers)
            for split in ("validation", "test")
            for row, answer, numbers in zip(rows[split], *answers(model, rows[split]), strict=True)
        ]
    board = leaderboard(rows, "test", part, {name: [own, own] for name, own in predictions.items()}, "primary")
    details = {name: model_details(rows, "test", part, [own, own], "primary") for name, own in predictions.items()}
    record = {"build": "constructed", "part": "test", "fingerprint": loaded.fingerprint}
    record |= {"board": board | {"source": "constructed"}, "details": details}
    record |= {"ids": [row["id"] for row in part], "gold": gold_digits(part, "primary")}
    return loaded, models["keywords"], predictions, record


def answers(model, rows):
    proba = model.predict_proba([row["text"] for row in rows])
    return decide(proba, "primary", model.thresholds), np.asarray(proba).tolist()


@pytest.fixture(scope="module")
def whole_page(root, tmp_path_factory):
    """A page with everything a page can hold, in the formats of the code that makes them; path and its data."""
    loaded, keywords, predictions, record = two_models(root)
    folder = tmp_path_factory.mktemp("页")
    rules = [("documents", 0.1, "majority"), ("documents", 1.0, "keywords"), ("per_class", 8, "keywords")]
    runs = []
    for kind, at, answered_by in rules:
        for seed in (1, 2):
            subset = {"train": {kind: at, "draw": seed}}
            place, own = folder / f"{kind}-{at}-{seed}", predictions[answered_by]
            runs.append(Run(place, "keywords", seed, "primary", "constructed", loaded.fingerprint, own, subset))
    pairs = read_jsonl(root / "data/contrast/pairs.jsonl", ContrastPair.from_json)

    def answer(texts):
        return decide(keywords.predict_proba(texts), "primary", keywords.thresholds)

    part = loaded.rows["test"]
    robustness = {"model": "keywords", "seed": 1, "config": "primary", "build": "constructed"}
    robustness |= {"parts": {"test": robustness_scores(part, answer, "primary", names=PERTURBATIONS)}}
    robustness |= {"contrast": contrast_scores(pairs, answer, "primary")}
    found = curves(runs, {"constructed": loaded}, "primary")
    costs = {"constructed": {"majority": {"train_cpu_seconds": 0.4}, "keywords": COST}}
    places = paragraphs_of([part], {}, {row["id"]: row["text"] for row in part})
    path = folder / "index.html"
    path.write_text(results_page([record], places, costs, found, [robustness], "primary"), "utf-8")
    return path, record, found, robustness


@pytest.mark.parametrize("lang", ["", "en"])
@pytest.mark.parametrize("width", [360, 1200])
def test_curves_perturbations_pairs_and_cost_are_drawn_where_there_are_some(whole_page, lang, width, tmp_path):
    page, _, found, robustness = whole_page
    said = in_frame(page, tmp_path, width, f"#lang={lang}")
    assert said["errors"] == []
    assert (said["inner"], said["scroll"] <= width) == (width, True)
    dom = said["drawn"]
    assert "undefined" not in dom
    assert "NaN" not in dom
    learning = section(dom, "curves")
    assert "hidden" not in re.match(r"<section[^>]*>", learning)[0]
    points = [point for curve in found for point in curve["points"]]
    assert [len(curve["points"]) for curve in found] == [2, 1]
    assert learning.count("<svg") == 1
    assert learning.count("<circle") == len(points)
    assert learning.count("<polyline") == 1  # a line needs two points
    for point in points:
        assert f"{point['value']:.3f} [{point['low']:.3f}, {point['high']:.3f}]" in learning
    spoilt = section(dom, "robustness")
    assert "hidden" not in re.match(r"<section[^>]*>", spoilt)[0]
    assert body_rows(spoilt) == len(PERTURBATIONS) + 1
    assert ("half_width_punctuation" in spoilt, "半角标点" in spoilt) == (bool(lang), not lang)
    assert f"{robustness['contrast']['pair_accuracy']['value']:.3f} [" in spoilt
    paid = section(dom, "costTable")
    assert paid.count("<circle") == 2
    assert "500,000" in paid
    assert ("characters per CPU s" in paid) == bool(lang)


@pytest.mark.parametrize("lang", ["", "en"])
def test_calibration_and_the_worst_slice_stand_there_for_every_model(whole_page, lang, tmp_path):
    page, record, *_ = whole_page
    dom = in_frame(page, tmp_path, 360, f"#lang={lang}")["drawn"]
    abstain = section(dom, "calibration")
    assert body_rows(abstain) == len(record["details"])
    lines = re.findall(r'<polyline points="([^"]*)"', abstain)
    assert [len(line.split()) for line in lines] == [20, 20]
    slices = re.findall(r"<tr.*?</tr>", section(dom, "slices"), re.DOTALL)
    for model in record["details"].values():
        calibration = model["calibration"]
        for number in (calibration["brier"], calibration["risk_coverage"]["aurc"]):
            assert f"<td>{number:.3f}</td>" in abstain
        assert f"<td>{'all' if lang else '全部'}</td>" in slices[1]
        assert f">{model['whole']['correct']:.3f}</td>" in slices[1]
        assert f">{model['worst']['correct']:.3f}<br>" in slices[-1]
        group = model["worst"]["group"]
        assert (group if lang else GROUPS_ZH[group]) in slices[-1]
