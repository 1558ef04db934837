"""The line of a card: the last months without axes, drawn as a picture.

A chart of Vega costs the server 30 ms and the browser more, and an overview has a dozen of them. A picture of the same
line costs neither; the months' figures stand in tooltips over it, and its words are its alternative text.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dashboards.palette import Palette

#: The picture's own measure. It is stretched to the card's width; strokes keep theirs.
WIDTH, HEIGHT = 260.0, 44.0
_ROOM = 6.0


def draw(place: Any, points: Sequence[dict[str, Any]], target: float | None, colours: Palette, words: str) -> None:
    """Draws points (label, value or None, text, is_open) as a line with gaps; the last is marked, hollow while open.

    ``place`` is where it stands (``st`` or a container); ``words`` tell it to whoever does not see it.
    """
    picture = quote(svg(points, target, colours), safe=" =:/'(),;-")
    tips = "".join(f'<i title="{html.escape(point["label"])}: {html.escape(point["text"])}"></i>' for point in points)
    place.html(
        f'<div class="spark"><img alt="{html.escape(words)}" src="data:image/svg+xml,{picture}"/>'
        f'<div aria-hidden="true">{tips}</div></div>'
    )


def svg(points: Sequence[dict[str, Any]], target: float | None, colours: Palette) -> str:
    """The picture as svg."""
    known = [float(point["value"]) for point in points if point["value"] is not None]
    bounds = [*known, *([target] if target is not None else [])]
    low, high = min(bounds, default=0.0), max(bounds, default=1.0)
    span = (high - low) or abs(high) * 0.2 or 1.0
    step = WIDTH / max(1, len(points))

    def at(value: float) -> float:
        return round(HEIGHT - _ROOM - (value - low) / span * (HEIGHT - 2 * _ROOM), 1)

    places = [
        None if point["value"] is None else (round(step * (number + 0.5), 1), at(float(point["value"])))
        for number, point in enumerate(points)
    ]
    parts = []
    if target is not None:
        parts.append(_stroke(f"M0 {at(target)}H{WIDTH:g}", colours.text, 1, "stroke-dasharray='3 3'"))
    parts += [_stroke(path, colours.accent, 1.75, "stroke-linejoin='round'") for path in _runs(places)]
    last = max((number for number, place in enumerate(places) if place), default=None)
    if last is not None and (place := places[last]):
        # A line without length and with round ends is a dot that no stretching makes an ellipse.
        dot = f"M{place[0]} {place[1]}h0"
        parts.append(_stroke(dot, colours.accent, 8, "stroke-linecap='round'"))
        if points[last]["is_open"]:
            parts.append(_stroke(dot, colours.background, 4.5, "stroke-linecap='round'"))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH:g} {HEIGHT:g}' preserveAspectRatio='none'>"
        f"{''.join(parts)}</svg>"
    )


def _runs(places: Sequence[tuple[float, float] | None]) -> list[str]:
    """The line's parts between its gaps; a point alone is a short stroke."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return ["M" + "L".join(f"{x} {y}" for x, y in run) + ("h2" if len(run) == 1 else "") for run in runs if run]


def _stroke(path: str, colour: str, width: float, more: str) -> str:
    return (
        f"<path d='{path}' fill='none' stroke='{colour}' stroke-width='{width:g}' {more} "
        "vector-effect='non-scaling-stroke'/>"
    )
