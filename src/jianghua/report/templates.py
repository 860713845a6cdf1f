"""Filling in the templates of this room's pages, and what more than one page puts into its own."""

import json

from jianghua.schema import LABELS_ZH

# “none” is spelled out, not taken from annotate: the demo Space carries this room without that one
NAMES_ZH = LABELS_ZH | {"none": "无"}


def render(template: str, /, **values) -> str:
    """HTML of that template with these values, escaped wherever they are plain text."""
    from jinja2 import Environment, PackageLoader

    templates = Environment(loader=PackageLoader("jianghua.report", "."), autoescape=True)
    return templates.get_template(template).render(values)


def script_json(value):
    """`value` as JSON that a template can put into a script element."""
    from markupsafe import Markup

    # a paragraph may hold what would end the script element
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))
