"""Compound files that lead back to their beginning: what is put together of them stays as small as they are."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from ingest.readers.compound import MARK, names_in
from tests.ingest.workbooks import compound

#: Sectors of so many bytes are the largest.
SHIFT, SIZE = 16, 1 << 16


def hostile(first_more: int, more: int, mini_shift: int, sectors: int) -> bytes:
    """A file of empty sectors of which the first is a table and the folder: each leads to the first one."""
    head = MARK + bytes(24) + struct.pack("<HHH", 0xFFFE, SHIFT, mini_shift) + bytes(10)
    head += struct.pack("<IIIIIIIII", 1, 0, 0, 4096, 0xFFFFFFFE, 0, first_more, more, 0)
    return head.ljust(SIZE * (1 + sectors), b"\0")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(hostile(0xFFFFFFFE, 0, 0, 2), id="a folder that goes on with itself"),
        pytest.param(hostile(0, 0xFFFFFFFF, 6, 120), id="a table of tables that goes on with itself"),
    ],
)
def test_a_chain_that_leads_back_takes_no_more_room_than_the_file(data: bytes) -> None:
    tracemalloc.start()
    try:
        assert names_in(data) == set()
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data)
    finally:
        tracemalloc.stop()


def test_each_stream_is_named() -> None:
    assert names_in(compound(b"", "Book")) == {"Root Entry", "Book"}
