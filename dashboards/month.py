"""How the month is going: what was sold so far and where that leads, what stands in stock, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cards, figures, periods, words, working_days
from dashboards.figures import Link
from dashboards.prepared import SOLD
from dashboards.shell import Page
from dashboards.working_days import Month
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period

#: A car that stands longer than this many days costs more than it brings.
OLD = 60


def draw(page: Page) -> None:
    """The section of the overview. Its month is that of the last day of the chosen period."""
    end = page.filters.period.end
    month = periods.month_of(page.filters.period)
    days = working_days.of_month(page.reader, end, page.filters.rooftops)
    st.subheader("How the month is going", anchor=False)
    if days.total:
        name = f"{end:%B}"
        st.caption(
            f"{name} is over: {days.total} working days."
            if days.is_over
            else f"Working day {days.passed} of {days.total} in {name}; the pace is what the month comes to like this."
        )
    with st.container(horizontal=True):
        for name in SOLD:
            _sold(page, name, month, days)
        _stock(page, month)
        _transit(page, month)
        _unanswered(page, month)


def _rows(page: Page, name: str, period: Period, by: str | None = None) -> tuple[Metric | None, list[KpiRow]]:
    metric = page.reader.metrics().get(name)
    return metric, page.reader.kpi(name, period, by=by, rooftops=page.filters.rooftops) if metric else []


def _said(page: Page, metric: Metric, rows: Sequence[KpiRow]) -> list[str]:
    """The values, those of several currencies side by side; in grey why there is none."""
    known = [figures.text_of(page, metric, row, several=len(rows) > 1) for row in rows if row.value is not None]
    if known:
        return known
    return [f":gray[{words.missing(metric, rows[0].reason if rows else None)[0]}]"]


def _sold(page: Page, name: str, month: Period, days: Month) -> None:
    """A sum of the month so far, its pace, and the whole month before."""
    metric, rows = _rows(page, name, month)
    if metric is None:
        return
    notes = []
    if days.total and not days.is_over:
        paces = [
            words.value_text(metric, str(pace), row.currency, page.locale)
            for row in rows
            if row.value is not None and (pace := days.pace(Decimal(str(row.value)))) is not None
        ]
        if paces:
            notes.append(f"Pace {' · '.join(paces)}")
    before = periods.whole_month_before(month)
    _, earlier = _rows(page, name, before)
    notes.append(f"{before.first:%B} {' · '.join(_said(page, metric, earlier))}")
    figures.tile(
        page,
        metric.label,
        _said(page, metric, rows),
        notes,
        cards.explained(page, metric),
        Link("gross", "Gross margin"),
    )


def _stock(page: Page, month: Period) -> None:
    """Cars in stock, what they cost, and how much of that is older than sixty days."""
    units, counted = _rows(page, "stock_units", month)
    cost, costs = _rows(page, "stock_cost", month)
    if units is None or cost is None:
        return
    notes = []
    if any(row.value is not None for row in costs):
        notes.append(" · ".join(_said(page, cost, costs)))
        old = [row for row in _rows(page, "stock_cost", month, by="bucket")[1] if _is_old(row)]
        sums = {row.currency: Decimal(0) for row in costs if row.value is not None}
        for row in old:
            sums[row.currency] = sums.get(row.currency, Decimal(0)) + Decimal(str(row.value or 0))
        cars = sum(int(row.value or 0) for row in _rows(page, "stock_units", month, by="bucket")[1] if _is_old(row))
        amounts = " · ".join(words.money(amount, currency, 0, page.locale) for currency, amount in sums.items())
        notes.append(f"Over {OLD} days: {words.counted(cars, 'cars', page.locale)}, {amounts}")
    figures.tile(
        page, units.label, _said(page, units, counted), notes, cards.explained(page, units), Link("stock", "Stock")
    )


def _is_old(row: KpiRow) -> bool:
    """Whether a bucket of stock age, like 61-90 or 121+, begins above the limit."""
    start = str(row.group or "").split("-")[0].removesuffix("+")
    return start.isdigit() and int(start) > OLD


def _transit(page: Page, month: Period) -> None:
    """What finance companies still have to pay for cars that are sold."""
    metric, rows = _rows(page, "receivable_outstanding", month, by="schedule")
    if metric is None:
        return
    there = [row for row in rows if row.group == "contract_in_transit" and row.value is not None]
    notes = [words.counted(sum(row.n for row in there), "contracts", page.locale)] if there else []
    values = _said(page, metric, there)
    if not there:
        _, whole = _rows(page, "receivable_outstanding", month)
        values = ["none"] if any(row.value is not None for row in whole) else _said(page, metric, whole)
    figures.tile(
        page,
        "Contracts in transit",
        values,
        notes,
        "What is open on the schedule contract_in_transit: sold, and not yet paid by the finance company.",
        Link("contracts", "Contracts in transit"),
    )


def _unanswered(page: Page, month: Period) -> None:
    """Leads of the month that nobody has answered."""
    metric, rows = _rows(page, "response_minutes", month)
    if metric is None or not rows:
        return
    is_known = any(row.n or row.open for row in rows) or not rows[0].reason
    waiting = words.number(sum(row.open or 0 for row in rows), 0, page.locale)
    figures.tile(
        page,
        "Leads unanswered",
        [waiting] if is_known else _said(page, metric, rows),
        [f"of those received in {month.first:%B}"],
        "Leads without a first personal response at the end of the day.",
        Link("leads", "Leads"),
    )
