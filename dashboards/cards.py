"""KPI cards: value, change, target, the last months, n, as of when; grey with the reason where unsure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import behind, series, sparkline, words
from dashboards.series import Point
from dashboards.shell import Page
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period
from forecourt.periods import shifted

Arrow = Literal["up", "down", "off"]
Colour = Literal["green", "red", "gray"]


def kpi_card(page: Page, metric: Metric, link: str, query: Mapping[str, str] | None = None) -> DeltaGenerator:
    """Draws one card; its title leads to the KPI's page. Returns the place for the sentence of why."""
    reader, chosen = page.reader, page.filters
    period = reader.headline_period(metric.name, chosen.period)
    rows = reader.kpi(metric.name, period, rooftops=chosen.rooftops)
    before: list[KpiRow] = []
    if chosen.before:
        earlier = reader.headline_period(metric.name, chosen.before)
        before = reader.kpi(metric.name, earlier, rooftops=chosen.rooftops)
    points = series.monthly(reader, metric, period, chosen.rooftops)
    # The style sheet of the shell gives a card with a value per currency more room.
    size = "wide" if len(rows) > 1 else "narrow"
    with st.container(border=True, height="stretch", gap="xsmall", key=f"card_{size}_{metric.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap=None, wrap=False):
            st.page_link(f"app_pages/{link}.py", label=f"**{metric.label}**", query_params=query)
            st.markdown("\u200b", help=explained(page, metric), width="content")
        if metric.kind == "cohort":
            st.caption(cohort_days(metric, period, page))
        # Two currencies stand side by side, so that no card is twice as tall as the next.
        places = st.columns(2, wrap=False) if len(rows) == 2 else [st.container(gap="xsmall") for _ in rows]
        for place, row in zip(places, rows, strict=True):
            mine = [point for point in points if point.currency == row.currency]
            match = next((one for one in before if one.currency == row.currency), None)
            with place:
                _value(page, metric, row, match, mine, several=len(rows) > 1)
        for line in (target_line(page, metric, rows), year_line(page, metric, rows)):
            if line:
                st.caption(line)
        slot = st.empty()
        st.caption(" · ".join(small_print(page, metric, rows, period)), help=_excluded_help(rows))
        if not page.is_phone:
            behind.link(page, metric, period, label="SQL")
    return slot


def _value(
    page: Page, metric: Metric, row: KpiRow, before: KpiRow | None, points: list[Point], *, several: bool
) -> None:
    label = row.currency if several and row.currency else metric.label
    visibility: Literal["visible", "collapsed"] = "visible" if several else "collapsed"
    if row.value is None:
        instead, why = words.missing(metric, row.reason)
        st.metric(label, f":gray[{instead}]", label_visibility=visibility)
        st.caption(why)
        return
    text = words.value_text(metric, row.value, row.currency, page.locale)
    shown = f":gray[{text}]" if row.is_stale else text
    delta, arrow, colour = change(page, metric, row, before)
    known = [point for point in points if point.value is not None]
    beside = page.is_phone and not several
    value, line = st.columns([6, 5], wrap=False, vertical_alignment="center") if beside else (st, st)
    value.metric(label, shown, delta, delta_arrow=arrow, delta_color=colour, label_visibility=visibility)
    if len(known) > 1:
        drawn = spark_points(page, metric, points)
        sparkline.draw(line, drawn, row.target, page.palette, spark_words(page, metric, known))


def change(page: Page, metric: Metric, row: KpiRow, before: KpiRow | None) -> tuple[str | None, Arrow, Colour]:
    """The change against the comparison: its text with a sign, its arrow and its colour."""
    moved = words.difference(row.value, before.value if before else None)
    if moved is None:
        return None, "off", "gray"
    if not words.is_visible(metric, moved):
        return "no change", "off", "gray"
    text = words.difference_text(metric, moved, row.currency, page.locale)
    sign = "+" if moved > 0 else words.MINUS
    colour: Colour = "gray" if row.is_stale else "green" if words.is_good(metric, moved) else "red"
    return f"{sign}{text}", "up" if moved > 0 else "down", colour


def is_met(metric: Metric, row: KpiRow) -> bool | None:
    """Whether a value meets its target; None without one of them."""
    gap = words.difference(row.value, row.target)
    if gap is None:
        return None
    return not words.is_visible(metric, gap) or words.is_good(metric, gap)


def target_line(page: Page, metric: Metric, rows: list[KpiRow]) -> str | None:
    """Target and standing against it, by icon, word and colour; with two currencies each has its own standing."""
    known = [row for row in rows if row.value is not None and row.target is not None]
    if not known:
        return None
    parts = []
    for row in known:
        standing = words.against_target(metric, row, page.locale) or ""
        icon, colour = (":material/check_circle:", "green") if is_met(metric, row) else (":material/error:", "red")
        name = f"{row.currency} " if len(rows) > 1 else ""
        said = standing if standing == "on target" else standing.removesuffix(" target")
        parts.append(f"{name}:{colour}[{icon} {said}]")
    targets = {row.target for row in known}
    shown = [
        words.value_text(metric, target or 0, known[0].currency, page.locale) for target in sorted(targets, key=str)
    ]
    return f"Target {words.listed(shown)} · {' · '.join(parts)}"


def year_line(page: Page, metric: Metric, rows: list[KpiRow]) -> str | None:
    """The change against the same days of last year, by arrow, sign and colour; None where the card has it above."""
    chosen = page.filters
    year = shifted(chosen.period, 12)
    if chosen.before in (None, year) or not any(row.value is not None for row in rows):
        return None
    earlier = page.reader.kpi(metric.name, page.reader.headline_period(metric.name, year), rooftops=chosen.rooftops)
    then = {row.currency: row for row in earlier}
    parts = []
    for row in rows:
        delta, arrow, colour = change(page, metric, row, then.get(row.currency))
        if delta is not None:
            icon = "" if arrow == "off" else f":material/arrow_{arrow}ward: "
            parts.append(f"{row.currency} " * (len(rows) > 1) + f":{colour}[{icon}{delta}]")
    return f"Against last year {' · '.join(parts)}" if parts else "Last year: no data to compare with"


def small_print(page: Page, metric: Metric, rows: list[KpiRow], period: Period) -> list[str]:
    """n, excluded, immature or open, as of, and a word where a feed is behind."""
    locale = page.locale
    n, excluded = sum(row.n for row in rows), sum(row.excluded for row in rows)
    parts = [words.counted(n, words.things(metric), locale)]
    if excluded:
        parts.append(f"{words.number(excluded, 0, locale)} excluded")
    still = sum(row.open or 0 for row in rows)
    if still:
        parts.append(f"{words.number(still, 0, locale)} open")
    immature = sum(row.immature or 0 for row in rows)
    if immature:
        parts.append(f"{words.number(immature, 0, locale)} too young")
    parts.append(words.as_of(metric, period, locale))
    late = stale_note(page, metric, rows, period)
    return [*parts, late] if late else parts


def stale_note(page: Page, metric: Metric, rows: Sequence[KpiRow], period: Period) -> str | None:
    """Why a number is grey: the day that its data reaches, and the feeds that are behind; None where all are there."""
    through = rows[0].data_through if rows else None
    if not through or not rows[0].is_stale:
        return None
    late = words.plain(words.listed(page.reader.feeds_behind(metric.feeds, period.end)))
    said = f"data only to {words.short_day(through, page.locale)}" + (f" from {late}" if late else "")
    return f":orange[:material/schedule:] :orange[{said}]"


def cohort_days(metric: Metric, period: Period, page: Page) -> str:
    """Names the cohort: cars delivered 4 May 2026 to 2 July 2026."""
    who = words.COHORTS.get(metric.name, "those that started")
    return f"{who[:1].upper()}{who[1:]} {words.during(period.first, period.last, page.locale)}"


def explained(page: Page, metric: Metric) -> str:
    """The definition behind the question mark: what it says, its example, the settings in force that it depends on."""
    parts = [metric.description.strip()]
    if metric.question:
        parts.insert(0, f"**{metric.question}**")
    if metric.example:
        parts.append(f"*Example:* {metric.example}")
    settings = [f"`{key} = {value}`" for key, value in settings_in_force(page, metric).items()]
    if settings:
        parts.append(f"*Settings in force:* {', '.join(settings)}")
    return "\n\n".join(parts).replace("$", "\\$")


def settings_in_force(page: Page, metric: Metric) -> dict[str, str]:
    """Setting → value at the end of the period, of those that the statements behind a KPI read."""
    known = page.reader.policies(page.filters.period.end)
    families = tuple(name for name in metric.settings if name.endswith("."))
    return {key: value for key, value in known.items() if key in metric.settings or key.startswith(families)}


def excluded_by_reason(rows: Sequence[KpiRow]) -> dict[str, int]:
    """Reason → excluded records, those of all currencies together, in order."""
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(row.excluded_reasons)
    return dict(sorted(reasons.items()))


def _excluded_help(rows: Sequence[KpiRow]) -> str | None:
    reasons = [f"- {count} × {words.plain(reason)}" for reason, count in excluded_by_reason(rows).items()]
    return "\n".join(["Excluded:", "", *reasons]) if reasons else None


def spark_points(page: Page, metric: Metric, points: list[Point]) -> list[dict[str, Any]]:
    """Points with the texts that a chart shows."""
    return [
        {
            "month": point.month.isoformat(),
            "label": f"{point.month:%B %Y}" + (" (unfinished)" if point.is_open else ""),
            "series": point.currency or "",
            "value": point.value,
            "p90": point.p90,
            "n": point.n,
            "text": "no data"
            if point.value is None
            else words.value_text(metric, point.value, point.currency, page.locale),
            "p90_text": "" if point.p90 is None else words.value_text(metric, point.p90, point.currency, page.locale),
            "is_open": point.is_open,
        }
        for point in points
    ]


def spark_words(page: Page, metric: Metric, known: list[Point]) -> str:
    """The line in words, for whoever does not see it."""
    first, last = known[0], known[-1]
    values = [
        f"{words.value_text(metric, point.value or 0, point.currency, page.locale)} in {point.month:%B %Y}"
        for point in (first, last)
    ]
    return f"{metric.label} by month: from {values[0]} to {values[1]}"
