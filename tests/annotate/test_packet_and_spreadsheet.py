"""The packet for people, and the plain spreadsheet out and back in."""

import csv
import io

import pytest

from jianghua.annotate import add_votes, choose, own_ids, read_answers, write_packet
from jianghua.annotate.spreadsheet import COLUMNS, to_sheet
from jianghua.files import text_sha256, write_jsonl
from jianghua.schema import BadData, Paragraph

TEXTS = [
    "去年修通了六条村道。",
    "-有的村半年没有开过会，\n欠账不少。".replace("\n", ""),
    "各村月底前报名单，“会后”再议。",
]


def filled(path, answers, encoding="utf-8-sig", delimiter=","):
    """A sheet as somebody saves it: `answers` are (primary, praise, criticism, directive, anecdote)."""
    sheet = to_sheet({"id": f"c1-{n:03d}", "text": text} for n, text in enumerate(TEXTS))
    rows = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(rows[0])
    writer.writerows([*row[:2], *answer, ""] for row, answer in zip(rows[1:], answers, strict=True))
    path.write_bytes(file.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_a_filled_sheet_comes_back_as_answers_in_whatever_encoding_it_was_saved(tmp_path, encoding):
    sheet = filled(
        tmp_path / "h1.csv", [("表扬", "1", "", "", ""), ("批评", "", "√", "", ""), ("", "", "", "", "")], encoding
    )
    answers, skipped = read_answers(sheet, "csv")
    assert skipped == 1
    assert [(a.id, a.annotator, a.label, a.functions, a.text) for a in answers] == [
        ("c1-000", "h1", "praise", ("praise",), TEXTS[0]),
        ("c1-001", "h1", "criticism", ("criticism",), TEXTS[1]),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_separator_of_a_sheet_is_taken_from_its_first_row(tmp_path, delimiter):
    texts = "一，二,三,四;五\t六。"  # more of each than the first row has columns would mislead
    sheet = filled(tmp_path / "h1.csv", [("表扬", "1", "", "", "")] * 3, delimiter=delimiter)
    sheet.write_text(sheet.read_text("utf-8-sig").replace(TEXTS[0], f'"{texts * 9}"'), "utf-8")
    answers, _ = read_answers(sheet, "csv")
    assert [(a.label, a.text) for a in answers] == [("praise", text) for text in (texts * 9, *TEXTS[1:])]


@pytest.mark.parametrize("format", ["jsonl", "csv", "labelstudio", "doccano"])
def test_an_empty_file_of_answers_is_called_empty(tmp_path, format):
    (tmp_path / "h1.txt").write_bytes(b"\xef\xbb\xbf\r\n")
    with pytest.raises(BadData, match=r"h1\.txt: the file is empty"):
        read_answers(tmp_path / "h1.txt", format)


@pytest.mark.parametrize("text", ["'=abc。", "'+1。", "'-甲。", "'@甲。", "'", "''", "'甲。", "=甲。", "甲'=。"])
def test_a_text_that_begins_like_a_formula_or_with_an_apostrophe_comes_back_as_it_was(tmp_path, text):
    sheet = to_sheet([{"id": "c1-000", "text": text}])
    assert not next(csv.reader([sheet.splitlines()[1]]))[1].startswith(tuple("=+-@"))
    (tmp_path / "h1.csv").write_text(sheet.replace(",,,,,,", ",表扬,,,,,"), "utf-8")
    assert [answer.text for answer in read_answers(tmp_path / "h1.csv", "csv")[0]] == [text]


def test_a_sheet_whose_quotation_mark_never_ends_is_refused_in_one_line(tmp_path):
    sheet = to_sheet([{"id": "c1-000", "text": "甲。"}]) + 'c1-001,"' + "乙。\n" * 70_000
    (tmp_path / "h1.csv").write_text(sheet, "utf-8")
    with pytest.raises(BadData, match=r"h1\.csv:\d+: field larger than field limit .*quotation mark") as error:
        read_answers(tmp_path / "h1.csv", "csv")
    assert "\n" not in str(error.value)


def test_an_answered_row_without_an_id_makes_no_vote(tmp_path):
    sheet = to_sheet([{"id": "", "text": "甲。"}]).replace(",,,,,,", ",表扬,,,,,")
    (tmp_path / "h1.csv").write_text(sheet, "utf-8")
    with pytest.raises(BadData, match=r"h1\.csv:2: a vote names no paragraph"):
        add_votes(tmp_path / "votes", "alone", read_answers(tmp_path / "h1.csv", "csv")[0])
    assert not (tmp_path / "votes").exists()


def test_none_is_an_answer_and_the_primary_function_counts_as_marked(tmp_path):
    sheet = filled(tmp_path / "h1.csv", [("无", "", "", "x", ""), ("要求", "", "1", "", ""), ("无", "", "", "", "")])
    answers, _ = read_answers(sheet, "csv")
    assert [(a.label, a.functions) for a in answers] == [
        (None, ("directive",)),
        ("directive", ("criticism", "directive")),
        (None, ()),
    ]


@pytest.mark.parametrize(
    ("answer", "words"), [(("夸奖", "", "", "", ""), "unknown label"), (("", "1", "", "", ""), "主要功能 is empty")]
)
def test_a_wrong_cell_is_refused_with_its_line(tmp_path, answer, words):
    sheet = filled(tmp_path / "h1.csv", [("表扬", "", "", "", ""), answer, ("无", "", "", "", "")])
    with pytest.raises(BadData, match=rf"h1.csv:3: .*{words}"):
        read_answers(sheet, "csv")


def test_a_sheet_without_its_first_row_is_refused(tmp_path):
    path = tmp_path / "h1.csv"
    path.write_text("c1-000,去年,表扬,1,,,,\n", encoding="utf-8")
    with pytest.raises(BadData, match=f"no column '{COLUMNS[0]}'"):
        read_answers(path, "csv")


def test_the_packet_is_balanced_and_the_same_every_time():
    rows = [
        {"id": f"d-{n:04d}", "sha256": f"{n:064d}", "source": source, "label": label, "disputed": disputed}
        for n, (source, label, disputed) in enumerate(
            (source, label, n % 3 == 0)
            for source, size in [("constructed", 400), ("public", 200)]
            for n in range(size)
            for label in (["praise", "directive", None] if source == "public" else ["praise", "criticism"])
        )
    ]
    chosen = choose(rows, 100)
    assert len(set(chosen)) == 100
    assert chosen == choose(rows[::-1], 100)
    by_id = {row["id"]: row for row in rows}
    cells = [(by_id[i]["source"], by_id[i]["label"], by_id[i]["disputed"]) for i in chosen]
    assert {cells.count(cell) for cell in set(cells)} == {10}
    with pytest.raises(BadData, match="takes 9999"):
        choose(rows, 9999)


def packet(folder):
    """A packet of `TEXTS` and the fixed choice it is of."""
    paragraphs = [Paragraph(f"c1-{n:03d}", "c1", n, "", "", text, "constructed", 0, 1) for n, text in enumerate(TEXTS)]
    guidelines = folder / "GUIDELINES.md"
    guidelines.write_text("规范", encoding="utf-8")
    write_packet(paragraphs, guidelines, folder / "packet")
    fixed = folder / "packet.jsonl"
    write_jsonl(fixed, ({"id": p.id, "sha256": text_sha256(p.text)} for p in paragraphs))
    return folder / "packet", fixed


def test_numbers_in_a_packet_tell_nothing_and_come_back_as_the_paragraphs_own_ids(tmp_path):
    folder, fixed = packet(tmp_path)
    for file in folder.iterdir():
        assert "c1-0" not in file.read_text("utf-8")
    sheet = (folder / "paragraphs.csv").read_text("utf-8").replace(",,,,,,", ",表扬,,,,,")
    (tmp_path / "h1.csv").write_text(sheet, encoding="utf-8")
    answers, _ = read_answers(tmp_path / "h1.csv", "csv")
    assert sorted(answer.id for answer in answers) == ["p001", "p002", "p003"]
    assert {(a.id, a.text) for a in own_ids(answers, fixed)} == {(f"c1-{n:03d}", t) for n, t in enumerate(TEXTS)}
    assert own_ids(answers, tmp_path / "none.jsonl", {"p001", "p002", "p003"}) == answers  # somebody's own paragraphs
    (tmp_path / "h2.csv").write_text(sheet.replace("六条", "七条"), encoding="utf-8")
    with pytest.raises(BadData, match=r"h2.csv:\d: the text of p00\d is not as it was handed out"):
        own_ids(read_answers(tmp_path / "h2.csv", "csv")[0], fixed)


@pytest.mark.parametrize("file", ["h1.csv", "paragraphs.csv"])
def test_a_packet_is_not_written_over_answers(tmp_path, file):
    folder, _ = packet(tmp_path)
    packet(tmp_path)  # as it was handed out it may be made again
    answered = (folder / "paragraphs.csv").read_text("utf-8").replace(",,,,,,", ",表扬,,,,,")
    (folder / file).write_text(answered, encoding="utf-8")
    with pytest.raises(BadData, match=rf"{file}: .*packet= takes a new folder"):
        packet(tmp_path)
    assert (folder / file).read_text("utf-8") == answered


def test_a_packet_holds_all_that_people_need_and_says_how_it_comes_back(tmp_path):
    packet(tmp_path)
    names = {path.name for path in (tmp_path / "packet").iterdir()}
    assert names == {"说明.md", "GUIDELINES.md", "paragraphs.csv", "labelstudio.json", "labelstudio.xml"}
    assert "format=csv" in (tmp_path / "packet" / "说明.md").read_text("utf-8")
