"""Sources: one file row onto several feeds, unpivoted products, leads, and declarations that are wrong."""

from __future__ import annotations

import copy
import csv
import io
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecourt.errors import Problem
from ingest.recognition import recognise
from ingest.source_file import SOURCES_FOLDER, load_sources, read_source
from tests.ingest.landing_scene import Scene

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"

RECEIVABLES = (
    "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,"
    "PaperlessBill,DaysToSettle,DaysLate\n"
)

DEAL = {
    "File Type": "SL",
    "DV Dealer ID": "North",
    "Deal Number": "0042",
    "Customer Number": "C7",
    "Full Name": "Ada Example",
    "Stock Number": "S1",
    "VIN": "1G4AH59H45G118341",
    "Year": "2024",
    "Make": "Exemplar",
    "Model": "One",
    "New/Used": "N",
    "Inventory Date": "12/1/2025",
    "Delivery Date": "1/15/2026",
    "Trade 1 Gross": "2,000.00",
    "Trade 1 Actual Cash Value": "2,500.00",
    "Sales Price": "23,900.00",
    "Cost": "22,327.50",
    "Front Gross": "2,072.50",
    "Deal Status": "D",
    "Contract Date": "1/13/2026",
    "Finalized Date": "1/20/2026",
    "Sale Type": "R",
    "Finance Reserve": "150.00",
    "Warranty 1 Name": "Care Plus",
    "Warranty 1 Sale": "2,195.00",
    "Warranty 1 Cost": "1,482.00",
    "Warranty 2 Name": "",
    "Warranty 2 Sale": "",
    "Warranty 2 Cost": "",
    "Fee/Aftermarket 1 Name": "Documents",
    "Fee/Aftermarket 1 Sale": "230.00",
    "Fee/Aftermarket 1 Cost": "0.00",
    "Fee/Aftermarket 1 Profit Indicator": "N",
    "Fee/Aftermarket 2 Name": "Mats",
    "Fee/Aftermarket 2 Sale": "80.00",
    "Fee/Aftermarket 2 Cost": "30.00",
    "Fee/Aftermarket 2 Profit Indicator": "F",
    "Sale Comments": "paid in part",
}

LEAD = """<?xml version="1.0"?><adf><prospect>
<id sequence="1" source="Portal">77</id><requestdate>2026-03-01T10:00:00+00:00</requestdate>
<vehicle interest="buy"><year>2024</year><make>Exemplar</make><model>One</model></vehicle>
<customer><contact><name part="full">Ada Example</name><email>ada@example.com</email></contact></customer>
<vendor><vendorname>North</vendorname></vendor><provider><name>Portal</name></provider></prospect></adf>
"""


def deals(*rows: dict[str, str], delimiter: str = "\t") -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, DEAL, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


@pytest.mark.parametrize(("ending", "delimiter"), [("txt", "\t"), ("csv", ",")])
def test_one_deal_row_becomes_deal_car_and_products(scene: Scene, ending: str, delimiter: str) -> None:
    result = scene.land_text(f"DVD123_20260121_0600_SL.{ending}", deals(DEAL, delimiter=delimiter))
    assert (result.status, result.source, result.rows_read, result.rows_new) == ("landed", "dealervault_sl", 1, 1)
    assert scene.rows(
        """select key, deal_type, status, contract_on::varchar, delivered_on::varchar, sale_price, vehicle_cost,
               trade_allowance, trade_acv, reported_front_gross, exported_at::varchar, row_number
           from dms.dms_deals"""
    ) == [
        (
            "R1|0042",
            "retail",
            "delivered",
            "2026-01-13",
            "2026-01-15",
            Decimal("23900.00"),
            Decimal("22327.50"),
            Decimal("2000.00"),
            Decimal("2500.00"),
            Decimal("2072.50"),
            "2026-01-21 06:00:00",
            2,
        )
    ]
    assert scene.rows("select key, condition, model_year, arrived_on::varchar from dms.dms_vehicles") == [
        ("R1|S1", "new", 2024, "2025-12-01")
    ]
    assert scene.rows("select line, product, gross_side, sale, cost from dms.dms_deal_products order by line") == [
        (101, "warranty", "back", Decimal("2195.00"), Decimal("1482.00")),
        (201, "fee", "none", Decimal("230.00"), Decimal("0.00")),
        (202, "fee", "front", Decimal("80.00"), Decimal("30.00")),
        (401, "finance_reserve", "back", Decimal("150.00"), Decimal("0.00")),
    ]
    # What no feed takes is kept aside, the buyer's name is not.
    assert scene.rows("select rest->>'Sale Comments', rest->>'Full Name' from dms.dms_deals") == [
        ("paid in part", None)
    ]
    assert scene.rows("select feed, rows_new from ledger.file_feeds order by feed") == [
        ("dms_deal_products", 4),
        ("dms_deals", 1),
        ("dms_vehicles", 1),
    ]


def test_a_row_counts_under_its_strongest_result(scene: Scene) -> None:
    scene.land_text("DVD123_20260121_0600_SL.txt", deals(DEAL))
    changed = scene.land_text("DVD123_20260122_0600_SL.txt", deals(DEAL | {"Warranty 1 Cost": "1,500.00"}))
    assert (changed.rows_read, changed.rows_changed, changed.rows_unchanged) == (1, 1, 0)
    broken = scene.land_text("DVD123_20260123_0600_SL.txt", deals(DEAL | {"Deal Status": ""}))
    assert (broken.rows_read, broken.rows_quarantined) == (1, 1)


def test_a_contradictory_date_order_refuses_the_whole_file(scene: Scene) -> None:
    text = RECEIVABLES + "1,C1,,7,2/13/2026,3/1/2026,5.00,No,,,,\n1,C1,,8,13/2/2026,3/1/2026,5.00,No,,,,\n"
    result = scene.land_text("WA_Fn-UseC_-Accounts-Receivable.csv", text)
    assert result.status == "refused"
    assert result.reason == (
        "line 3: InvoiceDate is '13/2/2026', but the dates of ibm_ar are month/day/year. One of the two is wrong, so "
        "no date of the file can be trusted: export it with that order, or correct the source."
    )
    assert scene.rows("select count(*) from dms.dms_invoices") == [(0,)]


def test_an_invoice_without_settlement_gives_no_payment(scene: Scene) -> None:
    text = RECEIVABLES + "1,C1,,7,2/13/2026,3/1/2026,5.00,Yes,,,,\n1,C2,,8,2/3/2026,3/1/2026,6.00,Yes,3/2/2026,,,\n"
    result = scene.land_text("receivables of march.csv", text)
    assert (result.source, result.rows_new) == ("ibm_ar", 2)
    assert scene.rows(
        "select key, disputed_from::varchar, disputed_until::varchar from dms.dms_invoices order by key"
    ) == [("R1|7", "2026-02-13", None), ("R1|8", "2026-02-03", "2026-03-02")]
    assert scene.rows("select key, posted_on::varchar, amount from dms.dms_payments") == [
        ("R1|P8", "2026-03-02", Decimal("6.00"))
    ]
    assert scene.rows("select from_document, to_document, amount from dms.dms_allocations") == [
        ("P8", "8", Decimal("6.00"))
    ]
    assert scene.rows("select feed, rows_new, rows_skipped from ledger.file_feeds order by feed") == [
        ("dms_allocations", 1, 1),
        ("dms_invoices", 2, 0),
        ("dms_payments", 1, 1),
    ]


def test_leads_find_their_rooftop_and_broken_ones_their_reason(scene: Scene) -> None:
    result = scene.land_text("leads_2026-03-02.xml", LEAD + "<adf><prospect><vehicle></prospect></adf>")
    assert (result.source, result.rows_read, result.rows_new, result.rows_quarantined) == ("adf", 2, 1, 1)
    assert scene.rows("select rooftop, received_at::varchar, email, channel from portal.portal_leads") == [
        ("R1", "2026-03-01 10:00:00", "ada@example.com", "portal")
    ]
    assert scene.rows("select feed, reason_code, reason <> '', raw like '<prospect>%' from ledger.quarantine") == [
        ("portal_leads", "unreadable_lead", True, True)
    ]


def test_a_file_named_like_a_source_without_its_header_is_refused() -> None:
    with pytest.raises(Problem, match=r"its name is that of ibm_ar .* has no customerID, invoiceNumber, InvoiceDate"):
        recognise("WA_Fn-UseC_-Accounts-Receivable.csv", b"countryCode,x\n1,2\n")


def cells(task_id: str, unpivot: str = "") -> str:
    return (
        "description: x\nheader: [a]\nfeeds:\n  crm_tasks:\n"
        f"    columns: {{rooftop: a, task_id: {task_id}, due_at: c}}\n{unpivot}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "description: x\nfeed: {}",
            "s.yml: 'feed' is no key of a source with the reader table; did you mean feeds.",
        ),
        ("description: x\nheader: [a]\nfeeds: {dms_deal: {}}", "s.yml: 'dms_deal' is no feed; did you mean dms_deals."),
        (
            "description: x\nheader: [a]\nfeeds: {crm_tasks: {columns: {rooftop: a, task_id: b}}}",
            "s.yml: crm_tasks needs the column due_at, which is not mapped.",
        ),
        (
            "description: x\nheader: [a]\nfeeds: {crm_tasks: {columns: {rooftop: a, task_id: b, due_at: c, dueat: d}}}",
            "s.yml: crm_tasks has no column dueat; did you mean due_at.",
        ),
        (
            "description: x\ndates: american\nheader: [a]",
            "s.yml: dates: 'american' is none of iso, mdy, dmy, ymd, excel, unix, unix_ms.",
        ),
        ("description: x\nfeeds: {}", "s.yml: header: name the columns by which the file is known."),
        (
            "description: x\ndates: '%d %b'\nheader: [a]",
            "s.yml: the source: dates: '%d %b' is no way to write a date: it needs a day, a month and a year.",
        ),
        (
            "description: x\ndates: ['%d/%m/%Y %Q']\nheader: [a]",
            "s.yml: the source: dates: '%d/%m/%Y %Q' is no way to write a date: %Q is none of its codes.",
        ),
        (
            cells("{column: a, match: '^x$'}"),
            "s.yml: crm_tasks.task_id: match needs one group in round brackets, the part to take.",
        ),
        (
            cells("{column: a, match: '('}"),
            "s.yml: crm_tasks.task_id: '(' is no regular expression (missing ), unterminated subpattern at position "
            "0).",
        ),
        (
            cells("a", "    unpivot: [{split: {marks: ['|'], columns: {a: 2}}, columns: {}}]"),
            "s.yml: split: a has the depth 2, and there are 1 marks.",
        ),
        (
            cells("a", "    unpivot: [{split: {marks: ['||'], columns: [a]}, columns: {}}]"),
            "s.yml: split: marks are one or two single characters.",
        ),
        ("description: x\nreader: excel", "s.yml: reader: 'excel' is none of table, json, xml, adf, whatsapp."),
        (
            "description: x\nreader: json\nsheet: a",
            "s.yml: 'sheet' is no key of a source with the reader json.",
        ),
        (
            "description: x\nnames: [a]",
            "s.yml: files: a file without a header is known by its name; give its patterns.",
        ),
        (
            "description: x\nnames: [a]\nheader: [a]",
            "s.yml: header and names: a file has a header or none; declare one of the two.",
        ),
        (
            "description: x\nfiles: [a]\nnames: {a: 1, b: 1}",
            "s.yml: names: give each name a position of its own, counted from 1.",
        ),
        (
            "description: x\nheader: [a]\npreamble: 500",
            "s.yml: preamble: say how many rows may stand above the header, 0 to 100.",
        ),
        (
            "description: x\nheader: [a]\nmonths: [jan]",
            "s.yml: months: list twelve words, from January on; several for one month with a bar between.",
        ),
        ("[a]", "s.yml: the file: ['a'] is not a mapping of keys, as docs/how-to/add-a-source.md shows."),
        ("header: [a]", "s.yml: the file needs description."),
        (
            "description: x\nheader: [a]",
            "s.yml: feeds: say of which feeds its rows are, and what their columns are made of.",
        ),
        ("description: x\nfiles: leads*.csv", "s.yml: files: 'leads*.csv' is not a list of texts, like [one, two]."),
        ("description: x\nheader: [a, 5]", "s.yml: header.2: 5 is not a text."),
        (
            cells("{column: a, when: {in: [b]}}"),
            "s.yml: feeds.crm_tasks.columns.task_id.when needs column.",
        ),
        (
            cells("{column: a, map: {Yes: b}}"),
            "s.yml: feeds.crm_tasks.columns.task_id.map: True is not a text; in quotes, where YAML would take it for a "
            "yes, a no or a day.",
        ),
        (
            f"description: x\nheader: [a]\nmonths: [{', '.join(['[jan, feb]'] * 12)}]",
            "s.yml: months: list twelve words, from January on; several for one month with a bar between.",
        ),
        ("description: x\nheader: [a]\nnegative: red", "s.yml: negative: 'red' is none of brackets, behind."),
        (
            cells("{file: x}"),
            "s.yml: crm_tasks.task_id: file needs the groups in round brackets that are taken from the name.",
        ),
        (
            cells("{const: x, as: y}"),
            "s.yml: crm_tasks.task_id: as is for a part of the file's name, which file finds.",
        ),
        (
            "description: x\nheader: [a]\nheader_lines: 0",
            "s.yml: header_lines: say of how many lines the header is, 1 to 5.",
        ),
        (
            "description: x\nfiles: [a]\nnames: [a]\nheader_lines: 2",
            "s.yml: header_lines and names: a file has a header or none; declare one of the two.",
        ),
        (
            "description: x\nheader: [a]\nfooter: [Total]",
            "s.yml: footer: say how many lines stand below the table, 0 to 100, or write a regular expression that "
            "the first of them matches.",
        ),
        (
            "description: x\nheader: [a]\nfooter: '('",
            "s.yml: footer: '(' is no regular expression (missing ), unterminated subpattern at position 0).",
        ),
        (
            "description: x\nheader: [a]\ndelimiter: '\"'",
            "s.yml: delimiter: '\"' is none; write one to 8 characters, none of them a line end, the quote or the "
            "escape mark.",
        ),
        (
            "description: x\nheader: [a]\nquote: “",
            "s.yml: quote: '“' is none; write one ASCII character, or '' for none.",
        ),
        (
            "description: x\nheader: [a]\nescape: '\\\\'",
            "s.yml: escape: '\\\\\\\\' is none; write one ASCII character, or '' for none.",
        ),
        (
            "description: x\nheader: [a]\ncomment: ','",
            "s.yml: comment: ',' is none; write what such a line begins with, like '#'.",
        ),
        (
            "description: x\nheader: [a]\nencoding: ansi",
            "s.yml: encoding: 'ansi' is no character set; write one like cp1252, or detect.",
        ),
        (
            "description: x\nreader: xml\nheader: [a]",
            "s.yml: rows: say which elements are the records, like //vehicle.",
        ),
        (
            "description: x\nreader: xml\nheader: [a]\nrows: //a\nfields: {b: 'c['}",
            "s.yml: b: 'c[' is no XPath (Invalid expression).",
        ),
        (
            "description: x\nreader: xml\nheader: [a]\nrows: //g:a",
            "s.yml: rows: '//g:a' is no XPath (Undefined namespace prefix; namespaces do not count: write names "
            "without a prefix).",
        ),
        (
            "description: x\nreader: json\nheader: [a]\nabsent: never",
            "s.yml: absent: 'never' is none of empty, unsaid.",
        ),
    ],
)
def test_a_wrong_declaration_is_named(text: str, message: str) -> None:
    with pytest.raises(Problem) as raised:
        read_source("s", text, "s.yml")
    assert str(raised.value) == message


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the parts of a declaration stand in it, each as the keys and positions that lead there."""
    yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*place, step))


@pytest.mark.parametrize("name", ["dealervault_sv", "hubspot_history", "autos_ecuador", "whatsapp"])
def test_a_declaration_of_any_form_is_read_or_refused_with_a_sentence(name: str) -> None:
    """Each part of it is left out once, and once something of each other form stands in its place."""
    declared = yaml.safe_load((SOURCES_FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    sentences = []
    for place in places(declared):
        for other in (None, True, 5, "x", ["x"], {"x": "x"}):
            changed = copy.deepcopy({"all": declared})
            inside: Any = changed
            for step in ("all", *place)[:-1]:
                inside = inside[step]
            inside[("all", *place)[-1]] = other
            try:
                read_source("s", yaml.safe_dump(changed["all"]), "s.yml")
            except Problem as problem:
                sentences.append(str(problem))
    assert sentences
    assert all(sentence.startswith("s.yml: ") for sentence in sentences)


ORDERS = """
description: Repair orders with lists in cells
header: [RO, Opened, Ops]
delimiter: "\\t"
dates: ['%d %b, %Y %H:%M', '%m/%d/%y']
feeds:
  dms_repair_orders:
    columns:
      rooftop: {const: R2}
      ro_number: {digest: [RO, Opened]}
      opened_at: Opened
      promised_at: {column: Promised, dates: '%d.%m.%Y %I:%M %p'}
      odometer: {column: Odometer, match: '^([0-9]+) km$'}
  dms_ro_lines:
    columns:
      rooftop: {const: R2}
      ro_number: RO
      kind: {const: labour}
      pay_type: {const: customer}
      outcome: {const: sold}
    unpivot:
      - split: {marks: ['|', '^'], columns: {Ops: 1, Hours: 2}}
        first_line: 5000
        when: {column: [Ops, Hours], filled: true}
        columns: {line: '{line}', op_code: Ops, sold_hours: Hours}
"""


def declare(scene: Scene, text: str) -> None:
    """One declaration more, in the home folder."""
    (scene.home.sources / "orders.yml").write_text(text, encoding="utf-8")


def test_a_declaration_in_the_home_folder_takes_the_place_of_a_shipped_one(scene: Scene) -> None:
    own = scene.home.sources / "quiter_deals.yml"
    own.write_text(load_sources()["quiter_deals"].text.replace("Quiter", "Our own", 1), encoding="utf-8")
    sources = load_sources(scene.home.sources)
    assert sources["quiter_deals"].description == "Our own sales"
    assert sources.keys() == load_sources().keys()


def test_a_changed_declaration_is_read_and_does_not_make_the_landing_anew(scene: Scene) -> None:
    scene.land_text("crm_tasks_2026-01-01.csv", "rooftop,task_id,due_at\nR1,T1,2026-01-02T09:00:00Z\n")
    landed_at = scene.rows("select landed_at from crm.crm_tasks")
    orders = scene.home.sources / "orders.yml"
    declare(scene, ORDERS)
    first = orders.stat().st_mtime_ns
    assert scene.land_text("orders.txt", "RO\tOpened\tOps\n1\t6/23/18\tA\n").source == "orders"
    mended = ORDERS.replace("[RO, Opened, Ops]", "[Order, Opened, Ops]").replace("ro_number: RO", "ro_number: Order")
    declare(scene, mended)
    os.utime(orders, ns=(first + 1, first + 1))
    assert scene.land_text("more.txt", "Order\tOpened\tOps\n2\t6/24/18\tA\n").source == "orders"
    assert scene.rows("select landed_at from crm.crm_tasks") == landed_at


def test_a_wrong_declaration_in_the_home_folder_is_named(scene: Scene) -> None:
    declare(scene, "description: [")
    with pytest.raises(Problem, match=r"home/sources/orders.yml is no valid YAML: line 2, character 1: did not find"):
        load_sources(scene.home.sources)
    (scene.home.sources / "orders.yml").write_bytes("description: Aufträge".encode("cp1252"))
    with pytest.raises(Problem, match=r"orders.yml is no UTF-8"):
        load_sources(scene.home.sources)
    (scene.home.sources / "orders.yml").unlink()
    (scene.home.sources / "orders.yml").mkdir()
    with pytest.raises(Problem, match=r"orders.yml cannot be read \(Is a directory\)"):
        load_sources(scene.home.sources)


def test_a_group_whose_columns_are_missing_is_told_and_a_common_column_is_needed(scene: Scene) -> None:
    declare(scene, ORDERS)
    found = scene.land_text("orders.txt", "RO\tOpened\tOps\n1\t6/23/18\tA\n")
    assert "dms_ro_lines: the file gives no rows of this feed, because it has no column 'Hours'." in found.notes
    declare(scene, ORDERS.replace("ro_number: RO", "ro_number: Number"))
    refused = scene.land_text("more.txt", "RO\tOpened\tOps\tHours\n2\t6/23/18\tA\t1\n")
    assert refused.reason == (
        "line 1: the header has no column 'Number' (dms_ro_lines needs it as ro_number). Export the file again with "
        "it, or correct the mapping orders."
    )


def test_the_first_file_of_a_mapping_tells_which_of_its_columns_are_not_there(scene: Scene) -> None:
    declare(scene, ORDERS)
    told = "The mapping also names 'Promised', 'Odometer', and the file has no such columns."
    assert told in scene.land_text("orders.txt", "RO\tOpened\tOps\n1\t6/23/18\tA\n").notes
    assert told not in scene.land_text("more.txt", "RO\tOpened\tOps\n2\t6/23/18\tA\n").notes
    declare(scene, ORDERS.replace("Promised", "Promised at"))
    named = told.replace("Promised", "Promised at")
    assert named in scene.land_text("most.txt", "RO\tOpened\tOps\n3\t6/23/18\tA\n").notes


def test_lists_in_cells_dates_in_words_parts_of_cells_and_made_keys(scene: Scene) -> None:
    declare(scene, ORDERS)
    rows = [
        "RO\tOpened\tPromised\tOdometer\tOps\tHours",
        "7\t15 Apr, 2021 00:02\t15.04.2021 2:30 PM\t41000 km\tA||C\t1.0^2.0||^3.5",
        "8\t6/23/18\t\t9 miles\t\t",
    ]
    result = scene.land_text("orders.txt", "\n".join(rows) + "\n")
    assert (result.source, result.rows_read, result.rows_new, result.rows_quarantined) == ("orders", 2, 2, 0)
    assert scene.rows(
        "select opened_at::varchar, promised_at::varchar, odometer, day_only, bad->>'odometer', length(ro_number) "
        "from dms.dms_repair_orders order by row_number"
    ) == [
        ("2021-04-15 00:02:00", "2021-04-15 14:30:00", 41000, None, None, 16),
        ("2018-06-23 00:00:00", None, None, "opened_at", "9 miles", 16),
    ]
    assert scene.rows("select line, op_code, sold_hours::double from dms.dms_ro_lines order by line") == [
        (6000, "A", 1.0),
        (6001, "A", 2.0),
        (8000, "C", None),
        (8001, "C", 3.5),
    ]


@pytest.mark.parametrize("opened", ["23/6/18", "31/12/20"])
def test_a_pattern_with_day_and_month_changed_over_refuses_the_file(scene: Scene, opened: str) -> None:
    declare(scene, ORDERS)
    result = scene.land_text("orders.txt", f"RO\tOpened\tOps\n7\t6/5/18\t\n8\t{opened}\t\n")
    assert result.status == "refused"
    assert f"line 3: Opened is '{opened}', but the dates of orders are written otherwise." in result.reason


def test_a_year_of_two_digits_is_none_of_the_first_century(scene: Scene) -> None:
    declare(scene, ORDERS.replace("'%m/%d/%y'", "'%m/%d/%Y'"))
    result = scene.land_text("orders.txt", "RO\tOpened\tOps\n7\t6/5/18\t\n")
    assert result.rows_quarantined == 1


def test_an_exact_header_has_no_other_columns() -> None:
    exact = ORDERS.replace("header:", "exact: true\nheader:")
    sources = {**load_sources(), "orders": read_source("orders", exact, "orders.yml")}
    assert recognise("x.txt", b"RO\tOpened\tOps\n1\t\t\n", lambda: sources).source.name == "orders"
    with pytest.raises(Problem, match="is that of no source"):
        recognise("x.txt", b"RO\tOpened\tOps\tHours\n1\t\t\t\n", lambda: sources)


def stock(cars: int, columns: int) -> bytes:
    """A file of mobile.de: so many cars, each with so many columns."""
    said = "North;S{0};Limousine;Beispiel;\u00d6ko \u20ac;;;;03.2019;41000;14990;1;;;WVWZZZ3CZEE14028{0}"
    line = said + ";" * (columns - 1 - said.count(";")) + "\n"
    return "".join(line.format(car) for car in range(cars)).encode("iso8859-15")


@pytest.mark.parametrize("columns", [111, 230, 640])
def test_a_file_without_a_header_may_have_more_columns(scene: Scene, columns: int) -> None:
    result = scene.land_text("mobile_2026-03-30.csv", stock(2, columns))
    assert (result.source, result.rows_read, result.rows_new) == ("mobile_de", 2, 2)
    assert scene.rows("select distinct model, odometer from dms.dms_vehicles") == [("\u00d6ko \u20ac", 41000)]


def test_an_empty_file_of_a_whole_stock_ends_no_car(scene: Scene) -> None:
    assert scene.land_text("mobile_2026-03-30.csv", stock(2, 111)).rows_new == 2
    for name, content in (("mobile_2026-03-31.csv", ""), ("mobile_2026-04-01.csv", "\r\n")):
        result = scene.land_text(name, content)
        assert (result.status, result.reason) == ("refused", "the file is empty. Export it again.")
    assert scene.rows("select op, count(*) from dms.dms_vehicles group by op") == [("row", 2)]


if SHARED.exists():

    def test_every_row_of_the_real_receivables_is_accounted(scene: Scene) -> None:
        path = SHARED / "inv-ibm-ar" / "WA_Fn-UseC_-Accounts-Receivable.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        result = scene.land(path)[0]
        assert (result.status, result.rows_read, result.rows_new) == ("landed", len(rows), len(rows))
        total = sum(Decimal(row["InvoiceAmount"]) for row in rows)
        for table in ("dms_invoices", "dms_payments", "dms_allocations"):
            assert scene.rows(f"select count(*), sum(amount) from dms.{table}") == [(len(rows), total)]
        twin = path.with_name("WA_Fn-UseC_-Accounts-Receivable_with_missing.csv")
        count = len(twin.read_text().splitlines()) - 1
        result = scene.land(twin)[0]
        assert (result.status, result.rows_read, result.rows_quarantined) == ("landed", count, 0)

    @pytest.mark.parametrize(
        "path", sorted(SHARED.glob("adf-*/*.[xt][mx][lt]")), ids=lambda path: f"{path.parent.name}-{path.name}"
    )
    def test_every_real_lead_file_gives_a_lead_or_a_reason(scene: Scene, path: Path) -> None:
        result = scene.land(path)[0]
        assert result.status == "landed", result.reason
        assert result.rows_new + result.rows_changed + result.rows_unchanged + result.rows_quarantined > 0
        reasons = scene.rows("select reason from ledger.quarantine")
        assert all(reason for (reason,) in reasons)
