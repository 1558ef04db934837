"""Reads a delimited text as one table, for tests that look at all of its records."""

from __future__ import annotations

import pyarrow as pa

from ingest.readers.decoding import Decoded
from ingest.readers.dialect import Dialect
from ingest.readers.text import Originals, TextTable, read_pieces


def read_text(decoded: Decoded, dialect: Dialect) -> TextTable:
    """All records below the header, values as they stand. Raises Problem (without the file's name) for an unreadable
    header."""
    header, pieces = read_pieces(decoded, dialect, trim=False)
    parts = list(pieces)
    return TextTable(
        header=header,
        rows=pa.concat_tables([piece.rows for piece in parts]),
        bad=[row for piece in parts for row in piece.bad],
        blank=sum(piece.blank for piece in parts),
        page_headers=[line for piece in parts for line in piece.page_headers],
        comments=sum(piece.comments for piece in parts),
        encoding=decoded.encoding,
        originals=Originals([block for piece in parts for block in piece.originals.blocks]),
    )
