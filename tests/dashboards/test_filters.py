"""Periods and comparisons behind the filters."""

from __future__ import annotations

from datetime import date

import pytest

from dashboards import periods
from dashboards.periods import BEFORE, CUSTOM, LAST_MONTH, MONTH, NOTHING, QUARTER, YEAR, YEAR_AGO
from forecourt.metrics import Period

AS_OF = date(2026, 9, 17)


@pytest.mark.parametrize(
    ("choice", "first", "last"),
    [
        (MONTH, date(2026, 9, 1), AS_OF),
        (LAST_MONTH, date(2026, 8, 1), date(2026, 8, 31)),
        (QUARTER, date(2026, 7, 1), AS_OF),
        (YEAR, date(2026, 1, 1), AS_OF),
    ],
)
def test_periods_end_with_the_newest_day(choice: str, first: date, last: date) -> None:
    assert periods.period_of(choice, AS_OF) == Period(first, last, AS_OF)


def test_a_free_period_may_be_given_backwards() -> None:
    given = periods.period_of(CUSTOM, AS_OF, date(2026, 9, 10), date(2026, 9, 2))
    assert given == Period(date(2026, 9, 2), date(2026, 9, 10), AS_OF)


@pytest.mark.parametrize(
    ("choice", "comparison", "first", "last"),
    [
        (MONTH, BEFORE, date(2026, 8, 1), date(2026, 8, 17)),
        (MONTH, YEAR_AGO, date(2025, 9, 1), date(2025, 9, 17)),
        (LAST_MONTH, BEFORE, date(2026, 7, 1), date(2026, 7, 31)),
        (QUARTER, BEFORE, date(2026, 4, 1), date(2026, 6, 17)),
        (YEAR, BEFORE, date(2025, 1, 1), date(2025, 9, 17)),
    ],
)
def test_comparisons_take_the_same_days(choice: str, comparison: str, first: date, last: date) -> None:
    period = periods.period_of(choice, AS_OF)
    before = periods.before_of(choice, comparison, period)
    assert before == Period(first, last, last + (AS_OF - period.last))


def test_a_free_period_is_compared_with_as_many_days_before_it() -> None:
    period = Period(date(2026, 9, 8), date(2026, 9, 14), AS_OF)
    assert periods.before_of(CUSTOM, BEFORE, period) == Period(date(2026, 9, 1), date(2026, 9, 7), date(2026, 9, 10))


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        (date(2026, 2, 1), date(2026, 2, 28), (date(2026, 1, 1), date(2026, 1, 31))),
        (date(2026, 4, 1), date(2026, 6, 30), (date(2026, 1, 1), date(2026, 3, 31))),
        (date(2025, 11, 1), date(2026, 2, 28), (date(2025, 7, 1), date(2025, 10, 31))),
        (date(2025, 1, 1), date(2025, 12, 31), (date(2024, 1, 1), date(2024, 12, 31))),
        (date(2026, 3, 1), date(2026, 3, 30), (date(2026, 1, 30), date(2026, 2, 28))),
    ],
)
def test_whole_months_chosen_freely_are_compared_with_whole_months(
    first: date, last: date, before: tuple[date, date]
) -> None:
    period = periods.period_of(CUSTOM, AS_OF, first, last)
    assert periods.before_of(CUSTOM, BEFORE, period) == Period(*before, before[1] + (AS_OF - last))


def test_a_quarter_so_far_keeps_its_days() -> None:
    period = periods.period_of(QUARTER, date(2026, 8, 30))
    assert periods.before_of(QUARTER, BEFORE, period) == Period(date(2026, 4, 1), date(2026, 5, 30), date(2026, 5, 30))


def test_nothing_to_compare_with() -> None:
    assert periods.before_of(MONTH, NOTHING, periods.period_of(MONTH, AS_OF)) is None
