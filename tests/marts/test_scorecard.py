"""The lead scorecard of METRICS section 6 on past days, from csv lines to the KPI: a rooftop is a vector."""

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
[company]
name = "Lead Motors"
time_zone = "Europe/London"
currency = "GBP"
hours = { mon = "09:00-19:00", tue = "09:00-19:00", wed = "09:00-19:00", thu = "09:00-19:00", fri = "09:00-19:00", sat = "09:00-17:00" }
"""  # noqa: E501 - a table stands on one line

HEADER = """\
rooftop,lead_id,received_at,channel,intent,customer_id,source,owner,stage,stage_changed_at,quality,next_action_due_at"""

#: The CRM on three evenings. L2 changes hands, L3 is closed late, L4 turns out to be bad, L5 has a second owner.
MARCH_10 = f"""\
{HEADER}
STATE,L1,2026-03-01T10:00:00,email,buy,C1,E-mail,Alma,contacted,2026-03-02T10:00:00,,2026-03-12T10:00:00
STATE,L2,2026-03-01T10:00:00,email,buy,C2,E-mail,Alma,new,,,2026-03-10T10:00:00
STATE,L3,2026-03-01T10:00:00,email,buy,C3,a friend,,new,,,
STATE,L4,2026-03-01T10:00:00,email,buy,C4,E-mail,Alma,new,,good,
STATE,L5,2026-03-05T10:00:00,email,buy,C1,,Bertie,new,,,
SILENT,L1,2026-03-01T10:00:00,email,buy,C1,E-mail,,new,,,
"""
MARCH_20 = f"""\
{HEADER}
STATE,L2,2026-03-01T10:00:00,email,buy,C2,E-mail,Bertie,contacted,,,2026-03-25T10:00:00
STATE,L3,2026-03-01T10:00:00,email,buy,C3,a friend,,lost,2026-03-14T10:00:00,,
STATE,L4,2026-03-01T10:00:00,email,buy,C4,E-mail,Alma,new,,bad,
STATE,L5,2026-03-05T10:00:00,email,buy,C1,,Alma,new,,,
"""
#: Everything that one file brings at the end.
MARCH_31 = f"""\
{HEADER}
LATE,L1,2026-03-01T10:00:00,email,buy,C1,E-mail,Alma,quoted,2026-03-21T10:00:00,good,2026-04-09T10:00:00
LATE,L2,2026-03-01T10:00:00,email,buy,C2,E-mail,Alma,lost,2026-03-11T10:00:00,bad,
COST,L1,2026-03-10T10:00:00,email,buy,C1,AutoMarkt,Alma,won,2026-03-20T10:00:00,,
COST,L2,2026-03-11T10:00:00,email,buy,C2,AutoMarkt,Alma,new,,,
COST,L3,2026-03-11T10:00:00,email,buy,C3,Website,Alma,new,,,
COST,L4,2026-03-12T10:00:00,email,buy,C4,AutoMarkt,Alma,new,,duplicate,
COST,L5,2026-02-12T10:00:00,email,buy,C5,AutoMarkt,Alma,new,,,
TRIES,L1,2026-03-02T10:00:00,email,buy,C1,E-mail,Alma,new,,,
TRIES,L2,2026-03-02T10:00:00,email,buy,C2,E-mail,Alma,new,,,
TRIES,L3,2026-03-02T10:00:00,walk_in,buy,C3,Showroom,Alma,new,,,
TRIES,L4,2026-03-02T10:00:00,email,buy,C4,E-mail,Alma,lost,2026-03-05T10:00:00,,
TRIES,L5,2026-03-02T10:00:00,email,buy,C5,E-mail,Alma,lost,2026-03-05T10:00:01,,
TRIES,L6,2026-03-02,email,buy,C6,E-mail,Alma,new,,,
"""

ACTIVITIES = """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome,duration_seconds,employee
TRIES,A1,L1,,2026-03-02T10:20:00,out,call,,,no_answer,,Alma
TRIES,A2,L1,,2026-03-05T10:00:00,out,email,,,sent,,Alma
TRIES,A3,L2,,2026-03-02T10:20:00,out,call,,,connected,60,Alma
TRIES,A4,L2,,2026-03-03T10:20:00,out,email,yes,,sent,,
TRIES,A5,L2,,2026-03-05T10:00:01,out,email,,,sent,,Alma
TRIES,A6,L3,,2026-03-03T10:20:00,out,email,,,sent,,Alma
TRIES,A7,L5,,2026-03-03T10:20:00,in,email,,,,,
"""

APPOINTMENTS = """\
rooftop,appointment_id,lead_id,customer_id,kind,created_at,starts_at,status,shown_at,cancelled_at,rescheduled_from
TRIES,P1,L2,,sales_visit,2026-03-06T12:00:00,2026-03-08T10:00:00,booked,,,
TRIES,P2,L1,,sales_visit,2026-03-06T12:00:00,2026-03-08T10:00:00,booked,,,
"""

SPEND = """\
rooftop,month,source,amount,currency
COST,2026-03-01,AutoMarkt,3100.00,GBP
COST,2026-03-01,Website,0.00,
COST,2026-03-01,Leaflets,500.00,EUR
"""

CALLS = """\
rooftop,call_id,portal,source,started_at,duration_seconds,answered,caller_phone,stock_number,vin
TRIES,K1,AutoMarkt,AutoMarkt,2026-03-07T16:50:00,0,no,+44 20 7946 0101,,
TRIES,K2,AutoMarkt,AutoMarkt,2026-03-07T16:50:00,0,no,+44 20 7946 0102,,
TRIES,K3,AutoMarkt,AutoMarkt,2026-03-07T16:50:00,0,no,+44 20 7946 0103,,
TRIES,K4,AutoMarkt,AutoMarkt,2026-03-07T16:50:00,90,yes,+44 20 7946 0104,,
"""
CALLERS = """\
rooftop,lead_id,received_at,channel,intent,phone,source,owner,stage
TRIES,K1,2026-03-07T16:55:00,phone,service,+44 20 7946 0101,Phone,Alma,new
TRIES,K2,2026-03-07T16:55:00,phone,service,+44 20 7946 0102,Phone,Alma,new
"""
RETURNS = """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome,duration_seconds,employee
TRIES,R1,K1,,2026-03-09T09:20:00,out,call,,,no_answer,,Alma
TRIES,R2,K2,,2026-03-09T09:20:01,out,call,,,connected,60,Alma
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    home = make_warehouse(
        tmp_path_factory.mktemp("scorecard"),
        {
            "crm_leads_2026-03-10.csv": MARCH_10,
            "crm_leads_2026-03-20.csv": MARCH_20,
            "crm_leads_2026-03-31.csv": MARCH_31,
            "crm_leads_callers_2026-03-31.csv": CALLERS,
            "crm_activities_2026-03-31.csv": ACTIVITIES,
            "crm_activities_returns_2026-03-31.csv": RETURNS,
            "crm_appointments_2026-03-31.csv": APPOINTMENTS,
            "crm_spend_2026-03-31.csv": SPEND,
            "portal_calls_2026-03-31.csv": CALLS,
        },
        SETTINGS,
        select="+path:marts/lead",
    )
    started = dt.datetime(2026, 4, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="scorecard", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(
    warehouse: Warehouse, name: str, rooftop: str, last: str, by: str | None = None, *, as_of: str | None = None
) -> dict[str | None, KpiRow]:
    period = Period(date(2026, 3, 1), date.fromisoformat(last), date.fromisoformat(as_of or last))
    return {
        row.group: row for row in compute(warehouse, load_metrics(warehouse)[name], period, by=by, rooftops=[rooftop])
    }


def one(warehouse: Warehouse, name: str, rooftop: str, last: str, *, as_of: str | None = None) -> KpiRow:
    (row,) = kpi(warehouse, name, rooftop, last, as_of=as_of).values()
    return row


@pytest.mark.metrics("6.owned-rate")
def test_one_person_owns_an_open_enquiry(warehouse: Warehouse) -> None:
    # C1 has two leads with two owners, C3 nobody; ten days later L5 is Alma's, L3 lost and L4 bad.
    tenth = one(warehouse, "owned_rate", "STATE", "2026-03-10")
    assert (tenth.numerator, tenth.denominator) == (2, 4)
    twentieth = one(warehouse, "owned_rate", "STATE", "2026-03-20")
    assert (twentieth.numerator, twentieth.denominator) == (2, 3)
    assert twentieth.excluded_reasons == {"no good lead": 1}


@pytest.mark.metrics("0.state-of-a-past-day")
def test_before_the_first_version_nothing_is_known(warehouse: Warehouse) -> None:
    ninth = one(warehouse, "owned_rate", "STATE", "2026-03-09")
    assert (ninth.value, ninth.excluded_reasons) == (None, {"owner not known on the day": 4})
    # Only L1 and L4 are known to have been contacted or good by a day of their own: a stage has one, quality has none.
    assert one(warehouse, "stage_age_days", "STATE", "2026-03-09").excluded == 5
    assert one(warehouse, "contact_rate", "STATE", "2026-03-09").excluded_reasons == {"quality not known on the day": 5}


def test_whoever_never_names_an_owner_is_not_judged(warehouse: Warehouse) -> None:
    silent = one(warehouse, "owned_rate", "SILENT", "2026-03-31")
    assert (silent.value, silent.excluded_reasons) == (None, {"the rooftop sends no owners": 1})
    planned = one(warehouse, "next_action_rate", "SILENT", "2026-03-31")
    assert planned.excluded_reasons == {"the rooftop sends no next actions": 1}


@pytest.mark.metrics("6.owned-rate")
def test_a_next_action_lies_ahead_until_its_day(warehouse: Warehouse) -> None:
    def planned(day: str) -> tuple[object, object, dict[str, int]]:
        row = one(warehouse, "next_action_rate", "STATE", day)
        return row.numerator, row.denominator, row.excluded_reasons

    assert planned("2026-03-10") == (1, 5, {})  # L2's is due today, L1's in two days
    assert planned("2026-03-12") == (0, 5, {})
    assert planned("2026-03-14") == (0, 4, {})  # L3 was lost, as a later file says
    assert planned("2026-03-20") == (1, 3, {"marked bad": 1})
    assert planned("2026-03-25") == (0, 3, {"marked bad": 1})


@pytest.mark.metrics("6.stage-age-days")
def test_the_age_of_a_stage_on_any_day(warehouse: Warehouse) -> None:
    tenth = one(warehouse, "stage_age_days", "STATE", "2026-03-10")
    assert (tenth.numerator, tenth.denominator) == (8 + 9 + 9 + 9 + 5, 5)
    # L2 is contacted since the file that says so, L3 lost, L4 bad.
    twentieth = one(warehouse, "stage_age_days", "STATE", "2026-03-20")
    assert (twentieth.value, twentieth.numerator, twentieth.denominator) == (11, 18 + 0 + 15, 3)
    late = kpi(warehouse, "stage_age_days", "LATE", "2026-03-31", by="stage")
    assert {stage: row.value for stage, row in late.items()} == {"quoted": 10}


def test_a_stage_has_a_day_of_its_own_before_the_file_that_brings_it(warehouse: Warehouse) -> None:
    before = one(warehouse, "stage_age_days", "LATE", "2026-03-10")
    assert before.excluded_reasons == {"stage not known on the day": 2}
    # L2 was lost on the 11th; what L1 was before it was quoted no file says.
    assert one(warehouse, "stage_age_days", "LATE", "2026-03-20").excluded_reasons == {"stage not known on the day": 1}


def test_quality_is_that_of_the_day_asked(warehouse: Warehouse) -> None:
    early = one(warehouse, "contact_rate", "STATE", "2026-03-10")
    assert (early.denominator, early.excluded) == (5, 0)
    late = one(warehouse, "contact_rate", "STATE", "2026-03-10", as_of="2026-03-31")
    assert (late.denominator, late.excluded_reasons) == (4, {"marked bad": 1})


def test_owners_are_those_of_the_day_asked(warehouse: Warehouse) -> None:
    def leads(day: str) -> dict[str | None, object]:
        found = kpi(warehouse, "contact_rate", "STATE", "2026-03-10", by="owner", as_of=day)
        return {owner: row.denominator for owner, row in found.items()}

    assert leads("2026-03-10") == {"Alma": 3, "Bertie": 1, "unknown": 1}
    assert leads("2026-03-20") == {"Alma": 2, "Bertie": 1, "unknown": 1}


@pytest.mark.metrics("0.state-of-a-past-day")
def test_rates_over_all_leads_too_are_told_by_the_state_of_the_day(warehouse: Warehouse) -> None:
    def leads(by: str, day: str) -> dict[str | None, object]:
        found = kpi(warehouse, "source_visibility_rate", "STATE", "2026-03-10", by=by, as_of=day)
        return {group: row.denominator for group, row in found.items()}

    assert leads("owner", "2026-03-09") == {"not known": 5}
    assert leads("owner", "2026-03-10") == {"Alma": 3, "Bertie": 1, "unknown": 1}
    assert leads("owner", "2026-03-20") == {"Alma": 3, "Bertie": 1, "unknown": 1}  # L2 went to Bertie, L5 to Alma
    answered = kpi(warehouse, "response_minutes", "STATE", "2026-03-10", by="quality", as_of="2026-03-31")
    assert {group: row.open for group, row in answered.items()} == {"bad": 1, "good": 4}
    before = kpi(warehouse, "response_minutes", "STATE", "2026-03-10", by="quality")
    assert {group: row.open for group, row in before.items()} == {"good": 5}


@pytest.mark.metrics("6.follow-up-rate")
def test_two_tries_in_three_days(warehouse: Warehouse) -> None:
    march = one(warehouse, "follow_up_rate", "TRIES", "2026-03-05")
    # L1 twice on time, L2 the second time a second late, L3 a walk-in and an e-mail, L5 nobody; L4 was closed by then.
    assert (march.numerator, march.denominator) == (2, 4)
    assert march.excluded_reasons == {
        "closed before its follow-up was due": 1,
        "received on a day without a time": 1,
    }
    assert one(warehouse, "follow_up_rate", "TRIES", "2026-03-04").value is None


@pytest.mark.metrics("6.contact-to-appointment-rate")
def test_contacts_that_became_appointments(warehouse: Warehouse) -> None:
    fifth = one(warehouse, "contact_to_appointment_rate", "TRIES", "2026-03-05")
    assert (fifth.numerator, fifth.denominator) == (0, 3)
    sixth = one(warehouse, "contact_to_appointment_rate", "TRIES", "2026-03-06")
    assert (sixth.numerator, sixth.denominator) == (1, 3)  # P2 is of a lead nobody reached


@pytest.mark.metrics("6.source-visibility-rate")
def test_leads_of_a_known_source(warehouse: Warehouse) -> None:
    march = one(warehouse, "source_visibility_rate", "STATE", "2026-03-31")
    assert (march.numerator, march.denominator) == (3, 5)


@pytest.mark.metrics("6.missed-call-recovery-rate")
def test_missed_calls_returned_in_business_minutes(warehouse: Warehouse) -> None:
    assert one(warehouse, "missed_call_recovery_rate", "TRIES", "2026-03-08").value is None
    monday = one(warehouse, "missed_call_recovery_rate", "TRIES", "2026-03-08", as_of="2026-03-09")
    assert (monday.numerator, monday.denominator) == (1, 3)


@pytest.mark.metrics("6.cost-per-lead")
def test_what_a_lead_costs(warehouse: Warehouse) -> None:
    march = one(warehouse, "cost_per_lead", "COST", "2026-03-31")
    assert (march.value, march.numerator, march.denominator) == ("1033.33", "3100.00", 3)
    assert march.excluded_reasons == {"marked duplicate": 1, "not in the currency of the rooftop": 1}
    half = one(warehouse, "cost_per_lead", "COST", "2026-03-15", as_of="2026-03-31")
    assert (half.value, half.numerator) == ("500.00", "1500.00")
    sources = kpi(warehouse, "cost_per_lead", "COST", "2026-03-31", by="source")
    assert (sources["AutoMarkt"].value, sources["Website"].value) == ("1550.00", "0.00")


def test_a_month_without_spend_costs_nothing_and_says_so(warehouse: Warehouse) -> None:
    february = Period(date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 31))
    (row,) = compute(warehouse, load_metrics(warehouse)["cost_per_lead"], february, rooftops=["COST"])
    assert (row.value, row.excluded_reasons) == (None, {"no spend of its month": 1})


@pytest.mark.metrics("6.cost-per-lead")
def test_what_a_sale_costs(warehouse: Warehouse) -> None:
    march = one(warehouse, "cost_per_sale", "COST", "2026-03-31")
    assert (march.value, march.denominator) == ("3100.00", 1)
    assert one(warehouse, "cost_per_sale", "COST", "2026-03-19").value is None
