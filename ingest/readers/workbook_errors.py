"""Finds the cells of xls, xlsb and ods that hold an error (``#DIV/0!``), which the library reads as empty ones.

Each format is walked as far as needed to meet its cells: the records of the binary ones, the elements of ods.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator

from lxml import etree

Places = dict[tuple[int, int], str]

#: What a spreadsheet shows for the code of an error.
_TEXTS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_SHOWN = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|Err:\d{3}")
_SHOWN_IN_XML = re.compile(rb">(#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|Err:\d{3})<|value-type=.error.")

#: No chain of sectors is longer than this: a damaged one may lead back to its beginning.
_MOST_SECTORS = 1 << 21


def error_cells(data: bytes, workbook_format: str, sheet: str) -> Places:
    """Row and column (from 0) -> the error that stands there. Empty for a file that cannot be walked: the library
    refuses what is damaged."""
    try:
        match workbook_format:
            case "xls":
                return dict(_in_records(_workbook_stream(data), sheet))
            case "xlsb":
                return dict(_in_binary_sheet(data, sheet))
            case "ods":
                return dict(_in_tables(data, sheet))
    except (struct.error, KeyError, IndexError, ValueError, etree.XMLSyntaxError):
        return {}
    return {}


def text_of_error(code: int) -> str:
    """What a spreadsheet shows for the code of an error."""
    return _TEXTS.get(code, "#ERROR")


# --- xls: a stream of records in a compound file -------------------------------------------------------------------


def _workbook_stream(data: bytes) -> bytes:
    """The stream that holds the sheets."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    first_folder, cutoff, first_mini, _, first_more, more = struct.unpack_from("<I4xIIIII", data, 48)
    size = 1 << shift

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    tables = list(struct.unpack_from("<109I", data, 76))
    for _ in range(min(more, _MOST_SECTORS)):
        entries = struct.unpack(f"<{size // 4}I", sector(first_more))
        tables += entries[:-1]
        first_more = entries[-1]
    chains = b"".join(sector(number) for number in tables if number < 0xFFFFFFFA)

    def stream(first: int, of: bytes = chains) -> Iterator[int]:
        for _ in range(_MOST_SECTORS):
            if first >= 0xFFFFFFFA:
                return
            yield first
            (first,) = struct.unpack_from("<I", of, first * 4)

    folder = b"".join(map(sector, stream(first_folder)))
    streams: dict[str, tuple[int, int]] = {}
    for start in range(0, len(folder), 128):
        name = folder[start : start + 64].decode("utf-16-le", "replace").partition("\0")[0]
        streams.setdefault(name, struct.unpack_from("<II", folder, start + 116))
    first, length = streams.get("Workbook") or streams["Book"]
    if length >= cutoff:
        return b"".join(map(sector, stream(first)))[:length]
    root = b"".join(map(sector, stream(streams["Root Entry"][0])))
    mini_chains = b"".join(map(sector, stream(first_mini)))
    mini = 1 << mini_shift
    return b"".join(root[number * mini : (number + 1) * mini] for number in stream(first, mini_chains))[:length]


def _in_records(stream: bytes, sheet: str) -> Iterator[tuple[tuple[int, int], str]]:
    (version,) = struct.unpack_from("<H", stream, 4)
    start = next(
        offset for kind, body, _ in _records(stream, 0) if kind == 0x85
        for offset, name in [_bound_sheet(body, is_wide=version >= 0x600)] if name == sheet
    )  # fmt: skip
    for kind, body, _ in _records(stream, start):
        if kind == 0x205 and body[7]:
            yield struct.unpack_from("<HH", body), text_of_error(body[6])
        elif kind in (0x06, 0x206, 0x406) and body[12:14] == b"\xff\xff" and body[6] == 2:
            yield struct.unpack_from("<HH", body), text_of_error(body[8])


def _bound_sheet(body: bytes, *, is_wide: bool) -> tuple[int, str]:
    """Where a sheet starts in the stream, and its name."""
    (offset,) = struct.unpack_from("<I", body)
    if not is_wide:
        return offset, body[7 : 7 + body[6]].decode("cp1252", "replace")
    if body[7] & 1:
        return offset, body[8 : 8 + 2 * body[6]].decode("utf-16-le", "replace")
    return offset, body[8 : 8 + body[6]].decode("latin-1")


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


def _in_binary_sheet(data: bytes, sheet: str) -> Iterator[tuple[tuple[int, int], str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        links = etree.fromstring(archive.read("xl/_rels/workbook.bin.rels"), parser)
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        target = next(
            targets[link]
            for kind, body in binary_records(archive.read("xl/workbook.bin"))
            if kind == 156
            for link, name in [_bundled(body)]
            if name == sheet
        )
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        content = archive.read(path)
    row = 0
    for kind, body in binary_records(content):
        if kind == 0:
            (row,) = struct.unpack_from("<I", body)
        elif kind in (3, 11):  # an error, and a formula that gives one
            (column,) = struct.unpack_from("<I", body)
            yield (row, column), text_of_error(body[8])


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


def _in_tables(data: bytes, sheet: str) -> Iterator[tuple[tuple[int, int], str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml")
    # Most sheets have no error, and then no element is looked at.
    if not _SHOWN_IN_XML.search(content):
        return
    number, is_sheet = 0, False
    for event, row in etree.iterparse(
        io.BytesIO(content),
        events=("start", "end"),
        tag=(f"{_TABLE}table", f"{_TABLE}table-row"),
        resolve_entities=False,
        no_network=True,
    ):
        if row.tag == f"{_TABLE}table":
            number, is_sheet = 0, event == "start" and row.get(f"{_TABLE}name") == sheet
        if row.tag == f"{_TABLE}table" or event == "start":
            continue
        place = 0
        for cell in row if is_sheet else ():
            shown = "".join("".join(text.itertext()) for text in cell.findall(f"{_TEXT}p"))
            is_error = cell.get(f"{_CALC}value-type") == "error"
            if is_error or (cell.get(f"{_TABLE}formula") and _SHOWN.fullmatch(shown)):
                yield (number, place), shown or "#ERROR"
            place += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        number += int(row.get(f"{_TABLE}number-rows-repeated", 1))
        row.clear()
