"""Over-long paragraphs: each way reads what it says, torch and the exported engine alike."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jianghua.annotate import split_sentences
from jianghua.models.encoder import Encoder
from jianghua.models.exported import load_exported
from jianghua.models.overlong import WAYS, check_way, mean_of_windows, most_positions, special_ends, windows
from jianghua.schema import BadUsage

LONG = "今年修路。" * 150 + "明年架桥。" * 150


@pytest.fixture(scope="module", params=WAYS)
def encoder(request, root):
    start = Encoder.start(str(root / "data/pretrained/mini"), "primary", overlong=request.param, seed=3)
    start.scale(0.02)
    return start


@given(st.integers(1, 900), st.integers(8, 300), st.sampled_from(WAYS), st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_no_window_is_too_long_each_keeps_the_special_tokens_and_split_loses_nothing(length, limit, way, ends):
    found = windows(length, limit, way, ends)
    first, last = list(range(ends[0])), list(range(length - ends[1], length))
    assert all(len(window) <= limit for window in found)
    if length <= limit:
        assert found == [list(range(length))]
        return
    body = [window[len(first) : len(window) - len(last)] for window in found]
    assert all(window[: len(first)] == first for window in found)
    assert all(not last or window[-len(last) :] == last for window in found)
    inside = list(range(ends[0], length - ends[1]))
    if way == "split":
        assert [place for part in body for place in part] == inside
        assert max(map(len, body)) - min(map(len, body)) <= 1
        return
    assert len(found) == 1
    assert len(found[0]) == limit
    head = len(body[0]) if way == "truncate" else len(body[0]) // 4
    assert body[0][:head] == inside[:head]
    assert way == "truncate" or body[0][-1] == inside[-1]


def test_the_ways_differ_and_what_is_left_out_is_counted(encoder):
    texts = [LONG, "好。"]
    encoder.predict_logits(texts)
    assert encoder.cut == (0 if encoder.overlong == "split" else 1)
    sequences, over = encoder.encode(texts)
    assert over == 1
    assert len(sequences[0]) == (len(sequences[0]) if encoder.overlong == "split" else encoder.max_length)
    tokens = encoder.tokenizer.convert_ids_to_tokens(sequences[0])
    assert ("桥" in "".join(tokens)) == (encoder.overlong == "head_tail")


def test_split_averages_the_logits_of_its_windows(root):
    encoder = Encoder.start(str(root / "data/pretrained/mini"), "primary", overlong="split", seed=3)
    ids = encoder._tokens([LONG])[0]
    ends = special_ends(encoder.tokenizer.backend_tokenizer)
    parts = windows(len(ids), encoder.max_length, "split", ends)
    assert len(parts) > 1
    encoder.model.eval()
    with torch.inference_mode():
        alone = [encoder.logits([torch.tensor([ids[i] for i in part])]).numpy()[0] for part in parts]
    assert np.allclose(encoder.predict_logits(["好。", LONG, "行。"])[1], np.mean(alone, 0), atol=1e-5)


def test_the_mean_of_windows_is_taken_text_by_text():
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert mean_of_windows(rows, [0, 1, 1, 1, 2, 2]).tolist() == [[0, 1], [4, 5], [9, 10]]


def test_sentences_are_found_in_the_tokens_that_are_read(encoder):
    sentences = split_sentences(LONG)
    numbers = encoder.sentence_of_tokens([LONG], [[end for _, end in sentences]])[0]
    assert len(numbers) == len(encoder.encode([LONG])[0][0])
    assert numbers[0] == numbers[-1] == -1
    if encoder.overlong == "head_tail":
        assert numbers[-2] == len(sentences) - 1


def test_the_way_is_saved_and_the_exported_engine_takes_it_too(encoder, tmp_path):
    encoder.save(tmp_path)
    texts = ["好。", LONG, "修桥。"]
    expected = encoder.predict_logits(texts)
    again = Encoder.load(tmp_path)
    assert again.overlong == encoder.overlong
    assert np.array_equal(again.predict_logits(texts), expected)
    exported = load_exported(tmp_path, "onnx")
    assert np.allclose(exported.predict_logits(texts), expected, atol=1e-3)
    assert exported.cut == encoder.cut


def test_an_unknown_way_is_refused():
    with pytest.raises(BadUsage, match=r"data\.overlong=middle"):
        check_way("middle")


@pytest.mark.parametrize(
    ("kind", "positions"), [("bert", 514), ("xlm-roberta", 512), ("camembert", 512), ("mpnet", 512)]
)
def test_positions_that_start_after_the_padding_id_are_fewer(kind, positions):
    assert most_positions(kind, 514, 1) == positions
