"""What the ledger says: files, counts, quarantine. Plain questions over a connection to the landing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb

from forecourt.home import Home
from ingest.contract import Feed


def connect(home: Home) -> duckdb.DuckDBPyConnection:
    """The landing, read-only. The file must be there."""
    connection = duckdb.connect(str(home.landing), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def files(connection: duckdb.DuckDBPyConnection, limit: int | None = None) -> list[dict[str, Any]]:
    """All deliveries, newest first, as in ``ledger.files``; instants are UTC without offset."""
    return _rows(
        connection,
        "select * from ledger.files order by received_at desc, name, file_id" + (f" limit {limit}" if limit else ""),
    )


def totals(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Over all files: how many of each status, and the rows by result."""
    return _rows(
        connection,
        """select
            count(*) filter (where status = 'landed') as files_landed,
            count(*) filter (where status = 'same again') as files_same_again,
            count(*) filter (where status = 'held') as files_held,
            count(*) filter (where status = 'refused') as files_refused,
            coalesce(sum(rows_read), 0)::bigint as rows_read,
            coalesce(sum(rows_new), 0)::bigint as rows_new,
            coalesce(sum(rows_changed), 0)::bigint as rows_changed,
            coalesce(sum(rows_unchanged), 0)::bigint as rows_unchanged,
            coalesce(sum(rows_quarantined), 0)::bigint as rows_quarantined,
            coalesce(sum(rows_skipped), 0)::bigint as rows_skipped,
        from ledger.files""",
    )[0]


def feeds(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """One row a landed feed: files, newest exported_at, and rows by result."""
    return _rows(
        connection,
        """select
            feed, count(*) as files, max(exported_at) as exported_at,
            sum(file_feeds.rows_new)::bigint as rows_new,
            sum(file_feeds.rows_changed)::bigint as rows_changed,
            sum(file_feeds.rows_unchanged)::bigint as rows_unchanged,
            sum(file_feeds.rows_quarantined)::bigint as rows_quarantined,
            sum(file_feeds.rows_removed)::bigint as rows_removed,
        from ledger.file_feeds
        inner join ledger.files on file_feeds.file_id = files.file_id
        group by feed order by feed""",
    )


def open_quarantine(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """One row a file and kind of reason: how many rows wait, and the first of them."""
    return _rows(
        connection,
        """select
            name, quarantine.file_id, quarantine.feed, reason_code, count(*) as rows,
            min(quarantine.row_number) as first_row_number,
            arg_min(quarantine.reason, quarantine.row_number) as first_reason,
        from ledger.quarantine
        inner join ledger.files on quarantine.file_id = files.file_id
        where quarantine.status = 'open'
        group by name, quarantine.file_id, quarantine.feed, reason_code
        order by name, quarantine.file_id, quarantine.feed, reason_code""",
    )


def unaccounted(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Files that break the first promise: rows read are not new + changed + unchanged + quarantined + skipped."""
    return _rows(
        connection,
        """select * from ledger.files
        where rows_read <> rows_new + rows_changed + rows_unchanged + rows_quarantined + rows_skipped
        order by file_id""",
    )


def full_files_before(
    connection: duckdb.DuckDBPyConnection, feed: Feed, file_id: str, exported_at: datetime
) -> tuple[str, int, int, str]:
    """What the shrink guard compares: feed, keys in the full file, keys in the last full files before it of the
    same rooftops (of all where it names none), and the name of the newest of those files."""
    row = connection.execute(
        """with own as (
                select rooftop, rows from ledger.full_scopes where file_id = $file and feed = $feed and rows > 0
            ),
            earlier as (
                select rooftop, rows, name, exported_at
                from ledger.full_scopes
                inner join ledger.files on full_scopes.file_id = files.file_id
                where feed = $feed and files.file_id <> $file and status = 'landed' and exported_at <= $exported_at
                    and (rooftop in (select rooftop from own) or not exists (select 1 from own))
                qualify row_number() over (
                    partition by rooftop order by exported_at desc, name desc, content_hash desc
                ) = 1
            )
            select
                (select coalesce(sum(rows), 0)::bigint from own),
                (select coalesce(sum(rows), 0)::bigint from earlier),
                (select arg_max(name, exported_at) from earlier)""",
        {"file": file_id, "feed": feed.name, "exported_at": exported_at},
    ).fetchone()
    now, before, name = row or (0, 0, "")
    return feed.name, now, before, name


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
