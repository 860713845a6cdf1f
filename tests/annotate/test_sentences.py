import pytest

from jianghua.annotate import split_sentences


def cut(text: str) -> list[str]:
    spans = split_sentences(text)
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert "".join(text[start:end] for start, end in spans) == text
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("水通了。路也修好了！还等什么？", ["水通了。", "路也修好了！", "还等什么？"]),
        ("一是抓苗情；二是抓墒情；三是抓虫情。", ["一是抓苗情；二是抓墒情；三是抓虫情。"]),
        ("他说：“今天就开工。”大家都笑了。", ["他说：“今天就开工。”", "大家都笑了。"]),
        ("（详见附表。）下面讲第二点", ["（详见附表。）", "下面讲第二点"]),
        ("到底行不行？！行。", ["到底行不行？！", "行。"]),
        ("行不行?行!好", ["行不行?", "行!", "好"]),
        ("增长3.5%，比上年高0.2个百分点。", ["增长3.5%，比上年高0.2个百分点。"]),
        ("修了路、架了桥……这些都看得见。话说到这里……", ["修了路、架了桥……", "这些都看得见。", "话说到这里……"]),
        ("种子、化肥、农药……都要备足。", ["种子、化肥、农药……都要备足。"]),
        ("“谁来种地？”的问题，今天就要回答。", ["“谁来种地？”的问题，今天就要回答。"]),
        ("我读了《路在哪里？》一文。很受触动。", ["我读了《路在哪里？》一文。", "很受触动。"]),
        ("好。 \n再来。", ["好。 \n", "再来。"]),
        ("没有标点", ["没有标点"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_hears_them_end(text, sentences):
    assert cut(text) == sentences
