"""How far annotators, or protocols, agree: Krippendorff's alpha with intervals, confusion, disputes.

Units are paragraphs. For `primary` the categories are the four labels and none; each function is a
question of its own with two answers. Only the newest round of a protocol counts.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from jianghua.annotate.votes import current_votes, doc_id_of
from jianghua.schema import LABELS, PROTOCOLS, BadData, Vote

CATEGORIES = (*LABELS, "none")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha of one question and its 95 % interval over documents; null where it is not defined.

    `percent` is the share (0–100) of votes that agree with another vote on their paragraph, drawn at random: the
    observed agreement of alpha. `units` counts the paragraphs with two votes or more, `documents` those they come from.
    """

    alpha: float | None
    low: float | None
    high: float | None
    percent: float | None
    units: int
    documents: int


def coincidences(units: Mapping[str, Sequence[int]], categories: int) -> tuple[np.ndarray, list[str]]:
    """Coincidence matrices by document, `(documents, categories, categories)`, and the documents' ids.

    `units` maps a paragraph id to the categories (0-based) it was given. A unit with m votes adds
    1/(m - 1) for each ordered pair of its votes (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability", section C); units with fewer than two votes add nothing.
    """
    voted = {unit: values for unit, values in units.items() if len(values) > 1}
    document_of = [doc_id_of(unit) for unit in voted]
    documents = sorted(set(document_of))
    matrices = np.zeros((len(documents), categories, categories))
    if not voted:
        return matrices, documents
    votes = np.array([len(values) for values in voted.values()])
    counts = np.zeros((len(voted), categories))
    np.add.at(counts, (np.repeat(np.arange(len(voted)), votes), np.concatenate(list(voted.values()))), 1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(categories)
    index = {document: number for number, document in enumerate(documents)}
    np.add.at(matrices, [index[document] for document in document_of], pairs / (votes - 1)[:, None, None])
    return matrices, documents


def alpha_of_coincidences(matrices: np.ndarray) -> np.ndarray:
    """Nominal alpha of coincidence matrices `(..., categories, categories)`; nan where undefined.

    Alpha is 1 - (n - 1) * (sum of o_ck, c ≠ k) / (sum of n_c n_k, c ≠ k): Krippendorff 2011, (C).
    It is undefined where all votes fall into one category.
    """
    marginals = matrices.sum(-1)
    n = marginals.sum(-1)
    observed = n - np.trace(matrices, axis1=-2, axis2=-1)
    expected = n**2 - (marginals**2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # sums of fractions such as 1/3 leave rounding errors where one category holds everything
        return np.where(expected > 1e-9, 1 - (n - 1) * observed / expected, np.nan)


@lru_cache(maxsize=1)
def _draws(documents: int, replicates: int, seed: int) -> np.ndarray:
    """How often each document is drawn in each resample, `(replicates, documents)`.

    Kept, since the questions on one set of paragraphs are resampled alike: drawing takes longer than the rest.
    """
    rng, shares = np.random.default_rng(seed), np.full(documents, 1 / documents)
    draws = np.empty((replicates, documents))
    for rows in np.array_split(draws, -(-replicates // 100)):  # as integers they would take as much room again
        rows[:] = rng.multinomial(documents, shares, len(rows))
    draws.flags.writeable = False
    return draws


def krippendorff_alpha(
    units: Mapping[str, Sequence[int]], categories: int, replicates: int = 2000, seed: int = 0
) -> Agreement:
    """Nominal alpha of `units` (see `coincidences`), its interval by resampling documents with replacement."""
    matrices, documents = coincidences(units, categories)
    total = matrices.sum(0)
    alpha = float(alpha_of_coincidences(total))
    n = float(total.sum())
    low = high = None
    if len(documents) > 1 and np.isfinite(alpha):
        draws = _draws(len(documents), replicates, seed)
        resampled = alpha_of_coincidences(np.tensordot(draws, matrices, axes=1))
        # a replicate in which all votes fall into one category has no alpha
        if len(found := resampled[np.isfinite(resampled)]):
            low, high = (float(bound) for bound in np.percentile(found, [2.5, 97.5]))
    return Agreement(
        alpha=alpha if np.isfinite(alpha) else None,
        low=low,
        high=high,
        percent=100 * float(np.trace(total)) / n if n else None,
        units=sum(len(values) > 1 for values in units.values()),
        documents=len(documents),
    )


def _category(vote: Vote) -> int:
    return CATEGORIES.index(vote.label or "none")


def measure(current: Mapping[str, Sequence[Vote]], replicates: int = 2000, seed: int = 0) -> dict[str, Agreement]:
    """Agreement on `primary` and on each function, by the question's name."""
    results = {
        "primary": krippendorff_alpha(
            {unit: [_category(vote) for vote in votes] for unit, votes in current.items()},
            len(CATEGORIES),
            replicates,
            seed,
        )
    }
    for name in LABELS:
        units = {unit: [int(name in vote.functions) for vote in votes] for unit, votes in current.items()}
        results[name] = krippendorff_alpha(units, 2, replicates, seed)
    return results


def name_raters(current: Mapping[str, Sequence[Vote]], by: str = "protocol") -> dict[str, dict[str, Vote]]:
    """Rater → paragraph id → vote, where a rater has at most one vote a paragraph.

    `by="protocol"`: a rater is a protocol; where several annotators voted on a paragraph under it, the
    second (by name) is the rater `PROTOCOL 2`, and so on. `by="annotator"`: a rater is an annotator.
    """
    raters: dict[str, dict[str, Vote]] = defaultdict(dict)
    for unit, votes in current.items():
        passes: Counter = Counter()
        for vote in votes:
            passes[vote.protocol] += 1
            number = passes[vote.protocol]
            rater = vote.protocol if number == 1 else f"{vote.protocol} {number}"
            if by == "annotator":
                rater = vote.annotator
            if unit in raters[rater]:
                raise BadData(
                    f"{rater!r} voted on {unit!r} under {raters[rater][unit].protocol} and {vote.protocol}: "
                    "one annotator takes one protocol a paragraph; compare by=protocol"
                )
            raters[rater][unit] = vote
    if by == "annotator":
        return dict(raters)
    return {name: raters[name] for name in sorted(raters, key=lambda n: (PROTOCOLS.index(n.split()[0]), n))}


def confusion(first: Mapping[str, Vote], second: Mapping[str, Vote]) -> np.ndarray:
    """Counts `(5, 5)` of the labels of `first` (rows) and `second` (columns) on the paragraphs of both."""
    counts = np.zeros((len(CATEGORIES), len(CATEGORIES)), dtype=int)
    for unit in first.keys() & second.keys():
        counts[_category(first[unit]), _category(second[unit])] += 1
    return counts


LENGTHS = ((60, "under 60 characters"), (150, "60–149"), (300, "150–299"), (10**9, "300 and more"))


def length_slice(votes: Sequence[Vote]) -> str | None:
    """The length class of a paragraph, known from a `sentences` vote, whose spans cover the text; else None."""
    ends = [vote.sentences[-1].end for vote in votes if vote.sentences]
    return next(name for limit, name in LENGTHS if ends[0] < limit) if ends else None


def agreement_report(
    votes: Sequence[Vote],
    slices: Mapping[str, Mapping[str, str]] | None = None,
    by: str = "protocol",
    replicates: int = 2000,
    seed: int = 0,
) -> dict:
    """Agreement of all votes, by pair of raters and by slice, as plain data.

    `slices` maps a slice's name to paragraph id → part (`{"source": {"c001-000": "constructed", …}}`);
    `length` is added. Returns `{"paragraphs", "documents", "raters": {name: votes}, "all": {question: …},
    "pairs": [{"raters", "questions", "confusion"}], "slices": {name: {part: {question: …}}}, "by",
    "replicates", "seed"}`, where a question is `primary` or a function and holds the fields of `Agreement`.
    """
    current = current_votes(votes)
    raters = name_raters(current, by)

    def questions(part: Mapping[str, Sequence[Vote]]) -> dict:
        return {name: asdict(result) for name, result in measure(part, replicates, seed).items()}

    pairs = []
    for first, second in combinations(raters, 2):
        common = {unit: [raters[first][unit], raters[second][unit]] for unit in raters[first] if unit in raters[second]}
        if not common:
            continue
        counts = confusion(raters[first], raters[second]).tolist()
        pairs.append({"raters": [first, second], "questions": questions(common), "confusion": counts})
    lengths = {unit: length_slice(cast) for unit, cast in current.items()}
    parts: dict[str, dict[str, dict[str, list[Vote]]]] = {}
    for name, part_of in {**(slices or {}), "length": lengths}.items():
        groups: dict[str, dict[str, list[Vote]]] = defaultdict(dict)
        for unit, cast in current.items():
            if part_of.get(unit):
                groups[part_of[unit]][unit] = cast
        order = [label for _, label in LENGTHS] if name == "length" else sorted(groups)
        parts[name] = {part: groups[part] for part in order if part in groups}
    return {
        "paragraphs": len(current),
        "documents": len({doc_id_of(unit) for unit in current}),
        "raters": {rater: len(cast) for rater, cast in raters.items()},
        "categories": list(CATEGORIES),
        "all": questions(current),
        "pairs": pairs,
        "slices": {name: {part: questions(cast) for part, cast in groups.items()} for name, groups in parts.items()},
        "by": by,
        "replicates": replicates,
        "seed": seed,
    }


def against_gold(
    votes: Sequence[Vote], gold: Mapping[str, Vote], by: str = "annotator", replicates: int = 2000, seed: int = 0
) -> list[dict]:
    """Agreement of each rater with gold (paragraph id → a vote that holds the gold answers), as `pairs` of a report.

    Raises `BadData` where no paragraph has both, or a vote is about another text than gold.
    """
    current = current_votes(votes)
    for unit, cast in current.items():
        if unit in gold and cast[0].sha256 != gold[unit].sha256:
            raise BadData(
                f"the votes on {unit!r} are about another text than gold; vote again on the text as it is now"
            )
    pairs = []
    for rater, cast in name_raters(current, by).items():
        common = {unit: [gold[unit], vote] for unit, vote in cast.items() if unit in gold}
        if not common:
            raise BadData(f"gold decides none of the paragraphs that {rater!r} voted on")
        questions = {name: asdict(result) for name, result in measure(common, replicates, seed).items()}
        counts = confusion(gold, {unit: pair[1] for unit, pair in common.items()}).tolist()
        pairs.append({"raters": ["gold", rater], "questions": questions, "confusion": counts})
    return pairs


@dataclass(frozen=True, slots=True)
class Dispute:
    """A paragraph whose votes differ; `primary` and `functions` are the shares of pairs of votes that do."""

    id: str
    sha256: str
    primary: float
    functions: float
    votes: tuple[Vote, ...]

    def to_json(self) -> dict:
        names = ("protocol", "annotator", "label", "functions")
        cast = [{name: getattr(vote, name) for name in names} for vote in self.votes]
        for row, vote in zip(cast, self.votes, strict=True):
            row["functions"] = list(vote.functions)
        disagreement = {"primary": round(self.primary, 4), "functions": round(self.functions, 4)}
        return {"id": self.id, "sha256": self.sha256, "disagreement": disagreement, "votes": cast}


def _differing_pairs(answers: Sequence) -> float:
    pairs = list(combinations(answers, 2))
    return sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0


def disputes(votes: Sequence[Vote]) -> list[Dispute]:
    """Paragraphs whose votes differ in label or functions, most disputed first (label before functions)."""
    found = []
    for unit, cast in current_votes(votes).items():
        primary = _differing_pairs([vote.label for vote in cast])
        functions = float(np.mean([_differing_pairs([name in vote.functions for vote in cast]) for name in LABELS]))
        if primary or functions:
            found.append(Dispute(unit, cast[0].sha256, primary, functions, tuple(cast)))
    return sorted(found, key=lambda dispute: (-dispute.primary, -dispute.functions, dispute.id))
