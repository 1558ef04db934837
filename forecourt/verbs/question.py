"""What is asked of a warehouse: which KPIs, over which period, of which rooftops, as known when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.load import settings_of

if TYPE_CHECKING:
    from forecourt.door import Warehouse
    from forecourt.metrics import Metric, Period


def require_rooftops(warehouse: Warehouse, rooftops: Sequence[str]) -> None:
    """Raises Problem, with those there are, where a rooftop is none of the warehouse."""
    if not rooftops:
        return
    known = [row["rooftop"] for row in warehouse.rows("select rooftop from meta.rooftops order by rooftop")]
    unknown = [code for code in rooftops if code not in known]
    if unknown:
        raise Problem(f"There is no rooftop {unknown[0]!r}. Known: {', '.join(known)}.")


def require_schedule(warehouse: Warehouse, schedule: str | None) -> None:
    """Raises Problem, with the nearest, where a schedule is neither one of the settings nor one of the documents."""
    if schedule is None:
        return
    from difflib import get_close_matches

    rows = warehouse.rows(
        "select schedule from marts.dim_ageing_bucket where schedule <> 'default' "
        "union select schedule from marts.fct_receivable order by schedule"
    )
    known = [row["schedule"] for row in rows]
    if schedule not in known:
        near = get_close_matches(schedule, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
        raise Problem(f"There is no schedule {schedule!r}. {hint}")


def chosen_metrics(warehouse: Warehouse, names: Sequence[str]) -> list[Metric]:
    """The KPIs of these names, all where none is given. Raises Problem with the nearest name for an unknown one."""
    from difflib import get_close_matches

    from forecourt.kpi import load_metrics

    metrics = load_metrics(warehouse)
    for name in names:
        if name not in metrics:
            near = get_close_matches(name, metrics, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Problem(f"There is no KPI {name!r}.{hint} Known: {', '.join(metrics)}.")
    return [metrics[name] for name in names] if names else list(metrics.values())


def periods_of(
    warehouse: Warehouse, metrics: Sequence[Metric], first: date | None, last: date | None, as_of: date | None
) -> list[tuple[Metric, Period]]:
    """The period of each KPI: as asked, else the default of METRICS section 0."""
    from forecourt.kpi import headline_period, newest_day
    from forecourt.metrics import Period
    from forecourt.periods import default_period

    day = as_of or last or newest_day(warehouse)
    if first is None and last is None:
        period = default_period(day)
        return [(metric, headline_period(warehouse, metric, period)) for metric in metrics]
    until = last or day
    start = first or until.replace(day=1)
    if start > until:
        raise Problem(f"The period starts on {start} and ends before, on {until}. Swap --from and --to.")
    as_of_day = as_of or newest_day(warehouse)
    return [(metric, Period(start, until, as_of_day)) for metric in metrics]


@contextmanager
def as_known(
    home: Home, published: Warehouse, known_at: datetime | None, names: Sequence[str], further: Sequence[str] = ()
) -> Iterator[Warehouse]:
    """The published warehouse, or one built as it was known at an instant for the KPIs named and further models."""
    if known_at is None:
        yield published
        return
    from forecourt.asof import known_at as built_as_known

    models = set(further)
    for metric in chosen_metrics(published, names):
        # A stock is asked of a table function, which is a model of its own.
        function = metric.relation.removeprefix("marts.").partition("(")
        models |= {metric.model, *([function[0]] if function[1] else [])}
    with home.lock(), built_as_known(home, settings_of(home), known_at, models) as warehouse:
        yield warehouse
