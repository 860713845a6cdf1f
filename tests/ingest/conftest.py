"""Office files made anew for each test from the paragraphs that stand beside the pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[1] / "fixtures" / "pages"


def expected(name: str) -> dict:
    """What a page should give: `paragraphs`, and where it says so `title`, `sections`, `absent`."""
    return json.loads((PAGES / f"{name}.json").read_text(encoding="utf-8"))


def docx_styled(path: Path, title: str, texts: list[str]) -> None:
    """Title and headings by style, a salutation, a table with one speech cell, a page head, a merged cell."""
    import docx

    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "内部资料　注意保存"
    document.add_heading(title, 0)
    document.add_paragraph("（2022年11月3日）")
    document.add_paragraph("同志们：")
    for text in texts[:2]:
        document.add_paragraph("　　" + text)
    document.add_heading("不足之处", 1)
    for text in texts[2:4]:
        paragraph = document.add_paragraph()
        for run in (text[:10], text[10:25], text[25:]):  # spelling and revision marks cut a text into runs
            paragraph.add_run(run)
    document.add_heading("下一步打算", 2)
    table = document.add_table(rows=2, cols=2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = texts[4]
    table.cell(1, 0).text = "单位"
    table.cell(1, 1).text = "期限"
    document.save(str(path))


def docx_plain(path: Path, title: str, texts: list[str]) -> None:
    """As most are typed: no styles, bold lines for headings, empty lines, manual line breaks, nbsp indents."""
    import docx

    document = docx.Document()
    document.add_paragraph().add_run(title).bold = True
    document.add_paragraph("区长　程　砚")
    document.add_paragraph("")
    document.add_paragraph("\u00a0\u00a0\u00a0\u00a0" + texts[0])
    document.add_paragraph().add_run("一、去年的工作").bold = True
    document.add_paragraph("\n".join("　　" + text for text in texts[1:4]))
    document.add_paragraph("")
    document.add_paragraph().add_run("二、今年的任务").bold = True
    for text in texts[4:]:
        document.add_paragraph("　　" + text)
    document.save(str(path))


def docx_hidden_and_numbered(path: Path, title: str, texts: list[str]) -> None:
    """Hidden and deleted text, a list style, a tracked insertion, a hyperlink, a first page without a style."""
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.add_paragraph(title, style="Title")
    for text in texts[:2]:
        document.add_paragraph(text)
    paragraph = document.add_paragraph(texts[2])
    paragraph.add_run("这是隐藏的一句话。").font.hidden = True
    deleted = '<w:del {} w:id="1" w:author="a"><w:r><w:delText>这一句已经删去。</w:delText></w:r></w:del>'
    document.add_paragraph(texts[3])._p.append(parse_xml(deleted.format(nsdecls("w"))))
    for text in texts[4:7]:
        document.add_paragraph(text, style="List Number")
    inserted = '<w:ins {} w:id="2" w:author="b"><w:r><w:t>{}</w:t></w:r></w:ins>'
    linked = "<w:hyperlink {}><w:r><w:t>{}</w:t></w:r></w:hyperlink>"
    last = document.add_paragraph()
    for part, markup in ((texts[7][:8], inserted), (texts[7][8:14], linked)):
        last._p.append(parse_xml(markup.format(nsdecls("w"), part)))
    last.add_run(texts[7][14:])
    document.save(str(path))


def _pages(lines: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]


def _wrapped(text: str, columns: int, indent: str = "　　") -> Iterator[str]:
    """Lines of at most `columns` half-width columns; no line begins with closing punctuation, as printers want it."""
    line = indent
    for place, character in enumerate(text):
        line += character
        following = text[place + 1 : place + 3]
        width = sum(1 + (c > "\u2000") for c in line + following[:1])
        if width > columns and following[:1] not in tuple("，。；：、！？”）"):
            yield line
            line = ""
    if line:
        yield line


def pdf_running_heads(path: Path, title: str, texts: list[str], per_page: int = 9) -> None:
    """A printed speech: lines of 32 characters or so, a running head and a page number on each page."""
    import pymupdf

    font = pymupdf.Font("china-s")
    lines = [line for text in texts for line in _wrapped(text, 64)]
    document = pymupdf.open()
    for number, chunk in enumerate(_pages(lines, per_page), 1):
        page = document.new_page()
        writer = pymupdf.TextWriter(page.rect)
        writer.append((230, 45), "松原区委办公室文件", font=font, fontsize=9)
        if number == 1:
            writer.append((130, 100), title, font=font, fontsize=18)
        for row, line in enumerate(chunk):
            indent = 26 if line.startswith("　　") else 0
            writer.append((80 + indent, 150 + 22 * row), line.strip("　"), font=font, fontsize=13)
        writer.append((285, 810), f"— {number} —", font=font, fontsize=9)
        writer.write_text(page)
    document.save(str(path))


def pdf_from_html(path: Path, title: str, texts: list[str]) -> None:
    """What a word processor exports: proportional lines, space between paragraphs, a bold heading."""
    import pymupdf

    half = len(texts) // 2
    first, second = ("".join(f"<p>{text}</p>" for text in part) for part in (texts[:half], texts[half:]))
    body = f"<h2 style='text-align:center'>{title}</h2>{first}<h3>二、下一步的工作</h3>{second}"
    story = pymupdf.Story(body, user_css="p { font-size: 13px; line-height: 1.6; margin: 8px 0 }")
    writer = pymupdf.DocumentWriter(str(path))
    more, box = True, pymupdf.paper_rect("a4")
    inside = box + (72, 72, -72, -72)  # noqa: RUF005  (a rectangle adds, it does not concatenate)
    while more:
        device = writer.begin_page(box)
        more, _ = story.place(inside)
        story.draw(device)
        writer.end_page()
    writer.close()


def pdf_spaced(path: Path, title: str, texts: list[str]) -> None:
    """Paragraphs set apart by space alone, torn by page ends; “第1页 共3页” at the foot."""
    import pymupdf

    font = pymupdf.Font("china-s")
    rows = [(line, n == 0) for text in texts for n, line in enumerate(_wrapped(text, 68, indent=""))]
    pages = list(_pages(rows, 10))
    document = pymupdf.open()
    for number, chunk in enumerate(pages, 1):
        page = document.new_page()
        writer = pymupdf.TextWriter(page.rect)
        y = 90.0
        if number == 1:
            writer.append((140, y), title, font=font, fontsize=16)
            y += 30
        for line, first in chunk:
            y += 32 if first else 19
            writer.append((70, y), line, font=font, fontsize=12.5)
        writer.append((250, 815), f"第{number}页 共{len(pages)}页", font=font, fontsize=9)
        writer.write_text(page)
    document.save(str(path))


BUILDERS = {
    "hidden_and_numbered.docx": docx_hidden_and_numbered,
    "spaced.pdf": pdf_spaced,
    "styled.docx": docx_styled,
    "plain.docx": docx_plain,
    "running_heads.pdf": pdf_running_heads,
    "from_html.pdf": pdf_from_html,
}
NAMES = sorted(path.name.removesuffix(".json") for path in PAGES.glob("*.json"))


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """The path of a page by its name; docx and pdf are made on the first call."""
    folder = tmp_path_factory.mktemp("office")

    def find(name: str) -> Path:
        if name not in BUILDERS:
            return PAGES / name
        path = folder / name
        if not path.exists():
            wanted = expected(name)
            BUILDERS[name](path, wanted["title"], wanted["paragraphs"])
        return path

    return find


def pytest_generate_tests(metafunc):
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", NAMES)


@pytest.fixture
def page(page_name, page_file):
    """(what ingest finds in a page, what it should find)."""
    from jianghua.ingest import ingest_file

    return ingest_file(page_file(page_name)), expected(page_name)


@pytest.fixture(scope="session")
def all_pages(page_file):
    """(name, found, wanted) of every page."""
    from jianghua.ingest import ingest_file

    return [(name, ingest_file(page_file(name)), expected(name)) for name in NAMES]
