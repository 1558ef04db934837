"""Landing: files in, row versions, ledger and quarantine out; one transaction per file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from forecourt.home import Home
from forecourt.settings import Settings


@dataclass
class FileResult:
    """What became of one file. ``status``: landed, same again, held or refused; ``reason`` says why it is not landed."""

    path: Path
    name: str
    file_id: str = ""
    source: str = ""
    status: str = ""
    reason: str = ""
    rows_read: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_unchanged: int = 0
    rows_quarantined: int = 0
    rows_skipped: int = 0
    feeds: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def land(
    home: Home,
    settings: Settings,
    paths: Sequence[Path],
    *,
    received_at: datetime | None = None,
    on_file: Callable[[FileResult], None] | None = None,
    on_rows: Callable[[Path, int, int], None] | None = None,
) -> list[FileResult]:
    """Lands files and the files of folders, in the order of their names; the caller holds ``home.lock()``."""
    raise NotImplementedError


def confirm(home: Home, settings: Settings, file_id: str, *, who: str, why: str) -> FileResult:
    """Lands a file that was held; the decision is written to the log first."""
    raise NotImplementedError


def rebuild(home: Home, settings: Settings) -> None:
    """Makes landing.duckdb anew from the archive and its log: the same rows."""
    raise NotImplementedError
