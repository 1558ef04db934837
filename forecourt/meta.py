"""The schema ``meta`` of the candidate file: what readers need to know without opening the landing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from forecourt import __version__
from forecourt.build import Paths, manifest
from forecourt.home import Home
from forecourt.lineage import Lineage, sourced
from forecourt.literals import literal
from forecourt.metrics import metrics_of
from forecourt.reference import unit_of
from forecourt.rows import write_rows


@dataclass(frozen=True)
class CheckResult:
    """One check of a run. ``outcome``: passed, finding or block; ``rows``: up to five of the rows that failed it."""

    name: str
    source: str
    outcome: str
    failures: int
    description: str
    rows: Sequence[dict[str, Any]] = ()


def write_meta(home: Home, paths: Paths, *, run_id: str, started_at: datetime, known_at: datetime | None) -> None:
    """Fills ``meta`` of the candidate file from the landing's ledger, the settings and dbt's manifest."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(paths.warehouse)} as warehouse")
        connection.execute(f"attach {literal(paths.scratch)} as scratch (read_only)")
        connection.execute(f"attach {literal(home.landing)} as landing (read_only)")
        connection.execute("create schema if not exists warehouse.meta")
        connection.execute(
            "create or replace table warehouse.meta.runs as "
            "select $1::varchar as run_id, $2::timestamp as started_at, $3::timestamp as known_at, "
            "$4::varchar as version",
            [run_id, started_at, known_at, __version__],
        )
        for table in ("policies", "targets", "benchmarks", "rooftops"):
            connection.execute(
                f"create or replace table warehouse.meta.{table} as select * from scratch.settings.{table}"
            )
        _copy_ledger(connection)
        feeds = _feeds(connection)
        _write_versions(connection, feeds)
        _write_freshness(connection, feeds)
        loaded = manifest(paths)
        lineage = Lineage(loaded)
        _write_metrics(connection, loaded, lineage)
        _write_columns(connection, loaded, lineage)
        _describe_functions(connection, loaded)
        connection.execute("checkpoint warehouse")


def write_checks(paths: Paths, results: Iterable[CheckResult]) -> None:
    """Writes ``meta.check_results``."""
    rows = [(r.name, r.source, r.outcome, r.failures, r.description, json.dumps(r.rows, default=str)) for r in results]
    with duckdb.connect(str(paths.warehouse)) as connection:
        columns = dict.fromkeys(("name", "source", "outcome", "failures", "description", "rows"), "varchar")
        write_rows(connection, "meta.check_results", columns | {"failures": "bigint"}, rows)


def _copy_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    for table, source in (
        ("files", "files"),
        ("row_accounting", "file_feeds"),
        ("skipped", "skipped"),
        ("quarantine", "quarantine"),
        ("notes", "notes"),
    ):
        connection.execute(f"create or replace table warehouse.meta.{table} as select * from landing.ledger.{source}")


def _feeds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, bool]]:
    """(schema, feed, has a rooftop) of every feed that holds rows."""
    tables = connection.execute(
        """
        select table_schema, table_name, bool_or(column_name = 'rooftop')
        from information_schema.columns
        where table_catalog = 'landing' and table_schema in ('crm', 'dms', 'portal')
        group by all
        order by all
        """
    ).fetchall()
    filled = []
    for schema, feed, has_rooftop in tables:
        if connection.execute(f"select 1 from landing.{schema}.{feed} limit 1").fetchone():
            filled.append((schema, feed, has_rooftop))
    return filled


def _write_versions(connection: duckdb.DuckDBPyConnection, feeds: list[tuple[str, str, bool]]) -> None:
    """``meta.versions``: the file and row behind every version of every key."""
    selects = [
        f"select '{feed}' as feed, key, op, file_id, row_number, landed_at as received_at from landing.{schema}.{feed}"
        for schema, feed, _ in feeds
    ]
    empty = (
        "select null::varchar as feed, null::varchar as key, null::varchar as op, null::varchar as file_id, "
        "null::bigint as row_number, null::timestamp as received_at where false"
    )
    connection.execute("create or replace table warehouse.meta.versions as " + " union all ".join([empty, *selects]))


def _write_freshness(connection: duckdb.DuckDBPyConnection, feeds: list[tuple[str, str, bool]]) -> None:
    """``meta.freshness``: per feed and rooftop the day its newest export speaks for.

    An export made before six in the morning speaks for the day before. An export without rows says that nothing
    changed: it speaks for every rooftop of its feed.
    """
    selects = []
    for schema, feed, has_rooftop in feeds:
        rooftop = "versions.rooftop" if has_rooftop else "null::varchar"
        selects.append(
            f"""
            select distinct '{feed}' as feed, {rooftop} as rooftop, versions.file_id
            from landing.{schema}.{feed} as versions
            union
            select distinct '{feed}', {rooftop}, sightings.file_id
            from landing.ledger.sightings as sightings
            inner join landing.{schema}.{feed} as versions on sightings.key = versions.key
            where sightings.feed = '{feed}'
            union
            select distinct '{feed}', {rooftop}, accounting.file_id
            from landing.ledger.file_feeds as accounting
            inner join landing.ledger.files as files on accounting.file_id = files.file_id
            cross join landing.{schema}.{feed} as versions
            where accounting.feed = '{feed}' and files.status = 'landed' and files.rows_read = 0
            """
        )
    empty = "select null::varchar as feed, null::varchar as rooftop, null::varchar as file_id where false"
    connection.execute(
        f"""
        create or replace table warehouse.meta.freshness as
        with deliveries as ({" union all ".join([empty, *selects])}),

        newest as (
            select deliveries.feed, deliveries.rooftop, max(files.exported_at) as exported_at
            from deliveries
            inner join landing.ledger.files as files on deliveries.file_id = files.file_id
            where files.received_at <= (select known_at from scratch.settings.run)
            group by deliveries.feed, deliveries.rooftop
        ),

        localised as (
            select
                newest.*,
                timezone(
                    coalesce(rooftops.time_zone, (select min(time_zone) from scratch.settings.rooftops), 'UTC'),
                    timezone('UTC', newest.exported_at)
                ) as exported_local
            from newest
            left join scratch.settings.rooftops as rooftops on newest.rooftop = rooftops.rooftop
        )

        select
            feed,
            rooftop,
            exported_at,
            cast(exported_local as date) - case when hour(exported_local) < 6 then 1 else 0 end as data_through
        from localised
        order by feed, rooftop
        """
    )


def _write_metrics(connection: duckdb.DuckDBPyConnection, loaded: dict[str, Any], lineage: Lineage) -> None:
    columns = ("name", "label", "description", "formula", "kind", "unit", "dimensions", "spec")
    write_rows(
        connection,
        "warehouse.meta.metrics",
        dict.fromkeys(columns, "varchar"),
        [
            (
                metric.name,
                metric.label,
                metric.description,
                metric.formula,
                metric.kind,
                metric.unit,
                ", ".join([*metric.dimensions, "month"]),
                metric.to_json(),
            )
            for metric in (sourced(each, lineage) for each in metrics_of(loaded))
        ],
    )


def _write_columns(connection: duckdb.DuckDBPyConnection, loaded: dict[str, Any], lineage: Lineage) -> None:
    """``meta.columns``; ``source``: the feed columns a column is made of, else the models of its mart."""
    rows = []
    for node in loaded["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] != "marts":
            continue
        for column in node["columns"].values():
            meta = {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}
            fed = [f"{feed}.{name}" for feed, name in lineage.behind(node["name"], [column["name"]]).columns]
            rows.append(
                (
                    node["name"],
                    column["name"],
                    column.get("data_type") or "",
                    column["description"],
                    meta.get("unit") or unit_of(column["name"], column.get("data_type") or ""),
                    ", ".join(fed or sorted(n.split(".")[-1] for n in node["depends_on"]["nodes"])),
                )
            )
    columns = dict.fromkeys(("mart", "column", "type", "description", "unit", "source"), "varchar")
    write_rows(connection, "warehouse.meta.columns", columns, sorted(rows))


def _describe_functions(connection: duckdb.DuckDBPyConnection, loaded: dict[str, Any]) -> None:
    """Table functions get their description as a comment, as dbt gives it to tables."""
    found = connection.execute(
        "select distinct function_name from duckdb_functions() "
        "where database_name = 'warehouse' and schema_name = 'marts' and function_type = 'table_macro'"
    ).fetchall()
    told = {node["name"]: node.get("description", "") for node in loaded["nodes"].values()}
    for (name,) in found:
        text = told.get(name, "").replace("'", "''")
        connection.execute(f"comment on macro table warehouse.marts.{name} is '{text}'")
