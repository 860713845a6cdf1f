"""command.py: file names as people type them reach the script as they are, and exits say what happened."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from jianghua.command import quote_path_options, register_root

ROOT = Path(__file__).resolve().parents[1]


def arrives(value: str) -> object:
    """What a script finds in `config.input` when `input=value` is typed."""
    (quoted,) = quote_path_options([f"input={value}"], ("input", "output"))
    (override,) = OverridesParser.create().parse_overrides([quoted])
    return OmegaConf.create({"input": override.value()}).input


@pytest.mark.parametrize(
    "name",
    [
        "讲话（1）.docx",
        "a(1).docx",
        "2024年报告.txt",
        "2024",
        "1e3",
        "true",
        "甲,乙,丙.txt",
        "a=b=c.txt",
        "有 空 格.txt",
        " 前后 ",
        "草稿~.txt",
        "it's.txt",
        "书记's 讲话'（定稿）.txt",
        "${x}.txt",
        "${oc.env:HOME}.txt",
        "$x.txt",
        "{a:1}.txt",
        "[1].txt",
        r"C:\讲话\1.txt",
        r"尾\\",
        r"\'.txt",
        r"\\'.txt",
        '说“好”和"好".txt',
        "100%.txt",
        "#1.txt",
        "?.txt",
        "a:b@c.txt",
        "/abs/路径/讲话.txt",
        "../上一层/讲话.txt",
        "-.txt",
    ],
)
def test_a_file_name_arrives_as_it_was_typed(name):
    assert arrives(name) == name


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda name: name[0] not in "'\"~" and name not in ("null", "???")
)


@given(NAMES)
@example("\\${x}")
@example("\\\\'${")
def test_any_file_name_arrives_as_it_was_typed(name):
    if "\\${" in name:  # OmegaConf counts the backslashes before ${ itself; no file is named so
        return
    assert arrives(name) == name


@pytest.mark.parametrize("argument", ["input='讲话（1）.docx'", 'input="a(1).docx"'])
def test_what_is_in_quotes_already_is_left_alone(argument):
    assert quote_path_options([argument], ("input",)) == [argument]
    assert arrives(argument.partition("=")[2]) == argument.partition("=")[2][1:-1]


@pytest.mark.parametrize(
    "argument", ["input=", "input=null", "seed=1,2,3", "-m", "--help", "model=mini,tfidf", "~input"]
)
def test_other_arguments_are_left_alone(argument):
    assert quote_path_options([argument], ("input",)) == [argument]


def test_no_file_is_null():
    assert arrives("null") is None


def test_an_added_path_option_is_quoted_too():
    assert quote_path_options(["+input=a(1).txt", "++input=一,二"], ("input",)) == [
        "+input='a(1).txt'",
        "++input='一,二'",
    ]


def test_a_tilde_is_the_home_folder_unless_a_file_is_named_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/某人")
    assert arrives("~/讲话.txt") == "/home/某人/讲话.txt"
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "讲话.txt").touch()
    assert arrives("~/讲话.txt") == "~/讲话.txt"
    assert arrives("~草稿（没有这个用户）.txt") == "~草稿（没有这个用户）.txt"


def test_root_in_a_configuration_is_the_checkout(tmp_path):
    register_root(tmp_path)
    config = OmegaConf.create({"data": "${root:data}", "here": "${root:}"})
    assert (config.data, config.here) == (str(tmp_path / "data"), str(tmp_path))
    register_root(ROOT)


# what a process says when it ends, told by a script that is quick: ingest


@pytest.fixture
def speech(tmp_path):
    (tmp_path / "讲话.txt").write_text("全县人民团结一心，今年的秋粮又获得了丰收，这是大家的功劳。\n", "utf-8")
    return tmp_path


def test_a_finished_script_exits_with_0(speech, run_script):
    result = run_script("ingest", "input=讲话.txt", "output=out", cwd=speech)
    assert (result.returncode, result.stderr) == (0, "")


def test_bad_data_is_one_line_and_exit_1(speech, run_script):
    result = run_script("ingest", "input=没有.txt", "output=out", cwd=speech)
    assert (result.returncode, result.stderr) == (1, "error: 没有.txt: no such file\n")


def test_a_traceback_is_shown_to_who_asks(speech, run_script):
    result = run_script("ingest", "input=没有.txt", "output=out", cwd=speech, JIANGHUA_TRACEBACK="1")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


@pytest.mark.parametrize("option", ["inptu=讲话.txt", "data/x", "source=a(b", "--inptu", "--cfg job -m"])
def test_bad_usage_is_one_line_and_exit_2(speech, run_script, option):
    result = run_script("ingest", "input=讲话.txt", "output=out", *option.split(), cwd=speech)
    assert result.returncode == 2, result.stderr
    assert re.fullmatch(r"usage: .+\n", result.stderr), result.stderr
    assert not (speech / "out").exists()


def test_a_value_that_cannot_be_read_is_refused_with_how_values_are_written(run_script, tmp_path):
    result = run_script("train", "train.epochs=[1", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "'[1'; a list is [A,B]" in result.stderr
    assert "https" not in result.stderr


def test_a_required_option_that_is_missing_is_named(speech, run_script):
    result = run_script("ingest", "input=讲话.txt", cwd=speech)
    assert result.returncode == 2
    assert "output=" in result.stderr


@pytest.mark.parametrize("name", sorted(file.stem for file in (ROOT / "scripts").glob("*.py")))
def test_help_shows_every_option_of_a_script_with_what_it_is_for(name, run_script, tmp_path):
    result = run_script(name, "--help", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert (ROOT / "conf" / f"{name}.yaml").read_text("utf-8") in result.stdout


def test_help_shows_what_a_group_holds_and_the_file_that_is_chosen(run_script, tmp_path):
    shown = run_script("train", "model=llm", "--help", cwd=tmp_path).stdout
    assert "# model= is one of bert_base_chinese, " in shown
    assert (ROOT / "conf/model/llm.yaml").read_text("utf-8") in shown
    assert (ROOT / "conf/train/default.yaml").read_text("utf-8") in shown
    assert (ROOT / "conf/model/mini.yaml").read_text("utf-8") not in shown


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_script_with_one_line_and_128_plus_its_number(tmp_path, number, status):
    pipe = tmp_path / "讲话.txt"
    os.mkfifo(pipe)
    command = [sys.executable, str(ROOT / "scripts" / "ingest.py"), f"input={pipe}", "output=out"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        writer = _open_when_read(pipe, process)
        process.send_signal(number)
        process.send_signal(number)  # as `timeout` does: to the process, then to its group
        _, complaint = process.communicate(timeout=30)
        os.close(writer)
    finally:
        process.kill()
    assert process.returncode == status
    assert complaint == f"interrupted: stopped by {number.name}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["讲话.txt"]


def test_a_signal_while_the_libraries_load_is_one_line_too(tmp_path, run_script):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'hydra.core':\n"
        "            sys.meta_path.remove(self)\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.meta_path.insert(0, Stop())\n",
        "utf-8",
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    result = run_script("ingest", "input=讲话.txt", "output=out", cwd=tmp_path, PYTHONPATH=path)
    assert (result.returncode, result.stderr) == (143, "interrupted: stopped by SIGTERM\n")


def test_a_reader_that_leaves_ends_a_script_that_prints_a_table_as_it_ends_any_other(tmp_path):
    run = ROOT / "results/runs/constructed-primary/tfidf/s1"
    command = [sys.executable, str(ROOT / "scripts" / "score.py"), f"run={run}"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE


def test_a_file_without_its_option_is_told_how_options_are_written(tmp_path, run_script):
    result = run_script("ingest", "讲话.txt", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "usage: 讲话.txt: options are OPTION=VALUE; --help shows them\n")


def _open_when_read(pipe: Path, process: subprocess.Popen) -> int:
    """Open the pipe once the script waits at its other end; until then opening it is refused."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(0.02)
    raise AssertionError("the script did not come to read its input")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("seed=abc", "seed= takes a whole number"),
        ("rerun=perhaps", "rerun= takes true or false"),
        ("train.epochs=2.5", "train.epochs= takes a whole number"),
        ("train.learning_rate=fast", "train.learning_rate= takes a number"),
        ("model.ngrams=3", "model.ngrams= takes a list, as [a,b]"),
        ("seed=-1", "seed= takes a whole number from 0"),
        ("+epochs=1", "epochs: no such option"),
    ],
)
def test_an_option_of_the_wrong_kind_is_bad_usage_in_one_line(tmp_path, run_script, option, words):
    result = run_script("train", "model=tfidf", option, cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not any(tmp_path.iterdir())
