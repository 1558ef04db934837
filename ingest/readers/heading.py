"""Finds the names of the columns in the first rows of a table, for a person who declares them: nothing is landed by it.

Titles and pairs of a word and a value may stand above the names, words over groups of columns right above them, and
units or numbers of columns right below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ingest.readers.dialect import folded
from ingest.readers.figures import is_bare_figure, is_date, shape

#: Lines of which a header is, at most, and rows above it.
_MOST_LINES, _MOST_ABOVE = 4, 100
_YEAR = re.compile(r"(19|20)\d\d")
_DIGIT = re.compile(r"\d")
#: What stands in a column of figures where there is none.
_NO_FIGURE = re.compile(r"[-\u2013\u2014.:*?/]*|n\.?/?[ad]\.?|nan|null|none|err(or)?|k\. ?a\.", re.IGNORECASE)

Row = Sequence[str]


@dataclass(frozen=True)
class Heading:
    """Which rows have the names, from ``first`` to ``last``, and how many columns there are."""

    first: int
    last: int
    width: int

    @property
    def lines(self) -> int:
        return self.last - self.first + 1

    def names(self, rows: Sequence[Row]) -> list[str]:
        """What stands in them one below the other, for each column of the last one."""
        said = [row[: len(rows[self.last])] for row in rows[self.first : self.last + 1]]
        return [" ".join(filter(None, part)) for part in zip_longest(*said, fillvalue="")]


def find_heading(rows: Sequence[Row]) -> Heading:
    """The heading of a table: the first row that is as wide as most rows and filled with words, below what is unlike
    the rows of the table, with what stands right above and below it and is a part of it."""
    place, width = _header_row(rows)
    if not width:
        return Heading(0, 0, 0)
    place = _below_pairs(rows, place)
    last = place
    while last - place + 1 < _MOST_LINES and _is_label(rows, last + 1, has_lines=last > place):
        last += 1
    first = place
    while last - first + 1 < _MOST_LINES and first and _spans(rows[first - 1], rows[first]):
        first -= 1
    if last == place and first < place and _is_label(rows, last + 1, has_lines=True):
        last += 1
    return Heading(first, last, width)


def _is_all_words(row: Row) -> bool:
    """True for a row of which each value is filled and has no digit."""
    return all(value and not _DIGIT.search(value) for value in row)


def _header_row(rows: Sequence[Row]) -> tuple[int, int]:
    """Which row is the header, and how many columns it has. Two columns of words and values above an empty line are no
    table, if a larger one follows."""
    widths = Counter(_width(row) for row in rows if _width(row))
    if not widths:
        return 0, 0
    width = max(widths, key=lambda width: (widths[width] * min(width, 3), width))
    width = max(width, _common_width(rows))
    found = [place for place, row in enumerate(rows) if _may_be_header(row, width)]
    # A wider row is none where words of the right width follow: it is a title with delimiters.
    if any(_width(rows[place]) == width and _is_all_words(rows[place][:width]) for place in found):
        found = [place for place in found if _width(rows[place]) <= width]
    blocks = {place: _rows_below(rows, place) for place in found}
    end = -1
    for place in (place for place in found if place > end):
        follows = [other for other in found if blocks[other] > blocks[place] > 0 and other > place + blocks[place] + 1]
        if width > 2 or not any(_is_all_words(rows[other]) for other in follows):
            return place - _is_named_above(rows, place), len(rows[place])
        end = place + blocks[place]
    return 0, len(rows[0])


def _is_named_above(rows: Sequence[Row], place: int) -> bool:
    """True where the row is one of the table, and the words right above it are its header, of another width."""
    above = rows[place - 1] if place else []
    is_header = 1 < len(above) < len(rows[place]) and _is_all_words(above)
    return is_header and len(set(above)) == len(above) and sum(map(is_bare_figure, rows[place])) > 1


def _below_pairs(rows: Sequence[Row], place: int) -> int:
    """The header, where rows as wide as the table stand above it: words and values of a report."""
    for later in range(place + 2, min(len(rows) - 2, _MOST_ABOVE + 1)):
        header, above = rows[later], rows[place:later]
        if len(header) != len(rows[place]) or not _is_all_words(header) or len(set(header)) < len(header):
            continue
        body = _body(rows, later)
        figures = [column for column in range(len(header)) if _share_of_figures(body, column) >= 0.8]
        if len(body) < 2 or not figures:
            continue
        shapes = {column: {shape(row[column]) for row in body} for column in figures}
        given = [(column, row[column]) for row in above for column in figures if column < len(row) and row[column]]
        alike = sum(shape(value) in shapes[column] for column, value in given)
        if alike * 5 <= len(given) and any(_DIGIT.search(value) for _, value in given):
            return later
    return place


def _is_label(rows: Sequence[Row], place: int, *, has_lines: bool) -> bool:
    """True for a row right below the names that says more of them: units, numbers of the columns, words in another
    language; ``has_lines``: the header is known to be of several lines."""
    if place >= len(rows) or len(rows[place]) != len(rows[place - 1]) or not any(rows[place]):
        return False
    row, body = rows[place], _body(rows, place)
    if len(body) < 2 or [folded(value) for value in row] == [folded(name) for name in rows[place - 1]]:
        return False
    shares = [_share_of_figures(body, column) for column in range(len(row))]
    bare = [value.strip("()[]. ") for value in row]
    if len(row) > 2 and bare == [str(number) for number in range(1, len(row) + 1)]:
        return bare != list(row) or min(shares) < 0.2
    figures = [column for column, share in enumerate(shares) if share >= 0.5]
    said = [column for column in figures if row[column]]
    others = [value for column, value in enumerate(row) if column not in figures and value]
    for column in said:
        value, like = row[column], {shape(other[column]) for other in body if _DIGIT.search(other[column])}
        is_bare = is_bare_figure(value) and value != "%" and not is_date(value)
        if is_bare or shape(value) in like or _NO_FIGURE.fullmatch(value):
            return False
    if sum(bool(_DIGIT.search(row[column])) and not is_date(row[column]) for column in said) * 2 > len(said):
        return False
    return (len(said) > 1 and len(said) * 2 >= len(figures)) or (has_lines and bool(said) and not others)


def _spans(above: Row, header: Row) -> bool:
    """True for words over groups of columns, whose names are none or stand twice without them."""
    filled = [(place, value) for place, value in enumerate(above) if value]
    if len(filled) < 2 or len(above) > len(header) or all(map(_is_number, (value for _, value in filled))):
        return False
    named = [name for name in header if name]
    return len(set(named)) < len(named) or any(not header[place] for place, _ in filled)


def _is_number(value: str) -> bool:
    return is_bare_figure(value) and not _YEAR.fullmatch(value)


def _body(rows: Sequence[Row], place: int) -> list[Row]:
    """The rows below one and as wide as it, up to the next empty one."""
    below = rows[place + 1 : place + 1 + _rows_below(rows, place)]
    return [row for row in below if len(row) == len(rows[place])][:30]


def _share_of_figures(body: Sequence[Row], column: int) -> float:
    filled = [row[column] for row in body if row[column] and not _NO_FIGURE.fullmatch(row[column])]
    return sum(bool(_DIGIT.search(value)) for value in filled) / len(filled) if filled else 0.0


def _common_width(rows: Sequence[Row]) -> int:
    """How many values nearly all rows have, without the last ones that are always empty; else 0."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    alike = [row for row in rows if len(row) == width]
    return max(map(_width, alike), default=0) if count * 5 >= widths.total() * 4 else 0


def _may_be_header(row: Row, width: int) -> bool:
    filled = [value for value in row if value]
    is_wide = _width(row) >= width or (len(row) >= width and len(filled) * 4 >= width * 3)
    has_words = not all(map(is_bare_figure, filled)) or (len(filled) > 1 and all(map(_YEAR.fullmatch, filled)))
    return is_wide and len(filled) * 2 > width and has_words


def _rows_below(rows: Sequence[Row], place: int) -> int:
    """How many rows stand below a row, up to the next empty one."""
    # A line that cannot be read has no values, and is none.
    empty = (later for later in range(place + 1, len(rows)) if rows[later] and not any(rows[later]))
    return next(empty, len(rows)) - place - 1


def _width(row: Row) -> int:
    return next((place for place in range(len(row), 0, -1) if row[place - 1]), 0)
