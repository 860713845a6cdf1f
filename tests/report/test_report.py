"""Tables, pages and files of labelled paragraphs."""

import json

import numpy as np

from jianghua.report import confusion_picture, markdown_table, number, speech_page
from jianghua.report.labelled import write_labelled
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
