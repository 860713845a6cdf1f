"""Near-duplicates: what MinHash proposes equals what comparing all pairs finds."""

import random

from jianghua.dataset import near_duplicates
from jianghua.dataset.duplicates import jaccard, shingles

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
