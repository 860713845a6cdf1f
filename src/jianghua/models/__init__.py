"""Encoders and baselines behind one `Classifier` protocol: fit, predict_proba, save, load."""

from jianghua.models.baselines import Length, Majority, Tfidf
from jianghua.models.classifier import Classifier, Examples, decide, load_classifier
from jianghua.models.keywords import Keywords

__all__ = ["Classifier", "Examples", "Keywords", "Length", "Majority", "Tfidf", "decide", "load_classifier"]
