"""How often intervals cover and tests err at this benchmark's own document counts and sizes.

    python benchmarks/coverage.py [--trials 400] [--json FILE] [--docs]
    python benchmarks/coverage.py --read benchmarks/results/coverage.json --json benchmarks/results/coverage.json --docs

Test sets are drawn from the documents of each source's test part (jianghua.evaluation.simulation) and
answered by made-up systems whose true macro-F1 is known. `--docs` writes the tables into docs/evaluation.md.
Beside them stands how far right answers of one document go together, made up and in the runs of results/runs; this
is always counted anew, so that the second command, which simulates nothing, is enough once models are retrained.
Seeds are fixed: the same command gives the same tables.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from harness import ROOT, put_between_marks
from scipy.optimize import brentq

from jianghua.dataset import index_as_build
from jianghua.evaluation import headline_labels, join, macro_f1, paired_bootstrap, paired_randomisation
from jianghua.evaluation.intervals import interval_over_seeds, percentile_ends
from jianghua.evaluation.metrics import one_vs_rest
from jianghua.evaluation.score import scored_parts
from jianghua.evaluation.simulation import (
    System,
    hierarchical_scores,
    intraclass_correlation,
    observe,
    profiles_of,
    raised,
    true_score,
)
from jianghua.report.results import ABOUT
from jianghua.schema import BadData
from jianghua.training import read_run

RUNS = ROOT / "results" / "runs" / "full-primary"
METHODS = ("percentile", "bca", "studentised", "hierarchical")
NAMES = {"bca": "BCa", "studentised": "bootstrap-t"}
# recall by class: about that of the listed baselines, and of something much better
RECALL = {"as baselines": (0.8, 0.75, 0.92, 0.5), "strong": (0.95, 0.92, 0.98, 0.8)}
# standard deviation between documents on the latent scale; the table of correlations says what they come to, and
# what the stored runs show
DOCUMENTS = {"alike": 0.2, "unlike": 0.6}
SEED_SPREAD = 0.1
MANY = 50_000  # documents a made-up correlation is counted over


def parts() -> dict[str, tuple[np.ndarray, list[int]]]:
    """Source → gold counts of its test documents, and the classes of its headline score."""
    rows = index_as_build(ROOT / "data", "full", "primary").rows
    found = {}
    for name, (_, part) in scored_parts(rows).items():
        if name.startswith("test"):
            found[part[0]["source"]] = (profiles_of(part), headline_labels(part, "primary"))
    return found


def system_of(recall: str, documents: str, seeds: int = 1) -> System:
    spread = DOCUMENTS[documents]
    return System(RECALL[recall], document=spread, own=spread / 2, seed=SEED_SPREAD if seeds > 1 else 0.0)


def coverage(job: tuple) -> dict:
    """Coverage, one-sided misses and mean width of each interval in one setting."""
    source, recall, documents, seeds, trials, replicates = job
    profiles, labels = parts()[source]
    system = system_of(recall, documents, seeds)
    truth = true_score(profiles, system, labels)

    def score(counts):
        return macro_f1(counts, labels)

    methods = METHODS if seeds == 1 else METHODS[:3]
    ends = {method: np.empty((trials, 2)) for method in methods}
    for trial in range(trials):
        rng = np.random.default_rng([trial, seeds])
        confusion = observe(profiles, [system], rng, seeds)[0]
        counts = one_vs_rest(confusion)
        for method in METHODS[:3]:
            found = interval_over_seeds(counts, score, seed=trial, replicates=replicates, method=method)
            ends[method][trial] = found if found else (np.nan, np.nan)
        if seeds == 1:
            drawn = hierarchical_scores(confusion[0], lambda c: score(one_vs_rest(c)), rng, trial, replicates)
            ends["hierarchical"][trial] = percentile_ends(drawn[~np.isnan(drawn)])
    row = {"source": source, "documents": len(profiles), "paragraphs": int(profiles.sum()), "recall": recall}
    row |= {"between_documents": documents, "seeds": seeds, "true": round(truth, 4), "trials": trials}
    for method, pair in ends.items():
        above, below = (pair[:, 0] > truth).mean(), (pair[:, 1] < truth).mean()
        row[method] = {
            "coverage": round(float(1 - above - below), 4),
            "above_truth": round(float(above), 4),
            "below_truth": round(float(below), 4),
            "width": round(float((pair[:, 1] - pair[:, 0]).mean()), 4),
        }
    return row


def chosen(rows: list[dict]) -> str:
    """The method whose coverage lies nearest 0.95 on average over the settings that all methods have."""
    rows = [row for row in rows if row["seeds"] == 1]
    return min(METHODS, key=lambda m: np.mean([abs(row[m]["coverage"] - 0.95) for row in rows]))


def rejections(profiles, labels, left: System, right: System, trials: int, replicates: int) -> dict:
    """Share of trials in which each test finds a difference at 0.05, and the mean smallest difference."""
    found, smallest = {"randomisation": 0, "bootstrap": 0}, []
    for trial in range(trials):
        pair = [one_vs_rest(c) for c in observe(profiles, [left, right], np.random.default_rng(trial))]
        p = paired_randomisation(*pair, replicates=replicates, seed=trial, labels=labels)["p_value"]
        bootstrap = paired_bootstrap(*pair, replicates=replicates, seed=trial, labels=labels)
        found["randomisation"] += p <= 0.05
        found["bootstrap"] += bootstrap["p_value"] <= 0.05
        smallest.append(bootstrap["smallest_difference"])
    return {name: round(count / trials, 4) for name, count in found.items()} | {"smallest": float(np.mean(smallest))}


def shifted(system: System, by: dict[int, float]) -> System:
    """The system with the recall of some classes moved on the latent scale."""
    recall = tuple(raised(system, by.get(i, 0.0)).recall[i] for i in range(len(system.recall)))
    return System(recall, system.document, system.own, system.paragraph, system.seed)


def tests(job: tuple) -> dict:
    """False-positive rates under two null hypotheses, and the power at the smallest difference."""
    source, trials, replicates = job
    profiles, labels = parts()[source]
    left = system_of("as baselines", "unlike" if source == "public" else "alike")
    truth = true_score(profiles, left, labels)
    # equal macro-F1 by other means: praise is found more often, criticism less
    move = brentq(lambda x: true_score(profiles, shifted(left, {0: 0.3, 1: x}), labels) - truth, -2, 1)
    row = {"source": source, "documents": len(profiles), "paragraphs": int(profiles.sum()), "trials": trials}
    same = rejections(profiles, labels, left, left, trials, replicates)
    other = rejections(profiles, labels, left, shifted(left, {0: 0.3, 1: move}), trials, replicates)
    smallest = same.pop("smallest")
    other.pop("smallest")
    better = brentq(lambda x: true_score(profiles, raised(left, x), labels) - truth - smallest, 0, 3)
    power = rejections(profiles, labels, raised(left, better), left, trials, replicates)
    power.pop("smallest")
    row |= {"equal": same, "equal_by_other_means": other}
    return row | {"smallest_difference": round(smallest, 4), "power": power}


def made_up_correlations() -> list[dict]:
    """Intra-document correlation of right answers in each setting, over many documents like those of each source."""
    found = []
    for source, (profiles, _) in parts().items():
        for recall in RECALL:
            row = {"source": source, "system": recall}
            for documents in DOCUMENTS:
                many = np.tile(profiles, (MANY // len(profiles), 1))
                seen = observe(many, [system_of(recall, documents)], np.random.default_rng(0))[0][0]
                right = np.trace(seen, axis1=1, axis2=2)
                row[documents] = round(intraclass_correlation(right, seen.sum((1, 2))), 4)
            found.append(row)
    return found


def stored_correlations(runs: Path) -> list[dict]:
    """The same of each model in `runs` (MODEL/sSEED) on each test part, mean over seeds.

    Raises `BadData` for a run of another dataset than the index is of.
    """
    loaded = index_as_build(ROOT / "data", "full", "primary")
    seeds: dict[tuple, list[float]] = {}
    for folder in sorted(runs.glob("*/s*")):
        run = read_run(folder)
        run.check_dataset(loaded.build, loaded.fingerprint)
        for split, part in scored_parts(loaded.rows).values():
            if split == "test":
                chosen = {p.id: p.predicted for p in join(run.predictions, loaded.rows[split], split, str(folder))}
                _, place = np.unique([row["doc_id"] for row in part], return_inverse=True)
                right = np.bincount(place, [chosen[row["id"]] == row["label"] for row in part])
                value = intraclass_correlation(right, np.bincount(place))
                seeds.setdefault((part[0]["source"], run.model), []).append(value)
    order = list(ABOUT)
    return [
        {"source": source, "model": model, "seeds": len(values), "correlation": round(float(np.mean(values)), 4)}
        for (source, model), values in sorted(seeds.items(), key=lambda item: (item[0][0], order.index(item[0][1])))
    ]


def correlations_table(found: dict) -> str:
    """Markdown: made-up systems first, then the stored runs."""
    table = "| intra-document correlation of right answers | public | constructed |\n| --- | ---: | ---: |\n"
    cells: dict[str, dict[str, float]] = {}
    for row in found["made_up"]:
        for documents in DOCUMENTS:
            cells.setdefault(f"made up, {row['system']}, {documents}", {})[row["source"]] = row[documents]
    for row in found["stored"]:
        cells.setdefault(ABOUT[row["model"]], {})[row["source"]] = row["correlation"]
    for name, values in cells.items():
        table += f"| {name} | {values['public']:.3f} | {values['constructed']:.3f} |\n"
    return (
        table + "\nOne-way analysis of variance by document; stored runs: trained on the full build, mean over seeds.\n"
    )


def coverage_table(rows: list[dict]) -> str:
    """Markdown: coverage (mean width) of each method."""
    table = "| source | system | documents are | seeds | true macro-F1 | "
    table += " | ".join(NAMES.get(method, method) for method in METHODS) + " |\n"
    table += "| --- | --- | --- | ---: | ---: |" + " ---: |" * len(METHODS) + "\n"
    for row in rows:
        cells = [f"{row[m]['coverage']:.3f} ({row[m]['width']:.3f})" if m in row else "" for m in METHODS]
        setting = (row["source"], row["recall"], row["between_documents"], str(row["seeds"]), f"{row['true']:.3f}")
        table += "| " + " | ".join((*setting, *cells)) + " |\n"
    single = [row for row in rows if row["seeds"] == 1]
    miss = [np.mean([abs(row[m]["coverage"] - 0.95) for row in single]) for m in METHODS]
    table += "| mean distance from 0.95 | | | 1 | | " + " | ".join(f"{value:.3f}" for value in miss) + " |\n"
    sizes = {row["source"]: f"{row['documents']} documents, {row['paragraphs']} paragraphs" for row in rows}
    table += "\n" + "; ".join(f"{source}: {size}" for source, size in sizes.items())
    table += f". {rows[0]['trials']:,} test sets per row, so that a share near 0.95 is uncertain by 0.02; "
    return table + f"chosen: {NAMES.get(chosen(rows), chosen(rows))}.\n"


def tests_table(rows: list[dict]) -> str:
    """Markdown: false positives and power of both tests."""
    table = "| source | test | equal systems | equal score, other errors | smallest difference | power there |\n"
    table += "| --- | --- | ---: | ---: | ---: | ---: |\n"
    for row in rows:
        for test in ("randomisation", "bootstrap"):
            table += f"| {row['source']} | {test} | {row['equal'][test]:.3f} | {row['equal_by_other_means'][test]:.3f} "
            table += f"| {row['smallest_difference']:.3f} | {row['power'][test]:.3f} |\n"
    return table + f"\n{rows[0]['trials']:,} test sets per cell.\n"


def tables_of(result: dict) -> dict[str, str]:
    """Name of the marks in docs/evaluation.md → table."""
    return {
        "coverage": coverage_table(result["coverage"]),
        "correlations": correlations_table(result["correlations"]),
        "tests": tests_table(result["tests"]),
    }


def simulate(trials: int, replicates: int, workers: int) -> dict:
    settings = [
        (source, recall, documents, seeds)
        for source in ("public", "constructed")
        for recall in RECALL
        for documents, seeds in (("alike", 1), ("unlike", 1), ("unlike", 3))
    ]
    with ProcessPoolExecutor(workers) as pool:
        compared = pool.map(tests, [(source, trials, replicates) for source in ("public", "constructed")])
        covered = pool.map(coverage, [(*setting, trials, replicates) for setting in settings])
        return {"coverage": list(covered), "tests": list(compared)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400, help="test sets a setting")
    parser.add_argument("--replicates", type=int, default=1000, help="resamples a test set")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", help="also write the numbers there")
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/evaluation.md")
    parser.add_argument("--read", help="numbers of an earlier run, instead of simulating")
    options = parser.parse_args()
    try:  # first, since nobody wants to hear of a stale run after half an hour
        correlations = {"made_up": made_up_correlations(), "stored": stored_correlations(RUNS)}
    except BadData as error:
        sys.exit(str(error))
    if options.read:
        result = json.loads(Path(options.read).read_text(encoding="utf-8"))
    else:
        result = simulate(options.trials, options.replicates, options.workers)
    result["correlations"] = correlations
    tables = tables_of(result)
    print(*tables.values(), sep="\n")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.docs:
        put_between_marks(ROOT / "docs" / "evaluation.md", tables)


if __name__ == "__main__":
    main()
