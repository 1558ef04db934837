"""Finds a table in the sheets of a workbook and reads it: each row as texts, with its number in the sheet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from forecourt.errors import Problem
from ingest.readers.dialect import folded
from ingest.readers.rows import MAX_COLUMNS, BadRow, Records, Remark, as_table
from ingest.readers.second_header import AGAIN, names_columns
from ingest.readers.sheet_foot import find_sheet_foot
from ingest.readers.sheets import EXACT, Sheet, Workbook, cell_text
from ingest.readers.workbook_altered import UNCOMPUTED

#: So many rows are searched for the header when the source does not say.
DEFAULT_PREAMBLE = 20

Row = list[str]


@dataclass(frozen=True)
class Place:
    """Where a table stands: the sheet and the row of its header, counted from 0; no header where ``header`` is None.

    ``rivals``: other sheets with the same header; ``lines``: of how many rows it is, of which ``header`` is the last.
    """

    sheet: str
    header: int | None
    rivals: tuple[str, ...] = ()
    lines: int = 1


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
    below = {number: _row(row, width, decimal) for number, row in enumerate(cells[start:], start=start + 1)}
    skipped = {"row above the header": len(above), "blank line": 0, "repeated page header": 0}
    rows, bad = _of_the_table(below, header, titles, skipped)
    if footer is not None:
        foot = find_sheet_foot(list(rows.values()), list(rows), footer, missing)
        bad += [BadRow(number, reason, _raw(row)) for number, reason, row in foot.withheld]
        skipped["row below the table"] = foot.passed
        rows = dict(islice(rows.items(), foot.start))
    places = [column for column, name in enumerate(header) if folded(name) in needed]
    doubts = _doubts(book.sheets[place.sheet], header, start, places)
    bad += [BadRow(number, doubts[number], _raw(row)) for number, row in rows.items() if number in doubts]
    rows = {number: row for number, row in rows.items() if number not in doubts}
    kept = list(rows.values())
    columns = [list(column) for column in zip(*kept, strict=True)] or [[] for _ in header]
    return Records(
        header=header,
        rows=as_table(columns, list(rows), list(range(1, len(kept) + 1))),
        raw=lambda row_id: _raw(kept[row_id - 1]),
        place=f"sheet {place.sheet!r}, row {start}: the header",
        skipped={rule: count for rule, count in skipped.items() if count},
        remarks=_remarks(book, place),
        bad=bad,
    )


def _of_the_table(
    below: Mapping[int, Row], header: Sequence[str], titles: Collection[tuple[str, ...]], skipped: dict[str, int]
) -> tuple[dict[int, Row], list[BadRow]]:
    """Of the rows below the header those of its table, and those below a row that names the columns again; what is
    blank or stands above the header too is counted as skipped."""
    rows: dict[int, Row] = {}
    bad: list[BadRow] = []
    named, again = {folded(name) for name in header if name}, 0
    for number, texts in below.items():
        if not any(texts):
            skipped["blank line"] += 1
        elif tuple(texts) in titles:
            skipped["repeated page header"] += 1
        elif again or (any(folded(text) in named for text in texts[:2]) and names_columns(texts, header)):
            again = again or number
            bad.append(BadRow(number, AGAIN.format(unit="row", number=again), _raw(texts)))
        else:
            rows[number] = texts
    return rows, bad


def _raw(texts: Sequence[str]) -> str:
    """The original text of a row: there is none in a workbook, so its values stand for it."""
    return "\t".join(texts).rstrip("\t")


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
            if isinstance(cell, float) and abs(cell) >= EXACT:
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
