"""A packet through a real Label Studio server and back: project, import, two users' answers, both exports.

The answers are simulated and stay in the test's folder; no person has voted.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time

import pytest
import requests

from jianghua.annotate import read_votes, write_packet
from jianghua.files import text_sha256, write_jsonl
from jianghua.schema import LABELS, LABELS_ZH, Paragraph

pytestmark = pytest.mark.slow
TOKEN = secrets.token_hex(20)
TEXTS = [
    "去年修通了六条村道，群众出行方便多了。",
    "有的支部半年没有开过一次像样的会。",
    "各村月底前把名单报到乡里。",
    "3月2日夜里，上坪村转移了三十一户，房子埋了六间，人一个没少。",
    "值此新春佳节，给大家拜年。",
]
TRUTH = ["praise", "criticism", "directive", "anecdote", None]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(address, request headers of the owner); `JIANGHUA_LABEL_STUDIO` names the program."""
    program = os.environ.get("JIANGHUA_LABEL_STUDIO") or shutil.which("label-studio")
    if not program:
        pytest.skip("Label Studio is not here (JIANGHUA_LABEL_STUDIO names its program)")
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "-p", str(port)]
    command += ["--username", "a@example.com", "--password", "long-enough-1", "--user-token", TOKEN]
    command += ["--enable-legacy-api-token", "--data-dir", str(folder)]
    environment = os.environ | {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false"}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            assert process.poll() is None, (folder / "log.txt").read_text()[-2000:]
            try:
                if requests.get(f"{address}/health", timeout=2).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(1)
        yield address, {"Authorization": f"Token {TOKEN}"}
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def second_user(address, owner):
    """A session of another annotator, signed in as a browser would be."""
    body = {"email": "b@example.com", "username": "b", "first_name": "b", "last_name": "b"}
    made = requests.post(f"{address}/api/users/", json=body | {"password": "long-enough-2"}, headers=owner, timeout=30)
    assert made.ok, made.text
    number = made.json()["id"]
    return number


def choices(name, *values):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(values)}}


def answer_all(address, headers, project, user, wrong=()):
    tasks = requests.get(f"{address}/api/tasks?project={project}&page_size=100", headers=headers, timeout=30).json()
    for task in tasks["tasks"]:
        number = TEXTS.index(task["data"]["text"])
        label = "directive" if number in wrong else TRUTH[number]
        result = [choices("primary", label or "none")] + ([choices("functions", label)] if label else [])
        body = {"result": result, "completed_by": user}
        made = requests.post(f"{address}/api/tasks/{task['id']}/annotations/", json=body, headers=headers, timeout=30)
        assert made.status_code == 201, made.text


def test_a_packet_goes_out_to_a_real_server_and_comes_back_as_votes(server, tmp_path, run_script):
    address, owner = server
    paragraphs = [Paragraph(f"x1-{n:03d}", "x1", n, "", "", text, "constructed", 0, 1) for n, text in enumerate(TEXTS)]
    (tmp_path / "GUIDELINES.md").write_text("规范", encoding="utf-8")
    write_packet(paragraphs, tmp_path / "GUIDELINES.md", tmp_path / "packet")
    config = (tmp_path / "packet/labelstudio.xml").read_text("utf-8")
    for name in LABELS_ZH.values():
        assert name in config
    body = {"title": "讲话段落（测试）", "label_config": config}
    project = requests.post(f"{address}/api/projects", json=body, headers=owner, timeout=30)
    assert project.status_code == 201, project.text
    number = project.json()["id"]
    tasks = json.loads((tmp_path / "packet/labelstudio.json").read_text("utf-8"))
    sent = requests.post(f"{address}/api/projects/{number}/import", json=tasks, headers=owner, timeout=60)
    assert sent.json()["task_count"] == len(TEXTS), sent.text
    me = requests.get(f"{address}/api/current-user/whoami", headers=owner, timeout=30).json()["id"]
    other = second_user(address, owner)
    answer_all(address, owner, number, me)
    answer_all(address, owner, number, other, wrong=(1,))
    write_jsonl(tmp_path / "paragraphs.jsonl", [p.to_json() for p in paragraphs])
    write_jsonl(tmp_path / "packet.jsonl", ({"id": p.id, "sha256": text_sha256(p.text)} for p in paragraphs))
    for kind in ("JSON", "JSON_MIN"):
        export = f"{address}/api/projects/{number}/export?exportType={kind}&download_all_tasks=true"
        (tmp_path / f"{kind}.json").write_bytes(requests.get(export, headers=owner, timeout=60).content)
        result = run_script(
            "annotate",
            f"import={kind}.json",
            "format=labelstudio",
            "protocol=alone",
            "paragraphs=paragraphs.jsonl",
            "data_root=.",
            f"output={kind}",
            cwd=tmp_path,
        )
        assert result.returncode == 0, result.stderr
        votes = {(vote.annotator, vote.id): vote for vote in read_votes(tmp_path / kind)}
        assert len(votes) == 2 * len(TEXTS)
        for n, truth in enumerate(TRUTH):
            vote = votes[f"labelstudio-{me}", f"x1-{n:03d}"]
            assert (vote.label, vote.functions) == (truth, (truth,) if truth else ())
        assert votes[f"labelstudio-{other}", "x1-001"].label == "directive"
    result = run_script("agreement", "votes=JSON", "by=annotator", "replicates=50", "output=out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "out/agreement.json").read_text("utf-8"))
    assert report["all"]["primary"]["percent"] == pytest.approx(80)
    assert set(report["raters"]) == {f"labelstudio-{me}", f"labelstudio-{other}"}
    assert set(report["categories"]) == {*LABELS, "none"}
