"""Tables of records: the columns that answer the question, the rest in the record, a download of what is shown."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

import polars as pl
import streamlit as st

from dashboards import words
from dashboards.shell import Page
from dashboards.words import Locale
from forecourt.exported import harmless

#: A code is one of the marts' own, read in words; said is a sentence of theirs that may hold codes, of people too.
Kind = Literal["text", "code", "said", "day", "instant", "money", "number", "count", "year"]

_Row = TypeVar("_Row", bound=Mapping[str, Any])

#: Rows that a page shows at once; the rest is in the download.
SHOWN = 100
#: Rows of a table that nothing is chosen from and nothing is downloaded of.
LISTED = 1000
HEIGHT = 420
#: On a phone a row is as high as Streamlit wants it before it lets a text go on in the next line.
PHONE_ROW = 65
#: Lines of text that such a row holds.
PHONE_LINES = 3
#: Pixels of the first and of the other columns where a phone shows three, and the signs of a head that fit in.
NARROW = (130, 92)
HEADS = (18, 13)


@dataclass(frozen=True)
class Column:
    """How one column is headed and written; ``help`` says what it means where the head does not.

    ``sql``: its expression over the mart's row ``it``, where it is not the mart's column of its own name. ``short``:
    the head where a phone has no room for the label. ``currency`` names the column with the currency of an amount.
    """

    label: str
    kind: Kind = "text"
    help: str | None = None
    decimals: int = 1
    sql: str = ""
    short: str = ""
    currency: str = "currency"


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

    ``phone`` names the three columns that a phone shows; columns without a value are left out, and the next take their
    place. ``everything`` is only asked for when somebody wants it. ``evidence`` draws below an opened record what
    stands behind it.
    """
    if not rows:
        st.caption("No records.")
        return
    shown = list(rows[:SHOWN])
    total = total if total is not None else len(rows)
    filled = [column for column in columns if any(row.get(column) is not None for row in shown)]
    visible = on_phone(phone, filled) if page.is_phone else filled
    config = column_config(columns, visible if page.is_phone else ())
    if not page.is_phone:
        for column, width in uneven(shown, columns).items():
            config[column]["width"] = width
    chosen = st.dataframe(
        drawn(page, shown, columns, visible),
        column_config=config,
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


def listing(
    page: Page, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column], alt: str, phone: Sequence[str]
) -> None:
    """A short table that nothing is chosen from; a phone shows three of its columns."""
    shown = phone if page.is_phone else tuple(columns)
    st.dataframe(
        drawn(page, rows, columns, shown, lines=1),
        hide_index=True,
        column_config=column_config(columns, shown if page.is_phone else ()),
        column_order=shown,
        alt=alt,
        placeholder="",
    )


#: Kind of a column -> its type in a frame. Money is drawn, not counted on: a float shows every cent.
_TYPES: dict[Kind, Any] = {
    "text": pl.String,
    "code": pl.String,
    "said": pl.String,
    "day": pl.Date,
    "instant": pl.Datetime,
    "money": pl.Float64,
    "number": pl.Float64,
    "count": pl.Int64,
    "year": pl.Int64,
}
#: What says of where a record is and not what it is: never in the place of a column without values.
_BESIDE = frozenset({"rooftop", "currency", "file", "row_number"})


def on_phone(wanted: Sequence[str], filled: Sequence[str]) -> list[str]:
    """The columns of a phone: those wanted that hold a value, then further ones of ``filled`` up to as many."""
    kept = [column for column in wanted if column in filled]
    further = [column for column in filled if column not in kept and column not in _BESIDE]
    return [*kept, *further][: len(wanted)]


def frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> pl.DataFrame:
    """Rows as a frame for showing, each column in the type of its kind."""
    data = {}
    for column, spec in columns.items():
        values = [row.get(column) for row in rows]
        if spec.kind in ("money", "number"):
            values = [None if value is None else float(value) for value in values]
        elif _TYPES[spec.kind] is pl.String:
            values = [None if value is None else str(value) for value in values]
        data[column] = pl.Series(values, dtype=_TYPES[spec.kind])
    return pl.DataFrame(data)


def numbers(made: pl.DataFrame, decimals: Mapping[str, int], locale: Locale, signed: Sequence[str] = ()) -> Any:
    """A frame as ``st.dataframe`` takes it: numbers as the reader writes them, below zero with a true minus.

    ``decimals`` names the columns of numbers; those of ``signed`` have a plus above zero.
    """
    style = made.to_pandas(use_pyarrow_extension_array=True).style.format(na_rep="")
    for column, places in decimals.items():
        if column in made.columns:
            written = partial(words.signed if column in signed else words.number, decimals=places, locale=locale)
            style = style.format(written, subset=[column], na_rep="")
    return style


def drawn(
    page: Page,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Column],
    visible: Sequence[str],
    lines: int = PHONE_LINES,
) -> Any:
    """Rows as ``st.dataframe`` takes them; an amount whose column of currencies is out of sight carries its own.

    On a phone a text longer than its ``lines`` ends in an ellipsis; the opened record has it whole.
    """
    style = numbers(
        frame(rows, columns),
        {
            name: _DECIMALS.get(s.kind, s.decimals)
            for name, s in columns.items()
            if s.kind in ("money", "number", "count")
        },
        page.locale,
    )
    for place, name in enumerate(visible if page.is_phone else ()):
        if _TYPES[columns[name].kind] is pl.String:
            room = partial(words.elided, width=HEADS[min(place, 1)] - 1, lines=lines)
            style = style.format(room, subset=[name], na_rep="")
    for name, spec in columns.items():
        if spec.kind != "money" or name not in visible or spec.currency in visible:
            continue
        for currency in {row.get(spec.currency) for row in rows} - {None}:
            mine = [place for place, row in enumerate(rows) if row.get(spec.currency) == currency]
            written = partial(words.money, currency=currency, decimals=2, locale=page.locale)
            style = style.format(written, subset=(mine, [name]), na_rep="")
    return style


def in_turn(rows: Sequence[_Row]) -> list[_Row]:
    """Rows that are in order of an amount: each currency by itself, and the currencies in turn."""
    seen: Counter[Any] = Counter()
    placed = []
    for row in rows:
        currency = row["currency"]
        seen[currency] += 1
        placed.append((seen[currency], str(currency), row))
    return [row for *_, row in sorted(placed, key=lambda each: each[:2])]


def not_compared(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is said of rows in such an order; nothing where they are of one currency."""
    if len({row["currency"] for row in rows} - {None}) < 2:
        return []
    return ["Amounts in different currencies are not compared: the first of each stand before the second of each."]


#: Decimals of the kinds that always have as many.
_DECIMALS = {"money": 2, "count": 0}


def column_config(columns: Mapping[str, Column], narrow: Sequence[str] = ()) -> dict[str, Any]:
    """Streamlit's settings of the columns: heads, helps, days; ``narrow`` names those that share a phone.

    Numbers are written by ``drawn``, so that only a year, which has no separators, has a format here.
    """
    made: dict[str, Any] = {}
    for column, spec in columns.items():
        is_short = bool(spec.short) and column in narrow
        head = spec.short if is_short else spec.label
        help = f"{spec.label}. {spec.help or ''}".strip() if is_short else spec.help
        match spec.kind:
            case "money" | "number" | "count":
                made[column] = st.column_config.NumberColumn(head, help=help)
            case "year":
                made[column] = st.column_config.NumberColumn(head, help=help, format="%d")
            case "day":
                made[column] = st.column_config.DateColumn(head, help=help, format="localized")
            case "instant":
                made[column] = st.column_config.DatetimeColumn(head, help=help, format="D MMM YYYY HH:mm")
            case _:
                made[column] = st.column_config.TextColumn(head, help=help)
    for place, column in enumerate(narrow):
        made[column]["width"] = NARROW[min(place, 1)]
    return made


def uneven(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> dict[str, int]:
    """Pixels of columns that a table which measures itself would cut: column → width.

    It looks at its first rows, and takes a text that is far longer than the others for an outlier. Whole sentences get
    what room is left.
    """
    widths = {}
    for column, spec in columns.items():
        lengths = [_length(row.get(column), spec) for row in rows]
        longest, measured = max(lengths, default=0), max(lengths[:_MEASURED], default=0)
        is_cut = longest > measured or measured > 1.5 * sum(lengths) / (len(lengths) or 1)
        if is_cut and longest < 2 * _LONGEST:
            widths[column] = _PADDING + _SIGN * min(max(longest, len(spec.label)), _LONGEST)
    return widths


def _length(value: Any, spec: Column) -> int:
    """Signs of a cell; 0 where it is empty, or a day, which is as long as any other."""
    if value is None or spec.kind in ("day", "instant", "year"):
        return 0
    if _TYPES[spec.kind] is pl.String:
        return len(str(value))
    return len(words.number(value, _DECIMALS.get(spec.kind, spec.decimals)))


#: Pixels of a sign and of the room around a text, the signs after which a text may be cut, and the rows looked at.
_SIGN, _PADDING, _LONGEST = 7, 18, 32
_MEASURED = 10


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
        facts = [
            {"field": spec.label, "value": words.plain(_written(page, row[column], spec, row))}
            for column, spec in columns.items()
            if row.get(column) is not None and column not in ("file", "row_number")
        ]
        width: Literal["stretch", "content"] = "stretch" if page.is_phone else "content"
        st.table(
            pl.DataFrame(facts), border="horizontal", width=width, hide_index=True, hide_header=True, alt="The record"
        )
        if row.get("file"):
            st.caption(f"From {words.plain(str(row['file']))}, line {row['row_number']}.")
        if evidence:
            evidence(row)


def _written(page: Page, value: Any, spec: Column, row: Mapping[str, Any]) -> str:
    if spec.kind == "money" and isinstance(value, Decimal | float | int):
        return words.money(value, row.get(spec.currency), 2, page.locale)
    if spec.kind in ("number", "count"):
        return words.number(value, _DECIMALS.get(spec.kind, spec.decimals), page.locale)
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
