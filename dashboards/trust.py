"""How far the numbers can be trusted: per source its last day, rows, quarantine, rows without a partner, and clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from dashboards import naming, tables, words
from dashboards.data import Reader
from dashboards.shell import Page
from dashboards.tables import Column

#: Feed -> the findings that count its rows whose partner is not there.
UNMATCHED: Mapping[str, tuple[str, ...]] = {
    "crm_appraisals": ("relationships_fct_appraisal_lead_key__lead_key__ref_fct_lead_",),
    "crm_leads": ("lead_ids_without_a_lead",),
    "crm_quotes": ("relationships_fct_quote_lead_key__lead_key__ref_fct_lead_",),
    "crm_tasks": ("relationships_fct_task_lead_key__lead_key__ref_fct_lead_",),
    "dms_allocations": ("allocations_without_a_document",),
    "dms_claims": ("claim_without_a_unit",),
    "dms_deal_products": ("product_of_an_unknown_deal",),
    "dms_invoices": ("credits_of_unknown_invoices",),
    "dms_rentals": ("hire_of_an_unknown_car",),
    "dms_ro_lines": ("lines_without_an_order",),
    "dms_vehicle_costs": ("cost_line_of_an_unknown_car",),
}


@dataclass(frozen=True)
class Clock:
    """What the durations of a feed's records need: the mart, the day a record began, its instants as a condition."""

    mart: str
    began: str
    has: str
    needs: str
    where: str = "true"


#: Feed -> the clock of its records. Without these instants a record is in no duration.
CLOCKS: Mapping[str, Clock] = {
    "crm_leads": Clock("fct_lead", "received_on", "not is_received_day_only", "the time of receipt", "is_in_crm"),
    "crm_activities": Clock("fct_lead_activity", "occurred_on", "not is_day_only", "the time of the contact"),
    "crm_appointments": Clock("fct_appointment", "due_on", "is_marked", "whether the customer came", "due_on <= $2"),
    "dms_deals": Clock(
        "fct_deal",
        "coalesce(contract_on, finalised_on, delivered_on)",
        "contract_on is not null and (delivered_on is not null or status not in ('delivered', 'unwound'))",
        "contract and delivery",
        "status <> 'cancelled'",
    ),
    "dms_repair_orders": Clock(
        "fct_repair_order",
        "opened_on",
        "opened_at is not null and first_promised_at is not null and (closed_on is null or closed_at is not null)",
        "opening, promise and closing",
        "not is_voided",
    ),
    "dms_vehicles": Clock(
        "fct_stock_unit", "acquired_on", "arrived_on is not null", "the arrival", "eta_on is null or eta_on <= $2"
    ),
    "dms_rentals": Clock("fct_rental", "out_on", "out_at is not null and due_back_at is not null", "out and due back"),
}
#: Days before the end of the period whose records are looked at.
REACH = 90
COVERAGE = {
    "feed": Column("Source"),
    "rooftop": Column("Rooftop"),
    "coverage": Column(
        "Clock coverage, %", "number", short="Coverage, %", help=f"Of the records of the last {REACH} days."
    ),
    "timed": Column("With their instants", "count"),
    "records": Column("Records", "count"),
    "needs": Column("What the clocks need"),
}
SOURCES = {
    "feed": Column("Source"),
    "standing": Column("Standing"),
    "data_through": Column("Data through", "day", help="The rooftop that is furthest behind counts."),
    "rows_read": Column("Rows read", "count"),
    "quarantined": Column("Quarantined", "count", help="Rows that failed a key or a required column, still open."),
    "unmatched": Column(
        "Unmatched",
        "count",
        help="Rows whose lead, deal, car, order or document is not there; for leads, records that name one it lacks.",
    ),
    "coverage": Column(
        "Clock coverage, %",
        "number",
        help=f"Records of the last {REACH} days with the instants that durations need; below, by rooftop.",
    ),
}


def clock_coverage(reader: Reader, end: date, rooftops: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Per feed and rooftop how many records of the last REACH days carry what the clocks need, the barest first."""
    selects = [
        f"select '{feed}' as feed, rooftop, '{clock.needs}' as needs, count(*) as records, "
        f"count(*) filter (where {clock.has}) as timed from marts.{clock.mart} "
        f"where {clock.began} between $2::date - {REACH} + 1 and $2 and ({clock.where}) "
        "and (len($1::varchar[]) = 0 or list_contains($1::varchar[], rooftop)) group by rooftop"
        for feed, clock in CLOCKS.items()
        if reader.has(clock.mart)
    ]
    if not selects:
        return []
    rows = reader.rows(" union all ".join(selects), (tuple(rooftops), end))
    for row in rows:
        row["coverage"] = 100 * row["timed"] / row["records"]
    return sorted(rows, key=lambda row: (row["coverage"], row["feed"], row["rooftop"]))


def sources(reader: Reader) -> list[dict[str, Any]]:
    """One row per source: feed, data_through, rows_read, quarantined, unmatched (None where nothing is looked up).

    Of a limited person's own rows nobody knows how many were read: files and findings count those of all rooftops.
    """
    found = reader.rows(
        """
        with read as (
            select
                feed,
                sum(rows_new + rows_changed + rows_unchanged + rows_quarantined + rows_skipped)::bigint as rows_read
            from meta.row_accounting
            group by feed
        ),

        fresh as (select feed, min(data_through) as data_through from meta.freshness group by all),

        held as (select feed, count(*) as quarantined from meta.quarantine where status = 'open' group by all)

        select feed, data_through, coalesce(rows_read, 0) as rows_read, coalesce(quarantined, 0) as quarantined
        from fresh
        full join read using (feed)
        full join held using (feed)
        order by data_through nulls first, feed
        """
    )
    failures = findings(reader)
    for row in found:
        checks = [failures[name] for name in UNMATCHED.get(row["feed"], ()) if name in failures]
        row["unmatched"] = sum(checks) if checks else None
        if reader.limit is not None:
            row["rows_read"] = None
    return found


def findings(reader: Reader) -> dict[str, int]:
    """Check → rows that failed it; empty for a limited person."""
    return {row["name"]: row["failures"] for row in reader.rows("select name, failures from meta.check_results")}


def draw(page: Page) -> None:
    """A sentence and a table of all sources, those that are behind first."""
    rows = sources(page.reader)
    end = page.filters.period.end
    behind = [row for row in rows if row["data_through"] is None or row["data_through"] < end]
    quarantined = sum(row["quarantined"] for row in rows)
    unmatched = [row["unmatched"] for row in rows if row["unmatched"] is not None]
    locale = page.locale
    fresh = (
        f"All {words.number(len(rows), 0, locale)} sources reach {words.day(end, locale)}"
        if not behind
        else f"{words.counted(len(behind), 'sources', locale)} of {len(rows)} "
        f"{'does' if len(behind) == 1 else 'do'} not reach {words.day(end, locale)}"
    )
    partners = f", {words.number(sum(unmatched), 0, locale)} without their partner" if unmatched else ""
    st.markdown(f"{fresh}; {words.counted(quarantined, 'rows', locale)} in quarantine{partners}.")
    st.page_link("app_pages/data.py", label="Files, quarantine and checks", icon=":material/fact_check:")
    # What is folded away is neither asked for nor drawn.
    every = st.expander("Every source", expanded=bool(behind) and not page.is_phone, on_change="rerun")
    if every.open:
        with every:
            _every(page, [row | {"standing": "behind" if row in behind else "up to date"} for row in rows])


def _every(page: Page, rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of all sources, and that of their clocks by rooftop."""
    clocks = clock_coverage(page.reader, page.filters.period.end, page.filters.rooftops)
    shown = []
    for row in rows:
        mine = [clock for clock in clocks if clock["feed"] == row["feed"]]
        records = sum(clock["records"] for clock in mine)
        covered = 100 * sum(clock["timed"] for clock in mine) / records if records else None
        shown.append({**row, "coverage": covered})
    tables.records(
        page,
        shown,
        SOURCES,
        key="sources",
        name="Sources",
        phone=("feed", "data_through", "quarantined"),
        downloads=False,
    )
    if clocks:
        st.markdown("**Clock coverage by rooftop**, the barest first")
        tables.records(
            page,
            naming.named(page.reader, clocks),
            COVERAGE,
            key="coverage",
            name="Clock coverage",
            phone=("feed", "rooftop", "coverage"),
            downloads=False,
        )
