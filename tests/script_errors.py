"""What a script says when it cannot do what it was asked."""

import subprocess


def one_line_error(result: subprocess.CompletedProcess, status: int, notes: bool = False) -> str:
    """The one line on standard error, which holds no traceback and no token; `notes` may stand beside it."""
    assert result.returncode == status, (result.returncode, result.stdout[-800:], result.stderr[-800:])
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.strip().splitlines() if not (notes and line.startswith("note: "))]
    assert len(lines) == 1, result.stderr
    assert "hf_" not in lines[0].replace("hf_…", "")
    return lines[0]
