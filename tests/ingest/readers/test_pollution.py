"""One small file for each way in which files are written wrongly, with what must become of each line."""

from __future__ import annotations

import pytest

from forecourt.errors import Problem
from ingest.readers import foot
from ingest.readers.decoding import decode
from ingest.readers.dialect import Dialect
from ingest.readers.foot import find_foot
from tests.ingest.readers.whole_text import read_text

HEADER = b"id,name,price\n"

ONE_VALUE = "it has 1 value where the header has 3 columns; a note can be declared as footer or comment of its source"


def read(data: bytes, dialect: Dialect | None = None) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
    """The rows as they stand, and line and reason of each that is withheld."""
    dialect = dialect or Dialect()
    table = read_text(decode(data, dialect.encoding), dialect)
    columns = [table.rows[f"c{place}"].to_pylist() for place in range(len(table.header))]
    return list(zip(*columns, strict=True)), sorted((bad.row_number, bad.reason) for bad in table.bad)


RAGGED = "it has {} values where the header has 3 columns"
OPEN = "a quoted value is never closed"
INSIDE = "a quote stands inside a value that is not quoted"
AGAIN = "line 5 repeats the header, so another table may begin there"
AFTER = "a quoted value goes on after its closing quote"


@pytest.mark.parametrize(
    ("body", "rows", "withheld"),
    [
        pytest.param(b"1,Ann,5\n2,Bea\n3,Carl,7", ["1 Ann 5", "3 Carl 7"], [(3, RAGGED.format(2))],
                     id="less separators"),
        pytest.param(b"1,Ann,5,\n2,Bea,6\n", ["2 Bea 6"], [(2, RAGGED.format(4))], id="more separators"),
        pytest.param(b"1 Ann 5\n2,Bea,6\n", ["2 Bea 6"], [(2, ONE_VALUE)],
                     id="another separator in one row"),
        pytest.param(b'1,"Ann,5\n2,Bea,6\n', ["2 Bea 6"], [(2, OPEN)], id="unclosed quote"),
        pytest.param(b'1,An"n,5\n2,Bea,6\n', ["2 Bea 6"], [(2, INSIDE)], id="quote inside a value"),
        pytest.param(b'1,"An"n,5\n2,Bea,6\n', ["2 Bea 6"], [(2, AFTER)], id="text after a quote"),
        pytest.param(b'1,""Ann"",5\n2,Bea,6\n', ["2 Bea 6"], [(2, AFTER)], id="two quotes for one"),
        pytest.param(b'1, "Ann",5\n2,Bea,6\n', ["2 Bea 6"], [(2, INSIDE)], id="blank before a quote"),
        pytest.param(b"1,Ann,5\r2,Bea,6\r", ["1 Ann 5", "2 Bea 6"], [], id="old line ends below a new one"),
        pytest.param(b"1,Ann,5\r\n2,Bea,6\n3,Carl,7\r\n", ["1 Ann 5", "2 Bea 6", "3 Carl 7"], [], id="mixed line ends"),
        pytest.param(b"1,Ann,5\n\n\n2,Bea,6", ["1 Ann 5", "2 Bea 6"], [], id="blank lines, no line end at the end"),
        pytest.param(b'"id",name,price\n1,Ann,5\n', ["1 Ann 5"], [(2, "it repeats the header")], id="header twice"),
        pytest.param(b"1,Ann,5\nid,name,price\n2,Bea,6\n", ["1 Ann 5", "2 Bea 6"], [], id="header of a page"),
        pytest.param(
            b'1,Ann,5\nid,name,price\n2,Bea,6\nid,"name",price\n3,Carl,7\n4,"Dora\n',
            ["1 Ann 5", "2 Bea 6"],
            [(5, AGAIN), (6, AGAIN), (7, OPEN)],
            id="a second table with the same header",
        ),
        pytest.param(b"1,Ann,5\n\nplace,total\nnorth,5\n", ["1 Ann 5"], [(4, RAGGED.format(2)), (5, RAGGED.format(2))],
                     id="a second table with fewer columns"),
        pytest.param(b"1,Ann,5\nSource: our CRM\n", ["1 Ann 5"], [(3, ONE_VALUE)],
                     id="a footnote"),
        pytest.param(b'1,"a\nb",5\n2,"c""d",6\n', ["1 a\nb 5", '2 c"d 6'], [], id="line end and quote in a value"),
    ],
)  # fmt: skip
def test_every_line_is_read_as_it_is_or_withheld(body: bytes, rows: list[str], withheld: list[tuple[int, str]]) -> None:
    found, bad = read(HEADER + body)
    assert ([" ".join(row) for row in found], bad) == (rows, withheld)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Report of May,,\nid,name\n1,Ann\n", "it has 2 values where the header has 3 columns"),
        (b"Leads\nid,name,price\n1,Ann,5\n", "it has 3 values where the header has 1 column"),
    ],
)
def test_a_preamble_that_is_not_declared_withholds_the_rows_below(data: bytes, reason: str) -> None:
    rows, bad = read(data)
    assert rows == []
    assert {said for _, said in bad} == {reason}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\n\nid,name\n1,Ann\n", "line 1 is blank where the header should stand"),
        (b'id,"name\n1,Ann\n', "line 1, the header, cannot be read: a quoted value is never closed"),
        (HEADER + b"1,A\0nn,5\n", "line 2 holds a NUL byte"),
        (HEADER + b"1,Ann,5\n2,B\xe9a,6\n", "line 3 has the byte 0xE9, which is not UTF-8"),
        (b"id\x1fname\x1e1\x1fAnn\x1e", "its records end in the control mark U\\+001E"),
        (b"\xff\xfei\0d\0,\0n\0\n\0\0\xd8x\0,\0", "is not UTF-16-LE"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_with_its_line(data: bytes, reason: str) -> None:
    with pytest.raises(Problem, match=reason):
        read(data)


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read(b"\xef\xbb\xbfid,name\n1,Ann\n") == ([("1", "Ann")], [])


@pytest.mark.parametrize(
    ("data", "dialect", "row"),
    [
        (b"id;name\n1;a,b\n", Dialect(delimiter=";"), ("1", "a,b")),
        (b"id\tname\n1\t\n", Dialect(delimiter="\t"), ("1", "")),
        (b"id\tname\n\t\n", Dialect(delimiter="\t"), ("", "")),
        (b"id, name\n1, a,b\n", Dialect(delimiter=", "), ("1", "a,b")),
        (b"id,name\n1,'it''s, so'\n", Dialect(quote="'"), ("1", "it's, so")),
        (b'id,name\n1,"a \\"b\\" \\\\"\n', Dialect(escape="\\"), ("1", 'a "b" \\')),
        (b'id,name\n1,a "b"\n', Dialect(quote=""), ("1", 'a "b"')),
        ("id,name\n1,š€\n".encode("iso8859-15"), Dialect(encoding="iso8859-15"), ("1", "š€")),
    ],
)
def test_what_a_source_declares_is_followed(data: bytes, dialect: Dialect, row: tuple[str, ...]) -> None:
    assert read(data, dialect) == ([row], [])


def test_an_escape_mark_before_an_ordinary_character_is_not_guessed() -> None:
    rows, bad = read(b'id,name\n1,"a\\nb"\n2,c\n', Dialect(escape="\\"))
    assert rows == [("2", "c")]
    assert bad == [(2, "the escape mark \\ stands before a character that needs none")]


def test_what_stands_below_a_table_is_withheld_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = HEADER + b"1,Ann,5\n" * 9 + b'\n,x,y\n,"v\nw",z\n\n,only\n,u,"' + b",a,b\n" * 20
    whole = find_foot(data, Dialect(), 0)
    monkeypatch.setattr(foot, "_BLOCK", 7)
    told: list[int] = []
    found = find_foot(data, Dialect(), 0, check=lambda withheld: told.append(len(withheld)))
    assert whole
    assert found
    assert (found.start, found.skipped) == (whole.start, whole.skipped)
    assert sorted(found.withheld, key=lambda bad: bad.row_number) == sorted(
        whole.withheld, key=lambda bad: bad.row_number
    )
    assert told == sorted(told)
    assert (told[0], told[-1], len(told) > 10) == (2, 23, True)


@pytest.mark.parametrize("declared", [1, "^Total"])
def test_a_declared_note_is_the_last_line_however_short_the_rows_are(declared: int | str) -> None:
    data = b"id,n\n" + b"1,2\n" * 5_000 + b"Total: 5000\n"
    found = find_foot(data, Dialect(), declared)
    assert found
    assert data[found.start :] == b"Total: 5000\n"
    assert found.skipped == {"row below the table": 1}
