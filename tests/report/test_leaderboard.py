"""The numbers behind the tables: what is undefined is not zero, and equal models say nothing of power."""

import numpy as np
import pytest

from jianghua.dataset import index_as_build
from jianghua.report.leaderboard import class_scores, leaderboard
from jianghua.report.results import HEADER, part_csv, part_notes, part_rows
from jianghua.schema import LABELS, Prediction


@pytest.fixture(scope="module")
def rows(root):
    return index_as_build(root / "data", "constructed", "primary").rows


def guesses(rows, right, seed=1):
    """Predictions of every validation and test row, a share `right` of them gold, the others directive."""
    rng = np.random.default_rng(seed)
    return [
        Prediction(row["id"], split, row["label"] if rng.random() < right else 2, [0.25] * 4)
        for split in ("validation", "test")
        for row in rows[split]
    ]


def board_of(rows, shares, part=None):
    runs = {name: [guesses(rows, right, seed) for seed in (1, 2)] for name, right in shares.items()}
    return leaderboard(rows, "test", part or rows["test"], runs, "primary") | {"source": "constructed"}


def test_neighbours_that_count_the_same_are_left_out_of_the_power_note_and_named(rows):
    board = board_of(rows, {"majority": 0.0, "length": 0.0, "tfidf": 0.6, "mini": 0.8})
    assert board["alike"] == [("majority", "length")]
    assert len(board["smallest"]) == 2
    assert min(board["smallest"]) > 0.005
    note = next(note for note in part_notes(board) if "power of 80 %" in note)
    low, high = (f"{end(board['smallest']):.3f}" for end in (min, max))
    assert (
        f"power of 80 %: {low} to {high}. Not in that range: majority class and length alone, whose counts are equal"
        in note
    )
    assert board["models"]["length"]["step"] == {"difference": 0.0, "p": 1.0}


def test_models_that_differ_are_all_in_the_power_note(rows):
    board = board_of(rows, {"tfidf": 0.6, "mini": 0.8})
    assert board["alike"] == []
    assert len(board["smallest"]) == 1
    assert not any("Not in that range" in note for note in part_notes(board))


def test_where_all_models_count_the_same_there_is_no_power_note(rows):
    board = board_of(rows, {"majority": 0.0, "length": 0.0})
    assert board["smallest"] == []
    assert not any("power" in note for note in part_notes(board))


def test_an_undefined_f1_is_none_and_a_function_never_found_is_zero():
    counts = np.zeros((2, 3, 4, 3))  # seeds, documents, functions, (true positives, false positives, false negatives)
    counts[:, :, 0, 0] = 1
    counts[:, :, 1, 2] = 1
    counts[1, 0, 3, 1] = 1  # predicted by one seed only, never gold
    assert class_scores(counts) == [1.0, 0.0, None, 0.0]


def test_tables_show_an_undefined_f1_as_a_dash_and_a_zero_as_a_zero(rows):
    part = [row for row in rows["test"] if row["label"] != 3]
    board = board_of(rows, {"majority": 0.0, "mini": 0.8}, part)
    cells = {row[0]: dict(zip(HEADER, row, strict=True)) for row in part_rows(board)}
    assert cells["majority class"]["anecdote"] == "–"
    assert cells["majority class"]["praise"] == "0.000"
    assert float(cells["majority class"]["directive"]) > 0.3
    line = next(line for line in part_csv(board).splitlines() if line.startswith("majority,"))
    assert len(line.split(",")) == len(part_csv(board).splitlines()[0].split(","))
    assert line.endswith(",")  # anecdote is the last column: empty, not 0
    assert LABELS[-1] == "anecdote"
