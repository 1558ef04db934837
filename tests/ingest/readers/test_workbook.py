"""Cells of workbooks as text: dates, numbers, errors, formulas, and where the table stands in a sheet."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from forecourt.errors import Problem
from ingest.readers.rows import Records
from ingest.readers.workbook import Place, find_table, first_filled_row, read_sheet
from ingest.readers.workbook_altered import adds_up_above
from ingest.readers.workbook_open import open_workbook
from tests.ingest.workbooks import DIVISION, Cell, Padded, compound, ods, rewritten, xls, xlsb, xlsx, zipped

SHEET = "xl/worksheets/sheet1.xml"


def read(data: bytes, **how: Any) -> Records:
    book = open_workbook(data)
    place = first_filled_row(book)
    assert place
    return read_sheet(book, place, **how)


def cells(records: Records) -> list[list[str]]:
    names = [f"c{place}" for place in range(len(records.header))]
    return [[row[name] for name in names] for row in records.rows.to_pylist()]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1234567.125, "1234567.125"),
        (0.0000001, "0.0000001"),
        (12345678901234.0, "12345678901234"),
        (4111222233334444, "4111222233334444"),
        (1234567890123456789, "1.23456789012346E+18"),
        (1e300, "1E+300"),
        (-5, "-5"),
        (True, "true"),
        (date(2026, 3, 31), "2026-03-31"),
        (datetime(2026, 3, 31, 14, 5, 1), "2026-03-31T14:05:01"),  # noqa: DTZ001
        (datetime(2026, 3, 31, 14, 5, 1, 250000), "2026-03-31T14:05:01.250"),  # noqa: DTZ001
        ("007", "007"),
        ("=cmd|'/c calc'!A1", "=cmd|'/c calc'!A1"),
        (" no-break\u00a0", "no-break"),
    ],
)
def test_a_cell_is_the_text_that_a_person_sees(cell: Cell, text: str) -> None:
    assert cells(read(xlsx({"S": [["a", "b"], ["x", cell]]}))) == [["x", text]]


def test_numbers_get_the_decimal_mark_of_the_source() -> None:
    assert cells(read(xlsx({"S": [["a"], [1234.5], ["1.234,50"]]}), decimal=",")) == [["1234,5"], ["1.234,50"]]


def test_an_error_and_a_formula_without_a_value_are_no_empty_cells() -> None:
    book = xlsx({"S": [["a", "b", "c"], [1, 2, 3]]})
    book = rewritten(book, SHEET, (b'<c r="A2"><v>1</v></c>', b'<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>'))
    book = rewritten(book, SHEET, (b'<c r="B2"><v>2</v></c>', b'<c r="B2"><f>IF(A1&lt;2,"x")</f></c>'))
    book = rewritten(book, SHEET, (b'<c r="C2"><v>3</v></c>', b'<c r="C2"><f>SUM(A1:B1)</f><v>7</v></c>'))
    assert cells(read(book)) == [["#DIV/0!", '=IF(A1<2,"x")', "7"]]


def test_a_formula_is_uncomputed_where_it_has_no_value_but_may_give_an_empty_text() -> None:
    book = xlsx({"S": [["a", "b", "c", "d"], [1, 2, 3, 4]]})
    # What openpyxl, XlsxWriter and a spreadsheet program leave; all formulas at 0 were never computed.
    for cell, formula in (
        (b'<c r="A2"><v>1</v></c>', b'<c r="A2"><f>1+1</f><v></v></c>'),
        (b'<c r="B2"><v>2</v></c>', b'<c r="B2"><f>1+2</f><v>0</v></c>'),
        (b'<c r="C2"><v>3</v></c>', b'<c r="C2" t="str"><f>""</f><v></v></c>'),
    ):
        book = rewritten(book, SHEET, (cell, formula))
    found = read(book)
    assert cells(found) == [["=1+1", "=1+2", "", "4"]]
    assert "formulas in it were never computed" in found.remarks[0].sentence
    computed = rewritten(book, SHEET, (b'<c r="D2"><v>4</v></c>', b'<c r="D2"><f>2+2</f><v>4</v></c>'))
    assert cells(read(computed)) == [["=1+1", "0", "", "4"]]


@pytest.mark.parametrize(
    ("form", "number", "text"),
    [
        ("00000", 123, "00123"),
        ("00000", 1234567, "1234567"),
        ('"Stk-"0000', 12, "Stk-0012"),
        ('0000"-"00"-"00', 20260331, "2026-03-31"),
        ("000\\ 000", 7042, "007 042"),
        ("[Red]_(00_)", 7, "07"),
        ("00000;-00000", -7, "-7"),
        ("00000", 1.5, "1.5"),
        ("#,##0.00 €", 1234, "1234"),
        ('0 "km"', 41000, "41000"),
        ("00.00", 5, "5"),
        ("00%", 0.05, "0.05"),
        ("00E+00", 5, "5"),
        ("dd.mm.yyyy", 46112, "2026-03-31"),
        ("General", 7, "7"),
    ],
)
def test_a_number_that_is_shown_with_leading_zeros_has_them(form: str, number: float, text: str) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet("S")
        sheet.write(0, 0, "a")
        sheet.write(1, 0, number, book.add_format({"num_format": form}))
    assert cells(read(content.getvalue())) == [[text]]


@pytest.mark.parametrize("write", [xls, ods, lambda rows: xlsb({(row, 0): rows[row][0] for row in range(len(rows))})])
def test_leading_zeros_are_shown_in_the_other_formats_too(write: object) -> None:
    assert cells(read(write([["id"], [Padded("00123")], [Padded("1234567")]]))) == [["00123"], ["1234567"]]  # type: ignore[operator]


def test_a_row_is_withheld_whose_key_is_not_known_or_that_is_a_total() -> None:
    book = xlsx({"S": [["id", "sum"], ["a", 1], ["b", 2], [12345678901234567890, 3], ["total", 6], ["more", 1]]})
    book = rewritten(book, SHEET, (b'<c r="B5"><v>6</v></c>', b'<c r="B5"><f>SUM(B2:B4)</f><v>6</v></c>'))
    book = rewritten(book, SHEET, (b'<c r="A3" t="s"><v>3</v></c>', b'<c r="A3" t="e"><v>#N/A</v></c>'))
    merge = b'</sheetData><mergeCells><mergeCell ref="A6:B6"/></mergeCells>'
    found = read(rewritten(book, SHEET, (b"</sheetData>", merge)), needed={"id"})
    assert cells(found) == [["a", "1"]]
    assert [(row.row_number, row.reason) for row in found.bad] == [
        (3, "its id is not known: it holds the error #N/A"),
        (4, "its id is not known: it has more digits than the 15 that a workbook keeps"),
        (5, "it is a total: a cell in it is =SUM(B2:B4)"),
        (6, "one cell in it stands under id to sum, so it is a title or a total"),
    ]


def test_a_total_of_ods_is_withheld_too() -> None:
    book = ods([["id", "sum"], ["a", "1"], ["total", "1"]])
    text = b'<table:table-cell office:value-type="string" table:number-columns-repeated="1"><text:p>1</text:p>'
    total = text.replace(b"office", b'table:formula="of:=SUM([.B2:.B2])" office', 1)
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        head, _, tail = archive.read("content.xml").rpartition(text)
    found = read(rewritten(book, "content.xml", (head + text + tail, head + total + tail)))
    assert cells(found) == [["a", "1"]]
    assert [row.reason for row in found.bad] == ["it is a total: a cell in it is =SUM([.B2:.B2])"]


@pytest.mark.parametrize(
    ("formula", "is_total"),
    [
        ("SUM(B2:B4)", True),
        ("SUM([.$B$2:.B4])", True),
        ("SUBTOTAL(9,$B$2:$B$4)", True),
        ("SUBTOTAL(109,Stock[Price])", True),
        ("SUM(A5:C5)", False),
        ("SUM(C$2:C5)", False),
        ("SUM(B6:B9)", False),
        ("B4+1", False),
        ("SUM(Stock[@[Cost]:[Fees]])", False),
        ("SUM(B2:B4)*2", False),
    ],
)
def test_a_total_adds_up_the_cells_above_it(formula: str, is_total: bool) -> None:
    assert adds_up_above(formula, 4, 1) is is_total


@pytest.mark.parametrize(
    "write",
    [xls, ods, lambda rows: xlsb({(down, across): rows[down][across] for down in range(3) for across in range(2)})],
    ids=["xls", "ods", "xlsb"],
)
def test_an_error_is_no_empty_cell_in_the_other_formats(write: object) -> None:
    rows = [["id", "gross"], ["1", DIVISION], [DIVISION, "5"]]
    assert cells(read(write(rows))) == [["1", "#DIV/0!"], ["#DIV/0!", "5"]]  # type: ignore[operator]


@pytest.mark.parametrize("write", [xls, ods, lambda rows: xlsx({"Sheet": rows})], ids=["xls", "ods", "xlsx"])
def test_every_format_gives_the_same_rows(write: object) -> None:
    rows = [["id", "näme"], ["1", "Müller"], ["", ""], ["2", ""]]
    records = read(write(rows))  # type: ignore[operator]
    assert (records.header, cells(records)) == (["id", "näme"], [["1", "Müller"], ["2", ""]])
    assert records.rows["row_number"].to_pylist() == [2, 4]
    assert records.skipped == {"blank line": 1}


def test_a_binary_workbook_is_read() -> None:
    assert cells(read(xlsb({(0, 0): "a", (0, 1): "b", (1, 1): "x"}))) == [["", "x"]]


XML_2003 = b"""<?xml version="1.0"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Worksheet ss:Name="S"><Table>
<Row><Cell><Data ss:Type="String">id</Data></Cell><Cell><Data ss:Type="String">day</Data></Cell>
<Cell><Data ss:Type="String">sum</Data></Cell></Row>
<Row ss:Index="3"><Cell><Data ss:Type="String">007</Data></Cell>
<Cell ss:Index="3"><Data ss:Type="Number">1.5</Data></Cell></Row>
<Row><Cell><Data ss:Type="Error">#N/A</Data></Cell>
<Cell><Data ss:Type="DateTime">2026-03-31T00:00:00.000</Data></Cell></Row>
<Row><Cell ss:MergeAcross="2"><Data ss:Type="String">Total</Data></Cell></Row>
</Table></Worksheet>
<Worksheet ss:Name="Old"><WorksheetOptions xmlns="urn:schemas-microsoft-com:office:excel"><Visible>SheetHidden</Visible>
</WorksheetOptions></Worksheet></Workbook>"""


def test_a_workbook_that_is_one_xml_file_is_read() -> None:
    assert cells(read(XML_2003)) == [["007", "", "1.5"], ["#N/A", "2026-03-31", ""]]
    found = read(XML_2003, needed={"id"})
    assert cells(found) == [["007", "", "1.5"]]
    assert [row.row_number for row in found.bad] == [4, 5]
    assert found.skipped == {"blank line": 1}
    assert found.remarks[0].sentence == "sheet 'Old' is hidden and was not read"
    with pytest.raises(Problem, match="names row or column '99999999', which no sheet has"):
        open_workbook(
            XML_2003.replace(
                b'ss:Index="3"><Cell><Data ss:Type="String">', b'ss:Index="99999999"><Cell><Data ss:Type="String">'
            )
        )


def test_a_flat_open_document_is_read_as_the_packed_one() -> None:
    rows = [["id", "gross"], ["a", Padded("007")]]
    with zipfile.ZipFile(io.BytesIO(ods(rows))) as archive:
        content = archive.read("content.xml")
    flat = content.replace(b"office:document-content", b"office:document")
    assert cells(read(flat)) == cells(read(ods(rows))) == [["a", "007"]]


@pytest.mark.parametrize(
    "data",
    [
        compound(b"", "EncryptedPackage"),
        compound(struct.pack("<HHHHHHII", 0x809, 16, 0x600, 5, 0, 0, 0, 0) + struct.pack("<HHH", 0x2F, 2, 0)),
        zipped({"mimetype": b"x", "content.xml": b"\0", "META-INF/manifest.xml": b"<m:encryption-data/>"}),
    ],
    ids=["xlsx", "xls", "ods"],
)
def test_a_protected_workbook_is_called_so(data: bytes) -> None:
    with pytest.raises(Problem, match="it is a workbook protected by a password"):
        open_workbook(data)


def test_the_table_is_found_by_its_header_below_a_title_and_its_page_headers_are_skipped() -> None:
    rows = [
        ["Deals of March"],
        [],
        ["Deal No", "Gross"],
        ["D1", 5],
        ["Deals of March"],
        ["Deal No", "Gross"],
        ["D2", 6],
        [None, " "],
    ]
    book = open_workbook(xlsx({"Pivot": [["Deal No"]], "Deals 3": rows}))
    place = find_table(book, ["deals*"], ["gross", "DEAL NO"], None)
    assert place == Place("Deals 3", 2)
    records = read_sheet(book, place)
    assert (records.header, cells(records)) == (["Deal No", "Gross"], [["D1", "5"], ["D2", "6"]])
    assert records.rows["row_number"].to_pylist() == [4, 7]
    assert records.skipped == {"row above the header": 2, "blank line": 1, "repeated page header": 2}
    assert records.place == "sheet 'Deals 3', row 3: the header"
    assert [remark.sentence for remark in records.remarks] == ["sheet 'Pivot' was not read; sheet 'Deals 3' was"]
    assert records.raw(2) == "D2\t6"
    assert find_table(book, ["pivot"], ["gross"], None) is None
    assert find_table(book, [], ["gross", "deal no"], 1) is None


def test_below_a_header_in_another_order_all_is_withheld() -> None:
    rows = [["Deal No", "Gross", "Car"], ["D1", 5, "Kia"], ["Gross", "Deal No", "Van"], [6, "D2", "Opel"]]
    book = open_workbook(xlsx({"Deals": rows}))
    records = read_sheet(book, Place("Deals", 0))
    assert cells(records) == [["D1", "5", "Kia"]]
    reason = "row 3 repeats the header, so another table may begin there"
    assert [(bad.row_number, bad.reason, bad.raw) for bad in records.bad] == [
        (3, reason, "Gross\tDeal No\tVan"),
        (4, reason, "6\tD2\tOpel"),
    ]


def test_two_sheets_with_the_same_header_are_refused_and_a_hidden_one_is_told() -> None:
    rows = [["id"], ["1"]]
    book = open_workbook(xlsx({"Jan": rows, "Feb": rows, "Info": [["x"]]}))
    place = find_table(book, [], ["id"], None)
    assert place == Place("Jan", 0, ("Feb",))
    with pytest.raises(Problem, match="its sheets 'Jan', 'Feb' have the same header, and one sheet of a file is read"):
        read_sheet(book, place)
    assert find_table(book, ["feb"], ["id"], None) == Place("Feb", 0)
    hidden = (b'name="Feb" sheetId="2"', b'name="Feb" sheetId="2" state="hidden"')
    book = open_workbook(rewritten(xlsx({"Jan": rows, "Feb": rows}), "xl/workbook.xml", hidden))
    place = find_table(book, [], ["id"], None)
    assert place == Place("Jan", 0)
    assert [remark.sentence for remark in read_sheet(book, place).remarks] == ["sheet 'Feb' is hidden and was not read"]


def test_rows_that_a_program_left_empty_at_the_end_are_counted() -> None:
    book = xlsx({"S": [["a"], ["x"]]})
    book = rewritten(book, SHEET, (b"</sheetData>", b'<row r="3"/><row r="5"><c r="A5" s="0"/></row></sheetData>'))
    assert read(book).skipped == {"blank line": 3}


def test_merged_cells_below_the_header_are_told() -> None:
    book = xlsx({"S": [["a", "b"], ["x", "y"], [None, "z"]]})
    book = rewritten(book, SHEET, (b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A2:A3"/></mergeCells>'))
    assert [(remark.sentence, remark.rows) for remark in read(book).remarks] == [
        ("cells are merged below the header: only the first of each holds its value", 1)
    ]


def test_cells_wider_than_the_header_are_kept_and_a_table_may_have_none() -> None:
    assert read(xlsx({"S": [["a"], ["x", "y"]]})).header == ["a", ""]
    book = open_workbook(xlsx({"S": [["x", "y", "z"]]}))
    records = read_sheet(book, Place("S", None), names={1: "first", 3: "third"})
    assert (records.header, cells(records)) == (["first", "", "third"], [["x", "y", "z"]])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "it is no readable workbook"),
        # So many texts that the library asks for terabytes, and ends its process.
        (
            rewritten(xlsx({"S": [["a"]]}), "xl/sharedStrings.xml", (b'uniqueCount="1"', b'uniqueCount="99999999999"')),
            "reading it ended the reader, as damaged files do",
        ),
        (xlsb({(1048575, 16383): "x"}), "its sheet reaches to row 1,048,576 and column 16,384"),
        (ods([["x"]], repeat=(1_000_000, 16_000)), "its sheet reaches to row 1,000,000 and column 16,000"),
        (rewritten(xlsx({"S": [["a"]]}), SHEET, (b'r="A1"', b"r='xfd1048576'")), "its sheet reaches to row 1,048,576"),
        (
            rewritten(
                rewritten(xlsx({"S": [["a"]]}), SHEET, (b'r="A1"', b'r="XFD1048576"')),
                SHEET,
                (b'<row r="1"', b'<row r="1048576"'),
            ),
            "its sheet reaches to row 1,048,576 and column 16,384",
        ),
        (xlsx({"S": [[f"x{place}" for place in range(2001)]]}), "it has 2001 columns; files are read up to 2000"),
        (
            rewritten(xlsx({"S": [["a"]]}), "xl/workbook.xml", (b'sheetId="1"', b'sheetId="1" state="hidden"')),
            "it is a workbook without a visible sheet",
        ),
    ],
    ids=["damaged", "fatal", "far xlsb", "repeated ods", "far cell", "far xlsx", "wide", "hidden"],
)
def test_a_workbook_that_is_damaged_or_reaches_too_far_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        read(data)


ROWS = [["place", "day", "cars"], ["Nord", "1 May", 3], ["East", "2 May", 4]]


@pytest.mark.parametrize(
    ("rows", "footer", "kept", "withheld", "passed"),
    [
        ([*ROWS, ["Total", None, 7], ["Source: office"]], "^(Total|Source)", 2, [], 2),
        ([*ROWS, ["Source: office"]], 1, 2, [], 1),
        ([*ROWS, ["West", "3 May", 5]], 1, 2, [4], 0),
        ([*ROWS, ["Source: office"]], 0, 2, [4], 0),
        ([*ROWS, [], ["brand", "year", "sold"], ["Vega", "2025", "9"]], 0, 2, [5, 6], 0),
        ([*ROWS, [], ["West", "3 May", 5]], 0, 3, [], 0),
        ([*ROWS, ["Source: office"]], None, 3, [], 0),
    ],
)
def test_what_stands_below_the_table_of_a_sheet_is_no_row(
    rows: list[list[Cell]], footer: int | str | None, kept: int, withheld: list[int], passed: int
) -> None:
    book = open_workbook(xlsx({"S": rows}))
    records = read_sheet(book, Place("S", 0), footer=footer)
    assert records.rows.num_rows == kept
    assert [bad.row_number for bad in records.bad] == withheld
    assert records.skipped.get("row below the table", 0) == passed


def test_a_header_of_two_rows_is_one_name_a_column() -> None:
    rows = [["Cars"], ["Region", "2025", None], ["name", "new", "used"], ["Nord", 1, 2], ["Region", "2025", None]]
    book = open_workbook(xlsx({"S": rows}))
    place = find_table(book, [], ["region name", "2025 new"], None, 2)
    assert place == Place("S", 2, (), 2)
    records = read_sheet(book, place, footer=0)
    assert (records.header, cells(records)) == (["Region name", "2025 new", "used"], [["Nord", "1", "2"]])
    assert records.skipped == {"row above the header": 1, "repeated page header": 1}
