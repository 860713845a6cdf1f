"""Licences by the identifier that a card's metadata gives."""

from jianghua.schema import BadData

TEXTS = {
    "cc-by-4.0": (
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/legalcode",
    ),
    "cc-by-sa-4.0": (
        "Creative Commons Attribution-ShareAlike 4.0 International",
        "https://creativecommons.org/licenses/by-sa/4.0/legalcode",
    ),
    "apache-2.0": ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    "mit": ("MIT License", "https://opensource.org/license/mit"),
}


def licence_file(identifier: str, what: str) -> bytes:
    """The text of `LICENSE` for `what`; refuses a licence that is not in `TEXTS`."""
    if identifier not in TEXTS:
        raise BadData(f"license={identifier}: not a licence this can write ({', '.join(TEXTS)})")
    name, address = TEXTS[identifier]
    return f"{what} are licensed under the {name} licence:\n{address}\n".encode()
