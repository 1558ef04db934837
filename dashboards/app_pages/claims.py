"""Claims: how many of the cars delivered came back with one."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Records, Report
from dashboards.tables import Column

CLAIMS = Records(
    title="Claims on these cars, newest first",
    needs="fct_claim",
    note="Claims of the counted kinds on cars delivered in the days named above.",
    sql="""
        select
            claim.rooftop,
            claim.claim_number,
            claim.file_id,
            claim.row_number,
            claim.kind,
            claim.status,
            claim.cause,
            claim.deal_number,
            claim.delivered_on,
            claim.opened_on,
            claim.days_after_delivery,
            claim.currency,
            claim.amount_claimed,
            claim.amount_paid
        from asked, marts.fct_claim as claim
        where claim.delivered_on between asked.first_day and asked.last_day
            and claim.opened_on <= asked.as_of
            and claim.is_counted_kind
            and claim.excluded is null
    """,
    order="opened_on desc, rooftop, claim_number",
    columns={
        "rooftop": Column("Rooftop"),
        "claim_number": Column("Claim"),
        "kind": Column("Kind"),
        "status": Column("Status"),
        "cause": Column("Cause"),
        "deal_number": Column("Deal"),
        "delivered_on": Column("Delivered", "day"),
        "opened_on": Column("Opened", "day"),
        "days_after_delivery": Column("Days after delivery", "count"),
        "currency": Column("Currency"),
        "amount_claimed": Column("Claimed", "money"),
        "amount_paid": Column("Paid", "money"),
    },
    phone=("claim_number", "cause", "amount_claimed"),
)

REPORT = Report(
    kpi="claim_rate",
    dimensions=("rooftop", "condition", "make", "model", "salesperson"),
    beside=("return_rate",),
    records=(CLAIMS,),
    policies=("claim.", "return."),
)

kpi_page.draw(shell.current(), REPORT)
