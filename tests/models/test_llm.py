"""The prompted baseline against a server that speaks the protocol, over real sockets, faults included."""

import json
import time
from email.utils import formatdate

import numpy as np
import pytest
from loopback_llm import Loopback, said

from jianghua.models import Examples, decide, load_classifier
from jianghua.models.endpoint import Endpoint
from jianghua.models.llm import PromptedModel
from jianghua.schema import LABELS, BadData, BadUsage

TEXTS = ["成绩突出值得表扬大家", "存在差距必须批评一下", "月底之前各村负责到位", "那天他在村口说了半天"]


def half(handler):
    handler.answer(200, said('{"label": "praise"}'), cut=20)


def drop(handler):
    handler.close_connection = True
    handler.connection.close()


@pytest.fixture
def server():
    loopback = Loopback()
    yield loopback
    loopback.close()


@pytest.fixture
def model(server, tmp_path):
    def make(config="primary", **more):
        patience = {"retries": 3, "backoff": 0.01, "timeout": 5.0}
        endpoint = Endpoint(server.base_url, "JIANGHUA_TEST_KEY", tmp_path / "cache", **patience)
        made = PromptedModel(config, "test-model", endpoint, **more)
        ids = np.arange(4)
        made.fit(Examples(TEXTS, ids if config == "primary" else np.eye(4, dtype=bool)))
        return made

    return make


@pytest.mark.parametrize("config", ["primary", "functions"])
def test_answers_become_probabilities_and_the_model_survives_saving(config, model, server, tmp_path):
    asked = model(config)
    proba = asked.predict_proba(TEXTS)
    decided = decide(proba, config, asked.thresholds)
    assert decided == ([0, 1, 2, 3] if config == "primary" else [[0], [1], [2], [3]])
    assert len(server.requests) == 4
    asked.scale(2.0)
    asked.save(tmp_path / "m")
    again = load_classifier(tmp_path / "m")
    assert np.allclose(again.predict_proba(TEXTS), asked.predict_proba(TEXTS))
    assert len(server.requests) == 4  # all from the cache


def test_the_prompt_states_the_labels_and_shows_train_paragraphs_only_as_examples(model, server):
    zero, few = model(), model(shots=1)
    assert len(zero.messages("甲")) == 2
    system = zero.messages("甲")[0]["content"]
    assert all(label in system for label in LABELS)
    assert few.examples == []  # TEXTS are shorter than what may serve as an example
    long = [text * 4 for text in TEXTS]
    few.fit(Examples(long, np.arange(4)))
    assert [json.loads(example["answer"])["label"] for example in few.examples] == list(LABELS)
    assert len(few.messages("甲")) == 2 + 8


def test_the_key_goes_into_the_header_and_nowhere_else(model, server, tmp_path, monkeypatch):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", "sk-very-secret")
    asked = model()
    asked.predict_proba(TEXTS)
    asked.save(tmp_path / "m")
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    written = [path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 5
    assert not [text for text in written if "secret" in text]


@pytest.mark.parametrize("around", ["\r", "\n", "\r\n"])
def test_a_line_break_around_the_key_is_dropped(around, model, server, monkeypatch):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", f"sk-very-secret{around}")
    model().predict_proba(TEXTS[:1])
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"


@pytest.mark.parametrize("key", ["sk very secret", "sk-very\r\nX-Other: secret", "sk-secret-钥匙"])
def test_a_key_that_no_header_can_carry_is_refused_before_anything_is_sent_and_never_shown(
    key, model, server, monkeypatch
):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", key)
    with pytest.raises(BadUsage, match=r"^JIANGHUA_TEST_KEY: the key in it holds") as error:
        model().predict_proba(TEXTS[:1])
    assert "secret" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert server.requests == []


def test_an_endpoint_that_repeats_the_key_does_not_get_it_into_the_message(model, server, monkeypatch):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", "sk-very-secret")
    server.faults = [lambda handler: handler.answer(400, {"error": {"message": "bad Bearer sk-very-secret"}})]
    with pytest.raises(BadData, match="HTTP 400, bad Bearer …"):
        model().predict_proba(TEXTS[:1])


def test_a_saved_model_sends_the_key_only_where_the_environment_allows_its_address(
    model, server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", "sk-very-secret")
    model().save(tmp_path / "m")
    for number, allowed in enumerate([None, "http://127.0.0.1:9/v1", f"{server.base_url}/"]):
        if allowed:
            monkeypatch.setenv("JIANGHUA_LLM_BASE_URL", allowed)
        load_classifier(tmp_path / "m").predict_proba([TEXTS[number]])
        sent, said_aloud = server.headers[-1].get("Authorization"), capsys.readouterr().err
        assert len(server.requests) == number + 1
        if number < 2:
            assert sent is None
            assert f"is not sent there unless JIANGHUA_LLM_BASE_URL={server.base_url} stands" in said_aloud
            assert len(said_aloud.splitlines()) == 1
        else:
            assert sent == "Bearer sk-very-secret"
            assert said_aloud == ""
        assert "very-secret" not in said_aloud
    monkeypatch.delenv("JIANGHUA_LLM_BASE_URL")
    server.faults = [401]
    with pytest.raises(BadData, match="it wants a key, and none was sent"):
        load_classifier(tmp_path / "m").predict_proba([TEXTS[3]])


def test_a_saved_model_with_a_bad_address_is_bad_data(model, tmp_path):
    model().save(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text("utf-8"))
    record["endpoint"]["base_url"] = "file:///etc/passwd"
    (tmp_path / "config.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(BadData, match="not a whole llm model"):
        load_classifier(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"temperature": "warm"}, "temperature is"),
        ({"temperature": 0}, "temperature is"),
        ({"examples": [{"text": "甲"}]}, "'answer'"),
        ({"examples": 3}, ""),
    ],
    ids=str,
)
def test_a_saved_model_whose_record_makes_no_sense_is_bad_data(model, tmp_path, change, says):
    model().save(tmp_path)
    record = json.loads((tmp_path / "config.json").read_text("utf-8")) | change
    (tmp_path / "config.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(BadData, match=rf"not a whole llm model \({says}"):
        load_classifier(tmp_path)


def with_usage(usage):
    return said('{"label": "praise"}') | {"usage": usage}


BROKEN = {
    "no choice": {"choices": []},
    "error with 200": {"error": "busy"},
    "no message": {"choices": [{"message": None}]},
    "a message that is text": {"choices": [{"message": "praise"}]},
    "a choice that is text": {"choices": ["praise"]},
    "content of parts that are none": said(["praise"]),
    "negative tokens": with_usage({"prompt_tokens": -1}),
    "half a surrogate": said("\ud83d"),
    "usage as a list": with_usage([200, 10]),
    "tokens as text": with_usage({"prompt_tokens": "many"}),
}


@pytest.mark.parametrize(
    "fault",
    [429, 500, 503, 507, 522, half, drop, lambda h: h.answer(200, "not a reply"), *BROKEN.values()],
    ids=["429", "500", "503", "507", "522", "half", "drop", "no object", *BROKEN],
)
def test_what_passes_is_tried_again(fault, model, server):
    server.faults = [fault, fault]
    asked = model()
    assert asked.predict_proba(TEXTS[:1]).argmax() == 0
    assert asked.costs()["retries"] == 2
    assert asked.costs()["requests"] == 3


def test_a_kept_answer_that_somebody_broke_is_asked_for_again(model, server, tmp_path):
    model().predict_proba(TEXTS[:1])
    kept = next((tmp_path / "cache").rglob("*.json"))
    for number, reply in enumerate([*BROKEN.values(), None]):
        kept.write_text(json.dumps({"reply": reply}), "utf-8")
        assert model().predict_proba(TEXTS[:1]).argmax() == 0
        assert len(server.requests) == number + 2


def test_a_wait_that_the_server_asks_for_is_kept(model, server):
    server.faults = [lambda handler: handler.answer(429, {}, headers=[("Retry-After", "0.4")])]
    began = time.monotonic()
    model().predict_proba(TEXTS[:1])
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(("ahead", "least"), [(3, 1.0), (-5, 0.0)])
def test_a_wait_may_be_asked_for_as_a_date(ahead, least, model, server):
    date = formatdate(time.time() + ahead, usegmt=True)  # in whole seconds
    server.faults = [lambda handler: handler.answer(429, {}, headers=[("Retry-After", date)])]
    began = time.monotonic()
    model().predict_proba(TEXTS[:1])
    assert least <= time.monotonic() - began < ahead + 6


def test_one_failure_for_good_ends_the_others_patience(model, server):
    asked = model(workers=2)
    asked.endpoint.retries, asked.endpoint.backoff = 6, 5.0
    server.faults = [503, 401]
    began = time.monotonic()
    with pytest.raises(BadData, match="HTTP 401"):
        asked.predict_proba(TEXTS[:2])
    assert time.monotonic() - began < 4


def test_a_paragraph_of_two_functions_is_shown_once_and_one_of_none_is_shown_too(model):
    few = model("functions", shots=1)
    long = [text * 4 for text in [*TEXTS, "会议现在开始，请大家坐好。"]]
    target = np.eye(5, 4, dtype=bool)
    target[0, 1] = True  # praise and criticism
    few.fit(Examples(long, target))
    shown = [example["text"] for example in few.examples]
    assert len(shown) == len(set(shown)) == 5
    assert json.loads(few.examples[-1]["answer"]) == {"functions": []}


def test_an_endpoint_that_stays_silent_ends_in_one_line_and_what_was_answered_is_kept(model, server):
    asked = model(workers=1)
    asked.predict_proba(TEXTS[:2])
    server.faults = [503] * 4
    with pytest.raises(BadData, match=r"no answer after 4 tries \(the last: HTTP 503\); what was answered is kept"):
        asked.predict_proba(TEXTS)
    asked.predict_proba(TEXTS)
    assert len(server.requests) == 2 + 4 + 2  # each text was answered once, before or after the silence


def test_a_slow_endpoint_is_given_up_after_the_timeout(model, server):
    asked = model()
    asked.endpoint.timeout = 0.2
    server.faults = [lambda handler: time.sleep(0.6)]
    assert asked.predict_proba(TEXTS[:1]).argmax() == 0
    assert asked.costs()["retries"] == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "JIANGHUA_TEST_KEY is not set"), (404, "HTTP 404, fault 404"), (400, "HTTP 400"), (302, "a redirect")],
)
def test_what_does_not_pass_ends_at_once(status, says, model, server):
    server.faults = [status]
    with pytest.raises(BadData, match=says):
        model(workers=1).predict_proba(TEXTS[:1])
    assert len(server.requests) == 1


def test_a_refused_key_is_named_and_not_shown(model, server, monkeypatch):
    monkeypatch.setenv("JIANGHUA_TEST_KEY", "sk-very-secret")
    server.faults = [401]
    with pytest.raises(BadData) as error:
        model().predict_proba(TEXTS[:1])
    assert "the key in JIANGHUA_TEST_KEY is refused (fault 401)" in str(error.value)
    assert "secret" not in str(error.value)


def test_no_server_at_all_is_one_line(model, server):
    asked = model()
    server.close()
    with pytest.raises(BadData, match="no answer after 4 tries"):
        asked.predict_proba(TEXTS[:1])


def test_an_answer_that_is_no_label_is_asked_again_once_and_then_counts_as_refused(model, server):
    asked = model()
    server.reply = "这段话主要是表扬。"
    proba = asked.predict_proba(TEXTS[:1])
    assert proba.argmax() in range(4)
    assert len(server.requests) == 2
    assert server.requests[1]["messages"][-2]["content"] == "这段话主要是表扬。"
    costs = asked.costs()
    assert (costs["asked_again"], costs["refused"], costs["paragraphs"]) == (1, 1, 1)


def test_fields_of_the_request_can_be_added_and_left_out_and_are_kept_with_the_model(model, server, tmp_path):
    asked = model(request={"max_tokens": None, "max_completion_tokens": 64, "temperature": 1})
    asked.predict_proba(TEXTS[:1])
    sent = server.requests[0]
    assert "max_tokens" not in sent
    assert (sent["max_completion_tokens"], sent["temperature"]) == (64, 1)
    asked.save(tmp_path / "m")
    load_classifier(tmp_path / "m").predict_proba(TEXTS[:1])
    assert len(server.requests) == 1  # the very same request, answered from the cache


@pytest.mark.parametrize(
    "refusal",
    [
        said(None, refusal="I cannot"),
        said("", finish="content_filter"),
        said("  "),
        lambda handler: handler.answer(400, {"error": {"code": "content_filter", "message": "filtered"}}),
        lambda handler: handler.answer(400, {"error": {"type": "data_inspection_failed", "message": "Input"}}),
        lambda handler: handler.answer(403, {"error": {"code": "1301", "message": "内容可能包含敏感内容"}}),
        {"error": {"code": "content_filter", "message": "filtered"}},
    ],
    ids=["refusal", "filter", "empty", "filter as an error", "inspection as an error", "forbidden text", "filter, 200"],
)
def test_a_refusal_is_counted_and_the_frequencies_of_train_stand_in(refusal, model, server):
    asked = model()
    asked.priors = [0.1, 0.2, 0.6, 0.1]
    server.faults = [refusal]
    assert np.allclose(asked.predict_proba(TEXTS[:1]), [asked.priors])
    assert asked.costs()["refused"] == 1


def test_an_answer_that_was_cut_off_is_counted_apart_and_the_option_that_helps_is_named(model, server, capsys):
    asked = model()
    asked.priors = [0.1, 0.2, 0.6, 0.1]
    # one that says nothing before the end, one that is cut twice in mid-word, one whose label came in time
    server.reply = "先看这一段的"
    server.faults = [said(None, finish="length")]
    assert np.allclose(asked.predict_proba(TEXTS[:1]), [asked.priors])
    assert len(server.requests) == 1
    assert "note: 1 answers were cut off at 64 tokens" in (noted := capsys.readouterr().err)
    assert "model.max_tokens=" in noted
    server.faults = [said("先看", finish="length"), said("先看", finish="length")]
    assert np.allclose(asked.predict_proba(TEXTS[1:2]), [asked.priors])
    assert len(server.requests) == 3
    server.faults = [said('{"label": "directive"} 因为', finish="length")]
    assert asked.predict_proba(TEXTS[2:3]).argmax() == 2
    costs = asked.costs()
    assert (costs["cut_short"], costs["refused"], costs["paragraphs"]) == (2, 0, 3)
    capsys.readouterr()
    asked.predict_proba(TEXTS[:3])  # from the cache, and counted and noted before
    assert capsys.readouterr().err == ""
    assert asked.costs()["cut_short"] == 2


@pytest.mark.parametrize(
    "reply",
    [
        said('{"label": "praise"}', reasoning_content="想一想\ud83d"),
        said([{"type": "text", "text": '{"label": '}, {"type": "text", "text": '"praise"}'}]),
        said('{"label": "praise"}') | {"usage": {"prompt_tokens": 200.0, "completion_tokens": 10.0}},
    ],
    ids=["half a character beside the answer", "in parts", "tokens as 200.0"],
)
def test_an_unusual_reply_is_read_and_kept(reply, model, server):
    asked = model(price=[2.0, 8.0])
    server.faults = [reply]
    assert asked.predict_proba(TEXTS[1:2]).argmax() == 0
    assert model().predict_proba(TEXTS[1:2]).argmax() == 0
    assert len(server.requests) == 1
    assert (asked.costs()["prompt_tokens"], asked.costs()["completion_tokens"]) == (200, 10)


def test_a_text_that_stands_twice_is_asked_once(model, server):
    asked = model()
    assert asked.predict_proba([TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[0]]).argmax(1).tolist() == [0, 1, 0, 0]
    assert len(server.requests) == 2
    assert asked.costs()["paragraphs"] == 2


def test_how_far_the_asking_is_stands_on_the_way(model, server, monkeypatch, capsys):
    monkeypatch.setattr("jianghua.models.llm.NOTE_EVERY", 0.3)
    server.faults = [None, lambda handler: (time.sleep(1), handler.answer(200, said('{"label": "praise"}')))]
    model(workers=1).predict_proba(TEXTS[:2])
    assert "note: 1 of 2 paragraphs answered, about 0 minutes left" in capsys.readouterr().err


def test_costs_are_counted_once_a_paragraph(model):
    asked = model(price=[2.0, 8.0])
    asked.predict_proba(TEXTS)
    asked.predict_proba(TEXTS)
    costs = asked.costs()
    assert (costs["paragraphs"], costs["prompt_tokens"], costs["completion_tokens"]) == (4, 800, 40)
    assert costs["cost"] == pytest.approx((800 * 2 + 40 * 8) / 1e6)
    assert model(price=[2.0, 8.0]).costs()["cost"] == 0


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ('{"label": "praise"}', [0]),
        ('好的：\n```json\n{"label": "anecdote"}\n```', [3]),
        ("directive", [2]),
        ('{"label": "表扬"}', None),
        ('{"label": "praise, directive"}', None),
        ('{"label": ["praise", "directive"]}', None),
        ("praise or criticism", None),
        ('按要求的格式 {"label": "directive"}，我的回答是 {"label": "none"}', None),
        ('先看作 {"label": "directive"}，再想是 {"label": "praise"}', [0]),
        ("", None),
        ('{"label": ' + "[" * 100_000 + "}", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_answers_are_held_to_the_labels(answer, ids, model):
    assert model().read(answer) == ids


def test_several_functions_or_none_are_read(model):
    asked = model("functions")
    assert asked.read('{"functions": ["directive", "praise"]}') == [0, 2]
    assert asked.read('{"functions": []}') == []
    assert asked.read('{"functions": ["praise", "joke"]}') is None


ADDRESS = "http://127.0.0.1/v1"


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000",
        8000,
        None,
        "",
        "http://",
        "http://host:port/v1",
        "file:///v1",
        "http://a b/v1",
        f"{ADDRESS}?k=v",
    ],
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(BadUsage, match=r"model\.base_url="):
        Endpoint(address)


def test_secrets_in_the_wrong_place_are_refused_and_not_shown():
    with pytest.raises(BadUsage, match="without a name and password") as error:
        Endpoint("http://me:very-secret@127.0.0.1/v1")
    assert "secret" not in str(error.value)
    with pytest.raises(BadUsage, match="not the key itself") as error:
        Endpoint(ADDRESS, "sk-very-secret")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "bad",
    [{"retries": -1}, {"retries": 1.5}, {"retries": True}, {"timeout": 0}, {"timeout": "long"}, {"backoff": -0.1}],
    ids=str,
)
def test_impatience_that_makes_no_sense_is_refused(bad):
    with pytest.raises(BadUsage, match=rf"^model\.{next(iter(bad))}="):
        Endpoint(ADDRESS, **bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"price": 2},
        {"price": [1.0]},
        {"price": []},
        {"price": ["a", "b"]},
        {"price": [2, None]},
        {"price": [2, -1]},
        {"price": [2, float("nan")]},
        {"shots": -1},
        {"shots": 0.5},
        {"workers": 0},
        {"max_tokens": 0},
        {"request": ["top_p"]},
        {"request": {"messages": []}},
    ],
    ids=str,
)
def test_options_of_the_prompt_that_make_no_sense_are_refused(bad):
    with pytest.raises(BadUsage, match=rf"^model\.{next(iter(bad))}="):
        PromptedModel("primary", "m", Endpoint(ADDRESS), **bad)
    with pytest.raises(BadUsage, match=r"^model\.name=8000"):
        PromptedModel("primary", 8000, Endpoint(ADDRESS))
