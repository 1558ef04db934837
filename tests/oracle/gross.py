"""Gross of deals, hires, workshop and counter by METRICS.md section 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.oracle.clock import DAY, local_day, midnight
from tests.oracle.exports import Row, cents
from tests.oracle.records import Part, Question, World

ZERO = Decimal("0.00")
SECOND = timedelta(seconds=1)
STEPS = ("pending", "booked", "finalised", "delivered")
DATE_OF_STEP = {"contract": "contract_on", "finalised": "finalised_on", "delivered": "delivered_on"}
STATUS_OF_STEP = {"contract": "booked", "finalised": "finalised", "delivered": "delivered"}

NO_COST = "vehicle cost unknown"
NO_TRADE = "trade-in allowance or value missing"
NO_PURCHASE = "margin scheme without purchase price"
NO_COMMISSION = "commission of a consignment car missing"
NO_PRICE = "sale price missing"
NO_RATE = "exchange rate missing"


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
    dates = [deal.get(column) for column in ("delivered_on", "finalised_on", "contract_on")]
    step = world.settings.policy("deal.recognition", next((day for day in dates if day), date.max))
    day: date | None = deal.get(DATE_OF_STEP[step])
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
    """Every movement of every deal, and the gross of the departments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lines = world.by("dms_vehicle_costs", "rooftop", "stock_number")
        self._products = world.by("dms_deal_products", "rooftop", "deal_number")
        self._vehicles = {key: rows[0] for key, rows in world.by("dms_vehicles", "rooftop", "stock_number").items()}

    @cached_property
    def movements(self) -> list[Movement]:
        """The movements of all deals."""
        return [move for deal in self._world.rows("dms_deals") for move in self._moves(deal)]

    def vehicle(self, deal: Row) -> Row:
        """The stock unit of a deal, empty where it is not in the data."""
        return self._vehicles.get((deal["rooftop"], deal.get("stock_number")), {})

    def _own(self, amount: Decimal | None, row: Row, rooftop: str) -> Decimal | None:
        """An amount in the rooftop's currency; None where it is not known."""
        if amount is None:
            return None
        rate: Decimal | None = row.get("rate")
        home = self._world.settings.rooftop(rooftop).currency
        if (row.get("currency") or home) == home:
            return amount
        return cents(amount * rate) if rate is not None else None

    def _moves(self, deal: Row) -> Iterator[Movement]:
        day = recognised_on(self._world, deal)
        if day is None:
            return
        rooftop = deal["rooftop"]
        reversed_on: date | None = deal.get("reversed_on")
        vehicle = self.vehicle(deal)
        sale = self._sale(deal, vehicle, day)
        yield sale
        moved = [sale]
        if vehicle.get("use") != "consignment":
            moved += self._late(deal, day)
        moved += self._chargebacks(deal)
        yield from moved[1:]
        if reversed_on is None:
            return
        before = [move for move in moved if move.dated_on <= reversed_on]

        def undone(name: str) -> Decimal | None:
            parts = [getattr(move, name) for move in before]
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
            sale.front_reason,
            sale.back_reason,
            any(move.has_back for move in before),
        )

    def _costs(self, deal: Row) -> list[Row]:
        end = deal.get("reversed_on")
        lines = self._lines.get((deal["rooftop"], deal.get("stock_number")), []) if deal.get("stock_number") else []
        return [
            line for line in lines if line["category"] != "pack" and (end is None or line["posted_on"] <= end)
        ]

    def _vehicle_cost(self, deal: Row, vehicle: Row, day: date) -> Decimal | None:
        lines = self._costs(deal)
        early = [self._own(line["amount"], line, deal["rooftop"]) for line in lines if line["posted_on"] <= day]
        known = [amount for amount in early if amount is not None]
        spent = sum(known, ZERO) if len(known) == len(early) else None
        if any(line["category"] == "purchase" for line in lines):
            return spent
        if deal.get("vehicle_cost") is not None:
            return self._own(deal["vehicle_cost"], deal, deal["rooftop"])
        if vehicle.get("purchase_price") is not None:
            price = self._own(vehicle["purchase_price"], vehicle, deal["rooftop"])
            return price + spent if price is not None and spent is not None else None
        return None

    def _sale(self, deal: Row, vehicle: Row, day: date) -> Movement:
        front_revenue, front, reason = self._front(deal, vehicle, day)
        front_products, front_missing = self._side(deal, "front")
        back_products, back_missing = self._side(deal, "back")
        if reason is None and front_missing:
            reason = "sale or cost of a front product missing"
        if reason is None:
            assert front is not None and front_revenue is not None
            front += sum((sold - cost for sold, cost in front_products), ZERO)
            front_revenue += sum((sold for sold, _ in front_products), ZERO)
        else:
            front = front_revenue = None
        back = None if back_missing else sum((sold - cost for sold, cost in back_products), ZERO)
        return Movement(
            deal,
            "sale",
            day,
            day,
            1,
            front_revenue,
            None if back_missing else sum((sold for sold, _ in back_products), ZERO),
            front,
            back,
            reason,
            "sale or cost of a back product missing" if back_missing else None,
            bool(back_products) or back_missing,
        )

    def _front(self, deal: Row, vehicle: Row, day: date) -> tuple[Decimal | None, Decimal | None, str | None]:
        """Revenue and gross of the car and the trade-in, or why they are not known."""
        rooftop = deal["rooftop"]
        if vehicle.get("use") == "consignment":
            commission = self._own(deal.get("commission"), deal, rooftop)
            return commission, commission, NO_COMMISSION if commission is None else None
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
        cost = self._vehicle_cost(deal, vehicle, day)
        if cost is None:
            return None, None, NO_COST
        allowance, value = deal.get("trade_allowance"), deal.get("trade_acv")
        if (allowance is None) != (value is None):
            return None, None, NO_TRADE
        over = ZERO
        if allowance is not None and value is not None:
            given, worth = self._own(allowance, deal, rooftop), self._own(value, deal, rooftop)
            if given is None or worth is None:
                return None, None, NO_RATE
            over = given - worth
        return price - vat, price - vat - cost - over, None

    def _side(self, deal: Row, side: str) -> tuple[list[tuple[Decimal, Decimal]], bool]:
        """Sale and cost of the products of one side, and whether one of them is missing a figure."""
        found = []
        is_missing = False
        for line in self._products.get((deal["rooftop"], deal["deal_number"]), []):
            if line["gross_side"] != side:
                continue
            sold = self._own(line.get("sale"), deal, deal["rooftop"])
            cost = self._own(line.get("cost"), deal, deal["rooftop"])
            if sold is None or cost is None:
                is_missing = True
            else:
                found.append((sold, cost))
        return found, is_missing

    def _late(self, deal: Row, day: date) -> list[Movement]:
        found = []
        for line in self._costs(deal):
            posted: date = line["posted_on"]
            if posted <= day:
                continue
            amount = self._own(line["amount"], line, deal["rooftop"])
            closing = self._world.settings.closed.get(day.replace(day=1))
            moved = posted if closing is not None else day
            found.append(
                Movement(
                    deal,
                    "late_cost",
                    moved,
                    posted,
                    0,
                    ZERO,
                    ZERO,
                    -amount if amount is not None else None,
                    ZERO,
                    NO_COST if amount is None else None,
                    None,
                    False,
                )
            )
        return found

    def _chargebacks(self, deal: Row) -> list[Movement]:
        found = []
        for line in self._products.get((deal["rooftop"], deal["deal_number"]), []):
            on = line.get("chargeback_on")
            if line.get("chargeback") is None or on is None or line["gross_side"] != "back":
                continue
            back = self._own(line["chargeback"], deal, deal["rooftop"])
            found.append(
                Movement(
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
            )
        return found

    def parts(self, kpi: str, question: Question, by: str | None) -> Iterator[Part]:
        """The records of one of the KPIs over deals."""
        beside = kpi.endswith("_beside")
        sale_unknown = self._unknown()
        for move in self.movements:
            if (move.deal["deal_type"] in ("retail", "lease")) == beside:
                continue
            if not question.covers(move.moved_on) or move.dated_on > question.as_of:
                continue
            part = self._part(kpi, move, sale_unknown)
            yield from _shared(part, move) if by == "salesperson" else [part]

    def _unknown(self) -> dict[tuple[Any, ...], tuple[str | None, str | None]]:
        """Per deal why its front and its back are not known."""
        found: dict[tuple[Any, ...], tuple[str | None, str | None]] = {}
        for move in self.movements:
            key = (move.deal["rooftop"], move.deal["deal_number"])
            front, back = found.get(key, (None, None))
            found[key] = (front or move.front_reason, back or move.back_reason)
        return found

    def _part(
        self, kpi: str, move: Movement, unknown: dict[tuple[Any, ...], tuple[str | None, str | None]]
    ) -> Part:
        deal = move.deal
        vehicle = self.vehicle(deal)
        front_reason, back_reason = unknown[deal["rooftop"], deal["deal_number"]]
        reason = {
            "units": None,
            "units_beside": None,
            "front_gross_per_unit": front_reason,
            "back_gross_per_unit": back_reason,
        }.get(kpi, front_reason or back_reason)
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
    def store(self) -> list[Store]:
        """The effects on every department."""
        return [*self._deal_departments(), *self._hires(), *self._service(), *self._counter()]

    def _deal_departments(self) -> Iterator[Store]:
        unknown = self._unknown()
        for move in self.movements:
            deal = move.deal
            front_reason, back_reason = unknown[deal["rooftop"], deal["deal_number"]]
            department = self.vehicle(deal).get("condition") or "other"
            yield Store(
                department,
                deal["rooftop"],
                move.moved_on,
                move.dated_on,
                None if front_reason else move.front_revenue,
                None if front_reason else move.front,
                front_reason,
                ("deal", deal["rooftop"], deal["deal_number"]),
            )
            if move.has_back:
                yield Store(
                    "F&I",
                    deal["rooftop"],
                    move.moved_on,
                    move.dated_on,
                    None if back_reason else move.back_revenue,
                    None if back_reason else move.back,
                    back_reason,
                    ("deal", deal["rooftop"], deal["deal_number"]),
                )

    def _hires(self) -> Iterator[Store]:
        """Revenue by the share of the hire's seconds passed at each day's end, the last day taking the remainder.

        So any period has the share of its own seconds, and days, months and years of one hire add up.
        """
        for hire in self._world.rows("dms_rentals"):
            revenue, out, back = hire.get("revenue"), hire["out_at"], hire.get("returned_at") or hire.get("due_back_at")
            if revenue is None or back is None or back.at <= out.at:
                continue
            rooftop = self._world.settings.rooftop(hire["rooftop"])
            whole = Decimal((back.at - out.at) // SECOND)
            day = local_day(out, rooftop)
            earned = ZERO
            while True:
                end = midnight(day + DAY, rooftop)
                if back.at <= end:
                    so_far = revenue
                else:
                    so_far = cents(revenue * Decimal((end - out.at) // SECOND) / whole)
                record = ("hire", hire["rooftop"], hire["agreement_number"])
                yield Store("rental", hire["rooftop"], day, day, so_far - earned, so_far - earned, None, record)
                earned = so_far
                day += DAY
                if back.at <= end:
                    break

    def _service(self) -> Iterator[Store]:
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
        departments = {"parts": "parts", "accessories": "parts"}
        for line in self._world.rows("dms_counter_sales"):
            record = ("ticket", line["rooftop"], line["ticket"], str(line["line"]))
            yield _sold(departments.get(line["department"], "other"), line, line["sold_on"], record)

    def store_parts(self, question: Question) -> Iterator[Part]:
        """The records of store_gross."""
        for effect in self.store:
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
    known = sale is not None and cost is not None
    return Store(
        department,
        line["rooftop"],
        day,
        day,
        sale if known else None,
        sale - cost if sale is not None and cost is not None else None,
        None if known else "sale or cost missing",
        record,
    )


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
