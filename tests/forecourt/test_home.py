from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest

from forecourt.door import last_run
from forecourt.errors import Problem
from forecourt.home import Home

HOLDER = """
import sys, time
from pathlib import Path
from forecourt.home import Home
with Home(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def holder(root: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of a home."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_create_makes_the_folders_and_leaves_what_is_there(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    home.create()
    file = home.inbox / "crm_leads.csv"
    file.write_text("rooftop\n", encoding="utf-8")
    home.create()
    assert file.read_text(encoding="utf-8") == "rooftop\n"
    assert {path.name for path in home.root.iterdir()} == {
        "inbox",
        "sources",
        "archive",
        "build",
        "published",
        "closed",
        "reports",
    }


def test_the_names_on_disk_are_those_of_the_design(tmp_path: Path) -> None:
    home = Home(tmp_path)
    names = {
        home.settings: "forecourt.toml",
        home.log: "archive/log.ndjson",
        home.landing: "landing.duckdb",
        home.warehouse: "build/forecourt.duckdb",
        home.scratch: "build/scratch.duckdb",
        home.current: "published/CURRENT",
        home.last: "published/LAST",
        home.exports_log: "exports.ndjson",
    }
    assert {str(path.relative_to(tmp_path)): name for path, name in names.items()} == {
        name: name for name in names.values()
    }


def test_a_second_process_is_refused_with_who_holds_the_home(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(Problem) as caught, Home(tmp_path).lock():
            pass
    finally:
        process.kill()
        process.wait()
    said = str(caught.value)
    assert f"{tmp_path} is in use by process {process.pid}" in said
    assert "run the command again" in said
    assert said.count("\n") == 0


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    process = holder(tmp_path)
    home = Home(tmp_path)
    assert home.killed() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert str(home.killed()).startswith(f"process {process.pid} since 20")
    last = last_run(home)
    assert last is not None
    assert (last.status, f"process {process.pid}, at work since 20" in last.message) == ("killed", True)
    with home.lock():
        assert home.killed() is None
    assert (home.killed(), last_run(home)) == (None, None)


def test_the_lock_is_free_after_the_run_and_after_an_error(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    with home.lock():
        pass
    with pytest.raises(ZeroDivisionError), home.lock():
        raise ZeroDivisionError
    with home.lock():
        pass


def test_a_process_started_by_a_run_does_not_keep_its_lock(tmp_path: Path) -> None:
    with Home(tmp_path).lock():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with Home(tmp_path).lock():
            pass
    finally:
        child.kill()
        child.wait()


def test_two_homes_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with Home(tmp_path / "one").lock(), Home(tmp_path / "two").lock():
        pass


def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    held, flock = home.lock(), fcntl.flock
    held.__enter__()

    def a_moment_later(handle: TextIO, operation: int) -> None:
        held.__exit__(None, None, None)
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", a_moment_later)
    assert home.killed() is None
