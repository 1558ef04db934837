from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from forecourt.door import Warehouse
from forecourt.metrics import Metric, Period, figure, metrics_of, shown
from forecourt.statements import statement

WarehouseOf = Callable[..., Warehouse]
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 31))


def period(first: str, last: str, as_of: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))


def answer(warehouse: Warehouse, metric: Metric, when: Period, **how: Any) -> dict[str | None, dict[str, Any]]:
    """Group -> row, for KPIs whose groups have one currency each."""
    rows = warehouse.rows(statement(metric, when, **how))
    assert len({row["grp"] for row in rows}) == len(rows), rows
    return {row["grp"]: row for row in rows}


def total(warehouse: Warehouse, metric: Metric, when: Period, *columns: str, **how: Any) -> tuple[Any, ...]:
    row = answer(warehouse, metric, when, **how)[None]
    return tuple(row[column] for column in columns)


# Flow: event day in [from, to] and dated by as_of.

GROSS = Metric(
    name="gross_margin_rate",
    label="Gross margin",
    description="",
    kind="flow",
    unit="percent",
    model="fct_move",
    relation="marts.fct_move",
    date="moved_on",
    dated="dated_on",
    numerator="sum(gross)",
    denominator="sum(revenue)",
    record="deal_key",
    excluded="reason",
    currency="currency",
    population="deal_type in ('retail', 'lease')",
    dimensions={"rooftop": "rooftop", "make": "make"},
)
MOVES = """
create table marts.fct_move (
    deal_key varchar, rooftop varchar, make varchar, deal_type varchar, moved_on date, dated_on date,
    gross decimal(18, 2), revenue decimal(18, 2), currency varchar, reason varchar
);
insert into marts.fct_move values
    ('R1|1', 'R1', 'Aston', 'retail', '2026-03-10', '2026-03-10', 1739.50, 10000.00, 'GBP', null),
    ('R1|1', 'R1', 'Aston', 'retail', '2026-03-10', '2026-04-05', -200.00, 0.00, 'GBP', null),
    ('R1|2', 'R1', 'Berlin', 'lease', '2026-03-31', '2026-03-31', 260.50, 10000.00, 'GBP', null),
    ('R1|3', 'R1', 'Aston', 'retail', '2026-03-12', '2026-03-12', null, 8000.00, 'GBP', 'cost unknown'),
    ('R1|4', 'R1', 'Aston', 'retail', '2026-03-13', '2026-03-13', null, 8000.00, 'GBP', 'cost unknown'),
    ('R1|5', 'R1', 'Berlin', 'retail', '2026-03-14', '2026-03-14', null, 8000.00, 'GBP', 'no purchase price'),
    ('R1|6', 'R1', 'Aston', 'wholesale', '2026-03-15', '2026-03-15', 900.00, 1000.00, 'GBP', null),
    ('R1|7', 'R1', 'Aston', 'retail', '2026-02-28', '2026-02-28', 500.00, 1000.00, 'GBP', null),
    ('R1|8', 'R1', 'Aston', 'retail', '2026-04-01', '2026-04-01', 700.00, 1000.00, 'GBP', null),
    ('R2|1', 'R2', null, 'retail', '2026-03-20', '2026-03-20', 300.00, 3000.00, 'EUR', null),
    ('R3|1', 'R3', 'Aston', 'retail', '2026-03-20', '2026-03-20', null, 3000.00, 'SEK', 'cost unknown');
"""


@pytest.fixture
def moves(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(MOVES)


@pytest.mark.metrics("intro.sum-over-sum")
def test_flow_sums_over_sums_with_its_excluded_by_reason(moves: Warehouse) -> None:
    row = answer(moves, GROSS, MARCH, by="rooftop")["R1"]
    assert (row["numerator"], row["denominator"], row["n"]) == (Decimal("2000.00"), Decimal("20000.00"), 2)
    assert row["excluded"] == 3
    assert json.loads(row["reasons"]) == {"cost unknown": 2, "no purchase price": 1}


def test_flow_never_adds_two_currencies(moves: Warehouse) -> None:
    rows = moves.rows(statement(GROSS, MARCH))
    assert [(row["grp"], row["currency"], row["numerator"]) for row in rows] == [
        (None, "EUR", Decimal("300.00")),
        (None, "GBP", Decimal("2000.00")),
        (None, "SEK", None),
    ]
    assert [(row["n"], row["excluded"]) for row in rows] == [(1, 0), (2, 3), (0, 1)]


@pytest.mark.metrics("0.invisible-after")
def test_a_fact_dated_after_as_of_is_invisible(moves: Warehouse) -> None:
    later = replace(MARCH, as_of=date(2026, 4, 30))
    assert total(moves, GROSS, MARCH, "numerator", "n", rooftops=["R1"]) == (Decimal("2000.00"), 2)
    assert total(moves, GROSS, later, "numerator", "n", rooftops=["R1"]) == (Decimal("1800.00"), 2)


@pytest.mark.metrics("0.flow")
def test_as_of_within_the_period_cuts_it(moves: Warehouse) -> None:
    early = replace(MARCH, as_of=date(2026, 3, 11))
    assert total(moves, GROSS, early, "numerator", "n", "excluded", rooftops=["R1"]) == (Decimal("1739.50"), 1, 0)


@pytest.mark.metrics("0.flow")
def test_both_ends_of_the_period_count(moves: Warehouse) -> None:
    assert total(moves, GROSS, period("2026-03-10", "2026-03-10", "2026-03-31"), "n", rooftops=["R1"]) == (1,)
    last = period("2026-03-31", "2026-03-31", "2026-03-31")
    assert total(moves, GROSS, last, "numerator", rooftops=["R1"]) == (Decimal("260.50"),)


def test_flow_by_month(moves: Warehouse) -> None:
    spring = period("2026-02-01", "2026-04-30", "2026-04-30")
    found = answer(moves, GROSS, spring, by="month", rooftops=["R1"])
    assert {month: row["numerator"] for month, row in found.items()} == {
        "2026-02": Decimal("500.00"),
        "2026-03": Decimal("1800.00"),
        "2026-04": Decimal("700.00"),
    }


def test_a_group_without_a_value_is_unknown_and_never_the_total(moves: Warehouse) -> None:
    assert list(answer(moves, GROSS, MARCH, by="make", rooftops=["R2"])) == ["unknown"]


def test_groups_add_up_to_the_total(moves: Warehouse) -> None:
    by_make = answer(moves, GROSS, MARCH, by="make", rooftops=["R1"])
    (whole,) = moves.rows(statement(GROSS, MARCH, rooftops=["R1"]))
    for part in ("numerator", "denominator", "n", "excluded"):
        assert sum(row[part] for row in by_make.values()) == whole[part]


def test_several_rooftops_and_a_code_with_a_quote(moves: Warehouse) -> None:
    rows = moves.rows(statement(GROSS, MARCH, by="rooftop", rooftops=["R1", "R2", "O'Hara's"]))
    assert {row["grp"] for row in rows} == {"R1", "R2"}
    assert moves.rows(statement(GROSS, MARCH, rooftops=["O'Hara's"])) == []


def test_an_empty_period_gives_no_row(moves: Warehouse) -> None:
    assert moves.rows(statement(GROSS, period("2025-01-01", "2025-01-31", "2026-03-31"))) == []
    assert moves.rows(statement(GROSS, replace(MARCH, as_of=date(2026, 2, 1)))) == []


def test_without_a_record_column_every_row_is_one(moves: Warehouse) -> None:
    rows = replace(GROSS, record=None)
    assert total(moves, rows, replace(MARCH, as_of=date(2026, 4, 30)), "n", "excluded", rooftops=["R1"]) == (3, 3)


APPOINTED = Metric(
    name="appointment_set_rate",
    label="Appointments set",
    description="",
    kind="flow",
    unit="percent",
    model="fct_enquiry",
    relation="marts.fct_enquiry",
    date="received_on",
    numerator="count(lead_key)",
    denominator="count(lead_key)",
    event_by_as_of="appointed_on",
    record="lead_key",
    dimensions={"rooftop": "rooftop"},
)


def test_an_event_counts_from_its_own_day_on(warehouse_of: WarehouseOf) -> None:
    leads = warehouse_of(
        """
        create table marts.fct_enquiry as
        select * from (values
            ('a', 'R1', date '2026-03-02', date '2026-03-04'),
            ('b', 'R1', date '2026-03-03', date '2026-04-02'),
            ('c', 'R1', date '2026-03-04', null),
            ('d', 'R1', date '2026-03-30', date '2026-03-31')
        ) as enquiries(lead_key, rooftop, received_on, appointed_on)
        """
    )
    seen = {
        day: total(leads, APPOINTED, period("2026-03-01", "2026-03-31", day), "numerator", "denominator")
        for day in ("2026-03-03", "2026-03-04", "2026-03-31", "2026-04-02")
    }
    assert seen == {"2026-03-03": (0, 2), "2026-03-04": (1, 3), "2026-03-31": (2, 4), "2026-04-02": (3, 4)}


def test_a_record_of_a_flow_is_judged_by_its_state_on_as_of(warehouse_of: WarehouseOf) -> None:
    leads = warehouse_of(
        """
        create table marts.fct_enquiry as
        select * from (values
            ('a', 'R1', date '2026-03-02', date '2026-03-02', date '2026-03-20', null),
            ('a', 'R1', date '2026-03-02', date '2026-03-20', null, 'bad'),
            ('b', 'R1', date '2026-03-03', date '2026-03-03', null, null)
        ) as enquiries(lead_key, rooftop, received_on, valid_from, valid_to, reason)
        """
    )
    held = "valid_from <= {as_of} and (valid_to > {as_of} or valid_to is null)"
    metric = replace(APPOINTED, event_by_as_of=None, population=held, excluded="reason")
    seen = {
        day: total(leads, metric, period("2026-03-01", "2026-03-10", day), "denominator", "excluded")
        for day in ("2026-03-02", "2026-03-19", "2026-03-20")
    }
    assert seen == {"2026-03-02": (1, 0), "2026-03-19": (2, 0), "2026-03-20": (1, 1)}


# Duration: stop day in [from, to]; open = started by then and not stopped.

TURN = Metric(
    name="repair_order_days",
    label="Days of a repair order",
    description="",
    kind="duration",
    unit="days",
    model="fct_order",
    relation="marts.fct_order",
    date="closed_on",
    started="opened_on",
    stopped="closed_on",
    numerator="seconds",
    seconds=86400,
    record="order_key",
    excluded="reason",
    dimensions={"rooftop": "rooftop"},
)
ORDERS = """
create table marts.fct_order as
select order_key, rooftop, opened_on, closed_on, dropped_on, days * 86400 as seconds, reason
from (values
    ('a', 'R1', date '2026-02-27', date '2026-03-01', null, 2, null),
    ('b', 'R1', date '2026-03-02', date '2026-03-05', null, 3, null),
    ('c', 'R1', date '2026-03-10', date '2026-03-20', null, 10, null),
    ('d', 'R1', date '2026-03-10', date '2026-03-09', null, -1, 'stop before start'),
    ('e', 'R1', date '2026-03-28', date '2026-04-02', null, 5, null),
    ('f', 'R1', date '2026-03-29', null, null, null, null),
    ('g', 'R1', date '2026-03-29', null, date '2026-03-30', null, null),
    ('h', 'R1', date '2026-04-01', null, null, null, null),
    ('i', 'R1', date '2026-02-01', date '2026-02-28', null, 27, null),
    ('j', 'R2', date '2026-03-28', null, null, null, null)
) as orders(order_key, rooftop, opened_on, closed_on, dropped_on, days, reason)
"""


@pytest.fixture
def orders(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(ORDERS)


@pytest.mark.metrics("0.duration")
def test_durations_by_stop_day(orders: Warehouse) -> None:
    row = answer(orders, TURN, MARCH, rooftops=["R1"])[None]
    assert (row["numerator"], row["n"]) == (3 * 86400, 3)  # 2, 3 and 10 days
    assert row["p90"] == pytest.approx(8.6 * 86400)  # between 3 and 10, at four fifths
    assert row["open"] == 3  # e, f, g
    assert json.loads(row["reasons"]) == {"stop before start": 1}


@pytest.mark.metrics("0.duration")
def test_what_stopped_after_as_of_is_still_open_then(orders: Warehouse) -> None:
    earlier = replace(MARCH, as_of=date(2026, 3, 10))
    assert total(orders, TURN, earlier, "numerator", "n", "open", rooftops=["R1"]) == (2.5 * 86400, 2, 1)
    april = period("2026-04-01", "2026-04-30", "2026-04-30")
    assert total(orders, TURN, april, "numerator", "n", "open", rooftops=["R1"]) == (5 * 86400, 1, 3)


def test_what_ended_without_counting_is_not_open(orders: Warehouse) -> None:
    metric = replace(TURN, closed="dropped_on")
    assert total(orders, metric, MARCH, "n", "open", rooftops=["R1"]) == (3, 2)
    seen = [
        total(orders, metric, replace(MARCH, as_of=date(2026, 3, day)), "open", rooftops=["R1"]) for day in (29, 30)
    ]
    assert seen == [(3,), (2,)]  # g was dropped on the 30th


def test_a_group_with_only_open_ones_is_told(orders: Warehouse) -> None:
    row = answer(orders, TURN, MARCH, by="rooftop")["R2"]
    assert (row["numerator"], row["n"], row["open"]) == (None, 0, 1)


def test_durations_by_month_know_no_later_month_than_the_last(orders: Warehouse) -> None:
    found = answer(orders, TURN, period("2026-02-01", "2026-03-31", "2026-03-31"), by="month", rooftops=["R1"])
    assert {month: (row["n"], row["open"]) for month, row in found.items()} == {"2026-02": (1, 0), "2026-03": (3, 3)}


RESPONSE = replace(TURN, name="response_minutes", by="start", date="opened_on", unit="minutes", seconds=60)


@pytest.mark.metrics("0.duration")
def test_durations_by_start_day(orders: Warehouse) -> None:
    assert total(orders, RESPONSE, MARCH, "numerator", "n", "open", "excluded", rooftops=["R1"]) == (
        6.5 * 86400,  # 3 and 10 days; e had not stopped
        2,
        3,
        1,
    )
    later = replace(MARCH, as_of=date(2026, 4, 30))
    assert total(orders, RESPONSE, later, "numerator", "n", "open", rooftops=["R1"]) == (5 * 86400, 3, 2)


# Stock: the state at least(to, as_of).

OVERDUE = Metric(
    name="overdue_rate",
    label="Overdue",
    description="",
    kind="stock",
    unit="percent",
    model="fct_receivable",
    relation="open_on({as_of}, 'due')",
    date="as_of",
    numerator="sum(case when due_on < as_of_day then amount else 0 end)",
    denominator="sum(amount)",
    population="amount > 0",
    record="document",
    excluded="reason",
    currency="currency",
    dimensions={"rooftop": "rooftop"},
)
RECEIVABLES = """
create table marts.documents as
select * from (values
    ('i1', 'R1', 'GBP', date '2026-01-10', date '2026-02-09', date '2026-03-20', 600.00, null),
    ('i2', 'R1', 'GBP', date '2026-03-01', date '2026-03-31', null, 400.00, null),
    ('i3', 'R1', 'GBP', date '2026-03-05', date '2026-03-06', null, 50.00, 'unknown rate'),
    ('c1', 'R1', 'GBP', date '2026-03-02', date '2026-03-02', null, -100.00, null),
    ('i4', 'R2', 'EUR', date '2026-03-10', date '2026-03-11', null, 1000.00, null)
) as documents(document, rooftop, currency, posted_on, due_on, paid_on, amount, reason);
create macro marts.open_on(as_of, basis) as table
select *, as_of as as_of_day
from marts.documents
where posted_on <= as_of and (paid_on is null or paid_on > as_of) and basis = 'due';
"""


@pytest.fixture
def receivables(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(RECEIVABLES)


@pytest.mark.metrics("0.stock")
def test_stock_is_the_state_at_the_end_of_the_period(receivables: Warehouse) -> None:
    mid = period("2026-03-01", "2026-03-15", "2026-03-31")
    assert total(receivables, OVERDUE, mid, "numerator", "denominator", "n", "excluded", rooftops=["R1"]) == (
        Decimal("600.00"),
        Decimal("1000.00"),
        2,
        1,
    )
    assert total(receivables, OVERDUE, MARCH, "numerator", "denominator", rooftops=["R1"]) == (0, Decimal("400.00"))


@pytest.mark.metrics("0.invisible-after")
def test_stock_sees_nothing_after_as_of(receivables: Warehouse) -> None:
    early = replace(MARCH, as_of=date(2026, 2, 9))
    assert total(receivables, OVERDUE, early, "numerator", "denominator") == (0, Decimal("600.00"))
    assert receivables.rows(statement(OVERDUE, replace(MARCH, as_of=date(2026, 1, 9)))) == []


def test_stock_keeps_currencies_apart(receivables: Warehouse) -> None:
    found = receivables.rows(statement(OVERDUE, MARCH))
    assert [(row["currency"], row["numerator"]) for row in found] == [("EUR", Decimal("1000.00")), ("GBP", 0)]


def test_stock_of_a_plain_mart(receivables: Warehouse) -> None:
    metric = replace(OVERDUE, relation="marts.documents", numerator="sum(amount)", denominator=None)
    assert total(receivables, metric, MARCH, "numerator", "denominator", "n", rooftops=["R2"]) == (
        Decimal("1000.00"),
        None,
        1,
    )


def test_stock_of_a_mart_whose_rows_hold_for_a_span_of_days(receivables: Warehouse) -> None:
    held = "posted_on <= {as_of} and (paid_on > {as_of} or paid_on is null)"
    metric = replace(OVERDUE, relation="marts.documents", population=held, numerator="count(document)")
    metric = replace(metric, denominator=None)
    for last, documents in (("2026-02-28", 1), ("2026-03-04", 3), ("2026-03-19", 3), ("2026-03-20", 2)):
        until = period("2026-01-01", last, last)
        assert total(receivables, metric, until, "numerator", rooftops=["R1"]) == (documents,)


def test_an_average_age_is_counted_to_the_day_of_the_stock(receivables: Warehouse) -> None:
    open_ones = "posted_on <= {as_of} and (paid_on > {as_of} or paid_on is null)"
    metric = replace(OVERDUE, relation="marts.documents", population=open_ones, denominator="count(document)")
    metric = replace(metric, numerator="sum({as_of} - posted_on)", currency=None)
    for last, days in (("2026-03-04", 53 + 3 + 2), ("2026-03-05", 54 + 4 + 3)):
        until = period("2026-01-01", last, "2026-12-31")
        assert total(receivables, metric, until, "numerator", "denominator", rooftops=["R1"]) == (days, 3)


# Excluded from a day on.

ANSWERS = """
create table marts.fct_answer as
select * from (values
    ('a', 'R1', date '2026-03-02', date '2026-03-04', 7200, null),
    ('b', 'R1', date '2026-03-02', date '2026-03-10', 0, 'batch-stamped'),
    ('c', 'R1', date '2026-03-02', null, null, 'no time of day')
) as answers(lead_key, rooftop, received_on, answered_on, seconds, reason)
"""


@pytest.mark.parametrize("by", ["start", "stop"])
def test_what_a_stop_excludes_is_open_until_then(warehouse_of: WarehouseOf, by: str) -> None:
    metric = replace(TURN, relation="marts.fct_answer", record="lead_key", by=by, excluded_on="answered_on")
    day = "received_on" if by == "start" else "answered_on"
    metric = replace(metric, date=day, started="received_on", stopped="answered_on")
    answers = warehouse_of(ANSWERS)

    def seen(day: str) -> tuple[object, object, object]:
        row = answer(answers, metric, period("2026-03-01", day, day))[None]
        return row["n"], row["open"], row["excluded"]

    # What is excluded for another reason than its stop is so from the beginning; by stop it has no day to count on.
    always = 1 if by == "start" else 0
    assert seen("2026-03-03") == (0, 2, always)
    assert seen("2026-03-09") == (1, 1, always)
    assert seen("2026-03-10") == (1, 0, always + 1)


def test_a_flow_excludes_nothing_for_what_comes_after_as_of(warehouse_of: WarehouseOf) -> None:
    metric = replace(APPOINTED, relation="marts.fct_answer", event_by_as_of="answered_on")
    metric = replace(metric, excluded="reason", excluded_on="answered_on")
    answers = warehouse_of(ANSWERS)
    for day, counted, excluded in (("2026-03-09", 2, 1), ("2026-03-10", 1, 2)):
        asked = period("2026-03-01", "2026-03-05", day)
        assert total(answers, metric, asked, "denominator", "excluded") == (counted, excluded)


# Cohort: start day in [from, to]; mature when start + W <= as_of.

CLAIMS = Metric(
    name="claim_rate",
    label="Claims",
    description="",
    kind="cohort",
    unit="percent",
    model="fct_unit",
    relation="marts.fct_unit",
    date="delivered_on",
    numerator="count(unit_key)",
    denominator="count(unit_key)",
    window="claim.window_days",
    event="first_claim_on",
    record="unit_key",
    excluded="reason",
    dimensions={"rooftop": "rooftop"},
)
#: 100 delivered on 5 January, 6 claimed on 5 April, the 90th day; 100 on 28 February, 2 claimed so far.
UNITS = """
create table marts.fct_unit as
select
    'a' || number as unit_key,
    'R1' as rooftop,
    date '2026-01-05' as delivered_on,
    case when number < 6 then date '2026-04-05' end as first_claim_on,
    cast(null as varchar) as reason
from range(100) as units(number)
union all
select 'b' || number, 'R1', date '2026-02-28', case when number < 2 then date '2026-03-15' end, null
from range(100) as units(number)
"""
NINETY = [("claim.window_days", "90", date(1900, 1, 1), None)]
COHORT = period("2026-01-01", "2026-02-28", "2026-04-09")


@pytest.fixture
def units(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(UNITS, policies=NINETY)


PARTS = ("numerator", "denominator", "immature", "so_far")


@pytest.mark.metrics("0.cohort")
def test_only_mature_units_are_in_the_rate(units: Warehouse) -> None:
    assert total(units, CLAIMS, COHORT, *PARTS) == (6, 100, 100, 2)


def test_the_months_of_a_cohort_mature_apart(units: Warehouse) -> None:
    found = answer(units, CLAIMS, COHORT, by="month")
    assert {month: tuple(row[part] for part in PARTS) for month, row in found.items()} == {
        "2026-01": (6, 100, 0, 0),
        "2026-02": (0, 0, 100, 2),
    }


@pytest.mark.metrics("0.cohort")
def test_a_unit_matures_on_the_day_its_window_ends(units: Warehouse) -> None:
    before, on = replace(COHORT, as_of=date(2026, 4, 4)), replace(COHORT, as_of=date(2026, 4, 5))
    assert total(units, CLAIMS, before, *PARTS) == (0, 0, 200, 2)
    assert total(units, CLAIMS, on, *PARTS) == (6, 100, 100, 2)
    assert total(units, CLAIMS, replace(COHORT, as_of=date(2026, 5, 29)), *PARTS) == (8, 200, 0, 0)


def test_events_outside_the_window_do_not_count_and_excluded_units_are_named(warehouse_of: WarehouseOf) -> None:
    units = warehouse_of(
        """
        create table marts.fct_unit as
        select * from (values
            ('on the day', 'R1', date '2026-01-05', date '2026-01-05', null),
            ('last day', 'R1', date '2026-01-05', date '2026-04-05', null),
            ('a day late', 'R1', date '2026-01-05', date '2026-04-06', null),
            ('before', 'R1', date '2026-01-05', date '2026-01-04', null),
            ('none', 'R1', date '2026-01-05', null, null),
            ('unlinked', 'R1', date '2026-01-05', date '2026-01-20', 'not linked to a unit'),
            ('unlinked', 'R1', date '2026-01-05', date '2026-01-21', 'not linked to a unit'),
            ('young', 'R2', date '2026-03-01', date '2026-04-20', null)
        ) as units(unit_key, rooftop, delivered_on, first_claim_on, reason)
        """,
        policies=NINETY,
    )
    later = period("2026-01-01", "2026-03-31", "2026-04-09")
    assert total(units, CLAIMS, later, *PARTS, "excluded", rooftops=["R1"]) == (2, 5, 0, 0, 1)
    assert total(units, CLAIMS, later, *PARTS, rooftops=["R2"]) == (0, 0, 1, 0)  # its claim lies after as_of


def test_a_window_that_changes_on_a_day_applies_from_that_day(warehouse_of: WarehouseOf) -> None:
    units = warehouse_of(
        """
        create table marts.fct_unit as
        select * from (values
            ('old rule', 'R1', date '2026-01-31', date '2026-03-05', null),
            ('new rule', 'R1', date '2026-02-01', date '2026-03-06', null),
            ('new rule, in time', 'R1', date '2026-02-01', date '2026-03-03', null)
        ) as units(unit_key, rooftop, delivered_on, first_claim_on, reason)
        """,
        policies=[
            ("claim.window_days", "90", date(1900, 1, 1), date(2026, 2, 1)),
            ("claim.window_days", "30", date(2026, 2, 1), None),
            ("conversion.window_days", "10", date(1900, 1, 1), None),
        ],
    )
    when = period("2026-01-01", "2026-02-28", "2026-03-10")
    assert total(units, CLAIMS, when, *PARTS) == (1, 2, 1, 1)
    assert total(units, CLAIMS, replace(when, as_of=date(2026, 5, 1)), *PARTS) == (2, 3, 0, 0)


@pytest.mark.metrics("0.one-template-per-kind")
@pytest.mark.parametrize(("metric", "marts"), [(GROSS, MOVES), (TURN, ORDERS), (OVERDUE, RECEIVABLES), (CLAIMS, UNITS)])
def test_every_kind_answers_with_the_same_columns(warehouse_of: WarehouseOf, metric: Metric, marts: str) -> None:
    made = warehouse_of(marts, policies=NINETY)
    (row, *_) = made.rows(statement(metric, period("2026-01-01", "2026-03-31", "2026-04-30")))
    assert ", ".join(row) == (
        "grp, currency, numerator, denominator, n, p90, open, immature, so_far, excluded, reasons"
    )


# The definitions, from the manifest.


def manifest(**changes: Any) -> dict[str, Any]:
    """The part of a dbt manifest that defines two KPIs over one fact."""
    meta = {
        "kind": "flow",
        "unit": "percent",
        "decimals": 1,
        "better": "up",
        "question": "What do we keep of a sale?",
        "date": "moved_on",
        "dated": "dated_on",
        "record": "deal_key",
        "currency": "currency",
        "dimensions": ["rooftop", "month", "make"],
        "feeds": ["dms_deals"],
        "requires": ["dms_deals"],
        "example": "2,785.50",
    } | changes
    simple = {
        name: {
            "name": name,
            "type": "simple",
            "label": name,
            "description": "",
            "config": {},
            "type_params": {"measure": {"name": name}},
        }
        for name in ("total_gross", "revenue", "handover_seconds")
    }
    ratio = {
        "name": "gross_margin_rate",
        "type": "ratio",
        "label": "Gross margin",
        "description": "Share kept.",
        "config": {"meta": meta},
        "type_params": {"numerator": {"name": "total_gross"}, "denominator": {"name": "revenue"}},
    }
    duration = {
        **simple["handover_seconds"],
        "name": "handover_days",
        "config": {
            "meta": {"kind": "duration", "unit": "days", "date": "delivered_on", "seconds": 86400, "dimensions": []}
        },
    }
    return {
        "metrics": {entry["name"]: entry for entry in [*simple.values(), ratio, duration]},
        "semantic_models": {
            "deal": {
                "name": "deal",
                "node_relation": {"alias": "fct_deal_movement", "schema_name": "marts"},
                "dimensions": [{"name": "rooftop", "expr": None}, {"name": "make", "expr": "upper(make)"}],
                "measures": [
                    {"name": "total_gross", "agg": "sum", "expr": "total"},
                    {"name": "revenue", "agg": "sum", "expr": None},
                    {"name": "handover_seconds", "agg": "median", "expr": "seconds"},
                ],
            }
        },
    }


def test_a_kpi_is_what_the_manifest_says() -> None:
    margin, handover = metrics_of(manifest())
    assert (margin.numerator, margin.denominator) == ("sum(total)", "sum(revenue)")
    assert (margin.relation, margin.model) == ("marts.fct_deal_movement", "fct_deal_movement")
    assert margin.dimensions == {"rooftop": "rooftop", "make": "upper(make)"}
    assert (margin.feeds, margin.requires) == (("dms_deals",), ("dms_deals",))
    assert margin.formula == "sum(total) / sum(revenue)"
    assert (handover.numerator, handover.denominator, handover.formula) == ("seconds", None, "median of seconds")


def test_a_kpi_survives_the_way_through_the_published_file() -> None:
    for metric in metrics_of(manifest()):
        assert Metric.from_json(metric.to_json()) == metric


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "flwo"}, "flow, duration, stock, cohort"),
        ({"dimensions": ["rooftop", "color"]}, "color is no dimension of deal"),
        ({"dat": "moved_on"}, "unknown meta dat"),
    ],
)
def test_a_definition_no_template_can_compute_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"gross_margin_rate.*{said}"):
        metrics_of(manifest(**changes))


def test_an_aggregate_without_a_template_is_refused() -> None:
    given = manifest()
    given["semantic_models"]["deal"]["measures"][1]["agg"] = "average"
    with pytest.raises(ValueError, match=r"revenue.*average"):
        metrics_of(given)


def test_numbers_as_json_shows_them() -> None:
    assert shown(GROSS, Decimal("2000")) == "2000.00"
    assert shown(TURN, 86400 * 2.5) == 2.5
    assert shown(TURN, None) is None
    assert shown(CLAIMS, 6) == 6
    assert shown(replace(APPOINTED, seconds=3600), 1800) == 0.5


def test_figures_carry_their_unit() -> None:
    assert figure(CLAIMS, 0.0525) == "5.3 %"
    assert figure(replace(APPOINTED, unit="count"), "1234") == "1,234"
