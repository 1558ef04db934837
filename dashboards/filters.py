"""What the reader chose: rooftops, period and comparison, kept in the URL so that a link shows the same page.

The widgets fold into one button; the line beside it always says what is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dashboards import words
from dashboards.words import Locale
from forecourt.kpi import default_period, month_before, year_before
from forecourt.metrics import Period

MONTH, LAST_MONTH, QUARTER, YEAR, CUSTOM = (
    "Month to date",
    "Last month",
    "Quarter to date",
    "Year to date",
    "From … to …",
)
PERIODS = (MONTH, LAST_MONTH, QUARTER, YEAR, CUSTOM)
BEFORE, YEAR_AGO, NOTHING = "Period before", "Same days last year", "Nothing"
COMPARISONS = (BEFORE, YEAR_AGO, NOTHING)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Filters:
    """A choice: rooftop codes (empty = all), the period, and the period it is compared with."""

    rooftops: tuple[str, ...]
    period: Period
    before: Period | None
    versus: str


def period_of(choice: str, as_of: date, first: date | None = None, last: date | None = None) -> Period:
    """The period of a choice as of a day; ``first`` and ``last`` are those of a free choice."""
    if choice == LAST_MONTH:
        end = as_of.replace(day=1) - DAY
        return Period(end.replace(day=1), end, as_of)
    if choice == QUARTER:
        return Period(date(as_of.year, 3 * ((as_of.month - 1) // 3) + 1, 1), as_of, as_of)
    if choice == YEAR:
        return Period(date(as_of.year, 1, 1), as_of, as_of)
    if choice == CUSTOM and first and last:
        return Period(min(first, last), max(first, last), as_of)
    return default_period(as_of)


def before_of(choice: str, comparison: str, period: Period) -> Period | None:
    """What a period is compared with: the same days before it, those of last year, or nothing."""
    if comparison == NOTHING:
        return None
    if comparison == YEAR_AGO or choice == YEAR:
        return year_before(period)
    if choice == QUARTER:
        return month_before(month_before(month_before(period)))
    if choice == CUSTOM:
        end = period.first - DAY
        return Period(end - (period.last - period.first), end, end)
    return month_before(period)


def choose(rooftops: dict[str, str], as_of: date, locale: Locale, *, is_phone: bool = False) -> Filters:
    """Draws the folded filters with their state beside them, and returns the choice."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=not is_phone)
    with line.popover("Filters", icon=":material/tune:"):
        chosen = _rooftops(rooftops)
        choice = st.selectbox("Period", PERIODS, key="period", bind="query-params")
        first = last = None
        if choice == CUSTOM:
            first = st.date_input(
                "From", as_of.replace(day=1), max_value=as_of, key="from", bind="query-params", format="YYYY-MM-DD"
            )
            last = st.date_input("To", as_of, max_value=as_of, key="to", bind="query-params", format="YYYY-MM-DD")
        comparison = st.selectbox("Compared with", COMPARISONS, key="versus", bind="query-params")
    period = period_of(choice, as_of, first, last)
    before = before_of(choice, comparison, period)
    versus = words.span(before.first, before.last, locale) if before else ""
    names = words.listed([rooftops.get(code, code) for code in chosen]) or "All rooftops"
    if is_phone:
        against = f" vs {words.short_span(before.first, before.last, locale)}" if before else ""
        line.markdown(
            f"**{'All' if not chosen else names}** · {words.short_span(period.first, period.last, locale)}{against}"
        )
    else:
        against = f" · against {versus}" if versus else ""
        line.markdown(f"**{names}** · {words.span(period.first, period.last, locale)}{against}")
    return Filters(tuple(chosen), period, before, versus)


def _rooftops(rooftops: dict[str, str]) -> list[str]:
    if len(rooftops) < 2:
        return []
    return st.multiselect(
        "Rooftops",
        list(rooftops),
        format_func=lambda code: rooftops[code],
        placeholder="All",
        key="rooftop",
        bind="query-params",
    )
