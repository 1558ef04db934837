"""Looks into the parts of a workbook before and beside the library that reads it.

Before: a workbook of a few bytes may name a cell in its last row and column, for which the library would reserve the
whole sheet; so the extent is measured first. Beside: the library reads an error and a formula that was never computed
as an empty cell, and a number without the zeros that a format puts before it; for xlsx they are found here, for the
other formats in ``workbook_altered``.
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
from ingest.readers import compound
from ingest.readers.kinds import PROTECTED
from ingest.readers.unzip import Allowance, Limits, chunks_of, open_zip
from ingest.readers.workbook_altered import (
    Altered,
    Place,
    Places,
    adds_up_above,
    altered_cells,
    binary_records,
    column_of,
    day_of,
    error,
    globals_of,
    uncomputed,
)
from ingest.readers.workbook_masks import mask_of, shown

MAX_CELLS = 20_000_000

#: XML of sheets packs well: a ratio of 150 is nothing unusual.
_LIMITS = Limits(size=1 << 30, ratio=400)

_COLUMN = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br\s*=\s*[\"']([A-Za-z]{1,3})\d")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br\s*=\s*[\"'](\d{1,7})[\"']")
#: A cell may name another row than the one it stands in, and the library takes its word.
_CELL_ROW = re.compile(rb"\br\s*=\s*[\"'][A-Za-z]{1,3}(\d{6,7})[\"']")
#: A row with its attributes, or a cell with its attributes and what is in it.
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(?:row\b([^>]*)>|c(?=[\s/>])([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>))", re.DOTALL)
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_ROW_NUMBER = re.compile(rb"\br\s*=\s*[\"'](\d{1,7})[\"']")
_TYPE = re.compile(rb"\bt\s*=\s*[\"'](\w+)[\"']")
_STYLE = re.compile(rb"\bs\s*=\s*[\"'](\d{1,6})[\"']")
#: Written by programs that cannot compute: whoever opens the workbook is to compute all of it.
_COMPUTE_ON_OPENING = re.compile(rb"\bfullCalcOnLoad\s*=\s*[\"'](?:1|true)[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?v>(.*?)</(?:\w+:)?v>", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
#: In the namespace of the common or of the strict kind.
_RELATION = re.compile(r"\{[^}]*/relationships\}id")


#: The library does not say so of each of them.
PASSWORD = "it is a workbook protected by a password. Save it without one and deliver it."
#: The record of an xls that says how it is encrypted, and the part of an ods that does.
_FILE_PASS = 0x2F
_MANIFEST = "META-INF/manifest.xml"


@dataclass
class SheetParts:
    """Of one sheet the cells that the library reads otherwise than a person, and how many rows it states."""

    altered: Places = field(default_factory=dict)
    totals: dict[int, str] = field(default_factory=dict)
    rows: int = 0


def check_extent(data: bytes) -> str:
    """The format of a workbook: xlsx, xlsb, ods or xls.

    Raises Problem for one that unpacks to too much, whose cells lie too far apart, or that a password protects.

    An old xls cannot be too large: its sheets end at row 65,536 and column 256.
    """
    if not data.startswith(b"PK"):
        if _is_protected_compound(data):
            raise Problem(PASSWORD)
        return "xls"
    with open_zip(data, _LIMITS) as archive:
        if _is_protected_archive(archive):
            raise Problem(PASSWORD)
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


def _is_protected_compound(data: bytes) -> bool:
    """True for an xls, or an xlsx inside a compound file, that a password protects."""
    try:
        return PROTECTED in compound.names_in(data) or _FILE_PASS in globals_of(data)
    except (struct.error, KeyError, IndexError, ValueError):
        return False


def _is_protected_archive(archive: zipfile.ZipFile) -> bool:
    """True for an ods that a password protects: its list of parts says how each is encrypted."""
    if _MANIFEST not in archive.namelist():
        return False
    return b"encryption-data" in next(chunks_of(archive, archive.getinfo(_MANIFEST)), b"")


def sheet_parts(data: bytes, sheet: str, workbook_format: str) -> SheetParts:
    """What the library leaves out of a sheet."""
    if workbook_format != "xlsx":
        return SheetParts(*altered_cells(data, workbook_format, sheet))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _path_of(archive, sheet)
        if path is None:
            return SheetParts()
        content = archive.read(path)
        masks = _masks(archive)
        is_left_open = _COMPUTE_ON_OPENING.search(archive.read("xl/workbook.xml")) is not None
    parts = SheetParts(rows=max((int(row) for row in _ROW.findall(content)), default=0))
    # Most sheets have neither errors nor formulas nor such formats, and then no cell is looked at.
    if masks or any(mark in content for mark in (b't="e"', b"t='e'", b't="d"', b"t='d'", b"<f", b":f>")):
        is_zero_empty = is_left_open and not any(_has_result(inner) for _, _, inner in _cells(content))
        for place, attributes, inner in _cells(content):
            altered = _altered(attributes, inner, masks, is_zero_empty=is_zero_empty)
            if altered:
                parts.altered[place] = altered
            formula = _FORMULA.search(inner) if _has_formula(inner) else None
            if formula and formula[1] and adds_up_above(_unescaped(formula[1]), *place):
                parts.totals.setdefault(place[0], f"={_unescaped(formula[1])}")
    return parts


def _cells(content: bytes) -> Iterator[tuple[Place, bytes, bytes]]:
    """Row and column, the attributes and what is in it, for each cell of a sheet."""
    row = column = -1
    for match in _ROW_OR_CELL.finditer(content):
        of_row, attributes, inner = match.groups()
        if of_row is not None:
            number = _ROW_NUMBER.search(of_row)
            row, column = int(number[1]) - 1 if number else row + 1, -1
            continue
        place = _PLACE.search(attributes)
        # A cell that names no place stands behind the one before it.
        row, column = (int(place[2]) - 1, column_of(place[1].decode()) - 1) if place else (row, column + 1)
        yield (row, column), attributes, inner or b""


def _has_result(inner: bytes) -> bool:
    """True for a formula with a value other than 0, which a program writes that computes none."""
    value = _VALUE.search(inner) if _has_formula(inner) else None
    return value is not None and value[1] not in (b"", b"0") and _FORMULA.search(inner) is not None


def _altered(attributes: bytes, inner: bytes, masks: dict[int, str], *, is_zero_empty: bool) -> Altered | None:
    kind_found = _TYPE.search(attributes) if b"t" in attributes else None
    kind = kind_found[1] if kind_found else b"n"
    formula = _FORMULA.search(inner) if _has_formula(inner) else None
    style = _STYLE.search(attributes) if masks and kind == b"n" else None
    mask = masks.get(int(style[1])) if style else None
    # Most cells are nothing of the kind, and their value is not looked for.
    if not (formula or mask or kind in (b"e", b"d")):
        return None
    value = _VALUE.search(inner)
    text = value[1].strip() if value else b""
    if kind == b"e":
        return error(_unescaped(text) or "#ERROR")
    if kind == b"d":
        return day_of(text.decode("ascii", "replace"))
    # A text may be empty by its formula, a number may not.
    is_text = kind == b"str" and value is not None
    if formula and not is_text and (not text or (text == b"0" and is_zero_empty and kind == b"n")):
        return uncomputed(_unescaped(formula[1] or b""))
    try:
        seen = shown(float(text), mask) if mask and text else None
    except ValueError:
        return None
    return Altered(seen) if seen else None


def _has_formula(inner: bytes) -> bool:
    return b"<f" in inner or b":f" in inner


def _masks(archive: zipfile.ZipFile) -> dict[int, str]:
    """Style of a cell -> the mask that it shows numbers in."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    try:
        styles = etree.fromstring(archive.read("xl/styles.xml"), _parser())
    except etree.XMLSyntaxError:
        return {}
    masks = {
        number.get("numFmtId"): mask
        for number in styles.iter("{*}numFmt")
        if (mask := mask_of(number.get("formatCode", "")))
    }
    cells = styles.find("{*}cellXfs")
    return {
        style: masks[entry.get("numFmtId")]
        for style, entry in enumerate(() if cells is None else cells.iterchildren("{*}xf"))
        if entry.get("numFmtId") in masks
    }


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


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
    try:
        book = etree.fromstring(archive.read("xl/workbook.xml"), _parser())
        links = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), _parser())
    except etree.XMLSyntaxError:
        return None
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for entry in book.iter("{*}sheet"):
        if entry.get("name") == sheet:
            link = next((value for name, value in entry.items() if _RELATION.fullmatch(name)), None)
            target = targets.get(link, "")
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
    return last_row, max((column_of(letters.decode()) for letters in columns), default=1 if cells else 0)


def _overlapping(chunks: Iterable[bytes], most: int = 1000) -> Iterator[bytes]:
    """Pieces that end where a tag ends, so that no tag is cut in two; a tag is not longer than ``most``."""
    rest = b""
    for chunk in chunks:
        piece = rest + chunk
        end = piece.rfind(b">", max(len(piece) - most, 0)) + 1 or len(piece)
        yield piece[:end]
        rest = piece[end:]
    yield rest


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
