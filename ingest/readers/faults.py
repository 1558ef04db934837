"""Bytes in a text that are in no encoding, such as half a letter where a program cut a value by its length.

Where they stand in a few lines, the others are read and these are withheld. Only UTF-8 tells that: of a text in a
single-byte encoding hardly a byte is wrong, whatever letters were meant.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import pyarrow as pa

from ingest.mapped import Bytes

#: Stands for such bytes: no text has this character.
FAULT = "\uffff"
#: For so many lines with letters beyond ASCII one may be faulty.
_SOUND = 10
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_LINE_END = re.compile(rb"[\r\n]")
#: How decoders call what puts the mark in the place of wrong bytes.
HANDLER = "forecourt-fault"


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return FAULT, error.end


codecs.register_error(HANDLER, _mark)


def lines_beyond_ascii(data: Bytes) -> Iterator[bytes]:
    """The lines that have letters beyond ASCII, in time that grows with the data alone, however long a line is."""
    position = 0
    while found := _BEYOND_ASCII.search(data, position):
        start = max(data.rfind(mark, position, found.start()) for mark in (b"\n", b"\r")) + 1 or position
        end = _LINE_END.search(data, found.end())
        position = end.start() if end else len(data)
        yield data[start:position]


def has_few_faults(data: Bytes) -> bool:
    """True for a text in UTF-8 but for a few lines."""
    sound = faulty = 0
    for line in lines_beyond_ascii(data):
        try:
            line.decode("utf-8")
            sound += 1
        except UnicodeDecodeError:
            faulty += 1
            if faulty > 100 and faulty * _SOUND > sound:
                return False
    return bool(faulty) and faulty * _SOUND <= sound


def faulty_rows(rows: pa.Table) -> list[int]:
    """The places of the records in which such bytes stand."""
    import pyarrow.compute as pc  # Here, because it takes a tenth of a second and few files need it.

    found: set[int] = set()
    for name in rows.column_names:
        if name.startswith("c"):
            found.update(pc.indices_nonzero(pc.match_substring(rows.column(name), FAULT)).to_pylist())
    return sorted(found)
