"""The SQL behind a number: a link from a figure to the page that shows its statement and runs it."""

from __future__ import annotations

import streamlit as st

from dashboards import access, words
from dashboards.shell import Page
from forecourt.metrics import Metric, Period
from forecourt.statements import answer_statement


def link(
    page: Page, metric: Metric, period: Period, *, by: str | None = None, label: str = "The SQL behind it"
) -> None:
    """Links to the statement that gives the KPI for this period and the chosen rooftops, the same as ``kpi --sql``.

    Nothing for whoever has no SQL page.
    """
    if not access.seat().sees("sql"):
        return
    said = f"-- {metric.label}, {words.span(period.first, period.last)}, as of {period.as_of.isoformat()}"
    sql = answer_statement(metric, period, by=by, rooftops=page.filters.rooftops or None)
    st.page_link("app_pages/sql.py", label=label, icon=":material/code:", query_params={"q": f"{said}\n{sql}"})
