"""From rows of text to typed rows of feeds, in temporary tables, with notes of what was odd on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.errors import Problem
from forecourt.literals import literal
from forecourt.settings import Settings
from ingest.comparison import Delivery
from ingest.contract import Feed
from ingest.layout import Layout, cell_text, kept_name, lay_out, usable_mappings
from ingest.mapping import FeedRows, contradiction_query, feed_rows, local_instants_query, rooftop_query
from ingest.notes import Note
from ingest.reading import Batch, FileRows
from ingest.sources import Cell, FeedMapping, Source
from ingest.values import clock_changes
from ingest.versions import is_first, store_first, take_back_repeated

_CLOCK_KINDS = {
    "ambiguous": "an hour that came twice: the first was taken",
    "missing": "an hour that the clock left out: it was shifted forward",
}


@dataclass
class Staged:
    """The feeds of a file whose typed rows lie in ``typed_<feed>``, the columns they carry, and the notes.

    ``sets``: the sets of columns (``carried_text``) that rows of a feed carry, which a typed row names by its place.
    ``names``: of the file's columns. ``is_one_to_one``: a file row gives one feed row at most. ``is_stored``: it was
    the first file of its feed, and its rows are in the feed's table; ``stored``: how many, all of them new.
    """

    feeds: dict[str, Feed] = field(default_factory=dict)
    carried: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: dict[str, list[str | None]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    is_one_to_one: bool = False
    is_stored: bool = False
    stored: int = 0

    def stated(self, feed: Feed) -> str:
        """The sound rows of a feed as a relation; ``incoming`` holds those that are still to be compared."""
        names = ", ".join(f'"{name}"' for name in feed.all_columns)
        stored = f"(select {names} from {feed.table} union all select {names} from incoming)"
        return stored if self.is_stored else "incoming"


def stage(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    rows: FileRows,
    settings: Settings,
    delivery: Delivery | None = None,
    on_rows: Callable[[int], None] = lambda done: None,
) -> Staged:
    """Types all rows of a file. Raises Problem (without the file's name) when the header or the dates do not fit.

    Given the ``delivery`` the sound rows of a feed's first file are stored at once; of them ``typed_<feed>`` keeps only
    those of keys that the file names more than once. ``on_rows``: called with the number of rows read so far.
    """
    staged = Staged(is_one_to_one=len(source.mappings) == 1 and not source.mappings[0].split)
    # A delta in one mapping whose rows have lines of their own; a full file is measured before it is stored.
    can_be_first = delivery and not source.is_full and rows.has_lines and staged.is_one_to_one
    first = delivery if can_be_first and is_first(connection, source.mappings[0].feed) else None
    staged.is_stored = first is not None
    _place_clocks(connection, settings, source)
    batches = _Batches(connection, source, settings, first, staged)
    for batch in rows.taken():
        in_hand = _InHand(batch.rows)
        connection.register("batch", in_hand)
        batches.stage(batch)
        connection.unregister("batch")
        in_hand.rows = None
        on_rows(rows.rows)
    counts = Counter(rows.repairs)
    staged.notes.extend(Note(None, "repair", repair, count) for repair, count in counts.items())
    staged.notes.extend(Note(None, "remark", remark.sentence, remark.rows) for remark in rows.remarks)
    for feed in staged.feeds.values():
        stated = f"(select *, null as problem from {feed.table})" if first else f"typed_{feed.name}"
        staged.notes.extend(_odd_values(connection, feed, stated, staged.carried[feed.name], settings))
        if first:
            staged.stored -= take_back_repeated(connection, feed)
    return staged


def split(connection: duckdb.DuckDBPyConnection, staged: Staged, feed: Feed) -> None:
    """Points ``incoming`` and ``withheld`` at the sound and the other rows of a staged feed; ``place`` is unique."""
    texts = [f"{literal(text)}::varchar" for text in staged.sets[feed.name]]
    cases = " ".join(f"when {place} then {text}" for place, text in enumerate(texts))
    carried = texts[0] if len(texts) == 1 else f"case carried {cases} end"
    connection.execute(
        f"""create or replace temp view incoming as
            select * exclude (problem, problem_text, rooftop_text) replace ({carried} as carried), rowid as place
            from typed_{feed.name} where problem is null"""
    )
    connection.execute(
        f"""create or replace temp view withheld as
            select row_id, row_number, key, {feed.rooftop_sql} as rooftop, problem, problem_text
            from typed_{feed.name} where problem is not null"""
    )


@dataclass(frozen=True)
class _Batches:
    """The batches of a file on their way to ``staged``. ``first``: the delivery whose sound rows are stored at once."""

    connection: duckdb.DuckDBPyConnection
    source: Source
    settings: Settings
    first: Delivery | None
    staged: Staged

    def stage(self, batch: Batch) -> None:
        """Types the rows of a batch, which lie in the relation ``batch``."""
        self.staged.names.update(dict.fromkeys(filter(None, batch.header)))
        layout = lay_out(self.source, batch.header, trimmed=batch.trimmed, place=batch.place)
        mappings, left_out = usable_mappings(self.source, layout)
        self._check_dates(mappings, layout)
        for position, mapping in enumerate(mappings):
            found = feed_rows(mapping, self.source, layout, "batch", with_rest=position == 0, has_marks=batch.has_marks)
            self._place_rooftops(rooftop_query(mapping, layout, "batch"))
            self._stage_mapping(found, batch.rows.num_rows)
            self.staged.notes.extend(self._clock_notes(mapping, found, layout, batch))
        if self.source.reader != "adf":
            self.staged.notes.extend(self._unmapped(layout, batch))
        # Records of JSON and XML leave out what they do not say.
        if self.source.reader == "table":
            notes = [Note(feed, "no rows of a feed", column, 0) for feed, column in left_out.items()]
            self.staged.notes.extend(note for note in notes if note not in self.staged.notes)

    def _check_dates(self, mappings: list[FeedMapping], layout: Layout) -> None:
        """Raises Problem for a date that contradicts the order that the source declares."""
        for mapping in mappings:
            query = contradiction_query(mapping, self.source, layout, "batch")
            wrong = self.connection.execute(query).fetchall() if query else []
            if wrong:
                line, column, text = wrong[0]
                name, orders = self.source.name, {"mdy": "month/day/year", "dmy": "day/month/year"}
                words = orders.get(self.source.spelling.dates) or "written otherwise"
                raise Problem(
                    f"line {line}: {column} is {text!r}, but the dates of {name} are {words}. One of the two "
                    "is wrong, so no date of the file can be trusted: export it with that order, or correct the source."
                )

    def _stage_mapping(self, found: FeedRows, rows: int) -> None:
        """Makes ``typed_<feed>`` of so many rows, or adds them to it."""
        feed, query, staged = found.feed, found.query, self.staged
        if self.first:
            stored = store_first(self.connection, feed, self.first, query)
            staged.stored += stored
            query = f"select * from ({query}) where {'problem is not null' if stored < rows else 'false'}"
        sets = staged.sets.setdefault(feed.name, [])
        if found.carried_text not in sets:
            sets.append(found.carried_text)
        # Its place, because the text is longer than the rest of many a row.
        query = f"select * replace ({sets.index(found.carried_text)}::usmallint as carried) from ({query})"
        if feed.name in staged.feeds:
            self.connection.execute(f"insert into typed_{feed.name} {query}")
        else:
            self.connection.execute(f"create or replace temp table typed_{feed.name} as {query}")
        staged.feeds[feed.name] = feed
        before = staged.carried.get(feed.name, ())
        staged.carried[feed.name] = tuple(name for name in feed.all_columns if name in before or name in found.carried)

    def _place_rooftops(self, query: str) -> None:
        """Makes ``rooftop_places``: for each text that stands for a rooftop its code and time zone."""
        texts = [row[0] for row in self.connection.execute(query).fetchall()]
        self.connection.execute(
            "create or replace temp table rooftop_places (text varchar, code varchar, time_zone varchar)"
        )
        codes = [(text, self.settings.rooftop_code(text)) for text in texts]
        places = [(text, code, self.settings.rooftop(code).time_zone) for text, code in codes]
        for start in range(0, len(places), 1000):
            rows = ", ".join(
                f"({', '.join(literal(word) for word in place)})" for place in places[start : start + 1000]
            )
            self.connection.execute(f"insert into rooftop_places values {rows}")

    def _clock_notes(self, mapping: FeedMapping, found: FeedRows, layout: Layout, batch: Batch) -> list[Note]:
        """How many local instants lie in an hour that the clock gave twice or left out."""
        query = local_instants_query(found, mapping, layout, self.source, "batch")
        if not query or not self._may_meet_changes(mapping, found, layout, batch):
            return []
        rows = self.connection.execute(
            f"""select name, kind, count(*)
                from ({query}) as instants
                inner join clock_spans
                    on instants.time_zone = clock_spans.time_zone and local >= starts and local < ends
                group by name, kind order by name, kind"""
        ).fetchall()
        return [
            Note(found.feed.name, f"{kind} hour", f"{name} names {_CLOCK_KINDS[kind]}", count)
            for name, kind, count in rows
        ]

    def _may_meet_changes(self, mapping: FeedMapping, found: FeedRows, layout: Layout, batch: Batch) -> bool:
        """False when no local instant begins with the day of a clock change: cheaper than to ask for each zone."""
        cells = [mapping.cells[name] for name in found.carried if found.feed.all_columns[name].type == "instant"]
        is_plain = all(cell.column and cell == Cell(column=cell.column) for cell in cells)
        if self.source.spelling.dates != "iso" or mapping.split or not batch.trimmed or not is_plain:
            return True
        columns = [f"c{layout.position(cell.column or '')}" for cell in cells]
        # Most instants end in Z, and that is cheaper to see than their day.
        on_such_days = [
            f"select 1 from batch where not ends_with({column}, 'Z') "
            f"and {column}[:10] in (select day from clock_changes)"
            for column in columns
        ]
        query = f"{' union all '.join(on_such_days)} limit 1"
        return bool(on_such_days) and bool(self.connection.execute(query).fetchall())

    def _unmapped(self, layout: Layout, batch: Batch) -> list[Note]:
        """One note a column that no feed takes and that holds something."""
        if not layout.unmapped:
            return []
        # A sum: as many filtered counts take minutes for a few thousand columns.
        texts = [cell_text(place, self.source, batch.trimmed) for place in layout.unmapped]
        counts = ", ".join(f"coalesce(sum(({text} <> '')::integer), 0)" for text in texts)
        found = self.connection.execute(f"select {counts} from batch").fetchall()[0]
        names = [kept_name(layout, place) for place in layout.unmapped]
        return [Note(None, "unmapped column", name, count) for name, count in zip(names, found, strict=True) if count]


class _InHand:
    """The rows of a batch as the database asks for them: until its transaction ends, it holds on to what was
    registered, and rows that are let go here are out of the memory."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows: Any = rows

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.rows.__arrow_c_stream__(requested_schema)


def _place_clocks(connection: duckdb.DuckDBPyConnection, settings: Settings, source: Source) -> None:
    """Adds the clock changes of the time zones that a file may name to ``clock_spans`` and ``clock_changes``."""
    connection.execute(
        "create temp table if not exists clock_spans "
        "(time_zone varchar, starts timestamp, ends timestamp, kind varchar)"
    )
    connection.execute("create temp table if not exists clock_changes (day varchar)")
    zones = {rooftop.time_zone for rooftop in settings.rooftops.values()} | {settings.fallback.time_zone}
    zones |= {source.time_zone} if source.time_zone else set()
    zones -= {zone for (zone,) in connection.execute("select distinct time_zone from clock_spans").fetchall()}
    spans = [(zone, *span) for zone in sorted(zones) for span in clock_changes(zone)]
    if not spans:
        return
    # As lists, because a table of Arrow that is made of Python values imports pandas, which takes a third of a second.
    columns = list(map(list, zip(*spans, strict=True)))
    connection.execute(f"insert into clock_spans select {', '.join(['unnest(?)'] * 4)}", columns)
    for moments in columns[1:3]:
        connection.execute("insert into clock_changes select unnest(?)::date::varchar", [moments])


def _odd_values(
    connection: duckdb.DuckDBPyConnection, feed: Feed, table: str, carried: tuple[str, ...], settings: Settings
) -> list[Note]:
    """Optional values that failed their type, words outside the contract's list, rooftops not in the settings."""
    notes = [
        Note(feed.name, "failed value", name, count)
        for name, count in connection.execute(
            f"""select name, count(*) from (
                    select unnest(json_keys(bad)) as name from {table} where bad is not null and problem is null
                ) group by name order by name"""
        ).fetchall()
    ]
    words = [
        f"""select '{name}' as name, "{name}" as word, count(*) as rows from {table}
            where problem is null and "{name}" not in ({", ".join(literal(word) for word in column.values)})
            group by all"""
        for name, column in feed.all_columns.items()
        if column.values and name in carried
    ]
    if words:
        notes += [
            Note(feed.name, "unknown word", f"{name} = {word}", count)
            for name, word, count in connection.execute(
                f"{' union all '.join(words)} order by name, rows desc, word limit 100"
            ).fetchall()
        ]
    if feed.has_rooftop and "rooftop" in carried:
        known = ", ".join(literal(code) for code in settings.rooftops) or "''"
        notes += [
            Note(feed.name, "unknown rooftop", code, count)
            for code, count in connection.execute(
                f"""select rooftop, count(*) from {table}
                    where problem is null and rooftop is not null and rooftop not in ({known})
                    group by rooftop order by rooftop limit 100"""
            ).fetchall()
        ]
    return notes
