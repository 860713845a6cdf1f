import time

import krippendorff
import numpy as np
import pytest

from jianghua.annotate import against_gold, agreement_report, disputes, krippendorff_alpha, standard_slices
from jianghua.annotate.agreement import CATEGORIES
from jianghua.schema import LABELS, BadData, SentenceSpan, Vote

# Krippendorff 2011, section C: four observers, twelve units, nominal alpha 0.743
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def units_of(matrix):
    columns = zip(*matrix, strict=True)
    return {f"d{n % 4}-{n:04d}": [v - 1 for v in column if v is not None] for n, column in enumerate(columns)}


def random_votes(paragraphs, raters, documents, categories, missing=0.1, seed=0):
    """Raters that repeat the truth four times out of five; `(raters, paragraphs)` with nan for no vote."""
    random = np.random.default_rng(seed)
    truth = random.integers(categories, size=paragraphs)
    noise = random.integers(categories, size=(raters, paragraphs))
    values = np.where(random.random((raters, paragraphs)) < 0.8, truth, noise).astype(float)
    values[random.random((raters, paragraphs)) < missing] = np.nan
    ids = [f"d{n % documents:03d}-{n:05d}" for n in range(paragraphs)]
    units = {i: [int(v) for v in column if not np.isnan(v)] for i, column in zip(ids, values.T, strict=True)}
    return values, units


def vote(paragraph, protocol, label, functions=None, annotator="a", **more):
    if functions is None:
        functions = (label,) if label else ()
    return Vote(paragraph, protocol, annotator, label, tuple(functions), **more)


def test_alpha_of_the_textbook_example_is_the_textbook_s():
    result = krippendorff_alpha(units_of(TEXTBOOK), 5)
    assert result.alpha == pytest.approx(0.743, abs=5e-4)
    # the twelfth unit has one vote only
    assert result.units == 11


@pytest.mark.parametrize("categories", [2, 5])
def test_alpha_is_that_of_the_krippendorff_package(categories):
    values, units = random_votes(300, 4, 30, categories)
    package = krippendorff.alpha(reliability_data=values, level_of_measurement="nominal")
    assert krippendorff_alpha(units, categories).alpha == pytest.approx(package, abs=1e-12)


def test_an_alpha_that_no_resample_has_comes_without_an_interval():
    units = {"c1-000": [0, 0], "c2-000": [1, 1]}  # a resample of one document twice has one category only
    found = [krippendorff_alpha(units, 2, replicates=1, seed=seed) for seed in range(8)]
    assert {result.low is None for result in found} == {True, False}
    assert all(result.alpha == 1 for result in found)


def test_the_interval_is_that_of_the_package_run_on_resampled_documents():
    values, units = random_votes(120, 3, 12, 5)
    result = krippendorff_alpha(units, 5, replicates=2000, seed=3)
    assert result.low < result.alpha < result.high
    random = np.random.default_rng(7)
    replicates = []
    for _ in range(400):
        drawn = random.integers(12, size=12)
        columns = np.concatenate([np.arange(document, 120, 12) for document in drawn])
        replicates.append(krippendorff.alpha(reliability_data=values[:, columns], level_of_measurement="nominal"))
    assert [result.low, result.high] == pytest.approx(np.percentile(replicates, [2.5, 97.5]), abs=0.03)


def test_the_interval_is_seeded_and_narrows_with_more_documents():
    _, few = random_votes(60, 3, 6, 5)
    _, many = random_votes(1200, 3, 120, 5)
    assert krippendorff_alpha(few, 5, seed=1) == krippendorff_alpha(few, 5, seed=1)
    small, large = krippendorff_alpha(few, 5), krippendorff_alpha(many, 5)
    assert large.high - large.low < (small.high - small.low) / 2


def test_alpha_is_undefined_where_all_votes_fall_into_one_category():
    result = krippendorff_alpha({"a-0": [1, 1, 1, 1], "b-0": [1, 1]}, 5)
    assert (result.alpha, result.low, result.high, result.percent) == (None, None, None, 100.0)
    assert krippendorff_alpha({"a-0": [1]}, 5).percent is None


def test_one_document_has_no_interval():
    result = krippendorff_alpha({"a-0": [1, 1], "a-1": [0, 0], "a-2": [0, 1]}, 2)
    assert result.alpha is not None
    assert result.low is None


def test_percent_is_the_observed_agreement_in_which_a_paragraph_weighs_as_much_as_it_has_votes():
    assert krippendorff_alpha({"a-0": [0, 0], "a-1": [0, 1]}, 2).percent == pytest.approx(50)
    assert krippendorff_alpha({"a-0": [0, 0, 1]}, 2).percent == pytest.approx(100 / 3)
    # two of two votes agree with another, and of four half: three agree with two thirds of the others, one with none
    assert krippendorff_alpha({"a-0": [0, 0], "a-1": [0, 0, 0, 1]}, 2).percent == pytest.approx(100 * 4 / 6)


def test_the_report_has_questions_pairs_confusion_and_sources():
    votes = [
        vote("c1-000", "alone", "praise"),
        vote("c1-000", "in_document", "praise"),
        vote("c1-001", "alone", None),
        vote("c1-001", "in_document", "directive"),
        vote("g1-000", "alone", "criticism", ("praise", "criticism")),
        vote("g1-000", "in_document", "criticism"),
    ]
    sources = {"c1-000": "constructed", "c1-001": "constructed", "g1-000": "public"}
    report = agreement_report(votes, {"source": sources}, replicates=50)
    assert report["raters"] == {"alone": 3, "in_document": 3}
    assert report["all"]["primary"]["percent"] == pytest.approx(200 / 3)
    assert report["all"]["praise"]["percent"] == pytest.approx(200 / 3)
    (pair,) = report["pairs"]
    assert pair["raters"] == ["alone", "in_document"]
    assert pair["confusion"][CATEGORIES.index("none")][CATEGORIES.index("directive")] == 1
    assert sum(map(sum, pair["confusion"])) == 3
    assert {name: part["primary"]["units"] for name, part in report["slices"]["source"].items()} == {
        "constructed": 2,
        "public": 1,
    }


def test_the_second_annotator_of_a_protocol_on_a_paragraph_is_a_rater_of_its_own():
    votes = [vote("c1-000", "alone", "praise", annotator=name) for name in "ab"]
    votes.append(vote("c1-000", "in_document", None, annotator="c"))
    assert set(agreement_report(votes, replicates=10)["raters"]) == {"alone", "alone 2", "in_document"}
    assert set(agreement_report(votes, by="annotator", replicates=10)["raters"]) == {"a", "b", "c"}


def test_an_annotator_with_two_protocols_on_one_paragraph_is_refused_by_annotator():
    votes = [vote("c1-000", "alone", "praise"), vote("c1-000", "in_document", "praise")]
    with pytest.raises(BadData, match="one protocol a paragraph"):
        agreement_report(votes, by="annotator")


def test_disputes_put_the_most_disputed_first_and_leave_out_what_is_agreed():
    votes = [vote("c1-000", protocol, "praise") for protocol in ("alone", "in_document", "sentences")]
    votes += [vote("c1-001", "alone", "praise", LABELS), vote("c1-001", "in_document", "praise")]
    votes += [vote("c1-002", p, label) for p, label in [("alone", "praise"), ("in_document", None)]]
    votes += [
        vote("c1-003", p, label) for p, label in [("alone", "praise"), ("in_document", "praise"), ("sentences", None)]
    ]
    queue = disputes(votes)
    assert [(d.id, round(d.primary, 2)) for d in queue] == [("c1-002", 1.0), ("c1-003", 0.67), ("c1-001", 0.0)]
    assert queue[2].functions == pytest.approx(0.75)
    assert queue[0].to_json()["votes"][1] == {
        "protocol": "in_document",
        "annotator": "a",
        "label": None,
        "functions": [],
    }


def test_a_report_on_1500_paragraphs_and_four_protocols_takes_seconds():
    values, _ = random_votes(1500, 4, 150, 5, missing=0)
    protocols = ("alone", "in_document", "sentences", "names_only")
    votes = []
    for protocol, row in zip(protocols, values, strict=True):
        for n, value in enumerate(row):
            label = None if value == 4 else LABELS[int(value)]
            votes.append(vote(f"d{n % 150:03d}-{n:05d}", protocol, label))
    start = time.perf_counter()
    report = agreement_report(votes, {}, replicates=2000)
    assert len(report["pairs"]) == 6
    assert time.perf_counter() - start < 20


def spanned(paragraph, length, label="praise"):
    functions = (label,) if label else ()
    return Vote(paragraph, "sentences", "s", label, functions, sentences=(SentenceSpan(0, length, label),))


def test_the_report_is_cut_by_length_where_a_sentence_vote_tells_it():
    votes = [spanned("c1-000", 40), spanned("c1-001", 350), vote("c1-002", "sentences", "praise", annotator="s")]
    votes += [vote(f"c1-00{n}", "alone", "praise", annotator="b") for n in range(3)]
    report = agreement_report(votes, replicates=10)
    assert {part: q["primary"]["units"] for part, q in report["slices"]["length"].items()} == {
        "under 60 characters": 1,
        "300 and more": 1,
    }


def test_a_paragraph_is_fresh_where_nobody_who_voted_read_an_older_edition():
    votes = [
        vote("c1-000", "alone", "praise", annotator="old"),
        vote("c1-000", "in_document", "praise", annotator="new"),
    ]
    votes += [vote("c1-001", p, "praise", annotator=a) for p, a in [("alone", "new"), ("names_only", "stranger")]]
    annotators = {
        "old": {"guidelines": 1},
        "new": {"guidelines": 2},
        "stranger": {"guidelines": None},
    }
    slices = standard_slices(votes, {"c1": "constructed"}, annotators)
    assert slices["guidelines"] == {"c1-000": "used to revise them", "c1-001": "fresh"}
    assert slices["source"] == {"c1-000": "constructed", "c1-001": "constructed"}
    assert "guidelines" not in standard_slices(votes, {}, {})


def test_raters_are_compared_with_gold_one_by_one():
    gold = {f"c{n}-000": vote(f"c{n}-000", "alone", LABELS[n % 4], annotator="gold") for n in range(8)}
    right = [vote(f"c{n}-000", "alone", LABELS[n % 4], annotator="h1") for n in range(8)]
    wrong = [vote(f"c{n}-000", "alone", LABELS[(n + (n < 2)) % 4], annotator="h2") for n in range(8)]
    first, second = against_gold(right + wrong, gold, replicates=50)
    assert first["raters"] == ["gold", "h1"]
    assert first["questions"]["primary"]["alpha"] == 1
    assert second["questions"]["primary"]["percent"] == pytest.approx(75)
    assert second["confusion"][0][1] == 1


def test_votes_on_another_text_than_gold_s_are_refused():
    gold = {"c1-000": vote("c1-000", "alone", "praise", annotator="gold", sha256="a")}
    with pytest.raises(BadData, match="another text than gold"):
        against_gold([vote("c1-000", "alone", "praise", annotator="h1", sha256="b")], gold)
    with pytest.raises(BadData, match="decides none"):
        against_gold([vote("c1-001", "alone", "praise", annotator="h1")], gold)
