"""Made-up systems on documents of the benchmark's own number, sizes and labels, whose true scores are known.

A paragraph is answered rightly when a sum of normal effects is above the threshold of its class: one
of the document (some speeches are easier), one of the document for this system alone, one of the
paragraph that all systems share (it is hard for each), one of the training seed, and chance. So scores
vary between documents, two systems err on the same paragraphs, and the share of right answers in the
population is the recall asked for (a probit model with random effects).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from jianghua.evaluation.intervals import draws
from jianghua.evaluation.metrics import CLASSES, macro_f1, one_vs_rest


@dataclass(frozen=True)
class System:
    """Recall of each class in the population, and the standard deviations of the effects (chance has one)."""

    recall: tuple[float, ...]
    document: float = 0.5  # shared by all systems
    own: float = 0.2  # of a document, for this system
    paragraph: float = 0.7  # shared by all systems
    seed: float = 0.0

    @property
    def spread(self) -> float:
        return float(np.sqrt(1 + self.document**2 + self.own**2 + self.paragraph**2 + self.seed**2))


def profiles_of(rows: Sequence[dict]) -> np.ndarray:
    """(documents, 4) gold counts of each document of `primary` rows, documents in the order of their ids."""
    names, numbers = np.unique([row["doc_id"] for row in rows], return_inverse=True)
    counts = np.zeros((len(names), CLASSES), dtype=int)
    np.add.at(counts, (numbers, [row["label"] for row in rows]), 1)
    return counts


def mistakes(profiles: np.ndarray) -> np.ndarray:
    """(4, 4) shares of wrong answers by gold class: a mistake goes to the other classes by how common they are."""
    common = np.tile(profiles.sum(0) + 1.0, (CLASSES, 1))
    np.fill_diagonal(common, 0)
    return common / common.sum(1, keepdims=True)


def true_score(profiles: np.ndarray, system: System, labels: Sequence[int]) -> float:
    """Macro-F1 over `labels` of infinitely many documents like these."""
    recall = np.array(system.recall)
    expected = profiles.mean(0)[:, None] * (np.diag(recall) + (1 - recall)[:, None] * mistakes(profiles))
    return float(macro_f1(one_vs_rest(expected), list(labels)))


def observe(profiles: np.ndarray, systems: Sequence[System], rng: np.random.Generator, seeds: int = 1) -> list:
    """One test set drawn anew: as many documents, with replacement, answered by each system.

    Returns confusion counts (seeds, documents, 4, 4) a system.
    """
    from scipy.stats import norm

    drawn = profiles[rng.integers(0, len(profiles), len(profiles))]
    documents, n = len(drawn), int(drawn.sum())
    gold = np.concatenate([np.repeat(np.arange(CLASSES), row) for row in drawn])
    place = np.repeat(np.arange(documents), drawn.sum(1))
    easy, hard = rng.standard_normal(documents), rng.standard_normal(n)
    wrong = mistakes(profiles).cumsum(1)
    results = []
    for system in systems:
        threshold = norm.ppf(system.recall) * system.spread
        base = threshold[gold] + system.document * easy[place] + system.paragraph * hard
        base = base + system.own * rng.standard_normal(documents)[place]
        counts = np.zeros((seeds, documents, CLASSES, CLASSES))
        for s in range(seeds):
            right = base + system.seed * rng.standard_normal() + rng.standard_normal(n) > 0
            other = (rng.random(n)[:, None] > wrong[gold]).sum(1)
            np.add.at(counts[s], (place, gold, np.where(right, gold, other)), 1)
        results.append(counts)
    return results


def hierarchical_scores(
    confusion: np.ndarray, statistic, rng: np.random.Generator, seed: int, replicates: int
) -> np.ndarray:
    """Scores of resamples of documents and then of paragraphs within them: confusion (documents, 4, 4) → (replicates,).

    A document drawn twice gives two draws of its own paragraphs (Davison & Hinkley 1997, §3.8).
    """
    weights = draws(len(confusion), replicates, seed).astype(int)
    sums = np.zeros((replicates, CLASSES * CLASSES))
    for number, cells in enumerate(confusion.reshape(len(confusion), -1)):
        some = np.flatnonzero(cells)
        sums[:, some] += rng.multinomial(weights[:, number] * int(cells.sum()), cells[some] / cells.sum())
    return statistic(sums.reshape(replicates, CLASSES, CLASSES))


def intraclass_correlation(right: np.ndarray, sizes: np.ndarray) -> float:
    """How far right answers of one document go together: `right` of `sizes` paragraphs, both (documents,).

    One-way analysis of variance of answers (1 right, 0 wrong) by document, documents of any size (Ridout, Demétrio
    & Firth 1999, §2.1). Below zero where documents differ less than chance has it; NaN for one document,
    one paragraph each, or where all answers are right or all wrong.
    """
    right, sizes = np.asarray(right, float), np.asarray(sizes, float)
    right, sizes = right[sizes > 0], sizes[sizes > 0]
    n, documents, shares = sizes.sum(), len(sizes), right / sizes
    if not 1 < documents < n:
        return float("nan")
    between = (sizes * (shares - right.sum() / n) ** 2).sum() / (documents - 1)
    within = (sizes * shares * (1 - shares)).sum() / (n - documents)
    size = (n - (sizes**2).sum() / n) / (documents - 1)
    spread = between + (size - 1) * within
    return float((between - within) / spread) if spread > 0 else float("nan")


def raised(system: System, by: float) -> System:
    """The system with every recall moved by `by` standard deviations of its latent scale."""
    from scipy.stats import norm

    return replace(system, recall=tuple(norm.cdf(norm.ppf(system.recall) + by)))
