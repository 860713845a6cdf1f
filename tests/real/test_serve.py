"""The demo as a user starts it: a page on this machine that labels what is pasted or dropped."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from tiny import small_benchmark, small_encoder, train

gradio_client = pytest.importorskip("gradio_client")


@pytest.fixture(scope="module")
def demo(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    small_benchmark(root / "data", folder)
    small_encoder(root / "data/pretrained/mini", folder / "encoder")
    place = ["data.path=data/jianghua", "data.root=data", "model.path=encoder"]
    result = train(root, folder, *place, "train.epochs=1", "data.config=functions")
    assert result.returncode == 0, result.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(root / "scripts/serve.py"), f"port={port}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    line = process.stdout.readline()
    assert f"http://127.0.0.1:{port}" in line, line + process.stdout.read()
    yield f"http://127.0.0.1:{port}", port, folder
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM


@pytest.mark.slow
def test_the_page_comes_up_and_takes_no_script_style_or_font_from_another_server(demo):
    page, style = (
        urllib.request.urlopen(f"{demo[0]}/{name}", timeout=30).read().decode() for name in ("", "theme.css")
    )
    assert "讲话" in page
    taken = re.findall(r'<(?:script|link)\b[^>]*\b(?:src|href)="(https?://[^"]+)"', page)
    taken += re.findall(r"(?:@import|url\()[ \"']*(https?://[^\"')]+)", page + style)
    assert not [address for address in taken if not address.startswith(demo[0])]


@pytest.mark.slow
def test_pasted_text_and_a_dropped_file_come_back_as_coloured_paragraphs(demo, tmp_path):
    client = gradio_client.Client(demo[0], verbose=False)
    text = "在全镇大会上的讲话\n\n上半年成绩来之不易，我代表镇党委表示感谢。\n\n月底前，由安监办牵头再查一遍。"
    page = client.predict(text, None, api_name="/label")
    assert "月底前，由安监办牵头再查一遍" in page
    assert "srcdoc" in page
    (tmp_path / "讲话（1）.txt").write_text(text, "utf-8")
    dropped = client.predict("", gradio_client.handle_file(str(tmp_path / "讲话（1）.txt")), api_name="/label")
    assert "只读了其中一部分" not in page
    long = client.predict("讲话\n\n" + "各村各单位要把防汛责任落实到人，" * 90, None, api_name="/label")
    assert "有 1 段太长，模型只读了其中一部分" in long
    # the same paragraphs with the same numbers, whichever way they came in
    numbers = re.compile(r"\d\.\d+|\d+ ?%")
    assert numbers.findall(page) == numbers.findall(dropped)


@pytest.mark.slow
def test_nothing_pasted_and_a_broken_file_are_said_in_a_line_without_the_servers_folders(demo, tmp_path):
    client = gradio_client.Client(demo[0], verbose=False)
    with pytest.raises(Exception, match="请粘贴讲话全文"):
        client.predict("  ", None, api_name="/label")
    (tmp_path / "坏.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(Exception, match="坏") as caught:
        client.predict("", gradio_client.handle_file(str(tmp_path / "坏.pdf")), api_name="/label")
    assert "/tmp/" not in str(caught.value)


@pytest.mark.slow
def test_a_port_in_use_is_named(demo, run_script):
    _, port, folder = demo
    result = run_script("serve", f"port={port}", cwd=folder)
    assert result.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_port_that_does_not_exist_is_a_usage_error(run_script, tmp_path):
    result = run_script("serve", "port=99999", cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


def test_without_a_model_the_line_that_trains_one_is_shown(run_script, tmp_path):
    started = time.monotonic()
    result = run_script("serve", "port=18761", cwd=tmp_path)
    assert result.returncode == 1
    assert "python scripts/train.py" in result.stderr
    assert time.monotonic() - started < 60
