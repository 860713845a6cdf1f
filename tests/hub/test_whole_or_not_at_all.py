"""Publishing to the loopback Hub with the real client: whole or not at all, whatever fails and when."""

import dataclasses
import errno
import hashlib
import io
import json
import os
import re
import resource
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback import FAULTS, READ, WRITE, Blob, Fault, LoopbackHub

from jianghua.hub.connection import connect, explain
from jianghua.hub.content import MARK, Content, check_content
from jianghua.hub.publish import check_dataset_there, check_token, look_from_outside, publish, without_orphans
from jianghua.schema import BadData, BadUsage

CARD = b"""---
license: cc-by-4.0
configs:
- config_name: primary
  data_files:
  - split: train
    path: primary/*.parquet
---
# x
"""


def content(version: str, repo_id: str = "org/data", **more: bytes) -> Content:
    """Three small files; the Parquet one goes through LFS. Real Parquet is not needed to move bytes."""
    files = {
        "README.md": CARD + version.encode(),
        "LICENSE": b"CC BY 4.0",
        "primary/train.parquet": b"PAR1" + version.encode(),
    }
    return Content("dataset", repo_id, files | more, {"what": "dataset", "version": version}, "load_dataset(…)")


def space(version: str, **more: bytes) -> Content:
    """A static Space of one page."""
    page = {"README.md": b"---\nsdk: static\nlicense: mit\n---\n" + version.encode(), "LICENSE": b"MIT"}
    page["index.html"] = b"<!doctype html>" + version.encode()
    record = {"what": "page", "version": version}
    return Content("space", "org/page", page | more, record, "ENDPOINT/spaces/org/page", sdk="static")


def connection_to(hub, token=WRITE, time_limit=20.0):
    return connect(time_limit, endpoint=hub.url, token=token)


def files_of(repository, at=None):
    commit = repository.at(at) if at else repository.head
    return {name: blob.data for name, blob in commit.files.items() if name != ".gitattributes"}


def wanted(one: Content) -> dict:
    one = one.marked()
    return {name: one.read(name) for name in one.files}


def quiet(line):
    pass


def test_publishing_makes_the_repository_in_one_commit_and_tags_it(hub):
    done = publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    repository = hub.repository("dataset", "org/data")
    assert files_of(repository) == wanted(content("1"))
    assert len(repository.commits) == 2  # the Hub's own first one, and ours
    assert repository.tags == {"v1": done.commit}
    assert sum(request.startswith("POST") and "/commit/" in request for request in hub.requests) == 1
    assert repository.head.files["primary/train.parquet"].lfs


def test_publishing_again_changes_nothing_and_says_so(hub):
    publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    before, lines = hub.repository("dataset", "org/data").head.oid, []
    done = publish(content("1"), connection_to(hub), tag="v1", say=lines.append)
    assert (done.committed, done.tagged, done.commit) == (False, False, before)
    assert len(hub.repository("dataset", "org/data").commits) == 2
    assert "nothing changed" in lines[0]


def test_a_missing_tag_is_repaired_without_a_new_commit(hub):
    hub.reset(Fault("503", path=r"POST .*/tag/"))
    with pytest.raises(BadData, match=r"tagging v1.*the files are there"):
        publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    repository = hub.repository("dataset", "org/data")
    assert not repository.tags
    done = publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    assert (done.committed, done.tagged) == (False, True)
    assert repository.tags == {"v1": repository.head.oid}


def test_a_new_version_takes_away_what_the_old_one_alone_had_and_leaves_the_files_of_others(hub):
    publish(content("1", **{"old.md": b"gone soon"}), connection_to(hub), say=quiet)
    repository = hub.repository("dataset", "org/data")
    repository.add("by hand", repository.head.files | {"photo.md": Blob(b"of somebody else", False)})
    publish(content("2"), connection_to(hub), tag="v2", say=quiet)
    assert files_of(repository) == wanted(content("2")) | {"photo.md": b"of somebody else"}


def test_a_tag_that_stands_on_other_content_is_refused_before_anything_is_sent(hub):
    publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    head = hub.repository("dataset", "org/data").head.oid
    with pytest.raises(BadData, match="the tag v1 is there with other content"):
        publish(content("2"), connection_to(hub), tag="v1", say=quiet)
    assert hub.repository("dataset", "org/data").head.oid == head


def test_a_tag_that_stands_on_an_older_version_is_not_said_to_hold_this_one(hub):
    publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    publish(content("2"), connection_to(hub), tag="v2", say=quiet)
    with pytest.raises(BadData, match="the tag v1 is there with other content"):
        publish(content("2"), connection_to(hub), tag="v1", say=quiet)
    tags = hub.repository("dataset", "org/data").tags
    assert tags["v1"] != tags["v2"]


def test_a_tag_that_holds_this_content_serves_though_somebody_added_a_file_since(hub):
    publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    repository = hub.repository("dataset", "org/data")
    repository.add("by hand", repository.head.files | {"photo.md": Blob(b"of somebody else", False)})
    done = publish(content("1"), connection_to(hub), tag="v1", say=quiet)
    assert (done.committed, done.tagged) == (False, False)


@pytest.mark.parametrize("tag", ["", "v 1", "v1..2", "-v1", "v1.lock", "版本1", "v1/", "a^b", "main", "a" * 40])
def test_a_name_that_can_be_no_tag_is_refused_before_anything_is_asked_or_sent(hub, tag):
    with pytest.raises(BadUsage, match=rf"^tag={re.escape(tag)}: "):
        publish(content("1"), connection_to(hub), tag=tag, say=quiet)
    assert hub.requests == []


@pytest.mark.parametrize("tag", ["v1.0.0", "2024", "20240101", "v1.0.0-rc.1+b2", "release/1"])
def test_names_that_people_give_to_versions_are_tags(hub, tag):
    publish(content("1"), connection_to(hub), tag=tag, say=quiet)
    assert set(hub.repository("dataset", "org/data").tags) == {tag}


def test_what_the_hub_puts_into_a_new_static_space_is_replaced_and_its_style_taken_away(hub):
    publish(space("1"), connection_to(hub), say=quiet)
    assert files_of(hub.repository("space", "org/page")) == wanted(space("1"))
    own_style = space("1", **{"style.css": b"p { color: black }"})
    own_style = dataclasses.replace(own_style, repo_id="org/styled")
    publish(own_style, connection_to(hub), say=quiet)
    assert files_of(hub.repository("space", "org/styled")) == wanted(own_style)


def test_a_style_sheet_in_a_dataset_repository_is_somebody_elses(hub):
    repository = hub.create("dataset", "org/data")
    repository.add("theirs", repository.head.files | {"style.css": Blob(b"x", False)})
    with pytest.raises(BadData, match=r"did not put there \(style.css\)"):
        publish(content("1"), connection_to(hub), say=quiet)


def made_with(fingerprint, revision=None, build="full", repo_id="org/model"):
    """A model whose record says which dataset it was made with."""
    record = {"what": "model", "dataset": {"repo_id": "org/data", "fingerprint": fingerprint, "revision": revision}}
    return Content("model", repo_id, {"README.md": b"x"}, record, "pipeline(…)")


def data_of(fingerprint, version="1", build="full"):
    one = content(version)
    return dataclasses.replace(one, record=one.record | {"build": build, "fingerprint": fingerprint})


def test_a_model_of_another_dataset_than_the_published_one_is_refused(hub):
    publish(data_of("aaaa"), connection_to(hub), tag="v1", say=quiet)
    publish(data_of("bbbb", "2"), connection_to(hub), tag="v2", say=quiet)
    there = connection_to(hub)
    check_dataset_there([made_with("aaaa", "v1"), made_with("bbbb", "v2"), made_with("bbbb")], there)
    with pytest.raises(BadData, match=r"made with dataset bbbb, but its dataset org/data at v1 is the full build aaaa"):
        check_dataset_there([made_with("bbbb", "v1")], there)
    with pytest.raises(BadData, match=r"org/data at v3 .*no such revision"):
        check_dataset_there([made_with("bbbb", "v3")], there)


def test_results_of_both_builds_are_compared_with_the_one_that_is_published(hub):
    publish(data_of("aaaa"), connection_to(hub), say=quiet)

    def results(full):
        record = {
            "what": "results",
            "dataset": {"repo_id": "org/data", "fingerprints": {"full": full, "constructed": "c"}},
        }
        return Content("dataset", "org/results", {"README.md": b"x"}, record, "load_dataset(…)")

    check_dataset_there([results("aaaa")], connection_to(hub))
    with pytest.raises(
        BadData, match="made with dataset bbbb, but its dataset org/data at main is the full build aaaa"
    ):
        check_dataset_there([results("bbbb")], connection_to(hub))


def test_a_dataset_that_is_not_there_yet_or_comes_in_the_same_command_is_not_compared(hub):
    check_dataset_there([made_with("aaaa", "v1")], connection_to(hub))
    publish(data_of("aaaa"), connection_to(hub), tag="v1", say=quiet)
    check_dataset_there([data_of("bbbb", "2"), made_with("bbbb", "v2")], connection_to(hub))


def test_a_repository_that_somebody_else_filled_is_refused(hub):
    repository = hub.create("dataset", "org/data")
    repository.add("theirs", repository.head.files | {"weights.md": Blob(b"x", False)})
    with pytest.raises(BadData, match=r"holds files that this script did not put there \(weights.md\)"):
        publish(content("1"), connection_to(hub), say=quiet)


def test_a_mistyped_name_does_not_put_results_over_a_dataset(hub):
    publish(data_of("aaaa"), connection_to(hub), say=quiet)
    before = files_of(hub.repository("dataset", "org/data"))
    with pytest.raises(BadData, match="dataset org/data: holds what=dataset of this toolkit, not results; choose"):
        publish(dataclasses.replace(content("1"), record={"what": "results"}), connection_to(hub), say=quiet)
    assert files_of(hub.repository("dataset", "org/data")) == before


def test_a_demo_is_sent_only_with_a_model_or_after_it(hub, capsys):
    demo = dataclasses.replace(space("1"), repo_id="org/demo", record={"what": "demo", "model_id": "org/m"})
    assert without_orphans([demo], connection_to(hub)) == []
    assert "its model org/m is not on the Hub; the demo org/demo is left out" in capsys.readouterr().out
    model = made_with("aaaa", repo_id="org/m")
    assert without_orphans([model, demo], connection_to(hub)) == [model, demo]
    hub.create("model", "org/m")
    assert without_orphans([demo], connection_to(hub)) == [demo]


def test_a_name_that_belongs_to_another_type_is_refused_and_nothing_is_made(hub):
    hub.create("model", "org/data")
    with pytest.raises(BadData, match="org/data is a model on the Hub, and a dataset is to be published"):
        publish(content("1"), connection_to(hub), say=quiet)
    assert hub.repository("dataset", "org/data") is None


def test_what_is_to_be_private_is_not_put_where_everybody_reads(hub):
    hub.create("dataset", "org/data", private=False)
    with pytest.raises(BadData, match="is public already, and private=true was asked for"):
        publish(content("1"), connection_to(hub), private=True, say=quiet)
    assert len(hub.repository("dataset", "org/data").commits) == 1


def test_somebody_who_commits_meanwhile_is_not_overwritten(hub):
    publish(content("1"), connection_to(hub), say=quiet)
    repository = hub.repository("dataset", "org/data")
    answer = hub.fault

    def meanwhile(request, number):  # between our look and our commit
        if request.startswith("POST /api/validate-yaml"):
            repository.add("theirs", repository.head.files | {"README.md": Blob(b"---\nlicense: mit\n---\n", False)})
        return answer(request, number)

    hub.fault = meanwhile
    with pytest.raises(BadData, match="somebody else committed meanwhile, nothing was published"):
        publish(content("2"), connection_to(hub), say=quiet)
    assert repository.head.title == "theirs"
    hub.fault = answer
    publish(content("2"), connection_to(hub), say=quiet)
    assert files_of(repository) == wanted(content("2"))


@pytest.mark.parametrize(
    ("token", "says"),
    [(READ, "the token may only read"), ("hf_" + "x" * 34, "does not accept the token")],
)
def test_a_token_that_may_not_write_is_refused_in_one_line_without_showing_it(hub, token, says):
    with pytest.raises(BadData, match=says) as caught:
        check_token(connection_to(hub, token))
    assert token not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not hub.repositories


def test_a_server_that_never_answers_costs_no_more_than_the_time_limit(hub):
    hub.reset(Fault("silent", at=1))
    with pytest.raises(BadData, match=r"did not answer within 0.5 seconds.*time_limit="):
        check_token(connection_to(hub, time_limit=0.5))


def test_a_server_that_asks_to_wait_for_an_hour_is_not_waited_for(hub):
    hub.reset(Fault("429", path="preupload", retry_after=3600))
    with pytest.raises(BadData, match="asks to wait 3600 seconds; run the same command again after that"):
        publish(content("1"), connection_to(hub), say=quiet)


def test_a_server_that_asks_to_wait_for_a_moment_is_waited_for(hub):
    hub.reset(Fault("429", path="preupload", retry_after=0))
    assert publish(content("1"), connection_to(hub), say=quiet).committed


def test_a_slow_server_is_waited_for_while_it_speaks(hub):
    hub.reset(Fault("slow", path=".", times=99))
    assert publish(content("1"), connection_to(hub, time_limit=5), tag="v1", say=quiet).committed
    assert files_of(hub.repository("dataset", "org/data"), "v1") == wanted(content("1"))


@pytest.mark.parametrize("token", ["hf_口令" + "x" * 20, "hf_“" + "x" * 30 + "”", "hf_ab cd", "hf_a\tb"])
def test_a_token_that_cannot_be_sent_is_named_and_not_shown(hub, token):
    with pytest.raises(BadData, match=r"HF_TOKEN .* holds characters that no token has") as caught:
        connection_to(hub, token)
    assert token not in str(caught.value)


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadData, match=r"http://127.0.0.1:9 cannot be reached"):
        check_token(connect(5, endpoint="http://127.0.0.1:9", token=WRITE))


def test_a_stranger_sees_hashes_that_are_equal_and_a_flipped_byte_that_is_not(hub, tmp_path):
    one = content("1")
    done = publish(one, connection_to(hub), say=quiet)
    lines = look_from_outside(one, done.commit, connection_to(hub), cache=tmp_path)
    assert lines == ["4 files downloaded, hashes equal"]
    blob = hub.repository("dataset", "org/data").head.files["primary/train.parquet"]
    blob.data = b"PAR0" + blob.data[4:]
    with pytest.raises(BadData, match=r"primary/train.parquet came back with other content"):
        look_from_outside(one, done.commit, connection_to(hub), cache=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["503", "half", "before"])
def test_a_download_that_fails_is_one_line_and_the_next_look_finds_all(hub, tmp_path, fault):
    one, there = content("1"), connection_to(hub, time_limit=5)
    done = publish(one, there, say=quiet)
    hub.reset(Fault(fault, path="GET .*/resolve/.*parquet", times=99))
    says = r"a stranger cannot use it: downloading: .*run the same command again to look once more$"
    with pytest.raises(BadData, match=says) as caught:
        look_from_outside(one, done.commit, there, cache=tmp_path)
    assert "\n" not in str(caught.value)
    hub.reset()
    assert look_from_outside(one, done.commit, there, cache=tmp_path) == ["4 files downloaded, hashes equal"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["half", "slow"])
def test_a_download_that_is_cut_once_or_comes_slowly_is_had_in_the_end(hub, tmp_path, fault):
    one, there = content("1"), connection_to(hub, time_limit=5)
    done = publish(one, there, say=quiet)
    hub.reset(Fault(fault, path="GET .*/resolve/.*parquet"))
    assert look_from_outside(one, done.commit, there, cache=tmp_path) == ["4 files downloaded, hashes equal"]
    assert sum("parquet" in request for request in hub.requests) > (2 if fault == "half" else 1)


@pytest.mark.slow
def test_a_disk_that_fills_up_while_datasets_writes_its_tables_is_called_full(hub, tmp_path):
    texts = [f"{n} 同志们，大家辛苦了。" for n in range(40_000)]  # small as Parquet, larger as Arrow
    one = content("1", **{"primary/train.parquet": parquet_of(texts)})
    one = dataclasses.replace(one, loads=[["dataset", "primary"]])
    done = publish(one, connection_to(hub), say=quiet)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))  # the kernel itself refuses to write beyond this
    try:
        with pytest.raises(BadData, match="loading: no room left on the disk"):
            look_from_outside(one, done.commit, connection_to(hub), cache=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(look_from_outside(one, done.commit, connection_to(hub), cache=tmp_path)) == 2


def test_a_full_disk_is_named_however_the_clients_wrap_it(hub):
    there, raised = connection_to(hub), []
    for first in (OSError(errno.ENOSPC, "No space left on device"), OSError("Not enough disk space. Needed: 3 GB.")):
        for wrap in (lambda error: error, chained, met_on_the_way):
            raised.append(wrap(first))
    assert [explain(error, there).startswith("no room left on the disk (N") for error in raised] == [True] * 6
    assert "no room" not in explain(OSError(errno.EACCES, "Permission denied"), there)


def chained(error):
    """As `datasets` raises: an error of its own, from the first."""
    outer = RuntimeError("An error occurred while generating the dataset")
    outer.__cause__ = error
    return outer


def met_on_the_way(error):
    """As a `finally` or `except` block raises that meets another error."""
    outer = ValueError("I/O operation on closed file")
    outer.__context__ = error
    return outer


def test_a_stranger_comes_without_our_token_unless_the_repository_is_private(hub, tmp_path):
    one = content("1")
    done = publish(one, connection_to(hub), private=True, say=quiet)
    assert hub.repository("dataset", "org/data").private
    assert look_from_outside(one, done.commit, connection_to(hub), private=True, cache=tmp_path)
    with pytest.raises(BadData, match="knows no such repository"):
        look_from_outside(one, done.commit, connection_to(hub), cache=tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("notes.md", b"token hf_" + b"a" * 34, "looks like a Hugging Face token"),
        ("notes.md", b"-----BEGIN RSA PRIVATE KEY-----", "looks like a private key"),
        ("notes.md", b"path: /home/somebody/data", "names a folder of this machine"),
        ("config.json", rb'{"path": "C:\Users\somebody"}', "names a folder of this machine"),
        ("config.json", json.dumps({"path": r"D:\new\x"}).encode(), "names a folder of this machine"),
        ("config.json", json.dumps(json.dumps({"path": r"C:\Users\x"})).encode(), "names a folder of this machine"),
        ("notes.md", b"data=C:/Users/somebody/data", "names a folder of this machine"),
        ("notes.md", b"see file:///home/somebody/a.txt", "names a folder of this machine"),
        ("notes.md", b"PATH=/usr/bin:/home/somebody/bin", "names a folder of this machine"),
        *(
            ("notes.md", f"from /{root}/somebody/a".encode(), rf"names a folder of this machine \(/{root}/")
            for root in ("opt", "var", "media", "content", "kaggle", "storage", "nfs", "data2")
        ),
        ("notes.md", b"", "is empty"),
        ("notes.md", b"x" * 2_000_000, "more than max_file_mb=1"),
        ("README.md", b"# no metadata", "names no license"),
        ("README.md", b"---\nlicense: [\n---\n", "metadata not valid"),
        ("README.md", b"---\nlicense: mit\n---\n", "names no configs"),
        ("README.md", CARD.replace(b"primary/*", b"functions/*"), "has no file functions/"),
    ],
)
def test_what_must_not_be_published_is_found_before_anything_is_sent(name, data, says):
    parquet = {"primary/train.parquet": parquet_of(["普通的一段。"])}
    good = content("1", **parquet)
    check_content(good, max_file_mb=1, max_total_mb=5, token=None)
    with pytest.raises(BadData, match=says):
        check_content(content("1", **(parquet | {name: data})), max_file_mb=1, max_total_mb=5, token=None)


def test_a_secret_inside_parquet_is_found_though_it_is_compressed():
    hidden = content("1", **{"primary/train.parquet": parquet_of(["token-of-mine"] * 50)})
    with pytest.raises(BadData, match=r"primary/train.parquet holds the token in use"):
        check_content(hidden, max_file_mb=1, max_total_mb=5, token="token-of-mine")


def test_a_path_deep_inside_parquet_is_found():
    values = {
        "list": [["一", "/home/somebody/a"]],
        "struct": [{"a": {"b": "/home/somebody/a"}}],
        "both": [[{"a": ["/home/somebody/a"]}]],
        "large": pa.array(["/home/somebody/a"], pa.large_string()),
        "dictionary": pa.array(["/home/somebody/a"]).dictionary_encode(),
        "map": pa.array([[("k", "/home/somebody/a")]], pa.map_(pa.string(), pa.string())),
        "bytes": [b"/home/somebody/a"],
    }
    for name, column in values.items():
        buffer = io.BytesIO()
        pq.write_table(pa.table({name: column}), buffer, compression="zstd")
        bad = content("1", **{"primary/train.parquet": buffer.getvalue()})
        with pytest.raises(BadData, match="names a folder of this machine"):
            check_content(bad, max_file_mb=1, max_total_mb=5, token=None)


NO_PLACES = [
    b"https://example.org/home/page",
    b"https://example.org:8000/data/x",
    b"s3://data/x",
    b"runs/data/x",
    b"../data/x",
    b"a/tmp/b",
    b"1949/10/1",
    json.dumps("A:\nnext line").encode(),
    b"file:///",
]


@pytest.mark.parametrize("text", NO_PLACES)
def test_addresses_and_relative_paths_are_no_places_of_this_machine(text):
    more = {"notes.md": text, "primary/train.parquet": parquet_of(["一段"])}
    check_content(content("1", **more), max_file_mb=1, max_total_mb=5, token=None)


@pytest.mark.parametrize("repo_id", ["data", "org/", "org/a b", "org/讲话", "org/a--b", "a/b/c", "org/.x"])
def test_a_repository_name_that_is_not_one_is_refused(repo_id):
    with pytest.raises(BadUsage, match="not a repository name"):
        check_content(content("1", repo_id=repo_id), max_file_mb=1, max_total_mb=5, token=None)


def parquet_of(texts):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), buffer, compression="zstd")
    return buffer.getvalue()


def run_once(hub, version="2", time_limit=20.0, make=content):
    """One publishing of `version` as the script does it; the line of its error, or None."""
    try:
        there = connection_to(hub, time_limit=time_limit)
        check_token(there)
        publish(make(version), there, tag=f"v{version}", say=quiet)
    except BadData as error:
        return str(error)
    return None


def requests_of_a_publishing(fresh: bool, make) -> int:
    hub = LoopbackHub()
    try:
        if not fresh:
            run_once(hub, "1", make=make)
        hub.reset()
        assert run_once(hub, make=make) is None
        return len(hub.requests)
    finally:
        hub.close()


def every_request_fails(fresh: bool, fault: str, make) -> dict[int, str]:
    """Fail each request of a publishing in turn; the error lines of those that the client could not mend."""
    errors = {}
    key, old_files, new_files = (make("1").kind, make("1").repo_id), wanted(make("1")), wanted(make("2"))
    for at in range(1, requests_of_a_publishing(fresh, make) + 1):
        hub = LoopbackHub()
        try:
            if not fresh:
                assert run_once(hub, "1", make=make) is None
            old = hub.repository(*key)
            old_commits = len(old.commits) if old else 1
            hub.reset(Fault(fault, at=at))
            began = time.monotonic()
            error = run_once(hub, time_limit=0.7 if fault.startswith("silent") else 20.0, make=make)
            assert time.monotonic() - began < 20, (at, fault)
            if error:
                errors[at] = error
                assert "\n" not in error
                assert "hf_" not in error.replace("hf_…", "")
            repository = hub.repository(*key)
            if repository is not None:
                first = files_of(repository, repository.commits[0].oid)  # what the Hub itself puts into a new one
                assert files_of(repository) in (first if fresh else old_files, new_files), (at, fault)
                assert len(repository.commits) <= old_commits + 1, (at, fault)
            hub.reset()
            assert run_once(hub, make=make) is None, (at, fault)
            repository = hub.repository(*key)
            assert files_of(repository) == new_files
            assert files_of(repository, "v2") == new_files
            assert len(repository.commits) == old_commits + 1, (at, fault)
        finally:
            hub.close()
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("fresh", "make"),
    [(True, content), (False, content), (True, space)],
    ids=["new dataset", "new version", "new static Space"],
)
def test_whatever_request_fails_and_however_the_repository_is_old_or_new_and_another_run_completes_it(
    fresh, make, fault
):
    errors = every_request_fails(fresh, fault, make)
    if fault == "slow":  # late and in pieces, but all of it
        assert not errors
    else:
        assert errors, f"no request minded {fault}"


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_lost_commit_or_a_lost_reply_leaves_one_whole_version(hub, fault):
    assert run_once(hub, "1") is None
    hub.reset(Fault(fault, path=r"POST .*/commit/"))
    assert "the connection to" in run_once(hub)
    repository = hub.repository("dataset", "org/data")
    assert files_of(repository) == wanted(content("2" if fault == "after" else "1"))
    assert run_once(hub) is None
    assert len(repository.commits) == 3
    assert files_of(repository, "v2") == wanted(content("2"))


def test_published_files_carry_their_hashes(hub):
    publish(content("1"), connection_to(hub), say=quiet)
    files = files_of(hub.repository("dataset", "org/data"))
    record = json.loads(files[MARK])
    assert record["files"] == {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n != MARK}


def test_the_storage_protocol_that_may_split_a_commit_is_off(hub):
    connection_to(hub)
    from huggingface_hub import constants

    assert constants.HF_HUB_DISABLE_XET
    assert os.environ["HF_HUB_DISABLE_XET"] == "1"
