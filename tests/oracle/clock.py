"""Days, instants and business seconds of a rooftop, by zoneinfo alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import holidays

from tests.oracle.settings import DAYS, Rooftop, Settings

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Moment:
    """An instant in UTC; ``is_day`` where the source gave a day without a time."""

    at: datetime
    is_day: bool = False


def moment(text: str, rooftop: Rooftop) -> Moment:
    """ISO 8601 text as an instant; without an offset in the rooftop's time. Raises ValueError where it is none.

    The first of an ambiguous hour, shifted forward over a missing one: both are what fold 0 means.
    """
    if len(text) == 10:
        return Moment(datetime.combine(date.fromisoformat(text), time(), rooftop.zone).astimezone(UTC), True)
    found = datetime.fromisoformat(text)
    return Moment((found if found.tzinfo else found.replace(tzinfo=rooftop.zone, fold=0)).astimezone(UTC))


def midnight(day: date, rooftop: Rooftop) -> datetime:
    """The instant at which a day begins in the rooftop."""
    return datetime.combine(day, time(), rooftop.zone).astimezone(UTC)


def local_day(at: Moment, rooftop: Rooftop) -> date:
    """The day of an instant in the rooftop's zone."""
    return at.at.astimezone(rooftop.zone).date()


def through(exported: datetime, rooftop: Rooftop) -> date:
    """The day that an export speaks for: the day before when it was made before six in the morning."""
    local = exported.astimezone(rooftop.zone)
    return local.date() - (DAY if local.hour < 6 else timedelta())


def months_after(day: date, months: int) -> date:
    """The same day so many months later, the last of that month where it has none such."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + (day.day - 1) * DAY, following - DAY)


def elapsed(start: Moment, stop: Moment, rooftop: Rooftop) -> timedelta:
    """The time between two moments, in whole local days where one of them is only a day."""
    if start.is_day or stop.is_day:
        return local_day(stop, rooftop) - local_day(start, rooftop)
    return stop.at - start.at


class Clock:
    """The open intervals of every rooftop, laid out as they are asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._days: dict[tuple[str, date], list[tuple[datetime, datetime]]] = {}
        self._holidays: dict[str, frozenset[date]] = {}

    def intervals(self, code: str, day: date) -> list[tuple[datetime, datetime]]:
        """The open intervals that begin on a day, in UTC, in order."""
        if (code, day) not in self._days:
            self._days[code, day] = self._laid_out(self._settings.rooftop(code), day)
        return self._days[code, day]

    def is_open(self, code: str, at: datetime) -> bool:
        """Whether the rooftop is open at an instant."""
        return any(start <= at < stop for start, stop in self._around(code, at))

    def seconds(self, code: str, start: datetime, stop: datetime) -> int:
        """Whole business seconds between two instants."""
        total = timedelta()
        day = start.date() - 2 * DAY
        while day <= stop.date() + DAY:
            for begin, end in self.intervals(code, day):
                total += max(timedelta(), min(stop, end) - max(start, begin))
            day += DAY
        return int(total.total_seconds())

    def after(self, code: str, start: datetime, seconds: int) -> datetime | None:
        """The instant at which that many business seconds have passed; None where the rooftop never opens."""
        left = timedelta(seconds=seconds)
        day = start.date() - 2 * DAY
        for _ in range(400):
            for opens, end in self.intervals(code, day):
                begin = max(opens, start)
                if end > begin:
                    if end - begin >= left:
                        return begin + left
                    left -= end - begin
            day += DAY
        return None

    def _around(self, code: str, at: datetime) -> list[tuple[datetime, datetime]]:
        return [pair for step in (-2, -1, 0, 1) for pair in self.intervals(code, at.date() + step * DAY)]

    def _laid_out(self, rooftop: Rooftop, day: date) -> list[tuple[datetime, datetime]]:
        spans = rooftop.hours.get(DAYS[day.weekday()], "")
        if not spans or self._is_holiday(rooftop, day):
            return []
        found = []
        for span in spans.split(","):
            first, last = (part.strip() for part in span.split("-"))
            start = _local(day, first, rooftop)
            stop = _local(day if last > first else day + DAY, last, rooftop)
            found.append((start, stop))
        return sorted(found)

    def _is_holiday(self, rooftop: Rooftop, day: date) -> bool:
        if rooftop.holidays is None:
            return False
        if isinstance(rooftop.holidays, tuple):
            return day in rooftop.holidays
        key = f"{rooftop.holidays} {day.year}"
        if key not in self._holidays:
            country, _, part = rooftop.holidays.partition("-")
            self._holidays[key] = frozenset(holidays.country_holidays(country, part or None, years=day.year))
        return day in self._holidays[key]


def _local(day: date, text: str, rooftop: Rooftop) -> datetime:
    hour, minute = (int(part) for part in text.split(":"))
    day, hour = (day + DAY, 0) if hour == 24 else (day, hour)
    return datetime.combine(day, time(hour, minute), rooftop.zone).astimezone(UTC)
