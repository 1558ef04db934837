"""A small published file made by hand: the marts a test names and the tables of ``meta`` that KPIs read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.door import Warehouse
from forecourt.metrics import Metric

WarehouseOf = Callable[..., Warehouse]


@pytest.fixture
def warehouse_of(tmp_path: Path) -> WarehouseOf:
    def make(
        marts: str,
        *,
        policies: Sequence[tuple[str, str, date, date | None]] = (),
        targets: Sequence[tuple[str, str | None, date, float]] = (),
        freshness: Sequence[tuple[str, str | None, date | None]] = (),
        metrics: Sequence[Metric] = (),
        path: Path | None = None,
    ) -> Warehouse:
        file = path or tmp_path / "run1.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema marts; create schema meta")
            connection.execute(
                """
                create table meta.policies (key varchar, value varchar, valid_from date, valid_to date);
                create table meta.targets (kpi varchar, rooftop varchar, valid_from date, value decimal(18, 6));
                create table meta.freshness (
                    feed varchar, rooftop varchar, exported_at timestamp, data_through date
                );
                create table meta.metrics (name varchar, spec varchar);
                create table meta.check_results (name varchar, outcome varchar);
                create table meta.files (
                    name varchar, status varchar, rows_read bigint, rows_quarantined bigint
                );
                create table meta.quarantine (feed varchar, reason_code varchar, status varchar);
                """
            )
            fill(connection, "meta.policies", policies)
            fill(connection, "meta.targets", targets)
            fill(connection, "meta.freshness", [(feed, place, None, day) for feed, place, day in freshness])
            fill(connection, "meta.metrics", [(metric.name, metric.to_json()) for metric in metrics])
            connection.execute(marts)
        return Warehouse(file)

    return make


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    for row in rows:
        connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))
