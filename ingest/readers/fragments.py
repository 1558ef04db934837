"""Withholds a record of which a part may stand in the line below or above it: a line end inside a value without quotes.

The other part of such a record has all its values and would pass for whole; only the rest, a line with too few values,
tells that it is not. Likewise a record that a stray quote has made of several.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pyarrow as pa

from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.rows import BadRow
from ingest.readers.text import TextTable

_LETTERS = re.compile(r"[^\W\d_]{2}")
_SHAPE = re.compile(r"\d+")
_LINE_END = re.compile(r"\r\n|\n|\r")
#: Values of a column that are looked at to tell whether it holds words.
_SAMPLE = 200

REST = "line {line} has too few values and may be the rest of its last one"
SWALLOWED = "each of its lines looks like a record: a quote that was not meant as one may have joined them"
BEGINNING = "line {line} has too few values and may be the beginning of its first one"


def withhold_cut_off(piece: TextTable, dialect: Dialect) -> None:
    """Moves such records of a piece from its rows to its bad ones."""
    width = len(piece.header)
    if not piece.bad or not piece.rows.num_rows:
        return
    numbers = piece.rows.column("row_number").to_numpy()
    first, last = piece.rows.column("c0"), piece.rows.column(f"c{width - 1}")
    starts_in_words, ends_in_words = _holds_words(first), _holds_words(last)
    starts = [value for value in first.slice(0, _SAMPLE).to_pylist() if value]
    starts_in_capitals = sum(value[0].isupper() for value in starts) * 10 >= len(starts) * 9
    unread = {bad.row_number for bad in piece.bad}
    cut_off: dict[int, str] = {}
    afters: dict[int, int] = {}
    for bad in list(piece.bad):
        place = int(np.searchsorted(numbers, bad.row_number)) - 1
        values = bad.raw.split(dialect.delimiter)
        if len(values) >= width or _opens_a_quote(values, dialect):
            continue
        below = place + 1
        has_row_below = below < len(numbers) and numbers[below] == bad.row_number + 1
        if place >= 0 and not _starts_alike(values[0], first[place].as_py()):
            end = last[place].as_py()
            # A value that begins with a line end leaves an empty one above.
            may_go_on = bool(_LETTERS.search(end)) or (ends_in_words and (bool(end) or len(values) == 1))
            if place not in afters:
                line = int(numbers[place])
                afters[place] = line + len(_LINE_END.findall(piece.raw(line))) + 1
            after = afters[place]
            # Below empty lines it is a note, unless the table goes on right under it.
            is_near = after == bad.row_number or (has_row_below and not unread & set(range(after, bad.row_number)))
            if may_go_on and is_near:
                cut_off[place] = REST.format(line=bad.row_number)
        if has_row_below and len(values) == 1 and _LETTERS.search(bad.raw):
            start = first[below].as_py()
            near = place if place >= 0 else below + 1
            other = first[near].as_py() if near < len(first) else ""
            # What goes on in small letters among capitals belongs to the row above; else both may be cut off.
            is_rest = place in cut_off and starts_in_capitals and bad.raw[:1].islower() and start[:1].isupper()
            is_word = starts_in_words or bool(_LETTERS.search(start))
            if is_word and not is_rest and not _starts_alike(start, other):
                cut_off[below] = BEGINNING.format(line=bad.row_number)
    if cut_off:
        for place, reason in cut_off.items():
            piece.bad.append(BadRow(int(numbers[place]), reason, piece.raw(int(numbers[place]))))
        _take_out(piece, cut_off)


def withhold_swallowed(piece: TextTable, dialect: Dialect) -> None:
    """Moves a record to the bad ones of which each line looks like a record: a quote that was not meant as one opens a
    value, the next one closes it some lines below, and the grammar is kept."""
    if len(piece.header) < 2 or not dialect.quote or not piece.rows.num_rows:
        return
    numbers = piece.rows.column("row_number")
    lines = numbers[-1].as_py() - numbers[0].as_py() + 1
    ends = [piece.rows.column(f"c{place}")[-1].as_py() for place in range(len(piece.header))]
    if lines == len(numbers) and not any(map(_LINE_END.search, ends)):
        return  # each record is one line: most files are so
    several = _with_lines_in_value(piece, dialect)
    places = [
        row for row in several if _looks_like_records(piece.raw(numbers[row].as_py()), len(piece.header), dialect)
    ]
    for row in places:
        piece.bad.append(BadRow(numbers[row].as_py(), SWALLOWED, piece.raw(numbers[row].as_py())))
    _take_out(piece, places)


def _take_out(piece: TextTable, places: Collection[int]) -> None:
    if places:
        kept = np.ones(piece.rows.num_rows, dtype=bool)
        kept[list(places)] = False
        piece.rows = piece.rows.filter(pa.array(kept))


def _with_lines_in_value(piece: TextTable, dialect: Dialect) -> list[int]:
    """The rows of which a value goes over a line end, with figures and a delimiter behind it."""
    import pyarrow.compute as pc  # Here, because it takes a tenth of a second and few files need it.

    mark = "".join(f"\\x{{{ord(letter):x}}}" for letter in dialect.delimiter)
    expression = rf"[\r\n][^\r\n]*[0-9][^\r\n]*{mark}"
    found: set[int] = set()
    for place in range(len(piece.header)):
        is_long = pc.match_substring_regex(piece.rows.column(f"c{place}"), expression)
        found.update(pc.indices_nonzero(is_long).to_pylist())
    return sorted(found)


def _looks_like_records(raw: str, columns: int, dialect: Dialect) -> bool:
    """True for lines of which each has enough values, the first with figures in the same form."""
    lines = [line.split(dialect.delimiter) for line in _LINE_END.split(raw)]
    forms = {_SHAPE.sub("0", trimmed(values[0])) for values in lines}
    return min(map(len, lines)) >= columns and len(forms) == 1 and "0" in forms.pop()


def _holds_words(column: pa.ChunkedArray) -> bool:
    """True where at least half of the first filled values of a column have letters."""
    filled = [value for value in column.slice(0, _SAMPLE).to_pylist() if value]
    return sum(any(map(str.isalpha, value)) for value in filled) * 2 >= len(filled)


def _opens_a_quote(values: list[str], dialect: Dialect) -> bool:
    """True for a line of several values of which one begins with a quote: a record with a fault of its own."""
    return len(values) > 1 and bool(dialect.quote) and any(value.startswith(dialect.quote) for value in values)


def _starts_alike(text: str, first: str) -> bool:
    """True when a line begins like the record above it, so that it is one of its own."""
    text, first = trimmed(text), trimmed(first)
    is_same_shape = bool(_SHAPE.search(first)) and _SHAPE.sub("0", text) == _SHAPE.sub("0", first)
    return text == first or is_same_shape
