"""A sample dealership that was landed and published from a shell: made once for all test processes, and only read."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

FORECOURT = Path(sys.executable).with_name("forecourt")
SEEDS = (3, 12, 13)


def forecourt(*arguments: object) -> str:
    """What a command prints. Fails the test where it does not end well."""
    ended = subprocess.run([FORECOURT, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def dealership(tmp_path_factory: pytest.TempPathFactory, seed: int) -> Path:
    """The folder with ``sample``, the files of a seed; ``warehouse``, their home; ``run.txt``, what the run said."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / f"dealership-{seed}"
    with (shared / f"dealership-{seed}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "run.txt").exists():
            sample = folder / "sample"
            forecourt("sample", sample, "--rooftops", 2, "--years", 1, "--seed", seed, "--scale", 0.2)
            with (sample / "forecourt.toml").open("a", encoding="utf-8") as settings:
                settings.write('\n[[alerts]]\nname = "Any stock"\nkpi = "stock_units"\nabove = 1\n')
            said = forecourt("run", sample, "--home", folder / "warehouse")
            (folder / "run.txt").write_text(said, encoding="utf-8")
    return folder
