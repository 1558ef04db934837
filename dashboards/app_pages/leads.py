"""Leads: how fast we answer, how many get an appointment, how many become a deal."""

from __future__ import annotations

import streamlit as st

from dashboards import kpi_page, shell
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
    order="answer != 'not answered', answer != 'answered', minutes desc nulls last, received_at, rooftop, lead_id",
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

ENQUIRIES = Records(
    title="Enquiries, open ones first",
    needs="fct_episode",
    sql="""
        select
            episode.rooftop,
            episode.lead_id,
            episode.file_id,
            episode.row_number,
            episode.source,
            episode.channel,
            episode.intent,
            episode.owner,
            episode.started_on,
            episode.leads,
            case when episode.converted_on <= asked.as_of then episode.converted_on end as converted_on,
            episode.not_good_reason
        from asked, marts.fct_episode as episode
        where episode.started_on between asked.first_day and asked.last_day
    """,
    order="not_good_reason is not null, converted_on is not null, started_on, rooftop, lead_id",
    columns={
        "rooftop": Column("Rooftop"),
        "lead_id": Column("First lead"),
        "source": Column("Source"),
        "channel": Column("Channel"),
        "intent": Column("Wants"),
        "owner": Column("Owner"),
        "started_on": Column("Began", "day"),
        "leads": Column("Leads", "count"),
        "converted_on": Column("Became a deal", "day"),
        "not_good_reason": Column("Why not counted"),
    },
    phone=("lead_id", "source", "converted_on"),
)

_DIMENSIONS = ("rooftop", "channel", "source", "intent", "owner")
REPORTS = (
    Report(
        kpi="response_minutes",
        dimensions=_DIMENSIONS,
        beside=("sla_met_rate", "contact_rate", "appointment_set_rate", "show_rate", "conversion_rate"),
        records=(LEADS,),
        policies=("response.", "sla."),
    ),
    Report(
        kpi="appointment_set_rate",
        dimensions=_DIMENSIONS,
        beside=("contact_rate", "show_rate", "conversion_rate"),
        records=(LEADS,),
    ),
    Report(
        kpi="conversion_rate",
        dimensions=_DIMENSIONS,
        beside=("contact_rate", "appointment_set_rate", "show_rate"),
        records=(ENQUIRIES,),
        policies=("conversion.", "episode."),
    ),
)


def leads(page: Page) -> None:
    """The page *Leads*: one question of the reports at a time, chosen above."""
    metrics = page.reader.metrics()
    labels = {metrics[report.kpi].label: report for report in REPORTS if report.kpi in metrics}
    if not labels:
        st.info("This run holds no figures about leads.", icon=":material/info:")
        return
    names = list(labels)
    chosen = st.segmented_control(
        "Question",
        names,
        default=names[0],
        required=True,
        key="kpi",
        bind="query-params",
        label_visibility="collapsed",
    )
    kpi_page.draw(page, labels[chosen or names[0]])


leads(shell.current())
