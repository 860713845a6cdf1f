"""What is fitted on validation is folded into the model: fitted again, there is nothing left to fold."""

import functools

import cued_examples
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jianghua.evaluation import fit_temperature
from jianghua.models import Keywords, Length, Tfidf, load_classifier
from jianghua.models.encoder import Encoder
from jianghua.training.calibrate import calibrate

# length tells the function too, and a third of the labels are chance
examples = functools.partial(cued_examples.examples, longer=12, chance=0.3)


def encoder_with_a_fitted_layer(root, data):
    """The shipped encoder as it is, its last layer fitted to its own features, and three times too sure."""
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary")
    fitted = LogisticRegression(C=10, max_iter=2000).fit(encoder.features(data.texts), data.target)
    encoder.set_last_layer(3 * fitted.coef_.astype(np.float32), 3 * fitted.intercept_.astype(np.float32))
    return encoder


def fitted_again(model, validation):
    logits = model.predict_logits(validation.texts)
    return fit_temperature(logits, validation.target, multilabel=model.config == "functions")


@pytest.mark.parametrize("config", ["primary", "functions"])
@pytest.mark.parametrize(
    "start", [Tfidf, lambda config: Tfidf(config, estimator="svm"), Keywords, Length], ids=["tfidf", "svm", "kw", "len"]
)
def test_the_temperature_of_a_calibrated_baseline_is_one(config, start):
    model, validation = start(config), examples(config, 300, seed=2)
    model.fit(examples(config, 200, seed=1))
    calibrate(model, validation)
    assert fitted_again(model, validation) == pytest.approx(1, abs=0.01)
    model.scale(1 / 3)  # three times too sure
    assert calibrate(model, validation) == pytest.approx(3, rel=0.01)
    assert fitted_again(model, validation) == pytest.approx(1, abs=0.01)


def test_the_temperature_of_a_calibrated_encoder_is_one_also_after_saving(root, tmp_path):
    validation = examples("primary", 160, seed=2)
    encoder = encoder_with_a_fitted_layer(root, examples("primary", 160, seed=1))
    assert calibrate(encoder, validation) > 1.2
    assert fitted_again(encoder, validation) == pytest.approx(1, abs=0.01)
    encoder.save(tmp_path / "m")
    assert fitted_again(load_classifier(tmp_path / "m"), validation) == pytest.approx(1, abs=0.01)


def test_a_temperature_of_two_halves_the_logits_of_an_encoder(root):
    data = examples("primary", 40, seed=3)
    encoder = encoder_with_a_fitted_layer(root, data)
    before = encoder.predict_logits(data.texts)
    encoder.scale(2)
    assert np.abs(before).max() > 1
    assert np.allclose(encoder.predict_logits(data.texts), before / 2, atol=1e-5)
