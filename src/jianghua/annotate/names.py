"""Label names as annotators see them (表扬/批评/要求/事例/无) and as data holds them (praise … / None)."""

from jianghua.schema import LABELS, LABELS_ZH, BadData

NONE_ZH = "无"
_NAMES: dict[str, str | None] = {name: name for name in LABELS}
_NAMES |= {chinese: name for name, chinese in LABELS_ZH.items()}
# the longer names of the guidelines' table
_NAMES |= {"肯定": "praise", "指出问题": "criticism", "部署": "directive", "案例": "anecdote"}
_NAMES |= {"表扬/肯定": "praise", "批评/指出问题": "criticism", "要求/部署": "directive"}
_NAMES |= {NONE_ZH: None, "none": None, "以上都不是": None}


def parse_label(name: object) -> str | None:
    """The label that an English or Chinese name means, None for “none”; `BadData` for any other name."""
    key = name.strip().lower() if isinstance(name, str) else name
    if not isinstance(key, str) or key not in _NAMES:
        known = "、".join([*LABELS_ZH.values(), NONE_ZH])
        raise BadData(f"unknown label {name!r}: the labels are {', '.join(LABELS)}, none ({known})")
    return _NAMES[key]
