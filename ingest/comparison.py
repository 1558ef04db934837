"""Compares the rows of a file with the versions that are stored, and writes what is new and what is sighted.

A file that is newer than all others of its feed is compared with the last version of each key: by row hash, or, where
files carry different columns, by column with the only version of a key. So is a late row that says what the only,
earlier version says. What is left, the careful keys, is compared by ``history``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from forecourt.literals import literal
from ingest.contract import Column, Feed

#: Place of a statement in the history of its key.
ORDER = "exported_at, updated_at nulls first, file_name, content_hash, row_number"
_REVERSE = "exported_at desc, updated_at desc nulls last, file_name desc, content_hash desc, row_number desc"

#: The columns that a sighted row carried: those of its file, unless it says others.
SIGHTED = "coalesce(sightings.carried, files_known.file_carried)"


@dataclass(frozen=True)
class Delivery:
    """What the history needs to know of the file that is being landed; instants are UTC without offset."""

    file_id: str
    name: str
    content_hash: str
    exported_at: datetime
    landed_at: datetime
    is_full: bool


def version_of(feed: Feed, delivery: Delivery) -> str:
    """The columns of a stored version of a typed row."""
    return f"""select {", ".join(f'"{name}"' for name in feed.all_columns)}, key, 'row', carried, day_only,
        timestamp '{delivery.exported_at}', timestamp '{delivery.landed_at}', {literal(delivery.file_id)},
        row_number, row_hash, rest, bad"""


def names_hold(text: str, name: str) -> str:
    """SQL of whether a text, names with commas between them, holds a name."""
    return f"contains(',' || {text} || ',', ',{name},')"


class Comparison:
    """The work for one feed of one file, on temporary tables that it makes anew.

    ``late``: a file of the same instant or a later one is known; ``mixed``: files carry different columns; ``careful``:
    how many keys are left for ``history``; ``removed``: how many keys a full file ended.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, file_carried: str | None
    ) -> None:
        self.connection = connection
        self.feed = feed
        self.delivery = delivery
        self.file_carried = file_carried
        self.removed = 0
        self.names = list(feed.all_columns)
        self.late = False
        self.mixed = False
        self.incoming = 0
        self.has_rest = False
        self.careful = 0

    def run(self, query: str) -> int:
        """Executes a statement; returns the number of rows that it wrote."""
        rows = self.connection.execute(query).fetchall()
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def one(self, query: str) -> int:
        """The number that a statement gives."""
        rows = self.connection.execute(query).fetchall()
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    # --- which way ---------------------------------------------------------------------------------------------

    def choose_ways(self) -> None:
        """Makes ``files_known``, ``latest`` (last version of the keys in question) and ``careful`` (keys)."""
        feed, delivery = self.feed, self.delivery
        self.incoming = self.one("select count(*) from incoming")
        self.has_rest = bool(self.one("select count(rest) from incoming"))
        self.run(
            f"""create or replace temp table files_known as
                select files.file_id, name as file_name, content_hash, exported_at, carried as file_carried
                from ledger.files as files
                inner join ledger.file_feeds as file_feeds on files.file_id = file_feeds.file_id
                where status = 'landed' and feed = {literal(feed.name)}"""
        )
        self.late = bool(
            self.one(f"select count(*) from files_known where exported_at >= timestamp '{delivery.exported_at}'")
        )
        carried_sets = self.one(
            f"""select count(distinct coalesce(carried, '')) from (
                    select carried from {feed.table} where op = 'row'
                    union all select carried from incoming
                    union all select {SIGHTED} as carried
                    from ledger.sightings
                    inner join files_known on sightings.file_id = files_known.file_id
                    where {self.late} and feed = {literal(feed.name)}
                )"""
        )
        self.mixed = carried_sets > 1
        self._place_latest()
        several = "select key from incoming group by key having count(*) > 1"
        # A key that is new and that no later full file could have left out needs no history.
        covered = f"""select key from incoming where {feed.rooftop_sql} in (
            select rooftop from ledger.full_scopes
            inner join files_known on full_scopes.file_id = files_known.file_id
            where feed = {literal(feed.name)} and exported_at >= timestamp '{delivery.exported_at}')"""
        touched = ""
        if self.late:
            self._place_settled()
            touched = f" or key in (select key from latest union {covered}) and key not in (select key from settled)"
        elif self.mixed:
            touched = " or key in (select key from known_keys where versions > 1 or op <> 'row')"
        self.run(
            f"""create or replace temp table careful as
                {f"select distinct key from incoming where key in ({several}){touched}" if touched else several}"""
        )
        if delivery.is_full and self.late:
            # Keys that existed before this file and that it leaves out.
            self.run(
                f"""insert into careful
                    select distinct key from {feed.table}
                    where {feed.rooftop_sql} in ({self._scope()})
                        and exported_at <= timestamp '{delivery.exported_at}'
                        and key not in (select key from incoming)"""
            )
        self.careful = self.one("select count(*) from careful")

    def _place_latest(self) -> None:
        """Makes ``known_keys`` and ``latest`` of the keys that the file names or, being full, ends; of all keys where
        the file names as many as half of them. Most have one version, which need not be sought."""
        feed = self.feed
        in_question = "select key from incoming"
        if self.delivery.is_full and not self.late:
            in_question += f" union all select key from {feed.table} where {feed.rooftop_sql} in ({self._scope()})"
        is_large = self.incoming * 2 >= self.one(f"select count(*) from {feed.table}")
        said = ["op", "row_hash"]
        if self.has_rest:
            said.append("rest")
        if self.delivery.is_full:
            said += ["rooftop_of", *self.feed.key]
        one = ", ".join(f'any_value("{name}") as "{name}"' for name in said)
        of_version = f"select *, {feed.rooftop_sql} as rooftop_of from {feed.table}"
        self.run(
            f"""create or replace temp table known_keys as
                select key, count(*) as versions, {one} from ({of_version})
                where {"true" if is_large else f"key in ({in_question})"}
                group by key"""
        )
        columns = ", ".join(f'"{name}"' for name in said)
        self.run(f"create or replace temp table latest as select key, {columns} from known_keys where versions = 1")
        self.run(
            f"""insert into latest
                select key, {columns}
                from ({of_version}) as versions
                inner join files_known on versions.file_id = files_known.file_id
                semi join (select key as of_key from known_keys where versions > 1) on key = of_key
                qualify row_number() over (
                    partition by key order by {_REVERSE.replace("exported_at", "versions.exported_at")}
                ) = 1"""
        )

    def _place_settled(self) -> None:
        """Makes ``settled``: the keys whose only version is of an earlier instant and says the same as this late file.
        The row is sighted, and nothing that later files said changes."""
        self.run(
            f"""create or replace temp table settled as
                select incoming.key
                from incoming
                inner join {self.feed.table} as latest on incoming.key = latest.key
                where latest.exported_at < timestamp '{self.delivery.exported_at}' and {self._is_same()}
                    and incoming.key in (select key from known_keys where versions = 1)"""
        )

    def _scope(self) -> str:
        return (
            f"select rooftop from ledger.full_scopes where file_id = {literal(self.delivery.file_id)} "
            f"and feed = {literal(self.feed.name)}"
        )

    def _left_out(self) -> str:
        """SQL of the keys in force that this file, the newest and full, does not state, with their columns."""
        return f"""
            select {self.key_columns()}, key from latest
            where op = 'row' and rooftop_of in ({self._scope()})
                and key not in (select key from incoming)
                and key not in (select key from withheld where key is not null)"""

    def in_question(self) -> str:
        """SQL of the keys that this file, or a full one of its instant or later, could end, with their columns."""
        if not self.late:
            return self._left_out()
        of_careful = "where key in (select key from careful)"
        return f"""
            select {self.key_columns()}, key from {self.feed.table} {of_careful}
            union all select {self.key_columns()}, key from incoming {of_careful}"""

    # --- the quick way -----------------------------------------------------------------------------------------

    def compare_with_latest(self) -> None:
        """Compares all rows but those of careful keys, and ends the keys that a full file leaves out."""
        latest = f"{self.feed.table} as latest" if self.mixed else "latest"
        self.run(
            f"""create or replace temp table compared as
                select place, row_id,
                    case
                        when latest.key is null then 'new'
                        when {self._is_same()} then 'unchanged'
                        else 'changed'
                    end as result
                from incoming
                left join {latest} on incoming.key = latest.key
                where {"incoming.key not in (select key from careful)" if self.careful else "true"}"""
        )
        self.write_results("compared")
        if self.delivery.is_full and not self.late:
            self.removed += self._remove(f"{self._left_out()} and key not in (select key from perhaps)")

    def _is_same(self) -> str:
        """Whether a row of ``incoming`` says what ``latest`` does, the last version of its key: by hash, or, where
        files carry different columns, in those of the row: what the only version does not carry is empty in it."""
        by_hash = "latest.row_hash = incoming.row_hash"
        if not self.mixed:
            return f"(latest.op = 'row' and {by_hash})"

        def differs(column: Column) -> str:
            found = [f'incoming."{column.name}" is distinct from latest."{column.name}"']
            if column.type != "text":
                bad = f"""json_extract_string({{}}.bad, '$."{column.name}"')"""
                found.append(f"{bad.format('incoming')} is distinct from {bad.format('latest')}")
            if column.type == "instant":
                is_day = f"coalesce({names_hold('{}.day_only', column.name)}, false)"
                found.append(f"{is_day.format('incoming')} <> {is_day.format('latest')}")
            carried = f"(incoming.carried is null or {names_hold('incoming.carried', column.name)})"
            return f"({carried} and ({' or '.join(found)}))"

        different = " or ".join(differs(column) for column in self.feed.all_columns.values())
        return f"""(latest.op = 'row' and case
            when incoming.carried is not distinct from latest.carried then {by_hash}
            else not ({different}) end)"""

    def write_results(self, results: str) -> None:
        """Stores new and changed rows of the file, sights the others, and reports each."""
        feed, delivery = self.feed, self.delivery
        found = self.connection.execute(f"select count(*), count(*) filter (result = 'unchanged') from {results}")
        total, unchanged = found.fetchall()[0]
        if unchanged < total:
            self.run(
                f"""insert into {feed.table} {version_of(feed, delivery)}
                    from incoming
                    {self._with_result(results, "result <> 'unchanged'", total - unchanged, total)}"""
            )
        if unchanged:
            rest, latest = "null", ""
            if self.has_rest:
                rest = "case when incoming.rest is distinct from latest.rest then incoming.rest end"
                latest = "left join latest on incoming.key = latest.key"
            self.run(
                f"""insert into ledger.sightings
                    select {literal(feed.name)}, incoming.key, {literal(delivery.file_id)}, row_number, updated_at,
                        case when carried is distinct from {literal(self.file_carried)}::varchar
                            then coalesce(carried, {literal(",".join(sorted(self.names)))}) end,
                        {rest}
                    from incoming
                    {latest}
                    {self._with_result(results, "result = 'unchanged'", unchanged, total)}"""
            )
        if total:
            self.run(f"insert into outcome select row_id, {literal(feed.name)}, result from {results}")

    def _with_result(self, results: str, test: str, chosen: int, total: int) -> str:
        """The join that keeps the rows of ``incoming`` with a result; none is needed where all of them have it, and
        where most have it the others are looked up."""
        if chosen == self.incoming:
            return ""
        join = "semi"
        if total == self.incoming and chosen > total / 2:
            join, test = "anti", f"not ({test})"
        return f"{join} join (select place as of_place from {results} where {test}) on place = of_place"

    def _remove(self, keys: str) -> int:
        delivery = self.delivery
        return self.run(
            f"""insert into {self.feed.table}
                select {self.only_key()}, key, 'removed', null, null, timestamp '{delivery.exported_at}',
                    timestamp '{delivery.landed_at}', {literal(delivery.file_id)}, 0, null, null, null
                from ({keys})"""
        )

    def key_columns(self) -> str:
        return ", ".join(f'"{name}"' for name in self.feed.key)

    def only_key(self) -> str:
        return ", ".join(
            f'"{name}"' if name in self.feed.key else f"null::{column.sql_type}"
            for name, column in self.feed.all_columns.items()
        )
