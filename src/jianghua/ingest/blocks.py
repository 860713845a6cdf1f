"""What every kind of file is turned into before it is judged: visible characters that know their place."""

import re
from dataclasses import dataclass, field

INVISIBLE = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad")
_TO_TIDY = re.compile(rf"[\s{''.join(sorted(INVISIBLE))}]")


@dataclass
class Block:
    """A line or block element: its characters and, for each, where it stands in the raw text.

    `starts[i]`, `ends[i]` delimit character i in the raw text: an entity such as `&nbsp;` is one
    character there of six. `gap` counts the empty lines (or block borders) before the block.
    """

    text: str
    starts: list[int]
    ends: list[int]
    gap: int = 1
    heading: bool = False
    hidden: str = ""  # why its markup says that it is no speech
    bold: bool = False  # all of it is bold
    link: bool = False  # all of it is link text
    indent: bool = False  # began with white space
    broken: bool = False  # a truncation notice stood at its end: what follows is not its continuation
    dropped: list[tuple[int, int, str]] = field(default_factory=list)  # raw stretches taken out of it

    @property
    def start(self) -> int:
        return self.starts[0]

    @property
    def end(self) -> int:
        return self.ends[-1]

    def cut(self, start: int, end: int, reason: str) -> None:
        """Take characters start…end out, remembering where they stood."""
        self.dropped.append((self.starts[start], self.ends[end - 1], reason))
        self.text = self.text[:start] + self.text[end:]
        self.starts = self.starts[:start] + self.starts[end:]
        self.ends = self.ends[:start] + self.ends[end:]

    def absorb(self, other: "Block") -> None:
        """Put `other` behind this block."""
        self.text += other.text
        self.starts += other.starts
        self.ends += other.ends
        self.dropped += other.dropped


def _latin(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in ".,;:!?%)")


def tidy(text: str, starts: list[int], ends: list[int], **more) -> Block | None:
    """A block without invisible characters, white space only as one space between Latin words; None if empty."""
    indent = bool(text) and text[0].isspace()
    body = text.strip()
    if body and not _TO_TIDY.search(body):  # most lines
        begin = text.index(body)
        end = begin + len(body)
        return Block(body, starts[begin:end], ends[begin:end], indent=indent, **more)
    kept: list[int] = []
    out: list[str] = []
    space = -1
    for i, character in enumerate(text):
        if character in INVISIBLE:
            continue
        if character.isspace():
            space = i if out else -1
            continue
        if (
            space >= 0
            and _latin(out[-1])
            and character.isascii()
            and character.isalnum()
            and not (out[-1].isdigit() and character.isdigit())
        ):
            out.append(" ")
            kept.append(space)
        space = -1
        out.append(character)
        kept.append(i)
    if not out:
        return None
    return Block("".join(out), [starts[i] for i in kept], [ends[i] for i in kept], indent=indent, **more)


def line_blocks(raw: str) -> list[Block]:
    """The non-empty lines of plain text as blocks."""
    blocks, position, gap = [], 0, 1
    for line in raw.splitlines(keepends=True):
        block = tidy(
            line, list(range(position, position + len(line))), list(range(position + 1, position + len(line) + 1))
        )
        position += len(line)
        if block is None:
            # a page mark of zero width is no empty line: the paragraph goes on behind it
            gap += not any(character in INVISIBLE for character in line)
            continue
        block.gap = gap
        blocks.append(block)
        gap = 0
    return blocks


def markdown_blocks(raw: str) -> list[Block]:
    """`line_blocks`, the marks of headings and quotations cut off."""
    blocks = line_blocks(raw)
    for block in blocks:
        mark = re.match(r"(#{1,6})(?!#)|>+", block.text)
        if mark and mark.end() < len(block.text):
            block.heading = bool(mark[1])
            block.cut(0, mark.end(), "Markdown mark")
    return blocks
