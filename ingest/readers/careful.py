"""Reads records of delimited text one by one, where a block of bytes could not be proven to have one reading only.

What cannot be read without guessing is a bad row with its original text, and reading resumes at the next line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from forecourt.wording import counted
from ingest.mapped import Bytes
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.rows import BadRow

#: A quoted value longer than this many lines is taken for a quote that was never closed.
MAX_LINES_PER_VALUE = 500


class Lines:
    """The physical lines of a text from an offset on, and where each starts; a line ends with LF, CR LF or CR."""

    _END = re.compile(rb"\r\n|\n|\r")

    def __init__(self, data: Bytes, offset: int = 0) -> None:
        self.data = data
        self._starts = [offset]
        self._ends: list[int] = []
        self._scanner = self._END.finditer(data, offset)
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

    def end_mark(self, line: int) -> str:
        """What ends the line: LF, CR LF, CR or, for the last one, nothing."""
        return self.data[self._ends[line] : self.start(line + 1)].decode()

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
class Record:
    """The values of a record as they stand, and the line after it."""

    values: list[str]
    next_line: int


@dataclass
class CarefulRows:
    """What was read from one offset to another: values by column, and the first line of each record.

    Lines count from 0 at the offset; ``raw``: the original texts in the order of the records.
    """

    columns: list[list[str]]
    end: int = 0
    lines: int = 0
    row_lines: list[int] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    blank: int = 0
    comments: int = 0


def read_record(lines: Lines, line: int, dialect: Dialect) -> Record | str:
    """The record that starts on a line (counted from 0), or why it cannot be read."""
    text = lines.text(line)
    quote, delimiter, escape = dialect.quote, dialect.delimiter, dialect.escape
    if (not quote or quote not in text) and (not escape or escape not in text):
        return Record(text.split(delimiter), line + 1)
    values: list[str] = []
    position, last = 0, line
    while True:
        if quote and text.startswith(quote, position):
            pieces: list[str] = []
            position += 1
            while True:
                end = _next(text, position, quote, escape)
                if end < 0:
                    last += 1
                    if last - line > MAX_LINES_PER_VALUE or not lines.has(last):
                        return "a quoted value is never closed"
                    pieces.extend((text[position:], lines.end_mark(last - 1)))
                    text, position = lines.text(last), 0
                    continue
                pieces.append(text[position:end])
                position = end + 1
                if escape and text[end] == escape != quote:
                    if text[position : position + 1] not in (quote, escape):
                        return f"the escape mark {escape} stands before a character that needs none"
                    pieces.append(text[position])
                    position += 1
                    continue
                if text.startswith(quote, position):
                    pieces.append(quote)
                    position += 1
                    continue
                break
            values.append("".join(pieces))
            if position == len(text):
                return Record(values, last + 1)
            if not text.startswith(delimiter, position):
                return "a quoted value goes on after its closing quote"
            position += len(delimiter)
        else:
            bare = _bare_value(text, position, dialect)
            if isinstance(bare, str):
                return bare
            value, end = bare
            values.append(value)
            if end == len(text):
                return Record(values, last + 1)
            position = end + len(delimiter)


def read_carefully(data: Bytes, start: int, end: int, columns: int, dialect: Dialect) -> CarefulRows:
    """The records that start at ``start`` or after and before ``end``; the last one may reach beyond it."""
    lines = Lines(data, start)
    rows = CarefulRows([[] for _ in range(columns)])
    line = 0
    while lines.has(line) and lines.start(line) < end:
        text = lines.text(line)
        if not trimmed(text) and dialect.delimiter not in text:
            rows.blank += 1
            line += 1
            continue
        if dialect.comment and text.startswith(dialect.comment):
            rows.comments += 1
            line += 1
            continue
        record = read_record(lines, line, dialect)
        if isinstance(record, Record) and len(record.values) != columns:
            count = len(record.values)
            note = "" if count > 1 else "; a note can be declared as footer or comment of its source"
            record = f"it has {counted(count, 'values')} where the header has {counted(columns, 'columns')}{note}"
        if isinstance(record, str):
            rows.bad.append(BadRow(line, record, text))
            line += 1
            continue
        for column, value in zip(rows.columns, record.values, strict=True):
            column.append(value)
        rows.row_lines.append(line)
        rows.raw.append(lines.between(line, record.next_line))
        line = record.next_line
    rows.end, rows.lines = lines.start(line), line
    return rows


def _bare_value(text: str, position: int, dialect: Dialect) -> tuple[str, int] | str:
    """A value that is not quoted and where it ends, or why it cannot be read."""
    quote, delimiter, escape = dialect.quote, dialect.delimiter, dialect.escape
    pieces: list[str] = []
    if escape:
        # An empty value, as databases write it: no character of a text.
        end = position + len(escape) + 1
        if text.startswith(f"{escape}N", position) and (end == len(text) or text.startswith(delimiter, end)):
            return text[position:end], end
    marks = _marks(dialect)
    while True:
        found = marks.search(text, position)
        if found and found[0] == quote != escape:
            return "a quote stands inside a value that is not quoted"
        if not found or found[0] == delimiter:
            end = found.start() if found else len(text)
            return "".join([*pieces, text[position:end]]), end
        pieces.append(text[position : found.start()])
        after = found.end()
        meant = next((meant for meant in (delimiter, quote, escape) if meant and text.startswith(meant, after)), "")
        if not meant:
            return f"the escape mark {escape} stands before a character that needs none"
        pieces.append(meant)
        position = after + len(meant)


@cache
def _marks(dialect: Dialect) -> re.Pattern[str]:
    """What ends a value that is not quoted, or may not stand in it: whichever comes first, found in one search."""
    marks = filter(None, (dialect.delimiter, dialect.escape, dialect.quote))
    return re.compile("|".join(map(re.escape, marks)))


@cache
def _marks_in_quotes(quote: str, escape: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(quote + escape)}]")


def _next(text: str, position: int, quote: str, escape: str) -> int:
    """Where the next quote or escape mark stands; -1 for none."""
    if not escape or escape == quote:
        return text.find(quote, position)
    found = _marks_in_quotes(quote, escape).search(text, position)
    return found.start() if found else -1
