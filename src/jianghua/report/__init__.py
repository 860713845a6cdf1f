"""Tables, pictures and pages."""

from jianghua.report.page import speech_page
from jianghua.report.pictures import confusion_picture
from jianghua.report.progress import training_progress
from jianghua.report.tables import markdown_table, number, print_scores, score_cells, score_columns

__all__ = [
    "confusion_picture",
    "markdown_table",
    "number",
    "print_scores",
    "score_cells",
    "score_columns",
    "speech_page",
    "training_progress",
]
