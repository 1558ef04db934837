"""Scope files: a published run cut to some rooftops, or without the names of customers: all that some users ever open.

``published/scopes/<set of rooftops>/<run>.duckdb`` holds the same tables, comments and table functions as the run. It
is made when it is first asked for, put in place whole, and cleared away with its run. What is not known to belong to
the rooftops is left out: a table that nothing here decides about stays empty. docs/decisions/0015-access.md says what
each table keeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import duckdb

from forecourt import durable, identity
from forecourt.door import Warehouse, open_warehouse, published_path
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.identity import vin_as_key
from forecourt.literals import literal
from forecourt.parts import numbered

#: Tables without a rooftop that say nothing about any: calendars, settings of the company, definitions.
WHOLE = frozenset({
    "marts.dim_ageing_bucket",
    "marts.dim_date",
    "marts.dim_fx_rate",
    "meta.benchmarks",
    "meta.columns",
    "meta.metrics",
    "meta.policies",
    "meta.runs",
    "parts.reach",
})  # fmt: skip
#: Tables whose rows without a rooftop speak for every one of them.
GROUP_WIDE = frozenset({"marts.dim_employee", "meta.freshness", "meta.targets"})
#: Checks count and quote rows of the whole company, so a part of it cannot be told.
LEFT_OUT = frozenset({"meta.check_results"})

#: Table -> its columns about customers as persons, and what somebody who may not know them reads instead. The number of
#: the customer stays, so that records can be counted and joined. docs/decisions/0021-masking.md says what is not here.
PERSONAL = {
    "marts.brg_customer_source": {"matched_value": "if(matched_value is null, null, 'masked')"},
    "marts.dim_customer": {"customer_name": "if(customer_name is null, null, 'customer ' || customer_id)"},
    "marts.fct_receivable": {"customer_name": "if(customer_name is null, null, 'customer ' || customer_id)"},
    "meta.check_results": {"rows": "'[]'"},
    "meta.quarantine": {"raw": "'masked'", "reason": "replace(reason_code, '_', ' ')"},
}

#: Table -> the rows it keeps, from ``run``, the published file, and the temporary tables of ``_prepare``.
OWN_RULE = {
    "marts.brg_customer_source": """
        select numbers.* replace (
            keys.own_key as customer_key,
            if(partner.customer_source_key is null, null, numbers.matched_with) as matched_with,
            if(partner.customer_source_key is null, null, numbers.matched_value) as matched_value,
            if(partner.customer_source_key is null, null, numbers.matched_file_id) as matched_file_id,
            if(partner.customer_source_key is null, null, numbers.matched_row_number) as matched_row_number
        )
        from kept_numbers as numbers
        inner join customers as keys on numbers.customer_key = keys.customer_key
        left join kept_numbers as partner on numbers.matched_with = partner.customer_source_key
    """,
    "marts.dim_customer": """
        select known.* replace (
            customers.system as system,
            customers.rooftop as rooftop,
            customers.customer_id as customer_id,
            customers.own_key as customer_key,
            customers.file_id as file_id,
            customers.row_number as row_number,
            customers.numbers as numbers,
            if(customers.is_elsewhere, null, employee) as employee,
            if(customers.is_elsewhere, null, terms_days) as terms_days,
            if(customers.is_elsewhere, null, credit_limit) as credit_limit,
            if(customers.is_elsewhere, null, is_active) as is_active
        )
        from run.marts.dim_customer as known
        inner join customers on known.customer_key = customers.customer_key
    """,
    "marts.dim_source": "select * from run.marts.dim_source where is_known or source in (select value from sources)",
    "marts.dim_vehicle": f"""
        with units as (
            select
                vehicle_key,
                count(*) as stock_units,
                min(coalesce(arrived_on, acquired_on)) as first_seen_on,
                first(
                    stock_unit_key
                    order by coalesce(arrived_on, acquired_on) desc nulls last, stock_unit_key desc
                ) as last_stock_unit_key
            from run.marts.fct_stock_unit
            where rooftop in (select rooftop from kept)
            group by vehicle_key
        )

        select cars.* replace (
            units.last_stock_unit_key as last_stock_unit_key,
            coalesce(units.stock_units, 0) as stock_units,
            if(cars.stock_units > coalesce(units.stock_units, 0), units.first_seen_on, cars.first_seen_on)
                as first_seen_on
        )
        from run.marts.dim_vehicle as cars
        left join units on cars.vehicle_key = units.vehicle_key
        where cars.vehicle_key in (select value from vehicles)
            or cars.vehicle_key in (select {vin_as_key("value")} from vins)
    """,
    "meta.files": """
        select files.* replace (
            if(is_whole, reason, null) as reason,
            if(is_whole, bytes, null) as bytes,
            if(is_whole, rows_read, null) as rows_read,
            if(is_whole, rows_new, null) as rows_new,
            if(is_whole, rows_changed, null) as rows_changed,
            if(is_whole, rows_unchanged, null) as rows_unchanged,
            if(is_whole, rows_quarantined, null) as rows_quarantined,
            if(is_whole, rows_skipped, null) as rows_skipped
        )
        from run.meta.files as files
        inner join kept_files on files.file_id = kept_files.file_id
    """,
    "meta.notes": "select * from run.meta.notes where file_id in (select file_id from kept_files where is_whole)",
    "meta.quarantine": "select * from run.meta.quarantine where regexp_matches(key, getvariable('own_keys'))",
    "meta.row_accounting": """
        select * from run.meta.row_accounting where file_id in (select file_id from kept_files where is_whole)
    """,
    "meta.skipped": "select * from run.meta.skipped where file_id in (select file_id from kept_files where is_whole)",
    "meta.versions": "select * from kept_versions",
}


def open_scope(home: Home, run_id: str, rooftops: Sequence[str] | None, *, is_masked: bool = False) -> Warehouse:
    """Opens what a published run holds of these rooftops, making the file where it is asked for the first time.

    ``rooftops`` None = all of the run; ``is_masked``: without the names and contacts of customers. Raises Problem where
    the run is not kept.
    """
    path = scope_path(home, run_id, rooftops, is_masked=is_masked)
    if not path.exists():
        if not published_path(home, run_id).exists():
            open_warehouse(home, run_id)
        _make(published_path(home, run_id), path, rooftops, is_masked=is_masked)
    try:
        return Warehouse(path)
    except duckdb.Error as error:
        raise Problem(f"{path} cannot be read: {error}. Delete it: it is made again when it is asked for.") from None


def scope_path(home: Home, run_id: str, rooftops: Sequence[str] | None, *, is_masked: bool = False) -> Path:
    """Where the scope file of a run and a set of rooftops lies, made or not; under other rules it is another file."""
    asked = json.dumps([_rules(), None if rooftops is None else sorted(set(rooftops)), is_masked])
    return home.published / "scopes" / hashlib.sha256(asked.encode()).hexdigest()[:16] / f"{run_id}.duckdb"


@cache
def _rules() -> str:
    """A hash of what decides what a scope file holds, beside its run: the text of the modules that make it."""
    texts = (Path(module).read_bytes() for module in (__file__, identity.__file__))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def clear_scopes(home: Home) -> None:
    """Removes the scope files of runs that are not kept any more."""
    for file in (home.published / "scopes").glob("*/*"):
        # A folder is what a statement that is running has put on disk.
        if not file.is_dir() and not published_path(home, file.stem).exists():
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                file.parent.rmdir()  # the last one of its set


def _make(run: Path, target: Path, rooftops: Iterable[str] | None, *, is_masked: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # The name of a half-made file has the run's too, so that one left by a crash is cleared away with its run.
    beside = target.with_name(f"{target.stem}.{secrets.token_hex(8)}")
    try:
        with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
            connection.execute(f"attach {literal(run)} as run (read_only)")
            connection.execute(f"attach {literal(beside)} as scope (storage_version 'v1.5.0')")
            _fill(connection, rooftops, is_masked=is_masked)
            connection.execute("detach scope")
        beside.chmod(0o444)
        durable.sync(beside)
        beside.replace(target)
    finally:
        for left in target.parent.glob(f"{beside.name}*"):
            left.unlink()


def _fill(connection: duckdb.DuckDBPyConnection, rooftops: Iterable[str] | None, *, is_masked: bool) -> None:
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where database_name = 'run' order by all"
    ).fetchall():
        tables.setdefault(table, []).append((column, data_type))
    connection.execute("copy from database run to scope (schema)")
    kept = _whole(tables) if rooftops is None else _kept(connection, tables, tuple(rooftops))
    for table, select in kept.items():
        masks = PERSONAL.get(table, {}) if is_masked else {}
        replaced = ", ".join(f"{mask} as {column}" for column, mask in masks.items())
        # Masked on the way in: what was never written cannot be read back from a page of the file.
        rows = f"select * replace ({replaced}) from ({select})" if replaced else select
        connection.execute(f"insert into scope.{table} {rows}")


def _whole(tables: Iterable[str]) -> dict[str, str]:
    return {table: f"select * from run.{table}" for table in tables}


def _kept(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, list[tuple[str, str]]], rooftops: tuple[str, ...]
) -> dict[str, str]:
    """Table -> the select of what is of these rooftops; what is not here stays empty."""
    having = {
        name: [table for table, columns in tables.items() if name in dict(columns)]
        for name in ("rooftop", "vehicle_key", "vin", "source", "customer_id")
    }
    _prepare(connection, rooftops, {name: _rows_of(found, having) for name, found in having.items()})
    selects: dict[str, str] = {}
    for table, columns in tables.items():
        if table in LEFT_OUT:
            continue
        if table in OWN_RULE:
            selects[table] = OWN_RULE[table]
        elif table in WHOLE:
            selects[table] = f"select * from run.{table}"
        elif table in having["rooftop"]:
            also = " or coalesce(rooftop, '') = ''" if table in GROUP_WIDE else ""
            own = f"where rooftop in (select rooftop from kept){also}"
            selects[table] = f"select {_without_others(columns)} from run.{table} {own}"
            if table.startswith("parts."):  # numbers over all rooftops would tell how much the others have
                selects[table] = f"select * replace ({numbered('record')} as record) from ({selects[table]})"
    return selects


def _rows_of(tables: list[str], having: dict[str, list[str]]) -> list[str]:
    """Those of the tables whose rows belong to a rooftop."""
    return [table for table in tables if table in having["rooftop"] and table.startswith("marts.")]


def _prepare(connection: duckdb.DuckDBPyConnection, kept: tuple[str, ...], having: dict[str, list[str]]) -> None:
    """Temporary tables: the rooftops kept, what occurs there, and which customers, versions and files are theirs."""
    every = _union("rooftop", [*having["rooftop"], "meta.rooftops"])
    known = {code for (code,) in connection.execute(f"select distinct value from ({every})").fetchall() if code}
    connection.execute("create temp table kept as select unnest($1) as rooftop", [list(kept)])
    connection.execute("set variable own_keys = $1", [_keys_of(kept)])
    connection.execute("set variable other_keys = $1", [_keys_of(sorted(known - set(kept)))])
    connection.execute("set variable other_rooftops = $1", [sorted(known - set(kept))])
    own = " where rooftop in (select rooftop from kept)"
    for name, column in (("vehicles", "vehicle_key"), ("vins", "vin"), ("sources", "source"), ("ids", "customer_id")):
        found = _union(column, [table for table in having[column] if table.startswith("marts.fct_")], own)
        connection.execute(f"create temp table {name} as select distinct value from ({found})")
    connection.execute(
        """
        create temp table kept_numbers as
        select *
        from run.marts.brg_customer_source
        where rooftop in (select rooftop from kept)
            or (coalesce(rooftop, '') = '' and customer_id in (select value from ids))
        """
    )
    # A customer of several rooftops goes by a number of those that are kept.
    connection.execute(
        """
        create temp table customers as
        with whole as (
            select customer_key, count(*) as numbers from run.marts.brg_customer_source group by customer_key
        ),

        own as (
            select
                customer_key,
                count(*) as numbers,
                arg_min(
                    {'system': system, 'rooftop': rooftop, 'customer_id': customer_id, 'key': customer_source_key,
                     'file_id': file_id, 'row_number': row_number},
                    (customer_source_key <> customer_key, customer_source_key)
                ) as leading
            from kept_numbers
            group by customer_key
        )

        select
            own.customer_key,
            own.leading.system as system,
            own.leading.rooftop as rooftop,
            own.leading.customer_id as customer_id,
            own.leading.key as own_key,
            own.leading.file_id as file_id,
            own.leading.row_number as row_number,
            own.numbers,
            own.numbers < whole.numbers as is_elsewhere
        from own
        inner join whole on own.customer_key = whole.customer_key
        """
    )
    connection.execute(
        """
        create temp table kept_versions as
        select *
        from run.meta.versions
        where regexp_matches(key, getvariable('own_keys'))
            or feed in (select feed from run.meta.freshness group by feed having bool_and(rooftop is null))
            or (key like '|%' and (feed = 'crm_employees' or key in (select '|' || customer_id from kept_numbers)))
        """
    )
    connection.execute(
        """
        create temp table kept_files as
        with rows_of_files as (
            select file_id, count(*) as found from run.meta.versions group by file_id
        ),

        stopped as (
            select
                file_id,
                count(*) filter (key is null or not regexp_matches(key, getvariable('own_keys'))) as elsewhere
            from run.meta.quarantine
            group by file_id
        ),

        own as (select file_id, count(*) as found from kept_versions group by file_id)

        select own.file_id, own.found = rows_of_files.found and coalesce(stopped.elsewhere, 0) = 0 as is_whole
        from own
        inner join rows_of_files on own.file_id = rows_of_files.file_id
        left join stopped on own.file_id = stopped.file_id
        """
    )


def _union(column: str, tables: list[str], where: str = "") -> str:
    selects = [f"select distinct {column} as value from run.{table}{where}" for table in tables]
    return " union ".join([*selects, "select null::varchar where false"])


def _keys_of(rooftops: Iterable[str]) -> str:
    """The expression that readable keys of these rooftops match: ``R1|D1`` and ``crm|R1|C1``; of none: nothing does."""
    codes = [re.escape(code.replace("\\", "\\\\").replace("|", "\\|")) for code in rooftops]
    return rf"^((crm|dms)\|)?({'|'.join(codes)})\|" if codes else "^[^\\s\\S]"


def _without_others(columns: list[tuple[str, str]]) -> str:
    """``*``, with null in place of a key or a code that names a rooftop that is not kept."""
    replaced = []
    for name, data_type in columns:
        if data_type != "VARCHAR":
            continue
        if name.endswith("_key"):
            replaced.append(f"if(regexp_matches({name}, getvariable('other_keys')), null, {name}) as {name}")
        elif "rooftop" in name and name not in ("rooftop", "rooftop_name"):
            replaced.append(
                f"if(list_contains(getvariable('other_rooftops')::varchar[], {name}), null, {name}) as {name}"
            )
    return f"* replace ({', '.join(replaced)})" if replaced else "*"
