"""Tables, pages and files of labelled paragraphs."""

import json
import re

import numpy as np

from jianghua.report import confusion_picture, markdown_table, number, speech_page
from jianghua.report.labelled import write_labelled
from jianghua.report.tables import print_table
from jianghua.schema import Paragraph


def paragraph(position, text, doc_id="d"):
    return Paragraph(f"{doc_id}-{position:03d}", doc_id, position, "标题", "", text, "", 0, len(text))


def test_a_score_without_an_interval_or_a_value_says_so():
    assert number({"value": 0.5, "low": 0.4, "high": 0.61}) == "0.500 [0.400, 0.610]"
    assert number({"value": 0.5, "low": None, "high": None}) == "0.500"
    assert number({"value": None, "low": None, "high": None}) == "–"


def test_a_markdown_table_has_a_rule_as_wide_as_its_header():
    lines = markdown_table(["a", "b"], [["1", "2"]]).splitlines()
    assert [line.count("|") for line in lines] == [3, 3, 3]


def test_text_of_a_speech_cannot_break_out_of_the_page():
    page = speech_page([paragraph(0, "<script>alert(1)</script>&好")], [["praise"]], np.eye(4)[:1], "primary", "m")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_shows_a_paragraph_without_a_function_as_none():
    page = speech_page([paragraph(0, "大家好。")], [[]], np.full((1, 4), 0.1), "functions", "m")
    assert "只读了其中一部分" not in page
    assert "有 2 段太长" in speech_page([], [], [], "functions", "m", cut=2)
    assert 'class="p none"' in page
    assert "90%" in page


def test_a_paragraph_fades_only_where_none_of_its_functions_is_on():
    page = speech_page(
        [paragraph(0, "好，但要改。")], [["praise", "directive"]], np.array([[0.6, 0, 0.9, 0]]), "functions", "m"
    )
    assert 'class="p directive"' in page
    assert 'data-labels="directive praise"' in page  # both buttons count it


def test_a_table_shows_square_brackets_and_every_digit_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal's width, and no cut piped output
    monkeypatch.setenv("COLUMNS", "40")
    names = ["mini data.x=[a,b]", "[/内部]讲话"]
    print_table("讲话[final].docx", ["model", *"abcdef"], [[name, *["0.931 [0.914, 0.945]"] * 6] for name in names])
    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert "讲话[final].docx" in lines
    cells = [line.replace("┃", "│").split("│")[1:-1] for line in lines.splitlines() if line.count("│") == 8]
    columns = ["".join(cell.strip() for cell in column) for column in zip(*cells, strict=True)]
    assert columns[0].replace(" ", "") == "minidata.x=[a,b][/内部]讲话"
    assert columns[1].replace(" ", "") == "0.931[0.914,0.945]" * 2


def test_functions_are_lists_in_json_lines_and_joined_in_csv(tmp_path):
    arguments = ([paragraph(0, "好，但要改。")], [["praise", "directive"]], np.full((1, 4), 0.5), "functions", "m")
    write_labelled(tmp_path / "o.jsonl", *arguments)
    write_labelled(tmp_path / "o.csv", *arguments)
    assert json.loads((tmp_path / "o.jsonl").read_text("utf-8"))["label"] == ["praise", "directive"]
    assert "praise;directive" in (tmp_path / "o.csv").read_text("utf-8-sig")


def test_the_same_counts_give_the_same_picture(tmp_path):
    for name in ("a.png", "b.png"):
        confusion_picture([[5, 1, 0, 0], [0, 4, 0, 0], [2, 0, 9, 1], [0, 0, 0, 3]], tmp_path / name, "t")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
