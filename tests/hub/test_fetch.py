"""A published dataset that came back damaged is refused in one line."""

import json

import pytest

from jianghua.files import write_atomic
from jianghua.hub import fetch
from jianghua.schema import BadData


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("{", r"published\.json is damaged .*not JSON"),
        ("[]", r"published\.json is damaged .*expected a JSON object"),
        ("{}", r"published\.json is damaged .*missing field 'files'"),
        (json.dumps({"files": {"primary/a.parquet": "0"}}), r"a\.parquet is damaged \(another hash"),
    ],
)
def test_a_damaged_file_is_named_with_how_to_mend_it(tmp_path, monkeypatch, mark, says):
    write_atomic(tmp_path / "published.json", mark)
    write_atomic(tmp_path / "primary/a.parquet", "x")
    monkeypatch.setattr(fetch, "_fetch", lambda *arguments: (tmp_path, "0" * 40))
    with pytest.raises(BadData, match=rf"data\.repo_id=org/speeches: .*{says}.*; remove it and try again") as error:
        fetch.fetch_build("org/speeches", "v1")
    assert "\n" not in str(error.value)
