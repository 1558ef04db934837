"""Reads delimited text: the bytes of one file in, records of text with line numbers out.

Two paths give the same answer. A scan of the bytes proves that every record has the columns of the header and that
every quote stands where the grammar (RFC 4180) allows it; then a fast parser may cut the values, because there is
only one way to cut them. Where the proof fails, each record is read by hand: what cannot be read without guessing is
a bad row with its original text, and reading resumes at the next line.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from forecourt.errors import Problem
from ingest.readers.rows import BadRow

#: A quoted value longer than this many lines is taken for a quote that was never closed.
MAX_LINES_PER_VALUE = 500

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", 3),
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)

#: First bytes -> what the file is in truth.
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office document"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a rich text document"),
)


#: What columns may be separated by -> how a sentence calls it.
_SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}


@dataclass(frozen=True)
class Dialect:
    """How a text file is written. ``quote`` empty: quotes are ordinary characters."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class Decoded:
    """UTF-8 bytes without a byte order mark, and the encoding that the file had."""

    data: bytes
    encoding: str


@dataclass
class TextTable:
    """The records of one file.

    ``rows``: one string column a header name, called c0, c1, ..., and ``row_number`` (int64: the physical line on
    which the record starts, the header line being 1 when it comes first). ``blank`` counts empty lines.
    ``trimmed``: no value has surrounding blanks.
    """

    header: list[str]
    rows: pa.Table
    bad: list[BadRow] = field(default_factory=list)
    blank: int = 0
    encoding: str = "utf-8"
    trimmed: bool = True
    _data: bytes = b""
    _places: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    _raw: dict[int, str] = field(default_factory=dict)

    @property
    def rows_read(self) -> int:
        return self.rows.num_rows + len(self.bad) + self.blank

    def raw(self, row_number: int) -> str:
        """The original text of the record that starts on that line, without its line end."""
        if self._places is None:
            return self._raw[row_number]
        starts, ends, row_numbers = self._places
        position = int(np.searchsorted(row_numbers, row_number))
        return self._data[starts[position] : ends[position]].decode("utf-8").rstrip("\r")


def what_it_is(data: bytes) -> str | None:
    """What a file that is no text is in truth ("a PDF document"), judged by its first bytes; None for text."""
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            return words
    return None


def is_blank(data: bytes) -> bool:
    """True for bytes without anything but blanks; looks at no more of a large file than it must."""
    return not data[:4096].strip() and not data.strip()


def decode(data: bytes, encoding: str) -> Decoded:
    """Bytes in the declared encoding, or in the one their byte order mark states, as UTF-8.

    Raises Problem (a sentence without the file's name) for an empty file, a file that is no text, NUL bytes, or
    bytes that are not in the encoding.
    """
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    words = what_it_is(data)
    if words:
        raise Problem(f"it is {words}, not delimited text. Export it as csv and deliver that file.")
    for mark, name, length in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            data, encoding = data[length:], name
            break
    try:
        text = None if encoding == "utf-8" else data.decode(encoding)
        data = data if text is None else text.encode("utf-8")
        if text is None:
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Problem(
            f"line {line} has the byte 0x{data[error.start]:02X}, which is not {encoding.upper()}"
            f"{_likely(data, encoding)}. Export it as UTF-8."
        ) from None
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise Problem(f"line {line} holds a NUL byte, so it is no text or was damaged. Export it again as UTF-8.")
    if is_blank(data):
        raise Problem("the file is empty. Export it again.")
    return Decoded(data, encoding)


def header_of(data: bytes, dialect: Dialect) -> list[str]:
    """The names in the first record of decoded data, surrounding blanks removed. Raises Problem."""
    return _header(data, dialect)[0]


def other_separator(line: str, delimiter: str) -> str | None:
    """The mark, in words, that stands in a header line more often than the delimiter it is read with."""
    counts = {mark: line.count(mark) for mark in _SEPARATORS if mark != delimiter}
    mark = max(counts, key=counts.__getitem__)
    return _SEPARATORS[mark] if counts[mark] > line.count(delimiter) else None


def separated_otherwise(words: str) -> Problem:
    """The refusal of a file whose header is read between commas and written between something else."""
    return Problem(
        f"line 1: the header looks separated by {words}, and native files use commas. "
        "Export it as csv separated by commas."
    )


def values_of(text: str, dialect: Dialect) -> list[str]:
    """The values of one record, however many. Raises Problem for one that is not well quoted."""
    record = _record(_Lines(text.encode()), 0, dialect)
    if isinstance(record, str):
        raise Problem(record)
    return [_trimmed(value) for value in record.values]


def read_text(decoded: Decoded, dialect: Dialect) -> TextTable:
    """All records below the header. Raises Problem (without the file's name) for an unreadable header."""
    data = decoded.data
    header, start = _header(data, dialect)
    table = _read_fast(data, start, header, dialect) or _read_by_hand(data, start, header, dialect)
    table.encoding = decoded.encoding
    return table


def _likely(data: bytes, encoding: str) -> str:
    if encoding == "utf-8" and not any(byte in data for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)):
        return " (it looks like Windows-1252, the encoding of older Windows programs)"
    return ""


def _header(data: bytes, dialect: Dialect) -> tuple[list[str], int]:
    """The header's names and where the first record below it starts."""
    lines = _Lines(data)
    record = _record(lines, 0, dialect)
    if isinstance(record, str):
        words = other_separator(data.split(b"\n", 1)[0].decode("utf-8"), dialect.delimiter)
        if words and dialect.delimiter == ",":
            raise separated_otherwise(words)
        raise Problem(f"line 1, the header, cannot be read: {record}. Export the file again.")
    names = [_trimmed(name) for name in record.values]
    if all(not name for name in names):
        raise Problem("line 1 is blank where the header should stand. Remove the lines above the header.")
    return names, lines.start(record.next_line)


def _trimmed(text: str) -> str:
    return text.strip(" \t\r\n\u00a0\ufeff")


# --- the fast path -----------------------------------------------------------------------------------------------


def _read_fast(data: bytes, start: int, header: list[str], dialect: Dialect) -> TextTable | None:
    """The records, if the bytes prove that there is only one way to cut them; else None."""
    if len(dialect.delimiter) != 1 or start >= len(data) or len(header) < 2:
        return None
    found = _proven_records(data, start, len(header), dialect)
    if found is None:
        return None
    starts, ends, row_numbers, blank, has_line_in_value, trimmed = found
    names = [f"c{position}" for position in range(len(header))]
    try:
        rows = pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(start)),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=8 << 20),
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
    if rows.num_rows != len(starts):
        return None
    # From the buffer, because a conversion of the array would import pandas, which takes a second.
    numbers = pa.Array.from_buffers(pa.int64(), len(row_numbers), [None, pa.py_buffer(row_numbers.astype(np.int64))])
    rows = rows.append_column("row_number", numbers)
    return TextTable(header, rows, blank=blank, trimmed=trimmed, _data=data, _places=(starts, ends, row_numbers))


def _proven_records(
    data: bytes, start: int, columns: int, dialect: Dialect
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, bool, bool] | None:
    """Of all records start and end offsets and first lines, blank lines left out; how many those are, whether a
    value holds a line end, and whether no value has surrounding blanks. None where the proof fails."""
    if data.count(b"\r") != data.count(b"\r\n"):
        return None
    text = np.frombuffer(data, dtype=np.uint8)[start:]
    newlines = np.flatnonzero(text == 10)
    delimiters = np.flatnonzero(text == ord(dialect.delimiter))
    structural = newlines
    if dialect.quote and data.find(dialect.quote.encode(), start) >= 0:
        quotes = np.flatnonzero(text == ord(dialect.quote))
        if len(quotes) % 2 or not _at_borders(text, quotes, dialect):
            return None
        structural = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    ends = structural if len(text) and text[-1] == 10 else np.append(structural, len(text))
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts
    is_blank = (lengths == 0) | ((lengths == 1) & (text[np.minimum(starts, len(text) - 1)] == 13))
    per_record = np.diff(np.concatenate(([0], np.searchsorted(delimiters, ends))))
    if not np.array_equal(per_record == columns - 1, ~is_blank):
        return None
    first_line = data.count(b"\n", 0, start) + 1
    row_numbers = np.searchsorted(newlines, starts) + first_line
    keep = ~is_blank
    return (
        starts[keep] + start,
        ends[keep] + start,
        row_numbers[keep],
        int(is_blank.sum()),
        has_line_in_value := len(structural) < len(newlines),
        not has_line_in_value and _is_trimmed(data, text, dialect),
    )


def _is_trimmed(data: bytes, text: np.ndarray, dialect: Dialect) -> bool:
    """True when no value can have a surrounding blank: no space stands beside a border, and no tab or no-break
    space is there at all."""
    if b"\xc2\xa0" in data or (dialect.delimiter != "\t" and b"\t" in data):
        return False
    border = np.zeros(256, dtype=bool)
    border[[10, 13, ord(dialect.delimiter), *map(ord, dialect.quote)]] = True
    spaces = np.flatnonzero(text == 32)
    after = text[np.minimum(spaces + 1, len(text) - 1)]
    beside = border[text[np.maximum(spaces - 1, 0)]] | border[after]
    return not bool(beside.any()) and text[0] != 32 and text[-1] != 32


def _at_borders(text: np.ndarray, quotes: np.ndarray, dialect: Dialect) -> bool:
    """True when each opening quote follows a border (or a quote) and each closing one stands before a border."""
    border = np.zeros(256, dtype=bool)
    border[[ord(dialect.delimiter), 10, ord(dialect.quote)]] = True
    before = border.copy()
    opening, closing = quotes[0::2], quotes[1::2]
    follows = before[text[opening - 1]] | (opening == 0)
    after = np.minimum(closing + 1, len(text) - 1)
    stands = border[text[after]] | (closing == len(text) - 1)
    # A carriage return counts as a border only as part of a line end.
    carriage = (text[after] == 13) & (text[np.minimum(after + 1, len(text) - 1)] == 10)
    return bool(np.all(follows) and np.all(stands | carriage))


# --- the careful path --------------------------------------------------------------------------------------------


class _Lines:
    """The physical lines of a text and where each starts; a line ends with LF, CR LF or CR."""

    _END = re.compile(rb"\r\n|\n|\r")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._starts = [0]
        self._ends: list[int] = []
        self._scanner = self._END.finditer(data)
        self._complete = False

    def has(self, line: int) -> bool:
        self._reach(line)
        return line < len(self._ends)

    def text(self, line: int) -> str:
        """The line without its end."""
        self._reach(line)
        return self.data[self._starts[line] : self._ends[line]].decode("utf-8")

    def start(self, line: int) -> int:
        self._reach(line)
        return self._starts[line] if line < len(self._starts) else len(self.data)

    def between(self, first: int, after: int) -> str:
        """The text of lines first ... after - 1 as it stands, without the last line end."""
        return self.data[self._starts[first] : self._ends[after - 1]].decode("utf-8")

    def _reach(self, line: int) -> None:
        while not self._complete and line >= len(self._ends):
            match = next(self._scanner, None)
            if match is None:
                self._complete = True
                if self._starts[-1] < len(self.data):
                    self._ends.append(len(self.data))
                else:
                    self._starts.pop()
            else:
                self._ends.append(match.start())
                self._starts.append(match.end())


@dataclass(frozen=True)
class _Record:
    values: list[str]
    next_line: int


def _record(lines: _Lines, line: int, dialect: Dialect) -> _Record | str:
    """The record that starts on a line (counted from 0), or why it cannot be read."""
    text = lines.text(line)
    if not dialect.quote or dialect.quote not in text:
        return _Record(text.split(dialect.delimiter), line + 1)
    quote, delimiter = dialect.quote, dialect.delimiter
    values: list[str] = []
    position, last = 0, line
    while True:
        if text.startswith(quote, position):
            pieces: list[str] = []
            position += 1
            while True:
                end = text.find(quote, position)
                if end < 0:
                    last += 1
                    if last - line > MAX_LINES_PER_VALUE or not lines.has(last):
                        return "a quoted value is never closed"
                    pieces.extend((text[position:], _line_end(lines, last - 1)))
                    text, position = lines.text(last), 0
                    continue
                pieces.append(text[position:end])
                position = end + 1
                if text.startswith(quote, position):
                    pieces.append(quote)
                    position += 1
                    continue
                break
            values.append("".join(pieces))
            if position == len(text):
                return _Record(values, last + 1)
            if not text.startswith(delimiter, position):
                return "a quoted value goes on after its closing quote"
            position += len(delimiter)
        else:
            end = text.find(delimiter, position)
            value = text[position:] if end < 0 else text[position:end]
            if quote in value:
                return "a quote stands inside a value that is not quoted"
            values.append(value)
            if end < 0:
                return _Record(values, last + 1)
            position = end + len(delimiter)


def _line_end(lines: _Lines, line: int) -> str:
    end = lines.start(line) + len(lines.text(line).encode())
    return lines.data[end : lines.start(line + 1)].decode()


def _read_by_hand(data: bytes, start: int, header: list[str], dialect: Dialect) -> TextTable:
    lines = _Lines(data)
    first = 0
    while lines.has(first) and lines.start(first) < start:
        first += 1
    columns: list[list[str]] = [[] for _ in header]
    row_numbers: list[int] = []
    bad: list[BadRow] = []
    raw: dict[int, str] = {}
    blank, line = 0, first
    while lines.has(line):
        if not _trimmed(lines.text(line)):
            blank += 1
            line += 1
            continue
        record = _record(lines, line, dialect)
        if isinstance(record, _Record) and len(record.values) != len(header):
            count = len(record.values)
            record = f"it has {count} value{'' if count == 1 else 's'} where the header has {len(header)} columns"
        if isinstance(record, str):
            bad.append(BadRow(line + 1, record, lines.text(line)))
            line += 1
            continue
        for column, value in zip(columns, record.values, strict=True):
            column.append(_trimmed(value))
        row_numbers.append(line + 1)
        raw[line + 1] = lines.between(line, record.next_line)
        line = record.next_line
    rows = pa.table(
        {f"c{position}": pa.array(values, pa.string()) for position, values in enumerate(columns)}
        | {"row_number": pa.array(row_numbers, pa.int64())}
    )
    return TextTable(header, rows, bad=bad, blank=blank, _raw=raw)
