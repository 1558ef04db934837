"""Turnaround: how long a customer waits from the first enquiry to the keys."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.deals import DONE, OPEN

REPORT = Report(
    kpi="enquiry_to_handover_days",
    dimensions=("rooftop", "source", "channel", "condition", "make", "salesperson"),
    records=(DONE, OPEN),
)

kpi_page.draw(shell.current(), REPORT)
