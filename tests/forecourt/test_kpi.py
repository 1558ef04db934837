from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.kpi import KpiRow, compute, dimensions_of, headline_period, load_metrics, newest_day
from forecourt.metrics import HEADLINES, Metric, Period

WarehouseOf = Callable[..., Warehouse]

#: The rows of `forecourt kpi --json`, as DESIGN.md names them.
DESIGN_KEYS = [
    "kpi",
    "label",
    "unit",
    "kind",
    "from",
    "to",
    "as_of",
    "group",
    "value",
    "numerator",
    "denominator",
    "n",
    "p90",
    "open",
    "excluded",
    "excluded_reasons",
    "immature",
    "target",
    "data_through",
    "currency",
    "reason",
]
#: What stands beside: events of immature units so far, whether the data is older than the period asked for, and what
#: others reach.
BESIDE = {"immature_events", "is_stale", "benchmark"}


def period(first: str, last: str, as_of: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))


def metric(kind: str, **changes: object) -> Metric:
    """A KPI over ``marts.fct_x`` (record, rooftop, day, stop, amount, base, currency, reason)."""
    basic = Metric(
        name=f"{kind}_kpi",
        label=f"A {kind}",
        description="",
        kind=kind,
        unit="percent",
        model="fct_x",
        relation="marts.fct_x",
        date="day",
        numerator="sum(amount)",
        denominator="sum(base)",
        record="record",
        excluded="reason",
        dimensions={"rooftop": "rooftop"},
        feeds=("dms_deals", "crm_leads"),
        requires=("dms_deals",),
    )
    return replace(basic, **changes)  # type: ignore[arg-type]


FLOW = metric("flow")
MONEY = metric("flow", unit="money", denominator=None, currency="currency")
DURATION = metric(
    "duration", unit="days", numerator="seconds", denominator=None, seconds=86400, started="day", stopped="stop"
)
DURATION = replace(DURATION, date="stop")
COHORT = metric("cohort", window="claim.window_days", event="stop", numerator="count(record)", denominator="count(1)")
STOCK = metric("stock", relation="state_on({as_of})", denominator=None, unit="count", date="as_of")

FACTS = """
create table marts.fct_x as
select record, rooftop, day, stop, amount, base, currency, reason, date_diff('day', day, stop) * 86400 as seconds
from (values
    ('a', 'R1', date '2026-03-02', date '2026-03-12', 10.005::decimal(18, 3), 100, 'GBP', null),
    ('b', 'R1', date '2026-03-03', date '2026-03-05', 20.00, 100, 'GBP', null),
    ('c', 'R2', date '2026-03-04', null, 3.00, 0, 'EUR', null),
    ('d', 'R3', date '2026-03-05', date '2026-03-08', 5.00, 50, 'GBP', 'cost unknown'),
    ('e', 'R4', date '2026-03-06', null, 5.00, -50, 'GBP', null)
) as facts(record, rooftop, day, stop, amount, base, currency, reason);
create macro marts.state_on(as_of) as table
select * from marts.fct_x where day <= as_of and (stop is null or stop > as_of);
"""
FRESH = [
    ("dms_deals", "R1", date(2026, 3, 31)),
    ("dms_deals", "R2", date(2026, 3, 28)),
    ("crm_leads", "R1", date(2026, 3, 30)),
    ("dms_claims", "R1", date(2026, 1, 1)),
    ("fx_rates", None, date(2026, 4, 1)),
]
NINETY = [("claim.window_days", "90", date(1900, 1, 1), None)]
MARCH = period("2026-03-01", "2026-03-31", "2026-03-31")


@pytest.fixture
def facts(warehouse_of: WarehouseOf) -> Warehouse:
    return warehouse_of(FACTS, freshness=FRESH, policies=NINETY)


def only(rows: list[KpiRow]) -> KpiRow:
    (row,) = rows
    return row


@pytest.mark.metrics("4.headline-cohort")
def test_a_cohort_is_shown_as_the_equally_long_one_whose_window_has_passed(facts: Warehouse) -> None:
    shown = headline_period(facts, COHORT, period("2026-03-01", "2026-03-31", "2026-03-31"))
    assert shown == period("2025-12-01", "2025-12-31", "2026-03-31")
    assert shown.last + timedelta(days=90) == shown.as_of
    assert headline_period(facts, FLOW, MARCH) == MARCH


def test_the_window_of_a_card_is_the_one_in_force_on_as_of(warehouse_of: WarehouseOf) -> None:
    changed = warehouse_of(
        FACTS,
        policies=[
            ("claim.window_days", "90", date(1900, 1, 1), date(2026, 3, 1)),
            ("claim.window_days", "30", date(2026, 3, 1), None),
        ],
    )
    assert headline_period(changed, COHORT, MARCH).last == date(2026, 3, 1)
    before = period("2026-02-01", "2026-02-28", "2026-02-28")
    assert headline_period(changed, COHORT, before).last == date(2025, 11, 30)


@pytest.mark.metrics("0.data-through")
def test_the_newest_day_is_that_of_any_feed(facts: Warehouse, warehouse_of: WarehouseOf) -> None:
    assert newest_day(facts) == date(2026, 4, 1)


FILES = """
insert into meta.files (name, status, exported_at) values
    ('dms_deals_2026-03-30.csv', 'landed', timestamp '2026-03-30 20:00:00'),
    ('dms_deals_2026-03-31.csv', 'landed', timestamp '2026-03-31 20:00:00'),
    ('dms_deals_2026-04-09.csv', 'held', timestamp '2026-04-09 20:00:00');
"""


def test_the_newest_landed_file_gives_the_day_where_no_row_is_kept(warehouse_of: WarehouseOf) -> None:
    assert newest_day(warehouse_of(FACTS + FILES)) == date(2026, 3, 31)


def test_where_nothing_landed_the_next_step_is_said(warehouse_of: WarehouseOf) -> None:
    with pytest.raises(Problem, match=r"into the inbox and run `forecourt run`.*--as-of"):
        newest_day(warehouse_of(FACTS))


# Rows.


def test_the_json_has_the_keys_of_the_design_and_plain_values(facts: Warehouse) -> None:
    for kpi in (FLOW, MONEY, DURATION, COHORT, STOCK, replace(FLOW, requires=("dms_rentals",))):
        for row in compute(facts, kpi, MARCH):
            printed = json.loads(json.dumps(row.as_dict()))
            assert [key for key in printed if key not in BESIDE] == DESIGN_KEYS, kpi.name
            assert set(printed) - BESIDE == set(DESIGN_KEYS)
            assert (printed["from"], printed["to"], printed["as_of"]) == ("2026-03-01", "2026-03-31", "2026-03-31")
            assert (printed["value"] is None) == (printed["reason"] is not None)


def test_money_is_a_decimal_string_and_ratios_are_numbers(facts: Warehouse) -> None:
    row = only(compute(facts, MONEY, MARCH, rooftops=["R1"]))
    assert (row.value, row.numerator, row.denominator, row.currency) == ("30.01", "30.01", None, "GBP")
    assert only(compute(facts, FLOW, MARCH, rooftops=["R1"])).value == pytest.approx(30.005 / 200)


def test_money_per_unit_is_rounded_half_away_from_zero(facts: Warehouse) -> None:
    loss = replace(MONEY, numerator="min(-0.01)", denominator="max(2)")
    assert only(compute(facts, loss, MARCH, rooftops=["R1"])).value == "-0.01"
    gain = replace(MONEY, numerator="max(0.01)", denominator="max(2)")
    assert only(compute(facts, gain, MARCH, rooftops=["R1"])).value == "0.01"


@pytest.mark.metrics("intro.sum-over-sum")
@pytest.mark.parametrize(
    ("rooftop", "reason"),
    [
        ("R2", "the denominator is zero or negative"),
        ("R4", "the denominator is zero or negative"),
        ("R3", "every record of the period is excluded"),
        ("R9", "no records in the period"),
    ],
)
def test_no_value_without_its_reason(facts: Warehouse, rooftop: str, reason: str) -> None:
    row = only(compute(facts, FLOW, MARCH, rooftops=[rooftop]))
    assert (row.value, row.reason) == (None, reason)


def test_with_too_few_records_there_is_no_number(facts: Warehouse) -> None:
    enough = only(compute(facts, replace(FLOW, fewest=2), MARCH, rooftops=["R1"]))
    assert enough.value == pytest.approx(30.005 / 200)
    few = only(compute(facts, replace(FLOW, fewest=3), MARCH, rooftops=["R1"]))
    assert (few.value, few.n, few.reason) == (None, 2, "too few: 2 of the 3 that a number needs")


@pytest.mark.metrics("intro.shown-with-its-parts")
def test_excluded_records_are_counted_by_reason_beside_nothing_else(facts: Warehouse) -> None:
    row = only(compute(facts, FLOW, MARCH, rooftops=["R3"]))
    assert (row.n, row.excluded, row.excluded_reasons) == (0, 1, {"cost unknown": 1})


def test_a_feed_that_never_landed_is_said_and_not_counted_as_zero(facts: Warehouse) -> None:
    row = only(compute(facts, replace(FLOW, requires=("dms_deals", "dms_rentals")), MARCH, by="rooftop"))
    assert (row.value, row.n, row.reason) == (None, 0, "no data: no dms_rentals landed")


@pytest.mark.metrics("intro.shown-with-its-parts", "2.durations")
def test_a_duration_shows_median_p90_and_what_is_open(facts: Warehouse) -> None:
    row = only(compute(facts, DURATION, MARCH, rooftops=["R1", "R2"]))
    assert (row.value, row.p90, row.n, row.open) == (6, 9.2, 2, 1)
    assert (row.numerator, row.denominator) == (None, 2)


def test_a_duration_with_only_open_records_says_so(facts: Warehouse) -> None:
    row = only(compute(facts, DURATION, MARCH, rooftops=["R2"]))
    assert (row.value, row.reason) == (None, "none finished in the period, 1 still open")


@pytest.mark.metrics("intro.shown-with-its-parts", "4.cohort-asked")
def test_the_vector_of_the_claim_rate(warehouse_of: WarehouseOf) -> None:
    claims = replace(COHORT, requires=())
    units = warehouse_of(
        """
        create table marts.fct_x as
        select
            'a' || n as record, 'R1' as rooftop, date '2026-01-05' as day,
            case when n < 6 then date '2026-04-05' end as stop, cast(null as varchar) as reason,
        from range(100) as units(n)
        union all
        select 'b' || n, 'R1', date '2026-02-28', case when n < 2 then date '2026-03-05' end, null
        from range(100) as units(n)
        """,
        policies=NINETY,
    )
    asked = period("2026-01-01", "2026-02-28", "2026-04-09")
    whole = only(compute(units, claims, asked))
    assert (whole.value, whole.numerator, whole.denominator, whole.n) == (0.06, 6, 100, 100)
    assert (whole.immature, whole.immature_events, whole.reason) == (100, 2, None)
    january, february = compute(units, claims, asked, by="month")
    assert (january.group, january.value, january.immature) == ("2026-01", 0.06, 0)
    assert (february.group, february.value) == ("2026-02", None)
    assert february.reason == "immature: 2 of 100 so far"
    alone = only(compute(units, claims, period("2026-02-01", "2026-02-28", "2026-04-09")))
    assert (alone.value, alone.n) == (None, 0)
    assert str(alone.reason).startswith("immature")


def test_a_stock_by_month_is_its_state_at_each_end(facts: Warehouse) -> None:
    rows = compute(facts, STOCK, period("2026-02-01", "2026-04-30", "2026-04-10"), by="month", rooftops=["R1", "R2"])
    assert [(row.group, row.value) for row in rows] == [("2026-03", 3), ("2026-04", 3)]
    early = compute(facts, STOCK, period("2026-03-01", "2026-03-31", "2026-03-04"), by="month", rooftops=["R1"])
    assert [(row.group, row.value) for row in early] == [("2026-03", 30.005)]


def test_a_dimension_a_kpi_does_not_have_is_refused_with_those_it_has(facts: Warehouse) -> None:
    assert dimensions_of(FLOW) == ["rooftop", "month"]
    with pytest.raises(Problem, match=r"no dimension 'colour'\. It has: rooftop, month"):
        compute(facts, FLOW, MARCH, by="colour")


@pytest.mark.metrics("0.data-through")
def test_a_number_is_as_fresh_as_the_oldest_feed_it_needs(facts: Warehouse) -> None:
    everywhere = compute(facts, FLOW, MARCH)[0]
    assert (everywhere.data_through, everywhere.is_stale) == (date(2026, 3, 28), True)
    north = only(compute(facts, FLOW, MARCH, rooftops=["R1"]))
    assert (north.data_through, north.is_stale) == (date(2026, 3, 30), True)
    early = only(compute(facts, FLOW, replace(MARCH, last=date(2026, 3, 30)), rooftops=["R1"]))
    assert early.is_stale is False
    by_as_of = only(compute(facts, FLOW, replace(MARCH, as_of=date(2026, 3, 30)), rooftops=["R1"]))
    assert by_as_of.is_stale is False


def test_a_feed_of_no_rooftop_is_needed_by_all(facts: Warehouse) -> None:
    row = only(compute(facts, replace(FLOW, feeds=("fx_rates",)), MARCH, rooftops=["R1"]))
    assert row.data_through == date(2026, 4, 1)


@pytest.mark.metrics("9.targets")
def test_targets_by_rooftop_and_by_day(warehouse_of: WarehouseOf) -> None:
    aimed = warehouse_of(
        FACTS,
        freshness=FRESH,
        targets=[
            ("flow_kpi", None, date(1900, 1, 1), 0.10),
            ("flow_kpi", None, date(2026, 3, 15), 0.11),
            ("flow_kpi", None, date(2026, 4, 1), 0.12),
            ("flow_kpi", "R1", date(2026, 1, 1), 0.20),
            ("other_kpi", "R2", date(2026, 1, 1), 0.99),
        ],
    )
    assert {row.group: row.target for row in compute(aimed, FLOW, MARCH, by="rooftop")} == {
        "R1": 0.20,
        "R2": 0.11,
        "R3": 0.11,
        "R4": 0.11,
    }
    assert only(compute(aimed, FLOW, MARCH, rooftops=["R1", "R2"])).target == 0.11
    assert only(compute(aimed, FLOW, MARCH, rooftops=["R1"])).target == 0.20
    assert only(compute(aimed, FLOW, MARCH, rooftops=["R1"], by="month")).target == 0.20
    assert only(compute(aimed, FLOW, replace(MARCH, last=date(2026, 3, 14)), rooftops=["R2"])).target == 0.10
    assert only(compute(aimed, replace(FLOW, name="third_kpi"), MARCH, rooftops=["R1"])).target is None


@pytest.mark.metrics("9.benchmarks")
def test_the_newest_benchmark_stands_beside_with_source_and_date(warehouse_of: WarehouseOf) -> None:
    compared = warehouse_of(
        FACTS,
        freshness=FRESH,
        benchmarks=[
            ("flow_kpi", 0.06, "An older survey", date(2024, 6, 1)),
            ("flow_kpi", 0.05, "A survey", date(2025, 6, 1)),
            ("other_kpi", 0.99, "Another", date(2026, 1, 1)),
        ],
    )
    beside = {"value": 0.05, "source": "A survey", "date": "2025-06-01"}
    assert [row.benchmark for row in compute(compared, FLOW, MARCH, by="rooftop")] == [beside] * 4
    assert json.loads(json.dumps(compute(compared, FLOW, MARCH)[0].as_dict()))["benchmark"] == beside
    assert compute(compared, replace(FLOW, name="third_kpi"), MARCH)[0].benchmark is None


def test_the_headlines_come_first(warehouse_of: WarehouseOf) -> None:
    names = ["aaa_rate", *reversed(HEADLINES), "show_rate"]
    stored = warehouse_of(FACTS, metrics=[replace(FLOW, name=name) for name in names])
    assert list(load_metrics(stored)) == [*HEADLINES, "aaa_rate", "show_rate"]


def test_a_gross_of_a_closed_month_is_excluded_there_until_the_day_it_became_known(warehouse_of: WarehouseOf) -> None:
    """Sold in March, which was closed; its cost is learnt on 6 April, whose gross it then is."""
    warehouse = warehouse_of(
        """
        create table marts.fct_late as select
            'R1' as rooftop, 'R1|D1' as deal_key, date '2026-03-10' as moved_on, date '2026-04-06' as gross_moved_on,
            date '2026-04-06' as gross_dated_on, 970.00 as total
        """
    )
    gross = Metric(
        name="gross",
        label="Gross",
        description="",
        kind="flow",
        unit="money",
        model="fct_late",
        relation="marts.fct_late",
        date="case when {as_of} < gross_dated_on then moved_on else gross_moved_on end",
        dated="moved_on",
        numerator="sum(total)",
        record="deal_key",
        excluded="case when {as_of} < gross_dated_on then 'vehicle cost unknown' end",
    )

    def asked(first: date, last: date, as_of: date) -> tuple[object, int]:
        (row,) = compute(warehouse, gross, Period(first, last, as_of))
        return row.value, row.excluded

    march, april = (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))
    assert asked(*march, date(2026, 3, 31)) == (None, 1)
    assert asked(*march, date(2026, 4, 5)) == (None, 1)
    assert asked(*march, date(2026, 4, 30)) == (None, 0)
    assert asked(*april, date(2026, 4, 5)) == (None, 0)
    assert asked(*april, date(2026, 4, 30)) == (970, 0)
