"""On how many of the cars sold a product was sold too, by METRICS.md section 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle.exports import Row
from tests.oracle.gross import Gross, recognised_on
from tests.oracle.records import Part, Question, World

UNITS = ("retail", "lease")
HALF = Decimal("0.5")
#: The product of each KPI, as the lines of a deal call it.
PRODUCT = {
    "finance_penetration": "finance_reserve",
    "warranty_penetration": "warranty",
    "gap_penetration": "gap",
    "insurance_penetration": "insurance",
    "accessory_penetration": "accessory",
}


class Penetration:
    """The units sold, and the days from which on and until which each had a product."""

    def __init__(self, world: World, gross: Gross) -> None:
        self._world = world
        self._gross = gross
        self._lines = world.by("dms_deal_products", "rooftop", "deal_number")

    def parts(self, kpi: str, question: Question, by: str | None) -> Iterator[Part]:
        """Units with the product over retail and lease units; each taken back on the day it ends."""
        for deal in self._world.rows("dms_deals"):
            sold = recognised_on(self._world, deal)
            if sold is None or deal["deal_type"] not in UNITS:
                continue
            for dated_on, unit, has_product in self._steps(deal, sold, PRODUCT[kpi]):
                moved_on = self._moved_on(dated_on, sold, is_end=unit < 0)
                if dated_on > question.as_of or not question.covers(moved_on):
                    continue
                top, bottom = (unit, 0) if has_product else (0, unit)
                yield from self._by_person(self._part(deal, moved_on, top, bottom), deal, by)

    def _steps(self, deal: Row, sold: date, product: str) -> Iterator[tuple[date, int, bool]]:
        """Day, one more or one less, and whether it is the product or the car itself."""
        back: date = deal.get("reversed_on") or date.max
        yield sold, 1, False
        if back < date.max:
            yield back, -1, False
        for start, end in self._stretches(deal, sold, back, product):
            yield start, 1, True
            if end < date.max:
                yield end, -1, True

    def _stretches(self, deal: Row, sold: date, back: date, product: str) -> list[tuple[date, date]]:
        """First day with the product and first day without it, as often as it was there, whatever its lines."""
        spans = sorted(
            (max(line.get("booked_on") or sold, sold), min(line.get("cancelled_on") or date.max, back))
            for line in self._lines.get((deal["rooftop"], deal["deal_number"]), [])
            if line["product"] == product
        )
        found: list[tuple[date, date]] = []
        for start, end in spans:
            if end <= start:
                continue
            if found and start <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end)
            else:
                found.append((start, end))
        return found

    def _moved_on(self, dated_on: date, sold: date, *, is_end: bool) -> date:
        """The sale's day for what is booked while its month is open, and for all of a deal in the view ``cohort``."""
        if self._world.settings.policy("deal.view", sold) == "cohort":
            return sold
        is_closed = sold.replace(day=1) in self._world.settings.closed
        return dated_on if is_end or is_closed else sold

    def _part(self, deal: Row, moved_on: date, top: int, bottom: int) -> Part:
        vehicle = self._gross.vehicle(deal)
        groups: dict[str, Any] = {
            "condition": vehicle.get("condition"),
            "deal_type": deal["deal_type"],
            "finance_company": deal.get("finance_company") or "none",
            "finance_manager": deal.get("finance_manager"),
            "make": vehicle.get("make"),
            "model": vehicle.get("model"),
            "rooftop": deal["rooftop"],
            "salesperson": deal.get("salesperson"),
        }
        return Part(moved_on, groups, top=top, bottom=bottom, record=(deal["rooftop"], deal["deal_number"]))

    def _by_person(self, part: Part, deal: Row, by: str | None) -> Iterator[Part]:
        """One half for each person of a split deal."""
        second = deal.get("second_salesperson")
        if by != "salesperson" or not second:
            yield part
            return
        assert part.top is not None
        assert part.bottom is not None
        for person in (part.groups["salesperson"], second):
            groups = {**part.groups, "salesperson": person}
            yield replace(part, groups=groups, top=part.top * HALF, bottom=part.bottom * HALF)
