"""Row versions: which rows of a file say something new at their place in the history, and what must be restored.

The history of a key is the sequence of what files state about it, in the order of exported_at, updated_at, file name,
content hash and row number, however late a file arrives. A statement that equals the state before it is not stored
but sighted; what full files leave out is stored once as removed. The invariant: the state folded from the stored
versions, at every place, is the state that the statements of all files give there.

``comparison`` finds most rows new, changed or the same at one look, ``history`` the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from forecourt.literals import literal
from ingest.comparison import Comparison, Delivery, version_of
from ingest.contract import Feed
from ingest.engine import as_written
from ingest.history import History
from ingest.perhaps import Kept, kept_in_force, place_perhaps


@dataclass(frozen=True)
class Stored:
    """What a file did to the keys that it does not state, being full: how many it removed, and which it did not for
    rows that were withheld."""

    removed: int = 0
    kept: Sequence[Kept] = ()


def store_versions(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, file_carried: str | None
) -> Stored:
    """Stores what the file says new about a feed. ``file_carried``: the columns that the file carries, as
    ``ledger.file_feeds`` names them.

    Reads the temporary tables ``incoming`` (sound rows of the feed) and ``withheld`` (keys of rows that are in
    quarantine), and of ``ledger.quarantine`` the rows of the file itself too; writes the feed's table,
    ``ledger.sightings``, ``ledger.full_scopes`` and the temporary table ``outcome`` (row_id, feed, result).
    """
    if not delivery.is_full and not connection.execute("select 1 from incoming limit 1").fetchall():
        return Stored()
    comparison = Comparison(connection, feed, delivery, file_carried)
    comparison.choose_ways()
    place_perhaps(comparison)
    comparison.compare_with_latest()
    if comparison.careful:
        History(comparison).compare()
    return Stored(comparison.removed, kept_in_force(comparison))


def is_first(connection: duckdb.DuckDBPyConnection, feed: Feed) -> bool:
    """True while no file has stated anything about a feed: then there is nothing to compare a row with."""
    query = f"select 1 from ledger.file_feeds where feed = {literal(feed.name)} limit 1"
    return not connection.execute(query).fetchall()


def store_first(connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, typed_rows: str) -> int:
    """Stores the sound rows of a query as they are, as versions of the first file of a feed; returns how many."""
    query = f"insert into {feed.table} {version_of(feed, delivery)} from ({typed_rows}) where problem is null"
    return int(as_written(connection, query)[0][0])


def take_back_repeated(connection: duckdb.DuckDBPyConnection, feed: Feed) -> int:
    """Moves the rows of keys that the first file of a feed names more than once to ``typed_<feed>``, from where they
    are compared with each other; returns how many they are."""
    names = ", ".join(f'"{name}"' for name in feed.all_columns)
    connection.execute(
        f"create or replace temp table repeated as select key from {feed.table} group by key having count(*) > 1"
    )
    if not connection.execute("select 1 from repeated limit 1").fetchall():
        return 0
    connection.execute(
        f"""insert into typed_{feed.name} by name
            select row_number as row_id, row_number, {names}, key, 0 as carried, day_only, row_hash, rest, bad
            from {feed.table} where key in (select key from repeated)"""
    )
    (moved,) = connection.execute(f"delete from {feed.table} where key in (select key from repeated)").fetchall()
    return int(moved[0])


def note_scopes(connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery) -> None:
    """Writes for which rooftops a full file speaks: those in it, and how many keys it states of each.

    A full file without rows, once confirmed, speaks for the rooftops of the full files before it, if these were always
    the same; else it is not known for which.
    """
    name, file_id = literal(feed.name), literal(delivery.file_id)
    connection.execute(
        f"""insert into ledger.full_scopes
            select {file_id}, {name}, rooftop, count(distinct key)
            from (
                select {feed.rooftop_sql} as rooftop, key from incoming
                union all select rooftop, key from withheld where key is not null
            )
            group by rooftop"""
    )
    connection.execute(
        f"""insert into ledger.full_scopes
            with earlier as (
                select full_scopes.file_id, rooftop, count(*) over (partition by rooftop) as files_of_rooftop
                from ledger.full_scopes
                inner join ledger.files on full_scopes.file_id = files.file_id
                where feed = {name} and status = 'landed'
            )
            select distinct {file_id}, {name}, rooftop, 0
            from earlier
            where not exists (select 1 from ledger.full_scopes where file_id = {file_id} and feed = {name})
                and (select min(files_of_rooftop) from earlier) = (select count(distinct file_id) from earlier)"""
    )
