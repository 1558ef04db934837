"""What went wrong and who decided: the exceptions, each a chain of events from opening to closing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.sample.people import People
from ingest.sample.world import Rooftop, World, in_hours, one_of, spread

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


def write_exceptions(world: World, rooftop: Rooftop, people: People) -> None:
    """Enters the chains of one rooftop: opened, evidence, decided, approved, closed; some still open."""
    chance, code = world.chance("exceptions", rooftop.code), rooftop.code
    seen: dict[str, int] = {}
    number = 0
    for trouble in _troubles(world, code):
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


def _troubles(world: World, code: str) -> list[Trouble]:
    """Every record of the rooftop after which an exception may be opened, by kind."""
    found: list[Trouble] = []

    def add(kind: str, entity: str, identity: str, happened: datetime, what: str, *values: str) -> None:
        found.append(Trouble(kind, entity, identity, happened, what, (values[0], values[1], values[2])))

    noon = timedelta(hours=12)
    for row in world.tables["dms_inspections"].records():
        if row["rooftop"] == code and row["result"] == "fail":
            stock_number, seen_at = row["stock_number"], row["inspected_at"]
            add("failed_inspection", "vehicle", stock_number, seen_at, "result", "fail", "pass", "pass")
        elif row["rooftop"] == code and row["kind"] == "intake":
            add("condition_dispute", "vehicle", row["stock_number"], row["inspected_at"], "grade", "2", "3", "3")
    for row in world.tables["dms_rentals"].records():
        if row["rooftop"] == code and row["returned_at"] and row["returned_at"] > row["due_back_at"]:
            due, back = row["due_back_at"].isoformat(), row["returned_at"].isoformat()
            add("late_return", "rental", row["agreement_number"], row["due_back_at"], "due_back_at", due, back, back)
    for row in world.tables["dms_repair_orders"].records():
        if row["rooftop"] == code and row["waiting_for_parts"]:
            first, moved = row["first_promised_at"].isoformat(), row["promised_at"].isoformat()
            found_at = row["opened_at"] + noon
            add("part_shortage", "repair_order", row["ro_number"], found_at, "promised_at", first, moved, moved)
    for row in world.tables["dms_documents"].records():
        if row["rooftop"] == code and (row["received_on"] is None or row["received_on"] > row["required_on"]):
            happened = datetime.combine(row["required_on"], datetime.min.time()) + noon
            add("document_gap", "deal", row["entity_id"], happened, row["document"], "missing", "received", "received")
    for row in world.tables["dms_invoices"].records():
        if row["rooftop"] == code and row["schedule"] == "parts_account" and row["terms_days"]:
            happened = datetime.combine(row["posted_on"], datetime.min.time()) + timedelta(days=row["terms_days"] + 20)
            number = row["invoice_number"]
            add("payment_default", "invoice", number, happened + noon, "due_on", "first", "next", "last")
    for row in world.tables["dms_deals"].records():
        if row["rooftop"] == code:
            happened = datetime.combine(row["contract_on"], datetime.min.time()) + noon
            asked, agreed = f"{row['sale_price'] / 100 + 500:.2f}", f"{row['sale_price'] / 100:.2f}"
            add("price_override", "deal", row["deal_number"], happened, "sale_price", asked, agreed, agreed)
    for row in world.tables["dms_vehicle_costs"].records():
        if row["rooftop"] == code and row["category"] == "recon":
            happened = datetime.combine(row["posted_on"], datetime.min.time()) + noon
            amount = f"{row['amount'] / 100:.2f}"
            add("cost_correction", "vehicle", row["stock_number"], happened, "cost", amount, amount, amount)
    return found
