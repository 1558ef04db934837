"""Withholds a record of which a part may stand in the line below or above it: a line end inside a value without quotes.

The other part of such a record has all its values and would pass for whole; only the rest, a line with too few values
or with words in place of figures, tells that it is not. Likewise a title right above another table, and a record that a
stray quote has made of several. Where records end in CR LF, one that ends in LF alone tells it too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping

import numpy as np

from ingest.mapped import Bytes, chunks_of
from ingest.readers.arrays import booleans, integers, numbers_of
from ingest.readers.block import Places
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.faults import faulty_rows
from ingest.readers.figures import form, shape, starts_alike
from ingest.readers.next_table import WORDS
from ingest.readers.rows import BadRow
from ingest.readers.text import TextTable
from ingest.readers.unlike import are_few

_LETTERS = re.compile(r"[^\W\d_]{2}")
_LINE_END = re.compile(r"\r\n|\n|\r")
#: Values of a column that are looked at to tell whether it holds words.
_SAMPLE = 200
#: Delimiters that are counted by an expression; it grows with them.
_MOST = 100

#: First records that tell whether all values are quoted.
FIRST = 20

#: Where more than one record in so many ends in another way than the header, the file was put together of two.
_MIXED = 10

#: Rows that are one title.
_TITLES = 3

REST = "line {line} has too few values and may be the rest of its last one"
TITLE = "it has only one value, and another table may begin below it in line {line}: it may be its title"
PAGE_TITLE = "it has only one value, and the header stands again below it in line {line}: it may be the title of a page"
GOES_ON = "line {line} may be the rest of its last value"
SWALLOWED = "each of its lines looks like a record: a quote that was not meant as one may have joined them"
BEGINNING = "line {line} has too few values and may be the beginning of it"
OTHER_END = "line {line} ends in LF where the others end in CR LF: its end may be one inside a value"
FAULTY = "it has bytes that are not UTF-8, where the text around it is: a letter was cut or damaged"


def withhold_cut_off(piece: TextTable, dialect: Dialect) -> None:
    """Moves such records of a piece from its rows to its bad ones."""
    if piece.bad and piece.rows.num_rows:
        _withhold(piece, _CutOff(piece, dialect).found())


def withhold_swallowed(piece: TextTable, dialect: Dialect) -> None:
    """Moves a record to the bad ones of which each line looks like a record: a quote that was not meant as one opens a
    value, the next one closes it some lines below, and the grammar is kept."""
    if len(piece.header) < 2 or not dialect.quote or not piece.rows.num_rows:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    maybe = _maybe_joined(piece, numbers, dialect.delimiter)
    _withhold(piece, {row: (SWALLOWED, 0) for row in maybe if _is_joined(piece, int(numbers[row]), dialect)})


def lines_that_end_otherwise(data: Bytes) -> Places:
    """The lines, from 1, that end in LF alone in a text of which the first ends in CR LF."""
    first = data.find(b"\n")
    if first < 1 or data[first - 1 : first] != b"\r" or data.count(b"\n") == data.count(b"\r"):
        return np.empty(0, np.int64)
    found: list[Places] = []
    line, is_after_return = 1, False
    for chunk in chunks_of(data):
        text = np.frombuffer(chunk, dtype=np.uint8)
        feeds = np.flatnonzero(text == ord("\n"))
        is_pair = text[feeds - 1] == ord("\r")
        if len(feeds) and not feeds[0]:
            is_pair[0] = is_after_return
        found.append(np.flatnonzero(~is_pair) + line)
        line, is_after_return = line + len(feeds), chunk.endswith(b"\r")
    return np.concatenate(found)


def withhold_at_other_ends(piece: TextTable, lines: Places) -> None:
    """Moves the records above and below the ends of such lines to the bad ones. Where many end so, the file was put
    together of two, and it says nothing."""
    if not len(lines) or not piece.rows.num_rows:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    unread = {bad.row_number for bad in piece.bad}
    # A line that ends inside a value in quotes has no record below it.
    lines = lines[np.isin(lines + 1, numbers) | np.isin(lines + 1, list(unread))]
    if len(lines) > max(1, len(numbers) // _MIXED):
        return
    reasons: dict[int, tuple[str, int]] = {}
    for line in lines.tolist():
        above = int(np.searchsorted(numbers, line, side="right")) - 1
        start = int(numbers[above]) if above >= 0 else 0
        if above >= 0 and start + len(_LINE_END.findall(piece.raw(start))) == line:
            reasons[above] = OTHER_END.format(line=line), line
        elif line not in unread:
            continue  # an empty line, or a comment
        if above + 1 < len(numbers) and numbers[above + 1] == line + 1:
            reasons[above + 1] = OTHER_END.format(line=line), line
    _withhold(piece, reasons)


def withhold_faulty(piece: TextTable) -> None:
    """Moves records with bytes that are in no encoding to the bad ones."""
    _withhold(piece, dict.fromkeys(faulty_rows(piece.rows), (FAULTY, 0)))


def _withhold(piece: TextTable, reasons: Mapping[int, tuple[str, int]]) -> None:
    """Moves rows of a piece to its bad ones: place of a row -> the reason, and another line that it names (0: none)."""
    if not reasons:
        return
    numbers = piece.rows.column("row_number")
    for place, (reason, line) in reasons.items():
        number = numbers[place].as_py()
        piece.bad.append(BadRow(number, reason, piece.raw(number), line))
    kept = np.ones(piece.rows.num_rows, dtype=bool)
    kept[list(reasons)] = False
    piece.rows = piece.rows.filter(booleans(kept))


def withhold_titles(piece: TextTable) -> None:
    """Moves the titles of pages to the bad ones: rows of one value right above a header that stands again, where hardly
    another row is as short."""
    if not piece.page_headers:
        return
    numbers = numbers_of(piece.rows.column("row_number"))
    titles: dict[int, tuple[str, int]] = {}
    for line in piece.page_headers:
        after = int(np.searchsorted(numbers, line))
        filled = [_filled(piece, place) for place in range(max(after - _TITLES - 1, 0), after)]
        count = next((count for count, number in enumerate(reversed(filled)) if number > 1), 0)
        titles |= dict.fromkeys(range(after - count, after), (PAGE_TITLE.format(line=line), line))
    others = [place for place in range(min(len(numbers), _SAMPLE)) if place not in titles]
    if titles and are_few(_filled(piece, place) < 2 for place in others):
        _withhold(piece, titles)


def _filled(piece: TextTable, place: int) -> int:
    """How many values of a row are filled."""
    (row,) = piece.rows.drop(["row_number"]).slice(place, 1).to_pylist()
    return sum(map(bool, row.values()))


class _CutOff:
    """The rows of a piece that a bad line may belong to: the row above it, or the one below.

    What tells is how the rows of the piece begin and end, in its first and its last column.
    """

    def __init__(self, piece: TextTable, dialect: Dialect) -> None:
        self._piece, self._dialect, self._width = piece, dialect, len(piece.header)
        self._numbers = numbers_of(piece.rows.column("row_number"))
        self._first, self._last = piece.rows.column("c0"), piece.rows.column(f"c{self._width - 1}")
        firsts, lasts = (column.slice(0, _SAMPLE).to_pylist() for column in (self._first, self._last))
        self._starts_in_words, self._ends_in_words = holds_words(firsts), holds_words(lasts)
        starts = list(filter(None, firsts))
        self._starts_in_capitals = sum(value[0].isupper() for value in starts) * 10 >= len(starts) * 9
        self._shapes_of_last = {shape(trimmed(value)) for value in lasts if form(value)}
        self._unread = sorted({bad.row_number for bad in piece.bad})
        self._afters: dict[int, int] = {}
        # Where lines of a single value end that stand one below the other: a value may go over several.
        self._ends: dict[int, int] = {}
        single = [bad.row_number for bad in piece.bad if dialect.delimiter not in bad.raw]
        for line in sorted(single, reverse=True):
            self._ends[line] = self._ends.get(line + 1, line + 1)
        texts = [piece.raw(number) for number in self._numbers[:FIRST].tolist()]
        self._quotes_line_ends = quotes_all(texts, self._width, dialect)
        self._found: dict[int, tuple[str, int]] = {}

    def found(self) -> dict[int, tuple[str, int]]:
        """Place of a row -> why it may be cut off, and the line that says so."""
        for bad in self._piece.bad:
            self._look_around(bad)
        return self._found

    def _look_around(self, bad: BadRow) -> None:
        line, values = bad.row_number, bad.raw.split(self._dialect.delimiter)
        above = int(np.searchsorted(self._numbers, line)) - 1
        begins_a_table = bad.line == line
        if begins_a_table and above > 0 and _filled(self._piece, above) == 1 < _filled(self._piece, above - 1):
            self._found[above] = TITLE.format(line=line), line
        # Words in place of figures may also be those of a value that goes on.
        is_like_a_row = begins_a_table and bad.reason == WORDS.format(unit="line", number=line)
        is_whole = self._quotes_line_ends or _opens_a_quote(values, self._dialect)
        if is_whole or (len(values) >= self._width and not is_like_a_row):
            return
        if above >= 0 and self._may_be_rest(bad, values, above):
            self._found[above] = (GOES_ON if is_like_a_row else REST).format(line=line), line
        if not is_like_a_row and self._may_be_beginning(bad, values, above):
            self._found[above + 1] = BEGINNING.format(line=line), line

    def _may_be_rest(self, bad: BadRow, values: list[str], above: int) -> bool:
        """True where the last value of the row above may go on in a line."""
        is_single = len(values) == 1
        # Numbers of one cell may stand one a line, whatever numbers the records begin with.
        is_like_last = is_single and shape(trimmed(bad.raw)) in self._shapes_of_last
        if not is_like_last and starts_alike(values[0], self._first[above].as_py()):
            return False
        # A value that begins with a line end leaves an empty one above.
        goes_on = may_go_on(self._last[above].as_py(), self._ends_in_words) or (self._ends_in_words and is_single)
        if above not in self._afters:
            number = int(self._numbers[above])
            self._afters[above] = number + len(_LINE_END.findall(self._piece.raw(number))) + 1
        after = self._afters[above]
        between = bisect_left(self._unread, bad.row_number) - bisect_left(self._unread, after)
        return (goes_on or is_like_last) and between in (0, bad.row_number - after)

    def _may_be_beginning(self, bad: BadRow, values: list[str], above: int) -> bool:
        """True where the row below may be the rest of what a line begins."""
        below = above + 1
        end = self._ends.get(bad.row_number, bad.row_number + 1)
        if below == len(self._numbers) or self._numbers[below] != end:
            return False
        near = above if above >= 0 else below + 1
        other = self._first[near].as_py() if near < len(self._first) else ""
        start = self._first[below].as_py()
        if len(values) > 1:
            return starts_alike(values[0], other) and not starts_alike(start, other)
        if form(start) and shape(trimmed(bad.raw)) == shape(trimmed(start)):
            return True
        # What goes on in small letters among capitals belongs to the row above; else both may be cut off.
        is_rest = above in self._found and self._starts_in_capitals and bad.raw[:1].islower() and start[:1].isupper()
        are_words = bool(_LETTERS.search(bad.raw)) and (self._starts_in_words or bool(_LETTERS.search(start)))
        return are_words and not is_rest and not starts_alike(start, other)


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


def _opens_a_quote(values: list[str], dialect: Dialect) -> bool:
    """True for a line of several values of which one begins with a quote: a record with a fault of its own."""
    return len(values) > 1 and bool(dialect.quote) and any(value.startswith(dialect.quote) for value in values)


def quotes_all(texts: Collection[str], width: int, dialect: Dialect) -> bool:
    """True where each value of these records stands in quotes: who writes so quotes line ends as well."""
    quote = dialect.quote
    if not quote or dialect.escape or width < 2:
        return False
    between = f"{quote}{dialect.delimiter}{quote}"
    return all(text[:1] == text[-1:] == quote and text.count(between) == width - 1 for text in map(trimmed, texts))


def may_go_on(end: str, ends_in_words: bool) -> bool:
    """True where the last value of a row may go on below it; ``ends_in_words``: the values of its column are words."""
    return bool(_LETTERS.search(end)) or (ends_in_words and bool(end))
