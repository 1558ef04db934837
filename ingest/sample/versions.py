"""What the source said on an earlier day: each row as it stood before its later changes."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from ingest.sample.world import Table

#: feed -> columns that are empty until the day in another column of the row (or in themselves)
HIDDEN: dict[str, dict[str, str]] = {
    "crm_appointments": {"confirmed_at": "confirmed_at", "shown_at": "shown_at", "cancelled_at": "cancelled_at"},
    "crm_tasks": {"completed_at": "completed_at"},
    "crm_quotes": {"sent_at": "sent_at", "approved_at": "approved_at"},
    "crm_appraisals": {
        "offered_at": "offered_at", "offer": "offered_at", "acv": "offered_at", "accepted_at": "accepted_at",
    },
    "crm_surveys": {"responded_at": "responded_at", "score": "responded_at"},
    "crm_employees": {"active_to": "active_to"},
    "dms_vehicles": {"arrived_on": "arrived_on", "ready_on": "ready_on", "removed_on": "removed_on"},
    "dms_deals": {"finalised_on": "finalised_on", "delivered_on": "delivered_on", "reversed_on": "reversed_on"},
    "dms_deal_products": {
        "cancelled_on": "cancelled_on", "chargeback": "chargeback_on", "chargeback_on": "chargeback_on",
    },
    "dms_repair_orders": {"completed_at": "completed_at", "closed_at": "closed_at"},
    "dms_rentals": {"returned_at": "returned_at", "revenue": "returned_at"},
    "dms_claims": {"decided_at": "decided_at", "closed_at": "closed_at"},
    "dms_invoices": {
        "disputed_from": "disputed_from", "dispute_reason": "disputed_from", "disputed_until": "disputed_until",
    },
    "dms_documents": {"received_on": "received_on", "submitted_on": "submitted_on"},
    "portal_listings": {"removed_on": "removed_on"},
}  # fmt: skip


def as_at(table: Table, index: int, day: date) -> tuple[Any, ...]:
    """The row as its source had it at the end of ``day``."""
    row = table.rows[index]
    if table.moments[index][-1] <= day:
        return row
    values = list(row)
    places = _places(table.feed.columns)
    for column, governing in HIDDEN.get(table.feed.name, {}).items():
        if _after(row[places[governing]], day):
            values[places[column]] = None
    earlier = table.earlier.get(index)
    if earlier:
        for column, value in earlier.items():
            values[places[column]] = value
    elif table.feed.name == "dms_deals":
        _deal(row, values, places, day)
    if table.feed.name == "crm_appointments" and _after(row[places["starts_at"]], day):
        values[places["status"]] = "booked"
    return tuple(values)


def close(table: Table, end: date) -> None:
    """Forgets what lies after the end: every row becomes what its source last exported."""
    for index, moments in enumerate(table.moments):
        if moments[-1] > end:
            table.rows[index] = as_at(table, index, end)
            table.moments[index] = tuple(moment for moment in moments if moment <= end)


def _deal(row: tuple[Any, ...], values: list[Any], places: dict[str, int], day: date) -> None:
    """A deal's status on a day; every other finalised deal shows the day on which it is to be handed over."""
    contract, finalised, delivered = (row[places[c]] for c in ("contract_on", "finalised_on", "delivered_on"))
    if delivered and delivered <= day:
        values[places["status"]] = "delivered"
    elif finalised and finalised <= day:
        values[places["status"]] = "finalised"
        if int(row[places["deal_number"]][1:]) % 2:
            values[places["delivered_on"]] = delivered
    else:
        values[places["status"]] = "pending" if contract == day else "booked"


def _after(value: date | datetime | None, day: date) -> bool:
    if isinstance(value, datetime):
        value = value.date()
    return value is not None and value > day


@cache
def _places(columns: tuple[str, ...]) -> dict[str, int]:
    return {column: place for place, column in enumerate(columns)}
