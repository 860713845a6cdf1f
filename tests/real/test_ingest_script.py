"""scripts/ingest.py through a real shell: the names people give their files, and what is written."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from jianghua.files import read_jsonl
from jianghua.schema import Paragraph

SCRIPT = Path(__file__).parents[2] / "scripts" / "ingest.py"
TEXTS = [
    "今年入汛以来，全镇干部日夜守在堤上，没有一户群众受灾，这是了不起的成绩。",
    "各村要在本周五以前把排水沟再清一遍，镇里下周一逐村检查。",
]


def shell(line, cwd, **environment):
    """Run `python scripts/ingest.py LINE` in bash, LINE being what a person would type."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))} {line}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )


def write_speech(path):
    if path.suffix == ".docx":
        import docx

        document = docx.Document()
        for text in TEXTS:
            document.add_paragraph(text)
        document.save(str(path))
    else:
        path.write_text("\n\n".join(TEXTS) + "\n", "utf-8")


def single(name):
    return "'" + name.replace("'", "'\\''") + "'"


def double(name):
    return '"' + re.sub(r'([\\"$`])', r"\\\1", name) + '"'


def backslashes(name):
    """As the shell completes a name when the tabulator key is pressed."""
    return re.sub(r"([^\w./（）-])", r"\\\1", name)


QUOTES = [single, double, backslashes]
NAMES = [
    "讲话（1）.docx",
    "a(1).docx",
    "2024年报告.txt",
    "甲,乙.txt",
    "第1稿=定稿.txt",
    "有 空格 的.txt",
    "~草稿.txt",
    "书记's讲话.txt",
    "${x}.txt",
    "$HOME.txt",
    "[内部]{送审}.txt",
    "说“好”.txt",
    "反\\斜.txt",
]


@pytest.mark.parametrize(("name", "quote"), [(name, QUOTES[i % 3]) for i, name in enumerate(NAMES)])
def test_a_file_is_read_and_a_folder_written_whatever_their_names(name, quote, tmp_path):
    write_speech(tmp_path / name)
    output = f"结果 {Path(name).stem}"
    result = shell(f"input={quote(name)} output={quote(output)}", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    rows = read_jsonl(tmp_path / output / "paragraphs.jsonl", Paragraph.from_json)
    assert [row.text for row in rows] == TEXTS
    assert {row.doc_id for row in rows} == {Path(name).stem}
    assert name in result.stdout
    assert json.loads((tmp_path / output / "report.json").read_text("utf-8"))["documents"][0]["file"] == name


def test_the_shell_or_the_script_expands_the_home_folder(tmp_path):
    write_speech(tmp_path / "讲话.txt")
    result = shell("input='~/讲话.txt' output=~/out", tmp_path, HOME=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "paragraphs.jsonl").is_file()


@pytest.fixture
def folder(tmp_path):
    """Four kinds of file in a folder with sub-folders; two have the same stem, two the same name."""
    inside = tmp_path / "材料（2024）"
    (inside / "二月").mkdir(parents=True)
    write_speech(inside / "讲话.docx")
    write_speech(inside / "讲话.txt")
    write_speech(inside / "二月" / "讲话.txt")
    (inside / "页.html").write_text(f"<h1>会议</h1><p>{TEXTS[0]}</p><div>{TEXTS[1]}</div>", "gb18030")
    (inside / "表.csv").write_text("a,b\n", "utf-8")
    return tmp_path


def test_a_folder_gives_every_document_an_id_of_its_own(folder):
    result = shell("input=材料（2024） output=out source=local", folder)
    assert result.returncode == 0, result.stderr
    rows = read_jsonl(folder / "out" / "paragraphs.jsonl", Paragraph.from_json)
    documents = list(dict.fromkeys(row.doc_id for row in rows))
    assert len(documents) == len(set(documents)) == 4
    assert len({row.id for row in rows}) == len(rows) == 8
    assert {row.source for row in rows} == {"local"}
    assert len(result.stdout.splitlines()) == 5


def test_offsets_of_office_files_refer_to_the_text_beside_the_paragraphs(folder):
    assert shell("input=材料（2024） output=out", folder).returncode == 0
    rows = read_jsonl(folder / "out" / "paragraphs.jsonl", Paragraph.from_json)
    texts = {path.stem: path.read_bytes().decode("utf-8") for path in (folder / "out" / "text").iterdir()}
    assert len(texts) == 1
    checked = [row for row in rows if row.doc_id in texts]
    assert len(checked) == 2
    for row in checked:
        assert texts[row.doc_id][row.start : row.end] == row.text


def test_running_twice_writes_the_same_bytes_and_does_not_read_its_own_output(folder):
    for _ in range(2):
        assert shell("input=材料（2024） output=材料（2024）/out", folder).returncode == 0
        written = {
            path.name: path.read_bytes() for path in (folder / "材料（2024）" / "out").rglob("*") if path.is_file()
        }
    assert shell("input=材料（2024） output=out", folder).returncode == 0
    again = {path.name: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
    assert written == again


def test_the_report_lists_what_was_dropped_and_where(tmp_path):
    raw = f"<p>当前位置：首页&gt;讲话</p><p>{TEXTS[0]}</p><p>责任编辑：小李</p>"
    (tmp_path / "页.html").write_text(raw, "utf-8")
    assert shell("input=页.html output=out", tmp_path).returncode == 0
    (document,) = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["documents"]
    assert (document["kind"], document["encoding"], document["paragraphs"]) == ("html", "utf-8", 1)
    assert [entry["reason"] for entry in document["dropped"]] == ["breadcrumb", "source and editor"]
    for entry in document["dropped"]:
        assert raw[entry["start"] : entry["end"]] == entry["text"]


def test_starting_up_loads_no_heavy_library():
    code = (
        "import sys; from jianghua.ingest import ingest_file; "
        "print([m for m in ('torch', 'transformers', 'docx', 'pymupdf', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_a_long_speech_is_read_in_well_under_a_second(tmp_path):
    import time

    from jianghua.ingest import ingest_file

    (tmp_path / "长.txt").write_text("\n\n".join(TEXTS * 450), "utf-8")
    started = time.process_time()
    document = ingest_file(tmp_path / "长.txt")
    assert len(document.raw) > 30_000
    assert time.process_time() - started < 0.6
