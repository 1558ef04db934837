"""The five numbers on one screen, and beside them the first steps of a sale."""

from __future__ import annotations

import streamlit as st

from dashboards import cards, shell, words
from dashboards.shell import Page
from forecourt.metrics import Metric

HEADLINES = {
    "gross_margin_rate": "gross",
    "enquiry_to_handover_days": "turnaround",
    "fleet_utilisation_rate": "utilisation",
    "claim_rate": "claims",
    "overdue_rate": "ageing",
}
FIRST_STEPS = ("response_minutes", "appointment_set_rate", "conversion_rate")


def overview(page: Page) -> None:
    """The first page: the five headlines, and the first steps of selling below them."""
    metrics = page.reader.metrics()
    _answer(page, [metrics[name] for name in HEADLINES if name in metrics])
    _row(page, {name: link for name, link in HEADLINES.items() if name in metrics})
    there = {name: "leads" for name in FIRST_STEPS if name in metrics}
    if there:
        st.subheader("From enquiry to order", anchor=False)
        _row(page, there)


def _answer(page: Page, headlines: list[Metric]) -> None:
    """Which of the five meet their target, in a sentence; a number whose feed is behind is not judged."""
    met: list[str] = []
    missed: list[str] = []
    unsure: list[str] = []
    for metric in headlines:
        period = page.reader.headline_period(metric.name, page.filters.period)
        rows = page.reader.kpi(metric.name, period, rooftops=page.filters.rooftops)
        standings = [standing for row in rows if (standing := cards.is_met(metric, row)) is not None]
        if any(row.value is not None and row.is_stale for row in rows):
            unsure.append(words.in_sentence(metric.label))
        elif standings:
            (met if all(standings) else missed).append(words.in_sentence(metric.label))
    parts = [
        f"**{words.listed(names)}** {one if len(names) == 1 else many}"
        for names, one, many in (
            (met, "meets its target", "meet their targets"),
            (missed, "misses its target", "miss their targets"),
            (unsure, "is not up to date", "are not up to date"),
        )
        if names
    ]
    if parts:
        sentence = "; ".join(parts) + "."
        st.markdown(f"#### {sentence[:2]}{sentence[2:3].upper()}{sentence[3:]}")


def _row(page: Page, links: dict[str, str]) -> None:
    metrics = page.reader.metrics()
    # A card with a value per currency needs more room than the others.
    values = [
        len(
            page.reader.kpi(
                name, page.reader.headline_period(name, page.filters.period), rooftops=page.filters.rooftops
            )
        )
        for name in links
    ]
    for place, (name, link) in zip(st.columns([min(2, count) + 1 for count in values]), links.items(), strict=True):
        with place:
            query = {"kpi": metrics[name].label} if link == "leads" else None
            cards.kpi_card(page, metrics[name], link, query)


overview(shell.current())
