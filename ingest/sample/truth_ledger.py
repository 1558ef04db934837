"""The truth about receivables: what is open at the end of a day, and the control accounts that follow from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from ingest.sample.world import World, half_away, month_end

EDGES = {"contract_in_transit": (3, 7, 10, 15)}
DEFAULT_EDGES = (30, 60, 90, 120)
DEFAULT_TERMS = {"customer": 14, "parts_account": 30}  # what the sample's settings say; others 0
Key = tuple[str, str]


class OpenRow(NamedTuple):
    """An open document or instalment; amounts in cents, ``base`` in the rooftop's currency."""

    rooftop: str
    schedule: str
    currency: str
    kind: str
    document: str
    outstanding: int
    base: int
    days_past_due: int
    bucket: str
    is_debit: bool


@dataclass(slots=True)
class Doc:
    """An invoice, credit note, payment, refund or returned payment and the allocations that name it."""

    rooftop: str
    number: str
    kind: str
    schedule: str
    posted_on: date
    due_on: date
    amount: int
    currency: str
    rate: int
    is_debit: bool
    contract_on: date | None = None
    instalments: list[tuple[date, int]] = field(default_factory=list)
    allocations: list[tuple[date, int]] = field(default_factory=list)  # in force from, amount

    def allocated(self, day: date) -> int:
        return sum(amount for since, amount in self.allocations if since <= day)


def documents(world: World) -> list[Doc]:
    """Every document of the ledger with all its allocations, those that credits_invoice stands for included."""
    home = {rooftop.code: rooftop.currency for rooftop in world.rooftops}
    tables = world.tables
    contracts = {(row["rooftop"], row["deal_number"]): row["contract_on"] for row in tables["dms_deals"].records()}
    docs: dict[Key, Doc] = {}
    references: list[tuple[Doc, Key]] = []
    for row in tables["dms_invoices"].records():
        schedule, posted = row["schedule"] or "customer", row["posted_on"]
        terms = row["terms_days"] if row["terms_days"] is not None else DEFAULT_TERMS.get(schedule, 0)
        is_debit = row["kind"] == "invoice"
        doc = Doc(
            rooftop=row["rooftop"],
            number=row["invoice_number"],
            kind=row["kind"],
            schedule=schedule,
            posted_on=posted,
            due_on=(row["due_on"] or posted + timedelta(days=terms)) if is_debit else posted,
            amount=row["amount"],
            currency=row["currency"] or home[row["rooftop"]],
            rate=row["rate"] or 1_000_000,
            is_debit=is_debit,
            contract_on=contracts.get((row["rooftop"], row["deal_number"])),
        )
        docs[doc.rooftop, doc.number] = doc
        if row["credits_invoice"]:
            references.append((doc, (row["rooftop"], row["credits_invoice"])))
    for row in tables["dms_payments"].records():
        kind = row["kind"] or "payment"
        docs[row["rooftop"], row["payment_number"]] = Doc(
            rooftop=row["rooftop"],
            number=row["payment_number"],
            kind=kind,
            schedule=row["schedule"] or "customer",
            posted_on=row["posted_on"],
            due_on=row["posted_on"],
            amount=row["amount"],
            currency=row["currency"] or home[row["rooftop"]],
            rate=row["rate"] or 1_000_000,
            is_debit=kind != "payment",
        )
    for row in tables["dms_instalments"].records():
        docs[row["rooftop"], row["invoice_number"]].instalments.append((row["due_on"], row["amount"]))
    named: set[Key] = set()
    for row in tables["dms_allocations"].records():
        sides = [(row["rooftop"], number) for number in (row["from_document"], row["to_document"]) if number]
        there = [docs[side] for side in sides if side in docs]
        since = max([row["allocated_on"], *(doc.posted_on for doc in there)])
        for doc in there:
            doc.allocations.append((since, row["amount"]))
        named.update(sides)
    for note, invoice in references:
        if (note.rooftop, note.number) not in named and invoice in docs:
            target, since = docs[invoice], max(note.posted_on, docs[invoice].posted_on)
            amount = min(note.amount, max(0, target.amount - target.allocated(since)))
            note.allocations.append((since, amount))
            target.allocations.append((since, amount))
    return list(docs.values())


def open_rows(day: date, docs: list[Doc]) -> list[OpenRow]:
    """What is open at the end of ``day``, in the order of the documents."""
    rows: list[OpenRow] = []

    def add(doc: Doc, outstanding: int, due: date, kind: str) -> None:
        if outstanding:
            rows.append(_row(doc, day, outstanding, due, kind))

    for doc in docs:
        if doc.posted_on > day:
            continue
        allocated = doc.allocated(day)
        if not doc.is_debit:
            add(doc, allocated - doc.amount, doc.posted_on, doc.kind)
        elif allocated > doc.amount:
            last = max(since for since, _ in doc.allocations if since <= day)
            add(doc, doc.amount - allocated, last, "overpayment")
        else:
            for due, amount in _parts(doc):
                paid = min(amount, max(0, allocated))
                allocated -= paid
                add(doc, amount - paid, due, doc.kind)
    return rows


def _parts(doc: Doc) -> list[tuple[date, int]]:
    """Due days and amounts of a debit, oldest first; what instalments leave is due with the last of them."""
    if not doc.instalments:
        return [(doc.due_on, doc.amount)]
    parts = sorted(doc.instalments)
    rest = doc.amount - sum(amount for _, amount in parts)
    return [*parts, (parts[-1][0], rest)] if rest > 0 else parts


def _row(doc: Doc, day: date, outstanding: int, due: date, kind: str) -> OpenRow:
    days = (day - due).days
    age = days
    if doc.schedule == "contract_in_transit":
        age = (day - (doc.contract_on or doc.posted_on)).days
    return OpenRow(
        rooftop=doc.rooftop,
        schedule=doc.schedule,
        currency=doc.currency,
        kind=kind,
        document=doc.number,
        outstanding=outstanding,
        base=half_away(outstanding * doc.rate, 1_000_000),
        days_past_due=days,
        bucket=bucket(doc.schedule, age),
        is_debit=doc.is_debit and kind != "overpayment",
    )


def buckets_of(schedule: str) -> list[str]:
    """The labels of a schedule's buckets in order."""
    edges = EDGES.get(schedule, DEFAULT_EDGES)
    labels = ["0-3"] if schedule in EDGES else ["not_due", "1-30"]
    labels += [f"{low + 1}-{high}" for low, high in pairwise(edges)]
    return [*labels, f"{edges[-1] + 1}+"]


def bucket(schedule: str, days: int) -> str:
    """The label for an age in days; the upper edges are inclusive."""
    labels, edges = buckets_of(schedule), EDGES.get(schedule, DEFAULT_EDGES)
    if schedule not in EDGES:
        if days <= 0:
            return labels[0]
        labels = labels[1:]
    return labels[sum(days > edge for edge in edges)]


def write_control_balances(world: World, days: tuple[date, ...]) -> None:
    """The control account of every schedule at some days and the last month ends; one is off by a cent."""
    docs = documents(world)
    wanted = sorted({*days, *(month_end(month) for month in world.months[-4:])})
    for day in (day for day in wanted if world.start <= day <= world.end):
        sums: dict[Key, int] = defaultdict(int)
        for doc in docs:
            sums[doc.rooftop, doc.schedule] += 0
        for row in open_rows(day, docs):
            sums[row.rooftop, row.schedule] += row.base
        for (rooftop, schedule), balance in sorted(sums.items()):
            planted = rooftop == "R1" and schedule == "customer" and day == world.end
            values: dict[str, Any] = {
                "rooftop": rooftop,
                "schedule": schedule,
                "as_of": day,
                "balance": balance + (1 if planted else 0),
                "currency": next(r.currency for r in world.rooftops if r.code == rooftop),
            }
            world.tables["dms_control_balances"].add(day, **values)
