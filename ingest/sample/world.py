"""The frame of the simulated business: its rooftops, its calendar, its tables and its seeded chance.

Everything below is exact on every machine: chance comes from ``random.Random`` (``random()`` only, so that
no library's own rounding enters), money is whole cents, rates are millionths, days come from the arguments.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from ingest.contract import load_feeds

T = TypeVar("T")

END = date(2026, 9, 30)  # the sample ends here whatever the day is on which it is written
Moment = date | datetime | None

#: the five days off that the sample's own people keep, month and day (the settings name the real calendars)
DAYS_OFF = {(1, 1), (5, 1), (12, 24), (12, 25), (12, 26)}


class Rooftop(NamedTuple):
    """One place of business. ``hours``: seven (open, close) pairs in minutes from Monday, None = closed."""

    code: str
    name: str
    legal_entity: str
    time_zone: str
    currency: str
    vat_percent: int
    holidays: str
    locale: str
    hours: tuple[tuple[int, int] | None, ...]


_EARLY = ((540, 1140),) * 5 + ((540, 1020), None)
_LATE = ((510, 1110),) * 5 + ((540, 840), None)
_KINDS = (
    ("Hollybank", "Hollybank Motors Ltd", "Europe/London", "GBP", 20, "GB-ENG", "en", _EARLY),
    ("Lindenhof", "Autohaus Lindenhof GmbH", "Europe/Berlin", "EUR", 19, "DE-BE", "de", _LATE),
    ("Fernwick", "Hollybank Motors Ltd", "Europe/London", "GBP", 20, "GB-ENG", "en", _EARLY),
    ("Valdemora", "Talleres Valdemora SL", "Europe/Madrid", "EUR", 21, "ES-MD", "es", _LATE),
)


def rooftop(number: int) -> Rooftop:
    """The rooftop of that number, counted from 1; currencies and time zones alternate."""
    name, *rest = _KINDS[(number - 1) % len(_KINDS)]
    again = (number - 1) // len(_KINDS)
    return Rooftop(f"R{number}", f"{name} {again + 1}" if again else name, *rest)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's columns in order with their types, its key and its required columns, taken from the contract."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]
    required: frozenset[str]


@cache
def feeds() -> dict[str, Feed]:
    """Feed name -> what the simulation needs of its contract; only the vehicles state their time of change."""
    found: dict[str, Feed] = {}
    for name, contract in load_feeds().items():
        columns = contract.all_columns if name == "dms_vehicles" else contract.columns
        found[name] = Feed(
            name=name,
            columns=tuple(columns),
            types=tuple(column.type for column in columns.values()),
            key=contract.key,
            required=frozenset(column.name for column in columns.values() if column.required),
        )
    return found


@dataclass(slots=True)
class Table:
    """The rows of one feed and, beside each, the days on which its source exported it (made, then changed)."""

    feed: Feed
    end: date
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    moments: list[tuple[date, ...]] = field(default_factory=list)
    earlier: dict[int, dict[str, Any]] = field(default_factory=dict)  # row -> values before its last change
    _known: frozenset[str] = frozenset()

    def add(self, moments: Moment | Sequence[Moment], **values: Any) -> bool:
        """Adds a row made and changed on ``moments``; one made after the end never existed (False)."""
        given: Iterable[Moment] = moments if isinstance(moments, tuple | list) else (moments,)
        days = sorted({m.date() if isinstance(m, datetime) else m for m in given if m is not None})
        if days[0] > self.end:
            return False
        if not self._known:
            self._known = frozenset(self.feed.columns)
        if not values.keys() <= self._known:
            raise KeyError(f"{self.feed.name} has no column {sorted(values.keys() - self._known)}")
        self.rows.append(tuple(map(values.get, self.feed.columns)))
        self.moments.append(tuple(days))
        return True

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, in the order in which they were added."""
        columns = self.feed.columns
        return [dict(zip(columns, row, strict=True)) for row in self.rows]


class World:
    """All tables of one simulated business, its period and its rates of exchange."""

    def __init__(
        self, rooftops: int, years: float, seed: int, scale: float, plants: Mapping[str, date] | None = None
    ) -> None:
        self.seed, self.scale, self.end = seed, scale, END
        self.plants = plants or {}  # what goes wrong from which day on, see planted.py
        self.planted: list[dict[str, str]] = []  # and who it is that does
        self.months = month_starts(END, max(3, round(years * 12)))
        self.start = self.months[0]
        self.rooftops = tuple(rooftop(number) for number in range(1, rooftops + 1))
        self.tables = {name: Table(feed, END) for name, feed in feeds().items()}
        chance = self.chance("rates")
        self.euro_in_pounds: list[int] = []  # millionths, one for each month
        level = 860_000
        for _ in self.months:
            level += int(chance.random() * 12_001) - 6_000
            self.euro_in_pounds.append(level)

    def chance(self, *names: str) -> random.Random:
        """A generator of its own for each part, so that a change in one part leaves the others as they were."""
        return random.Random("|".join(("forecourt", str(self.seed), *names)))

    def rate(self, from_currency: str, to_currency: str, on: date) -> int:
        """Millionths of ``to_currency`` for one unit of ``from_currency`` in the month of ``on``."""
        if from_currency == to_currency:
            return 1_000_000
        month = max(0, bisect_right(self.months, on) - 1)
        pounds = self.euro_in_pounds[month]
        return pounds if from_currency == "EUR" else (10**12 + pounds // 2) // pounds

    def volume(self, per_month: float, chance: random.Random) -> int:
        """A month's count around ``per_month`` times the scale, never below 1."""
        return max(1, int(per_month * self.scale * (0.85 + 0.3 * chance.random()) + chance.random()))


def month_starts(end: date, count: int) -> list[date]:
    """The first days of the last ``count`` months up to the month of ``end``, oldest first."""
    last = end.year * 12 + end.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1)]


def month_end(day: date) -> date:
    """The last day of the month of ``day``."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def spread(chance: random.Random, curve: Sequence[float]) -> float:
    """A draw from a distribution given by its quantiles at equal steps, the first its least, the last its most."""
    place = chance.random() * (len(curve) - 1)
    step = int(place)
    return curve[step] + (curve[step + 1] - curve[step]) * (place - step)


def one_of(chance: random.Random, things: Sequence[T]) -> T:
    """One of the things, each as likely."""
    return things[int(chance.random() * len(things))]


def weighted(chance: random.Random, shares: Sequence[tuple[str, int]]) -> str:
    """One of the words by its share in percent; what the shares leave to 100 falls to the last."""
    place = chance.random() * 100
    for word, share in shares:
        place -= share
        if place < 0:
            return word
    return shares[-1][0]


def half_away(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` to the nearest whole number, halves away from zero; denominator above 0."""
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return whole if numerator >= 0 else -whole


def is_open(rooftop: Rooftop, day: date) -> bool:
    """Whether people work there on that day."""
    return rooftop.hours[day.weekday()] is not None and (day.month, day.day) not in DAYS_OFF


def open_day(rooftop: Rooftop, day: date) -> date:
    """``day``, or the next day on which the rooftop is open."""
    while not is_open(rooftop, day):
        day += timedelta(days=1)
    return day


def at(day: date, minutes: float) -> datetime:
    """A local instant, minutes after the midnight that begins ``day``."""
    return datetime.combine(day, time()) + timedelta(seconds=int(minutes * 60))


def work_time(rooftop: Rooftop, day: date, chance: random.Random) -> datetime:
    """An instant in the opening hours of ``day`` or of the next open day."""
    day = open_day(rooftop, day)
    opens, closes = rooftop.hours[day.weekday()] or (540, 1020)
    return at(day, opens + (closes - opens) * chance.random())


def in_hours(rooftop: Rooftop, since: datetime, minutes: float) -> datetime:
    """The instant ``minutes`` of opening time after ``since``."""
    day = since.date()
    position = since.hour * 60 + since.minute + since.second / 60
    while True:
        hours = rooftop.hours[day.weekday()]
        if hours is not None and (day.month, day.day) not in DAYS_OFF:
            begin = max(position, hours[0])
            if begin + minutes <= hours[1]:
                return at(day, begin + minutes)
            minutes -= max(0.0, hours[1] - begin)
        day, position = day + timedelta(days=1), 0.0


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _offset(zone: str, day: date) -> timedelta:
    return datetime.combine(day, time(12), _zone(zone)).utcoffset() or timedelta()


def as_utc(local: datetime, zone: str) -> datetime:
    """The instant in UTC of a local time: the first of an ambiguous hour, shifted forward over a missing one."""
    if local.hour < 4:
        return local.replace(tzinfo=_zone(zone)).astimezone(UTC)
    return (local - _offset(zone, local.date())).replace(tzinfo=UTC)


def with_offset(local: datetime, zone: str) -> str:
    """ISO 8601 text of a local time with the offset in force there."""
    if local.hour < 4:
        return local.replace(tzinfo=_zone(zone)).isoformat()
    minutes = int(_offset(zone, local.date()).total_seconds()) // 60
    return f"{local.isoformat()}+{minutes // 60:02d}:{minutes % 60:02d}"
