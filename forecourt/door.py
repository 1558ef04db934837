"""The read-only door to the published warehouse: which run is in force, and queries against exactly that one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home

#: All connections of one process to one file must agree on these. A question that needs more memory goes on on disk.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "memory_limit": "4GB",
    "max_temp_directory_size": "10GB",
}
_opening = Lock()


@dataclass(frozen=True)
class LastRun:
    """How the last run ended: ``published``, ``blocked``, ``failed`` or ``killed``, with a sentence.

    Of a killed one only its process is known and when it began: ``run_id`` is empty, ``ended_at`` that instant.
    """

    run_id: str
    status: str
    ended_at: str
    message: str


class Warehouse:
    """One published run, open for reading. Every query runs on a cursor of its own, so threads may share it."""

    def __init__(self, path: Path, config: Mapping[str, str] = MappingProxyType({})) -> None:
        self.path = path
        self.run_id = path.stem
        self._kept: dict[str, list[dict[str, Any]]] = {}
        self._connection = duckdb.connect(str(path), read_only=True, config=CONFIG | dict(config))
        # Connections of one process to one file share these settings, and the first one locks them.
        with _opening:
            (is_locked,) = self._connection.execute("select current_setting('lock_configuration')").fetchone() or (
                False,
            )
            if not is_locked:
                # Not in CONFIG: while a database is being opened, the time zones are not loaded yet.
                self._connection.execute("set global TimeZone = 'UTC'")
                self._connection.execute("set lock_configuration = true")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for a caller who may want to interrupt it; ``rows`` and ``table`` make their own."""
        return self._connection.cursor()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The result as a list of dicts; money stays Decimal, days stay date."""
        cursor = self._connection.cursor()
        cursor.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def kept(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a small table, asked once: a published run does not change. Do not change what is returned."""
        if sql not in self._kept:
            self._kept[sql] = self.rows(sql)
        return self._kept[sql]

    def has(self, mart: str, *columns: str) -> bool:
        """Whether the run holds a mart with these columns; one of an earlier version, or a part of one, may not."""
        known = self.kept(
            "select table_name as mart, list(column_name) as columns from information_schema.columns "
            "where table_schema = 'marts' group by table_name"
        )
        return any(row["mart"] == mart and set(columns) <= set(row["columns"]) for row in known)

    def table(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The result as an Arrow table."""
        cursor = self._connection.cursor()
        return cursor.sql(sql, params=list(parameters)).to_arrow_table()


def current_run(home: Home) -> str | None:
    """The id of the published run in force; None where nothing was published yet."""
    try:
        return home.current.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Problem(
            f"{home.current} is damaged: it does not name a run. Put one in force with "
            f"`forecourt rollback RUN --home {home.root}`. Kept: {_kept(home)}."
        ) from None


def last_run(home: Home) -> LastRun | None:
    """How the last run ended, published or not; None before the first. One that was killed could not write it down."""
    killed = home.killed()
    if killed:
        process, _, since = killed.removesuffix(" UTC").partition(" since ")
        message = f"{process}, at work since {since} UTC, is gone: it was killed, or the machine stopped. Run it again."
        return LastRun("", "killed", since.replace(" ", "T"), message)
    try:
        return LastRun(**json.loads(home.last.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # it only tells how the last run ended; a damaged one tells nothing


def run_started_at(run_id: str) -> datetime | None:
    """The instant (UTC) that a run's id says; None for an id that says none."""
    try:
        return datetime.strptime(run_id, "%Y%m%dT%H%M%S-%f")  # noqa: DTZ007 - UTC without offset, as everywhere
    except ValueError:
        return None


def published_path(home: Home, run_id: str) -> Path:
    """Where the file of a published run lies, kept or not."""
    return home.published / f"{run_id}.duckdb"


def _kept(home: Home) -> str:
    return ", ".join(sorted(file.stem for file in home.published.glob("*.duckdb"))) or "none"


def open_warehouse(home: Home, run_id: str | None = None) -> Warehouse:
    """Opens a published run, by default the one in force. Raises Problem where there is none."""
    wanted = run_id or current_run(home)
    if wanted is None:
        if any(home.published.glob("*.duckdb")):
            raise Problem(
                f"{home.current} names no run. Put one in force with `forecourt rollback RUN --home {home.root}`. "
                f"Kept: {_kept(home)}."
            )
        last = last_run(home)
        said = f" The last run ended: {last.message}" if last else ""
        raise Problem(
            f"Nothing is published in {home.root} yet.{said} "
            f"Put export files in {home.inbox} and run `forecourt run --home {home.root}`."
        )
    path = published_path(home, wanted)
    try:
        return Warehouse(path)
    except duckdb.Error as error:
        if run_id is None and current_run(home) != wanted:
            return open_warehouse(home)  # a publish moved the pointer, and cleared the old run away, in between
        if not path.exists():
            raise Problem(
                f"Run {wanted} is not kept in {home.published}. Kept: {_kept(home)}. Put one of them in force with "
                f"`forecourt rollback RUN --home {home.root}`, or run `forecourt run --home {home.root}`."
            ) from None
        raise Problem(
            f"{path} cannot be read: {error}. Put an earlier run back with `forecourt rollback --home {home.root}`."
        ) from None
