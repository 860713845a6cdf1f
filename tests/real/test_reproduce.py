"""Every published table is what the stored predictions give, and nothing else is written."""

import csv
import json
import resource
import shutil

import pytest
from stored_runs import answers, contents, small_data, store

from jianghua.dataset import index_as_build
from jianghua.schema import Prediction

MADE_OF = ("runs", "curves", "robustness")  # in results/; all else there is made of these
PAGES = ("README.md", "README.zh.md", "DATASET_CARD.md", "data/jianghua/README.md")


@pytest.fixture
def copy(root, tmp_path):
    """What reproduce reads and writes, beside the checkout."""
    for name in PAGES[:3]:
        shutil.copy(root / name, tmp_path / name)
    shutil.copytree(root / "results", tmp_path / "results")
    shutil.copytree(root / "data/jianghua", tmp_path / "data/jianghua")
    for name in ("constructed", "public"):
        (tmp_path / "data/speeches" / name).mkdir(parents=True)
        shutil.copy(root / f"data/speeches/{name}/manifest.jsonl", tmp_path / "data/speeches" / name)
    shutil.copy(root / "data/index.jsonl", tmp_path / "data")
    return tmp_path


def reproduce(run_script, copy, *options):
    return run_script(
        "reproduce", f"root={copy}", f"results={copy}/results", f"data_root={copy}/data", *options, cwd=copy
    )


def test_everything_rebuilt_from_predictions_is_in_the_tree_and_nothing_else_is(root, copy, run_script):
    for page in PAGES:  # so that nothing passes by being left alone
        text = (copy / page).read_text("utf-8")
        assert "majority class" in text
        (copy / page).write_text(text.replace("majority class", "?"), "utf-8")
    for path in (copy / "results").iterdir():
        if path.name not in MADE_OF:
            (shutil.rmtree if path.is_dir() else type(path).unlink)(path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = reproduce(run_script, copy)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0, result.stderr
    for page in PAGES:
        assert (copy / page).read_text("utf-8") == (root / page).read_text("utf-8"), page
    rebuilt, kept = contents(copy / "results"), contents(root / "results")
    assert set(rebuilt) == set(kept)
    assert [name for name in kept if rebuilt[name] != kept[name]] == []
    # processor time, which does not depend on what else the machine does
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60


def test_stored_metrics_are_what_the_stored_predictions_give(root, tmp_path, run_script):
    run = root / "results/runs/full-primary/tfidf/s1"
    result = run_script("score", f"run={run}", "output=scores.json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert scores["split"] == json.loads((run / "metrics.json").read_text("utf-8"))["split"]


def test_a_missing_run_is_refused_and_nothing_is_changed(copy, run_script):
    shutil.rmtree(copy / "results/runs/constructed-primary/mini/s2")
    before = (copy / "README.md").read_bytes()
    result = reproduce(run_script, copy)
    assert result.returncode == 1
    assert "s2: no such run folder" in result.stderr
    assert (copy / "README.md").read_bytes() == before


def test_a_run_of_another_dataset_is_refused_in_a_table(copy, run_script):
    index = copy / "data/index.jsonl"
    lines = index.read_text("utf-8").splitlines(keepends=True)
    index.write_text("".join(lines[1:]), "utf-8")
    result = reproduce(run_script, copy)
    assert result.returncode == 1
    assert "made for dataset" in result.stderr


def test_score_compares_stored_runs_without_their_models(root, tmp_path, run_script):
    runs = root / "results/runs/constructed-primary"
    result = run_script("score", f"run={runs}/mini/s1", f"compare={runs}/majority/s1", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "test: difference in macro-F1 +" in result.stdout


def test_the_default_models_interval_lies_above_the_majority_class(root):
    runs = root / "results/runs/constructed-primary"
    for seed in (1, 2, 3):
        scores = [
            json.loads((runs / model / f"s{seed}" / "metrics.json").read_text("utf-8"))["split"]["test"]["macro_f1"]
            for model in ("mini", "majority")
        ]
        assert scores[0]["low"] > scores[1]["high"]


def test_a_table_across_sources_takes_only_runs_that_were_trained_across_sources(copy, run_script):
    runs = copy / "results/runs"
    shutil.rmtree(runs / "cross_source-primary/majority")
    shutil.copytree(runs / "full-primary/majority", runs / "cross_source-primary/majority")
    before = contents(copy)
    result = reproduce(run_script, copy, "builds=[cross_source]", "models=[majority]")
    assert result.returncode == 1
    assert result.stderr.startswith(
        f"error: {runs}/cross_source-primary/majority/s1: trained on the whole build, not on"
    )
    assert result.stderr.count("\n") == 1
    assert contents(copy) == before


def test_a_build_that_no_table_is_of_is_refused_by_its_name(copy, run_script):
    result = reproduce(run_script, copy, "builds=[constructed,by_year]")
    assert result.returncode == 2
    assert result.stderr == "usage: builds=by_year: tables are of full, constructed, cross_source\n"


@pytest.mark.parametrize("build", ["constructed", "full"])
def test_pre_training_beats_random_weights_in_a_paired_test_over_documents(root, build):
    from jianghua.dataset import index_as_build
    from jianghua.evaluation import compare_table
    from jianghua.training import read_run

    rows = index_as_build(root / "data", build, "primary").rows
    runs = root / f"results/runs/{build}-primary"
    answers = {
        model: [read_run(runs / model / f"s{seed}").predictions for seed in (1, 2, 3)]
        for model in ("mini", "mini_random")
    }
    compared = compare_table(rows, answers, "primary")
    for part, (test,) in ((part, table["pairs"]) for part, table in compared.items() if part != "validation"):
        assert test["difference"] > 0, part
        assert test["p_value"] < 0.05, part


MARKED = "before\n<!-- scores: begin -->\nold\n<!-- scores: end -->\nafter\n"
SMALL = ("models=[poor,good]", "seeds=[1,2]", "builds=[constructed]")


@pytest.fixture(scope="module")
def small(root, tmp_path_factory):
    """A small data folder and results of two made-up models, with old files that a rebuild would replace."""
    place = tmp_path_factory.mktemp("small")
    small_data(root, place / "data")
    loaded = index_as_build(place / "data", "constructed", "primary")
    for seed in (1, 2):
        runs = place / "results/runs/constructed-primary"
        store(runs / f"poor/s{seed}", answers(loaded.rows, right=False), loaded.fingerprint, seed)
        store(runs / f"good/s{seed}", answers(loaded.rows, right=True), loaded.fingerprint, seed)
        subset = {"train": {"per_class": 2, "draw": seed}}
        curves = place / "results/curves/constructed-primary"
        store(curves / f"good/few-s{seed}", answers(loaded.rows, right=True), loaded.fingerprint, seed, subset)
    for name in ("tables/constructed-primary-test.csv", "constructed.md", "index.html"):
        path = place / "results" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("old\n", "utf-8")
    (place / "README.md").write_text(MARKED, "utf-8")
    return place


@pytest.fixture
def own(small, tmp_path):
    """A copy of `small` to be spoilt."""
    return shutil.copytree(small, tmp_path / "copy")


def test_sound_runs_replace_the_old_files_and_every_table_says_what_its_brackets_are(own, run_script):
    result = reproduce(run_script, own, *SMALL)
    assert result.returncode == 0, result.stderr
    for name in ("tables/constructed-primary-test.csv", "constructed.md", "index.html"):
        assert (own / "results" / name).read_text("utf-8") != "old\n", name
    brackets = "95 % interval"
    method = "(bootstrap-t, 10,000 replicates)"
    tables = (own / "results/constructed.md").read_text("utf-8").split("**Trained on")[1:]
    curve = "tables/constructed-primary-test-learning_curve"
    texts = tables + [(own / f"results/{curve}.{kind}").read_text("utf-8") for kind in ("md", "tex")]
    texts.append((own / "results/tables/constructed-primary-test.tex").read_text("utf-8"))
    for text in texts:
        assert brackets in text.replace("\\%", "%")
        assert method in text
    readme = (own / "README.md").read_text("utf-8")
    assert "\nold\n" not in readme
    assert brackets in readme


def test_the_listed_runs_are_the_last_point_of_a_curve_over_documents_unless_it_has_one_of_its_own(own, run_script):
    loaded = index_as_build(own / "data", "constructed", "primary")
    curves = own / "results/curves/constructed-primary"
    for seed in (1, 2):
        subset = {"train": {"documents": 0.5, "draw": seed}}
        store(curves / f"good/half-s{seed}", answers(loaded.rows, right=True), loaded.fingerprint, seed, subset)
    assert reproduce(run_script, own, *SMALL).returncode == 0
    table = own / "results/tables/constructed-primary-test-learning_curve.csv"
    rows = [row[:4] for row in csv.reader(table.read_text("utf-8").splitlines()) if "documents" in row[1]]
    train = str(len(loaded.rows["train"]))
    assert [row[1] for row in rows] == ["50% of the documents", "100% of the documents"]
    assert rows[1] == ["good", "100% of the documents", train, "2"]
    store(
        curves / "good/own-s1",
        answers(loaded.rows, right=True),
        loaded.fingerprint,
        1,
        {"train": {"documents": 1.0, "draw": 1}},
    )
    assert reproduce(run_script, own, *SMALL).returncode == 0
    rows = [row[:4] for row in csv.reader(table.read_text("utf-8").splitlines()) if "documents" in row[1]]
    assert rows[1] == ["good", "100% of the documents", train, "1"]


def spoilt(found, how):
    """The answers with one of them, or its id or split, made wrong."""
    first, rest = found[-1], list(found[:-1])
    change = {
        "label 7": {"predicted": 7},
        "label -1": {"predicted": -1},
        "a probability over 1": {"proba": [1.5, -0.5, 0.0, 0.0]},
        "probabilities that do not sum to one": {"proba": [0.5, 0.6, 0.0, 0.0]},
        "an unknown id": {"id": "nobody-000"},
        "a split that is not scored": {"split": "train"},
    }
    if how == "a missing id":
        return rest
    if how == "a duplicate id":
        return [*found, first]
    values = {name: getattr(first, name) for name in ("id", "split", "predicted", "proba")}
    return [*rest, Prediction(**(values | change[how]))]


SAID = {
    "label 7": "has the label 7, which does not exist",
    "label -1": "has the label -1, which does not exist",
    "a probability over 1": "outside 0 to 1",
    "probabilities that do not sum to one": "that do not sum to one",
    "an unknown id": "no prediction for paragraph",
    "a split that is not scored": "in split 'train', which is not scored",
    "a missing id": "no prediction for paragraph",
    "a duplicate id": "two predictions for paragraph",
}


@pytest.mark.parametrize("how", SAID)
def test_a_stored_run_with_one_bad_answer_is_refused_by_its_folder_and_no_file_changes(how, own, run_script):
    loaded = index_as_build(own / "data", "constructed", "primary")
    folder = own / "results/runs/constructed-primary/good/s2"  # the last one read
    store(folder, spoilt(answers(loaded.rows, right=True), how), loaded.fingerprint, 2)
    before = contents(own)
    result = reproduce(run_script, own, *SMALL)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {folder}: ")
    assert SAID[how] in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(own) == before


@pytest.mark.parametrize("place", ["results/curves/constructed-primary/good/few-s2", "trained/good/few-s3"])
@pytest.mark.parametrize("how", ["label 7", "probabilities that do not sum to one"])
def test_a_learning_curves_run_with_one_bad_answer_is_refused_and_no_file_changes(how, place, own, run_script):
    loaded = index_as_build(own / "data", "constructed", "primary")
    subset = {"train": {"per_class": 2, "draw": 3}}
    store(own / place, spoilt(answers(loaded.rows, right=True), how), loaded.fingerprint, 3, subset)
    sound = {"train": {"per_class": 4, "draw": 1}}
    store(own / "trained/good/four-s1", answers(loaded.rows, right=True), loaded.fingerprint, 1, sound)
    before = contents(own)
    result = reproduce(run_script, own, *SMALL, f"curves={own}/trained")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {own / place}: ")
    assert SAID[how] in result.stderr
    assert contents(own) == before


def test_tables_of_a_build_not_asked_for_stay_on_the_pages_only_if_they_are_of_this_dataset(own, run_script):
    full = own / "results/full.md"
    title = "**Trained on the full build, tested on its public part** (`primary`, `{}`)\n\nkept\n"
    for old in (title.format("0123456789abcdef"), "a table of nothing\n"):
        full.write_text(old, "utf-8")
        before = contents(own)
        result = reproduce(run_script, own, *SMALL)
        assert result.returncode == 1
        assert result.stderr.startswith(f"error: {full}: holds tables of ")
        assert contents(own) == before
    full.write_text(title.format(index_as_build(own / "data", "full", "primary").fingerprint), "utf-8")
    result = reproduce(run_script, own, *SMALL)
    assert result.returncode == 0, result.stderr
    readme = (own / "README.md").read_text("utf-8")
    assert readme.index("kept") < readme.index("Trained on the constructed build")
    # what shows all builds at once is not made of one of them
    assert "index.html and tables/cost stay as they are: they show full too" in result.stdout
    assert (own / "results/index.html").read_text("utf-8") == "old\n"
    assert not (own / "results/tables/cost.md").exists()


def test_a_folder_of_results_is_of_one_configuration(own, run_script):
    (own / "results/constructed.md").write_text("**t** (`functions`, `0123456789abcdef`)\n", "utf-8")
    before = contents(own)
    result = reproduce(run_script, own, *SMALL)
    assert result.returncode == 2
    assert "constructed.md: holds tables of functions, not of primary; results= names a folder" in result.stderr
    assert contents(own) == before


@pytest.mark.parametrize("option", ["models=[]", "seeds=[1,1]", "builds=[]"])
def test_what_is_listed_is_listed_once_and_at_all(option, own, run_script):
    result = reproduce(run_script, own, *SMALL, option)
    assert result.returncode == 2
    assert result.stderr == f"usage: {option.replace('1,1', '1, 1')}: names each once, and one at least\n"
