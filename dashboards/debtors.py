"""Who owes what, drilled down: customers, their documents, what moved each document, the line of the file behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards import naming, records, tables, words
from dashboards.reports import exports, receivables
from dashboards.reports.statement import statement_pdf
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.exported import name_part

DOCUMENTS = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule"),
    "customer_name": Column("Customer"),
    "document": Column("Document"),
    "document_kind": Column("Kind", "code"),
    "posted_on": Column("Posted", "day"),
    "due_on": Column("Due", "day"),
    "currency": Column("Currency"),
    "amount": Column("Amount", "money"),
    "outstanding": Column("Outstanding", "money"),
    "days_past_due": Column("Days", "count"),
    "bucket": Column("Bucket"),
    "rate": Column("Booked rate", "number", "Of the document; empty where none was booked.", decimals=6),
    "outstanding_base": Column(
        "In the books", "money", "Outstanding in the rooftop's currency, at the booked rate.", currency="base_currency"
    ),
    "base_currency": Column("Books in", help="The currency that the rooftop keeps its books in."),
    "disputed": Column("Disputed"),
    "received_after": Column("Received after", "money", help="Cash allocated after this day; not taken off."),
    "customer_id": Column("Customer id"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}
CUSTOMERS = {
    "customer_name": Column("Customer"),
    "customer_id": Column("Customer id"),
    "rooftop": Column("Rooftop"),
    "currency": Column("Currency"),
    "owed": Column("Owed", "money"),
    "past_due": Column("Past due", "money", help="Debit documents whose due day has passed."),
    "unapplied": Column("Unapplied", "money", help="Credits and payments not set against anything."),
    "net": Column("Net", "money"),
    "oldest": Column("Oldest, days", "count"),
    "documents": Column("Documents", "count"),
}


def customers(page: Page, table: pa.Table, day: date) -> None:
    """Every customer with what is owed, the most past due first; choosing one opens the documents and a statement."""
    st.subheader("Customers, most past due first", anchor=False)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    wanted = ("rooftop", "customer_id", "currency", "customer_name", "outstanding", "due_on", "days_past_due")
    for values in zip(*(table.column(name).to_pylist() for name in wanted), strict=True):
        rooftop, customer_id, currency, name, outstanding, due_on, days = values
        entry = found.setdefault(
            (rooftop, customer_id, currency),
            {
                "rooftop": rooftop,
                "code": rooftop,
                "customer_id": customer_id,
                "currency": currency,
                "customer_name": name,
                "owed": Decimal(0),
                "past_due": Decimal(0),
                "unapplied": Decimal(0),
                "net": Decimal(0),
                "oldest": None,
                "documents": 0,
            },
        )
        entry["customer_name"] = entry["customer_name"] or name
        entry["net"] += outstanding
        entry["documents"] += 1
        if outstanding < 0:
            entry["unapplied"] += outstanding
            continue
        entry["owed"] += outstanding
        entry["past_due"] += outstanding if due_on and due_on < day else 0
        entry["oldest"] = days if entry["oldest"] is None else max(entry["oldest"], days)
    for entry in found.values():
        entry["customer_name"] = entry["customer_name"] or entry["customer_id"]
    by_amount = sorted(
        found.values(), key=lambda row: (-row["past_due"], -row["owed"], row["rooftop"], row["customer_id"])
    )
    ordered = tables.in_turn(naming.named(page.reader, by_amount))
    for told in tables.not_compared(ordered):
        st.caption(told)
    tables.records(
        page,
        ordered,
        CUSTOMERS,
        key="customers",
        name="Customers",
        phone=("customer_name", "past_due", "net"),
        everything=lambda: ordered,
        total=len(ordered),
        evidence=lambda row: _customer(page, table, row, day),
    )


def _customer(page: Page, table: pa.Table, row: Mapping[str, Any], day: date) -> None:
    """The statement and the open documents of a customer."""
    code, customer_id = str(row["code"]), str(row["customer_id"])
    st.download_button(
        f"Statement of account of {customer_id}, pdf",
        partial(_statement, page, customer_id, code, day),
        _statement_name(customer_id, day),
        "application/pdf",
        key=f"statement_{code}_{customer_id}",
        on_click="ignore",
        icon=":material/download:",
    )
    is_mine = pc.and_(
        pc.equal(table.column("rooftop"), code), pc.equal(table.column("customer_id"), row["customer_id"])
    )
    mine = table.filter(pc.and_(is_mine, pc.equal(table.column("currency"), row["currency"])))
    _list(page, mine, day, key=f"of_{code}_{customer_id}", order=list(range(mine.num_rows)))


def _statement(page: Page, customer_id: str, rooftop: str, day: date) -> bytes:
    """The bytes of a statement, made when they are asked for and entered in the log of exports."""
    data, facts = statement_pdf(page.reader.warehouse, customer_id, day, rooftop=rooftop)
    exports.record_statement(
        page.reader.home, data, facts, customer_id, name=_statement_name(customer_id, day), by="page"
    )
    return data


def _statement_name(customer_id: str, day: date) -> str:
    return f"statement_{name_part(customer_id)}_{day.isoformat()}.pdf"


def documents(page: Page, table: pa.Table, day: date) -> None:
    """The oldest documents; choosing one opens what moved it."""
    st.subheader("Documents, oldest first", anchor=False)
    order = sorted(range(table.num_rows), key=table.column("days_past_due").to_pylist().__getitem__, reverse=True)
    _list(page, table, day, key="documents", order=order)
    if table.num_rows > tables.SHOWN:
        st.caption(f"The {tables.SHOWN} oldest of {words.number(table.num_rows, 0, page.locale)}; the files hold all.")


def _list(page: Page, table: pa.Table, day: date, *, key: str, order: Sequence[int]) -> None:
    rows = [
        row
        | {
            "row_number": row["row"],
            "code": row["rooftop"],
            "kind_code": row["document_kind"],
            "customer_name": row["customer_name"] or row["customer_id"],
            "schedule": plain(row["schedule"]),
            "disputed": "yes" if row["disputed"] else None,
        }
        for row in table.take(order[: tables.SHOWN]).to_pylist()
    ]
    tables.records(
        page,
        naming.named(page.reader, rows, DOCUMENTS),
        DOCUMENTS,
        key=key,
        name="Documents",
        phone=("customer_name", "outstanding", "days_past_due"),
        downloads=False,
        evidence=lambda row: _movements(page, row, day),
    )


def plain(name: str) -> str:
    """A code as a heading: Parts account."""
    return words.term(name).capitalize()


TIEOUT = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule"),
    "currency": Column("Currency"),
    "control_balance": Column("Control account", "money"),
    "outstanding": Column("Outstanding", "money"),
    "difference": Column("Difference", "money"),
    "verdict": Column("Verdict"),
}


def tieout(page: Page, found: Sequence[Mapping[str, Any]]) -> int:
    """Whether the schedules tie to their control accounts, and how many do not: then the accounts stand open."""
    off = sum(row["verdict"] == "differs" for row in found)
    ties = any(row["verdict"] == "ties" for row in found)
    mark = ":red[:material/error:]" if off else ":green[:material/check_circle:]" if ties else ":material/help:"
    rows = naming.named(page.reader, found)
    st.markdown(f"{mark} {words.plain(receivables.tied(rows))}")
    if found:
        with st.expander("Tie-out to the ledger, differences first", expanded=bool(off)):
            shown = [row | {"schedule": plain(row["schedule"])} for row in rows]
            tables.listing(page, shown, TIEOUT, "Tie-out to the ledger", ("schedule", "rooftop", "difference"))
    return off


#: What moved a part of a document up to a day. Parameters: rooftop, kind, document, instalment, day.
_MOVED = """
select movements.effective_on, movements.movement, movements.kind, movements.currency, movements.amount,
    sum(movements.amount) over (
        order by movements.effective_on, movements.movement <> 'posted', movements.movement_key
    ) as open_after,
    replace(movements.counter_document_key, '|', ' ') as counter_document, files.name as file, movements.row_number,
    receivables.receivable_key
from marts.fct_receivable as receivables
inner join marts.fct_receivable_movement as movements on receivables.receivable_key = movements.receivable_key
left join meta.files as files on movements.file_id = files.file_id
where receivables.rooftop = $1 and receivables.document_kind = $2 and receivables.document = $3
    and receivables.instalment = $4 and movements.effective_on <= $5::date
order by movements.effective_on, movements.movement <> 'posted', movements.movement_key
"""
_MOVEMENTS = {
    "effective_on": Column("Counts from", "day"),
    "movement": Column("Movement", "code"),
    "kind": Column("Kind", "code"),
    "amount": Column("Amount", "money"),
    "open_after": Column("Open after", "money"),
    "counter_document": Column("With"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}


def _movements(page: Page, row: Mapping[str, Any], day: date) -> None:
    """What moved a document, each movement with the line of the file it came from."""
    asked = (row["code"], row["kind_code"], row["document"], row["instalment"], day)
    moved = page.reader.rows(_MOVED, asked)
    if not moved:
        return
    st.markdown("**What moved it**")
    tables.listing(
        page,
        naming.named(page.reader, moved, _MOVEMENTS),
        _MOVEMENTS,
        "What moved the document",
        ("effective_on", "amount", "open_after"),
    )
    records.evidence(page, "fct_receivable", str(moved[0]["receivable_key"]))
