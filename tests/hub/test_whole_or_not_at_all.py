"""Publishing to the loopback Hub with the real client: whole or not at all, whatever fails and when."""

import hashlib
import json
import os
import time

import pytest
from loopback import FAULTS, READ, WRITE, Blob, Fault, LoopbackHub

from jianghua.hub.connection import connect
from jianghua.hub.content import MARK, Content, check_content
from jianghua.hub.publish import check_token, look_from_outside, publish
from jianghua.schema import BadData

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


def test_a_repository_that_somebody_else_filled_is_refused(hub):
    repository = hub.create("dataset", "org/data")
    repository.add("theirs", repository.head.files | {"weights.md": Blob(b"x", False)})
    with pytest.raises(BadData, match=r"holds files that this script did not put there \(weights.md\)"):
        publish(content("1"), connection_to(hub), say=quiet)


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


@pytest.mark.parametrize("text", [b"https://example.org/home/page", b"runs/data/x", b"a/tmp/b", b"1949/10/1"])
def test_addresses_and_relative_paths_are_no_places_of_this_machine(text):
    more = {"notes.md": text, "primary/train.parquet": parquet_of(["一段"])}
    check_content(content("1", **more), max_file_mb=1, max_total_mb=5, token=None)


@pytest.mark.parametrize("repo_id", ["data", "org/", "org/a b", "org/讲话", "org/a--b", "a/b/c", "org/.x"])
def test_a_repository_name_that_is_not_one_is_refused(repo_id):
    with pytest.raises(BadData, match="not a repository name"):
        check_content(content("1", repo_id=repo_id), max_file_mb=1, max_total_mb=5, token=None)


def parquet_of(texts):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), buffer, compression="zstd")
    return buffer.getvalue()


def run_once(hub, version="2", time_limit=20.0):
    """One publishing of `version`; the line of its error, or None."""
    try:
        publish(content(version), connection_to(hub, time_limit=time_limit), tag=f"v{version}", say=quiet)
    except BadData as error:
        return str(error)
    return None


def requests_of_a_publishing(fresh: bool) -> int:
    hub = LoopbackHub()
    try:
        if not fresh:
            run_once(hub, "1")
        hub.reset()
        assert run_once(hub) is None
        return len(hub.requests)
    finally:
        hub.close()


def every_request_fails(fresh: bool, fault: str) -> dict[int, str]:
    """Fail each request of a publishing in turn; the error lines of those that the client could not mend."""
    errors = {}
    for at in range(1, requests_of_a_publishing(fresh) + 1):
        hub = LoopbackHub()
        try:
            if not fresh:
                assert run_once(hub, "1") is None
            old = hub.repository("dataset", "org/data")
            old_commits = len(old.commits) if old else 1
            hub.reset(Fault(fault, at=at))
            began = time.monotonic()
            error = run_once(hub, time_limit=0.7 if fault.startswith("silent") else 20.0)
            assert time.monotonic() - began < 20, (at, fault)
            if error:
                errors[at] = error
                assert "\n" not in error
                assert "hf_" not in error.replace("hf_…", "")
            repository = hub.repository("dataset", "org/data")
            if repository is not None:
                now = files_of(repository)
                assert now in ({} if fresh else wanted(content("1")), wanted(content("2"))), (at, fault)
                assert len(repository.commits) <= old_commits + 1, (at, fault)
            hub.reset()
            assert run_once(hub) is None, (at, fault)
            repository = hub.repository("dataset", "org/data")
            assert files_of(repository) == wanted(content("2"))
            assert files_of(repository, "v2") == wanted(content("2"))
            assert len(repository.commits) == old_commits + 1, (at, fault)
        finally:
            hub.close()
    return errors


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("fresh", [True, False], ids=["new repository", "new version"])
def test_whatever_request_fails_and_however_the_repository_is_old_or_new_and_another_run_completes_it(fresh, fault):
    errors = every_request_fails(fresh, fault)
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
