"""What an annotation tool says, before it is a vote: one annotator's answer about one paragraph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jianghua.annotate.names import parse_label
from jianghua.annotate.votes import check_spans, check_text, check_vote
from jianghua.files import text_sha256
from jianghua.schema import LABELS, BadData, SentenceSpan, Vote


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its `place` (`FILE:LINE` or `FILE: task N`); unknown fields are None."""

    id: str
    text: str | None
    sha256: str | None
    annotator: str | None
    label: str | None
    functions: tuple[str, ...]
    place: str
    round: int | None = None
    sentences: tuple[SentenceSpan, ...] = ()
    protocol: str | None = None


def answer_of_names(
    paragraph: str, text: str, annotator: str | None, primary: object, functions: Sequence, place: str
) -> Answer:
    """An answer in English or Chinese label names; the primary function counts among the functions.

    Tools cannot demand that the primary function be ticked among the functions as well, and by the
    guidelines it always is one.
    """
    label = parse_label(primary)
    named = {label} | {parse_label(name) for name in functions}
    return Answer(paragraph, text, None, annotator, label, tuple(n for n in LABELS if n in named), place)


def to_vote(answer: Answer, protocol: str, round: int = 1, texts: Mapping[str, str] | None = None) -> Vote:
    """The vote of an answer; `texts` (paragraph id → text), when given, must hold its paragraph.

    `round` counts where the answer names none; the hash comes from the answer, or from its text, or
    from `texts`. Raises `BadData`, without the place, for what makes no sound vote.
    """
    if not answer.annotator:
        raise BadData(f"the vote on {answer.id!r} names no annotator; annotator=NAME does")
    if answer.protocol not in (None, protocol):
        raise BadData(f"a vote of protocol {answer.protocol!r}, imported as {protocol!r}")
    if texts is not None and answer.id not in texts:
        raise BadData(f"unknown paragraph {answer.id!r}: it is not in the paragraph file")
    text = answer.text
    if texts is not None and text is None and not answer.sha256:
        text = texts[answer.id]
    if text is None and not answer.sha256:
        raise BadData(f"the vote on {answer.id!r} has neither sha256 nor text; paragraphs=FILE names the texts")
    sha256 = answer.sha256 or text_sha256(text)
    if text is not None and sha256 != text_sha256(text):
        raise BadData(f"the vote on {answer.id!r} has a sha256 that is not its text's")
    read = text if text is not None or texts is None else texts[answer.id]
    if answer.sentences and read is not None:
        check_spans(answer.sentences, len(read))
    vote = Vote(
        id=answer.id,
        protocol=protocol,
        annotator=answer.annotator,
        label=answer.label,
        functions=answer.functions,
        sha256=sha256,
        round=round if answer.round is None else answer.round,
        sentences=answer.sentences,
    )
    if texts is not None:
        check_text(vote, {answer.id: text_sha256(texts[answer.id])})
    return check_vote(vote)
