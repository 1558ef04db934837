"""Withholds a record whose last value may go on in the line below it: a line end inside a value that is not quoted.

The first part of such a record has all its values and would pass for whole; only the rest of it, a line with too few
values, tells that it is not.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.rows import BadRow
from ingest.readers.text import TextTable

_LETTERS = re.compile(r"[^\W\d_]{2}")
_SHAPE = re.compile(r"\d+")


def withhold_cut_off(piece: TextTable, dialect: Dialect) -> None:
    """Moves such records of a piece from its rows to its bad ones."""
    width = len(piece.header)
    if not piece.bad or not piece.rows.num_rows:
        return
    numbers = piece.rows.column("row_number").to_numpy()
    first, last = piece.rows.column("c0"), piece.rows.column(f"c{width - 1}")
    cut_off: list[int] = []
    for bad in piece.bad:
        place = int(np.searchsorted(numbers, bad.row_number)) - 1
        values = bad.raw.split(dialect.delimiter)
        if place < 0 or len(values) >= width or (dialect.quote and dialect.quote in bad.raw):
            continue
        end = last[place].as_py()
        # A value that begins with a line end leaves an empty one above.
        may_go_on = bool(_LETTERS.search(end)) or (not end and len(values) == 1)
        if not may_go_on or _starts_alike(values[0], first[place].as_py()):
            continue
        raw = piece.raw(int(numbers[place]))
        if numbers[place] + len(re.findall(r"\r\n|\n|\r", raw)) + 1 == bad.row_number:
            cut_off.append(place)
            reason = f"line {bad.row_number} has too few values and may be the rest of its last one"
            piece.bad.append(BadRow(int(numbers[place]), reason, raw))
    if cut_off:
        kept = np.ones(len(numbers), dtype=bool)
        kept[cut_off] = False
        piece.rows = piece.rows.filter(pa.array(kept))


def _starts_alike(text: str, first: str) -> bool:
    """True when a line begins like the record above it, so that it is one of its own."""
    text, first = trimmed(text), trimmed(first)
    is_same_shape = bool(_SHAPE.search(first)) and _SHAPE.sub("0", text) == _SHAPE.sub("0", first)
    return text == first or is_same_shape
