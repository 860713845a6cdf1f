"""The whole build, near-duplicate search and card included: seconds and peak memory for 10,000 paragraphs.

    python benchmarks/whole_build.py [--public FOLDER] [--rounds 3]

Runs `scripts/build_dataset.py` as a user does. Without `--public` it is the constructed build, which must be that of
data/jianghua to the byte; every build must be that of the round before. Seconds are those of the process, divided by
ten thousands of paragraphs; memory is the most that the process and those it starts hold at one time, what they share
counted once.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from harness import ROOT, Benchmark, arguments

from jianghua.files import file_sha256

PARAGRAPHS = 10_000
LOOK = 0.2  # seconds between two looks at the memory


def held_mb(process: psutil.Process) -> float:
    """Proportional set size of a process and its descendants, in MB."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:  # it ended between the two calls
            pass
    return total / 2**20


def built(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of one build."""
    began, peak = time.perf_counter(), 0.0
    running = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while running.poll() is None:
        peak = max(peak, held_mb(running))
        time.sleep(LOOK)
    if running.wait():
        raise SystemExit(f"the build ended with status {running.returncode}; its error stands above")
    return time.perf_counter() - began, peak


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def main() -> None:
    options = arguments(__doc__, "whole_build", rounds=3, public="")
    benchmark = Benchmark("whole_build", options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "build"
        command = [sys.executable, str(ROOT / "scripts/build_dataset.py"), f"output={folder}"]
        command += [f"public={Path(options.public).resolve()}"] if options.public else []
        expected, measured = {} if options.public else digests(ROOT / "data/jianghua"), []
        for number in range(options.rounds):
            measured.append(built(command))
            seconds, megabytes = measured[-1]
            print(f"round {number + 1} of {options.rounds}: {seconds:.1f} s, {megabytes:,.0f} MB", flush=True)
            found = digests(folder)
            expected = expected or found
            differ = sum(expected.get(name) != found.get(name) for name in expected | found)
            benchmark.check("files that differ from the build before", differ, 0)
        paths = (folder / "functions").glob("*.parquet")
        count = sum(pq.ParquetFile(path).metadata.num_rows for path in paths)
    seconds, megabytes = zip(*measured, strict=True)
    name = f"{'full' if options.public else 'constructed'} build, {count:,} paragraphs"
    benchmark.row(f"{name}: time", "s", seconds)
    benchmark.row(f"{name}: peak memory", "MB", megabytes)
    per = [second * PARAGRAPHS / count for second in seconds]
    benchmark.claim(f"whole build, seconds for {PARAGRAPHS:,} paragraphs", per, 60, at_least=False)
    benchmark.claim(f"whole build of {count:,} paragraphs, peak MB", megabytes, 1000, at_least=False)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
