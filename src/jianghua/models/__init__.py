"""Encoders and baselines behind one `Classifier` protocol: fit, predict_proba, save, load."""

from jianghua.models.baselines import Length, Majority, Tfidf
from jianghua.models.classifier import (
    Classifier,
    Examples,
    check_engine,
    decide,
    label_texts,
    load_classifier,
    load_engine,
)
from jianghua.models.device import check_device, check_threads, choose_device, thread_count
from jianghua.models.keywords import Keywords

__all__ = [
    "Classifier",
    "Examples",
    "Keywords",
    "Length",
    "Majority",
    "Tfidf",
    "check_device",
    "check_engine",
    "check_threads",
    "choose_device",
    "decide",
    "label_texts",
    "load_classifier",
    "load_engine",
    "thread_count",
]
