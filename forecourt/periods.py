"""The calendar of periods: the one that is shown where none is asked for, and those that one is compared with."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from forecourt.metrics import Period


def default_period(as_of: date) -> Period:
    """From the first of the month of as_of to as_of."""
    return Period(as_of.replace(day=1), as_of, as_of)


def shifted(period: Period, months: int) -> Period:
    """The same days so many months earlier, known as long after their end.

    Whole months stay whole months: of a leap year's February, twelve months earlier, all 28 days.
    """
    first, last = _back(period.first, months), _back(period.last, months)
    if whole_months(period):
        last = last_day(last)
    return compared(period, first, last)


def compared(period: Period, first: date, last: date) -> Period:
    """The days from ``first`` to ``last``, to stand beside ``period``: known as long after their end as it is.

    A month that has had three weeks to learn its late costs stands beside one that had them too, and a month that is
    not over beside as many days of the other.
    """
    if period.as_of < period.last:
        return Period(first, last, min(first + (period.as_of - period.first), last))
    return Period(first, last, min(last + (period.as_of - period.last), period.as_of))


def whole_months(period: Period) -> int:
    """How many whole calendar months a period is made of; 0 where it begins or ends inside one."""
    if period.first.day != 1 or period.last != last_day(period.last):
        return 0
    return 12 * (period.last.year - period.first.year) + period.last.month - period.first.month + 1


def _back(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_day(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def cohort_before(period: Period) -> Period:
    """The cohort that ends the day before ``period`` begins and has as many days, as known on the same day."""
    last = period.first - timedelta(days=1)
    return Period(last - (period.last - period.first), last, period.as_of)
