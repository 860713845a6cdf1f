"""A published dataset that came back damaged is refused in one line."""

import hashlib
import json

import pytest

from jianghua.files import write_atomic
from jianghua.hub import fetch
from jianghua.schema import BadData


def write_blob(folder, data):
    path = folder / hashlib.sha256(data).hexdigest()
    write_atomic(path, data.decode())
    return path


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("{", r"is damaged .*not JSON"),
        ("[]", r"is damaged .*expected a JSON object"),
        ("{}", r"is damaged .*missing field 'files'"),
        (json.dumps({"files": {"primary/a.parquet": "0"}}), r"is damaged \(another hash"),
    ],
)
def test_a_damaged_file_is_named_with_how_to_mend_it(tmp_path, monkeypatch, mark, says):
    write_atomic(tmp_path / "published.json", mark)
    write_atomic(tmp_path / "primary/a.parquet", "x")
    for name in ("published.json", "primary/a.parquet"):  # as the cache has it: links to what was downloaded
        blob = write_blob(tmp_path / "blobs", (tmp_path / name).read_bytes())
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to(blob)
    monkeypatch.setattr(fetch, "_fetch", lambda *arguments: (tmp_path, "0" * 40))
    with pytest.raises(BadData, match=rf"data\.repo_id=org/speeches: .*{says}.*; remove it and try again") as error:
        fetch.fetch_build("org/speeches", "v1")
    assert "\n" not in str(error.value)
    assert f"{tmp_path}/blobs/" in str(error.value)  # with the link alone removed the client would set it again
