"""Tables, pictures and pages."""

from jianghua.report.page import speech_page
from jianghua.report.pictures import calibration_picture, confusion_picture, score_pictures
from jianghua.report.progress import training_progress
from jianghua.report.tables import (
    markdown_table,
    number,
    print_comparison,
    print_scores,
    print_slices,
)

__all__ = [
    "calibration_picture",
    "confusion_picture",
    "markdown_table",
    "number",
    "print_comparison",
    "print_scores",
    "print_slices",
    "score_pictures",
    "speech_page",
    "training_progress",
]
