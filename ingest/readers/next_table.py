"""Tells where another table begins right below the rows of the first, while the file is read block by block.

The header of the other one has as many values as a row, so only what stands in it tells: names of the first header, or
words where all rows above have figures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ingest.readers.arrays import booleans
from ingest.readers.block import Places
from ingest.readers.dialect import folded, trimmed
from ingest.readers.figures import columns_of_figures, is_figure, is_name, is_word
from ingest.readers.labels import BELOW, MOST, labels_below_header
from ingest.readers.rows import BadRow
from ingest.readers.second_header import AGAIN, find_headers

#: What may stand before the header of a page: a form feed, or the byte order mark of a file put behind another.
_BEFORE_A_PAGE = "\f\ufeff"

#: Rows above that a header is compared with, and first rows that tell in which column words are looked for.
_ABOVE, _FIRST = 30, 3

#: Where more rows of a block have a word in that column, it is no rare thing, and those are asked that stand apart.
_MANY = 100

#: The bytes with which a figure may begin: anything else may be a word.
_BEGINS_A_FIGURE = np.zeros(256, dtype=bool)
_BEGINS_A_FIGURE[list(b"0123456789+-.,($")] = True

NAMES = "{unit} {number} repeats names of the header, so another table may begin there"
WORDS = (
    "{unit} {number} has words where all rows above have figures, so a note or another table may begin there; "
    "a word that says that there is no value belongs in null_words"
)

Values = tuple[str, ...]


@dataclass
class Parted:
    """The rows of a block that belong to the table and their lines, what is withheld, and the lines of the page headers
    that were passed over."""

    rows: pa.Table
    numbers: Places
    bad: list[BadRow] = field(default_factory=list)
    page_headers: list[int] = field(default_factory=list)


@dataclass
class NextTable:
    """Where the table with this header ends, as the blocks below the header are shown to it in their order.

    A record that is written exactly like the header (``written``) is that of a page, and passed over. One that names
    the columns otherwise is withheld, and so is all below it where it stands below rows: another program wrote it, and
    whether the rows belong to the same table, or have their columns in the same order, is not known. The same where a
    record reads like the header of another table; ``is_ours``: but not in a file of our own contract. ``missing``:
    words that are declared to stand for a value that there is not. ``line``: where the other table begins.
    """

    header: list[str]
    written: str
    missing: Collection[str] = ()
    is_ours: bool = False
    line: int = 0
    reason: str = ""
    above: pa.Table | None = None
    column: int | None = None
    usual: set[tuple[int, str]] = field(default_factory=set)

    def part(self, rows: pa.Table, numbers: Places, text: Callable[[int], str]) -> Parted:
        """Parts the rows of a block from what is none of the table. ``text``: the original text of a line's record."""
        whole = Parted(rows, numbers)
        if sum(map(bool, self.header)) < 2:
            return whole
        if not self.line:
            self._part_from_headers(whole, text)
            if not self.is_ours:
                if self.above is None:
                    self._part_from_labels(whole, text)
                self._part_from_another_header(whole.rows, whole.numbers)
        if self.line:
            rows, numbers, reason = whole.rows, whole.numbers, self.reason.format(unit="line", number=self.line)
            first = int(np.searchsorted(numbers, self.line))
            below = numbers[first:].tolist()
            whole.bad.extend(BadRow(number, reason, text(number), self.line) for number in below)
            whole.rows, whole.numbers = rows.slice(0, first), numbers[:first]
        if whole.rows.num_rows:
            self.above = whole.rows.slice(max(whole.rows.num_rows - _ABOVE, 0))
        return whole

    def _part_from_headers(self, whole: Parted, text: Callable[[int], str]) -> None:
        """Takes out the records that repeat the header."""
        kept = np.ones(len(whole.numbers), dtype=bool)
        for place in find_headers(whole.rows, self.header):
            number = int(whole.numbers[place])
            kept[place] = False
            if text(number).lstrip(_BEFORE_A_PAGE) == self.written:
                whole.page_headers.append(number)
            elif self.above is not None or kept[:place].any():
                kept[place] = True
                self.line = number
                self.reason = AGAIN if list(_values(whole.rows, place)) == self.header else NAMES
                break
            else:
                whole.bad.append(BadRow(number, "it repeats the header", text(number)))
        if not kept.all():
            whole.rows = whole.rows.filter(booleans(kept))
            whole.numbers = whole.numbers[kept]

    def _part_from_labels(self, whole: Parted, text: Callable[[int], str]) -> None:
        """Takes out the first rows that belong to the header."""
        first = [_values(whole.rows, place) for place in range(min(whole.rows.num_rows, MOST + BELOW))]
        reasons = labels_below_header(first, self.missing)
        numbers = whole.numbers[: len(reasons)].tolist()
        whole.bad += [BadRow(number, why, text(number)) for number, why in zip(numbers, reasons, strict=True)]
        whole.rows, whole.numbers = whole.rows.slice(len(reasons)), whole.numbers[len(reasons) :]

    def _part_from_another_header(self, rows: pa.Table, numbers: Places) -> None:
        """Ends the table at the first record that reads like the header of another one."""
        if self.line:
            rows = rows.slice(0, int(np.searchsorted(numbers, self.line)))
        for place in self._candidates(rows):
            values = _values(rows, place)
            filled = [folded(value) for value in values if value]
            if len(filled) < 2 or (self.above is None and not place):
                continue
            repeated = sum(folded(name) == folded(value) != "" for name, value in zip(self.header, values, strict=True))
            if repeated * 2 >= len(filled):
                self.line, self.reason = int(numbers[place]), NAMES
                break
            if len(set(filled)) < len(filled) or self.usual.intersection(enumerate(values)):
                continue
            below = _values(rows, place + 1) if place + 1 < rows.num_rows else values
            words = _words_for_figures(values, self._above(rows, place), below, self.missing)
            if words and not any(self._is_usual(rows, column, values) for column in words):
                self.line, self.reason = int(numbers[place]), WORDS
                break

    def _is_usual(self, rows: pa.Table, column: int, values: Values) -> bool:
        """True where other rows have the same word in a column, in place of a figure that is not known."""
        word = (column, values[column])
        is_usual = any(_values(rows, row) != values for row in _rows_with(rows, *word))
        if is_usual:
            self.usual.add(word)
        return is_usual

    def _candidates(self, rows: pa.Table) -> Iterator[int]:
        """Places of rows that have a word in the first column of figures, or a name of the header where it has none."""
        sample = self.above if self.above is not None else rows.slice(0, _FIRST)
        if self.column is None:
            self.column = self._column(sample)
        if self.column is None:
            found = {row for place, name in enumerate(self.header) if name for row in _rows_with(rows, place, name)}
            yield from sorted(found)
            return
        places = _places_of_words(rows.column(self.column))
        name = self.header[self.column]
        if len(places) > _MANY:
            places = places[np.diff(places, prepend=-_ABOVE - 1) > _ABOVE]
        again = [] if not name or is_name(name) else _rows_with(rows, self.column, name)
        # Where it had words, the rows of the next block may tell of a better one.
        self.column = None if len(places) else self.column
        yield from sorted({*places.tolist(), *again})

    def _column(self, sample: pa.Table) -> int | None:
        """The first of the columns with the most figures and the least else; None where no row has one."""
        counts: dict[int, int] = {}
        for place, column in enumerate(sample.columns):
            values = [value for value in map(trimmed, column.to_pylist()) if value]
            figures = sum(map(is_figure, values))
            if figures:
                counts[place] = 2 * figures - len(values)
        return max(counts, key=counts.__getitem__, default=None)

    def _above(self, rows: pa.Table, place: int) -> list[Values]:
        first = max(place - _ABOVE, 0)
        near = [_values(rows, row) for row in range(first, place)]
        if self.above is None or len(near) == _ABOVE:
            return near
        before = self.above.num_rows
        return [_values(self.above, row) for row in range(max(before - _ABOVE + len(near), 0), before)] + near


def _words_for_figures(values: Values, above: Sequence[Values], below: Values, missing: Collection[str]) -> list[int]:
    """The columns of figures in which a record has words, where it may be a header: of words alone, also in each column
    of figures. One that is narrower than the table is padded, and so are its rows."""
    # Below one row alone a code may be a value: colours, keys.
    is_told = is_name if len(above) > 1 else is_word
    if not all(is_told(value, missing) for value in values if value):
        return []
    if any(other and not value for value, other in zip(values, below, strict=True)):
        return []
    return [place for place in columns_of_figures(above) if values[place]]


def _values(rows: pa.Table, row: int) -> Values:
    return tuple(trimmed(column[row].as_py()) for column in rows.columns)


def _rows_with(rows: pa.Table, place: int, text: str) -> list[int]:
    """The rows whose value in a column has that text; most columns are searched as one run of bytes, and hold none."""
    column = rows.column(place)
    contents = [chunk.buffers()[2] for chunk in column.chunks]
    if not any(content and text.encode() in content.to_pybytes() for content in contents):
        return []
    return [row for row, value in enumerate(column.to_pylist()) if text in value and trimmed(value) == text]


def _places_of_words(column: pa.ChunkedArray) -> Places:
    """The rows whose value begins with a byte that begins no figure."""
    found, before = [], 0
    for chunk in column.chunks:
        _, offsets, content = chunk.buffers()
        if content is not None and content.size:
            borders = np.frombuffer(offsets, dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            filled = np.flatnonzero(borders[1:] > borders[:-1])
            first = np.frombuffer(content, dtype=np.uint8)[borders[filled]]
            found.append(filled[~_BEGINS_A_FIGURE[first]] + before)
        before += len(chunk)
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
