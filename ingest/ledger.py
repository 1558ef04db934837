"""Questions to the ledger, over a connection to the landing."""

from __future__ import annotations

from datetime import datetime

import duckdb

from forecourt.home import Home
from forecourt.landed import open_landed
from ingest.contract import Feed


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


def refused_files(home: Home, name: str) -> list[str]:
    """The file_ids of the refused files of a name (or with that file_id), the last received last."""
    with open_landed(home) as connection:
        found = connection.execute(
            "select file_id from ledger.files where status = 'refused' and ? in (name, file_id) order by received_at",
            [name],
        ).fetchall()
    return [file_id for (file_id,) in found]
