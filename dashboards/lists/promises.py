"""Promises that are broken, by what is at stake, and cases by the stage that they stand in."""

from __future__ import annotations

from dashboards.lists.deals import CURRENCY
from dashboards.records import Records
from dashboards.tables import Column

_BROKEN = {
    "rooftop": Column("Rooftop"),
    "label": Column("What"),
    "entity_id": Column("Record", sql="replace(it.entity, '_', ' ') || ' ' || it.entity_id"),
    "owner": Column("Owner"),
    "role": Column("Role", sql="replace(it.role, '_', ' ')"),
    "broken_on": Column("Broken", "day"),
    "age": Column("Days", "count", sql="asked.last_day - it.broken_on"),
    "currency": CURRENCY,
    "amount": Column("At stake", "money"),
    "amount_label": Column("That is", help="What the amount is; nothing is estimated."),
    "evidence": Column("Evidence"),
}
#: Open at the end of the last day.
_STANDS = "(it.closed_on is null or it.closed_on > asked.last_day) and it.excluded is null"

OVERNIGHT = Records(
    title="Broken in these days, most at stake first",
    mart="fct_exception",
    where=f"it.broken_on between asked.first_day and asked.last_day and {_STANDS}",
    columns=_BROKEN,
    order="abs(amount) desc nulls last, age desc, rooftop, trace_key",
    phone=("label", "owner", "amount"),
)
BROKEN = Records(
    title="Broken and open, most at stake first",
    mart="fct_exception",
    where=f"it.broken_on <= asked.last_day and {_STANDS}",
    columns=_BROKEN,
    order="abs(amount) desc nulls last, age desc, rooftop, trace_key",
    phone=("label", "owner", "amount"),
)

CASES = Records(
    title="Open cases, blocked ones first",
    mart="fct_case",
    note="As the newest data has them, whatever period is chosen.",
    where="it.is_open",
    columns={
        "rooftop": Column("Rooftop"),
        "case": Column("Case", sql="coalesce(it.deal_number, it.case_key)"),
        "stage": Column("Stage"),
        "owner": Column("Owner"),
        "role": Column("Role", sql="replace(it.role, '_', ' ')"),
        "stage_entered_on": Column("In stage since", "day"),
        "days": Column("Days in stage", "count", sql="asked.last_day - it.stage_entered_on"),
        "blocker": Column("What blocks"),
        "blocked_on": Column("Blocked since", "day"),
    },
    order="blocker is null, days desc, rooftop, trace_key",
    phone=("case", "stage", "days"),
)
