"""What went wrong and who decided: the exceptions, each a chain of events from opening to closing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ingest.sample.people import People
from ingest.sample.world import Rooftop, World, at, in_hours, one_of, spread

EVERY = {  # one exception for so many records of the kind
    "failed_inspection": 3,
    "late_return": 6,
    "part_shortage": 3,
    "document_gap": 9,
    "payment_default": 60,
    "condition_dispute": 12,
    "cost_correction": 90,
    "price_override": 25,
}
CLOSURE = {
    "failed_inspection": "retest passed",
    "late_return": "car is back",
    "part_shortage": "part received",
    "document_gap": "document received or waived",
    "payment_default": "paid or written off",
    "condition_dispute": "price adjusted or dispute rejected",
    "cost_correction": "approved",
    "price_override": "approved",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A thing that went wrong with one entity, with the field whose value was changed for it."""

    kind: str
    entity: str
    entity_id: str
    happened: datetime
    field: str
    values: tuple[str, str, str]  # before, first change, second change


def write_exceptions(world: World, people: dict[str, People]) -> None:
    """Enters the chains of every rooftop, whose people stand under its code."""
    troubles = _troubles(world)
    for rooftop in world.rooftops:
        _write(world, rooftop, people[rooftop.code], troubles.get(rooftop.code, []))


def _write(world: World, rooftop: Rooftop, people: People, troubles: list[Trouble]) -> None:
    """The chains of one rooftop: opened, evidence, decided, approved, closed; some still open, some reopened."""
    chance, code = world.chance("exceptions", rooftop.code), rooftop.code
    seen: dict[str, int] = {}
    number = 0
    for trouble in troubles:
        seen[trouble.kind] = seen.get(trouble.kind, 0) + 1
        if seen[trouble.kind] % EVERY[trouble.kind] != 1:
            continue
        number += 1
        moment, day = trouble.happened, trouble.happened.date()
        manager = people.on_duty("manager", max(day, world.start), chance)
        clerk = people.on_duty("controller", max(day, world.start), chance)
        steps = ["opened", "evidence", "decided", "approved", "closed"][: 5 if chance.random() < 0.85 else 3]
        if len(steps) == 5 and chance.random() < 0.08:
            steps += ["reopened", "closed"]
        before, first, second = trouble.values
        for event, step in enumerate(steps, start=1):
            decided = step in ("decided", "approved")
            world.tables["dms_exceptions"].add(
                moment,
                rooftop=code,
                exception_id=f"X{number:05d}",
                event=event,
                event_kind=step,
                kind=trouble.kind,
                entity=trouble.entity,
                entity_id=trouble.entity_id,
                field=trouble.field,
                previous_value=(before if step == "decided" else first) if decided else None,
                new_value=(first if step == "decided" else second) if decided else None,
                reason=one_of(chance, ("customer asked", "supplier late", "found at inspection", "agreed by phone")),
                occurred_at=moment,
                role="manager" if step == "approved" else "controller",
                employee=manager if step == "approved" else clerk,
                approver=manager if step == "approved" else None,
                approval_status="approved" if step == "approved" else None,
                evidence=f"scan-{number:05d}-{event}" if step == "evidence" else None,
                closure_condition=CLOSURE[trouble.kind],
                closure_met=(chance.random() < 0.95) if step == "closed" else None,
                due_at=trouble.happened + timedelta(days=7),
                gross_impact=-int(chance.random() * 30_000) if step == "decided" else None,
                days_impact=int(chance.random() * 6) if step == "decided" else None,
                currency=rooftop.currency,
            )
            moment = in_hours(rooftop, moment, spread(chance, (20, 120, 500, 1500)))


def _troubles(world: World) -> dict[str, list[Trouble]]:
    """Rooftop -> every record after which an exception may be opened, by kind."""
    found: dict[str, list[Trouble]] = defaultdict(list)

    def add(row: dict[str, Any], kind: str, entity: str, happened: datetime, what: str, *values: str) -> None:
        key = {"vehicle": "stock_number", "rental": "agreement_number", "repair_order": "ro_number"}.get(entity)
        key = key or {"invoice": "invoice_number", "deal": "deal_number"}[entity]
        number = row.get(key) or row["entity_id"]
        trouble = Trouble(kind, entity, number, happened, what, (values[0], values[1], values[2]))
        found[row["rooftop"]].append(trouble)

    def noon(day: date, later: int = 0) -> datetime:
        return at(day + timedelta(days=later), 720)

    for row in world.tables["dms_inspections"].records():
        if row["result"] == "fail":
            add(row, "failed_inspection", "vehicle", row["inspected_at"], "result", "fail", "pass", "pass")
        elif row["kind"] == "intake":
            add(row, "condition_dispute", "vehicle", row["inspected_at"], "grade", "2", "3", "3")
    for row in world.tables["dms_rentals"].records():
        if row["returned_at"] and row["returned_at"] > row["due_back_at"]:
            due, back = row["due_back_at"].isoformat(), row["returned_at"].isoformat()
            add(row, "late_return", "rental", row["due_back_at"], "due_back_at", due, back, back)
    for row in world.tables["dms_repair_orders"].records():
        if row["waiting_for_parts"]:
            first, moved = row["first_promised_at"].isoformat(), row["promised_at"].isoformat()
            opened = row["opened_at"] + timedelta(hours=12)
            add(row, "part_shortage", "repair_order", opened, "promised_at", first, moved, moved)
    for row in world.tables["dms_documents"].records():
        if row["received_on"] is None or row["received_on"] > row["required_on"]:
            wanted = noon(row["required_on"])
            add(row, "document_gap", "deal", wanted, row["document"], "missing", "received", "received")
    for row in world.tables["dms_invoices"].records():
        if row["schedule"] == "parts_account" and row["terms_days"]:
            overdue = noon(row["posted_on"], row["terms_days"] + 20)
            add(row, "payment_default", "invoice", overdue, "due_on", "first", "next", "last")
    for row in world.tables["dms_deals"].records():
        asked, agreed = f"{row['sale_price'] / 100 + 500:.2f}", f"{row['sale_price'] / 100:.2f}"
        add(row, "price_override", "deal", noon(row["contract_on"]), "sale_price", asked, agreed, agreed)
    for row in world.tables["dms_vehicle_costs"].records():
        if row["category"] == "recon":
            amount = f"{row['amount'] / 100:.2f}"
            add(row, "cost_correction", "vehicle", noon(row["posted_on"]), "cost", amount, amount, amount)
    return found
