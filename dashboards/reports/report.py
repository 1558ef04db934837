"""What a report says, apart from how it is written down: titled tables of typed cells, for workbook and paper alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: total is bold under a rule; good and bad colour the last cell, which says the same in words.
Tone = Literal["plain", "total", "good", "bad"]


@dataclass(frozen=True)
class Col:
    """A column: its head, its width in signs, and whether its cells are numbers, set to the right."""

    head: str
    width: float
    is_number: bool = False


@dataclass(frozen=True)
class Row:
    """A line of a table. Cells are texts, Decimals (money), whole numbers, days, or None for what is not known."""

    cells: Sequence[Any]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Part:
    """A table under its title; ``note`` stands between them, ``tone`` colours it. A part without rows is its note."""

    title: str
    columns: Sequence[Col] = ()
    rows: Sequence[Row] = ()
    note: str = ""
    tone: Tone = "plain"
