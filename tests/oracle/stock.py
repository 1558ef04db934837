"""Cars that stand for sale, and the way to the line, by METRICS.md sections 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.oracle.clock import DAY, local_day
from tests.oracle.exports import Row
from tests.oracle.fleet import FLEET
from tests.oracle.gross import Gross, recognised_on
from tests.oracle.records import LONGEST, Part, Question, World

EDGES = [30, 45, 60, 90, 120]
MONTH = timedelta(days=30)


@dataclass(frozen=True, eq=False)
class Unit:
    """One stock unit; ``steps`` are its events as local day and status, in order."""

    row: Row
    in_stock_on: date | None
    left_on: date | None
    steps: list[tuple[date, str]]

    @property
    def key(self) -> tuple[str, str]:
        return self.row["rooftop"], self.row["stock_number"]

    @property
    def is_fleet(self) -> bool:
        return self.row.get("use") in FLEET

    def is_here(self, day: date) -> bool:
        """Whether it is in stock at the end of a day."""
        return self.in_stock_on is not None and self.in_stock_on <= day and (self.left_on is None or self.left_on > day)

    def groups(self) -> dict[str, Any]:
        """The values of the dimensions that KPIs of cars have."""
        names = ("acquisition_channel", "condition", "make", "model", "rooftop", "supplier", "use")
        return {name: self.row.get(name) for name in names}


class Stock:
    """Every stock unit with its days."""

    def __init__(self, world: World, gross: Gross) -> None:
        self._world = world
        self._gross = gross

    @cached_property
    def units(self) -> list[Unit]:
        """Every stock unit. It left when removed, handed over by its last deal that counts, or gone from a file."""
        events = self._world.by("dms_vehicle_events", "rooftop", "stock_number")
        deals = self._world.by("dms_deals", "rooftop", "stock_number")
        found = []
        for record in self._world.feeds.get("dms_vehicles", {}).values():
            row = record.row
            key = (row["rooftop"], row["stock_number"])
            rooftop = self._world.settings.rooftop(row["rooftop"])
            basis = self._world.settings.policy("stock.in_stock_from", date.max)
            standing = [
                (on, deal["deal_number"], deal)
                for deal in deals.get(key, [])
                if (on := recognised_on(self._world, deal)) and not deal.get("reversed_on")
            ]
            _, _, last = max(standing, key=lambda found: found[:2], default=(None, None, {}))
            is_done = last.get("status") in ("finalised", "delivered", "unwound")
            handed = [last["delivered_on"]] if is_done and last.get("delivered_on") else []
            ends = [row.get("removed_on"), record.gone_on, *handed]
            left = min((end for end in ends if end), default=None)
            steps = sorted(events.get(key, []), key=lambda event: (event["occurred_at"].at, event["event_id"]))
            days = [(local_day(event["occurred_at"], rooftop), event["status"]) for event in steps]
            found.append(Unit(row, row.get(basis), left, days))
        return found

    def days_in_stock(self, question: Question) -> Iterator[Part]:
        """Section 3: first day in stock to the day the car left; fleet cars out."""
        for unit in self.units:
            if not unit.is_fleet and unit.in_stock_on:
                yield from self._duration(unit, unit.in_stock_on, unit.left_on, question)

    def transit_days(self, question: Question) -> Iterator[Part]:
        """Section 2, transit leg apart: acquisition to arrival."""
        for unit in self.units:
            start = unit.row.get("acquired_on")
            if start:
                stop = unit.row.get("arrived_on")
                yield from self._duration(unit, start, stop, question, unit.left_on)

    def time_to_line_days(self, question: Question) -> Iterator[Part]:
        """Section 2: arrival to the first ready event, else ready_on; each return to recon is a new span."""
        for unit in self.units:
            for kind, start, stop in self.ready_spans(unit):
                for part in self._duration(unit, start, stop, question, unit.left_on):
                    yield replace(part, groups={**part.groups, "span_kind": kind})

    def ready_spans(self, unit: Unit) -> Iterator[tuple[str, date, date | None]]:
        """The ways to the line: kind, first day, day ready."""
        ready = [day for day, status in unit.steps if status == "ready"]
        if unit.in_stock_on:
            yield "first", unit.in_stock_on, ready[0] if ready else unit.row.get("ready_on")
        started: date | None = None
        was_ready = False
        for day, status in unit.steps:
            if status == "ready":
                if started is not None:
                    yield "return to recon", started, day
                started, was_ready = None, True
            elif status == "in_recon" and was_ready and started is None:
                started = day
        if started is not None:
            yield "return to recon", started, None

    def _duration(
        self,
        unit: Unit,
        start: date,
        stop: date | None,
        question: Question,
        ended: date | None = None,
    ) -> Iterator[Part]:
        """One duration in days; ``ended``: the day from which it is not waited for any more."""
        part = Part(stop, unit.groups(), record=unit.key)
        if stop is not None and question.covers(stop):
            if stop < start:
                yield replace(part, excluded="stopped before it started")
            elif stop - start > LONGEST:
                yield replace(part, excluded="over 365 days")
            else:
                yield replace(part, top=Decimal((stop - start).days), record=None)
        elif (
            start <= question.end and (stop is None or stop > question.end) and (ended is None or ended > question.end)
        ):
            yield replace(part, day=question.end, is_open=True)

    def stock_ready_rate(self, question: Question) -> Iterator[Part]:
        """Section 3: days ready or reserved over days from arrival to removal, when a car leaves."""
        for unit in self.units:
            left, arrived = unit.left_on, unit.row.get("arrived_on")
            if unit.is_fleet or left is None or not question.covers(left):
                continue
            part = Part(left, unit.groups(), record=unit.key)
            if arrived is None:
                yield replace(part, excluded="arrival unknown")
            elif left < arrived:
                yield replace(part, excluded="left before it arrived")
            else:
                yield replace(part, top=self._days_ready(unit, arrived, left), bottom=(left - arrived).days)

    def _days_ready(self, unit: Unit, arrived: date, left: date) -> int:
        steps = list(unit.steps)
        if not any(status == "ready" for _, status in steps) and unit.row.get("ready_on"):
            steps = sorted([*steps, (unit.row["ready_on"], "ready")], key=lambda step: step[0])
        days = 0
        for (start, status), (stop, _) in pairwise([*steps, (date.max, "")]):
            if status in ("ready", "reserved"):
                days += max(0, (min(stop, left) - max(start, arrived)).days)
        return days

    def stock_units(self, question: Question) -> Iterator[Part]:
        """Section 3: cars in stock at the end of a day by the age in days."""
        for unit in self.units:
            if not unit.is_fleet and unit.is_here(question.end):
                yield Part(question.end, self._aged(unit, question.end), top=1, record=unit.key)

    def stock_cost(self, question: Question) -> Iterator[Part]:
        """Section 3: their cost as posted by the day, by the same ages."""
        for unit in self.units:
            if unit.is_fleet or not unit.is_here(question.end):
                continue
            cost = self._gross.stock_cost(unit.row, question.end)
            yield Part(
                question.end,
                self._aged(unit, question.end),
                top=cost,
                currency=self._world.settings.rooftop(unit.key[0]).currency,
                record=unit.key,
                excluded="cost unknown" if cost is None else None,
            )

    def _aged(self, unit: Unit, day: date) -> dict[str, Any]:
        assert unit.in_stock_on is not None
        age = (day - unit.in_stock_on).days
        edges: list[int] = self._world.settings.policy("stock.edges", day, EDGES)
        lower = 0
        for edge in edges:
            if age <= edge:
                return {**unit.groups(), "bucket": f"{lower}-{edge}"}
            lower = edge + 1
        return {**unit.groups(), "bucket": f"{lower}+"}

    def days_supply(self, question: Question) -> Iterator[Part]:
        """Section 3: ready units / (retail sold in 30 days / 30)."""
        day = question.end
        for unit in self.units:
            steps = [status for on, status in unit.steps if on <= day]
            if not unit.is_fleet and unit.is_here(day) and steps and steps[-1] == "ready":
                yield Part(day, unit.groups(), top=30, bottom=0, record=unit.key)
        for deal in self._world.rows("dms_deals"):
            on = recognised_on(self._world, deal)
            if deal["deal_type"] != "retail" or on is None or not day - MONTH < on <= day:
                continue
            if deal.get("reversed_on") and deal["reversed_on"] <= day:
                continue
            vehicle = self._gross.vehicle(deal)
            groups = {"rooftop": deal["rooftop"], **{n: vehicle.get(n) for n in ("condition", "make", "model")}}
            yield Part(day, groups, bottom=1, record=("deal", deal["rooftop"], deal["deal_number"]))


def states(question: Question) -> Iterator[date]:
    """The month ends of a period, the last one its end."""
    day = question.first
    while day <= question.end:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        yield min(following - DAY, question.end)
        day = following
