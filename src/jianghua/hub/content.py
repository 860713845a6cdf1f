"""What one repository is to hold, and the checks before any of it is sent."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from jianghua.schema import BadData, BadUsage

MARK = "published.json"  # what this script put into a repository, with hashes
_SECRETS = {
    "a Hugging Face token": rb"\bhf_[A-Za-z0-9]{20,}",
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}",
    "an API key": rb"(?<![A-Za-z0-9-])sk-[A-Za-z0-9_-]{24,}|AIza[0-9A-Za-z_-]{35}|AKIA[0-9A-Z]{16}",
    "a Slack token": rb"xox[abprs]-[0-9A-Za-z-]{10,}",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
}
_ROOTS = rb"home|root|Users|tmp|work|workspace|mnt|srv|private|scratch|data\d*|opt|var|media|content|kaggle|storage|nfs"
# a path that names somebody's machine, not a part of an address or of a longer relative path. Windows' backslash
# comes single, or doubled as JSON and Python write it; a single one before a letter like n is their line break
_PLACE = (
    rb"(?<![\w./~-])(?:/(?:%b)/[\w.~-]|[A-Za-z]:(?:(?:\\\\)+\w|\\(?![nrt])\w|/\w))|(?<!\w)file:///[\w.~%%-]" % _ROOTS
)
_BINARY = (".safetensors", ".png", ".npz", ".onnx")


@dataclass(frozen=True)
class Content:
    """Files of one repository (path there → file here or bytes), and the line a user types to use it.

    In that line `ENDPOINT` and `REVISION` are placeholders: they are known only when it is published.

    `loads` says how a stranger loads it after publishing: a list of `["dataset", configuration]`, `["model"]` or
    `["metric", configuration]`.
    """

    kind: str  # dataset, model or space
    repo_id: str
    files: dict[str, Path | bytes]
    record: dict  # goes into published.json: what, version, build, fingerprint
    use: str
    loads: list[list[str]] = field(default_factory=list)
    sdk: str | None = None

    def read(self, name: str) -> bytes:
        value = self.files[name]
        return value if isinstance(value, bytes) else value.read_bytes()

    def size(self, name: str) -> int:
        value = self.files[name]
        return len(value) if isinstance(value, bytes) else value.stat().st_size

    def hashes(self) -> dict[str, str]:
        """SHA-256 by path."""
        return {name: hashlib.sha256(self.read(name)).hexdigest() for name in sorted(self.files)}

    def line(self, endpoint: str, revision: str) -> str:
        """What a user types, or the address to open, at `revision` on the Hub at `endpoint`."""
        return self.use.replace("ENDPOINT", endpoint).replace("REVISION", revision)

    def marked(self) -> "Content":
        """With `published.json`: the record and the hash of every other file."""
        mark = json.dumps(self.record | {"files": self.hashes()}, indent=1, ensure_ascii=False) + "\n"
        files = self.files | {MARK: mark.encode()}
        return replace(self, files=files)


def check_repo_id(repo_id: str) -> None:
    """Refuse what is not `ORG/NAME` by the Hub's rules, and what is no text at all (a number, a list)."""
    ok = isinstance(repo_id, str) and re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", repo_id, re.ASCII)
    if not ok or re.search(r"--|\.\.|\.git$|(^|/)[.-]|[.-](/|$)", repo_id):
        raise BadUsage(f"repo_id={repo_id}: not a repository name; it is ORG/NAME of letters, digits, - _ and .")


def check_tag(tag: str) -> None:
    """Refuse a name that git takes for no tag, or that means something else: a branch, a commit."""
    ok = re.fullmatch(r"[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.+-]*)*", tag, re.ASCII) and len(tag) <= 100
    if not ok or ".." in tag or re.search(r"\.lock(/|$)|\.(/|$)", tag):
        raise BadUsage(f"tag={tag}: not a name for a tag; it is of letters, digits, - _ + and ., as v1.0.0")
    if tag in ("main", "HEAD") or re.fullmatch(r"[0-9a-f]{40}", tag) or tag.startswith("refs/"):
        raise BadUsage(f"tag={tag}: means a branch or a commit to the Hub; a tag is as v1.0.0")


def check_content(content: Content, *, max_file_mb: float, max_total_mb: float, token: str | None, places=()) -> None:
    """Refuse content with a secret, a path of this machine, a file too large or empty, no licence or a bad card.

    `places` are folders of this machine whose names must not appear, beside the usual ones.
    """
    check_repo_id(content.repo_id)
    where = f"{content.kind} {content.repo_id}"
    if missing := [name for name in ("README.md", "LICENSE") if name not in content.files]:
        raise BadData(f"{where}: no {missing[0]}; nothing is published without one")
    total = 0.0
    for name in sorted(content.files):
        megabytes = content.size(name) / 1e6
        total += megabytes
        if not megabytes:
            raise BadData(f"{where}: {name} is empty")
        if megabytes > max_file_mb:
            raise BadData(f"{where}: {name} has {megabytes:.1f} MB, more than max_file_mb={max_file_mb:g}")
    if total > max_total_mb:
        raise BadData(f"{where}: {total:.1f} MB together, more than max_total_mb={max_total_mb:g}")
    for name in sorted(content.files):
        for text in _texts(name, content.read(name)):
            _check_text(where, name, text, token, places)
    _check_card(content, where)


def _texts(name: str, data: bytes) -> Iterator[bytes]:
    """What a person or a program could read in the file: of Parquet its strings and metadata, of weights the header."""
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        yield b"\n".join(b"%s=%s" % pair for pair in (table.schema.metadata or {}).items())
        for column in table.columns:
            for chunk in column.chunks:
                yield from _strings(chunk)
    elif name.endswith(".safetensors"):
        yield data[8 : 8 + int.from_bytes(data[:8], "little")]
    elif not name.endswith(_BINARY):
        yield data


def _strings(array) -> Iterator[bytes]:
    """The strings of an Arrow array, those within lists, structs and dictionaries too."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings(array.dictionary)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _strings(part)
    elif pa.types.is_map(kind):
        yield from _strings(array.keys)
        yield from _strings(array.items)
    elif pa.types.is_nested(kind):  # lists of every kind
        yield from _strings(array.flatten())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield b"\n".join(value for value in array.to_pylist() if value)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        yield "\n".join(value for value in array.to_pylist() if value).encode()


def _check_text(where: str, name: str, text: bytes, token: str | None, places) -> None:
    if token and token.encode() in text:
        raise BadData(f"{where}: {name} holds the token in use; take it out, and revoke that token")
    for what, pattern in _SECRETS.items():
        if re.search(pattern, text):
            raise BadData(f"{where}: {name} holds what looks like {what}; take it out, and revoke it")
    found = re.search(_PLACE, text)
    start = found.start() if found else min((i for p in places if (i := text.find(str(p).encode())) >= 0), default=-1)
    if start >= 0:
        shown = text[start : start + 60].split(b"\n")[0].decode("utf-8", "replace")
        raise BadData(f"{where}: {name} names a folder of this machine ({shown}…); write it relative")


def _check_card(content: Content, where: str) -> None:
    """Front matter as the Hub's own library reads it; a dataset's `configs` as `datasets` does."""
    from huggingface_hub import DatasetCard, ModelCard, SpaceCard

    text = content.read("README.md").decode("utf-8")
    try:
        card = {"dataset": DatasetCard, "model": ModelCard, "space": SpaceCard}[content.kind](text)
        record = card.data.to_dict()
    except Exception as error:
        raise BadData(f"{where}: README.md: metadata not valid ({' '.join(str(error).split())[:200]})") from None
    if not record.get("license"):
        raise BadData(f"{where}: README.md names no license in its metadata")
    if content.kind == "space" and record.get("sdk") != content.sdk:
        raise BadData(f"{where}: README.md: sdk is {record.get('sdk')!r}, not {content.sdk!r}")
    if content.kind != "dataset":
        return
    from fnmatch import fnmatch

    configs = record.get("configs") or []
    if not configs:
        raise BadData(f"{where}: README.md names no configs: sidecar files could be taken for data")
    for config in configs:
        for part in config["data_files"]:
            if not any(fnmatch(name, part["path"]) and name.endswith(".parquet") for name in content.files):
                raise BadData(f"{where}: README.md: configuration {config['config_name']} has no file {part['path']}")
