"""Contracts in transit: what finance companies still owe for cars that are sold, by cause and by owner."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import kpi_page, naming, records, shell, tables
from dashboards.kpi_page import Report
from dashboards.lists.contracts import PAID, WAITING_FOR_MONEY
from dashboards.shell import Page
from dashboards.tables import Column


def groups(page: Page) -> None:
    """What is open by cause and by owner, the most money first."""
    if not page.reader.has("fct_receivable"):
        return
    period = page.filters.period
    asked = (period.first, period.end, period.as_of, page.filters.rooftops)
    rows = page.reader.rows(records.statement(WAITING_FOR_MONEY), asked)
    if not rows:
        return
    st.subheader("What holds the money, and whose turn it is", anchor=False)
    named = [
        row | {"owner": row["owner"] or "nobody is named"}
        for row in naming.named(page.reader, rows, WAITING_FOR_MONEY.columns)
    ]
    for head, column in (("Cause", "cause"), ("Owner", "owner")):
        columns = {
            column: Column(head),
            "contracts": Column("Contracts", "count"),
            "late": Column("Late", "count", "Past seven days."),
            "oldest": Column("Oldest, days", "count"),
            "currency": Column("Currency"),
            "open": Column("Open", "money"),
        }
        shown = _summed(named, column)
        tables.records(page, shown, columns, key=f"by_{column}", name=f"By {column}", phone=(column, "late", "open"))


def _summed(rows: list[dict[str, Any]], column: str) -> list[Mapping[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        entry = found.setdefault(
            (row[column], row["currency"]),
            {
                column: row[column],
                "currency": row["currency"],
                "contracts": 0,
                "late": 0,
                "oldest": 0,
                "open": Decimal(0),
            },
        )
        entry["contracts"] += 1
        entry["late"] += row["standing"] == "late"
        entry["oldest"] = max(entry["oldest"], row["days"])
        entry["open"] += row["outstanding"] or 0
    return tables.in_turn(sorted(found.values(), key=lambda entry: (-entry["open"], str(entry[column]))))


REPORT = Report(
    kpi="funding_days",
    dimensions=("customer", "rooftop", "currency"),
    records=(WAITING_FOR_MONEY, PAID),
    is_board=True,
    further=groups,
)

kpi_page.draw(shell.current(), REPORT)
