"""A small published file made by hand (the marts a test names, the tables of ``meta`` that KPIs read), and a small
project that dbt really builds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.build import PROJECT
from forecourt.door import Warehouse
from forecourt.home import Home
from forecourt.metrics import Metric
from ingest.contract import create_schema

WarehouseOf = Callable[..., Warehouse]


@pytest.fixture
def warehouse_of(tmp_path: Path) -> WarehouseOf:
    def make(
        marts: str,
        *,
        policies: Sequence[tuple[str, str, date, date | None]] = (),
        targets: Sequence[tuple[str, str | None, date, float]] = (),
        benchmarks: Sequence[tuple[str, float, str, date]] = (),
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
                create table meta.benchmarks (kpi varchar, value decimal(18, 6), source varchar, "on" date);
                create table meta.freshness (
                    feed varchar, rooftop varchar, exported_at timestamp, data_through date
                );
                create table meta.rooftops as select unnest(['R1', 'R2', 'R3']) as rooftop;
                create table meta.metrics (name varchar, spec varchar);
                create table meta.columns (mart varchar, "column" varchar, description varchar);
                create table meta.check_results (
                    name varchar, outcome varchar, failures bigint, description varchar
                );
                create table meta.files (
                    name varchar, status varchar, rows_read bigint, rows_quarantined bigint,
                    file_id varchar, reason varchar, exported_at timestamp
                );
                create table meta.quarantine (feed varchar, reason_code varchar, status varchar);
                create table meta.runs (run_id varchar, known_at timestamp);
                create table meta.versions (
                    feed varchar, key varchar, op varchar, file_id varchar, row_number bigint, received_at timestamp
                );
                """
            )
            fill(connection, "meta.policies", policies)
            fill(connection, "meta.targets", targets)
            fill(connection, "meta.benchmarks", benchmarks)
            fill(connection, "meta.freshness", [(feed, place, None, day) for feed, place, day in freshness])
            fill(connection, "meta.metrics", [(metric.name, metric.to_json()) for metric in metrics])
            connection.execute(marts)
        return Warehouse(file)

    return make


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    for row in rows:
        connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))


#: A dbt project small enough to start fast, over the real landing and settings tables and the real profile.
MODELS = {
    "marts/fct_lead.sql": "select key as lead_key, rooftop from {{ source('crm', 'crm_leads') }}\n",
    "marts/dim_rooftop.sql": "select rooftop from {{ source('settings', 'rooftops') }}\n",
    "marts/sources.yml": """
version: 2
sources:
  - {name: crm, database: landing, schema: crm, tables: [{name: crm_leads}]}
  - {name: settings, database: scratch, schema: settings, tables: [{name: rooftops}]}
""",
    "macros/generate_schema_name.sql": (PROJECT / "macros" / "generate_schema_name.sql").read_text(encoding="utf-8"),
    "profiles.yml": (PROJECT / "profiles.yml").read_text(encoding="utf-8"),
    "dbt_project.yml": """
name: forecourt
version: "0.1.0"
profile: forecourt
model-paths: ["marts"]
test-paths: ["checks"]
flags: {send_anonymous_usage_stats: false}
models: {forecourt: {+materialized: table, +schema: marts}}
""",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Home]:
    """Makes a home with one lead landed, and dbt build a small project; ``more`` adds or replaces files of it."""

    def make(**more: str) -> Home:
        folder = tmp_path / "project"
        for name, text in (MODELS | {name.replace("__", "/") + ".sql": text for name, text in more.items()}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        monkeypatch.setattr("forecourt.build.PROJECT", folder)
        home = Home(tmp_path / "o'hara" / "warehouse")  # people have such folders, and SQL names them
        home.create()
        with duckdb.connect(str(home.landing)) as landing:
            create_schema(landing)
            landing.execute(
                "insert into crm.crm_leads (key, rooftop, lead_id, received_at, op) "
                "values ('R1|L1', 'R1', 'L1', '2026-03-02 10:00', 'row')"
            )
        return home

    return make
