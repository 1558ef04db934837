"""Compares the careful keys of a file by their history: late files, keys that a file names twice, and keys with several
versions where files carry different columns.

Only the statements that can be touched are looked at, which are those right after the new ones, per key and set of
carried columns. Where all versions carry the same columns a statement is one cell, its row hash; else it is one cell a
column.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecourt.literals import literal
from ingest.comparison import ORDER, SIGHTED, Comparison, names_hold
from ingest.contract import Column
from ingest.engine import memory_limit
from ingest.perhaps import stated_keys
from ingest.row_identity import hash_text, row_hash_of_carried

#: Keys whose statements are compared at once.
_KEYS_AT_ONCE = 100_000


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


class History:
    """The work for the careful keys of a comparison, on temporary tables that it makes anew."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.run, self.one = comparison.run, comparison.one
        self.feed = comparison.feed
        self.delivery = comparison.delivery
        self.has_sighted = False
        columns = comparison.feed.all_columns.values()
        self.cells = [_column_cell(column) for column in columns] if comparison.mixed else [_ROW_CELL]

    def compare(self) -> None:
        """Compares the careful keys, so many at once that their statements fit into the memory."""
        parts = -(-self.comparison.careful // _KEYS_AT_ONCE)
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
            self.comparison.write_results("decided")
            self._write_restored()

    def _collect_statements(self) -> None:
        """Makes ``statements``: of each careful key what is stored, what this file states, and the sightings and
        omissions right after it, with one column ``s_<name>`` a cell."""
        feed, delivery = self.feed, self.delivery
        own_place = (
            f"timestamp '{delivery.exported_at}' as exported_at, updated_at, {literal(delivery.name)} as file_name, "
            f"{literal(delivery.content_hash)} as content_hash, row_number, {literal(delivery.file_id)} as file_id"
        )
        cells = ", ".join(f"{cell.made} as {cell.said}" for cell in self.cells)
        self.run(
            f"""create or replace temp table statements as
                select 'stored' as origin, null::bigint as place, null::bigint as row_id, op, versions.key, carried,
                    versions.exported_at, updated_at, file_name, content_hash, row_number, versions.file_id,
                    rest, {cells}
                from {feed.table} as versions
                inner join files_known on versions.file_id = files_known.file_id
                where versions.key in (select key from careful)
                union all
                select 'incoming', place, row_id, 'row', key, carried, {own_place}, rest, {cells}
                from (select *, 'row' as op, {literal(delivery.file_id)} as file_id from incoming) as versions
                where key in (select key from careful)"""
        )
        if self.comparison.late:
            self._collect_sightings()
            self._collect_omissions()

    def _collect_sightings(self) -> None:
        """Of the sightings after this file the first a key and set of columns: it settles the later ones."""
        feed, at = self.feed, f"timestamp '{self.delivery.exported_at}'"
        self.run(
            f"""insert into statements by name
                select 'sighted' as origin, 'row' as op, key, {SIGHTED} as carried, exported_at, updated_at, file_name,
                    content_hash, row_number, sightings.file_id, rest
                from ledger.sightings
                inner join files_known on sightings.file_id = files_known.file_id
                anti join (select key as of_key, file_id as of_file, row_number as number from statements) as stored
                    on key = of_key and sightings.file_id = of_file and row_number = number
                where feed = {literal(feed.name)} and exported_at >= {at} and key in (select key from careful)
                qualify exported_at = {at} or 1 = row_number() over (
                    partition by key, coalesce({SIGHTED}, ''), exported_at = {at} order by {ORDER}
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
                        {literal(self.delivery.name)} as file_name,
                        {literal(self.delivery.content_hash)} as content_hash,
                        0 as row_number, {literal(own)} as file_id
                    from careful
                    where key not in (select key from incoming)
                        and key not in (select key from withheld where key is not null)
                        and key not in (select key from perhaps where file_id = {literal(own)})"""
            )
        self.run(
            f"""insert into statements by name
                with later as (
                    select full_scopes.file_id, rooftop, exported_at, file_name, content_hash,
                        exported_at = {at} or exported_at = min(exported_at) filter (where exported_at > {at})
                            over (partition by rooftop) as is_next
                    from ledger.full_scopes
                    inner join files_known on full_scopes.file_id = files_known.file_id
                    where feed = {literal(feed.name)} and exported_at >= {at}
                ),
                unsaid as (
                    select key, file_id from ledger.quarantine where feed = {literal(feed.name)} and key is not null
                    union all
                    select key, file_id from perhaps
                ),
                named as (
                    {stated_keys(feed, "select key from careful")}
                    union all
                    select key, file_id from perhaps
                )
                select 'omitted' as origin, 'removed' as op, keys.key, exported_at, file_name, content_hash,
                    0 as row_number, later.file_id
                from (
                    select distinct key, {feed.rooftop_sql} as rooftop_of from incoming
                    where key in (select key from careful)
                ) as keys
                -- A full file whose row of the key is, or may be, in quarantine says nothing of it: any later one may
                -- be the next.
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
                    when origin <> 'sighted' or rest is not null then rest
                    else struct_extract(last_value(
                        case when origin = 'stored' and op = 'row' then struct_pack(rest := rest) end ignore nulls
                    ) over history, 'rest')
                end as rest
            )
            from statements
            window history as (
                partition by key order by {ORDER} rows between unbounded preceding and current row
            )
        )"""

    def _decide(self) -> None:
        """Makes ``judged`` (the rows of this file, and what else must be stored, ``is_news``) and ``decided`` (place,
        row_id, result of the rows of this file)."""
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
                select origin, place, row_id, key, carried, exported_at, updated_at, file_name, content_hash,
                    row_number, file_id, rest, {cells}, is_news
                from (
                    select *,
                        origin <> 'stored' and case
                            when op = 'removed' then coalesce(op_before = 'row', false)
                            else op_before is distinct from 'row' or {differs}
                        end as is_news
                    from (
                        select *, lag(op) over (partition by key order by {ORDER}) as op_before, {before}
                        from {self._filled()}
                        window before as (
                            partition by key order by {ORDER} rows between unbounded preceding and 1 preceding
                        )
                    )
                )
                where is_news or origin = 'incoming'"""
        )
        self.run(
            f"""create or replace temp table decided as
                select place, row_id,
                    case
                        when not is_news then 'unchanged'
                        when key in (select key from latest) then 'changed'
                        when row_number() over (partition by key order by is_news desc, {ORDER}) = 1 then 'new'
                        else 'changed'
                    end as result
                from judged
                where origin = 'incoming'"""
        )

    def _write_restored(self) -> None:
        """Stores what later files had said and what they had left out, where this file made it news again."""
        feed, landed_at = self.feed, f"timestamp '{self.delivery.landed_at}'"
        news = dict(
            self.comparison.connection.execute(
                "select origin, count(*) from judged where is_news group by origin"
            ).fetchall()
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
                    select {self.comparison.only_key()}, key, 'removed', null, null, exported_at, {landed_at},
                        file_id, 0, null, null, null
                    from (
                        select key as of_key, exported_at, file_id from judged where origin = 'omitted' and is_news
                    ) as omitted
                    inner join (
                        select key, {self.comparison.key_columns()}
                        from (
                            select key, {self.comparison.key_columns()} from {feed.table} where key in ({omitted})
                            union all
                            select key, {self.comparison.key_columns()} from incoming where key in ({omitted})
                        )
                        qualify row_number() over (partition by key) = 1
                    ) as known on known.key = of_key"""
            )
        self.comparison.removed += self.one(
            f"""select count(*) from judged
                where origin = 'omitted' and is_news and file_id = {literal(self.delivery.file_id)}"""
        )

    def _restored_row(self, landed_at: str) -> str:
        """The columns of a restored version, from its cells or from the version that it repeats."""
        feed = self.feed
        columns = feed.all_columns.items()
        if not self.comparison.mixed:
            return f"""{", ".join(f'versions."{name}"' for name, _ in columns)}, judged.key, 'row', versions.carried,
                    versions.day_only, judged.exported_at, {landed_at}, judged.file_id, judged.row_number,
                    versions.row_hash, judged.rest, versions.bad
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


def _carries(name: str) -> str:
    return f"(op = 'row' and (carried is null or {names_hold('carried', name)}))"


def _column_cell(column: Column) -> _Cell:
    """A column as a cell: value, text that failed its type, whether only a day was given."""
    name = column.name
    is_day = f"coalesce({names_hold('day_only', name)}, false)" if column.type == "instant" else "false"
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
