"""The tables of README.md beside this file, from the figures that the benchmarks left in results/.

python benchmarks/report.py
"""

import argparse
import json
from pathlib import Path

from harness import RESULTS, claim_rows, tables

PAGE = Path(__file__).with_name("README.md")
ORDER = ("train_step", "predict", "start_up", "disturbed", "tokenising", "whole_build", "growth", "accuracy")
BEGIN, END = "<!-- speed: begin -->\n", "<!-- speed: end -->\n"


def section(results: Path) -> str:
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
            f"load {machine['load'][0]} at the end; {versions}.",
            *(["Checked first: " + "; ".join(record["checks"]) + "."] if record["checks"] else []),
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    head, begin, rest = options.page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{options.page}: has no place for the tables: put {BEGIN.strip()} and {END.strip()} into it")
    options.page.write_text(head + begin + section(options.results) + end + tail, encoding="utf-8")
    print(f"tables → {options.page}")


if __name__ == "__main__":
    main()
