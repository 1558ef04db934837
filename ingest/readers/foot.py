"""Tells where a table ends, when its file goes on below it: with notes, or with another table padded to its width.

A program that writes a sheet as text fills every line up to the width of the sheet, so what stands below a table has
as many values as its rows. Lines that a source declares are passed over. What is not declared and is unlike the rows
above is withheld, because as a row it would be made up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from ingest.mapped import Bytes
from ingest.readers.careful import Lines, Record, read_carefully, read_record
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.figures import starts_alike
from ingest.readers.fragments import FIRST, GOES_ON, holds_words, may_go_on, quotes_all
from ingest.readers.rows import BadRow
from ingest.readers.unlike import SAMPLE, TABLE, first_note, why_unlike

#: Notes below a table are looked for in its last lines, and rows to compare in so many bytes above and below.
LAST, _WINDOW = 100, 1 << 16
#: Bytes below a table that are read at once.
_BLOCK = 1 << 20
#: A file with more empty lines has them between its rows, so that they part no tables: only the last ones count.
GAPS = 10

_OLD_LINE_END = re.compile(rb"\r(?!\n)")

HEADER = "the header stands there again, so another table may begin there"
DECLARED = "it has the shape of a row, and the source declares it as a line below the table"
BELOW = "it stands below line {line}, where the table seems to end: {reason}"

Check = Callable[[Sequence[BadRow]], None]


@dataclass
class Foot:
    """What stands below a table: the offset at which it starts, lines passed over by rule, and what is withheld, its
    row numbers being lines of the data counted from 1."""

    start: int
    skipped: Counter[str] = field(default_factory=Counter)
    withheld: list[BadRow] = field(default_factory=list)


def find_foot(
    data: Bytes, dialect: Dialect, declared: int | str, headed: str = "", check: Check = lambda withheld: None
) -> Foot | None:
    """What stands below the table that starts with its header; None for nothing, and for a header that is unreadable.

    ``declared``: how many lines a source says to stand there, or a regular expression that the first of them matches.
    ``headed``: how the first line of a header of several lines reads. ``check`` is called with what is withheld so far,
    and raises where that is too much.
    """
    lines = Lines(data)
    header = read_record(lines, 0, dialect)
    if isinstance(header, str):
        return None
    table = _Table(data, lines.start(header.next_line), len(header.values), dialect)
    foot = _declared(table, declared) if declared else Foot(len(data))
    ends = [(start, HEADER) for start in table.lines_that_read(headed)]
    ends += _unlike_above(table, foot.start)
    start, reason = min([(foot.start, ""), *ends])
    last = [row for row in table.rows_above(start, LAST) if any(row.values)]
    note = first_note([row.values for row in last], dialect.missing)
    if note:
        start, reason = last[note[0]].start, note[1]
    if start < foot.start:
        reasons = {start: reason}
        above = [row for row in table.rows_above(start) if trimmed(row.text)]
        if reason != HEADER and above and _may_go_on(above, next(table.rows(start, foot.start)), table):
            reasons = {above[-1].start: GOES_ON} | reasons
        _withhold(foot, table, reasons, check)
    return foot if foot.start < len(data) else None


@dataclass(frozen=True)
class _Row:
    """A record, the offset of its line, its values and the offset after it; no values where it has not as many as the
    header."""

    start: int
    text: str
    values: tuple[str, ...]
    after: int


@dataclass(frozen=True)
class _Table:
    """The data below a header: the offset after it, the number of its columns, and how it is written."""

    data: Bytes
    body: int
    columns: int
    dialect: Dialect

    def rows(self, start: int, end: int) -> Iterator[_Row]:
        """The records that start at an offset or after it and before another one."""
        lines = Lines(self.data, start)
        line = 0
        while lines.has(line) and lines.start(line) < end:
            record = read_record(lines, line, self.dialect)
            row = _Row(lines.start(line), lines.text(line), (), lines.start(line + 1))
            line += 1
            if isinstance(record, Record) and len(record.values) == self.columns:
                line = record.next_line
                row = replace(row, values=tuple(map(trimmed, record.values)), after=lines.start(line))
            yield row

    def rows_above(self, end: int, most: int = SAMPLE) -> list[_Row]:
        """The last records before an offset."""
        return list(self.rows(self.line_before(end), end))[-most:]

    def rows_below(self, start: int, end: int) -> list[_Row]:
        """The first filled records at and after an offset, up to the next empty line."""
        found: list[_Row] = []
        for row in self.rows(start, end):
            is_empty = not any(row.values) if row.values else not trimmed(row.text)
            if (is_empty and found) or len(found) == SAMPLE:
                break
            if not is_empty:
                found.append(row)
        return found

    def gaps(self, end: int) -> list[int]:
        """Offsets of empty lines, and of lines without any value, in their order; of many the last."""
        data, empty = self.data, self.dialect.delimiter.encode() * (self.columns - 1)
        marks = [b"\n\n", b"\n" + empty + b"\n"]
        if data.find(b"\r", self.body, end) >= 0:
            marks += [b"\n\r\n", b"\r\r", b"\n" + empty + b"\r", b"\r" + empty + b"\r"]
        found: set[int] = set()
        for mark in marks:
            place = data.find(mark, max(self.body - 1, 0), end)
            while place >= 0 and len(found) <= GAPS:
                found.add(place + 1)
                place = data.find(mark, place + 1, end)
            if place >= 0:
                found.add(data.rfind(mark, place, end) + 1)
        return sorted(found) if len(found) <= GAPS else [max(found)]

    def line_before(self, end: int) -> int:
        """Where a line starts, some lines before an offset."""
        start = end - _WINDOW
        if start <= self.body:
            return self.body
        after = [place for mark in (b"\n", b"\r") if (place := self.data.find(mark, start, end)) >= 0]
        return min(after) + 1 if after else self.body

    def lines_that_read(self, text: str) -> list[int]:
        """Where the first lines start that begin with a text, by the line end before them."""
        marks = (b"\n", b"\r") if text else ()
        places = (self.data.find(mark + text.encode(), max(self.body - 1, 0)) for mark in marks)
        return [place + 1 for place in places if place >= 0]


def _declared(table: _Table, declared: int | str) -> Foot:
    """The lines that a source declares to stand below the table; one that could be a row is withheld."""
    lines = Lines(table.data, table.line_before(len(table.data)))
    after = next(line for line in count() if not lines.has(line))
    filled = [line for line in range(max(after - LAST, 0), after) if trimmed(lines.text(line))]
    is_note = re.compile(declared) if isinstance(declared, str) else None
    if is_note:
        filled = filled[next((place for place, line in enumerate(filled) if is_note.search(lines.text(line))), LAST) :]
    elif filled:
        last = filled[-1]
        filled = [line for line in filled if line > last - int(declared)]
    if not filled:
        return Foot(len(table.data))
    foot = Foot(lines.start(filled[0]))
    first = _line_number(table.data, foot.start)
    for line in range(filled[0], after):
        text = lines.text(line)
        if not trimmed(text):
            foot.skipped["blank line"] += 1
            continue
        record = read_record(lines, line, table.dialect)
        values = record.values if isinstance(record, Record) else []
        has_shape = len(values) == table.columns > 1 and sum(bool(trimmed(value)) for value in values) > 1
        if has_shape and not (is_note and is_note.search(text)):
            foot.withheld.append(BadRow(first + line - filled[0], DECLARED, text))
        else:
            foot.skipped["row below the table"] += 1
    return foot


def _unlike_above(table: _Table, end: int) -> Iterator[tuple[int, str]]:
    """Where the first row below an empty line is unlike the rows above it, and why."""
    header = Lines(table.data).text(0)
    for gap in table.gaps(end):
        before = table.rows_above(gap)
        # An empty line inside a quoted value parts nothing, and a page goes on below its title and header.
        below = [row for row in table.rows_below(gap, end) if row.values and row.text != header]
        if not below or (before and before[-1].after > gap):
            continue
        above = [row.values for row in before if row.values]
        # Where nothing of the table can be read, nothing tells what belongs to it.
        is_unread = not above and any(trimmed(row.text) for row in before)
        reason = why_unlike(above, [row.values for row in below]) if above else TABLE if is_unread else ""
        if reason:
            yield below[0].start, reason
            return


def _may_go_on(above: Sequence[_Row], first: _Row, table: _Table) -> bool:
    """True where the last value of the row above may go on in the line that does not belong to the table."""
    last = above[-1].values
    texts = [table.data[row.start : row.after].decode() for row in above[-FIRST:]]
    if quotes_all(texts, table.columns, table.dialect):
        return False
    if not last or not first.values or not first.values[-1] or starts_alike(first.values[0], last[0]):
        return False
    return may_go_on(last[-1], holds_words([row.values[-1] for row in above if row.values]))


def _withhold(foot: Foot, table: _Table, reasons: dict[int, str], check: Check) -> None:
    """Moves the foot up to the first of the offsets that have a reason; the last is that of all below it."""
    first, last = min(reasons), max(reasons)
    rest, position, number = table.data[first : foot.start], 0, _line_number(table.data, first)
    end = number + _line_number(rest, last - first) - 1
    said = {number: reasons[first].format(line=end), end: reasons[last]}
    below = BELOW.format(line=end, reason=reasons[last])
    while position < len(rest):
        found = read_carefully(rest, position, min(position + _BLOCK, len(rest)), table.columns, table.dialect)
        foot.skipped += Counter({"blank line": found.blank, "comment line": found.comments})
        for place, (line, raw) in enumerate(zip(found.row_lines, found.raw, strict=True)):
            if any(trimmed(column[place]) for column in found.columns):
                foot.withheld.append(BadRow(number + line, said.get(number + line, below), raw, end))
            else:
                foot.skipped["blank line"] += 1
        foot.withheld += [bad.below(number) for bad in found.bad]
        check(foot.withheld)
        position, number = found.end, number + found.lines
    foot.start = first


def _line_number(data: Bytes, offset: int) -> int:
    """The line that starts at an offset, counted from 1."""
    return data.count(b"\n", 0, offset) + sum(1 for _ in _OLD_LINE_END.finditer(data, 0, offset)) + 1
