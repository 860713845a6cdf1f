"""Start-up: from the start of a process to its first training step, and to the end of labelling one page.

    python benchmarks/start_up.py [--rounds 5]

Whole processes, as a user starts them, in turns. Training: `scripts/train.py` against benchmarks/trainer_script.py,
each on a terminal, until its own progress bar shows that the first step is done. `datasets` keeps what the other script
has read and tokenised, so that one is started twice: on data it sees for the first time, as `scripts/train.py` always
reads it, and with all of it cached by a start before. Labelling: `scripts/predict.py` on one speech with each engine
against benchmarks/pipeline_script.py on its paragraphs; all must give the same probabilities. The exported graph stands
beside the model already, as from the second call on.
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from harness import ROOT, Benchmark, arguments, interleave, per_round
from training_sides import MINI

SPEECH = ROOT / "data" / "speeches" / "constructed" / "c001.txt"
TRAIN, COLD, WARM = "scripts/train.py", "a Trainer script on new data", "a Trainer script with its data cached"
FIRST_STEP = {"train.py": r"\b[1-9]\d*/\d+ steps", "trainer_script.py": r" 1/\d+ \["}


class Started:
    """A side that is a command: one round starts it anew and gives the seconds until it is done.

    `afresh` is a folder that is removed before each round.
    """

    def __init__(self, name: str, command: list, folder: Path, until: str | None = None, afresh: Path | None = None):
        self.name, self.until, self.folder, self.afresh = name, until, folder, afresh
        self.command = [sys.executable, *map(str, command)]

    def round(self) -> float:
        if self.afresh:
            shutil.rmtree(self.afresh, ignore_errors=True)
        environment = os.environ | {"HF_HUB_OFFLINE": "1"}
        began = time.perf_counter()
        if self.until is None:
            done = subprocess.run(self.command, cwd=self.folder, env=environment, capture_output=True, check=False)
            if done.returncode:
                raise SystemExit(f"{self.name} failed: {done.stderr.decode()[-500:]}")
            return time.perf_counter() - began
        terminal, end = pty.openpty()
        termios.tcsetwinsize(terminal, (40, 160))  # a terminal of no width gets no progress bar
        process = subprocess.Popen(
            self.command, cwd=self.folder, env=environment, stdout=end, stderr=end, start_new_session=True
        )
        os.close(end)
        try:
            return self._wait(terminal, began)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(terminal)

    def _wait(self, terminal: int, began: float) -> float:
        seen = ""
        while True:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the process closed its terminal: it ended
                chunk = b""
            if not chunk:
                raise SystemExit(f"{self.name} ended before its first step: {seen[-500:]}")
            seen = (seen + chunk.decode("utf-8", "replace"))[-5000:]
            if re.search(self.until, seen):
                return time.perf_counter() - began


def probabilities(path: Path) -> list[dict[str, float]]:
    return [json.loads(line)["proba"] for line in path.read_text(encoding="utf-8").splitlines()]


def labelling(folder: Path, benchmark: Benchmark) -> list[Started]:
    """The sides that label a page, each checked against the first."""
    from jianghua.models.encoder import Encoder

    model = folder / "model"
    Encoder.start(str(MINI), "primary", seed=1).save(model)
    engines = []
    for engine in ("onnx", "onnx_int8", "torch"):
        options = [f"input={SPEECH}", f"output={engine}.jsonl", f"model_path={model}", f"engine={engine}"]
        command = [ROOT / "scripts/predict.py", *options]
        engines.append(Started(f"scripts/predict.py engine={engine}", command, folder))
    script = [ROOT / "benchmarks/pipeline_script.py", model, folder / "onnx.jsonl", folder / "pipeline.jsonl"]
    sides = [*engines, Started("a script with pipeline", script, folder)]
    for side in sides:
        side.round()
    first = probabilities(folder / "onnx.jsonl")
    for name, bound in (("torch", 1e-5), ("pipeline", 1e-5), ("onnx_int8", 0.2)):
        other = probabilities(folder / f"{name}.jsonl")
        far = max(abs(p - b[label]) for a, b in zip(first, other, strict=True) for label, p in a.items())
        benchmark.check(f"{name}: probabilities, distance from engine=onnx", far, bound)
    return sides


def main() -> None:
    options = arguments(__doc__, "start_up", rounds=5)
    benchmark = Benchmark("start_up", options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run, cold, warm = (folder / name for name in ("run", "cold", "warm"))
        train, usual = ROOT / "scripts/train.py", ROOT / "benchmarks/trainer_script.py"
        training = [
            Started(TRAIN, [train, f"output_dir={run}"], folder, FIRST_STEP[train.name], run),
            Started(COLD, [usual, cold], folder, FIRST_STEP[usual.name], cold),
            Started(WARM, [usual, warm], folder, FIRST_STEP[usual.name]),
        ]
        for side in training:  # labelling() starts its sides once to compare them
            side.round()
        sides = [*training, *labelling(folder, benchmark)]
        seconds = interleave(sides, options.rounds, warmup=0)
    for name, values in seconds.items():
        what = "first training step" if name in (TRAIN, COLD, WARM) else "one page labelled"
        benchmark.row(f"{what}: {name}", "s", values)
    for name in (COLD, WARM):
        what = f"process start to first training step, of {name}'s"
        benchmark.claim(what, per_round(seconds[TRAIN], seconds[name]), 0.8, at_least=False)
    for engine in ("onnx", "onnx_int8"):
        whole = seconds[f"scripts/predict.py engine={engine}"]
        benchmark.claim(f"scripts/predict.py engine={engine} on one page, seconds", whole, 1.5, at_least=False)
    benchmark.finish(options.output)


if __name__ == "__main__":
    main()
