"""Contracts in transit: cars sold on finance and not yet paid for, what holds the money, and whose turn it is."""

from __future__ import annotations

from dashboards.lists.fields import ROOFTOP
from dashboards.records import Records
from dashboards.tables import Column

#: What the finance company waits for, by the papers of the deal on the day asked for.
_CAUSE = """coalesce(
            (
                select string_agg(
                    case when paper.rejected_on <= asked.last_day then replace(paper.document, '_', ' ') || ' rejected'
                    else replace(paper.document, '_', ' ') || ' missing' end, ', ' order by paper.document
                )
                from marts.fct_document as paper
                where paper.deal_key = deal.deal_key and paper.required_on <= asked.last_day
                    and (paper.complete_on is null or paper.complete_on > asked.last_day)
                    and (paper.waived_on is null or paper.waived_on > asked.last_day)
            ),
            case when it.disputed_from <= asked.last_day
                and (it.disputed_until is null or it.disputed_until > asked.last_day)
                then 'disputed: ' || coalesce(it.dispute_reason, 'no reason given') end,
            'papers complete, not paid'
        )"""
_OPEN = """(
            select sum(moved.amount) from marts.fct_receivable_movement as moved
            where moved.receivable_key = it.receivable_key and moved.effective_on <= asked.last_day
        )"""

_CONTRACT = {
    "rooftop": ROOFTOP,
    "deal_number": Column("Deal", sql="it.deal_number"),
    "owner": Column(
        "Owner",
        help="The finance manager of the deal, else its salesperson.",
        sql="coalesce(deal.finance_manager, deal.salesperson)",
    ),
    "lender": Column("Finance company", sql="coalesce(it.customer_name, deal.finance_company)", short="Financed by"),
    "contract_on": Column("Contract", "day", sql="coalesce(it.contract_on, it.posted_on)"),
    "currency": Column("Currency", sql="it.currency"),
}

WAITING_FOR_MONEY = Records(
    title="Not paid yet, oldest first",
    mart="fct_receivable",
    where="it.is_contract_in_transit and it.is_debit and it.posted_on <= asked.last_day and not it.is_vanished "
    "and (it.settled_on is null or it.settled_on > asked.last_day)",
    joins="left join marts.fct_deal as deal on it.rooftop = deal.rooftop and it.deal_number = deal.deal_number",
    columns={
        "rooftop": _CONTRACT["rooftop"],
        "deal_number": _CONTRACT["deal_number"],
        "cause": Column("What holds it", sql=_CAUSE),
        "owner": _CONTRACT["owner"],
        "lender": _CONTRACT["lender"],
        "contract_on": _CONTRACT["contract_on"],
        "days": Column("Days", "count", sql="asked.last_day - coalesce(it.contract_on, it.posted_on)"),
        "standing": Column(
            "Standing",
            help="Late: past the 7 days of the promise.",
            sql="case when asked.last_day - coalesce(it.contract_on, it.posted_on) > 7 then 'late' else 'in time' end",
        ),
        "currency": _CONTRACT["currency"],
        "outstanding": Column("Open", "money", sql=_OPEN),
        "document": Column("Document", sql="it.document"),
    },
    order="days desc, rooftop, deal_number",
    phone=("deal_number", "cause", "days"),
)

PAID = Records(
    title="Paid in these days, slowest first",
    mart="fct_receivable",
    where="it.is_contract_in_transit and it.funded_on between asked.first_day and asked.last_day",
    joins="left join marts.fct_deal as deal on it.rooftop = deal.rooftop and it.deal_number = deal.deal_number",
    columns=_CONTRACT
    | {
        "funded_on": Column("Paid", "day"),
        "days": Column("Days", "count", sql="cast(it.funding_seconds / 86400 as bigint)"),
        "amount": Column("Amount", "money", sql="it.amount"),
        "why_not": Column("Why not counted", sql="it.funding_excluded"),
    },
    order="why_not is not null, days desc nulls last, rooftop, deal_number",
    phone=("deal_number", "lender", "days"),
)
