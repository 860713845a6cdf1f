"""A frozen encoder and a linear head: what its states hold already, before any fine-tuning.

The head is a logistic regression on what the model's own last layer reads (pooled as the model pools), and its
weights become that layer's: a probe is saved, loaded and run like every other encoder. The strength of the
regularisation is chosen by the loss on validation.
"""

import numpy as np

from jianghua.models.baselines import linear_weights
from jianghua.models.classifier import Examples
from jianghua.models.encoder import Encoder
from jianghua.schema import LABELS, BadData

STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # C of scikit-learn: smaller is stricter


def fit_probe(encoder: Encoder, train: Examples, validation: Examples) -> list[dict]:
    """Fit the head in place; returns a row a strength: `{"c", "loss"}` on validation."""
    from sklearn.linear_model import LogisticRegression

    features, held = encoder.features(train.texts), encoder.features(validation.texts)
    # a layer without a bias cannot take up the mean, only the scale
    mean = features.mean(0) if encoder.has_bias else np.zeros(features.shape[1], features.dtype)
    scale = np.maximum(features.std(0), 1e-6)
    scaled, scaled_held = (features - mean) / scale, (held - mean) / scale
    rows, best = [], None
    for c in STRENGTHS:

        def regression(c=c):
            return LogisticRegression(C=c, class_weight="balanced", max_iter=2000, fit_intercept=encoder.has_bias)

        coef, intercept = linear_weights(scaled, train.target, encoder.config, regression)
        if not encoder.has_bias and not (told := coef.any(1)).all():  # only an intercept says never, or always
            constant = LABELS[int(np.flatnonzero(~told)[0])]
            raise BadData(f"the train split holds no {constant}, or nothing else: a head without a bias cannot say so")
        loss = _loss(scaled_held @ coef.T + intercept * encoder.has_bias, validation.target, encoder.config)
        rows.append({"c": c, "loss": loss})
        if best is None or loss < best[0]:
            best = loss, coef, intercept
    coef = best[1] / scale
    encoder.set_last_layer(coef, best[2] - coef @ mean)
    return rows


def _loss(logits: np.ndarray, target: np.ndarray, config: str) -> float:
    from scipy.special import log_expit, log_softmax

    if config == "primary":
        return float(-log_softmax(logits, axis=1)[np.arange(len(target)), target].mean())
    return float(-np.where(target, log_expit(logits), log_expit(-logits)).mean())
