"""To and from a plain spreadsheet (CSV that Excel and WPS open): one paragraph a row, a column a function.

Any mark in a function's column means yes; an empty primary function means that the row was not answered.
Spreadsheets save CSV in the encoding and with the separator of the machine, so UTF-8 and GB18030 are read, and
commas, semicolons and tabs.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from jianghua.annotate.answers import Answer, answer_of_names
from jianghua.schema import LABELS, LABELS_ZH, BadData, at

ID, TEXT, PRIMARY, NOTE = "编号", "段落", "主要功能", "备注"
COLUMNS = (ID, TEXT, PRIMARY, *LABELS_ZH.values(), NOTE)


def to_sheet(tasks: Iterable[dict]) -> str:
    """CSV with a byte order mark; `tasks` as `exchange.tasks_of` makes them."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    # a leading = + - @ would be taken for a formula, and an apostrophe of the text's own for the one that guards these
    guarded = tuple("=+-@'")
    for task in tasks:
        text = "'" * task["text"].startswith(guarded) + task["text"]
        writer.writerow([task["id"], text] + [""] * (len(COLUMNS) - 2))
    return "\ufeff" + file.getvalue()


def read_answers(path: Path) -> tuple[list[Answer], int]:
    """`(answers, skipped)` of a filled sheet, one file an annotator: the file's stem names who."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError as error:
            raise BadData(f"{path}: neither UTF-8 nor GB18030 at byte {error.start}; save it as CSV UTF-8") from None
    first = text.partition("\n")[0]  # names of columns only: a text may hold any of the separators
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        names = reader.fieldnames or []
        rows = [(f"{path}:{reader.line_num}", row) for row in reader]
    except csv.Error as error:  # a cell beyond the reader's limit
        line = reader.reader.line_num
        raise BadData(f"{path}:{line}: {error}; is the quotation mark missing that should end a cell?") from None
    if missing := [name for name in COLUMNS[:-1] if name not in names]:
        raise BadData(f"{path}:1: no column {missing[0]!r}; keep the first row of the sheet as it was")
    answers, skipped = [], 0
    for place, row in rows:
        primary = (row[PRIMARY] or "").strip()
        marked = [name for name in LABELS if (row[LABELS_ZH[name]] or "").strip()]
        if not primary and marked:
            raise BadData(f"{place}: functions are marked but {PRIMARY} is empty; fill in one of them, or 无")
        if not primary:
            skipped += 1
            continue
        paragraph = (row[TEXT] or "").removeprefix("'")
        with at(place):
            answers.append(answer_of_names((row[ID] or "").strip(), paragraph, path.stem, primary, marked, place))
    return answers, skipped
