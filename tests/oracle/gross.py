"""Gross of deals, hires, workshop and counter by METRICS.md section 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.oracle.clock import DAY, local_day, midnight
from tests.oracle.exports import Row, cents
from tests.oracle.records import Part, Question, World

ZERO = Decimal("0.00")
SECOND = timedelta(seconds=1)
STEPS = ("pending", "booked", "finalised", "delivered")
DATE_OF_STEP = {"contract": "contract_on", "finalised": "finalised_on", "delivered": "delivered_on"}
STATUS_OF_STEP = {"contract": "booked", "finalised": "finalised", "delivered": "delivered"}

#: Departments of the store that counter sales count in; the others are other.
COUNTER = {"parts": "parts", "accessories": "parts"}

NO_COST = "vehicle cost unknown"
NO_TRADE = "trade-in allowance or value missing"
NO_PURCHASE = "margin scheme without purchase price"
NO_COMMISSION = "commission of a consignment car missing"
NO_PRICE = "sale price missing"
NO_LINE_RATE = "exchange rate of a cost line missing"
NO_RATE = "exchange rate of the deal missing"


@dataclass(frozen=True)
class Movement:
    """One effect of a deal on a day; a part that is None is unknown for the reason beside it."""

    deal: Row
    kind: str
    moved_on: date
    dated_on: date
    unit: int
    front_revenue: Decimal | None
    back_revenue: Decimal | None
    front: Decimal | None
    back: Decimal | None
    front_reason: str | None
    back_reason: str | None
    has_back: bool


@dataclass(frozen=True)
class Store:
    """One effect on the gross of a department."""

    department: str
    rooftop: str
    moved_on: date
    dated_on: date
    revenue: Decimal | None
    gross: Decimal | None
    reason: str | None
    record: tuple[str, ...]


def recognised_on(world: World, deal: Row) -> date | None:
    """The day the policy's step makes a deal count; None where it does not."""
    dates = [deal[column] for column in DATE_OF_STEP.values() if deal.get(column)]
    step = world.settings.policy("deal.recognition", min(dates, default=date.max))
    day: date | None = deal.get(DATE_OF_STEP[step])
    if day is not None and deal.get("reversed_on") and deal["reversed_on"] < day:
        return None
    status = deal["status"]
    if day is None:
        return None
    if status == "cancelled":
        return day if deal.get("reversed_on") else None
    if status == "unwound":
        return day
    needed = STATUS_OF_STEP[step]
    if STEPS.index(status) >= STEPS.index(needed) or (step == "delivered" and status == "finalised"):
        return day
    return None


class Gross:
    """Every movement of every deal, and the gross of the departments, as known at the end of a day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lines = world.by("dms_vehicle_costs", "rooftop", "stock_number")
        self._products = world.by("dms_deal_products", "rooftop", "deal_number")
        self._vehicles = {key: rows[0] for key, rows in world.by("dms_vehicles", "rooftop", "stock_number").items()}
        self._known: dict[date, list[Movement]] = {}

    def movements(self, as_of: date) -> list[Movement]:
        """The movements of all deals dated by a day; in the view ``cohort`` all on the recognition day."""
        if as_of not in self._known:
            self._known[as_of] = [
                move
                if self._is_period(deal)
                else replace(move, moved_on=recognised_on(self._world, deal) or move.moved_on)
                for deal in self._world.rows("dms_deals")
                for move in self._moves(deal, as_of)
            ]
        return self._known[as_of]

    def _is_period(self, deal: Row) -> bool:
        day = recognised_on(self._world, deal)
        return day is None or self._world.settings.policy("deal.view", day) == "period"

    def vehicle(self, deal: Row) -> Row:
        """The stock unit of a deal, empty where it is not in the data."""
        return self._vehicles.get((deal["rooftop"], deal.get("stock_number")), {})

    def _own(self, amount: Decimal | None, row: Row, rooftop: str) -> Decimal | None:
        """An amount in the rooftop's currency, which counts at 1 whatever the row says; None where it is not known."""
        if amount is None:
            return None
        if self._is_home(row, rooftop):
            return amount
        rate: Decimal | None = row.get("rate")
        return cents(amount * rate) if rate is not None and rate > 0 else None

    def _is_home(self, row: Row, rooftop: str) -> bool:
        """Whether a row is in the rooftop's own currency, or in none it names."""
        home = self._world.settings.rooftop(rooftop).currency
        return (row.get("currency") or home) == home

    def _moves(self, deal: Row, as_of: date) -> Iterator[Movement]:
        day = recognised_on(self._world, deal)
        if day is None or day > as_of:
            return
        reversed_on: date | None = deal.get("reversed_on")
        end = min(as_of, reversed_on) if reversed_on else as_of
        moved = [*self._car(deal, day, end), *self._late_products(deal, day, end), *self._chargebacks(deal, day, end)]
        yield from moved
        if reversed_on is None or reversed_on > as_of:
            return

        def undone(name: str) -> Decimal | None:
            parts = [getattr(move, name) for move in moved]
            return None if any(part is None for part in parts) else -sum(parts, ZERO)

        yield Movement(
            deal,
            "reversal",
            reversed_on,
            reversed_on,
            -1,
            undone("front_revenue"),
            undone("back_revenue"),
            undone("front"),
            undone("back"),
            next((move.front_reason for move in moved if move.front_reason), None),
            next((move.back_reason for move in moved if move.back_reason), None),
            any(move.has_back for move in moved),
        )

    def _car(self, deal: Row, day: date, end: date) -> Iterator[Movement]:
        """The sale, and every cost line that comes later: the difference of two readings of the cost ladder."""
        vehicle = self.vehicle(deal)
        if vehicle.get("use") == "consignment":
            yield self._sale(deal, vehicle, day, None)
            return
        lines = sorted(self._costs(deal, end), key=lambda line: (line["posted_on"], line["cost_id"]))
        later = sorted({line["posted_on"] for line in lines if line["posted_on"] > day})
        ladder = [(on, self._vehicle_cost(deal, vehicle, day, lines, on)) for on in [day, *later]]
        while len(ladder) > 1 and ladder[0][1] is None:
            ladder.pop(0)
        yield self._sale(deal, vehicle, day, ladder[0][1])
        for (_, before), (on, after) in pairwise(ladder):
            cost = after - before if after is not None and before is not None else None
            yield Movement(
                deal,
                "late_cost",
                on if self._is_closed(day) else day,
                on,
                0,
                ZERO,
                ZERO,
                -cost if cost is not None else None,
                ZERO,
                NO_COST if cost is None else None,
                None,
                False,
            )

    def _is_closed(self, day: date) -> bool:
        return day.replace(day=1) in self._world.settings.closed

    def _costs(self, deal: Row, end: date) -> list[Row]:
        if not deal.get("stock_number"):
            return []
        recognised = recognised_on(self._world, deal) or end
        is_in_cost = self._world.settings.policy("deal.pack", recognised) == "in_cost"
        return [
            line
            for line in self._lines.get((deal["rooftop"], deal["stock_number"]), [])
            if line["posted_on"] <= end and (is_in_cost or line["category"] != "pack")
        ]

    def _vehicle_cost(self, deal: Row, vehicle: Row, day: date, lines: list[Row], on: date) -> Decimal | None:
        """The cost ladder over the lines posted by a day."""
        so_far = [line for line in lines if line["posted_on"] <= on]
        if any(line["category"] == "purchase" for line in so_far):
            return self._total(deal, so_far)
        if deal.get("vehicle_cost") is not None:
            base = self._own(deal["vehicle_cost"], deal, deal["rooftop"])
            so_far = [line for line in so_far if line["posted_on"] > day]
        else:
            base = self._own(vehicle.get("purchase_price"), vehicle, deal["rooftop"])
        spent = self._total(deal, so_far)
        return base + spent if base is not None and spent is not None else None

    def stock_cost(self, vehicle: Row, day: date) -> Decimal | None:
        """What a stock unit has cost by the end of a day, pack aside; None where it is not known."""
        unit = {"rooftop": vehicle["rooftop"]}
        lines = self._lines.get((vehicle["rooftop"], vehicle["stock_number"]), [])
        posted = [line for line in lines if line["posted_on"] <= day and line["category"] != "pack"]
        spent = self._total(unit, posted)
        if any(line["category"] == "purchase" for line in posted):
            return spent
        bought = self._own(vehicle.get("purchase_price"), vehicle, vehicle["rooftop"])
        return bought + spent if bought is not None and spent is not None else None

    def _total(self, deal: Row, lines: list[Row]) -> Decimal | None:
        amounts = [self._own(line["amount"], line, deal["rooftop"]) for line in lines]
        known = [amount for amount in amounts if amount is not None]
        return sum(known, ZERO) if len(known) == len(amounts) else None

    def _sale(self, deal: Row, vehicle: Row, day: date, cost: Decimal | None) -> Movement:
        front_revenue, front, reason = self._front(deal, vehicle, cost, day)
        products = [line for line in self._lines_of_products(deal) if (line.get("booked_on") or day) <= day]
        return self._with_products(deal, "sale", day, day, 1, products, front_revenue, front, reason)

    def _with_products(
        self,
        deal: Row,
        kind: str,
        moved_on: date,
        dated_on: date,
        unit: int,
        products: list[Row],
        front_revenue: Decimal | None,
        front: Decimal | None,
        reason: str | None,
    ) -> Movement:
        front_products = self._figures(deal, [line for line in products if line["gross_side"] == "front"])
        back_lines = [line for line in products if line["gross_side"] == "back"]
        back_products = self._figures(deal, back_lines)
        if reason is None and front_products is None:
            reason = "sale or cost of a front product missing"
        if reason is not None or front is None or front_revenue is None or front_products is None:
            front = front_revenue = None
        else:
            front += sum((sold - cost for sold, cost in front_products), ZERO)
            front_revenue += sum((sold for sold, _ in front_products), ZERO)
        return Movement(
            deal,
            kind,
            moved_on,
            dated_on,
            unit,
            front_revenue,
            None if back_products is None else sum((sold for sold, _ in back_products), ZERO),
            front,
            None if back_products is None else sum((sold - cost for sold, cost in back_products), ZERO),
            reason,
            "sale or cost of a back product missing" if back_products is None else None,
            bool(back_lines),
        )

    def _front(
        self, deal: Row, vehicle: Row, cost: Decimal | None, day: date
    ) -> tuple[Decimal | None, Decimal | None, str | None]:
        """Revenue and gross of the car and the trade-in, or why they are not known."""
        rooftop = deal["rooftop"]
        if not self._is_home(deal, rooftop) and not (deal.get("rate") or ZERO) > 0:
            return None, None, NO_RATE
        over = self._over_allowance(deal)
        if vehicle.get("use") == "consignment":
            commission = self._own(deal.get("commission"), deal, rooftop)
            if commission is None:
                return None, None, NO_COMMISSION
            return (None, None, NO_TRADE) if over is None else (commission, commission - over, None)
        price = self._own(deal.get("sale_price"), deal, rooftop)
        if price is None:
            return None, None, NO_PRICE
        vat = ZERO
        if (deal.get("vat_scheme") or vehicle.get("vat_scheme")) == "margin":
            bought = self._own(vehicle.get("purchase_price"), vehicle, rooftop)
            if bought is None:
                return None, None, NO_PURCHASE
            share = self._world.settings.rooftop(rooftop).vat_rate
            vat = cents(max(ZERO, price - bought) * share / (1 + share))
        if cost is None:
            foreign = [line for line in self._costs(deal, day) if self._own(line["amount"], line, rooftop) is None]
            return None, None, NO_LINE_RATE if foreign else NO_COST
        if over is None:
            return None, None, NO_TRADE
        return price - vat, price - vat - cost - over, None

    def _over_allowance(self, deal: Row) -> Decimal | None:
        allowance, value = deal.get("trade_allowance"), deal.get("trade_acv")
        if allowance is None and value is None:
            return ZERO
        given = self._own(allowance, deal, deal["rooftop"])
        worth = self._own(value, deal, deal["rooftop"])
        return given - worth if given is not None and worth is not None else None

    def _lines_of_products(self, deal: Row) -> list[Row]:
        return self._products.get((deal["rooftop"], deal["deal_number"]), [])

    def _figures(self, deal: Row, lines: list[Row]) -> list[tuple[Decimal, Decimal]] | None:
        """Sale and cost of product lines; None where a figure is missing."""
        found = []
        for line in lines:
            sold = self._own(line.get("sale"), deal, deal["rooftop"])
            cost = self._own(line.get("cost"), deal, deal["rooftop"])
            if sold is None or cost is None:
                return None
            found.append((sold, cost))
        return found

    def _late_products(self, deal: Row, day: date, end: date) -> Iterator[Movement]:
        """Products booked after the recognition day belong to it and are dated by their own."""
        for line in self._lines_of_products(deal):
            booked = line.get("booked_on")
            if booked is not None and day < booked <= end and line["gross_side"] != "none":
                moved_on = booked if self._is_closed(day) else day
                yield self._with_products(deal, "late_product", moved_on, booked, 0, [line], ZERO, ZERO, None)

    def _chargebacks(self, deal: Row, day: date, end: date) -> Iterator[Movement]:
        for line in self._lines_of_products(deal):
            on = line.get("chargeback_on") or line.get("cancelled_on")
            if line.get("chargeback") is None or on is None or line["gross_side"] == "none":
                continue
            on = max(on, day)
            if on > end:
                continue
            back = self._own(line["chargeback"], deal, deal["rooftop"])
            yield Movement(
                deal,
                "product_cancelled",
                on,
                on,
                0,
                ZERO,
                ZERO,
                ZERO,
                -back if back is not None else None,
                None,
                NO_RATE if back is None else None,
                True,
            )

    def parts(self, kpi: str, question: Question, by: str | None) -> Iterator[Part]:
        """The records of one of the KPIs over deals."""
        beside = kpi.endswith("_beside")
        unknown = self._unknown(question.as_of)
        for move in self.movements(question.as_of):
            if (move.deal["deal_type"] in ("retail", "lease")) == beside:
                continue
            if not question.covers(move.moved_on) or move.dated_on > question.as_of:
                continue
            part = self._part(kpi, move, unknown)
            yield from _shared(part, move) if by == "salesperson" else [part]

    def _unknown(self, as_of: date) -> dict[tuple[Any, ...], str | None]:
        """Per deal why its gross is not known."""
        found: dict[tuple[Any, ...], str | None] = {}
        for move in self.movements(as_of):
            key = (move.deal["rooftop"], move.deal["deal_number"])
            found[key] = found.get(key) or move.front_reason or move.back_reason
        return found

    def _part(self, kpi: str, move: Movement, unknown: dict[tuple[Any, ...], str | None]) -> Part:
        deal = move.deal
        vehicle = self.vehicle(deal)
        # A deal with one unknown part is in no gross, so that front and back per unit add up to the total.
        reason = None if kpi in ("units", "units_beside") else unknown[deal["rooftop"], deal["deal_number"]]
        part = Part(
            move.moved_on,
            {
                "condition": vehicle.get("condition"),
                "deal_type": deal["deal_type"],
                "finance_company": deal.get("finance_company") or "none",
                "make": vehicle.get("make"),
                "model": vehicle.get("model"),
                "rooftop": deal["rooftop"],
                "salesperson": deal.get("salesperson"),
            },
            record=("deal", deal["rooftop"], deal["deal_number"]),
            currency=self._world.settings.rooftop(deal["rooftop"]).currency,
            excluded=reason,
        )
        if kpi in ("units", "units_beside"):
            return replace(part, top=move.unit, currency=None)
        if reason is not None:
            return part
        front = ZERO if move.front is None else move.front
        back = ZERO if move.back is None else move.back
        if kpi in ("total_gross", "gross_beside"):
            return replace(part, top=front + back)
        if kpi == "gross_margin_rate":
            revenue = (move.front_revenue or ZERO) + (move.back_revenue or ZERO)
            return replace(part, top=front + back, bottom=revenue)
        top = {"front_gross_per_unit": front, "back_gross_per_unit": back}.get(kpi, front + back)
        return replace(part, top=top, bottom=move.unit)

    @cached_property
    def _besides(self) -> list[Store]:
        return [*self._hires(), *self._service(), *self._counter()]

    def _deal_departments(self, as_of: date) -> Iterator[Store]:
        unknown = self._unknown(as_of)
        for move in self.movements(as_of):
            deal = move.deal
            record = ("deal", deal["rooftop"], deal["deal_number"])
            reason = unknown[deal["rooftop"], deal["deal_number"]]
            department = self.vehicle(deal).get("condition") or "other"
            revenue, gross = (None, None) if reason else (move.front_revenue, move.front)
            yield Store(department, deal["rooftop"], move.moved_on, move.dated_on, revenue, gross, reason, record)
            if move.has_back and reason is None:
                yield Store(
                    "F&I",
                    deal["rooftop"],
                    move.moved_on,
                    move.dated_on,
                    move.back_revenue,
                    move.back,
                    None,
                    record,
                )

    def _hires(self) -> Iterator[Store]:
        """Revenue by the share of the hire's seconds passed at each day's end, the last day taking the remainder.

        So any period has the share of its own seconds, and days, months and years of one hire add up. Revenue that
        has no time, or no rate to the rooftop's currency (the feed has none), is excluded and counted.
        """
        for hire in self._world.rows("dms_rentals"):
            revenue, out, back = hire.get("revenue"), hire["out_at"], hire.get("returned_at") or hire.get("due_back_at")
            rooftop = self._world.settings.rooftop(hire["rooftop"])
            if revenue is None:
                continue
            day = local_day(out, rooftop)
            reason = None
            if not self._is_home(hire, hire["rooftop"]):
                reason = "exchange rate of the hire missing"
            elif back is None:
                reason = "hire still open without a day it is due back"
            elif back.at < out.at:
                reason = "hire ends before it starts"
            if reason or back is None:
                record = ("hire", hire["rooftop"], hire["agreement_number"])
                yield Store("rental", hire["rooftop"], day, day, None, None, reason, record)
                continue
            whole = Decimal((back.at - out.at) // SECOND)
            earned = ZERO
            while True:
                end = midnight(day + DAY, rooftop)
                seconds = Decimal((end - out.at) // SECOND)
                so_far = revenue if back.at <= end else cents(revenue * seconds / whole)
                record = ("hire", hire["rooftop"], hire["agreement_number"])
                yield Store("rental", hire["rooftop"], day, day, so_far - earned, so_far - earned, None, record)
                earned = so_far
                day += DAY
                if back.at <= end:
                    break

    def _service(self) -> Iterator[Store]:
        """Sold lines of closed orders that are not voided, on the day of closing; parts apart from the rest."""
        orders = {
            (order["rooftop"], order["ro_number"]): order
            for order in self._world.rows("dms_repair_orders")
            if not order.get("voided") and order.get("closed_at")
        }
        for line in self._world.rows("dms_ro_lines"):
            order = orders.get((line["rooftop"], line["ro_number"]))
            if order is None or line["outcome"] != "sold":
                continue
            day = local_day(order["closed_at"], self._world.settings.rooftop(line["rooftop"]))
            department = "parts" if line["kind"] == "part" else "service"
            yield _sold(department, line, day, ("line", line["rooftop"], line["ro_number"], str(line["line"])))

    def _counter(self) -> Iterator[Store]:
        for line in self._world.rows("dms_counter_sales"):
            department = COUNTER.get(line["department"], "other")
            record = ("ticket", line["rooftop"], line["ticket"], str(line["line"]))
            sold = _sold(department, line, line["sold_on"], record)
            if sold.reason is None and not self._is_home(line, line["rooftop"]):
                sold = replace(sold, revenue=None, gross=None, reason="exchange rate of the sale missing")
            yield sold

    def store_parts(self, question: Question) -> Iterator[Part]:
        """The records of store_gross."""
        for effect in [*self._deal_departments(question.as_of), *self._besides]:
            if not question.covers(effect.moved_on) or effect.dated_on > question.as_of:
                continue
            yield Part(
                effect.moved_on,
                {"department": effect.department, "rooftop": effect.rooftop},
                top=effect.gross,
                bottom=effect.revenue,
                currency=self._world.settings.rooftop(effect.rooftop).currency,
                excluded=effect.reason,
                record=effect.record,
            )


def _sold(department: str, line: Row, day: date, record: tuple[str, ...]) -> Store:
    sale, cost = line.get("sale"), line.get("cost")
    if sale is None or cost is None:
        return Store(department, line["rooftop"], day, day, None, None, "sale or cost missing", record)
    return Store(department, line["rooftop"], day, day, sale, sale - cost, None, record)


def _shared(part: Part, move: Movement) -> Iterator[Part]:
    """One half for each person of a split deal; the second half is what the rounded first leaves.

    The half of the back gross is what the half of the total leaves after the half of the front, so that the three
    of one person add up.
    """
    second = move.deal.get("second_salesperson")
    if not second:
        yield part
        return
    top, bottom = _half(part.top), _half(part.bottom)
    if part.top is move.back and move.front is not None and move.back is not None:
        top = _half(move.front + move.back) - _half(move.front)
    yield replace(part, top=top, bottom=bottom)
    yield replace(
        part,
        groups={**part.groups, "salesperson": second},
        top=None if part.top is None else part.top - top,
        bottom=None if part.bottom is None else part.bottom - bottom,
    )


def _half(amount: Any) -> Any:
    if amount is None:
        return None
    return Decimal(amount) / 2 if isinstance(amount, int) else cents(amount / 2)
