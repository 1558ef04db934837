"""Leads: how fast we answer, how many get an appointment, how many become a deal."""

from __future__ import annotations

import streamlit as st

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.enquiries import APPOINTMENTS, ENQUIRIES, LEADS
from dashboards.shell import Page

_DIMENSIONS = ("rooftop", "channel", "source", "intent", "owner")
REPORTS = (
    Report(
        kpi="response_minutes",
        dimensions=_DIMENSIONS,
        beside=("sla_met_rate", "contact_rate", "appointment_set_rate", "show_rate", "conversion_rate"),
        records=(LEADS,),
    ),
    Report(
        kpi="appointment_set_rate",
        dimensions=_DIMENSIONS,
        beside=("contact_rate", "show_rate", "conversion_rate"),
        records=(LEADS,),
    ),
    Report(
        kpi="show_rate",
        dimensions=("rooftop", "employee", "kind", "source", "channel"),
        beside=("marked_show_rate", "no_show_save_rate", "appointment_set_rate"),
        records=(APPOINTMENTS,),
    ),
    Report(
        kpi="conversion_rate",
        dimensions=_DIMENSIONS,
        beside=("contact_rate", "appointment_set_rate", "show_rate"),
        records=(ENQUIRIES,),
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
