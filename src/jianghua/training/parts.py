"""Parts of paragraphs as training text: runs of sentences, labelled by the evidence.

Where it is known which sentence does what, a run of a paragraph's sentences is a text with a known answer: its
functions are those of its sentences, its primary function the one with most characters (data/GUIDELINES.md, section
五, as for a `sentences` vote). A paragraph's answer can be learnt by heart; parts ask which sentences make it so. So do
runs of two paragraphs joined to one text, as CutMix (Yun et al. 2019, §3.1) joins patches of two images: whatever
stands together, what has most characters gives the answer.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from jianghua.annotate import label_of_spans
from jianghua.schema import LABELS, SentenceSpan, label_id


@dataclass(frozen=True)
class Texts:
    """What an epoch trains on, a text each: token ids, the place among its sentences that each token stands in (-1 for
    special tokens), the sentences (`start`, `end`, `function` id or None), and the answers: (texts,) ids, (texts, 4)
    shares of a primary function, or (texts, 4) zeros and ones for several functions. Places and sentences are empty
    where no sentences are known.
    """

    sequences: list[torch.Tensor]
    places: list[torch.Tensor]
    sentences: list[Sequence[dict]]
    target: torch.Tensor


class Stretch(NamedTuple):
    """A run of a text's sentences: its tokens, the place of each among them, and the sentences."""

    tokens: np.ndarray
    places: np.ndarray
    sentences: Sequence[dict]


def in_parts(texts: Texts, share: float, joined: float, longest: int, rng: random.Random) -> Texts:
    """`texts` with about a `share` of them cut down to a random run of their sentences, which in about a share `joined`
    of the cases goes on with a random run of another text's, if both together have at most `longest` tokens.

    Special tokens at both ends stay. Ids become shares, since a run may have no primary function: its
    answer is then a quarter of each, so that what does nothing speaks for none of the four.
    """
    if not share or not texts.places:
        return texts
    primary = texts.target.ndim == 1
    sequences, places, sentences = list(texts.sequences), list(texts.places), list(texts.sentences)
    target = functional.one_hot(texts.target, len(LABELS)).float() if primary else texts.target.clone()
    for i, spans in enumerate(texts.sentences):
        if rng.random() >= share or len(spans) < 2:
            continue
        run = _random_run(texts, i, rng)
        if run is None:
            continue
        if joined and rng.random() < joined:
            other = rng.randrange(len(sequences))
            second = _random_run(texts, other, rng) if other != i and texts.sentences[other] else None
            fits = second and len(run.tokens) + len(second.tokens) + int((texts.places[i] < 0).sum()) <= longest
            run = _joined(run, second) if fits else run
        sequences[i], places[i] = _between_the_ends(texts, i, run)
        sentences[i] = run.sentences
        label, functions = answer_of(run.sentences)
        if primary and label is None:
            target[i] = 1 / len(LABELS)
        else:
            told = {label} if primary else functions
            target[i] = torch.tensor([float(k in told) for k in range(len(LABELS))])
    return Texts(sequences, places, sentences, target)


def _random_run(texts: Texts, i: int, rng: random.Random) -> Stretch | None:
    """A random run of the sentences of text `i`, as far as it is read; None where that is nothing of it."""
    first, end = run_of_sentences(len(texts.sentences[i]), rng)
    tokens, places = texts.sequences[i].numpy(), texts.places[i].numpy()
    inside = np.flatnonzero((places >= first) & (places < end))
    if not len(inside):
        return None
    places = places[inside] - first
    return Stretch(tokens[inside], places, texts.sentences[i][first:end][: int(places.max()) + 1])


def _joined(one: Stretch, two: Stretch) -> Stretch:
    offset = one.sentences[-1]["end"] - two.sentences[0]["start"]
    moved = [span | {"start": span["start"] + offset, "end": span["end"] + offset} for span in two.sentences]
    places = np.concatenate([one.places, two.places + len(one.sentences)])
    return Stretch(np.concatenate([one.tokens, two.tokens]), places, [*one.sentences, *moved])


def _between_the_ends(texts: Texts, i: int, run: Stretch) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and places of `run` between the special tokens at both ends of text `i`."""
    tokens, places = texts.sequences[i].numpy(), texts.places[i].numpy()
    spoken = np.flatnonzero(places >= 0)
    ends = slice(spoken[0]), slice(spoken[-1] + 1, None)
    (first, before), (last, after) = ((tokens[end], places[end]) for end in ends)
    sequence, place = np.concatenate([first, run.tokens, last]), np.concatenate([before, run.places, after])
    return torch.from_numpy(sequence), torch.from_numpy(place)


def run_of_sentences(count: int, rng: random.Random) -> tuple[int, int]:
    """`(first, end)` of a random run of `count` sentences: never all of them, where there are two or more."""
    if count == 1:
        return 0, 1
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
