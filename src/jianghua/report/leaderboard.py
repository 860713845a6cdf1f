"""The numbers behind every published table: models on one part, in the order listed, neighbours compared."""

import itertools
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from jianghua.evaluation import (
    headline_labels,
    holm,
    interval_over_seeds,
    macro_f1,
    paired_randomisation,
    part_counts,
    ranks,
    smallest_difference,
    targets,
    votes_alone,
)
from jianghua.evaluation.compare import ALPHA
from jianghua.evaluation.measure import HEADLINE_MINIMUM, support_of
from jianghua.evaluation.metrics import f1_per_class
from jianghua.schema import BadData, Prediction


def significance_groups(names: Sequence[str], different: Collection[tuple[str, str]]) -> dict[str, str]:
    """Letters such that two names share one if, and only if, they are not in `different` (best name first).

    Compact letter display by insert and absorb (Piepho 2004, §3).
    """
    columns = [set(names)]
    for pair in different:
        split = []
        for column in columns:
            split += [column - {one} for one in pair] if set(pair) <= column else [column]
        columns = []
        for column in split:
            if not any(column <= other for other in columns):
                columns = [other for other in columns if not other <= column] + [column]
    columns.sort(key=lambda column: [name not in column for name in names])
    letters = dict(zip(range(len(columns)), "abcdefghijklmnopqrstuvwxyz", strict=False))
    return {name: "".join(letters.get(i, "*") for i, c in enumerate(columns) if name in c) for name in names}


def scored(counts: np.ndarray, labels: list[int]) -> dict:
    """Macro-F1 of counts (seeds, documents, 4, 3): mean over seeds, 95 % interval over documents and seeds."""
    interval = interval_over_seeds(counts, lambda sums: macro_f1(sums, labels))
    low, high = interval or (None, None)
    return {"value": float(macro_f1(counts.sum(1), labels).mean()), "low": low, "high": high}


def class_scores(counts: np.ndarray) -> list[float | None]:
    """F1 of each function, mean over the seeds where it is defined; None where it is in none."""
    by_class = f1_per_class(counts.sum(1)).T
    return [float(one[~np.isnan(one)].mean()) if (~np.isnan(one)).any() else None for one in by_class]


def leaderboard(
    rows: dict[str, list[dict]], split: str, part: list[dict], runs: Mapping[str, list[list[Prediction]]], config: str
) -> dict:
    """One part of `scored_parts`, models in the order of `runs` (model → predictions a seed).

    Keys: `labels` (ids the macro-F1 is over), `n`, `documents`, `support` (paragraphs a function), `models` (name →
    `value`, `low`, `high`, `single` (a score a seed), `rank`, `step` (over the row above: `difference` and
    Holm-corrected `p`; None for the first), `group` (letters of all pairs' Holm-corrected tests) and `per_class`),
    `votes` (name → protocol, n, score, `per_class`), `smallest` (differences found with 80 % power, a pair of
    neighbours each) and `alike` (neighbours left out there: with equal counts in every document they say nothing
    of what this part can tell apart).
    """
    gold = targets(part, config)
    support = support_of(gold).tolist()
    head = headline_labels(part, config)
    if not head:
        raise BadData(f"no function has {HEADLINE_MINIMUM} paragraphs in {split}: there is no headline score")
    counts = {model: part_counts(rows, split, part, seeds, config, model) for model, seeds in runs.items()}
    tests = {
        pair: paired_randomisation(*(counts[m] for m in pair), labels=head)
        for pair in itertools.combinations(counts, 2)
    }
    places = ranks(counts, labels=head)
    result = {"labels": head, "n": len(part), "documents": len({row["doc_id"] for row in part}), "support": support}
    result["models"] = {}
    for model, own in counts.items():
        single = macro_f1(own.sum(1), head).tolist()
        result["models"][model] = scored(own, head) | {"single": single, "rank": places[model], "step": None}
        result["models"][model] |= {"group": "", "per_class": class_scores(own)}
    neighbours = list(itertools.pairwise(counts))
    if all(test["p_value"] is not None for test in tests.values()):
        adjusted = holm([tests[pair]["p_value"] for pair in neighbours])
        for pair, p in zip(neighbours, adjusted, strict=True):
            result["models"][pair[1]]["step"] = {"difference": 0.0 - tests[pair]["difference"], "p": p}
        all_pairs = dict(zip(tests, holm([test["p_value"] for test in tests.values()]), strict=True))
        best_first = sorted(counts, key=lambda model: -result["models"][model]["value"])
        groups = significance_groups(best_first, [pair for pair, p in all_pairs.items() if p < ALPHA])
        for model, letters in groups.items():
            result["models"][model]["group"] = letters
    result["votes"] = {
        one.name: scored(one.counts, head)
        | {"protocol": one.protocol, "n": one.n, "per_class": class_scores(one.counts)}
        for one in votes_alone(part, config)
    }
    result["alike"] = [pair for pair in neighbours if np.array_equal(*(counts[model] for model in pair))]
    differing = [pair for pair in neighbours if pair not in result["alike"]]
    result["smallest"] = [smallest_difference(counts[b], counts[a], labels=head) for a, b in differing]
    return result
