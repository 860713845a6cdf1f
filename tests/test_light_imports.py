"""What is imported on the way: the rooms that need no encoder load neither torch nor transformers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "transformers", "evaluate")
# each with something that it does, so that an import inside a function would show too
USES = {
    "jianghua": "pass",
    "jianghua.ingest": "from jianghua.ingest import ingest_paths; ingest_paths([SPEECH])",
    "jianghua.annotate": "from jianghua.annotate import read_votes; read_votes(DATA / 'annotations' / 'alone.jsonl')",
    "jianghua.dataset": "from jianghua.dataset import load_build; load_build(DATA / 'jianghua', 'primary')",
    "jianghua.evaluation": (
        "import numpy as np; from jianghua.evaluation import fit_temperature; "
        "fit_temperature(np.eye(4), np.arange(4), multilabel=False)"
    ),
    "jianghua.models.exported": "pass",
    "jianghua.report.labelled": "pass",
}


@pytest.mark.parametrize("module", USES)
def test_a_room_that_needs_no_encoder_loads_no_torch_even_at_work(module):
    code = (
        f"import sys, {module}\nfrom pathlib import Path\n"
        f"DATA = Path({str(ROOT / 'data')!r}); SPEECH = DATA / 'speeches/constructed/c001.txt'\n"
        f"{USES[module]}\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def imported(path: Path) -> set[str]:
    """Top-level names of everything a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_nothing_in_the_package_or_its_scripts_imports_evaluate():
    files = [*ROOT.glob("src/jianghua/**/*.py"), *ROOT.glob("scripts/*.py")]
    files.remove(ROOT / "src/jianghua/hub/stranger.py")  # does, in a process of its own, what a user of the Hub does
    assert len(files) > 50
    assert not [path for path in files if "evaluate" in imported(path)]
