"""Reads the sheets of a workbook (xlsx, xlsm, xls, xlsb, ods, XML of Excel 2003): each cell as text, with its row.

Dates become ISO texts, numbers have no more than the 15 digits that Excel itself shows, a formula gives the value
that was last computed and never runs. What the library leaves out of a cell is put back: an error (``#DIV/0!``) as
its text, a formula that was never computed as its own text, so that neither passes for an empty cell, and the leading
zeros of a number that is shown with them.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from forecourt.errors import Problem
from ingest.readers.dialect import folded
from ingest.readers.rows import MAX_COLUMNS, BadRow, Records, Remark, as_table
from ingest.readers.second_header import AGAIN, names_columns
from ingest.readers.sheet_foot import find_sheet_foot
from ingest.readers.workbook_altered import UNCOMPUTED
from ingest.readers.workbook_parts import PASSWORD, check_extent, sheet_parts
from ingest.readers.workbook_process import Answer
from ingest.readers.workbook_xml import is_open_document, packed, sheets_of

#: So many rows are searched for the header when the source does not say.
DEFAULT_PREAMBLE = 20

#: A workbook that takes longer than this is none that anybody opens.
MAX_SECONDS = 600

#: A workbook of as many rows as a sheet can have is smaller.
MAX_BYTES = 200 << 20

#: Up to here a workbook keeps a whole number exactly.
_EXACT = float(1 << 53)

_PROCESS = Path(__file__).with_name("workbook_process.py")

Row = list[str]


@dataclass
class Workbook:
    """A workbook; ``sheets`` are those a person sees, in their order, ``hidden`` the names of the others.
    ``format``: xlsx, xlsb, ods, xls or xml."""

    format: str
    sheets: dict[str, Sheet]
    hidden: list[str]

    def cells(self, sheet: str) -> list[list[Any]]:
        """All cells of a sheet from its first row and column on."""
        return self.sheets[sheet].rows


@dataclass
class Sheet:
    """The cells of a sheet, rows of unequal length; ``merged``: row, first and last column of each merged cell, from 0.

    ``doubts``: row and column from 0 -> why the value of that cell is not known. ``totals``: row from 0 -> the formula
    in it that adds up the cells above.
    """

    rows: list[list[Any]]
    merged: list[tuple[int, int, int]]
    doubts: dict[tuple[int, int], str] = field(default_factory=dict)
    totals: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a table stands: the sheet and the row of its header, counted from 0; no header where ``header`` is None.

    ``rivals``: other sheets with the same header; ``lines``: of how many rows it is, of which ``header`` is the last.
    """

    sheet: str
    header: int | None
    rivals: tuple[str, ...] = ()
    lines: int = 1


def open_workbook(data: bytes) -> Workbook:
    """The workbook in these bytes. Raises Problem (without the file's name) for one that is damaged, protected by a
    password, or larger than can be read."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        if not is_open_document(data):
            found_in_xml = sheets_of(data).items()
            return _opened({name: Sheet(**vars(sheet)) if sheet else None for name, sheet in found_in_xml}, "xml")
        data = packed(data)
    workbook_format = check_extent(data)
    found = _cells_of(data)
    if found == "password":
        raise Problem(PASSWORD)
    if isinstance(found, str):
        raise Problem(f"it is no readable workbook ({found}). Save it again and deliver it.")
    sheets: dict[str, Sheet | None] = {}
    for name, content in found.items():
        sheets[name] = None
        if content is None:
            continue
        rows, merged = content
        parts = sheet_parts(data, name, workbook_format)
        for (row, column), altered in parts.altered.items():
            rows.extend([] for _ in range(row + 1 - len(rows)))
            rows[row].extend([""] * (column + 1 - len(rows[row])))
            rows[row][column] = altered.text
        rows.extend([] for _ in range(parts.rows - len(rows)))
        doubts = {place: altered.doubt for place, altered in parts.altered.items() if altered.doubt}
        sheets[name] = Sheet(rows, [(row, first, last) for (row, first), (_, last) in merged], doubts, parts.totals)
    return _opened(sheets, workbook_format)


def _opened(sheets: Mapping[str, Sheet | None], workbook_format: str) -> Workbook:
    """``sheets``: None for one that is hidden."""
    visible = {name: sheet for name, sheet in sheets.items() if sheet is not None}
    if not visible:
        raise Problem("it is a workbook without a visible sheet. Export it again.")
    return Workbook(workbook_format, visible, [name for name in sheets if name not in visible])


def _cells_of(data: bytes) -> Answer:
    """What the library reads, in a process that a file may end without ending this one."""
    # By its path and without this folder on the path: it must find the libraries, and nothing that lies about.
    command = [sys.executable, "-P", str(_PROCESS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=MAX_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"reading it took longer than {MAX_SECONDS // 60} minutes"
    if done.returncode:
        return "reading it ended the reader, as damaged files do"
    answer: Answer = pickle.loads(done.stdout)
    return answer


def find_table(
    book: Workbook, sheets: Sequence[str], signature: Sequence[str], preamble: int | None, lines: int = 1
) -> Place | None:
    """The first sheet, and the row in it, that names all columns of a signature.

    ``sheets``: patterns of the sheets to look at; all where it is empty. ``signature`` in any case. ``lines``: of how
    many rows the header is.
    """
    wanted = set(map(folded, signature))
    found: dict[str, int] = {}
    for sheet in chosen(book, sheets):
        cells = book.cells(sheet)
        for number in range(min((DEFAULT_PREAMBLE if preamble is None else preamble) + 1, len(cells) - lines + 1)):
            if wanted <= set(map(folded, _joined(cells[number : number + lines]))):
                found[sheet] = number + lines - 1
                break
    if not found:
        return None
    first, *rivals = found
    return Place(first, found[first], tuple(rivals), lines)


def chosen(book: Workbook, sheets: Sequence[str]) -> list[str]:
    """The sheets whose names fit a pattern; all where there is none."""
    return [
        sheet
        for sheet in book.sheets
        if not sheets or any(fnmatchcase(sheet.casefold(), pattern.casefold()) for pattern in sheets)
    ]


def first_filled_row(book: Workbook) -> Place | None:
    """The first row with anything in it: where the header of a workbook should stand when none was found."""
    for sheet in book.sheets:
        for number, row in enumerate(book.cells(sheet)):
            if any(cell_text(cell).strip() for cell in row):
                return Place(sheet, number)
    return None


def header_at(book: Workbook, place: Place) -> list[str]:
    """The names in the header row, surrounding blanks and empty cells at its end removed."""
    if place.header is None:
        return []
    names = _joined(book.cells(place.sheet)[place.header - place.lines + 1 : place.header + 1])
    while names and not names[-1]:
        names.pop()
    return names


def _joined(rows: Sequence[Sequence[Any]]) -> list[str]:
    """What stands in these rows one below the other, with a blank between, surrounding blanks removed."""
    width = max(map(len, rows), default=0)
    parts = ([cell_text(row[place]).strip() if place < len(row) else "" for row in rows] for place in range(width))
    return [" ".join(filter(None, part)) for part in parts]


def read_sheet(
    book: Workbook,
    place: Place,
    *,
    names: Mapping[int, str] | None = None,
    decimal: str = ".",
    footer: int | str | None = None,
    missing: Collection[str] = (),
    needed: Collection[str] = (),
) -> Records:
    """All rows below the header, or all rows where the table has none and ``names`` gives position -> name.

    ``decimal``: the mark that numbers get, because the source reads them by it. ``footer``: what a source declares to
    stand below the table; None for a native file, which has nothing there. ``missing``: words that it declares to stand
    for a value that there is not, in small letters. ``needed``: names of the columns without which a row is none (keys
    and required ones, in folded case); a row whose cell there has no known value is bad. Raises Problem for too many
    columns, and where several sheets have the header: which of them counts is not known.
    """
    if place.rivals:
        listed = ", ".join(repr(sheet) for sheet in (place.sheet, *place.rivals))
        raise Problem(
            f"its sheets {listed} have the same header, and one sheet of a file is read. Deliver each as a file of its "
            "own, or name the right one under `sheet` in the source."
        )
    cells = book.cells(place.sheet)
    start = 0 if place.header is None else place.header + 1
    header = header_at(book, place)
    width = max([len(header), *(_filled(row) for row in cells[start:])], default=0)
    if width > MAX_COLUMNS:
        raise Problem(f"it has {width} columns; files are read up to {MAX_COLUMNS}. Export only the columns needed.")
    header += [(names or {}).get(number, "") for number in range(len(header) + 1, width + 1)]
    first = start and start - place.lines
    above = [_row(row, width, decimal) for row in cells[:first]]
    titles = {tuple(row) for row in above if any(row)}
    titles |= {tuple(_row(row, width, decimal)) for row in cells[first:start]}
    skipped = {"row above the header": len(above), "blank line": 0, "repeated page header": 0}
    kept: list[Row] = []
    numbers: list[int] = []
    bad: list[BadRow] = []
    named, again = {folded(name) for name in header if name}, 0
    for number, row in enumerate(cells[start:], start=start + 1):
        texts = _row(row, width, decimal)
        is_blank, is_title = not any(texts), tuple(texts) in titles
        if is_blank or is_title:
            skipped["blank line" if is_blank else "repeated page header"] += 1
        elif again or (any(folded(text) in named for text in texts[:2]) and names_columns(texts, header)):
            again = again or number
            bad.append(BadRow(number, AGAIN.format(unit="row", number=again), "\t".join(texts).rstrip("\t")))
        else:
            kept.append(texts)
            numbers.append(number)
    if footer is not None:
        foot = find_sheet_foot(kept, numbers, footer, missing)
        bad += [BadRow(number, reason, "\t".join(row).rstrip("\t")) for number, reason, row in foot.withheld]
        skipped["row below the table"] = foot.passed
        kept, numbers = kept[: foot.start], numbers[: foot.start]
    places = [column for column, name in enumerate(header) if folded(name) in needed]
    doubts = _doubts(book.sheets[place.sheet], header, start, places)
    if doubts:
        bad += [
            BadRow(number, doubts[number], "\t".join(row).rstrip("\t"))
            for number, row in zip(numbers, kept, strict=True)
            if number in doubts
        ]
        sound = [at for at, number in enumerate(numbers) if number not in doubts]
        kept, numbers = [kept[at] for at in sound], [numbers[at] for at in sound]
    columns = [list(column) for column in zip(*kept, strict=True)] or [[] for _ in header]
    return Records(
        header=header,
        rows=as_table(columns, numbers, list(range(1, len(kept) + 1))),
        raw=lambda row_id: "\t".join(kept[row_id - 1]).rstrip("\t"),
        place=f"sheet {place.sheet!r}, row {start}: the header",
        skipped={rule: count for rule, count in skipped.items() if count},
        remarks=_remarks(book, place),
        bad=bad,
    )


def _doubts(sheet: Sheet, header: Sequence[str], start: int, needed: Sequence[int]) -> dict[int, str]:
    """Row, from 1 -> why it is none that can land: it adds up others, one cell in it stands under several names as in
    titles and totals, or a cell that it needs has no known value."""
    found = {row + 1: f"it is a total: a cell in it is {formula}" for row, formula in sheet.totals.items()}
    for row, first, last in sheet.merged:
        under = [name for name in header[first : last + 1] if name]
        if row >= start and len(under) > 1:
            why = f"one cell in it stands under {under[0]} to {under[-1]}, so it is a title or a total"
            found.setdefault(row + 1, why)
    for (row, column), why in sheet.doubts.items():
        if row >= start and column in needed:
            found.setdefault(row + 1, f"its {header[column]} is not known: {why}")
    for number in range(start, len(sheet.rows) if needed else 0):
        cells = sheet.rows[number]
        for column in needed:
            cell = cells[column] if column < len(cells) else None
            if isinstance(cell, float) and abs(cell) >= _EXACT:
                why = "it has more digits than the 15 that a workbook keeps"
                found.setdefault(number + 1, f"its {header[column]} is not known: {why}")
    return found


def _remarks(book: Workbook, place: Place) -> list[Remark]:
    remarks = [
        Remark(f"sheet {sheet!r} was not read; sheet {place.sheet!r} was")
        for sheet in book.sheets
        if sheet != place.sheet
    ]
    remarks += [Remark(f"sheet {sheet!r} is hidden and was not read") for sheet in book.hidden]
    start = -1 if place.header is None else place.header
    merged = sum(row > start for row, _, _ in book.sheets[place.sheet].merged)
    if merged:
        remarks.append(Remark("cells are merged below the header: only the first of each holds its value", merged))
    open_formulas = {
        row for (row, _), why in book.sheets[place.sheet].doubts.items() if why == UNCOMPUTED and row > start
    }
    if open_formulas:
        remarks.append(
            Remark(
                "formulas in it were never computed: open it in a spreadsheet program, save it and deliver it again",
                len(open_formulas),
            )
        )
    return remarks


def _row(cells: Sequence[Any], width: int, decimal: str) -> Row:
    texts = [cell_text(cell, decimal).strip(" \t\r\n\u00a0\ufeff") for cell in cells[:width]]
    return texts + [""] * (width - len(texts))


def _filled(row: Sequence[Any]) -> int:
    return next((place + 1 for place in range(len(row) - 1, -1, -1) if cell_text(row[place]).strip()), 0)


def cell_text(cell: Any, decimal: str = ".") -> str:
    """A cell as the text that is landed: instants in ISO 8601, numbers in the digits that Excel shows."""
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
    """The number in the 15 digits that Excel shows: 0.1 + 0.2 is 0.3; a whole one in all that the file keeps.

    Where digits are lost, it has an exponent, as Excel shows it too: zeros in their place would look like a number.
    """
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    rounded = Decimal(f"{value:.15g}")
    return f"{rounded:f}" if abs(value) < _EXACT else f"{rounded:E}"
