"""Leads: how fast we answer, how many get an appointment, how many become a deal."""

from __future__ import annotations

import streamlit as st

from dashboards import cards, kpi_page, shell
from dashboards.kpi_page import Records, Report
from dashboards.shell import Page
from dashboards.tables import Column

LEADS = Records(
    title="Leads, unanswered and slowest first",
    needs="fct_lead",
    sql="""
        select
            lead.rooftop,
            lead.lead_id,
            lead.file_id,
            lead.row_number,
            lead.source,
            lead.channel,
            lead.intent,
            lead.owner,
            lead.received_at,
            case when lead.responded_on <= asked.as_of then lead.clock_response_seconds / 60 end as minutes,
            case
                when lead.response_excluded_reason is not null then lead.response_excluded_reason
                when lead.responded_on <= asked.as_of then 'answered'
                else 'not answered'
            end as answer,
            lead.stage
        from asked, marts.fct_lead as lead
        where ({population})
            and lead.received_on between asked.first_day and asked.last_day
    """,
    order="answer != 'not answered', answer != 'answered', minutes desc nulls last, rooftop, lead_id",
    columns={
        "rooftop": Column("Rooftop"),
        "lead_id": Column("Lead"),
        "source": Column("Source"),
        "channel": Column("Channel"),
        "intent": Column("Wants"),
        "owner": Column("Owner"),
        "received_at": Column("Received (UTC)", "instant"),
        "answer": Column("Answer"),
        "minutes": Column("Minutes", "number", decimals=0, help="By the clock of response.clock."),
        "stage": Column("Stage"),
    },
    phone=("lead_id", "source", "minutes"),
)

REPORT = Report(
    kpi="response_minutes",
    dimensions=("rooftop", "channel", "source", "intent", "owner"),
    beside=("sla_met_rate", "contact_rate", "show_rate"),
    records=(LEADS,),
    policies=("response.", "sla.", "conversion.", "episode."),
)


def leads(page: Page) -> None:
    metrics = page.reader.metrics()
    names = [name for name in ("appointment_set_rate", "conversion_rate") if name in metrics]
    kpi_page.draw(page, REPORT)
    if names:
        st.subheader("What came of them", anchor=False)
        for place, name in zip(st.columns(len(names)), names, strict=True):
            with place:
                cards.kpi_card(page, metrics[name], "leads")


shell.show("Leads", leads)
