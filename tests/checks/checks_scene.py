"""A small home for the gate: a landing with its ledger and a candidate file, both written by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import yaml

from forecourt.build import PROJECT, Paths
from forecourt.home import Home
from ingest.contract import create_schema

FIRST_EXPORT = datetime(2026, 1, 31, 23, 0)  # noqa: DTZ001 - instants are UTC without offset in the database

META = """
    create schema meta;
    create table meta.runs as
        select 'run-1' as run_id, timestamp '2026-06-30 06:00:00' as started_at, null::timestamp as known_at;
    create table meta.files (
        file_id varchar, name varchar, status varchar, rows_read bigint, rows_new bigint, rows_changed bigint,
        rows_unchanged bigint, rows_quarantined bigint, rows_skipped bigint
    );
    insert into meta.files values ('f1', 'dms_deals_2026-06-29.csv', 'landed', 10, 4, 3, 1, 1, 1);
    insert into meta.files values ('f2', 'dms_deals_2026-06-30.csv', 'refused', null, null, null, null, null, null);
    create table meta.versions (feed varchar, key varchar, op varchar, received_at timestamp);
    create table meta.freshness as
        select 'dms_deals' as feed, 'R1' as rooftop, timestamp '2026-06-29 23:00:00' as exported_at,
            date '2026-06-29' as data_through;
"""

#: Twenty-five deals of a gross of 10 %, and the versions they come from.
DEALS = """
    insert into marts.fct_deal by name
    select 'R1|D' || n as deal_key, 'f1' as file_id, n + 1 as row_number, 20000 as revenue, 2000 as total_gross,
        18000 as vehicle_cost, true as is_recognised, false as is_reversed, false as is_consignment
    from range(1, 26) as numbers (n);
    insert into meta.versions
    select 'dms_deals', deal_key, 'row', timestamp '2026-06-29 23:30:00' from marts.fct_deal;
"""

#: A hire of half a day; an invoice paid in two parts; a claim paid in full.
OTHERS = """
    insert into marts.fct_vehicle_day by name
    select 'R1|S1|2026-06-29' as vehicle_day_key, 86400 as in_fleet_seconds, 43200 as on_hire_seconds,
        0 as out_of_service_seconds, 86400 as available_seconds;
    insert into marts.fct_receivable by name
    select 'R1|invoice|I1|1' as receivable_key, 'invoice' as document_kind, 1000 as amount, true as is_debit
    union all
    select 'R1|payment|P1|1', 'payment', -1000, false
    union all
    select 'R1|overpayment|I1|1', 'overpayment', 0, true;
    insert into marts.fct_receivable_movement by name
    select 'R1|invoice|I1|1' as receivable_key, amount from (values (1000), (-400), (-600)) as moves (amount)
    union all
    select 'R1|payment|P1|1', amount from (values (-1000), (1000)) as moves (amount)
    union all
    select 'R1|overpayment|I1|1', -50;
    insert into marts.fct_claim by name
    select 'R1|K1' as claim_key, 'warranty' as kind, 'GBP' as source_currency, 200 as source_amount_claimed,
        200 as source_amount_paid, 'f1' as file_id, 2 as row_number;
"""


@cache
def documented_marts() -> dict[str, dict[str, str]]:
    """Mart -> column -> type, as the contracts beside the marts state them."""
    marts = {}
    for path in sorted((PROJECT / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            columns = {
                column["name"]: column["data_type"] for column in model.get("columns", []) if "data_type" in column
            }
            if columns:
                marts[model["name"]] = columns
    return marts


class Scene:
    """One home in which nothing was delivered: an empty landing, and a candidate in which every mart is empty."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "home")
        self.home.create()
        self.paths = Paths(self.home.build)
        with duckdb.connect(str(self.home.landing)) as landing:
            landing.begin()  # one write to the disk, not one per table
            create_schema(landing)
            landing.commit()
        typed = (
            (mart, [f'"{name}" {kind}' for name, kind in columns.items()])
            for mart, columns in documented_marts().items()
        )
        tables = (f"create table marts.{mart} ({', '.join(columns)})" for mart, columns in typed)
        self.warehouse(f"begin; {META}; create schema marts; {'; '.join(tables)}; commit")

    def warehouse(self, sql: str) -> None:
        with duckdb.connect(str(self.paths.warehouse)) as connection:
            connection.execute(sql)

    def landing(self, sql: str) -> None:
        with duckdb.connect(str(self.home.landing)) as connection:
            connection.execute(sql)

    def deliver(
        self,
        number: int,
        rows: int,
        *,
        rooftop: str = "R1",
        quarantined: int = 0,
        lead_ids: int = 0,
        status: str = "delivered",
        carried: str | None = None,
        outcome: str = "landed",
    ) -> None:
        """Lands the ``number``-th monthly file of deals; the first ``lead_ids`` of its good rows have a lead."""
        file_id, exported = f"{rooftop}-{number}", FIRST_EXPORT + timedelta(days=30 * number)
        name = f"dms_deals_{rooftop}_{exported:%Y-%m-%d}.csv"
        self.landing(
            f"""
            insert into ledger.files by name
            select '{file_id}' as file_id, 1 as delivery, '{name}' as name, 'native' as source,
                timestamp '{exported}' as exported_at, timestamp '{exported}' as received_at, false as is_full,
                '{outcome}' as status, {rows} as rows_read;
            insert into ledger.file_feeds by name
            select '{file_id}' as file_id, 'dms_deals' as feed, {rows - quarantined} as rows_new,
                {quarantined} as rows_quarantined;
            insert into dms.dms_deals by name
            select '{rooftop}' as rooftop, 'D{number}-' || n as deal_number, 'row' as op, '{file_id}' as file_id,
                'retail' as deal_type, '{status}' as status, 'S' || n as stock_number, 'C' || n as customer_id,
                case when n <= {lead_ids} then 'L' || n end as lead_id, date '2026-01-05' as delivered_on,
                20000 as sale_price, '{rooftop}|D{number}-' || n as key,
                {"null" if carried is None else f"'{carried}'"} as carried
            from range(1, {rows - quarantined} + 1) as numbers (n);
            """
        )


def sound_scene(root: Path) -> Scene:
    """A home with five like deliveries of deals and a plausible candidate."""
    scene = Scene(root)
    scene.warehouse(DEALS + OTHERS)
    for number in range(5):
        scene.deliver(number, 100, lead_ids=60)
    return scene
