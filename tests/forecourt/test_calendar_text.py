"""Days and times at the edges of what Python holds: the last that stay, the first that become text."""

from __future__ import annotations

import duckdb
import pytest

from forecourt.calendar_text import readable


@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        ("date '9999-12-31'", "date '10000-01-01'"),
        ("date '0001-01-01'", "date '0001-12-31 (BC)'"),
        ("timestamp '9999-12-31 23:59:59.999999'", "timestamp '10000-01-01 00:00:00'"),
        ("timestamp_s '0001-01-01 00:00:00'", "timestamp_s '0001-12-31 (BC) 23:59:59'"),
        ("timestamptz '9999-12-31 23:59:59+00'", "timestamptz '10000-01-01 00:00:00+00'"),
        ("timestamp_ns '2262-04-11 23:47:16.854775806'", "timestamp_ns 'infinity'"),
        ("time '23:59:59.999999'", "time '24:00:00'"),
        ("[date '2026-01-01', null]", "[date '2026-01-01', date 'infinity']"),
        ("{'a': [{'b': time '12:00:00'}]}", "{'a': [{'b': time '24:00:00'}]}"),
        ("map {'k': date '2026-01-01'}", "map {'k': date '-infinity'}"),
    ],
)
def test_a_column_becomes_text_at_the_edge_and_not_before(inside: str, beyond: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.sql(f"select {inside} as x union all select null").to_arrow_table()
        assert readable(rows) == (rows, [])
        assert rows.to_pylist()[1] == {"x": None}
        rows = connection.sql(f"select 1 as n, {beyond} as x union all select 2, null order by n").to_arrow_table()
        ((text,),) = connection.sql(f"select ({beyond})::varchar").fetchall()
    shown, named = readable(rows)
    assert named == ["x"]
    assert shown.to_pylist() == [{"n": 1, "x": text}, {"n": 2, "x": None}]
