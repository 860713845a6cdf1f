"""The real speeches and the real page that stand outside the tree; skipped where they are absent."""

import re

import pytest
from test_pages import bare, seen

from jianghua.ingest import ingest_file, ingest_paths

# where a source's own line is torn or ends oddly
CLOSING = tuple("，。、；：！？》”’）」』】,.;:!?)")


@pytest.fixture(scope="module")
def speeches(public_folder):
    return ingest_paths([public_folder])


def test_every_public_speech_is_read(speeches):
    assert len(speeches) == 58
    assert min(len(document.paragraphs) for document in speeches) >= 10


def test_no_public_speech_holds_licence_text_or_stray_words(speeches):
    licence = re.compile(r"公有领域|维基文库|版权协议|著作权法|Public ?domain|false", re.IGNORECASE)
    found = [p.id for d in speeches for p in d.paragraphs if licence.search(p.text)]
    assert found == []


def test_no_paragraph_of_a_public_speech_starts_with_closing_punctuation(speeches):
    assert [p.id for d in speeches for p in d.paragraphs if p.text.startswith(CLOSING)] == []


def test_nearly_all_paragraphs_of_public_speeches_end_as_a_sentence_does(speeches):
    texts = [p.text for d in speeches for p in d.paragraphs]
    odd = [text for text in texts if text[-1] not in "。！？；：…”’）」』】》"]
    assert len(odd) / len(texts) < 0.02


def test_offsets_of_public_speeches_point_at_their_paragraphs(speeches):
    wrong = [p.id for d in speeches for p in d.paragraphs if seen(d, p) != bare(p.text)]
    assert wrong == []


@pytest.fixture(scope="module")
def example(public_folder):
    return ingest_file(public_folder.parent / "pages" / "community-cadre-training-speech.txt")


def test_the_example_page_gives_nine_clean_paragraphs_or_more(example):
    texts = [p.text for p in example.paragraphs]
    assert len(texts) >= 9
    assert texts[0].startswith("各位社区干部是联系群众的")
    assert any(text.startswith("在客观总结成绩的同时") for text in texts)
    assert any(text.startswith("好。不亲") for text in texts)
    assert sum(text.startswith(tuple(f"{n}是不能" for n in "一二三四五六七")) for text in texts) == 7


def test_nothing_of_the_site_is_left_in_the_example_page(example):
    text = "".join(f"{p.section}{p.text}" for p in example.paragraphs)
    assert not re.search(r"网|http|会员|省略|未完|收藏|•|_|上一篇|下一篇|相关栏目|更多相关|标题|讲话$|培训会", text)
    assert example.title == "在社区干部基层治理能力培训会议上的讲话"
    assert {p.section for p in example.paragraphs} == {"", "三、做好群众工作的方式方法"}


def test_offsets_of_the_example_page_point_at_its_paragraphs(example):
    assert [seen(example, p) for p in example.paragraphs] == [bare(p.text) for p in example.paragraphs]
