"""Predictions against gold: what fits is scored, what does not is refused in one line."""

import pytest

from jianghua.evaluation import score_predictions
from jianghua.schema import BadData, Prediction


def row(number, label, source="constructed", **more):
    base = {"id": f"d{number // 4}-{number:03d}", "doc_id": f"d{number // 4}", "source": source, "text": "字" * 50}
    return base | {"label": label, "functions": [label], "agreement": 1.0} | more


@pytest.fixture
def rows():
    return {"validation": [row(i, i % 4) for i in range(8)], "test": [row(i, i % 4) for i in range(8, 40)]}


def right(rows, config="primary"):
    sure = {i: [0.97 if j == i else 0.01 for j in range(4)] for i in range(4)}
    return [
        Prediction(r["id"], split, r["label"] if config == "primary" else [r["label"]], sure[r["label"]])
        for split in ("validation", "test")
        for r in rows[split]
    ]


def test_perfect_predictions_score_one_with_counts_and_documents(rows):
    test = score_predictions(rows, right(rows), "primary")["split"]["test"]
    assert test["macro_f1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 32, "documents": 8}
    assert test["accuracy"]["value"] == 1.0
    assert test["per_class"]["anecdote"]["n"] == 8
    assert test["confusion"][3] == [0, 0, 0, 8]
    assert test["slices"]["length"]["under 80"]["n"] == 32


def test_functions_are_scored_as_sets(rows):
    predictions = right(rows, "functions")
    predictions[-1] = Prediction(predictions[-1].id, "test", [], [0.1] * 4)
    test = score_predictions(rows, predictions, "functions")["split"]["test"]
    assert test["exact_match"]["value"] == pytest.approx(31 / 32)
    assert test["per_class"]["anecdote"]["recall"] == pytest.approx(7 / 8)


def test_public_and_constructed_test_parts_are_never_pooled(rows):
    rows["test"] += [row(i, i % 4, "public") for i in range(100, 120)]
    split = score_predictions(rows, right(rows), "primary")["split"]
    assert split["test"]["macro_f1"]["n"] == 20
    assert split["test_constructed"]["macro_f1"]["n"] == 32


def test_the_headline_is_over_functions_with_thirty_paragraphs(rows):
    rows["test"] = [row(i, 0 if i < 100 else 2) for i in range(8, 140)] + [row(200, 3)]
    test = score_predictions(rows, right(rows), "primary")["split"]["test"]
    assert test["headline_macro_f1"]["labels"] == ["praise", "directive"]


def broken(rows, change):
    predictions = right(rows)
    change(predictions)
    return predictions


def replace(index, **more):
    def change(predictions):
        old = predictions[index]
        values = {"id": old.id, "split": old.split, "predicted": old.predicted, "proba": old.proba} | more
        predictions[index] = Prediction(**values)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p.pop(), "no prediction for paragraph"),
        (lambda p: p.append(p[-1]), "two predictions"),
        (lambda p: p.append(Prediction("x-1", "test", 0, [1, 0, 0, 0])), "x-1"),
        (replace(-1, proba=[0.9, 0.9, 0.1, 0.1]), "probabilities"),
        (replace(-1, proba=[1.2, -0.2, 0.0, 0.0]), "probabilities"),
        (replace(-1, proba=[0.5, 0.5]), "probabilities"),
        (replace(-1, predicted=7), "does not exist"),
        (replace(-1, predicted=-1), "does not exist"),
        (replace(-1, predicted=True), "does not exist"),
        (replace(-1, predicted="0"), "does not exist"),
        (replace(-1, proba=["a", "b", "c", "d"]), r"needs 4 probabilities, found \['a'"),
        (replace(-1, proba="abcd"), "needs 4 probabilities, found 'abcd'"),
        (replace(-1, proba=0.5), "needs 4 probabilities, found 0.5"),
        (replace(-1, proba=None), "needs 4 probabilities, found None"),
        (replace(-1, proba=[None, 0.5, 0.5, 0.0]), "needs 4 probabilities"),
        (replace(-1, proba=[True, False, False, False]), "needs 4 probabilities"),
        (replace(-1, proba=[[1.0], [0.0], [0.0], [0.0]]), "needs 4 probabilities"),
        (replace(-1, proba=[float("nan"), 0.5, 0.5, 0.0]), "outside 0 to 1"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(rows, change, says):
    with pytest.raises(BadData, match=says):
        score_predictions(rows, broken(rows, change), "primary", "p.parquet")


@pytest.mark.parametrize("split", ["train", "tset", "", None, ["test"]])
@pytest.mark.parametrize("name", ["x-1", "d5-020"])
def test_a_prediction_in_a_split_that_is_not_scored_is_refused_by_name_whether_its_id_is_known_or_not(
    rows, split, name
):
    predictions = [*right(rows), Prediction(name, split, 0, [1.0, 0.0, 0.0, 0.0])]
    with pytest.raises(BadData) as caught:
        score_predictions(rows, predictions, "primary", "p.parquet")
    assert str(caught.value).startswith(f"p.parquet: prediction for {name!r} in split {split!r}, which is not scored")


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("gone", [True, False])
def test_an_empty_split_of_either_kind_is_refused(rows, split, gone):
    predictions = [p for p in right(rows) if p.split != split]
    rows[split] = []
    if gone:
        del rows[split]
    with pytest.raises(BadData, match=f"no paragraphs in split '{split}'"):
        score_predictions(rows, predictions, "primary", "p.parquet")


def test_whole_numbers_are_probabilities_too(rows):
    predictions = right(rows)
    replace(-1, proba=[0, 0, 0, 1])(predictions)
    assert score_predictions(rows, predictions, "primary")["split"]["test"]["accuracy"]["value"] == 1.0


def test_an_empty_dataset_is_refused():
    with pytest.raises(BadData, match="no validation or test"):
        score_predictions({"test": []}, [], "primary")
