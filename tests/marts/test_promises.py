"""Promises, exceptions and cases of METRICS section 7 and the month's figures of section 5, from csv to the number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.home import Home
from forecourt.kpi import KpiRow, compute, load_metrics
from forecourt.meta import write_meta
from forecourt.metrics import Period
from tests.support.warehouse import make_warehouse, opened

SETTINGS = """
[policy]
ageing.provision.31-60 = 10
"""

FILES = {
    "crm_leads_2026-03-31.csv": """\
rooftop,lead_id,received_at,channel,intent,customer_id,owner,stage,quality,next_action,next_action_due_at
R1,L1,2026-03-02T10:00:00,email,buy,C1,Ann,contacted,good,call,2026-04-03T10:00:00
R1,L2,2026-03-02T10:00:00,email,buy,C2,,new,good,,
""",
    "crm_activities_2026-03-31.csv": """\
rooftop,activity_id,lead_id,customer_id,occurred_at,direction,channel,automatic,outcome,employee
R1,A1,L1,C1,2026-03-02T10:20:00,out,email,0,sent,Ann
""",
    "crm_tasks_2026-03-31.csv": """\
rooftop,task_id,lead_id,kind,created_at,due_at,completed_at,employee
R1,T1,L1,call,2026-03-03T10:00:00,2026-03-05T17:00:00,2026-03-05T16:00:00,Ann
R1,T2,L1,call,2026-03-03T10:00:00,2026-03-06T17:00:00,2026-03-09T16:00:00,Ann
R1,T3,L1,call,2026-03-03T10:00:00,2026-03-30T17:00:00,,Ann
""",
    "dms_deals_2026-03-31.csv": """\
rooftop,deal_number,stock_number,lead_id,customer_id,deal_type,status,contract_on,finalised_on,sale_price,salesperson
R1,D1,S1,L1,C1,retail,finalised,2026-03-01,2026-03-04,9000.00,Ann
""",
    "dms_documents_2026-03-31.csv": """\
rooftop,entity,entity_id,document,required_on,received_on,rejected_on
R1,deal,D1,contract,2026-03-03,2026-03-02,
R1,deal,D1,identity,2026-03-03,2026-03-20,
R1,deal,D1,agreement,2026-03-03,2026-03-02,2026-03-10
""",
    "dms_invoices_2026-03-31.csv": """\
rooftop,invoice_number,kind,schedule,customer_id,posted_on,due_on,amount,deal_number
R1,I1,invoice,,C1,2026-01-10,2026-02-09,1000.00,
R1,I2,invoice,,C1,2026-03-10,2026-03-20,200.00,
R1,C1,credit_note,,C1,2026-03-20,,100.00,
R1,F1,invoice,contract_in_transit,BANK,2026-03-02,,5000.00,D1
R1,F2,invoice,contract_in_transit,BANK,2026-03-02,,700.00,
R1,F3,invoice,contract_in_transit,BANK,2025-03-02,,300.00,
R1,C3,credit_note,contract_in_transit,BANK,2025-03-06,,300.00,
""",
    "dms_payments_2026-03-31.csv": """\
rooftop,payment_number,kind,schedule,customer_id,posted_on,amount
R1,P1,,,C1,2026-03-01,400.00
R1,P2,,,C1,2026-03-20,200.00
R1,P3,,contract_in_transit,BANK,2026-03-09,700.00
""",
    "dms_allocations_2026-03-31.csv": """\
rooftop,allocation_id,from_document,to_document,allocated_on,amount,kind
R1,1,P1,I1,2026-03-01,400.00,
R1,2,C1,I1,2026-03-20,100.00,
R1,3,P2,I2,2026-03-20,200.00,
R1,4,P3,F2,2026-03-09,700.00,
R1,5,,I1,2026-03-30,20.00,write_off
R1,6,C3,F3,2025-03-06,300.00,
""",
    "dms_exceptions_2026-03-31.csv": """\
rooftop,exception_id,event,event_kind,kind,entity,entity_id,field,previous_value,new_value,occurred_at,employee,\
approver,closure_met
R1,X1,1,opened,price_override,deal,D1,,,,2026-03-01T12:00:00,Ann,,
R1,X1,2,decided,price_override,deal,D1,sale_price,9500,9200,2026-03-01T13:00:00,Ann,,
R1,X1,3,approved,price_override,deal,D1,sale_price,9200,9000,2026-03-01T14:00:00,Bea,Bea,
R1,X1,4,closed,price_override,deal,D1,,,,2026-03-03T12:00:00,Ann,,1
R1,X2,1,opened,price_override,deal,D1,,,,2026-03-05T12:00:00,Ann,,
R1,X2,2,decided,price_override,deal,D1,sale_price,9000,8900,2026-03-05T13:00:00,Ann,Ann,
R1,X2,4,closed,price_override,deal,D1,sale_price,8800,8700,2026-03-06T12:00:00,Ann,,0
R1,X2,5,reopened,price_override,deal,D1,,,,2026-03-07T12:00:00,Ann,,
R1,X3,1,opened,document_gap,vehicle,S9,,,,2024-01-10T12:00:00,Ann,,
R1,X3,2,closed,document_gap,vehicle,S9,,,,2025-03-10T12:00:00,Ann,,1
""",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_warehouse(
        tmp_path_factory.mktemp("promises"),
        FILES,
        SETTINGS,
        select="+fct_case +fct_exception_event +path:marts/finance",
        tests=True,
    )
    started = dt.datetime(2026, 4, 1)  # noqa: DTZ001 - instants are UTC without offset in the database
    write_meta(home, Paths(home.build), run_id="promises", started_at=started, known_at=None)
    return home


@pytest.fixture
def marts(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(home) as connection:
        yield connection


def kpi(home: Home, name: str, first: str, last: str, by: str | None = None) -> list[KpiRow]:
    warehouse = Warehouse(home.warehouse)
    period = Period(date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(last))
    return compute(warehouse, load_metrics(warehouse)[name], period, by=by)


def standing(marts: duckdb.DuckDBPyConnection, day: str) -> set[tuple[str, str]]:
    """(rule, record) of everything broken at the end of a day."""
    return set(
        marts.execute(
            "select rule, entity_id from marts.fct_exception "
            "where broken_on <= $1 and (closed_on is null or closed_on > $1)",
            [date.fromisoformat(day)],
        ).fetchall()
    )


@pytest.mark.metrics("7.exception")
def test_what_is_broken_is_a_question_of_the_day(marts: duckdb.DuckDBPyConnection) -> None:
    assert ("overdue_task", "T2") not in standing(marts, "2026-03-05")
    assert ("overdue_task", "T2") in standing(marts, "2026-03-06")
    assert ("overdue_task", "T2") not in standing(marts, "2026-03-09")
    assert standing(marts, "2026-03-31") == {
        ("unanswered_lead", "L2"),
        ("lead_without_owner", "L2"),
        ("lead_without_next_action", "L2"),
        ("overdue_task", "T3"),
        ("missing_document", "D1 agreement"),
        ("late_payment", "I1 1"),
        ("late_funding", "F1"),
        ("price_override", "D1"),
    }


@pytest.mark.metrics("7.promise-kept-rate")
def test_what_was_kept_is_no_exception(marts: duckdb.DuckDBPyConnection) -> None:
    kept = {("overdue_task", "T1"), ("unanswered_lead", "L1"), ("missing_document", "D1 contract")}
    kept |= {("late_payment", "I2 1"), ("late_funding", "F2")}
    promised = set(marts.execute("select rule, entity_id from marts.fct_promise where is_kept").fetchall())
    broken = set(marts.execute("select rule, entity_id from marts.fct_exception").fetchall())
    assert kept <= promised
    assert not promised & broken


@pytest.mark.metrics("7.exception")
def test_the_amount_at_stake_is_the_balance_of_the_due_day(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select entity_id, amount, amount_label from marts.fct_exception where rule like 'late_%' order by 1"
    ).fetchall()
    assert found == [("F1", Decimal("5000.00"), "open balance"), ("I1 1", Decimal("1000.00"), "open balance")]


@pytest.mark.metrics("7.promise-kept-rate")
def test_promises_kept_over_promises_due(home: Home) -> None:
    rows = {
        row.group: (row.numerator, row.denominator)
        for row in kpi(home, "promise_kept_rate", "2026-03-01", "2026-03-31", "rule")
    }
    assert rows["Task overdue"] == (1, 3)
    assert rows["Document missing at its stage"] == (1, 3)
    assert rows["Contract in transit past seven days"] == (1, 2)
    assert rows["Payment past its terms"] == (1, 1)
    assert "Open lead without an owner" not in rows


@pytest.mark.metrics("2.exception")
def test_an_exception_runs_from_its_first_opening_to_its_last_closing(home: Home) -> None:
    (row,) = kpi(home, "exception_days", "2026-03-01", "2026-03-31")
    assert (row.value, row.n, row.open) == (2, 1, 1)


@pytest.mark.metrics("0.invisible-after", "2.exception")
def test_an_exception_that_took_too_long_is_open_until_it_closes(home: Home) -> None:
    (before,) = kpi(home, "exception_days", "2025-03-01", "2025-03-09")
    assert (before.n, before.open, before.excluded) == (0, 1, 0)
    (after,) = kpi(home, "exception_days", "2025-03-01", "2025-03-10")
    assert (after.n, after.open, after.excluded_reasons) == (0, 0, {"took more than 365 days": 1})


@pytest.mark.metrics("7.exception-chain")
def test_a_chain_keeps_every_value(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select previous_value, new_value, approver, events from marts.fct_exception where exception_id = 'X1'"
    ).fetchall()
    assert found == [("9500", "9000", "Bea", 4)]


@pytest.mark.metrics("0.findings", "7.exception-chain")
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("exceptions_closed_unmet", [("X2", 4)]),
        ("exceptions_approved_by_their_actor", [("X2", 2)]),
        ("exceptions_with_a_broken_chain", [("X2", 4), ("X2", 4)]),
    ],
)
def test_odd_chains_are_findings(home: Home, name: str, rows: list[tuple[str, int]]) -> None:
    (compiled,) = (home.build / "target").rglob(f"compiled/**/{name}.sql")
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        sql = Path(compiled).read_text(encoding="utf-8")
        found = connection.execute(f"select exception_id, event from ({sql}) order by all").fetchall()
    assert found == rows


@pytest.mark.metrics("7.case")
def test_the_board_names_stage_blocker_and_role(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select case_key, stage, stage_entered_on, blocker_rule, blocked_on, role, is_open "
        "from marts.fct_case order by 1"
    ).fetchall()
    assert found == [
        ("deal|R1|D1", "sale", date(2026, 3, 4), "price_override", date(2026, 3, 5), "manager", True),
        ("episode|R1|L2", "enquiry", date(2026, 3, 2), "lead_without_next_action", date(2026, 3, 2), "sales", True),
    ]


@pytest.mark.metrics("5.roll-forward")
def test_the_month_rolls_forward_to_what_is_open(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "select opening, invoices, cash, refunds_and_returned, credit_notes, write_offs, fx, transfers, closing "
        "from marts.fct_receivable_rollforward where schedule = 'customer' and month = date '2026-03-01'"
    ).fetchall()
    assert found == [tuple(Decimal(whole) for whole in (1000, 200, 600, 0, 100, 20, 0, 0, 480))]
    aged = marts.execute(
        "select sum(outstanding_base) from marts.receivable_ageing('2026-03-31', 'due') where schedule = 'customer'"
    ).fetchone()
    assert aged == (Decimal("480.00"),)


@pytest.mark.metrics("2.funding", "5.dso", "5.provision")
def test_sales_outstanding_funding_and_provision(home: Home) -> None:
    (owed,) = kpi(home, "receivable_outstanding", "2026-03-01", "2026-03-31")
    assert owed.value == "5480.00"
    (outstanding,) = kpi(home, "dso_days", "2026-03-01", "2026-03-31")
    # 480.00 of the customer and 5,000.00 of the bank over all invoices since 1 January.
    assert outstanding.value == pytest.approx(5480 * 90 / 6900)
    (funding,) = kpi(home, "funding_days", "2026-03-01", "2026-03-31")
    assert (funding.value, funding.n, funding.open) == (7, 1, 1)
    (provision,) = kpi(home, "receivable_provision", "2026-03-01", "2026-03-31")
    assert (provision.value, provision.currency) == ("48.00", "GBP")


@pytest.mark.metrics("0.invisible-after", "2.funding")
def test_a_contract_settled_without_cash_is_open_until_then(home: Home) -> None:
    (before,) = kpi(home, "funding_days", "2025-03-01", "2025-03-05")
    assert (before.n, before.open, before.excluded) == (0, 1, 0)
    (after,) = kpi(home, "funding_days", "2025-03-01", "2025-03-06")
    assert (after.n, after.open, after.excluded_reasons) == (0, 0, {"settled without cash": 1})


@pytest.mark.metrics("5.contract-in-transit")
def test_a_contract_in_transit_says_what_it_waits_for(marts: duckdb.DuckDBPyConnection) -> None:
    def causes(day: str) -> list[tuple[str, str | None]]:
        return marts.execute(
            f"select document, cause from marts.receivable_ageing('{day}', 'due') "
            "where schedule = 'contract_in_transit' and is_debit order by 1"
        ).fetchall()

    assert causes("2026-03-05") == [("F1", "identity"), ("F2", None)]
    assert causes("2026-03-15") == [("F1", "agreement, identity")]
    assert causes("2026-03-31") == [("F1", "agreement")]
