"""How far the numbers can be trusted: per source its last day, its rows, quarantine and what found no partner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboards import tables, words
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
}


def sources(reader: Reader) -> list[dict[str, Any]]:
    """One row per source: feed, data_through, rows_read, quarantined, unmatched (None where nothing is looked up)."""
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
    return found


def findings(reader: Reader) -> dict[str, int]:
    """Check → rows that failed it; empty where the run holds no checks."""
    (there,) = reader.rows(
        "select count(*) as tables from information_schema.tables "
        "where table_schema = 'meta' and table_name = 'check_results'"
    )
    if not there["tables"]:
        return {}
    return {row["name"]: row["failures"] for row in reader.rows("select name, failures from meta.check_results")}


def draw(page: Page) -> None:
    """A sentence and a table of all sources, those that are behind first."""
    rows = sources(page.reader)
    end = page.filters.period.end
    behind = [row for row in rows if row["data_through"] is None or row["data_through"] < end]
    quarantined = sum(row["quarantined"] for row in rows)
    unmatched = sum(row["unmatched"] or 0 for row in rows)
    locale = page.locale
    fresh = (
        f"All {words.number(len(rows), 0, locale)} sources reach {words.day(end, locale)}"
        if not behind
        else f"{words.counted(len(behind), 'sources', locale)} of {len(rows)} "
        f"{'does' if len(behind) == 1 else 'do'} not reach {words.day(end, locale)}"
    )
    st.markdown(
        f"{fresh}; {words.counted(quarantined, 'rows', locale)} in quarantine, "
        f"{words.number(unmatched, 0, locale)} without their partner."
    )
    st.page_link("app_pages/data.py", label="Files, quarantine and checks", icon=":material/fact_check:")
    shown = [row | {"standing": "behind" if row in behind else "up to date"} for row in rows]
    with st.expander("Every source", expanded=bool(behind) and not page.is_phone):
        tables.records(
            page,
            shown,
            SOURCES,
            key="sources",
            name="Sources",
            phone=("feed", "data_through", "quarantined"),
            downloads=False,
        )
