"""Progress of a training run where there is no terminal: lines, but not one a step."""

from jianghua.report import progress


def test_a_piped_training_says_now_and_then_how_far_it_is(monkeypatch, capsys):
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.training_progress() as report:
        for step in range(1, 11):
            now += 10
            report({"epoch": 1, "step": step, "steps": 40, "loss": 1.5, "tokens": 2000, "left": 10.0 * (40 - step)})
        report({"epoch": 1, "train_loss": 1.2, "loss": 0.9, "macro_f1": 0.5})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in lines[:-1]] == ["3/40", "6/40", "9/40"]
    assert "200 tokens/s" in lines[0]
    assert "at most 6:10 left" in lines[0]
    assert lines[-1].startswith("epoch  1  train loss 1.200  validation loss 0.900")
