"""A published dataset for training: the revision pinned, files compared with their hashes, the cache used offline."""

import sys
from pathlib import Path

from jianghua.files import file_sha256, read_json
from jianghua.hub.connection import connect, hub_errors
from jianghua.hub.content import MARK, check_repo_id
from jianghua.schema import BadData, check_record

FILES = ["primary/*.parquet", "functions/*.parquet", MARK]


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def fetch_build(repo_id: str, revision: str | None, time_limit: float = 60) -> tuple[Path, str]:
    """The folder of a published build (as `dataset.load_build` reads it) and the commit it is of.

    `revision` is a tag, a branch or a commit; without one the newest commit is taken, and a note says which.
    What is in the cache is used where the Hub cannot be reached. Raises `BadData` where neither helps, and where
    a file is not what its publisher hashed.
    """
    check_repo_id(repo_id)
    try:
        folder, commit = _fetch(repo_id, revision, time_limit)
    except BadData as error:
        raise BadData(f"{error}; data=local trains on the build in the tree, offline") from None
    _compare_hashes(folder, repo_id)
    if revision is None:
        _note(f"data.revision= names no revision of {repo_id}; this run takes {commit}. Pin it: data.revision={commit}")
    return folder, commit


def fetch_into(config, settings: dict) -> None:
    """`fetch_build` for the options of conf/data/hub.yaml: the commit goes into both, so that a run folder has it.

    The folder goes into `settings` alone, for what is written into a run folder names no place of this machine.
    """
    folder, commit = fetch_build(config.data.repo_id, config.data.revision, config.data.time_limit)
    config.data.revision = commit
    settings["data"] |= {"revision": commit, "path": str(folder)}
    del settings["data"]["time_limit"]  # changes no run


def _fetch(repo_id: str, revision: str | None, time_limit: float) -> tuple[Path, str]:
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    connection = connect(time_limit)
    at = {"repo_id": repo_id, "repo_type": "dataset", "revision": revision or "main"}
    with hub_errors(f"data.repo_id={repo_id}", connection):
        try:
            connection.api.repo_info(**at)
        except (OfflineModeIsEnabled, OSError, httpx2.TransportError) as error:
            if isinstance(error, HfHubHTTPError) and (error.response is None or error.response.status_code < 500):
                raise
            try:
                folder = Path(connection.api.snapshot_download(**at, allow_patterns=FILES, local_files_only=True))
            except LocalEntryNotFoundError:
                raise error from None
            _note(f"{connection.endpoint} cannot be reached; {repo_id} at {folder.name[:12]} comes from the cache")
        else:  # under the name that was asked for, so that the cache knows it by that name too
            folder = Path(connection.api.snapshot_download(**at, allow_patterns=FILES))
    return folder, folder.name


def _compare_hashes(folder: Path, repo_id: str) -> None:
    """The client compares sizes only; `published.json` has the hashes, if this toolkit published it.

    Named is the file that a link of the cache leads to: with the link alone removed, the client would set it again.
    """
    mark = folder / MARK
    if not mark.is_file():
        return
    try:
        hashes = check_record(read_json(mark), {"files": dict})["files"]
    except BadData as error:
        at = f"data.repo_id={repo_id}: {mark.resolve()}"
        raise BadData(f"{at} is damaged ({error}); remove it and try again") from None
    for name, wanted in hashes.items():
        path = folder / name
        if path.is_file() and file_sha256(path) != wanted:
            at = f"data.repo_id={repo_id}: {path.resolve()}"
            raise BadData(f"{at} is damaged (another hash than published); remove it and try again")
