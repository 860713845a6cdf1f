"""A run folder is read whole or refused in one line, whatever stands in its files."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jianghua.files import write_json
from jianghua.schema import BadData, Prediction
from jianghua.training import read_run
from jianghua.training.runs import default_runs, write_predictions

METADATA = {"build": "constructed", "fingerprint": "0123456789abcdef", "subset": "null"}
RECORD = {"model": "tfidf", "seed": 1}


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "讲话（1）"
    found.mkdir()
    write(found)
    write_json(found / "environment.json", RECORD)
    (found / "DONE").write_text("")
    return found


def write(folder, leave_out=(), **more):
    kept = {name: value for name, value in (METADATA | more).items() if name not in leave_out}
    predictions = [Prediction("d-001", "test", 0, [0.7, 0.1, 0.1, 0.1])]
    write_predictions(folder / "predictions.parquet", predictions, "primary", kept)


def refusal(folder):
    with pytest.raises(BadData) as caught:
        read_run(folder)
    assert folder.name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_finished_run_says_what_it_is(folder):
    run = read_run(folder)
    assert (run.model, run.seed, run.config, run.build, run.subset) == ("tfidf", 1, "primary", "constructed", None)
    assert [p.id for p in run.predictions] == ["d-001"]
    write(folder, subset='{"train": {"documents": 0.1}}')
    assert read_run(folder).subset == {"train": {"documents": 0.1}}
    write(folder, leave_out=("subset",))  # runs from before there were subsets
    assert read_run(folder).subset is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "expected a JSON object, found list"),
        ("null", "expected a JSON object, found NoneType"),
        ('"x"', "expected a JSON object, found str"),
        ("{", "not JSON"),
        ('{"seed": 1}', "missing field 'model'"),
        ('{"model": "tfidf"}', "missing field 'seed'"),
        ('{"model": ["tfidf"], "seed": 1}', "field 'model' should be str"),
        ('{"model": "tfidf", "seed": "1"}', "field 'seed' should be int"),
        ('{"model": "tfidf", "seed": true}', "field 'seed' should be int"),
    ],
)
def test_an_environment_that_is_no_record_of_a_run_is_refused_in_one_line(folder, text, says):
    (folder / "environment.json").write_text(text, "utf-8")
    assert says in (message := refusal(folder))
    assert "environment.json" in message


@pytest.mark.parametrize(
    ("subset", "says"), [("{train", "is not JSON"), ("", "is not JSON"), ("[1]", "found [1]"), ('"a"', "found 'a'")]
)
def test_a_subset_that_is_no_subset_is_refused_in_one_line(folder, subset, says):
    write(folder, subset=subset)
    assert says in (message := refusal(folder))
    assert "the subset in its metadata" in message
    assert "predictions.parquet" in message


@pytest.mark.parametrize("name", ["build", "fingerprint"])
def test_predictions_that_do_not_say_of_what_dataset_they_are_are_refused(folder, name):
    write(folder, leave_out=(name,))
    assert f"does not say its '{name}'" in refusal(folder)


def test_predictions_of_no_known_configuration_are_refused(folder):
    table = pq.read_table(folder / "predictions.parquet")
    for config, says in (("secondary", "config 'secondary'"), (None, "does not say its 'config'")):
        metadata = METADATA | ({"config": config} if config else {})
        pq.write_table(table.replace_schema_metadata(metadata), folder / "predictions.parquet")
        assert says in refusal(folder)


def test_metadata_that_is_no_text_is_refused_in_one_line(folder):
    table = pq.read_table(folder / "predictions.parquet")
    metadata = METADATA | {"config": "primary", "subset": b"\xff\xfe"}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "predictions.parquet")
    assert "is not JSON" in refusal(folder)


def test_probabilities_of_any_type_are_read_so_that_scoring_can_name_the_paragraph(folder):
    for column in (pa.array([["a", "b"]]), pa.array([0.5])):
        table = pq.read_table(folder / "predictions.parquet")
        table = table.set_column(table.column_names.index("proba"), "proba", column)
        pq.write_table(table, folder / "predictions.parquet")
        assert read_run(folder).predictions[0].proba == column[0].as_py()


def test_of_a_folder_that_is_no_run_what_it_is_is_said(folder):
    name = folder.name
    with pytest.raises(BadData, match=rf"holds the runs {name}; name one of them"):
        read_run(folder.parent)
    (folder / "DONE").unlink()
    with pytest.raises(BadData, match=r"not a run folder \(no config.yaml\)"):
        read_run(folder)
    (folder / "config.yaml").write_text("", "utf-8")
    with pytest.raises(BadData, match=r"not a finished run \(no DONE\)"):
        read_run(folder)


def test_the_newest_default_run_is_not_looked_for_in_a_record_that_is_none(tmp_path):
    place = tmp_path / "data/mini/x-s1"
    (place / "model").mkdir(parents=True)
    for name in ("DONE", "model/tokenizer.json"):
        (place / name).write_text("")
    (place / "environment.json").write_text(json.dumps([1]), "utf-8")
    with pytest.raises(BadData, match="expected a JSON object, found list"):
        default_runs(tmp_path)
