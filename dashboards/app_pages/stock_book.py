"""The margin-scheme stock book of a period: bought, sold, margin and VAT due, car by car, and the same as a file."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import streamlit as st

from dashboards import naming, shell, tables, words
from dashboards.reports import exports, stock_book
from dashboards.shell import Page
from dashboards.tables import Column, Kind

_HEADS = {"vin": "VIN", "vat_rate": "VAT rate", "vat_due": "VAT due", "row": "Line"}
_KINDS: dict[str, Kind] = {
    "text": "text",
    "day": "day",
    "money": "money",
    "whole": "count",
    "year": "year",
    "rate": "number",
}
#: What answers first; the rest of a car stands in its record.
_FIRST = (
    *("rooftop", "stock_number", "make", "model", "bought_on", "purchase_price", "sold_on", "sale_price", "margin"),
    *("vat_due", "currency", "note"),
)
COLUMNS = {
    ("row_number" if name == "row" else name): Column(
        _HEADS.get(name, name.replace("_", " ").capitalize()), _KINDS[field.kind], decimals=2
    )
    for name, (_, field) in sorted(
        stock_book.COLUMNS.items(), key=lambda item: _FIRST.index(item[0]) if item[0] in _FIRST else len(_FIRST)
    )
    if name != "legal_entity"
}


def draw(page: Page) -> None:
    """The page *Stock book*."""
    period, rooftops = page.filters.period, page.filters.rooftops
    first, last = period.first, period.end
    table = stock_book.stock_book(page.reader.warehouse, first, last, rooftops)
    cars = table.to_pylist()
    sold = [car for car in cars if car["sold_on"]]
    st.markdown(
        f"#### {words.counted(len(sold), 'cars', page.locale)} sold under the margin scheme "
        f"{words.during(first, last, page.locale)}; VAT due {words.listed(_due(page, sold)) or 'nothing'}.".replace(
            "$", "\\$"
        )
    )
    missing = [car for car in sold if car["vat_due"] is None]
    if missing:
        st.markdown(
            f":red[:material/error:] The VAT of {words.counted(len(missing), 'cars', page.locale)} is not known: "
            "the note in its line says what is missing."
        )
    with st.container(horizontal=True):
        for suffix in ("xlsx", "csv"):
            st.download_button(
                f"{suffix}: {words.counted(table.num_rows, 'cars', page.locale)}",
                partial(_file, page, suffix),
                f"stock_book_{first.isoformat()}_{last.isoformat()}.{suffix}",
                key=f"book_{suffix}",
                on_click="ignore",
                icon=":material/download:",
                type="primary" if suffix == "xlsx" else "secondary",
            )
    part = stock_book.totals(table, first, last)
    if part.rows:
        heads = [column.head for column in part.columns]
        rows = [
            {"rooftop": row.cells[0], "currency": row.cells[1]} | dict(zip(heads, row.cells, strict=True))
            for row in part.rows
        ]
        kinds: list[Kind] = ["count" if isinstance(cell, int) else "money" for cell in part.rows[0].cells]
        columns = {"rooftop": Column("Rooftop"), "currency": Column("Currency")}
        columns |= {name: Column(name, kind) for name, kind in list(zip(heads, kinds, strict=True))[2:]}
        st.subheader("By rooftop", anchor=False)
        shown = naming.named(page.reader, rows)
        phone = ("rooftop", "Margin", "VAT due")
        tables.records(page, shown, columns, key="totals", name="By rooftop", phone=phone, downloads=False)
    st.subheader("Cars, the earliest bought first", anchor=False)
    shown = naming.named(page.reader, [car | {"row_number": car["row"]} for car in cars])
    tables.records(
        page, shown, COLUMNS, key="cars", name="Cars", phone=("stock_number", "margin", "vat_due"), downloads=False
    )
    st.caption(
        "VAT is due car by car: margin × rate / (1 + rate); a loss pays none, and costs of the car do not lower it."
    )


def _due(page: Page, sold: list[dict[str, Any]]) -> list[str]:
    due = {
        car["currency"]: sum(one["vat_due"] or 0 for one in sold if one["currency"] == car["currency"]) for car in sold
    }
    return [f"**{words.money(amount, currency, 2, page.locale)}**" for currency, amount in sorted(due.items())]


def _file(page: Page, kind: Literal["xlsx", "csv"]) -> bytes:
    """The bytes of the book, made when they are asked for and entered in the log of exports."""
    period, rooftops = page.filters.period, page.filters.rooftops
    return exports.stock_book_file(
        page.reader.home,
        page.reader.warehouse,
        kind=kind,
        first=period.first,
        last=period.end,
        rooftops=rooftops,
        by="page",
    )[0]


draw(shell.current())
