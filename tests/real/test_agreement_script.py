"""scripts/agreement.py through a real process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jianghua.files import write_jsonl

ROOT = Path(__file__).parents[2]


def run(folder, *options):
    script = [sys.executable, str(ROOT / "scripts" / "agreement.py"), *options]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path):
    labels = ["praise", "criticism", "directive", "anecdote", None]

    def row(n, label):
        functions = [label] if label else []
        paragraph = f"{'cg'[n % 2]}{n % 6}-{n:03d}"
        return {"id": paragraph, "annotator": "m", "label": label, "functions": functions, "sha256": f"{n}"}

    votes = tmp_path / "votes（一）"
    write_jsonl(votes / "alone.jsonl", [row(n, labels[n % 5]) for n in range(60)])
    write_jsonl(votes / "in_document.jsonl", [row(n, labels[(n + (n % 10 == 0)) % 5]) for n in range(60)])
    decided = {"id": "c0-000", "sha256": "0", "label": None, "functions": [], "reason": "问候"}
    write_jsonl(votes / "adjudicated.jsonl", [decided])
    for source, letter in [("constructed", "c"), ("public", "g")]:
        rows = [{"doc_id": f"{letter}{n}"} for n in range(6)]
        write_jsonl(tmp_path / "speeches" / source / "manifest.jsonl", rows)
    return tmp_path


def test_agreement_is_printed_and_written_with_the_queue(folder):
    result = run(folder, "votes=votes（一）", "speeches=speeches", "output=out", "replicates=200")
    assert result.returncode == 0, result.stderr
    report = json.loads((folder / "out" / "agreement.json").read_text("utf-8"))
    primary = report["all"]["primary"]
    assert primary["percent"] == pytest.approx(90)
    assert primary["low"] <= primary["alpha"] <= primary["high"] < 1
    assert f"{primary['alpha']:.3f}" in result.stdout
    assert set(report["slices"]["source"]) == {"constructed", "public"}
    assert report["pairs"][0]["confusion"][0][1] == 6
    # of the six disputed paragraphs one is decided
    queue = [json.loads(line) for line in (folder / "out" / "queue.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in queue] == ["c0-030", "c2-020", "c2-050", "c4-010", "c4-040"]
    assert report["gold"] == {"primary": 55, "functions": 55, "disputed": 1, "open": 5}


def test_the_same_votes_give_the_same_bytes(folder):
    for output in ("one", "two"):
        assert run(folder, "votes=votes（一）", "speeches=speeches", f"output={output}").returncode == 0
    for name in ("agreement.json", "queue.jsonl"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


def test_bad_votes_are_one_line_with_file_and_line(folder):
    file = folder / "votes（一）" / "alone.jsonl"
    file.write_text(file.read_text("utf-8") + "{}\n", "utf-8")
    result = run(folder, "votes=votes（一）", "output=out")
    assert result.returncode == 1
    assert "alone.jsonl:61: missing field 'id'" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize("option", ["by=rater", "replicates=0", "vote=x", "seed=-1"])
def test_bad_usage_exits_with_2(folder, option):
    result = run(folder, option)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def test_where_several_annotators_share_a_protocol_a_note_names_the_way_to_compare_them(folder):
    assert run(folder, "votes=votes（一）", "speeches=speeches", "replicates=20").stderr == ""
    votes = folder / "votes（一）"
    rows = [json.loads(line) for line in (votes / "alone.jsonl").read_text("utf-8").splitlines()]
    again = [row | {"round": 2} for row in rows if row["id"] == "c0-000"]
    write_jsonl(votes / "alone.jsonl", rows + again)
    assert run(folder, "votes=votes（一）", "speeches=speeches", "replicates=20").stderr == ""
    write_jsonl(votes / "alone.jsonl", rows + [row | {"annotator": "n"} for row in rows[:9]])
    result = run(folder, "votes=votes（一）", "speeches=speeches", "replicates=20")
    assert result.returncode == 0
    assert result.stderr == "note: several annotators voted under alone; by=annotator compares them\n"
    one_protocol = ("votes=votes（一）/alone.jsonl", "by=annotator", "speeches=speeches", "replicates=20")
    assert run(folder, *one_protocol).stderr == ""


def test_a_file_without_votes_is_refused(folder):
    (folder / "空.jsonl").write_text("", "utf-8")
    result = run(folder, "votes=空.jsonl", "speeches=speeches")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "error: 空.jsonl: no votes in it\n")


def test_gold_given_as_a_file_is_decided_as_its_folder_decides(folder):
    options = ("votes=votes（一）/in_document.jsonl", "gold=votes（一）/alone.jsonl", "output=out", "replicates=10")
    assert run(folder, *options).returncode == 0
    (row,) = json.loads((folder / "out" / "agreement.json").read_text("utf-8"))["against_gold"]
    assert row["questions"]["primary"]["units"] == 1  # the one that is decided; the others have a single vote
    assert row["confusion"][4] == [0, 1, 0, 0, 0]  # as none of the four, which its vote in the file is not


@pytest.mark.parametrize("output", ["votes（一）", "speeches/public/manifest.jsonl"])
def test_an_output_among_the_votes_or_in_place_of_a_file_is_refused_before_anything_is_counted(folder, output):
    result = run(folder, "votes=votes（一）", f"output={output}")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"output={output}" in result.stderr
    assert sorted(path.name for path in (folder / "votes（一）").iterdir()) == [
        "adjudicated.jsonl",
        "alone.jsonl",
        "in_document.jsonl",
    ]
