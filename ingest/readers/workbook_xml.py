"""Workbooks that are one XML file: Excel 2003's, which many programs still write as .xls, and OpenDocument's .fods."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from typing import Any

from lxml import etree

from forecourt.errors import Problem
from ingest.readers.sheets import Sheet
from ingest.readers.workbook_altered import UNCOMPUTED, error
from ingest.readers.workbook_extent import MAX_CELLS
from ingest.readers.xml_rows import open_xml

_OPEN_DOCUMENT = re.compile(rb"<office:document\s")
#: No sheet of this kind is larger.
_MAX_ROWS, _MAX_COLUMNS = 1 << 20, 1 << 14


def is_open_document(data: bytes) -> bool:
    """True for an OpenDocument sheet in one file."""
    return _OPEN_DOCUMENT.search(data[:4096]) is not None


def packed(data: bytes) -> bytes:
    """An OpenDocument sheet in one file as the archive that it is otherwise."""
    open_xml(data)  # refuses what is no XML or declares a document type
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>'
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", data)
        archive.writestr("META-INF/manifest.xml", manifest)
    return content.getvalue()


def sheets_of(data: bytes) -> dict[str, Sheet | None]:
    """Name -> sheet of a workbook of Excel 2003; None for one that is hidden.

    Raises Problem (without the file's name) for what is no XML or reaches too far.
    """
    sheets: dict[str, Sheet | None] = {}
    left = MAX_CELLS
    for place, worksheet in enumerate(open_xml(data).iterchildren("Worksheet"), start=1):
        name = worksheet.get("Name") or f"Sheet {place}"
        if (worksheet.findtext("WorksheetOptions/Visible") or "SheetVisible").strip() != "SheetVisible":
            sheets[name] = None
            continue
        sheet = sheets[name] = Sheet([], [])
        for row in worksheet.iterfind("Table/Row"):
            number = _index(row, len(sheet.rows), _MAX_ROWS)
            left -= number - len(sheet.rows)
            sheet.rows.extend([] for _ in range(number - len(sheet.rows)))
            cells = _row(row, sheet, number)
            left -= len(cells)
            if left < 0:
                raise Problem(f"it reaches over more than {MAX_CELLS:,} cells. Export it as csv.")
            sheet.rows.append(cells)
    return sheets


def _row(row: etree._Element, sheet: Sheet, number: int) -> list[Any]:
    cells: list[Any] = []
    for cell in row.iterchildren("Cell"):
        column = _index(cell, len(cells), _MAX_COLUMNS)
        cells.extend("" for _ in range(column - len(cells)))
        value, doubt = _value(cell)
        if doubt:
            sheet.doubts[number, column] = doubt
        cells.append(value)
        across, down = (_count(cell.get(name), 0, _MAX_COLUMNS) for name in ("MergeAcross", "MergeDown"))
        if across or down:
            sheet.merged.append((number, column, column + across))
            cells.extend("" for _ in range(across))
    return cells


def _value(cell: etree._Element) -> tuple[Any, str]:
    """What a cell holds, and why that is not known, if it is."""
    data = cell.find("Data")
    text = "" if data is None else "".join(data.itertext())
    kind = None if data is None else data.get("Type")
    if data is None:
        return (cell.get("Formula"), UNCOMPUTED) if cell.get("Formula") else ("", "")
    try:
        match kind:
            case "Number":
                return float(text), ""
            case "Boolean":
                return text.strip() == "1", ""
            case "Error":
                return text, error(text).doubt
            case "DateTime":
                at = datetime.fromisoformat(text.strip())
                return (at if at.time() != datetime.min.time() else at.date()), ""
    except ValueError:
        return text, ""
    return text, ""


def _index(element: etree._Element, after: int, most: int) -> int:
    """The place of a row or cell, from 0: it says it where it does not follow the one before."""
    return max(_count(element.get("Index"), after + 1, most) - 1, after)


def _count(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= most):
        raise Problem(f"it names row or column {text[:20]!r}, which no sheet has. Save it again as xlsx.")
    return int(text)
