"""The only door of the pages to the published warehouse: one run per page run, results kept by run.

A page takes the run id once and asks everything of that run, so that no page mixes two runs. Results are kept by run
id and limit: a new run has new keys, and the old run's connection is dropped, never closed under a running query.
Whoever is limited to rooftops, or may not know customers by name, has a file made for that open and no other:
``_warehouse`` alone chooses which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from dashboards import access
from dashboards.access import home
from dashboards.reports import receivables
from dashboards.reports.receivables import EVERYTHING, AgeingFacts, Basis, Choice
from forecourt import door, kpi, scope, tallies, trace, why
from forecourt.door import LastRun, Warehouse
from forecourt.home import Home
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period
from forecourt.statements import record_statement
from forecourt.tallies import Parts
from forecourt.trace import Version
from forecourt.why import Why

_InCurrency = TypeVar("_InCurrency", KpiRow, Why)


@dataclass(frozen=True)
class Question:
    """A KPI of a period at some rooftops (none: all): its rows by a dimension or, against another period, why."""

    kpi: str
    period: Period
    by: str | None = None
    rooftops: tuple[str, ...] = ()
    versus: Period | None = None


@dataclass(frozen=True)
class Reader:
    """One published run, for one run of a page. Everything asked of it is small and kept."""

    root: str
    run_id: str
    #: The rooftops that the person is limited to; None = the whole run. It decides which file is opened.
    limit: tuple[str, ...] | None = None
    #: Whether the names and contacts of customers are kept from the person; it decides which file, too.
    is_masked: bool = False

    @property
    def home(self) -> Home:
        return Home(Path(self.root))

    @property
    def warehouse(self) -> Warehouse:
        """The open file itself, for what is too large to keep."""
        return _warehouse(self)

    def metrics(self) -> dict[str, Metric]:
        """The KPIs of the run, headlines first."""
        return _metrics(self)

    def kpi(self, name: str, period: Period, *, by: str | None = None, rooftops: Sequence[str] = ()) -> list[KpiRow]:
        """The rows of one KPI, as the kernel computes them."""
        return self._ordered(_kpi(self, Question(name, period, by, tuple(rooftops))))

    def why(self, name: str, period: Period, versus: Period, rooftops: Sequence[str] = ()) -> list[Why]:
        """What moved a KPI from one period to another, one answer per currency; empty for a plain sum."""
        return self._ordered(_why(self, Question(name, period, None, tuple(rooftops), versus), is_brief=False))

    def causes(self, name: str, period: Period, versus: Period, rooftops: Sequence[str] = ()) -> list[Why]:
        """The same for whoever only reads the change and its causes: of the other effects there may be none."""
        return self._ordered(_why(self, Question(name, period, None, tuple(rooftops), versus), is_brief=True))

    def _ordered(self, found: Sequence[_InCurrency]) -> list[_InCurrency]:
        if len(found) < 2:
            return list(found)
        order = self.currencies()
        return sorted(found, key=lambda each: order.index(each.currency) if each.currency in order else len(order))

    def lengths(self, name: str, period: Period, rooftops: Sequence[str] = ()) -> list[float]:
        """How long each counted record of a duration took, in the KPI's unit."""
        return _lengths(self, Question(name, period, None, tuple(rooftops)))

    def trace(self, mart: str, key: str) -> list[Version]:
        """The file rows behind a row of a mart; raises Problem where there is none."""
        return _trace(self, mart, key)

    def currencies(self) -> list[str]:
        """The rooftops' currencies, the first rooftop's first."""
        return _currencies(self)

    def headline_period(self, name: str, period: Period) -> Period:
        """The period that a card shows: for a cohort the one whose window has passed."""
        return _headline_period(self, name, period)

    def newest_day(self) -> date:
        """The newest day that any landed file speaks for."""
        return _newest_day(self)

    def has_landed(self) -> bool:
        """Whether the run holds a landed file: without one there is no newest day."""
        (found,) = self.rows("select count(*) as files from meta.files where status = 'landed'")
        return bool(found["files"])

    def started_on(self) -> date:
        """The day (UTC) on which the run started."""
        (run,) = self.rows("select cast(started_at as date) as day from meta.runs")
        day: date = run["day"]
        return day

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Records of a mart; at most a few hundred."""
        return [dict(row) for row in _rows(self, sql, tuple(parameters))]

    def has(self, mart: str, *columns: str) -> bool:
        """Whether the run has a mart with these columns: every feed is optional."""
        return _warehouse(self).has(mart, *columns)

    def feeds_behind(self, feeds: Sequence[str], day: date) -> list[str]:
        """Those of the feeds whose newest export of some rooftop does not reach the day."""
        found = self.rows("select distinct feed from meta.freshness where data_through < $1 order by feed", (day,))
        return [row["feed"] for row in found if row["feed"] in feeds]

    def policies(self, day: date) -> dict[str, str]:
        """Setting → value in force on a day."""
        return _policies(self, day)

    def rooftops(self) -> dict[str, str]:
        """Code → name of every rooftop."""
        return _rooftops(self)

    def ageing(self, as_of: date, basis: Basis, choice: Choice = EVERYTHING) -> pa.Table:
        """The ageing table of a day, as it is exported."""
        return _ageing(self, as_of, basis, choice)

    def ageing_facts(self, as_of: date, basis: Basis, choice: Choice, part: str) -> AgeingFacts:
        """What stands beside the ageing table: the run, tie-out, provision and roll-forward."""
        return _ageing_facts(self, as_of, basis, choice, part)


def reader() -> Reader | None:
    """The run in force now, as far as this person may see it; None where nothing was published yet."""
    place = home()
    run_id = door.current_run(place)
    seat = access.seat()
    return Reader(str(place.root), run_id, seat.rooftops, seat.is_masked) if run_id else None


def last_run() -> LastRun | None:
    """How the last run ended, published or not; a limited person is not told why, since that may quote any rooftop."""
    last = door.last_run(home())
    if last and access.seat().is_limited:
        return replace(last, message="Whoever runs these pages can see why.")
    return last


# Kept by functools and not by Streamlit: its caches hash and copy, a millisecond a call, and a page makes hundreds.
# What is kept is of one run, which never changes, and pages only read it. Rows of SQL are copied, being dicts.
@lru_cache(maxsize=16)
def _warehouse(reader: Reader) -> Warehouse:
    if reader.limit is None and not reader.is_masked:
        return door.open_warehouse(reader.home, reader.run_id)
    return scope.open_scope(reader.home, reader.run_id, reader.limit, is_masked=reader.is_masked)


@lru_cache(maxsize=16)
def _metrics(reader: Reader) -> dict[str, Metric]:
    return kpi.load_metrics(_warehouse(reader))


@lru_cache(maxsize=16)
def _currencies(reader: Reader) -> list[str]:
    if not reader.has("dim_rooftop"):
        return []
    found = reader.rows("select currency from marts.dim_rooftop group by currency order by min(rooftop)")
    return [row["currency"] for row in found]


@lru_cache(maxsize=16)
def _rooftops(reader: Reader) -> dict[str, str]:
    if not reader.has("dim_rooftop"):
        return {}
    found = reader.rows("select rooftop, rooftop_name from marts.dim_rooftop order by rooftop")
    return {row["rooftop"]: row["rooftop_name"] or row["rooftop"] for row in found}


@lru_cache(maxsize=50)
def _policies(reader: Reader, day: date) -> dict[str, str]:
    known = _warehouse(reader).kept("select key, value, valid_from, valid_to from meta.policies")
    return {
        row["key"]: row["value"]
        for row in sorted(known, key=lambda row: str(row["key"]))
        if row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"])
    }


#: Of a few readers at once: those of two runs, and some who see less.
@lru_cache(maxsize=6)
def _parts_of(reader: Reader) -> dict[str, Parts | None]:
    """The parts of KPIs that were asked for, by name."""
    return {}


def _parts(reader: Reader, name: str) -> Parts | None:
    known = _parts_of(reader)
    if name not in known:
        known[name] = tallies.load(_warehouse(reader), _metrics(reader)[name])
    return known[name]


@lru_cache(maxsize=4000)
def _kpi(reader: Reader, asked: Question) -> list[KpiRow]:
    parts = _parts(reader, asked.kpi)
    return kpi.compute(
        _warehouse(reader),
        _metrics(reader)[asked.kpi],
        asked.period,
        by=asked.by,
        rooftops=asked.rooftops or None,
        parts=partial(parts.rows, rooftops=asked.rooftops) if parts else None,
    )


@lru_cache(maxsize=200)
def _why(reader: Reader, asked: Question, *, is_brief: bool) -> list[Why]:
    metric = _metrics(reader)[asked.kpi]
    if asked.versus is None or not why.is_explained(metric):
        return []
    parts = _parts(reader, asked.kpi)
    return why.explain(
        _warehouse(reader),
        metric,
        asked.period,
        asked.versus,
        rooftops=asked.rooftops or None,
        parts=partial(parts.records, rooftops=asked.rooftops) if parts else None,
        is_brief=is_brief,
    )


@lru_cache(maxsize=20)
def _lengths(reader: Reader, asked: Question) -> list[float]:
    metric = _metrics(reader)[asked.kpi]
    rows = _warehouse(reader).rows(record_statement(metric, asked.period, rooftops=asked.rooftops or None))
    return [float(row["numerator"]) / (metric.seconds or 1) for row in rows if row["denominator"]]


@lru_cache(maxsize=50)
def _trace(reader: Reader, mart: str, key: str) -> list[Version]:
    return trace.trace(_warehouse(reader), mart, [key])


@lru_cache(maxsize=400)
def _headline_period(reader: Reader, name: str, period: Period) -> Period:
    return kpi.headline_period(_warehouse(reader), _metrics(reader)[name], period)


@lru_cache(maxsize=16)
def _newest_day(reader: Reader) -> date:
    return kpi.newest_day(_warehouse(reader))


@lru_cache(maxsize=500)
def _rows(reader: Reader, sql: str, parameters: tuple[Any, ...]) -> list[dict[str, Any]]:
    given = [list(value) if isinstance(value, tuple) else value for value in parameters]
    return _warehouse(reader).rows(sql, given)


@lru_cache(maxsize=4)
def _ageing(reader: Reader, as_of: date, basis: Basis, choice: Choice) -> pa.Table:
    return receivables.ageing_table(_warehouse(reader), as_of, basis, choice)


@lru_cache(maxsize=20)
def _ageing_facts(reader: Reader, as_of: date, basis: Basis, choice: Choice, part: str) -> AgeingFacts:
    return receivables.ageing_facts(_warehouse(reader), as_of, basis, choice, part)
