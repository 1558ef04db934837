"""Marts with a few rows written by hand, as empty tables of the published contract: for statements of the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from dashboards.serve import PROJECT

CONTRACT = PROJECT / "docs" / "reference" / "contract.json"


def marts_of(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> duckdb.DuckDBPyConnection:
    """A database with every mart of the contract; ``rows``: mart -> column -> value, what is left out is null."""
    connection = duckdb.connect()
    connection.execute(
        "create schema marts; create schema meta; create table meta.files (file_id varchar, name varchar)"
    )
    for mart, columns in json.loads(CONTRACT.read_text(encoding="utf-8"))["marts"].items():
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f"create table marts.{mart} ({listed})")
    for mart, given in rows.items():
        for row in given:
            names = ", ".join(f'"{name}"' for name in row)
            places = ", ".join("?" for _ in row)
            connection.execute(f"insert into marts.{mart} ({names}) values ({places})", list(row.values()))
    return connection


def asked(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of a statement, as dicts."""
    found = connection.execute(statement, list(parameters))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
