"""How a duration spreads: how many records took how long, with the median and P90 marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards import charts
from dashboards.palette import Palette

#: Bars of the chart; the last one takes all that took longer.
BARS = 24


def bins(lengths: Sequence[float], p90: float | None) -> list[dict[str, Any]]:
    """Counts of records by length: bars of a round width that reach a little past P90, the rest in a last one."""
    if not lengths:
        return []
    reach = max(p90 or 0, 1e-9) * 1.4
    width = _round_width(min(max(lengths), reach) / BARS, whole=all(length.is_integer() for length in lengths))
    count = min(BARS, int(max(lengths) // width) + 1)
    found: list[dict[str, Any]] = [
        {"start": index * width, "end": (index + 1) * width, "n": 0, "zero": 0, "is_last": False, "label": ""}
        for index in range(count)
    ]
    for length in lengths:
        found[min(count - 1, max(0, int(length // width)))]["n"] += 1
    found[-1]["is_last"] = max(lengths) >= count * width
    for each in found:
        upper = f" to {each['end']:g}" if not each["is_last"] else " or more"
        each["label"] = f"{each['start']:g}{upper}"
    return found


def _round_width(width: float, *, whole: bool) -> float:
    """The next of 1, 2, 5, 10 ... that is not narrower; at least one where all lengths are whole."""
    least = max(width, 1.0) if whole else max(width, 1e-6)
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def spread(found: Sequence[dict[str, Any]], marks: Sequence[dict[str, Any]], unit: str, colours: Palette) -> Any:
    """Bars from zero. Marks: value, name (the median and P90, named at the top)."""
    reach = max(each["end"] for each in found)
    highest = max(each["n"] for each in found)
    scale = alt.Scale(domain=[0, reach], nice=False)
    base = alt.Chart(alt.Data(values=list(found)))
    axis = alt.Axis(title=unit, grid=False, tickCount=8, titleColor=colours.text, titleFontWeight="normal")
    bars = base.mark_bar(color=colours.accent, stroke=colours.background, strokeWidth=1).encode(
        x=alt.X("start:Q", axis=axis, scale=scale),
        x2="end:Q",
        y2="zero:Q",
        y=alt.Y(
            "n:Q",
            title=None,
            axis=alt.Axis(tickCount=4, tickMinStep=1, domain=False, ticks=False, format=",d"),
            scale=alt.Scale(domain=[0, highest * 1.18], nice=False),
        ),
        tooltip=[alt.Tooltip("label:N", title=unit.capitalize()), alt.Tooltip("n:Q", title="Records")],
    )
    lines: list[Any] = []
    for row, mark in enumerate(each for each in marks if each["value"] <= reach):
        line = alt.Chart(alt.Data(values=[mark]))
        x = alt.X("value:Q", title=unit, axis=axis, scale=scale)
        place: dict[str, Any] = {"align": "left", "dx": 5, "baseline": "top", "dy": 16 * row}
        label = line.encode(x=x, y=alt.value(0), text="name:N")
        lines += [
            line.mark_rule(color=colours.ink, strokeWidth=1.25, strokeDash=[4, 3]).encode(x=x),
            label.mark_text(**place, stroke=colours.background, strokeWidth=4, strokeJoin="round"),
            label.mark_text(**place, color=colours.ink),
        ]
    return charts.framed(alt.layer(bars, *lines), 220, colours)
