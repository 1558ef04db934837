"""Causes planted into the sample: things that go wrong on purpose from a day on, to see whether ``why`` finds them.

Without them the sample is the same to the byte. Each rooftop gets its own culprit; ``world.planted`` and, in a written
sample, ``truth.json`` tell who it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from forecourt.errors import Problem
from ingest.sample.world import Rooftop, World, half_away, one_of

if TYPE_CHECKING:
    from ingest.sample.people import Customer, People
    from ingest.sample.sales import Deal

#: plant -> (the KPI that it moves, the dimension that names the culprit)
PLANTS = {
    "discounting_salesperson": ("gross_margin_rate", "salesperson"),
    "late_parts": ("repair_order_days", "parts_supplier"),
    "failing_model": ("claim_rate", "model"),
    "slow_payer": ("overdue_rate", "customer"),
}
SUPPLIERS = ("Parts Depot", "Castor Components", "Fairway Spares")
DISCOUNT_PERCENT = 24  # of the price of a car: sold below what it cost
DELAY_MINUTES = 2_400  # of opening time, about four days more until the part is there
FAILING = 0.97  # of the failing model's deliveries have a claim within 90 days
SLOW_DAYS = 120  # later than before; the payer is a trade account that buys every week


def checked(plants: Mapping[str, date] | None) -> dict[str, date]:
    """The plants by name with the day they begin. Raises Problem for a name there is none of."""
    unknown = sorted(set(plants or {}) - set(PLANTS))
    if unknown:
        raise Problem(f"Nothing named {unknown[0]} can be planted in a sample; there are {', '.join(PLANTS)}.")
    return dict(plants or {})


class Plants:
    """What is planted at one rooftop; every question is answered as if nothing was where nothing is."""

    def __init__(self, world: World, rooftop: Rooftop, people: People) -> None:
        self.world, self.rooftop, self.people = world, rooftop, people
        self.chance = world.chance("plants", rooftop.code)
        self.model: str | None = None
        self.payer: Customer | None = None
        self.salesperson: str | None = None
        self.supplier: str | None = None
        since = world.plants.get("discounting_salesperson")
        if since:
            stay = [p for p in people.by_role("sales") if p.active_from <= since and p.active_to is None]
            self.salesperson = one_of(self.chance, stay or people.by_role("sales")).employee
            self._tell("discounting_salesperson", self.salesperson)
        if "slow_payer" in world.plants:
            self.payer = people.company("Brisk Couriers", "business", world.start)
            self.payer.terms_days = 30
            self._tell("slow_payer", self.payer.customer_id)
        if "late_parts" in world.plants:
            self.supplier = one_of(self.chance, SUPPLIERS)
            self._tell("late_parts", self.supplier)

    def _tell(self, plant: str, group: str) -> None:
        kpi, dimension = PLANTS[plant]
        self.world.planted.append(
            {
                "rooftop": self.rooftop.code,
                "plant": plant,
                "since": self.world.plants[plant].isoformat(),
                "kpi": kpi,
                "dimension": dimension,
                "group": group,
            }
        )

    def discount(self, deal: Deal, scheme: str, vat_percent: int) -> None:
        """Takes the discount off the price of a deal of the discounting salesperson."""
        since = self.world.plants.get("discounting_salesperson")
        if since and deal.salesperson == self.salesperson and deal.contract_on >= since:
            deal.sale_price = deal.sale_price * (100 - DISCOUNT_PERCENT) // 100
            deal.tax = 0 if scheme == "margin" else half_away(deal.sale_price * vat_percent, 100)

    def orders_parts(self) -> str:
        """The supplier of an order's parts."""
        return one_of(self.chance, SUPPLIERS) if self.supplier else SUPPLIERS[0]

    def delay(self, supplier: str, opened: date) -> float:
        """Minutes of opening time that an order waits for late parts."""
        since = self.world.plants.get("late_parts")
        if since is None or supplier != self.supplier or opened < since:
            return 0.0
        return DELAY_MINUTES * (0.5 + self.chance.random())

    def choose_model(self, sold: list[Deal]) -> None:
        """The model sold most since the day is the one that fails."""
        since = self.world.plants.get("failing_model")
        if since:
            models = Counter(
                deal.car.model
                for deal in sold
                if deal.delivered_on and deal.delivered_on >= since and deal.ends != "cancelled"
            )
            self.model = min(models, key=lambda model: (-models[model], model))
            self._tell("failing_model", self.model)

    def claims(self, usual: float, deal: Deal) -> float:
        """The share of deliveries like this one that have a claim within 90 days."""
        since = self.world.plants.get("failing_model")
        if since is None or deal.car.model != self.model or deal.delivered_on is None or deal.delivered_on < since:
            return usual
        return FAILING

    def pays_later(self, customer: Customer | None, posted: date) -> int:
        """Days by which a customer pays later than they would."""
        since = self.world.plants.get("slow_payer")
        return SLOW_DAYS if since and customer is not None and customer is self.payer and posted >= since else 0
