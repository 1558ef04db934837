"""Where another table begins right below the rows: its header is found wherever the blocks of the file end."""

from __future__ import annotations

import pytest

from ingest.readers import text
from ingest.readers.decoding import decode
from ingest.readers.dialect import Dialect
from ingest.readers.text import read_pieces

ROWS = b"".join(b"p%d,2026-03-%02d,%d\n" % (day, day, day * 7) for day in range(1, 29))


def read(body: bytes, header: bytes = b"place,day,cars", *, is_ours: bool = False) -> tuple[int, list[tuple[int, str]]]:
    """How many rows are read, and the line and reason of each that is withheld."""
    data = header + b"\n" + body
    _, pieces = read_pieces(decode(data, "utf-8"), Dialect(), trim=True, is_ours=is_ours)
    found = list(pieces)
    return sum(piece.rows.num_rows for piece in found), [(bad.row_number, bad.reason) for p in found for bad in p.bad]


@pytest.mark.parametrize("sizes", [(2 << 20,), (400, 100), (64, 16)], ids=["whole", "blocks", "small"])
@pytest.mark.parametrize(
    ("below", "count", "reason"),
    [
        pytest.param(b"brand,year,sold\nVega,2025,9\n", 2, "has words where all rows above have figures", id="words"),
        pytest.param(b"brand,sold,\nVega,9,\n", 2, "has words where all rows above have figures", id="narrower"),
        pytest.param(
            b"place,2026-03-01,2\nplace,day,2\nVega,2025,9\n", 2, "repeats names of the header", id="some names"
        ),
        pytest.param(b"place,day,sold\nVega,2025,9\n", 2, "repeats names of the header", id="names"),
        pytest.param(b"Vega,unknown,unknown\nLyra,2026-04-01,1\n", 0, "", id="one word for several values"),
        pytest.param(b"Vega,kind,Price on request\nLyra,2026-04-01,1\n", 0, "", id="a price that is not told"),
        pytest.param(b"Vega,unknown,5\nLyra,2026-04-01,1\n", 0, "", id="a word beside a figure"),
        pytest.param(b"Vega,ab12-c4,4d-ef\nLyra,2026-04-01,1\n", 0, "", id="codes"),
    ],
)
def test_a_header_of_another_table_ends_the_table(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], below: bytes, count: int, reason: str
) -> None:
    monkeypatch.setattr(text, "BLOCKS", sizes)
    lines = len(ROWS.splitlines()) + len(below.splitlines()) + 1
    first = lines - count + 1
    rows, bad = read(ROWS + below)
    assert (rows, [line for line, _ in bad]) == (lines - 1 - count, list(range(first, lines + 1)))
    assert all(f"line {first} {reason}" in said for _, said in bad)


def test_a_row_of_words_with_an_empty_value_that_the_next_row_has_is_a_row() -> None:
    assert read(ROWS + b"Vega,new,\nLyra,2026-04-01,1\n") == (30, [])


def test_codes_below_one_row_are_values() -> None:
    assert read(b"red,#7F3B08\nblue,#A50026\n", b"name,colour") == (2, [])
    assert read(b"Nord,1\nbrand,sold\nVega,9\n", b"place,cars")[0] == 1


def test_names_tell_where_no_column_has_figures() -> None:
    rows, bad = read(b"Nord,new\nEast,kind\nbrand,kind\nVega,new\n", b"place,kind")
    # East of a kind that is called like its column: half of a record's values are enough.
    assert (rows, [line for line, _ in bad]) == (1, [3, 4, 5])


def test_names_that_are_figures_tell_too() -> None:
    years = b"place,2024,2025"
    assert [line for line, _ in read(b"Nord,1,2\nEast,3,4\nbrand,2024,2025\nVega,5,6\n", years)[1]] == [4, 5]


def test_a_column_with_many_words_hides_no_header() -> None:
    body = b"".join(b"p%d,%s\n" % (row, b"7" if 300 < row < 340 or row % 3 == 0 else b"open") for row in range(600))
    lines = body.splitlines(keepends=True)
    rows, bad = read(b"".join([*lines[:335], b"brand,year\n", *lines[335:]]), b"place,cars")
    assert (rows, len(bad), bad[0][0]) == (335, 266, 337)


def test_a_file_of_our_own_holds_one_table() -> None:
    assert read(ROWS + b"brand,year,sold\nVega,2025,9\n", is_ours=True) == (30, [])
