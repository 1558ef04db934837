"""Parts of KPIs: which definitions can be cut into spans, and that counting them is asking the statements."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import duckdb
import numpy as np
import pytest

from forecourt import parts, tallies, why
from forecourt.door import Warehouse
from forecourt.kpi import compute
from forecourt.metrics import Metric, Period
from forecourt.records import Named

WarehouseOf = Callable[..., Warehouse]
NEWEST = date(2026, 3, 31)
NINETY = [("x.window_days", "9", date(1900, 1, 1), date(2026, 2, 1)), ("x.window_days", "14", date(2026, 2, 1), None)]

FLOW = Metric(
    "x_rate", "X", "", "flow", "percent", "fct_x", "marts.fct_x", "day", "sum(amount)", "sum(base)",
    dated="known_on", due="due_on", record="record", excluded="reason", currency="currency",
    dimensions={"rooftop": "rooftop", "person": "person"},
)  # fmt: skip
METRICS = {
    "flow": FLOW,
    "flow that turns": replace(
        FLOW,
        due=None,
        date="case when {as_of} < due_on then day else known_on end",
        excluded="case when {as_of} < due_on then 'not known' else reason end",
        excluded_on="stop",
        event_by_as_of="stop",
        dimensions={"person": "case when due_on < {as_of} then person end", "rooftop": "rooftop"},
    ),
    "looked up": replace(
        FLOW,
        dimensions={
            "owner": "(select span.owner from marts.fct_span as span where span.record = fct_x.record "
            "and span.valid_from <= {as_of} and (span.valid_to > {as_of} or span.valid_to is null))"
        },
    ),
    "by stop": replace(
        FLOW, kind="duration", unit="days", numerator="seconds", denominator=None, date="stop", due=None, dated=None,
        started="day", stopped="stop", closed="due_on", seconds=86400,
    ),
    "by start": replace(
        FLOW, kind="duration", unit="days", numerator="seconds", denominator=None, due=None, dated=None,
        by="start", started="day", stopped="stop", seconds=86400, excluded_on="known_on",
    ),
    "cohort": replace(FLOW, kind="cohort", due=None, dated=None, window="x.window_days", event="stop"),
    "stock": replace(
        FLOW, kind="stock", due=None, dated=None, date="as_of",
        population="day <= {as_of} and (stop > {as_of} or stop is null)",
    ),
    "table function": replace(FLOW, kind="stock", due=None, dated=None, date="as_of", relation="state_on({as_of})"),
}  # fmt: skip


def marts(seed: int) -> str:
    """Rows drawn by chance, with days and texts missing, records of several rows, and repeated days."""
    drawn = random.Random(seed)

    def day(least: int, most: int, missing: float = 0.2) -> str:
        if drawn.random() < missing:
            return "null::date"
        return f"date '{date(2026, 1, 1) + timedelta(days=drawn.randint(least, most))}'"

    def text(names: str, missing: float = 0.2) -> str:
        return "null" if drawn.random() < missing else f"'{drawn.choice(names)}'"

    rows = ", ".join(
        f"('r{drawn.randint(0, 40)}', {text('ABC', 0.1)}, {text('xyz')}, {text('GE')}, {day(0, 80, 0.1)}, "
        f"{day(0, 100, 0.3)}, {day(0, 90)}, {day(0, 95)}, {drawn.randint(-9999, 99999)} / 100, "
        f"{drawn.randint(-50, 500)}, {text('uv', 0.8)}, {drawn.choice(['null', str(drawn.randint(0, 10**6))])})"
        for _ in range(80)
    )
    spans = ", ".join(f"('r{number}', {text('op')}, {day(0, 60, 0)}, {day(61, 95)})" for number in range(30))
    return f"""
create table marts.fct_x as
select record, rooftop, person, currency, day, stop, known_on, due_on, amount::decimal(18, 2) as amount,
    base::bigint as base, reason, seconds::bigint as seconds
from (values {rows}) as facts(
    record, rooftop, person, currency, day, stop, known_on, due_on, amount, base, reason, seconds
);
create table marts.fct_span as
select * from (values {spans}) as spans(record, owner, valid_from, valid_to);
create macro marts.state_on(as_of) as table
select * from marts.fct_x where day <= as_of and (stop is null or stop > as_of);
"""


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("seed", range(3))
def test_counting_the_parts_is_asking_the_statement(kind: str, seed: int, warehouse_of: WarehouseOf) -> None:
    metric, warehouse = METRICS[kind], warehouse_of(marts(seed), policies=NINETY)
    path = warehouse.path
    del warehouse
    with duckdb.connect(str(path)) as connection:
        parts.write(connection, [metric], NEWEST)
    warehouse = Warehouse(path)
    told = tallies.load(warehouse, metric)
    assert told is not None
    assert set(told.groups) == set(metric.dimensions)
    drawn, counted = random.Random(seed), 0
    for _ in range(8):
        first = date(2026, 1, 1) + timedelta(days=drawn.randint(0, 70))
        last = first + timedelta(days=drawn.randint(0, 60))
        period = Period(first, last, min(NEWEST, last + timedelta(days=drawn.randint(-10, 20))))
        rooftops = drawn.choice([[], ["A"], ["B", "C"]])
        for by in (None, "month", *metric.dimensions):
            ask = partial(compute, warehouse, metric, period, by=by, rooftops=rooftops)
            rows = ask(parts=partial(told.rows, rooftops=rooftops))
            assert rows == ask(), (period, rooftops, by)
            counted += sum(row.n for row in rows)
        before = Period(first - timedelta(days=20), first, period.as_of)
        explain = partial(why.explain, warehouse, metric, period, before, rooftops=rooftops)
        for one, other in zip(explain(parts=partial(told.records, rooftops=rooftops)), explain(), strict=True):
            assert replace(one, effects=()) == replace(other, effects=())
            assert [replace(each, noise=0.0) for each in one.effects] == [
                replace(each, noise=0.0) for each in other.effects
            ]
            assert [each.noise for each in one.effects] == pytest.approx([each.noise for each in other.effects])
    assert counted


@pytest.mark.parametrize(
    "changed",
    [
        {"numerator": "count(distinct record)"},
        {"numerator": "avg(amount)"},
        {"record": None},
        {"population": "{as_of} - day > 30"},
        {"excluded": "case when day + 30 < {as_of} then 'old' end"},
        {"date": "(select max(day) from marts.fct_y where day <= {as_of})"},
        {"population": "day + base < {as_of}"},
        {"population": "{as_of} <= due_on + 30"},
        {"population": "day < {as_of} - 30"},
        {"population": "30 + {as_of} > day"},
        {"population": "greatest(day, due_on) < {as_of}"},
        {"population": "{as_of} > greatest(day, due_on)"},
        {"population": "day between stop and {as_of}"},
        {"population": "day+base < {as_of}"},
        {"population": "day +\n base < {as_of}"},
        {"population": "{as_of} > day\n + 30"},
        {"population": "{as_of} >= date '2026-01-01'"},
        {"population": "case when stop is null then day end <= {as_of}"},
        {"population": "interval 1 day <= {as_of}"},
        {"kind": "stock", "due": None, "event_by_as_of": "stop"},
        {"relation": "state_on({as_of})"},
    ],
)
def test_what_cannot_be_cut_is_asked_of_the_marts(changed: dict[str, str | None]) -> None:
    assert parts.cut(FLOW) is not None
    assert parts.cut(replace(FLOW, **changed)) is None  # type: ignore[arg-type]


def test_a_look_up_by_more_than_a_condition_is_asked_of_the_marts() -> None:
    plain = "(select it.owner from marts.fct_span as it where it.record = fct_x.record and it.valid_from <= {as_of})"
    negated = plain.replace("and it.valid_from", "and not it.valid_from")
    ordered = plain.replace("{as_of})", "{as_of} order by it.valid_from limit 1)")
    metric = replace(FLOW, dimensions={"plain": plain, "negated": negated, "ordered": ordered})
    assert parts.groups(metric) == ("plain",)


def test_a_dimension_that_cannot_be_cut_is_asked_of_the_marts() -> None:
    metric = replace(FLOW, dimensions={"rooftop": "rooftop", "age": "{as_of} - day"})
    assert parts.groups(metric) == ("rooftop",)


def test_of_a_table_function_only_the_newest_years_are_worked_out(warehouse_of: WarehouseOf) -> None:
    metric, path = METRICS["table function"], warehouse_of(marts(0), policies=NINETY).path
    with duckdb.connect(str(path)) as connection:
        parts.write(connection, [metric], NEWEST)
    warehouse = Warehouse(path)
    told = tallies.load(warehouse, metric)
    assert told is not None
    old = NEWEST - timedelta(days=parts.REACH)
    assert told.rows(Period(old, old, NEWEST)) is None
    assert told.rows(Period(old, old + timedelta(days=1), NEWEST)) == []
    assert told.rows(Period(old, NEWEST + timedelta(days=1), NEWEST + timedelta(days=1))) is None


def test_why_across_the_reach_is_asked_of_the_marts(warehouse_of: WarehouseOf) -> None:
    metric, path = METRICS["table function"], warehouse_of(marts(1), policies=NINETY).path
    with duckdb.connect(str(path)) as connection:
        parts.write(connection, [metric], date(2025, 12, 1) + timedelta(days=parts.REACH))
    warehouse = Warehouse(path)
    told = tallies.load(warehouse, metric)
    assert told is not None
    day = date(2026, 3, 1)
    before, after = (Period(day, day, day), Period(NEWEST, NEWEST, NEWEST))
    told.reach = (tallies._number(NEWEST), told.reach[1])
    assert told.records(before, ["person"]) is None
    assert told.records(after, ["person"])
    explain = partial(why.explain, warehouse, metric, after, before, dimensions=["person"])
    assert explain(parts=told.records) == explain()


def test_a_sum_beyond_64_bits_is_exact(warehouse_of: WarehouseOf) -> None:
    sql = marts(2) + "update marts.fct_x set amount = 9999999999999999.99, currency = 'G';"
    metric, path = METRICS["stock"], warehouse_of(sql, policies=NINETY).path
    with duckdb.connect(str(path)) as connection:
        parts.write(connection, [metric], NEWEST)
    warehouse = Warehouse(path)
    told = tallies.load(warehouse, metric)
    assert told is not None
    period = Period(day := date(2026, 2, 10), day, NEWEST)
    rows = compute(warehouse, metric, period, parts=partial(told.rows, rooftops=[]))
    assert rows == compute(warehouse, metric, period)
    assert max(Decimal(row.numerator or 0) for row in rows) * 100 > 2**63
    explain = partial(why.explain, warehouse, metric, period, Period(NEWEST, NEWEST, NEWEST), dimensions=["person"])
    one, other = explain(parts=told.records), explain()
    assert [[each.effect for each in it.effects] for it in one] == [
        [each.effect for each in it.effects] for it in other
    ]


def test_numbered_records_are_not_joined_with_named_ones() -> None:
    numbered, named = Named(np.array([0, 1]), ()), Named.of(["a", "b"])
    with pytest.raises(ValueError, match="cannot be joined"):
        numbered.joined(named)
    nothing = Named(np.array([-1, -1]), ())
    assert named.joined(nothing).codes.tolist() == [0, 1, -1, -1]
    assert nothing.joined(named).codes.tolist() == [-1, -1, 0, 1]


def test_a_run_without_parts_has_none(warehouse_of: WarehouseOf) -> None:
    assert tallies.load(warehouse_of(marts(0), policies=NINETY), FLOW) is None
