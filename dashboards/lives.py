"""The whole life of one car or one customer: what every mart knows of it, day by day, each line with its file row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboards import naming, records, tables
from dashboards.shell import Page
from dashboards.tables import Column

#: Hits that a search offers.
OFFERED = 20

COLUMNS = {
    "day": Column("Day", "day"),
    "what": Column("What"),
    "detail": Column("Detail", "said"),
    "rooftop": Column("Rooftop"),
    "currency": Column("Currency"),
    "amount": Column("Amount", "money"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}


@dataclass(frozen=True)
class Event:
    """One kind of event: rows ``it`` of a mart with a day, joined to the one that is looked at by ``where``.

    ``where`` may use the CTEs that the page gives. ``key`` is the mart's readable key.
    """

    mart: str
    day: str
    what: str
    detail: str
    where: str
    key: str
    amount: str = "null"
    currency: str = "null"


def draw(page: Page, ctes: str, events: Sequence[Event], key: str, name: str) -> None:
    """Draws the events of one life, newest first. ``ctes`` names whom or what by the parameter $1 = ``key``."""
    there = [event for event in events if page.reader.has(event.mart)]
    selects = "\nunion all\n".join(_select(event) for event in there)
    statement = (
        f"with {ctes}, events as ({selects})\n"
        "select events.*, files.name as file, count(*) over () as of_all "
        "from events left join meta.files as files using (file_id) "
        "where day is not null order by day desc, what, trace_key"
    )
    rows = page.reader.rows(f"{statement} limit {tables.SHOWN}", (key,))
    if not rows:
        st.caption("No enquiry, deal, order or document names this one.")
        return
    tables.records(
        page,
        naming.named(page.reader, rows, COLUMNS),
        COLUMNS,
        key=f"life_{name}",
        name=f"Life of {name}",
        phone=("day", "what", "detail"),
        everything=lambda: naming.named(page.reader, page.reader.warehouse.rows(statement, [key]), COLUMNS),
        total=rows[0]["of_all"],
        evidence=lambda row: records.evidence(page, str(row["mart"]), str(row["trace_key"])),
    )


def _select(event: Event) -> str:
    return (
        f"select it.{event.day} as day, {event.what} as what, {event.detail} as detail, it.rooftop, "
        f"cast({event.currency} as varchar) as currency, cast({event.amount} as decimal(18,2)) as amount, "
        f"it.file_id, it.row_number, '{event.mart}' as mart, it.{event.key} as trace_key "
        f"from marts.{event.mart} as it where {event.where}"
    )


def chosen(page: Page, label: str, help: str, search: str, code: str, title: str) -> dict[str, Any] | None:
    """Asks for a text, offers what it finds, returns the hit chosen; the text and the choice stand in the URL.

    ``search`` selects hits by $1 (the text with wildcards); ``code`` is the column that is their key, ``title`` the one
    that says who or what they are.
    """
    text = st.text_input(label, key="find", bind="query-params", placeholder=help, help=help)
    if not text or not text.strip():
        st.caption(help)
        return None
    found = page.reader.rows(f"{search} limit {OFFERED + 1}", (f"%{_literal(text.strip())}%",))
    if not found:
        st.info(f"Nothing is known under “{text.strip()}”. {help}", icon=":material/search_off:")
        return None
    hits = {str(row[code]): row for row in found[:OFFERED]}
    if len(hits) == 1:
        return next(iter(hits.values()))
    if len(found) > OFFERED:
        st.caption(f"The first {OFFERED}; a longer text finds fewer.")
    picked = st.selectbox("Which", list(hits), format_func=lambda one: str(hits[one][title]), key="which")
    return hits[picked or next(iter(hits))]


def _literal(text: str) -> str:
    """The text for a pattern that is escaped by a backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
