"""Delimited text without a header: its columns are known by their positions."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.readers.text import Decoded, Dialect, TextTable, header_of, read_text


def read_without_header(decoded: Decoded, dialect: Dialect, names: Mapping[int, str]) -> TextTable:
    """All records of a table without a header, row numbers from 1. ``names``: position from 1 -> name."""
    width = len(header_of(decoded.data, dialect))
    # A header of our own, so that there is one reader of records; it is taken off the numbers again.
    line = dialect.delimiter.join(f"c{place}" for place in range(1, width + 1))
    table = read_text(Decoded(line.encode() + b"\n" + decoded.data, decoded.encoding), dialect)
    table.header = [names.get(place, "") for place in range(1, width + 1)]
    return table
