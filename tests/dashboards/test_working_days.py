"""The pace of a month, in working days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dashboards import working_days
from dashboards.data import Reader
from dashboards.working_days import Month
from forecourt.door import current_run
from forecourt.home import Home


def test_the_pace_is_that_of_the_days_that_passed() -> None:
    assert Month(10, 25).pace(Decimal("40")) == Decimal(100)
    assert Month(0, 25).pace(Decimal("40")) is None


def test_a_month_is_over_with_its_last_working_day() -> None:
    assert Month(25, 25).is_over
    assert not Month(24, 25).is_over


def test_sundays_and_days_to_come_are_no_days_that_passed(published_home: Home) -> None:
    reader = Reader(str(published_home.root), str(current_run(published_home)))
    assert working_days.of_month(reader, date(2026, 9, 6), ["R1"]) == working_days.of_month(
        reader, date(2026, 9, 5), ["R1"]
    )
    month = working_days.of_month(reader, date(2026, 9, 30), ["R1"])
    assert month.is_over
    assert month.total == 26


def test_what_broke_on_a_closed_day_is_seen_on_the_next_open_one(published_home: Home) -> None:
    reader = Reader(str(published_home.root), str(current_run(published_home)))
    assert working_days.first_after_closing(reader, date(2026, 9, 7), ["R1"]) == date(2026, 9, 6)
    assert working_days.first_after_closing(reader, date(2026, 9, 9), ["R1"]) == date(2026, 9, 9)
