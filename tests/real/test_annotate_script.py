"""scripts/annotate.py through a real shell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jianghua.annotate import read_votes
from jianghua.files import write_jsonl

ROOT = Path(__file__).parents[2]
TEXTS = {"c900-000": "渠道清淤完成了四十公里。", "c900-001": "各村月底前报送名单。", "c900-002": "谢谢大家。"}


def run(folder, *options, shell=None):
    """The script in `folder`; `shell` is the rest of a command line as somebody types it."""
    script = [sys.executable, str(ROOT / "scripts" / "annotate.py"), *options]
    if shell is not None:
        script = ["bash", "-c", f"'{script[0]}' '{script[1]}' {shell}"]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path):
    write_jsonl(tmp_path / "paragraphs.jsonl", [{"id": i, "text": text} for i, text in TEXTS.items()])
    return tmp_path


def error_of(result, status):
    assert result.returncode == status, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_tasks_go_to_label_studio_and_come_back_as_votes(folder):
    result = run(folder, shell="export=paragraphs.jsonl format=labelstudio 'output=任务（1）.json'")
    assert result.returncode == 0, result.stderr
    tasks = json.loads((folder / "任务（1）.json").read_text("utf-8"))
    assert (folder / "任务（1）.xml").exists()
    for task in tasks:
        directive = task["data"]["paragraph_id"] == "c900-001"
        value = {"choices": ["directive" if directive else "none"]}
        answered = {"completed_by": 1, "result": [{"type": "choices", "from_name": "primary", "value": value}]}
        task["annotations"] = [
            answered | {"was_cancelled": False},
            {"completed_by": 2, "was_cancelled": True, "result": []},
        ]
    (folder / "a(1)=b.json").write_text(json.dumps(tasks), "utf-8")
    command = (
        "'import=a(1)=b.json' format=labelstudio protocol=alone annotator=张三 output=votes paragraphs=paragraphs.jsonl"
    )
    result = run(folder, shell=command)
    assert result.returncode == 0, result.stderr
    assert "3 votes of 1 annotators added, 3 skipped" in result.stdout
    votes = {vote.id: (vote.annotator, vote.label) for vote in read_votes(folder / "votes")}
    assert votes == {"c900-000": ("张三", None), "c900-001": ("张三", "directive"), "c900-002": ("张三", None)}


def test_a_bad_answer_is_one_line_with_file_and_line_and_nothing_is_written(folder):
    row = {"id": "c900-000", "label": None, "functions": []}
    write_jsonl(folder / "votes.jsonl", [row, row])
    options = ("import=votes.jsonl", "protocol=alone", "annotator=a", "output=votes", "paragraphs=paragraphs.jsonl")
    error = error_of(run(folder, *options), 1)
    assert "votes.jsonl:2: 'a' has voted on 'c900-000' already at votes.jsonl:1" in error
    assert not (folder / "votes").exists()
    write_jsonl(folder / "votes.jsonl", [row | {"label": "rage"}])
    assert "votes.jsonl:1: unknown label 'rage'" in error_of(run(folder, *options), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give one of import=FILE"),
        (("import=a", "export=b"), "give one of import=FILE"),
        (("import=a",), "protocol= says"),
        (("import=a", "protocol=alnoe"), "unknown protocol 'alnoe'"),
        (("import=a", "format=xml", "protocol=alone"), "unknown format 'xml'"),
        (("import=h1.CSV", "protocol=alone"), "import=h1.CSV: format=csv reads a sheet"),
        (("export=paragraphs.jsonl",), "output=FILE"),
        (("exprot=paragraphs.jsonl",), "exprot"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what_to_give(folder, options, message):
    assert message in error_of(run(folder, *options), 2)
