"""The outcome of a delivery: what became of it, and its account on the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from forecourt.errors import Problem
from ingest.delivery import impossible_date, own_name, told_name
from ingest.sources import Source


@dataclass
class FileResult:
    """What became of one file.

    ``status``: landed, same again, held or refused; ``reason`` says why it is not landed, without
    the file's name. ``notes``: sentences about what was odd in it. ``stays``: why it still lies in the inbox.
    """

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
    stays: str = ""

    def __post_init__(self) -> None:
        self.name = told_name(self.name)


class Held(Exception):
    """A full file that has far fewer rows than the one before: it waits for a person."""


class SameAgain(Exception):
    """A delivery that says nothing that an earlier one did not."""


class FileAccount:
    """The account of one file; fills the result."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, entry: dict[str, Any], result: FileResult, confirmed: bool = False
    ) -> None:
        self.connection = connection
        self.entry = entry
        self.result = result
        self.confirmed = confirmed
        self.encoding: str | None = None
        self.is_full = False

    def check(self, source: Source) -> None:
        """Raises Problem for a name that says no day there is, SameAgain for a delivery that says nothing new."""
        self.result.source, self.result.feeds, self.is_full = source.name, source.feeds, source.is_full
        self._check_name(source)
        if not self.confirmed and self.entry["delivery"] > 1:
            self._check_again()

    def record_unlanded(self) -> None:
        """Records a file that is held, refused or the same again."""
        result = self.result
        if result.status == "held":
            result.rows_skipped = result.rows_read
            self.connection.execute(
                "insert into ledger.skipped values (?, 'held for confirmation', ?)",
                [result.file_id, result.rows_read],
            )
        else:
            result.rows_read = 0
        self.record_file()

    def record_file(self) -> None:
        """Writes the row of the file in ``ledger.files``."""
        entry, result = self.entry, self.result
        self.connection.execute(
            f"insert into ledger.files values ({', '.join('?' * 20)})",
            [
                entry["file_id"],
                entry["content_hash"],
                entry["delivery"],
                entry["name"],
                result.source or entry["source"],
                entry["mapping_hash"],
                entry["exported_at"],
                entry["exported_from"],
                entry["received_at"],
                self.encoding,
                entry["bytes"],
                self.is_full,
                result.status,
                result.reason or None,
                result.rows_read,
                result.rows_new,
                result.rows_changed,
                result.rows_unchanged,
                result.rows_quarantined,
                result.rows_skipped,
            ],
        )

    def _check_name(self, source: Source) -> None:
        """Refuses a name whose day does not exist: the file's own time stamp would silently speak in its place."""
        wrong = impossible_date(own_name(self.entry["name"]))
        # Portals number their leads: eight digits in such a name are no day that somebody wrote.
        if wrong and (source.reader != "adf" or "-" in wrong):
            raise Problem(
                f"its name says {wrong}, and there is no such day or time. Name it by the day through which it speaks, "
                "like 2026-03-31."
            )

    def _check_again(self) -> None:
        """Stops at a delivery whose bytes and exported_at are known, or whose bytes are where only the file's own
        time stamp says when it was exported; a full file is always read then, and where the bytes came as no full one,
        because it says what is no longer there. So is one under a new name where rows were withheld, because the name
        can be what they lacked."""
        entry = self.entry
        by_bytes = entry["exported_from"] == "file time" and not self.is_full
        known = self.connection.execute(
            f"""select name, status from ledger.files
                where content_hash = ? and source = ? and status in ('landed', 'held')
                    and ({"name = ? or rows_quarantined = 0" if by_bytes else "exported_at = ?"})
                    and (is_full or not {self.is_full})
                order by received_at limit 1""",
            [entry["content_hash"], self.result.source, entry["name"] if by_bytes else entry["exported_at"]],
        ).fetchone()
        if known:
            name, status = known
            waits = ", and wait to be confirmed" if status == "held" else ", so nothing changes"
            raise SameAgain(f"these bytes came as {name} before{waits}.")


def count(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> int:
    """The number that a query gives; 0 where it gives none."""
    rows = connection.execute(query, list(parameters)).fetchall()
    return int(rows[0][0]) if rows and rows[0][0] is not None else 0
