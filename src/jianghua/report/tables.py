"""Scores as tables: for a terminal, and as Markdown."""

from collections.abc import Sequence

from jianghua.schema import LABELS


def number(score: dict | None, digits: int = 3) -> str:
    """`0.712 [0.65, 0.77]`, or `–` where the score is undefined."""
    if score is None or score["value"] is None:
        return "–"
    text = f"{score['value']:.{digits}f}"
    if score.get("low") is not None:
        text += f" [{score['low']:.{digits}f}, {score['high']:.{digits}f}]"
    return text


def score_columns(config: str) -> list[str]:
    return ["macro-F1", "headline", "accuracy" if config == "primary" else "exact match", *LABELS, "ECE"]


def score_cells(part: dict) -> list[str]:
    """Cells of one model on one split part, in the order of `score_columns`."""
    overall = part.get("accuracy") or part.get("exact_match")
    classes = [number(part["per_class"][label]["f1"] | {"low": None}) for label in LABELS]
    error = part["calibration"]["expected_calibration_error"]
    headline = number(part.get("headline_macro_f1"))
    return [number(part["macro_f1"]), headline, number(overall), *classes, "–" if error is None else f"{error:.3f}"]


def describe_part(part: dict) -> str:
    """The counts under a table: paragraphs, documents, paragraphs a class."""
    counts = ", ".join(f"{label} {part['per_class'][label]['n']}" for label in LABELS)
    macro = part["macro_f1"]
    return f"{macro['n']} paragraphs in {macro['documents']} documents ({counts})"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A GitHub Markdown table, first column left, the others right."""
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def print_scores(title: str, config: str, rows: Sequence[tuple[str, dict]]) -> None:
    """One table of models on one split part, on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption_justify="left")
    labels = rows[0][1].get("headline_macro_f1", {}).get("labels", [])
    table.caption = (
        f"{describe_part(rows[0][1])}; intervals: 95 %, over documents; headline: macro-F1 over the functions with at "
        f"least 30 paragraphs here ({', '.join(labels) or 'none'})"
    )
    for i, name in enumerate(["model", *score_columns(config)]):
        table.add_column(name, justify="right" if i else "left")
    for name, part in rows:
        table.add_row(name, *score_cells(part))
    console = Console()
    # piped output must not be cut to 80 columns
    (console if console.is_terminal else Console(width=150)).print(table)
