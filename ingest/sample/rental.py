"""The fleet: rental, courtesy and demonstration cars, their hires and the days they could not be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingest.sample.people import Customer, People
from ingest.sample.stock import Car, Stock
from ingest.sample.world import Rooftop, World, at, one_of, open_day, spread

FLEET = (("rental", 9), ("courtesy", 5), ("demo", 4))  # cars at scale 1
#: days between hires and days of a hire, as quantiles, by use
IDLE = {"rental": (0.1, 0.4, 0.9, 1.6, 4), "courtesy": (0.1, 0.4, 0.8, 1.5, 3), "demo": (0.1, 0.5, 1.0, 1.8, 4)}
AWAY = {"rental": (1, 1, 2, 4, 9), "courtesy": (0.4, 1, 1.6, 2.5, 6), "demo": (0.5, 1, 2, 3, 5)}
OUT_OF_SERVICE_EVERY = 75  # days of use


@dataclass(slots=True)
class Damage:
    """A damage found at return that the customer or an insurer owes, in cents."""

    customer: Customer
    day: date
    amount: int


class Rental:
    """The fleet of one rooftop."""

    def __init__(self, world: World, rooftop: Rooftop, people: People, stock: Stock) -> None:
        self.world, self.rooftop, self.people, self.stock = world, rooftop, people, stock
        self.chance = world.chance("rental", rooftop.code)
        self.damages: list[Damage] = []
        self.events = 0
        self.renters = [people.person(world.start) for _ in range(max(20, round(60 * world.scale)))]
        for renter in self.renters:
            renter.buys = True

    def run(self) -> None:
        """Each place in the fleet is filled by one car after the other."""
        for use, count in FLEET:
            for _ in range(max(2, round(count * self.world.scale))):
                self._place(use)
        self._turned_demo()
        self._lent_from_the_lot()

    def _place(self, use: str) -> None:
        chance = self.chance
        acquired = self.world.start - timedelta(days=int(chance.random() * 300))
        while acquired <= self.world.end:
            condition = "new" if use == "demo" else "used"
            car = self.stock.car(acquired, condition=condition, use=use, channel="lease_return")
            self._priced(car)
            removed = acquired + timedelta(days=int(spread(chance, (240, 330, 400, 520))))
            car.removed_on = removed
            car.ready_on = car.arrived_on + timedelta(days=1)
            self._hires(car, car.ready_on, removed)
            self._depreciation(car, removed)
            acquired = removed - timedelta(days=int(chance.random() * 12))

    def _priced(self, car: Car) -> None:
        car.cost_source, car.states_price = "purchase_price", True

    def _hires(self, car: Car, since: date, until: date) -> None:
        """Hires and spells out of service, one after the other, now and then one overlapping the next."""
        chance = self.chance
        idle, away = IDLE[car.use], AWAY[car.use]
        moment = at(since, 600)
        worked = 0.0
        while moment.date() < until and moment.date() <= self.world.end + timedelta(days=12):
            moment = self._by_day(moment + timedelta(days=spread(chance, idle)))
            if worked > OUT_OF_SERVICE_EVERY * (0.6 + 0.8 * chance.random()):
                back = moment + timedelta(days=spread(chance, (0.5, 1.5, 3, 6, 12)))
                hours = 6 if chance.random() < 0.15 else 0  # noted while it was still with its driver
                self._event(car, moment - timedelta(hours=hours), "out_of_service")
                self._event(car, back, "ready")
                moment, worked = back, 0.0
                continue
            days = spread(chance, away)
            due = self._by_day(moment + timedelta(days=days))
            late = chance.random() < 0.12
            returned = self._by_day(due + timedelta(hours=2 + 40 * chance.random())) if late else due
            if returned.date() >= until:
                return
            kept = chance.random() < 0.001  # never came back, as far as the books know
            self._hire(car, moment, due, None if kept else returned)
            worked += days
            early = timedelta(hours=3) if chance.random() < 0.02 else timedelta()
            moment = returned - early

    def _by_day(self, moment: datetime) -> datetime:
        """The same moment, moved into the hours in which keys change hands, on a whole minute."""
        moment = moment.replace(second=0, microsecond=0)
        if moment.hour < 8:
            return moment.replace(hour=8)
        return moment.replace(hour=18, minute=moment.minute // 2) if moment.hour >= 19 else moment

    def _hire(self, car: Car, out: datetime, due: datetime, returned: datetime | None) -> None:
        chance, table = self.chance, self.world.tables["dms_rentals"]
        renter = one_of(chance, self.renters)
        days = max(1, round(((returned or due) - out).total_seconds() / 86_400))
        booked = out - timedelta(days=int(chance.random() * 14))
        made = table.add(
            (booked, out, returned),
            rooftop=self.rooftop.code,
            agreement_number=f"H{len(table.rows) + 1:06d}",
            stock_number=car.stock_number,
            customer_id=renter.customer_id,
            kind=car.use if car.use in ("rental", "courtesy", "demo") else "courtesy",
            out_at=out,
            due_back_at=due,
            returned_at=returned,
            revenue=days * (4_200 + int(chance.random() * 2_000)) if car.use == "rental" else 0,
            currency=self.rooftop.currency,
        )
        if made and returned and chance.random() < 0.02:
            self.damages.append(Damage(renter, returned.date(), 8_000 + int(chance.random() * 60_000)))

    def _event(self, car: Car, moment: datetime, status: str) -> None:
        self.events += 1
        self.world.tables["dms_vehicle_events"].add(
            moment,
            rooftop=self.rooftop.code,
            event_id=f"FE{self.events:06d}",
            stock_number=car.stock_number,
            occurred_at=moment,
            status=status,
            location="Fleet",
        )

    def _depreciation(self, car: Car, until: date) -> None:
        month = car.acquired_on.replace(day=28)
        while month < min(until, self.world.end):
            car.lines.append((month, "depreciation", 19_000))
            month = (month + timedelta(days=10)).replace(day=28)

    def _turned_demo(self) -> None:
        """Cars bought for the lot that became demonstrators on a day; the vehicle file tells both uses."""
        chance = self.chance
        for _ in range(max(2, round(3 * self.world.scale))):
            month = one_of(chance, self.world.months[-3:])  # the stock was exported at the end of the month before
            changed = month + timedelta(days=2 + int(chance.random() * 24))
            car = self.stock.car(month - timedelta(days=5 + int(chance.random() * 30)), condition="new")
            self._priced(car)
            car.arrived_on = car.acquired_on
            car.ready_on = min(car.ready_on, month - timedelta(days=1))
            car.use, car.use_changed = "demo", (changed, "retail")
            self._hires(car, changed + timedelta(days=1), self.world.end + timedelta(days=60))

    def _lent_from_the_lot(self) -> None:
        """Cars that are for sale, lent for a day: hires that are no use of the fleet."""
        chance = self.chance
        lot = [car for car in self.stock.cars if car.use == "retail" and not car.use_changed]
        for _ in range(max(3, round(10 * self.world.scale))):
            car = one_of(chance, lot)
            day = open_day(self.rooftop, max(self.world.start, car.ready_on + timedelta(days=1)))
            self._hire(car, at(day, 600), at(day, 1020), at(day, 1030))
