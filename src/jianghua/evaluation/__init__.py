"""Metrics, intervals, significance and calibration: plain arrays in, plain numbers out, no torch."""

from jianghua.evaluation.calibration import (
    choose_thresholds,
    expected_calibration_error,
    fit_temperature,
    reliability,
    risk_coverage,
)
from jianghua.evaluation.compare import (
    compare,
    holm,
    paired_bootstrap,
    paired_randomisation,
    ranks,
    smallest_difference,
)
from jianghua.evaluation.intervals import bootstrap_interval, interval_over_seeds
from jianghua.evaluation.measure import measure
from jianghua.evaluation.metrics import (
    accuracy,
    average_precision,
    balanced_accuracy,
    f1_per_class,
    macro_f1,
    matthews_correlation,
    micro_f1,
)
from jianghua.evaluation.score import (
    compare_table,
    document_counts,
    headline_labels,
    join,
    part_counts,
    score_predictions,
    score_split,
    scored_parts,
    targets,
)
from jianghua.evaluation.votes import votes_alone

__all__ = [
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "bootstrap_interval",
    "choose_thresholds",
    "compare",
    "compare_table",
    "document_counts",
    "expected_calibration_error",
    "f1_per_class",
    "fit_temperature",
    "headline_labels",
    "holm",
    "interval_over_seeds",
    "join",
    "macro_f1",
    "matthews_correlation",
    "measure",
    "micro_f1",
    "paired_bootstrap",
    "paired_randomisation",
    "part_counts",
    "ranks",
    "reliability",
    "risk_coverage",
    "score_predictions",
    "score_split",
    "scored_parts",
    "smallest_difference",
    "targets",
    "votes_alone",
]
