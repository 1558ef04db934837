"""Row versions: which rows of a file say something new at their place in the history, and what must be restored.

The history of a key is the sequence of what files state about it, in the order of exported_at, updated_at, file name,
content hash and row number, however late a file arrives. A statement that equals the state before it is not stored
but sighted; what full files leave out is stored once as removed. The invariant: the state folded from the stored
versions, at every place, is the state that the statements of all files give there.

A file that is newer than all others of its feed is compared with the last version of each key: by row hash, or, where
files carry different columns, by column with the only version of a key. Everything else goes the careful way: only the
statements that can be touched are looked at, which are those right after the new ones, per key and set of carried
columns. Where all versions carry the same columns a statement is one cell, its row hash; else it is one cell a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingest.contract import Column, Feed
from ingest.mapping import hash_text, quoted, row_hash_of_carried
from ingest.memory import memory_limit

#: Place of a statement in the history of its key.
_ORDER = "exported_at, updated_at nulls first, file_name, content_hash, row_number"
_REVERSE = "exported_at desc, updated_at desc nulls last, file_name desc, content_hash desc, row_number desc"


#: Keys whose statements are compared at once.
_KEYS_AT_ONCE = 100_000

#: The columns that a sighted row carried: those of its file, unless it says others.
_SIGHTED = "coalesce(sightings.carried, files_known.file_carried)"


@dataclass(frozen=True)
class Delivery:
    """What the history needs to know of the file that is being landed; instants are UTC without offset."""

    file_id: str
    name: str
    content_hash: str
    exported_at: datetime
    landed_at: datetime
    is_full: bool


@dataclass(frozen=True)
class _Cell:
    """A part of a statement that is compared and carried forward as one: a column, or the whole row by its hash.

    ``made``: its value from a version or a row of the file, null where it is not carried; ``carried_if``: whether a
    statement carries it; ``empty``: its value before any statement; ``compared``: what of it must be equal.
    """

    name: str
    made: str
    carried_if: str
    empty: str
    compared: str = ""

    @property
    def said(self) -> str:
        return f'"s_{self.name}"'

    @property
    def before(self) -> str:
        return f'"p_{self.name}"'


def store_versions(
    connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, file_carried: str | None
) -> int:
    """Stores what the file says new about a feed; returns how many keys its being full removed. ``file_carried``: the
    columns that the file carries, as ``ledger.file_feeds`` names them.

    Reads the temporary tables ``incoming`` (sound rows of the feed) and ``withheld`` (keys of rows that are in
    quarantine); writes the feed's table, ``ledger.sightings`` and the temporary table ``outcome`` (row_id, feed,
    result).
    """
    if not delivery.is_full and not connection.execute("select 1 from incoming limit 1").fetchall():
        return 0
    step = _Step(connection, feed, delivery, file_carried)
    step.choose_ways()
    step.compare_with_latest()
    step.compare_by_history()
    return step.removed


def is_first(connection: duckdb.DuckDBPyConnection, feed: Feed) -> bool:
    """True while no file has stated anything about a feed: then there is nothing to compare a row with."""
    query = f"select 1 from ledger.file_feeds where feed = {quoted(feed.name)} limit 1"
    return not connection.execute(query).fetchall()


def store_first(connection: duckdb.DuckDBPyConnection, feed: Feed, delivery: Delivery, typed_rows: str) -> int:
    """Stores the sound rows of a query as they are, as versions of the first file of a feed; returns how many."""
    stored = connection.execute(
        f"insert into {feed.table} {_version_of(feed, delivery)} from ({typed_rows}) where problem is null"
    ).fetchall()
    return int(stored[0][0])


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
    name, file_id = quoted(feed.name), quoted(delivery.file_id)
    connection.execute(
        f"""insert into ledger.full_scopes
            select {file_id}, {name}, rooftop, count(distinct key)
            from (
                select {_rooftop(feed)} as rooftop, key from incoming
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


def _version_of(feed: Feed, delivery: Delivery) -> str:
    """The columns of a stored version of a typed row."""
    return f"""select {", ".join(f'"{name}"' for name in feed.all_columns)}, key, 'row', carried, day_only,
        timestamp '{delivery.exported_at}', timestamp '{delivery.landed_at}', {quoted(delivery.file_id)},
        row_number, row_hash, rest, bad"""


def _rooftop(feed: Feed) -> str:
    return "coalesce(rooftop, '')" if feed.has_rooftop else "''"


class _Step:
    """The work for one feed of one file, on temporary tables that it makes anew."""

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
        self.careful = 0
        self.has_sighted = False
        self.cells: list[_Cell] = []

    def run(self, query: str) -> int:
        """Executes a statement; returns the number of rows that it wrote."""
        rows = self.connection.execute(query).fetchall()
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def one(self, query: str) -> int:
        rows = self.connection.execute(query).fetchall()
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0

    # --- which way ---------------------------------------------------------------------------------------------

    def choose_ways(self) -> None:
        """Makes ``files_known``, ``latest`` (last version of the keys in question) and ``careful`` (keys)."""
        feed, delivery = self.feed, self.delivery
        self.incoming = self.one("select count(*) from incoming")
        self.run(
            f"""create or replace temp table files_known as
                select files.file_id, name as file_name, content_hash, exported_at, carried as file_carried
                from ledger.files as files
                inner join ledger.file_feeds as file_feeds on files.file_id = file_feeds.file_id
                where status = 'landed' and feed = {quoted(feed.name)}"""
        )
        self.late = bool(
            self.one(f"select count(*) from files_known where exported_at >= timestamp '{delivery.exported_at}'")
        )
        carried_sets = self.one(
            f"""select count(distinct coalesce(carried, '')) from (
                    select carried from {feed.table} where op = 'row'
                    union all select carried from incoming
                    union all select {_SIGHTED} as carried
                    from ledger.sightings
                    inner join files_known on sightings.file_id = files_known.file_id
                    where {self.late} and feed = {quoted(feed.name)}
                )"""
        )
        self.mixed = carried_sets > 1
        self.cells = [_column_cell(column) for column in feed.all_columns.values()] if self.mixed else [_ROW_CELL]
        in_question = "select key from incoming"
        if delivery.is_full and not self.late:
            in_question += f" union all select key from {feed.table} where {_rooftop(feed)} in ({self._scope()})"
        self._place_latest(in_question)
        several = "select key from incoming group by key having count(*) > 1"
        # A key that is new and that no later full file could have left out needs no history.
        covered = f"""select key from incoming where {_rooftop(feed)} in (
            select rooftop from ledger.full_scopes
            inner join files_known on full_scopes.file_id = files_known.file_id
            where feed = {quoted(feed.name)} and exported_at >= timestamp '{delivery.exported_at}')"""
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
                    where {_rooftop(feed)} in ({self._scope()})
                        and exported_at <= timestamp '{delivery.exported_at}'
                        and key not in (select key from incoming)"""
            )
        self.careful = self.one("select count(*) from careful")

    def _place_latest(self, in_question: str) -> None:
        """Makes ``latest`` of the keys that a query names. Most have one version, which need not be sought."""
        feed = self.feed
        said = ["op", "row_hash"]
        if self.delivery.is_full:
            said += ["rooftop_of", *self.feed.key]
        one = ", ".join(f'any_value("{name}") as "{name}"' for name in said)
        of_version = f"select *, {_rooftop(feed)} as rooftop_of from {feed.table}"
        self.run(
            f"""create or replace temp table known_keys as
                select key, count(*) as versions, {one} from ({of_version})
                where key in ({in_question})
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
            f"select rooftop from ledger.full_scopes where file_id = {quoted(self.delivery.file_id)} "
            f"and feed = {quoted(self.feed.name)}"
        )

    # --- the quick way -----------------------------------------------------------------------------------------

    def compare_with_latest(self) -> None:
        latest = f"{self.feed.table} as latest" if self.mixed else "latest"
        self.run(
            f"""create or replace temp table compared as
                select incoming.row_id, incoming.key,
                    case
                        when latest.key is null then 'new'
                        when {self._is_same()} then 'unchanged'
                        else 'changed'
                    end as result
                from incoming
                left join {latest} on incoming.key = latest.key
                where {"incoming.key not in (select key from careful)" if self.careful else "true"}"""
        )
        self._write_results("compared")
        if self.delivery.is_full and not self.late:
            self.removed += self._remove(
                f"""select {self._key_columns()}, key from latest
                    where op = 'row' and rooftop_of in ({self._scope()})
                        and key not in (select key from incoming)
                        and key not in (select key from withheld where key is not null)"""
            )

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
                is_day = f"coalesce({_names('{}.day_only', column.name)}, false)"
                found.append(f"{is_day.format('incoming')} <> {is_day.format('latest')}")
            carried = f"(incoming.carried is null or {_names('incoming.carried', column.name)})"
            return f"({carried} and ({' or '.join(found)}))"

        different = " or ".join(differs(column) for column in self.feed.all_columns.values())
        return f"""(latest.op = 'row' and case
            when incoming.carried is not distinct from latest.carried then {by_hash}
            else not ({different}) end)"""

    def _write_results(self, results: str) -> None:
        """Stores new and changed rows of the file, sights the others, and reports each."""
        feed, delivery = self.feed, self.delivery
        found = self.connection.execute(f"select count(*), count(*) filter (result = 'unchanged') from {results}")
        total, unchanged = found.fetchall()[0]
        if unchanged < total:
            self.run(
                f"""insert into {feed.table} {_version_of(feed, delivery)}
                    from incoming
                    {self._with_result(results, "result <> 'unchanged'", total - unchanged, total)}"""
            )
        if unchanged:
            self.run(
                f"""insert into ledger.sightings
                    select {quoted(feed.name)}, key, {quoted(delivery.file_id)}, row_number, updated_at,
                        case when carried is distinct from {quoted(self.file_carried)}::varchar
                            then coalesce(carried, {quoted(",".join(sorted(self.names)))}) end
                    from incoming
                    {self._with_result(results, "result = 'unchanged'", unchanged, total)}"""
            )
        if total:
            self.run(f"insert into outcome select row_id, {quoted(feed.name)}, result from {results}")

    def _with_result(self, results: str, test: str, chosen: int, total: int) -> str:
        """The join that keeps the rows of ``incoming`` with a result; none is needed where all of them have it, and
        where most have it the others are looked up."""
        if chosen == self.incoming:
            return ""
        join = "semi"
        if total == self.incoming and chosen > total / 2:
            join, test = "anti", f"not ({test})"
        return f"""{join} join (select row_id as of_row, key as of_key from {results} where {test})
                    on incoming.row_id = of_row and incoming.key = of_key"""

    def _remove(self, keys: str) -> int:
        delivery = self.delivery
        return self.run(
            f"""insert into {self.feed.table}
                select {self._only_key()}, key, 'removed', null, null, timestamp '{delivery.exported_at}',
                    timestamp '{delivery.landed_at}', {quoted(delivery.file_id)}, 0, null, null, null
                from ({keys})"""
        )

    def _key_columns(self) -> str:
        return ", ".join(f'"{name}"' for name in self.feed.key)

    def _only_key(self) -> str:
        return ", ".join(
            f'"{name}"' if name in self.feed.key else f"null::{column.sql_type}"
            for name, column in self.feed.all_columns.items()
        )

    # --- the careful way ---------------------------------------------------------------------------------------

    def compare_by_history(self) -> None:
        """Compares the careful keys, so many at once that their statements fit into the memory."""
        parts = -(-self.careful // _KEYS_AT_ONCE)
        if parts > 1:
            self.run(f"set memory_limit = '{memory_limit(parts)}'")
            self.run(
                f"create or replace temp table all_careful as select key, hash(key) % {parts} as part from careful"
            )
        for part in range(parts):
            if parts > 1:
                self.run(f"create or replace temp table careful as select key from all_careful where part = {part}")
            self._collect_statements()
            self._decide()
            self._write_results("decided")
            self._write_restored()

    def _collect_statements(self) -> None:
        """Makes ``statements``: of each careful key what is stored, what this file states, and the sightings and
        omissions right after it, with one column ``s_<name>`` a cell."""
        feed, delivery = self.feed, self.delivery
        own_place = (
            f"timestamp '{delivery.exported_at}' as exported_at, updated_at, {quoted(delivery.name)} as file_name, "
            f"{quoted(delivery.content_hash)} as content_hash, row_number, {quoted(delivery.file_id)} as file_id"
        )
        cells = ", ".join(f"{cell.made} as {cell.said}" for cell in self.cells)
        self.run(
            f"""create or replace temp table statements as
                select 'stored' as origin, null::bigint as row_id, op, versions.key, carried,
                    versions.exported_at, updated_at, file_name, content_hash, row_number, versions.file_id,
                    rest, {cells}
                from {feed.table} as versions
                inner join files_known on versions.file_id = files_known.file_id
                where versions.key in (select key from careful)
                union all
                select 'incoming', row_id, 'row', key, carried, {own_place}, rest, {cells}
                from (select *, 'row' as op, {quoted(delivery.file_id)} as file_id from incoming) as versions
                where key in (select key from careful)"""
        )
        if self.late:
            self._collect_sightings()
            self._collect_omissions()

    def _collect_sightings(self) -> None:
        """Of the sightings after this file the first a key and set of columns: it settles the later ones."""
        feed, at = self.feed, f"timestamp '{self.delivery.exported_at}'"
        self.run(
            f"""insert into statements by name
                select 'sighted' as origin, 'row' as op, key, {_SIGHTED} as carried, exported_at, updated_at, file_name,
                    content_hash, row_number, sightings.file_id
                from ledger.sightings
                inner join files_known on sightings.file_id = files_known.file_id
                anti join (select key as of_key, file_id as of_file, row_number as number from statements) as stored
                    on key = of_key and sightings.file_id = of_file and row_number = number
                where feed = {quoted(feed.name)} and exported_at >= {at} and key in (select key from careful)
                qualify exported_at = {at} or 1 = row_number() over (
                    partition by key, coalesce({_SIGHTED}, ''), exported_at = {at} order by {_ORDER}
                )"""
        )
        self.has_sighted = bool(self.one("select count(*) from statements where origin = 'sighted'"))

    def _collect_omissions(self) -> None:
        """The full files that do not name a key although they speak for its rooftop: this one, and those that may
        come right after its rows, which are of the same instant or of the next."""
        feed, at = self.feed, f"timestamp '{self.delivery.exported_at}'"
        own = self.delivery.file_id
        if self.delivery.is_full:
            self.run(
                f"""insert into statements by name
                    select 'omitted' as origin, 'removed' as op, key, {at} as exported_at,
                        {quoted(self.delivery.name)} as file_name, {quoted(self.delivery.content_hash)} as content_hash,
                        0 as row_number, {quoted(own)} as file_id
                    from careful
                    where key not in (select key from incoming)
                        and key not in (select key from withheld where key is not null)"""
            )
        self.run(
            f"""insert into statements by name
                with later as (
                    select full_scopes.file_id, rooftop, exported_at, file_name, content_hash,
                        exported_at = {at} or exported_at = min(exported_at) filter (where exported_at > {at})
                            over (partition by rooftop) as is_next
                    from ledger.full_scopes
                    inner join files_known on full_scopes.file_id = files_known.file_id
                    where feed = {quoted(feed.name)} and exported_at >= {at}
                ),
                unsaid as (
                    select key, file_id from ledger.quarantine where feed = {quoted(feed.name)} and key is not null
                ),
                named as (
                    select key, file_id from {feed.table} where key in (select key from careful)
                    union all
                    select key, file_id from ledger.sightings
                    where feed = {quoted(feed.name)} and key in (select key from careful)
                    union all
                    select key, file_id from unsaid
                )
                select 'omitted' as origin, 'removed' as op, keys.key, exported_at, file_name, content_hash,
                    0 as row_number, later.file_id
                from (
                    select distinct key, {_rooftop(feed)} as rooftop_of from incoming
                    where key in (select key from careful)
                ) as keys
                -- A full file whose row of the key is in quarantine says nothing of it: any later one may be the next.
                inner join later on keys.rooftop_of = later.rooftop
                    and (later.is_next or keys.key in (select key from unsaid))
                anti join named on keys.key = named.key and later.file_id = named.file_id"""
        )

    def _filled(self) -> str:
        """The statements, with what sighted ones said: the state at their place, as it was before this file came."""
        if not self.has_sighted:
            return "statements"
        filled = ", ".join(
            f"""case
                    when origin <> 'sighted' then {cell.said}
                    when {cell.carried_if} then coalesce(
                        last_value(case when origin = 'stored' then {cell.said} end ignore nulls) over history,
                        {cell.empty}
                    )
                end as {cell.said}"""
            for cell in self.cells
        )
        return f"""(
            select * replace (
                {filled},
                case
                    when origin <> 'sighted' then rest
                    else struct_extract(last_value(
                        case when origin = 'stored' and op = 'row' then struct_pack(rest := rest) end ignore nulls
                    ) over history, 'rest')
                end as rest
            )
            from statements
            window history as (
                partition by key order by {_ORDER} rows between unbounded preceding and current row
            )
        )"""

    def _decide(self) -> None:
        """Makes ``judged`` (the rows of this file, and what else must be stored, ``is_news``) and ``decided`` (row_id,
        key, result of the rows of this file)."""
        before = ", ".join(f"last_value({cell.said} ignore nulls) over before as {cell.before}" for cell in self.cells)
        differs = " or ".join(
            f"({cell.said} is not null and {cell.said}{cell.compared} is distinct from "
            f"coalesce({cell.before}, {cell.empty}){cell.compared})"
            for cell in self.cells
        )
        # Cells take most of the room, and only a sighted row is stored from them.
        cells = ", ".join(f"case when origin = 'sighted' then {cell.said} end as {cell.said}" for cell in self.cells)
        self.run(
            f"""create or replace temp table judged as
                select origin, row_id, key, carried, exported_at, updated_at, file_name, content_hash, row_number,
                    file_id, rest, {cells}, is_news
                from (
                    select *,
                        origin <> 'stored' and case
                            when op = 'removed' then coalesce(op_before = 'row', false)
                            else op_before is distinct from 'row' or {differs}
                        end as is_news
                    from (
                        select *, lag(op) over (partition by key order by {_ORDER}) as op_before, {before}
                        from {self._filled()}
                        window before as (
                            partition by key order by {_ORDER} rows between unbounded preceding and 1 preceding
                        )
                    )
                )
                where is_news or origin = 'incoming'"""
        )
        self.run(
            f"""create or replace temp table decided as
                select row_id, key,
                    case
                        when not is_news then 'unchanged'
                        when key in (select key from latest) then 'changed'
                        when row_number() over (partition by key order by is_news desc, {_ORDER}) = 1 then 'new'
                        else 'changed'
                    end as result
                from judged
                where origin = 'incoming'"""
        )

    def _write_restored(self) -> None:
        """Stores what later files had said and what they had left out, where this file made it news again."""
        feed, landed_at = self.feed, f"timestamp '{self.delivery.landed_at}'"
        news = dict(
            self.connection.execute("select origin, count(*) from judged where is_news group by origin").fetchall()
        )
        if news.get("sighted"):
            self.run(
                f"""insert into {feed.table}
                    select {self._restored_row(landed_at)}
                    where origin = 'sighted' and is_news"""
            )
        if news.get("omitted"):
            omitted = "select key from judged where origin = 'omitted'"
            self.run(
                f"""insert into {feed.table}
                    select {self._only_key()}, key, 'removed', null, null, exported_at, {landed_at}, file_id, 0,
                        null, null, null
                    from (
                        select key as of_key, exported_at, file_id from judged where origin = 'omitted' and is_news
                    ) as omitted
                    inner join (
                        select key, {self._key_columns()}
                        from (
                            select key, {self._key_columns()} from {feed.table} where key in ({omitted})
                            union all
                            select key, {self._key_columns()} from incoming where key in ({omitted})
                        )
                        qualify row_number() over (partition by key) = 1
                    ) as known on known.key = of_key"""
            )
        self.removed += self.one(
            f"""select count(*) from judged
                where origin = 'omitted' and is_news and file_id = {quoted(self.delivery.file_id)}"""
        )

    def _restored_row(self, landed_at: str) -> str:
        """The columns of a restored version, from its cells or from the version that it repeats."""
        feed = self.feed
        columns = feed.all_columns.items()
        if not self.mixed:
            return f"""{", ".join(f'versions."{name}"' for name, _ in columns)}, judged.key, 'row', versions.carried,
                    versions.day_only, judged.exported_at, {landed_at}, judged.file_id, judged.row_number,
                    versions.row_hash, versions.rest, versions.bad
                from judged
                inner join {feed.table} as versions
                    on judged.key = versions.key and versions.op = 'row'
                    and {_ROW_CELL.said}.file_id = versions.file_id
                    and {_ROW_CELL.said}.row_number = versions.row_number"""
        values = ", ".join(f'"s_{name}".v' for name, _ in columns)
        hashed = row_hash_of_carried(
            [
                f"""case when "s_{name}" is not null then
                    {hash_text(column, f'"s_{name}".v', f'"s_{name}".b', f'"s_{name}".d')} end"""
                for name, column in columns
            ]
        )
        bad = ", ".join(
            f"""case when "s_{name}".b is not null then '"{name}":' || to_json("s_{name}".b) end"""
            for name, _ in columns
        )
        days = ", ".join(
            f"""case when "s_{name}".d then '{name}' end"""
            for name, column in sorted(columns)
            if column.type == "instant"
        )
        return f"""{values}, key, 'row', carried, nullif(concat_ws(',', {days}), ''), exported_at, {landed_at}, file_id,
                    row_number, {hashed}, rest,
                    ('{{' || nullif(concat_ws(',', {bad}), '') || '}}')::json
                from judged"""


def _names(text: str, name: str) -> str:
    """SQL of whether a text, names with commas between them, holds a name."""
    return f"contains(',' || {text} || ',', ',{name},')"


def _carries(name: str) -> str:
    return f"(op = 'row' and (carried is null or {_names('carried', name)}))"


def _column_cell(column: Column) -> _Cell:
    """A column as a cell: value, text that failed its type, whether only a day was given."""
    name = column.name
    is_day = f"coalesce({_names('day_only', name)}, false)" if column.type == "instant" else "false"
    failed = f"""json_extract_string(bad, '$."{name}"')""" if column.type != "text" else "null::varchar"
    return _Cell(
        name,
        f"""case when {_carries(name)} then struct_pack(v := "{name}", b := {failed}, d := {is_day}) end""",
        _carries(name),
        f"struct_pack(v := null::{column.sql_type}, b := null::varchar, d := false)",
    )


#: A whole row as a cell, with the version that holds it.
_ROW_CELL = _Cell(
    "row",
    """case when op = 'row' then
        struct_pack(hash := row_hash, file_id := versions.file_id, row_number := row_number) end""",
    "op = 'row'",
    "struct_pack(hash := null::uhugeint, file_id := null::varchar, row_number := null::bigint)",
    ".hash",
)
