"""The five numbers on one screen with why they moved, how the month is going, what broke, how fresh the data is."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import cards, month, records, shell, trust, whys, words, working_days
from dashboards.lists.promises import OVERNIGHT
from dashboards.prepared import FIRST_STEPS
from dashboards.shell import Page
from forecourt.metrics import Metric, Period

HEADLINES = {
    "gross_margin_rate": "gross",
    "enquiry_to_handover_days": "turnaround",
    "fleet_utilisation_rate": "utilisation",
    "claim_rate": "claims",
    "overdue_rate": "ageing",
}
#: Broken promises that the overview lists; the page of promises has all.
BROKEN_SHOWN = 8


def overview(page: Page) -> None:
    """The first page: the five headlines, the month, what broke, the first steps of selling, how fresh it all is.

    The sentences of why come last into their cards: they cost the most, and the numbers need not wait for them.
    """
    metrics = page.reader.metrics()
    _answer(page, [metrics[name] for name in HEADLINES if name in metrics])
    slots = _row(page, {name: link for name, link in HEADLINES.items() if name in metrics})
    month.draw(page)
    _broken(page)
    there = {name: "leads" for name in FIRST_STEPS if name in metrics}
    if there:
        st.subheader("From enquiry to order", anchor=False)
        slots |= _row(page, there)
    st.subheader("Can these numbers be trusted", anchor=False)
    trust.draw(page)
    for name, slot in slots.items():
        said = whys.sentence(page, metrics[name])
        if said:
            slot.caption(f"Why: {said}".replace("$", "\\$"))


def _broken(page: Page) -> None:
    """What broke since the working day before, and the way to all that is broken."""
    if not page.reader.has("fct_exception"):
        return
    end = page.filters.period.end
    first = working_days.first_after_closing(page.reader, end, page.filters.rooftops)
    st.subheader("What broke overnight", anchor=False)
    records.draw(page, OVERNIGHT, Period(first, end, page.filters.period.as_of), shown=BROKEN_SHOWN)
    st.page_link("app_pages/promises.py", label="All promises, kept and broken", icon=":material/handshake:")


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


def _row(page: Page, links: dict[str, str]) -> dict[str, DeltaGenerator]:
    """Cards side by side as far as they fit; returns the place in each for its sentence of why."""
    metrics = page.reader.metrics()
    slots = {}
    with st.container(horizontal=True, key=f"cards_{next(iter(links), '')}"):
        for name, link in links.items():
            query = {"kpi": metrics[name].label} if link == "leads" else None
            slots[name] = cards.kpi_card(page, metrics[name], link, query)
    return slots


overview(shell.current())
