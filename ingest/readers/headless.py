"""Delimited text without a header, whose columns are known by their positions, or with one of several lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest

from forecourt.errors import Problem
from ingest.mapped import Bytes, below
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.decoding import Decoded
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.text import header_of


@dataclass(frozen=True)
class JoinedHeader:
    """Names put together of several lines. ``offset``: where the last of them starts, ``lines``: how many lines stand
    before it, ``first_line``: how the first reads."""

    names: list[str]
    offset: int
    lines: int
    first_line: str


def with_header(
    decoded: Decoded, dialect: Dialect, names: Mapping[int, str], *, are_all: bool = False
) -> tuple[Decoded, list[str]]:
    """The text below a header of our own, so that there is one reader of records, and the names of its columns.

    ``names``: position from 1 -> name; ``are_all``: a row has no other columns, else as many as the first one has.
    Row numbers are one too high then.
    """
    width = max(names) if are_all else len(header_of(decoded.data, dialect))
    places = range(1, width + 1)
    line = dialect.delimiter.join(f"c{place}" for place in places)
    data = below(line.encode() + b"\n", decoded.data)
    return replace(decoded, data=data), [names.get(place, "") for place in places]


def joined_header(data: Bytes, dialect: Dialect, count: int) -> JoinedHeader:
    """The header in the first ``count`` records: each name is what stands in them, one below the other.

    As many columns as the last of them has; one above may be shorter, as titles over groups of columns are. Raises
    Problem where they cannot be read, or where one above names more columns.
    """
    lines = Lines(data)
    records: list[Record] = []
    line = last = 0
    for _ in range(count):
        record = read_record(lines, line, dialect) if lines.has(line) else "the file ends"
        if isinstance(record, str):
            raise Problem(f"line {line + 1}, of the header, cannot be read: {record}. Export the file again.")
        records.append(record)
        last, line = line, record.next_line
    width = len(records[-1].values)
    if any(trimmed(value) for record in records for value in record.values[width:]):
        raise Problem(f"a line above the last of the {count} of the header names more columns. Export the file again.")
    parts = zip_longest(*([trimmed(value) for value in record.values[:width]] for record in records))
    names = [" ".join(filter(None, part)) for part in parts]
    if not any(names):
        raise Problem("the lines of the header are blank. Export the file again.")
    return JoinedHeader(names, lines.start(last), last, lines.between(0, records[0].next_line))
