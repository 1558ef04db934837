"""The page of one KPI, in the order that a reader asks: answer, change, where, records, definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import polars as pl
import streamlit as st

from dashboards import behind, cards, charts, figures, naming, records, series, spread, tables, whys, words
from dashboards.records import Records
from dashboards.shell import Page
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period

#: Dimensions whose groups have an order of their own, by the number they begin with.
ORDERED = frozenset({"bucket", "month_in_service"})
#: Groups that a chart shows; the table beside it has all.
GROUPS = 12


@dataclass(frozen=True)
class Report:
    """What a page shows: its KPI, dimensions in the order they matter, KPIs beside it, records.

    On a board the records are what the reader came for: they stand above the months and the groups. ``further`` draws a
    section that only this page has, above the definition.
    """

    kpi: str
    dimensions: tuple[str, ...]
    beside: tuple[str, ...] = ()
    records: tuple[Records, ...] = ()
    is_board: bool = False
    further: Callable[[Page], None] | None = None


def draw(page: Page, report: Report) -> None:
    """Draws the page."""
    metrics = page.reader.metrics()
    metric = metrics.get(report.kpi)
    if metric is None:
        st.info(f"This run holds no {report.kpi.replace('_', ' ')}.", icon=":material/info:")
        return
    period = page.reader.headline_period(metric.name, page.filters.period)
    rows = page.reader.kpi(metric.name, period, rooftops=page.filters.rooftops)
    answer(page, metric, period, rows)
    if report.is_board:
        figures.draw(page, report.beside)
        _lists(page, metric, period, report)
    if any(row.value is not None for row in rows) or _has_history(page, metric, period):
        trend(page, metric, period, rows)
        whys.draw(page, metric)
        breakdown(page, metric, period, rows, report.dimensions)
        if metric.kind == "duration":
            distribution(page, metric, period, rows)
    if not report.is_board:
        figures.draw(page, report.beside, "Beside it")
        _lists(page, metric, period, report)
    if report.further:
        report.further(page)
    definition(page, metric)


def _lists(page: Page, metric: Metric, period: Period, report: Report) -> None:
    there = [kind for kind in report.records if page.reader.has(kind.mart)]
    if there:
        st.subheader("The records", anchor=False)
        records.tabs(page, there, period, metric)


def answer(page: Page, metric: Metric, period: Period, rows: list[KpiRow]) -> None:
    """The answer in words, and in small type what stands behind it."""
    before: list[KpiRow] = []
    versus = page.filters.versus
    if page.filters.before:
        earlier = page.reader.headline_period(metric.name, page.filters.before)
        before = page.reader.kpi(metric.name, earlier, rooftops=page.filters.rooftops)
        if metric.kind == "cohort":
            versus = f"those {words.during(earlier.first, earlier.last, page.locale)}"
    st.markdown(f"#### {words.answer(metric, period, rows, before, versus, page.locale)}".replace("$", "\\$"))
    st.caption(" · ".join(cards.small_print(page, metric, rows, period)))
    behind.link(page, metric, period)
    benchmark = next((row.benchmark for row in rows if row.benchmark), None)
    if benchmark:
        value = words.value_text(metric, benchmark["value"], None, page.locale)
        where = words.plain(", ".join(str(benchmark[part]) for part in ("source", "date") if benchmark.get(part)))
        st.caption(f"Benchmark {value} ({where})")
    reasons = cards.excluded_by_reason(rows)
    if reasons:
        listed = words.listed([f"{count} {words.plain(reason)}" for reason, count in reasons.items()])
        st.caption(f"Excluded: {listed}.")


def _has_history(page: Page, metric: Metric, period: Period) -> bool:
    return any(point.value is not None for point in series.monthly(page.reader, metric, period, page.filters.rooftops))


def trend(page: Page, metric: Metric, period: Period, rows: list[KpiRow], title: str = "By month") -> None:
    """The last thirteen months with the target, the year before in grey where one line is enough."""
    points = series.monthly(page.reader, metric, period, page.filters.rooftops, series.MONTHS + 12)
    currencies = {point.currency for point in points}
    recent = [point for point in points if point.month >= points[-series.MONTHS].month] if points else []
    earlier = (
        cards.spark_points(page, metric, [p for p in points[:-12] if p.value is not None])
        if len(currencies) == 1
        else []
    )
    earlier = [_a_year_on(point) for point in earlier]
    st.subheader(title, anchor=False)
    target = rows[0].target if rows else None
    text = f"target {words.value_text(metric, target, None, page.locale)}" if target is not None else ""
    drawn, table = st.tabs(["Chart", "Table"])
    has_spread = _is_readable_spread(recent)
    shown = [point if has_spread else point | {"p90": None} for point in cards.spark_points(page, metric, recent)]
    known = [point for point in recent if point.value is not None]
    alt = cards.spark_words(page, metric, known) if known else f"{metric.label} by month: no data"
    drawn.altair_chart(charts.trend(shown, earlier, target, text, _axis(metric), page.palette), alt=alt)
    table.dataframe(
        tables.numbers(_months_frame(metric, recent), _decimals(metric), page.locale),
        hide_index=True,
        column_config=_months_config(metric),
        alt=alt,
        placeholder="",
    )
    notes = []
    if metric.kind == "duration":
        notes.append(
            "Line: median. Ticks: nine of ten were done by then (P90)." if has_spread else "P90 is in the table."
        )
    if any(point.is_open and point.value is not None for point in recent):
        notes.append("The hollow point is a month that is not over in this period.")
    if notes:
        drawn.caption(" ".join(notes))


def _is_readable_spread(points: Sequence[series.Point]) -> bool:
    """Whether P90 can share the scale of the median: otherwise the median would lie flat on the ground."""
    medians = [point.value for point in points if point.value is not None]
    highs = [point.p90 for point in points if point.p90 is not None]
    return bool(highs) and max(highs) <= 6 * (max(medians, default=0) or 1)


def _a_year_on(point: dict[str, Any]) -> dict[str, Any]:
    year, rest = point["month"].split("-", 1)
    return point | {"month": f"{int(year) + 1}-{rest}"}


def _axis(metric: Metric) -> str:
    """How the axis writes values: as many decimals as its steps need."""
    if metric.unit == "percent":
        return ".1~%"
    return ",.0f" if metric.unit in ("money", "count") else ",.1~f"


def _scale(metric: Metric) -> int:
    """Percentages are shown as 11.4, not 0.114."""
    return 100 if metric.unit == "percent" else 1


def _value_label(metric: Metric) -> str:
    unit = {"percent": "%", "money": "", "count": ""}.get(metric.unit, metric.unit)
    name = "Median" if metric.kind == "duration" else metric.label
    return f"{name}, {unit}" if unit else name


def _months_frame(metric: Metric, points: list[series.Point]) -> pl.DataFrame:
    rows = [
        {
            "Month": f"{point.month:%B %Y}" + (" (unfinished)" if point.is_open else ""),
            "currency": point.currency,
            "value": None if point.value is None else point.value * _scale(metric),
            "p90": point.p90,
            "n": point.n,
        }
        for point in sorted(points, key=lambda point: point.month, reverse=True)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [column for column in ("currency", "p90") if frame[column].null_count() == frame.height]
    return frame.drop(empty)


def _decimals(metric: Metric) -> dict[str, int]:
    """Decimals of the numbers that a table of months or groups may have."""
    own = metric.decimals if metric.unit != "money" else 2
    parts = 2 if metric.currency else 0
    return {"value": own, "p90": own, "n": 0, "excluded": 0, "numerator": parts, "denominator": parts}


def _months_config(metric: Metric) -> dict[str, Any]:
    return {
        "currency": "Currency",
        "value": _value_label(metric),
        "p90": "P90",
        "n": words.things(metric).capitalize(),
    }


def breakdown(page: Page, metric: Metric, period: Period, rows: list[KpiRow], preferred: Sequence[str]) -> None:
    """One dimension: bars or dots with all groups beside them as a table."""
    dimensions = [name for name in preferred if name in metric.dimensions]
    dimensions += [name for name in metric.dimensions if name not in dimensions]
    if not dimensions:
        return
    st.subheader("Where", anchor=False)
    by = (
        st.segmented_control(
            "By",
            dimensions,
            default=dimensions[0],
            required=True,
            format_func=naming.dimension,
            key="by",
            bind="query-params",
            label_visibility="collapsed",
        )
        or dimensions[0]
    )
    found = page.reader.kpi(metric.name, period, by=by, rooftops=page.filters.rooftops)
    names = naming.names_of(page.reader, by, page.filters.rooftops)
    found = [row for row in found if row.group is not None]
    if metric.unit == "percent":
        _groups(page, metric, by, found, rows, names)
        return
    for currency in sorted({row.currency for row in found}, key=str):
        if currency and len({row.currency for row in found}) > 1:
            st.markdown(f"**{words.plain(currency)}**")
        mine = [row for row in found if row.currency == currency]
        _groups(page, metric, by, mine, [row for row in rows if row.currency == currency], names)


def distribution(page: Page, metric: Metric, period: Period, rows: Sequence[KpiRow]) -> None:
    """How many records took how long, with the median and P90 that the kernel gives."""
    known = next((row for row in rows if row.value is not None), None)
    lengths = page.reader.lengths(metric.name, period, page.filters.rooftops)
    if known is None or len(lengths) < 2:
        return
    marks: list[dict[str, Any]] = [
        {"value": float(value), "name": f"{name} {words.value_text(metric, value, None, page.locale)}"}
        for name, value in (("median", known.value), ("P90", known.p90))
        if value is not None
    ]
    found = spread.bins(lengths, float(known.p90) if known.p90 is not None else None)
    st.subheader("How they spread", anchor=False)
    drawn, table = st.tabs(["Chart", "Table"])
    said = ", ".join(mark["name"] for mark in marks)
    alt = f"{metric.label}: {len(lengths)} {words.things(metric)} by how long they took; {said}"
    drawn.altair_chart(spread.spread(found, marks, metric.unit, page.palette), alt=alt)
    if found[-1]["is_last"]:
        drawn.caption(f"The last bar holds all of {found[-1]['start']:g} {metric.unit} or more.")
    table.dataframe(
        tables.numbers(
            pl.DataFrame([{"length": each["label"], "n": each["n"]} for each in found]), {"n": 0}, page.locale
        ),
        hide_index=True,
        column_config={"length": metric.unit.capitalize(), "n": words.things(metric).capitalize()},
        alt=alt,
    )


def _group_name(row: KpiRow, names: Mapping[str, str], rows: Sequence[KpiRow]) -> str:
    """The group as people call it; with its currency where the group stands twice."""
    name = naming.called(row.group, names)
    twice = sum(other.group == row.group for other in rows) > 1
    return f"{name}, {row.currency}" if twice and row.currency else name


def _groups(
    page: Page, metric: Metric, by: str, rows: list[KpiRow], all_rows: list[KpiRow], names: Mapping[str, str]
) -> None:
    worst_first = sorted(
        (row for row in rows if row.value is not None),
        key=lambda row: (float(row.value or 0), str(row.group)),
        reverse=metric.better == "down",
    )
    if by in ORDERED:
        worst_first.sort(key=lambda row: int("".join(takewhile(str.isdigit, str(row.group))) or -1))
    without = [row for row in rows if row.value is None]
    if not worst_first and not without:
        st.caption("No records.")
        return
    largest = {id(row) for row in sorted(worst_first, key=lambda row: -row.n)[:GROUPS]}
    shown = [
        _group_point(page, metric, row, _group_name(row, names, rows)) for row in worst_first if id(row) in largest
    ]
    drawn, table = st.tabs(["Chart", "Table"])
    alt = f"{metric.label} by {naming.dimension(by).lower()}, {len(shown)} groups"
    whole = all_rows[0] if len(all_rows) == 1 and all_rows[0].value is not None else None
    whole_value = float(whole.value or 0) if whole else None
    whole_text = f"all {words.value_text(metric, whole.value or 0, whole.currency, page.locale)}" if whole else ""
    if shown and metric.kind == "duration":
        drawn.altair_chart(charts.dots(shown, whole_value, whole_text, page.palette), alt=alt)
        drawn.caption("Dot: median. Tick: nine of ten were done by then (P90).")
    elif shown:
        drawn.altair_chart(charts.bars(shown, whole_value, whole_text, page.palette), alt=alt)
    if len(worst_first) > GROUPS:
        drawn.caption(f"The {GROUPS} largest of {len(worst_first)} groups; the table has all.")
    if without:
        said = words.listed([f"{words.plain(_group_name(row, names, rows))} ({row.reason})" for row in without[:5]])
        drawn.caption(f"No value for {said}{' and more' if len(without) > 5 else ''}.")
    table.dataframe(
        tables.numbers(_groups_frame(metric, by, [*worst_first, *without], names), _decimals(metric), page.locale),
        hide_index=True,
        column_config=_groups_config(metric, by),
        alt=alt,
        placeholder="",
    )


def _group_point(page: Page, metric: Metric, row: KpiRow, name: str) -> dict[str, Any]:
    value = float(row.value or 0)
    return {
        "group": name,
        "value": value,
        "text": words.value_text(metric, row.value or 0, row.currency, page.locale),
        "p90": float(row.p90) if row.p90 is not None else value,
        "p90_text": words.value_text(metric, row.p90, row.currency, page.locale) if row.p90 is not None else "",
        "n": row.n,
    }


def _groups_frame(metric: Metric, by: str, rows: Sequence[KpiRow], names: Mapping[str, str]) -> pl.DataFrame:
    scale = _scale(metric)
    found = [
        {
            "group": _group_name(row, names, rows),
            "currency": row.currency,
            "value": None if row.value is None else float(row.value) * scale,
            "p90": None if row.p90 is None else float(row.p90),
            "numerator": None if row.numerator is None else float(row.numerator),
            "denominator": None if row.denominator is None else float(row.denominator),
            "n": row.n,
            "excluded": row.excluded,
        }
        for row in rows
    ]
    frame = pl.DataFrame(found, infer_schema_length=None)
    hidden = ["numerator", "denominator"] if metric.kind == "duration" or not metric.denominator else []
    if metric.kind != "duration":
        hidden.append("p90")
    if len({row.currency for row in rows}) < 2:
        hidden.append("currency")
    return frame.drop(hidden)


def _groups_config(metric: Metric, by: str) -> dict[str, Any]:
    return _months_config(metric) | {
        "group": naming.dimension(by),
        "numerator": "Numerator",
        "denominator": "Denominator",
        "excluded": "Excluded",
    }


def definition(page: Page, metric: Metric) -> None:
    """Description, formula, example, and the settings in force."""
    with st.expander(f"What {words.in_sentence(metric.label)} means", icon=":material/help:"):
        if metric.question:
            st.markdown(f"**{metric.question}**")
        st.markdown(metric.description.replace("$", "\\$"))
        if metric.example:
            st.markdown(f"*Example.* {metric.example}".replace("$", "\\$"))
        st.markdown(f"Formula, over `{metric.relation}`:")
        st.code(metric.formula, language="sql", wrap_lines=True)
        feeds = words.listed([f"`{feed}`" for feed in metric.feeds])
        if feeds:
            st.markdown(f"Feeds: {feeds}.")
        settings = cards.settings_in_force(page, metric)
        if settings:
            st.markdown("Settings in force:")
            st.dataframe(
                pl.DataFrame([{"key": key, "value": value} for key, value in settings.items()]),
                hide_index=True,
                column_config={"key": "Setting", "value": "Value"},
                alt="Settings in force",
            )
