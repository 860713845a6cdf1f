"""Metrics, intervals, significance and calibration: plain arrays in, plain numbers out, no torch."""

from jianghua.evaluation.calibration import choose_thresholds, expected_calibration_error, fit_temperature
from jianghua.evaluation.compare import paired_randomisation
from jianghua.evaluation.intervals import bootstrap_interval
from jianghua.evaluation.metrics import accuracy, f1_per_class, macro_f1, micro_f1
from jianghua.evaluation.score import (
    compare_runs,
    document_counts,
    join,
    score_predictions,
    score_split,
    scored_parts,
    targets,
)

__all__ = [
    "accuracy",
    "bootstrap_interval",
    "choose_thresholds",
    "compare_runs",
    "document_counts",
    "expected_calibration_error",
    "f1_per_class",
    "fit_temperature",
    "join",
    "macro_f1",
    "micro_f1",
    "paired_randomisation",
    "score_predictions",
    "score_split",
    "scored_parts",
    "targets",
]
