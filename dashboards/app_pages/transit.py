"""In transit: cars that are bought or ordered and not here, when they are expected, and who waits for them."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.cars import TRANSIT, WAITING

REPORT = Report(
    kpi="transit_days",
    dimensions=("rooftop", "acquisition_channel", "condition", "make", "model"),
    records=(TRANSIT, WAITING),
    is_board=True,
)

kpi_page.draw(shell.current(), REPORT)
