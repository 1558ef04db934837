"""Rows that do not land: the reason in a sentence, and the original text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.errors import Problem
from forecourt.home import Home
from ingest.contract import Feed
from ingest.values import EXPECTED


@dataclass(frozen=True)
class Quarantined:
    """One row that does not land; ``feed`` is None when the row could not even be cut into values."""

    row_id: int
    row_number: int
    feed: str | None
    reason_code: str
    reason: str
    raw: str
    key: str | None = None


def unreadable(row_id: int, row_number: int, reason: str, raw: str, feed: str | None) -> Quarantined:
    """A line of delimited text that has not the shape of the file."""
    sentence = f"line {row_number} cannot be read: {reason}. Correct the line and deliver the file again."
    return Quarantined(row_id, row_number, feed, "unreadable_line", sentence, raw)


def unsound(connection: duckdb.DuckDBPyConnection, feed: Feed, raw: Callable[[int], str]) -> list[Quarantined]:
    """The rows of ``withheld`` (row_id, row_number, key, rooftop, problem, problem_text), each with its sentence."""
    rows = connection.execute(
        "select row_id, row_number, problem, problem_text, key from withheld order by row_id"
    ).fetchall()
    found = []
    for row_id, row_number, problem, text, key in rows:
        kind, _, column = problem.partition(":")
        code = "missing_value" if kind == "missing" else "wrong_value"
        found.append(
            Quarantined(
                row_id, row_number, feed.name, code, _sentence(feed, row_number, kind, column, text), raw(row_id), key
            )
        )
    return found


def write(connection: duckdb.DuckDBPyConnection, file_id: str, received_at: datetime, rows: list[Quarantined]) -> None:
    """Adds the rows to ``ledger.quarantine``, open."""
    if not rows:
        return
    table = pa.table(
        {
            "row_number": [row.row_number for row in rows],
            "feed": pa.array([row.feed for row in rows], pa.string()),
            "reason_code": [row.reason_code for row in rows],
            "reason": [row.reason for row in rows],
            "raw": [row.raw for row in rows],
            "key": pa.array([row.key for row in rows], pa.string()),
        }
    )
    connection.register("quarantined_rows", table)
    connection.execute(
        """insert into ledger.quarantine
            select ?, row_number, feed, reason_code, reason, raw, ?, 'open', key from quarantined_rows""",
        [file_id, received_at],
    )
    connection.unregister("quarantined_rows")


def kept_rows(home: Home) -> list[dict[str, Any]]:
    """All rows in quarantine by file and line, each with its ``text``, the original line; instants are UTC.

    Keys: file, file_id, row, feed, key, reason_code, reason, text, received_at, status. Raises Problem where nothing
    has landed yet.
    """
    if not home.landing.exists():
        raise Problem(
            f"Nothing has landed in {home.root} yet. Put export files in {home.inbox} and run `forecourt run`."
        )
    with duckdb.connect(str(home.landing), read_only=True) as landing:
        found = landing.execute(
            """
            select
                files.name as file, rows.file_id, rows.row_number as "row", rows.feed, rows.key, rows.reason_code,
                rows.reason, rows.raw as text, rows.received_at, rows.status
            from ledger.quarantine as rows
            inner join ledger.files as files on rows.file_id = files.file_id
            order by rows.received_at, files.name, rows.file_id, rows.row_number, rows.feed, rows.reason
            """
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _sentence(feed: Feed, row_number: int, kind: str, column: str, text: str | None) -> str:
    if kind == "missing":
        what = f"{column} is empty, and {feed.name} needs it"
    else:
        what = f"{column} is {text!r}, which is not {EXPECTED[feed.all_columns[column].type]}"
    return f"line {row_number}: {what}. Correct the line and deliver the file again."
