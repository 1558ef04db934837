"""Reads a block of delimited text at once, where its bytes prove that it can be cut in one way only.

The proof counts line ends, delimiters and quotes by itself: every quote stands where the grammar (RFC 4180) allows
it, and outside of quotes there are as many delimiters as the records need that were counted. Only then a parser
written by others cuts the values: it must find as many records, and the columns of the header in each. Lines that
cannot be read are found by reading those by hand that are no record by themselves; what is left is proven and cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from ingest.mapped import Bytes
from ingest.readers.careful import read_carefully
from ingest.readers.dialect import BLANKS, Dialect
from ingest.readers.rows import BadRow

_LF, _CR = 10, 13

#: Where more than one byte in so many is a quote, each byte is asked whether it stands in a quoted value.
_DENSE = 16

#: Lines of a block that are read by hand, at most. Shorter ones than exports have are read in smaller blocks, so that a
#: file of nothing else is refused before many are held.
_MOST_ODD = 50_000

#: The bytes with which a blank may begin and end; 0xC2, 0xEF and 0xA0, 0xBF are of blanks that are several bytes.
_BLANK_FIRST, _BLANK_LAST = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
_BLANK_FIRST[[9, 10, 11, 12, 13, 32, 0xC2, 0xEF]] = True
_BLANK_LAST[[9, 10, 11, 12, 13, 32, 0xA0, 0xBF]] = True

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Where the records of some bytes stand, if their quotes are sound.

    ``starts`` and ``ends``: offsets in these bytes, blank lines left out; ``row_lines``: first lines, counted from 0;
    ``delimiters``: how many stand outside of quotes; ``blank`` and ``lines``: how many there are; ``quotes``: offsets
    of all quotes; ``has_line_in_value``: a quoted value goes over a line's end.
    """

    starts: Places
    ends: Places
    row_lines: Places
    delimiters: int
    blank: int
    lines: int
    quotes: Places
    has_line_in_value: bool


@dataclass(frozen=True)
class BlockRows:
    """The records of one block. ``values``: one string column a header name (c0, c1, ...); ``row_lines``: their first
    lines, counted from 0 at the block, as those of ``bad``; ``end``: where the block ends; ``lines``: how many it has.
    """

    values: pa.Table
    row_lines: Places
    end: int
    lines: int
    blank: int
    comments: int = 0
    bad: list[BadRow] = field(default_factory=list)


def read_block(
    data: Bytes, start: int, end: int, columns: int, dialect: Dialect, *, trim: bool = False
) -> BlockRows | None:
    """The records between two offsets, of which the first starts a record; None where the proof fails.

    ``trim``: values without the blanks that surround them.
    """
    marks = dialect.delimiter + dialect.quote
    if len(dialect.delimiter) != 1 or not marks.isascii() or columns < 2 or start >= end:
        return None
    if dialect.comment and _has_comment(data, start, end, dialect.comment.encode()):
        return None
    if dialect.escape and data.find(dialect.escape.encode(), start, end) >= 0:
        return None
    replaced = with_line_feeds(data, start, end)
    if replaced:
        rows = _fitting(replaced, 0, len(replaced), columns, dialect, trim=trim)
        # A line end in a value is part of it, and must stay what it was.
        has_line_in_value = rows is not None and len(rows.row_lines) + rows.blank < rows.lines
        return None if rows is None or has_line_in_value else replace(rows, end=end)
    found = _fitting(data, start, end, columns, dialect, trim=trim)
    return found or _parted(data, start, end, columns, dialect, trim=trim)


def with_line_feeds(data: Bytes, start: int, end: int) -> bytes:
    """The bytes between two offsets with LF in place of CR, where lines end in CR alone; empty where they do not."""
    if data.find(b"\n", start, end) >= 0 or data.find(b"\r", start, end) < 0:
        return b""
    return data[start:end].replace(b"\r", b"\n")


def find_records(text: npt.NDArray[np.uint8], dialect: Dialect) -> Records | None:
    """Where the records of a block stand; None where a quote or a carriage return stands as the grammar forbids."""
    newlines = np.flatnonzero(text == _LF)
    if not _ends_lines_alike(text, newlines):
        return None
    delimiters = int(np.count_nonzero(text == ord(dialect.delimiter)))
    structural = newlines
    quotes = np.flatnonzero(text == ord(dialect.quote)) if dialect.quote else newlines[:0]
    if len(quotes):
        if len(quotes) % 2 or not _at_borders(text, quotes, dialect).all():
            return None
        if len(quotes) > len(text) // _DENSE:
            is_inside = (np.cumsum(text == ord(dialect.quote), dtype=np.uint8) & 1).view(bool)
            structural = newlines[~is_inside[newlines]]
            delimiters -= int(np.count_nonzero(is_inside & (text == ord(dialect.delimiter))))
        else:
            structural = _outside(newlines, quotes)
            delimiters -= _count_inside(text, ord(dialect.delimiter), quotes)
    ends = structural if text[-1] == _LF else np.append(structural, len(text))
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts
    blank = (lengths == 0) | ((lengths == 1) & (text[starts] == _CR))
    row_lines = np.arange(len(starts)) if len(structural) == len(newlines) else np.searchsorted(newlines, starts)
    count = len(starts)
    if blank.any():
        starts, ends, row_lines = starts[~blank], ends[~blank], row_lines[~blank]
    return Records(
        starts=starts,
        ends=ends,
        row_lines=row_lines,
        delimiters=delimiters,
        blank=count - len(starts),
        lines=len(newlines) + int(text[-1] != _LF),
        quotes=quotes,
        has_line_in_value=len(structural) < len(newlines),
    )


def no_rows(columns: int) -> pa.Table:
    """A table of so many columns of text without a row."""
    return pa.Table.from_batches([], pa.schema([(f"c{place}", pa.string()) for place in range(columns)]))


def trim_columns(values: pa.Table) -> pa.Table:
    """The table without the blanks that surround values; only columns that have some are made anew."""
    for place, name in enumerate(values.column_names):
        column = values.column(place)
        if any(_has_blank_end(chunk) for chunk in column.chunks):
            import pyarrow.compute as pc  # Here, because it takes a tenth of a second and few files need it.

            values = values.set_column(place, name, pc.utf8_trim(column, characters=BLANKS))
    return values


def _fitting(data: Bytes, start: int, end: int, columns: int, dialect: Dialect, *, trim: bool) -> BlockRows | None:
    """The records between two offsets; None where the proof fails."""
    text = np.frombuffer(data, dtype=np.uint8, count=end - start, offset=start)
    records = find_records(text, dialect)
    if records is None or records.delimiters != len(records.starts) * (columns - 1):
        return None
    values = _cut(data, start, end, columns, dialect, records.has_line_in_value)
    if values is None or values.num_rows != len(records.starts):
        return None
    # Other blanks than a space are so rare that one anywhere is reason enough to look.
    # One that separates values is part of a value only between quotes.
    others = {b"\t", b"\v", b"\f", b"\xc2", b"\xef"}
    if not len(records.quotes):
        others -= {dialect.delimiter.encode()}
    is_blank_possible = (
        records.has_line_in_value
        or any(data.find(blank, start, end) >= 0 for blank in others)
        or _has_space_at_border(text, records.quotes, dialect)
    )
    return BlockRows(
        values=trim_columns(values) if trim and is_blank_possible else values,
        row_lines=records.row_lines,
        end=end,
        lines=records.lines,
        blank=records.blank,
    )


def _parted(data: Bytes, start: int, end: int, columns: int, dialect: Dialect, *, trim: bool) -> BlockRows | None:
    """The records between two offsets without the lines that are none, if that is proven for what is left."""
    text = np.frombuffer(data, dtype=np.uint8, count=end - start, offset=start)
    newlines = np.flatnonzero(text == _LF)
    if not _ends_lines_alike(text, newlines):
        return None
    borders = np.append(0, newlines + 1) if text[-1] == _LF else np.concatenate(([0], newlines + 1, [len(text)]))
    odd = _odd_lines(text, newlines, len(borders) - 1, columns, dialect)
    if len(odd) > _MOST_ODD:
        return None
    kept, begun, after = [], start, 0
    lost, bad, blank = list[int](), list[BadRow](), 0
    for line in odd.tolist():
        if line < after:
            continue
        first = start + int(borders[line])
        found = read_carefully(data, first, first + 1, columns, dialect)
        after = line + found.lines
        if found.end > end:
            return None
        if not found.row_lines:
            bad.extend(row.below(line) for row in found.bad)
            blank += found.blank
            lost.append(line)
            kept.append(data[begun:first])
            begun = found.end
    kept.append(data[begun:end])
    left = b"".join(kept)
    if left:
        rows = _fitting(left, 0, len(left), columns, dialect, trim=trim) if lost else None
    else:
        rows = BlockRows(no_rows(columns), newlines[:0], end, 0, 0)
    if rows is None:
        return None
    lines = np.delete(np.arange(len(borders) - 1), lost)
    return replace(
        rows, row_lines=lines[rows.row_lines], end=end, lines=len(borders) - 1, blank=rows.blank + blank, bad=bad
    )


def _odd_lines(text: npt.NDArray[np.uint8], newlines: Places, lines: int, columns: int, dialect: Dialect) -> Places:
    """The lines that are no record by themselves with as many values as there are columns."""
    quotes = np.flatnonzero(text == ord(dialect.quote)) if dialect.quote else newlines[:0]
    line_of = np.searchsorted(newlines, quotes)
    is_sound = np.bincount(line_of, minlength=lines) % 2 == 0
    quotes = quotes[is_sound[line_of]]
    if len(quotes):
        is_sound[np.searchsorted(newlines, quotes[0::2][~_at_borders(text, quotes, dialect)])] = False
    delimiters = _outside(np.flatnonzero(text == ord(dialect.delimiter)), quotes)
    counts = np.bincount(np.searchsorted(newlines, delimiters), minlength=lines)
    return np.flatnonzero(~is_sound | (counts != columns - 1))


def _has_comment(data: Bytes, start: int, end: int, mark: bytes) -> bool:
    """True when a line may begin with the mark of a comment."""
    return data.startswith(mark, start, end) or any(
        data.find(end_of + mark, start, end) >= 0 for end_of in (b"\n", b"\r")
    )


def _ends_lines_alike(text: npt.NDArray[np.uint8], newlines: Places) -> bool:
    """True when each carriage return is part of a line end."""
    returns = np.count_nonzero(text == _CR)
    return not returns or returns == np.count_nonzero(text[newlines[newlines > 0] - 1] == _CR)


def _at_borders(text: npt.NDArray[np.uint8], quotes: Places, dialect: Dialect) -> npt.NDArray[np.bool_]:
    """Of each pair of quotes whether the first follows a border (or a quote) and the other stands before one."""
    border = np.zeros(256, dtype=bool)
    border[[ord(dialect.delimiter), _LF, ord(dialect.quote)]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    follows = border[text[opening - 1]] | (opening == 0)
    after = np.minimum(closing + 1, len(text) - 1)
    stands = border[text[after]] | (closing == len(text) - 1)
    # A carriage return counts as a border only as part of a line end.
    carriage = (text[after] == _CR) & (text[np.minimum(after + 1, len(text) - 1)] == _LF)
    return follows & (stands | carriage)


def _outside(places: Places, quotes: Places) -> Places:
    """Those of the places that stand in no quoted value; the same array when all do."""
    first, after = np.searchsorted(places, quotes[0::2]), np.searchsorted(places, quotes[1::2])
    if np.array_equal(first, after):
        return places
    depth = np.bincount(first, minlength=len(places) + 1) - np.bincount(after, minlength=len(places) + 1)
    return places[np.cumsum(depth)[:-1] == 0]


def _count_inside(text: npt.NDArray[np.uint8], byte: int, quotes: Places) -> int:
    """How often a byte stands in quoted values."""
    first, lengths = quotes[0::2], quotes[1::2] - quotes[0::2]
    total = int(lengths.sum())
    if total > len(text) // 4:
        places = np.flatnonzero(text == byte)
        return len(places) - len(_outside(places, quotes))
    # Few bytes are quoted: each of them by its place.
    within = np.repeat(first - (np.cumsum(lengths) - lengths), lengths) + np.arange(total)
    return int(np.count_nonzero(text[within] == byte))


def _has_space_at_border(text: npt.NDArray[np.uint8], quotes: Places, dialect: Dialect) -> bool:
    """True when a value may begin or end with a space."""
    spaces = np.flatnonzero(text == 32)
    if not len(spaces):
        return False
    if spaces[0] == 0 or spaces[-1] == len(text) - 1:
        return True
    border = np.zeros(256, dtype=bool)
    border[[_LF, _CR, ord(dialect.delimiter), ord(dialect.quote or dialect.delimiter)]] = True
    at_border = spaces[border[text[spaces - 1]] | border[text[spaces + 1]]]
    # A mark between quotes borders no value: "Berg, Ann". One beside a quote may.
    is_inside = np.searchsorted(quotes, at_border) % 2 == 1
    quote = ord(dialect.quote or dialect.delimiter)
    is_by_quote = (text[at_border - 1] == quote) | (text[at_border + 1] == quote)
    return bool((~is_inside | is_by_quote).any())


def _cut(data: Bytes, start: int, end: int, columns: int, dialect: Dialect, has_line_in_value: bool) -> pa.Table | None:
    names = [f"c{place}" for place in range(columns)]
    try:
        return pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(start, end - start)),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=end - start + 1, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                double_quote=True,
                escape_char=False,
                newlines_in_values=has_line_in_value,
                ignore_empty_lines=True,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None


def _has_blank_end(values: pa.StringArray) -> bool:
    """True when a value may begin or end with a blank, judged by its first and last byte."""
    _, offsets, content = values.buffers()
    if content is None or not content.size:
        return False
    places = np.frombuffer(offsets, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    text = np.frombuffer(content, dtype=np.uint8)
    first, after = places[:-1], places[1:]
    filled = after > first
    if not filled.all():
        first, after = first[filled], after[filled]
    return bool(_BLANK_FIRST[text[first]].any() or _BLANK_LAST[text[after - 1]].any())
