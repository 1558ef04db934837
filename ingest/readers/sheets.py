"""Sheets of a workbook as their cells, whatever program wrote it, and a cell as the text that is landed.

Dates become ISO texts, numbers have no more than the 15 digits that Excel itself shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

#: Up to here a workbook keeps a whole number exactly.
EXACT = float(1 << 53)


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
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    rounded = Decimal(f"{value:.15g}")
    return f"{rounded:f}" if abs(value) < EXACT else f"{rounded:E}"
