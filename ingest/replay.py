"""What the log names and the database does not: landed and decided again, as it was the first time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, decisions
from ingest.file_landing import land_delivery
from ingest.outcome import FileResult


def replay(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, waiting: Iterable[tuple[int, dict[str, Any]]]
) -> None:
    """Lands deliveries and carries out decisions of the log; ``waiting``: line and entry, in the order of the log."""
    status = dict(connection.execute("select file_id, status from ledger.files").fetchall())
    for line, entry in waiting:
        if entry["kind"] == "delivery":
            data = archive.fetch(home, entry["content_hash"])
            status[entry["file_id"]] = land_delivery(connection, home, settings, entry, data).status
        elif entry.get("rows"):
            _decide_again(connection, home, settings, entry, line)
        elif status.get(entry["file_id"]) in ("held", "refused"):
            status[entry["file_id"]] = land_again(connection, home, settings, entry, line).status


def land_again(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, decision: dict[str, Any], line: int
) -> FileResult:
    """Lands a held or refused file as of the instant of the decision: until then it did not count as known.

    ``line``: of the decision in the log. What was decided on the file before (a retry before a confirm) holds.
    """
    file_id = decision["file_id"]
    entry: dict[str, Any] = {}
    for logged in archive.read_log(home)[:line]:
        if logged.get("file_id") == file_id and not logged.get("rows"):
            taken = ("source", "mapping_hash", "mapping", "received_at")
            entry |= logged if logged["kind"] == "delivery" else {key: logged[key] for key in taken if key in logged}
    data = archive.fetch(home, entry["content_hash"])
    connection.execute("begin")
    for table in ("files", "skipped", "notes"):
        connection.execute(f"delete from ledger.{table} where file_id = ?", [file_id])
    decisions.note(connection, decision, line)
    connection.execute("commit")
    return land_delivery(connection, home, settings, entry, data, confirmed=decision["decision"] == "confirm")


def _decide_again(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, entry: dict[str, Any], line: int
) -> None:
    """Carries out a decision of the log; one that this version of the code cannot carry out leaves its rows open."""
    connection.execute("begin")
    try:
        decisions.carry_out(connection, home, settings, entry, line)
    except Problem:
        connection.execute("rollback")
        connection.execute("begin")
        decisions.note(connection, entry, line)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
