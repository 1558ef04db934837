"""Utilisation of rental, courtesy and demo cars by METRICS.md section 3."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.oracle.clock import DAY, local_day, midnight, through
from tests.oracle.exports import Record, Row
from tests.oracle.records import Part, Question, World

FLEET = ("rental", "courtesy", "demo")
STANDARD_DAY = 86_400
SECOND = timedelta(seconds=1)
NOTHING = timedelta()
MOMENT = timedelta(microseconds=1)
GRACE = timedelta(minutes=59)
NOT_IN_FLEET = "hire of a car that was not in the fleet"
NO_USE = "use of the car not known on the day"


@dataclass(frozen=True)
class CarDay:
    """One fleet car on one local day, in seconds of a standard day."""

    car: tuple[str, str]
    day: date
    use: str
    on_hire: int
    out_of_service: int
    vehicle: Row


@dataclass(frozen=True)
class Span:
    """A stretch of time in UTC."""

    start: datetime
    stop: datetime


class Fleet:
    """Every fleet car on every day, and the hires that no fleet car carries."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._events = world.by("dms_vehicle_events", "rooftop", "stock_number")
        self._hires = world.by("dms_rentals", "rooftop", "stock_number")

    def parts(self, kpi: str, question: Question) -> Iterator[Part]:
        """The car days of the period, and what is excluded."""
        days, strays, unknown = self._laid_out(question.as_of)
        for found in days:
            if not question.covers(found.day):
                continue
            bottom = STANDARD_DAY - (found.out_of_service if kpi == "fleet_utilisation_rate" else 0)
            yield Part(
                found.day,
                {
                    "make": found.vehicle.get("make"),
                    "model": found.vehicle.get("model"),
                    "rooftop": found.car[0],
                    "use": found.use,
                },
                top=Decimal(found.on_hire) / STANDARD_DAY,
                bottom=Decimal(bottom) / STANDARD_DAY,
                record=found.car,
            )
        for hire, day, groups in strays:
            if question.covers(day):
                yield Part(day, groups, excluded=NOT_IN_FLEET, record=(hire["rooftop"], hire["agreement_number"]))
        for car, day, vehicle in unknown:
            if question.covers(day):
                groups = {"make": vehicle.get("make"), "model": vehicle.get("model"), "rooftop": car[0]}
                yield Part(day, groups, excluded=NO_USE, record=car)

    def _laid_out(self, as_of: date) -> tuple[list[CarDay], list[Any], list[Any]]:
        """Car days, hires of other cars and days of unknown use; through the newest day of the data at most."""
        as_of = min(as_of, self._world.newest)
        if as_of not in self._answers:
            days: list[CarDay] = []
            unknown: list[Any] = []
            inside: set[tuple[tuple[str, str], date]] = set()
            for record in self._world.feeds.get("dms_vehicles", {}).values():
                for found in self._car(record, as_of):
                    if found.use == "unknown":
                        unknown.append((found.car, found.day, found.vehicle))
                    else:
                        days.append(found)
                    inside.add((found.car, found.day))
            self._answers[as_of] = days, list(self._strays(inside, as_of)), unknown
        return self._answers[as_of]

    @cached_property
    def _answers(self) -> dict[date, tuple[list[CarDay], list[Any], list[Any]]]:
        return {}

    def _car(self, record: Record, as_of: date) -> Iterator[CarDay]:
        row = record.row
        car = (row["rooftop"], row["stock_number"])
        rooftop = self._world.settings.rooftop(car[0])
        uses = self._uses(record)
        if not any(use in FLEET for _, use in uses):
            return
        first: date | None = row.get("arrived_on") or row.get("acquired_on")
        if first is None:
            return
        ends = [end for end in (row.get("removed_on"), record.gone_on, as_of + DAY) if end]
        last = min(ends)
        hires = self._united(car, as_of)
        idle = self._out_of_service(car, as_of)
        since = [day for day, _ in uses]
        day = first
        while day < last:
            place = bisect_right(since, day) - 1
            use = uses[place][1] if place >= 0 else "unknown"
            if use in FLEET or use == "unknown":
                start, stop = midnight(day, rooftop), midnight(day + DAY, rooftop)
                length = (stop - start) // SECOND
                hired = _within(hires, start, stop)
                resting = _within(_minus(idle, hires), start, stop)
                yield CarDay(
                    car,
                    day,
                    use,
                    scaled(hired, length),
                    scaled(resting, length),
                    row,
                )
            day += DAY

    def _uses(self, record: Record) -> list[tuple[date, str | None]]:
        """What the car was used for from each day on, by the versions that say so."""
        rooftop = self._world.settings.rooftop(record.row["rooftop"])
        found: list[tuple[date, tuple[Any, ...], str | None]] = []
        previous: Row = {}
        for version, state in record.states():
            if state == previous or "use" not in version.values:
                continue
            updated = state.get("updated_at")
            owned = [record.row[name] for name in ("arrived_on", "acquired_on") if record.row.get(name)]
            if updated:
                since = local_day(updated, rooftop)
            elif owned and not found:
                since = min(owned)
            else:
                since = through(version.exported_at, rooftop)
            found.append((since, version.order, state.get("use")))
            previous = state
        return [(since, use) for since, _, use in sorted(found, key=lambda step: step[:2])]

    def _united(self, car: tuple[str, str], as_of: date) -> list[Span]:
        """The union of a car's hires through the end of as_of."""
        end = midnight(as_of + DAY, self._world.settings.rooftop(car[0]))
        spans = sorted(
            (span.start, min(span.stop, end))
            for hire in self._hires.get(car, [])
            if (span := self._counted(hire, end)).start < end
        )
        found: list[Span] = []
        for start, stop in spans:
            if stop <= start:
                continue
            if found and start <= found[-1].stop:
                found[-1] = Span(found[-1].start, max(found[-1].stop, stop))
            else:
                found.append(Span(start, stop))
        return found

    def _counted(self, hire: Row, end: datetime) -> Span:
        """The time a hire counts for, by the policy of the day it went out; an open one runs to ``end``."""
        rooftop = self._world.settings.rooftop(hire["rooftop"])
        out, back = hire["out_at"].at, hire.get("returned_at")
        day = local_day(hire["out_at"], rooftop)
        part_day = self._world.settings.policy("rental.part_day", day)
        if back is not None and back.at <= out:
            return Span(out, out)
        if part_day == "started_day":
            last = ((back.at if back else end) - MOMENT).astimezone(rooftop.zone).date()
            return Span(midnight(day, rooftop), midnight(last + DAY, rooftop))
        if part_day == "day_24h" and back is not None:
            days = max(1, -((GRACE - (back.at - out)) // DAY))
            return Span(out, out + days * DAY)
        return Span(out, back.at if back else end)

    def _out_of_service(self, car: tuple[str, str], as_of: date) -> list[Span]:
        """From each event that takes a car out of service until its next event."""
        rooftop = self._world.settings.rooftop(car[0])
        end = midnight(as_of + DAY, rooftop)
        events = sorted(
            (event for event in self._events.get(car, []) if event["occurred_at"].at < end),
            key=lambda event: (event["occurred_at"].at, event["event_id"]),
        )
        found = []
        for place, event in enumerate(events):
            day = local_day(event["occurred_at"], rooftop)
            if event["status"] in self._world.settings.policy("fleet.out_of_service", day):
                stop = events[place + 1]["occurred_at"].at if place + 1 < len(events) else end
                found.append(Span(event["occurred_at"].at, stop))
        return found

    def _strays(self, inside: set[tuple[tuple[str, str], date]], as_of: date) -> Iterator[Any]:
        """Hires whose car was not in the fleet when they began."""
        for hire in self._world.rows("dms_rentals"):
            car = (hire["rooftop"], hire["stock_number"])
            day = local_day(hire["out_at"], self._world.settings.rooftop(hire["rooftop"]))
            if day <= as_of and (car, day) not in inside:
                record = self._world.feeds.get("dms_vehicles", {}).get(car)
                vehicle = record.row if record else {}
                groups = {"make": vehicle.get("make"), "model": vehicle.get("model")}
                yield hire, day, {**groups, "rooftop": hire["rooftop"], "use": "not in fleet"}


def scaled(seconds: int, length: int) -> int:
    """Seconds of a day of some length as seconds of a standard day, rounded half up."""
    return (2 * seconds * STANDARD_DAY + length) // (2 * length)


def _within(spans: list[Span], start: datetime, stop: datetime) -> int:
    """Whole seconds of the spans between two instants."""
    covered = [min(span.stop, stop) - max(span.start, start) for span in spans]
    return sum((length for length in covered if length > NOTHING), NOTHING) // SECOND


def _minus(spans: list[Span], others: list[Span]) -> list[Span]:
    """The spans without what others cover; others do not overlap."""
    found: list[Span] = []
    for span in spans:
        start = span.start
        for other in others:
            if other.stop <= start or other.start >= span.stop:
                continue
            if other.start > start:
                found.append(Span(start, other.start))
            start = max(start, other.stop)
        if start < span.stop:
            found.append(Span(start, span.stop))
    return found
