"""A page in a real headless Chromium."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--disable-component-update", "--no-first-run", "--enable-logging=stderr", "--virtual-time-budget=5000"]


def opened(page: Path, tmp_path: Path, hash: str = "", width: int = 1200) -> str:
    """What `page` shows, as HTML without its scripts and with no entities; it must log nothing."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "Chromium is needed: apt-get install chromium"
    profile, size = f"--user-data-dir={tmp_path}/profile", f"--window-size={width},900"
    command = [chromium, *FLAGS, profile, size, "--dump-dom", page.as_uri() + hash]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stderr[-500:]
    assert "CONSOLE" not in result.stderr, result.stderr[-500:]
    return unescape(re.sub(r"<script.*?</script>", "", result.stdout, flags=re.DOTALL))
