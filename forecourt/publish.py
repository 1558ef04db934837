"""Publishing: the candidate file under its run's name, and a one-line pointer moved last.

A reader sees the old run or the new one, never half of one; a failed run leaves the pointer where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from forecourt import durable
from forecourt.close import closed_months
from forecourt.door import LastRun, current_run, published_path
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.scope import clear_scopes


def publish(home: Home, candidate: Path, run_id: str, *, keep: int) -> Path:
    """Moves the candidate to ``published/<run_id>.duckdb`` and points to it; keeps the last ``keep`` runs.

    Runs from which a month was closed are kept for good, beside those.
    """
    target, pinned = published_path(home, run_id), {month.run_id for month in closed_months(home)}
    durable.sync(candidate)
    os.replace(candidate, target)
    target.chmod(0o444)
    durable.sync(home.published)
    _point(home, run_id)
    runs = sorted(
        (file for file in home.published.glob("*.duckdb") if file.stem not in pinned), key=lambda file: file.stem
    )
    for old in runs[:-keep] if keep else []:
        if old.stem != run_id:
            old.unlink()
    clear_scopes(home)
    return target


def rollback(home: Home, run_id: str | None = None) -> str:
    """Puts a kept run back in force (default: the one before the current). Returns its id.

    A run that is named is put in force whatever CURRENT says, since that is how a damaged one is mended.
    """
    kept = sorted(file.stem for file in home.published.glob("*.duckdb"))
    wanted = run_id or _before(current_run(home), kept)
    if wanted not in kept:
        raise Problem(f"There is no kept run {wanted or 'before the current one'}. Kept: {', '.join(kept) or 'none'}.")
    _point(home, wanted)
    return wanted


def _before(current: str | None, kept: Sequence[str]) -> str | None:
    return max((run for run in kept if current is None or run < current), default=None)


def record_end(home: Home, run_id: str, status: str, message: str) -> None:
    """Writes LAST, which the pages show as a banner when a run did not publish."""
    ended = datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat()
    last = json.dumps(asdict(LastRun(run_id, status, ended, message)), ensure_ascii=False)
    durable.replace(home.last, last.encode())


def _point(home: Home, run_id: str) -> None:
    durable.replace(home.current, f"{run_id}\n".encode())
