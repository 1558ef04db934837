"""Gross margin: what was earned on the cars sold, and where it was lost."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.deals import DEALS

REPORT = Report(
    kpi="gross_margin_rate",
    dimensions=("rooftop", "condition", "make", "salesperson", "deal_type"),
    beside=("units", "gross_per_unit", "front_gross_per_unit", "back_gross_per_unit", "store_gross"),
    records=(DEALS,),
)

kpi_page.draw(shell.current(), REPORT)
