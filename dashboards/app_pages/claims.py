"""Claims: how many of the cars delivered came back with one, and in which month of their service."""

from __future__ import annotations

from dashboards import kpi_page, shell, triangle
from dashboards.kpi_page import Report
from dashboards.lists.cars import CLAIMS

REPORT = Report(
    kpi="claim_rate",
    dimensions=("rooftop", "condition", "make", "model", "salesperson"),
    beside=("return_rate", "claims_submitted", "claim_cost"),
    records=(CLAIMS,),
    further=triangle.draw,
)

kpi_page.draw(shell.current(), REPORT)
