"""The two READMEs say the same: what is to be typed stands in both, in one order."""

import re


def commands(root, name):
    """What each row of the table of commands begins its first command with, and the pages that are linked."""
    text = (root / name).read_text("utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and "`" in row.split("|")[2]]
    typed = [re.findall(r"`((?:python )?[\w./]+)", row.split("|", 2)[2])[0] for row in rows]
    return typed, set(re.findall(r"\]\(([\w./]+)\)", text)) - {"README.md", "README.zh.md"}


def test_both_readmes_have_the_same_commands_and_links(root):
    english, chinese = commands(root, "README.md"), commands(root, "README.zh.md")
    assert len(english[0]) > 20
    assert english == chinese
