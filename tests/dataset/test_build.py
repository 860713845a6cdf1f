"""The build: what is in the tree is what the script makes, and plain `datasets` reads it."""

import json
import shutil

import pytest

from jianghua.dataset import (
    build,
    fixed_packet,
    index_as_build,
    index_rows,
    load_build,
    read_index,
    read_splits,
    write_build,
)
from jianghua.dataset.card import size_category
from jianghua.files import write_atomic
from jianghua.schema import LABELS, BadData


@pytest.fixture(scope="module")
def constructed(root):
    return build(root / "data")


def test_two_builds_have_the_same_bytes_and_are_what_the_tree_holds(root, tmp_path, run_script):
    for name in ("a", "b"):
        result = run_script("build_dataset", f"output={name}", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 10
    for file in files:
        first = (tmp_path / "a" / file).read_bytes()
        assert first == (tmp_path / "b" / file).read_bytes(), file
        assert first == (root / "data/jianghua" / file).read_bytes(), file


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_plain_datasets_loads_it_with_class_names(root, tmp_path, config):
    from datasets import load_dataset

    data = load_dataset(str(root / "data/jianghua"), config, cache_dir=str(tmp_path))
    assert set(data) == {"train", "validation", "test"}
    features = data["train"].features
    names = features["label"].names if config == "primary" else features["functions"].feature.names
    assert names == list(LABELS)
    votes = data["train"][0]["votes"]
    assert {"alone", "in_document", "sentences"} <= {vote["protocol"] for vote in votes}


def test_documents_and_paragraphs_stand_in_one_split_each(root, constructed):
    splits = read_splits(root / "data")
    seen = {}
    for split, rows in constructed.rows["functions"].items():
        for row in rows:
            assert splits[row["doc_id"]] == split
            assert seen.setdefault(row["sha256"], row["id"]) == row["id"]


def test_primary_rows_are_the_function_rows_that_have_a_primary_function(constructed):
    for split, rows in constructed.rows["primary"].items():
        functions = {row["id"]: row["functions"] for row in constructed.rows["functions"][split]}
        for row in rows:
            assert row["label"] in functions[row["id"]]


def test_a_build_without_a_column_is_refused_by_its_name(root, tmp_path):
    import pyarrow.parquet as pq

    shutil.copytree(root / "data/jianghua", tmp_path / "build")
    path = next((tmp_path / "build/primary").glob("test*.parquet"))
    pq.write_table(pq.read_table(path).drop_columns("noise"), path)
    with pytest.raises(BadData, match=r"test.*\.parquet: missing column 'noise'"):
        load_build(tmp_path / "build", "primary")


def test_the_index_in_the_tree_gives_the_fingerprint_of_the_constructed_build(root, constructed):
    assert index_as_build(root / "data", "constructed", "primary").fingerprint == constructed.fingerprint
    assert read_index(root / "data", "constructed") == json.loads(json.dumps(index_rows(constructed.rows)))
    assert load_build(root / "data/jianghua", "primary").fingerprint == constructed.fingerprint


def test_the_full_build_holds_the_constructed_rows_unchanged_and_its_index_is_in_the_tree(
    root, constructed, public_folder
):
    full = build(root / "data", public_folder)
    for config, splits in full.rows.items():
        for split, rows in splits.items():
            own = [row for row in rows if row["source"] == "constructed"]
            assert own == constructed.rows[config][split]
    assert full.fingerprint == index_as_build(root / "data", "full", "primary").fingerprint


@pytest.mark.slow
def test_the_script_builds_the_full_data_from_a_folder_of_raw_speeches(root, public_folder, tmp_path, run_script):
    shutil.copytree(root / "data", tmp_path / "data", ignore=shutil.ignore_patterns("jianghua", "pretrained"))
    (tmp_path / "data/index.jsonl").unlink()  # which the full build writes, beside the card
    options = (f"public={public_folder}", "data_root=data", "output=full", "results=none")
    result = run_script("build_dataset", *options, cwd=tmp_path, timeout=900)
    assert result.returncode == 0, result.stderr
    fingerprint = index_as_build(root / "data", "full", "primary").fingerprint
    assert f"full build {fingerprint} → full" in result.stdout
    assert load_build(tmp_path / "full", "primary").fingerprint == fingerprint
    assert (tmp_path / "data/index.jsonl").read_bytes() == (root / "data/index.jsonl").read_bytes()
    assert (tmp_path / "DATASET_CARD.md").read_bytes() == (tmp_path / "full/README.md").read_bytes()


def test_a_card_shows_no_scores_of_another_build(root, constructed, tmp_path):
    for fingerprint, shown in ((constructed.fingerprint, True), ("0123456789abcdef", False)):
        write_atomic(tmp_path / "results/constructed.md", f"**Trained on it** (`primary`, `{fingerprint}`)\n")
        output = tmp_path / fingerprint
        assert write_build(constructed, root / "data", output, tmp_path / "results") is shown
        assert ("Trained on it" in (output / "README.md").read_text("utf-8")) is shown


def test_a_choice_for_people_is_not_made_of_the_constructed_build_alone(root, data):
    with pytest.raises(BadData, match=r"packet\.jsonl: no such file, .* the full build"):
        fixed_packet(data, root / "data" / "jianghua")
    assert not (data / "packet.jsonl").exists()


def test_an_output_that_holds_other_files_is_refused_before_anything_is_read(tmp_path, run_script):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x", "utf-8")
    result = run_script("build_dataset", "output=mine", "data_root=nothing-there", cwd=tmp_path)
    assert result.returncode == 1
    assert "holds other files" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("rows", "name"),
    [(999, "n<1K"), (1_000, "1K<n<10K"), (9_999, "1K<n<10K"), (10_000, "10K<n<100K"), (100_000, "100K<n<1M")],
)
def test_the_size_category_goes_by_the_number_of_rows(rows, name):
    assert size_category(rows) == name


@pytest.fixture
def data(root, tmp_path):
    """A copy of data/ to break."""
    for name in ("speeches", "annotations"):
        shutil.copytree(root / "data" / name, tmp_path / "data" / name)
    shutil.copy(root / "data/splits.jsonl", tmp_path / "data/splits.jsonl")
    return tmp_path / "data"


def edit(path, change):
    path.write_text(change(path.read_text("utf-8")), "utf-8")


def test_an_edited_text_is_refused_because_its_votes_are_about_another(data):
    edit(data / "speeches/constructed/c001.txt", lambda text: text.replace("。", "！", 1))
    with pytest.raises(BadData, match=r"alone.jsonl:\d+: the vote on 'c001-\d+' is about another text"):
        build(data)


def test_a_missing_speech_is_refused(data):
    (data / "speeches/constructed/c002.txt").unlink()
    with pytest.raises(BadData, match=r"c002.txt: no such file"):
        build(data)


def test_a_speech_without_a_manifest_row_is_refused(data):
    (data / "speeches/constructed/zzz.txt").write_text("讲话\n\n同志们辛苦了，我代表县委感谢大家。\n", "utf-8")
    with pytest.raises(BadData, match=r"zzz.txt: not in manifest.jsonl"):
        build(data)


def test_a_vote_on_an_unknown_paragraph_is_refused_with_its_line(data):
    edit(data / "annotations/alone.jsonl", lambda text: text.replace('"c001-000"', '"c001-999"', 1))
    with pytest.raises(BadData, match=r"alone.jsonl:\d+: unknown paragraph 'c001-999'"):
        build(data)


def test_a_label_that_does_not_exist_is_refused_with_its_line(data):
    edit(data / "annotations/alone.jsonl", lambda text: text.replace('"label": "praise"', '"label": "applause"', 1))
    with pytest.raises(BadData, match=r"alone.jsonl:\d+: unknown label 'applause'"):
        build(data)


def test_two_votes_of_one_annotator_are_refused_with_both_lines(data):
    edit(data / "annotations/alone.jsonl", lambda text: text + text.split("\n")[0] + "\n")
    with pytest.raises(BadData, match=r"alone.jsonl:\d+: .* already at .*alone.jsonl:1"):
        build(data)


def test_a_public_text_that_does_not_match_its_hash_is_refused_with_its_place(data, public_folder, tmp_path):
    shutil.copytree(public_folder, tmp_path / "public")
    edit(tmp_path / "public/government-work-reports/2018.txt", lambda text: text.replace("五年来", "六年来", 1))
    with pytest.raises(BadData, match=r"2018.txt: paragraph \d+ of 'gwr-2018' is not the text that was voted on"):
        build(data, tmp_path / "public")


def test_a_document_without_a_split_is_refused_and_freezing_gives_it_one(data):
    edit(data / "splits.jsonl", lambda text: "".join(line for line in text.splitlines(True) if '"c003"' not in line))
    with pytest.raises(BadData, match=r"no split for document 'c003'; run with freeze=true"):
        build(data)
