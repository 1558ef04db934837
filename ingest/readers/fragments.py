"""Withholds a record of which a part may stand in the line below or above it: a line end inside a value without quotes.

The other part of such a record has all its values and would pass for whole; only the rest, a line with too few values
or with words in place of figures, tells that it is not. Likewise a title right above another table, and a record that a
stray quote has made of several.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection

import numpy as np

from ingest.readers.arrays import booleans, integers, numbers_of
from ingest.readers.block import Places
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.faults import faulty_rows
from ingest.readers.figures import form
from ingest.readers.next_table import WORDS
from ingest.readers.rows import BadRow
from ingest.readers.text import TextTable

_LETTERS = re.compile(r"[^\W\d_]{2}")
_WORD = re.compile(r"[^\W\d_]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
#: Values of a column that are looked at to tell whether it holds words.
_SAMPLE = 200
#: Delimiters that are counted by an expression; it grows with them.
_MOST = 100

#: Rows that are one title.
_TITLES = 3

REST = "line {line} has too few values and may be the rest of its last one"
TITLE = "it has only one value, and another table may begin below it in line {line}: it may be its title"
PAGE_TITLE = "it has only one value, and the header stands again below it in line {line}: it may be the title of a page"
GOES_ON = "line {line} may be the rest of its last value"
SWALLOWED = "each of its lines looks like a record: a quote that was not meant as one may have joined them"
BEGINNING = "line {line} has too few values and may be the beginning of it"
FAULTY = "it has bytes that are not UTF-8, where the text around it is: a letter was cut or damaged"


def withhold_cut_off(piece: TextTable, dialect: Dialect) -> None:
    """Moves such records of a piece from its rows to its bad ones."""
    width = len(piece.header)
    if not piece.bad or not piece.rows.num_rows:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    first, last = piece.rows.column("c0"), piece.rows.column(f"c{width - 1}")
    starts_in_words, ends_in_words = (holds_words(column.slice(0, _SAMPLE).to_pylist()) for column in (first, last))
    starts = [value for value in first.slice(0, _SAMPLE).to_pylist() if value]
    starts_in_capitals = sum(value[0].isupper() for value in starts) * 10 >= len(starts) * 9
    last_forms = {_loose_form(value) for value in last.slice(0, _SAMPLE).to_pylist() if form(value)}
    unread = sorted({bad.row_number for bad in piece.bad})
    # Where lines of a single value end that stand one below the other: a value may go over several.
    single = [bad.row_number for bad in piece.bad if dialect.delimiter not in bad.raw]
    ends: dict[int, int] = {}
    for line in sorted(single, reverse=True):
        ends[line] = ends.get(line + 1, line + 1)
    cut_off: dict[int, tuple[str, int]] = {}
    afters: dict[int, int] = {}
    for bad in list(piece.bad):
        place = int(np.searchsorted(numbers, bad.row_number)) - 1
        values = bad.raw.split(dialect.delimiter)
        begins_a_table = bad.line == bad.row_number
        if begins_a_table and place >= 0 and _is_title(piece, place):
            cut_off[place] = (TITLE, bad.row_number)
        # Words in place of figures may also be those of a value that goes on.
        is_like_a_row = begins_a_table and bad.reason == WORDS.format(unit="line", number=bad.line)
        if (len(values) >= width and not is_like_a_row) or _opens_a_quote(values, dialect):
            continue
        below = place + 1
        has_row_below = below < len(numbers) and numbers[below] == ends.get(bad.row_number, bad.row_number + 1)
        # Numbers of one cell may stand one a line, whatever numbers the records begin with.
        is_like_last = len(values) == 1 and _loose_form(bad.raw) in last_forms
        if place >= 0 and (is_like_last or not starts_alike(values[0], first[place].as_py())):
            # A value that begins with a line end leaves an empty one above.
            goes_on = may_go_on(last[place].as_py(), ends_in_words) or (ends_in_words and len(values) == 1)
            if place not in afters:
                line = int(numbers[place])
                afters[place] = line + len(_LINE_END.findall(piece.raw(line))) + 1
            after = afters[place]
            between = bisect_left(unread, bad.row_number) - bisect_left(unread, after)
            if (goes_on or is_like_last) and between in (0, bad.row_number - after):
                cut_off[place] = (GOES_ON if is_like_a_row else REST, bad.row_number)
        start = first[below].as_py() if has_row_below else ""
        near = place if place >= 0 else below + 1
        other = first[near].as_py() if near < len(first) else ""
        is_begun = len(values) > 1 and starts_alike(values[0], other) and not starts_alike(start, other)
        is_like_first = len(values) == 1 and bool(form(start)) and _loose_form(bad.raw) == _loose_form(start)
        if has_row_below and not is_like_a_row and (is_begun or is_like_first):
            cut_off[below] = (BEGINNING, bad.row_number)
        elif has_row_below and len(values) == 1 and _LETTERS.search(bad.raw):
            # What goes on in small letters among capitals belongs to the row above; else both may be cut off.
            is_rest = place in cut_off and starts_in_capitals and bad.raw[:1].islower() and start[:1].isupper()
            is_word = starts_in_words or bool(_LETTERS.search(start))
            if is_word and not is_rest and not starts_alike(start, other):
                cut_off[below] = (BEGINNING, bad.row_number)
    if cut_off:
        for place, (reason, line) in cut_off.items():
            number = int(numbers[place])
            piece.bad.append(BadRow(number, reason.format(line=line), piece.raw(number), line))
        _take_out(piece, cut_off)


def withhold_swallowed(piece: TextTable, dialect: Dialect) -> None:
    """Moves a record to the bad ones of which each line looks like a record: a quote that was not meant as one opens a
    value, the next one closes it some lines below, and the grammar is kept."""
    if len(piece.header) < 2 or not dialect.quote or not piece.rows.num_rows:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    maybe = _maybe_joined(piece, numbers, dialect.delimiter)
    places = [row for row in maybe if _is_joined(piece, int(numbers[row]), dialect)]
    for row in places:
        piece.bad.append(BadRow(int(numbers[row]), SWALLOWED, piece.raw(int(numbers[row]))))
    _take_out(piece, places)


def withhold_faulty(piece: TextTable) -> None:
    """Moves records with bytes that are in no encoding to the bad ones."""
    numbers = piece.rows.column("row_number")
    places = faulty_rows(piece.rows)
    for row in places:
        piece.bad.append(BadRow(numbers[row].as_py(), FAULTY, piece.raw(numbers[row].as_py())))
    _take_out(piece, places)


def withhold_titles(piece: TextTable) -> None:
    """Moves the titles of pages to the bad ones: rows of one value right above a header that stands again."""
    if not piece.page_headers:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    titles: dict[int, int] = {}
    for line in piece.page_headers:
        after = int(np.searchsorted(numbers, line))
        filled = [_filled(piece, place) for place in range(max(after - _TITLES - 1, 0), after)]
        count = next((count for count, number in enumerate(reversed(filled)) if number > 1), 0)
        titles |= dict.fromkeys(range(after - count, after), line)
    for place, line in titles.items():
        number = int(numbers[place])
        piece.bad.append(BadRow(number, PAGE_TITLE.format(line=line), piece.raw(number), line))
    _take_out(piece, titles)


def _is_title(piece: TextTable, place: int) -> bool:
    """True for a row with one value alone below one that has more."""
    return place > 0 and _filled(piece, place) == 1 < _filled(piece, place - 1)


def _filled(piece: TextTable, place: int) -> int:
    """How many values of a row are filled."""
    (row,) = piece.rows.drop(["row_number"]).slice(place, 1).to_pylist()
    return sum(map(bool, row.values()))


def _take_out(piece: TextTable, places: Collection[int]) -> None:
    if places:
        kept = np.ones(piece.rows.num_rows, dtype=bool)
        kept[list(places)] = False
        piece.rows = piece.rows.filter(booleans(kept))


def _maybe_joined(piece: TextTable, numbers: Places, mark: str) -> list[int]:
    """The rows over several lines of which a value has as many delimiters as a record, in its first line as many as
    stand behind its column and in its last line as many as stand before it."""
    columns = [piece.rows.column(f"c{place}") for place in range(len(piece.header))]
    # How many lines the last one has is not known.
    long = np.flatnonzero(np.append(np.diff(numbers) > 1, True))
    # Tabs at the ends of a value were taken away as blanks around it.
    least = len(columns) - 1 if trimmed(mark) == mark else 0
    if len(long) == 1:  # most files are so
        return long.tolist() if any(column[-1].as_py().count(mark) >= least for column in columns) else []
    import pyarrow.compute as pc  # Here, because it takes a tenth of a second and few files need it.

    found = np.zeros(len(long), dtype=bool)
    other = rf"[^\r\n\x{{{ord(mark):x}}}]*" if len(mark) == 1 else r"[^\r\n]*"
    one = other + "".join(rf"\x{{{ord(letter):x}}}" for letter in mark)
    for place, column in enumerate(columns):
        values, behind = column.take(integers(long)), len(columns) - 1 - place
        fits = numbers_of(pc.count_substring(values, mark)) >= least
        # So was a line end at the start of a last value, and at the end of a first one.
        if least and 0 < behind <= _MOST and fits.any():
            fits &= numbers_of(pc.match_substring_regex(values, rf"^({one}){{{behind}}}{other}(\r|\n|$)")) > 0
        if least and 0 < place <= _MOST and fits.any():
            fits &= numbers_of(pc.match_substring_regex(values, rf"(\r|\n|^)({one}){{{place}}}{other}$")) > 0
        found |= fits
    return long[found].tolist()


def _is_joined(piece: TextTable, number: int, dialect: Dialect) -> bool:
    """True where the lines of a value, with what stands before and after it, have as many values as a record each.

    A line within the value may be another one that is wrong, so half of them are enough. Prose has blanks behind its
    commas, and records seldom have.
    """
    record = read_record(Lines(piece.raw(number).encode()), 0, dialect)
    values = record.values if isinstance(record, Record) else []
    mark = dialect.delimiter
    for place, value in enumerate(values):
        if not _LINE_END.search(value):
            continue
        first, *between, last = _LINE_END.split(value)
        counts = [line.count(mark) for line in between if trimmed(line)]
        is_like_records = (first.count(mark), last.count(mark)) == (len(values) - 1 - place, place)
        others = values[1:place] + values[place + 1 :]
        is_prose = value.count(f"{mark} ") * 2 >= value.count(mark) and not any(v.startswith(" ") for v in others)
        if is_like_records and not is_prose and counts.count(len(values) - 1) * 2 >= len(counts):
            return True
    return False


def holds_words(values: Collection[str]) -> bool:
    """True where at least half of the filled values have letters, or none is filled."""
    filled = [value for value in values if value]
    return sum(any(map(str.isalpha, value)) for value in filled) * 2 >= len(filled)


def _loose_form(value: str) -> str:
    """A value with its numbers as one 0 each and its words as one x."""
    return _WORD.sub("x", form(trimmed(value)) or trimmed(value))


def _opens_a_quote(values: list[str], dialect: Dialect) -> bool:
    """True for a line of several values of which one begins with a quote: a record with a fault of its own."""
    return len(values) > 1 and bool(dialect.quote) and any(value.startswith(dialect.quote) for value in values)


def may_go_on(end: str, ends_in_words: bool) -> bool:
    """True where the last value of a row may go on below it; ``ends_in_words``: the values of its column are words."""
    return bool(_LETTERS.search(end)) or (ends_in_words and bool(end))


def starts_alike(text: str, first: str) -> bool:
    """True when a line begins like the record above it, so that it is one of its own."""
    text, first = trimmed(text), trimmed(first)
    return text == first or form(text) == form(first) != ""
