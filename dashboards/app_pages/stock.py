"""Stock: what stands, for how long, what it cost, and what is on its way to the line."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.cars import PREPARED, STOCK

REPORT = Report(
    kpi="stock_units",
    dimensions=("bucket", "rooftop", "condition", "make", "model"),
    beside=("stock_cost", "days_supply", "days_in_stock", "stock_ready_rate", "time_to_line_days"),
    records=(STOCK, PREPARED),
    is_board=True,
)

kpi_page.draw(shell.current(), REPORT)
