"""The feed contract is whole: every column is typed and lies in its landing table."""

from __future__ import annotations

import duckdb
import pytest

from ingest.contract import VERSION_COLUMNS, create_schema, load_feeds


@pytest.mark.parametrize("feed", load_feeds())
def test_no_canonical_column_has_the_name_of_a_technical_one(feed: str) -> None:
    assert not load_feeds()[feed].all_columns.keys() & VERSION_COLUMNS.keys()


def test_landing_tables_follow_the_contract() -> None:
    with duckdb.connect() as connection:
        create_schema(connection)
        create_schema(connection)
        for feed in load_feeds().values():
            found = connection.execute(f"select column_name, column_type from (describe {feed.table})").fetchall()
            assert [name for name, _ in found] == [*feed.all_columns, *VERSION_COLUMNS]
            types = dict(found)
            for column in feed.all_columns.values():
                assert types[column.name].replace(",", ", ").lower() == column.sql_type


def test_keys_are_columns_and_required_unless_they_are_a_rooftop() -> None:
    for feed in load_feeds().values():
        for name in feed.key:
            assert feed.columns[name].required or name == "rooftop", f"{feed.name}.{name}"
