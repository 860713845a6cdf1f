import json
import xml.etree.ElementTree as ET

import pytest

from jianghua.annotate import add_votes, export_tasks, parse_label, read_answers, read_paragraphs, read_votes
from jianghua.files import text_sha256, write_jsonl
from jianghua.schema import BadData, BadUsage, Paragraph

TEXTS = {f"c900-{n:03d}": text for n, text in enumerate(["水渠修通了。还要管好。", "谢谢大家。", "谁该负责？我负责。"])}


def paragraphs():
    names = ("title", "section", "source")
    extra = dict.fromkeys(names, "在水利会上的讲话")
    return [Paragraph(i, "c900", n, text=t, start=0, end=9, **extra) for n, (i, t) in enumerate(TEXTS.items())]


def choices(name, *values):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(values)}}


def task(paragraph, *annotations):
    return {"id": 7, "data": {"paragraph_id": paragraph, "text": TEXTS[paragraph]}, "annotations": list(annotations)}


def annotation(user, *results, cancelled=False):
    return {"completed_by": user, "was_cancelled": cancelled, "ground_truth": False, "result": list(results)}


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    return path


def votes_of(path, form, tmp_path, annotator=None, protocol="alone"):
    answers, skipped = read_answers(path, form, annotator)
    file, _ = add_votes(tmp_path / "votes", protocol, answers, texts=TEXTS)
    return {(v.id, v.annotator): (v.label, v.functions) for v in read_votes(file)}, skipped


def test_a_label_studio_export_becomes_votes_and_a_skipped_task_does_not(tmp_path):
    export = [
        task(
            "c900-000",
            annotation(3, choices("primary", "praise"), choices("functions", "praise", "directive")),
            annotation({"id": 4, "email": "b@example.com"}, choices("primary", "要求")),
        ),
        task("c900-001", annotation(3, choices("primary", "无")), annotation(4, cancelled=True)),
        task("c900-002"),
    ]
    votes, skipped = votes_of(write_json(tmp_path / "export.json", export), "labelstudio", tmp_path)
    assert votes == {
        ("c900-000", "labelstudio-3"): ("praise", ("praise", "directive")),
        ("c900-000", "labelstudio-4"): ("directive", ("directive",)),
        ("c900-001", "labelstudio-3"): (None, ()),
    }
    assert skipped == 1


def test_a_label_studio_json_min_export_becomes_the_same_votes(tmp_path):
    base = {"id": 7, "annotation_id": 1, "lead_time": 3.2}
    export = [
        base | {"paragraph_id": i, "text": TEXTS[i]} | more
        for i, more in [
            ("c900-000", {"annotator": 3, "primary": "praise", "functions": {"choices": ["praise", "directive"]}}),
            ("c900-000", {"annotator": 4, "primary": "directive", "functions": "directive"}),
            ("c900-001", {"annotator": 3, "primary": "none", "functions": "要求"}),
        ]
    ]
    votes, _ = votes_of(write_json(tmp_path / "min.json", export), "labelstudio", tmp_path)
    assert votes == {
        ("c900-000", "labelstudio-3"): ("praise", ("praise", "directive")),
        ("c900-000", "labelstudio-4"): ("directive", ("directive",)),
        ("c900-001", "labelstudio-3"): (None, ("directive",)),
    }


def test_doccano_exports_become_votes_with_the_file_name_as_the_annotator(tmp_path):
    rows = [
        {"id": 11, "text": TEXTS["c900-000"], "label": ["primary:praise", "directive"], "paragraph_id": "c900-000"},
        {"id": 12, "text": TEXTS["c900-001"], "label": ["无"], "paragraph_id": "c900-001", "Comments": []},
        {"id": 13, "text": TEXTS["c900-002"], "label": [], "paragraph_id": "c900-002"},
    ]
    write_jsonl(tmp_path / "lin.jsonl", rows)
    write_jsonl(tmp_path / "sun.jsonl", [{"id": "c900-002", "text": TEXTS["c900-002"], "label": "批评"}])
    votes, skipped = votes_of(tmp_path / "lin.jsonl", "doccano", tmp_path)
    assert skipped == 1
    votes, _ = votes_of(tmp_path / "sun.jsonl", "doccano", tmp_path)
    assert votes == {
        ("c900-000", "lin"): ("praise", ("praise", "directive")),
        ("c900-001", "lin"): (None, ()),
        ("c900-002", "sun"): ("criticism", ("criticism",)),
    }


def test_doccano_labels_that_leave_the_primary_function_open_are_refused(tmp_path):
    rows = [{"id": "c900-000", "text": TEXTS["c900-000"], "label": ["praise", "directive"]}]
    write_jsonl(tmp_path / "lin.jsonl", rows)
    with pytest.raises(BadData, match=r"lin\.jsonl:1: .*2 candidates .*mark one as primary:NAME"):
        read_answers(tmp_path / "lin.jsonl", "doccano")


def test_jsonl_answers_take_chinese_names_and_tell_none_from_skipped(tmp_path):
    rows = [
        {"id": "c900-000", "label": "表扬", "functions": ["要求", "表扬"]},
        {"id": "c900-001", "label": None, "functions": []},
        {"id": "c900-002", "skipped": True},
    ]
    write_jsonl(tmp_path / "answers.jsonl", rows)
    votes, skipped = votes_of(tmp_path / "answers.jsonl", "jsonl", tmp_path, annotator="m1")
    assert votes == {("c900-000", "m1"): ("praise", ("praise", "directive")), ("c900-001", "m1"): (None, ())}
    assert skipped == 1


def test_sentences_alone_make_a_vote_of_the_sentences_protocol(tmp_path):
    sentences = [{"start": 0, "end": 6, "function": "表扬"}, {"start": 6, "end": 11, "function": "要求"}]
    write_jsonl(tmp_path / "s.jsonl", [{"id": "c900-000", "annotator": "m2", "sentences": sentences}])
    votes, _ = votes_of(tmp_path / "s.jsonl", "jsonl", tmp_path, protocol="sentences")
    assert votes == {("c900-000", "m2"): ("praise", ("praise", "directive"))}
    write_jsonl(tmp_path / "s.jsonl", [{"id": "c900-000", "annotator": "m3", "sentences": sentences[:1]}])
    with pytest.raises(BadData, match=r"s\.jsonl:1: "):
        votes_of(tmp_path / "s.jsonl", "jsonl", tmp_path, protocol="sentences")


@pytest.mark.parametrize("form", ["jsonl", "labelstudio", "doccano"])
def test_what_is_exported_for_a_tool_comes_back_as_votes_once_answered(tmp_path, form):
    output = tmp_path / "tasks.json"
    export_tasks(paragraphs(), output, form)
    if form == "labelstudio":
        rows = json.loads(output.read_text("utf-8"))
        assert {row["data"]["paragraph_id"]: row["data"]["text"] for row in rows} == TEXTS
        for row in rows:
            row["annotations"] = [annotation(1, choices("primary", "none"))]
        write_json(output, rows)
    else:
        rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
        assert {row.get("paragraph_id", row.get("id")): row["text"] for row in rows} == TEXTS
        answer = {"label": ["none"]} if form == "doccano" else {"label": None, "functions": []}
        write_jsonl(output, [row | answer for row in rows])
    votes, _ = votes_of(output, form, tmp_path, annotator="me")
    assert votes == {(i, "me"): (None, ()) for i in TEXTS}


def test_an_annotator_sees_the_title_and_the_order_only_in_document(tmp_path):
    many = [Paragraph(f"c900-{n:03d}", "c900", n, "题目", "一节", f"第{n}段话。", "", 0, 5) for n in range(40)]
    alone, in_document = tmp_path / "alone.json", tmp_path / "doc.json"
    export_tasks(many, alone, "labelstudio")
    export_tasks(many, in_document, "labelstudio", protocol="in_document")
    rows = [row["data"] for row in json.loads(alone.read_text("utf-8"))]
    assert "题目" not in alone.read_text("utf-8")
    assert [row["paragraph_id"] for row in rows] != [p.id for p in many]
    rows = [row["data"] for row in json.loads(in_document.read_text("utf-8"))]
    assert [row["paragraph_id"] for row in rows] == [p.id for p in many]
    assert "$title" not in alone.with_suffix(".xml").read_text("utf-8")
    assert "$title" in in_document.with_suffix(".xml").read_text("utf-8")


def test_the_label_studio_configuration_offers_every_label_and_none(tmp_path):
    export_tasks(paragraphs(), tmp_path / "tasks.json", "labelstudio")
    root = ET.parse(tmp_path / "tasks.xml").getroot()
    offered = {c.get("name"): [x.get("alias") for x in c] for c in root.iter("Choices")}
    functions = ["praise", "criticism", "directive", "anecdote"]
    assert offered == {"primary": [*functions, "none"], "functions": functions}


def test_exported_sentences_have_no_answer_until_somebody_gives_one(tmp_path):
    export_tasks(paragraphs(), tmp_path / "s.jsonl", "jsonl", protocol="sentences")
    with pytest.raises(BadData, match=r"no answers in it \(3 skipped\)"):
        read_answers(tmp_path / "s.jsonl", "jsonl", "me")
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text("utf-8").splitlines()]
    for sentence in rows[0]["sentences"]:
        sentence["function"] = "praise"
    write_jsonl(tmp_path / "s.jsonl", rows)
    answers, skipped = read_answers(tmp_path / "s.jsonl", "jsonl", "me")
    assert ([answer.id for answer in answers], skipped) == ([rows[0]["id"]], 2)
    longest = max(rows[1:], key=lambda row: len(row["sentences"]))
    longest["sentences"][0]["function"] = "praise"
    longest["sentences"].append({"start": 0, "end": 1, "text": "话"})  # one of them is answered, one is not
    write_jsonl(tmp_path / "s.jsonl", rows)
    with pytest.raises(BadData, match="missing field 'function'"):
        read_answers(tmp_path / "s.jsonl", "jsonl", "me")


def test_a_task_that_nobody_answered_is_skipped_and_one_with_a_misspelt_answer_refused(tmp_path):
    export_tasks(paragraphs(), tmp_path / "t.jsonl", "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text("utf-8").splitlines()]
    rows[0] |= {"label": "表扬", "functions": ["表扬"]}
    write_jsonl(tmp_path / "t.jsonl", rows)
    answers, skipped = read_answers(tmp_path / "t.jsonl", "jsonl", "me")
    assert ([answer.id for answer in answers], skipped) == ([rows[0]["id"]], len(rows) - 1)
    write_jsonl(tmp_path / "t.jsonl", [rows[0], rows[1] | {"lable": "表扬"}])
    with pytest.raises(BadData, match=r"t\.jsonl:2: "):
        read_answers(tmp_path / "t.jsonl", "jsonl", "me")


def test_a_sheet_of_sentences_is_refused_as_a_choice_that_cannot_be(tmp_path):
    with pytest.raises(BadUsage, match="format=jsonl"):
        export_tasks(paragraphs(), tmp_path / "s.json", "labelstudio", protocol="sentences")


def test_a_vote_of_an_older_round_than_one_there_is_refused_because_it_would_not_count(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"id": "c900-000", "label": "无", "functions": [], "round": 2}])
    votes_of(tmp_path / "a.jsonl", "jsonl", tmp_path, annotator="m1")
    file = tmp_path / "votes" / "alone.jsonl"
    before = file.read_bytes()
    write_jsonl(tmp_path / "b.jsonl", [{"id": "c900-000", "label": "无", "functions": []}])
    with pytest.raises(BadData, match=r"b\.jsonl:1: a vote of round 1 on 'c900-000' .*alone\.jsonl:1 .*round=2"):
        votes_of(tmp_path / "b.jsonl", "jsonl", tmp_path, annotator="m2")
    assert file.read_bytes() == before


def test_a_second_vote_of_one_annotator_is_refused_and_leaves_the_file_as_it_was(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"id": "c900-000", "label": "无", "functions": []}])
    votes_of(tmp_path / "a.jsonl", "jsonl", tmp_path, annotator="m1")
    file = tmp_path / "votes" / "alone.jsonl"
    before = file.read_bytes()
    fresh = {"id": "c900-001", "label": "无", "functions": []}
    write_jsonl(tmp_path / "b.jsonl", [fresh, {"id": "c900-000", "label": "无", "functions": []}])
    with pytest.raises(BadData, match=r"b\.jsonl:2: 'm1' has voted on 'c900-000' already at .*alone\.jsonl:1 "):
        votes_of(tmp_path / "b.jsonl", "jsonl", tmp_path, annotator="m1")
    assert file.read_bytes() == before
    assert len(votes_of(tmp_path / "b.jsonl", "jsonl", tmp_path, annotator="m2")[0]) == 3
    assert file.read_bytes().startswith(before)


def test_a_vote_on_a_changed_paragraph_needs_a_higher_round(tmp_path):
    for name, text, round in [("m1", "旧的一段。", 1), ("m2", "新的一段。", 2)]:
        write_jsonl(tmp_path / f"{name}.jsonl", [{"id": "x-0", "text": text, "label": None, "functions": []}])
        answers, _ = read_answers(tmp_path / f"{name}.jsonl", "jsonl", name)
        if round == 2:
            with pytest.raises(BadData, match="about another text than the one at"):
                add_votes(tmp_path / "votes", "alone", answers)
        add_votes(tmp_path / "votes", "alone", answers, round)
    assert [v.sha256 for v in read_votes(tmp_path / "votes")] == list(map(text_sha256, ["旧的一段。", "新的一段。"]))


def test_tasks_are_not_written_where_their_labelling_configuration_goes(tmp_path):
    with pytest.raises(BadUsage, match=r"任务\.xml: the labelling configuration goes there"):
        export_tasks(paragraphs(), tmp_path / "任务.xml", "labelstudio")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", ["id", "text", "annotator", "sha256"])
def test_an_answer_with_half_a_character_is_refused_with_file_and_line(tmp_path, field):
    answer = {"id": "c900-000", "annotator": "m1", "text": "话。", "label": None, "functions": []} | {field: "甲\ud800"}
    (tmp_path / "a.jsonl").write_text(json.dumps(answer), "utf-8")
    with pytest.raises(BadData, match=rf"a\.jsonl:1: its {field} holds half a character"):
        read_answers(tmp_path / "a.jsonl", "jsonl")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "c900-000", "label": "赞美", "functions": ["赞美"]}, "unknown label '赞美'"),
        ({"id": "c900-000", "label": "praise", "functions": []}, "is not among its functions"),
        ({"id": "c900-000", "functions": []}, "missing field 'label'"),
        ({"id": "c900-777", "label": None, "functions": []}, "unknown paragraph 'c900-777'"),
        ({"id": "c900-000", "text": "改过", "label": None, "functions": []}, "is about another text"),
        ({"id": "c900-000", "label": None, "functions": [], "protocol": "in_document"}, "imported as 'alone'"),
        ({"id": "c900-000", "label": None, "functions": [], "round": 0}, "rounds count from 1"),
    ],
)
def test_an_unsound_answer_is_refused_with_file_and_line_and_nothing_is_written(tmp_path, row, message):
    good = {"id": "c900-001", "label": None, "functions": []}
    write_jsonl(tmp_path / "a.jsonl", [good, row])
    with pytest.raises(BadData, match=message) as error:
        votes_of(tmp_path / "a.jsonl", "jsonl", tmp_path, annotator="m1")
    assert str(error.value).startswith(f"{tmp_path / 'a.jsonl'}:2: ")
    assert not (tmp_path / "votes").exists()


def test_a_vote_without_a_name_or_without_a_text_is_refused(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"id": "c900-000", "label": None, "functions": []}])
    with pytest.raises(BadData, match="annotator=NAME"):
        votes_of(tmp_path / "a.jsonl", "jsonl", tmp_path)
    answers, _ = read_answers(tmp_path / "a.jsonl", "jsonl", "m1")
    with pytest.raises(BadData, match="paragraphs=FILE"):
        add_votes(tmp_path / "votes", "alone", answers)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"tasks": []}', "expected a JSON list"),
        ("[3]", "task 1 is not a JSON object"),
        ("[]", "no answers"),
        (json.dumps([{"id": 5, "data": {"text": "话"}, "annotations": []}]), "task 5: no paragraph id"),
        (json.dumps([task("c900-000", annotation(1, choices("sentiment", "praise")))]), "answers are named sentiment"),
        (json.dumps([task("c900-000", annotation(1, choices("functions", "praise")))]), "0 answers to 'primary'"),
        (json.dumps([task("c900-000", annotation(1, choices("primary", "happy")))]), "unknown label 'happy'"),
        (
            json.dumps([task("c900-000", annotation(1, {"type": "choices", "from_name": "primary"}))]),
            "expected choices",
        ),
        (
            json.dumps([task("c900-000", annotation(1, choices(["q"], "praise")))]),
            r"task 7: from_name of an answer should be a name, found \['q'\]",
        ),
    ],
)
def test_a_broken_label_studio_export_is_refused_with_the_file(tmp_path, content, message):
    (tmp_path / "export.json").write_text(content, "utf-8")
    with pytest.raises(BadData, match=message) as error:
        read_answers(tmp_path / "export.json", "labelstudio")
    assert str(error.value).startswith(str(tmp_path / "export.json"))
    assert "\n" not in str(error.value)


def test_one_name_for_the_answers_of_two_annotators_is_refused(tmp_path):
    export = [task("c900-000", *(annotation(user, choices("primary", "none")) for user in (1, 2)))]
    with pytest.raises(BadData, match="answers of 2 annotators"):
        read_answers(write_json(tmp_path / "e.json", export), "labelstudio", "me")


def test_a_paragraph_file_with_an_id_twice_or_nothing_in_it_is_refused(tmp_path):
    write_jsonl(tmp_path / "p.jsonl", [{"id": "a-0", "text": "一"}, {"id": "a-0", "text": "二"}])
    with pytest.raises(BadData, match=r"p\.jsonl:2: paragraph 'a-0' is there already"):
        read_paragraphs(tmp_path / "p.jsonl")
    write_jsonl(tmp_path / "p.jsonl", [])
    with pytest.raises(BadData, match="no paragraphs"):
        read_paragraphs(tmp_path / "p.jsonl")


ROW = Paragraph("a-0", "a", 0, "在水利会上的讲话", "", "水渠修通了。", "", 3, 9).to_json()


@pytest.mark.parametrize("field", ROW)
def test_a_paragraph_row_that_lacks_a_field_is_refused_with_file_line_and_field(tmp_path, field):
    torn = {name: value for name, value in ROW.items() if name != field} | ({} if field == "id" else {"id": "a-1"})
    write_jsonl(tmp_path / "p.jsonl", [ROW, torn])
    with pytest.raises(BadData, match=rf"p\.jsonl:2: missing field '{field}'"):
        read_paragraphs(tmp_path / "p.jsonl")
    write_jsonl(tmp_path / "p.jsonl", [torn])
    with pytest.raises(BadData, match=rf"p\.jsonl:1: missing field '{field}'"):
        read_paragraphs(tmp_path / "p.jsonl")


def test_a_bare_row_among_whole_ones_is_refused(tmp_path):
    write_jsonl(tmp_path / "p.jsonl", [ROW, {"id": "a-1", "text": "谢谢大家。"}])
    with pytest.raises(BadData, match=r"p\.jsonl:2: missing field 'doc_id'"):
        read_paragraphs(tmp_path / "p.jsonl")


def test_somebodys_own_texts_are_one_document_in_the_order_of_their_lines(tmp_path):
    rows = [{"id": "b", "text": "水渠修通了。"}, {"id": "a", "text": "谢谢大家。", "remark": "结尾"}]
    write_jsonl(tmp_path / "我的段落.jsonl", rows)
    found = [(p.id, p.doc_id, p.position, p.title, p.text) for p in read_paragraphs(tmp_path / "我的段落.jsonl")]
    assert found == [("b", "我的段落", 0, "我的段落", "水渠修通了。"), ("a", "我的段落", 1, "我的段落", "谢谢大家。")]
    write_jsonl(tmp_path / "p.jsonl", [rows[0], {"id": "a"}])
    with pytest.raises(BadData, match=r"p\.jsonl:2: missing field 'text'"):
        read_paragraphs(tmp_path / "p.jsonl")


def test_labels_are_known_by_their_english_and_chinese_names():
    names = ["praise", "批评", " Directive ", "事例", "无", "none", "批评/指出问题"]
    assert [parse_label(name) for name in names] == [
        *("praise", "criticism", "directive", "anecdote", None, None, "criticism"),
    ]
    with pytest.raises(BadData, match="unknown label ''"):
        parse_label("")
