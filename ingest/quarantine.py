"""Rows that do not land: the reason in a sentence, the original text, and what became of each.

A row is open until a later file says soundly what it failed to say (closed) or a person decides on it (accepted,
retried, discarded; ``ingest/decisions.py``). It stays on the ledger whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.landed import open_landed
from ingest.contract import Feed, load_feeds
from ingest.values import EXPECTED

#: Rows of one file that are withheld one by one, at most. Each is held in memory until it is written, and a file of
#: which more are wrong is not as its source says; it is more than a sheet of a workbook has.
MOST = 1_500_000


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One row that does not land; ``feed`` is None when the row could not even be cut into values."""

    row_id: int
    row_number: int
    feed: str | None
    reason_code: str
    reason: str
    raw: str
    key: str | None = None


def unreadable(
    row_id: int, row_number: int, reason: str, raw: str, feed: str | None, unit: str = "line"
) -> Quarantined:
    """A line of delimited text that has not the shape of the file."""
    sentence = f"{unit} {row_number} cannot be read: {reason}. Correct the {unit} and deliver the file again."
    return Quarantined(row_id, row_number, feed, "unreadable_line", sentence, raw)


def check_number(number: int, first: str) -> None:
    """Raises Problem for a file of which too many rows are withheld; ``first``: the reason of its first one."""
    if number > MOST:
        raise Problem(f"more than {MOST:,} of its rows cannot land, so it is refused as a whole. The first: {first}")


def unsound(
    connection: duckdb.DuckDBPyConnection, feed: Feed, raw: Callable[[int], str], unit: str = "line"
) -> list[Quarantined]:
    """The rows of ``withheld`` (row_id, row_number, key, rooftop, problem, problem_text), each with its sentence.

    ``unit``: what the file counts: lines, rows of a sheet, or records. Raises Problem for more than ``MOST``.
    """
    rows = connection.execute(
        f"select row_id, row_number, problem, problem_text, key from withheld order by row_id limit {MOST + 1}"
    ).fetchall()
    found: list[Quarantined] = []
    for row_id, row_number, problem, text, key in rows:
        kind, _, column = problem.partition(":")
        code = "missing_value" if kind == "missing" else "wrong_value"
        sentence = _sentence(feed, f"{unit} {row_number}", kind, column, text)
        if not found:
            check_number(len(rows), sentence)
        found.append(Quarantined(row_id, row_number, feed.name, code, sentence, raw(row_id), key))
    return found


def write(connection: duckdb.DuckDBPyConnection, file_id: str, received_at: datetime, rows: list[Quarantined]) -> None:
    """Adds the rows to ``ledger.quarantine``, open."""
    if not rows:
        return
    import pyarrow as pa  # Here, because few files have such rows.

    from ingest.readers.arrays import integers, strings

    table = pa.table(
        {
            "row_number": integers([row.row_number for row in rows]),
            "feed": strings([row.feed for row in rows]),
            "reason_code": strings([row.reason_code for row in rows]),
            "reason": strings([row.reason for row in rows]),
            "raw": strings([row.raw for row in rows]),
            "key": strings([row.key for row in rows]),
        }
    )
    connection.register("quarantined_rows", table)
    connection.execute(
        """insert into ledger.quarantine
            select ?, row_number, feed, reason_code, reason, raw, ?, 'open', key, null, null, null, null
            from quarantined_rows""",
        [file_id, received_at],
    )
    connection.unregister("quarantined_rows")


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Closes the rows that a later file made good, and names it: the first that states the same key in a sound row.

    Later is by exported_at, then by received_at. A row whose key is not known is closed by a corrected delivery of
    its file: one of the same name and day in which no row is withheld on that line. What a decision has settled is
    left alone.
    """
    undecided = "status in ('open', 'closed')"
    feeds = connection.execute(
        f"select distinct feed from ledger.quarantine where {undecided} and key is not null and feed is not null"
    ).fetchall()
    said = ["select null::varchar as feed, null::varchar as key, null::varchar as file_id where false"]
    for (name,) in feeds:
        of_feed = f"feed = '{name}'"
        keys = f"select key from ledger.quarantine where {undecided} and {of_feed} and key is not null"
        said.append(
            f"""select '{name}', key, file_id from {load_feeds()[name].table} where op = 'row' and key in ({keys})
                union select feed, key, file_id from ledger.sightings where {of_feed} and key in ({keys})"""
        )
    connection.execute(
        f"""create or replace temp table settled as
            with said as ({" union all ".join(said)}),
            undecided as (select distinct file_id, row_number, feed, key from ledger.quarantine where {undecided}),
            landed as (select * from ledger.files where status = 'landed'),
            closers as (
                select undecided.*, later.file_id as closer, later.received_at, later.exported_at
                from undecided
                inner join landed as own on undecided.file_id = own.file_id
                inner join said on undecided.feed = said.feed and undecided.key = said.key
                inner join landed as later on said.file_id = later.file_id
                where (later.exported_at, later.received_at) > (own.exported_at, own.received_at)
                union all
                select undecided.*, later.file_id, later.received_at, later.exported_at
                from undecided
                inner join landed as own on undecided.file_id = own.file_id
                inner join landed as later
                    on own.name = later.name and own.source = later.source and own.exported_at = later.exported_at
                    and own.content_hash <> later.content_hash and later.received_at > own.received_at
                where undecided.key is null and own.exported_from = 'name' and not exists (
                    select 1 from ledger.quarantine as again
                    where again.file_id = later.file_id and again.row_number = undecided.row_number
                )
            )
            select undecided.*, closer
            from undecided
            left join (
                select file_id, row_number, feed, key,
                    arg_min(closer, (received_at, exported_at, closer)) as closer
                from closers
                group by all
            ) as closed
                on undecided.file_id = closed.file_id and undecided.row_number = closed.row_number
                and undecided.feed is not distinct from closed.feed and undecided.key is not distinct from closed.key"""
    )
    connection.execute(
        f"""update ledger.quarantine
            set status = case when closer is null then 'open' else 'closed' end, closed_by = closer
            from settled
            where quarantine.file_id = settled.file_id and quarantine.row_number = settled.row_number
                and quarantine.feed is not distinct from settled.feed
                and quarantine.key is not distinct from settled.key
                and {undecided} and quarantine.closed_by is distinct from closer"""
    )


def kept_rows(home: Home) -> list[dict[str, Any]]:
    """All rows ever withheld by file and line, each with its ``text``, the original line; instants are UTC.

    Keys: file, file_id, row, feed, key, reason_code, reason, text, received_at, status (open, closed, accepted,
    retried, discarded), closed_by (the name of the later file), decided_at, decided_by, decided_why. Raises Problem
    where nothing has landed yet.
    """
    with open_landed(home) as landing:
        found = landing.execute(
            """
            select
                files.name as file, rows.file_id, rows.row_number as "row", rows.feed, rows.key, rows.reason_code,
                rows.reason, rows.raw as text, rows.received_at, rows.status, closers.name as closed_by,
                rows.decided_at, rows.decided_by, rows.decided_why
            from ledger.quarantine as rows
            inner join ledger.files as files on rows.file_id = files.file_id
            left join ledger.files as closers on rows.closed_by = closers.file_id
            order by rows.received_at, files.name, rows.file_id, rows.row_number, rows.feed, rows.reason
            """
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _sentence(feed: Feed, place: str, kind: str, column: str, text: str | None) -> str:
    if kind == "missing":
        what = f"{column} is empty, and {feed.name} needs it"
    else:
        what = f"{column} is {text!r}, which is not {EXPECTED[feed.all_columns[column].type]}"
    return f"{place}: {what}. Correct the {place.split(maxsplit=1)[0]} and deliver the file again."
