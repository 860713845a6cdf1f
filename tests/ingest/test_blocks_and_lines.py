"""White space, torn lines and hard-wrapped lines, on a few lines at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jianghua.ingest.assemble import assemble
from jianghua.ingest.blocks import line_blocks
from jianghua.ingest.lines import mend_lines, unwrap

LONG = "全县上下要以这次会议为起点拿出抓铁有痕的劲头把每一件实事办到群众的心坎上办到田间地头去"


def texts(blocks):
    return [block.text for block in blocks]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("　　同志们，\u200b开会。 ", "同志们，开会。"),
        ("发 展\u00a0为\t了人民", "发展为了人民"),
        ("the  State Council of\u3000China", "the State Council of China"),
        ("GDP 增长 8 %", "GDP增长8%"),
        ("12 000 元", "12000元"),
        ("Excel 2016 版", "Excel 2016版"),
        ("用Word ，不用WPS 。", "用Word，不用WPS。"),
    ],
)
def test_white_space_stays_only_between_latin_words(line, text):
    assert texts(line_blocks(line)) == [text]


@given(st.text(st.sampled_from("会议ab1，。 \u3000\u200b\r\n\t\x0c\u2028"), max_size=60))
def test_every_character_knows_its_place(raw):
    for block in line_blocks(raw):
        assert len(block.text) == len(block.starts) == len(block.ends)
        assert block.starts == sorted(block.starts)
        for character, start, end in zip(block.text, block.starts, block.ends, strict=True):
            assert raw[start:end] == character or (character == " " and raw[start:end].isspace())


def test_a_cut_stretch_is_remembered_by_its_place():
    raw = "　　要抓紧[1]落实。"
    (block,) = line_blocks(raw)
    block.cut(3, 6, "footnote mark")
    assert block.text == "要抓紧落实。"
    assert [raw[start:end] for start, end, _ in block.dropped] == ["[1]"]


def test_lines_broken_at_a_fixed_width_are_joined():
    width = 20
    raw = "".join(f"　　{LONG[:18]}\n{LONG[18:38]}\n{LONG[38:]}。\n" for _ in range(3))
    assert {len(line) for line in raw.split("\n")} <= {0, width, len(LONG) - 38 + 1}
    assert texts(unwrap(line_blocks(raw))) == [LONG + "。"] * 3


def test_paragraphs_one_a_line_are_not_joined():
    raw = "".join(f"{LONG[n:]}。\n" for n in range(8))
    assert len(unwrap(line_blocks(raw))) == 8


def test_paragraphs_that_end_in_half_width_full_stops_are_not_joined():
    raw = "\n\n".join(f"{LONG},{LONG[n:]}." for n in range(8))
    assert len(unwrap(line_blocks(raw))) == 8


def test_a_line_that_a_link_tore_apart_is_mended_where_empty_lines_divide_paragraphs():
    raw = f"{LONG}，完成一百亿\n元，\n增长一成。\n\n{LONG}。\n\n{LONG}。\n\n{LONG}。\n"
    mended = texts(mend_lines(line_blocks(raw)))
    assert mended[0] == f"{LONG}，完成一百亿元，增长一成。"
    assert len(mended) == 4


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("一、过去一年的工作", True),
        ("（二）深化改革", True),
        ("第三部分 今后的任务", True),
        ("关于农业", True),
        ("一、继续加强水利建设。各乡都要动手。", False),
        ("一是加强领导。", False),
        ("我讲三点意见。", False),
        ("怎么办？", False),
        ("具体来说：", False),
    ],
)
def test_a_heading_becomes_the_section_of_what_follows(line, heading):
    found = assemble(line_blocks(f"在大会上的讲话\n\n{LONG}。\n\n{line}\n\n{LONG}！\n\n{LONG}。\n"))
    paragraphs = [(section, block.text) for section, block in found.paragraphs]
    bare = line.replace(" ", "")
    if heading:
        assert paragraphs == [("", f"{LONG}。"), (bare, f"{LONG}！"), (bare, f"{LONG}。")]
    else:
        assert ("", bare) in paragraphs
        assert len(paragraphs) == 4


def test_comments_and_what_follows_them_are_dropped():
    found = assemble(line_blocks(f"{LONG}。\n\n{LONG}！\n\n网友评论\n\n讲得真好，支持！\n\n{LONG}？\n"))
    assert [block.text for _, block in found.paragraphs] == [f"{LONG}。", f"{LONG}！"]
    assert {reason for _, _, reason in found.dropped} == {"reader comments"}
