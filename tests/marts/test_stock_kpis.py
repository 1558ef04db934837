"""Stock: time to the line, readiness, ageing and days of supply, from csv lines to the number."""

from __future__ import annotations

import datetime as dt
from datetime import date

import pytest

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.kpi import KpiRow, compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from tests.support.warehouse import make_warehouse

SETTINGS = """
[policy]
stock.edges = [30, 45]
stock.in_stock_from = [{ from = 1900-01-01, value = "arrived_on" }, { from = 2026-05-01, value = "acquired_on" }]
[[rooftops]]
code = "S"
name = "Stock"
currency = "GBP"
time_zone = "Europe/London"
"""

VEHICLES = """\
rooftop,stock_number,condition,use,acquired_on,arrived_on,ready_on,removed_on,purchase_price,supplier
S,A,used,retail,2026-02-25,2026-03-01,,,,Auction
S,B,used,retail,2026-03-01,2026-03-03,2026-03-10,,5000.00,Private
S,C,new,retail,2026-03-20,2026-03-20,,,,Maker
S,D,used,rental,2026-03-01,2026-03-01,2026-03-01,,9000.00,Maker
S,E,used,retail,2026-05-02,2026-05-08,2026-05-12,,4000.00,Auction
S,F,used,retail,2024-01-10,2024-01-10,2025-03-10,2025-03-12,4000.00,Auction
"""

EVENTS = """\
rooftop,event_id,stock_number,occurred_at,status
S,1,A,2026-03-01T09:00:00,arrived
S,2,A,2026-03-02T09:00:00,in_recon
S,3,A,2026-03-09T18:00:00,ready
S,4,A,2026-03-20T09:00:00,in_recon
S,5,A,2026-03-22T09:00:00,ready
S,6,A,2026-04-05T09:00:00,reserved
"""

COSTS = """\
rooftop,cost_id,stock_number,posted_on,category,amount
S,1,A,2026-03-01,purchase,8000.00
S,2,A,2026-04-05,recon,250.00
S,3,A,2026-03-01,pack,99.00
"""

DEALS = """\
rooftop,deal_number,stock_number,deal_type,status,delivered_on,reversed_on,sale_price
S,D1,A,retail,delivered,2026-04-10,,10000.00
S,D2,X,retail,unwound,2026-04-01,2026-04-08,10000.00
S,D3,Y,wholesale,delivered,2026-04-01,,10000.00
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = make_warehouse(
        tmp_path_factory.mktemp("stock"),
        {
            "dms_vehicles_2026-06-30.csv": VEHICLES,
            "dms_vehicle_events_2026-06-30.csv": EVENTS,
            "dms_vehicle_costs_2026-06-30.csv": COSTS,
            "dms_deals_2026-06-30.csv": DEALS,
        },
        SETTINGS,
        select="+path:marts/vehicle",
    )
    started = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="stock", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(warehouse: Warehouse, name: str, first: str, last: str, by: str | None = None) -> dict[str | None, KpiRow]:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(last))
    return {row.group: row for row in compute(warehouse, load_metrics(warehouse)[name], period, by=by)}


def on(warehouse: Warehouse, name: str, day: str, by: str | None = None) -> dict[str | None, KpiRow]:
    return kpi(warehouse, name, day, day, by)


@pytest.mark.metrics("2.time-to-line")
def test_time_to_line(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "time_to_line_days", "2026-03-01", "2026-03-31")[None]
    # A took 8 days and, back in recon, 2; B 7 by its record, the rental car none; C is still open
    assert (row.value, row.n, row.open) == (4.5, 4, 1)
    kinds = kpi(warehouse, "time_to_line_days", "2026-03-01", "2026-03-31", "span_kind")
    assert kinds["return to recon"].value == 2
    # on the 21st A is back in recon: open, and C with it
    assert kpi(warehouse, "time_to_line_days", "2026-03-01", "2026-03-21")[None].open == 2


@pytest.mark.metrics("0.invisible-after", "2.time-to-line")
def test_a_car_that_took_too_long_is_open_until_it_is_ready(warehouse: Warehouse) -> None:
    before = kpi(warehouse, "time_to_line_days", "2025-03-01", "2025-03-09")[None]
    assert (before.n, before.open, before.excluded) == (0, 1, 0)
    after = kpi(warehouse, "time_to_line_days", "2025-03-01", "2025-03-10")[None]
    assert (after.n, after.open, after.excluded_reasons) == (0, 0, {"took more than 365 days": 1})


@pytest.mark.metrics("2.time-to-line")
def test_the_first_day_in_stock_is_that_of_the_policy_of_its_day(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "time_to_line_days", "2026-05-01", "2026-05-31")[None]
    assert (row.value, row.n) == (10, 1)  # from the acquisition, not from the arrival six days later
    transit = kpi(warehouse, "transit_days", "2026-05-01", "2026-05-31")[None]
    assert (transit.value, transit.n) == (6, 1)


@pytest.mark.metrics("3.stock-ready")
def test_stock_ready_rate(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "stock_ready_rate", "2026-04-01", "2026-04-30")[None]
    # 1 March to 10 April: ready 9 to 20 March, 22 March to 5 April, then reserved
    assert (row.numerator, row.denominator) == (11 + 14 + 5, 40)


@pytest.mark.metrics("3.days-in-stock")
def test_days_in_stock(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "days_in_stock", "2026-04-01", "2026-04-30")[None]
    assert (row.value, row.n, row.open) == (40, 1, 2)


@pytest.mark.metrics("3.stock-ageing")
def test_stock_ageing_on_a_past_day(warehouse: Warehouse) -> None:
    def buckets(day: str) -> dict[str | None, object]:
        return {group: row.value for group, row in on(warehouse, "stock_units", day, "bucket").items()}

    assert buckets("2026-03-31") == {"0-30": 3}
    assert buckets("2026-04-01") == {"0-30": 2, "31-45": 1}
    assert buckets("2026-04-10") == {"0-30": 1, "31-45": 1}  # A has gone, B is 38 days old
    assert buckets("2026-04-18") == {"0-30": 1, "46+": 1}
    assert buckets("2026-04-19") == {"0-30": 1, "46+": 1}


@pytest.mark.metrics("3.stock-ageing")
def test_stock_cost_as_posted_by_the_day(warehouse: Warehouse) -> None:
    row = on(warehouse, "stock_cost", "2026-04-04")[None]
    assert (row.value, row.excluded_reasons) == ("13000.00", {"cost unknown": 1})
    assert on(warehouse, "stock_cost", "2026-04-05")[None].value == "13250.00"
    assert on(warehouse, "stock_cost", "2026-04-10")[None].value == "5000.00"


@pytest.mark.metrics("3.days-supply")
def test_days_supply(warehouse: Warehouse) -> None:
    none_sold = on(warehouse, "days_supply", "2026-03-31")[None]
    assert (none_sold.value, none_sold.reason) == (None, "the denominator is zero or negative")
    # on 1 April A and B are ready and one car is sold; on the 8th A is reserved and the sale taken back
    assert on(warehouse, "days_supply", "2026-04-01")[None].value == 60
    assert on(warehouse, "days_supply", "2026-04-08")[None].value is None
    assert on(warehouse, "days_supply", "2026-04-10")[None].value == 30
    assert on(warehouse, "days_supply", "2026-05-09")[None].value == 30
    assert on(warehouse, "days_supply", "2026-05-10")[None].value is None
