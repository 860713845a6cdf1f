"""Files and folders are the old ones or the new ones, and foreign ones are left alone."""

import subprocess
import sys

import pytest

from jianghua.files import folder_atomic, read_json, read_jsonl, read_parquet, write_atomic
from jianghua.schema import BadData


def test_a_folder_takes_the_old_ones_place_when_all_went_well(tmp_path):
    for text in ("one", "two"):
        with folder_atomic(tmp_path / "out", marks=("mark",)) as folder:
            write_atomic(folder / "mark", text)
    assert (tmp_path / "out" / "mark").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path):
    write_atomic(tmp_path / "out" / "mark", "old")
    try:
        with folder_atomic(tmp_path / "out", marks=("mark",)) as folder:
            write_atomic(folder / "mark", "new")
            raise RuntimeError
    except RuntimeError:
        pass
    assert (tmp_path / "out" / "mark").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_other_files_and_a_file_are_never_replaced(tmp_path):
    write_atomic(tmp_path / "docs" / "thesis.txt", "mine")
    for path in (tmp_path / "docs", tmp_path / "docs" / "thesis.txt"):
        with pytest.raises(BadData), folder_atomic(path, marks=("mark",)):
            pass
    assert (tmp_path / "docs" / "thesis.txt").read_text() == "mine"
    with (
        pytest.raises(BadData, match=r"thesis\.txt: a file, not a folder"),
        folder_atomic(tmp_path / "docs/thesis.txt/a"),
    ):
        pass


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path):
    write_atomic(tmp_path / "real.json", "{}")
    (tmp_path / "link.json").symlink_to("real.json")
    write_atomic(tmp_path / "link.json", '{"a": 1}')
    assert (tmp_path / "link.json").is_symlink()
    assert read_json(tmp_path / "real.json") == {"a": 1}


@pytest.mark.parametrize("below", [".", "deeper"])
def test_the_folder_one_stands_in_is_not_taken_away(tmp_path, monkeypatch, below):
    write_atomic(tmp_path / "out" / "mark", "mine")
    (tmp_path / "out" / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "out" / below)
    with pytest.raises(BadData, match="you are in this folder"), folder_atomic(tmp_path / "out", marks=("mark",)):
        pass
    assert (tmp_path / "out" / "mark").read_text() == "mine"


def test_a_line_separator_inside_a_string_is_no_end_of_a_line(tmp_path):
    write_atomic(tmp_path / "a.jsonl", '{"text": "a\u2028b"}\n\n{"text": 1}\n')
    assert read_jsonl(tmp_path / "a.jsonl") == [{"text": "a\u2028b"}, {"text": 1}]


def test_a_broken_line_is_named_with_file_and_line(tmp_path):
    write_atomic(tmp_path / "a.jsonl", '{"a": 1}\n{"a": \n')
    with pytest.raises(BadData, match=r"a.jsonl:2: not JSON"):
        read_jsonl(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[1]", "expected a JSON object, found list"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff", "not UTF-8 at byte 0"),
    ],
)
def test_what_is_no_json_object_is_refused_by_name(tmp_path, content, reason):
    write_atomic(tmp_path / "表.json", content)
    with pytest.raises(BadData, match=rf"表\.json: .*{reason}"):
        read_json(tmp_path / "表.json")


def test_a_missing_json_file_and_a_folder_are_refused_by_name(tmp_path):
    for path, reason in ((tmp_path / "a.json", "no such file"), (tmp_path, "a folder, not a file")):
        with pytest.raises(BadData, match=reason):
            read_json(path)


@pytest.mark.parametrize("content", [None, b"", b"PAR1"], ids=["a folder", "nothing", "junk"])
def test_what_is_no_parquet_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "表.parquet"
    path.write_bytes(content) if content is not None else path.mkdir()
    with pytest.raises(BadData, match=r"表\.parquet: not a Parquet file"):
        read_parquet(path)


def test_a_missing_parquet_file_is_refused_with_how_to_make_it(tmp_path):
    with pytest.raises(BadData, match=r"表\.parquet: no such file; make it$"):
        read_parquet(tmp_path / "表.parquet", "; make it")


def test_a_parquet_file_is_read_without_pandas(root):
    code = "import sys; from pathlib import Path; from jianghua.files import read_parquet\n"
    code += f"rows = read_parquet(Path({str(root / 'data/jianghua/primary/test-00000-of-00001.parquet')!r})).num_rows\n"
    code += "print(rows > 0, 'pandas' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "True False\n"
