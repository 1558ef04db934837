"""Leads, enquiries and appointments: who asked, who was answered, what became of it."""

from __future__ import annotations

from dashboards.lists.fields import KIND, LEAD, OWNER, ROOFTOP, SOURCE, WHY_NOT
from dashboards.records import Records
from dashboards.tables import Column

_ASKED = {
    "rooftop": ROOFTOP,
    "lead_id": LEAD,
    "source": SOURCE,
    "channel": Column("Channel", "code"),
    "intent": Column("Wants", "code"),
    "owner": OWNER,
}
_ANSWER = """case
            when it.response_excluded_reason is not null then it.response_excluded_reason
            when it.responded_on <= asked.as_of then 'answered'
            else 'not answered'
        end"""

LEADS = Records(
    title="Leads, unanswered and slowest first",
    mart="fct_lead",
    where="it.received_on between asked.first_day and asked.last_day",
    columns=_ASKED
    | {
        "received_at": Column("Received (UTC)", "instant"),
        "answer": Column("Answer", sql=_ANSWER),
        "minutes": Column(
            "Minutes",
            "number",
            decimals=0,
            help="By the clock of response.clock.",
            sql="case when it.responded_on <= asked.as_of then it.clock_response_seconds / 60 end",
        ),
        "stage": Column("Stage", "code"),
    },
    order="answer != 'not answered', answer != 'answered', minutes desc nulls last, received_at, rooftop, lead_id",
    phone=("lead_id", "answer", "minutes"),
)

ENQUIRIES = Records(
    title="Enquiries, open ones first",
    mart="fct_episode",
    where="it.started_on between asked.first_day and asked.last_day",
    columns=_ASKED
    | {
        "started_on": Column("Began", "day"),
        "leads": Column("Leads", "count"),
        "converted_on": Column(
            "Became a deal",
            "day",
            short="Deal on",
            sql="case when it.converted_on <= asked.as_of then it.converted_on end",
        ),
        "not_good_reason": WHY_NOT,
    },
    order="not_good_reason is not null, converted_on is not null, started_on, rooftop, lead_id",
    phone=("lead_id", "source", "converted_on"),
)

APPOINTMENTS = Records(
    title="Appointments, missed ones first",
    mart="fct_appointment",
    where="it.due_on between asked.first_day and asked.last_day",
    columns={
        "rooftop": ROOFTOP,
        "appointment_id": Column("Appointment"),
        "kind": KIND,
        "employee": Column("With"),
        "source": SOURCE,
        "starts_at": Column("Due (UTC)", "instant"),
        "status": Column("Status", "code"),
        "slots": Column("Times moved", "count", sql="it.slots - 1"),
        "excluded_reason": WHY_NOT,
    },
    order="status != 'no_show', starts_at desc, rooftop, appointment_id",
    phone=("appointment_id", "employee", "status"),
)

CRM_ONLY = Records(
    title="Sold in the CRM only, newest first",
    mart="fct_sale_match",
    where="it.match_status = 'sold in CRM only' and it.excluded is null "
    "and it.valid_from between asked.first_day and asked.last_day "
    "and (it.valid_to is null or it.valid_to > asked.as_of)",
    joins="left join marts.fct_lead as lead on it.lead_key = lead.lead_key",
    key="lead_key",
    traced="fct_lead",
    columns={
        "rooftop": ROOFTOP,
        "lead_id": Column("Lead", sql="lead.lead_id"),
        "source": Column("Source", sql="it.source"),
        "salesperson": Column("Salesperson", sql="it.salesperson"),
        "sold_on": Column("Marked won", "day"),
        "wants": Column("Asked for", sql="lead.vehicle_text"),
        "received_on": Column("Asked", "day", sql="lead.received_on"),
    },
    order="sold_on desc, rooftop, lead_id",
    phone=("lead_id", "salesperson", "sold_on"),
)
