"""Looks at a workbook before the library that reads it: how far its cells reach, and whether a password protects it.

A workbook of a few bytes may name a cell in its last row and column, for which the library would reserve the whole
sheet.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree

from forecourt.errors import Problem
from ingest.readers import compound
from ingest.readers.kinds import PROTECTED
from ingest.readers.unzip import Allowance, Limits, chunks_of, open_zip
from ingest.readers.workbook_altered import OFFICE, TABLE, binary_records, column_of, globals_of
from ingest.readers.workbook_parts import ROW

MAX_CELLS = 20_000_000

#: XML of sheets packs well: a ratio of 150 is nothing unusual.
_LIMITS = Limits(size=1 << 30, ratio=400)

_COLUMN = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br\s*=\s*[\"']([A-Za-z]{1,3})\d")
#: A cell may name another row than the one it stands in, and the library takes its word.
_CELL_ROW = re.compile(rb"\br\s*=\s*[\"'][A-Za-z]{1,3}(\d{6,7})[\"']")

#: The library does not say so of each of them.
PASSWORD = "it is a workbook protected by a password. Save it without one and deliver it."
#: The record of an xls that says how it is encrypted, and the part of an ods that does.
_FILE_PASS = 0x2F
_MANIFEST = "META-INF/manifest.xml"


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
        far = {*ROW.findall(piece), *_CELL_ROW.findall(piece)}
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
            io.BytesIO(data), tag=f"{TABLE}table-row", resolve_entities=False, no_network=True, huge_tree=False
        ):
            last = place = 0
            for cell in row:
                place += int(cell.get(f"{TABLE}number-columns-repeated", 1))
                if cell.get(f"{OFFICE}value-type"):
                    last = place
            rows += int(row.get(f"{TABLE}number-rows-repeated", 1)) if last else 1
            columns = max(columns, last)
            row.clear()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Problem(f"it is no readable workbook ({error}). Save it again and deliver it.") from None
    return rows, columns
