"""What the reader chose: rooftops, period and comparison, kept in the URL so that a link shows the same page.

The widgets fold into one button; the line beside it always says what is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import streamlit as st

from dashboards import words
from dashboards.periods import (
    BEFORE,
    CUSTOM,
    LAST_MONTH,
    MONTH,
    NOTHING,
    QUARTER,
    YEAR,
    YEAR_AGO,
    before_of,
    period_of,
)
from dashboards.words import Locale
from forecourt.metrics import Period

PERIODS = {
    MONTH: "Month to date",
    LAST_MONTH: "Last month",
    QUARTER: "Quarter to date",
    YEAR: "Year to date",
    CUSTOM: "From … to …",
}
COMPARISONS = {BEFORE: "Period before", YEAR_AGO: "Same days last year", NOTHING: "Nothing"}
#: A choice outlives the pages that do not show it.
KEEP: Literal["session"] = "session"
#: The choice of a box that narrows nothing.
ALL = "All"


@dataclass(frozen=True)
class Filters:
    """A choice: rooftop codes (empty = all), the period, and the period it is compared with."""

    rooftops: tuple[str, ...]
    period: Period
    before: Period | None
    versus: str


def choose(
    rooftops: dict[str, str], as_of: date, locale: Locale, *, is_phone: bool = False, is_limited: bool = False
) -> Filters:
    """Draws the folded filters with their state beside them, and returns the choice.

    ``is_limited``: these rooftops are not all there are, so where none is chosen they are named one by one.
    """
    asked = [iso_day(st.query_params.get(key)) for key in ("from", "to") if st.query_params.get("period") == CUSTOM]
    unknown = _take_from_url(rooftops, as_of)
    line = st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=not is_phone)
    with line.popover("Filters", icon=":material/tune:"):
        chosen = _rooftops(rooftops)
        choice = st.selectbox(
            "Period", list(PERIODS), format_func=PERIODS.__getitem__, key="period", persist_state=KEEP
        )
        first, last = as_of.replace(day=1), as_of
        if choice == CUSTOM:
            first = _day("From", "from", first, as_of)
            last = _day("To", "to", last, as_of)
        comparison = st.selectbox(
            "Compared with", list(COMPARISONS), format_func=COMPARISONS.__getitem__, key="versus", persist_state=KEEP
        )
    _put_into_url(
        {
            "rooftop": chosen,
            "period": [choice] if choice != MONTH else [],
            "from": [first.isoformat()] if choice == CUSTOM else [],
            "to": [last.isoformat()] if choice == CUSTOM else [],
            "versus": [comparison] if comparison != BEFORE else [],
        }
    )
    period = period_of(choice, as_of, first, last)
    before = before_of(choice, comparison, period)
    versus = words.span(before.first, before.last, locale) if before else ""
    chosen = chosen or (list(rooftops) if is_limited else [])
    names = words.listed([words.plain(rooftops[code]) for code in chosen])
    if is_phone:
        against = f" vs {words.short_span(before.first, before.last, locale)}" if before else ""
        line.markdown(f"**{names or 'All'}** · {words.short_span(period.first, period.last, locale)}{against}")
    else:
        against = f" · against {versus}" if versus else ""
        line.markdown(f"**{names or 'All rooftops'}** · {words.span(period.first, period.last, locale)}{against}")
    if unknown:
        st.caption(f"The link names a {' and a '.join(unknown)} that is not here; what is shown is said above.")
    late = max((day for day in asked if day), default=as_of)
    if late > as_of:
        st.caption(beyond(as_of, late, locale))
    if choice == CUSTOM and first > last:
        st.caption(
            f"From {words.day(first, locale)} to {words.day(last, locale)} was asked: the days between them count."
        )
    return Filters(tuple(chosen), period, before, versus)


def one_of(place: Any, label: str, key: str, values: Sequence[str], written: Callable[[str], str] = str) -> str | None:
    """A box with one of some values or all of them (None). The URL holds the value itself, however it is written.

    What a link says and the data do not have is said.
    """
    said = st.query_params.get(key, ALL)
    asked = next((value for value in (ALL, *values) if said in (value, written(value))), None)
    if asked is None:
        st.caption(f"No {label.lower()} is called “{words.plain(said)}”, so all are shown.")
    if key not in st.session_state:
        st.session_state[key] = asked or ALL
    elif st.session_state[key] not in (ALL, *values):
        st.session_state[key] = ALL
    chosen: str = place.selectbox(
        label,
        [ALL, *values],
        format_func=lambda value: value if value == ALL else written(value),
        key=key,
        persist_state=KEEP,
    )
    _put_into_url({key: [] if chosen == ALL else [chosen]})
    return None if chosen == ALL else chosen


def beyond(newest: date, asked: date, locale: Locale) -> str:
    """That a day was asked which no data reach."""
    return f"The data reach {words.day(newest, locale)}; {words.day(asked, locale)} was asked."


def _take_from_url(rooftops: dict[str, str], as_of: date) -> list[str]:
    """Gives the widgets what a link says, once; what it says wrongly is left out, and named in what is returned."""
    given = st.query_params
    known = {"rooftop": rooftops, "period": PERIODS, "versus": COMPARISONS}
    unknown = [
        {"versus": "comparison"}.get(key, key)
        for key, values in known.items()
        if any(value not in values for value in given.get_all(key))
    ]
    taken: dict[str, Any] = {
        "rooftop": [code for code in given.get_all("rooftop") if code in rooftops],
        "period": given.get("period") if given.get("period") in PERIODS else None,
        "versus": given.get("versus") if given.get("versus") in COMPARISONS else None,
    }
    for key in ("from", "to"):
        day = iso_day(given.get(key))
        taken[key] = min(day, as_of) if day else None
    for key, value in taken.items():
        if value and key not in st.session_state:
            st.session_state[key] = value
    return unknown


def iso_day(text: str | None) -> date | None:
    """The day that a URL writes; None where it writes none."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _put_into_url(choice: dict[str, list[str]]) -> None:
    """Writes the choice after every run: a link from page to page drops what it does not name itself."""
    for key, values in choice.items():
        if st.query_params.get_all(key) == values:
            continue
        if values:
            st.query_params[key] = values
        elif key in st.query_params:
            del st.query_params[key]


def _rooftops(rooftops: dict[str, str]) -> list[str]:
    if len(rooftops) < 2:
        return []
    return st.multiselect(
        "Rooftops",
        list(rooftops),
        format_func=rooftops.__getitem__,
        placeholder="All",
        key="rooftop",
        persist_state=KEEP,
    )


def _day(label: str, key: str, default: date, as_of: date) -> date:
    if key not in st.session_state:
        st.session_state[key] = default
    chosen = st.date_input(label, max_value=as_of, key=key, format="YYYY-MM-DD", persist_state=KEEP)
    return chosen if isinstance(chosen, date) else default
