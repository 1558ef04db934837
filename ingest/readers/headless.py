"""Delimited text without a header: its columns are known by their positions."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.readers.text import Decoded, Dialect, header_of


def with_header(decoded: Decoded, dialect: Dialect, names: Mapping[int, str]) -> tuple[Decoded, list[str]]:
    """The text below a header of our own, so that there is one reader of records, and the names of its columns.

    ``names``: position from 1 -> name. Row numbers are one too high then.
    """
    places = range(1, len(header_of(decoded.data, dialect)) + 1)
    line = dialect.delimiter.join(f"c{place}" for place in places)
    return Decoded(line.encode() + b"\n" + decoded.data, decoded.encoding), [names.get(place, "") for place in places]
