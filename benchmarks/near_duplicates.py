"""Near-duplicate search and the build's rows against the number of paragraphs; beside it, all pairs compared.

    python benchmarks/near_duplicates.py [--sizes 1000 10000 100000 1000000] [--json FILE] [--readme]

Synthetic paragraphs of 30–300 characters, one in fifty a near-copy of an earlier one. Before anything is
timed, both ways must find the same pairs among the first thousand. Each size runs in a process of its
own, so that its peak memory is its own.
"""

import argparse
import itertools
import json
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from harness import Job, Side, put_between_marks

from jianghua.dataset.duplicates import THRESHOLD, jaccard, near_duplicates, shingles

ALL_PAIRS_UP_TO = 3000


def paragraphs(count: int, seed: int = 0, pieces: Sequence[str] = ()) -> list[str]:
    """Made-up texts of random characters, or of random `pieces`, which make for as many words as real text has."""
    rng = random.Random(seed)
    alphabet = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
    pieces = pieces or alphabet
    shortest = min(map(len, pieces))
    texts: list[str] = []
    for number in range(count):
        if number % 50 == 49:
            old = list(texts[rng.randrange(max(0, number - 1000), number)])
            for _ in range(max(1, len(old) // 40)):
                old[rng.randrange(len(old))] = rng.choice(alphabet)
            texts.append("".join(old))
        else:
            length = rng.randint(30, 300)
            texts.append("".join(rng.choices(pieces, k=-(-length // shortest)))[:length])
    return texts


def all_pairs(texts: list[str]) -> list[tuple[int, int, float]]:
    sets = [shingles(text) for text in texts]
    pairs = ((i, j, jaccard(sets[i], sets[j])) for i, j in itertools.combinations(range(len(sets)), 2))
    return [pair for pair in pairs if pair[2] >= THRESHOLD]


def search(size: int, way: str) -> Job:
    texts, found = paragraphs(size), []

    def round() -> float:
        began = time.perf_counter()
        found[:] = (near_duplicates if way == "MinHash" else all_pairs)(texts)
        return time.perf_counter() - began

    return Job(lambda: len(found), round)


def run(size: int, way: str) -> tuple[float, float, int]:
    """Seconds, peak MB and pairs of one search, in a process of its own."""
    side = Side(f"{way}, {size:,} paragraphs", search, size, way)
    try:
        return side.round(), side.memory()[0], side.answer()
    finally:
        side.close()


def write_table(rows: list[dict]) -> None:
    """The rows as a Markdown table between the marks of README.md beside this file."""
    table = "| paragraphs | way | seconds | µs a paragraph | peak MB | pairs |\n"
    table += "| ---: | --- | ---: | ---: | ---: | ---: |\n"
    for row in rows:
        each = 1e6 * row["seconds"] / row["paragraphs"]
        table += f"| {row['paragraphs']:,} | {row['way']} | {row['seconds']:.2f} | {each:.0f} "
        table += f"| {row['peak_mb']:,} | {row['pairs']:,} |\n"
    put_between_marks(Path(__file__).with_name("README.md"), {"near_duplicates": table})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 3000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3, help="runs a size; above 10,000 paragraphs one")
    parser.add_argument("--json", help="also write the rows there")
    parser.add_argument("--readme", action="store_true", help="also put the table into benchmarks/README.md")
    options = parser.parse_args()
    texts = paragraphs(1000)
    expected, found = all_pairs(texts), near_duplicates(texts)
    assert {pair[:2] for pair in found} == {pair[:2] for pair in expected}, "the two ways find different pairs"
    rows = []
    print(f"{'paragraphs':>11}  {'way':<9}  {'seconds':>9}  {'µs a paragraph':>14}  {'peak MB':>8}  pairs")
    for size in options.sizes:
        for way in ["MinHash"] + (["all pairs"] if size <= ALL_PAIRS_UP_TO else []):
            results = [run(size, way) for _ in range(options.repeats if size <= 10_000 else 1)]
            seconds = statistics.median(result[0] for result in results)
            row = {"paragraphs": size, "way": way, "seconds": round(seconds, 3)}
            row |= {"peak_mb": round(max(result[1] for result in results)), "pairs": results[0][2]}
            rows.append(row)
            each = 1e6 * seconds / size
            print(
                f"{size:>11,}  {way:<9}  {seconds:>9.2f}  {each:>14.0f}  {row['peak_mb']:>8,}  {row['pairs']:,}",
                flush=True,
            )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    if options.readme:
        write_table(rows)


if __name__ == "__main__":
    main()
