"""Utilisation: how much of the fleet's time is on hire, which hires are out, which are late."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.cars import BACK, CARS, LATE_HIRES, OUT_NOW

REPORT = Report(
    kpi="fleet_utilisation_rate",
    dimensions=("rooftop", "use", "make", "model"),
    beside=("fleet_gross_utilisation_rate",),
    records=(CARS, LATE_HIRES, OUT_NOW, BACK),
)

kpi_page.draw(shell.current(), REPORT)
