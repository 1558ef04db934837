"""The last months of a KPI as points of a line: the kernel's rows by month, gaps kept, the unfinished month marked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards import periods
from dashboards.data import Reader
from dashboards.periods import MONTHS
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period
from forecourt.periods import last_day


@dataclass(frozen=True)
class Point:
    """One month of one line. ``value`` None where the month has none; ``is_open`` while the month is unfinished."""

    month: date
    currency: str | None
    value: float | None
    p90: float | None
    n: int
    is_open: bool


def monthly(
    reader: Reader, metric: Metric, period: Period, rooftops: tuple[str, ...], months: int = MONTHS
) -> list[Point]:
    """The months that end with the period's last day, oldest first, one point per month and currency."""
    starts = list(periods.month_starts(period.end, months))
    rows = reader.kpi(metric.name, periods.months_to(period, months), by="month", rooftops=rooftops)
    by_month: dict[tuple[str | None, str | None], KpiRow] = {(row.group, row.currency): row for row in rows}
    currencies = list(dict.fromkeys(row.currency for row in rows if row.group))
    points = []
    for currency in currencies:
        for start in starts:
            row = by_month.get((f"{start:%Y-%m}", currency))
            value = float(row.value) if row and row.value is not None else None
            ends = last_day(start)
            points.append(
                Point(
                    month=start,
                    currency=currency,
                    value=value,
                    p90=float(row.p90) if row and row.p90 is not None else None,
                    n=row.n if row else 0,
                    is_open=ends > period.end,
                )
            )
    return points
