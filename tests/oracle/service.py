"""Workshop orders, their lines and their technicians by METRICS.md sections 1 to 4 and 6."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.oracle.clock import DAY, Moment, elapsed, local_day, midnight
from tests.oracle.exports import Row
from tests.oracle.records import LONGEST, Part, Question, World, car

ROUTINE = Path(__file__).resolve().parents[2] / "seeds" / "routine_op_codes.csv"
SECOND = timedelta(seconds=1)
HOUR = 3600
WITHIN = timedelta(hours=24)
NOTHING = timedelta()


@dataclass(frozen=True, eq=False)
class Order:
    """One repair order with its lines."""

    row: Row
    lines: list[Row]
    opened_on: date
    closed_on: date | None
    gone_on: date | None

    @property
    def rooftop(self) -> str:
        rooftop: str = self.row["rooftop"]
        return rooftop

    @property
    def key(self) -> tuple[str, str]:
        return self.rooftop, self.row["ro_number"]

    @property
    def vin(self) -> str | None:
        return car(self.row.get("vin"))

    @property
    def is_voided(self) -> bool:
        return bool(self.row.get("voided"))

    def sold_operations(self, *, labour: bool = False, paid: bool = False) -> set[str]:
        """Operation codes of the sold lines."""
        return {
            code
            for line in self.lines
            if line["outcome"] == "sold"
            and (not labour or line["kind"] == "labour")
            and (not paid or line["pay_type"] == "customer")
            and (code := upper(line.get("op_code")))
        }

    def groups(self) -> dict[str, Any]:
        """The values of the dimensions that KPIs of orders have."""
        return {"advisor": self.row.get("advisor"), "rooftop": self.rooftop}


@dataclass(frozen=True)
class Sold:
    """Hours sold on one line, by technician and day, or why they are left out."""

    line: Row
    day: date | None
    shares: dict[tuple[str, date], Decimal]
    left_out: str | None = None


class Service:
    """Everything that the workshop exports."""

    def __init__(self, world: World) -> None:
        self._world = world
        with ROUTINE.open(encoding="utf-8") as lines:
            self._routine = {row["op_code"] for row in csv.DictReader(lines)}

    def _day(self, at: Moment | None, rooftop: str) -> date | None:
        return local_day(at, self._world.settings.rooftop(rooftop)) if at is not None else None

    @cached_property
    def orders(self) -> dict[tuple[str, str], Order]:
        """Every order by rooftop and number."""
        lines = self._world.by("dms_ro_lines", "rooftop", "ro_number")
        found = {}
        for record in self._world.feeds.get("dms_repair_orders", {}).values():
            row = record.row
            key = (row["rooftop"], row["ro_number"])
            opened = local_day(row["opened_at"], self._world.settings.rooftop(row["rooftop"]))
            closed = self._day(row.get("closed_at"), row["rooftop"])
            found[key] = Order(row, lines.get(key, []), opened, closed, record.gone_on)
        return found

    @cached_property
    def by_vin(self) -> dict[str, list[Order]]:
        """The orders of every car that are not voided, as they were opened, at any rooftop."""
        found: dict[str, list[Order]] = defaultdict(list)
        for order in sorted(self.orders.values(), key=lambda order: (order.row["opened_at"].at, order.key)):
            if order.vin and not order.is_voided:
                found[order.vin].append(order)
        return found

    def _later(self, order: Order) -> list[Order]:
        """Orders of the same car that were opened at or after the closing."""
        closed = order.row.get("closed_at")
        if closed is None or not order.vin:
            return []
        return [one for one in self.by_vin[order.vin] if one is not order and one.row["opened_at"].at >= closed.at]

    def repair_order_days(self, question: Question) -> Iterator[Part]:
        """Section 2: opened to closed, voided ones out; late against the first promise, else the one there is."""
        for order in self.orders.values():
            row = order.row
            promised = row.get("first_promised_at") or row.get("promised_at")
            done = row.get("completed_at") or row.get("closed_at")
            promise = "nothing promised" if promised is None else "not finished" if done is None else "in time"
            if done and promised and elapsed(promised, done, self._world.settings.rooftop(order.rooftop)) > NOTHING:
                promise = "late"
            groups = {
                **order.groups(),
                "parts": "waiting for parts" if row.get("waiting_for_parts") else "not waiting",
                "parts_supplier": supplier_of(order),
                "promise": promise,
            }
            part = Part(order.closed_on, groups)
            if question.covers(order.closed_on):
                yield replace(part, **self._length(row["opened_at"], row["closed_at"], order))
            elif (
                not order.is_voided
                and order.opened_on <= question.end
                and (order.closed_on is None or order.closed_on > question.end)
                and (order.gone_on is None or order.gone_on > question.end)
            ):
                yield replace(part, day=question.end, is_open=True)

    def _length(self, start: Moment, stop: Moment, order: Order) -> dict[str, Any]:
        if order.is_voided:
            return {"excluded": "voided"}
        length = elapsed(start, stop, self._world.settings.rooftop(order.rooftop))
        if length < NOTHING:
            return {"excluded": "stopped before it started"}
        if length > LONGEST:
            return {"excluded": "over 365 days"}
        return {"top": Decimal(length // SECOND) / 86_400}

    def service_gross(self, question: Question) -> Iterator[Part]:
        """Section 1: labour, parts and sublet gross of sold lines, on the day the order is closed; voided out."""
        for order in self.orders.values():
            if order.is_voided or not question.covers(order.closed_on):
                continue
            for line in order.lines:
                if line["outcome"] != "sold":
                    continue
                groups = {
                    **order.groups(),
                    "department": "parts" if line["kind"] == "part" else "service",
                    "kind": line["kind"],
                    "op_code": upper(line.get("op_code")),
                    "pay_type": line["pay_type"],
                }
                currency = self._world.settings.rooftop(order.rooftop).currency
                part = Part(order.closed_on, groups, currency=currency, record=(*order.key, line["line"]))
                sale, cost = line.get("sale"), line.get("cost")
                if sale is None or cost is None:
                    yield replace(part, excluded="sale or cost missing")
                else:
                    yield replace(part, top=sale - cost, bottom=sale)

    def comeback_rate(self, question: Question) -> Iterator[Part]:
        """Section 4: closed orders with customer-paid labour, and the same car back within 30 days of closing."""
        for order in self.orders.values():
            day = order.closed_on
            paid = [line for line in order.lines if line["outcome"] == "sold" and line["kind"] == "labour"]
            if order.is_voided or day is None or not question.covers(day):
                continue
            if not any(line["pay_type"] == "customer" for line in paid):
                continue
            if not order.vin:
                yield Part(day, order.groups(), excluded="no VIN", record=order.key)
                continue
            window = timedelta(days=self._world.settings.policy("comeback.days", day))
            mine = order.sold_operations(labour=True, paid=True) - self._routine
            back = [
                later.opened_on
                for later in self._later(order)
                if later.row.get("comeback_of") or mine & later.sold_operations(labour=True)
            ]
            hit = any(on <= min(day + window, question.as_of) for on in back)
            yield cohort(day, order.groups(), window, hit, question, order.key)

    def declined_recovery_rate(self, question: Question) -> Iterator[Part]:
        """DOMAIN 2.7: declined lines whose operation was sold to the same car within 90 days of closing."""
        for order in self.orders.values():
            day = order.closed_on
            if order.is_voided or day is None or not question.covers(day):
                continue
            window = timedelta(days=self._world.settings.policy("declined.window_days", day))
            for line in order.lines:
                if line["outcome"] != "declined":
                    continue
                code = upper(line.get("op_code"))
                groups = {**order.groups(), "op_code": code}
                record = (*order.key, line["line"])
                if not order.vin or not code:
                    reason = "no VIN" if not order.vin else "no operation code"
                    yield Part(day, groups, excluded=reason, record=record)
                    continue
                sold = [one.closed_on for one in self._later(order) if code in one.sold_operations()]
                hit = any(on is not None and on <= min(day + window, question.as_of) for on in sold)
                yield cohort(day, groups, window, hit, question, record)

    def ro_close_contact_rate(self, question: Question) -> Iterator[Part]:
        """DOMAIN 2.7: closed orders whose customer got a message in the 24 hours after closing."""
        for order in self.orders.values():
            if order.is_voided or not question.covers(order.closed_on):
                continue
            part = Part(order.closed_on, order.groups(), record=order.key)
            reason = self.contact_unknown(order)
            if reason:
                yield replace(part, excluded=reason)
            else:
                at = self.message_after(order)
                rooftop = self._world.settings.rooftop(order.rooftop)
                hit = at is not None and at.astimezone(rooftop.zone).date() <= question.as_of
                yield replace(part, top=int(hit), bottom=1)

    def contact_unknown(self, order: Order) -> str | None:
        """Why nobody can tell whether the customer of an order got a message."""
        if order.rooftop not in self._rooftops_with_contacts:
            return "the CRM knows no customer of the workshop"
        if not order.row.get("customer_id"):
            return "no customer"
        return None

    @cached_property
    def _messages(self) -> dict[tuple[str, str], list[datetime]]:
        """Outbound contacts that are no note and no mailing, by rooftop and customer."""
        found: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        for row in self._world.rows("crm_activities"):
            is_message = row["direction"] == "out" and row["channel"] != "note" and not row.get("bulk")
            if is_message and row.get("customer_id"):
                found[row["rooftop"], row["customer_id"]].append(row["occurred_at"].at)
        return found

    @cached_property
    def _rooftops_with_contacts(self) -> set[str]:
        known = {
            (row["rooftop"], row["customer_id"]) for row in self._world.rows("crm_activities") if row.get("customer_id")
        }
        return {
            order.rooftop for order in self.orders.values() if (order.rooftop, order.row.get("customer_id")) in known
        }

    def message_after(self, order: Order) -> datetime | None:
        """The first message to the customer in the 24 hours after closing."""
        closed = order.row["closed_at"].at
        customer = order.row.get("customer_id") or ""
        sent = [at for at in self._messages.get((order.rooftop, customer), []) if closed <= at <= closed + WITHIN]
        return min(sent, default=None)

    @cached_property
    def _punches(self) -> list[tuple[Row, dict[date, int]]]:
        """Punches that are time, with their seconds by local day."""
        found = []
        for row in self._world.rows("dms_labour_punches"):
            stop = row.get("stopped_at")
            if stop is not None and stop.at > row["started_at"].at:
                found.append((row, self._by_day(row["rooftop"], [(row["started_at"].at, stop.at)])))
        return found

    def _by_day(self, rooftop: str, spans: list[tuple[datetime, datetime]]) -> dict[date, int]:
        said = self._world.settings.rooftop(rooftop)
        found: dict[date, int] = defaultdict(int)
        for start, stop in spans:
            day = start.astimezone(said.zone).date()
            while midnight(day, said) < stop:
                begin, end = max(start, midnight(day, said)), min(stop, midnight(day + DAY, said))
                found[day] += (end - begin) // SECOND
                day += DAY
        return dict(found)

    @cached_property
    def _sold(self) -> list[Sold]:
        """The sold hours of every labour line."""
        by_line: dict[tuple[str, str, str], list[tuple[Row, dict[date, int]]]] = defaultdict(list)
        by_order: dict[tuple[str, str], list[tuple[Row, dict[date, int]]]] = defaultdict(list)
        for row, days in self._punches:
            if row.get("ro_number") and row.get("line"):
                by_line[row["rooftop"], row["ro_number"], row["line"]].append((row, days))
            elif row.get("ro_number"):
                by_order[row["rooftop"], row["ro_number"]].append((row, days))
        found = []
        for order in self.orders.values():
            for line in order.lines:
                if order.is_voided or line["outcome"] != "sold" or line["kind"] != "labour":
                    continue
                punches = by_line.get((*order.key, str(line["line"]))) or [
                    punch
                    for punch in by_order.get(order.key, [])
                    if line.get("technician") in (None, punch[0]["technician"])
                ]
                found.append(self._of_line(order, line, punches))
        return found

    def _of_line(self, order: Order, line: Row, punches: list[tuple[Row, dict[date, int]]]) -> Sold:
        hours = line.get("sold_hours")
        if hours is None:
            return Sold(line, line.get("worked_on") or order.closed_on or order.opened_on, {}, "hours sold are missing")
        seconds: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
        for row, days in punches:
            for day, length in days.items():
                seconds[row["technician"], day] += Decimal(length)
        if not seconds:
            if not line.get("worked_on"):
                return Sold(line, order.closed_on or order.opened_on, {}, "hours without the day they were worked")
            if not line.get("technician"):
                return Sold(line, line["worked_on"], {}, "hours without a technician")
            seconds[line["technician"], line["worked_on"]] = Decimal(1)
        whole = sum(seconds.values())
        return Sold(line, None, {key: hours * HOUR * length / whole for key, length in seconds.items()})

    @cached_property
    def _days(self) -> dict[tuple[str, str, date], dict[str, Any]]:
        """Worked and sold seconds of every technician and day, attended and available where the time clock says."""
        found: dict[tuple[str, str, date], dict[str, Any]] = defaultdict(
            lambda: {"worked": 0, "sold": Decimal(0), "attended": None, "available": None}
        )
        spans: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
        for row, _ in self._punches:
            spans[row["rooftop"], row["technician"]].append((row["started_at"].at, row["stopped_at"].at))
        for (rooftop, technician), some in spans.items():
            for day, seconds in self._by_day(rooftop, united(some)).items():
                found[rooftop, technician, day]["worked"] += seconds
        punched = {
            (row["rooftop"], row["ro_number"], row["line"] if row.get("line") else None)
            for row, _ in self._punches
            if row.get("ro_number")
        }
        for order in self.orders.values():
            for line in order.lines:
                if line["kind"] != "labour" or not line.get("worked_on") or not line.get("technician"):
                    continue
                if order.is_voided or line["outcome"] != "sold" or not line.get("worked_hours"):
                    continue
                if (*order.key, str(line["line"])) in punched or (*order.key, None) in punched:
                    continue
                key = (order.rooftop, line["technician"], line["worked_on"])
                found[key]["worked"] += int((line["worked_hours"] * HOUR).to_integral_value())
        for sold in self._sold:
            for (technician, day), share in sold.shares.items():
                found[sold.line["rooftop"], technician, day]["sold"] += share
        for row in self._world.rows("dms_time_clock"):
            day_of = found[row["rooftop"], row["technician"], row["day"]]
            for name in ("attended", "available"):
                hours = row.get(f"{name}_hours")
                day_of[name] = None if hours is None else int((hours * HOUR).to_integral_value())
        return found

    def _technicians(self, question: Question, top: str, bottom: str, missing: str) -> Iterator[Part]:
        for (rooftop, technician, day), said in self._days.items():
            if not question.covers(day):
                continue
            part = Part(day, {"rooftop": rooftop, "technician": technician}, record=(rooftop, technician, day))
            if said[bottom] is None:
                yield replace(part, excluded=missing)
            else:
                yield replace(part, top=hours_of(said[top]), bottom=hours_of(said[bottom]))

    def _left_out(self, question: Question) -> Iterator[Part]:
        for sold in self._sold:
            if sold.left_out and question.covers(sold.day):
                line = sold.line
                groups = {"rooftop": line["rooftop"], "technician": line.get("technician")}
                yield Part(sold.day, groups, excluded=sold.left_out)

    def worked_per_attended(self, question: Question) -> Iterator[Part]:
        """Section 3: hours on jobs, united per technician, over hours attended."""
        yield from self._technicians(question, "worked", "attended", "no attendance on the time clock")

    def sold_per_worked(self, question: Question) -> Iterator[Part]:
        """Section 3: hours sold, on the day they were worked, over hours on jobs."""
        yield from self._technicians(question, "sold", "worked", "")
        yield from self._left_out(question)

    def sold_per_available(self, question: Question) -> Iterator[Part]:
        """Section 3: hours sold, on the day they were worked, over hours available."""
        yield from self._technicians(question, "sold", "available", "no available hours on the time clock")
        yield from self._left_out(question)


def hours_of(seconds: Decimal | int) -> Decimal:
    """Seconds as hours."""
    return Decimal(seconds) / HOUR


def supplier_of(order: Order) -> str | None:
    """Who supplied the sold parts of an order."""
    parts = [line for line in order.lines if line["kind"] == "part" and line["outcome"] == "sold"]
    if not parts:
        return "no parts"
    names = {line.get("supplier") for line in parts}
    return names.pop() if len(names) == 1 else "several"


def upper(text: str | None) -> str | None:
    """An operation code as it is compared."""
    return text.upper() if text else None


def united(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The union of stretches of time."""
    found: list[tuple[datetime, datetime]] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((start, stop))
    return found


def cohort(day: date, groups: dict[str, Any], window: timedelta, hit: bool, question: Question, record: Any) -> Part:
    """One record of a cohort, which counts once its window has passed."""
    mature = day + window <= question.as_of
    return Part(
        day,
        groups,
        top=int(hit),
        bottom=1,
        is_immature=not mature,
        so_far=0 if mature else int(hit),
        record=record,
    )
