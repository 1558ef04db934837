"""Deposits and credit balances: what customers have paid or been credited and nobody has set against anything yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pyarrow as pa

from dashboards.reports.receivables import EVERYTHING, AgeingFacts, Choice, aged
from dashboards.reports.report import Col, Part, Row
from dashboards.reports.sheets import Book, Field
from forecourt.door import Warehouse
from forecourt.literals import literal

TITLE = "Deposits and credit balances"

COLUMNS: Mapping[str, tuple[str, Field]] = {
    "rooftop": ("varchar", Field(9)),
    "legal_entity": ("varchar", Field(24)),
    "schedule": ("varchar", Field(19)),
    "customer_id": ("varchar", Field(13)),
    "customer_name": ("varchar", Field(30)),
    "document": ("varchar", Field(17)),
    "document_kind": ("varchar", Field(14)),
    "deal_number": ("varchar", Field(12)),
    "posted_on": ("date", Field(11, "day")),
    "days_open": ("bigint", Field(10, "whole")),
    "currency": ("varchar", Field(9)),
    "amount": ("decimal(18,2)", Field(15, "money", "currency")),
    "unapplied": ("decimal(18,2)", Field(15, "money", "currency")),
    "customer_balance": ("decimal(18,2)", Field(17, "money")),
    "file": ("varchar", Field(34)),
    "row": ("bigint", Field(9, "whole")),
}


def credits_table(warehouse: Warehouse, as_of: date, choice: Choice = EVERYTHING) -> pa.Table:
    """One row per payment, credit note or overpayment with money left at the end of a day, the largest first.

    ``unapplied`` is negative; ``customer_balance`` is what the customer owes in all, in that rooftop and currency:
    below zero it is the customer's money.
    """
    where, parameters = choice.where()
    columns = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, (kind, _) in COLUMNS.items())
    return warehouse.table(
        f"""select {columns}
from (
    select *, outstanding as unapplied, {literal(as_of)} - posted_on as days_open,
        sum(outstanding) over (partition by rooftop, customer_id, currency) as customer_balance
    from {aged(warehouse, as_of, "due")} {where}
) as found
where unapplied < 0
order by rooftop, currency, unapplied, customer_id, document_kind, document, instalment, file, "row" """,
        parameters,
    )


def totals(table: pa.Table) -> Part:
    """By rooftop, currency and kind: how many and how much; and of how many customers the money is, all in all."""
    columns = (
        *(Col("Rooftop", 26), Col("Currency", 10), Col("Kind", 18), Col("Documents", 12, True)),
        *(Col("Unapplied", 18, True), Col("Customers in credit", 14, True)),
    )
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    customers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in table.to_pylist():
        key = (row["rooftop"], row["currency"], row["document_kind"])
        sums[key] += row["unapplied"]
        counts[key] += 1
        if row["customer_balance"] < 0:
            customers[key].add(row["customer_id"])
    rows = [
        Row((place, currency, kind.replace("_", " "), counts[key], sums[key], len(customers[key])))
        for key in sorted(sums)
        for place, currency, kind in [key]
    ]
    note = "Payments are deposits and receipts not set against an invoice yet." if rows else "Nothing is unapplied."
    return Part("By rooftop and kind", columns, rows, note)


def credits_xlsx(table: pa.Table, facts: AgeingFacts) -> bytes:
    """The list as a workbook: cover with totals, every document."""
    book = Book(TITLE, f"As of {facts.as_of}", facts.as_of)
    cover = [
        ("What", "Payments, credit notes and overpayments that nobody has set against anything yet"),
        *facts.cover(table.num_rows)[1:],
    ]
    book.cover(cover, [totals(table)])
    book.listing("Documents", table, {name: field for name, (_, field) in COLUMNS.items()}, by="currency")
    return book.data()
