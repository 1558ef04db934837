"""Utilisation: how much of the fleet's time is on hire."""

from __future__ import annotations

from dashboards import kpi_page, shell
from dashboards.kpi_page import Records, Report
from dashboards.tables import Column

CARS = Records(
    title="Cars, most idle days first",
    needs="fct_vehicle_day",
    sql="""
        select
            days.rooftop,
            days.stock_number,
            any_value(days.file_id) as file_id,
            any_value(days.row_number) as row_number,
            any_value(trim(days.make || ' ' || days.model)) as car,
            string_agg(distinct days."use", ', ' order by days."use") as fleet_use,
            sum(days.in_fleet_seconds) / 86400 as in_fleet,
            sum(days.out_of_service_seconds) / 86400 as out_of_service,
            sum(days.on_hire_seconds) / 86400 as on_hire,
            sum(days.available_seconds - days.on_hire_seconds) / 86400 as idle
        from asked, marts.fct_vehicle_day as days
        where days.day between asked.first_day and asked.last_day
            and days.excluded is null
        group by days.rooftop, days.stock_number
    """,
    order="idle desc, rooftop, stock_number",
    columns={
        "rooftop": Column("Rooftop"),
        "stock_number": Column("Stock number"),
        "car": Column("Car"),
        "fleet_use": Column("Use"),
        "in_fleet": Column("Days in fleet", "number"),
        "out_of_service": Column("Out of service", "number"),
        "on_hire": Column("On hire", "number"),
        "idle": Column("Idle", "number", help="In the fleet, fit for hire, and not on hire."),
    },
    phone=("stock_number", "car", "idle"),
)

REPORT = Report(
    kpi="fleet_utilisation_rate",
    dimensions=("rooftop", "use", "make", "model"),
    beside=("fleet_gross_utilisation_rate",),
    records=(CARS,),
    policies=("rental.", "fleet."),
)

kpi_page.draw(shell.current(), REPORT)
