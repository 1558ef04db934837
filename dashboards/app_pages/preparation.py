"""Preparation: which cars are on their way to the line, in which stage since when, what is late, and what it costs."""

from __future__ import annotations

import streamlit as st

from dashboards import kpi_page, naming, shell, tables
from dashboards.kpi_page import Report
from dashboards.lists.cars import OVER_BUDGET, PREPARED, READY
from dashboards.shell import Page
from dashboards.tables import Column

STAGES = ("arrived", "inspection", "in_recon", "awaiting_parts", "out_of_service")
CLOCKS = {
    "stage": Column("Stage", "code"),
    "cars": Column("Cars in it now", "count", short="In it now"),
    "oldest": Column("Longest, days", "count"),
    "left": Column("Left it", "count", "Times that a car left the stage in these days."),
    "median": Column("Median days", "number", "Of those that left it in these days."),
    "p90": Column("P90 days", "number", "Nine of ten took at most so long."),
}


def clocks(page: Page) -> None:
    """How long cars stand in each stage, the wait for parts on its own."""
    if not page.reader.has("fct_vehicle_stage"):
        return
    period = page.filters.period
    rows = page.reader.rows(
        """
        select
            stage,
            count(*) filter (where entered_on <= $2 and (left_on is null or left_on > $2)) as cars,
            max($2::date - entered_on) filter (where entered_on <= $2 and (left_on is null or left_on > $2)) as oldest,
            count(*) filter (where left_on between $1 and $2) as "left",
            median(stage_days) filter (where left_on between $1 and $2) as median,
            quantile_disc(stage_days, 0.9) filter (where left_on between $1 and $2) as p90
        from marts.fct_vehicle_stage
        where list_contains($4::varchar[], stage)
            and (len($3::varchar[]) = 0 or list_contains($3::varchar[], rooftop))
        group by stage
        """,
        (period.first, period.end, page.filters.rooftops, STAGES),
    )
    st.subheader("The clocks of the stages", anchor=False)
    rows = sorted(rows, key=lambda row: STAGES.index(row["stage"]))
    tables.records(
        page,
        naming.named(page.reader, rows, CLOCKS),
        CLOCKS,
        key="clocks",
        name="Stage clocks",
        phone=("stage", "cars", "median"),
    )


REPORT = Report(
    kpi="time_to_line_days",
    dimensions=("rooftop", "condition", "make", "model", "supplier"),
    beside=("stock_ready_rate", "days_in_stock"),
    records=(PREPARED, OVER_BUDGET, READY),
    is_board=True,
    further=clocks,
)

kpi_page.draw(shell.current(), REPORT)
