"""What several lists show: the same column under the same head."""

from __future__ import annotations

from dashboards.tables import Column

ROOFTOP = Column("Rooftop")
DEAL = Column("Deal")
LEAD = Column("Lead")
ORDER = Column("Order")
STOCK_NUMBER = Column("Stock number")
VIN = Column("VIN")
CAR = Column("Car", sql="trim(it.make || ' ' || it.model)")
#: Of a list that is grouped.
ONE_CAR = Column("Car", sql="any_value(trim(it.make || ' ' || it.model))")
CONDITION = Column("Condition", "code")
KIND = Column("Kind", "code")
SOURCE = Column("Source")
OWNER = Column("Owner")
SALESPERSON = Column("Salesperson")
ADVISOR = Column("Advisor")
CURRENCY = Column("Currency")
WHY_NOT = Column("Why not counted", short="Not counted")
#: The name of a customer of the DMS, else the number.
CUSTOMER = Column(
    "Customer",
    sql="""coalesce((
            select any_value(person.customer_name) from marts.dim_customer as person
            where person.system = 'dms' and person.customer_id = it.customer_id
                and coalesce(person.rooftop, it.rooftop) = it.rooftop
        ), it.customer_id)""",
)
