"""The five numbers on one screen, and beside them the first steps of a sale."""

from __future__ import annotations

import streamlit as st

from dashboards import cards, shell
from dashboards.shell import Page

HEADLINES = {
    "gross_margin_rate": "gross",
    "enquiry_to_handover_days": "turnaround",
    "fleet_utilisation_rate": "utilisation",
    "claim_rate": "claims",
    "overdue_rate": "ageing",
}
FIRST_STEPS = {"response_minutes": "leads", "appointment_set_rate": "leads", "conversion_rate": "leads"}


def overview(page: Page) -> None:
    metrics = page.reader.metrics()
    _row(page, {metrics[name].name: link for name, link in HEADLINES.items() if name in metrics})
    there = {name: link for name, link in FIRST_STEPS.items() if name in metrics}
    if there:
        st.subheader("From enquiry to order", anchor=False)
        _row(page, there)


def _row(page: Page, links: dict[str, str]) -> None:
    metrics = page.reader.metrics()
    for place, (name, link) in zip(st.columns(len(links)), links.items(), strict=True):
        with place:
            cards.kpi_card(page, metrics[name], link)


shell.show("Overview", overview)
