"""Turnaround: how long a customer waits from the first enquiry to the keys."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Records, Report
from dashboards.tables import Column

_COLUMNS = {
    "rooftop": Column("Rooftop"),
    "deal_number": Column("Deal"),
    "car": Column("Car"),
    "source": Column("Source"),
    "salesperson": Column("Salesperson"),
    "started_on": Column("First enquiry", "day"),
}
_SELECT = """
        select
            handover.rooftop,
            handover.deal_number,
            handover.file_id,
            handover.row_number,
            trim(handover.make || ' ' || handover.model) as car,
            handover.source,
            handover.salesperson,
            handover.started_on,
            handover.opened_on,
            handover.delivered_on,
            handover.handover_seconds / 86400 as days,
            asked.last_day - coalesce(handover.started_on, handover.opened_on) as age,
            handover.excluded_reason
        from asked, marts.fct_handover as handover
        where ({population})
"""

DONE = Records(
    title="Handed over, slowest first",
    needs="fct_handover",
    sql=_SELECT + "and handover.delivered_on between asked.first_day and asked.last_day",
    order="excluded_reason is not null, days desc nulls last, rooftop, deal_number",
    columns=_COLUMNS
    | {
        "delivered_on": Column("Handed over", "day"),
        "days": Column("Days", "count"),
        "excluded_reason": Column("Why not counted"),
    },
    phone=("deal_number", "car", "days"),
)
OPEN = Records(
    title="Still waiting, longest first",
    needs="fct_handover",
    sql=_SELECT
    + """and handover.opened_on <= asked.last_day
            and (handover.delivered_on is null or handover.delivered_on > asked.last_day)
            and handover.excluded_reason is null""",
    order="age desc nulls last, rooftop, deal_number",
    columns=_COLUMNS | {"opened_on": Column("Under contract", "day"), "age": Column("Days so far", "count")},
    phone=("deal_number", "car", "age"),
)

REPORT = Report(
    kpi="enquiry_to_handover_days",
    dimensions=("rooftop", "source", "channel", "condition", "make", "salesperson"),
    records=(DONE, OPEN),
    policies=("episode.", "deal.recognition"),
)

kpi_page.draw(shell.current(), REPORT)
