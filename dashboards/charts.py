"""Charts: trend, bars, dots and stacked bars. They draw what they are given and compute nothing.

Every data row carries its own texts, so that tooltips and labels show the figures as the rest of the page writes them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import altair as alt

from dashboards.palette import Palette

#: Signs of a name that stand on one line beside its bar.
_SIGNS = 24
#: Jan carries its year; days are UTC so that no time zone moves a month.
_MONTH_LABEL = (
    "utcmonth(datum.value) == 0 ? [utcFormat(datum.value, '%b'), utcFormat(datum.value, '%Y')] "
    ": utcFormat(datum.value, '%b')"
)


def trend(
    points: Sequence[dict[str, Any]],
    before: Sequence[dict[str, Any]],
    target: float | None,
    target_text: str,
    axis_format: str,
    colours: Palette,
) -> alt.Chart:
    """Months of one KPI. Points: month, series, value, p90, text, is_open; ``before`` is grey, a year behind.

    Months without a value are gaps. More than one series (currencies) is told apart by colour and a label at its end.
    """
    names = list(dict.fromkeys(point["series"] for point in points))
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=list(colours.series)))
    base = alt.Chart(alt.Data(values=list(points)))
    x = alt.X(
        "month:T",
        title=None,
        axis=alt.Axis(
            values=sorted({point["month"] for point in points}),
            labelExpr=_MONTH_LABEL,
            grid=False,
            labelOverlap=True,
            labelFlush=False,
            tickSize=4,
        ),
        scale=alt.Scale(type="utc", padding=14),
    )
    y = alt.Y(
        "value:Q",
        title=None,
        axis=alt.Axis(format=axis_format, tickCount=5, domain=False, ticks=False),
        scale=alt.Scale(zero=False, nice=True, padding=14),
    )
    tooltip = [
        alt.Tooltip("label:N", title="Month"),
        alt.Tooltip("text:N", title="Value"),
        alt.Tooltip("n:Q", title="Records"),
    ]
    layers: list[alt.Chart] = []
    if before:
        earlier = alt.Chart(alt.Data(values=list(before)))
        layers.append(earlier.mark_line(color=colours.muted, strokeWidth=1.5).encode(x=x, y=y))
        layers += _a_year_before(before, points, target, x, y, colours)
    named: list[alt.Chart] = []
    if target is not None:
        line, *named = _target(target, target_text, y, colours)
        layers.append(line)
    spread = any(point.get("p90") is not None for point in points)
    if spread:
        layers.append(base.mark_rule(strokeWidth=1, opacity=0.45).encode(x=x, y=y, y2="p90:Q", color=colour))
        layers.append(
            base.mark_tick(size=14, thickness=1.5).encode(
                x=x,
                y=alt.Y("p90:Q", title=None),
                color=colour,
                tooltip=[*tooltip[:1], alt.Tooltip("p90_text:N", title="P90")],
            )
        )
    layers.append(base.mark_line(strokeWidth=2.25).encode(x=x, y=y, color=colour))
    # A layer without a mark would be a picture without a name to a screen reader.
    if done := [point for point in points if not point["is_open"]]:
        full = alt.Chart(alt.Data(values=done)).mark_point(filled=True, size=40, opacity=1)
        layers.append(full.encode(x=x, y=y, color=colour, tooltip=tooltip))
    if unfinished := [point for point in points if point["is_open"]]:
        hollow = alt.Chart(alt.Data(values=unfinished)).mark_point(
            filled=True, size=60, opacity=1, strokeWidth=2, fill=colours.background
        )
        layers.append(hollow.encode(x=x, y=y, stroke=colour, tooltip=tooltip))
    layers += named
    layers += _ends(points, names, x, y, colour, colours.background)
    return framed(alt.layer(*layers), 290, colours)


def _a_year_before(
    before: Sequence[dict[str, Any]],
    points: Sequence[dict[str, Any]],
    target: float | None,
    x: alt.X,
    y: alt.Y,
    colours: Palette,
) -> list[Any]:
    """The name of the grey line, where it is furthest from the others' lines and from the target's name at the left."""
    now = {point["month"]: point["value"] for point in points if point["value"] is not None}
    known = [point for point in before if point["value"] is not None]
    inner = known[2:-2] or known[-1:]

    def room(point: dict[str, Any]) -> float:
        others = [value for value in (now.get(point["month"]), target) if value is not None]
        return min((abs(point["value"] - other) for other in others), default=0.0)

    if not inner:
        return []
    best = max(inner, key=room)
    is_above = best["value"] >= now.get(best["month"], best["value"])
    place: dict[str, Any] = {"align": "center", "dy": -9 if is_above else 13}
    label = alt.Chart(alt.Data(values=[best | {"name": "a year before"}])).encode(x=x, y=y, text="name:N")
    return [_halo(label, colours.background, place), label.mark_text(**place, color=colours.text)]


def _ends(
    points: Sequence[dict[str, Any]], names: Sequence[str], x: alt.X, y: alt.Y, colour: alt.Color, halo: str
) -> list[Any]:
    """A label at the end of each line: the highest above its point, others and a falling one below."""
    ends = []
    for name in names:
        known = [point for point in points if point["series"] == name and point["value"] is not None]
        if known:
            falls = len(known) > 1 and known[-2]["value"] > known[-1]["value"]
            ends.append(known[-1] | {"end": f"{name} {known[-1]['text']}".strip(), "falls": falls})
    ends.sort(key=lambda point: -point["value"])
    layers: list[Any] = []
    for position, end in enumerate(ends):
        label = alt.Chart(alt.Data(values=[end])).encode(x=x, y=y, text="end:N")
        is_below = position > 0 or (len(ends) == 1 and end["falls"])
        place: dict[str, Any] = {"align": "right", "dy": 17 if is_below else -14, "dx": 8, "fontWeight": 600}
        layers += [_halo(label, halo, place), label.mark_text(**place).encode(color=colour)]
    return layers


def _halo(label: alt.Chart, background: str, place: dict[str, Any]) -> alt.Chart:
    """The same text in the background's colour, thick: lines do not run through a label."""
    return label.mark_text(**place, stroke=background, strokeWidth=4, strokeJoin="round")


def _target(target: float, text: str, y: alt.Y, colours: Palette) -> list[alt.Chart]:
    """A thin line, then its name, which goes over the lines of the values."""
    line = alt.Chart(alt.Data(values=[{"value": target, "name": text}]))
    label = line.encode(y=y, x=alt.value(0), text="name:N")
    place: dict[str, Any] = {"align": "left", "baseline": "bottom", "dy": -3, "dx": 2}
    return [
        line.mark_rule(color=colours.text, strokeDash=[4, 3], strokeWidth=1).encode(y=y),
        _halo(label, colours.background, place),
        label.mark_text(**place, color=colours.text),
    ]


def bars(rows: Sequence[dict[str, Any]], whole: float | None, whole_text: str, colours: Palette) -> alt.Chart:
    """Horizontal bars from zero in the order given. Rows: group, value, text, n; a thin line marks the whole."""
    base = alt.Chart(alt.Data(values=list(rows)))
    y = _groups(rows)
    ends = [row["value"] for row in rows] + [0.0] + ([whole] if whole is not None else [])
    span = (max(ends) - min(ends)) or 1
    room = span * text_room([row["text"] for row in rows])
    domain = [min(ends) - (room if min(ends) < 0 else 0), max(ends) + room]
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domain=domain, nice=False))
    tooltip = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("text:N", title="Value"),
        alt.Tooltip("n:Q", title="Records"),
    ]
    layers = [
        base.mark_bar(color=colours.accent, height={"band": 0.62}).encode(y=y, x=x, tooltip=tooltip),
    ]
    if whole is not None:
        layers += _whole(whole, whole_text, x, colours)
    sides: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
        ([row for row in rows if row["value"] >= 0], {"align": "left", "dx": 6}),
        ([row for row in rows if row["value"] < 0], {"align": "right", "dx": -6}),
    ]
    for side, place in sides:
        if not side:
            continue
        label = alt.Chart(alt.Data(values=side)).encode(y=y, x=x, text="text:N")
        layers += [_halo(label, colours.background, place), label.mark_text(**place, color=colours.ink)]
    return framed(alt.layer(*layers), 34 * len(rows) + 30, colours)


def dots(rows: Sequence[dict[str, Any]], whole: float | None, whole_text: str, colours: Palette) -> alt.Chart:
    """Durations by group: a full dot for the median, a hollow one for P90, a thin line between them."""
    base = alt.Chart(alt.Data(values=list(rows)))
    y = _groups(rows)
    high = max([row["p90"] or row["value"] for row in rows] + [whole or 0])
    high *= 1 + text_room([row["p90_text"] or row["text"] for row in rows])
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domain=[0, high or 1], nice=False))
    tooltip = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("text:N", title="Median"),
        alt.Tooltip("p90_text:N", title="P90"),
        alt.Tooltip("n:Q", title="Records"),
    ]
    layers = [
        base.mark_rule(color=colours.muted, strokeWidth=2).encode(y=y, x=x, x2="p90:Q"),
        base.mark_tick(color=colours.accent, size=16, thickness=2).encode(
            y=y, x=alt.X("p90:Q", title=None), tooltip=tooltip
        ),
        base.mark_point(color=colours.accent, size=90, filled=True, opacity=1).encode(y=y, x=x, tooltip=tooltip),
        base.mark_text(align="left", dx=9, color=colours.text).encode(y=y, x="p90:Q", text="p90_text:N"),
    ]
    if whole is not None:
        layers = [*_whole(whole, whole_text, x, colours), *layers]
    place: dict[str, Any] = {"align": "left", "dy": -13, "dx": -4}
    label = base.encode(y=y, x=x, text="text:N")
    layers += [_halo(label, colours.background, place), label.mark_text(**place, color=colours.ink)]
    return framed(alt.layer(*layers), 44 * len(rows) + 30, colours)


def text_room(texts: Sequence[str]) -> float:
    """How much longer than its bars an axis is, so that a text after the longest fits on a phone too."""
    return 0.06 + 0.03 * max(map(len, texts), default=0)


def _whole(value: float, text: str, x: alt.X, colours: Palette) -> list[alt.Chart]:
    """The value of all groups together, as a thin line with its name at the top."""
    line = alt.Chart(alt.Data(values=[{"value": value, "name": text}]))
    return [
        line.mark_rule(color=colours.text, strokeWidth=1, strokeDash=[4, 3]).encode(x=x),
        line.mark_text(color=colours.text, baseline="bottom", dy=-2).encode(x=x, y=alt.value(0), text="name:N"),
    ]


def _groups(rows: Sequence[dict[str, Any]]) -> alt.Y:
    groups = list(dict.fromkeys(row["group"] for row in rows))
    return alt.Y("group:N", sort=groups, title=None, axis=named(groups))


def named(names: Sequence[str], limit: int = 160) -> alt.Axis:
    """The axis of bars that lie: a long name takes two lines, a longer one those of its ends."""
    lines = {name: _two_lines(name) for name in names if len(name) > _SIGNS}
    written = f"({json.dumps(lines)})[datum.label] || datum.label" if lines else alt.Undefined
    return alt.Axis(labelLimit=limit, labelExpr=written, labelOverlap=False, ticks=False, domain=False, labelPadding=8)


def _two_lines(name: str) -> list[str]:
    lines = wrap(name, _SIGNS)
    if len(lines) < 3:
        return lines
    end = wrap(" ".join(reversed(name.split())), _SIGNS - 2)[0].split()
    return [lines[0], f"… {' '.join(reversed(end))}"]


def stacked(
    rows: Sequence[dict[str, Any]],
    parts: Sequence[str],
    heads: tuple[str, str, str],
    colours: Palette,
    legend_columns: int = 0,
) -> alt.Chart:
    """One stacked bar per group, parts in fixed order, light to dark. Rows: group, part, position, value, text.

    ``heads`` are what a tooltip calls the group, the part and the value.
    """
    base = alt.Chart(alt.Data(values=list(rows)))
    groups = {row["group"] for row in rows}
    return framed(
        base.mark_bar(height={"band": 0.66}, stroke=colours.background, strokeWidth=1).encode(
            y=_groups(rows),
            x=alt.X(
                "sum(value):Q",
                title=None,
                axis=alt.Axis(
                    labelExpr="datum.value == 0 ? '0' : format(datum.value, '~s')",
                    tickCount=4,
                    grid=True,
                    domain=False,
                    ticks=False,
                ),
            ),
            color=alt.Color(
                "part:N",
                sort=list(parts),
                scale=alt.Scale(domain=list(parts), range=colours.ageing(len(parts))),
                legend=alt.Legend(
                    orient="top",
                    title=None,
                    columns=legend_columns,
                    symbolType="square",
                    labelLimit=120,
                    direction="horizontal",
                ),
            ),
            order=alt.Order("position:Q"),
            tooltip=[
                alt.Tooltip("group:N", title=heads[0]),
                alt.Tooltip("part:N", title=heads[1]),
                alt.Tooltip("text:N", title=heads[2]),
            ],
        ),
        32 * len(groups) + 118 + (40 if legend_columns else 0),
        colours,
    )


def framed(chart: Any, height: int, colours: Palette) -> Any:
    """A chart with the axes, type and room that all charts of the pages share."""
    return (
        chart.properties(height=height, padding={"left": 0, "top": 4, "right": 4, "bottom": 4})
        .configure_view(stroke=None)
        .configure(background="transparent")
        .configure_axis(
            gridColor=colours.grid,
            labelColor=colours.text,
            domainColor=colours.grid,
            labelFontSize=12,
            tickColor=colours.grid,
        )
        .configure_legend(labelColor=colours.text, labelFontSize=12)
        .configure_text(fontSize=12)
    )
