"""Workbooks for tests, in every format that is read: the same cells as xlsx, xls, xlsb and ods."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

import xlsxwriter

Cell = str | float | bool | date | datetime | None


class Error(str):
    """An error as a cell of xls, xlsb and ods: its text, and the code that the binary formats have for it."""

    code = 0x07
    __slots__ = ()


class Padded(str):
    """A number as a cell of xls, xlsb and ods that the format 00000 shows with its leading zeros."""

    __slots__ = ()


DIVISION = Error("#DIV/0!")


def xlsx(sheets: dict[str, Sequence[Sequence[Cell]]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(place, column, cell, instant)
                    elif isinstance(cell, date):
                        sheet.write_datetime(place, column, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001
                    elif isinstance(cell, str):
                        sheet.write_string(place, column, cell)
                    elif cell is not None:
                        sheet.write(place, column, cell)
    return content.getvalue()


def ods(rows: Sequence[Sequence[str]], *, repeat: tuple[int, int] = (1, 1)) -> bytes:
    """A sheet of texts; ``repeat``: how many times the last row and each of its cells stand there."""
    lines = []
    for place, row in enumerate(rows):
        down, across = repeat if place == len(rows) - 1 else (1, 1)
        cells = "".join(
            '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
            f'calcext:value-type="error"><text:p>{cell}</text:p></table:table-cell>'
            if isinstance(cell, Error)
            else f'<table:table-cell office:value-type="float" office:value="{int(cell)}"><text:p>{cell}</text:p>'
            "</table:table-cell>"
            if isinstance(cell, Padded)
            else f'<table:table-cell office:value-type="string" table:number-columns-repeated="{across}">'
            f"<text:p>{escape(cell)}</text:p></table:table-cell>"
            if cell
            else "<table:table-cell/>"
            for cell in row
        )
        lines.append(f'<table:table-row table:number-rows-repeated="{down}">{cells}</table:table-row>')
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    calc = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" '
        f'xmlns:text="{urn}:text:1.0" '
        f'xmlns:calcext="{calc}"><office:body><office:spreadsheet><table:table table:name="Sheet">'
        f"{''.join(lines)}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": content.encode(),
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{urn}:manifest:1.0"/>'.encode(),
        }
    )


def xls(rows: Sequence[Sequence[str]]) -> bytes:
    """A sheet of texts as BIFF8 in a compound file."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def wide(text: str) -> bytes:
        return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")

    start, end = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0), record(0x0A, b"")
    sheet = record(0x809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            if isinstance(text, Error):
                sheet += record(0x205, struct.pack("<HHHBB", place, column, 0, text.code, 1))
            elif isinstance(text, Padded):
                sheet += record(0x203, struct.pack("<HHHd", place, column, 1, int(text)))
            elif text:
                sheet += record(0x204, struct.pack("<HHH", place, column, 0) + wide(text))
    sheet += end
    head = record(0x809, start) + record(0x41E, struct.pack("<H", 164) + wide("00000"))
    head += b"".join(record(0xE0, struct.pack("<HH", 0, number) + bytes(16)) for number in (0, 164))
    offset = len(head) + 4 + 4 + 2 + 2 + 5 + len(end)
    stream = head + record(0x85, struct.pack("<IHBB", offset, 0, 5, 0) + b"Sheet") + end + sheet
    return compound(stream)


def compound(stream: bytes, name: str = "Workbook") -> bytes:
    """An OLE compound file with one stream: header, table of sectors, folder, content."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    assert len(table) == 512, "more cells than one sector table describes"
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)

    def entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0" if name else b""
        body = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
        return body + struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36) + struct.pack("<IQ", first, size)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, len(stream))
    folder += entry("", 0, 0xFFFFFFFF, 0, 0) * 2
    return header + table + folder + stream


def xlsb(cells: dict[tuple[int, int], str]) -> bytes:
    """A sheet of texts at places (row, column) as a binary workbook."""

    def record(kind: int, body: bytes) -> bytes:
        mark = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return mark + bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    last_row, last_column = max(row for row, _ in cells), max(column for _, column in cells)
    sheet = record(129, b"") + record(148, struct.pack("<IIII", 0, last_row, 0, last_column)) + record(145, b"")
    for row in sorted({row for row, _ in cells}):
        sheet += record(0, struct.pack("<I", row) + bytes(13))
        for column in sorted(column for at, column in cells if at == row):
            text = cells[row, column]
            if isinstance(text, Error):
                sheet += record(3, struct.pack("<IIB", column, 0, text.code))
            elif isinstance(text, Padded):
                sheet += record(2, struct.pack("<III", column, 1, int(text) << 2 | 2))
            else:
                sheet += record(6, struct.pack("<II", column, 0) + wide(text))
    sheet += record(146, b"") + record(130, b"")
    book = record(131, b"") + record(143, b"")
    book += record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Sheet")) + record(144, b"") + record(132, b"")
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.bin"/></Relationships>'
    )
    styles = record(615, struct.pack("<I", 1)) + record(44, struct.pack("<H", 164) + wide("00000")) + record(616, b"")
    styles += record(617, struct.pack("<I", 2))
    styles += b"".join(record(47, struct.pack("<HH", 0, number) + bytes(12)) for number in (0, 164)) + record(618, b"")
    types = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return zipped(
        {
            "[Content_Types].xml": types,
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": relations.encode(),
            "xl/worksheets/sheet1.bin": sheet,
            "xl/styles.bin": record(278, b"") + styles + record(279, b""),
        }
    )


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def rewritten(data: bytes, part: str, change: tuple[bytes, bytes]) -> bytes:
    """A workbook with some bytes of one of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert change[0] in files[part]
    files[part] = files[part].replace(*change)
    return zipped(files)
