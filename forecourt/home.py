"""The home folder of one warehouse: where everything lies, and the lock that lets one run work at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forecourt.errors import Problem


@dataclass(frozen=True)
class Home:
    """Paths of one home folder; creates nothing by itself.

    ``root`` is the folder given by ``--home`` or ``FORECOURT_HOME`` (default ``./warehouse``).
    """

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "forecourt.toml"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def sources(self) -> Path:
        """Declarations of further kinds of files, a YAML each, beside those that are shipped."""
        return self.root / "sources"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def log(self) -> Path:
        return self.archive / "log.ndjson"

    @property
    def landing(self) -> Path:
        return self.root / "landing.duckdb"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def warehouse(self) -> Path:
        """The candidate file that a build writes and a publish moves away."""
        return self.build / "forecourt.duckdb"

    @property
    def scratch(self) -> Path:
        return self.build / "scratch.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def current(self) -> Path:
        """The one-line pointer that names the published run in force."""
        return self.published / "CURRENT"

    @property
    def alerts(self) -> Path:
        """Which alerts stood after the last run, as JSON, so that each is told once."""
        return self.root / "alerts.json"

    @property
    def last(self) -> Path:
        """How the last run ended, as JSON."""
        return self.published / "LAST"

    @property
    def closed(self) -> Path:
        return self.root / "closed"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def data_docs(self) -> Path:
        """The pages about the checks of the last run that got as far; they begin with ``index.html``."""
        return self.reports / "data-docs"

    @property
    def exports_log(self) -> Path:
        return self.root / "exports.ndjson"

    def create(self) -> None:
        """Makes the folders that are missing; leaves what is there alone."""
        for folder in (self.inbox, self.sources, self.archive, self.build, self.published, self.closed, self.reports):
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the home for one run; the system releases it when the process ends, however it ends.

        Raises Problem when another run holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / ".lock"
        with path.open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.seek(0)
                holder = handle.read().strip() or "another process"
                raise Problem(
                    f"{self.root} is in use by {holder}: one run works at a time. "
                    "Wait for it to end, or stop it, and run the command again."
                ) from None
            handle.truncate(0)
            handle.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
            handle.flush()
            try:
                yield
            finally:
                handle.truncate(0)

    def killed(self) -> str | None:
        """The process that held the lock last and went without giving it back; None while one works, or all is well."""
        try:
            with (self.root / ".lock").open() as handle:
                if not handle.read().strip():
                    return None
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                # Read again: one that ended in between has given it back.
                handle.seek(0)
                return handle.read().strip() or None
        except OSError:
            return None
