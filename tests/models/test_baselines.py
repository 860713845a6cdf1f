"""Baselines keep their promises: fit, probabilities, save, load."""

import json
from pathlib import Path

import numpy as np
import pytest
from cued_examples import examples

from jianghua.annotate.audit import character_grams, tfidf
from jianghua.dataset import load_build
from jianghua.dataset.load import check_class_names
from jianghua.models import Examples, Keywords, Length, Majority, Tfidf, decide, load_classifier
from jianghua.models.keywords import PATTERNS
from jianghua.schema import LABELS, BadData, BadUsage
from jianghua.training.calibrate import calibrate


@pytest.mark.parametrize("estimator", ["logistic", "svm"])
@pytest.mark.parametrize("config", ["primary", "functions"])
def test_tfidf_learns_and_survives_saving(tmp_path, config, estimator):
    data = examples(config)
    model = Tfidf(config, estimator=estimator)
    model.fit(data)
    proba = model.predict_proba(data.texts)
    decided = decide(proba, config, model.thresholds)
    gold = data.target.tolist() if config == "primary" else [[int(i)] for i in data.target.argmax(1)]
    assert decided == gold
    model.thresholds = [0.4, 0.5, 0.6, 0.3]
    model.save(tmp_path / "m")
    again = load_classifier(tmp_path / "m")
    assert again.config == config
    assert again.thresholds == model.thresholds
    assert again.estimator == estimator
    assert np.allclose(again.predict_proba(data.texts), proba, atol=1e-5)


def test_scaling_by_a_temperature_flattens_and_keeps_the_decision():
    data = examples("primary")
    model = Tfidf("primary")
    model.fit(data)
    before = model.predict_proba(data.texts)
    model.scale(3.0)
    after = model.predict_proba(data.texts)
    assert (after.max(1) < before.max(1)).all()
    assert (after.argmax(1) == before.argmax(1)).all()


def test_majority_gives_the_class_frequencies_of_train(tmp_path):
    data = Examples(["a"] * 4, np.array([2, 2, 2, 0]))
    model = Majority("primary")
    model.fit(data)
    model.save(tmp_path)
    assert load_classifier(tmp_path).predict_proba(["x"]).tolist() == [[0.25, 0.0, 0.75, 0.0]]


def test_a_class_missing_from_train_gets_almost_no_probability():
    data = examples("primary")
    kept = [i for i, label in enumerate(data.target) if label != 3]
    model = Tfidf("primary")
    model.fit(Examples([data.texts[i] for i in kept], data.target[kept]))
    assert model.predict_proba(data.texts)[:, 3].max() < 1e-6


def test_a_train_split_with_one_label_is_refused():
    with pytest.raises(BadData, match="single label"):
        Tfidf("primary").fit(Examples(["甲乙", "甲丙"], np.array([1, 1])))


def test_folders_that_are_no_model_are_refused_in_one_line(tmp_path):
    with pytest.raises(BadData, match="no such model folder"):
        load_classifier(tmp_path / "none")
    with pytest.raises(BadData, match=r"no config\.json"):
        load_classifier(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "id2label": {"0": "LABEL_0"}}), "utf-8")
    with pytest.raises(BadData, match=r"its labels are \['LABEL_0'\]"):
        load_classifier(tmp_path)
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(BadData, match="not JSON"):
        load_classifier(tmp_path)


def test_the_baseline_weighs_words_as_the_audit_and_the_gates_do():
    texts = examples("primary").texts
    model = Tfidf("primary")
    model.fit(Examples(texts, np.arange(60) % 4))
    counts = character_grams(texts)
    weights, _ = tfidf(counts, None, counts[:1])
    expected = model.vectorizer.transform(texts).toarray()
    found = weights.toarray()
    assert found.shape == expected.shape  # the same grams, in another order of columns
    assert np.allclose(found @ found.T, expected @ expected.T, atol=1e-6)
    assert np.allclose(np.sort(found, axis=1), np.sort(expected, axis=1), atol=1e-6)


def test_support_vectors_become_probabilities_on_validation():
    rng = np.random.default_rng(1)
    data = examples("primary", 200)
    noisy = Examples(data.texts, np.where(rng.random(200) < 0.3, rng.integers(0, 4, 200), data.target))
    model = Tfidf("primary", c=1.0, estimator="svm")
    model.fit(data)
    calibrate(model, noisy)
    proba = model.predict_proba(data.texts)
    assert np.allclose(proba.sum(1), 1)
    hit = (proba.argmax(1) == noisy.target).mean()
    assert abs(proba.max(1).mean() - hit) < 0.05  # as sure as it is right


@pytest.mark.parametrize(
    ("option", "value"),
    [("estimator", "forest"), ("c", -1), ("c", float("nan")), ("c", True), ("min_df", 0), ("min_df", 1.5)]
    + [("ngrams", value) for value in (3, [3, 1], [1], [0, 2], ["1", "3"])],
)
def test_options_with_which_nothing_can_be_fitted_are_refused(option, value):
    with pytest.raises(BadUsage, match=rf"model\.{option}="):
        Tfidf("primary", **{option: value})


def test_n_grams_too_rare_for_every_train_paragraph_are_bad_data():
    with pytest.raises(BadData, match=r"no n-gram stands in 100 paragraphs of train; model\.min_df="):
        Tfidf("primary", min_df=100).fit(examples("primary"))


@pytest.mark.parametrize("thresholds", [[0.5] * 3, [0.5, 0.5, 0.5, None], "0.5", [[0.5] * 4]])
@pytest.mark.parametrize("model", [Majority, Keywords])
def test_thresholds_that_are_not_one_number_a_function_are_refused(model, thresholds, tmp_path):
    fitted = model("primary")
    fitted.fit(examples("primary"))
    fitted.save(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(record | {"thresholds": thresholds}), "utf-8")
    with pytest.raises(BadData, match="not a whole model"):
        load_classifier(tmp_path)


def test_a_tfidf_folder_whose_weights_are_empty_is_refused(tmp_path):
    fitted = Tfidf("primary")
    fitted.fit(examples("primary"))
    fitted.save(tmp_path)
    whole = (tmp_path / "weights.npz").read_bytes()
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(BadData, match="not a whole tfidf model"):
        load_classifier(tmp_path)
    refused = 0
    for place in range(0, len(whole), 7):  # a byte anywhere: the archive's own, or of what is packed in it
        (tmp_path / "weights.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            load_classifier(tmp_path)
        except BadData:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_length_gives_the_frequencies_of_paragraphs_of_that_length(tmp_path, config):
    lengths = np.repeat([20, 60, 100, 200], 50)
    ids = np.repeat([3, 0, 1, 2], 50)
    data = Examples(["好" * n for n in lengths], ids if config == "primary" else np.eye(4, dtype=bool)[ids])
    model = Length(config)
    model.fit(data)
    proba = model.predict_proba(data.texts)
    assert (proba.argmax(1) == ids).all()
    assert proba[0, 3] == pytest.approx(51 / (54 if config == "primary" else 52))
    model.scale(2.0)
    model.save(tmp_path)
    again = load_classifier(tmp_path)
    assert np.allclose(again.predict_proba(["好" * 5, "好" * 500]), model.predict_proba(["好" * 5, "好" * 500]))
    assert again.predict_proba([]).shape == (0, 4)


def test_keywords_say_why_and_leave_ties_to_the_commoner_function(tmp_path):
    model = Keywords("primary")
    model.fit(Examples(["甲"] * 5, np.array([2, 2, 2, 0, 1])))
    texts = [
        "我代表县委向大家表示衷心感谢和崇高敬意。",
        "有的同志作风漂浮，工作流于形式。",
        "月底前必须整改，不得拖延。",
        "那天凌晨，有位老人走了二十里路。",
    ]
    assert model.predict_proba(texts).argmax(1).tolist() == [0, 1, 2, 3]
    assert model.matches(texts[0])[0] == ["感谢", "敬意"]
    assert model.predict_proba(["甲乙丙丁"]).argmax() == 2
    model.scale(3.0)
    model.save(tmp_path)
    again = load_classifier(tmp_path)
    assert np.allclose(again.predict_proba(texts), model.predict_proba(texts))
    record = json.loads((tmp_path / "config.json").read_text("utf-8"))
    assert record["patterns"]["praise"] == list(PATTERNS["praise"])
    record["patterns"]["praise"] = ["旧"]  # of another version: what it was scored with is what is saved again
    (tmp_path / "config.json").write_text(json.dumps(record), "utf-8")
    load_classifier(tmp_path).save(tmp_path / "again")
    assert json.loads((tmp_path / "again/config.json").read_text("utf-8"))["patterns"]["praise"] == ["旧"]


@pytest.mark.parametrize("temperature", ["warm", None, True, 0, -1.0, float("nan"), float("inf"), 10**400, [1.0]])
def test_a_temperature_that_is_no_number_over_0_is_refused(temperature, tmp_path):
    model = Keywords("primary")
    model.fit(examples("primary"))
    model.save(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(record | {"temperature": temperature}), "utf-8")
    with pytest.raises(BadData, match=r"not a whole keywords model \(temperature is"):
        load_classifier(tmp_path)


def test_any_pattern_finds_a_function_and_none_finds_none():
    model = Keywords("functions")
    model.fit(Examples(["甲"] * 2, np.zeros((2, 4), bool)))
    texts = ["感谢大家。", "甲乙丙丁。", "感谢大家，但是有的同志工作流于形式。"]
    assert decide(model.predict_proba(texts), "functions", model.thresholds) == [[0], [], [0, 1]]


def test_the_patterns_are_a_dozen_or_so_a_function():
    assert list(PATTERNS) == list(LABELS)
    assert all(10 <= len(patterns) <= 15 for patterns in PATTERNS.values())


@pytest.mark.parametrize("kind", ["length", "keywords", "tfidf", "llm", "majority"])
def test_a_folder_that_lost_its_numbers_is_refused_in_one_line(kind, tmp_path):
    record = {"model_type": kind, "id2label": dict(enumerate(LABELS)), "thresholds": [0.5] * 4}
    (tmp_path / "config.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(BadData, match=f"not a whole {kind} model"):
        load_classifier(tmp_path)


def test_a_build_whose_class_labels_stand_in_another_order_is_refused(root, tmp_path):
    import pyarrow.parquet as pq

    load_build(root / "data/jianghua", "primary")
    load_build(root / "data/jianghua", "functions")
    for config in ("primary", "functions"):
        name = f"{config}/train-00000-of-00001.parquet"
        table = pq.read_table(root / "data/jianghua" / name)
        metadata = {
            k: v.replace(b'"praise", "criticism"', b'"criticism", "praise"') for k, v in table.schema.metadata.items()
        }
        assert metadata != table.schema.metadata
        (tmp_path / config).mkdir()
        pq.write_table(table.replace_schema_metadata(metadata), tmp_path / name)
        with pytest.raises(BadData, match="its class labels are"):
            load_build(tmp_path, config)


def metadata_naming(config, names):
    feature = {"names": names, "_type": "ClassLabel"}
    features = {"label": feature} if config == "primary" else {"functions": {"feature": feature, "_type": "List"}}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_metadata_that_names_no_labels_is_let_pass_and_metadata_that_is_no_json_is_not(config):
    place = Path("train.parquet")
    check_class_names(place, config, metadata_naming(config, list(LABELS)))
    for names in ([*LABELS[1:], LABELS[0]], list(LABELS[:3]), "praise"):
        with pytest.raises(BadData, match=r"^train\.parquet: its class labels are"):
            check_class_names(place, config, metadata_naming(config, names))
    for silent in (None, {}, {b"pandas": b"x"}, *({b"huggingface": v} for v in (b"{}", b"[]", b'{"info": null}'))):
        check_class_names(place, config, silent)
    for broken in (b"", b"{", b"\xff"):
        with pytest.raises(BadData, match="is not JSON"):
            check_class_names(place, config, {b"huggingface": broken})
