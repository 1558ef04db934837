"""The records that a page lists add up to the number above them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dashboards import records
from dashboards.lists import cars, deals, enquiries, promises, workshop
from dashboards.records import Records
from forecourt.door import Warehouse, open_warehouse
from forecourt.home import Home
from forecourt.kpi import KpiRow, compute, headline_period, load_metrics, newest_day
from forecourt.metrics import Period
from forecourt.periods import default_period
from forecourt.trace import made_of, trace


@pytest.fixture(scope="module")
def warehouse(published_home: Home) -> Warehouse:
    return open_warehouse(published_home)


def asked(
    warehouse: Warehouse, name: str, kind: Records, rooftops: Sequence[str] = ()
) -> tuple[list[KpiRow], list[dict[str, Any]]]:
    """The rows of a KPI over the last quarter, and the records behind them."""
    metric = load_metrics(warehouse)[name]
    as_of = newest_day(warehouse)
    period = Period(default_period(as_of).first.replace(month=7), as_of, as_of)
    period = headline_period(warehouse, metric, period)
    found = warehouse.rows(records.statement(kind, metric), [period.first, period.end, period.as_of, list(rooftops)])
    assert all(row["file"] and row["row_number"] > 1 for row in found)
    return compute(warehouse, metric, period, rooftops=rooftops or None), found


@pytest.mark.parametrize("rooftops", [(), ("R1",)])
def test_deals_add_up_to_the_gross(warehouse: Warehouse, rooftops: tuple[str, ...]) -> None:
    kpi, found = asked(warehouse, "gross_margin_rate", deals.DEALS, rooftops)
    for row in kpi:
        mine = [deal for deal in found if deal["currency"] == row.currency and deal["excluded"] is None]
        assert sum(deal["total"] for deal in mine) == Decimal(str(row.numerator))
        assert sum(deal["revenue"] for deal in mine) == Decimal(str(row.denominator))
        assert len(mine) == row.n
    assert sum(row.excluded for row in kpi) == sum(deal["excluded"] is not None for deal in found)


def test_handovers_are_those_counted(warehouse: Warehouse) -> None:
    (kpi,), found = asked(warehouse, "enquiry_to_handover_days", deals.DONE)
    counted = [row for row in found if row["excluded_reason"] is None]
    assert (len(counted), len(found) - len(counted)) == (kpi.n, kpi.excluded)
    days = [row["days"] for row in counted]
    assert days == sorted(days, reverse=True)


def test_those_still_waiting_are_the_open_ones(warehouse: Warehouse) -> None:
    (kpi,), found = asked(warehouse, "enquiry_to_handover_days", deals.OPEN)
    assert len(found) == kpi.open


def test_cars_add_up_to_the_days_on_hire(warehouse: Warehouse) -> None:
    (kpi,), found = asked(warehouse, "fleet_utilisation_rate", cars.CARS)
    assert kpi.numerator is not None
    assert sum(row["on_hire"] for row in found) == pytest.approx(float(kpi.numerator), abs=0.01)
    assert len(found) == kpi.n


def test_claims_are_those_of_the_cohort(warehouse: Warehouse) -> None:
    (kpi,), found = asked(warehouse, "claim_rate", cars.CLAIMS)
    within = {(row["rooftop"], row["deal_number"]) for row in found if row["days_after_delivery"] <= 90}
    assert len(within) == kpi.numerator


def test_leads_and_enquiries_are_all_there(warehouse: Warehouse) -> None:
    (response,), leads = asked(warehouse, "response_minutes", enquiries.LEADS)
    assert sum(row["answer"] == "not answered" for row in leads) == response.open
    assert sum(row["answer"] == "answered" for row in leads) == response.n
    (conversion,), began = asked(warehouse, "conversion_rate", enquiries.ENQUIRIES)
    good = [row for row in began if row["not_good_reason"] is None]
    assert len(good) == conversion.n
    assert len(began) - len(good) == conversion.excluded


def test_the_cars_in_stock_are_those_counted_at_what_they_cost(warehouse: Warehouse) -> None:
    (units,), found = asked(warehouse, "stock_units", cars.STOCK)
    assert len(found) == units.value
    costs, _ = asked(warehouse, "stock_cost", cars.STOCK)
    for row in costs:
        assert sum(car["cost"] or 0 for car in found if car["currency"] == row.currency) == Decimal(str(row.value))


def test_spans_made_ready_are_those_counted(warehouse: Warehouse) -> None:
    (kpi,), found = asked(warehouse, "time_to_line_days", cars.READY)
    assert sum(row["excluded"] is None for row in found) == kpi.n


def test_orders_open_and_closed_are_those_counted(warehouse: Warehouse) -> None:
    (kpi,), still = asked(warehouse, "repair_order_days", workshop.OPEN_ORDERS)
    _, closed = asked(warehouse, "repair_order_days", workshop.CLOSED_ORDERS)
    assert len(still) == kpi.open
    assert sum(row["excluded"] is None for row in closed) == kpi.n


def test_every_list_can_be_asked_and_traced(warehouse: Warehouse) -> None:
    as_of = newest_day(warehouse)
    for module in (cars, deals, enquiries, promises, workshop):
        for kind in (value for value in vars(module).values() if isinstance(value, Records)):
            found = warehouse.rows(f"{records.statement(kind)} limit 1", [date(2026, 1, 1), as_of, as_of, []])
            assert set(kind.phone) <= kind.columns.keys(), kind.title
            for row in found:
                mart = kind.traced or kind.mart
                versions = trace(warehouse, mart, [row["trace_key"]])
                # What moved a deal last may be a cost or a product of it.
                behind = [*versions, *made_of(warehouse, mart, versions)]
                assert (row["file"], row["row_number"]) in {(each.file, each.row) for each in behind}, kind.title
