"""Parts of paragraphs as training text: which runs there are, and what their answers are."""

import random

import pytest
import torch

from jianghua.training.parts import Texts, answer_of, in_parts, run_of_sentences


def sentences(*spans):
    """`(characters, function id or None)` each."""
    found, start = [], 0
    for characters, function in spans:
        found.append({"start": start, "end": start + characters, "function": function})
        start += characters
    return found


def test_every_run_of_a_paragraphs_sentences_comes_up_and_never_the_whole():
    rng = random.Random(0)
    assert {run_of_sentences(3, rng) for _ in range(200)} == {(0, 1), (1, 2), (2, 3), (0, 2), (1, 3)}


@pytest.mark.parametrize(
    ("run", "label", "functions"),
    [
        (sentences((20, 0), (30, 1)), 1, {0, 1}),
        (sentences((30, 0), (30, 1)), 1, {0, 1}),  # equal: the later one
        (sentences((30, None), (10, 2)), None, {2}),  # under a third
        (sentences((30, None), (30, 2)), 2, {2}),
        (sentences((30, None)), None, set()),
    ],
)
def test_a_run_is_answered_as_a_vote_on_its_sentences_would_be(run, label, functions):
    assert answer_of(run) == (label, functions)
    moved = [span | {"start": span["start"] + 100, "end": span["end"] + 100} for span in run]
    assert answer_of(moved) == (label, functions)


SPANS = [sentences((10, 0), (10, None), (10, 2)), sentences((10, 1))]


def texts(target):
    sequences = [torch.arange(8), torch.arange(10, 14)]
    places = [torch.tensor([-1, 0, 0, 1, 1, 2, 2, -1]), torch.tensor([-1, 0, 0, -1])]
    return Texts(sequences, places, SPANS, target)


def test_parts_are_the_tokens_of_whole_sentences_between_the_special_ones():
    whole, seen = texts(torch.tensor([2, 1])), set()
    for seed in range(60):
        part = in_parts(whole, 1.0, 0.0, 512, random.Random(seed))
        assert torch.equal(part.sequences[1], whole.sequences[1])  # one sentence has no part
        sequence, place = part.sequences[0], part.places[0]
        own = [SPANS[0][whole.places[0][token]] for token in sequence[1:-1]]
        assert [part.sentences[0][k] for k in place[1:-1]] == own
        assert (place[[0, -1]] == -1).all()
        seen.add((tuple(sequence.tolist()), tuple(part.target[0].tolist())))
    praise, directive, neutral = (1, 0, 0, 0), (0, 0, 1, 0), (0.25, 0.25, 0.25, 0.25)
    assert seen == {
        ((0, 1, 2, 7), praise),
        ((0, 3, 4, 7), neutral),  # what does nothing speaks for none of the four
        ((0, 5, 6, 7), directive),
        ((0, 1, 2, 3, 4, 7), praise),
        ((0, 3, 4, 5, 6, 7), directive),
    }
    assert whole.target.tolist() == [2, 1]


def test_where_several_functions_are_asked_for_a_part_may_have_none():
    target = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0]])
    parts = [in_parts(texts(target), 1.0, 0.0, 512, random.Random(seed)) for seed in range(60)]
    found = {(len(part.sequences[0]), tuple(part.target[0].tolist())) for part in parts}
    assert (4, (0.0, 0.0, 0.0, 0.0)) in found
    assert {answer for _, answer in found} == {(0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0)}


def test_a_run_that_goes_on_with_another_texts_is_answered_by_what_has_most_characters():
    sequences = [torch.arange(6), torch.arange(10, 16)]
    places = [torch.tensor([-1, 0, 0, 1, 1, -1])] * 2
    spans = [sentences((10, 0), (30, None)), sentences((20, 1), (25, 3))]
    whole, seen = Texts(sequences, places, spans, torch.tensor([0, 3])), {}
    for seed in range(200):
        part = in_parts(whole, 1.0, 1.0, 512, random.Random(seed))
        seen[tuple(part.sequences[0].tolist())] = part.target[0].argmax().item(), part.target[0].max().item()
        ends = [span["end"] for span in part.sentences[0]]
        assert part.places[0].tolist() == [-1, *(k for k in range(len(ends)) for _ in range(2)), -1]
        assert [span["start"] for span in part.sentences[0]][1:] == ends[:-1]
    joined = {tokens: answer for tokens, answer in seen.items() if len(tokens) == 6}
    assert joined == {
        (0, 1, 2, 11, 12, 5): (1, 1.0),
        (0, 1, 2, 13, 14, 5): (3, 1.0),
        (0, 3, 4, 11, 12, 5): (1, 1.0),
        (0, 3, 4, 13, 14, 5): (3, 1.0),
    }


def test_runs_that_are_longer_together_than_the_model_reads_are_not_joined():
    sequence, place = torch.arange(8), torch.tensor([-1, 0, 0, 1, 1, 2, 2, -1])
    spans = sentences((10, 0), (10, 1), (10, 2))
    many = Texts([sequence] * 300, [place] * 300, [spans] * 300, torch.full((300,), 2))
    for longest, lengths in ((5, {4, 6}), (8, {6, 8}), (512, {6, 8, 10})):
        parts = in_parts(many, 1.0, 1.0, longest, random.Random(1))
        assert {len(sequence) for sequence in parts.sequences} == lengths


def test_a_text_without_a_special_token_at_its_head_keeps_its_own_tokens_only():
    whole = Texts([torch.arange(7)], [torch.tensor([0, 0, 1, 1, 2, 2, -1])], [SPANS[0]], torch.tensor([2]))
    for seed in range(30):
        part = in_parts(whole, 1.0, 0.0, 512, random.Random(seed))
        tokens = part.sequences[0].tolist()
        assert tokens[-1] == 6
        assert tokens[:-1] == list(range(tokens[0], tokens[-2] + 1))
        assert tokens[0] % 2 == 0


def test_of_a_text_that_is_not_read_to_its_end_only_what_is_read_gives_the_answer():
    spans = sentences((10, 1), (10, None), (40, 3))
    whole = Texts([torch.arange(6)], [torch.tensor([-1, 0, 0, 1, 1, -1])], [spans], torch.tensor([3]))
    seen = set()
    for seed in range(60):
        part = in_parts(whole, 1.0, 0.0, 6, random.Random(seed))
        seen.add((tuple(part.sequences[0].tolist()), tuple(part.target[0].tolist())))
    criticism, anecdote, neutral = (0, 1, 0, 0), (0, 0, 0, 1), (0.25, 0.25, 0.25, 0.25)
    assert seen == {
        ((0, 1, 2, 5), criticism),
        ((0, 3, 4, 5), neutral),  # with or without the sentence that is not read
        ((0, 1, 2, 3, 4, 5), criticism),
        ((0, 1, 2, 3, 4, 5), anecdote),  # of the run that is not read at all: left as it was
    }


def test_about_the_shares_are_cut_and_joined():
    sequence, place = torch.arange(8), torch.tensor([-1, 0, 0, 1, 1, 2, 2, -1])
    spans = sentences((10, 0), (10, 1), (10, 2))
    many = Texts([sequence] * 2000, [place] * 2000, [spans] * 2000, torch.full((2000,), 2))

    def changed(share, joined):
        part = in_parts(many, share, joined, 512, random.Random(1))
        return [row for row in part.sentences if row is not spans]

    assert 0.27 < len(changed(0.3, 0.0)) / 2000 < 0.33
    assert all(len(row) < 3 for row in changed(0.3, 0.0))
    both = changed(1.0, 0.5)
    assert len(both) == 2000
    # joined ones are of two to four sentences, others of one or two, as many of each
    assert 0.22 < sum(len(row) == 1 for row in both) / 2000 < 0.28
    assert 0.34 < sum(len(row) > 2 for row in both) / 2000 < 0.41
    assert in_parts(many, 0.0, 0.5, 512, random.Random(1)) is many
