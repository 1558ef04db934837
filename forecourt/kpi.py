"""KPI rows: the metrics computed on a published run for a period, with everything that explains the number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.metrics import HEADLINES, Metric, Period, shown
from forecourt.periods import last_day
from forecourt.statements import statement

DAY = timedelta(days=1)
#: What a statement would give of a period by a dimension; None where it must be asked.
Told = Callable[[Period, str | None], list[dict[str, Any]] | None]


@dataclass(frozen=True)
class KpiRow:
    """One KPI for one group and currency, as ``forecourt kpi --json`` prints it.

    ``group`` is None for the total. Ratios are shares of 1; durations are in the KPI's unit with numerator None
    and n as denominator; money parts are decimal strings. ``value`` None always has a ``reason``. ``benchmark`` is the
    newest of the settings: value, source and date.
    """

    kpi: str
    label: str
    unit: str
    kind: str
    from_: date
    to: date
    as_of: date
    group: str | None
    value: int | float | str | None
    numerator: int | float | str | None
    denominator: int | float | str | None
    n: int
    p90: int | float | None
    open: int | None
    excluded: int
    excluded_reasons: dict[str, int]
    immature: int | None
    immature_events: int | None
    target: float | None
    data_through: date | None
    is_stale: bool
    currency: str | None
    reason: str | None
    benchmark: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with ``from`` in place of ``from_``."""
        row = asdict(self)
        return {key.rstrip("_"): value.isoformat() if isinstance(value, date) else value for key, value in row.items()}


def load_metrics(warehouse: Warehouse) -> dict[str, Metric]:
    """The KPIs of a published run, headlines first."""
    rows = warehouse.rows("select name, spec from meta.metrics order by name")
    found = {row["name"]: Metric.from_json(row["spec"]) for row in rows}
    order = [name for name in HEADLINES if name in found]
    return {name: found[name] for name in [*order, *(n for n in found if n not in order)]}


def newest_day(warehouse: Warehouse) -> date:
    """The newest data_through of any feed: the default as_of.

    Where no row of any feed is kept, the newest day on which a landed file was exported. Raises Problem where no
    file landed.
    """
    (row,) = warehouse.rows(
        """
        select coalesce(
            (select max(data_through) from meta.freshness),
            (select max(cast(exported_at as date)) from meta.files where status = 'landed')
        ) as day
        """
    )
    if row["day"] is None:
        raise Problem(
            "No file has landed, so there is no newest day to show. Put export files into the inbox and run "
            "`forecourt run`; `forecourt status` says what is held or in quarantine. Or give --as-of."
        )
    day: date = row["day"]
    return day


def headline_period(warehouse: Warehouse, metric: Metric, period: Period) -> Period:
    """The period a card shows: for a cohort the equally long one that ended when its window could pass."""
    if metric.kind != "cohort":
        return period
    window = window_days(warehouse, metric, period.as_of)
    last = period.as_of - timedelta(days=window)
    return Period(last - (period.last - period.first), last, period.as_of)


def window_days(warehouse: Warehouse, metric: Metric, on: date) -> int:
    """The window of a cohort KPI in force on a day."""
    (days,) = (
        int(row["value"])
        for row in warehouse.kept("select key, value, valid_from, valid_to from meta.policies")
        if row["key"] == metric.window and row["valid_from"] <= on and (row["valid_to"] is None or on < row["valid_to"])
    )
    return days


def compute(
    warehouse: Warehouse,
    metric: Metric,
    period: Period,
    *,
    by: str | None = None,
    rooftops: Sequence[str] | None = None,
    parts: Told | None = None,
) -> list[KpiRow]:
    """The rows of one KPI: one per group (and currency, for money), or one with a reason where there is none.

    ``parts`` tells what the statement would, where it can. Raises Problem for a dimension the KPI does not have.
    """
    if by not in (None, "month", *metric.dimensions):
        raise Problem(f"{metric.name} has no dimension {by!r}. It has: {', '.join(dimensions_of(metric))}.")
    context = _Context.of(warehouse, metric, period, rooftops)
    if context.absent:
        return [context.empty(f"no data: no {' and no '.join(context.absent)} landed")]

    def ask(days: Period, by: str | None) -> list[dict[str, Any]]:
        told = parts(days, by) if parts else None
        return warehouse.rows(statement(metric, days, by=by, rooftops=rooftops)) if told is None else told

    if by == "month" and metric.kind == "stock":
        rows = list(_monthly_states(ask, period, context))
    else:
        rows = [context.row(row) for row in ask(period, by)]
    if not rows:
        return [context.empty("no records in the period")]
    return rows


def dimensions_of(metric: Metric) -> list[str]:
    """Names that ``--by`` takes for a KPI."""
    return [*metric.dimensions, "month"]


def _monthly_states(
    ask: Callable[[Period, str | None], list[dict[str, Any]]], period: Period, context: _Context
) -> Iterator[KpiRow]:
    """A stock KPI by month: its state at each month's end, the last month's at the period's end."""
    day = period.first
    while day <= period.end:
        state = min(last_day(day), period.end)
        for row in ask(Period(day, state, period.as_of), None):
            yield context.row(row | {"grp": f"{state:%Y-%m}"})
        day = last_day(day) + DAY


@dataclass(frozen=True)
class _Context:
    """What every row of one KPI question shares."""

    metric: Metric
    period: Period
    absent: list[str]
    data_through: date | None
    targets: dict[str | None, float]
    benchmark: dict[str, Any] | None
    rooftops: tuple[str, ...]

    @staticmethod
    def of(warehouse: Warehouse, metric: Metric, period: Period, rooftops: Sequence[str] | None) -> _Context:
        freshness = warehouse.kept("select feed, rooftop, data_through from meta.freshness")
        landed = {row["feed"] for row in freshness}
        relevant = [
            row["data_through"]
            for row in freshness
            if row["feed"] in metric.feeds and (not rooftops or row["rooftop"] in (*rooftops, None, ""))
        ]
        targets = warehouse.kept("select kpi, rooftop, valid_from, value from meta.targets order by valid_from")
        benchmarks = warehouse.kept('select kpi, value, source, "on" from meta.benchmarks order by "on" desc, source')
        return _Context(
            metric,
            period,
            [feed for feed in metric.requires if feed not in landed],
            min((day for day in relevant if day), default=None),
            {
                row["rooftop"]: float(row["value"])
                for row in targets
                if row["kpi"] == metric.name and row["valid_from"] <= period.last
            },
            next(
                (
                    {"value": float(row["value"]), "source": row["source"], "date": row["on"].isoformat()}
                    for row in benchmarks
                    if row["kpi"] == metric.name
                ),
                None,
            ),
            tuple(rooftops or ()),
        )

    def empty(self, reason: str) -> KpiRow:
        metric, period = self.metric, self.period
        return KpiRow(
            kpi=metric.name,
            label=metric.label,
            unit=metric.unit,
            kind=metric.kind,
            from_=period.first,
            to=period.last,
            as_of=period.as_of,
            group=None,
            value=None,
            numerator=None,
            denominator=None,
            n=0,
            p90=None,
            open=None,
            excluded=0,
            excluded_reasons={},
            immature=None,
            immature_events=None,
            target=self._target(None),
            data_through=self.data_through,
            is_stale=self.data_through is not None and self.data_through < period.end,
            currency=None,
            reason=reason,
            benchmark=self.benchmark,
        )

    def row(self, found: dict[str, Any]) -> KpiRow:
        metric = self.metric
        value, reason = _value(metric, found)
        duration = metric.kind == "duration"
        top = found["numerator"]
        if top is None and found["n"]:
            top = 0  # records counted, and none of them in the numerator
        return replace(
            self.empty(reason or ""),
            group=found["grp"],
            value=value,
            numerator=None if duration else shown(metric, top),
            denominator=found["n"]
            if duration
            else shown(metric, found["denominator"], is_count=metric.unit == "money"),
            n=found["n"],
            p90=shown(metric, found["p90"]),  # type: ignore[arg-type]
            open=found["open"],
            excluded=int(found["excluded"]),
            excluded_reasons={key: int(count) for key, count in sorted(json.loads(found["reasons"] or "{}").items())},
            immature=found["immature"],
            immature_events=found["so_far"],
            target=self._target(found["grp"]),
            currency=found["currency"],
            reason=reason,
        )

    def _target(self, group: str | None) -> float | None:
        """The target of the group's rooftop, else of the one rooftop asked for, else the company's."""
        candidates = [group, self.rooftops[0] if len(self.rooftops) == 1 else None]
        own = [self.targets[code] for code in candidates if code is not None and code in self.targets]
        return own[0] if own else self.targets.get(None)


def _value(metric: Metric, found: dict[str, Any]) -> tuple[int | float | str | None, str | None]:
    """The number and, where there is none, why."""
    top, bottom = found["numerator"], found["denominator"]
    if metric.kind == "cohort" and not bottom:
        if found["immature"]:
            return None, f"immature: {found['so_far']} of {found['immature']} so far"
        return None, "every record of the period is excluded"
    if metric.kind == "duration":
        if found["n"]:
            return shown(metric, top), None
        return None, f"none finished in the period, {found['open']} still open"
    if found["n"] == 0 and found["open"]:
        return None, f"none due yet, {found['open']} still open"
    if found["n"] == 0:
        return None, "every record of the period is excluded"
    if found["n"] < metric.fewest:
        return None, f"too few: {found['n']} of the {metric.fewest} that a number needs"
    if metric.denominator is None:
        return shown(metric, top if top is not None else 0), None
    if bottom is None or bottom <= 0:
        return None, "the denominator is zero or negative"
    ratio = Decimal(top or 0) / Decimal(bottom)
    if metric.unit == "money":
        return str(ratio.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")), None
    return float(ratio), None
