"""Lead scorecard: the way from lead to sale, and every figure about leads by source, channel or owner."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import charts, figures, naming, scorecard, shell, tables, words
from dashboards.scorecard import Measure
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.kpi import KpiRow

#: In the order of the way from lead to sale and beyond; those that the run lacks are left out.
KPIS = (
    "response_minutes",
    "sla_met_rate",
    "follow_up_rate",
    "contact_rate",
    "appointment_set_rate",
    "contact_to_appointment_rate",
    "show_rate",
    "marked_show_rate",
    "no_show_save_rate",
    "conversion_rate",
    "source_visibility_rate",
    "owned_rate",
    "next_action_rate",
    "stage_age_days",
    "missed_call_recovery_rate",
    "cost_per_lead",
    "cost_per_sale",
    "appraisal_hours",
    "approval_hours",
    "csi_score",
    "csi_response_rate",
)
TABLE = (
    "contact_rate",
    "response_minutes",
    "sla_met_rate",
    "follow_up_rate",
    "appointment_set_rate",
    "show_rate",
    "conversion_rate",
    "cost_per_lead",
    "cost_per_sale",
)
DIMENSIONS = ("source", "channel", "owner", "intent", "rooftop")


def page_of_leads(page: Page) -> None:
    """The page *Lead scorecard*."""
    metrics = page.reader.metrics()
    if "contact_rate" not in metrics:
        st.info("This run holds no figures about leads.", icon=":material/info:")
        return
    _funnels(page)
    figures.draw(page, KPIS, "All figures")
    _table(page)


def _total(page: Page, name: str) -> KpiRow | None:
    if name not in page.reader.metrics():
        return None
    rows = page.reader.kpi(name, page.filters.period, rooftops=page.filters.rooftops)
    return rows[0] if rows else None


def _funnels(page: Page) -> None:
    """The leads of the period and what became of them so far; beside it what happened in the period, of any lead."""
    contact, appointment = _total(page, "contact_rate"), _total(page, "appointment_set_rate")
    show, units = _total(page, "show_rate"), _total(page, "units")
    of_leads = [
        ("Good leads", contact.denominator if contact else None),
        ("Contacted", contact.numerator if contact else None),
        ("Appointment made", appointment.numerator if appointment else None),
    ]
    of_days = [
        ("Appointments due", show.denominator if show else None),
        ("Shown", show.numerator if show else None),
        ("Cars sold", units.value if units else None),
    ]
    known = {name: value for name, value in (*of_leads, *of_days) if value is not None}
    if known.get("Good leads"):
        st.markdown(
            f"#### Of {words.number(known['Good leads'], 0, page.locale)} good leads "
            f"{words.during(page.filters.period.first, page.filters.period.end, page.locale)} "
            f"**{words.number(known.get('Contacted', 0), 0, page.locale)}** were reached and "
            f"**{words.number(known.get('Appointment made', 0), 0, page.locale)}** have an appointment."
        )
    left, right = st.columns(2)
    with left:
        _funnel(page, "The leads of these days", of_leads)
    with right:
        _funnel(page, "What happened in these days", of_days)


def _funnel(page: Page, title: str, steps: Sequence[tuple[str, int | float | str | None]]) -> None:
    st.markdown(f"**{title}**")
    rows = [
        {"group": name, "value": float(value), "text": words.number(value, 0, page.locale), "n": float(value)}
        for name, value in steps
        if value is not None
    ]
    if not rows:
        st.caption("No records.")
        return
    alt = f"{title}: " + ", ".join(f"{row['group']} {row['text']}" for row in rows)
    st.altair_chart(charts.bars(rows, None, "", page.palette), alt=alt)


def _table(page: Page) -> None:
    st.subheader("Where", anchor=False)
    metrics = page.reader.metrics()
    by = (
        st.segmented_control(
            "By",
            DIMENSIONS,
            default=DIMENSIONS[0],
            required=True,
            format_func=naming.dimension,
            key="by",
            bind="query-params",
            label_visibility="collapsed",
        )
        or DIMENSIONS[0]
    )
    # An appointment is kept by an employee, a lead is owned by one: for the reader both are the person.
    measures = [
        Measure(name, "employee" if by == "owner" and by not in metrics[name].dimensions else by)
        for name in TABLE
        if name in metrics
    ]
    names = naming.names_of(page.reader, by, page.filters.rooftops)
    found = scorecard.of(page, measures, page.filters.rooftops)
    rows = [{"group": naming.called(group, names)} | values for group, values in found.items()]
    rows.sort(key=lambda row: (-row.get("contact_rate_n", 0), str(row["group"])))
    columns = {"group": Column(naming.dimension(by))} | scorecard.columns(metrics, TABLE, page.reader.currencies())
    tables.records(
        page,
        rows,
        columns,
        key=f"scorecard_{by}",
        name="Lead scorecard",
        phone=("group", "contact_rate", "appointment_set_rate"),
    )


page_of_leads(shell.current())
