"""Progress of a training run: a live bar with loss, tokens/s and time left, or now and then a line when piped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jianghua.report.tables import terminal

LINE_EVERY = 30.0  # seconds between two lines where there is no terminal for a bar: a log file, a cluster's job


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


@contextmanager
def training_progress() -> Iterator[Callable[[dict], None]]:
    """Gives a function that takes the rows `training.finetune` reports."""
    from rich.progress import BarColumn, Progress, TextColumn

    console = terminal()
    bar = Progress(
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed}/{task.total} steps  loss {task.fields[loss]:.3f}"),
        TextColumn("{task.fields[speed]:,.0f} tokens/s  at most {task.fields[left]} left"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bar.add_task("train", total=None, epoch=1, loss=float("nan"), speed=0.0, left="?", visible=False)
    began = time.monotonic()
    state = {"tokens": 0, "left": "?", "said": began}

    def report(row: dict) -> None:
        if "warning" in row:
            bar.console.print(f"note: {row['warning']}")
        elif "step" in row:
            state["tokens"] += row["tokens"]
            state["left"] = duration(row["left"])
            now = time.monotonic()
            speed = state["tokens"] / max(1e-9, now - began)
            bar.update(
                task,
                total=row["steps"],
                completed=row["step"],
                epoch=row["epoch"],
                loss=row["loss"],
                speed=speed,
                left=state["left"],
                visible=True,
            )
            state["speed"] = speed
            if bar.disable and now - state["said"] >= LINE_EVERY:
                state["said"] = now
                bar.console.print(
                    f"epoch {row['epoch']:2d}  step {row['step']}/{row['steps']}  loss {row['loss']:.3f}  "
                    f"{speed:,.0f} tokens/s  at most {state['left']} left",
                    soft_wrap=True,
                )
        else:
            bar.console.print(
                f"epoch {row['epoch']:2d}  train loss {row['train_loss']:.3f}  validation loss {row['loss']:.3f}  "
                f"macro-F1 {row['macro_f1']:.3f}  {state.get('speed', 0):,.0f} tokens/s  at most {state['left']} left",
                soft_wrap=True,
            )

    with bar:
        yield report
