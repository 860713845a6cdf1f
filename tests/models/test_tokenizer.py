"""Normalisation lives in the tokenizer: what it does, what it leaves, and what it saves from [UNK]."""

import json

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from jianghua.models.tokenizer import (
    PUNCTUATION,
    normalise_for,
    normaliser_rules,
    save_bert_tokenizer,
    train_vocabulary,
    unknown_share,
)

TEXTS = [
    "在客观总结成绩的同时，我们也要看到差距：“最后一公里”——不足……",
    "今年投入1,000万元，会议10:30开始；完成了吗？完成了！（详见附件）",
] * 3


@pytest.fixture(scope="module")
def tokenizer():
    return train_vocabulary(TEXTS, size=1200)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("成绩,也要;看到:差距(不足)!", "成绩，也要；看到：差距（不足）！"),
        ("投入１，０００万元", "投入1,000万元"),
        ("10:30开始,1,000元", "10:30开始，1,000元"),
        ("看\u200b到\u3000差距", "看到差距"),
        ("总 结 成绩 ， 看到差距", "总结成绩，看到差距"),
        ("不足......差距…", "不足……差距…".replace("……", "…")),
    ],
)
def test_two_ways_of_writing_give_the_same_tokens(tokenizer, written, read):
    assert tokenizer.encode(written).ids == tokenizer.encode(read).ids


def test_the_small_bert_reads_words_of_at_most_four_characters_and_no_punctuation_inside(tokenizer):
    tokens = [token for text in TEXTS for token in tokenizer.encode(text, add_special_tokens=False).tokens]
    assert any(len(token) > 1 for token in tokens)
    assert all(len(token) <= 4 for token in tokens)
    assert not [token for token in tokens if len(token) > 1 and set(token) & set(PUNCTUATION + "0123456789")]


def test_numbers_and_times_keep_their_half_width_marks(tokenizer):
    tokens = tokenizer.encode("1,000元，10:30").tokens
    assert "," in tokens
    assert ":" in tokens
    assert "，" in tokens


def test_chinese_punctuation_is_in_the_vocabulary_of_the_small_bert(tokenizer):
    assert not [mark for mark in PUNCTUATION if mark not in tokenizer.get_vocab()]


def test_a_usual_vocabulary_gives_fewer_unknown_tokens_with_the_normaliser_than_without():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"，。；：？！（）、\"'-.,:", *"0123456789"]
    words += sorted({c for text in TEXTS for c in text if "\u4e00" <= c <= "\u9fff"})
    words += [f"##{d}" for d in range(10)] + ["##,"]

    def usual():
        from transformers import BertTokenizer

        return BertTokenizer(vocab={word: i for i, word in enumerate(words)})

    without, with_rules = usual(), usual()
    normalise_for(with_rules)
    before, after = unknown_share(without, TEXTS), unknown_share(with_rules, TEXTS)
    assert before > 0.08
    assert after == 0.0


def test_rules_are_put_in_once_and_saved_with_the_tokenizer(tmp_path, tokenizer):
    save_bert_tokenizer(tokenizer, str(tmp_path), 512)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    size = len(json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))["normalizer"]["normalizers"])
    normalise_for(loaded)
    loaded.save_pretrained(tmp_path / "again")
    again = json.loads((tmp_path / "again" / "tokenizer.json").read_text("utf-8"))
    assert len(again["normalizer"]["normalizers"]) == size == len(normaliser_rules()) + 1
    assert isinstance(loaded, PreTrainedTokenizerFast)
    assert loaded("成绩,也").input_ids == loaded("成绩，也").input_ids
