"""The encoding is found, whatever a page says of itself."""

import pytest

from jianghua.ingest.decode import decode
from jianghua.schema import BadData

SPEECH = "去年全区新建了十二所幼儿园，孩子们在家门口就能上学，这件事办到了老百姓的心坎上。\n" * 4
FORMAL = "去年全區新建了十二所幼稚園，孩子們在家門口就能上學，這件事辦到了百姓的心坎上。\n" * 4
RARE = "镕喆堃㙍𬭚，这些字不在GB2312里，可是人名地名里有。"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (SPEECH.encode("utf-8"), SPEECH),
        (SPEECH.encode("utf-8-sig"), SPEECH),
        (SPEECH.encode("utf-16"), SPEECH),
        (b"\xfe\xff" + SPEECH.encode("utf-16-be"), SPEECH),
        (SPEECH.encode("gb2312"), SPEECH),
        ((SPEECH + RARE).encode("gb18030"), SPEECH + RARE),
        (FORMAL.encode("big5"), FORMAL),
        (b'<meta charset="gb2312">' + (SPEECH + RARE).encode("gb18030"), '<meta charset="gb2312">' + SPEECH + RARE),
        (b'<meta charset="utf-8">' + SPEECH.encode("gbk"), '<meta charset="utf-8">' + SPEECH),
        (b'<meta charset="gbk">' + SPEECH.encode("utf-8"), '<meta charset="gbk">' + SPEECH),
        (b'<meta charset="gbk">' + FORMAL.encode("big5"), '<meta charset="gbk">' + FORMAL),
        (b'<meta charset="no-such">' + SPEECH.encode("gbk"), '<meta charset="no-such">' + SPEECH),
        ("好。".encode(), "好。"),
        ("大家辛苦了，谢谢。".encode("gbk"), "大家辛苦了，谢谢。"),
    ],
)
def test_text_is_decoded_as_it_was_written(data, text):
    assert decode(data, "讲话.txt")[0] == text


def test_a_file_that_lost_half_a_character_at_its_end_is_still_utf_8():
    text, encoding = decode(SPEECH.encode("utf-8") + "终".encode()[:2], "讲话.txt")
    assert encoding == "utf-8"
    assert text.startswith(SPEECH)


def test_line_ends_are_kept_because_offsets_count_them():
    assert decode("一。\r\n二。\r三。\n".encode(), "讲话.txt")[0] == "一。\r\n二。\r三。\n"


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\x00\x00", b"\xff\xfe"])
def test_an_empty_file_is_said_to_be_empty(data):
    with pytest.raises(BadData, match=r"^讲话\.txt: the file is empty$"):
        decode(data, "讲话.txt")


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 9, b"\x7fELF\x01\x01\x01\0\0\0\0\0" * 40, b"PK\x03\x04\x14\0\x06\0" * 40]
)
def test_binary_data_is_refused(data):
    with pytest.raises(BadData, match="binary"):
        decode(data, "讲话.txt")


@pytest.mark.parametrize("name", ["utf-32-le", "utf-32-be"])
def test_utf_32_is_not_taken_for_utf_16(name):
    text = "同志们，今天开会讲三件事。"
    assert decode(("\ufeff" + text).encode(name), "a.txt") == (text, "utf-32")


def test_an_unknown_encoding_is_refused():
    with pytest.raises(BadData, match="unknown encoding; save it as UTF-8"):
        decode(bytes(range(128, 256)) * 20, "讲话.txt")
