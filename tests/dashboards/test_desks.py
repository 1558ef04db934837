"""What the desks read from the marts: sources, guesses, the board of a day, clocks; by hand and against the KPIs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboards import board, guesses, records, sources, trust
from dashboards.data import Reader
from dashboards.lists.cars import OVER_BUDGET, PREPARED
from dashboards.lists.contracts import WAITING_FOR_MONEY
from dashboards.lists.enquiries import CRM_ONLY
from forecourt.door import current_run
from forecourt.home import Home
from forecourt.metrics import Period
from tests.support.marts import asked, marts_of

MARCH = (date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 30), [])
END = date(2026, 3, 31)


@pytest.fixture(scope="module")
def reader(published_home: Home) -> Reader:
    return Reader(str(published_home.root), str(current_run(published_home)))


@pytest.mark.parametrize(
    ("first", "last"), [(date(2026, 9, 1), date(2026, 9, 30)), (date(2026, 4, 1), date(2026, 6, 30))]
)
@pytest.mark.parametrize("rooftops", [(), ("R1",)])
def test_the_sources_together_are_the_kpis(reader: Reader, first: date, last: date, rooftops: tuple[str, ...]) -> None:
    """Counts, units and gross of the report against the kernel, by source and in total, also as of a later day."""
    period = Period(first, last, reader.newest_day())
    rows = sources.report(reader, period, rooftops, "source")
    single = [row for row in rows if row["grp"] is not None]
    for column, name, part in (
        ("of_contacted", "contact_rate", "numerator"),
        ("of_good", "contact_rate", "denominator"),
        ("of_set", "appointment_set_rate", "numerator"),
    ):
        mine: dict[str, int] = {}
        for row in single:
            mine[row["grp"]] = mine.get(row["grp"], 0) + (row[column] or 0)
        kpi = {row.group: getattr(row, part) for row in reader.kpi(name, period, by="source", rooftops=rooftops)}
        assert {group: value for group, value in mine.items() if value} == {
            group: value for group, value in kpi.items() if group is not None and value
        }, column
    (units,) = reader.kpi("units", period, rooftops=rooftops)
    assert sum(row["sold"] or 0 for row in single) == Decimal(str(units.value or 0))
    for row in reader.kpi("total_gross", period, rooftops=rooftops):
        mine_gross = [
            each["gross"] for each in single if each["currency"] == row.currency and each["gross"] is not None
        ]
        assert sum(mine_gross, Decimal(0)) == Decimal(str(row.value or 0))


def test_a_person_has_the_units_that_the_kpi_gives(reader: Reader) -> None:
    period = Period(date(2026, 9, 1), date(2026, 9, 30), reader.newest_day())
    mine = {
        row["grp"]: row["sold"]
        for row in sources.report(reader, period, ("R1",), "owner")
        if row["grp"] and row["sold"]
    }
    kpi = {
        row.group: Decimal(str(row.value)) for row in reader.kpi("units", period, by="salesperson", rooftops=("R1",))
    }
    assert mine == {group: value for group, value in kpi.items() if group and value}
    assert mine


def stamp(day: int, hour: int) -> datetime:
    """An instant of March, in UTC without an offset, as the marts have it."""
    return datetime(2026, 3, day, hour)  # noqa: DTZ001


def lead(number: int, **given: Any) -> dict[str, Any]:
    return {
        "rooftop": "R1",
        "lead_id": f"L{number}",
        "lead_key": f"R1|L{number}",
        "source": "Website",
        "owner": "E1",
        "received_on": date(2026, 3, 2),
        "received_at": stamp(2, 10),
        "is_sales": True,
    } | given


def test_the_report_of_sources_by_hand() -> None:
    """Five leads of March: one bad, one duplicate, three good. Of the good ones two were tried, one was reached after
    three tries, set an appointment the next day, came twice and bought after the month. A deal of March has no lead.
    An appointment of an older lead is due in March, confirmed and missed; a service visit is none of ours."""
    spans = {"valid_from": date(2026, 3, 2), "quality": "good"}
    leads = [
        lead(1, attempts=3, first_attempt_at=stamp(2, 11), customer_id="C1"),
        lead(2, attempts=1, first_attempt_at=stamp(3, 11), customer_id="C2"),
        lead(3, customer_id="C2"),
        lead(4),
        lead(5),
        lead(6, source="Portal", received_on=date(2026, 2, 1)),
    ]
    good: dict[str, Any] = {"contacted_on": date(2026, 3, 4), "appointment_created_on": date(2026, 3, 3)}
    span = [
        lead(1) | spans | good,
        lead(2) | spans,
        lead(3) | spans,
        lead(4) | spans | {"quality": "bad", "not_good_reason": "marked bad"},
        lead(5) | spans | {"quality": "duplicate", "not_good_reason": "marked duplicate"},
    ]
    for row in span:
        del row["received_at"], row["is_sales"]
    visit = {"rooftop": "R1", "source": "Website", "employee": "E1", "kind": "sales_visit", "lead_key": "R1|L1"}
    credit = {"rooftop": "R1", "deal_type": "retail", "currency": "GBP", "kind": "sale", "salesperson": "E1"}
    database = marts_of(
        {
            "dim_rooftop": [{"rooftop": "R1", "currency": "GBP"}],
            "fct_lead": leads,
            "fct_lead_span": span,
            "fct_appointment": [
                visit | {"created_on": date(2026, 3, 3), "due_on": date(2026, 3, 5), "shown_on": date(2026, 3, 5)},
                visit
                | {"lead_key": "R1|L6", "source": "Portal", "created_on": date(2026, 2, 27), "due_on": date(2026, 3, 1)}
                | {"confirmed_at": stamp(1, 9)},
                visit | {"kind": "service", "due_on": date(2026, 3, 9), "shown_on": date(2026, 3, 9)},
                visit | {"due_on": date(2026, 3, 9), "excluded_reason": "cancelled"},
            ],
            "fct_lead_activity": [
                {
                    "rooftop": "R1",
                    "lead_key": "R1|L1",
                    "channel": "visit",
                    "direction": "in",
                    "occurred_on": date(2026, 3, 12),
                },
                {"rooftop": "R1", "lead_key": "R1|L1", "channel": "call", "direction": "out", "is_automatic": False}
                | {"is_bulk": False, "occurred_on": date(2026, 3, 2)},
                {"rooftop": "R1", "lead_key": "R1|L1", "channel": "email", "direction": "out", "is_automatic": True}
                | {"is_bulk": False, "occurred_on": date(2026, 3, 2)},
            ],
            "brg_lead_deal": [{"deal_key": "R1|D1", "lead_key": "R1|L1", "received_on": date(2026, 3, 2)}],
            "fct_deal": [
                {"deal_key": "R1|D1", "deal_type": "retail", "recognised_on": date(2026, 4, 10)},
                {"deal_key": "R1|D2", "deal_type": "retail", "recognised_on": date(2026, 3, 10)},
            ],
            "fct_deal_credit": [
                credit
                | {"deal_key": "R1|D2", "unit": 1, "front": 600, "back": 200, "total": 800}
                | {column: date(2026, 3, 10) for column in ("moved_on", "gross_moved_on", "dated_on", "gross_dated_on")}
                | {"recognised_on": date(2026, 3, 10)},
                credit
                | {"deal_key": "R1|D1", "unit": 1, "front": 900, "back": 0, "total": 900}
                | {
                    column: date(2026, 4, 10) for column in ("moved_on", "gross_moved_on", "dated_on", "gross_dated_on")
                },
            ],
            "fct_spend_effect": [
                {"rooftop": "R1", "row_kind": "spend", "source": "Website", "currency": "GBP", "amount": 90}
                | {"effect_on": date(2026, 3, 15)}
            ],
        }
    )
    found = {row["grp"]: sources._with_shares(row) for row in asked(database, sources.statement("source"), MARCH)}
    assert set(found) == {"Website", "Portal", "no lead"}
    website = found["Website"]
    counts = ("of_leads", "of_good", "of_bad", "of_duplicate", "of_bad_other", "of_customers", "of_attempted")
    assert [website[name] for name in counts] == [5, 3, 2, 1, 1, 4, 2]
    further = ("of_contacted", "of_attempts_each", "of_set", "of_days_to_set", "of_shown", "of_days_to_visit")
    assert [website[name] for name in further] == [1, 3, 1, 1, 1, 3]
    assert (website["of_days_to_be_back"], website["of_sold"], website["visits"], website["be_backs"]) == (7, 1, 2, 1)
    assert (website["made"], website["due"], website["shown"], website["calls_out"], website["sent"]) == (1, 1, 1, 1, 1)
    assert [website["of_contacted_pct"], website["shown_pct"]] == [pytest.approx(100 / 3), 100]
    assert (website["cost"], website["cost_per_good"], website["sold"]) == (90, 30, None)
    portal = found["Portal"]
    assert (portal["of_leads"], portal["due"], portal["confirmed"], portal["shown"]) == (None, 1, 1, 0)
    nobody = found["no lead"]
    assert (nobody["sold"], nobody["front"], nobody["gross"], nobody["gross_each"]) == (1, 600, 800, 800)


def test_the_likeliest_lead_of_a_deal_by_hand() -> None:
    """D1: the car it asked for (35) and the buyer's name, a letter off (30), beat the name alone. D2: the salesperson
    and the model are too little. A lead that became a deal is no guess, nor one asked after the sale."""
    deal = {
        "rooftop": "R1",
        "sold_on": date(2026, 3, 20),
        "valid_from": date(2026, 3, 20),
        "match_status": "DMS unmatched",
    }
    facts = {"rooftop": "R1", "make": "Ford", "model": "Kuga", "stock_number": "S1"}
    database = marts_of(
        {
            "fct_sale_match": [
                deal | {"deal_key": "R1|D1", "deal_number": "D1", "salesperson": "E9"},
                deal | {"deal_key": "R1|D2", "deal_number": "D2", "salesperson": "E1"},
                deal | {"deal_key": "R1|D3", "deal_number": "D3", "excluded": "deal of type house"},
            ],
            "fct_deal": [
                facts | {"deal_key": "R1|D1", "customer_id": "C1"},
                facts | {"deal_key": "R1|D2", "customer_id": "C2", "stock_number": "S2"},
                facts | {"deal_key": "R1|D3"},
            ],
            "dim_customer": [
                {"system": "dms", "rooftop": "R1", "customer_id": "C1", "customer_name": "Ada Lovelace"},
                {"system": "crm", "rooftop": None, "customer_id": "P1", "customer_name": "Ada Lovelase"},
                {"system": "crm", "rooftop": None, "customer_id": "P2", "customer_name": "Ada Lovelace"},
            ],
            "fct_lead": [
                lead(1, customer_id="P1", stock_number="S1", received_on=date(2026, 1, 10)),
                lead(2, customer_id="P2", received_on=date(2026, 1, 11)),
                lead(3, customer_id="P2", stock_number="S1", received_on=date(2026, 3, 21)),
                lead(4, customer_id="P2", stock_number="S1", received_on=date(2026, 3, 1)),
                lead(5, vehicle_text="a ford kuga please", received_on=date(2026, 3, 1)),
            ],
            "brg_lead_deal": [{"lead_key": "R1|L4", "deal_key": "R1|D9"}],
        }
    )
    found = {row["deal_number"]: row for row in asked(database, guesses.STATEMENT, MARCH)}
    assert set(found) == {"D1", "D2"}
    assert (found["D1"]["lead_id"], found["D1"]["score"]) == ("L1", 65)
    assert found["D1"]["why"] == "asked for this car, the buyer's name"
    assert (found["D2"]["lead_id"], found["D2"]["score"]) == (None, None)
    assert sum(guesses.POINTS.values()) == 100


def test_the_board_of_the_newest_day_is_the_marts_own(reader: Reader) -> None:
    mine = {
        row["case_key"]: (row["stage"], row["entered_on"], row["blocker"], row["role"], row["blocked_on"])
        for row in board.board(reader, reader.newest_day(), ())
    }
    theirs = reader.rows(
        "select case_key, stage, stage_entered_on, blocker, role, blocked_on from marts.fct_case where is_open"
    )
    assert mine == {row["case_key"]: tuple(row.values())[1:] for row in theirs}
    assert len(mine) > 20


def test_the_board_of_a_past_day_by_hand() -> None:
    """On 10 March D1 had its contract and waited for a paper; on the 25th it was handed over and followed up, so it is
    on no board. D2 was cancelled. The episode E3 began on the 20th."""
    case = {"rooftop": "R1", "owner": "E1", "is_called_off": False}
    first = case | {"case_key": "deal|R1|D1", "deal_key": "R1|D1", "deal_number": "D1", "enquiry_on": date(2026, 3, 1)}
    first |= {"preparation_on": date(2026, 3, 8), "handover_on": date(2026, 3, 24), "follow_up_on": date(2026, 3, 25)}
    database = marts_of(
        {
            "fct_case": [
                first,
                case | {"case_key": "deal|R1|D2", "preparation_on": date(2026, 3, 1), "is_called_off": True},
                case | {"case_key": "episode|R1|L3", "enquiry_on": date(2026, 3, 20)},
            ],
            "fct_exception": [
                {"exception_key": "x1", "deal_key": "R1|D1", "rule": "missing_document", "label": "Document missing"}
                | {"evidence": "contract", "role": "controller", "broken_on": date(2026, 3, 9)}
                | {"closed_on": date(2026, 3, 12)}
            ],
        }
    )

    def on(day: int) -> list[tuple[Any, ...]]:
        rows = asked(database, board.STATEMENT, [date(2026, 3, day), []])
        return [(row["case"], row["stage"], row["days"], row["role"], row["blocker"]) for row in rows]

    assert on(10) == [("D1", "preparation", 2, "controller", "Document missing (contract)")]
    assert on(12) == [("D1", "preparation", 4, "technician", None)]
    assert on(24) == [("episode|R1|L3", "enquiry", 4, "bdc", None), ("D1", "handover", 0, "sales", None)]
    assert on(26) == [("episode|R1|L3", "enquiry", 6, "bdc", None)]


def test_cars_in_preparation_by_hand() -> None:
    """S1 has been in preparation for 10 days, 3 of them for a part it still waits for, and cost 250 of 200; a purchase
    and a line of April do not count. S2 has no budget of its own condition and is in time."""
    span = {"rooftop": "R1", "span_number": 1}
    stage = {"rooftop": "R1", "stock_unit_key": "R1|S1"}
    line = {"stock_unit_key": "R1|S1", "posted_on": date(2026, 3, 25)}
    database = marts_of(
        {
            "fct_ready_span": [
                span
                | {
                    "stock_unit_key": "R1|S1",
                    "stock_number": "S1",
                    "condition": "used",
                    "started_on": date(2026, 3, 21),
                },
                span
                | {
                    "stock_unit_key": "R1|S2",
                    "stock_number": "S2",
                    "condition": "new",
                    "started_on": date(2026, 3, 25),
                },
            ],
            "fct_vehicle_stage": [
                stage | {"stage": "in_recon", "entered_on": date(2026, 3, 24), "left_on": date(2026, 3, 28)},
                stage | {"stage": "awaiting_parts", "entered_on": date(2026, 3, 28), "note": "bumper on back order"},
            ],
            "fct_vehicle_cost": [
                line | {"category": "recon", "amount": 200},
                line | {"category": "inspection", "amount": 50},
                line | {"category": "purchase", "amount": 9000},
                line | {"category": "recon", "amount": 70, "posted_on": date(2026, 4, 1)},
            ],
        }
    )
    database.execute("create table meta.policies (key varchar, value varchar, valid_from date, valid_to date)")
    for key, value in {"default": "0", "used": "200"}.items():
        database.execute(
            "insert into meta.policies values (?, ?, '1900-01-01', null)", [f"stock.prep_budget.{key}", value]
        )
    database.execute("insert into meta.policies values ('stock.prep_days', '7', '1900-01-01', null)")
    first, second = asked(database, records.statement(PREPARED), MARCH)
    names = ("stock_number", "standing", "stage", "stage_days", "note", "days", "in_recon", "for_parts")
    assert [first[name] for name in names] == ["S1", "delayed", "awaiting_parts", 3, "bumper on back order", 10, 4, 3]
    assert [first[name] for name in ("spent", "budget", "over")] == [250, 200, 50]
    assert [second[name] for name in ("stock_number", "standing", "spent", "budget", "over")] == [
        *("S2", "in time", None, None, None)
    ]
    (over,) = asked(database, records.statement(OVER_BUDGET), MARCH)
    assert (over["stock_number"], over["over"], over["late"]) == ("S1", 50, None)
    database.execute("update meta.policies set value = '10' where key = 'stock.prep_days'")
    assert {row["standing"] for row in asked(database, records.statement(PREPARED), MARCH)} == {"in time"}
    database.execute("update meta.policies set value = '250' where key = 'stock.prep_budget.used'")
    assert asked(database, records.statement(OVER_BUDGET), MARCH) == []


def test_what_holds_the_money_by_hand() -> None:
    """Two contracts that are not paid by the end of March: one lacks a paper and is late, of the other half is paid."""
    debt = {"rooftop": "R1", "is_contract_in_transit": True, "is_debit": True, "is_vanished": False, "currency": "GBP"}
    database = marts_of(
        {
            "fct_receivable": [
                debt | {"receivable_key": "I1", "deal_number": "D1", "document": "I1", "posted_on": date(2026, 3, 10)},
                debt | {"receivable_key": "I2", "deal_number": "D2", "document": "I2", "posted_on": date(2026, 3, 28)},
                debt | {"receivable_key": "I3", "posted_on": date(2026, 3, 1), "settled_on": date(2026, 3, 31)},
                debt | {"receivable_key": "I4", "posted_on": date(2026, 4, 1)},
            ],
            "fct_receivable_movement": [
                {"receivable_key": "I1", "effective_on": date(2026, 3, 10), "amount": 1000},
                {"receivable_key": "I2", "effective_on": date(2026, 3, 28), "amount": 800},
                {"receivable_key": "I2", "effective_on": date(2026, 3, 30), "amount": -400},
                {"receivable_key": "I2", "effective_on": date(2026, 4, 2), "amount": -400},
            ],
            "fct_deal": [
                {"rooftop": "R1", "deal_number": "D1", "deal_key": "R1|D1", "finance_manager": "F1"},
                {"rooftop": "R1", "deal_number": "D2", "deal_key": "R1|D2", "salesperson": "E1"},
            ],
            "fct_document": [
                {"deal_key": "R1|D1", "document": "proof_of_income", "required_on": date(2026, 3, 10)},
                {"deal_key": "R1|D1", "document": "identity", "required_on": date(2026, 3, 10)}
                | {"complete_on": date(2026, 3, 11)},
            ],
        }
    )
    rows = asked(database, records.statement(WAITING_FOR_MONEY), MARCH)
    shown = [
        [row[name] for name in ("deal_number", "cause", "owner", "days", "standing", "outstanding")] for row in rows
    ]
    assert shown == [
        ["D1", "proof of income missing", "F1", 21, "late", 1000],
        ["D2", "papers complete, not paid", "E1", 3, "in time", 400],
    ]


def test_sales_of_the_crm_alone_are_as_many_as_the_kpi_counts(reader: Reader) -> None:
    period = Period(date(2026, 8, 1), date(2026, 8, 31), reader.newest_day())
    listed = reader.rows(records.statement(CRM_ONLY), (period.first, period.end, period.as_of, ()))
    (row,) = reader.kpi("sales_in_crm_only", period)
    assert len(listed) == (row.value or 0)
    unmatched = guesses.unmatched(reader, period, ())
    (row,) = reader.kpi("sales_dms_unmatched", period)
    assert len(unmatched) == (row.value or 0)


def test_clock_coverage_counts_what_the_durations_need(reader: Reader) -> None:
    end = reader.newest_day()
    found = trust.clock_coverage(reader, end, ("R1",))
    assert {row["rooftop"] for row in found} == {"R1"}
    (leads,) = [row for row in found if row["feed"] == "crm_leads"]
    (counted,) = reader.rows(
        "select count(*) as records, "
        "count(*) filter (where response_excluded_reason = 'received on a day without a time') as bare "
        "from marts.fct_lead "
        "where rooftop = 'R1' and is_in_crm and received_on > $1::date - 90 and received_on <= $1",
        (end,),
    )
    assert (leads["records"], leads["records"] - leads["timed"]) == (counted["records"], counted["bare"])
    assert leads["coverage"] == pytest.approx(100 * leads["timed"] / leads["records"])
