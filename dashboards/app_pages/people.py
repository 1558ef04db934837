"""People: what each one sold and earned, how fast he answers, how many come; each figure with its n."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import naming, scorecard, shell, tables, words
from dashboards.scorecard import Measure
from dashboards.shell import Page
from dashboards.tables import Column

SALES = (
    Measure("units", "salesperson"),
    Measure("gross_per_unit", "salesperson"),
    Measure("gross_margin_rate", "salesperson"),
    Measure("response_minutes", "owner"),
    Measure("sla_met_rate", "owner"),
    Measure("appointment_set_rate", "owner"),
    Measure("show_rate", "employee"),
    Measure("conversion_rate", "owner"),
)
WORKSHOP = (
    Measure("worked_per_attended", "technician"),
    Measure("sold_per_worked", "technician"),
    Measure("sold_per_available", "technician"),
)
ADVICE = (
    Measure("repair_order_days", "advisor"),
    Measure("comeback_rate", "advisor"),
    Measure("declined_recovery_rate", "advisor"),
    Measure("ro_close_contact_rate", "advisor"),
)


def people(page: Page) -> None:
    """The page *People*: sales, service advice and the workshop, a row per person and rooftop."""
    groups = {"Sales": SALES, "Service advice": ADVICE, "Workshop": WORKSHOP}
    metrics = page.reader.metrics()
    there = {name: measures for name, measures in groups.items() if any(measure.kpi in metrics for measure in measures)}
    if not there:
        st.info("This run holds no figures about people.", icon=":material/info:")
        return
    for place, (name, measures) in zip(st.tabs(list(there)), there.items(), strict=True):
        with place:
            _group(page, name, measures)
    st.caption(
        "Conversion and other cohorts are those whose window has passed. "
        "A split deal is half a unit for each of the two."
    )


def _group(page: Page, name: str, measures: tuple[Measure, ...]) -> None:
    """A code belongs to its rooftop, so every rooftop is asked on its own."""
    rooftops = page.reader.rooftops()
    rows: list[dict[str, Any]] = []
    for rooftop in page.filters.rooftops or tuple(rooftops):
        known = {
            row["employee"]: row
            for row in page.reader.rows(
                "select employee, any_value(employee_name) as employee_name, any_value(role) as role "
                "from marts.dim_employee where coalesce(rooftop, $1) = $1 group by employee",
                (rooftop,),
            )
        }
        for code, values in scorecard.of(page, measures, (rooftop,)).items():
            person = known.get(code, {})
            rows.append(
                {
                    "person": person.get("employee_name") or code,
                    "role": person.get("role"),
                    "rooftop": rooftop,
                    "code": code,
                }
                | values
            )
    first = measures[0].kpi
    rows.sort(key=lambda row: (-(row.get(first) or 0), str(row["rooftop"]), str(row["person"])))
    metrics = page.reader.metrics()
    columns = {"person": Column("Person"), "role": Column("Role", "code"), "rooftop": Column("Rooftop")}
    columns |= scorecard.columns(metrics, [measure.kpi for measure in measures], page.reader.currencies(), rows)
    columns |= {"code": Column("Code")}
    if rows and first == "units":
        best = float(rows[0].get(first) or 0)
        cars = words.counted(round(best), "cars", page.locale)
        if best % 1:
            cars = f"{words.number(best, 1, page.locale)} cars"
        st.markdown(f"#### {words.plain(str(rows[0]['person']))} sold most: {cars}.")
    phone = ["person", *(measure.kpi for measure in measures if measure.kpi in columns)][:3]
    rows = naming.named(page.reader, rows, columns)
    tables.records(page, rows, columns, key=name.lower().replace(" ", "_"), name=name, phone=phone)


people(shell.current())
