"""The export files: deliveries of each feed over time, with the mess that real exports have.

Every feed comes as a history, then as deltas, the last months monthly; lists of things that are (cars, customers,
employees, adverts) end with a full file. The mess changes no number for a reader who takes, column by column, the
last version of each key and refuses broken rows: changed and corrected rows, rows given twice, files sent again,
a file that carries only some columns, other column orders, unknown columns, line breaks inside quotes, byte order
marks, and rows that cannot be read, whose keys belong to nothing.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.sample.truth import cents
from ingest.sample.versions import as_at
from ingest.sample.world import Table, World, as_utc, month_end, with_offset

Row = tuple[Any, ...]

OFTEN = {
    "crm_activities", "crm_leads", "dms_allocations", "dms_deals", "dms_invoices", "dms_payments", "dms_rentals",
    "dms_vehicles",
}  # fmt: skip
SELDOM = {"crm_employees", "crm_spend", "dms_control_balances", "dms_documents", "dms_time_clock", "fx_rates"}
FULL = {"crm_customers", "crm_employees", "dms_customers", "dms_vehicles", "portal_listings"}
WITH_OFFSET = {"crm_leads", "crm_activities"}
IN_UTC = {"portal_calls", "crm_surveys"}
SENT_AGAIN = {"crm_leads", "dms_claims"}  # unchanged, once under a later day and once under an earlier minute
BROKEN = {
    "crm_activities", "crm_leads", "crm_tasks", "dms_allocations", "dms_claims", "dms_deals", "dms_invoices",
    "dms_payments", "dms_rentals", "dms_vehicle_costs", "dms_vehicles",
}  # fmt: skip
UNCLOSED = {"crm_leads", "dms_claims", "dms_invoices", "dms_payments"}  # of those, the ones cut off in a quote
CORRECTED = {  # money columns that clerks mistype and correct in the next export
    "dms_deals": "sale_price", "dms_vehicle_costs": "amount", "dms_invoices": "amount", "dms_payments": "amount",
    "dms_deal_products": "sale", "crm_quotes": "amount",
}  # fmt: skip
PARTIAL = (
    "rooftop", "deal_number", "deal_type", "status", "contract_on", "finalised_on", "delivered_on", "reversed_on",
)  # fmt: skip
HUNDREDTHS = {
    "sold_hours", "worked_hours", "attended_hours", "available_hours", "quantity", "quantity_filled",
}  # fmt: skip
ODD = {"crm_tasks": "completed_at"}
EXTRA = {"crm_leads": "utm_campaign", "dms_deals": "desk_note"}


@dataclass(slots=True)
class Delivery:
    """One file to be written: the rows of a feed as they stood at the end of a day."""

    table: Table
    name: str
    rows: list[Row] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    bad: list[list[str]] = field(default_factory=list)
    odd: list[list[str]] = field(default_factory=list)
    unclosed: bool = False
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in one file: data rows, and how many of them no reader may accept."""

    name: str
    rows: int
    bad: int


def write_files(world: World, directory: Path, on_step: Callable[[str, int], None] | None) -> list[Written]:
    """Writes the native files of every feed; ``on_step`` hears of each feed and the rows written for it."""
    written: list[Written] = []
    for name, table in world.tables.items():
        if name == "portal_leads":
            continue
        done = [_write(world, directory, delivery) for delivery in deliveries(world, table)]
        done += _again(directory, table, [file.name for file in done])
        written += done
        if on_step:
            on_step(name, sum(file.rows for file in done))
    note = "Please call me before you close September, two demo cars are at the body shop.\n"
    (directory / "notes_from_the_manager.txt").write_text(note, encoding="utf-8", newline="")
    return written


def delivery_days(world: World, feed: str) -> list[date]:
    """The days at whose end a feed was exported, months before the end: a history, then monthly or nearly so."""
    steps = (10, 7, 4, 3, 2, 1) if feed in OFTEN else (7, 1) if feed in SELDOM else (4, 2, 1)
    count = len(world.months)
    return [month_end(world.months[count - step]) for step in steps if step < count] or [world.end]


def deliveries(world: World, table: Table) -> list[Delivery]:
    """The files of one feed, oldest first, each row in every file between whose days it changed."""
    name, days = table.feed.name, delivery_days(world, table.feed.name)
    chance = world.chance("files", name)
    files = [Delivery(table, f"{name}_{day}.csv", columns=table.feed.columns) for day in days]
    last = len(days) - 1
    partial = Delivery(table, f"{name}_{world.end - timedelta(days=15)}.csv", columns=PARTIAL)
    middle = world.end - timedelta(days=15)
    for index, moments in enumerate(table.moments):
        found = sorted({bisect_left(days, moment) for moment in moments})
        if name == "dms_deals" and last > 0 and moments[0] <= days[-2] < moments[-1] <= middle:
            partial.rows.append(as_at(table, index, middle))  # the last file leaves it out
            found.remove(last)
        mistyped = name in CORRECTED and found == [found[0]] and found[0] < last and chance.random() < 0.006
        for place in found:
            row = as_at(table, index, days[place])
            files[place].rows.append(_mistyped(table, row) if mistyped else row)
            if chance.random() < 0.003:
                files[place].rows.append(files[place].rows[-1])
        if mistyped:
            files[found[0] + 1].rows.append(table.rows[index])
    if name in FULL:
        removed = table.feed.columns.index("removed_on") if name == "portal_listings" else 0
        files[-1].name = f"{name}_{days[-1]}.full.csv"
        before = days[-2] if last and name == "portal_listings" else None  # adverts taken down earlier may be left out
        files[-1].rows = [
            row
            for index, row in enumerate(table.rows)
            if before is None or index % 9 or table.moments[index][-1] > before or row[removed] is None
        ]
    _speak_for_every_rooftop(table, files[-1], days[-1])
    if name in BROKEN and files[-1].rows:
        _break(files[-1])
    if partial.rows:
        files.insert(last, partial)
    for place, file in enumerate(files):
        file.variant = place
    return [file for file in files if file.rows]


def _speak_for_every_rooftop(table: Table, file: Delivery, day: date) -> None:
    """The last file sends again the newest row of a rooftop where nothing changed, so that its data are current."""
    if "rooftop" not in table.feed.columns:
        return
    place = table.feed.columns.index("rooftop")
    newest = {table.rows[index][place]: index for index in range(len(table.rows)) if table.moments[index][0] <= day}
    heard = {row[place] for row in file.rows}
    file.rows += [as_at(table, index, day) for rooftop, index in newest.items() if rooftop not in heard]


def _mistyped(table: Table, row: Row) -> Row:
    place = table.feed.columns.index(CORRECTED[table.feed.name])
    return (*row[:place], row[place] + 1_000, *row[place + 1 :])


def _break(file: Delivery) -> None:
    """Adds rows that cannot be read: no key, a required value that is none, a cell too many, a quote left open."""
    table = file.table
    sample = as_texts(table, file.columns, file.rows[-1:], 0, {})[0]
    feed = table.feed

    def row(number: int, **changes: str) -> list[str]:
        own = {feed.key[-1]: f"BAD{number}"} | changes
        return [own.get(column, text) for column, text in zip(file.columns, sample, strict=True)]

    file.bad.append(row(1, **{feed.key[-1]: ""}))
    file.bad.append([*row(2), "and one more"])
    for column, kind in zip(feed.columns, feed.types, strict=True):
        if column in feed.required and kind in ("instant", "date", "money"):
            file.bad.append(row(3, **{column: {"money": "12,3O"}.get(kind, "31/02/2026")}))
            break
    if feed.name in ODD:  # lands all the same: what cannot be read is optional
        file.odd.append(row(4, **{ODD[feed.name]: "some time in May"}))
    file.unclosed = feed.name in UNCLOSED


def _write(world: World, directory: Path, file: Delivery) -> Written:
    zones = {rooftop.code: rooftop.time_zone for rooftop in world.rooftops}
    table, header = file.table, list(file.columns)
    rows = as_texts(table, file.columns, file.rows, file.variant, zones)
    extra = EXTRA.get(table.feed.name) if file.columns is not PARTIAL else None
    lines: list[list[str]] = [*rows, *file.odd, *file.bad]
    if extra and file.variant % 2:
        header.append(extra)
        for number, line in enumerate(lines):
            line.append('asked twice,\nsaid "later"' if number % 50 == 3 else "")
    if file.variant % 3 == 2 and not file.bad:  # another order of the columns
        header.reverse()
        for line in lines:
            line.reverse()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n" if file.variant % 2 else "\n")
    writer.writerow(header)
    writer.writerows(lines)
    count, bad = len(lines), len(file.bad)
    if file.unclosed:
        text.write(f'{table.feed.key[0]},BAD9,"the export broke off here')
        count, bad = count + 1, bad + 1
    encoding = "utf-8-sig" if table.feed.name in ("crm_quotes", "dms_customers") else "utf-8"
    (directory / file.name).write_bytes(text.getvalue().encode(encoding))
    return Written(file.name, count, bad)


def _again(directory: Path, table: Table, names: Sequence[str]) -> list[Written]:
    """Sends the file before the last two again: its bytes under two more names."""
    feed = table.feed.name
    if feed not in SENT_AGAIN or len(names) < 3:
        return []
    first = names[-3]
    content = (directory / first).read_bytes()
    day = date.fromisoformat(first.removeprefix(f"{feed}_")[:10])
    copies = (f"{feed}_{day}T2359.csv", f"{feed}_{day + timedelta(days=2)}.csv")
    for copy in copies:
        (directory / copy).write_bytes(content)
    rows = len(list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))) - 1
    return [Written(copy, rows, 0) for copy in copies]


def as_texts(
    table: Table, columns: tuple[str, ...], rows: Sequence[Row], variant: int, zones: dict[str, str]
) -> list[list[str]]:
    """The cells of the rows as text, in the order of ``columns``."""
    feed = table.feed
    places = [feed.columns.index(column) for column in columns]
    rooftops = [row[0] for row in rows]
    texts = []
    for place in places:
        cells = [row[place] for row in rows]
        kind, column = feed.types[place], feed.columns[place]
        if kind == "money":
            text = ["" if cell is None else cents(cell) for cell in cells]
        elif kind == "number":
            digits = 6 if column == "rate" else 2 if column in HUNDREDTHS else 0
            text = ["" if cell is None else _decimal(cell, digits) for cell in cells]
        elif kind == "instant":
            text = [
                "" if cell is None else _instant(feed.name, cell, zones.get(code, ""))
                for cell, code in zip(cells, rooftops, strict=True)
            ]
        elif kind == "date":
            text = ["" if cell is None else cell.isoformat() for cell in cells]
        elif kind == "boolean":
            yes, no = (("true", "false"), ("yes", "no"), ("1", "0"))[variant % 3]
            text = ["" if cell is None else yes if cell else no for cell in cells]
        else:
            text = ["" if cell is None else str(cell) for cell in cells]
        texts.append(text)
    return list(map(list, zip(*texts, strict=True)))


def _decimal(value: int, digits: int) -> str:
    if not digits:
        return str(value)
    whole, rest = divmod(abs(value), 10**digits)
    return f"{'-' if value < 0 else ''}{whole}.{rest:0{digits}d}"


def _instant(feed: str, value: date | datetime, zone: str) -> str:
    if not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"
    if feed == "crm_leads" and not (value.hour or value.minute or value.second):
        return value.date().isoformat()
    if zone and feed in WITH_OFFSET:
        return with_offset(value, zone)
    if zone and feed in IN_UTC:
        return as_utc(value, zone).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat()
