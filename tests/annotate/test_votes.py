import json

import pytest

from jianghua.annotate import check_spans, current_votes, doc_id_of, label_of_spans, newest_round, read_votes
from jianghua.annotate.votes import standard_slices
from jianghua.files import text_sha256
from jianghua.schema import BadData, SentenceSpan

TEXT = "渠修通了。水还没有到田头。"
SHA = text_sha256(TEXT)


def row(paragraph="c900-000", annotator="a", label="praise", functions=("praise",), **more):
    return {"id": paragraph, "annotator": annotator, "label": label, "functions": list(functions), "sha256": SHA} | more


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def test_a_folder_of_votes_is_read_with_the_file_name_as_the_protocol(tmp_path):
    write(tmp_path / "alone.jsonl", row(), row(annotator="b", label=None, functions=[]))
    write(tmp_path / "in_document.jsonl", row())
    write(tmp_path / "adjudicated.jsonl", {"id": "c900-000"})
    votes = read_votes(tmp_path)
    assert [(v.protocol, v.annotator, v.label) for v in votes] == [
        ("alone", "a", "praise"),
        ("alone", "b", None),
        ("in_document", "a", "praise"),
    ]


def test_two_votes_of_one_annotator_on_one_paragraph_are_refused_with_both_places(tmp_path):
    path = write(tmp_path / "alone.jsonl", row(), row("c900-001"))
    path.write_text(path.read_text("utf-8") + "\n" + json.dumps(row(label=None, functions=[])) + "\n", "utf-8")
    with pytest.raises(BadData) as error:
        read_votes(path)
    assert str(error.value).startswith(f"{path}:4: 'a' has voted on 'c900-000' already at {path}:1")


def test_the_same_vote_in_a_later_round_is_welcome_and_counts_alone(tmp_path):
    later = row(label=None, functions=[], round=2)
    write(tmp_path / "alone.jsonl", row(), row(annotator="b"), later)
    write(tmp_path / "in_document.jsonl", row(annotator="c"))
    votes = read_votes(tmp_path)
    assert len(votes) == 4
    newest = newest_round(votes)
    assert [(v.protocol, v.annotator, v.round) for v in newest] == [("alone", "a", 2), ("in_document", "c", 1)]
    assert newest_round(newest) == newest


def test_a_vote_on_an_older_text_may_stay_once_a_later_round_has_replaced_it(tmp_path):
    old = row(sha256=text_sha256("原来的话"))
    path = write(tmp_path / "alone.jsonl", old, row(round=2))
    assert [v.round for v in newest_round(read_votes(path, {"c900-000": SHA}))] == [2]
    path = write(tmp_path / "alone.jsonl", row(), old | {"round": 2})
    with pytest.raises(BadData, match=r"alone\.jsonl:2: .*is about another text"):
        read_votes(path, {"c900-000": SHA})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row(label="blame", functions=["blame"]), "unknown label 'blame'"),
        (row(functions=["criticism"]), "is not among its functions"),
        (row(round=0), "rounds count from 1"),
        (row(annotator=" "), "names no annotator"),
        (row(""), "names no paragraph"),
        (row(functions=["praise", 3]), "unknown label 3"),
        (row("c900-777"), "unknown paragraph 'c900-777'"),
        (row(sha256=text_sha256("别的话")), "is about another text"),
        (row(protocol="in_document"), "in the file of 'alone'"),
        ({"id": "c900-000", "annotator": "a", "functions": []}, "missing field 'label'"),
    ],
)
def test_an_unsound_vote_is_refused_with_file_and_line(tmp_path, bad, message):
    path = write(tmp_path / "alone.jsonl", row(annotator="z"), bad)
    with pytest.raises(BadData, match=message) as error:
        read_votes(path, {"c900-000": SHA})
    assert str(error.value).startswith(f"{path}:2: ")
    assert "\n" not in str(error.value)


def test_a_stray_file_an_empty_folder_and_a_missing_one_are_refused(tmp_path):
    with pytest.raises(BadData, match="no such file or folder"):
        read_votes(tmp_path / "nowhere")
    with pytest.raises(BadData, match="no votes"):
        read_votes(tmp_path)
    write(tmp_path / "alnoe.jsonl", row())
    with pytest.raises(BadData, match=r"alnoe\.jsonl: not a vote file"):
        read_votes(tmp_path)


def test_votes_on_different_texts_of_one_paragraph_are_refused(tmp_path):
    write(tmp_path / "alone.jsonl", row())
    write(tmp_path / "in_document.jsonl", row(sha256=text_sha256("改过的话")))
    with pytest.raises(BadData, match="'c900-000' are about different texts"):
        current_votes(read_votes(tmp_path))


def spans(*pieces):
    result, start = [], 0
    for length, function in pieces:
        result.append(SentenceSpan(start, start + length, function))
        start += length
    return "文" * start, result


@pytest.mark.parametrize(
    ("pieces", "label", "functions"),
    [
        ([(10, "praise"), (20, "criticism"), (5, "directive")], "criticism", ("praise", "criticism", "directive")),
        ([(10, "directive"), (10, "praise")], "praise", ("praise", "directive")),
        ([(6, "praise"), (10, "directive"), (4, "praise")], "praise", ("praise", "directive")),
        ([(20, None), (10, "directive")], "directive", ("directive",)),
        ([(21, None), (10, "directive")], None, ("directive",)),
        ([(40, None), (10, "anecdote"), (12, "praise")], "praise", ("praise", "anecdote")),
        ([(9, None)], None, ()),
    ],
)
def test_a_paragraph_follows_from_its_sentences(pieces, label, functions):
    text, sentences = spans(*pieces)
    check_spans(sentences, len(text))
    assert label_of_spans(sentences) == (label, functions)


def test_sentences_with_a_gap_or_short_of_the_text_are_refused():
    with pytest.raises(BadData, match="should start at 4"):
        check_spans([SentenceSpan(0, 4, None), SentenceSpan(5, 6, None)], 6)
    with pytest.raises(BadData, match="end at 4, the text has 6"):
        check_spans([SentenceSpan(0, 4, None)], 6)


def test_a_sentences_vote_that_does_not_follow_from_its_sentences_is_refused(tmp_path):
    sentences = [{"start": 0, "end": 5, "function": "praise"}, {"start": 5, "end": 13, "function": "criticism"}]
    good = row(label="criticism", functions=["praise", "criticism"], sentences=sentences)
    assert len(read_votes(write(tmp_path / "good" / "sentences.jsonl", good))) == 1
    for bad, message in [
        (good | {"label": "praise"}, "its sentences give criticism"),
        (good | {"sentences": []}, "has no sentences"),
    ]:
        path = write(tmp_path / "bad" / "sentences.jsonl", bad)
        with pytest.raises(BadData, match=message):
            read_votes(path)


def test_sentences_that_leave_out_the_end_of_their_text_are_refused_where_its_length_is_known(tmp_path):
    short = row(sentences=[{"start": 0, "end": len(TEXT) - 1, "function": "praise"}])
    path = write(tmp_path / "sentences.jsonl", short)
    assert len(read_votes(path, {"c900-000": SHA})) == 1
    with pytest.raises(BadData, match=f"{path}:1: the sentences end at {len(TEXT) - 1}"):
        read_votes(path, {"c900-000": SHA}, {"c900-000": len(TEXT)})


def test_an_annotator_nobody_listed_is_refused_where_editions_count(tmp_path):
    votes = read_votes(write(tmp_path / "alone.jsonl", row(), row(annotator="b")))
    listed = {"a": {"guidelines": 2}, "b": {"guidelines": 1}}
    assert standard_slices(votes, {}, listed)["guidelines"] == {"c900-000": "used to revise them"}
    with pytest.raises(BadData, match="annotator 'b' has votes but no row"):
        standard_slices(votes, {}, {"a": {"guidelines": 2}})


def test_the_document_is_the_id_up_to_the_last_hyphen():
    assert doc_id_of("cpc-19-012") == "cpc-19"
    assert doc_id_of("single") == "single"
