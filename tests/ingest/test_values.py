"""Text becomes a value only when it is exactly of its type."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.values import Spelling, clock_changes, contradicts_order, native_form, prepare, typed

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        prepare(made)
        yield made


def value(connection: duckdb.DuckDBPyConnection, kind: str, text: str, spelling: Spelling | None = None) -> str:
    expression = typed(kind, native_form(kind, "x", spelling or Spelling()), "'Europe/London'")
    return str(connection.execute(f"select ({expression})::varchar from (select ? as x)", [text]).fetchall()[0][0])


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("money", "12.5", "12.50"),
        ("money", "-12.500", "-12.50"),
        ("money", "12.505", "None"),
        ("money", "1e3", "None"),
        ("money", "1,200.00", "None"),
        ("money", "+5", "None"),
        ("money", ".5", "None"),
        ("money", "99999999999999999", "None"),
        ("number", "0.123456", "0.123456"),
        ("number", "0.1234567", "None"),
        ("integer", "007", "7"),
        ("integer", "3.0", "None"),
        ("boolean", "YES", "true"),
        ("boolean", "0", "false"),
        ("boolean", "y", "None"),
        ("date", "2026-02-28", "2026-02-28"),
        ("date", "2026-02-30", "None"),
        ("date", "28/02/2026", "None"),
        ("date", "2026-02-28T00:00", "None"),
        ("instant", "2026-07-01T10:00", "2026-07-01 09:00:00"),
        ("instant", "2026-07-01 10:00:00.25Z", "2026-07-01 10:00:00.25"),
        ("instant", "2026-07-01T10:00:00+0530", "2026-07-01 04:30:00"),
        ("instant", "2026-07-01", "2026-06-30 23:00:00"),
        ("instant", "2026-07-01T10", "None"),
        ("instant", "2026-07-01T10:00:00.1234567", "None"),
        ("instant", "2026-10-25T01:30", "2026-10-25 00:30:00"),
        ("instant", "2026-03-29T01:30", "2026-03-29 01:30:00"),
        ("text", "", "None"),
    ],
)
def test_native_values(connection: duckdb.DuckDBPyConnection, kind: str, text: str, expected: str) -> None:
    assert value(connection, kind, text) == expected


FRENCH = tuple(
    tuple(words.split("|"))
    for words in (
        "janvier|janv", "février|févr", "mars", "avril|avr", "mai", "juin", "juillet|juil", "août", "septembre|sept",
        "octobre|oct", "novembre|nov", "décembre|déc",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "spelling", "expected"),
    [
        ("money", "1,234.50", Spelling(thousands=","), "1234.50"),
        ("money", "1,23", Spelling(thousands=","), "None"),
        ("money", "1.234,50", Spelling(decimal=",", thousands="."), "1234.50"),
        ("money", "CHF 1'234.50", Spelling(thousands="'", currency="CHF"), "1234.50"),
        ("money", "1’234.50", Spelling(thousands="’"), "1234.50"),
        ("money", "1234.50", Spelling(decimal=",", thousands="."), "None"),
        ("money", "$5.00", Spelling(currency="$"), "5.00"),
        ("money", "($1,234.50)", Spelling(thousands=",", currency="$", negative="brackets"), "-1234.50"),
        ("money", "(5)", Spelling(), "None"),
        ("money", "(-5)", Spelling(negative="brackets"), "None"),
        ("money", "1.234,50-", Spelling(decimal=",", thousands=".", negative="behind"), "-1234.50"),
        ("money", "-5-", Spelling(negative="behind"), "None"),
        ("date", "3 août 2026", Spelling(patterns=("%d %b %Y",), months=FRENCH), "2026-08-03"),
        ("date", "3 Août 2026", Spelling(patterns=("%d %b %Y",), months=FRENCH), "2026-08-03"),
        ("date", "3 mai 2026", Spelling(patterns=("%d %b %Y",), months=FRENCH), "2026-05-03"),
        ("date", "3 maire 2026", Spelling(patterns=("%d %b %Y",), months=FRENCH), "None"),
        (
            "instant",
            "3 févr. 2026 à 9h05",
            Spelling(patterns=("%d %b. %Y à %Hh%M",), months=FRENCH),
            "2026-02-03 09:05:00",
        ),
        ("date", "45383", Spelling(patterns=("excel",)), "2024-04-01"),
        ("instant", "45383.5", Spelling(patterns=("excel",)), "2024-04-01 11:00:00"),
        ("instant", "1711972800", Spelling(patterns=("unix",)), "2024-04-01 12:00:00"),
        ("instant", "1711972800250", Spelling(patterns=("unix_ms",)), "2024-04-01 12:00:00.25"),
        ("instant", "1711972800250", Spelling(patterns=("unix",)), "None"),
        ("instant", "9" * 30, Spelling(patterns=("unix", "unix_ms", "excel")), "None"),
        ("date", "2/3/2026", Spelling(dates="mdy"), "2026-02-03"),
        ("date", "2/3/2026", Spelling(dates="dmy"), "2026-03-02"),
        ("date", "2026-02-03", Spelling(dates="mdy"), "2026-02-03"),
        ("instant", "2/3/2026 9:05", Spelling(dates="mdy"), "2026-02-03 09:05:00"),
        ("instant", "02.03.2026T09:05:07", Spelling(dates="dmy"), "2026-03-02 09:05:07"),
        ("instant", "02.03.2026", Spelling(dates="mdy"), "2026-02-03 00:00:00"),
        ("instant", "2/3/2026 9:05 PM", Spelling(dates="mdy"), "2026-02-03 21:05:00"),
        ("instant", "2/3/2026 12:05:07 a.m.", Spelling(dates="mdy"), "2026-02-03 00:05:07"),
        ("instant", "02.03.2026 12:05PM", Spelling(dates="dmy"), "2026-03-02 12:05:00"),
        ("instant", "2/3/2026 9:05\u202fPM", Spelling(dates="mdy"), "2026-02-03 21:05:00"),
        ("instant", "2026/2/3 1:05 pm", Spelling(dates="ymd"), "2026-02-03 13:05:00"),
        ("instant", "2/3/2026 13:05 PM", Spelling(dates="mdy"), "None"),
        ("instant", "2/31/2026 1:05 PM", Spelling(dates="mdy"), "None"),
        ("instant", "2/3/2026 PM", Spelling(dates="mdy"), "None"),
        ("instant", "2026/02/03 09:05", Spelling(dates="ymd"), "2026-02-03 09:05:00"),
        ("instant", "2026/2/13", Spelling(dates="ymd"), "2026-02-13 00:00:00"),
        ("instant", "31/02/2026 09:05", Spelling(dates="dmy"), "None"),
    ],
)
def test_declared_spellings(
    connection: duckdb.DuckDBPyConnection, kind: str, text: str, spelling: Spelling, expected: str
) -> None:
    assert value(connection, kind, text, spelling) == expected


@pytest.mark.parametrize(
    ("text", "contradicts"),
    [("13/2/2026", True), ("2/13/2026", False), ("13/13/2026", False), ("13/2/2026 1:05 PM", True)],
)
def test_a_day_in_the_place_of_the_month_contradicts(
    connection: duckdb.DuckDBPyConnection, text: str, contradicts: bool
) -> None:
    query = f"select {contradicts_order('x', Spelling('mdy'))} from (select ? as x)"
    assert connection.execute(query, [text]).fetchall() == [(contradicts,)]


def test_local_instants_are_those_of_zoneinfo(connection: duckdb.DuckDBPyConnection) -> None:
    """The first of an ambiguous hour, shifted forward over a missing one: what zoneinfo gives with fold 0."""
    source = random.Random(1)
    for zone in ZONES:
        near = [
            start + timedelta(minutes=source.randrange(-120, 180))
            for start, _, _ in clock_changes(zone)
            if 1995 <= start.year <= 2037
        ]
        anywhere = [
            datetime.fromisoformat("2000-01-01") + timedelta(minutes=source.randrange(14_000_000)) for _ in range(50)
        ]
        for local in near + anywhere:
            expected = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
            found = connection.execute("select local_to_utc(?, ?::timestamp)", [zone, local]).fetchall()[0][0]
            assert found == expected, f"{zone} {local}"


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=-(10**13), max_value=10**13, places=2))
def test_money_never_passes_through_a_float(number: object) -> None:
    with duckdb.connect() as connection:
        found = connection.execute(f"select ({typed('money', 'x')})::varchar from (select ? as x)", [f"{number:f}"])
        assert found.fetchall() == [(f"{number:f}",)] or str(number).startswith("-0.00")
