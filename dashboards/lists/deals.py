"""Deals and their handovers: what moved gross, what was handed over, what waits."""

from __future__ import annotations

from dashboards.lists.fields import CAR, DEAL, ONE_CAR, ROOFTOP, SALESPERSON, SOURCE, WHY_NOT
from dashboards.records import Records, in_turn
from dashboards.tables import Column

#: Until the cost of its car was known, a deal stands in its month without a gross.
KNOWN = "it.gross_dated_on <= asked.as_of"

DEALS = Records(
    title="Deals, lowest gross first",
    mart="fct_deal_credit",
    where=f"case when {KNOWN} then it.gross_moved_on else it.moved_on end between asked.first_day and asked.last_day "
    "and it.dated_on <= asked.as_of",
    newest="it.dated_on, it.kind != 'sale', it.file_id, it.row_number",
    key="deal_key",
    traced="fct_deal",
    is_grouped=True,
    columns={
        "rooftop": ROOFTOP,
        "deal_number": DEAL,
        "car": ONE_CAR,
        "salesperson": Column("Salesperson", sql="string_agg(distinct it.salesperson, ', ' order by it.salesperson)"),
        "moved_on": Column("Day", "day", sql=f"max(case when {KNOWN} then it.gross_moved_on else it.moved_on end)"),
        "what": Column(
            "What moved",
            "code",
            help="Sale, late cost, cancelled product or reversal in the period.",
            sql="string_agg(distinct it.kind, ', ' order by it.kind)",
        ),
        "currency": Column("Currency", sql="any_value(it.currency)"),
        "revenue": Column("Revenue", "money", sql=f"sum(it.revenue) filter (where {KNOWN})"),
        "front": Column("Front gross", "money", sql=f"sum(it.front) filter (where {KNOWN})"),
        "back": Column("Back gross", "money", sql=f"sum(it.back) filter (where {KNOWN})"),
        "total": Column("Total gross", "money", sql=f"sum(it.total) filter (where {KNOWN})"),
        "excluded": Column(
            "Why not counted",
            sql=f"any_value(coalesce(it.excluded, case when not ({KNOWN}) then 'vehicle cost unknown' end))",
        ),
    },
    is_by_amount=True,
    order=f"excluded is null, total is not null, {in_turn('total', is_lowest_first=True)}, rooftop, deal_number",
    phone=("deal_number", "salesperson", "total"),
)

_HANDOVER = {
    "rooftop": ROOFTOP,
    "deal_number": DEAL,
    "car": CAR,
    "source": SOURCE,
    "salesperson": SALESPERSON,
    "started_on": Column("First enquiry", "day"),
}

DONE = Records(
    title="Handed over, slowest first",
    mart="fct_handover",
    where="it.delivered_on between asked.first_day and asked.last_day",
    key="deal_key",
    columns=_HANDOVER
    | {
        "delivered_on": Column("Handed over", "day"),
        "days": Column("Days", "count", sql="cast(it.handover_seconds / 86400 as bigint)"),
        "excluded_reason": WHY_NOT,
    },
    order="excluded_reason is not null, days desc nulls last, rooftop, deal_number",
    phone=("deal_number", "car", "days"),
)

OPEN = Records(
    title="Still waiting, longest first",
    mart="fct_handover",
    where="it.opened_on <= asked.last_day and it.excluded_reason is null "
    "and (it.delivered_on is null or it.delivered_on > asked.last_day)",
    key="deal_key",
    columns=_HANDOVER
    | {
        "opened_on": Column("Under contract", "day"),
        "age": Column("Days so far", "count", sql="asked.last_day - coalesce(it.started_on, it.opened_on)"),
    },
    order="age desc nulls last, rooftop, deal_number",
    phone=("deal_number", "car", "age"),
)
