"""Reads delimited text: the bytes of one file in, records of text with line numbers out.

Two paths give the same answer. A block of bytes is cut by a fast parser where a scan proves that there is only one way
to cut it (``block``). Where the proof fails, smaller blocks are tried, and what is left is read record by record
(``careful``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import pyarrow as pa

from forecourt.errors import Problem
from ingest.mapped import Bytes, Mapped
from ingest.readers.arrays import integers, strings
from ingest.readers.block import BlockRows, no_rows, read_block, trim_columns, with_line_feeds
from ingest.readers.careful import CarefulRows, Lines, Record, read_carefully, read_record
from ingest.readers.decoding import Decoded
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.next_table import NextTable
from ingest.readers.rows import BadRow

#: Bytes that are handed on at once, at most. Pieces of a file are alike, because each is stored by all processors, and
#: a small last one keeps only one of them busy.
PIECE = 96 << 20

#: Bytes that are proven and cut at once. A block without a proof is tried again in blocks of the next size.
BLOCKS = (2 << 20, 128 << 10, 8 << 10)

#: Blocks are read side by side, the next piece while the last is landed: parser and scan leave the interpreter free.
_WORKERS = 2

#: What columns may be separated by -> how a sentence calls it.
SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}


@dataclass(frozen=True)
class _BlockTexts:
    """The original texts of the records of one block, by the lines on which they start; ``first_line``: that of the
    block. Those of a proven block are found again between its ``bounds`` when they are asked for."""

    first_line: int
    data: Bytes
    bounds: tuple[int, int]
    dialect: Dialect
    row_numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def by_line(self) -> Callable[[int], str]:
        """What gives the text of the record that starts on a line."""
        if self.texts:
            return dict(zip(self.row_numbers, self.texts, strict=True)).__getitem__
        block = with_line_feeds(self.data, *self.bounds) or self.data[slice(*self.bounds)]
        starts = np.append(0, np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + 1)

        def text(line: int) -> str:
            lines = Lines(block, int(starts[line - self.first_line]))
            record = read_record(lines, 0, self.dialect)
            return lines.between(0, record.next_line if isinstance(record, Record) else 1)

        return text


@dataclass
class Originals:
    """The original texts of the records of the blocks read so far; those of the block asked for last are at hand."""

    blocks: list[_BlockTexts] = field(default_factory=list)
    _place: int = -1
    _by_line: Callable[[int], str] = field(default=str)

    def text(self, row_number: int) -> str:
        """That of the record that starts on the line, without its line end."""
        place = bisect_right(self.blocks, row_number, key=lambda block: block.first_line) - 1
        if place != self._place:
            self._place, self._by_line = place, self.blocks[place].by_line()
        return self._by_line(row_number)


@dataclass
class TextTable:
    """The records of one file, or of one piece of it.

    ``rows``: one string column a header name, called c0, c1, ..., and ``row_number`` (int64: the physical line on
    which the record starts, the header line being 1 when it comes first). ``blank`` counts empty lines,
    ``comments`` lines that are no rows; ``page_headers``: the lines of records that repeat the header as written.
    """

    header: list[str]
    rows: pa.Table
    bad: list[BadRow] = field(default_factory=list)
    blank: int = 0
    page_headers: list[int] = field(default_factory=list)
    comments: int = 0
    encoding: str = "utf-8"
    originals: Originals = field(default_factory=Originals)

    @property
    def rows_read(self) -> int:
        return self.rows.num_rows + len(self.bad) + self.blank + len(self.page_headers) + self.comments

    def raw(self, row_number: int) -> str:
        """The original text of the record that starts on that line, without its line end."""
        return self.originals.text(row_number)


def header_of(data: Bytes, dialect: Dialect) -> list[str]:
    """The names in the first record of decoded data, surrounding blanks removed. Raises Problem."""
    return _header(data, dialect)[0]


def other_separator(line: str, delimiter: str) -> str | None:
    """The mark, in words, that stands in a header line more often than the delimiter it is read with."""
    counts = {mark: line.count(mark) for mark in SEPARATORS if mark != delimiter}
    mark = max(counts, key=counts.__getitem__)
    return SEPARATORS[mark] if counts[mark] > line.count(delimiter) else None


def separated_otherwise(words: str) -> Problem:
    """The refusal of a file whose header is read between commas and written between something else."""
    return Problem(
        f"line 1: the header looks separated by {words}, and native files use commas. "
        "Export it as csv separated by commas."
    )


def values_of(text: str, dialect: Dialect) -> list[str]:
    """The values of one record, however many. Raises Problem for one that is not well quoted."""
    record = read_record(Lines(text.encode()), 0, dialect)
    if isinstance(record, str):
        raise Problem(record)
    return [trimmed(value) for value in record.values]


def read_pieces(
    decoded: Decoded,
    dialect: Dialect,
    *,
    trim: bool,
    is_ours: bool = False,
    check: Callable[[TextTable], None] = lambda piece: None,
) -> tuple[list[str], Iterator[TextTable]]:
    """The header, and the records below it in at least one piece; ``trim``: without the blanks around values;
    ``is_ours``: of a file of our own contract, which holds one table.

    ``check``: is called after each block with what its piece holds so far, and raises where that is too much. Raises
    Problem (without the file's name) for an unreadable header.
    """
    header, start, lines = _header(decoded.data, dialect)
    table = NextTable(header, decoded.data[:start].decode("utf-8").rstrip("\r\n"), dialect.missing, is_ours)
    return header, _pieces(decoded, header, start, lines, _Body(decoded.data, len(header), dialect, trim), table, check)


def _header(data: Bytes, dialect: Dialect) -> tuple[list[str], int, int]:
    """The header's names, where the first record below it starts, and how many lines stand above that."""
    lines = Lines(data)
    record = read_record(lines, 0, dialect)
    if not isinstance(record, Record):
        words = other_separator(lines.text(0), dialect.delimiter)
        if words and dialect.delimiter == ",":
            raise separated_otherwise(words)
        raise Problem(f"line 1, the header, cannot be read: {record}. Export the file again.")
    names = [trimmed(name) for name in record.values]
    if all(not name for name in names):
        raise Problem("line 1 is blank where the header should stand. Remove the lines above the header.")
    return names, lines.start(record.next_line), record.next_line


def _pieces(
    decoded: Decoded,
    header: list[str],
    start: int,
    lines: int,
    body: _Body,
    table: NextTable,
    check: Callable[[TextTable], None],
) -> Iterator[TextTable]:
    data = decoded.data
    tables: list[pa.Table] = []
    piece = TextTable(header, _empty(len(header)), encoding=decoded.encoding)
    pieces = ceil((len(data) - start) / PIECE) or 1
    size = ceil((len(data) - start) / pieces)
    line, border = lines + 1, start + size
    position = start
    for block in body.blocks(start, len(data), BLOCKS):
        numbers = np.asarray(block.row_lines, dtype=np.int64) + line
        if isinstance(block, BlockRows):
            rows = block.values
            piece.originals.blocks.append(_BlockTexts(line, data, (position, block.end), body.dialect))
        else:
            rows = pa.table({f"c{place}": strings(values) for place, values in enumerate(block.columns)})
            rows = trim_columns(rows) if body.trim else rows
            piece.originals.blocks.append(_BlockTexts(line, data, (0, 0), body.dialect, numbers.tolist(), block.raw))
        piece.bad.extend(row.below(line) for row in block.bad)
        parted = table.part(rows, numbers, piece.raw)
        piece.bad.extend(parted.bad)
        piece.page_headers += parted.page_headers
        check(piece)
        tables.append(parted.rows.append_column("row_number", integers(parted.numbers)))
        piece.blank += block.blank
        piece.comments += block.comments
        line, position = line + block.lines, block.end
        if block.end >= border and block.end < len(data):
            piece.rows = pa.concat_tables(tables)
            yield piece
            if isinstance(data, Mapped):
                data.release(0, block.end)
            piece, tables = TextTable(header, _empty(len(header)), encoding=decoded.encoding), []
            border += size
    piece.rows = pa.concat_tables([piece.rows, *tables])
    yield piece


@dataclass(frozen=True)
class _Body:
    """The records below the header, read block by block."""

    data: Bytes
    columns: int
    dialect: Dialect
    trim: bool

    def blocks(self, start: int, end: int, sizes: Sequence[int]) -> Iterator[BlockRows | CarefulRows]:
        """The records that start between two offsets; the last one may reach beyond ``end``."""
        size, *smaller = sizes
        if self._border(start, end, size) == end:
            yield from self._block(start, end, smaller, self._read(start, end))
            return
        with ThreadPoolExecutor(_WORKERS) as pool:
            position = start
            while position < end:
                ahead = position
                waiting: deque[tuple[int, int, Future[BlockRows | None]]] = deque()
                try:
                    while position == (waiting[0][0] if waiting else ahead) < end:
                        while ahead < end and len(waiting) <= PIECE // size:
                            after = self._border(ahead, end, size)
                            waiting.append((ahead, after, pool.submit(self._read, ahead, after)))
                            ahead = after
                        first, after, reading = waiting.popleft()
                        for block in self._block(first, after, smaller, reading.result()):
                            yield block
                            position = block.end
                finally:
                    # A record reached beyond its block, and what was read ahead starts at none; or the file is refused.
                    for _, _, reading in waiting:
                        reading.cancel()

    def _block(
        self, start: int, end: int, smaller: Sequence[int], block: BlockRows | None
    ) -> Iterator[BlockRows | CarefulRows]:
        """A block as it was read, or, where it has no proof, in smaller ones or by hand."""
        if block:
            yield block
        elif smaller:
            yield from self.blocks(start, end, smaller)
        elif start < end:
            yield read_carefully(self.data, start, end, self.columns, self.dialect)

    def _read(self, start: int, end: int) -> BlockRows | None:
        return read_block(self.data, start, end, self.columns, self.dialect, trim=self.trim)

    def _border(self, start: int, end: int, size: int) -> int:
        """Where a block that starts at ``start`` may end: after a line that closes what it opened, if there is one."""
        data, stop = self.data, start + size
        while stop < end:
            after = self._after_line(start, stop)
            if after:
                break
            stop += stop - start
        else:
            return end
        if not self.dialect.quote:
            return after
        quote = self.dialect.quote.encode()
        border, is_open = after, data.count(quote, start, after) % 2
        while is_open:
            before = self._after_line(start, border - 1)
            if not before:
                return after
            is_open = (is_open + data.count(quote, before, border)) % 2
            border = before
        return border

    def _after_line(self, start: int, stop: int) -> int:
        """Where the last line between two offsets ends; 0 where none does. A CR ends one only where there is no LF."""
        after = self.data.rfind(b"\n", start, stop) + 1
        if not after:
            after = self.data.rfind(b"\r", start, stop) + 1
            if after and self.data[after : after + 1] == b"\n":
                after = self.data.rfind(b"\r", start, after - 1) + 1
        return after


def _empty(columns: int) -> pa.Table:
    return no_rows(columns).append_column("row_number", integers([]))
