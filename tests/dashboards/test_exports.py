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
import pypdf
import pytest

from dashboards.reports import ageing as ageing_report
from dashboards.reports import sheets
from dashboards.reports.ageing import ageing_pdf
from dashboards.reports.exports import Format, ageing_file, export_ageing, export_name, record_export
from dashboards.reports.receivables import (
    COLUMNS,
    CURRENCIES,
    EVERYTHING,
    Choice,
    ageing_facts,
    ageing_table,
    bucket_order,
    movements_table,
    summary_blocks,
    sums_by_schedule,
    tied,
    tieout,
)
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.exported import csv_of, harmless
from forecourt.home import Home
from tests.support.command import call

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
            select *, 10::decimal(9,4) as provision_percent, date '1900-01-01' as valid_from, null::date as valid_to
            from (values
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
                'GBP' as base_currency, 0.25 as received_after, 'invoices.csv' as file, 7 as "row", document as key,
                outstanding > 0 as is_debit, cast(outstanding / 10 as decimal(18,2)) as provision,
                days_past_due as bucket_position
            from marts.open_documents"""
        )
        connection.execute(
            """create table marts.fct_control_tieout as
            select 'R1' as rooftop, 'Example Ltd' as legal_entity, schedule, date '2026-03-31' as as_of,
                'GBP' as currency, control_balance::decimal(18,2) as control_balance,
                outstanding::decimal(18,2) as outstanding,
                (outstanding - control_balance)::decimal(18,2) as difference, 0 as documents_without_rate
            from (values ('contract_in_transit', 22000, 22000), ('customer', -29.40, -29.39), ('employee', 7, 2))
                as balances(schedule, control_balance, outstanding)"""
        )
        connection.execute(
            """create table marts.fct_receivable_movement as
            select document as receivable_key, document || 'posted' as movement_key, 'posted' as movement,
                document_kind as kind, null::varchar as counter_document_key, posted_on as effective_on,
                amount, 'f1' as file_id, 7 as row_number
            from marts.open_documents
            union all
            select document, document || 'paid', 'allocated', 'payment', 'R1|payment|P9', date '2026-03-31',
                outstanding - amount, 'f1', 8
            from marts.open_documents where amount <> outstanding
            union all
            select 'I9', 'later', 'allocated', 'payment', null, date '2026-04-01', -500, 'f1', 9"""
        )
        connection.execute("create table meta.files as select 'f1' as file_id, 'movements.csv' as name")
        connection.execute(
            """create table marts.fct_receivable_rollforward as
            select 'R1' as rooftop, 'Example Ltd' as legal_entity, 'customer' as schedule, 'GBP' as currency, month,
                last_day(month) as through_on, 10::decimal(18,2) as opening, 100.50::decimal(18,2) as invoices,
                40::decimal(18,2) as cash, 0::decimal(18,2) as refunds_and_returned,
                99.89::decimal(18,2) as credit_notes,
                0::decimal(18,2) as write_offs, 0::decimal(18,2) as fx, 0::decimal(18,2) as transfers,
                (-29.39)::decimal(18,2) as closing, 0 as documents_without_rate
            from (values (date '2026-02-01'), (date '2026-03-01'), (date '2026-04-01')) as months(month)"""
        )
    return Warehouse(path)


def workbook_of(warehouse: Warehouse, choice: Choice = EVERYTHING, *, values: bool = True) -> openpyxl.Workbook:
    """The ageing as a workbook, read back; ``values``: subtotals as their values, else as formulas."""
    facts = ageing_facts(warehouse, AS_OF, choice=choice)
    data = ageing_file(warehouse, ageing_table(warehouse, AS_OF, choice=choice), facts, "xlsx")
    return openpyxl.load_workbook(io.BytesIO(data), data_only=values)


def found_in(book: openpyxl.Workbook, name: str) -> list[list[Any]]:
    return [[cell.value for cell in line] for line in book[name].iter_rows()]


def pages_of(data: bytes) -> list[str]:
    """The text of every page of a pdf."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def test_csv_keeps_its_contract(warehouse: Warehouse) -> None:
    text = csv_of(ageing_table(warehouse, AS_OF)).decode("utf-8")
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


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_equal_rows_give_equal_bytes(warehouse: Warehouse, kind: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    table, facts = ageing_table(warehouse, AS_OF), ageing_facts(warehouse, AS_OF)
    first = ageing_file(warehouse, table, facts, kind)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert ageing_file(warehouse, ageing_table(warehouse, AS_OF), facts, kind) == first
    if kind != "csv":
        assert ageing_file(warehouse, table, replace(facts, run_id="another"), kind) != first


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "+44 x"])
def test_a_text_that_a_spreadsheet_would_run_is_led_by_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "+447700900123", "-77"])
def test_plain_numbers_are_left_as_the_source_gives_them(text: str) -> None:
    assert harmless(text) == text


def test_csv_runs_nothing(warehouse: Warehouse) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(ageing_table(warehouse, AS_OF)).decode())))
    names = {row["document"]: row["customer_name"] for row in rows}
    assert names["I2"] == "'=cmd|' /C calc'!A0"
    assert names["P1"] == "'@SUM(A1)"
    assert names["-77"] == "-12.50"
    outstanding = {row["document"]: row["outstanding"] for row in rows}
    assert outstanding["P1"] == "-99.99"


def test_every_sheet_of_a_workbook_can_be_printed(warehouse: Warehouse) -> None:
    """Landscape, as wide as the paper, with its heads on every page and its number at the foot."""
    for sheet in workbook_of(warehouse):
        page = sheet.page_setup
        assert (page.orientation, page.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (
            *("landscape", 0),
            True,
        )
        assert "page &P of &N" in str(sheet.oddFooter.right.text)
        (area,) = str(sheet.print_area).split(",")
        last = area.rpartition(":")[2].replace("$", "")
        assert sheet[last].row >= sheet.max_row - 1, sheet.title
        assert sheet[last].column >= max(cell.column for row in sheet for cell in row if cell.value is not None)
        heads = {"Cover": None, "Summary": None, "Customers": None, "Provision": "$1:$3", "Roll-forward": "$1:$3"}
        assert sheet.print_title_rows == heads.get(sheet.title, "$2:$2"), sheet.title


def test_workbook_reads_back(warehouse: Warehouse) -> None:
    book = workbook_of(warehouse)
    assert book.sheetnames == [
        *("Cover", "Summary", "Customers", "Provision", "Roll-forward"),
        *("Detail EUR", "Detail GBP", "Movements EUR", "Movements GBP"),
    ]
    detail = book["Detail GBP"]
    assert detail.freeze_panes == "A3"
    assert detail.auto_filter.ref == "A2:V6"
    heads = [cell.value.replace(" ", "_") for cell in detail[2]]
    assert heads == CONTRACT
    rows = [dict(zip(heads, (cell.value for cell in line), strict=True)) for line in detail.iter_rows(min_row=3)]
    assert sum(Decimal(str(row["outstanding"])) for row in rows) == Decimal("21970.61")
    texts = {row["document"]: row["customer_name"] for row in rows}
    assert texts["I2"] == "=cmd|' /C calc'!A0"
    (foreign,) = book["Detail EUR"].iter_rows(min_row=3, values_only=True)
    assert (foreign[9].date(), foreign[18]) == (date(2026, 2, 9), "yes")


def test_the_only_formulas_are_subtotals_of_the_rows_shown(warehouse: Warehouse) -> None:
    book = workbook_of(warehouse, values=False)
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.data_type == "f"]
    assert {cell.row for cell in cells} == {1}
    assert book["Detail GBP"]["M1"].value == "=SUBTOTAL(109,M3:M6)"
    assert workbook_of(warehouse)["Detail GBP"]["M1"].value == 21970.61
    assert all(str(cell.value).startswith("=SUBTOTAL(109,") for cell in cells)


def test_movements_add_up_to_what_is_open(warehouse: Warehouse) -> None:
    movements = movements_table(warehouse, AS_OF).to_pylist()
    open_documents = {row["document"]: row["outstanding"] for row in ageing_table(warehouse, AS_OF).to_pylist()}
    assert {row["document"]: row["open_after"] for row in movements} == open_documents
    assert all(row["effective_on"] <= AS_OF for row in movements)
    (paid,) = (row for row in movements if row["document"] == "I9" and row["movement"] == "allocated")
    assert (paid["counter_document"], paid["file"], paid["row"]) == ("R1 payment P9", "movements.csv", 8)
    book = workbook_of(warehouse, Choice(("R2",)))
    assert [line[-4] for line in found_in(book, "Movements")[2:]] == [1000, -500]


@pytest.mark.metrics("5.adds-up")
def test_cover_says_what_it_is_and_whether_it_ties(warehouse: Warehouse) -> None:
    lines = found_in(workbook_of(warehouse, Choice(("R1",))), "Cover")
    found = {line[0]: line[1:] for line in lines if line[0]}
    assert found["As of"][0].date() == AS_OF
    assert found["Rooftops"][0] == "R1"
    assert found["Run"][0] == "20260401T050000"
    assert found["Receivables landed to"][0].date() == AS_OF
    assert found[CURRENCIES][0] is None
    assert found["GBP"] == [22070.6, -99.99, 21970.61, 0, 0.75, 4]
    assert (
        "1 of 3 control accounts of this day tie; R1 employee by GBP \u22125.00, R1 customer by GBP 0.01 differ."
        in found
    )
    assert [line for line in lines if line[0] == "R1"] == [
        ["R1", "employee", "GBP", 7, 2, -5, "differs"],
        ["R1", "customer", "GBP", -29.4, -29.39, 0.01, "differs"],
        ["R1", "contract in transit", "GBP", 22000, 22000, 0, "ties"],
    ]


def test_a_day_that_the_data_do_not_reach_is_said_on_the_cover(warehouse: Warehouse) -> None:
    def cover(day: date) -> dict[str, Any]:
        return dict(ageing_facts(warehouse, day).cover(0))

    assert cover(date(2026, 4, 2))["Beyond the data"].startswith("The receivables reach only 2026-03-31;")
    assert "Beyond the data" not in cover(AS_OF)


def test_the_command_says_that_the_data_do_not_reach_a_day(single_feed_home: Home, tmp_path: Path) -> None:
    def said(day: str) -> str:
        words = ("export", "ageing", "--as-of", day, "--format", "csv", "-o", str(tmp_path / f"{day}.csv"))
        answer = call(*words, "--home", str(single_feed_home.root))
        assert answer.exit_code == 0
        return answer.stderr

    assert said("2099-12-31") == (
        "The receivables reach only 2026-03-31; nothing later is in the ageing as of 2099-12-31.\n"
    )
    assert (tmp_path / "2099-12-31.csv").read_text("utf-8").count("\n") == 3
    assert said("2026-03-31") == ""


def test_a_schedule_without_a_control_balance_is_said(warehouse: Warehouse) -> None:
    rows = tieout(warehouse, AS_OF)
    assert [(row["rooftop"], row["schedule"], row["verdict"]) for row in rows][2] == (
        "R2",
        "customer",
        "no control balance",
    )
    assert tied(rows).endswith("1 open schedule has no control balance.")
    assert tied(tieout(warehouse, date(2026, 3, 30))).startswith("No control balance of this day was landed")


@pytest.mark.metrics("5.no-netting")
def test_summary_shows_every_bucket_and_adds_up(warehouse: Warehouse) -> None:
    lines = found_in(workbook_of(warehouse), "Summary")
    customers = next(line for line in lines if line[:2] == ["customer", "GBP"])
    assert customers[2:] == [70.5, -99.99, 0, 0, 0, 0.1, 70.6, -99.99, -29.39, 0.5]
    heads = next(line for line in lines if line[0] == "Schedule" and "not due" in line)
    assert heads[2:8] == ["not due", "1-30 days", "31-60 days", "61-90 days", "91-120 days", "121+ days"]
    transit = next(line for line in lines if line[:2] == ["contract in transit", "GBP"])
    assert transit[2:4] == [0, 22000]


def test_customers_provision_and_roll_forward_have_sheets(warehouse: Warehouse) -> None:
    book = workbook_of(warehouse)
    (one,) = (line for line in found_in(book, "Customers") if line[1] == "C9")
    assert one[:5] == ["Zoë Ünlü", "C9", "R2", "customer", "EUR"]
    assert one[7] == one[11] == 500
    provided = found_in(book, "Provision")
    assert ["customer", "GBP", "31-60 days", 500, 10, 50] in provided
    assert provided[-1] == ["Total", "GBP", None, 22570.6, None, 2257.06]
    rolled = found_in(book, "Roll-forward")
    assert rolled[1][0].startswith("2026-03-01 to 2026-03-31, at booked rates")
    assert rolled[3] == ["R1", "customer", "GBP", 10, 100.5, 40, 0, 99.89, 0, 0, 0, -29.39]


def test_pdf_has_cover_summary_detail_and_page_numbers(warehouse: Warehouse) -> None:
    pages = pages_of(ageing_pdf(ageing_table(warehouse, AS_OF), ageing_facts(warehouse, AS_OF)))
    cover = pages[0]
    for said in ("Receivable ageing", "As of 2026-03-31", "Receivables landed to 2026-03-31", "22,070.60", "0.01"):
        assert said in cover
    assert CURRENCIES in " ".join(cover.split())
    assert cover.index("employee") < cover.index("customer GBP") < cover.index("contract in transit")
    assert "31-60 days" in pages[1]
    assert "Zoë Ünlü" in pages[1]
    assert "-99.99" in pages[-1]
    assert [f"Page {number} of {len(pages)}" in page for number, page in enumerate(pages, 1)] == [True] * len(pages)


def test_what_a_pdf_cannot_hold_is_refused(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    table, facts = ageing_table(warehouse, AS_OF), ageing_facts(warehouse, AS_OF)
    monkeypatch.setattr(ageing_report, "PAPER_ROWS", 4)
    with pytest.raises(Problem, match="5 open documents are too many for a pdf, which holds 4"):
        ageing_pdf(table, facts)


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
    monkeypatch.setattr(sheets, "SHEET_ROWS", 2)
    book = workbook_of(warehouse)
    details = [name for name in book.sheetnames if name.startswith("Detail")]
    assert details == ["Detail EUR", "Detail GBP 1 of 2", "Detail GBP 2 of 2"]
    assert sum(book[name].max_row - 2 for name in details) == len(ROWS)


def test_choice_of_rooftop_schedule_entity_and_currency(warehouse: Warehouse) -> None:
    def rows(choice: Choice) -> int:
        return ageing_table(warehouse, AS_OF, choice=choice).num_rows

    assert rows(Choice(("R2",))) == 1
    assert rows(Choice(("R1", "R2"), "customer")) == 4
    assert rows(Choice(currency="EUR")) == 1
    assert rows(Choice(entity="Example Ltd", schedule="customer", currency="GBP")) == 3
    assert rows(Choice(entity="Another Ltd")) == 0
    assert rows(Choice(("R1' or true --",))) == 0


def test_nothing_open_still_gives_whole_files(warehouse: Warehouse) -> None:
    nothing = Choice(("R7",))
    table = ageing_table(warehouse, AS_OF, choice=nothing)
    assert csv_of(table).decode() == ",".join(CONTRACT) + "\n"
    assert ["Nothing is open on this day."] in [line[:1] for line in found_in(workbook_of(warehouse, nothing), "Cover")]
    assert (
        "Nothing is open on this day." in pages_of(ageing_pdf(table, ageing_facts(warehouse, AS_OF, choice=nothing)))[0]
    )


def test_unknown_basis_and_missing_receivables_are_sentences(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="use due or invoice"):
        ageing_table(warehouse, AS_OF, "posted")  # type: ignore[arg-type]
    bare = tmp_path / "bare.duckdb"
    duckdb.connect(str(bare)).close()
    with pytest.raises(Problem, match="dms_invoices"):
        ageing_table(Warehouse(bare), AS_OF)


def test_every_export_is_entered_in_the_log(warehouse: Warehouse, tmp_path: Path) -> None:
    home = Home(tmp_path)
    table, facts = ageing_table(warehouse, AS_OF), ageing_facts(warehouse, AS_OF, choice=Choice(schedule="customer"))
    data = csv_of(table)
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
            "entity": None,
            "currency": None,
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
    assert output.read_bytes() == csv_of(ageing_table(warehouse, AS_OF))
    assert (facts["rows"], facts["as_of"]) == (5, "2026-03-31")
    assert [file.name for file in output.parent.iterdir()] == ["ageing.csv"]
    (tmp_path / "taken").write_text("")
    with pytest.raises(Problem, match="cannot be written"):
        export_ageing(Home(tmp_path), warehouse, tmp_path / "taken" / "a.csv", kind="csv", as_of=AS_OF)
