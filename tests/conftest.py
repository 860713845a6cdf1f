"""What tests share: the checkout, the shipped data, and a way to run a script as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# workers of pytest-xdist share the cores: threads that wait for one that another worker has would take most of the time
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def public_folder() -> Path:
    """The raw public speeches, which are not in the tree; tests that need them are skipped without."""
    folder = Path(os.environ.get("JIANGHUA_SHARED", ROOT.parent / "shared")) / "speeches"
    if not folder.is_dir():
        pytest.skip("the raw public speeches are not here (JIANGHUA_SHARED names their folder)")
    return folder


@pytest.fixture(scope="session")
def run_script():
    """Run `scripts/NAME.py ARGUMENTS` in a folder; returns the completed process."""

    def run(name: str, *arguments, cwd, timeout: int = 300, **environment) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, arguments)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
        )

    return run
