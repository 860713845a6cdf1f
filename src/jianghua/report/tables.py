"""Scores as tables: for a terminal, and as Markdown, LaTeX (booktabs) and CSV."""

import csv
import io
from collections.abc import Sequence

from jianghua.schema import LABELS


def number(score: dict | None) -> str:
    """`0.712 [0.650, 0.770]`, or `–` where the score is undefined."""
    if score is None or score["value"] is None:
        return "–"
    text = f"{score['value']:.3f}"
    if score.get("low") is not None:
        text += f" [{score['low']:.3f}, {score['high']:.3f}]"
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


_TEX = {"\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}
_TEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$", "→": r"$\rightarrow$"}
_TEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}


def _tex(text: str) -> str:
    """Plain text for LaTeX; a name in back-quotes, as Markdown has it, becomes typewriter."""
    pieces = ["".join(_TEX.get(char, char) for char in piece) for piece in str(text).split("`")]
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(rf"\texttt{{{piece}}}" if i % 2 else piece for i, piece in enumerate(pieces))


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A LaTeX `table` for the package booktabs, first column left, the others right."""
    lines = [r"\begin{table}", r"\centering"]
    lines += [rf"\caption{{{_tex(caption)}}}"] if caption else []
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule"]
    lines += [" & ".join(map(_tex, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(_tex, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def csv_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Comma-separated values, lines end in \\n; None is an empty field, numbers have six digits at most."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])
    return out.getvalue()


def terminal(**options):
    """rich's console; whoever stops reading it ends a script as `print` does, not with rich's own status."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Terminal(**options)


def print_table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", left: int = 1
) -> None:
    """Any table on standard output, its first `left` columns left, the others right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for i, name in enumerate(header):
        table.add_column(name, justify="left" if i < left else "right", overflow="fold")  # digits are not left out
    for row in rows:
        table.add_row(*row)
    plain = {"markup": False, "emoji": False}  # a title in square brackets is a title
    console = terminal(**plain)
    # piped output must not be cut to 80 columns
    (console if console.is_terminal else terminal(width=150, **plain)).print(table)


def print_scores(title: str, config: str, rows: Sequence[tuple[str, dict]]) -> None:
    """One table of models on one split part, on standard output."""
    labels = rows[0][1].get("headline_macro_f1", {}).get("labels", [])
    few = rows[0][1]["macro_f1"]["low"] is None
    intervals = "no intervals: too few documents to resample" if few else "intervals: 95 %, over documents"
    caption = (
        f"{describe_part(rows[0][1])}; {intervals}; headline: macro-F1 over the functions with at "
        f"least 30 paragraphs here ({', '.join(labels) or 'none'})"
    )
    cells = [[name, *score_cells(part)] for name, part in rows]
    print_table(title, ["model", *score_columns(config)], cells, caption)
    for name, part in rows:
        if worst := part.get("worst_slice"):
            right = (part.get("accuracy") or part["exact_match"])["value"]
            print(
                f"{name}: worst slice of at least 30 paragraphs: {worst['slice']} {worst['group']}, "
                f"{worst['correct']:.3f} right (n = {worst['n']}); all {right:.3f}"
            )


def slice_rows(parts: Sequence[dict]) -> list[list[str]]:
    """Cells of every slice: slice, group, paragraphs, documents, then macro-F1 and share right of each system.

    A group under 30 paragraphs is marked: its numbers are shown, not to be compared.
    """
    rows = []
    for name, groups in parts[0]["slices"].items():
        for group, first in groups.items():
            found = [part["slices"][name][group] for part in parts]
            scores = [number({"value": g["macro_f1"]}) + f" / {g['correct']:.3f}" for g in found]
            few = " (few)" if first["small"] else ""
            rows.append([name, group, f"{first['n']}{few}", str(first["documents"]), *scores])
    return rows


def print_slices(title: str, rows: Sequence[tuple[str, dict]]) -> None:
    """All slices of one split part, a column a system, on standard output."""
    header = ["slice", "group", "paragraphs", "documents", *(name for name, _ in rows)]
    cells = slice_rows([part for _, part in rows])
    print_table(f"{title}: macro-F1 / share right, by slice", header, cells, "(few): under 30 paragraphs", left=2)


def rank(place: dict) -> str:
    """`2 [1–3]`, or `2` without an interval."""
    return str(place["rank"]) + ("" if place["low"] is None else f" [{place['low']}–{place['high']}]")


def print_comparison(comparison: dict) -> None:
    """The paired tests of `evaluation.compare_table`, a line a pair, and ranks where there are more than two."""
    for part, tests in comparison.items():
        for pair in tests["pairs"]:
            many = len(tests["pairs"]) > 1
            text = f"{part}: {pair['left'] + ' minus ' + pair['right'] + ', ' if many else ''}"
            text += f"difference in macro-F1 {pair['difference']:+.3f}"
            boot = pair["bootstrap"]
            if pair["p_value"] is None:
                print(f"{text}; no interval and no test: too few documents")
                continue
            effect = "–" if boot["effect_size"] is None else f"{boot['effect_size']:+.2f}"
            text += f" [{boot['low']:+.3f}, {boot['high']:+.3f}] over {', '.join(tests['labels'])}; "
            text += f"p = {pair['p_value']:.4f} (paired randomisation over {pair['documents']} documents"
            text += f"; {pair['p_holm']:.4f} after Holm" if many else ""
            text += f"), p = {boot['p_value']:.4f} (paired bootstrap); effect size {effect}; "
            print(text + f"smallest difference found with 80 % power: {boot['smallest_difference']:.3f}")
        if len(tests["ranks"]) > 2:
            print(f"{part}: rank [95 %] " + ", ".join(f"{name} {rank(p)}" for name, p in tests["ranks"].items()))
