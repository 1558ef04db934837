"""A question in SQL to a published run: one select, with limits to its rows, its bytes, its time and its memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa

from forecourt.calendar_text import readable
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home


@dataclass(frozen=True)
class Answer:
    """``rows``: at most as many as were asked for; ``is_cut``: there are more; ``is_full``: their bytes are why.

    ``as_text``: columns of days or times that are given as text, since one of their values lies beyond the calendar.
    """

    rows: pa.Table
    is_cut: bool
    is_full: bool
    as_text: list[str]


def ask(warehouse: Warehouse, statement: str, *, limit: int, seconds: float, room: int | None = None) -> Answer:
    """The first ``limit`` rows of a select, or those that fit in ``room`` bytes of Arrow data.

    Raises Problem, in a sentence, where the statement is not one select, cannot run, takes longer than ``seconds`` or
    more memory than `forecourt.query_process` has.
    """
    rows, is_full = _answered(warehouse, statement, limit, seconds, room)
    shown, as_text = readable(rows.slice(0, limit))
    return Answer(shown, is_full or rows.num_rows > limit, is_full, as_text)


def count(warehouse: Warehouse, statement: str, *, seconds: float) -> int:
    """How many rows a select has; raises Problem as ``ask`` does."""
    rows, _ = _answered(warehouse, statement, None, seconds, None)
    return int(rows.column(0)[0].as_py())


def clear_spills(home: Home) -> None:
    """Removes what statements have put on disk for processes that are gone: one that was killed took nothing away."""
    for folder in home.published.rglob("*.tmp"):
        asker = re.search(r"\.(\d+)-[0-9a-f]+\.tmp$", folder.name)
        if asker and not _is_alive(int(asker[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _answered(
    warehouse: Warehouse, statement: str, limit: int | None, seconds: float, room: int | None
) -> tuple[pa.Table, bool]:
    path = warehouse.path.resolve()
    # Of its own: two processes that share a folder take each other's files away.
    spills = path.with_name(f"{path.name}.{os.getpid()}-{uuid4().hex}.tmp")
    given = {
        "path": str(path),
        "spills": str(spills),
        "statement": statement,
        "limit": limit,
        "seconds": seconds,
        "room": room,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "forecourt.query_process"],
            input=json.dumps(given).encode(),
            capture_output=True,
            check=False,
        )
    finally:
        shutil.rmtree(spills, ignore_errors=True)
    if done.returncode == -signal.SIGALRM:
        raise Problem(
            f"The statement took longer than {seconds:g} seconds and was stopped. Narrow it, or allow it more time."
        )
    if done.returncode:
        raise Problem("The statement ended the engine, as one does that needs too much memory. Narrow it.")
    said = json.loads(done.stderr.splitlines()[-1])
    if "problem" in said:
        raise Problem(said["problem"])
    return pa.ipc.open_stream(done.stdout).read_all(), said["left_off"]
