"""CRM and DMS: which sales both know, which only one of them knows, and the likeliest lead of a deal without one."""

from __future__ import annotations

import streamlit as st

from dashboards import figures, guesses, naming, records, shell, tables, words
from dashboards.lists.enquiries import CRM_ONLY
from dashboards.shell import Page
from dashboards.tables import Column

COUNTS = ("sales_matched", "sales_crm_unmatched", "sales_dms_unmatched", "sales_in_crm_only")
DEALS = {
    "rooftop": Column("Rooftop"),
    "deal_number": Column("Deal"),
    "car": Column("Car"),
    "stock_number": Column("Stock number"),
    "buyer": Column("Buyer"),
    "salesperson": Column("Salesperson"),
    "sold_on": Column("Sold", "day"),
    "score": Column("Score", "count", f"Of 100; under {guesses.LEAST} nothing is guessed."),
    "lead_id": Column("Likeliest lead", short="Lead"),
    "asker": Column("Who asked"),
    "received_on": Column("Asked", "day"),
    "why": Column("What speaks for it"),
    "currency": Column("Currency"),
    "sale_price": Column("Price", "money"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}


def matching(page: Page) -> None:
    """The page *CRM and DMS*."""
    if not page.reader.has("fct_sale_match"):
        st.info("This run holds no sales to compare. Land crm_leads and dms_deals, and run again.")
        return
    rows = guesses.unmatched(page.reader, page.filters.period, page.filters.rooftops)
    guessed = sum(row["score"] is not None for row in rows)
    are = "is" if len(rows) == 1 else "are"
    st.markdown(
        f"#### {words.counted(len(rows), 'deals', page.locale)} {are} without a lead; "
        f"for {words.number(guessed, 0, page.locale) if guessed else 'none'} there is a likely one."
    )
    figures.draw(page, COUNTS)
    st.subheader("Deals without a lead, likeliest guess first", anchor=False)
    points = ", ".join(f"{said} {count}" for said, count in guesses.POINTS.items())
    st.caption(f"A guess changes no number. Points: {points}. To join the two, enter the lead's number in the deal.")
    shown = naming.named(
        page.reader, [row | {"car": f"{row['make'] or ''} {row['model'] or ''}".strip()} for row in rows], DEALS
    )
    tables.records(
        page,
        shown,
        DEALS,
        key="unmatched",
        name="Deals without a lead",
        phone=("deal_number", "lead_id", "score"),
        everything=lambda: shown,
        evidence=lambda row: records.evidence(page, "fct_deal", str(row["deal_key"])),
    )
    st.subheader("Sold in the CRM, and no deal in the DMS", anchor=False)
    records.draw(page, CRM_ONLY, page.filters.period)


matching(shell.current())
