"""What of a Word file's tables is speech."""

from collections import Counter

import pytest

from jianghua.ingest import ingest_file

PRAISE = "今年全县新修了十二条渠道，一万四千亩旱地变成了水田，这是群众一锹一锹挖出来的。"
ORDER = "各村要在本周五以前把排水沟再清一遍，镇里下周一逐村检查。"


def rows_of(document, *rows):
    table = document.add_table(rows=len(rows), cols=2)
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text


@pytest.mark.parametrize("after", [[], [ORDER]])
def test_the_short_cells_of_a_table_are_dropped_as_cells_and_head_nothing(tmp_path, after):
    import docx

    document = docx.Document()
    document.add_paragraph(PRAISE)
    rows_of(document, ("指标", "完成"), ("投资", "32亿元"))
    for text in after:
        document.add_paragraph(text)
    document.save(str(tmp_path / "讲话.docx"))
    found = ingest_file(tmp_path / "讲话.docx")
    assert [(p.text, p.section) for p in found.paragraphs] == [(text, "") for text in (PRAISE, *after)]
    assert Counter(reason for _, _, reason, _ in found.dropped) == {"table cell": 4}
    assert [text for *_, text in found.dropped] == ["指标", "完成", "投资", "32亿元"]


def test_a_speech_laid_out_in_a_table_keeps_its_title_headings_and_paragraphs(tmp_path):
    import docx

    document = docx.Document()
    document.add_table(rows=1, cols=1).cell(0, 0).text = "在全县水利会上的讲话"
    rows_of(document, ("一、去年的成绩", PRAISE), ("二、今年的任务", ORDER))
    document.save(str(tmp_path / "稿.docx"))
    found = ingest_file(tmp_path / "稿.docx")
    assert found.title == "在全县水利会上的讲话"
    assert [(p.section, p.text) for p in found.paragraphs] == [("一、去年的成绩", PRAISE), ("二、今年的任务", ORDER)]
