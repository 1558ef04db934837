"""Promises that are broken, by what is at stake."""

from __future__ import annotations

from dashboards.lists.fields import CURRENCY, OWNER, ROOFTOP
from dashboards.records import Records, in_turn
from dashboards.tables import Column

#: Rule -> what its owner does next.
NEXT_STEPS = {
    "unanswered_lead": "Answer the customer",
    "unacknowledged_whatsapp": "Answer the message",
    "lead_without_owner": "Give the lead an owner",
    "lead_without_next_action": "Plan the next action",
    "contacted_no_reply": "Try once more, or close the lead",
    "overdue_task": "Do the task, or give it a new day",
    "trade_without_appraisal": "Look at the trade-in",
    "appraisal_without_offer": "Name a price for the trade-in",
    "unanswered_quote": "Send the quotation",
    "quote_without_next_action": "Plan the call after the quotation",
    "answered_by_two": "Say who keeps the customer",
    "handover_incomplete": "Fill in what the next person needs",
    "missed_call": "Call back",
    "no_show_not_rebooked": "Offer a new appointment",
    "portal_lead_not_in_crm": "Enter the lead in the CRM",
    "customer_of_leaver": "Give the customer a new contact",
    "missing_document": "Get the document",
    "no_first_service": "Book the first service",
    "sold_without_follow_up": "Plan the call after the sale",
    "hire_past_due": "Ring the hirer",
    "late_payment": "Ask for the payment",
    "late_funding": "Ask the finance company",
    "closed_without_message": "Tell the customer that the car is ready",
    "promised_time_missed": "Tell the customer the new time",
    "part_past_eta": "Ask the supplier for a new day",
    "declined_work": "Offer the work again",
    "failed_without_retest": "Book the retest",
    "condition_dispute": "Decide who bears the cost",
    "document_gap": "Close the gap in the documents",
    "part_shortage": "Order the part elsewhere",
    "failed_inspection": "Repair and test again",
    "late_return": "Charge the late return, or waive it",
    "payment_default": "Agree on instalments, or claim",
    "price_override": "Approve the price, or take it back",
    "cost_correction": "Approve the cost, or take it back",
}
_STEPS = " ".join(f"when '{rule}' then '{step}'" for rule, step in NEXT_STEPS.items())

_BROKEN = {
    "label": Column("What"),
    "amount": Column("At stake", "money"),
    "currency": CURRENCY,
    "amount_label": Column("That is", help="What the amount is; nothing is estimated."),
    "owner": OWNER,
    "next_step": Column("Next step", sql=f"case it.rule {_STEPS} end"),
    "rooftop": ROOFTOP,
    "entity_id": Column("Record", "said", sql="it.entity || ' ' || it.entity_id"),
    "broken_on": Column("Broken", "day"),
    "age": Column("Days", "count", sql="asked.last_day - it.broken_on"),
    "role": Column("Role", "code"),
    "evidence": Column("Evidence", "said"),
}
#: Open at the end of the last day.
_STANDS = "(it.closed_on is null or it.closed_on > asked.last_day) and it.excluded is null"

OVERNIGHT = Records(
    title="Broken in these days, most at stake first",
    mart="fct_exception",
    where=f"it.broken_on between asked.first_day and asked.last_day and {_STANDS}",
    columns=_BROKEN,
    is_by_amount=True,
    order=f"{in_turn('abs(amount)')}, age desc, rooftop, trace_key",
    phone=("label", "owner", "amount"),
)
BROKEN = Records(
    title="Broken and open, most at stake first",
    mart="fct_exception",
    where=f"it.broken_on <= asked.last_day and {_STANDS}",
    columns=_BROKEN,
    is_by_amount=True,
    order=f"{in_turn('abs(amount)')}, age desc, rooftop, trace_key",
    phone=("label", "owner", "amount"),
)
