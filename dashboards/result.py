"""The answer to a statement: its rows, a chart of two of its columns, and files of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import altair as alt
import pyarrow as pa
import streamlit as st

from dashboards import charts, words
from dashboards.palette import Palette
from dashboards.shell import Page
from forecourt import __version__
from forecourt.exported import csv_of, parquet_of, record_export
from forecourt.query import Answer

Kind = Literal["Bars", "Line", "Dots"]
KINDS: tuple[Kind, ...] = ("Bars", "Line", "Dots")
#: Bars that a chart has room for, and points.
BARS, POINTS = 40, 2_000
NOTHING = "None"
#: Whole numbers that count or name something and are read without separators.
_NUMBERS = re.compile(r"(^|_)(year|month|week|day|line|row|number|port|id|position)$")


def table(rows: pa.Table) -> None:
    """Draws the rows, every column as its type is read; what no table can show stands as text."""
    st.dataframe(
        showable(rows),
        hide_index=True,
        height="auto" if rows.num_rows <= 10 else 420,
        column_config={field.name: _config(field) for field in rows.schema},
        placeholder="",
        alt=f"The answer: {rows.num_rows} rows",
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def showable(rows: pa.Table) -> pa.Table:
    """The rows with lists, records, intervals, bytes and the like written as text."""
    made = []
    for name in rows.column_names:
        column = rows.column(name)
        kind = column.type
        if not (_is_number(kind) or _is_time(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
            column = pa.array([_as_text(value) for value in column.to_pylist()], pa.string())
        made.append(column)
    return pa.table(made, names=rows.column_names)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)


def _config(field: pa.Field) -> Any:
    if pa.types.is_decimal(field.type) and field.type.scale:
        return st.column_config.NumberColumn(field.name, format=f"%,.{field.type.scale}f")
    if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
        return st.column_config.NumberColumn(field.name, format="%d" if _NUMBERS.search(field.name) else "%,d")
    if pa.types.is_date(field.type):
        return st.column_config.DateColumn(field.name, format="localized")
    if pa.types.is_timestamp(field.type):
        return st.column_config.DatetimeColumn(field.name, format="D MMM YYYY HH:mm:ss")
    return st.column_config.Column(field.name)


def chart(page: Page, rows: pa.Table) -> None:
    """Draws one column over another, as chosen; the choice stands in the URL."""
    names = {field.name: field.type for field in rows.schema}
    heights = [name for name, kind in names.items() if _is_number(kind)]
    if rows.num_rows < 2 or not heights:
        st.caption("A chart needs two rows and a column of numbers.")
        return
    across = list(names)
    # A name that stands once in every row is what a bar or a point is called.
    texts = [name for name, kind in names.items() if not _is_number(kind)] or across
    shown = showable(rows)
    first = next((name for name in texts if len(set(shown.column(name).to_pylist())) == rows.num_rows), texts[0])
    y_first = next((name for name in heights if name != first), heights[0])
    _keep_what_fits({"x": across, "y": heights, "by": [NOTHING, *across], "chart": list(KINDS)})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        x = st.selectbox("Across", across, across.index(first), key="x", bind="query-params") or first
        y = st.selectbox("Height", heights, heights.index(y_first), key="y", bind="query-params") or y_first
        series = st.selectbox("One colour for each", [NOTHING, *across], key="by", bind="query-params")
        places = [shown.column(name).to_pylist() for name in dict.fromkeys((x, series or NOTHING)) if name in names]
        is_repeated = len(set(zip(*places, strict=True))) < rows.num_rows
        usual: Kind = "Dots" if is_repeated else "Line" if _is_time(names[x]) else "Bars"
        kind = st.selectbox("Drawn as", KINDS, KINDS.index(usual), key="chart", bind="query-params") or usual
    found, notes = points(rows, x, y, None if series in (None, NOTHING) else series, kind)
    if not found:
        st.caption(f"No row has both {words.plain(x)} and {words.plain(y)}.")
        return
    drawn = _drawn(found, x, y, kind, names[x], page.palette, has_series=series not in (None, NOTHING))
    st.altair_chart(drawn, alt=f"{y} by {x}, {len(found)} rows of the answer")
    for note in notes:
        st.caption(note)


def _keep_what_fits(offered: dict[str, list[str]]) -> None:
    """Drops a choice that an earlier answer had and this one has not."""
    for key, options in offered.items():
        if key in st.session_state and st.session_state[key] not in options:
            del st.session_state[key]


def points(rows: pa.Table, x: str, y: str, series: str | None, kind: Kind) -> tuple[list[dict[str, Any]], list[str]]:
    """What a chart draws of the rows, and what has to be said about the rest. Points: x, y, series, text."""
    notes = []
    shown = showable(rows)
    columns = [shown.column(name).to_pylist() for name in (x, y, series or x)]
    found = [
        {"x": _plotted(a), "y": float(b), "series": str(c) if c is not None else "unknown", "text": f"{b:,}"}
        for a, b, c in zip(*columns, strict=True)
        if a is not None and b is not None and abs(float(b)) < float("inf")
    ]
    if len(found) < rows.num_rows:
        notes.append(f"{words.counted(rows.num_rows - len(found), 'rows')} without a value are not drawn.")
    if series:
        totals: dict[str, float] = {}
        for point in found:
            totals[point["series"]] = totals.get(point["series"], 0) + abs(point["y"])
        largest = sorted(totals, key=lambda name: (-totals[name], name))[:6]
        if len(totals) > len(largest):
            notes.append(f"The 6 largest of {len(totals)} are drawn.")
        found = [point for point in found if point["series"] in largest]
    room = BARS if kind == "Bars" else POINTS
    places = list(dict.fromkeys(point["x"] for point in found))
    if len(places) > room:
        notes.append(f"The first {room} of {len(places)} values of {words.plain(x)} are drawn, in the answer's order.")
        kept = set(places[:room])
        found = [point for point in found if point["x"] in kept]
    if len({(point["x"], point["series"] if series else "") for point in found}) < len(found):
        notes.append(f"Several rows share a value of {words.plain(x)}: they lie on each other. Group the statement.")
    return found, notes


def _plotted(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value) if isinstance(value, bool) else value


def _drawn(
    points: list[dict[str, Any]],
    x: str,
    y: str,
    kind: Kind,
    type_of_x: pa.DataType,
    colours: Palette,
    *,
    has_series: bool,
) -> Any:
    base = alt.Chart(alt.Data(values=[{**point, "x": _number(point["x"], type_of_x)} for point in points]))
    names = list(dict.fromkeys(point["series"] for point in points))
    is_time, is_number = _is_time(type_of_x), _is_number(type_of_x)
    places = list(dict.fromkeys(point["x"] for point in points))
    lower = alt.Axis(title=None, labelLimit=160, labelAngle=0, grid=False, labelOverlap=True)
    if is_time and len(places) <= POINTS // 20:
        months = all(place[8:10] == "01" for place in places)
        lower.values, lower.format = places, "%b %Y" if months else "%-d %b %Y"
    upper = alt.Axis(title=y, titleColor=colours.text, titleFontWeight="normal", domain=False, ticks=False, tickCount=6)
    across_tip = alt.Tooltip("x:T", title=x, format="%d %b %Y") if is_time else alt.Tooltip("x:N", title=x)
    tooltip = [across_tip, alt.Tooltip("text:N", title=y)]
    colour: Any = alt.value(colours.accent)
    if has_series:
        scale = alt.Scale(domain=names, range=list(colours.series))
        colour = alt.Color("series:N", scale=scale, legend=alt.Legend(orient="top", title=None, labelLimit=160))
        tooltip.append(alt.Tooltip("series:N", title="Of"))
    if kind == "Bars" and not is_time:
        # Names need room: bars lie, in the answer's order.
        lying = alt.Y("x:N", sort=places, axis=alt.Axis(title=None, labelLimit=160, ticks=False, domain=False))
        offset: dict[str, Any] = {"yOffset": alt.YOffset("series:N", sort=names)} if has_series else {}
        drawn = base.mark_bar().encode(
            y=lying, x=alt.X("y:Q", axis=upper, stack=None), color=colour, tooltip=tooltip, **offset
        )
        return charts.framed(drawn, 26 * len(places) * (min(len(names), 3) if has_series else 1) + 60, colours)
    if is_time:
        across = alt.X("x:T", axis=lower, scale=alt.Scale(type="utc", padding=14))
    elif is_number:
        across = alt.X("x:Q", axis=alt.Axis(title=x, titleColor=colours.text, grid=False), scale=alt.Scale(zero=False))
    else:
        across = alt.X("x:N", sort=places, axis=lower)
    up = alt.Y("y:Q", axis=upper, scale=alt.Scale(zero=kind == "Bars"), stack=None)
    marks = {"Bars": base.mark_bar, "Line": base.mark_line, "Dots": base.mark_point}
    width: Any = max(3, 500 // max(1, len(places))) if is_time else {"band": 0.8}
    options: dict[str, dict[str, Any]] = {
        "Bars": {"size" if is_time else "width": width},
        "Line": {"point": True, "strokeWidth": 2},
        "Dots": {"filled": True, "size": 55, "opacity": 0.8},
    }
    offset = {"xOffset": alt.XOffset("series:N", sort=names)} if has_series and kind == "Bars" else {}
    drawn = marks[kind](**options[kind]).encode(x=across, y=up, color=colour, tooltip=tooltip, **offset)
    return charts.framed(drawn, 320, colours)


def _number(value: Any, kind: pa.DataType) -> Any:
    return float(value) if _is_number(kind) else value


def downloads(page: Page, statement: str, answer: Answer, everything: Callable[[], Answer], total: int) -> None:
    """Files of the rows that are shown and, where there are more, of all; each is entered in the home's log."""
    shown = words.number(answer.rows.num_rows, 0, page.locale)
    with st.container(horizontal=True):
        _buttons(page, statement, lambda: answer, f"these {shown}", "shown")
        if answer.is_cut:
            _buttons(page, statement, everything, f"all {words.number(total, 0, page.locale)}", "all")


def _buttons(page: Page, statement: str, take: Callable[[], Answer], what: str, key: str) -> None:
    writers = {"csv": (csv_of, "text/csv"), "parquet": (parquet_of, "application/vnd.apache.parquet")}
    for ending, (written, mime) in writers.items():
        name = f"answer.{ending}"

        def data(written: Callable[[pa.Table], bytes] = written, name: str = name) -> bytes:
            rows = take().rows
            made = written(rows)
            facts = {"rows": rows.num_rows, "parameters": {"statement": statement}, "version": __version__}
            record_export(
                page.reader.home, made, export="sql", name=name, run=page.reader.run_id, by="page", facts=facts
            )
            return made

        st.download_button(
            f"{ending} of {what}",
            data,
            name,
            mime,
            key=f"{key}_{ending}",
            on_click="ignore",
            icon=":material/download:",
        )
