"""The SQL behind a number: a link from a figure to the page that shows its statement and runs it.

The link names the question, and the page SQL writes the statement: a dozen statements in the addresses of a page cost
more than all its figures.
"""

from __future__ import annotations

import json
from datetime import date

import streamlit as st

from dashboards import access, words
from dashboards.data import Reader
from dashboards.shell import Page
from forecourt.metrics import Metric, Period
from forecourt.statements import answer_statement

#: What the address of the page SQL calls the number.
NUMBER = "number"


def link(
    page: Page, metric: Metric, period: Period, *, by: str | None = None, label: str = "The SQL behind it"
) -> None:
    """Links to the statement that gives the KPI for this period and the chosen rooftops, the same as ``kpi --sql``.

    Nothing for whoever has no SQL page.
    """
    if not access.seat().sees("sql"):
        return
    days = [day.isoformat() for day in (period.first, period.last, period.as_of)]
    asked = json.dumps([metric.name, *days, by, *page.filters.rooftops], separators=(",", ":"), ensure_ascii=False)
    st.page_link("app_pages/sql.py", label=label, icon=":material/code:", query_params={NUMBER: asked})


def statement(reader: Reader, asked: str) -> str | None:
    """The statement that a link asks for; None where the link is written wrongly."""
    try:
        name, first, last, as_of, by, *rooftops = json.loads(asked)
        metric = reader.metrics()[name]
        period = Period(*(date.fromisoformat(day) for day in (first, last, as_of)))
    except (ValueError, TypeError, KeyError):
        return None
    if by not in (None, "month", *metric.dimensions) or not all(isinstance(code, str) for code in rooftops):
        return None
    said = f"-- {metric.label}, {words.span(period.first, period.last)}, as of {period.as_of.isoformat()}"
    return f"{said}\n{answer_statement(metric, period, by=by, rooftops=rooftops or None)}"
