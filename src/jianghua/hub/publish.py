"""One repository, whole or not at all: create, compare, one guarded commit, tag, and a look from outside."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jianghua.hub.connection import Connection, hide_tokens, hub_errors
from jianghua.hub.content import MARK, Content, check_tag
from jianghua.schema import BadData

KINDS = ("dataset", "model", "space")
HUB_FILES = {".gitattributes"}  # the Hub's own
START_FILES = HUB_FILES | {"README.md"}  # what a repository made by hand may hold before the first publishing
STATIC_START = {"index.html", "style.css"}  # what the Hub puts into a new static Space besides


@dataclass(frozen=True)
class Published:
    """What a call did: the commit that holds the content, whether commit and tag are new, and who may see it."""

    commit: str
    private: bool
    committed: bool
    tagged: bool


def check_token(connection: Connection) -> None:
    """Refuse to begin without a token that may write."""
    with hub_errors("publishing", connection):
        who = connection.api.whoami()
        role = (who.get("auth") or {}).get("accessToken", {}).get("role")
    if role == "read":
        raise BadData("publishing: the token may only read; make one with write rights and put it into HF_TOKEN")


def publish(
    content: Content,
    connection: Connection,
    *,
    private: bool = False,
    tag: str | None = None,
    say: Callable[[str], None] = print,
) -> Published:
    """Bring the repository to `content` in one commit guarded by its parent, then tag it.

    A repository that holds it already is left as it is; a missing tag is added. Interrupted anywhere, the
    repository has its old files or the new ones. Raises `BadData` for a tag that stands on other content, for a
    repository with files of somebody else, and for whatever the Hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    if tag is not None:
        check_tag(tag)
    content = content.marked()
    name = f"{content.kind} {content.repo_id}"
    at = {"repo_id": content.repo_id, "repo_type": content.kind}
    api = connection.api
    with hub_errors(f"{name}: looking it up", connection):
        head, is_private = _head(content, connection, private)
    if private and not is_private:
        raise BadData(f"{name}: is public already, and private=true was asked for; choose another name")
    with hub_errors(f"{name}: comparing files", connection):
        tags = {ref.name: ref.target_commit for ref in api.list_repo_refs(**at).tags}
        there = _files_there(at, head, connection)
        changed = [path for path in sorted(content.files) if there.get(path) not in _git_names(content.read(path))]
        stale = _stale(content, at, head, there, connection)
    if tag in tags and (changed or stale or not _tag_holds(content, at, tag, tags[tag], head, connection)):
        raise BadData(
            f"{name}: the tag {tag} is there with other content, and a published version does not change; "
            "give the change a version of its own in CHANGELOG.md, or name another tag="
        )
    commit = head
    if changed or stale:
        add = [CommitOperationAdd(path, content.files[path]) for path in changed]
        delete = [CommitOperationDelete(path) for path in stale]
        with hub_errors(f"{name}: committing", connection):
            title = f"Publish {content.record['what']} {tag or content.record.get('version') or ''}".strip()
            made = api.create_commit(**at, operations=add + delete, commit_message=title, parent_commit=head)
            commit = made.oid
        say(f"{name}: {len(changed)} files written, {len(stale)} removed, in one commit {commit[:12]}")
    else:
        say(f"{name}: holds this already ({commit[:12]}), nothing changed")
    tagged = tag is not None and tag not in tags
    if tagged:
        with hub_errors(f"{name}: tagging {tag} (the files are there; run the same command again)", connection):
            api.create_tag(**at, tag=tag, revision=commit)
        say(f"{name}: tagged {tag}")
    return Published(commit, is_private, bool(changed or stale), tagged)


def _tag_holds(content: Content, at: dict, tag: str, target: str, head: str, connection: Connection) -> bool:
    """Whether the tag stands on this content; on the head it does, which was compared already."""
    if target == head:
        return True
    with hub_errors(f"{content.kind} {content.repo_id}: comparing the files of {tag}", connection):
        there = _files_there(at, tag, connection)
    return all(there.get(path) in _git_names(content.read(path)) for path in content.files)


def check_dataset_there(contents: Iterable[Content], connection: Connection) -> None:
    """Compare the datasets that models and results were made of with what the Hub holds under their names.

    A model's is looked up at the revision its card names, that of results at the head. What is published together
    with them was compared before, and a dataset that is not there yet cannot be. Raises `BadData` for another
    fingerprint, and for a revision that is not there.
    """
    contents = list(contents)
    together = {content.repo_id for content in contents if content.kind == "dataset"}
    for content in contents:
        dataset = content.record.get("dataset")
        if not dataset or dataset["repo_id"] in together:
            continue
        name, revision = f"{content.kind} {content.repo_id}", dataset.get("revision")
        where = f"its dataset {dataset['repo_id']} at {revision or 'main'}"
        with hub_errors(f"{name}: {where} (dataset_revision= names another)", connection):
            there = _mark(dataset["repo_id"], revision, connection)
        if there is None or "fingerprint" not in there:
            continue
        ours = dataset.get("fingerprint") or dataset["fingerprints"].get(there.get("build"))
        if there["fingerprint"] != ours:
            raise BadData(
                f"{name}: made with dataset {ours}, but {where} is the {there.get('build')} build "
                f"{there['fingerprint']}; publish the dataset it was made with first, or make it anew with this one"
            )


def without_orphans(contents: list[Content], connection: Connection) -> list[Content]:
    """`contents` less a demo whose model neither is among them nor on the Hub: it could not start."""
    models = {content.repo_id for content in contents if content.kind == "model"}
    kept = []
    for content in contents:
        model = content.record.get("model_id")  # of a demo
        with hub_errors(f"{content.kind} {content.repo_id}: looking up its model {model}", connection):
            if model is None or model in models or connection.api.repo_exists(model):
                kept.append(content)
            else:
                print(f"note: its model {model} is not on the Hub; the demo {content.repo_id} is left out")
    return kept


def _mark(repo_id: str, revision: str | None, connection: Connection) -> dict | None:
    """`published.json` of a dataset repository; None where the repository or the file is not there."""
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    with tempfile.TemporaryDirectory() as cache:
        try:
            at = {"repo_id": repo_id, "repo_type": "dataset", "revision": revision}
            return json.loads(Path(connection.api.hf_hub_download(**at, filename=MARK, cache_dir=cache)).read_bytes())
        except (EntryNotFoundError, RepositoryNotFoundError):
            return None


def _head(content: Content, connection: Connection, private: bool) -> tuple[str, bool]:
    """The commit at the head of `main` and whether the repository is private; made now if there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    at = {"repo_id": content.repo_id, "repo_type": content.kind}
    try:
        info = connection.api.repo_info(**at)
        return info.sha, bool(info.private)
    except RepositoryNotFoundError:
        pass
    for kind in KINDS:
        if kind != content.kind and connection.api.repo_exists(content.repo_id, repo_type=kind):
            raise BadData(
                f"{content.repo_id} is a {kind} on the Hub, and a {content.kind} is to be published; choose another"
            )
    connection.api.create_repo(**at, private=private, space_sdk=content.sdk, exist_ok=True)
    info = connection.api.repo_info(**at)
    return info.sha, bool(info.private)


def _files_there(at: dict, commit: str, connection: Connection) -> dict[str, str]:
    """Path → what the Hub knows a file by: SHA-256 of an LFS file, git's SHA-1 of any other."""
    entries = connection.api.list_repo_tree(**at, revision=commit, recursive=True)
    return {e.path: e.lfs.sha256 if e.lfs else e.blob_id for e in entries if hasattr(e, "blob_id")}


def _git_names(data: bytes) -> Iterator[str]:
    yield hashlib.sha256(data).hexdigest()
    yield hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _stale(content: Content, at: dict, head: str, there: dict[str, str], connection: Connection) -> list[str]:
    """Files of an earlier publishing that the content no longer has; files of others are left alone."""
    others = set(there) - set(content.files) - HUB_FILES
    if MARK not in there:
        start = STATIC_START if content.sdk == "static" else set()
        if strange := sorted(set(there) - START_FILES - start):
            raise BadData(
                f"{content.kind} {content.repo_id}: holds files that this script did not put there ({strange[0]}); "
                "choose another name"
            )
        return sorted(others & start)
    with tempfile.TemporaryDirectory() as cache:
        path = connection.api.hf_hub_download(**at, filename=MARK, revision=head, cache_dir=cache)
        earlier = json.loads(Path(path).read_text(encoding="utf-8"))
    if earlier.get("what") != content.record["what"]:  # a mistyped name: its files would be taken away
        raise BadData(
            f"{content.kind} {content.repo_id}: holds what={earlier.get('what')} of this toolkit, not "
            f"{content.record['what']}; choose another name"
        )
    return sorted(others & set(earlier["files"]))


def look_from_outside(
    content: Content, revision: str, connection: Connection, *, private: bool = False, cache: Path | None = None
) -> list[str]:
    """Download and load the repository as a stranger does, in a process of its own with a fresh cache.

    Compares the hash of every file, for the client itself compares only sizes. Returns a line for each thing
    that was loaded; raises `BadData` where a file differs or something does not load.
    """
    name = f"{content.kind} {content.repo_id}"
    order = {"kind": content.kind, "repo_id": content.repo_id, "revision": revision, "loads": content.loads}
    order |= {"hashes": content.marked().hashes(), "time_limit": connection.time_limit}
    # no token, no cache, no offline mode of ours
    ours = ("HF_", "HUGGING", "TRANSFORMERS_", "DATASETS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"HF_ENDPOINT": connection.endpoint, "HF_HUB_DISABLE_XET": "1", "TQDM_DISABLE": "1"}
    if private and connection.token:
        environment["HF_TOKEN"] = connection.token
    else:
        environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
    if cache:
        cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as home:
        result = subprocess.run(
            [sys.executable, "-m", "jianghua.hub.stranger"],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            check=False,
            env=environment | {"HF_HOME": home},
        )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise BadData(
            hide_tokens(
                f"{name}: published as {revision[:12]}, but a stranger cannot use it: {reason}; "
                "run the same command again to look once more",
                connection.token,
            )
        )
    return result.stdout.strip().splitlines()
