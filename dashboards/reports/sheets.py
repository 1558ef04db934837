"""Workbooks: covers and tables of a report, and listings of any length with filters and subtotals, in equal bytes.

Texts are only ever written as texts, so that nothing of a source's runs; the only formulas are our own subtotals.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from math import ceil
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.utility import xl_range

from dashboards.reports.report import Col, Part

#: Excel's own limit, less the subtotals and the heads.
SHEET_ROWS = 1_048_574
_HEAD = 1
#: The last column of a cover, and the width of a column that nothing sets.
_COVER, _PLAIN = 8, 8.43

Kind = Literal["text", "day", "money", "whole", "year", "rate", "flag"]


@dataclass(frozen=True)
class Field:
    """A column of a listing. ``summed_in`` names the column that holds the currency of an amount to be totalled."""

    width: float
    kind: Kind = "text"
    summed_in: str = ""


class Book:
    """One workbook being written; ``title`` and the day it is of stand in its properties and at the foot of pages."""

    def __init__(self, title: str, subject: str, stamp: date) -> None:
        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._out,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd",
            },
        )
        self._title = title
        self._book.set_properties({"title": title, "subject": subject, "created": datetime.combine(stamp, time())})
        self._styles = _Styles.of(self._book)
        self._names: set[str] = set()

    def cover(self, facts: Iterable[tuple[str, Any]], parts: Sequence[Part]) -> None:
        """The first sheet: title, what was asked and of which data, then tables."""
        sheet, styles = self._sheet("Cover"), self._styles
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, _COVER, 18)
        sheet.set_row(0, 28)
        sheet.write_string(0, 0, self._title, styles.title)
        line = 2
        for label, value in facts:
            sheet.write_string(line, 0, label, styles.label)
            self._cell(sheet, line, 1, value, styles.text)
            line += 1
        for part in parts:
            line = self._part(sheet, part, line + 1)
        sheet.print_area(0, 0, line, _COVER)

    def tables(self, name: str, parts: Sequence[Part], frozen: int = 1) -> None:
        """A sheet of titled tables, one below the other; the first ``frozen`` columns stay in sight."""
        sheet = self._sheet(name)
        sheet.hide_gridlines(2)
        if len(parts) == 1:  # the head is the second line, or the third below a note
            head = 2 if parts[0].note else 1
            sheet.freeze_panes(head + 1, frozen)
            sheet.repeat_rows(0, head)
        else:
            sheet.freeze_panes(0, frozen)
        columns = max((part.columns for part in parts), key=len)
        for position, column in enumerate(columns):
            sheet.set_column(position, position, column.width)
        line = 0
        for part in parts:
            line = self._part(sheet, part, line) + 1
        sheet.print_area(0, 0, max(line - 1, 0), _reach(columns, [part.note for part in parts]))

    def listing(self, name: str, table: pa.Table, fields: Mapping[str, Field], by: str = "") -> None:
        """Every row of a table, with subtotals of the rows shown, frozen heads and filters.

        ``by`` is a column of currencies: where there are several, each has sheets of its own, so that nothing is
        totalled across them. More rows than a sheet holds go on in further sheets; none is left out.
        """
        values = sorted(set(table.column(by).to_pylist()), key=lambda value: value or "") if by else []
        if len(values) < 2:
            self._list(name, table, fields)
            return
        for value in values:
            column = table.column(by)
            is_of_it = pc.is_null(column) if value is None else pc.equal(column, value)
            self._list(f"{name} {value or 'unknown'}", table.filter(is_of_it), fields)

    def data(self) -> bytes:
        """The whole file."""
        self._book.close()
        return self._out.getvalue()

    def _sheet(self, name: str) -> Any:
        plain = "".join(sign if sign.isalnum() or sign in " -" else "-" for sign in name)[:31]
        number = 1
        while plain.lower() in self._names:
            number += 1
            plain = f"{plain[:27]} {number}"
        self._names.add(plain.lower())
        sheet = self._book.add_worksheet(plain)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer(f"&L&8{self._title}&R&8&A, page &P of &N")
        return sheet

    def _part(self, sheet: Any, part: Part, line: int) -> int:
        styles = self._styles
        sheet.write_string(line, 0, part.title, styles.heading)
        line += 1
        if part.note:
            tone = {"good": styles.good, "bad": styles.bad}.get(part.tone, styles.text)
            sheet.write_string(line, 0, part.note, tone)
            line += 1
        if not part.rows:
            return line
        self._heads(sheet, line, part.columns)
        for row in part.rows:
            line += 1
            for position, value in enumerate(row.cells):
                is_told = row.tone in ("good", "bad") and position == len(row.cells) - 1
                told = styles.good if row.tone == "good" else styles.bad
                style = told if is_told else styles.total if row.tone == "total" else styles.text
                self._cell(sheet, line, position, value, style, is_total=row.tone == "total")
        return line + 1

    def _heads(self, sheet: Any, line: int, columns: Sequence[Col]) -> None:
        sheet.set_row(line, 28)
        for position, column in enumerate(columns):
            style = self._styles.header_right if column.is_number else self._styles.header
            sheet.write_string(line, position, column.head, style)

    def _cell(self, sheet: Any, line: int, position: int, value: Any, style: Any, *, is_total: bool = False) -> None:
        styles = self._styles
        match value:
            case None:
                sheet.write_blank(line, position, None, style)
            case bool():
                sheet.write_string(line, position, "yes" if value else "no", style)
            case Decimal():
                sheet.write_number(line, position, float(value), styles.total_money if is_total else styles.money)
            case int():
                sheet.write_number(line, position, value, styles.total_whole if is_total else styles.whole)
            case date():
                sheet.write_datetime(line, position, value, styles.day)
            case _:
                sheet.write_string(line, position, str(value), style)

    def _list(self, name: str, table: pa.Table, fields: Mapping[str, Field]) -> None:
        parts = max(1, -(-table.num_rows // SHEET_ROWS))
        for part in range(parts):
            piece = table.slice(part * SHEET_ROWS, SHEET_ROWS)
            self._piece(name if parts == 1 else f"{name} {part + 1} of {parts}", piece, fields)

    def _piece(self, name: str, piece: pa.Table, fields: Mapping[str, Field]) -> None:
        sheet, styles = self._sheet(name), self._styles
        sheet.freeze_panes(_HEAD + 1, 0)
        sheet.repeat_rows(_HEAD)
        last = _HEAD + max(piece.num_rows, 1)
        sheet.autofilter(_HEAD, 0, last, len(fields) - 1)
        sheet.write_string(0, 0, "Total of the rows shown", styles.total_shown)
        for position, (column, spec) in enumerate(fields.items()):
            sheet.set_column(position, position, spec.width)
            if spec.summed_in and len(set(piece.column(spec.summed_in).to_pylist())) == 1:
                total = sum((value for value in piece.column(column).to_pylist() if value is not None), Decimal(0))
                formula = f"=SUBTOTAL(109,{xl_range(_HEAD + 1, position, last, position)})"
                sheet.write_formula(0, position, formula, styles.total_money, float(total))
        sheet.set_row(_HEAD, 30)
        for position, (column, spec) in enumerate(fields.items()):
            is_number = spec.kind in ("money", "whole", "year", "rate")
            head = column.replace("_", " ")
            sheet.write_string(_HEAD, position, head, styles.header_right if is_number else styles.header)
        writers = [self._writer(sheet, position, spec.kind) for position, spec in enumerate(fields.values())]
        line = _HEAD
        for batch in piece.select(list(fields)).to_batches(max_chunksize=20_000):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                for write, value in zip(writers, values, strict=True):
                    if value is not None:
                        write(line, value)
        sheet.print_area(0, 0, last, len(fields) - 1)

    def _writer(self, sheet: Any, position: int, kind: Kind) -> Any:
        """How one column of a listing is written."""
        styles = self._styles
        match kind:
            case "text":
                return lambda line, value: sheet.write_string(line, position, value, styles.text)
            case "day":
                return lambda line, value: sheet.write_datetime(line, position, value, styles.day)
            case "flag":
                return lambda line, value: sheet.write_string(line, position, "yes" if value else "no", styles.text)
        style = {"money": styles.money, "rate": styles.rate, "year": styles.year}.get(kind, styles.whole)
        return lambda line, value: sheet.write_number(line, position, float(value), style)


def _reach(columns: Sequence[Col], notes: Iterable[str]) -> int:
    """The last column of a printed sheet: a note may be wider than the table below it, and paper cuts at the area."""
    missing = max(map(len, notes), default=0) - sum(column.width for column in columns)
    return max(len(columns) - 1, 0) + max(0, ceil(missing / _PLAIN))


@dataclass(frozen=True)
class _Styles:
    title: Any
    heading: Any
    header: Any
    header_right: Any
    label: Any
    text: Any
    day: Any
    money: Any
    whole: Any
    year: Any
    rate: Any
    total: Any
    total_shown: Any
    total_money: Any
    total_whole: Any
    good: Any
    bad: Any

    @staticmethod
    def of(book: Any) -> _Styles:
        base = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
        money = "#,##0.00;[Red]-#,##0.00"
        band = {"bold": True, "bg_color": "#E4ECEE", "bottom": 1, "valign": "vcenter", "text_wrap": True}

        def made(**more: Any) -> Any:
            return book.add_format(base | more)

        return _Styles(
            title=made(bold=True, font_size=18, font_color="#0B5F78"),
            heading=made(bold=True, font_size=12, font_color="#0B5F78"),
            header=made(**band),
            header_right=made(**band, align="right"),
            label=made(font_color="#5B646A"),
            text=made(),
            day=made(num_format="yyyy-mm-dd", align="left"),
            money=made(num_format=money),
            whole=made(num_format="#,##0"),
            year=made(num_format="0"),
            rate=made(num_format="0.000000"),
            total=made(bold=True, top=1),
            total_shown=made(bold=True),
            total_money=made(bold=True, top=1, num_format=money),
            total_whole=made(bold=True, top=1, num_format="#,##0"),
            good=made(bold=True, font_color="#17694A"),
            bad=made(bold=True, font_color="#A32A2F"),
        )
