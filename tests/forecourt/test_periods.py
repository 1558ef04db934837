from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.metrics import Period
from forecourt.periods import default_period, shifted, whole_months


def period(first: str, last: str, as_of: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))


@pytest.mark.metrics("0.default-period")
def test_the_default_period_is_the_month_so_far() -> None:
    assert default_period(date(2026, 3, 17)) == period("2026-03-01", "2026-03-17", "2026-03-17")


@pytest.mark.metrics("0.comparison")
@pytest.mark.parametrize(
    ("now", "before"),
    [
        (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        (("2028-03-01", "2028-03-31"), ("2028-02-01", "2028-02-29")),
        (("2026-02-01", "2026-02-28"), ("2026-01-01", "2026-01-31")),
        (("2026-04-01", "2026-04-30"), ("2026-03-01", "2026-03-31")),
        (("2026-03-01", "2026-03-17"), ("2026-02-01", "2026-02-17")),
        (("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        (("2026-04-15", "2026-04-30"), ("2026-03-15", "2026-03-30")),
        (("2026-01-01", "2026-01-31"), ("2025-12-01", "2025-12-31")),
        (("2026-01-10", "2026-03-20"), ("2025-12-10", "2026-02-20")),
        (("2026-01-01", "2026-03-31"), ("2025-12-01", "2026-02-28")),
    ],
)
def test_the_month_before(now: tuple[str, str], before: tuple[str, str]) -> None:
    assert shifted(period(*now, now[1]), 1) == period(*before, before[1])


@pytest.mark.metrics("0.comparison")
@pytest.mark.parametrize(
    ("now", "before"),
    [
        (("2026-03-01", "2026-03-17"), ("2025-03-01", "2025-03-17")),
        (("2028-02-01", "2028-02-29"), ("2027-02-01", "2027-02-28")),
        (("2029-02-01", "2029-02-28"), ("2028-02-01", "2028-02-29")),
        (("2028-02-10", "2028-02-29"), ("2027-02-10", "2027-02-28")),
        (("2029-02-10", "2029-02-28"), ("2028-02-10", "2028-02-28")),
        (("2028-02-29", "2028-03-05"), ("2027-02-28", "2027-03-05")),
    ],
)
def test_the_year_before(now: tuple[str, str], before: tuple[str, str]) -> None:
    assert shifted(period(*now, now[1]), 12) == period(*before, before[1])


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("2026-03-01", "2026-03-31", 1),
        ("2025-11-01", "2026-02-28", 4),
        ("2028-02-01", "2028-02-28", 0),
        ("2026-03-02", "2026-03-31", 0),
    ],
)
def test_whole_months_are_counted(first: str, last: str, months: int) -> None:
    assert whole_months(period(first, last, last)) == months


@pytest.mark.metrics("0.comparison")
@pytest.mark.parametrize(
    ("now", "before"),
    [
        # March, three weeks after its end, beside February three weeks after its end.
        (("2026-03-01", "2026-03-31", "2026-04-21"), ("2026-02-01", "2026-02-28", "2026-03-21")),
        # Twelve days of a March that is not over beside twelve days of February.
        (("2026-03-01", "2026-03-31", "2026-03-12"), ("2026-02-01", "2026-02-28", "2026-02-12")),
        (("2026-03-01", "2026-03-31", "2026-03-30"), ("2026-02-01", "2026-02-28", "2026-02-28")),
    ],
)
def test_both_periods_are_known_equally_long_after_their_end(
    now: tuple[str, str, str], before: tuple[str, str, str]
) -> None:
    assert shifted(period(*now), 1) == period(*before)


@given(first=st.dates(date(2000, 3, 1), date(2040, 1, 1)), days=st.integers(0, 400))
def test_a_comparison_never_turns_around_and_always_lies_before(first: date, days: int) -> None:
    now = Period(first, first + timedelta(days=days), first + timedelta(days=days))
    for other in (shifted(now, 1), shifted(now, 12)):
        assert other.first <= other.last == other.as_of < now.last
        assert other.first < now.first
