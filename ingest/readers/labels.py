"""Tells the rows right below a header that are none: units, codes or names in another language, numbers of the columns,
a drawn line. A source declares them as lines of the header (``header_lines``); one that does not would land them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ingest.readers.figures import columns_of_figures, is_figure, is_name, is_word

#: Rows below a header that may say more of its names, and rows below them that they are compared with.
MOST, BELOW = 3, 30
#: So few rows say little of their columns.
_FEW = 4

_DRAWN = re.compile(r"[-=_*~]{2,}|:-+:?|-+:")
_UNIT = re.compile(r"[%\u2030\u00b0$\u20ac\u00a3\u00a5]\w?")

DRAWN = "it is a line drawn below the header: declare it in header_lines, or as a comment"
NUMBERS = "it numbers the columns, and is no row of the table: declare it in header_lines"
WORDS = (
    "it has words where all rows below have figures, so it may belong to the header: declare it in header_lines, "
    "or a word that says that there is no value in null_words"
)

Values = Sequence[str]


def labels_below_header(rows: Sequence[Values], missing: Collection[str]) -> list[str]:
    """Why each of the first rows is none of the table, as far as they are not; ``missing``: words for no value."""
    for count in range(min(MOST, len(rows) - 2), 0, -1):
        below = rows[count : count + BELOW]
        reasons = [_why_label(row, below, missing) for row in rows[:count]]
        if all(reasons):
            return reasons
    return []


def _why_label(row: Values, below: Sequence[Values], missing: Collection[str]) -> str:
    filled = [value for value in row if value]
    if len(filled) > 1 and all(map(_DRAWN.fullmatch, filled)):
        return DRAWN
    if len(row) > 2 and [value.strip("()[]. ") for value in row] == [str(place + 1) for place in range(len(row))]:
        is_told = not any(map(str.isdigit, row)) or not all(_has_figures(column) for column in zip(*below, strict=True))
        return NUMBERS if is_told else ""
    # Above few rows a code may be a value.
    is_label = is_name if len(below) > _FEW else is_word
    if not all(is_label(value, missing) or _UNIT.fullmatch(value) for value in filled):
        return ""
    figures = columns_of_figures(below)
    said = [row[place] for place in figures if row[place]]
    if len(set(said)) < len(said):  # one word for several figures says that they are not known
        return ""
    is_said = len(said) > 1 or any(is_word(value, missing) or _UNIT.fullmatch(value) for value in said)
    return WORDS if is_said and len(said) * 2 >= len(figures) else ""


def _has_figures(column: Sequence[str]) -> bool:
    return any(map(is_figure, column)) or not any(column)
