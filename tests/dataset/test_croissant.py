"""Croissant metadata: `mlcroissant` accepts it, and its records are the rows."""

import json
import shutil

import pytest

from jianghua.dataset import load_build
from jianghua.dataset.croissant import release
from jianghua.schema import LABELS, BadData

mlc = pytest.importorskip("mlcroissant")


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_the_records_that_mlcroissant_reads_are_the_rows_of_the_build(root, config):
    metadata = mlc.Dataset(str(root / "data/jianghua/croissant.json"))
    assert not metadata.metadata.ctx.issues.errors
    rows = load_build(root / "data/jianghua", config).rows
    for split, part in rows.items():
        name = f"{config}_{split}"
        records = list(metadata.records(name))
        assert [record[f"{name}/id"].decode() for record in records] == [row["id"] for row in part]
        assert [record[f"{name}/text"].decode() for record in records] == [row["text"] for row in part]
        gold = "label" if config == "primary" else "functions"
        answers = [record[f"{name}/{gold}"] for record in records]
        expected = [row[gold] for row in part]
        assert [a if config == "primary" else list(a) for a in answers] == expected
        assert max(map(int, answers), default=0) < len(LABELS) if config == "primary" else True


def test_a_file_that_was_changed_no_longer_fits_its_metadata(root, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(root / "data/jianghua", folder)
    path = folder / "primary/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Exception, match="Download") as caught:
        list(mlc.Dataset(str(folder / "croissant.json")).records("primary_train"))
    assert "hash" in str(caught.value.__cause__).lower()


def test_the_version_is_that_of_the_change_log(root, tmp_path):
    version, date = release(root / "data")
    record = json.loads((root / "data/jianghua/croissant.json").read_text("utf-8"))
    assert (record["version"], record["datePublished"]) == (version, date)
    with pytest.raises(BadData, match="names the version"):
        release(tmp_path)
