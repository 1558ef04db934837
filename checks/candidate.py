"""The candidate suite: whether the file about to be published is plausible, in what dbt's tests do not say already."""

from __future__ import annotations

from pathlib import Path

import duckdb

from checks.suite import Expectation
from forecourt.door import current_run, open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.literals import literal

#: Marts that hold at least one row as soon as their feed does.
MART_OF_FEED = {
    "crm_leads": "fct_lead",
    "crm_activities": "fct_lead_activity",
    "dms_claims": "fct_claim",
    "dms_deals": "fct_deal",
    "dms_invoices": "fct_receivable",
    "dms_payments": "fct_receivable",
    "dms_rentals": "fct_rental",
    "dms_vehicle_costs": "fct_vehicle_cost",
    "dms_vehicles": "fct_stock_unit",
}

SUITE = (
    Expectation(
        name="file_rows_accounted",
        level="block",
        says="Every row read from a landed file is new, changed, unchanged, quarantined or skipped by a named rule.",
        failing="""
            select
                name,
                file_id,
                rows_read,
                coalesce(rows_new, 0) + coalesce(rows_changed, 0) + coalesce(rows_unchanged, 0)
                + coalesce(rows_quarantined, 0) + coalesce(rows_skipped, 0) as rows_accounted
            from meta.files
            where status = 'landed' and rows_read is distinct from rows_accounted
            order by name, file_id
        """,
        needs={
            "meta.files": (
                "name",
                "file_id",
                "status",
                "rows_read",
                "rows_new",
                "rows_changed",
                "rows_unchanged",
                "rows_quarantined",
                "rows_skipped",
            )
        },
    ),
    Expectation(
        name="data_not_from_the_future",
        level="finding",
        says="No feed speaks for a day after the day of the run. A later day is a wrong date in the name of a file.",
        failing="""
            select freshness.feed, freshness.rooftop, freshness.exported_at, freshness.data_through, runs.started_at
            from meta.freshness as freshness
            cross join meta.runs as runs
            where freshness.data_through > cast(runs.started_at as date) + 1 -- it may be tomorrow already in its zone
            order by freshness.data_through desc, freshness.feed, freshness.rooftop
        """,
        needs={
            "meta.freshness": ("feed", "rooftop", "exported_at", "data_through"),
            "meta.runs": ("started_at",),
        },
    ),
    Expectation(
        name="mart_filled",
        level="block",
        says="A mart holds rows where its feed does.",
        failing="""
            select mart, feed, feed_rows
            from profile.main.filled_marts
            where rows = 0 and feed_rows > 0
            order by mart
        """,
    ),
    Expectation(
        name="mart_rows_kept",
        level="finding",
        says="No mart has lost more than $mart_rows_drop of the rows it has in the published run.",
        failing="""
            select mart, rows, published_rows
            from profile.main.mart_rows
            where published_rows >= $minimum_rows and rows < published_rows * (1 - $mart_rows_drop)
            order by rows / published_rows, mart
        """,
    ),
    Expectation(
        name="deal_margin",
        level="finding",
        says="A deal that counts has revenue, and its gross is between $deal_margin_low and $deal_margin_high of it.",
        # Of a consignment the commission is both.
        failing="""
            select deal_key, revenue, total_gross, vehicle_cost, file_id, row_number
            from marts.fct_deal
            where
                is_recognised
                and not is_reversed
                and not is_consignment
                and (
                    revenue <= 0
                    or total_gross not between $deal_margin_low * revenue and $deal_margin_high * revenue
                )
            order by abs(coalesce(total_gross, 0)) desc, deal_key
        """,
        needs={
            "marts.fct_deal": (
                "deal_key",
                "revenue",
                "total_gross",
                "vehicle_cost",
                "file_id",
                "row_number",
                "is_recognised",
                "is_reversed",
                "is_consignment",
            )
        },
    ),
    Expectation(
        name="vehicle_day_seconds",
        level="block",
        says="A fleet car's day has 86,400 seconds at most, each of them on hire, out of service or neither.",
        failing="""
            select vehicle_day_key, in_fleet_seconds, on_hire_seconds, out_of_service_seconds, available_seconds
            from marts.fct_vehicle_day
            where not (
                in_fleet_seconds between 0 and 86400
                and on_hire_seconds >= 0
                and out_of_service_seconds >= 0
                and available_seconds = in_fleet_seconds - out_of_service_seconds
                and on_hire_seconds <= available_seconds
            )
            order by vehicle_day_key
        """,
        needs={
            "marts.fct_vehicle_day": (
                "vehicle_day_key",
                "in_fleet_seconds",
                "on_hire_seconds",
                "out_of_service_seconds",
                "available_seconds",
            )
        },
    ),
    Expectation(
        name="receivable_not_overpaid",
        level="block",
        says="No invoice, refund or returned payment has less than nothing open: what is allocated beyond its amount "
        "is an overpayment, a row of its own.",
        failing="""
            select receivables.receivable_key, receivables.amount, sum(movements.amount) as outstanding
            from marts.fct_receivable as receivables
            inner join marts.fct_receivable_movement as movements
                on receivables.receivable_key = movements.receivable_key
            where
                receivables.is_debit
                and receivables.document_kind <> 'overpayment'
                and receivables.amount >= 0 -- a negative invoice is an oddity of its source
            group by receivables.receivable_key, receivables.amount
            having sum(movements.amount) < 0
            order by outstanding, receivables.receivable_key
        """,
        needs={
            "marts.fct_receivable": ("receivable_key", "document_kind", "amount", "is_debit"),
            "marts.fct_receivable_movement": ("receivable_key", "amount"),
        },
    ),
    Expectation(
        name="receivable_within_amount",
        level="finding",
        says="No part of a document has more open than its amount. More is an allocation undone that was never made, "
        "or a credit used beyond its amount.",
        failing="""
            select receivables.receivable_key, receivables.amount, sum(movements.amount) as outstanding
            from marts.fct_receivable as receivables
            inner join marts.fct_receivable_movement as movements
                on receivables.receivable_key = movements.receivable_key
            where receivables.document_kind <> 'overpayment'
            group by receivables.receivable_key, receivables.amount
            having sum(movements.amount) not between least(receivables.amount, 0) and greatest(receivables.amount, 0)
            order by abs(outstanding) desc, receivables.receivable_key
        """,
        needs={
            "marts.fct_receivable": ("receivable_key", "document_kind", "amount"),
            "marts.fct_receivable_movement": ("receivable_key", "amount"),
        },
    ),
    Expectation(
        name="claim_paid_within_claimed",
        level="finding",
        says="No claim is paid above the amount claimed.",
        failing="""
            select claim_key, kind, source_currency, source_amount_claimed, source_amount_paid, file_id, row_number
            from marts.fct_claim
            where source_amount_paid > source_amount_claimed
            order by source_amount_paid - source_amount_claimed desc, claim_key
        """,
        needs={
            "marts.fct_claim": (
                "claim_key",
                "kind",
                "source_currency",
                "source_amount_claimed",
                "source_amount_paid",
                "file_id",
                "row_number",
            )
        },
    ),
)


def applicable(warehouse: Path) -> tuple[Expectation, ...]:
    """The expectations that the candidate has rows for.

    A mart that is empty is no finding: every feed is optional. Raises Problem where a table or column is missing,
    because a build makes every mart, if only an empty one.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = _columns(connection)
        for expectation in SUITE:
            for table, needed in expectation.needs.items():
                if table not in columns:
                    raise Problem(
                        f"The check {expectation.name} reads {table}, which the candidate {warehouse} does not hold. "
                        "Build it, or change the check in checks/candidate.py."
                    )
                if missing := [name for name in needed if name not in columns[table]]:
                    raise Problem(
                        f"The check {expectation.name} reads {table}.{missing[0]}, a column that the candidate "
                        f"{warehouse} does not hold. Build it, or change the check in checks/candidate.py."
                    )
        empty = {
            table
            for table in {table for expectation in SUITE for table in expectation.needs}
            if connection.execute(f"select 1 from {table} limit 1").fetchone() is None
        }
    return tuple(
        expectation
        for expectation in SUITE
        if not any(table in empty for table in expectation.needs if table.startswith("marts."))
    )


def write_profile(home: Home, warehouse: Path, profile: Path) -> str | None:
    """Writes how many rows feeds and marts hold, now and in the published run, into the database file ``profile``.

    Returns why the published run could not be read, where there should be one: then nothing is compared with it. It
    stops no run, since only another one puts a run in force that can be read.
    """
    published, unread = {}, None
    try:
        published = _published_rows(home)
    except (Problem, duckdb.Error) as error:
        unread = str(error)
    with duckdb.connect(str(profile)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(warehouse)} as forecourt (read_only)")
        rows = _mart_rows(connection)
        # What the landing learned after known_at is no part of the candidate.
        connection.execute(
            """
            create table feed_rows as
            select versions.feed, count(distinct versions.key) as feed_rows
            from forecourt.meta.versions as versions
            cross join forecourt.meta.runs as runs
            where
                (runs.known_at is null or versions.received_at <= runs.known_at)
                and versions.key not in (
                    select removed.key
                    from forecourt.meta.versions as removed
                    where removed.op = 'removed' and removed.feed = versions.feed
                )
            group by versions.feed
            """
        )
        # A file of an earlier knowledge is not measured against one of today.
        known = connection.execute("select count(*) from forecourt.meta.runs where known_at is not null").fetchone()
        if known and known[0]:
            published = {}
        connection.execute("create table mart_rows (mart varchar, rows bigint, published_rows bigint)")
        connection.executemany(
            "insert into mart_rows values ($1, $2, $3)",
            [(mart, count, published.get(mart)) for mart, count in rows.items()] or [(None, None, None)],
        )
        connection.execute("create table feed_marts (feed varchar, mart varchar)")
        connection.executemany("insert into feed_marts values ($1, $2)", list(MART_OF_FEED.items()))
        connection.execute(
            """
            create table filled_marts as
            select feed_marts.mart, feed_marts.feed, coalesce(feed_rows.feed_rows, 0) as feed_rows, mart_rows.rows
            from feed_marts
            inner join mart_rows on feed_marts.mart = mart_rows.mart
            left join feed_rows on feed_marts.feed = feed_rows.feed
            """
        )
        connection.execute("detach forecourt")
    return unread


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
    ).fetchall():
        found.setdefault(table, set()).add(column)
    return found


def _mart_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    marts = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'forecourt' and schema_name = 'marts' order by 1"
    ).fetchall()
    counts = {}
    for (mart,) in marts:
        counted = connection.execute(f'select count(*) from forecourt.marts."{mart}"').fetchone()
        counts[mart] = counted[0] if counted else 0
    return counts


def _published_rows(home: Home) -> dict[str, int]:
    """Rows by mart of the run in force; nothing before the first."""
    if current_run(home) is None:
        return {}
    published = open_warehouse(home)
    marts = published.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    counts = {}
    for name in (mart["table_name"] for mart in marts):
        counts[name] = published.rows(f'select count(*) as rows from marts."{name}"')[0]["rows"]
    return counts
