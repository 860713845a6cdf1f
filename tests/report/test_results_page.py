"""Tables in three formats, significance letters, learning curves, and what the results page may hold."""

import csv
import io
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from jianghua.dataset import index_as_build
from jianghua.evaluation.slices import slices_of
from jianghua.files import write_json
from jianghua.report.curves import at_all_documents, curve_rows, curve_runs, curves, keep_runs, rule_of, runs_to_keep
from jianghua.report.detail_tables import CALIBRATION_COLUMNS, calibration_table, cost_table, slice_shares, slice_table
from jianghua.report.leaderboard import leaderboard, significance_groups
from jianghua.report.pictures import heat_picture
from jianghua.report.published import costs_of, three_formats, write_part
from jianghua.report.results import HEADER, part_csv, part_latex, part_rows
from jianghua.report.results_page import gold_digits, model_details, paragraphs_of, results_page, rounded
from jianghua.report.tables import csv_table, latex_table
from jianghua.report.templates import GROUPS_ZH
from jianghua.schema import LABELS, BadData, Prediction
from jianghua.training.runs import Run, write_predictions


@pytest.fixture(scope="module")
def loaded(root):
    return {name: index_as_build(root / "data", name, "primary") for name in ("full", "constructed")}


def guesses(rows, right, seed):
    """Predictions of every validation and test row, a share `right` of them gold."""
    rng = np.random.default_rng(seed)
    result = []
    for split in ("validation", "test"):
        for row in rows[split]:
            label = row["label"] if rng.random() < right else int(rng.integers(4))
            proba = [0.7 if i == label else 0.1 for i in range(4)]
            result.append(Prediction(row["id"], split, label, proba))
    return result


@pytest.fixture(scope="module")
def runs(loaded):
    rows = loaded["full"].rows
    return {name: [guesses(rows, right, seed) for seed in (1, 2)] for name, right in (("poor", 0.3), ("good_one", 0.9))}


@pytest.fixture(scope="module")
def part(loaded):
    return [row for row in loaded["full"].rows["test"] if row["source"] == "constructed"]


@pytest.fixture(scope="module")
def board(loaded, runs, part):
    return leaderboard(loaded["full"].rows, "test", part, runs, "primary") | {"source": "constructed"}


def test_models_share_a_letter_if_and_only_if_they_are_not_told_apart():
    names = ["a", "b", "c", "d"]
    for different in ([], [("a", "d")], [("a", "c"), ("a", "d"), ("b", "d")], [("a", "c"), ("b", "c"), ("a", "d")]):
        letters = significance_groups(names, different)
        for i, left in enumerate(names):
            for right in names[i + 1 :]:
                apart = (left, right) in different
                assert (not set(letters[left]) & set(letters[right])) == apart, (different, letters)
    assert significance_groups(names, [])["d"] == "a"
    assert significance_groups(["x", "y"], [("x", "y")]) == {"x": "a", "y": "b"}


def test_a_better_model_stands_in_another_group_and_above_by_a_significant_step(board):
    poor, good = board["models"]["poor"], board["models"]["good_one"]
    assert good["value"] > poor["value"] + 0.3
    assert (good["group"], poor["group"]) == ("a", "b")
    assert poor["step"] is None
    assert good["step"]["difference"] == pytest.approx(good["value"] - poor["value"])
    assert good["step"]["p"] < 0.05
    assert good["low"] < good["value"] < good["high"]
    assert len(good["single"]) == 2


def test_csv_has_a_number_a_column_and_the_markdown_cells_say_the_same(board):
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(part_csv(board)))}
    cells = {row[0]: dict(zip(HEADER, row, strict=True)) for row in part_rows(board)}
    for model, own in board["models"].items():
        assert float(rows[model]["macro_f1"]) == pytest.approx(own["value"], abs=1e-6)
        assert cells[model]["macro-F1"].startswith(f"{float(rows[model]['macro_f1']):.3f} [")
        assert [float(rows[model][f"f1_{label}"]) for label in LABELS] == pytest.approx(own["per_class"], abs=1e-5)
    assert rows["poor"]["difference_over_row_above"] == ""
    assert float(rows["good_one"]["p_holm"]) < 0.05
    assert {name for name in rows if name.startswith("votes:")}


def test_latex_is_a_booktabs_table_with_every_special_character_escaped(board):
    tex = part_latex("full", "0123", board, "primary")
    assert [tex.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"good\_one" in tex
    assert r"95 \% interval" in tex
    assert "`" not in tex
    columns = re.search(r"begin\{tabular\}\{(l\w+)\}", tex)[1]
    body = tex.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(columns) == len(HEADER)
    assert all(line.count(" & ") == len(HEADER) - 1 and line.endswith(r" \\") for line in body)
    odd = latex_table(["a", "b"], [["x_1 & `t_y` 5%", "#{$}~^\\"]])
    assert r"x\_1 \& \texttt{t\_y} 5\%" in odd
    assert r"\#\{\$\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in odd


def test_csv_quotes_what_holds_a_comma_and_leaves_none_empty(tmp_path):
    assert csv_table(["a", "b"], [["x, y", None], [1, 0.12345678]]) == 'a,b\n"x, y",\n1,0.123457\n'
    three_formats(tmp_path, "t", ["a"], [["1"]], "note")
    assert {path.name for path in tmp_path.iterdir()} == {"t.md", "t.tex", "t.csv"}


def shown(loaded, runs, board, part):
    details = {model: model_details(loaded["full"].rows, "test", part, own, "primary") for model, own in runs.items()}
    record = {"build": "full", "part": "test_constructed", "fingerprint": "f", "board": board, "details": details}
    return record | {"ids": [row["id"] for row in part], "gold": gold_digits(part, "primary")}


def test_a_slice_table_begins_with_all_and_ends_with_the_worst_slice(loaded, runs, board, part):
    details = shown(loaded, runs, board, part)["details"]
    header, rows = slice_table(details)
    gold = {row["id"]: row["label"] for row in part}
    for column, (model, seeds) in enumerate(runs.items(), 4):
        assert header[column] == model
        right = [[p.predicted == gold[p.id] for p in own if p.id in gold] for own in seeds]
        assert rows[0][column] == f"{np.mean(right):.3f}"
        large = {
            (row[0], row[1]): float(row[column])
            for row in rows[1:-1]
            if "few" not in row[2] and int(row[2]) < len(part)
        }
        lowest, where = re.fullmatch(r"(0\.\d{3}) \((.+)\)", rows[-1][column]).groups()
        assert float(lowest) == min(large.values())
        assert large[tuple(where.split(": ", 1))] == float(lowest)
        assert float(lowest) < float(rows[0][column])
    documents = len({row["doc_id"] for row in part})
    assert rows[0][:4] == ["all", "", str(len(part)), str(documents)]
    assert rows[-1][0] == "worst slice of at least 30 paragraphs"
    names, values = slice_shares(details)
    assert [[f"{value:.3f}" for value in own] for own in values] == [row[4:] for row in rows[:-1]]
    assert names[0] == f"all ({len(part)})"


def test_every_group_of_a_slice_but_numbers_and_decades_has_a_chinese_name(loaded):
    rows = [row for part in loaded["full"].rows.values() for row in part]
    groups = {group for own in slices_of(rows, "primary").values() for group in own}
    assert {group for group in groups - set(GROUPS_ZH) if not re.fullmatch(r"\d|\d{4}s", group)} == set()


def test_where_no_slice_has_thirty_paragraphs_there_is_no_worst(loaded, runs, part):
    few = part[:20]
    details = {m: model_details(loaded["full"].rows, "test", few, own, "primary") for m, own in runs.items()}
    assert slice_table(details)[1][-1][4:] == ["–", "–"]


def test_a_calibration_table_says_what_scikit_learn_says(loaded, runs, board, part):
    from sklearn.metrics import brier_score_loss

    header, rows = calibration_table(shown(loaded, runs, board, part)["details"])
    assert header == CALIBRATION_COLUMNS
    gold = {row["id"]: row["label"] for row in part}
    for (model, seeds), cells in zip(runs.items(), rows, strict=True):
        own = [p for predictions in seeds for p in predictions if p.id in gold]
        labels, proba = [gold[p.id] for p in own], np.array([p.proba for p in own])
        brier = brier_score_loss(labels, proba, labels=range(4), scale_by_half=False)
        right = np.mean([p.predicted == gold[p.id] for p in own])
        assert cells[:2] == [model, str(2 * len(part))]
        assert cells[2] == f"{abs(right - 0.7):.3f}"  # one confidence, so one bin
        assert cells[4] == f"{brier:.3f}"
        assert cells[5] == f"{1 - right:.3f}"  # no answer is surer than another: the risk is everywhere the same


def test_a_part_has_its_tables_in_three_formats_and_its_pictures_in_two(loaded, runs, board, part, tmp_path):
    record = shown(loaded, runs, board, part)
    write_part(tmp_path, "p", record, {"poor": {"train_cpu_seconds": 1.0}}, "primary")
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    for table in ("p-slices", "p-calibration"):
        assert {f"{table}.{kind}" for kind in ("md", "tex", "csv")} <= names
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    kinds = ("scores", "cost", "reliability", "confusion", "classes")
    assert pictures == {f"p-{kind}.{end}" for kind in kinds for end in ("svg", "png")} | {"p-slices.svg"}


def test_a_heat_picture_shows_a_dash_where_there_is_no_number_and_has_the_same_bytes_again(tmp_path):
    for name in ("h", "again"):
        heat_picture(["a"], ["x", "y"], [[0.25, None]], tmp_path / name, "t")
    for kind in (".svg", ".png"):
        assert (tmp_path / f"h{kind}").read_bytes() == (tmp_path / f"again{kind}").read_bytes()
    svg = (tmp_path / "h.svg").read_text("utf-8")
    assert ">0.250</text>" in svg
    assert ">–</text>" in svg


def test_cost_is_cpu_time_where_a_run_recorded_it_and_wall_time_times_threads_where_not(tmp_path):
    runs = {}
    records = {"new": {"seconds": 10.0, "threads": 2, "cpu_seconds": 13.0}, "old": {"seconds": 10.0, "threads": 2}}
    records["gpu"] = records["new"] | {"device": "cuda:0 (a card, bf16)"}
    for model, record in records.items():
        write_json(tmp_path / model / "environment.json", record)
        runs[model] = [Run(tmp_path / model, model, 1, "primary", "full", "f", [])]
    measured = [{"model": "new", "cost": {"parameters": 7, "characters_per_cpu_second": 1234.5}}]
    costs = costs_of(runs, measured)
    assert {model: one["train_cpu_seconds"] for model, one in costs.items()} == {"new": 13.0, "old": 20.0, "gpu": None}
    header, rows = cost_table({"full": costs})
    assert header[:5] == ["build", "model", "training CPU seconds", "parameters", "characters per CPU second"]
    assert rows == [
        ["full", "new", "13", "7", "1234.5", ""],
        ["full", "old", "20", "", "", ""],
        ["full", "gpu", *[""] * 4],
    ]


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_pages_answers_and_confusion_are_those_of_the_predictions(loaded, runs, board, part):
    record = shown(loaded, runs, board, part)
    page = results_page([record], paragraphs_of([part], {}, {}), {"full": {}}, [], [], "primary")
    details = data_of(page)["parts"][0]["details"]
    for model, own in runs.items():
        assert np.sum(details[model]["confusion"]) == 2 * len(part)
        for answers, predictions in zip(details[model]["answers"], own, strict=True):
            by_id = {p.id: p.predicted for p in predictions}
            assert [int(digit, 16) for digit in answers] == [1 << by_id[row["id"]] for row in part]
    assert [int(digit, 16) for digit in record["gold"]] == [1 << row["label"] for row in part]


def test_a_public_paragraph_has_a_place_and_never_a_text(loaded):
    rows = loaded["full"].rows["test"]
    texts = {row["id"]: "<script>机密</script>" for row in rows}
    titles = {rows[-1]["doc_id"]: {"title": "报告", "url": "https://example.org/a"}}
    places = paragraphs_of([rows], titles, texts)
    for row in rows:
        assert ("t" in places["paragraphs"][row["id"]]) == (row["source"] == "constructed")
        assert places["paragraphs"][row["id"]]["n"] == row["position"] + 1
    assert places["documents"][rows[-1]["doc_id"]]["title"] == "报告"
    page = results_page([], places, {}, [], [], "primary")
    assert "<script>机密" not in page
    assert data_of(page)["paragraphs"][rows[0]["id"]]["t"] == "<script>机密</script>"


def test_functions_are_shown_as_sets_and_without_a_confusion_matrix(root):
    rows = index_as_build(root / "data", "constructed", "functions").rows
    predictions = [
        Prediction(
            row["id"], split, row["functions"][:1], [0.9 if i in row["functions"][:1] else 0.1 for i in range(4)]
        )
        for split in ("validation", "test")
        for row in rows[split]
    ]
    details = model_details(rows, "test", rows["test"], [predictions], "functions")
    assert "confusion" not in details
    wanted = [sum(1 << i for i in row["functions"][:1]) for row in rows["test"]]
    assert [int(digit, 16) for digit in details["answers"][0]] == wanted


def test_numbers_of_the_page_are_rounded_and_none_stays_none():
    assert rounded({"a": [0.123456789, None, "x", 3], "b": (1.0,)}) == {"a": [0.123457, None, "x", 3], "b": [1.0]}


def store(folder, loaded, subset, seed, right, build="constructed", fingerprint=None):
    """A finished run folder, as train.py leaves it, of a made-up model."""
    predictions = guesses(loaded[build].rows, right, seed)
    fingerprint = fingerprint or loaded[build].fingerprint
    metadata = {"fingerprint": fingerprint, "build": build, "subset": json.dumps(subset)}
    write_predictions(folder / "predictions.parquet", predictions, "primary", metadata)
    write_json(folder / "environment.json", {"model": "tfidf", "seed": seed, "seconds": 1.0, "threads": 1})
    (folder / "config.yaml").write_text("seed: 1\n")
    (folder / "DONE").write_text("")


@pytest.fixture
def stored(tmp_path, loaded):
    for share, right in ((0.1, 0.3), (1.0, 0.9)):
        for seed in (1, 2):
            subset = {"train": {"documents": share, "draw": seed}}
            store(tmp_path / f"runs/p/{share}-s{seed}", loaded, subset, seed, right)
    store(tmp_path / "runs/p/few", loaded, {"train": {"per_class": 8, "draw": 1}}, 1, 0.5)
    store(tmp_path / "runs/p/whole", loaded, None, 1, 0.9)
    store(tmp_path / "runs/p/years", loaded, {"train": {"documents": 0.5}, "test": {"source": "public"}}, 1, 0.9)
    return tmp_path


def test_only_runs_on_part_of_train_are_kept_and_become_points_of_a_curve(stored, loaded):
    fingerprints = {name: one.fingerprint for name, one in loaded.items()}
    kept = runs_to_keep(stored / "runs", fingerprints)
    assert len(kept) == 5
    keep_runs(kept, stored / "results")
    kept = curve_runs(stored / "results/curves")
    assert len(kept) == 5
    found = {curve["kind"]: curve for curve in curves(kept, loaded, "primary")}
    assert set(found) == {"documents", "per_class"}
    low, high = found["documents"]["points"]
    assert (low["at"], high["at"]) == (0.1, 1.0)
    assert low["value"] < high["value"]
    assert low["low"] < low["value"] < low["high"]
    assert high["paragraphs"] == len(loaded["constructed"].rows["train"])
    assert low["paragraphs"] < 0.2 * high["paragraphs"]
    assert (low["runs"], high["runs"]) == (2, 2)
    assert found["per_class"]["points"][0]["paragraphs"] == 32
    assert curve_rows(found["per_class"])[0][1] == "8 a function"


def test_a_curves_run_of_another_dataset_is_left_where_it_is_and_refused_in_a_table(stored, loaded):
    other = stored / "runs/p/old"
    store(other, loaded, {"train": {"per_class": 8, "draw": 2}}, 2, 0.5, fingerprint="0123456789abcdef")
    fingerprints = {name: one.fingerprint for name, one in loaded.items()}
    kept = runs_to_keep(stored / "runs", fingerprints)
    assert len(kept) == 5
    keep_runs(kept, stored / "results")
    shutil.copytree(other, stored / "results/curves/old")
    with pytest.raises(BadData, match="made for dataset"):
        curves(curve_runs(stored / "results/curves"), loaded, "primary")


def test_two_runs_of_one_seed_at_one_point_are_refused(stored, loaded):
    shutil.copytree(stored / "runs/p/few", stored / "runs/p/few-again")
    with pytest.raises(BadData, match="two runs of tfidf with one seed"):
        curves(curve_runs(stored / "runs"), loaded, "primary")


def test_a_rule_that_is_no_curve_is_none(tmp_path):
    def run(subset):
        return Run(tmp_path, "m", 1, "primary", "full", "f", [], subset)

    assert rule_of(run(None)) is None
    assert rule_of(run({"train": {"source": "public"}})) is None
    assert rule_of(run({"train": {"documents": 0.5, "year": [None, 1999]}})) is None
    assert rule_of(run({"train": {"documents": 0.5, "per_class": 8}})) is None
    assert rule_of(run({"train": {"documents": 0.5, "draw": 3}})) == ("documents", 0.5)


def test_a_run_on_a_split_of_a_build_is_no_point_of_a_curve_over_all_its_documents(tmp_path):
    half = Run(tmp_path, "mini", 1, "primary", "full", "f", [], {"train": {"documents": 0.5}})
    whole, across = replace(half, subset=None), replace(half, seed=2, subset={"train": {"source": "constructed"}})
    points = at_all_documents([half], [whole, across])
    assert [(run.seed, run.subset) for run in points] == [(1, {"train": {"documents": 1.0, "draw": 1}})]
