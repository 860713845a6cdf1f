"""Files that are whole or not there: atomic writing, JSON and JSON Lines, Parquet, hashes."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from jianghua.schema import BadData, at, check_record

T = TypeVar("T")


def text_sha256(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes of `text`."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def file_sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: str | Path, data: str | bytes) -> None:
    """Write `data` so that a reader, or a kill at any moment, sees the old file or the new one."""
    path = Path(path)
    if path.is_dir():
        raise BadData(f"{path}: a folder stands where a file is to be written")
    try:
        place = Path(os.path.realpath(path))  # a link stays one: its target is written
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.")
    except (FileExistsError, NotADirectoryError, PermissionError, FileNotFoundError) as error:
        raise BadData(f"{path}: cannot be written ({error.strerror}: {error.filename})") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_replaceable(path: str | Path, marks: Iterable[str] = ()) -> None:
    """Refuse an output that is a file, or a folder that is neither empty nor holds one of the files `marks`.

    By `marks` a script knows a folder that it wrote itself: a mistyped output must not swallow somebody's documents.
    """
    path = Path(path).absolute()
    if stands := next((one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None):
        raise BadData(f"{stands}: a file, not a folder; choose another output=")
    if path.is_dir() and any(path.iterdir()) and not any((path / mark).exists() for mark in marks):
        raise BadData(f"{path}: holds other files; output= takes a new folder, or one that this script made")
    if path.is_dir() and Path.cwd().is_relative_to(path.resolve()):
        raise BadData(f"{path}: you are in this folder, which would be taken away under you; choose another output=")


@contextmanager
def folder_atomic(path: str | Path, marks: Iterable[str] = ()) -> Iterator[Path]:
    """A temporary folder that takes the place of `path` when the block ends without an error.

    What may be replaced: see `check_replaceable`, which a long work asks before it begins.
    """
    path = Path(path).absolute()
    check_replaceable(path, marks)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:40]}."))
    os.chmod(temporary, 0o755)
    try:
        yield temporary
        old = None
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:40]}-old."))
            os.replace(path, old / "old")
        try:
            os.replace(temporary, path)
        except BaseException:
            if old and not path.exists():
                os.replace(old / "old", path)
            raise
        if old:
            shutil.rmtree(old)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `BadData` for what is none, or is not there."""
    path = Path(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadData(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadData(f"{path}: a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None


def parse_json(text: str) -> object:
    """What JSON spells; `BadData`, without a place, for text that is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno} " if error.lineno > 1 else ""
        raise BadData(f"not JSON ({error.msg} at {line}column {error.colno})") from None
    except RecursionError:
        raise BadData("not JSON of any use here (nested too deeply)") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise BadData("not JSON of any use here (a number of thousands of digits)") from None


def write_json(path: str | Path, record: dict, indent: int = 1) -> None:
    """Write one JSON object, atomically."""
    write_atomic(path, json.dumps(record, indent=indent, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict:
    """The JSON object in a file; `BadData` for a file that is missing or holds anything else."""
    text = read_text(path)
    with at(path):
        return check_record(parse_json(text), {})


def to_json_line(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def write_jsonl(path: str | Path, records: Iterable[dict]) -> None:
    """Write one JSON object a line, atomically."""
    write_atomic(path, "".join(to_json_line(record) for record in records))


def read_placed_jsonl(path: str | Path, parse: Callable[[object], T] = lambda record: record) -> list[tuple[str, T]]:
    """JSON Lines as (place, row), each row through `parse`; the place reads `FILE:LINE`, and a `BadData` begins so."""
    path = Path(path)
    rows = []
    # not splitlines(): U+2028 and U+0085 may stand inside a JSON string
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            place = f"{path}:{number}"
            with at(place):
                rows.append((place, parse(parse_json(line))))
    return rows


def read_jsonl(path: str | Path, parse: Callable[[object], T] = lambda record: record) -> list[T]:
    """The rows of `read_placed_jsonl`."""
    return [row for _, row in read_placed_jsonl(path, parse)]


def read_parquet(path: Path, mend: str = ""):
    """A Parquet file as a `pyarrow.Table`; `BadData` for what is none, or is not there: `mend` says what then."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read()  # read_table would import pandas for it
    except FileNotFoundError:
        raise BadData(f"{path}: no such file{mend}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise BadData(f"{path}: not a Parquet file ({error})") from None
