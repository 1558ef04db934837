"""Delimited text: the fast path and the careful path give the same records, and nothing is lost."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.errors import Problem
from ingest.readers import text
from ingest.readers.block import BlockRows, read_block
from ingest.readers.careful import CarefulRows, read_carefully
from ingest.readers.decoding import decode
from ingest.readers.dialect import Dialect, trimmed
from ingest.readers.text import TextTable, read_pieces
from tests.ingest.readers.whole_text import read_text


def read(data: bytes, dialect: Dialect | None = None) -> TextTable:
    dialect = dialect or Dialect()
    return read_text(decode(data, dialect.encoding), dialect)


def records(table: TextTable) -> list[tuple[Any, ...]]:
    """(row_number, values ...) of every record, surrounding blanks removed."""
    return [
        (row["row_number"], *(row[f"c{place}"].strip(" \t\r\n\u00a0\ufeff") for place in range(len(table.header))))
        for row in table.rows.to_pylist()
    ]


def test_quoted_line_ends_keep_the_first_line_as_row_number() -> None:
    table = read(b'a,b\r\n1,"x\r\ny"\r\n\r\n3,"q""r"')
    assert records(table) == [(2, "1", "x\r\ny"), (5, "3", 'q"r')]
    assert (table.blank, table.raw(2), table.raw(5)) == (1, '1,"x\r\ny"', '3,"q""r"')


def test_old_line_ends_and_utf_16() -> None:
    assert records(read(b"a,b\r1,2\r3,4\r")) == [(2, "1", "2"), (3, "3", "4")]
    table = read("a;b\n1;é\n".encode("utf-16"), Dialect(delimiter=";"))
    assert (records(table), table.encoding) == ([(2, "1", "é")], "utf-16-le")


def test_rows_that_end_in_cr_alone_are_cut_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand: list[int] = []

    def carefully(data: bytes, start: int, end: int, columns: int, dialect: Dialect) -> CarefulRows:
        by_hand.append(end - start)
        return read_carefully(data, start, end, columns, dialect)

    monkeypatch.setattr(text, "BLOCKS", (400, 100))
    monkeypatch.setattr(text, "read_carefully", carefully)
    lines = [f'{number},"Berg, Ann"' for number in range(300)]
    table = read("\r".join(["a,b", *lines, '"1\r2",z', *lines]).encode())
    assert records(table)[299:302] == [(301, "299", "Berg, Ann"), (302, "1\r2", "z"), (304, "0", "Berg, Ann")]
    assert (table.rows.num_rows, table.raw(302), table.raw(603)) == (601, '"1\r2",z', lines[-1])
    assert sum(by_hand) <= 100  # the block that holds a line end in a value


def test_a_source_without_quotes_takes_them_as_characters() -> None:
    assert records(read(b'a\tb\n5" wheel\t"x\n', Dialect(delimiter="\t", quote=""))) == [(2, '5" wheel', '"x')]


def test_an_unclosed_quote_takes_its_line_only() -> None:
    table = read(b'a,b\n1,"x\n2,"y"\n3,z\n4\n5,6,7\n8,"\n')
    assert records(table) == [(3, "2", "y"), (4, "3", "z")]
    assert [(bad.row_number, bad.raw) for bad in table.bad] == [(2, '1,"x'), (5, "4"), (6, "5,6,7"), (7, '8,"')]
    assert table.rows_read == 6


def test_a_file_of_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(Problem, match="line 2 has the byte 0xE9, which is not UTF-8"):
        read(b"a,b\n1,caf\xe9\n")
    with pytest.raises(Problem, match="line 3 has the byte 0xE9"):
        read(b"a,b\r1,2\r1,caf\xe9\r")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", ["utf-8", "cp1252"])
@pytest.mark.parametrize("name", ["Ann", "Zoë", "Ольга"])
def test_utf_16_without_its_mark_is_called_so(name: str, declared: str, encoding: str) -> None:
    data = f"a,b\n1,{name}\n".encode(encoding)
    with pytest.raises(
        Problem, match=rf"looks like UTF-16 without its .* Export it as UTF-8, .* declare {encoding} as"
    ):
        decode(data, declared)
    assert records(read(data, Dialect(encoding=encoding))) == [(2, "1", name)]


def test_a_damaged_text_is_not_called_utf_16() -> None:
    with pytest.raises(Problem, match="line 3 holds a NUL byte"):
        decode(b"a,b\n1,2\n" + b"\0" * 500, "utf-8")


def texts(letters: str, most: int) -> st.SearchStrategy[str]:
    """Texts of these letters, every third of them with the line ends of an old Macintosh alone."""
    mixed, old = (
        st.text(alphabet=st.sampled_from(list(found)), max_size=most) for found in (letters, letters.replace("\n", ""))
    )
    return mixed | mixed | old


CELL = st.text(alphabet=st.sampled_from(list('ab", \n\r;\t\u00a0é')), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6), st.booleans())
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]], windows: bool) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n" if windows else "\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["h", "i"])
    writer.writerows(rows)
    table = read(buffer.getvalue().encode())
    assert not table.bad
    assert [record[1:] for record in records(table)] == [
        tuple(cell.strip(" \t\r\n\u00a0\ufeff") for cell in row) for row in rows
    ]


@settings(max_examples=300, deadline=None)
@given(texts('ab",\n\r ', 40))
def test_both_paths_agree_on_any_text_and_account_for_every_line(body: str) -> None:
    data = b"h,i\n" + body.encode()
    fast = read_block(data, 4, len(data), 2, Dialect())
    slow = read_carefully(data, 4, len(data), 2, Dialect())
    assert slow.end == len(data)
    assert len(slow.raw) == len(slow.row_lines)
    if fast is not None:
        assert fast.bad == slow.bad
        assert [column.to_pylist() for column in fast.values.columns] == slow.columns
        assert (fast.row_lines.tolist(), fast.blank, fast.lines) == (slow.row_lines, slow.blank, slow.lines)


@settings(max_examples=200, deadline=None)
@given(
    texts('ab",\n\r é', 120),
    st.sampled_from([(16,), (64, 16), (32, 8)]),
    st.booleans(),
)
def test_where_blocks_and_pieces_end_changes_nothing(body: str, sizes: tuple[int, ...], trim: bool) -> None:
    data = b"h,i\n" + body.encode()
    whole = read_carefully(data, 4, len(data), 2, Dialect())
    columns = [[trimmed(value) if trim else value for value in column] for column in whole.columns]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text, "BLOCKS", sizes)
        patched.setattr(text, "PIECE", 32)
        pieces = list(read_pieces(decode(data, "utf-8"), Dialect(), trim=trim)[1])
    found = [[], [], []]
    for piece in pieces:
        for place, name in enumerate(("c0", "c1", "row_number")):
            found[place].extend(piece.rows[name].to_pylist())
        assert [piece.raw(number) for number in piece.rows["row_number"].to_pylist()] == [
            whole.raw[whole.row_lines.index(number - 2)] for number in piece.rows["row_number"].to_pylist()
        ]
    assert found == [*columns, [line + 2 for line in whole.row_lines]]
    assert [(bad.row_number, bad.reason, bad.raw) for piece in pieces for bad in piece.bad] == [
        (bad.row_number + 2, bad.reason, bad.raw) for bad in whole.bad
    ]
    assert sum(piece.blank for piece in pieces) == whole.blank


def test_wrong_rows_are_counted_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def check(piece: TextTable) -> None:
        seen.append(len(piece.bad))
        if len(piece.bad) > 20:
            raise Problem("too many")

    monkeypatch.setattr(text, "BLOCKS", (64, 16))
    with pytest.raises(Problem, match="too many"):
        list(read_pieces(decode(b"a,b\n" + b'"\n' * 10_000, "utf-8"), Dialect(), trim=True, check=check)[1])
    assert seen[0] > 0
    assert seen[-1] < 40


def test_a_file_that_is_refused_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(data: bytes, start: int, *given: Any, **named: Any) -> BlockRows | None:
        read.append(start)
        return read_block(data, start, *given, **named)

    def check(piece: TextTable) -> None:
        raise Problem("too many")

    monkeypatch.setattr(text, "BLOCKS", (64,))
    monkeypatch.setattr(text, "read_block", counted)
    with pytest.raises(Problem, match="too many"):
        list(read_pieces(decode(b"a,b\n" + b"1\n" * 100_000, "utf-8"), Dialect(), trim=True, check=check)[1])
    assert 0 < len(read) < 1_500  # of 3,125 blocks


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_problem(data: bytes) -> None:
    try:
        table = read(b"a,b\n" + data)
    except Problem:
        return
    assert table.rows_read >= table.rows.num_rows
