"""What the benchmarks share: sides in processes of their own, interleaved rounds, ratios against targets.

A *side* is one way of doing a job, prepared in a process of its own, so that its threads, its environment and
its peak memory are its own. The sides of a benchmark first give an answer each, which must be equal; then they
take turns, one at a time, round after round, so that whatever else the machine does hits all of them. A ratio
is taken within each round; the table has the median of the rounds and their range.
"""

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("results")
# what scripts/*.py set before torch loads (see jianghua.command); a script of somebody else's does not
SHIPPED = {"OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Job:
    """What a side's `prepare` gives back: its answer, to be compared, and one timed round, as a measured number."""

    answer: Callable[[], object]
    round: Callable[[], float]


class Side:
    """A process that holds one way of doing the job and works only when told to."""

    def __init__(self, name: str, prepare: Callable[..., Job], *arguments, environment: dict | None = None):
        self.name = name
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, prepare, arguments), daemon=True)
        before = dict(os.environ)
        os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"} | (environment or {})
        self.process.start()  # the child takes the environment of this moment, before any library loads
        os.environ.clear()
        os.environ |= before
        other.close()

    def __call__(self, what: str):
        try:
            self.pipe.send(what)
            return self.pipe.recv()
        except (EOFError, OSError):
            raise SystemExit(f"{self.name}: the process ended; its error stands above") from None

    def answer(self):
        return self("answer")

    def round(self) -> float:
        return self("round")

    def memory(self) -> tuple[float, float]:
        """Peak resident memory in MB, of the whole process; and of it what came after imports, data and weights."""
        return self("memory")

    def close(self) -> None:
        self.pipe.close()
        self.process.join(10)
        self.process.kill()


def _serve(pipe, prepare: Callable[..., Job], arguments: tuple) -> None:
    job = prepare(*arguments)
    prepared = peak_mb()
    while True:
        try:
            what = pipe.recv()
        except EOFError:
            return
        if what == "memory":
            pipe.send((peak_mb(), peak_mb() - prepared))
        else:
            pipe.send(getattr(job, what)())


def peak_mb() -> float:
    """Peak resident memory of this process (`getrusage` would count the parent's, up to the exec)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("peak memory is read from /proc: Linux only")


def interleave(sides: Sequence, rounds: int, warmup: int = 1) -> dict[str, list[float]]:
    """`rounds` measurements a side, the sides taking turns; each round begins with another side."""
    measured: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(-warmup, rounds):
        turn = number % len(sides)
        for side in [*sides[turn:], *sides[:turn]]:
            value = side.round()
            if number >= 0:
                measured[side.name].append(value)
        if number >= 0:
            print(f"round {number + 1} of {rounds}", flush=True)
    return measured


def median_and_range(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


@dataclass
class Benchmark:
    """What one benchmark measured: rows of figures, and claims held against their targets."""

    name: str
    rounds: int
    rows: list[dict] = field(default_factory=list)
    claims: list[dict] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)

    def row(self, what: str, unit: str, values: Sequence[float]) -> None:
        self.rows.append({"what": what, "unit": unit, "values": list(values)} | median_and_range(values))

    def claim(self, what: str, ratios: Sequence[float], target: float, at_least: bool = True) -> None:
        """A figure, one a round, and the bound that its median is to keep."""
        found = median_and_range(ratios)
        reached = found["median"] >= target if at_least else found["median"] <= target
        self.claims.append({"what": what, "target": target, "at_least": at_least, "reached": reached} | found)

    def check(self, what: str, found: float, bound: float) -> None:
        """Say how far apart the sides' answers are; stop where that is more than `bound`."""
        if not found <= bound:
            raise SystemExit(f"{self.name}: {what}: {found:.3g}, more than {bound:g}; nothing was timed")
        self.checks.append(f"{what}: {found:.2g} (at most {bound:g})")
        print(self.checks[-1], flush=True)

    def save(self, output: Path | None) -> None:
        """Write what is measured so far; a benchmark of several blocks does it after each."""
        if output:
            record = {"machine": machine()} | asdict(self)
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def finish(self, output: Path | None) -> None:
        print("\n".join(["", *tables(asdict(self))]))
        self.save(output)


def per_round(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """a / b, round by round."""
    return [x / y for x, y in zip(a, b, strict=True)]


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def claim_rows(claims: Sequence[dict]) -> list[str]:
    """A Markdown table: claim, median ratio and range, target, reached or not."""
    lines = ["| claim | measured | range over rounds | target | reached |", "| --- | ---: | ---: | ---: | --- |"]
    for claim in claims:
        sign = "≥" if claim["at_least"] else "≤"
        lines.append(
            f"| {claim['what']} | {figure(claim['median'])} | {figure(claim['low'])}–{figure(claim['high'])} "
            f"| {sign} {claim['target']:g} | {'yes' if claim['reached'] else 'no'} |"
        )
    return lines


def figure_rows(rows: Sequence[dict]) -> list[str]:
    """A Markdown table: median and range of each figure."""
    lines = ["| what | unit | median | range over rounds |", "| --- | --- | ---: | ---: |"]
    for row in rows:
        spread = f"{figure(row['low'])}–{figure(row['high'])}"
        lines.append(f"| {row['what']} | {row['unit']} | {figure(row['median'])} | {spread} |")
    return lines


def size_rows(rows: Sequence[dict]) -> list[str]:
    """A Markdown table: seconds and memory at each number of paragraphs (rows of `growth.py`)."""
    lines = ["| what | paragraphs | seconds | µs a paragraph | peak MB | of it the work's | |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: | --- |"]
    for row in rows:
        each = figure(1e6 * row["median"] / row["paragraphs"])
        lines.append(
            f"| {row['what']} | {row['paragraphs']:,} | {figure(row['median'])} | {each} | {row['peak_mb']:,} "
            f"| {row['own_mb']:,} | {'extrapolated' if row['extrapolated'] else ''} |"
        )
    return lines


def tables(record: dict) -> list[str]:
    """A benchmark's two Markdown tables, figures and claims, as lines."""
    by_size = any("paragraphs" in row for row in record["rows"])
    lines = (size_rows if by_size else figure_rows)(record["rows"])
    return [*lines, "", *claim_rows(record["claims"])] if record["claims"] else lines


def put_between_marks(page: Path, tables: dict[str, str]) -> None:
    """Put each table into `page`, between the comments `NAME: begin` and `NAME: end`."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        head, found, rest = text.partition(begin)
        _, ended, tail = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"{page}: no place for the table: put {begin.strip()} and {end} into it")
        text = head + begin + table + end + tail
    page.write_text(text, encoding="utf-8")


def machine() -> dict:
    """What the figures depend on; `load` is what else ran in the last minutes, one a busy core."""
    from importlib.metadata import version

    import torch

    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    known = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    return {
        "commit": _commit(),
        "platform": f"{platform.system()}-{platform.machine()}",
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),  # of this process, and so of every side: they share its environment
        "vector_units": [name for name in known if f" {name} " in flags],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "onnxruntime", "numpy")},
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _commit() -> str | None:
    """Which code, recipe, data and encoder: `-dirty` where files differ from it, those of these figures apart."""
    if not shutil.which("git"):
        return None

    def git(*command: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    name, others = git("describe", "--always"), f":!{RESULTS.relative_to(ROOT)}"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", others)
    return (name + "-dirty" * bool(changed)) or None


def arguments(text: str, name: str, rounds: int | None, **more) -> argparse.Namespace:
    """The options of a benchmark: `--rounds` (unless None), `--output`, and `more` (name → default) of its own."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds, help="interleaved rounds; fewer: quicker, noisier")
    parser.add_argument("--output", type=Path, default=RESULTS / f"{name}.json", help="where the figures go as JSON")
    for option, default in more.items():
        several = isinstance(default, list)
        how = {"type": type(default[0]) if default else str, "nargs": "+"} if several else {"type": type(default)}
        parser.add_argument(f"--{option.replace('_', '-')}", default=default, **how)
    return parser.parse_args()
