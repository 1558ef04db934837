"""KPIs counted from their parts: the same rows as the statements of ``statements.py`` give, without the database.

The parts of a KPI (``parts.py``) are read once for a run and kept as columns. The days of a question choose rows of
them by the rule of its kind (METRICS.md section 0), as the templates of ``statements.py`` do; a test compares both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecourt.door import Warehouse
from forecourt.metrics import Metric, Period
from forecourt.parts import DAYS, SCHEMA, Cut, cut, groups
from forecourt.records import Amounts, Codes, Mask, Named, Records, summable

#: Places of rows.
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: Days without a value lie beyond every day: nothing happens on them, and nothing ends.
NEVER, ALWAYS = 2**30, -(2**30)
_MISSING = {"known_from": ALWAYS, "excluded_on": ALWAYS}
_EPOCH = date(1970, 1, 1).toordinal()


class Parts:
    """The parts of one KPI. Days are counted from 1970."""

    def __init__(self, metric: Metric, how: Cut, table: pa.Table, reach: tuple[int, int]) -> None:
        self.metric, self.reach, self.size = metric, reach, table.num_rows
        self.is_cut, self.is_daily = bool(how.days) or how.is_daily, how.is_daily
        # Numbers from 1, here from 0; a row without one is -1.
        self.record = Named(_numbers(table["record"], 0) - 1, ())
        self.record_count = int(self.record.codes.max(initial=-1)) + 1
        self.rooftop, self.currency, self.excluded = (
            _named(table[name]) for name in ("rooftop", "currency", "excluded")
        )
        self.groups = {name: _named(table[f"by_{name}"]) for name in groups(metric)}
        self.numerator, self.denominator = _amounts(table["numerator"]), _amounts(table["denominator"])
        self._days = {name: _numbers(table[name], _MISSING.get(name, NEVER)) for name in _days_of(metric)}

    def days(self, name: str) -> Codes:
        """A column of days, or of numbers of days."""
        return self._days[name]

    @cached_property
    def months(self) -> Codes:
        """Of each row's day: 12 times the year and the month from 0."""
        days = self.days("day")
        dated = np.where(days == NEVER, 0, days).astype("datetime64[D]").astype("datetime64[M]")
        return dated.astype(np.int64) + 1970 * 12

    def rows(self, period: Period, by: str | None = None, rooftops: Sequence[str] = ()) -> list[dict[str, Any]] | None:
        """What ``statements.statement`` gives for the same question; None where the parts cannot tell."""
        if by not in (None, "month", *self.groups) or not self._reaches(period):
            return None
        asked = _Asked.of(self.metric, period)
        chosen = self._chosen(asked, rooftops)
        if by == "month":
            keys = self._month_keys(asked, chosen)
        else:
            keys = np.zeros(len(chosen), np.int64) if by is None else self.groups[by].codes[chosen]
        found = []
        currencies = self.currency.codes[chosen]
        for key in _there(keys):
            mine = keys == key
            for currency in _there(currencies[mine]):
                rows = chosen[mine & (currencies == currency)]
                tally = _TALLIES[self.metric.kind](self, asked, rows)
                if tally is not None:
                    said = None if currency < 0 else self.currency.names[currency]
                    found.append({"grp": self._group(by, key), "currency": said} | tally)
        found.sort(key=lambda row: tuple((row[name] is None, row[name] or "") for name in ("grp", "currency")))
        return found

    def _group(self, by: str | None, key: int) -> str | None:
        if by == "month":
            return f"{key // 12:04}-{key % 12 + 1:02}"
        return None if by is None else self.groups[by].names[key]

    def records(
        self, period: Period, dimensions: Sequence[str], rooftops: Sequence[str] = ()
    ) -> dict[str | None, Records] | None:
        """What ``statements.grouped_record_statement`` gives, by currency; None where the parts cannot tell."""
        if not set(dimensions) <= self.groups.keys() or not self._reaches(period):
            return None
        asked = _Asked.of(self.metric, period)
        rows = self._chosen(asked, rooftops)
        rows = rows[self._is_counted(asked, rows)]
        tops, bottoms = self._additive(asked, rows)
        currencies = self.currency.codes[rows]
        found: dict[str | None, Records] = {}
        for currency in _there(currencies):
            mine = currencies == currency
            told = self._records(rows[mine], tops[mine], bottoms[mine], dimensions)
            if len(told.record.codes):
                found[None if currency < 0 else self.currency.names[currency]] = told
        return found

    def _records(self, rows: Rows, tops: Codes, bottoms: Codes, dimensions: Sequence[str]) -> Records:
        key = self.record.codes[rows]
        if not _is_distinct(key, self.record_count):
            for name in dimensions:
                known = self.groups[name]
                _, key = np.unique(key.astype(np.int64) * len(known.names) + known.codes[rows], return_inverse=True)
            _, first, key = np.unique(key, return_index=True, return_inverse=True)
            tops, bottoms = _summed(tops, key, len(first)), _summed(bottoms, key, len(first))
            rows = rows[first]
            if self.metric.kind == "cohort":  # it counts records, however many rows they have
                tops, bottoms = np.minimum(tops, 1), np.minimum(bottoms, 1)
        there = (tops != 0) | (bottoms != 0)
        rows, tops, bottoms = rows[there], tops[there], bottoms[there]
        adds = self.metric.kind in ("flow", "stock")
        every = np.ones(len(rows), bool)
        return Records(
            self.record.taken(rows),
            Amounts(tops, self.numerator.places if self.metric.kind != "cohort" else 0, every),
            Amounts(bottoms, self.denominator.places if adds else 0, every),
            tuple(self.groups[name].taken(rows) for name in dimensions),
        )

    def _reaches(self, period: Period) -> bool:
        """Whether the parts know the day: of a table function only the newest years are worked out."""
        return not self.is_daily or self.reach[0] <= _number(period.end) <= self.reach[1]

    def _chosen(self, asked: _Asked, rooftops: Sequence[str]) -> Rows:
        """Rows of the relation in the population as of the day, in the period unless the kind looks at others too."""
        if self.metric.kind in ("flow", "cohort"):
            days = self.days("day")
            start, stop = map(int, np.searchsorted(days, [asked.first, asked.end + 1]))
            span = slice(start, max(start, stop))
        elif self.metric.kind == "stock":
            span = slice(0, int(np.searchsorted(self.days("known_from"), asked.judged, "right")))
        else:
            span = slice(0, self.size)
        if self.is_cut:
            fits = (self.days("known_from")[span] <= asked.judged) & (self.days("known_to")[span] > asked.judged)
        else:
            fits = np.ones(span.stop - span.start, bool)
        if rooftops:
            wanted = np.zeros(len(self.rooftop.names) + 1, bool)  # the last stands for rows without a rooftop
            wanted[[code for code in map(self.rooftop.code, rooftops) if code >= 0]] = True
            fits &= wanted[self.rooftop.codes[span]]
        if self.metric.kind == "flow":
            if self.metric.dated:
                fits &= self.days("dated")[span] <= asked.as_of
            if self.metric.due:
                fits &= self.days("due")[span] != NEVER
        if self.metric.kind == "duration":
            fits &= self._is_within(asked, span) | self._is_open(asked, span)
        return np.flatnonzero(fits) + span.start

    def _month_keys(self, asked: _Asked, rows: Rows) -> Codes:
        if self.metric.kind == "duration":
            return np.where(self._is_within(asked, rows), self.months[rows], asked.last_month)
        return self.months[rows]

    def _is_excluded(self, asked: _Asked, rows: Rows) -> Mask:
        excluded = self.excluded.codes[rows] >= 0
        if self.metric.excluded_on:
            return excluded & (self.days("excluded_on")[rows] <= asked.judged)
        return excluded

    def _is_due(self, asked: _Asked, rows: Rows) -> Mask:
        return self.days("due")[rows] <= asked.as_of if self.metric.due else np.ones(len(rows), bool)

    def _is_counted(self, asked: _Asked, rows: Rows) -> Mask:
        return ~self._is_excluded(asked, rows) & self._is_due(asked, rows)

    def _is_within(self, asked: _Asked, rows: Rows | slice) -> Mask:
        days = self.days("day")[rows]
        return (days >= asked.first) & (days <= asked.end)

    def _is_done(self, asked: _Asked, rows: Rows) -> Mask:
        within = self._is_within(asked, rows)
        if self.metric.by == "start":
            return within & (self.days("stopped" if self.metric.stopped else "day")[rows] <= asked.as_of)
        return within

    def _is_open(self, asked: _Asked, rows: Rows | slice) -> Mask:
        stopped = self.days("stopped" if self.metric.stopped else "day")[rows]
        if self.metric.by == "start":
            still = self._is_within(asked, rows) & (stopped > asked.as_of)
        else:
            still = (self.days("started" if self.metric.started else "day")[rows] <= asked.end) & (stopped > asked.end)
        return still & (self.days("closed")[rows] > asked.end) if self.metric.closed else still

    def _is_mature(self, asked: _Asked, rows: Rows) -> Mask:
        return self.days("day")[rows] + self.days("window_days")[rows] <= asked.as_of

    def _has_happened(self, asked: _Asked, rows: Rows) -> Mask:
        event, day = self.days("event")[rows], self.days("day")[rows]
        return (event >= day) & (event <= day + self.days("window_days")[rows]) & (event <= asked.as_of)

    def _additive(self, asked: _Asked, rows: Rows) -> tuple[Codes, Codes]:
        """What every counted row adds to numerator and denominator, in the units of the amounts."""
        match self.metric.kind:
            case "duration":
                done = self._is_done(asked, rows) & self.numerator.known[rows]
                return np.where(done, self.numerator.units[rows], 0), done.astype(np.int64)
            case "cohort":
                mature = self._is_mature(asked, rows)
                return (mature & self._has_happened(asked, rows)).astype(np.int64), mature.astype(np.int64)
            case _:
                tops = self.numerator.units[rows]
                if self.metric.event_by_as_of:
                    tops = np.where(self.days("event_by_as_of")[rows] <= asked.as_of, tops, 0)
                return tops, self.denominator.units[rows]

    def _distinct(self, rows: Rows) -> int:
        """How many records lie in the rows."""
        seen = np.zeros(self.record_count + 1, bool)  # the last is for rows without a record
        seen[self.record.codes[rows]] = True
        return int(seen[:-1].sum())

    def _reasons(self, asked: _Asked, rows: Rows) -> dict[str, Any]:
        """The columns of the excluded records of some rows."""
        excluded = rows[self._is_excluded(asked, rows)]
        codes = self.excluded.codes[excluded]
        counts = {self.excluded.names[code]: self._distinct(excluded[codes == code]) for code in _there(codes)}
        return {"excluded": sum(counts.values()), "reasons": json.dumps(counts) if counts else None}

    def ratio(self, asked: _Asked, rows: Rows) -> dict[str, Any] | None:
        counted = rows[self._is_counted(asked, rows)]
        tops = counted
        if self.metric.event_by_as_of:
            tops = counted[self.days("event_by_as_of")[counted] <= asked.as_of]
        n, still = self._distinct(counted), None
        if self.metric.due:
            waiting = rows[~self._is_excluded(asked, rows) & ~self._is_due(asked, rows)]
            still = self._distinct(waiting)
        reasons = self._reasons(asked, rows[self._is_due(asked, rows)])
        if not (n or still or reasons["excluded"]):
            return None
        there = n or still
        return {
            "numerator": self.numerator.total(tops) if there else None,
            "denominator": self.denominator.total(counted) if there and self.metric.denominator else None,
            "n": n,
            "p90": None,
            "open": still,
            "immature": None,
            "so_far": None,
        } | reasons

    def duration(self, asked: _Asked, rows: Rows) -> dict[str, Any] | None:
        counted = rows[~self._is_excluded(asked, rows)]
        done = counted[self._is_done(asked, counted) & self.numerator.known[counted]]
        values = np.sort(self.numerator.units[done]) / 10.0**self.numerator.places
        still = int(self._is_open(asked, counted).sum())
        reasons = self._reasons(asked, rows[self._is_within(asked, rows)])
        if not (len(done) or still or reasons["excluded"]):
            return None
        return {
            "numerator": _quantile(values, 0.5),
            "denominator": len(done) if len(done) or still else None,
            "n": len(done),
            "p90": _quantile(values, 0.9),
            "open": still,
            "immature": None,
            "so_far": None,
        } | reasons

    def cohort(self, asked: _Asked, rows: Rows) -> dict[str, Any] | None:
        counted = rows[~self._is_excluded(asked, rows)]
        mature, happened = self._is_mature(asked, counted), self._has_happened(asked, counted)
        bottom, immature = self._distinct(counted[mature]), self._distinct(counted[~mature])
        reasons = self._reasons(asked, rows)
        if not (bottom or immature or reasons["excluded"]):
            return None
        there = bottom or immature
        return {
            "numerator": self._distinct(counted[mature & happened]) if there else None,
            "denominator": bottom if there else None,
            "n": bottom,
            "p90": None,
            "open": None,
            "immature": immature,
            "so_far": self._distinct(counted[~mature & happened]),
        } | reasons


_TALLIES = {"flow": Parts.ratio, "stock": Parts.ratio, "duration": Parts.duration, "cohort": Parts.cohort}


@dataclass(frozen=True)
class _Asked:
    """The days of a question as numbers. ``judged``: the day as of which a definition speaks, as in ``statements``."""

    first: int
    end: int
    as_of: int
    judged: int
    last_month: int

    @staticmethod
    def of(metric: Metric, period: Period) -> _Asked:
        at_the_end = metric.kind == "stock" or (metric.kind == "duration" and metric.by == "stop")
        return _Asked(
            _number(period.first),
            _number(period.end),
            _number(period.as_of),
            _number(period.end if at_the_end else period.as_of),
            12 * period.end.year + period.end.month - 1,
        )


def load(warehouse: Warehouse, metric: Metric) -> Parts | None:
    """The parts of a KPI; None where the file has none, or its definition cannot be told by parts."""
    how = cut(metric)
    there = warehouse.kept(f"select table_name as name from duckdb_tables() where schema_name = '{SCHEMA}'")
    if how is None or {"name": metric.name} not in there:
        return None
    groups_of = [f"by_{name}" for name in groups(metric)]
    columns = ["record", "rooftop", "currency", "excluded", "numerator", "denominator", *_days_of(metric), *groups_of]
    table = warehouse.table(f"select {', '.join(columns)} from {SCHEMA}.{metric.name} order by day, known_from")
    (reach,) = warehouse.rows(f"select min(first_day) as first, max(last_day) as last from {SCHEMA}.reach")
    try:
        return Parts(metric, how, table, (_number(reach["first"]), _number(reach["last"])))
    except ValueError:  # amounts that are no exact numbers of 64 bits: the marts have them
        return None


def _days_of(metric: Metric) -> list[str]:
    """The columns of days that questions about a KPI look at."""
    asked = [name for name in DAYS if getattr(metric, name)]
    return ["known_from", "known_to", "day", *asked, *(["window_days"] if metric.window else [])]


def _numbers(column: pa.ChunkedArray, missing: int) -> Codes:
    whole = column if pa.types.is_integer(column.type) else column.cast(pa.int32())
    numbers: Codes = pc.fill_null(whole, missing).to_numpy().astype(np.int32)
    return numbers


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _named(column: pa.ChunkedArray) -> Named:
    coded = column.combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Named(codes, tuple(coded.dictionary.to_pylist()))


def _amounts(column: pa.ChunkedArray) -> Amounts:
    """Raises ValueError for a column of floats: a sum of those is not exact."""
    places = column.type.scale if pa.types.is_decimal(column.type) else 0
    if not (pa.types.is_decimal(column.type) or pa.types.is_integer(column.type)):
        raise ValueError(f"parts are exact numbers, not {column.type}")
    known = pc.is_valid(column).to_numpy()
    if pa.types.is_integer(column.type):
        return Amounts(summable(pc.fill_null(column, 0).to_numpy().astype(np.int64)), 0, known)
    whole = pc.fill_null(column, Decimal(0)).combine_chunks()
    # A decimal of Arrow is a whole number of 16 bytes; that of a sum of money fits into the first eight.
    low, high = np.frombuffer(whole.buffers()[1], np.int64)[2 * whole.offset :].reshape(-1, 2)[: len(whole)].T
    if not np.array_equal(high, low >> 63):
        raise ValueError("an amount is larger than any money")
    return Amounts(summable(low.copy()), places, known)


def _quantile(values: Floats, share: float) -> float | None:
    """Between the two nearest of sorted values, as ``quantile_cont`` does."""
    if not len(values):
        return None
    place = (len(values) - 1) * share
    low, high = int(np.floor(place)), int(np.ceil(place))
    return float(values[low] + (values[high] - values[low]) * (place - low))


def _there(codes: Codes) -> list[int]:
    """The codes that occur, from -1 on."""
    counts = np.bincount(codes + 1) if len(codes) else np.zeros(0, np.int64)
    return [int(code) - 1 for code in np.flatnonzero(counts)]


def _summed(units: Codes, key: Codes, size: int) -> Codes:
    total = np.zeros(size, units.dtype)
    np.add.at(total, key, units)
    return total


def _is_distinct(codes: Codes, size: int) -> bool:
    seen = np.zeros(size + 1, bool)
    seen[codes] = True
    return int(seen.sum()) == len(codes)
