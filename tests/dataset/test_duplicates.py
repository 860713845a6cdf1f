"""Near-duplicates: what MinHash proposes equals what comparing all pairs finds."""

import itertools
import random

from jianghua.dataset import duplicates, near_duplicates
from jianghua.dataset.build import drop_near_duplicates
from jianghua.dataset.duplicates import THRESHOLD, jaccard, shingles, similarities_between
from jianghua.schema import Paragraph

CHARACTERS = "工作群众干部发展建设生产安全问题落实责任项目村镇县市学校医院企业水利防汛粮食环境教育"


def text(rng, length=120):
    return "".join(rng.choices(CHARACTERS, k=length))


def test_all_pairs_above_the_threshold_are_found_and_no_others():
    rng = random.Random(0)
    texts = [text(rng) for _ in range(150)]
    for i in range(40):  # from a copy to a half
        keep = 120 - i * 2
        texts.append(texts[i][:keep] + text(rng, 120 - keep))
    grams = [shingles(t) for t in texts]
    wanted = {(i, j) for j in range(len(texts)) for i in range(j) if jaccard(grams[i], grams[j]) >= 0.6}
    found = {(i, j) for i, j, similarity in near_duplicates(texts, 0.5) if similarity >= 0.6}
    assert len(wanted) > 10
    assert len(found & wanted) >= 0.95 * len(wanted)
    assert found <= wanted


def test_punctuation_and_white_space_do_not_hide_a_copy():
    rng = random.Random(1)
    original = text(rng)
    copy = "，".join(original[i : i + 9] for i in range(0, 120, 9)) + " 。"
    assert near_duplicates([original, text(rng), copy]) == [(0, 2, 1.0)]


def test_no_texts_have_no_duplicates():
    assert near_duplicates([]) == []


def paragraph(name, words):
    return Paragraph(f"{name}-000", name, 0, "", "", words, "constructed", 0, len(words))


def test_every_pair_of_two_splits_is_compared_however_little_over_the_threshold(monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK", 150)
    rng = random.Random(2)
    train = [text(rng) for _ in range(200)]
    test = [original[:82] + text(rng, 38) for original in train]  # just over a half in common
    blocks = similarities_between(train + test, [0] * 200 + [1] * 200)
    exact = {(a, b): value for block in blocks for a, b, value in zip(*(c.tolist() for c in block), strict=True)}
    grams = [shingles(one) for one in train + test]
    over = [(n, n + 200) for n in range(200) if jaccard(grams[n], grams[n + 200]) >= THRESHOLD]
    assert len(over) > 100
    assert all(exact[pair] == jaccard(grams[pair[0]], grams[pair[1]]) for pair in over)
    assert {(a, b) for a, b, _ in near_duplicates(train + test)} < set(over)  # MinHash alone misses some
    names = [f"a{n:03d}" for n in range(200)] + [f"b{n:03d}" for n in range(200)]
    splits = {name: "train" if name[0] == "a" else "test" for name in names}
    paragraphs = [paragraph(name, words) for name, words in zip(names, train + test, strict=True)]
    kept, removed = drop_near_duplicates(paragraphs, splits)
    assert {row["id"] for row in removed} == {f"a{a:03d}-000" for a, _ in over}
    assert sum(p.doc_id[0] == "b" for p in kept) == 200


def test_what_is_left_out_does_not_hang_on_the_order_and_is_near_to_something_kept():
    rng = random.Random(3)
    a, c = text(rng), text(rng)
    chain = [paragraph("a", a + c[:60]), paragraph("b", a + c), paragraph("c", a[60:] + c)]
    grams = [shingles(p.text) for p in chain]
    assert jaccard(grams[0], grams[1]) > THRESHOLD < jaccard(grams[1], grams[2])
    assert jaccard(grams[0], grams[2]) < THRESHOLD
    for order in itertools.permutations(chain):
        kept, removed = drop_near_duplicates(list(order), dict.fromkeys("abc", "train"))
        assert sorted(p.doc_id for p in kept) == ["a", "c"]
        assert [row["id"] for row in removed] == ["b-000"]
