"""The periods of a choice, what they are compared with, and those that a page asks for beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from forecourt.metrics import Period
from forecourt.periods import compared, default_period, last_day, shifted, whole_months

MONTH, LAST_MONTH, QUARTER, YEAR, CUSTOM = "month", "last_month", "quarter", "year", "custom"
BEFORE, YEAR_AGO, NOTHING = "before", "year_ago", "nothing"
DAY = timedelta(days=1)
#: Months of a trend, and of the line on a card.
MONTHS = 13


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
    """What a period is compared with: the same days before it, those of last year, or nothing.

    Whole months chosen freely are compared with as many whole months before them, other days with as many days.
    """
    if comparison == NOTHING:
        return None
    if comparison == YEAR_AGO or choice == YEAR:
        return shifted(period, 12)
    if choice == QUARTER:
        return shifted(period, 3)
    if choice == CUSTOM:
        if months := whole_months(period):
            return shifted(period, months)
        end = period.first - DAY
        return compared(period, end - (period.last - period.first), end)
    return shifted(period, 1)


def month_starts(end: date, months: int = MONTHS) -> Iterator[date]:
    """The first days of so many months, the last of which holds ``end``; oldest first."""
    starts = [end.replace(day=1)]
    while len(starts) < months:
        starts.append((starts[-1] - timedelta(days=1)).replace(day=1))
    return reversed(starts)


def months_to(period: Period, months: int = MONTHS) -> Period:
    """So many months that end with the period's last day."""
    return Period(next(month_starts(period.end, months)), period.end, period.as_of)


def month_of(period: Period) -> Period:
    """The month of the period's last day, up to that day."""
    return Period(period.end.replace(day=1), period.end, period.as_of)


def whole_month_before(month: Period) -> Period:
    """The whole month before a month, as it is known when that one is."""
    before = shifted(Period(month.first, last_day(month.first), last_day(month.first)), 1)
    return Period(before.first, before.last, month.as_of)
