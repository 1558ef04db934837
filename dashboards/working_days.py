"""Working days of a month at the chosen rooftops: how far the month is, and which day came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dashboards.data import Reader
from forecourt.periods import last_day


@dataclass(frozen=True)
class Month:
    """Working days of a month: those that have passed, and all. A day counts where any of the rooftops is open."""

    passed: int
    total: int

    @property
    def is_over(self) -> bool:
        return self.passed >= self.total

    def pace(self, so_far: Decimal) -> Decimal | None:
        """What a sum comes to at the month's end if its other working days are like those that passed."""
        return so_far * self.total / self.passed if self.passed else None


def of_month(reader: Reader, day: date, rooftops: Sequence[str] = ()) -> Month:
    """The working days of a day's month; both zero where no opening hours are known."""
    if not reader.has("dim_business_day"):
        return Month(0, 0)
    (found,) = reader.rows(
        "select count(distinct day) filter (day <= $1) as passed, count(distinct day) as total "
        "from marts.dim_business_day where day between $2 and $3 and open_seconds > 0 "
        "and (len($4::varchar[]) = 0 or list_contains($4::varchar[], rooftop))",
        (day, day.replace(day=1), last_day(day), tuple(rooftops)),
    )
    return Month(found["passed"], found["total"])


def first_after_closing(reader: Reader, day: date, rooftops: Sequence[str] = ()) -> date:
    """The first day that nobody has looked at yet on the morning after ``day``: the day after the working day before.

    On a Monday evening that is Sunday where Saturday was a working day.
    """
    if not reader.has("dim_business_day"):
        return day
    (found,) = reader.rows(
        "select max(day) as day from marts.dim_business_day where day < $1 and open_seconds > 0 "
        "and (len($2::varchar[]) = 0 or list_contains($2::varchar[], rooftop))",
        (day, tuple(rooftops)),
    )
    return found["day"] + timedelta(days=1) if found["day"] else day
