"""Encoders and baselines behind one `Classifier` protocol: fit, predict_proba, save, load."""

from jianghua.models.baselines import Majority, Tfidf
from jianghua.models.classifier import Classifier, Examples, decide, load_classifier

__all__ = ["Classifier", "Examples", "Majority", "Tfidf", "decide", "load_classifier"]
