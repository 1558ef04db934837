"""Small figures: KPIs beside a question, each with its value or the reason why it has none, and its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboards import cards, words
from dashboards.shell import Page
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric


@dataclass(frozen=True)
class Link:
    """Where a figure leads: the page, what the link says, and what it chooses there."""

    page: str
    label: str
    query: Mapping[str, str] | None = None


def draw(page: Page, names: Sequence[str], title: str = "") -> None:
    """Draws those of the KPIs that the run has, in one row that wraps."""
    metrics = page.reader.metrics()
    there = [metrics[name] for name in names if name in metrics]
    if not there:
        return
    if title:
        st.subheader(title, anchor=False)
    with st.container(horizontal=True):
        for metric in there:
            _figure(page, metric)


def _figure(page: Page, metric: Metric) -> None:
    period = page.reader.headline_period(metric.name, page.filters.period)
    rows = page.reader.kpi(metric.name, period, rooftops=page.filters.rooftops)
    earlier: list[KpiRow] = []
    if page.filters.before:
        before = page.reader.headline_period(metric.name, page.filters.before)
        earlier = page.reader.kpi(metric.name, before, rooftops=page.filters.rooftops)
    values = [text_of(page, metric, row, several=len(rows) > 1) for row in rows if row.value is not None]
    without = next((row for row in rows if row.value is None), None)
    instead, why = words.missing(metric, without.reason) if without else ("", "")
    moved = [said for row in rows if (said := _moved(page, metric, row, earlier))]
    notes = [" · ".join(moved)] if moved else []
    tile(
        page,
        metric.label,
        values or [f":gray[{instead}]"],
        [*notes, *([why] if why else [])],
        cards.explained(page, metric),
    )


def tile(
    page: Page,
    label: str,
    values: Sequence[str],
    notes: Sequence[str],
    help: str | None = None,
    link: Link | None = None,
) -> None:
    """A small bordered figure: its name, its values side by side, notes below; ``link`` leads on from it."""
    with st.container(border=True, width="stretch" if page.is_phone else 240, height="stretch", gap=None):
        st.markdown(label, help=help)
        st.markdown(f"**{' · '.join(values)}**".replace("$", "\\$"))
        for note in notes:
            st.caption(note.replace("$", "\\$"))
        if link:
            st.page_link(f"app_pages/{link.page}.py", label=link.label, query_params=link.query)


def text_of(page: Page, metric: Metric, row: KpiRow, *, several: bool) -> str:
    """A value with its unit, and with its currency where two stand side by side; grey where a feed is behind."""
    text = words.value_text(metric, row.value or 0, row.currency, page.locale)
    if several and metric.unit != "money" and row.currency:
        text = f"{text} {row.currency}"
    return f":gray[{text}]" if row.is_stale else text


def _moved(page: Page, metric: Metric, row: KpiRow, earlier: Sequence[KpiRow]) -> str | None:
    """The change against the comparison by arrow, sign and colour."""
    match = next((one for one in earlier if one.currency == row.currency), None)
    text, arrow, colour = cards.change(page, metric, row, match)
    if text is None:
        return None
    icon = {"up": ":material/arrow_upward:", "down": ":material/arrow_downward:", "off": ""}[arrow]
    return f":{colour}[{icon} {text}]" if icon else f":{colour}[{text}]"
