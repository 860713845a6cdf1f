"""The tables of README.md beside this file, from the figures that the benchmarks left in results/.

python benchmarks/report.py
"""

import argparse
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from harness import RESULTS, claim_rows, put_between_marks, tables

from jianghua.files import read_jsonl

PAGE = Path(__file__).with_name("README.md")
ORDER = ("train_step", "predict", "start_up", "disturbed", "tokenising", "whole_build", "growth", "accuracy")


def trials(results: Path) -> str:
    """A table a series, in it a row a trial, the best mean validation macro-F1 of a build first."""
    path = results / "trials.jsonl"
    rows = read_jsonl(path) if path.is_file() else []
    rows.sort(key=lambda row: (row["series"], row["build"], -fmean(row["macro_f1"])))
    return "\n".join(
        f"**{series}**\n\n{trial_table(own)}" for series, own in itertools.groupby(rows, lambda row: row["series"])
    )


def trial_table(rows: Iterable[dict]) -> str:
    lines = [
        "| build | trial | validation macro-F1, mean | a seed | loss, mean | seeds | pre-training |",
        "| --- | --- | ---: | --- | ---: | --- | --- |",
    ]
    for row in rows:
        changed = ", ".join(f"`{name}={value}`" for name, value in row["settings"].items())
        what = "; ".join(part for part in (row["name"], changed, row["code"]) if part)
        read = row["encoder"]
        read = f"{read['tokens'] / 1e6:.1f} M tokens, {read['hours']:.1f} {read['of']}" if read else "none"
        one = ", ".join(f"{value:.3f}" for value in row["macro_f1"])
        lines.append(
            f"| {row['build']} | {what} | {fmean(row['macro_f1']):.3f} | {one} | {fmean(row['loss']):.3f} "
            f"| {', '.join(map(str, row['seeds']))} | {read} |"
        )
    return "\n".join(lines) + "\n"


def speed(results: Path) -> str:
    """All claims in one table, then a table of figures a benchmark, with where and how they were measured."""
    files = [results / f"{name}.json" for name in ORDER]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.is_file()]
    lines = [*claim_rows([claim for record in records for claim in record["claims"]]), ""]
    for record in records:
        machine = record["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        lines += [f"### {record['name']}", "", *tables(record | {"claims": []}), ""]
        lines += [
            f"{record['rounds']} rounds; {machine['platform']}, {machine['cores']} cores "
            f"({', '.join(machine['vector_units'])}), {machine['torch_threads']} threads of torch, "
            f"load {machine['load'][0]} at the end; {versions}"
            f"{'; commit ' + machine['commit'] if machine.get('commit') else ''}.",
            *(["Checked first: " + "; ".join(record["checks"]) + "."] if record["checks"] else []),
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    put_between_marks(options.page, {"speed": speed(options.results), "trials": trials(options.results)})
    print(f"tables → {options.page}")


if __name__ == "__main__":
    main()
