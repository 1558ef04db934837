"""What becomes of a car after its handover: service, claims, the next car; and the clocks of quotes and appraisals."""

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
comeback.days = [{ from = 1900-01-01, value = 30 }, { from = 2026-03-01, value = 10 }]
declined.window_days = [{ from = 1900-01-01, value = 90 }, { from = 2026-03-01, value = 10 }]
[[rooftops]]
code = "O"
name = "Owners"
currency = "GBP"
time_zone = "Europe/London"
"""

DEALS = """\
rooftop,deal_number,customer_id,lead_id,vin,deal_type,status,delivered_on,reversed_on,sale_price
O,1,C1,,V1,retail,delivered,2026-01-05,,10000.00
O,2,C2,L2,,retail,delivered,2026-01-10,,10000.00
O,3,C3,,V3,lease,unwound,2026-01-20,2026-03-10,10000.00
O,4,C1,,V4,retail,delivered,2026-02-10,,10000.00
O,5,,,V5,retail,delivered,2026-02-20,,10000.00
"""

CLAIMS = """\
rooftop,claim_number,kind,deal_number,opened_at,closed_at,status,cause,amount_claimed,amount_paid,currency
O,K1,warranty,1,2026-01-20T10:00:00,2026-03-04T10:00:00,closed,gearbox,200.00,180.00,GBP
O,K2,goodwill,1,2026-02-05T10:00:00,2026-03-06T10:00:00,rejected,paint,200.00,0.00,GBP
O,K3,warranty,2,2026-03-01T10:00:00,,open,paint,50.00,,GBP
O,K4,damage,2,2026-03-02T10:00:00,2026-03-05T10:00:00,closed,scratch,50.00,40.00,EUR
"""

APPOINTMENTS = """\
rooftop,appointment_id,lead_id,customer_id,vin,kind,created_at,starts_at,status
O,A1,,,V1,service,2026-01-06T17:00:00,2027-01-05T09:00:00,booked
O,A2,L2,,,service,2026-01-12T09:00:00,2027-01-05T09:00:00,booked
O,A3,,X1,,sales_visit,2026-03-01T09:00:00,2026-03-02T10:00:00,no_show
O,A4,,X1,,sales_visit,2026-03-02T16:00:00,2026-03-09T10:00:00,no_show
O,A5,,X1,,sales_visit,2026-03-10T09:00:00,2026-03-20T10:00:00,booked
"""

ORDERS = """\
rooftop,ro_number,vin,customer_id,opened_at,closed_at,voided
O,1,V1,C8,2026-02-01T08:00:00,2026-02-01T18:00:00,no
O,2,V9,C2,2026-03-01T08:00:00,2026-03-01T18:00:00,no
O,3,V9,C2,2026-03-20T08:00:00,2026-03-20T18:00:00,no
O,4,V8,C8,2026-02-20T08:00:00,2026-02-20T18:00:00,no
O,5,V8,C8,2026-03-10T08:00:00,2026-03-10T18:00:00,no
"""

LINES = """\
rooftop,ro_number,line,kind,op_code,pay_type,outcome,sale,cost
O,1,1,labour,BRAKES,customer,sold,100.00,40.00
O,2,1,labour,CLUTCH,customer,sold,100.00,40.00
O,2,2,labour,BATTERY,customer,declined,100.00,40.00
O,3,1,labour,CLUTCH,customer,sold,100.00,40.00
O,3,2,labour,BATTERY,customer,sold,100.00,40.00
O,4,1,labour,DIAG,customer,sold,100.00,40.00
O,4,2,labour,TYRES,customer,declined,100.00,40.00
O,5,1,labour,DIAG,warranty,sold,100.00,40.00
O,5,2,labour,TYRES,customer,sold,100.00,40.00
"""

ACTIVITIES = """\
rooftop,activity_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome
O,M1,C2,2026-03-02T17:00:00,out,sms,yes,no,sent
O,M2,C2,2026-03-22T09:00:00,out,sms,no,no,sent
O,M3,C8,2026-03-10T18:30:00,out,email,no,yes,sent
"""

QUOTES = """\
rooftop,quote_id,lead_id,requested_at,approved_at,approval_status,approved_by
O,Q1,L1,2026-03-02T10:00:00,2026-03-02T11:30:00,approved,Max
O,Q2,L2,2026-03-02T10:00:00,,pending,
O,Q3,L3,2026-03-02T10:00:00,,not_required,
""" + "".join(f"O,S{n},S{n},2026-03-02T10:00:00,2026-03-04T10:00:00,approved,Ann\n" for n in range(5))

APPRAISALS = """\
rooftop,appraisal_id,requested_at,offered_at
O,P1,2026-03-02T10:00:00,2026-03-02T13:30:00
O,P2,2026-03-02T10:00:00,2026-03-02T09:00:00
O,P3,2026-03-02T10:00:00,
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = make_warehouse(
        tmp_path_factory.mktemp("owners"),
        {
            "dms_deals_2026-04-30.csv": DEALS,
            "dms_claims_2026-04-30.csv": CLAIMS,
            "crm_appointments_2026-04-30.csv": APPOINTMENTS,
            "dms_repair_orders_2026-04-30.csv": ORDERS,
            "dms_ro_lines_2026-04-30.csv": LINES,
            "crm_activities_2026-04-30.csv": ACTIVITIES,
            "crm_quotes_2026-04-30.csv": QUOTES,
            "crm_appraisals_2026-04-30.csv": APPRAISALS,
        },
        SETTINGS,
        select="+path:marts/service +fct_appointment +fct_quote +fct_appraisal",
    )
    started = dt.datetime(2026, 5, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="owners", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(
    warehouse: Warehouse, name: str, first: str, last: str, as_of: str = "2026-04-30", by: str | None = None
) -> dict[str | None, KpiRow]:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of))
    return {row.group: row for row in compute(warehouse, load_metrics(warehouse)[name], period, by=by)}


@pytest.mark.metrics("6.first-service-set-rate")
def test_first_service_set_rate(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "first_service_set_rate", "2026-01-01", "2026-02-28")[None]
    # V1 on the day after; the appointment of lead L2 two days late; the lease is no retail delivery
    assert (row.numerator, row.denominator) == (1, 4)
    assert kpi(warehouse, "first_service_set_rate", "2026-01-01", "2026-01-31", "2026-01-05")[None].numerator == 0


@pytest.mark.metrics("6.repeat-and-retention")
def test_repeat_rate(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "repeat_rate", "2026-02-01", "2026-02-28")[None]
    assert (row.numerator, row.denominator, row.excluded_reasons) == (1, 1, {"no customer": 1})
    both = kpi(warehouse, "repeat_rate", "2026-01-01", "2026-02-28")[None]
    assert (both.numerator, both.denominator) == (1, 3)  # three people, one of them twice


@pytest.mark.metrics("6.repeat-and-retention")
def test_service_retention_rate(warehouse: Warehouse) -> None:
    def retained(day: str) -> tuple[object, object]:
        row = kpi(warehouse, "service_retention_rate", day, day, day)[None]
        return row.numerator, row.denominator

    assert retained("2026-01-31") == (0, 3)
    assert retained("2026-02-01") == (1, 3)  # the car is brought, whoever pays
    assert retained("2026-03-01") == (2, 3)  # the customer comes with another car
    assert retained("2026-03-10") == (2, 2)  # the lease is taken back
    assert kpi(warehouse, "service_retention_rate", "2026-03-10", "2026-03-10")[None].excluded == 1


@pytest.mark.metrics("4.frequency-and-cost")
def test_claims_submitted_and_paid(warehouse: Warehouse) -> None:
    submitted = kpi(warehouse, "claims_submitted", "2026-01-01", "2026-03-31", by="cause")
    assert {group: row.value for group, row in submitted.items()} == {"gearbox": 1, "paint": 2, "scratch": 1}
    cost = kpi(warehouse, "claim_cost", "2026-03-01", "2026-03-31")[None]
    assert (cost.value, cost.excluded_reasons) == ("180.00", {"exchange rate of the claim missing": 1})
    assert kpi(warehouse, "claim_cost", "2026-03-01", "2026-03-31", "2026-03-03")[None].value is None


def test_the_triangle_of_claims(warehouse: Warehouse) -> None:
    january = kpi(warehouse, "claims_per_service_month", "2026-01-01", "2026-01-31", by="month_in_service")
    # three cars; K1 in the first month of its car, K2 on the first day of the second, K3 in the second
    assert [(group, row.numerator, row.denominator) for group, row in sorted(january.items())] == [
        ("01", 1, 3),
        ("02", 2, 3),
        ("03", 0, 3),
    ]
    # as of 9 March the second month of the car of 10 January is not over: its claim and its car are not in yet
    early = kpi(warehouse, "claims_per_service_month", "2026-01-01", "2026-01-31", "2026-03-09", "month_in_service")
    assert [(group, row.numerator, row.denominator) for group, row in sorted(early.items())] == [
        ("01", 1, 3),
        ("02", 1, 1),
    ]


@pytest.mark.metrics("6.no-show-save-rate")
def test_no_show_save_rate(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "no_show_save_rate", "2026-03-01", "2026-03-31")[None]
    assert (row.numerator, row.denominator) == (1, 2)  # the second only the next morning


def test_windows_are_those_of_the_policy_on_the_day(warehouse: Warehouse) -> None:
    # 18 days after closing: a comeback, and work won back, in February's window, not in March's
    for name in ("comeback_rate", "declined_recovery_rate"):
        february = kpi(warehouse, name, "2026-02-20", "2026-02-20", "2026-06-30")[None]
        assert (february.numerator, february.denominator) == (1, 1), name
        march = kpi(warehouse, name, "2026-03-01", "2026-03-01", "2026-06-30")[None]
        assert (march.numerator, march.denominator) == (0, 1), name


@pytest.mark.metrics("2.appraisal", "2.approval")
def test_hours_to_an_approval_and_an_offer(warehouse: Warehouse) -> None:
    approval = kpi(warehouse, "approval_hours", "2026-03-01", "2026-03-31")[None]
    assert (approval.value, approval.n, approval.open) == (1.5, 1, 1)
    assert approval.excluded_reasons == {"batch-stamped approval": 5}
    offer = kpi(warehouse, "appraisal_hours", "2026-03-01", "2026-03-31")[None]
    assert (offer.value, offer.n, offer.open) == (3.5, 1, 1)
    assert offer.excluded_reasons == {"stopped before it started": 1}


@pytest.mark.metrics("6.ro-close-contact-rate")
def test_ro_close_contact_rate(warehouse: Warehouse) -> None:
    row = kpi(warehouse, "ro_close_contact_rate", "2026-03-01", "2026-03-31")[None]
    # closed on the 1st and told the next day; on the 20th and told two days later; on the 10th and only mailed
    assert (row.numerator, row.denominator) == (1, 3)
    assert kpi(warehouse, "ro_close_contact_rate", "2026-03-01", "2026-03-31", "2026-03-01")[None].value == 0
