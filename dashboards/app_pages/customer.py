"""Customer: all that is known of one customer, by name or number, in the order of days."""

from __future__ import annotations

import streamlit as st

from dashboards import lives, naming, shell, words
from dashboards.lives import Event
from dashboards.shell import Page

#: The numbers by which the sources know the customer. One that is kept group-wide holds at every rooftop.
BY_MATCH = "numbers as (select system, rooftop, customer_id from marts.brg_customer_source where customer_key = $1)"
BY_RECORD = "numbers as (select system, rooftop, customer_id from marts.dim_customer where customer_key = $1)"


def _of(system: str) -> str:
    return (
        f"exists (select 1 from numbers where numbers.system = '{system}' and numbers.customer_id = it.customer_id "
        "and coalesce(numbers.rooftop, it.rooftop) = it.rooftop)"
    )


_CRM, _DMS = _of("crm"), _of("dms")
#: A deal is the customer's by its number, or because it came from one of his leads.
_DEAL = f"({_DMS} or it.deal_key in (select deal_key from marts.brg_lead_deal where lead_key in (" + (
    "select lead_key from marts.fct_lead as it where " + _CRM + ")))"
)

EVENTS = (
    Event(
        "fct_lead",
        "received_on",
        "'Enquiry'",
        "concat_ws(', ', it.lead_id, it.source, replace(it.intent, '_', ' '), it.vehicle_text)",
        _CRM,
        "lead_key",
    ),
    Event(
        "fct_lead_activity",
        "occurred_on",
        "'Contact'",
        "concat_ws(', ', replace(it.channel, '_', ' '), it.direction, replace(it.outcome, '_', ' '))",
        _CRM,
        "activity_key",
    ),
    Event(
        "fct_appointment",
        "due_on",
        "'Appointment'",
        "concat_ws(', ', replace(it.kind, '_', ' '), replace(it.status, '_', ' '))",
        _CRM,
        "appointment_key",
    ),
    Event("fct_survey", "sent_on", "'Survey'", "concat_ws(', ', it.about, it.points || ' points')", _CRM, "survey_key"),
    Event(
        "fct_deal",
        "contract_on",
        "'Contract'",
        "concat_ws(', ', it.deal_number, trim(it.make || ' ' || it.model), it.status)",
        _DEAL,
        "deal_key",
        "it.sale_price",
        "it.currency",
    ),
    Event("fct_deal", "delivered_on", "'Handed over'", "it.deal_number", _DEAL, "deal_key"),
    Event(
        "fct_repair_order",
        "opened_on",
        "'Workshop'",
        "concat_ws(', ', it.ro_number, it.promise)",
        _DMS,
        "repair_order_key",
        "it.revenue",
        "it.currency",
    ),
    Event(
        "fct_rental",
        "out_on",
        "'Hire'",
        "concat_ws(', ', it.agreement_number, it.stock_number)",
        _DMS,
        "rental_key",
        "it.revenue",
        "it.currency",
    ),
    Event(
        "fct_receivable",
        "posted_on",
        "case it.entry_kind when 'invoice' then 'Invoice' else replace(it.document_kind, '_', ' ') end",
        "concat_ws(', ', it.document, it.schedule, case when it.settled_on is not null "
        "then 'settled ' || it.settled_on end)",
        _DMS,
        "receivable_key",
        "it.amount",
        "it.currency",
    ),
)
HELP = "Name or customer number, or a part of it"
SEARCH = """
    select
        customer_key,
        concat_ws(' · ', customer_name, customer_id, upper(system), coalesce(rooftop_name, rooftop)) as title,
        customer_name, customer_id, system, kind
    from marts.dim_customer
    left join (select rooftop, rooftop_name from marts.dim_rooftop) using (rooftop)
    where customer_name ilike $1 escape '\\' or customer_id ilike $1 escape '\\'
    order by customer_name, customer_key
"""


def customer(page: Page) -> None:
    """The page *Customer*."""
    if not page.reader.has("dim_customer"):
        st.info("This run holds no customers.", icon=":material/info:")
        return
    found = lives.chosen(page, "Customer", HELP, SEARCH, "customer_key", "title")
    if found is None:
        return
    ctes = BY_MATCH if page.reader.has("brg_customer_source") else BY_RECORD
    numbers = page.reader.rows(f"with {ctes} select * from numbers order by all", (found["customer_key"],))
    st.markdown(f"#### {words.plain(found['customer_name'] or 'A customer without a name')}")
    known = [
        f"{row['customer_id']} in the {row['system'].upper()} of {row['rooftop'] or 'all rooftops'}"
        for row in naming.named(page.reader, numbers)
    ]
    st.caption(f"{words.plain(str(found['kind']).capitalize())} · {words.plain(' · '.join(known))}")
    lives.draw(page, ctes, EVENTS, found["customer_key"], "a customer")


customer(shell.current())
