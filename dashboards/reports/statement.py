"""The statement of account of one customer: what was open, what has happened since, what is open now and how old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dashboards.reports import ageing
from dashboards.reports.paper import Paper
from dashboards.reports.receivables import AgeingFacts, Choice, ageing_facts, ageing_table
from dashboards.reports.report import Col, Part, Row
from forecourt.door import Warehouse
from forecourt.errors import Problem

TITLE = "Statement of account"

#: Postings stand as documents; of allocations only what changes what the customer owes in all.
_LINES = """
with mine as (
    select movements.*, receivables.document, receivables.document_kind, receivables.due_on
    from marts.fct_receivable_movement as movements
    inner join marts.fct_receivable as receivables on movements.receivable_key = receivables.receivable_key
    where movements.rooftop = $1 and movements.customer_id = $2 and movements.effective_on <= $3::date
)

select currency, effective_on, document, kind as what, min(due_on) as due_on, sum(amount) as amount, 0 as place
from mine
where movement = 'posted'
group by currency, effective_on, document_key, document, kind

union all

select currency, effective_on, string_agg(distinct document, ', ' order by document) as document, kind || ' applied',
    null, sum(amount), 1
from mine
where movement <> 'posted'
group by currency, effective_on, allocation_id, kind
having sum(amount) <> 0

order by currency, effective_on, place, document, what, amount
"""
_SAID = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "payment": "Payment received",
    "refund": "Refund",
    "returned": "Payment returned",
    "write_off applied": "Written off",
    "fx applied": "Exchange difference",
    "transfer applied": "Transfer",
    "payment applied": "Payment of another account",
    "credit_note applied": "Credit of another account",
}


def place_of(warehouse: Warehouse, customer_id: str, rooftop: str | None = None) -> dict[str, Any]:
    """The customer in the books of one rooftop: rooftop, rooftop_name, legal_entity, customer_name.

    Customer numbers are a rooftop's own, so one that stands in several rooftops may be several people. Raises Problem
    then, and where no document knows it.
    """
    places = warehouse.rows(
        """select receivables.rooftop, rooftops.rooftop_name, rooftops.legal_entity,
    max(receivables.customer_name) as customer_name
from marts.fct_receivable as receivables
left join marts.dim_rooftop as rooftops on receivables.rooftop = rooftops.rooftop
where receivables.customer_id = $1 and ($2::varchar is null or receivables.rooftop = $2)
group by all order by receivables.rooftop""",
        [customer_id, rooftop],
    )
    if not places:
        where = f" of {rooftop}" if rooftop else ""
        raise Problem(
            f"No receivable document{where} is of customer {customer_id!r}. `forecourt export ageing` lists them."
        )
    if len(places) > 1:
        listed = ", ".join(f"{place['rooftop']} ({place['customer_name'] or 'no name'})" for place in places)
        raise Problem(f"{customer_id!r} is a customer number of {listed}. Give the one that is meant with --rooftop.")
    return places[0]


def account(warehouse: Warehouse, rooftop: str, customer_id: str, first: date, as_of: date) -> list[Part]:
    """By currency: what was open before ``first``, every posting since with the balance after it, what is open."""
    columns = (
        *(Col("Date", 11), Col("Document", 18), Col("What", 26), Col("Due", 11)),
        *(Col("Amount", 15, True), Col("Balance", 15, True)),
    )
    lines = warehouse.rows(_LINES, [rooftop, customer_id, as_of])
    parts = []
    for currency in sorted({line["currency"] for line in lines}):
        mine = [line for line in lines if line["currency"] == currency]
        before = [line["amount"] for line in mine if line["effective_on"] < first]
        balance = sum(before, Decimal("0.00"))
        rows = [Row((first, None, "Balance brought forward", None, None, balance))]
        for line in mine:
            if line["effective_on"] >= first:
                balance += line["amount"]
                what = _SAID.get(line["what"], line["what"].replace("_", " "))
                rows.append(
                    Row((line["effective_on"], line["document"], what, line["due_on"], line["amount"], balance))
                )
        rows.append(Row((as_of, None, "Balance", None, None, balance), "total"))
        parts.append(Part(f"Your account in {currency}", columns, rows))
    return parts


def statement_pdf(
    warehouse: Warehouse, customer_id: str, as_of: date, *, rooftop: str | None = None, since: date | None = None
) -> tuple[bytes, AgeingFacts]:
    """The statement as pages, and the facts of it for the log. ``since``: first day shown, by default of the month.

    Raises Problem as ``place_of`` does, and for a name that paper cannot show.
    """
    place = place_of(warehouse, customer_id, rooftop)
    first = since or as_of.replace(day=1)
    if first > as_of:
        raise Problem(f"The statement would begin on {first} and end before, on {as_of}.")
    facts = ageing_facts(warehouse, as_of, choice=Choice((place["rooftop"],)), part=f"statement of {customer_id}")
    table = ageing_table(warehouse, as_of, choice=facts.choice)
    table = table.filter(pc.equal(table.column("customer_id"), customer_id))
    name = place["customer_name"] or "no name on record"
    paper = Paper(TITLE, f"{customer_id} as of {as_of}", as_of, f"{TITLE}, {customer_id}, {as_of}")
    paper.facts(
        [
            ("To", name),
            ("Customer number", customer_id),
            ("From", ", ".join(filter(None, (place["legal_entity"], place["rooftop_name"] or place["rooftop"])))),
            ("As of", as_of),
            ("Entries from", first),
            ("Entries known to", facts.data_through or "not known"),
        ]
    )
    for part in (
        *account(warehouse, place["rooftop"], customer_id, first, as_of),
        open_items(table),
        *_ages(table, facts),
    ):
        paper.part(part)
    return paper.data(), facts


def open_items(table: pa.Table) -> Part:
    """Every document that is open, credits negative."""
    columns = (
        *(Col("Document", 18), Col("Kind", 13), Col("Posted", 11), Col("Due", 11), Col("Currency", 9)),
        *(Col("Amount", 14, True), Col("Open", 14, True), Col("Days past due", 9, True), Col("Disputed", 9)),
    )
    rows = [
        Row(
            (
                *(row["document"], row["document_kind"].replace("_", " "), row["posted_on"], row["due_on"]),
                *(row["currency"], row["amount"], row["outstanding"], _late(row), "yes" if row["disputed"] else None),
            )
        )
        for row in table.to_pylist()
    ]
    note = "Payments and credits not set against an invoice yet are negative." if rows else "Nothing is open."
    return Part("Open items", columns, rows, note)


def _late(row: Mapping[str, Any]) -> int | None:
    return row["days_past_due"] if row["outstanding"] > 0 and row["days_past_due"] > 0 else None


def _ages(table: pa.Table, facts: AgeingFacts) -> Sequence[Part]:
    return [replace(part, title="By age") for part in ageing.summary(table, facts)] if table.num_rows else []
