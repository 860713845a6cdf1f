import json

import pytest

from jianghua.annotate import aggregate, read_adjudicated
from jianghua.schema import BadData, Vote


def vote(paragraph, protocol, label, functions=None, annotator="a", **more):
    if functions is None:
        functions = (label,) if label else ()
    return Vote(paragraph, protocol, annotator, label, tuple(functions), **{"sha256": "s"} | more)


def decisions(path, *rows):
    default = {"id": "c1-000", "sha256": "s", "label": "praise", "functions": ["praise"], "reason": "见例 6"}
    path.write_text("".join(json.dumps(default | row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_unanimous_votes_are_gold_with_full_agreement():
    result = aggregate([vote("c1-000", "alone", None), vote("c1-000", "in_document", None)])
    gold = result.rows["c1-000"]
    assert (gold.label, gold.functions, gold.agreement_primary, gold.agreement_functions) == (None, (), 1.0, 1.0)
    assert gold.primary_settled
    assert gold.functions_settled
    assert not gold.disputed
    assert result.queue == []


def test_disputed_votes_wait_in_the_queue_and_are_not_gold():
    result = aggregate([vote("c1-000", "alone", "praise"), vote("c1-000", "in_document", "directive")])
    assert result.rows == {}
    assert result.queue == ["c1-000"]


def test_a_primary_function_all_agree_on_is_gold_while_the_functions_are_open():
    votes = [vote("c1-000", "alone", "praise", ("praise", "directive")), vote("c1-000", "in_document", "praise")]
    result = aggregate(votes)
    gold = result.rows["c1-000"]
    assert (gold.label, gold.primary_settled, gold.functions_settled) == ("praise", True, False)
    assert gold.agreement_functions is None
    assert gold.disputed
    assert result.queue == ["c1-000"]


def test_a_decision_settles_both_questions_and_agreement_is_the_share_of_votes_with_it(tmp_path):
    votes = [
        vote("c1-000", "alone", "praise", ("praise", "directive")),
        vote("c1-000", "in_document", "praise"),
        vote("c1-000", "sentences", None),
        vote("c1-000", "names_only", "directive"),
    ]
    decided = read_adjudicated(decisions(tmp_path / "a.jsonl", {"functions": ["directive", "praise"]}))
    result = aggregate(votes, decided)
    gold = result.rows["c1-000"]
    assert (gold.label, gold.functions) == ("praise", ("praise", "directive"))
    assert gold.agreement_primary == 0.5
    # disagreeing answers: in_document misses directive, sentences both, names_only praise: 4 of 16
    assert gold.agreement_functions == 0.75
    assert (gold.disputed, gold.reason) == (True, "见例 6")
    assert result.queue == []


def test_one_vote_alone_is_not_gold_and_stands_last_in_the_queue():
    votes = [vote("c1-000", "alone", "praise")]
    votes += [vote("c1-001", "alone", "praise"), vote("c1-001", "in_document", None)]
    result = aggregate(votes)
    assert result.rows == {}
    assert result.queue == ["c1-001", "c1-000"]


def test_only_the_newest_round_decides():
    votes = [vote("c1-000", "alone", None), vote("c1-000", "in_document", "praise")]
    votes.append(vote("c1-000", "alone", "praise", round=2))
    assert aggregate(votes).rows["c1-000"].label == "praise"


def test_a_decision_on_another_text_is_refused_with_its_place(tmp_path):
    path = decisions(tmp_path / "a.jsonl", {"sha256": "older"})
    votes = [vote("c1-000", "alone", None), vote("c1-000", "in_document", "praise")]
    with pytest.raises(BadData, match="another text than its votes") as error:
        aggregate(votes, read_adjudicated(path))
    assert str(error.value).startswith(f"{path}:1: ")
    with pytest.raises(BadData, match="another text"):
        read_adjudicated(path, {"c1-000": "s"})
    with pytest.raises(BadData, match="unknown paragraph 'c1-000'"):
        read_adjudicated(path, {"c1-O00": "s"})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({}, "has been decided already at"),
        ({"id": "c1-001", "reason": " "}, "has no reason"),
        ({"id": "c1-001", "label": "critic"}, "unknown label"),
        ({"id": "c1-001", "functions": []}, "is not among its functions"),
        ({"id": "c1-001", "functions": "praise"}, "should be list"),
    ],
)
def test_an_unsound_decision_is_refused_with_file_and_line(tmp_path, bad, message):
    path = decisions(tmp_path / "adjudicated.jsonl", {}, bad)
    with pytest.raises(BadData, match=message) as error:
        read_adjudicated(path)
    assert str(error.value).startswith(f"{path}:2: ")


def test_a_missing_file_of_decisions_has_none(tmp_path):
    assert read_adjudicated(tmp_path / "adjudicated.jsonl") == {}
