"""What a statement leaves on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from forecourt.home import Home
from forecourt.query import clear_spills


def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    scope = home.published / "scopes" / "0123456789abcdef"
    left = [folder / f"run.duckdb.{gone.pid}-0123abcd.tmp" for folder in (home.published, scope)]
    used = [home.published / f"run.duckdb.{os.getpid()}-0123abcd.tmp", home.published / "notes.tmp"]
    for folder in (*left, *used):
        folder.mkdir(parents=True)
        (folder / "rows").write_text("rows", "utf-8")
    clear_spills(home)
    assert not any(folder.exists() for folder in left)
    assert all(folder.exists() for folder in used)
