"""Reads the sheets of a workbook (xlsx, xlsm, xls, xlsb, ods): every cell as text, with the row number of the sheet.

Dates become ISO texts, numbers have no more than the 15 digits that Excel itself shows, a formula gives the value
that was last computed and never runs. What the library leaves out of a cell is put back: an error (``#DIV/0!``) as
its text, and a formula that was never computed as its own text, so that neither passes for an empty cell.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import python_calamine

from forecourt.errors import Problem
from ingest.readers.rows import MAX_COLUMNS, Records, Remark, as_table
from ingest.readers.workbook_parts import SheetParts, check_extent, sheet_parts

#: So many rows are searched for the header when the source does not say.
DEFAULT_PREAMBLE = 20

Row = list[str]


@dataclass
class Workbook:
    """An open workbook; ``sheet_names`` are those a person sees, in their order. ``format``: xlsx, xlsb, ods or xls."""

    sheet_names: list[str]
    format: str
    _data: bytes
    _book: Any
    _rows: dict[str, list[list[Any]]] = field(default_factory=dict)
    _parts: dict[str, SheetParts] = field(default_factory=dict)

    def cells(self, sheet: str) -> list[list[Any]]:
        """All cells of a sheet from its first row and column on. Raises Problem for one that is too large."""
        if sheet not in self._rows:
            with _refusals():
                rows = self._book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            parts = self._parts[sheet] = sheet_parts(self._data, sheet)
            for (row, column), text in parts.texts.items():
                while len(rows) <= row:
                    rows.append([])
                rows[row].extend([""] * (column + 1 - len(rows[row])))
                rows[row][column] = text
            rows.extend([[]] * (parts.rows - len(rows)))
            self._rows[sheet] = rows
        return self._rows[sheet]

    def merged_below(self, sheet: str, row: int) -> int:
        """How many merged cells there are below a row (counted from 0)."""
        self.cells(sheet)
        found = self._book.get_sheet_by_name(sheet).merged_cell_ranges or []
        return sum(start[0] > row for start, _ in found)


@dataclass(frozen=True)
class Place:
    """Where a table stands: the sheet and the row of its header, counted from 0; no header where ``header`` is None."""

    sheet: str
    header: int | None


def open_workbook(data: bytes) -> Workbook:
    """The workbook in these bytes. Raises Problem (without the file's name) for one that is damaged, protected by a
    password, or larger than can be read."""
    workbook_format = check_extent(data)
    with _refusals():
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
            and sheet.visible == python_calamine.SheetVisibleEnum.Visible
        ]
    if not names:
        raise Problem("it is a workbook without a visible sheet. Export it again.")
    return Workbook(names, workbook_format, data, book)


@contextmanager
def _refusals() -> Iterator[None]:
    """What the library raises for a workbook, also a panic inside it, as a refusal."""
    try:
        yield
    except python_calamine.PasswordError:
        raise Problem("it is a workbook protected by a password. Save it without one and deliver it.") from None
    except BaseException as error:
        # A panic is no Exception, so that nobody catches it by chance; here a file caused it.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise Problem(f"it is no readable workbook ({error}). Save it again and deliver it.") from None


def find_table(book: Workbook, sheets: Sequence[str], signature: Sequence[str], preamble: int | None) -> Place | None:
    """The first sheet, and the row in it, that names all columns of a signature.

    ``sheets``: patterns of the sheets to look at; all where it is empty. ``signature`` in any case.
    """
    wanted = {name.strip().casefold() for name in signature}
    for sheet in chosen(book, sheets):
        rows = book.cells(sheet)[: (DEFAULT_PREAMBLE if preamble is None else preamble) + 1]
        for number, row in enumerate(rows):
            names = {_text(cell).strip().casefold() for cell in row}
            if wanted <= names:
                return Place(sheet, number)
    return None


def chosen(book: Workbook, sheets: Sequence[str]) -> list[str]:
    """The sheets whose names fit a pattern; all where there is none."""
    return [
        sheet
        for sheet in book.sheet_names
        if not sheets or any(fnmatchcase(sheet.casefold(), pattern.casefold()) for pattern in sheets)
    ]


def first_filled_row(book: Workbook) -> Place | None:
    """The first row with anything in it: where the header of a workbook should stand when none was found."""
    for sheet in book.sheet_names:
        for number, row in enumerate(book.cells(sheet)):
            if any(_text(cell).strip() for cell in row):
                return Place(sheet, number)
    return None


def header_at(book: Workbook, place: Place) -> list[str]:
    """The names in the header row, surrounding blanks and empty cells at its end removed."""
    if place.header is None:
        return []
    names = [_text(cell).strip() for cell in book.cells(place.sheet)[place.header]]
    while names and not names[-1]:
        names.pop()
    return names


def read_sheet(book: Workbook, place: Place, *, names: Mapping[int, str] | None = None, decimal: str = ".") -> Records:
    """All rows below the header, or all rows where the table has none and ``names`` gives position -> name.

    ``decimal``: the mark that numbers get, because the source reads them by it. Raises Problem for too many columns.
    """
    cells = book.cells(place.sheet)
    start = 0 if place.header is None else place.header + 1
    header = header_at(book, place)
    width = max([len(header), *(_filled(row) for row in cells[start:])], default=0)
    if width > MAX_COLUMNS:
        raise Problem(f"it has {width} columns; files are read up to {MAX_COLUMNS}. Export only the columns needed.")
    header += [(names or {}).get(number, "") for number in range(len(header) + 1, width + 1)]
    above = [_row(row, width, decimal) for row in cells[: start and place.header]]
    titles = {tuple(row) for row in above if any(row)} | {tuple(header)}
    skipped = {"row above the header": len(above), "blank line": 0, "repeated page header": 0}
    kept: list[Row] = []
    numbers: list[int] = []
    for number, row in enumerate(cells[start:], start=start + 1):
        texts = _row(row, width, decimal)
        if not any(texts):
            skipped["blank line"] += 1
        elif tuple(texts) in titles:
            skipped["repeated page header"] += 1
        else:
            kept.append(texts)
            numbers.append(number)
    columns = [list(column) for column in zip(*kept, strict=True)] or [[] for _ in header]
    return Records(
        header=header,
        rows=as_table(columns, numbers, list(range(1, len(kept) + 1))),
        raw=lambda row_id: "\t".join(kept[row_id - 1]).rstrip("\t"),
        place=f"sheet {place.sheet!r}, row {start}: the header",
        skipped={rule: count for rule, count in skipped.items() if count},
        remarks=_remarks(book, place),
    )


def _remarks(book: Workbook, place: Place) -> list[Remark]:
    remarks = [
        Remark(f"sheet {sheet!r} was not read; sheet {place.sheet!r} was")
        for sheet in book.sheet_names
        if sheet != place.sheet
    ]
    merged = book.merged_below(place.sheet, -1 if place.header is None else place.header)
    if merged:
        remarks.append(Remark("cells are merged below the header: only the first of each holds its value", merged))
    return remarks


def _row(cells: Sequence[Any], width: int, decimal: str) -> Row:
    texts = [_text(cell, decimal).strip(" \t\r\n\u00a0\ufeff") for cell in cells[:width]]
    return texts + [""] * (width - len(texts))


def _filled(row: Sequence[Any]) -> int:
    return next((place + 1 for place in range(len(row) - 1, -1, -1) if _text(row[place]).strip()), 0)


def _text(cell: Any, decimal: str = ".") -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return _number(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        # A workbook keeps a time as a fraction of a day, which is exact to some microseconds.
        cell = (cell + timedelta(microseconds=500)).replace(microsecond=(cell.microsecond + 500) % 10**6 // 1000 * 1000)
        return cell.isoformat(timespec="milliseconds" if cell.microsecond else "seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"
    return "" if cell is None else str(cell)


@lru_cache(maxsize=1 << 16)
def _number(value: float) -> str:
    """The number in the 15 digits that Excel shows, without an exponent: 0.1 + 0.2 is 0.3."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{Decimal(f'{value:.15g}'):f}"
