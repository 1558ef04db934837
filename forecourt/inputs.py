"""The settings of a home as tables (schema ``settings`` of the scratch file), for the models to join.

Business days and hours are computed here, once, because time zones and holidays are Python's strength.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import holidays as holidays_library

from forecourt.rows import write_rows
from forecourt.settings import WEEKDAYS, Rooftop, Settings

DAY = timedelta(days=1)

#: Table -> column -> type.
TABLES: dict[str, dict[str, str]] = {
    "run": {"known_at": "timestamp"},
    "rooftops": {
        "rooftop": "varchar",
        "name": "varchar",
        "legal_entity": "varchar",
        "time_zone": "varchar",
        "currency": "varchar",
        "vat_rate": "decimal(6,4)",
        "is_configured": "boolean",
    },
    "business_days": {
        "rooftop": "varchar",
        "day": "date",
        "start_utc": "timestamp",
        "end_utc": "timestamp",
        "is_holiday": "boolean",
        "open_seconds": "bigint",
        "open_seconds_before": "bigint",
        "intervals": "varchar",
    },
    "business_intervals": {
        "rooftop": "varchar",
        "day": "date",
        "opens_at": "timestamp",
        "closes_at": "timestamp",
    },
    "policies": {"key": "varchar", "value": "varchar", "valid_from": "date", "valid_to": "date"},
    "ageing_buckets": {
        "schedule": "varchar",
        "basis": "varchar",
        "position": "integer",
        "low": "integer",
        "high": "integer",
        "label": "varchar",
        "provision_percent": "varchar",
        "is_headline": "boolean",
        "valid_from": "date",
        "valid_to": "date",
    },
    "stock_edges": {
        "position": "integer",
        "low": "integer",
        "high": "integer",
        "label": "varchar",
        "valid_from": "date",
        "valid_to": "date",
    },
    "targets": {"kpi": "varchar", "rooftop": "varchar", "valid_from": "date", "value": "decimal(18,6)"},
    "benchmarks": {"kpi": "varchar", "value": "decimal(18,6)", "source": "varchar", "on": "date"},
    "closed_months": {"first_on": "date", "last_on": "date", "closed_at": "timestamp"},
}

SCHEDULES = (
    "default",
    "customer",
    "contract_in_transit",
    "warranty",
    "incentive",
    "parts_account",
    "wholesale",
    "insurance",
    "rental_damage",
    "employee",
)


def write_inputs(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    rooftops: Iterable[str],
    first_day: date,
    last_day: date,
    known_at: datetime,
    closed: Iterable[tuple[date, date, datetime]] = (),
) -> None:
    """Writes the schema ``settings`` anew into the connection's database.

    ``rooftops`` are the codes found in the data (those of the settings are always there); business days are
    made for every rooftop from ``first_day`` to ``last_day``; ``known_at`` is UTC without offset. ``closed``: first
    and last day of each closed month and when it was closed; what was closed after ``known_at`` was still open then.
    """
    codes = sorted(set(rooftops) | set(settings.rooftops))
    entries = [settings.rooftop(code) for code in codes]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "run": [(known_at,)],
        "rooftops": [
            (r.code, r.name, r.legal_entity, r.time_zone, r.currency, r.vat_rate, r.is_configured) for r in entries
        ],
        "policies": list(_policies(settings)),
        "ageing_buckets": list(_ageing_buckets(settings)),
        "stock_edges": list(_stock_edges(settings)),
        "targets": [(t.kpi, t.rooftop, t.valid_from, t.value) for t in settings.targets],
        "benchmarks": [(b.kpi, b.value, b.source, b.on) for b in settings.benchmarks],
        "closed_months": [entry for entry in closed if entry[2] <= known_at],
        "business_days": [],
        "business_intervals": [],
    }
    for rooftop in entries:
        for day_row, intervals in business_days(rooftop, first_day, last_day):
            rows["business_days"].append(day_row)
            rows["business_intervals"].extend(intervals)
    connection.execute("create schema if not exists settings")
    for table, columns in TABLES.items():
        write_rows(connection, f"settings.{table}", columns, rows[table])


def business_days(
    rooftop: Rooftop, first_day: date, last_day: date
) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Per local day the row of ``business_days`` and its rows of ``business_intervals``.

    Hours that run past midnight are cut there, so an interval lies in one local day; open seconds are real
    elapsed seconds, also in a night of a clock change.
    """
    zone = ZoneInfo(rooftop.time_zone)
    before = 0
    spilled: list[tuple[int, int]] = []
    day = first_day
    while day <= last_day:
        closed = is_holiday(rooftop, day)
        own = [] if closed else list(rooftop.hours[WEEKDAYS[day.weekday()]])
        minutes = spilled + [(start, min(end, 1440)) for start, end in own]
        spilled = [(0, end - 1440) for _, end in own if end > 1440]
        spans = [(_utc(day, start, zone), _utc(day, end, zone)) for start, end in sorted(minutes)]
        intervals = [(rooftop.code, day, opens, closes) for opens, closes in spans if closes > opens]
        seconds = sum(int((closes - opens).total_seconds()) for _, _, opens, closes in intervals)
        listed = json.dumps([[o.isoformat(), c.isoformat()] for _, _, o, c in intervals])
        yield (
            (
                rooftop.code,
                day,
                _utc(day, 0, zone),
                _utc(day, 1440, zone),
                closed,
                seconds,
                before,
                listed,
            ),
            intervals,
        )
        before += seconds
        day += DAY


def is_holiday(rooftop: Rooftop, day: date) -> bool:
    """True on a holiday of the rooftop's settings."""
    if rooftop.holidays is None:
        return False
    if isinstance(rooftop.holidays, tuple):
        return day in rooftop.holidays
    return day in _calendar(rooftop.holidays)


@cache
def _calendar(code: str) -> holidays_library.HolidayBase:
    country, _, part = code.partition("-")
    return holidays_library.country_holidays(country, subdiv=part or None)


def _utc(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The UTC instant (without offset) of a local wall time; of an ambiguous one the first."""
    days, minutes = divmod(minutes, 1440)
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=days, minutes=minutes)
    return local.astimezone(UTC).replace(tzinfo=None)


def _policies(settings: Settings) -> Iterator[tuple[Any, ...]]:
    for key, dated in sorted(settings.policies.items()):
        for number, entry in enumerate(dated):
            ends = dated[number + 1].valid_from if number + 1 < len(dated) else None
            value = entry.value
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            yield key, text, entry.valid_from, ends


def _spans(settings: Settings, *prefixes: str) -> list[tuple[date, date | None]]:
    """The spans of days in which no policy whose key begins so changes; the last has no end."""
    firsts = sorted(
        {entry.valid_from for key, dated in settings.policies.items() if key.startswith(prefixes) for entry in dated}
    )
    return list(zip(firsts, [*firsts[1:], None], strict=True))


def _stock_edges(settings: Settings) -> Iterator[tuple[Any, ...]]:
    """Buckets of days in stock, both ends included: 0 to the first edge, then from the day after each edge."""
    for valid_from, valid_to in _spans(settings, "stock.edges"):
        edges = settings.policy("stock.edges", valid_from)
        for position, (low, high) in enumerate(zip([0, *(edge + 1 for edge in edges)], [*edges, None], strict=True)):
            yield position, low, high, f"{low}-{high}" if high is not None else f"{low}+", valid_from, valid_to


def _ageing_buckets(settings: Settings) -> Iterator[tuple[Any, ...]]:
    """Buckets of every schedule by the policies of each span of days.

    By due date the first is ``not_due`` (up to day 0), by invoice date 0 to edge. A schedule that no setting names
    has those of ``default``.
    """
    headlines = "ageing.headline_schedules"
    named = {key.rpartition(".")[2] for key in settings.policies if key.startswith("ageing.edges.")}
    named |= {schedule for entry in settings.policies[headlines] for schedule in entry.value}
    for valid_from, valid_to in _spans(settings, "ageing.edges.", "ageing.provision.", headlines):
        for schedule in (*SCHEDULES, *sorted(named - set(SCHEDULES))):
            edges = _own_or_default(settings, "ageing.edges", schedule, valid_from)
            is_headline = schedule in settings.policy(headlines, valid_from)
            for basis in ("due", "invoice"):
                buckets: list[tuple[int | None, int | None, str]] = []
                first = 0 if basis == "invoice" or schedule == "contract_in_transit" else 1
                if first == 1:
                    buckets.append((None, 0, "not_due"))
                lows = [first] + [edge + 1 for edge in edges[:-1]]
                for low, high in zip(lows, edges, strict=True):
                    buckets.append((None if low == 0 else low, high, f"{low}-{high}"))
                buckets.append((edges[-1] + 1, None, f"{edges[-1] + 1}+"))
                for position, (low, high, label) in enumerate(buckets):
                    percent = str(_own_or_default(settings, "ageing.provision", label, valid_from))
                    yield schedule, basis, position, low, high, label, percent, is_headline, valid_from, valid_to


def _own_or_default(settings: Settings, family: str, name: str, on: date) -> Any:
    key = f"{family}.{name}"
    return settings.policy(key if key in settings.policies else f"{family}.default", on)
