"""Looks into the parts of a workbook before and beside the library that reads it.

Before: a workbook of a few bytes may name a cell in its last row and column, for which the library would reserve the
whole sheet; so the extent is measured first. Beside: the library reads an error and a formula that was never computed
as an empty cell; for xlsx both are found here, for the other formats the error (``workbook_errors``).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from forecourt.errors import Problem
from ingest.readers.unzip import Allowance, Limits, chunks_of, open_zip
from ingest.readers.workbook_errors import binary_records, error_cells

MAX_CELLS = 20_000_000

#: XML of sheets packs well: a ratio of 150 is nothing unusual.
_LIMITS = Limits(size=1 << 30, ratio=400)

_COLUMN = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br\s*=\s*[\"']([A-Za-z]{1,3})\d")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br\s*=\s*[\"'](\d{1,7})[\"']")
#: A cell may name another row than the one it stands in, and the library takes its word.
_CELL_ROW = re.compile(rb"\br\s*=\s*[\"'][A-Za-z]{1,3}(\d{6,7})[\"']")
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>(.*?)</(?:\w+:)?v>", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass
class SheetParts:
    """Of one sheet the cells that the library leaves empty, by row and column from 0, and how many rows it states."""

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    rows: int = 0


def check_extent(data: bytes) -> str:
    """The format of a workbook: xlsx, xlsb, ods or xls.

    Raises Problem for one that unpacks to too much, or whose cells lie too far apart.

    An old xls cannot be too large: its sheets end at row 65,536 and column 256.
    """
    if not data.startswith(b"PK"):
        return "xls"
    with open_zip(data, _LIMITS) as archive:
        allowance = Allowance(len(data), _LIMITS)
        for member in archive.infolist():
            chunks = (allowance.take(chunk) for chunk in chunks_of(archive, member))
            rows, columns = _extent(member.filename, chunks)
            if rows * columns > MAX_CELLS:
                raise Problem(
                    f"its sheet reaches to row {rows:,} and column {columns:,}, and sheets are read up to "
                    f"{MAX_CELLS:,} cells. Delete what stands far out, or export it as csv."
                )
        names = archive.namelist()
    return "xlsb" if "xl/workbook.bin" in names else "ods" if "content.xml" in names else "xlsx"


def sheet_parts(data: bytes, sheet: str, workbook_format: str) -> SheetParts:
    """What the library leaves out of a sheet."""
    if workbook_format != "xlsx":
        return SheetParts(error_cells(data, workbook_format, sheet))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _path_of(archive, sheet)
        if path is None:
            return SheetParts()
        content = archive.read(path)
    parts = SheetParts(rows=max((int(row) for row in _ROW.findall(content)), default=0))
    # Most sheets have neither errors nor formulas, and then no cell is looked at.
    if b't="e"' in content or b"<f" in content or b":f>" in content:
        for match in _CELL.finditer(content):
            attributes, inner = match[1], match[2] or b""
            place = _PLACE.search(attributes)
            if place:
                text = _left_out(attributes, inner)
                if text:
                    parts.texts[int(place[2]) - 1, _column(place[1]) - 1] = text
    return parts


def _left_out(attributes: bytes, inner: bytes) -> str | None:
    value = _VALUE.search(inner)
    if b't="e"' in attributes:
        return _unescaped(value[1]) if value else "#ERROR"
    formula = _FORMULA.search(inner)
    if formula and value is None:
        return f"={_unescaped(formula[1] or b'')}"
    return None


def _unescaped(text: bytes) -> str:
    words = text.decode("utf-8", "replace")
    for mark, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        words = words.replace(mark, letter)
    return words


def _path_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part that holds the sheet of that name."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        book = etree.fromstring(archive.read("xl/workbook.xml"), parser)
        links = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), parser)
    except etree.XMLSyntaxError:
        return None
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for entry in book.iter(f"{_MAIN}sheet"):
        if entry.get("name") == sheet:
            target = targets.get(entry.get(_RELATION), "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return path if path in names else None
    return None


# --- the extent --------------------------------------------------------------------------------------------------


def _extent(name: str, chunks: Iterable[bytes]) -> tuple[int, int]:
    """The last row and column of a part of a workbook; 0 for one that is no sheet. Reads all chunks."""
    if name.startswith("xl/worksheets/") and name.endswith(".xml"):
        return _extent_of_xml(chunks)
    if name.startswith("xl/worksheets/") and name.endswith(".bin"):
        return _extent_of_records(b"".join(chunks))
    if name == "content.xml":
        return _extent_of_ods(b"".join(chunks))
    for _ in chunks:
        pass
    return 0, 0


def _extent_of_xml(chunks: Iterable[bytes]) -> tuple[int, int]:
    columns: set[bytes] = set()
    last_row = cells = 0
    for piece in _overlapping(chunks):
        columns.update(_COLUMN.findall(piece))
        far = {*_ROW.findall(piece), *_CELL_ROW.findall(piece)}
        last_row = max(last_row, max((int(row) for row in far), default=0))
        cells = max(cells, piece.count(b"<c>"))
    return last_row, max((_column(letters) for letters in columns), default=1 if cells else 0)


def _overlapping(chunks: Iterable[bytes], most: int = 1000) -> Iterator[bytes]:
    """Pieces that end where a tag ends, so that no tag is cut in two; a tag is not longer than ``most``."""
    rest = b""
    for chunk in chunks:
        piece = rest + chunk
        end = piece.rfind(b">", max(len(piece) - most, 0)) + 1 or len(piece)
        yield piece[:end]
        rest = piece[end:]
    yield rest


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _extent_of_records(data: bytes) -> tuple[int, int]:
    """Of a binary sheet: records of type, length and content; 0 is a row, 1 to 11 are its cells."""
    last_row = last_column = 0
    for kind, body in binary_records(data):
        if kind <= 11 and len(body) >= 4:
            (number,) = struct.unpack_from("<I", body)
            if kind == 0:
                last_row = max(last_row, number + 1)
            else:
                last_column = max(last_column, number + 1)
    return last_row, last_column


def _extent_of_ods(data: bytes) -> tuple[int, int]:
    """Of all tables together: rows that hold something, with their repetitions, and the last column that does."""
    rows = columns = 0
    try:
        for _, row in etree.iterparse(
            io.BytesIO(data), tag=f"{_TABLE}table-row", resolve_entities=False, no_network=True, huge_tree=False
        ):
            last = place = 0
            for cell in row:
                place += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
                if cell.get(f"{_OFFICE}value-type"):
                    last = place
            rows += int(row.get(f"{_TABLE}number-rows-repeated", 1)) if last else 1
            columns = max(columns, last)
            row.clear()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Problem(f"it is no readable workbook ({error}). Save it again and deliver it.") from None
    return rows, columns
