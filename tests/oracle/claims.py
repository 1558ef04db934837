"""Claim rate and return rate by METRICS.md section 4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from tests.oracle.clock import local_day, months_after
from tests.oracle.exports import Row
from tests.oracle.records import Part, Question, World, car

UNITS = ("retail", "lease")
NO_UNIT = "claim without a unit"
BEFORE = "claim from before delivery"


class Claims:
    """Units delivered to customers, and the claims that belong to them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._vehicles = {key: rows[0] for key, rows in world.by("dms_vehicles", "rooftop", "stock_number").items()}

    @cached_property
    def deliveries(self) -> list[Row]:
        """Every deal that was handed over, of any type."""
        return [deal for deal in self._world.rows("dms_deals") if self._is_delivered(deal)]

    def _is_delivered(self, deal: Row) -> bool:
        done = deal["status"] in ("finalised", "delivered", "unwound")
        return bool(deal.get("delivered_on") and (done or (deal["status"] == "cancelled" and deal.get("reversed_on"))))

    @cached_property
    def claims(self) -> list[tuple[Row, date, Row | None]]:
        """Every claim with the day it was opened and its deal, handed over or not."""
        by_deal = {(deal["rooftop"], deal["deal_number"]): deal for deal in self._world.rows("dms_deals")}
        by_stock: dict[Any, list[Row]] = defaultdict(list)
        by_vin: dict[Any, list[Row]] = defaultdict(list)
        for deal in sorted(self.deliveries, key=lambda deal: (deal["delivered_on"], deal["deal_number"])):
            vehicle = self._vehicles.get((deal["rooftop"], deal.get("stock_number")), {})
            by_stock[deal["rooftop"], deal.get("stock_number")].append(deal)
            by_vin[car(deal.get("vin")) or car(vehicle.get("vin"))].append(deal)
        found: list[tuple[Row, date, Row | None]] = []
        for claim in self._world.rows("dms_claims"):
            rooftop = claim["rooftop"]
            opened = local_day(claim["opened_at"], self._world.settings.rooftop(rooftop))
            unit = by_deal.get((rooftop, claim.get("deal_number")))
            if unit is None and claim.get("stock_number"):
                unit = _last(by_stock[rooftop, claim["stock_number"]], opened)
            if unit is None and (vin := car(claim.get("vin"))):
                unit = _last(by_vin[vin], opened)
            found.append((claim, opened, unit))
        return found

    def parts(self, kpi: str, question: Question) -> Iterator[Part]:
        """The units of the cohort, and the claims of the period that belong to none."""
        is_claim = kpi == "claim_rate"
        window_key = "claim.window_days" if is_claim else "return.window_days"
        events: dict[Any, list[date]] = defaultdict(list)
        for claim, opened, deal in self.claims:
            kinds = self._world.settings.policy("claim.kinds", opened) if is_claim else ["return"]
            if claim["kind"] not in kinds or opened > question.as_of:
                continue
            delivered = deal["delivered_on"] if deal is not None and self._is_delivered(deal) else date.max
            if deal is None or deal["deal_type"] not in UNITS or opened < delivered:
                yield from self._stray(claim, opened, deal, question, is_claim)
            else:
                events[deal["rooftop"], deal["deal_number"]].append(opened)
        for deal in self.deliveries:
            on = deal["delivered_on"]
            if deal["deal_type"] not in UNITS or not question.covers(on):
                continue
            window = timedelta(days=self._world.settings.policy(window_key, on))
            days = events[deal["rooftop"], deal["deal_number"]]
            if not is_claim and deal.get("reversed_on") and on <= deal["reversed_on"] <= question.as_of:
                days = [*days, deal["reversed_on"]]
            hit = any(on <= day <= on + window for day in days)
            mature = on + window <= question.as_of
            yield Part(
                on,
                self.groups(deal),
                top=int(hit),
                bottom=1,
                is_immature=not mature,
                so_far=0 if mature else int(hit),
            )

    def claims_submitted(self, question: Question) -> Iterator[Part]:
        """Section 4: claims of every kind by the day they were opened; a reopened one is one."""
        for claim, opened, deal in self.claims:
            if question.covers(opened):
                yield Part(opened, self._claimed(claim, deal), top=1)

    def claim_cost(self, question: Question) -> Iterator[Part]:
        """Section 4: amounts paid, on the day a claim was closed, else decided."""
        for claim, _, deal in self.claims:
            rooftop = self._world.settings.rooftop(claim["rooftop"])
            at = claim.get("closed_at") or claim.get("decided_at")
            day = local_day(at, rooftop) if at else None
            if not question.covers(day):
                continue
            part = Part(day, self._claimed(claim, deal), currency=rooftop.currency)
            if claim.get("amount_paid") is None:
                yield replace(part, excluded="amount paid is missing")
            elif (claim.get("currency") or rooftop.currency) != rooftop.currency:
                yield replace(part, excluded="exchange rate of the claim missing")
            else:
                yield replace(part, top=claim["amount_paid"])

    def _claimed(self, claim: Row, deal: Row | None) -> dict[str, Any]:
        vehicle = self.vehicle(deal) if deal is not None else {}
        return {
            "cause": claim.get("cause"),
            "kind": claim["kind"],
            "make": vehicle.get("make"),
            "model": vehicle.get("model"),
            "rooftop": claim["rooftop"],
        }

    def claims_per_service_month(self, question: Question) -> Iterator[Part]:
        """Section 4: claims by whole months in service that are over, of the units handed over in the period."""
        days: dict[Any, list[date]] = defaultdict(list)
        for claim, opened, deal in self.claims:
            if deal is not None and claim["kind"] in self._world.settings.policy("claim.kinds", opened):
                days[deal["rooftop"], deal["deal_number"]].append(opened)
        for deal in self.deliveries:
            on = deal["delivered_on"]
            if deal["deal_type"] not in UNITS or not question.covers(on):
                continue
            number, start = 1, on
            while (end := months_after(on, number)) <= min(question.as_of, self._world.newest):
                hits = [day for day in days[deal["rooftop"], deal["deal_number"]] if start <= day < end]
                yield Part(
                    on,
                    {**self.groups(deal), "month_in_service": f"{number:02}"},
                    top=len(hits),
                    bottom=1,
                )
                number, start = number + 1, end

    def _stray(self, claim: Row, opened: date, deal: Row | None, question: Question, is_claim: bool) -> Iterator[Part]:
        if not question.covers(opened):
            return
        is_early = deal is not None and deal["deal_type"] in UNITS
        yield Part(opened, {"rooftop": claim["rooftop"]}, excluded=BEFORE if is_early else NO_UNIT)

    def vehicle(self, deal: Row) -> Row:
        """The stock unit of a deal, empty where it is not in the data."""
        return self._vehicles.get((deal["rooftop"], deal.get("stock_number")), {})

    def groups(self, deal: Row) -> dict[str, Any]:
        """The values of the dimensions that KPIs of units have."""
        vehicle = self.vehicle(deal)
        return {
            "condition": vehicle.get("condition"),
            "deal_type": deal["deal_type"],
            "make": vehicle.get("make"),
            "model": vehicle.get("model"),
            "rooftop": deal["rooftop"],
            "salesperson": deal.get("salesperson"),
        }


def _last(deals: list[Row], opened: date) -> Row | None:
    """The last delivery not after a day, else the first of all."""
    before = [deal for deal in deals if deal["delivered_on"] <= opened]
    if before:
        return before[-1]
    return deals[0] if deals else None
