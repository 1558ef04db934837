"""The KPIs of METRICS sections 2 and 6 about leads, from csv lines to the KPI: one warehouse, a rooftop a vector."""

from __future__ import annotations

import datetime as dt
from datetime import date, timedelta

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
[policy]
sla.portal.buy_minutes = 20
"""

LEADS = """\
rooftop,lead_id,received_at,channel,intent,customer_id,source,owner,stage,stage_changed_at,quality,duplicate_of,updated_at
EPISODE,L1,2026-01-01T23:30:00,portal,buy,C1,AutoMarkt,Alma,won,,,,
EPISODE,L2,2026-02-20T10:00:00,email,test_drive,C1,E-mail,Alma,won,,,,
EPISODE,L3,2026-04-11T10:00:00,phone,buy,C1,Phone,Bertie,won,,,,
EPISODE,L4,2026-05-10T10:00:00,phone,buy,C2,Phone,Bertie,new,,,,
EPISODE,L5,2026-04-25T10:00:00,phone,buy,C3,Phone,Bertie,won,,,,
EPISODE,S1,2026-04-01T10:00:00,phone,service,C4,Phone,Bertie,new,,,,
SHOWN,L1,2026-06-10T10:00:00,email,buy,C1,E-mail,Alma,new,,,,
HOURS,L1,2026-01-10T18:40:00,web_form,buy,,Website,Alma,new,,,,
HOURS,L2,2026-01-10T16:50:00,portal,buy,,AutoMarkt,Alma,new,,,,
HOURS,L3,2026-01-12T10:00:00,email,buy,,E-mail,Alma,new,,,,
HOURS,L4,2026-01-12T10:00:00,walk_in,buy,,Showroom,Alma,new,,,,
HOURS,L5,2026-01-12,email,buy,,E-mail,Alma,new,,,,
NIGHT,L1,2026-03-28T16:30:00,portal,buy,,AutoMarkt,Alma,new,,,,
NIGHT,L2,2026-03-29T01:30:00,email,buy,,E-mail,Alma,new,,,,
FUNNEL,L1,2026-06-01T10:00:00,email,buy,C1,E-mail,Alma,new,,good,,2026-06-01T10:00:00
FUNNEL,L2,2026-06-02T10:00:00,email,buy,C2,E-mail,Alma,new,,,,2026-06-02T10:00:00
FUNNEL,L3,2026-06-03T10:00:00,email,buy,C3,E-mail,Alma,new,,,,2026-06-03T10:00:00
FUNNEL,L4,2026-06-04T10:00:00,email,buy,C4,E-mail,Alma,new,,,,2026-06-04T10:00:00
FUNNEL,L5,2026-06-05T10:00:00,email,buy,C1,E-mail,Alma,new,,duplicate,L1,2026-06-05T10:00:00
FUNNEL,L6,2026-06-06T10:00:00,email,buy,C6,E-mail,Alma,lost,,bad,,2026-06-06T10:00:00
FUNNEL,L7,2026-06-07T10:00:00,email,buy,,E-mail,Alma,lost,,test,,2026-06-07T10:00:00
WON,L1,2026-01-01T10:00:00,email,buy,C1,E-mail,Alma,won,2026-02-01T10:00:00,,,
WON,L2,2026-01-01T10:00:00,email,buy,C2,E-mail,Alma,lost,2026-02-01T10:00:00,,,
"""

ACTIVITIES = """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,bulk,outcome,duration_seconds,employee
HOURS,A1,L1,,2026-01-10T18:40:30,out,email,yes,,sent,,
HOURS,A2,L1,,2026-01-11T10:00:00,out,email,,yes,sent,,
HOURS,A3,L1,,2026-01-12T09:00:00,out,call,,,no_answer,0,Alma
HOURS,A4,L1,,2026-01-12T09:25:00,out,call,,,connected,45,Alma
HOURS,A5,L2,,2026-01-12T09:05:00,out,whatsapp,,,sent,,Alma
NIGHT,A1,L1,,2026-03-30T09:30:00,out,email,,,sent,,Alma
NIGHT,A2,L2,,2026-03-30T09:10:00,out,email,,,sent,,Alma
FUNNEL,A1,L1,C1,2026-06-01T10:00:00,in,email,,,,,
FUNNEL,A2,L2,C2,2026-06-02T11:00:00,out,call,,,connected,60,Alma
FUNNEL,A3,,C3,2026-06-09T11:00:00,in,sms,,,,,
FUNNEL,A4,L4,C4,2026-06-04T11:00:00,out,call,,,voicemail,60,Alma
FUNNEL,A5,L6,C6,2026-06-06T11:00:00,in,email,,,,,
"""

APPOINTMENTS = """\
rooftop,appointment_id,lead_id,customer_id,kind,created_at,starts_at,status,shown_at,cancelled_at,rescheduled_from
SHOWN,P1,,C7,sales_visit,2026-05-20T12:00:00,2026-06-03T10:00:00,shown,2026-06-03T10:00:00,,
SHOWN,P2,,C8,sales_visit,2026-05-21T12:00:00,2026-06-04T10:00:00,shown,2026-06-04T10:00:00,,
SHOWN,P3,L1,C1,sales_visit,2026-06-10T12:00:00,2026-06-12T10:00:00,shown,2026-06-12T10:00:00,,
FUNNEL,P1,L1,C1,sales_visit,2026-06-01T12:00:00,2026-06-03T10:00:00,rescheduled,,2026-06-02T12:00:00,
FUNNEL,P2,L1,C1,sales_visit,2026-06-02T12:00:00,2026-06-08T10:00:00,shown,2026-06-08T10:02:00,,P1
FUNNEL,P3,,C2,test_drive,2026-06-10T12:00:00,2026-06-11T10:00:00,no_show,,,
FUNNEL,P4,L5,C1,sales_visit,2026-06-05T12:00:00,2026-06-12T10:00:00,booked,,,
FUNNEL,P5,L6,C6,sales_visit,2026-06-07T12:00:00,2026-06-12T10:00:00,cancelled,,2026-06-11T10:00:00,
FUNNEL,P6,L9,,service,2026-06-07T12:00:00,2026-07-12T10:00:00,booked,,,
"""

DEALS = """\
rooftop,deal_number,customer_id,lead_id,deal_type,status,contract_on,delivered_on,reversed_on,salesperson
EPISODE,D1,C1,L3,retail,delivered,2026-04-18,2026-04-21,,Alma
EPISODE,D2,C9,,lease,delivered,2026-04-20,2026-04-22,,Alma
EPISODE,D3,C3,L5,retail,delivered,2026-04-20,2026-04-24,,Alma
EPISODE,D4,C8,L999,retail,finalised,2026-04-20,2026-04-23,,Alma
EPISODE,D5,C2,L4,retail,booked,2026-05-12,2026-05-20,,Alma
EPISODE,D6,C2,L4,retail,cancelled,2026-05-11,,,Alma
EPISODE,D7,C4,S1,retail,delivered,2026-04-02,2026-04-05,,Alma
EPISODE,D8,C1,,fleet,delivered,2026-04-18,2026-04-21,,Alma
"""


def batch() -> tuple[str, str]:
    """Six leads of one morning: five ticked off in the same second by Alma, one answered by Bertie."""
    leads, activities = [], []
    for number in range(6):
        leads.append(f"BATCH,L{number},2026-01-12T10:00:00,email,buy,,E-mail,Alma,new,,,,")
        person = "Alma" if number < 5 else "Bertie"
        activities.append(f"BATCH,A{number},L{number},,2026-01-12T12:00:00,out,email,,,sent,,{person}")
    return "\n".join(leads), "\n".join(activities)


def cohort() -> tuple[str, str]:
    """25 episodes of 10 January: two sold within 90 days, one on the 91st; five of 10 March, one sold so far."""
    leads, deals = [], []
    for number in range(30):
        day = "2026-01-10" if number < 25 else "2026-03-10"
        leads.append(f"COHORT,L{number},{day}T10:00:00,email,buy,C{number},E-mail,Alma,new,,,,")
    for number, days in ((0, 20), (1, 90), (2, 91)):
        on = date(2026, 1, 10) + timedelta(days=days)
        deals.append(f"COHORT,D{number},C{number},L{number},retail,delivered,{on},{on},,Alma")
    deals.append("COHORT,D25,C25,L25,retail,delivered,2026-03-20,2026-03-20,,Alma")
    return "\n".join(leads), "\n".join(deals)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    batch_leads, batch_activities = batch()
    cohort_leads, cohort_deals = cohort()
    home = make_warehouse(
        tmp_path_factory.mktemp("leads"),
        {
            "crm_leads_2026-07-10.csv": f"{LEADS}{batch_leads}\n{cohort_leads}\n",
            "crm_activities_2026-07-10.csv": f"{ACTIVITIES}{batch_activities}\n",
            "crm_appointments_2026-07-10.csv": APPOINTMENTS,
            "dms_deals_2026-07-10.csv": f"{DEALS}{cohort_deals}\n",
        },
        SETTINGS,
        select="+path:marts/lead",
    )
    started = dt.datetime(2026, 7, 11)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="leads", started_at=started, known_at=None)
    return Warehouse(home.warehouse)


def kpi(
    warehouse: Warehouse,
    name: str,
    rooftop: str,
    first: str,
    last: str,
    as_of: str | None = None,
    by: str | None = None,
) -> list[KpiRow]:
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of or last))
    return compute(warehouse, load_metrics(warehouse)[name], period, by=by, rooftops=[rooftop])


def one(warehouse: Warehouse, name: str, rooftop: str, first: str, last: str, as_of: str | None = None) -> KpiRow:
    (row,) = kpi(warehouse, name, rooftop, first, last, as_of)
    return row


@pytest.mark.metrics("0.as-of", "2.enquiry-to-handover", "6.episode-vector")
def test_three_leads_and_a_delivery_on_day_110_are_one_episode(warehouse: Warehouse) -> None:
    april = one(warehouse, "enquiry_to_handover_days", "EPISODE", "2026-04-01", "2026-04-30")
    assert (april.value, april.n) == (110, 1)
    assert april.excluded_reasons == {"no lead": 3, "handed over before its enquiry": 1}
    (first,) = kpi(warehouse, "enquiry_to_handover_days", "EPISODE", "2026-04-21", "2026-04-21", by="source")
    assert (first.group, first.value) == ("AutoMarkt", 110)


def test_a_deal_is_open_from_its_contract_until_the_handover(warehouse: Warehouse) -> None:
    def handover(day: str) -> KpiRow:
        return one(warehouse, "enquiry_to_handover_days", "EPISODE", day[:8] + "01", day)

    assert handover("2026-04-17").open is None or handover("2026-04-17").open == 0
    assert handover("2026-04-18").open == 1
    assert handover("2026-04-21").open == 0
    # A booked deal has only a plan for its delivery; a cancelled one waits for nothing.
    assert handover("2026-05-31").open == 1


@pytest.mark.metrics("2.response", "2.saturday-evening")
def test_response_on_the_business_clock(warehouse: Warehouse) -> None:
    january = one(warehouse, "response_minutes", "HOURS", "2026-01-01", "2026-01-31")
    assert (january.value, january.n, january.open) == (15, 3, 1)  # 25, 15 and the walk-in's 0
    assert january.excluded_reasons == {"received on a day without a time": 1}
    after_hours = kpi(warehouse, "response_minutes", "HOURS", "2026-01-01", "2026-01-31", by="after_hours")
    assert [(row.group, row.value) for row in after_hours if row.value is not None] == [
        ("after hours", 25),
        ("open", 7.5),
    ]


@pytest.mark.metrics("0.invisible-after")
def test_what_happened_later_does_not_change_an_earlier_day(warehouse: Warehouse) -> None:
    sunday = one(warehouse, "response_minutes", "HOURS", "2026-01-01", "2026-01-31", "2026-01-11")
    assert (sunday.n, sunday.open) == (0, 2)
    target = one(warehouse, "sla_met_rate", "HOURS", "2026-01-01", "2026-01-31", "2026-01-11")
    assert target.value is None  # both targets pass on Monday
    monday = one(warehouse, "sla_met_rate", "HOURS", "2026-01-01", "2026-01-31", "2026-01-12")
    assert (monday.numerator, monday.denominator) == (3, 4)
    early = one(warehouse, "contact_rate", "FUNNEL", "2026-06-01", "2026-06-30", "2026-06-08")
    late = one(warehouse, "contact_rate", "FUNNEL", "2026-06-01", "2026-06-30", "2026-06-09")
    assert (early.numerator, late.numerator, late.denominator) == (1, 2, 4)


@pytest.mark.metrics("6.sla-met-rate")
def test_the_target_depends_on_channel_and_intent(warehouse: Warehouse) -> None:
    night = one(warehouse, "sla_met_rate", "NIGHT", "2026-03-01", "2026-03-31")
    assert (night.numerator, night.denominator) == (1, 2)  # 60 minutes against 20, 10 against the default of 30


def test_the_night_of_the_clock_change(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select lead_id, response_seconds, business_response_seconds, is_after_hours from marts.fct_lead"
        " where rooftop = 'NIGHT' order by lead_id"
    )
    # Saturday 16:30 to Monday 09:30 is 41 hours on the wall and 40 in truth; on Sunday 01:30 is 02:30.
    assert [tuple(row.values()) for row in rows] == [
        ("L1", 40 * 3600, 3600, False),
        ("L2", 30 * 3600 + 2400, 600, True),
    ]


@pytest.mark.metrics("2.durations")
def test_a_list_ticked_off_is_excluded(warehouse: Warehouse) -> None:
    (row,) = kpi(warehouse, "response_minutes", "BATCH", "2026-01-01", "2026-01-31")
    assert (row.value, row.n, row.excluded) == (120, 1, 5)


@pytest.mark.metrics("6.good", "6.contact-rate", "6.appointment-set-rate")
def test_good_leads_contacts_and_appointments(warehouse: Warehouse) -> None:
    contact = one(warehouse, "contact_rate", "FUNNEL", "2026-06-01", "2026-06-30")
    # The enquiry itself and a voicemail are no contact; a text message that names only its customer is one.
    assert (contact.numerator, contact.denominator) == (2, 4)
    assert contact.excluded_reasons == {"marked bad": 1, "marked duplicate": 1, "marked test": 1}
    appointments = one(warehouse, "appointment_set_rate", "FUNNEL", "2026-06-01", "2026-06-30")
    assert (appointments.numerator, appointments.denominator) == (2, 4)
    before = one(warehouse, "appointment_set_rate", "FUNNEL", "2026-06-01", "2026-06-30", "2026-06-09")
    assert (before.numerator, before.denominator) == (1, 4)


@pytest.mark.metrics("6.show-rate")
def test_show_rate_counts_a_moved_appointment_once(warehouse: Warehouse) -> None:
    june = one(warehouse, "show_rate", "FUNNEL", "2026-06-01", "2026-06-30")
    assert (june.numerator, june.denominator, june.excluded_reasons) == (1, 3, {"cancelled": 1})
    marked = one(warehouse, "marked_show_rate", "FUNNEL", "2026-06-01", "2026-06-30")
    assert (marked.numerator, marked.denominator) == (1, 2)


def test_more_visits_than_bookings_in_a_period_are_no_error(warehouse: Warehouse) -> None:
    """Bookings count by the lead, visits by their day: one was set in June, three customers came."""
    booked = one(warehouse, "appointment_set_rate", "SHOWN", "2026-06-01", "2026-06-30")
    shown = one(warehouse, "show_rate", "SHOWN", "2026-06-01", "2026-06-30")
    assert (booked.numerator, booked.denominator) == (1, 1)
    assert (shown.numerator, shown.denominator) == (3, 3)


@pytest.mark.metrics("6.conversion-rate")
def test_conversion_of_the_mature_cohort(warehouse: Warehouse) -> None:
    cohorts = one(warehouse, "conversion_rate", "COHORT", "2026-01-01", "2026-03-31", "2026-04-30")
    assert (cohorts.numerator, cohorts.denominator, cohorts.immature) == (2, 25, 5)
    assert cohorts.immature_events == 1
    march = one(warehouse, "conversion_rate", "COHORT", "2026-03-01", "2026-03-31", "2026-04-30")
    assert march.value is None


@pytest.mark.metrics("6.conversion-rate")
def test_without_deals_the_crm_says_what_was_won(warehouse: Warehouse) -> None:
    (row,) = kpi(warehouse, "conversion_rate", "WON", "2026-01-01", "2026-01-31", "2026-07-10", by="conversion_basis")
    assert (row.group, row.numerator, row.denominator) == ("CRM", 1, 2)
