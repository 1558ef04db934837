"""Delimited text of any dialect and any dirt against a second reader of a few lines: what lands is what that one reads.

The second reader is one regular expression for a record. It knows nothing of blocks, proofs and parsers, nor of what
may be withheld besides: a row that it reads either lands, equal in every value, or is withheld with a reason.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from forecourt.settings_file import load_settings
from ingest.readers import text
from ingest.readers.dialect import Dialect, trimmed
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import read_source
from ingest.sources import Source

SETTINGS = load_settings(Path("absent.toml"))
Row = tuple[str, ...]

DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from((",", ";", "\t", "||", ", ", "¦")),
    quote=st.sampled_from(('"', '"', "'", "")),
    escape=st.sampled_from(("", "", "\\")),
    comment=st.sampled_from(("", "", "#")),
)


def reference(body: str, columns: int, dialect: Dialect) -> tuple[dict[int, Row], set[int]]:
    """Line -> row, and the lines that are no records; lines count from 1."""
    mark, quote, escape = re.escape(dialect.delimiter), re.escape(dialect.quote), re.escape(dialect.escape)
    meant = f"{escape}(?:{mark}{'|' + quote if quote else ''}|{escape})" if escape else "(?!)"
    bare = rf"(?:{meant}|(?!{mark})[^\r\n{quote}{escape}])*"
    quoted = rf"{quote}(?:[^{quote}{escape}]|{quote}{quote}{f'|{escape}[{quote}{escape}]' if escape else ''})*{quote}"
    value = f"(?:{quoted}|{bare})" if quote else f"(?:{bare})"
    record = re.compile(rf"{value}(?:{mark}{value})*(?=\r|\n|\Z)")
    values = re.compile(rf"(?:\A|{mark})({value})")
    rows, others = {}, set()
    position, line = 0, 1
    while position < len(body):
        end = re.compile(r"\r\n|\n|\r|\Z").search(body, position)
        assert end
        whole = body[position : end.start()]
        found = record.match(body, position)
        is_blank = not trimmed(whole) and dialect.delimiter not in whole
        if is_blank or (dialect.comment and whole.startswith(dialect.comment)):
            pass
        elif found and len(cut := [plain(value, dialect) for value in values.findall(found[0])]) == columns:
            rows[line] = tuple(cut)
            end = re.compile(r"\r\n|\n|\r|\Z").match(body, found.end())
            assert end
        else:
            others.add(line)
        line += len(re.findall(r"\r\n|\n|\r", body[position : end.end()]))
        position = max(end.end(), position + 1)
    return rows, others


def plain(value: str, dialect: Dialect) -> str:
    """A value without what marks it."""
    quote, escape = dialect.quote, dialect.escape
    if quote and value.startswith(quote):
        meant = f"{quote}({quote})" + (f"|{re.escape(escape)}([{quote}{re.escape(escape)}])" if escape else "")
        value = re.sub(meant, lambda found: found[1] or found[2], value[1:-1])
    elif escape:
        marks = "|".join(re.escape(mark) for mark in (dialect.delimiter, quote, escape) if mark)
        value = re.sub(f"{re.escape(escape)}({marks})", r"\1", value)
    return trimmed(value)


def quoted(value: str, dialect: Dialect) -> str:
    """A value between quotes, as a program writes it."""
    value = value.replace(dialect.escape, dialect.escape * 2) if dialect.escape else value
    return f"{dialect.quote}{value.replace(dialect.quote, dialect.quote * 2)}{dialect.quote}"


def source_of(dialect: Dialect) -> Source:
    said = {
        "description": "any text",
        "header": ["h1", "h2"],
        "delimiter": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "comment": dialect.comment,
        "feeds": {
            "portal_listings": {
                "columns": {"rooftop": {"const": "R1"}, "portal": {"const": "x"}, "listing_id": {"digest": ["h1"]}}
            }
        },
    }
    return read_source("any", yaml.safe_dump(said, allow_unicode=True), "any.yml")


@settings(max_examples=250, deadline=None)
@given(data=st.data(), dialect=DIALECTS, width=st.integers(2, 4))
def test_what_lands_is_what_a_second_reader_reads(data: st.DataObject, dialect: Dialect, width: int) -> None:
    alphabet = "ab1 é\n\r" + dialect.delimiter + dialect.quote + dialect.escape + dialect.comment
    cell = st.text(alphabet, max_size=5)
    written = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=8))
    body = ""
    for row in written:
        cells = [quoted(value, dialect) if dialect.quote and data.draw(st.booleans()) else value for value in row]
        body += dialect.delimiter.join(cells) + data.draw(st.sampled_from(("\n", "\n", "\r\n", "\r")))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(body)))
        body = body[:place] + data.draw(st.text(alphabet, max_size=2)) + body[place + data.draw(st.integers(0, 2)) :]
    header = dialect.delimiter.join(f"h{place + 1}" for place in range(width))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text, "BLOCKS", (64, 16))
        found = read_rows(
            recognise("any.csv", f"{header}\n{body}".encode(), lambda: {"any": source_of(dialect)}), SETTINGS
        )
        landed = {}
        for batch in found.taken():
            for row in batch.rows.to_pylist():
                landed[row["row_number"] - 1] = tuple(row[f"c{place}"] for place in range(width))
    rows, others = reference(body, width, dialect)
    withheld = {bad.row_number - 1 for bad in found.bad}
    # A line that is part of a withheld record is withheld with it.
    parts = {
        bad.row_number - 1 + place
        for bad in found.bad
        for place in range(1, len(re.findall(r"\r\n|\n|\r", bad.raw)) + 1)
    }
    assert landed == {line: row for line, row in rows.items() if line in landed}
    # A row without any value may be passed over as an empty line below the table.
    assert others <= withheld | parts
    assert {line for line, row in rows.items() if any(row)} <= landed.keys() | withheld | parts
    assert found.rows_read == len(landed) + len(found.bad) + sum(found.skipped.values())
