"""The claims triangle: the month a car was sold by its months in service, with the number printed in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from dashboards import charts, tables, words
from dashboards.palette import Palette
from dashboards.shell import Page
from forecourt.metrics import Metric, Period
from forecourt.periods import last_day

KPI = "claims_per_service_month"
#: Sale months, and months in service.
MONTHS = 12


def draw(page: Page) -> None:
    """The section of the page *Claims*; nothing where the run has no such KPI."""
    metric = page.reader.metrics().get(KPI)
    if metric is None:
        return
    cells = _cells(page, metric)
    if not cells:
        return
    st.subheader("By month of sale and month in service", anchor=False)
    drawn, table = st.tabs(["Chart", "Table"])
    alt_text = f"{metric.label}: {len(cells)} cells, month of sale by month in service"
    drawn.altair_chart(_heat(cells, page.palette), alt=alt_text)
    drawn.caption("Claims for 100 cars that were in service for the whole month. An empty cell is not over yet.")
    table.dataframe(
        tables.numbers(pl.DataFrame(cells).select("sold", "month", "value", "n"), {"value": 1, "n": 0}, page.locale),
        hide_index=True,
        column_config={
            "sold": "Sold",
            "month": "Month in service",
            "value": "Claims for 100 cars",
            "n": "Cars",
        },
        alt=alt_text,
    )


def _cells(page: Page, metric: Metric) -> list[dict[str, Any]]:
    """One per month of sale and month in service that is over; the kernel is asked for one month of sale at a time."""
    start = page.filters.period.end.replace(day=1)
    found = []
    for _ in range(MONTHS):
        period = Period(start, last_day(start), page.filters.period.as_of)
        for row in page.reader.kpi(metric.name, period, by="month_in_service", rooftops=page.filters.rooftops):
            if row.group is not None and row.value is not None and int(row.group) <= MONTHS:
                value = 100 * float(row.value)
                found.append(
                    {
                        "sold": f"{start:%b %Y}",
                        "position": start.isoformat(),
                        "month": int(row.group),
                        "value": value,
                        "text": words.number(value, 1, page.locale) if value else "0",
                        "n": row.n,
                    }
                )
        start = (start - timedelta(days=1)).replace(day=1)
    return found


def _heat(cells: Sequence[dict[str, Any]], colours: Palette) -> Any:
    base = alt.Chart(alt.Data(values=list(cells)))
    high = max(cell["value"] for cell in cells) or 1
    months = list(dict.fromkeys(cell["sold"] for cell in sorted(cells, key=lambda cell: cell["position"])))
    y = alt.Y("sold:N", sort=months, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8))
    x = alt.X("month:O", title="Month in service", axis=alt.Axis(labelAngle=0, ticks=False, domain=False, orient="top"))
    tooltip = [
        alt.Tooltip("sold:N", title="Sold"),
        alt.Tooltip("month:O", title="Month in service"),
        alt.Tooltip("text:N", title="Claims for 100 cars"),
        alt.Tooltip("n:Q", title="Cars"),
    ]
    heat = base.mark_rect(stroke=colours.background, strokeWidth=2).encode(
        x=x,
        y=y,
        color=alt.Color(
            "value:Q", legend=None, scale=alt.Scale(domain=[0, high], range=[colours.grid, *colours.ramp[:5]])
        ),
        tooltip=tooltip,
    )
    is_dark_cell = f"datum.value > {high * 0.7}"
    label = base.mark_text().encode(
        x=x,
        y=y,
        text="text:N",
        color=alt.condition(is_dark_cell, alt.value(colours.background), alt.value(colours.ink)),
    )
    return charts.framed(alt.layer(heat, label), 26 * len(months) + 50, colours)
