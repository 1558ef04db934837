"""Tables of records: the columns that answer the question, the rest in the record, a download of what is shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl
import streamlit as st

from dashboards import words
from dashboards.shell import Page
from forecourt.exported import harmless

Kind = Literal["text", "day", "instant", "money", "number", "count"]

#: Rows that a page shows at once; the rest is in the download.
SHOWN = 100
HEIGHT = 420
#: On a phone a row is as high as Streamlit wants it before it lets a text go on in the next line.
PHONE_ROW = 65


@dataclass(frozen=True)
class Column:
    """How one column is headed and written; ``help`` says what it means where the head does not.

    ``sql``: its expression over the mart's row ``it``, where it is not the mart's column of its own name.
    """

    label: str
    kind: Kind = "text"
    help: str | None = None
    decimals: int = 1
    sql: str = ""


def records(
    page: Page,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    *,
    key: str,
    name: str,
    phone: Sequence[str],
    everything: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
    total: int | None = None,
    downloads: bool = True,
    evidence: Callable[[Mapping[str, Any]], None] | None = None,
) -> None:
    """Draws the first rows; choosing one opens the whole record; buttons give what is shown and everything.

    ``phone`` names the three columns that a phone shows; columns without a value are left out. ``everything`` is
    only asked for when somebody wants it. ``evidence`` draws below an opened record what stands behind it.
    """
    if not rows:
        st.caption("No records.")
        return
    shown = list(rows[:SHOWN])
    total = total if total is not None else len(rows)
    filled = [column for column in columns if any(row.get(column) is not None for row in shown)]
    visible = list(phone) if page.is_phone else filled
    chosen = st.dataframe(
        frame(shown, columns),
        column_config=column_config(columns, visible if page.is_phone else ()),
        column_order=visible,
        hide_index=True,
        height="content" if len(shown) <= 10 else HEIGHT,
        row_height=PHONE_ROW if page.is_phone else None,
        on_select="rerun",
        selection_mode="single-row",
        key=f"{key}_table",
        placeholder="",
        alt=name,
    )
    picked = chosen["selection"]["rows"] if chosen else []
    if picked and picked[0] < len(shown):
        _record(page, shown[picked[0]], columns, evidence)
    if downloads:
        _downloads(page, shown, columns, key, name, everything, total)


#: Kind of a column -> its type in a frame. Money is drawn, not counted on: a float shows every cent.
_TYPES: dict[Kind, Any] = {
    "text": pl.String,
    "day": pl.Date,
    "instant": pl.Datetime,
    "money": pl.Float64,
    "number": pl.Float64,
    "count": pl.Int64,
}


def frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> pl.DataFrame:
    """Rows as a frame for showing, each column in the type of its kind."""
    data = {}
    for column, spec in columns.items():
        values = [row.get(column) for row in rows]
        if spec.kind in ("money", "number"):
            values = [None if value is None else float(value) for value in values]
        elif spec.kind == "text":
            values = [None if value is None else str(value) for value in values]
        data[column] = pl.Series(values, dtype=_TYPES[spec.kind])
    return pl.DataFrame(data)


#: Pixels of the first and of the other columns where a phone shows three.
NARROW = (130, 92)


def column_config(columns: Mapping[str, Column], narrow: Sequence[str] = ()) -> dict[str, Any]:
    """Streamlit's settings of the columns: formats, heads and helps; ``narrow`` names those that share a phone."""
    made: dict[str, Any] = {}
    for column, spec in columns.items():
        match spec.kind:
            case "money":
                made[column] = st.column_config.NumberColumn(spec.label, help=spec.help, format="%,.2f")
            case "number":
                made[column] = st.column_config.NumberColumn(spec.label, help=spec.help, format=f"%,.{spec.decimals}f")
            case "count":
                made[column] = st.column_config.NumberColumn(spec.label, help=spec.help, format="localized")
            case "day":
                made[column] = st.column_config.DateColumn(spec.label, help=spec.help, format="localized")
            case "instant":
                made[column] = st.column_config.DatetimeColumn(spec.label, help=spec.help, format="D MMM YYYY HH:mm")
            case _:
                made[column] = st.column_config.TextColumn(spec.label, help=spec.help)
    for place, column in enumerate(narrow):
        made[column]["width"] = NARROW[min(place, 1)]
    return made


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Records as csv; texts that a spreadsheet would run are led by an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue().encode("utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, str):
        return harmless(value)
    return value


def _record(
    page: Page,
    row: Mapping[str, Any],
    columns: Mapping[str, Column],
    evidence: Callable[[Mapping[str, Any]], None] | None,
) -> None:
    """Every field of one record, as it is known, with the line of the file it came from."""
    with st.container(border=True):
        facts = []
        for column, spec in columns.items():
            value = row.get(column)
            if value is not None and column not in ("file", "row_number"):
                facts.append({"field": spec.label, "value": _written(page, value, spec, row)})
        st.dataframe(
            pl.DataFrame(facts),
            hide_index=True,
            height="content",
            column_config={
                "field": st.column_config.TextColumn("", width="small"),
                "value": st.column_config.TextColumn(""),
            },
            alt="The record",
        )
        if row.get("file"):
            st.caption(f"From {words.plain(str(row['file']))}, line {row['row_number']}.")
        if evidence:
            evidence(row)


def _written(page: Page, value: Any, spec: Column, row: Mapping[str, Any]) -> str:
    if spec.kind == "money" and isinstance(value, Decimal | float | int):
        return words.money(value, row.get("currency"), 2, page.locale)
    if spec.kind == "number":
        return words.number(value, spec.decimals, page.locale)
    if isinstance(value, datetime):
        return words.instant(value, page.locale)
    if isinstance(value, date):
        return words.day(value, page.locale)
    return str(value)


def _downloads(
    page: Page,
    shown: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    key: str,
    name: str,
    everything: Callable[[], Sequence[Mapping[str, Any]]] | None,
    total: int,
) -> None:
    names = list(columns)
    slug = name.lower().replace(" ", "_")
    with st.container(horizontal=True):
        st.download_button(
            f"csv of these {words.number(len(shown), 0, page.locale)}",
            lambda: as_csv(shown, names),
            f"{slug}.csv",
            "text/csv",
            key=f"{key}_shown",
            on_click="ignore",
            icon=":material/download:",
        )
        if everything and total > len(shown):
            st.download_button(
                f"csv of all {words.number(total, 0, page.locale)}",
                lambda: as_csv(everything(), names),
                f"{slug}_all.csv",
                "text/csv",
                key=f"{key}_all",
                on_click="ignore",
                icon=":material/download:",
            )
