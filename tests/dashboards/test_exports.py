"""The ageing as files: the contract of the csv, equal bytes, harmless texts, a workbook that reads back to the cent."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from dashboards import workbook
from dashboards.exports import (
    ageing_csv,
    ageing_facts,
    ageing_table,
    ageing_xlsx,
    export_ageing,
    export_name,
    harmless,
    record_export,
)
from dashboards.receivables import COLUMNS, bucket_order, summary_blocks, sums_by_schedule
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home

AS_OF = date(2026, 3, 31)
CONTRACT = [
    *("rooftop", "legal_entity", "schedule", "customer_id", "customer_name", "document", "document_kind", "instalment"),
    *("posted_on", "due_on", "currency", "amount", "outstanding", "rate", "outstanding_base", "base_currency"),
    *("days_past_due", "bucket", "disputed", "received_after", "file", "row"),
]

#: rooftop, schedule, customer, name, document, kind, posted, due, currency, amount, outstanding, days, bucket, disputed
ROWS: list[tuple[Any, ...]] = [
    (
        "R2",
        "customer",
        "C9",
        "Zoë Ünlü",
        "I9",
        "invoice",
        "2026-01-10",
        "2026-02-09",
        "EUR",
        1000,
        500.0,
        50,
        "31-60",
        True,
    ),
    (
        "R1",
        "customer",
        "C2",
        "=cmd|' /C calc'!A0",
        "I2",
        "invoice",
        "2026-03-20",
        "2026-04-20",
        "GBP",
        70.5,
        70.5,
        -20,
        "not_due",
        False,
    ),
    (
        "R1",
        "customer",
        "C1",
        "-12.50",
        "-77",
        "invoice",
        "2025-01-01",
        "2025-01-31",
        "GBP",
        0.1,
        0.1,
        424,
        "121+",
        False,
    ),
    (
        "R1",
        "customer",
        "C1",
        "@SUM(A1)",
        "P1",
        "payment",
        "2026-03-01",
        "2026-03-01",
        "GBP",
        -100,
        -99.99,
        30,
        "1-30",
        False,
    ),
    (
        "R1",
        "contract_in_transit",
        "F1",
        'Line\nbreak, "quoted"',
        "I5",
        "invoice",
        "2026-03-25",
        "2026-03-25",
        "GBP",
        22000,
        22000,
        6,
        "4-7",
        False,
    ),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A published file with what an export reads, by hand."""
    path = tmp_path / "20260401T050000.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema meta")
        connection.execute("create table meta.runs as select '0.1.0' as version, null::timestamp as known_at")
        connection.execute(
            "create table meta.freshness as "
            "select 'dms_invoices' as feed, 'R1' as rooftop, date '2026-03-31' as data_through"
        )
        connection.execute(
            """create table marts.dim_ageing_bucket as
            select *, date '1900-01-01' as valid_from, null::date as valid_to from (values
                ('default', 'due', 0, 'not_due'), ('default', 'due', 1, '1-30'), ('default', 'due', 2, '31-60'),
                ('default', 'due', 3, '61-90'), ('default', 'due', 4, '91-120'), ('default', 'due', 5, '121+'),
                ('contract_in_transit', 'due', 0, '0-3'), ('contract_in_transit', 'due', 1, '4-7')
            ) as buckets(schedule, aged_by, position, label)"""
        )
        connection.execute(
            """create table marts.open_documents (
                rooftop varchar, schedule varchar, customer_id varchar, customer_name varchar, document varchar,
                document_kind varchar, posted_on date, due_on date, currency varchar, amount decimal(18,2),
                outstanding decimal(18,2), days_past_due integer, bucket varchar, disputed boolean)"""
        )
        connection.executemany(f"insert into marts.open_documents values ({', '.join('?' * 14)})", ROWS)
        connection.execute(
            """create macro marts.receivable_ageing(as_of, basis) as table
            select *, 'Example Ltd' as legal_entity, 1 as instalment, 1.0 as rate, outstanding as outstanding_base,
                'GBP' as base_currency, 0.00 as received_after, 'invoices.csv' as file, 7 as "row", 'x' as key
            from marts.open_documents"""
        )
        connection.execute(
            """create table marts.fct_control_tieout as
            select 'R1' as rooftop, 'customer' as schedule, date '2026-03-31' as as_of, 'GBP' as currency,
                -29.40::decimal(18,2) as control_balance, -29.39::decimal(18,2) as outstanding,
                0.01::decimal(18,2) as difference"""
        )
    return Warehouse(path)


def test_csv_keeps_its_contract(warehouse: Warehouse) -> None:
    text = ageing_csv(ageing_table(warehouse, AS_OF)).decode("utf-8")
    assert "\r" not in text
    header, *lines = csv.reader(io.StringIO(text))
    assert header == CONTRACT == list(COLUMNS)
    assert len(lines) == len(ROWS)
    first = dict(zip(header, lines[0], strict=True))
    assert first["schedule"] == "contract_in_transit"
    assert first["customer_name"] == 'Line\nbreak, "quoted"'
    last = dict(zip(header, lines[-1], strict=True))
    assert last["customer_name"] == "Zoë Ünlü"
    assert (last["outstanding"], last["due_on"], last["disputed"], last["rate"]) == (
        "500.00",
        "2026-02-09",
        "true",
        "1.000000",
    )


def test_rows_stand_in_the_order_of_the_contract(warehouse: Warehouse) -> None:
    table = ageing_table(warehouse, AS_OF)
    found = list(zip(*(table.column(name).to_pylist() for name in ("rooftop", "schedule", "document")), strict=True))
    assert found == [
        ("R1", "contract_in_transit", "I5"),
        ("R1", "customer", "-77"),
        ("R1", "customer", "P1"),
        ("R1", "customer", "I2"),
        ("R2", "customer", "I9"),
    ]


def test_equal_rows_give_equal_bytes(warehouse: Warehouse) -> None:
    tables = [ageing_table(warehouse, AS_OF) for _ in range(2)]
    facts = ageing_facts(warehouse, AS_OF)
    assert ageing_csv(tables[0]) == ageing_csv(tables[1])
    assert ageing_xlsx(tables[0], facts) == ageing_xlsx(tables[1], facts)
    assert ageing_xlsx(tables[0], facts) != ageing_xlsx(tables[0], replace(facts, run_id="another"))


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "+44 x"])
def test_a_text_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "+447700900123", "-77"])
def test_plain_numbers_are_left_as_the_source_gives_them(text: str) -> None:
    assert harmless(text) == text


def test_csv_runs_nothing(warehouse: Warehouse) -> None:
    rows = list(csv.DictReader(io.StringIO(ageing_csv(ageing_table(warehouse, AS_OF)).decode())))
    names = {row["document"]: row["customer_name"] for row in rows}
    assert names["I2"] == "'=cmd|' /C calc'!A0"
    assert names["P1"] == "'@SUM(A1)"
    assert names["-77"] == "-12.50"
    outstanding = {row["document"]: row["outstanding"] for row in rows}
    assert outstanding["P1"] == "-99.99"


def test_workbook_reads_back(warehouse: Warehouse) -> None:
    table = ageing_table(warehouse, AS_OF)
    book = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, ageing_facts(warehouse, AS_OF))))
    assert book.sheetnames == ["Cover", "Summary", "Detail"]
    detail = book["Detail"]
    assert detail.freeze_panes == "A2"
    assert detail.auto_filter.ref == f"A1:V{len(ROWS) + 1}"
    heads = [cell.value.replace(" ", "_") for cell in detail[1]]
    assert heads == CONTRACT
    rows = [dict(zip(heads, (cell.value for cell in line), strict=True)) for line in detail.iter_rows(min_row=2)]
    assert sum(Decimal(str(row["outstanding"])) for row in rows) == Decimal("22470.61")
    assert rows[-1]["due_on"].date() == date(2026, 2, 9)
    assert rows[-1]["disputed"] == "yes"
    texts = {row["document"]: row["customer_name"] for row in rows}
    assert texts["I2"] == "=cmd|' /C calc'!A0"


def test_workbook_holds_no_formulas(warehouse: Warehouse) -> None:
    table = ageing_table(warehouse, AS_OF)
    book = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, ageing_facts(warehouse, AS_OF))))
    kinds = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}
    assert "f" not in kinds


@pytest.mark.metrics("5.adds-up")
def test_cover_says_what_it_is_and_whether_it_ties(warehouse: Warehouse) -> None:
    facts = ageing_facts(warehouse, AS_OF, rooftops=["R1"])
    table = ageing_table(warehouse, AS_OF, rooftops=["R1"])
    cover = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, facts)))["Cover"]
    found = {line[0].value: [cell.value for cell in line[1:]] for line in cover.iter_rows() if line[0].value}
    assert found["As of"][0].date() == AS_OF
    assert found["Rooftops"][0] == "R1"
    assert found["Run"][0] == "20260401T050000"
    assert found["Receivables landed to"][0] == "2026-03-31"
    assert found["GBP"] == [22070.6, -99.99, 21970.61, 0, 4]
    assert found["R1 customer"] == ["GBP", -29.4, -29.39, 0.01, "differs"]


@pytest.mark.metrics("5.no-netting")
def test_summary_shows_every_bucket_and_adds_up(warehouse: Warehouse) -> None:
    table = ageing_table(warehouse, AS_OF)
    sheet = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, ageing_facts(warehouse, AS_OF))))["Summary"]
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    customers = next(line for line in lines if line[:2] == ["customer", "GBP"])
    assert customers[2:] == [70.5, -99.99, 0, 0, 0, 0.1, 70.6, -99.99, -29.39]
    heads = next(line for line in lines if line[0] == "Schedule" and "not due" in line)
    assert heads[2:8] == ["not due", "1-30 days", "31-60 days", "61-90 days", "91-120 days", "121+ days"]
    transit = next(line for line in lines if line[:2] == ["contract_in_transit", "GBP"])
    assert transit[2:4] == [0, 22000]


@pytest.mark.metrics("5.currencies")
def test_sums_keep_currencies_apart_and_buckets_add_up(warehouse: Warehouse) -> None:
    sums = sums_by_schedule(ageing_table(warehouse, AS_OF))
    assert set(sums) == {("contract_in_transit", "GBP"), ("customer", "GBP"), ("customer", "EUR")}
    for part in sums.values():
        assert sum(part.buckets.values()) == part.net == part.gross + part.unallocated
        assert sum(part.owed.values()) == part.gross
    assert sums["customer", "EUR"].disputed == Decimal("500.00")


def test_a_bucket_that_no_setting_names_is_shown_too(warehouse: Warehouse) -> None:
    sums = sums_by_schedule(ageing_table(warehouse, AS_OF))
    blocks = dict(summary_blocks(sums, {"default": ("not_due", "1-30")}))
    assert list(blocks) == [("not_due", "1-30", "4-7", "31-60", "121+")]
    assert sorted(["121+", "not_due", "31-60", "1-30", "91-120"], key=bucket_order)[0] == "not_due"


def test_more_rows_than_a_sheet_go_on_in_the_next(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "DETAIL_ROWS", 2)
    table = ageing_table(warehouse, AS_OF)
    book = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, ageing_facts(warehouse, AS_OF))))
    assert book.sheetnames[2:] == ["Detail 1 of 3", "Detail 2 of 3", "Detail 3 of 3"]
    assert sum(book[name].max_row - 1 for name in book.sheetnames[2:]) == len(ROWS)


def test_choice_of_rooftop_and_schedule(warehouse: Warehouse) -> None:
    assert ageing_table(warehouse, AS_OF, rooftops=["R2"]).num_rows == 1
    assert ageing_table(warehouse, AS_OF, rooftops=["R1", "R2"], schedule="customer").num_rows == 4
    assert ageing_table(warehouse, AS_OF, rooftops=["R1' or true --"]).num_rows == 0


def test_nothing_open_still_gives_whole_files(warehouse: Warehouse) -> None:
    table = ageing_table(warehouse, AS_OF, rooftops=["R7"])
    facts = ageing_facts(warehouse, AS_OF, rooftops=["R7"])
    assert ageing_csv(table).decode() == ",".join(CONTRACT) + "\n"
    book = openpyxl.load_workbook(io.BytesIO(ageing_xlsx(table, facts)))
    assert "Nothing is open on this day." in [cell.value for line in book["Cover"].iter_rows() for cell in line]


def test_unknown_basis_and_missing_receivables_are_sentences(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="use due or invoice"):
        ageing_table(warehouse, AS_OF, "posted")  # type: ignore[arg-type]
    bare = tmp_path / "bare.duckdb"
    duckdb.connect(str(bare)).close()
    with pytest.raises(Problem, match="dms_invoices"):
        ageing_table(Warehouse(bare), AS_OF)


def test_every_export_is_entered_in_the_log(warehouse: Warehouse, tmp_path: Path) -> None:
    home = Home(tmp_path)
    table, facts = ageing_table(warehouse, AS_OF), ageing_facts(warehouse, AS_OF, schedule="customer")
    data = ageing_csv(table)
    for _ in range(2):
        record_export(home, data, facts, name=export_name(facts, "csv"), rows=table.num_rows, by="page")
    entries = [json.loads(line) for line in home.exports_log.read_text(encoding="utf-8").splitlines()]
    assert [entry["sha256"] for entry in entries] == [entries[0]["sha256"]] * 2
    assert entries[0] | {"at": "", "sha256": ""} == {
        "at": "",
        "export": "ageing",
        "name": "ageing_2026-03-31_due_customer.csv",
        "sha256": "",
        "bytes": len(data),
        "rows": 5,
        "parameters": {
            "as_of": "2026-03-31",
            "basis": "due",
            "rooftops": [],
            "schedule": "customer",
            "known_at": None,
            "part": "all open documents",
        },
        "data_through": "2026-03-31",
        "run": "20260401T050000",
        "version": "0.1.0",
        "by": "page",
    }


def test_command_writes_the_file_whole_and_says_what_is_in_it(warehouse: Warehouse, tmp_path: Path) -> None:
    output = tmp_path / "out" / "ageing.csv"
    facts = export_ageing(Home(tmp_path), warehouse, output, kind="csv", as_of=AS_OF)
    assert output.read_bytes() == ageing_csv(ageing_table(warehouse, AS_OF))
    assert (facts["rows"], facts["as_of"]) == (5, "2026-03-31")
    assert [file.name for file in output.parent.iterdir()] == ["ageing.csv"]
    (tmp_path / "taken").write_text("")
    with pytest.raises(Problem, match="cannot be written"):
        export_ageing(Home(tmp_path), warehouse, tmp_path / "taken" / "a.csv", kind="csv", as_of=AS_OF)
