"""The periods that a page asks for beside the one that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from forecourt.kpi import last_day, shifted
from forecourt.metrics import Period

#: Months of a trend, and of the line on a card.
MONTHS = 13


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
