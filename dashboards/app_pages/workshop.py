"""Workshop: how long a car stays, which orders are open, what was declined, what failed."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.workshop import CLOSED_ORDERS, DECLINED, INSPECTIONS, OPEN_ORDERS

REPORT = Report(
    kpi="repair_order_days",
    dimensions=("rooftop", "advisor", "promise", "parts"),
    beside=(
        "service_gross",
        "comeback_rate",
        "declined_recovery_rate",
        "ro_close_contact_rate",
        "inspection_fail_rate",
        "worked_per_attended",
        "sold_per_worked",
        "sold_per_available",
    ),
    records=(OPEN_ORDERS, CLOSED_ORDERS, DECLINED, INSPECTIONS),
    is_board=True,
)

kpi_page.draw(shell.current(), REPORT)
