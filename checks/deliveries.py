"""The delivery suite: the newest delivery of every feed against the earlier ones of the same kind.

Deliveries are of one kind when feed, source, full or partial, and the file's name without its date agree. What is
compared is a profile made from the landing's ledger and row versions; the numbers are in ``thresholds.yml``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from checks.suite import Expectation, thresholds
from forecourt.build import PROJECT
from forecourt.literals import literal

FEEDS = PROJECT / "ingest" / "feeds"
SYSTEMS = ("crm", "dms", "portal")

#: Columns that a KPI stands on: if a source stops to fill one, the KPI goes quiet without an error.
IMPORTANT = {
    "crm_leads": ("source", "channel", "intent", "customer_id"),
    "crm_activities": ("lead_id", "outcome"),
    "crm_appointments": ("lead_id",),
    "dms_vehicles": ("vin", "use", "acquired_on", "arrived_on", "purchase_price"),
    "dms_vehicle_costs": ("currency",),
    "dms_deals": ("stock_number", "customer_id", "lead_id", "delivered_on", "sale_price"),
    "dms_deal_products": ("sale", "cost"),
    "dms_rentals": ("returned_at", "revenue"),
    "dms_claims": ("deal_number", "stock_number", "vin"),
    "dms_invoices": ("customer_id", "due_on", "schedule"),
    "dms_payments": ("customer_id",),
    "dms_allocations": ("from_document",),
    "portal_leads": ("email", "phone", "stock_number"),
}

#: The date and time of day in the name of a file.
DATE_IN_NAME = r"(19|20)\d\d-?\d\d-?\d\d([T_]\d\d[:-]?\d\d([:-]?\d\d)?Z?)?"

SUITE = (
    Expectation(
        name="delivery_volume",
        level="finding",
        says="The newest delivery of a feed has at least $volume_low of the median rows of the earlier ones, and at "
        "most $volume_high times as many.",
        failing="""
            select feed, file, rows, usual_rows, earlier
            from profile.main.deliveries
            where
                is_judged
                and greatest(rows, usual_rows) >= $minimum_rows
                and (rows < $volume_low * usual_rows or rows > $volume_high * usual_rows)
            order by abs(ln((rows + 1) / (usual_rows + 1))) desc, feed, file
        """,
    ),
    Expectation(
        name="delivery_quarantined_share",
        level="finding",
        says="The share of quarantined rows in the newest delivery is at most $quarantined_share_rise above the "
        "median share of the earlier ones.",
        failing="""
            select feed, file, rows, quarantined, quarantined_share, usual_quarantined_share, earlier
            from profile.main.deliveries
            where
                is_judged
                and rows >= $minimum_rows
                and quarantined_share > usual_quarantined_share + $quarantined_share_rise
            order by quarantined_share desc, feed, file
        """,
    ),
    Expectation(
        name="delivery_empty_share",
        level="finding",
        says="Among the new and changed rows of the newest delivery, the share of empty cells of an important column "
        "is at most $empty_share_rise above the median share of the earlier ones.",
        failing="""
            select feed, file, column_name, rows, empty_share, usual_empty_share, earlier
            from profile.main.empty_shares
            where
                earlier >= $minimum_history
                and rows >= $minimum_rows
                and empty_share > usual_empty_share + $empty_share_rise
            order by empty_share - usual_empty_share desc, feed, file, column_name
        """,
    ),
    Expectation(
        name="delivery_new_codes",
        level="finding",
        says="The newest delivery brings no code that neither the feed's contract nor an earlier delivery knows.",
        failing="""
            select feed, file, column_name, code, rows
            from profile.main.new_codes
            order by rows desc, feed, file, column_name, code
        """,
    ),
)


@cache
def contract() -> dict[str, dict[str, Any]]:
    """Feed -> its entry in ``ingest/feeds`` with ``schema`` beside."""
    feeds: dict[str, dict[str, Any]] = {}
    for system in SYSTEMS:
        entries = yaml.safe_load((FEEDS / f"{system}.yml").read_text(encoding="utf-8"))
        feeds |= {feed: {**entry, "schema": system} for feed, entry in entries.items()}
    return feeds


def write_profile(landing: Path, profile: Path) -> str:
    """Writes the tables that the suite reads into the database file ``profile``.

    Returns a sentence on how many kinds of delivery have a history to be judged by.
    """
    with duckdb.connect(str(profile)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(landing)} as landing (read_only)")
        _write_deliveries(connection)
        _write_empty_shares(connection)
        _write_new_codes(connection)
        counted = connection.execute("select count(*), count(*) filter (is_judged) from deliveries").fetchone()
        connection.execute("detach landing")
    kinds, judged = counted or (0, 0)
    if not judged:
        return "No history yet: nothing was judged."
    without = f"; the other {kinds - judged} have no history yet" if judged < kinds else ""
    return f"{judged} of {kinds} kinds of delivery were judged{without}."


def _write_deliveries(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"""
        create table history as
        select
            file_feeds.feed,
            files.file_id,
            files.name as file,
            coalesce(file_feeds.rows_new, 0) + coalesce(file_feeds.rows_changed, 0)
            + coalesce(file_feeds.rows_unchanged, 0) + coalesce(file_feeds.rows_quarantined, 0) as rows,
            coalesce(file_feeds.rows_quarantined, 0) as quarantined,
            concat_ws(
                ' | ',
                files.source,
                case when files.is_full then 'full' else 'partial' end,
                regexp_replace(files.name, '{DATE_IN_NAME}', '*', 'g')
            ) as kind,
            row_number() over (
                partition by file_feeds.feed, kind
                order by files.exported_at desc, files.received_at desc, files.delivery desc, files.file_id
            ) - 1 as age
        from landing.ledger.file_feeds as file_feeds
        inner join landing.ledger.files as files on file_feeds.file_id = files.file_id
        where files.status = 'landed'
        """
    )
    connection.execute(
        """
        create table deliveries as
        with earlier as (
            select
                feed,
                kind,
                count(*) as earlier,
                median(rows) as usual_rows,
                coalesce(median(quarantined / nullif(rows, 0)), 0) as usual_quarantined_share
            from history
            where age between 1 and $history_length
            group by feed, kind
        )

        select
            newest.*,
            coalesce(newest.quarantined / nullif(newest.rows, 0), 0) as quarantined_share,
            coalesce(earlier.earlier, 0) as earlier,
            earlier.usual_rows,
            earlier.usual_quarantined_share,
            coalesce(earlier.earlier, 0) >= $minimum_history as is_judged
        from history as newest
        left join earlier on newest.feed = earlier.feed and newest.kind = earlier.kind
        where newest.age = 0
        """,
        {name: thresholds()[name].value for name in ("history_length", "minimum_history")},
    )


def _write_empty_shares(connection: duckdb.DuckDBPyConnection) -> None:
    """Only rows whose file carries the column count; a row that only repeats what is known is no version."""
    delivered = _judged_feeds(connection)
    counts = [
        "select null::varchar as feed, null::varchar as file_id, null::varchar as column_name, 0 as rows, 0 as empty"
    ]
    counts += [
        f"""
        select '{feed}', file_id, '{column}', count(*), count(*) - count("{column}")
        from landing.{contract()[feed]["schema"]}.{feed}
        where op = 'row' and (carried is null or list_contains(string_split(carried, ','), '{column}'))
        group by file_id
        """
        for feed in delivered
        for column in IMPORTANT.get(feed, ())
    ]
    connection.execute(
        f"""
        create table empty_shares as
        with counts as ({" union all ".join(counts)}),

        shares as (
            select
                history.feed,
                history.kind,
                history.file,
                history.age,
                counts.column_name,
                counts.rows,
                counts.empty / counts.rows as empty_share
            from counts
            inner join history on counts.feed = history.feed and counts.file_id = history.file_id
        ),

        earlier as (
            select feed, kind, column_name, count(*) as earlier, median(empty_share) as usual_empty_share
            from shares
            where age between 1 and $history_length
            group by feed, kind, column_name
        )

        select
            newest.feed,
            newest.file,
            newest.column_name,
            newest.rows,
            newest.empty_share,
            earlier.earlier,
            earlier.usual_empty_share
        from shares as newest
        inner join earlier
            on newest.feed = earlier.feed
            and newest.kind = earlier.kind
            and newest.column_name = earlier.column_name
        where newest.age = 0
        """,
        {"history_length": thresholds()["history_length"].value},
    )


def _write_new_codes(connection: duckdb.DuckDBPyConnection) -> None:
    delivered = _judged_feeds(connection)
    coded = [
        (feed, column, str(code))
        for feed in delivered
        for column, entry in contract()[feed]["columns"].items()
        for code in entry.get("values", ())
    ]
    connection.execute("create table known_codes (feed varchar, column_name varchar, code varchar)")
    if coded:
        connection.executemany("insert into known_codes values ($1, $2, $3)", coded)
    seen = [
        "select null::varchar as feed, null::varchar as file_id, null::varchar as column_name, "
        "null::varchar as code, 0 as rows"
    ]
    seen += [
        f"""
        select '{feed}', file_id, '{column}', "{column}", count(*)
        from landing.{contract()[feed]["schema"]}.{feed}
        where op = 'row' and "{column}" is not null
        group by file_id, "{column}"
        """
        for feed, column in sorted({(feed, column) for feed, column, _ in coded})
    ]
    connection.execute(
        f"""
        create table new_codes as
        with seen as ({" union all ".join(seen)})

        select seen.feed, newest.file, seen.column_name, seen.code, seen.rows
        from seen
        inner join deliveries as newest on seen.feed = newest.feed and seen.file_id = newest.file_id
        where
            newest.is_judged
            and not exists (
                select 1 from known_codes
                where
                    known_codes.feed = seen.feed
                    and known_codes.column_name = seen.column_name
                    and known_codes.code = seen.code
            )
            and not exists (
                select 1
                from seen as before
                where
                    before.feed = seen.feed
                    and before.column_name = seen.column_name
                    and before.code = seen.code
                    and before.file_id not in (select file_id from deliveries)
            )
        """
    )


def _judged_feeds(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select distinct feed from deliveries where is_judged order by feed").fetchall()
    return [feed for (feed,) in rows]
