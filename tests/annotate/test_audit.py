"""The label audit finds labels that were turned round on purpose."""

import numpy as np
import pytest

from jianghua.annotate.audit import character_grams, out_of_fold, suspicious
from jianghua.schema import BadData

WORDS = [
    "表彰先进，成绩显著，可喜可贺",
    "差距明显，作风拖沓，令人担忧",
    "务必抓好，限期完成，落实到人",
    "那天夜里，他敲开了门，水已进屋",
]


def paragraphs(count=240):
    labels = np.arange(count) % 4
    texts = [f"{WORDS[label][n % 5 :]}，第{n}号，{WORDS[label]}" for n, label in enumerate(labels)]
    return texts, labels, [f"d{n // 12}" for n in range(count)]


def test_grams_are_counted_as_scikit_learn_counts_them():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["会议ＡA  指出，\n\n要", "", "要", "ab\tAb 会议𠀀指出会议"]
    for low, high in ((1, 3), (2, 4)):
        counted = CountVectorizer(analyzer="char", ngram_range=(low, high)).fit_transform(texts).toarray()
        found = character_grams(texts, low, high).toarray()
        assert sorted(found.T.tolist()) == sorted(counted.T.tolist())


def test_turned_labels_are_ranked_first():
    texts, labels, groups = paragraphs()
    turned = {5, 40, 77, 123, 200}
    given = labels.copy()
    for i in turned:
        given[i] = (given[i] + 1) % 4
    proba = out_of_fold(character_grams(texts), given, groups)
    assert proba.sum(1) == pytest.approx(np.ones(len(texts)))
    ids = [f"p{i}" for i in range(len(texts))]
    found = suspicious(ids, given, proba, share=5 / 240)
    assert {row["id"] for row in found} == {f"p{i}" for i in turned}
    assert all(row["suggested"] == labels[int(row["id"][1:])] for row in found)
    assert [row["quality"] for row in found] == sorted(row["quality"] for row in found)


def test_one_document_cannot_be_audited():
    with pytest.raises(BadData, match="two documents"):
        out_of_fold(character_grams(["甲", "乙"], high=1), np.array([0, 1]), ["d", "d"])
