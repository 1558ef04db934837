"""Finds the cells of xls, xlsb and ods that the library reads otherwise than a person does.

Those are errors (``#DIV/0!``) and formulas that were never computed, which it reads as empty cells, and numbers that a
format shows with leading zeros. Each format is walked as far as needed to meet its cells: the records of the binary
ones, the elements of ods.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from ingest.readers.compound import Compound
from ingest.readers.workbook_masks import mask_of, shown

Place = tuple[int, int]


class Altered(NamedTuple):
    """The text that a cell gets instead of what the library reads; ``doubt``: why its value is not known, if it is."""

    text: str
    doubt: str = ""


#: Row and column (from 0) -> what stands there.
Places = dict[Place, Altered]

#: Why the value of a formula is not known.
UNCOMPUTED = "its formula was never computed"

#: What a spreadsheet shows for the code of an error.
_TEXTS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_SHOWN = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|Err:\d{3}")
_MAY_DIFFER = re.compile(
    rb">(#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|Err:\d{3})<|value-type=.error.|:formula=|T00:00:00|<text:p>[^<\d]*0\d"
)
#: A formula that is one of these over a part of one column, or (SUBTOTAL in a total row) over a column of a table.
_OF_CELLS_ABOVE = re.compile(
    r"=?(?:SUM|SUBTOTAL|AVERAGE|COUNTA?|AGGREGATE)\((?:\d+[,;])*"
    r"(?:\[?\.?\$?(?P<column>[A-Z]{1,3})\$?\d+:\.?\$?(?P=column)\$?(?P<last>\d+)\]?|(?P<table>\w*\[(?!@)[^\]@]+\]))\)",
    re.IGNORECASE,
)
#: A number that is shown with leading zeros.
_LEADING_ZERO = re.compile(r"\D*0\d")


def altered_cells(data: bytes, workbook_format: str, sheet: str) -> tuple[Places, dict[int, str]]:
    """The cells of a sheet that read otherwise, and the rows (from 0) that add up those above with the formula by which
    they do (in ods). Empty for a file that cannot be walked: the library refuses what is damaged."""
    totals: dict[int, str] = {}
    try:
        match workbook_format:
            case "xls":
                return dict(_in_records(_workbook_stream(data), sheet)), totals
            case "xlsb":
                return dict(_in_binary_sheet(data, sheet)), totals
            case "ods":
                return dict(_in_tables(data, sheet, totals)), totals
    except (struct.error, KeyError, IndexError, ValueError, etree.XMLSyntaxError):
        pass
    return {}, {}


def adds_up_above(formula: str, row: int, column: int) -> bool:
    """True for a formula that sums, counts or averages cells above its own: the row is a total, and no record.

    A sum to the left, and one that runs along another column, belong to a record.
    """
    found = _OF_CELLS_ABOVE.fullmatch(formula)
    if not found:
        return False
    if found["table"]:
        return True
    return column_of(found["column"]) - 1 == column and int(found["last"]) <= row


def column_of(letters: str) -> int:
    """The number of a column, from 1, by its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def error(text: str) -> Altered:
    """A cell that holds an error."""
    return Altered(text, f"it holds the error {text}")


def day_of(instant: str) -> Altered | None:
    """The day of an instant at midnight, as the library gives it where the cell holds a number."""
    day, _, time = instant.partition("T")
    return Altered(day) if time.startswith("00:00:00") and not time[8:].strip(".0") else None


def uncomputed(formula: str = "") -> Altered:
    """A cell with a formula that has no value yet."""
    return Altered(f"={formula}", UNCOMPUTED)


def parser() -> etree.XMLParser:
    """What reads the XML of a workbook: nothing in it is expanded, and nothing fetched."""
    return etree.XMLParser(resolve_entities=False, no_network=True)


def linked_parts(archive: zipfile.ZipFile, links: str) -> dict[str | None, str]:
    """Name of a link -> the part of the archive that it leads to."""
    targets = {link.get("Id"): link.get("Target", "") for link in etree.fromstring(archive.read(links), parser())}
    return {name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in targets.items()}


def _error_of(code: int) -> Altered:
    """What a spreadsheet shows for the code of an error."""
    return error(_TEXTS.get(code, "#ERROR"))


# --- xls: a stream of records in a compound file -------------------------------------------------------------------


def _workbook_stream(data: bytes) -> bytes:
    """The stream that holds the sheets."""
    file = Compound(data)
    return file.read("Workbook" if "Workbook" in file.streams else "Book")


def globals_of(data: bytes) -> list[int]:
    """The kinds of the records before the sheets of an xls."""
    return [kind for kind, _, _ in _records(_workbook_stream(data), 0)]


def _in_records(stream: bytes, sheet: str) -> Iterator[tuple[Place, Altered]]:
    (version,) = struct.unpack_from("<H", stream, 4)
    is_wide = version >= 0x600
    start, formats, styles, is_of_excel = 0, dict[int, str](), list[int](), False
    for kind, body, _ in _records(stream, 0):
        if kind == 0x85 and not start:
            offset, name = _bound_sheet(body, is_wide=is_wide)
            start = offset if name == sheet else 0
        elif kind in (0x41E, 0x1E):
            (number,) = struct.unpack_from("<H", body)
            formats[number] = _text_of(body[2:], is_wide=is_wide)
        elif kind in (0xE0, 0x43):
            styles += struct.unpack_from("<H", body, 2)
        elif kind == 0x1C1:
            is_of_excel = True
    masks = _masks(formats, styles)
    uncomputed_cells: list[Place] = []
    is_computed = is_of_excel
    for kind, body, _ in _records(stream, start) if start else ():
        if kind == 0x205 and body[7]:
            yield struct.unpack_from("<HH", body), _error_of(body[6])
        elif kind in (0x06, 0x206, 0x406):
            if body[12:14] != b"\xff\xff" or body[6] != 3:
                is_computed = True
            if body[12:14] == b"\xff\xff" and body[6] == 2:
                yield struct.unpack_from("<HH", body), _error_of(body[8])
            elif body[12:14] == b"\xff\xff" and body[6] == 3:
                uncomputed_cells.append(struct.unpack_from("<HH", body))
        if masks and kind in _NUMBERS_OF_XLS:
            for row, column, style, value in _numbers(kind, body):
                text = shown(value, masks[style]) if style in masks else None
                if text:
                    yield (row, column), Altered(text)
    if not is_computed:
        # A program that writes formulas and cannot compute them gives all of them the result of an empty text.
        yield from ((place, uncomputed()) for place in uncomputed_cells)


#: A number, a short one, a row of short ones, a formula.
_NUMBERS_OF_XLS = (0x203, 0x27E, 0xBD, 0x06)


def _masks(formats: dict[int, str], styles: list[int]) -> dict[int, str]:
    """Style of a cell -> the mask that it shows numbers in."""
    masks = {number: mask for number, text in formats.items() if (mask := mask_of(text))}
    return {style: masks[number] for style, number in enumerate(styles) if number in masks}


def _numbers(kind: int, body: bytes) -> Iterator[tuple[int, int, int, float]]:
    """Row, column, style and value of the numbers in a record."""
    row, column, style = struct.unpack_from("<HHH", body)
    if kind == 0xBD:
        for place in range((len(body) - 6) // 6):
            style, short = struct.unpack_from("<HI", body, 4 + 6 * place)
            yield row, column + place, style, _short_number(short)
    elif kind == 0x27E:
        yield row, column, style, _short_number(struct.unpack_from("<I", body, 6)[0])
    elif body[12:14] != b"\xff\xff":
        yield row, column, style, struct.unpack_from("<d", body, 6)[0]


def _short_number(bits: int) -> float:
    """A number of 30 bits: whole, or the upper half of a float; the lowest bit divides it by a hundred."""
    value = (
        float((bits ^ 0x80000000) - 0x80000000 >> 2)
        if bits & 2
        else struct.unpack("<d", struct.pack("<Q", (bits & ~3) << 32))[0]
    )
    return value / 100 if bits & 1 else value


def _text_of(body: bytes, *, is_wide: bool) -> str:
    """A text behind its length."""
    if not is_wide:
        return body[1 : 1 + body[0]].decode("cp1252", "replace")
    (length,) = struct.unpack_from("<H", body)
    return _letters(body[2:], length)


def _bound_sheet(body: bytes, *, is_wide: bool) -> tuple[int, str]:
    """Where a sheet starts in the stream, and its name."""
    (offset,) = struct.unpack_from("<I", body)
    return offset, _letters(body[7:], body[6]) if is_wide else _text_of(body[6:], is_wide=False)


def _letters(body: bytes, length: int) -> str:
    """So many letters, behind a byte that says whether each takes two."""
    if body[0] & 1:
        return body[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return body[1 : 1 + length].decode("latin-1")


def _records(stream: bytes, position: int) -> Iterator[tuple[int, bytes, int]]:
    """Kind, body and offset of the records of one part of the stream, up to its end mark; a chart within it counts."""
    depth = 0
    while position + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, position)
        yield kind, stream[position + 4 : position + 4 + length], position
        depth += (kind in (0x809, 0x409, 0x209)) - (kind == 0x0A)
        if depth <= 0:
            return
        position += 4 + length


# --- xlsb: records in a part of an archive -------------------------------------------------------------------------


def _in_binary_sheet(data: bytes, sheet: str) -> Iterator[tuple[Place, Altered]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        linked = linked_parts(archive, "xl/_rels/workbook.bin.rels")
        path = next(
            linked[link]
            for kind, body in binary_records(archive.read("xl/workbook.bin"))
            if kind == 156
            for link, name in [_bundled(body)]
            if name == sheet
        )
        content = archive.read(path)
        masks = _masks_of_styles(archive.read("xl/styles.bin")) if "xl/styles.bin" in archive.namelist() else {}
    row = 0
    for kind, body in binary_records(content):
        if kind == 0:
            (row,) = struct.unpack_from("<I", body)
        elif kind in (3, 11):  # an error, and a formula that gives one
            (column,) = struct.unpack_from("<I", body)
            yield (row, column), _error_of(body[8])
        elif masks and kind in (2, 5, 9):  # a short number, a number, and a formula that gives one
            column, style = struct.unpack_from("<II", body)
            mask = masks.get(style & 0xFFFFFF)
            number = (
                _short_number(struct.unpack_from("<I", body, 8)[0])
                if kind == 2
                else struct.unpack_from("<d", body, 8)[0]
            )
            text = shown(number, mask) if mask else None
            if text:
                yield (row, column), Altered(text)


def _masks_of_styles(data: bytes) -> dict[int, str]:
    """Style of a cell -> the mask that it shows numbers in."""
    formats, styles, is_of_cells = dict[int, str](), list[int](), False
    for kind, body in binary_records(data):
        if kind == 44:
            number, length = struct.unpack_from("<HI", body)
            formats[number] = body[6 : 6 + 2 * length].decode("utf-16-le", "replace")
        elif kind in (617, 618):  # the styles of cells begin and end, besides those that styles are made of
            is_of_cells = kind == 617
        elif kind == 47 and is_of_cells:
            styles += struct.unpack_from("<H", body, 2)
    return _masks(formats, styles)


def _bundled(body: bytes) -> tuple[str, str]:
    """The link of a sheet, and its name."""
    (length,) = struct.unpack_from("<I", body, 8)
    link = body[12 : 12 + 2 * length].decode("utf-16-le")
    (size,) = struct.unpack_from("<I", body, 12 + 2 * length)
    return link, body[16 + 2 * length : 16 + 2 * (length + size)].decode("utf-16-le")


def binary_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of the records of a binary part."""
    position = 0
    while position < len(data):
        kind, position = _varint(data, position, 2)
        length, position = _varint(data, position, 4)
        yield kind, data[position : position + length]
        position += length


def _varint(data: bytes, position: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            break
    return value, position


# --- ods: elements --------------------------------------------------------------------------------------------------


def _in_tables(data: bytes, sheet: str, totals: dict[int, str]) -> Iterator[tuple[Place, Altered]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml")
    # Most sheets have nothing of the kind, and then no element is looked at.
    if not _MAY_DIFFER.search(content):
        return
    number, is_sheet = 0, False
    for event, row in etree.iterparse(
        io.BytesIO(content),
        events=("start", "end"),
        tag=(f"{TABLE}table", f"{TABLE}table-row"),
        resolve_entities=False,
        no_network=True,
    ):
        if row.tag == f"{TABLE}table":
            number, is_sheet = 0, event == "start" and row.get(f"{TABLE}name") == sheet
        if row.tag == f"{TABLE}table" or event == "start":
            continue
        place = 0
        for cell in row if is_sheet else ():
            repeated = int(cell.get(f"{TABLE}number-columns-repeated", 1))
            formula = (cell.get(f"{TABLE}formula") or "").partition("=")[2]
            if adds_up_above(formula, number, place):
                totals.setdefault(number, f"={formula}")
            altered = _altered(cell)
            if altered:
                yield from (((number, place + further), altered) for further in range(repeated))
            place += repeated
        number += int(row.get(f"{TABLE}number-rows-repeated", 1))
        row.clear()


def _altered(cell: etree._Element) -> Altered | None:
    seen = "".join("".join(text.itertext()) for text in cell.findall(f"{_TEXT}p"))
    formula, value = cell.get(f"{TABLE}formula"), cell.get(f"{OFFICE}value")
    if cell.get(f"{_CALC}value-type") == "error" or (formula and _SHOWN.fullmatch(seen)):
        return error(seen or "#ERROR")
    if formula and cell.get(f"{OFFICE}value-type") is None:
        return uncomputed(formula.partition("=")[2])
    if cell.get(f"{OFFICE}date-value"):
        return day_of(cell.get(f"{OFFICE}date-value", ""))
    if cell.get(f"{OFFICE}value-type") == "float" and value and _LEADING_ZERO.match(seen):
        digits = re.sub(r"\D", "", seen)
        return Altered(seen) if float(value) == int(digits) else None
    return None
