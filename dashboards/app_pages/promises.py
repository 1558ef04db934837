"""Promises: which were kept, which are broken, what is at stake, and whose turn it is."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Report
from dashboards.lists.promises import BROKEN, OVERNIGHT

REPORT = Report(
    kpi="promise_kept_rate",
    dimensions=("rule", "stage", "role", "owner", "rooftop"),
    beside=("exception_days", "change_explained_rate"),
    records=(BROKEN, OVERNIGHT),
    is_board=True,
)

kpi_page.draw(shell.current(), REPORT)
