"""Files that cannot be read: one line that says what and how to mend it, exit 1, nothing written."""

import base64
import json
import os
import zipfile
from pathlib import Path

import pytest

SPEECH = "我们县今年新修了十二条渠道，一万四千亩旱地变成了水田，这是全县群众一锹一锹挖出来的。\n"


def docx(path, *texts):
    import docx as library

    document = library.Document()
    for text in texts:
        document.add_paragraph(text)
    document.save(str(path))


def pdf(path, picture=False, **saving):
    import pymupdf

    document = pymupdf.open()
    page = document.new_page()
    if picture:
        page.insert_image(page.rect, pixmap=pymupdf.Pixmap(pymupdf.csRGB, (0, 0, 40, 40)))
    else:
        page.insert_text((72, 72), SPEECH, fontname="china-s")
    document.save(str(path), **saving)


def password_pdf(path):
    import pymupdf

    pdf(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="请进", owner_pw="主人")


def broken_docx(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:document>")


def cut_docx(path):
    docx(path, SPEECH)
    path.write_bytes(path.read_bytes()[:2000])


def docx_of(path, document, styles=None):
    """A Word file whose text, and if given whose styles, are another piece of XML."""
    docx(path, SPEECH)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["word/document.xml"] = document.encode() if document else parts["word/document.xml"]
    if styles:  # a type that is not that of styles
        kind = b"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"
        parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(kind, styles.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def pdf_with_a_lost_page(path):
    """Its page tree names three pages and says that there are four."""
    import pymupdf

    document = pymupdf.open()
    for _ in range(3):
        document.new_page().insert_text((72, 72), SPEECH, fontname="china-s")
    data = document.tobytes()
    assert data.count(b"/Count 3") == 1
    path.write_bytes(data.replace(b"/Count 3", b"/Count 4"))


def pdf_with_a_broken_page(path):
    """The second page's drawing never closes what it opens."""
    import pymupdf

    document = pymupdf.open()
    for _ in range(2):
        document.new_page().insert_text((72, 72), SPEECH, fontname="china-s")
    document.update_stream(document[1].get_contents()[0], b"[" * 100_000)
    document.save(str(path))


def folder_without_speeches(path):
    path.mkdir()
    (path / "表.xlsx").write_bytes(b"PK")
    (path / ".讲话.txt").write_text(SPEECH, "utf-8")
    (path / "~$讲话.docx").write_bytes(b"owner")


# name: (what makes it, a word that the line must hold)
CASES = {
    "没有这个文件.txt": (lambda path: None, "no such file"),
    "空.txt": (lambda path: path.write_bytes(b""), "empty"),
    "空.html": (lambda path: path.write_bytes(b""), "empty"),
    "空.docx": (lambda path: path.write_bytes(b""), "empty"),
    "空.pdf": (lambda path: path.write_bytes(b""), "empty"),
    "只有空白.txt": (lambda path: path.write_bytes(b"\xef\xbb\xbf \r\n\t\r\n"), "empty"),
    "图.txt": (lambda path: path.write_bytes(bytes(range(256)) * 40), "binary"),
    "图.html": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40), "binary"),
    "压缩.txt": (broken_docx, "binary"),
    "加密.pdf": (password_pdf, "password"),
    "扫描.pdf": (lambda path: pdf(path, picture=True), "OCR"),
    "假.pdf": (lambda path: path.write_text(SPEECH, "utf-8"), "not a PDF"),
    "旧格式.docx": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000), "password"),
    "不是压缩包.docx": (lambda path: path.write_text(SPEECH, "utf-8"), ".docx"),
    "缺零件.docx": (broken_docx, ".docx"),
    "截断.docx": (cut_docx, ".docx"),
    "没有正文.docx": (lambda path: docx_of(path, f"<w:document {W}/>"), "without a body"),
    "不是文档.docx": (lambda path: docx_of(path, "<html/>"), "damaged"),
    "样式坏了.docx": (lambda path: docx_of(path, None, styles="text/xml"), "damaged"),
    "没有字.docx": (docx, "no text"),
    "少一页.pdf": (pdf_with_a_lost_page, "page 4 of 4 is damaged"),
    "坏一页.pdf": (pdf_with_a_broken_page, "page 2 of 2 is damaged"),
    "乱码.txt": (lambda path: path.write_bytes(bytes(range(128, 256)) * 30), "encoding"),
    "截断的.txt": (lambda path: path.write_bytes(b"\xff\xfe" + SPEECH.encode("utf-16-le") + b"\x2c"), "utf-16"),
    "空字节.txt": (lambda path: path.write_bytes(f"{SPEECH}第二段\0。\n{SPEECH * 9}".encode()), "空字节.txt, line 2: "),
    "七位.txt": (lambda path: path.write_bytes(SPEECH.encode("hz")), "no Chinese character"),
    "邮件.txt": (lambda path: path.write_bytes(SPEECH.encode("utf-7")), "no Chinese character"),
    "附件.txt": (lambda path: path.write_bytes(base64.encodebytes(SPEECH.encode() * 9)), "no Chinese character"),
    "讲话.xyz": (lambda path: path.write_text(SPEECH, "utf-8"), ".xyz"),
    "讲话.doc": (lambda path: path.write_text(SPEECH, "utf-8"), ".doc"),
    "讲话": (lambda path: path.write_text(SPEECH, "utf-8"), "html, txt, docx and pdf"),
    "只有标题.txt": (lambda path: path.write_text("在大会上的讲话\n（2020年1月2日）\n", "utf-8"), "no paragraph"),
    "只有菜单.html": (lambda path: path.write_text("<ul><li><a href='/'>首页</a></li></ul>", "utf-8"), "no paragraph"),
    "空文件夹": (folder_without_speeches, "no html, txt, docx or pdf"),
}


def one_line_and_nothing_written(result, folder, *words):
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert result.stdout == ""
    assert sorted(path.name for path in folder.iterdir() if path.name not in CASES) == []


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_one_line_and_exit_1_and_nothing_is_written(name, tmp_path, run_script):
    make, word = CASES[name]
    make(tmp_path / name)
    result = run_script("ingest", f"input={name}", "output=out", cwd=tmp_path)
    one_line_and_nothing_written(result, tmp_path, name, word)


@pytest.fixture
def mixed(tmp_path):
    """A folder of two speeches and two files that are none."""
    folder = tmp_path / "稿件"
    folder.mkdir()
    (folder / "甲.txt").write_text(SPEECH, "utf-8")
    (folder / "乙.html").write_text(f"<p>{SPEECH}</p>", "utf-8")
    (folder / "坏.txt").write_bytes(b"")
    pdf(folder / "扫描.pdf", picture=True)
    return tmp_path


def test_one_bad_file_in_a_folder_stops_all_and_every_bad_file_is_named(mixed, run_script):
    result = run_script("ingest", "input=稿件", "output=out", cwd=mixed)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "坏.txt" in result.stderr
    assert "扫描.pdf" in result.stderr
    assert "; ingest.py with skip_bad=true leaves them out" in result.stderr
    assert [path.name for path in mixed.iterdir()] == ["稿件"]


def test_the_way_out_is_named_only_where_it_leads_somewhere(mixed, run_script):
    (mixed / "稿件/扫描.pdf").unlink()
    result = run_script("ingest", "input=稿件", "output=out", cwd=mixed)
    assert "坏.txt: the file is empty; ingest.py with skip_bad=true leaves it out" in result.stderr
    for name in ("甲.txt", "乙.html"):
        (mixed / "稿件" / name).write_bytes(b"")
    result = run_script("ingest", "input=稿件", "output=out", cwd=mixed)
    assert result.returncode == 1
    assert "3 files cannot be used" in result.stderr
    assert "skip_bad" not in result.stderr


@pytest.mark.parametrize("output", ["out", "稿件/out"])
def test_files_of_a_kind_that_is_not_read_are_counted_by_ending(output, mixed, run_script):
    for name in ("旧.doc", "更旧.DOC", "稿.wps", ".藏.doc", "~$甲.doc"):
        (mixed / "稿件" / name).write_bytes(b"\xd0\xcf\x11\xe0")
    (mixed / "稿件/.git").mkdir()
    (mixed / "稿件/.git/HEAD").write_text("ref", "utf-8")
    note = "note: 3 files not read (2 *.doc, 1 *.wps); save them as docx, pdf, html or txt"
    for _ in range(2):  # the second time what ingest wrote stands there
        result = run_script("ingest", "input=稿件", f"output={output}", "skip_bad=true", cwd=mixed)
        assert result.returncode == 0, result.stderr
        assert result.stderr.splitlines()[-1] == note
    assert "note: " not in run_script("ingest", "input=稿件/甲.txt", "output=one", cwd=mixed).stderr


def test_a_folder_with_nothing_to_read_says_what_it_holds(tmp_path, run_script):
    (tmp_path / "稿件").mkdir()
    (tmp_path / "稿件/旧.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    result = run_script("ingest", "input=稿件", "output=out", cwd=tmp_path)
    assert result.returncode == 1
    assert "1 file not read (1 *.doc); save it as docx" in result.stderr


def test_skip_bad_leaves_bad_files_out_and_names_them(mixed, run_script):
    result = run_script("ingest", "input=稿件", "output=out", "skip_bad=true", cwd=mixed)
    assert result.returncode == 0, result.stderr
    assert "坏.txt" in result.stderr
    assert "扫描.pdf" in result.stderr
    assert len((mixed / "out" / "paragraphs.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_folder_with_other_files_is_not_overwritten(mixed, run_script):
    result = run_script("ingest", "input=稿件/甲.txt", "output=稿件", cwd=mixed)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert len(list((mixed / "稿件").iterdir())) == 4


def test_a_failed_run_leaves_the_earlier_result(mixed, run_script):
    assert run_script("ingest", "input=稿件/甲.txt", "output=out", cwd=mixed).returncode == 0
    before = {path.name: path.read_bytes() for path in (mixed / "out").iterdir()}
    assert run_script("ingest", "input=稿件/坏.txt", "output=out", cwd=mixed).returncode == 1
    assert {path.name: path.read_bytes() for path in (mixed / "out").iterdir()} == before
    assert sorted(path.name for path in mixed.iterdir()) == ["out", "稿件"]


def test_an_empty_name_does_not_mean_the_working_folder(mixed, run_script):
    (mixed / "甲.txt").write_text(SPEECH, "utf-8")
    for options, word in ((["input=", "output=out"], "input=: "), (["input=甲.txt", "output="], "output=: ")):
        result = run_script("ingest", *options, cwd=mixed)
        assert result.returncode == 2
        assert result.stderr.startswith(f"usage: {word}takes a path")
        assert result.stderr.count("\n") == 1
        assert not (mixed / "out").exists()


def test_a_page_that_is_a_picture_among_pages_of_text_is_named_in_the_report(tmp_path, run_script):
    import pymupdf

    document = pymupdf.open()
    for kind in ("text", "picture", "blank", "text"):
        page = document.new_page()
        if kind == "text":
            page.insert_text((72, 400), SPEECH, fontname="china-s")
        if kind == "picture":
            page.insert_image(page.rect, pixmap=pymupdf.Pixmap(pymupdf.csRGB, (0, 0, 40, 40)))
    document.save(str(tmp_path / "扫了一页.pdf"))
    result = run_script("ingest", "input=扫了一页.pdf", "output=out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (entry,) = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["documents"]
    assert [row["reason"] for row in entry["dropped"]] == ["page 2 is a picture without text"]
    (lost,) = entry["dropped"]
    assert lost["start"] == lost["end"] == len(SPEECH)


def test_a_name_that_is_not_utf_8_is_read_as_gb18030(tmp_path, run_script):
    folder = tmp_path / "稿"
    folder.mkdir()
    (Path(os.fsdecode(os.fsencode(folder) + b"/" + "讲话.txt".encode("gb18030")))).write_text(SPEECH, "utf-8")
    result = run_script("ingest", "input=稿", "output=out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in (tmp_path / "out/paragraphs.jsonl").read_text("utf-8").splitlines()]
    assert {row["doc_id"] for row in rows} == {"讲话"}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["input=稿件"],
        ["input=稿件", "output=out", "skip=1"],
        ["input=null", "output=out"],
        ["input=稿件", "output=out", "~source"],
    ],
)
def test_missing_and_unknown_options_are_bad_usage(mixed, run_script, options):
    result = run_script("ingest", *options, cwd=mixed)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert [path.name for path in mixed.iterdir()] == ["稿件"]
