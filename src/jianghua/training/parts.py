"""Parts of paragraphs as training text: runs of sentences, labelled by the evidence.

Where it is known which sentence does what, a run of a paragraph's sentences is a text with a known answer: its
functions are those of its sentences, its primary function the one with most characters (data/GUIDELINES.md, section
五, as for a `sentences` vote). A paragraph's answer can be learnt by heart; parts ask which sentences make it so.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from jianghua.annotate import label_of_spans
from jianghua.schema import LABELS, SentenceSpan, label_id


@dataclass(frozen=True)
class Texts:
    """What an epoch trains on, a text each: token ids, the sentence each token stands in (-1 for special tokens; empty
    where no sentences are known), and the answers: (texts,) ids, (texts, 4) shares of a primary function, or (texts, 4)
    zeros and ones for several functions.
    """

    sequences: list[torch.Tensor]
    numbers: list[torch.Tensor]
    target: torch.Tensor


def in_parts(texts: Texts, sentences: Sequence[Sequence[dict]], share: float, rng: random.Random) -> Texts:
    """`texts` with about a `share` of them cut down to a random run of their sentences.

    The first and last token, which are special, stay. Ids become shares, since a run may have no primary function: its
    answer is then a quarter of each, so that what does nothing speaks for none of the four.
    """
    if not share or not texts.numbers:
        return texts
    primary = texts.target.ndim == 1
    sequences, numbers = list(texts.sequences), list(texts.numbers)
    target = functional.one_hot(texts.target, len(LABELS)).float() if primary else texts.target.clone()
    for i, spans in enumerate(sentences):
        if rng.random() >= share or len(spans) < 2:
            continue
        first, end = run_of_sentences(len(spans), rng)
        inside = (numbers[i] >= first) & (numbers[i] < end)
        if not inside.any():  # the end of an over-long text is not read
            continue
        inside[[0, -1]] = True
        sequences[i], numbers[i] = sequences[i][inside], numbers[i][inside]
        label, functions = answer_of(spans[first:end])
        if primary and label is None:
            target[i] = 1 / len(LABELS)
        else:
            told = {label} if primary else functions
            target[i] = torch.tensor([float(k in told) for k in range(len(LABELS))])
    return Texts(sequences, numbers, target)


def run_of_sentences(count: int, rng: random.Random) -> tuple[int, int]:
    """`(first, end)` of a random run of `count` sentences, two or more: never all of them."""
    length = rng.randrange(1, count)
    first = rng.randrange(count - length + 1)
    return first, first + length


def answer_of(spans: Sequence[dict]) -> tuple[int | None, set[int]]:
    """Primary function and functions, as ids, of a run of sentences (`start`, `end`, `function` id or None)."""
    origin = spans[0]["start"]
    names = [None if span["function"] is None else LABELS[span["function"]] for span in spans]
    run = [SentenceSpan(s["start"] - origin, s["end"] - origin, name) for s, name in zip(spans, names, strict=True)]
    label, functions = label_of_spans(run)
    return None if label is None else label_id(label), set(map(label_id, functions))
