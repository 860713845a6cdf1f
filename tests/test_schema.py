"""Records as the schema reads them."""

import pytest

from jianghua.schema import BadData, Paragraph, check_record


def test_true_is_no_whole_number_where_null_may_stand_either():
    assert check_record({"year": None, "open": True}, {"year": (int, type(None)), "open": bool})["year"] is None
    with pytest.raises(BadData, match="field 'year' should be int or null, found True"):
        check_record({"year": True}, {"year": (int, type(None))})


@pytest.mark.parametrize("field", ["id", "title", "section", "text"])
def test_half_a_character_is_refused_wherever_it_stands(field):
    record = {"id": "d-1", "doc_id": "d", "position": 0, "title": "题", "section": "", "text": "话", "source": ""}
    with pytest.raises(BadData, match=f"the {field} of paragraph .* holds half a character"):
        Paragraph.from_json(record | {"start": 0, "end": 1, field: "话\ud83d"})
