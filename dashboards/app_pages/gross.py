"""Gross margin: what was earned on the cars sold, and where it was lost."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Records, Report
from dashboards.tables import Column

DEALS = Records(
    title="Deals, lowest gross first",
    needs="fct_deal_movement",
    sql="""
        select
            moved.rooftop,
            moved.deal_number,
            any_value(deal.file_id) as file_id,
            any_value(deal.row_number) as row_number,
            any_value(trim(moved.make || ' ' || moved.model)) as car,
            any_value(moved.salesperson) as salesperson,
            any_value(moved.currency) as currency,
            max(moved.moved_on) as moved_on,
            string_agg(distinct replace(moved.kind, '_', ' '), ', ' order by replace(moved.kind, '_', ' ')) as what,
            sum(moved.revenue) as revenue,
            sum(moved.front) as front,
            sum(moved.back) as back,
            sum(moved.total) as total,
            any_value(moved.excluded) as excluded
        from asked, marts.fct_deal_movement as moved
        left join marts.fct_deal as deal on moved.deal_key = deal.deal_key
        where moved.moved_on between asked.first_day and asked.last_day
            and moved.dated_on <= asked.as_of
            and moved.deal_type in ('retail', 'lease')
        group by moved.rooftop, moved.deal_number
    """,
    order="excluded is null, total nulls first, rooftop, deal_number",
    columns={
        "rooftop": Column("Rooftop"),
        "deal_number": Column("Deal"),
        "car": Column("Car"),
        "salesperson": Column("Salesperson"),
        "moved_on": Column("Day", "day"),
        "what": Column("What moved", help="Sale, late cost, cancelled product or reversal in the period."),
        "currency": Column("Currency"),
        "revenue": Column("Revenue", "money"),
        "front": Column("Front gross", "money"),
        "back": Column("Back gross", "money"),
        "total": Column("Total gross", "money"),
        "excluded": Column("Why not counted"),
    },
    phone=("deal_number", "car", "total"),
)

REPORT = Report(
    kpi="gross_margin_rate",
    dimensions=("rooftop", "condition", "make", "salesperson", "deal_type"),
    beside=("units", "gross_per_unit", "front_gross_per_unit", "back_gross_per_unit", "store_gross"),
    records=(DEALS,),
    policies=("deal.",),
)

kpi_page.draw(shell.current(), REPORT)
