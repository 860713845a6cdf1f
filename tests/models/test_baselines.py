"""Baselines keep their promises: fit, probabilities, save, load."""

import json

import numpy as np
import pytest

from jianghua.models import Examples, Majority, Tfidf, decide, load_classifier
from jianghua.schema import BadData

WORDS = ["成绩突出值得表扬", "存在差距必须批评", "月底之前负责落实", "那天他在村口说过"]


def examples(config, count=60):
    rng = np.random.default_rng(0)
    ids = np.arange(count) % 4
    texts = [WORDS[i] + "".join(rng.choice(list("天地人和工农商学"), 6)) for i in ids]
    target = ids if config == "primary" else np.eye(4, dtype=bool)[ids]
    return Examples(texts, target)


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_tfidf_learns_and_survives_saving(tmp_path, config):
    data = examples(config)
    model = Tfidf(config)
    model.fit(data, data)
    proba = model.predict_proba(data.texts)
    decided = decide(proba, config, model.thresholds)
    gold = data.target.tolist() if config == "primary" else [[int(i)] for i in data.target.argmax(1)]
    assert decided == gold
    model.thresholds = [0.4, 0.5, 0.6, 0.3]
    model.save(tmp_path / "m")
    again = load_classifier(tmp_path / "m")
    assert again.config == config
    assert again.thresholds == model.thresholds
    assert np.allclose(again.predict_proba(data.texts), proba, atol=1e-5)


def test_scaling_by_a_temperature_flattens_and_keeps_the_decision():
    data = examples("primary")
    model = Tfidf("primary")
    model.fit(data, data)
    before = model.predict_proba(data.texts)
    model.scale(3.0)
    after = model.predict_proba(data.texts)
    assert (after.max(1) < before.max(1)).all()
    assert (after.argmax(1) == before.argmax(1)).all()


def test_majority_gives_the_class_frequencies_of_train(tmp_path):
    data = Examples(["a"] * 4, np.array([2, 2, 2, 0]))
    model = Majority("primary")
    model.fit(data, data)
    model.save(tmp_path)
    assert load_classifier(tmp_path).predict_proba(["x"]).tolist() == [[0.25, 0.0, 0.75, 0.0]]


def test_a_class_missing_from_train_gets_almost_no_probability():
    data = examples("primary")
    kept = [i for i, label in enumerate(data.target) if label != 3]
    model = Tfidf("primary")
    model.fit(Examples([data.texts[i] for i in kept], data.target[kept]), data)
    assert model.predict_proba(data.texts)[:, 3].max() < 1e-6


def test_a_train_split_with_one_label_is_refused():
    with pytest.raises(BadData, match="single label"):
        Tfidf("primary").fit(Examples(["甲乙", "甲丙"], np.array([1, 1])), None)


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
