"""compare_speeches as a reader runs it: two files, or folders of them, as a page and as a record."""

import json

import pytest
from chromium import opened
from script_errors import one_line_error

from jianghua.schema import LABELS

LAST_YEAR = """在全镇安全生产会上的讲话

上半年，全镇没有发生一起亡人事故，各站所日夜值守，我代表镇党委向大家表示感谢。

有的企业台账造假，有的村把检查当成走过场，这是很不应该的。

月底前，由安监办牵头，对辖区所有烟花爆竹网点再查一遍。
"""
THIS_YEAR = """在全镇安全生产会上的讲话

上半年，全镇没有发生一起亡人事故，各站所日夜值守，我代表镇党委、镇政府向大家表示感谢。

三月十二日夜里，看护员老周在河口闻到煤气味，挨家敲门，叫醒了十一户人。

月底前，由安监办牵头，对辖区所有烟花爆竹网点再查一遍。
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory, run_script):
    folder = tmp_path_factory.mktemp("compare（1）")
    (folder / "去年, a=b.txt").write_text(LAST_YEAR, "utf-8")
    (folder / "今年.txt").write_text(THIS_YEAR, "utf-8")
    result = run_script("train", "model=keywords", "data.config=functions", cwd=folder)
    assert result.returncode == 0, result.stderr
    next((folder / "runs").glob("*/keywords/*-s1/model")).rename(folder / "model")
    return folder


PAIR = ("old=去年, a=b.txt", "new=今年.txt", "model_path=model")


def test_the_record_says_what_was_kept_changed_added_and_dropped(work, run_script):
    result = run_script("compare_speeches", *PAIR, "output=对比.json", cwd=work)
    assert result.returncode == 0, result.stderr
    assert "3 and 3 paragraphs → 对比.json" in result.stderr
    assert "sentences of the new speech: kept 1" in result.stdout
    record = json.loads((work / "对比.json").read_text("utf-8"))
    assert record["config"] == "functions"
    assert [row["state"] for row in record["wording"]["new"]] == ["changed", "added", "kept"]
    assert [row["state"] for row in record["wording"]["old"]] == ["changed", "dropped", "kept"]
    assert [row["function"] for row in record["profile"]] == [*LABELS, "none"]
    shown = [paragraph["text"] for paragraph in record["documents"]["new"][0]["paragraphs"]]
    assert shown == [text.strip() for text in THIS_YEAR.split("\n\n")[1:]]


@pytest.mark.slow
def test_the_page_shows_both_speeches_side_by_side_and_logs_nothing(work, tmp_path, run_script):
    result = run_script("compare_speeches", *PAIR, "output=对比.html", cwd=work)
    assert result.returncode == 0, result.stderr
    for width in (400, 1200):
        shown = opened(work / "对比.html", tmp_path / str(width), width=width)
        assert "<ins>、镇政府</ins>" in shown
        assert "叫醒了十一户人" in shown
        assert "未再出现 1 句" in shown


def test_folders_are_compared_by_their_shares_with_intervals(work, root, tmp_path, run_script):
    for name, numbers in (("old", (1, 2, 3)), ("new", (4, 5, 6))):
        (tmp_path / name).mkdir()
        for i in numbers:
            text = (root / f"data/speeches/constructed/c00{i}.txt").read_text("utf-8")
            (tmp_path / name / f"c00{i}.txt").write_text(text, "utf-8")
    command = ["old=old", "new=new", "output=o.json", f"model_path={work / 'model'}"]
    result = run_script("compare_speeches", *command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "o.json").read_text("utf-8"))
    assert record["wording"] is None
    for row in record["profile"]:
        assert row["difference"]["low"] <= row["difference"]["value"] <= row["difference"]["high"]
    assert "3 speeches → 3 speeches" in result.stdout


def test_what_cannot_be_compared_is_one_line_and_writes_nothing(work, tmp_path, run_script):
    pair = [f"old={work / '去年, a=b.txt'}", f"new={work / '今年.txt'}"]
    line = one_line_error(run_script("compare_speeches", *pair, "output=o.docx", cwd=tmp_path), 2)
    assert "the ending says the format, one of .html, .htm, .json" in line
    line = one_line_error(run_script("compare_speeches", *pair, f"output={work / '今年.txt'}", cwd=tmp_path), 2)
    assert "the input itself" in line
    line = one_line_error(run_script("compare_speeches", pair[0], "output=o.html", cwd=tmp_path), 2)
    assert "new= is required" in line
    line = one_line_error(run_script("compare_speeches", *pair, "output=o.html", cwd=tmp_path), 1)
    assert "python scripts/train.py" in line
    assert not list(tmp_path.iterdir())
