"""Two speeches side by side: what became of each sentence, and the shares of the functions with their intervals."""

import re

import numpy as np
import pytest

from jianghua.report.speeches import Labelled, profile, side_by_side, speeches_page
from jianghua.report.wording import edits, match_sentences, parts_of, same_words
from jianghua.schema import LABELS, Paragraph

OLD = [
    "同志们：",
    "去年新增就业1312万人，成绩来之不易。",
    "全面推广国际贸易“单一窗口”。",
    "有的干部占着位子不干事，群众很有意见。",
    "月底前再查一遍。",
]
NEW = [
    "同志们，",
    "推广国际贸易“单一窗口”，实现全国通关一体化。",
    "去年新增就业1314万人，成绩来之不易！",
    "老周在渡口守了二十年，昨天夜里又救起两个孩子。",
    "月底前，再查一遍。",
]


def paragraphs(doc_id, texts, title="讲话"):
    return [Paragraph(f"{doc_id}-{i}", doc_id, i, title, "", text, "", 0, 0) for i, text in enumerate(texts)]


def labelled(doc_id, texts, names, proba=None):
    proba = np.array([[float(label in own) for label in LABELS] for own in names]) if proba is None else np.array(proba)
    return Labelled(paragraphs(doc_id, texts), names, proba)


def test_a_reworded_sentence_is_found_wherever_it_went_and_an_unrelated_one_is_not():
    matched = match_sentences(OLD, NEW)
    assert {i: j for i, (j, _) in matched.items()} == {0: 0, 1: 2, 2: 1, 4: 4}
    assert matched[4][1] == 1
    assert 0.35 <= matched[1][1] < 1
    assert same_words(OLD[4], NEW[4])
    assert not same_words(OLD[1], NEW[2])


def test_each_sentence_is_matched_once_and_equal_ones_in_their_order():
    assert match_sentences(["我们要抓落实。"], ["我们要抓落实。", "我们要抓落实。"]) == {0: (0, 1.0)}
    twice = ["我们要抓落实。", "今年的任务很重。", "我们要抓落实。"]
    assert {i: j for i, (j, _) in match_sentences(twice, twice).items()} == {0: 0, 1: 1, 2: 2}


def test_a_short_sentence_matches_only_the_same_words():
    assert match_sentences(["大家辛苦。"], ["你们辛苦。"]) == {}
    assert match_sentences(["大家辛苦。"], ["大家辛苦！"]) == {0: (0, 1.0)}


@pytest.mark.parametrize(("old", "new"), [([], NEW), (OLD, []), (["……", "。"], ["！"])])
def test_nothing_matches_where_a_side_has_no_words(old, new):
    assert match_sentences(old, new) == {}


def test_the_edits_spell_both_sentences():
    pieces = edits(OLD[1], NEW[2])
    assert "".join(text for kind, text in pieces if kind != "added") == OLD[1]
    assert "".join(text for kind, text in pieces if kind != "gone") == NEW[2]
    assert ("gone", "1312") in pieces  # a number is changed whole
    assert ("added", "1314") in pieces


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("增长1.5%左右。", "增长15%左右。", False),
        ("下降-3%。", "下降3%。", False),
        ("占3‰，不高。", "占3%，不高。", False),
        ("2021-2025年的规划", "2021—2025年的规划", True),
        ("投入1,000万元", "投入1000万元", True),
        ("投入1,000万元", "投入1.000万元", False),
        ("要抓，要快。", "要抓、要快！", True),
        ("……", "……", True),
        ("……", "。", False),
    ],
)
def test_a_mark_within_a_number_is_a_word_and_any_other_is_not(old, new, same):
    assert same_words(old, new) == same


def test_a_figure_that_lost_its_point_is_a_changed_sentence():
    one, other = (labelled("a", [f"全县生产总值增长{n}，好于预期。"], [["praise"]]) for n in ("1.5%", "15%"))
    assert [row["state"] for row in side_by_side(one, other, "primary")["wording"]["new"]] == ["changed"]


def test_a_piece_of_a_longer_sentence_is_found_within_it():
    whole = ["粮食产量稳定。", "去年新建农村公路二十万公里，改造危房四百万户，又解决六千万人的饮水。"]
    assert parts_of(whole, ["改造危房四百万户。", "老周在渡口守了二十年。", "又改造。"]) == {0: 1}


def test_shares_are_of_characters_and_a_single_speech_has_no_interval():
    old = labelled("a", ["一" * 30, "二" * 70], [["praise"], ["directive", "criticism"]])
    new = labelled("b", ["一" * 50, "二" * 50], [["praise"], []], [[0.6, 0.1, 0.2, 0.1], [0.4, 0.1, 0.1, 0.1]])
    rows = {row["function"]: row for row in profile(old, new)}
    assert rows["praise"]["old"] == {"value": 0.3, "low": None, "high": None}
    assert rows["praise"]["difference"]["value"] == pytest.approx(0.2)
    assert rows["praise"]["difference"]["low"] is None
    assert rows["praise"]["expected"] == pytest.approx([0.3, 0.5])
    assert rows["directive"]["old"]["value"] == rows["criticism"]["old"]["value"] == 0.7
    assert rows["none"]["new"]["value"] == 0.5
    assert rows["none"]["expected"] is None


def joined(parts):
    merged = [[item for part in parts for item in field(part)] for field in FIELDS]
    return Labelled(merged[0], merged[1], np.array(merged[2]))


def test_the_intervals_of_two_sets_of_speeches_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = {"old": 0, "new": 0, "difference": 0}
    for _ in range(200):
        sides = [
            joined([labelled(f"d{d}", ["字" * 40] * 20, _drawn(rng, share, 20)) for d in range(documents)])
            for share, documents in ((0.3, 4), (0.5, 9))
        ]
        row = profile(*sides)[LABELS.index("directive")]
        for name, truth in (("old", 0.3), ("new", 0.5), ("difference", 0.2)):
            held[name] += row[name]["low"] <= truth <= row[name]["high"]
    assert all(count >= 180 for count in held.values()), held  # 0.95 of 200 is 190, with a standard deviation of 3


def test_fewer_than_three_speeches_and_a_share_that_is_always_the_same_have_no_interval():
    two = joined([labelled(f"d{d}", ["字" * 40] * 3, [["praise"], [], []]) for d in range(2)])
    three = joined([labelled(f"d{d}", ["字" * 40] * 3, [["praise"]] * (d + 1) + [[]] * (2 - d)) for d in range(3)])
    rows = {row["function"]: row for row in profile(two, three)}
    assert rows["praise"]["old"]["low"] is None
    assert rows["praise"]["new"]["low"] < rows["praise"]["new"]["value"] < rows["praise"]["new"]["high"]
    assert rows["praise"]["difference"]["low"] is None
    assert rows["anecdote"]["new"] == {"value": 0.0, "low": None, "high": None}


FIELDS = (lambda one: one.paragraphs, lambda one: one.labels, lambda one: one.proba)


def _drawn(rng, share, n):
    own = np.clip(share + rng.normal(0, 0.1), 0, 1)
    return [["directive"] if rng.random() < own else ["praise"] for _ in range(n)]


def test_the_wording_is_compared_only_where_each_side_is_one_speech():
    one, other = labelled("a", OLD, [["praise"]] * 5), labelled("b", NEW, [["praise"]] * 5)
    found = side_by_side(one, other, "primary")["wording"]
    assert [row["state"] for row in found["new"]] == ["kept", "changed", "changed", "added", "kept"]
    assert [row["state"] for row in found["old"]] == ["kept", "changed", "changed", "dropped", "kept"]
    assert [found["old"][row["from"]]["to"] for row in found["new"] if "from" in row] == [0, 1, 2, 4]
    assert sum(part["share"] for part in found["shares"]["new"].values()) == pytest.approx(1)
    assert side_by_side(joined([one, other]), other, "primary")["wording"] is None


def test_a_sentence_that_was_cut_out_of_a_longer_one_is_neither_new_nor_lost():
    one = labelled("a", ["新建改建农村公路二十万公里，解决了六千万人的饮水，又改造危房四百万户。"], [["praise"]])
    other = labelled("b", ["解决了六千万人的饮水。老周守了二十年渡口。"], [["praise"]])
    found = side_by_side(one, other, "primary")["wording"]
    assert [row["state"] for row in found["new"]] == ["part", "added"]
    assert found["new"][0]["from"] == 0


def test_a_paragraph_stands_under_its_most_probable_function_and_its_speech_under_a_name_that_tells_it_apart():
    one = labelled("2016", ["讲了两件事。"], [["praise", "directive"]], [[0.6, 0.1, 0.9, 0.1]])
    shown = side_by_side(one, one, "functions")["documents"]["old"][0]
    assert shown["paragraphs"][0]["labels"] == ["directive", "praise"]
    assert shown["paragraphs"][0]["proba"]["directive"] == 0.9
    assert shown["name"] == "讲话（2016）"


def test_a_page_shows_every_character_of_both_speeches_and_no_markup_of_theirs():
    one = labelled("a", ["<b>一般</b>号召要少。"], [[]])
    other = labelled("b", ["<b>一般</b>号召要更少。"], [["directive"]])
    page = speeches_page(side_by_side(one, other, "functions"), "模型")
    assert "&lt;b&gt;一般&lt;/b&gt;号召要少。" in page
    assert "<ins>更</ins>" in page
    assert "<b>" not in page
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r' href="#([^"]*)"', page)) <= set(ids)
