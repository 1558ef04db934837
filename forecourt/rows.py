"""Rows of Python as a table of a database file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa


def write_rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Makes a table anew. ``columns``: name -> SQL type; a row has a value for each of them, in their order."""
    definition = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f"create or replace table {table} ({definition})")
    if rows:
        # By columns, because a statement for each row takes minutes over calendars and contacts.
        columnwise = zip(*rows, strict=True)
        given = pa.table({name: list(values) for name, values in zip(columns, columnwise, strict=True)})
        connection.register("given", given)
        connection.execute(f"insert into {table} select * from given")
        connection.unregister("given")
