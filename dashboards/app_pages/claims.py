"""Claims: how many of the cars delivered came back with one."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.cars import CLAIMS

REPORT = Report(
    kpi="claim_rate",
    dimensions=("rooftop", "condition", "make", "model", "salesperson"),
    beside=("return_rate",),
    records=(CLAIMS,),
    policies=("claim.", "return."),
)

kpi_page.draw(shell.current(), REPORT)
