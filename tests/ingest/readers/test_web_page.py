"""Tables of web pages, which many programs call .xls: each is a sheet, its cells what a person reads."""

from __future__ import annotations

import pytest

from forecourt.errors import Problem
from ingest.readers.web_page import open_page
from tests.ingest.landing_scene import Scene

PAGE = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset="{charset}">
<style>td {{ x }}</style></head><body><h1>Leads</h1>
<table><tr><td colspan="4">Leads of March</td></tr>
<tr><th>rooftop</th><th>lead_id</th><th>received_at</th><th>customer_name</th></tr>
<tr><td rowspan=2>R1</td><td>L1</td><td>2026-03-01<br>10:00:00</td>
<td> J\u00fcrgen&nbsp;Gro\u00df &amp; S\u00f6hne </td></tr>
<tr><td>L2<script>x()</script></td><td>2026-03-02</td><td></td></tr>
<tfoot><tr><td>R1</td><td>L3</td><td>soon</td><td>x</td></tr></tfoot></table></body></html>"""


def cells(data: bytes) -> dict[str, list[list[str]]]:
    return {name: sheet.rows for name, sheet in open_page(data).sheets.items()}


@pytest.mark.parametrize(("charset", "encoding"), [("utf-8", "utf-8"), ("windows-1252", "cp1252"), ("x", "cp1252")])
def test_a_cell_is_what_a_person_reads_and_stands_where_a_person_sees_it(charset: str, encoding: str) -> None:
    found = cells(PAGE.format(charset=charset).encode(encoding))
    assert found == {
        "Table 1": [
            ["Leads of March", "", "", ""],
            ["rooftop", "lead_id", "received_at", "customer_name"],
            ["R1", "L1", "2026-03-01 10:00:00", "J\u00fcrgen\u00a0Gro\u00df & S\u00f6hne"],
            ["", "L2", "2026-03-02", ""],
            ["R1", "L3", "soon", "x"],
        ]
    }


def test_a_field_of_a_form_reads_as_it_is_filled_in() -> None:
    fields = (
        '<input value="L1">', '<input type="hidden" value="x">', '<input type="CHECKBOX" value="on">',
        "<select><option>new<option selected>won</select>", "<select><option>new</option><option>won</option></select>",
    )  # fmt: skip
    page = f"<table><tr><td>a</td></tr><tr>{''.join(f'<td>{field}</td>' for field in fields)}</tr></table>"
    assert cells(page.encode())["Table 1"][1] == ["L1", "", "", "won", "new"]


def test_a_page_lands_like_a_workbook(scene: Scene) -> None:
    result = scene.land_text("crm_leads_2026-03-31.xls", PAGE.format(charset="utf-8").replace("rowspan=2", "").replace(
        "<tr><td>L2", "<tr><td>R2</td><td>L2"))  # fmt: skip
    assert (result.status, result.rows_read, result.rows_new, result.rows_quarantined) == ("landed", 4, 2, 1)
    assert scene.rows("select rooftop, lead_id, customer_name from crm.crm_leads order by 1") == [
        ("R1", "L1", "J\u00fcrgen\u00a0Gro\u00df & S\u00f6hne"),
        ("R2", "L2", None),
    ]
    assert scene.rows("select row_number, reason_code, raw from ledger.quarantine") == [
        (5, "wrong_value", "R1\tL3\tsoon\tx")
    ]
    assert scene.rows("select encoding from ledger.files") == [("html",)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html></html>", "it is a web page without a table"),
        (b"<html><table><tr><td>one</td></tr></table></html>", "it is a web page without a table"),
        (b"<table><tr><td colspan=99999>x</td><td>y</td></tr></table>", "spans 99,999 others"),
        (b"<table>" + b"<tr>" + b"<td colspan=1000>x</td>" * 20_001 + b"</tr></table>", "more than 20,000,000 cells"),
        (b"<html>" + bytes(65 << 20), "it is a web page of more than 64 MB"),
    ],
    ids=["empty", "one cell", "wide", "many", "large"],
)
def test_a_page_that_holds_no_report_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        open_page(data)
