"""KPIs of the workshop, the counter, inspections and surveys, from csv lines to the number: one warehouse."""

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
[[rooftops]]
code = "W"
name = "Workshop"
currency = "GBP"
time_zone = "Europe/London"
"""

ORDERS = """\
rooftop,ro_number,vin,customer_id,advisor,opened_at,first_promised_at,promised_at,completed_at,closed_at,voided,\
comeback_of,waiting_for_parts
W,1,V1,C1,Ann,2026-03-02T08:00:00,2026-03-02T18:00:00,2026-03-04T18:00:00,2026-03-03T18:00:00,2026-03-03T20:00:00,no,,yes
W,2,V2,C2,Bob,2026-03-02T08:00:00,2026-03-02T18:00:00,,2026-03-02T17:00:00,2026-03-02T20:00:00,no,,no
W,3,V3,C3,Bob,2026-03-05,,,,2026-03-06T12:00:00,no,,no
W,4,V4,C4,Bob,2026-03-05T08:00:00,,,,2026-03-05T09:00:00,yes,,no
W,5,V1,C1,Ann,2026-03-20T08:00:00,,,,2026-03-20T16:00:00,no,1,no
W,6,V2,C2,Ann,2026-04-20T08:00:00,,,,2026-04-21T08:00:00,no,,no
W,7,V3,C3,Ann,2026-03-25T08:00:00,,,,,no,,no
W,8,V8,C8,Ann,2024-01-10T08:00:00,,,,2025-03-10T08:00:00,no,,no
W,9,V9,C9,Ann,2024-01-10T08:00:00,,,,2025-03-12T08:00:00,yes,,no
"""

LINES = """\
rooftop,ro_number,line,kind,op_code,pay_type,outcome,technician,sold_hours,worked_hours,sale,cost,worked_on
W,1,1,labour,CLUTCH,customer,sold,T1,7.5,,120.00,30.00,
W,1,2,part,CLUTCH,customer,sold,,,,80.00,60.00,
W,2,1,labour,BRAKES,customer,sold,T1,1.5,1.2,90.00,25.00,2026-03-02
W,2,2,labour,SUSPENSION,customer,declined,T1,,,200.00,50.00,
W,2,3,labour,BATTERY,customer,declined,T1,,,60.00,15.00,
W,3,1,labour,BRAKES,warranty,sold,T2,1,1,50.00,,2026-03-05
W,4,1,labour,BRAKES,customer,sold,T2,1,1,500.00,10.00,2026-03-05
W,5,1,labour,CLUTCH,internal,sold,T1,1,,0.00,30.00,
W,6,1,labour,suspension,customer,sold,T1,2,2,200.00,50.00,2026-04-20
"""

PUNCHES = """\
rooftop,punch_id,technician,ro_number,line,started_at,stopped_at,altered
W,P1,T1,1,1,2026-03-03T08:00:00,2026-03-03T12:00:00,no
W,P2,T1,1,1,2026-03-03T10:00:00,2026-03-03T14:00:00,yes
W,P3,T1,5,1,2026-03-20T08:00:00,,no
"""

CLOCK = """\
rooftop,technician,day,attended_hours,available_hours
W,T1,2026-03-02,4,4
W,T1,2026-03-03,8,7.5
W,T2,2026-03-05,,8
"""

COUNTER = """\
rooftop,ticket,line,sold_on,department,quantity,sale,cost,currency,returns_ticket
W,K1,1,2026-03-03,parts,1,50.00,30.00,GBP,
W,K1,2,2026-03-03,accessories,1,20.00,10.00,,
W,K2,1,2026-03-09,parts,-1,-50.00,-30.00,GBP,K1
W,K3,1,2026-03-09,inspection,1,40.00,5.00,,
W,K4,1,2026-03-09,other,1,40.00,,,
"""

INSPECTIONS = """\
rooftop,inspection_id,vin,kind,attempt,inspected_at,result,inspector
W,I1,V1,statutory,1,2026-03-02T10:00:00,pass,Ivy
W,I2,V2,statutory,1,2026-03-02T11:00:00,fail,Ivy
W,I3,V2,statutory,2,2026-03-04T11:00:00,pass,Ivy
W,I4,V3,delivery,1,2026-03-05T11:00:00,pass_after_repair,Ike
W,I5,V4,statutory,1,2026-03-05T12:00:00,aborted,Ike
W,I6,V5,delivery,,2026-03-06T12:00:00,pass,Ike
W,I7,V5,intake,1,2026-03-06T13:00:00,fail,Ike
"""


def surveys() -> str:
    """Forty sent in March, 31 answered: 20 times 5, ten times 4 on a scale of 1 to 5, one without its scale."""
    lines = ["rooftop,survey_id,about,sent_at,responded_at,score,scale_min,scale_max"]
    for number in range(40):
        answered = f"2026-03-{number % 20 + 5:02d}T12:00:00" if number < 31 else ""
        score = ("" if number > 30 else "5" if number < 20 else "4") + (",1,5" if number != 30 else ",,")
        lines.append(f"W,Q{number},sale,2026-03-01T12:00:00,{answered},{score}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = make_warehouse(
        tmp_path_factory.mktemp("service"),
        {
            "dms_repair_orders_2026-06-30.csv": ORDERS,
            "dms_ro_lines_2026-06-30.csv": LINES,
            "dms_labour_punches_2026-06-30.csv": PUNCHES,
            "dms_time_clock_2026-06-30.csv": CLOCK,
            "dms_counter_sales_2026-06-30.csv": COUNTER,
            "dms_inspections_2026-06-30.csv": INSPECTIONS,
            "crm_surveys_2026-06-30.csv": surveys(),
        },
        SETTINGS,
        select="+path:marts/service +fct_gross_movement +fct_survey",
    )
    started = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="service", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(warehouse: Warehouse, name: str, first: str, last: str, as_of: str, by: str | None = None) -> list[KpiRow]:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))
    return compute(warehouse, load_metrics(warehouse)[name], period, by=by, rooftops=["W"])


def march(warehouse: Warehouse, name: str, as_of: str = "2026-06-30") -> KpiRow:
    (row,) = kpi(warehouse, name, "2026-03-01", "2026-03-31", as_of)
    return row


def groups(warehouse: Warehouse, name: str, by: str) -> dict[str | None, KpiRow]:
    return {row.group: row for row in kpi(warehouse, name, "2026-03-01", "2026-03-31", "2026-06-30", by)}


@pytest.mark.metrics("2.repair-order")
def test_repair_order_days(warehouse: Warehouse) -> None:
    row = march(warehouse, "repair_order_days")
    # 36 h, 12 h, one whole day of an order opened on a bare date, 8 h; the voided one is out, the last still open
    assert (row.value, row.n, row.open) == (0.75, 4, 1)
    assert row.excluded_reasons == {"voided": 1}
    early = march(warehouse, "repair_order_days", "2026-03-02")
    assert (early.value, early.n, early.open) == (0.5, 1, 1)
    by_promise = groups(warehouse, "repair_order_days", "promise")
    assert (by_promise["late"].n, by_promise["in time"].n) == (1, 1)
    assert groups(warehouse, "repair_order_days", "parts")["waiting for parts"].value == 1.5


@pytest.mark.metrics("0.invisible-after", "2.repair-order")
def test_an_order_that_took_too_long_is_open_until_it_closes(warehouse: Warehouse) -> None:
    (before,) = kpi(warehouse, "repair_order_days", "2025-03-01", "2025-03-31", "2025-03-09")
    assert (before.n, before.open, before.excluded) == (0, 1, 0)  # the voided one never was open
    (after,) = kpi(warehouse, "repair_order_days", "2025-03-01", "2025-03-31", "2025-03-31")
    assert (after.n, after.open) == (0, 0)
    assert after.excluded_reasons == {"took more than 365 days": 1, "voided": 1}


@pytest.mark.metrics("4.four-rates", "4.comeback-rate")
def test_comeback_rate(warehouse: Warehouse) -> None:
    # V1 comes back on 20 March by the flag; V2 comes for other work; warranty and voided orders are none
    row = march(warehouse, "comeback_rate")
    assert (row.numerator, row.denominator) == (1, 2)
    # closed on 3 March: mature on 2 April, not a day before
    assert march(warehouse, "comeback_rate", "2026-04-01").denominator == 1
    assert march(warehouse, "comeback_rate", "2026-04-02").denominator == 2
    before = march(warehouse, "comeback_rate", "2026-03-19")
    assert (before.value, before.reason) == (None, "immature: 0 of 2 so far")


@pytest.mark.metrics("6.declined-recovery-rate")
def test_declined_recovery_rate(warehouse: Warehouse) -> None:
    row = march(warehouse, "declined_recovery_rate")
    assert (row.numerator, row.denominator) == (1, 2)
    # a fact of 21 April is invisible on the 20th
    early = march(warehouse, "declined_recovery_rate", "2026-04-20")
    assert (early.value, early.immature, early.immature_events) == (None, 2, 0)
    assert march(warehouse, "declined_recovery_rate", "2026-04-21").immature_events == 1


@pytest.mark.metrics("1.service")
def test_service_gross(warehouse: Warehouse) -> None:
    row = march(warehouse, "service_gross")
    # 90 + 20 + 65 - 30 of 120 + 80 + 90 + 0; the line without a cost is counted
    assert (row.numerator, row.denominator) == ("145.00", "290.00")
    assert row.excluded_reasons == {"sale or cost missing": 1}
    assert groups(warehouse, "service_gross", "pay_type")["customer"].numerator == "175.00"
    assert march(warehouse, "service_gross", "2026-03-02").numerator == "65.00"


@pytest.mark.metrics("1.store-gross", "1.counter")
def test_store_gross_by_department(warehouse: Warehouse) -> None:
    total = march(warehouse, "store_gross")
    assert (total.numerator, total.denominator) == ("190.00", "350.00")
    by_department = groups(warehouse, "store_gross", "department")
    assert by_department["service"].numerator == "125.00"
    assert by_department["parts"].numerator == "30.00"  # a clutch part, an accessory; the returned part is nothing
    assert (by_department["other"].numerator, by_department["other"].excluded) == ("35.00", 1)


@pytest.mark.metrics("3.workshop")
def test_workshop_ratios(warehouse: Warehouse) -> None:
    worked = march(warehouse, "worked_per_attended")
    # 1.2 h by its day and 6 h by punches, two jobs at a time once; T2 has no attendance
    assert (worked.numerator, worked.denominator) == (7.2, 12)
    assert worked.excluded_reasons == {"no attendance on the time clock": 1}
    sold = march(warehouse, "sold_per_worked")
    assert (sold.numerator, sold.denominator) == (10, 8.2)
    # the punch without an end is no time, so the hour sold has no day
    assert sold.excluded_reasons == {"hours without the day they were worked": 1}
    available = march(warehouse, "sold_per_available")
    assert (available.numerator, available.denominator) == (10, 19.5)
    assert march(warehouse, "sold_per_available", "2026-03-02").value == 1.5 / 4


@pytest.mark.metrics("4.four-rates", "4.inspection-fail-rate")
def test_inspection_fail_rate(warehouse: Warehouse) -> None:
    row = march(warehouse, "inspection_fail_rate")
    assert (row.numerator, row.denominator, row.excluded_reasons) == (2, 4, {"aborted": 1})
    assert groups(warehouse, "inspection_fail_rate", "kind")["statutory"].value == 0.5
    assert groups(warehouse, "inspection_fail_rate_all_kinds", "kind")["intake"].value == 1
    every = march(warehouse, "inspection_fail_rate_all_kinds")
    assert (every.numerator, every.denominator) == (3, 5)
    # the failure of 2 March stands although the car passed on the 4th; that of the 5th is not yet
    assert march(warehouse, "inspection_fail_rate", "2026-03-04").value == 0.5


@pytest.mark.metrics("6.csi")
def test_satisfaction(warehouse: Warehouse) -> None:
    score = march(warehouse, "csi_score")
    assert score.value == pytest.approx((20 * 100 + 10 * 75) / 30)
    assert (score.n, score.excluded_reasons) == (30, {"scale not given": 1})
    few = march(warehouse, "csi_score", "2026-03-20")
    assert (few.value, few.reason) == (None, "too few: 26 of the 30 that a number needs")
    answered = march(warehouse, "csi_response_rate")
    assert (answered.numerator, answered.denominator) == (31, 40)
    assert march(warehouse, "csi_response_rate", "2026-03-05").numerator == 2
