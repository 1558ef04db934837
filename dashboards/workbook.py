"""The receivable ageing as a workbook: cover, summary, detail. Equal rows and facts give equal bytes."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import xlsxwriter

from dashboards.receivables import (
    BASES,
    COLUMNS,
    AgeingFacts,
    Sums,
    bucket_title,
    summary_blocks,
    sums_by_schedule,
)

#: Excel's own limit, less the header.
DETAIL_ROWS = 1_048_575
#: (schedule, currency) -> sums.
BySchedule = Mapping[tuple[str, str], Sums]

_WIDTHS = {
    "rooftop": 9,
    "legal_entity": 24,
    "schedule": 19,
    "customer_id": 13,
    "customer_name": 30,
    "document": 17,
    "document_kind": 14,
    "instalment": 10,
    "posted_on": 11,
    "due_on": 11,
    "currency": 9,
    "amount": 15,
    "outstanding": 15,
    "rate": 10,
    "outstanding_base": 17,
    "base_currency": 13,
    "days_past_due": 13,
    "bucket": 10,
    "disputed": 9,
    "received_after": 15,
    "file": 34,
    "row": 9,
}


def ageing_xlsx(table: pa.Table, facts: AgeingFacts) -> bytes:
    """A workbook of three parts: cover, summary by schedule and bucket per currency, and every row as detail.

    Real numbers and days, texts always as texts, no formulas. More rows than a sheet holds go on in further detail
    sheets; none is left out.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    stamp = datetime.combine(facts.as_of, time())
    book.set_properties({"title": "Receivable ageing", "subject": f"As of {facts.as_of}", "created": stamp})
    styles = _Styles.of(book)
    sums = sums_by_schedule(table)
    _cover(book, styles, sums, table.num_rows, facts)
    _summary(book, styles, sums, facts)
    _detail(book, styles, table, facts)
    book.close()
    return out.getvalue()


@dataclass(frozen=True)
class _Styles:
    title: Any
    heading: Any
    header: Any
    header_right: Any
    label: Any
    text: Any
    wrapped: Any
    day: Any
    money: Any
    whole: Any
    rate: Any
    total: Any
    total_money: Any
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
            wrapped=made(text_wrap=True),
            day=made(num_format="yyyy-mm-dd", align="left"),
            money=made(num_format=money),
            whole=made(num_format="#,##0"),
            rate=made(num_format="0.000000"),
            total=made(bold=True, top=1),
            total_money=made(bold=True, top=1, num_format=money),
            good=made(bold=True, font_color="#17694A"),
            bad=made(bold=True, font_color="#A32A2F", text_wrap=True),
        )


def _cover(book: Any, styles: _Styles, sums: BySchedule, count: int, facts: AgeingFacts) -> None:
    sheet = book.add_worksheet("Cover")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 5, 18)
    _print_setup(sheet, landscape=False)
    sheet.set_row(0, 28)
    sheet.write_string(0, 0, "Receivable ageing", styles.title)
    through = facts.data_through.isoformat() if facts.data_through else "not known"
    known = f"{facts.known_at:%Y-%m-%d %H:%M} UTC" if facts.known_at else "everything landed in this run"
    lines: list[tuple[str, str | date]] = [
        ("What", "What customers and partners owe, and credits not yet applied, document by document"),
        ("As of", facts.as_of),
        ("Aged by", BASES[facts.basis]),
        ("Rooftops", ", ".join(facts.rooftops) or "all"),
        ("Schedule", facts.schedule or "all"),
        ("Shown", facts.part),
        ("Known at", known),
        ("Receivables landed to", through),
        ("Run", facts.run_id),
        ("Made by", f"forecourt {facts.version}"),
        ("Rows", f"{count:,} documents and instalments, all in this workbook"),
    ]
    line = 2
    for label, value in lines:
        sheet.write_string(line, 0, label, styles.label)
        if isinstance(value, date):
            sheet.write_datetime(line, 1, value, styles.day)
        else:
            sheet.write_string(line, 1, value, styles.text)
        line += 1
    line = _cover_totals(sheet, styles, sums, line + 1)
    _cover_tieout(sheet, styles, facts, line + 1)


def _cover_totals(sheet: Any, styles: _Styles, sums: BySchedule, line: int) -> int:
    sheet.write_string(line, 0, "Totals by currency", styles.heading)
    line += 1
    for position, title in enumerate(("Currency", "Gross", "Unallocated", "Net", "Of it disputed", "Rows")):
        sheet.write_string(line, position, title, styles.header if position == 0 else styles.header_right)
    by_currency: dict[str, list[Sums]] = defaultdict(list)
    for (_, currency), part in sums.items():
        by_currency[currency].append(part)
    for currency, parts in sorted(by_currency.items()):
        line += 1
        sheet.write_string(line, 0, currency, styles.text)
        sheet.write_number(line, 1, float(sum(part.gross for part in parts)), styles.money)
        sheet.write_number(line, 2, float(sum(part.unallocated for part in parts)), styles.money)
        sheet.write_number(line, 3, float(sum(part.net for part in parts)), styles.money)
        sheet.write_number(line, 4, float(sum(part.disputed for part in parts)), styles.money)
        sheet.write_number(line, 5, sum(part.documents for part in parts), styles.whole)
    if not by_currency:
        line += 1
        sheet.write_string(line, 0, "Nothing is open on this day.", styles.text)
    return line + 1


def _cover_tieout(sheet: Any, styles: _Styles, facts: AgeingFacts, line: int) -> None:
    sheet.write_string(line, 0, "Tie-out to the ledger", styles.heading)
    line += 1
    if not facts.tieout:
        sheet.write_string(line, 0, "No control balance of this day was landed (dms_control_balances).", styles.text)
        return
    titles = ("Rooftop and schedule", "Currency", "Control account", "Outstanding", "Difference", "")
    for position, title in enumerate(titles):
        sheet.write_string(line, position, title, styles.header if position < 2 else styles.header_right)
    for row in facts.tieout:
        line += 1
        sheet.write_string(line, 0, f"{row['rooftop']} {row['schedule']}", styles.text)
        sheet.write_string(line, 1, row["currency"] or "", styles.text)
        for position, name in enumerate(("control_balance", "outstanding", "difference"), start=2):
            if row[name] is not None:
                sheet.write_number(line, position, float(row[name]), styles.money)
        ties = row["difference"] == 0
        sheet.write_string(line, 5, "ties" if ties else "differs", styles.good if ties else styles.bad)


def _summary(book: Any, styles: _Styles, sums: BySchedule, facts: AgeingFacts) -> None:
    """One block per set of buckets: schedules that age by the same edges stand together."""
    sheet = book.add_worksheet("Summary")
    sheet.hide_gridlines(2)
    sheet.freeze_panes(0, 2)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 9)
    sheet.set_column(2, 14, 14)
    _print_setup(sheet, landscape=True)
    sheet.write_string(0, 0, f"Outstanding by schedule and bucket as of {facts.as_of}", styles.heading)
    line = 2
    for labels, entries in summary_blocks(sums, facts.labels):
        titles = (
            "Schedule",
            "Currency",
            *(bucket_title(label) for label in labels),
            "Gross",
            "Unallocated",
            "Net",
        )
        for position, title in enumerate(titles):
            sheet.write_string(line, position, title, styles.header if position < 2 else styles.header_right)
        for currency in sorted({key[1] for key, _ in entries}):
            chosen = [(key[0], part) for key, part in entries if key[1] == currency]
            for schedule, part in chosen:
                line += 1
                _summary_line(sheet, line, (schedule, currency), labels, [part], styles.text, styles.money)
            line += 1
            parts = [part for _, part in chosen]
            _summary_line(sheet, line, ("Total", currency), labels, parts, styles.total, styles.total_money)
        line += 2
    if line == 2:
        sheet.write_string(line, 0, "Nothing is open on this day.", styles.text)


def _summary_line(
    sheet: Any,
    line: int,
    names: tuple[str, str],
    labels: Sequence[str],
    parts: Sequence[Sums],
    text: Any,
    money: Any,
) -> None:
    for position, name in enumerate(names):
        sheet.write_string(line, position, name, text)
    values = [sum((part.buckets.get(label, Decimal(0)) for part in parts), Decimal(0)) for label in labels]
    for part_of in ("gross", "unallocated", "net"):
        values.append(sum((getattr(part, part_of) for part in parts), Decimal(0)))
    for position, value in enumerate(values, start=2):
        sheet.write_number(line, position, float(value), money)


def _detail(book: Any, styles: _Styles, table: pa.Table, facts: AgeingFacts) -> None:
    parts = max(1, -(-table.num_rows // DETAIL_ROWS))
    for part in range(parts):
        sheet = book.add_worksheet("Detail" if parts == 1 else f"Detail {part + 1} of {parts}")
        piece = table.slice(part * DETAIL_ROWS, DETAIL_ROWS)
        _print_setup(sheet, landscape=True)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, piece.num_rows, len(COLUMNS) - 1)
        for position, name in enumerate(table.column_names):
            sheet.set_column(position, position, _WIDTHS[name])
        sheet.set_row(0, 30)
        numbers = {
            "amount",
            "outstanding",
            "outstanding_base",
            "received_after",
            "days_past_due",
            "instalment",
            "row",
            "rate",
        }
        for position, name in enumerate(table.column_names):
            sheet.write_string(
                0, position, name.replace("_", " "), styles.header_right if name in numbers else styles.header
            )
        writers = [_writer(sheet, styles, position, name) for position, name in enumerate(table.column_names)]
        line = 0
        for batch in piece.to_batches(max_chunksize=20_000):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                for write, value in zip(writers, values, strict=True):
                    if value is not None:
                        write(line, value)


def _writer(sheet: Any, styles: _Styles, position: int, name: str) -> Any:
    """How one column of the detail is written; texts only ever as texts."""
    kind = COLUMNS[name]
    if kind == "varchar":
        return lambda line, value: sheet.write_string(line, position, value, styles.text)
    if kind == "date":
        return lambda line, value: sheet.write_datetime(line, position, value, styles.day)
    if kind == "boolean":
        return lambda line, value: sheet.write_string(line, position, "yes" if value else "no", styles.text)
    style = styles.money if kind == "decimal(18,2)" else styles.rate if kind == "decimal(18,6)" else styles.whole
    return lambda line, value: sheet.write_number(line, position, float(value), style)


def _print_setup(sheet: Any, *, landscape: bool) -> None:
    sheet.set_paper(9)
    if landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.set_footer("&L&8Receivable ageing&R&8&A, page &P of &N")
