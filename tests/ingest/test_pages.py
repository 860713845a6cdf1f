"""Every kind of page gives exactly the paragraphs that stand in it, at the right offsets, and nothing of the site."""

import re
from collections import Counter
from html import unescape
from itertools import pairwise

from jianghua.ingest.blocks import INVISIBLE

# the head of a page, and elements that a browser that can run the page does not show as text
_UNSEEN = r"(?is)<!--.*?-->|<(head|title|script|style|noscript|iframe|button)\b.*?</\1>"


def bare(text: str) -> str:
    """`text` without white space and characters that nobody sees."""
    return "".join(c for c in text if not c.isspace() and c not in INVISIBLE)


def seen(document, paragraph) -> str:
    """What a reader sees between a paragraph's offsets, the dropped stretches taken out."""
    source, position = "", paragraph.start
    for start, end, _, _ in sorted(document.dropped):
        if position <= start and end <= paragraph.end:
            source += document.raw[position:start]
            position = end
    source += document.raw[position : paragraph.end]
    if document.kind == "html":
        source = unescape(re.sub(r"(?s)<!--.*?-->|<[^>]*>", "", source))
    return bare(source)


def difference(found: list[str], wanted: list[str]) -> str:
    missing = [f"- {text}" for text in wanted if text not in found]
    return "\n".join(["", *missing, *(f"+ {text}" for text in found if text not in wanted)])


def test_a_page_gives_its_paragraphs_in_order(page):
    document, wanted = page
    found, hoped = [bare(p.text) for p in document.paragraphs], [bare(text) for text in wanted["paragraphs"]]
    assert found == hoped, difference(found, hoped)


def test_precision_and_recall_over_all_pages_are_at_least_95_percent(all_pages):
    right = found = wanted = 0
    for _, document, page in all_pages:
        got = Counter(bare(p.text) for p in document.paragraphs)
        hoped = Counter(map(bare, page["paragraphs"]))
        right += (got & hoped).total()
        found += got.total()
        wanted += hoped.total()
    assert len(all_pages) >= 18
    assert right / found >= 0.95, f"precision {right}/{found}"
    assert right / wanted >= 0.95, f"recall {right}/{wanted}"


def test_offsets_point_at_what_a_paragraph_says(page):
    document, _ = page
    for paragraph in document.paragraphs:
        assert seen(document, paragraph) == bare(paragraph.text)
    places = [(p.start, p.end) for p in document.paragraphs]
    assert all(end <= start for (_, end), (start, _) in pairwise(places))


def test_ids_and_positions_count_from_zero(page):
    document, _ = page
    wanted = [(f"{document.doc_id}-{n:03d}", n) for n in range(len(document.paragraphs))]
    assert [(p.id, p.position) for p in document.paragraphs] == wanted


def test_a_page_knows_its_title_and_sections(page):
    document, wanted = page
    assert bare(document.title) == bare(wanted["title"])
    assert {p.title for p in document.paragraphs} == {document.title}
    if "sections" in wanted:
        assert [bare(p.section) for p in document.paragraphs] == wanted["sections"]


def test_nothing_of_the_site_is_left(page):
    document, wanted = page
    kept = " ".join(f"{p.section} {p.text}" for p in document.paragraphs)
    assert not [word for word in wanted.get("absent", ()) if word in kept]


def test_text_between_paragraphs_is_reported_as_dropped(page):
    """Whatever a reader sees is in a paragraph, is listed as dropped, or stands in the page's own head."""
    document, _ = page
    covered = bytearray(len(document.raw))
    for start, end in [(p.start, p.end) for p in document.paragraphs] + [d[:2] for d in document.dropped]:
        covered[start:end] = b"\1" * (end - start)
    left = "".join(c if not done else "<>" for c, done in zip(document.raw, covered, strict=True))
    if document.kind == "html":
        left = re.sub(_UNSEEN, "", left)
        left = unescape(re.sub(r"<[^>]*>", "", left))
    assert not re.sub("<>", "", bare(left))


def test_dropped_stretches_quote_the_raw_text(page):
    document, _ = page
    for start, end, reason, text in document.dropped:
        assert reason
        assert document.raw[start:end] == text


def test_text_is_kept_as_the_source_has_it(page):
    document, wanted = page
    characters = set(bare("".join(p.text for p in document.paragraphs)))
    assert characters <= set("".join(wanted["paragraphs"]))
    for paragraph in document.paragraphs:
        assert not re.search(r"[\u200b\u3000\u00a0\n]|[\u4e00-\u9fff，。] | [\u4e00-\u9fff，。]", paragraph.text)


def test_reading_twice_gives_the_same(page_name, page_file):
    from jianghua.ingest import ingest_file

    assert ingest_file(page_file(page_name)) == ingest_file(page_file(page_name))
