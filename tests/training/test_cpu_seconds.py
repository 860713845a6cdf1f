"""A run says what CPU time it took, and what it had taken before it was killed."""

import json


def recorded(folder):
    return json.loads((folder / "environment.json").read_text("utf-8"))


def test_a_run_records_its_cpu_seconds_and_adds_what_a_killed_run_had_spent(tmp_path, run_script):
    arguments = ("model=tfidf", "output_dir=run")
    result = run_script("train", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "run"
    once = recorded(folder)["cpu_seconds"]
    assert 0 < once < 60
    # as a kill after an epoch leaves it
    (folder / "DONE").unlink()
    (folder / "checkpoint.pt").write_bytes(b"")
    (folder / "spent.json").write_text('{"cpu_seconds": 1000.0}')
    assert run_script("train", *arguments, cwd=tmp_path).returncode == 0
    assert 1000 < recorded(folder)["cpu_seconds"] < 1060
    assert not (folder / "spent.json").exists()
    # without its checkpoint a run starts anew
    (folder / "DONE").unlink()
    (folder / "spent.json").write_text('{"cpu_seconds": 1000.0}')
    assert run_script("train", *arguments, cwd=tmp_path).returncode == 0
    assert recorded(folder)["cpu_seconds"] < 60
