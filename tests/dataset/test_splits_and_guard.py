"""Splits are frozen, and no held-out paragraph reaches training."""

from collections import Counter

import pytest

from jianghua.dataset import (
    assign_splits,
    freeze_splits,
    heldout_hashes,
    read_manifests,
    read_splits,
    refuse_heldout,
    without_heldout,
)
from jianghua.dataset.splits import QUOTAS
from jianghua.files import text_sha256, write_jsonl
from jianghua.ingest import ingest_file
from jianghua.schema import BadData


def documents(count, source="constructed"):
    return [(f"{source}{i}", source, f"stratum{i % 3}") for i in range(count)]


def test_new_documents_never_move_those_that_have_a_split():
    first = assign_splits({}, documents(40))
    later = assign_splits(first, documents(90))
    assert {doc: later[doc] for doc in first} == first
    assert len(later) == 90


@pytest.mark.parametrize("source", ["constructed", "public"])
def test_quotas_hold_to_within_two_documents(source):
    for count in (20, 58, 200):
        counts = Counter(assign_splits({}, documents(count, source)).values())
        for split, share in QUOTAS[source].items():
            assert abs(counts[split] - share * count) <= 2


def test_a_public_speech_without_a_year_gets_no_split_and_the_file_stays_as_it_was(tmp_path):
    row = {"doc_id": "p-1", "file": "p-1.html", "title": "报告", "paragraphs": [{"sha256": "0" * 64}]}
    write_jsonl(tmp_path / "speeches/constructed/manifest.jsonl", [])
    write_jsonl(tmp_path / "speeches/public/manifest.jsonl", [row])
    with pytest.raises(BadData, match=r"manifest\.jsonl: document 'p-1' has no year"):
        freeze_splits(tmp_path)
    assert not (tmp_path / "splits.jsonl").exists()
    write_jsonl(tmp_path / "speeches/public/manifest.jsonl", [row | {"year": 1999}])
    assert freeze_splits(tmp_path) == 1


def test_every_document_of_the_benchmark_has_exactly_one_split(root):
    assert set(read_splits(root / "data")) == set(read_manifests(root / "data"))


def test_a_document_in_two_splits_is_refused(tmp_path):
    (tmp_path / "splits.jsonl").write_text(
        '{"doc_id": "a", "split": "train"}\n{"doc_id": "a", "split": "test"}\n', "utf-8"
    )
    with pytest.raises(BadData, match=r"splits\.jsonl:2: document 'a' stands in two splits"):
        read_splits(tmp_path)


def test_a_held_out_speech_is_refused_whole_and_by_the_paragraph(root):
    data = root / "data"
    held = heldout_hashes(data)
    splits = read_splits(data)
    test_speech = next(d for d, s in splits.items() if s == "test" and d.startswith("c"))
    train_speech = next(d for d, s in splits.items() if s == "train" and d.startswith("c"))

    def texts(doc_id):
        return [p.text for p in ingest_file(data / "speeches/constructed" / f"{doc_id}.txt").paragraphs]

    with pytest.raises(BadData, match=rf"paragraph {test_speech}-000 of a validation or test document"):
        refuse_heldout(["别的话。", texts(test_speech)[0]], held, "corpus.txt")
    with pytest.raises(BadData, match=r"corpus.txt, document 2: text 1 is paragraph"):
        without_heldout([texts(train_speech), texts(test_speech)], held, "corpus.txt")
    with pytest.raises(BadData):
        refuse_heldout([" ".join(texts(test_speech)[0])], held, "spaced out")
    with pytest.raises(BadData):
        refuse_heldout(["\u200b\ufeff".join(texts(test_speech)[0])], held, "spaced out by nothing that one sees")
    refuse_heldout(texts(train_speech), held, "corpus.txt")


def test_public_held_out_paragraphs_are_known_without_their_text(root):
    held = heldout_hashes(root / "data")
    splits = read_splits(root / "data")
    public = {i.rpartition("-")[0] for i in held.values()} - {d for d in splits if d.startswith("c")}
    assert public == {d for d, s in splits.items() if s != "train" and not d.startswith("c")}


def test_a_shared_ritual_sentence_is_left_out_and_its_document_kept():
    held = {text_sha256("现在，我作报告，请予审议。"): "x-000"}
    document = ["现在，我作报告，请予审议。", *(f"第{i}项工作。" for i in range(30))]
    kept, taken = without_heldout([document], held, "corpus")
    assert taken == 1
    assert kept == [document[1:]]
