"""Finds records that name the columns again: the header of a page, or of another table put below the first.

A header is told by its names, in whatever order and case they stand: a file that was put together of two exports goes
on below it with other columns in the same places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.readers.dialect import folded, trimmed

#: In one of so many first columns a name must stand: to look into all would take time with every file.
_COLUMNS = 2

AGAIN = "{unit} {number} repeats the header, so another table may begin there"

Numbers = npt.NDArray[np.int64]


def find_headers(rows: pa.Table, header: Sequence[str]) -> list[int]:
    """The places of the records that name the columns of a table again, all of them or most."""
    names = [name for name in header if name]
    if len(names) < 2 or not rows.num_rows:
        return []
    forms = {form.encode() for name in names for form in (name, name.lower(), name.upper(), name.title())}
    known = np.unique([len(form) << 16 | form[0] << 8 | form[-1] for form in forms])
    places = np.unique(np.concatenate([_begin_alike(column, forms) for column in rows.columns[:_COLUMNS]]))
    if not len(places):
        return []
    marks = [_marks(column, places) for column in rows.columns]
    alike = np.sum([np.isin(mark, known) for mark in marks], axis=0)
    filled = np.sum([mark > 0 for mark in marks], axis=0)
    places = places[(alike > 1) & (alike * 2 > filled)]
    return [
        place for place in places.tolist() if names_columns([column[place].as_py() for column in rows.columns], header)
    ]


def names_columns(values: Sequence[str], header: Sequence[str]) -> bool:
    """True for a record that names the columns of a header, all of them or most, in whatever order and case."""
    names = [name for name in header if name]
    if len(names) > 1 and all(trimmed(value) == name for value, name in zip(values, header, strict=True)):
        return True
    # Figures and single letters name columns as well, but they stand in rows too.
    known_names = Counter(folded(name) for name in header if sum(map(str.isalpha, name)) > 1)
    filled = [folded(value) for value in values if trimmed(value)]
    known = (Counter(filled) & known_names).total()
    return known > 1 and known * 2 > len(filled)


def _begin_alike(column: pa.ChunkedArray, forms: Collection[bytes]) -> Numbers:
    """The places of the values that are as long as one of the forms of a name and begin with the same byte."""
    text, borders = _text(column)
    longest = max(map(len, forms))
    begins, is_length = np.zeros((longest + 2, 256), dtype=bool), np.zeros(longest + 2, dtype=bool)
    for form in forms:
        is_length[len(form)] = begins[len(form), form[0]] = True
    lengths = np.minimum(borders[1:] - borders[:-1], longest + 1)
    places = np.flatnonzero(is_length[lengths])
    return places[begins[lengths[places], text[borders[places]]]]


def _marks(column: pa.ChunkedArray, places: Numbers) -> Numbers:
    """Of the values at some places what tells most others from a name: length, first and last byte; 0 for empty."""
    text, borders = _text(column)
    if not len(text):
        return np.zeros(len(places), dtype=np.int64)
    starts, ends = borders[places].astype(np.int64), borders[places + 1].astype(np.int64)
    first, last = (text[np.minimum(place, len(text) - 1)].astype(np.int64) for place in (starts, ends - 1))
    return np.where(ends > starts, (ends - starts) << 16 | first << 8 | last, 0)


def _text(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The bytes of all values of a column, and where in them each begins and the last one ends."""
    values = column.combine_chunks()
    _, offsets, content = values.buffers()
    text = np.frombuffer(content, dtype=np.uint8) if content is not None else np.empty(0, dtype=np.uint8)
    return text, np.frombuffer(offsets, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
