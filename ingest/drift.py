"""How a file differs from what its kind was before: columns that came or went, keys written otherwise, odd facts.

Nothing here changes a row. What it finds is a note on the ledger; only a full file whose keys or rooftops are no longer
those of the file before is held, because it would end everything and begin it anew, or put all in the books twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import duckdb

from forecourt.literals import literal
from ingest.contract import Feed
from ingest.notes import Note
from ingest.readers.dialect import folded
from ingest.sources import Source

#: Instants of what has happened: none of them can lie after the export that tells of it.
_PAST = ("received_at", "occurred_at", "created_at", "opened_at", "started_at", "inspected_at")
#: A day: the export may be dated by another clock or another time zone.
_TOLERANCE = timedelta(days=1)
#: Fewer keys than this change for reasons of their own.
_FEWEST_KEYS = 10


def compare_header(
    connection: duckdb.DuckDBPyConnection, source: Source, file_id: str, exported_at: datetime, names: Sequence[str]
) -> list[Note]:
    """Keeps the names of a file's columns; says which came and which went since the file of its kind before it, and of
    the first file that a mapping reads, which of the columns are not there that it names."""
    last = connection.execute(
        """select headers.names, files.mapping_hash from ledger.headers as headers
            inner join ledger.files as files on headers.file_id = files.file_id
            where files.source = ? and files.status = 'landed' and files.exported_at <= ?
            order by files.exported_at desc, files.received_at desc, files.name desc limit 1""",
        [source.name, exported_at],
    ).fetchone()
    connection.execute("insert into ledger.headers values (?, ?)", [file_id, list(names)])
    before, mapping_hash = last or (None, None)
    told: dict[str, list[str]] = {}
    if not source.is_native and mapping_hash != source.mapping_hash:
        told["absent columns"] = _without(_named(source), names)
    if before is not None:
        told |= {"new columns": _without(names, before), "missing columns": _without(before, names)}
    return [Note(None, kind, ", ".join(map(repr, columns)), 0) for kind, columns in told.items() if columns]


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names that are not among the others."""
    known = set(map(folded, others))
    return [name for name in dict.fromkeys(names) if folded(name) not in known]


def _named(source: Source) -> list[str]:
    """The columns that a mapping names, without those of its groups."""
    return [
        column
        for mapping in source.mappings
        for name, cell in mapping.cells.items()
        if name not in mapping.group
        for column in cell.columns
    ]


def odd_facts(
    connection: duckdb.DuckDBPyConnection, feed: Feed, carried: Iterable[str], exported_at: datetime, stated: str
) -> list[Note]:
    """What is odd among the sound rows in the relation ``stated``: instants after the export, amounts whose currency
    is left empty in a file that has a column for it."""
    carried = set(carried)
    latest = exported_at + _TOLERANCE
    counts = {}
    for name in _PAST:
        if name in carried:
            counts["future instant", name] = f"count(*) filter (where \"{name}\" > timestamp '{latest}')"
    money = [f'"{name}" is not null' for name in sorted(carried) if feed.all_columns[name].type == "money"]
    if money and "currency" in carried:
        counts["no currency", "currency"] = f"count(*) filter (where currency is null and ({' or '.join(money)}))"
    if not counts:
        return []
    row = connection.execute(f"select {', '.join(counts.values())} from {stated}").fetchall()[0]
    return [Note(feed.name, kind, detail, count) for (kind, detail), count in zip(counts, row, strict=True) if count]


def ahead_of_time(exported_at: datetime, received_at: datetime) -> list[Note]:
    """What is odd about a delivery that says it was exported after it came: until that day it would win over all
    that are dated rightly."""
    if exported_at <= received_at + _TOLERANCE:
        return []
    return [Note(None, "future export", f"{exported_at:%Y-%m-%d}", 0)]


def repeated_keys(connection: duckdb.DuckDBPyConnection, feed: Feed) -> list[Note]:
    """How many keys stand in a stored file more than once with different values, and in how many rows."""
    changed = f"select row_id from outcome where feed = {literal(feed.name)} and result = 'changed'"
    keys, rows = connection.execute(
        f"""with changed as (select distinct key from typed_{feed.name} where row_id in ({changed})),
            repeated as (
                select count(*) as rows from typed_{feed.name}
                where problem is null and key in (select key from changed)
                group by key having count(distinct row_hash) > 1
            )
            select count(*), coalesce(sum(rows), 0)::bigint from repeated"""
    ).fetchall()[0]
    return [Note(feed.name, "repeated key", str(keys), rows)] if keys else []


def changed_keys(connection: duckdb.DuckDBPyConnection, feed: Feed, file_id: str, exported_at: datetime) -> str | None:
    """What is wrong with the keys of a full file: fewer than half of those in force are in it; None when all is well.

    ``incoming`` and ``withheld`` hold its rows and ``ledger.full_scopes`` its rooftops. A file that is not the newest
    is not judged, because what is in force is later than it.
    """
    if not _is_newest(connection, feed, exported_at):
        return None
    in_force = f"select key from ({_in_force(feed, exported_at)}) where place in ({_places(feed, file_id)})"
    known, kept, was = connection.execute(
        f"""with in_force as ({in_force}),
                given as (select key from incoming union select key from withheld where key is not null)
            select count(*), count(*) filter (where key in (select key from given)),
                min(key) filter (where key not in (select key from given))
            from in_force"""
    ).fetchall()[0]
    if known < _FEWEST_KEYS or kept * 2 >= known:
        return None
    ((example,),) = connection.execute(f"select min(key) from incoming where key not in ({in_force})").fetchall()
    return f"{kept:,} of the {known:,} keys in force are in it; before one was {was}, now one is {example}"


def renamed_rooftop(
    connection: duckdb.DuckDBPyConnection, feed: Feed, carried: Iterable[str], file_id: str, exported_at: datetime
) -> tuple[str, str, str] | None:
    """A rooftop that a full file seems to call otherwise: how it was called, how it is now, and what says so.

    That is one of which at least half the rows in force stand in the file under a rooftop that was not known, alike in
    all else that the file carries, and none under its own. ``incoming`` holds the rows and ``ledger.full_scopes`` the
    rooftops of the file. None where there is none, and for a file that is not the newest.
    """
    if "rooftop" not in feed.key or not _is_newest(connection, feed, exported_at):
        return None
    new = f"{_places(feed, file_id)} except select {feed.rooftop_sql} from {feed.table}"
    if not connection.execute(f"{new} limit 1").fetchall():
        return None
    names = [name for name in feed.all_columns if name != "rooftop" and (name in feed.key or name in carried)]
    alike = " and ".join(f'old."{name}" is not distinct from new."{name}"' for name in names)
    found = connection.execute(
        f"""with in_force as ({_in_force(feed, exported_at)}),
                known as (select place, count(*) as rows from in_force group by place)
            select known.place, new.rooftop, count(*), known.rows
            from in_force as old
            inner join incoming as new on {alike}
            inner join known on old.place = known.place
            where known.rows >= {_FEWEST_KEYS} and known.place not in ({_places(feed, file_id)})
                and new.rooftop in ({new})
            group by all
            having count(*) * 2 >= known.rows
            order by all limit 1"""
    ).fetchone()
    if found is None:
        return None
    was, now, rows, known = found
    return was, now, f"{rows:,} of the {known:,} rows in force of {was} are in it as rows of {now}, and none as its own"


def _in_force(feed: Feed, exported_at: datetime) -> str:
    """SQL of the rows in force when a full file was exported, with their rooftop as ``place``."""
    return f"""
        select * from (
            select *, {feed.rooftop_sql} as place from {feed.table} where exported_at <= timestamp '{exported_at}'
            qualify row_number() over (
                partition by key order by exported_at desc, updated_at desc nulls last, landed_at desc, row_number desc
            ) = 1
        )
        where op = 'row'"""


def _places(feed: Feed, file_id: str) -> str:
    """SQL of the rooftops that a full file speaks for."""
    return f"select rooftop from ledger.full_scopes where file_id = {literal(file_id)} and feed = {literal(feed.name)}"


def _is_newest(connection: duckdb.DuckDBPyConnection, feed: Feed, exported_at: datetime) -> bool:
    query = f"select count(*) = 0 from {feed.table} where exported_at > timestamp '{exported_at}'"
    return bool(connection.execute(query).fetchall()[0][0])
