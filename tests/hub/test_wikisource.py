"""Fetching public speeches: real requests to a server on this machine, its faults included."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from jianghua.hub import fetch_wikisource
from jianghua.schema import BadData

HALF = -1  # a fault instead of a status: the connection ends before the page does
PAGES = {"/wiki/甲报告": "<p>各位代表：现在，我作报告。</p>", "/wiki/乙报告": "<p>第二份报告。</p>"}


@pytest.fixture
def server():
    asked, faults = Counter(), {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = unquote(self.path)
            asked[path] += 1
            status = faults.get(path, []).pop(0) if faults.get(path) else 200 if path in PAGES else 404
            body = PAGES.get(path, "").encode() if status in (200, HALF) else b""
            self.send_response(200 if status == HALF else status)
            self.send_header("Content-Length", str(len(body) + 50 * (status == HALF)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield SimpleNamespace(base=f"http://127.0.0.1:{httpd.server_port}", asked=asked, faults=faults)
    httpd.shutdown()


def speech(doc_id, name, source="public"):
    return SimpleNamespace(doc_id=doc_id, source=source, url=f"https://example.org/wiki/{name}")


def quoted(name):
    from urllib.parse import quote

    return quote(name)


@pytest.fixture
def speeches():
    return [speech("a-1", quoted("甲报告")), speech("c001", "x", "constructed"), speech("b-2", quoted("乙报告"))]


def test_public_pages_are_written_by_document_and_constructed_ones_not_asked_for(server, speeches, tmp_path):
    fetch_wikisource(speeches, tmp_path, base=server.base, pause=0)
    assert {p.name for p in tmp_path.iterdir()} == {"a-1.html", "b-2.html"}
    assert (tmp_path / "a-1.html").read_text("utf-8") == PAGES["/wiki/甲报告"]


def test_a_busy_server_is_asked_again_and_a_page_already_there_is_not(server, speeches, tmp_path):
    server.faults["/wiki/甲报告"] = [503, 429]
    (tmp_path / "b-2.html").write_text("kept", "utf-8")
    fetch_wikisource(speeches, tmp_path, base=server.base, pause=0)
    assert server.asked == {"/wiki/甲报告": 3}
    assert (tmp_path / "b-2.html").read_text("utf-8") == "kept"


def test_half_a_page_is_asked_for_again_and_at_last_refused_in_one_line(server, speeches, tmp_path):
    server.faults["/wiki/甲报告"] = [HALF, HALF]
    fetch_wikisource(speeches[:1], tmp_path / "some", base=server.base, pause=0)
    assert server.asked == {"/wiki/甲报告": 3}
    assert (tmp_path / "some/a-1.html").read_text("utf-8") == PAGES["/wiki/甲报告"]
    server.faults["/wiki/甲报告"] = [HALF] * 9
    with pytest.raises(BadData, match=r"cannot be fetched \(IncompleteRead.*public=FOLDER"):
        fetch_wikisource(speeches[:1], tmp_path / "none", base=server.base, pause=0)
    assert list((tmp_path / "none").iterdir()) == []


def test_a_missing_page_names_its_address_and_the_offline_way(server, tmp_path):
    with pytest.raises(BadData, match=r"/wiki/none: cannot be fetched \(HTTP 404\).*public=FOLDER"):
        fetch_wikisource([speech("z", "none")], tmp_path, base=server.base, pause=0)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_offline_way_is_named(tmp_path):
    with pytest.raises(BadData, match=r"public=FOLDER"):
        fetch_wikisource([speech("z", "none")], tmp_path, base="http://127.0.0.1:9", pause=0)
