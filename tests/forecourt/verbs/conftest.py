"""A home with one small published run, for the verbs that read one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from forecourt.door import Warehouse
from forecourt.home import Home
from forecourt.metrics import Metric
from forecourt.publish import publish, record_end

WarehouseOf = Callable[..., Warehouse]

GROSS = Metric(
    name="gross_margin_rate",
    label="Gross margin",
    description="",
    kind="flow",
    unit="percent",
    model="fct_x",
    relation="marts.fct_x",
    date="day",
    numerator="sum(amount)",
    denominator="sum(base)",
    record="record",
    currency="currency",
    dimensions={"rooftop": "rooftop", "make": "make"},
    feeds=("dms_deals",),
    requires=("dms_deals",),
)
CLAIMS = Metric(
    name="claim_rate",
    label="Claims",
    description="",
    kind="cohort",
    unit="percent",
    model="fct_x",
    relation="marts.fct_x",
    date="day",
    numerator="count(record)",
    denominator="count(record)",
    record="record",
    window="claim.window_days",
    event="claimed_on",
    dimensions={"rooftop": "rooftop"},
    feeds=("dms_deals",),
)
FACTS = """
create table marts.fct_x as
select * from (values
    ('a', 'R1', 'Aston', date '2026-03-02', 100.00, 1000.00, 'GBP', null),
    ('b', 'R1', 'Berlin', date '2026-03-30', 50.00, 1000.00, 'GBP', null),
    ('c', 'R2', 'Aston', date '2026-03-31', 20.00, 500.00, 'GBP', null),
    ('d', 'R2', 'Aston', date '2025-12-15', 20.00, 500.00, 'GBP', date '2026-01-10')
) as facts(record, rooftop, make, day, amount, base, currency, claimed_on);
"""


@pytest.fixture
def home(tmp_path: Path, warehouse_of: WarehouseOf) -> Home:
    """A home with one small published run."""
    made = Home(tmp_path / "warehouse")
    made.create()
    warehouse_of(
        FACTS,
        path=made.warehouse,
        metrics=[GROSS, CLAIMS],
        freshness=[("dms_deals", "R1", date(2026, 3, 31)), ("dms_deals", "R2", date(2026, 3, 30))],
        policies=[("claim.window_days", "90", date(1900, 1, 1), None)],
        targets=[("claim_rate", None, date(2025, 1, 1), 0.04)],
        benchmarks=[("claim_rate", 0.05, "A survey", date(2025, 6, 1))],
    )
    publish(made, made.warehouse, "20260401T060000-000001", keep=10)
    record_end(made, "20260401T060000-000001", "published", "3 checks, 0 findings.")
    return made
