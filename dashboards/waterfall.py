"""The chart of why: from one period's value to the next by what each group added or took away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from dashboards import charts
from dashboards.palette import Palette


def waterfall(steps: Sequence[dict[str, Any]], colours: Palette) -> Any:
    """Floating bars on the scale of the change, which starts at zero: the earlier value.

    Steps: name, start, end, text, tone (better, worse, plain), detail. The bars follow on one another downwards.
    """
    base = alt.Chart(alt.Data(values=[dict(step) | {"place": max(step["start"], step["end"])} for step in steps]))
    names = [step["name"] for step in steps]
    y = alt.Y("name:N", sort=names, title=None, axis=charts.named(names, 170))
    ends = [0.0, *(step["start"] for step in steps), *(step["end"] for step in steps)]
    span = (max(ends) - min(ends)) or 1
    room = charts.text_room([step["text"] for step in steps])
    scale = alt.Scale(domain=[min(ends) - span * 0.04, max(ends) + span * room], nice=False)
    x = alt.X("start:Q", title=None, axis=None, scale=scale)
    tone = alt.Color(
        "tone:N",
        legend=None,
        scale=alt.Scale(
            domain=["better", "worse", "plain"], range=[colours.series[0], colours.series[1], colours.muted]
        ),
    )
    tooltip = [
        alt.Tooltip("name:N", title="Group"),
        alt.Tooltip("text:N", title="Effect"),
        alt.Tooltip("detail:N", title="Of it"),
    ]
    zero = alt.Chart(alt.Data(values=[{"start": 0}])).mark_rule(color=colours.muted, strokeWidth=1).encode(x=x)
    bars = base.mark_bar(height={"band": 0.6}).encode(y=y, x=x, x2="end:Q", color=tone, tooltip=tooltip)
    label = base.mark_text(align="left", dx=6, color=colours.ink).encode(
        y=y, x=alt.X("place:Q", title=None, axis=None, scale=scale), text="text:N"
    )
    return charts.framed(alt.layer(zero, bars, label), 34 * len(steps) + 20, colours)
