"""Promises of the workshop, the sale and the hire as their records stand, and enquiries that are not due yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.home import Home
from forecourt.kpi import KpiRow, compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from tests.support.warehouse import make_warehouse, opened

ORDERS = (
    "rooftop,ro_number,customer_id,advisor,opened_at,first_promised_at,promised_at,completed_at,closed_at,updated_at"
)

FILES = {
    "dms_repair_orders_2026-06-20.csv": f"""\
{ORDERS}
R1,1,C1,Ann,2026-06-18T08:00:00,2026-07-10T17:00:00,2026-07-10T17:00:00,,,2026-06-18T08:00:00
R1,2,C2,Ann,2026-02-09T08:00:00,2026-02-10T17:00:00,2026-02-11T17:00:00,2026-02-10T16:00:00,2026-02-10T18:00:00,
R1,3,C3,Ann,2026-02-09T08:00:00,2026-02-10T17:00:00,2026-02-10T16:30:00,2026-02-10T16:00:00,2026-02-10T18:00:00,
R1,4,C4,Ann,2026-06-19T08:00:00,,2026-06-28T17:00:00,,,
""",
    "dms_repair_orders_2026-06-30.csv": f"""\
{ORDERS}
R1,1,C1,Ann,2026-06-18T08:00:00,2026-07-10T17:00:00,2026-07-20T17:00:00,,,2026-06-25T09:00:00
R1,4,C4,Ann,2026-06-19T08:00:00,,2026-07-28T17:00:00,,,
""",
    "dms_rentals_2026-06-30.csv": """\
rooftop,agreement_number,stock_number,customer_id,kind,out_at,due_back_at,returned_at
R1,H1,S9,C7,rental,2026-06-01T09:00:00,2026-06-10T09:00:00,
""",
    "dms_deals_2026-06-30.csv": """\
rooftop,deal_number,stock_number,lead_id,customer_id,deal_type,status,contract_on,delivered_on,sale_price,salesperson
R1,D1,S1,,C8,retail,delivered,2026-06-01,2026-06-04,9000.00,Ann
R1,D2,S2,L1,C1,retail,delivered,2026-06-01,2026-06-05,9000.00,Bea
R1,D3,S3,,C9,wholesale,delivered,2026-06-01,2026-06-05,9000.00,Bea
""",
    "crm_leads_2026-06-30.csv": """\
rooftop,lead_id,received_at,channel,intent,customer_id,owner,stage,quality
R1,L1,2026-05-27T10:00:00,email,buy,C1,Ann,won,good
R1,L2,2026-02-27T18:30:00,email,buy,C2,Ann,new,good
""",
    "crm_activities_2026-06-30.csv": """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,outcome,employee
R1,A1,L1,C1,2026-05-27T10:05:00,out,email,0,sent,Ann
""",
    "crm_tasks_2026-06-30.csv": """\
rooftop,task_id,lead_id,kind,created_at,due_at,completed_at,employee
R1,T1,L1,call,2026-06-05T10:00:00,2026-06-12T17:00:00,2026-06-12T16:00:00,Bea
""",
    "portal_calls_2026-06-30.csv": """\
portal,rooftop,call_id,started_at,caller_phone,answered,duration_seconds
P,R1,K1,2026-02-27T18:50:00,+441632960001,no,0
""",
}

#: Open Monday to Friday; an answer is due within two opening hours: what comes on Friday evening is due on Monday.
SETTINGS = """
[policy]
sla.default_minutes = 120

[[rooftops]]
code = "R1"
currency = "GBP"
time_zone = "Europe/London"
hours = { mon = "09:00-19:00", tue = "09:00-19:00", wed = "09:00-19:00", thu = "09:00-19:00", fri = "09:00-19:00" }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_warehouse(
        tmp_path_factory.mktemp("promises"), FILES, SETTINGS, select="+fct_exception +fct_call +fct_lead"
    )
    started = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="promises", started_at=started, known_at=None)
    return home


@pytest.fixture
def marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(home) as connection:
        yield connection


def kpi(home: Home, name: str, first: str, last: str, as_of: str, by: str | None = None) -> list[KpiRow]:
    warehouse = Warehouse(home.warehouse)
    period = Period(*(date.fromisoformat(day) for day in (first, last, as_of)))
    return compute(warehouse, load_metrics(warehouse)[name], period, by=by)


@pytest.mark.metrics("7.promised-time")
def test_a_promise_that_was_moved_is_an_exception_from_that_day_on(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select entity_id, due_on, broken_on, closed_on, evidence from marts.fct_exception "
        "where rule = 'promised_time_missed' order by 1"
    ).fetchall()
    assert found == [
        ("1", date(2026, 7, 10), date(2026, 6, 25), None, "promise moved"),
        ("2", date(2026, 2, 10), date(2026, 2, 10), date(2026, 2, 10), "promise moved"),
        ("4", date(2026, 7, 28), date(2026, 6, 30), None, "promise moved"),
    ]


@pytest.mark.metrics("7.promise-kept-rate", "7.promised-time")
def test_a_moved_promise_counts_once(home: Home) -> None:
    rows = kpi(home, "promise_kept_rate", "2026-02-01", "2026-02-28", "2026-06-30", "rule")
    (row,) = (row for row in rows if row.group == "Promised time passed or moved")
    assert (row.numerator, row.denominator) == (1, 2)


@pytest.mark.metrics("7.no-follow-up-task")
def test_a_sale_without_a_lead_is_judged_too(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select entity_id, lead_key, is_kept, evidence from marts.fct_promise "
        "where rule = 'sold_without_follow_up' order by 1"
    ).fetchall()
    assert found == [("D1", None, False, "no task, no lead"), ("D2", "R1|L1", True, "task given")]


@pytest.mark.metrics("7.hire-late")
def test_the_owner_of_a_late_hire_is_nobody_the_feed_names(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute("select owner, evidence from marts.fct_exception where rule = 'hire_past_due'").fetchall()
    assert found == [("unknown", "rental of S9 by C7")]


@pytest.mark.metrics("6.sla-met-rate", "6.follow-up-rate", "6.missed-call-recovery-rate")
@pytest.mark.parametrize(
    ("name", "records"),
    # The missed call is an enquiry of its own, beside the e-mail.
    [("sla_met_rate", 2), ("follow_up_rate", 2), ("missed_call_recovery_rate", 1)],
)
def test_what_is_not_due_yet_is_open(home: Home, name: str, records: int) -> None:
    (row,) = kpi(home, name, "2026-02-27", "2026-02-28", "2026-02-28")
    assert (row.value, row.n, row.open, row.excluded) == (None, 0, records, 0)
    assert row.reason == f"none due yet, {records} still open"
    (row,) = kpi(home, name, "2026-02-27", "2026-02-28", "2026-03-02")
    assert (row.value, row.n, row.open) == (0, records, 0)
    (row,) = kpi(home, name, "2026-02-27", "2026-02-28", "2026-02-26")
    assert (row.reason, row.open) == ("no records in the period", None)
