"""What an accountant sends out and keeps: statement of account, stock book, deposits, the pack of a closed month.

Every figure here is worked out by hand from the files of ``ledger_home``.
"""

from __future__ import annotations

import hashlib
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pypdf
import pytest

from dashboards.reports.credits import credits_table, totals
from dashboards.reports.pack import month_end_pack, sums
from dashboards.reports.receivables import ageing_table, movements_table, provision, rollforward, tied, tieout
from dashboards.reports.statement import account, place_of, statement_pdf
from dashboards.reports.stock_book import stock_book
from dashboards.reports.stock_book import totals as book_totals
from forecourt.door import Warehouse, open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.kpi import compute, load_metrics
from forecourt.metrics import Period

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


@pytest.fixture(scope="module")
def ledger(ledger_home: Home) -> Warehouse:
    return open_warehouse(ledger_home)


def test_a_statement_leads_from_what_was_open_to_what_is(ledger: Warehouse) -> None:
    (part,) = account(ledger, "R1", "C1", FIRST, LAST)
    assert [(row.cells[1], row.cells[2], row.cells[4], row.cells[5]) for row in part.rows] == [
        (None, "Balance brought forward", None, Decimal("1000.00")),
        ("P1", "Payment received", Decimal("-400.00"), Decimal("600.00")),
        ("CN1", "Credit note", Decimal("-100.00"), Decimal("500.00")),
        ("I2", "Invoice", Decimal("70.50"), Decimal("570.50")),
        ("I1", "Written off", Decimal("-12.00"), Decimal("558.50")),
        (None, "Balance", None, Decimal("558.50")),
    ]
    data, facts = statement_pdf(ledger, "C1", LAST, rooftop="R1")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    for said in ("Zoë Müller", "Example Motors Ltd, North", "As of 2026-03-31", "488.00", "558.50", "Page 1 of 1"):
        assert said in text
    assert "Ana" not in text
    assert data == statement_pdf(ledger, "C1", LAST, rooftop="R1")[0]
    assert facts.parameters()["rooftops"] == ["R1"]


def test_a_statement_never_mixes_two_people(ledger: Warehouse) -> None:
    with pytest.raises(Problem, match=r"R1 \(Zoë Müller\), R2 \(Ana Peña\)\. Give the one that is meant"):
        statement_pdf(ledger, "C1", LAST)
    with pytest.raises(Problem, match="No receivable document is of customer 'C9'"):
        statement_pdf(ledger, "C9", LAST)
    with pytest.raises(Problem, match="would begin on 2026-04-01 and end before"):
        statement_pdf(ledger, "C2", LAST, since=date(2026, 4, 1))
    assert place_of(ledger, "C2")["rooftop"] == "R1"


def test_every_statement_ends_in_what_the_ageing_says_is_open(published_home: Home) -> None:
    warehouse = open_warehouse(published_home)
    (newest,) = warehouse.rows("select max(as_of) as day from marts.fct_control_tieout")
    day = newest["day"]
    expected: dict[tuple[str, str, str], Decimal] = {}
    for row in ageing_table(warehouse, day).to_pylist():
        key = (row["rooftop"], row["customer_id"], row["currency"])
        expected[key] = expected.get(key, Decimal(0)) + row["outstanding"]
    assert len(expected) > 10
    for (rooftop, customer_id, currency), outstanding in expected.items():
        parts = account(warehouse, rooftop, customer_id, day.replace(day=1), day)
        (part,) = (part for part in parts if part.title.endswith(currency))
        assert part.rows[-1].cells[-1] == outstanding, (rooftop, customer_id, currency)


def test_the_stock_book_of_march(ledger: Warehouse) -> None:
    cars = {(car["rooftop"], car["stock_number"]): car for car in stock_book(ledger, FIRST, LAST).to_pylist()}
    assert set(cars) == {("R1", "S1"), ("R1", "S2"), ("R1", "S3"), ("R1", "S4"), ("R2", "S1")}
    first = cars["R1", "S1"]
    assert (first["purchase_invoice"], first["seller"], first["sale_invoice"]) == ("PI1", "Northern Auctions", "I1")
    assert (first["bought_on"], first["sold_on"]) == (date(2026, 1, 5), date(2026, 3, 10))
    assert (first["margin"], first["vat_due"]) == (Decimal("1200.00"), Decimal("200.00"))
    assert cars["R2", "S1"]["vat_due"] == Decimal("191.60")
    loss = cars["R1", "S2"]
    assert (loss["margin"], loss["vat_due"]) == (Decimal("-100.00"), Decimal("0.00"))
    back = cars["R1", "S3"]
    assert (back["sold_on"], back["vat_due"]) == (None, None)
    assert back["note"] == "sale D3 of 2026-02-10 taken back on 2026-03-05"
    unknown = cars["R1", "S4"]
    assert (unknown["margin"], unknown["vat_due"], unknown["note"]) == (None, None, "purchase price missing")
    part = book_totals(stock_book(ledger, FIRST, LAST), FIRST, LAST)
    assert len({column.head for column in part.columns}) == len(part.columns)
    rows = [row.cells for row in part.rows]
    assert rows[0] == (
        *("R1", "GBP", 1, Decimal("4000.00"), 3, Decimal("13100.00"), Decimal("1100.00"), Decimal("200.00"), 1),
        *(1, Decimal("7000.00")),
    )


def test_a_sale_taken_back_later_still_stands_in_the_book_of_its_month(ledger: Warehouse) -> None:
    cars = {car["stock_number"]: car for car in stock_book(ledger, date(2026, 2, 1), date(2026, 2, 28)).to_pylist()}
    assert cars["S3"]["sold_on"] == date(2026, 2, 10)
    assert cars["S3"]["vat_due"] == Decimal("166.67")
    assert cars["S1"]["sold_on"] is None
    assert "S2" not in cars


def test_deposits_and_credit_balances(ledger: Warehouse) -> None:
    (deposit,) = credits_table(ledger, LAST).to_pylist()
    assert (deposit["document"], deposit["unapplied"], deposit["customer_balance"], deposit["days_open"]) == (
        *("P2", Decimal("-300.00"), Decimal("-50.00")),
        1,
    )
    assert [row.cells for row in totals(credits_table(ledger, LAST)).rows] == [
        ("R1", "GBP", "payment", 1, Decimal("-300.00"), 1)
    ]


@pytest.mark.metrics("5.adds-up")
def test_the_planted_cent_is_found_first(ledger: Warehouse) -> None:
    rows = tieout(ledger, LAST)
    assert [(row["rooftop"], row["difference"], row["verdict"]) for row in rows] == [
        ("R1", Decimal("-0.01"), "differs"),
        ("R2", Decimal("0.00"), "ties"),
    ]
    assert tied(rows) == "1 of 2 control accounts of this day tie; R1 customer by GBP \u22120.01 differs."


def test_roll_forward_provision_and_movements_agree_with_the_ageing(ledger: Warehouse) -> None:
    ageing = ageing_table(ledger, LAST).to_pylist()
    rolled = {row["rooftop"]: row for row in rollforward(ledger, LAST)}
    for rooftop, row in rolled.items():
        assert row["closing"] == sum(one["outstanding_base"] for one in ageing if one["rooftop"] == rooftop)
        assert row["month"] == FIRST
    assert rolled["R1"]["write_offs"] == Decimal("12.00")
    assert {row["month"] for row in rollforward(ledger, date(2026, 3, 15))} == {date(2026, 2, 1)}
    moved = movements_table(ledger, LAST).to_pylist()
    assert sum(row["amount"] for row in moved) == sum(row["outstanding"] for row in ageing)
    metric = load_metrics(ledger)["receivable_provision"]
    kpi = {row.currency: row.value for row in compute(ledger, metric, Period(LAST, LAST, LAST))}
    provided = {row["currency"]: Decimal(0) for row in provision(ledger, LAST, "due")}
    for row in provision(ledger, LAST, "due"):
        provided[row["currency"]] += row["provision"]
    assert provided["GBP"] == Decimal("48.80")
    assert {currency: Decimal(str(value)) for currency, value in kpi.items()} == provided


def test_the_pack_of_a_month_is_whole_and_summed(ledger: Warehouse) -> None:
    files = month_end_pack(ledger, FIRST, LAST)
    assert {
        *("ageing_due_all.csv", "ageing_due_all.xlsx", "ageing_due_all.pdf", "ageing_invoice_customer.xlsx"),
        *("tie_out.csv", "roll_forward.csv", "deposits_and_credits.csv", "deposits_and_credits.xlsx"),
        *("stock_book.csv", "stock_book.xlsx", "headlines.csv"),
    } <= set(files)
    assert files == month_end_pack(ledger, FIRST, LAST)
    listed = dict(line.split("  ")[::-1] for line in sums(files).decode().splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert files["tie_out.csv"].decode().splitlines()[1] == (
        "R1,Example Motors Ltd,customer,GBP,508.51,508.50,-0.01,differs,0"
    )
    assert b"'=1+1" in files["deposits_and_credits.csv"]
    book = openpyxl.load_workbook(io.BytesIO(files["deposits_and_credits.xlsx"]))
    assert "=1+1" in [cell.value for cell in book["Documents"][3] if cell.data_type == "s"]
