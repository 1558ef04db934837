"""Rows that do not land: the reason in a sentence, and the original text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

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


def _sentence(feed: Feed, row_number: int, kind: str, column: str, text: str | None) -> str:
    if kind == "missing":
        what = f"{column} is empty, and {feed.name} needs it"
    else:
        what = f"{column} is {text!r}, which is not {EXPECTED[feed.all_columns[column].type]}"
    return f"line {row_number}: {what}. Correct the line and deliver the file again."
