"""The same rows in every format that is read: native files and files of sources declared for the test."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from ingest import source_file
from tests.ingest.workbooks import Cell, ods, xls, xlsb, xlsx

Row = dict[str, str]

COLUMNS = ("rooftop", "lead_id", "received_at", "budget", "stage", "customer_name")
GERMAN = dict(zip(COLUMNS, ("Filiale", "Nr", "Eingang", "Budget", "Status", "Kunde"), strict=True))

_FEED = """
feeds:
  crm_leads:
    columns: {rooftop: %s, lead_id: %s, received_at: %s, budget: %s, stage: %s, customer_name: %s}
"""

#: Sources by name; what they map onto is the same.
SOURCES = {
    "semicolons": """
description: semicolons in Windows-1252
header: [Filiale, Nr, Eingang]
encoding: [utf-8, cp1252]
delimiter: ';'
dates: dmy
decimal: ','
preamble: 2
"""
    + _FEED % tuple(GERMAN.values()),
    "headless": """
description: bars without a header
files: ['headless*']
encoding: iso-8859-15
delimiter: '|'
names: [Filiale, Nr, Eingang, Budget, Status, Kunde]
"""
    + _FEED % tuple(GERMAN.values()),
    "listed": """
description: a list inside an object
reader: json
rows: data.leads
header: [id, who.name]
"""
    + _FEED % ("/shop", "id", "at", "money.1", "stage", "who.name"),
    "elements": """
description: an element a field
reader: xml
rows: //lead
header: [Nr]
"""
    + _FEED % tuple(GERMAN.values()),
    "attributes": """
description: values in attributes, some by name
reader: xml
rows: //inquiry
header: ['@nr']
fields: {Filiale: ../@shop, Kunde: "field[@name='Kunde']/@value"}
"""
    + _FEED % ("Filiale", "'@nr'", "'@at'", "'@budget'", "'@stage'", "Kunde"),
}


@contextmanager
def declared(folder: Path, monkeypatch: pytest.MonkeyPatch, texts: dict[str, str]) -> Iterator[None]:
    """The given sources in the place of the shipped ones, beside that of leads."""
    (folder / "adf.yml").write_text((source_file.SOURCES_FOLDER / "adf.yml").read_text())
    for name, text in texts.items():
        (folder / f"{name}.yml").write_text(text)
    with monkeypatch.context() as patch:
        patch.setattr(source_file, "SOURCES_FOLDER", folder)
        yield


def _table(rows: list[Row], names: list[str] | None = None) -> list[list[str]]:
    return [names or list(COLUMNS), *([row[column] for column in COLUMNS] for row in rows)]


def _delimited(rows: list[list[str]], mark: str) -> str:
    content = io.StringIO()
    csv.writer(content, delimiter=mark, lineterminator="\r\n").writerows(rows)
    return content.getvalue()


def _local(row: Row) -> Row:
    """The row as a German writes it."""
    return row | {"budget": row["budget"].replace(".", ","), "received_at": _day_first(row["received_at"])}


def _day_first(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%d.%m.%Y %H:%M:%S}"
    except ValueError:
        return text


def _semicolons(rows: list[Row]) -> bytes:
    table = _table([_local(row) for row in rows], list(GERMAN.values()))
    return ("Anfragen;März\r\n\r\n" + _delimited(table, ";")).encode("cp1252")


def _headless(rows: list[Row]) -> bytes:
    return _delimited(_table(rows)[1:], "|").encode("iso-8859-15")


def _typed(row: Row) -> list[Cell]:
    """Cells as a program writes them into a workbook: instants and amounts as such."""
    cells: list[Cell] = [row[column] for column in COLUMNS]
    with suppress(ValueError):
        cells[2] = datetime.fromisoformat(row["received_at"])
    with suppress(InvalidOperation):
        cells[3] = float(Decimal(row["budget"]))
    return cells


def _book(rows: list[Row]) -> bytes:
    """A workbook for the source of semicolons, whose numbers have a comma where they are text."""
    return xlsx({"Info": [["Stand"]], "Anfragen": [["Anfragen"], [], list(GERMAN.values()), *map(_typed, rows)]})


def _listed(rows: list[Row]) -> bytes:
    leads = [
        {
            "id": row["lead_id"],
            "at": row["received_at"],
            "money": [row["budget"]],
            "stage": row["stage"] or None,
            "who": {"name": row["customer_name"]},
        }
        for row in rows
    ]
    shop = rows[0]["rooftop"] if rows else ""
    return json.dumps({"shop": shop, "data": {"leads": leads}, "pages": [1]}, indent=1).encode()


def _lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-16")


def _elements(rows: list[Row]) -> bytes:
    leads = "".join(
        "<lead>" + "".join(f"<{GERMAN[name]}>{escape(row[name])}</{GERMAN[name]}>" for name in COLUMNS) + "</lead>\n"
        for row in rows
    )
    return f'<?xml version="1.0" encoding="ISO-8859-15"?><leads xmlns="urn:x">{leads}</leads>'.encode("iso-8859-15")


def _attributes(rows: list[Row]) -> bytes:
    leads = "".join(
        f"<inquiry nr={quoteattr(row['lead_id'])} at={quoteattr(row['received_at'])} "
        f"budget={quoteattr(row['budget'])} stage={quoteattr(row['stage'])}>"
        f'<field name="Kunde" value={quoteattr(row["customer_name"])}/></inquiry>'
        for row in rows
    )
    shop = rows[0]["rooftop"] if rows else ""
    return f"<feed shop={quoteattr(shop)}>{leads}</feed>".encode()


def _binary(rows: list[Row]) -> bytes:
    places = {(place, column): text for place, row in enumerate(_table(rows)) for column, text in enumerate(row)}
    return xlsb({place: text for place, text in places.items() if text})


#: Name of the file -> its bytes for some rows, all of one rooftop.
FORMATS: dict[str, Callable[[list[Row]], bytes]] = {
    "crm_leads_a.csv": lambda rows: _delimited(_table(rows), ",").encode(),
    "crm_leads_b.csv": lambda rows: _delimited(_table(rows), ",").encode("utf-8-sig"),
    "crm_leads_c.csv": lambda rows: _delimited(_table(rows), ",").encode("utf-16"),
    "crm_leads_d.xlsx": lambda rows: xlsx({"Leads": [list(COLUMNS), *map(_typed, rows)]}),
    "crm_leads_e.xls": lambda rows: xls(_table(rows)),
    "crm_leads_f.xlsb": _binary,
    "crm_leads_g.ods": lambda rows: ods(_table(rows)),
    "crm_leads_h.json": lambda rows: json.dumps(rows).encode(),
    "crm_leads_i.ndjson": _lines,
    "crm_leads_j.csv": lambda rows: xlsx({"Leads": _table(rows)}),
    "semicolons.csv": _semicolons,
    "semicolons.xlsx": _book,
    "headless.txt": _headless,
    "listed.json": _listed,
    "elements.xml": _elements,
    "attributes.xml": _attributes,
}
