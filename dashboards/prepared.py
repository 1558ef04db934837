"""What the overview needs of a run beside the marts: the parts of its KPIs, worked out when a run is published."""

from __future__ import annotations

import duckdb

from forecourt import kpi, parts
from forecourt.build import Paths
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.metrics import HEADLINES

#: KPIs with a card on the overview, beside the five headlines.
FIRST_STEPS = ("response_minutes", "appointment_set_rate", "conversion_rate")
#: Sums of the month so far, which stand beside the whole month before.
SOLD = ("units", "total_gross")
#: Further figures of the month.
MONTH = ("stock_units", "stock_cost", "receivable_outstanding")


def write(home: Home, paths: Paths) -> None:
    """Fills the schema ``parts`` of the candidate file, which nobody may hold open for writing."""
    warehouse = Warehouse(paths.warehouse)
    metrics = kpi.load_metrics(warehouse)
    try:
        newest = kpi.newest_day(warehouse)
    except Problem:
        return  # no file landed: there is no newest day, and no page asks
    del warehouse
    asked = [metrics[name] for name in (*HEADLINES, *FIRST_STEPS, *SOLD, *MONTH) if name in metrics]
    with duckdb.connect(str(paths.warehouse)) as connection:
        parts.write(connection, asked, newest)
