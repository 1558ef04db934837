"""Cars: where they come from, what they cost, their path through preparation, their adverts.

A car is made backwards from the day somebody buys it, or, when nobody does, from the day it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from ingest.sample.people import People
from ingest.sample.world import Rooftop, World, half_away, one_of, open_day, spread, weighted, work_time

CARS = (
    ("Ford", "Fiesta", 11), ("Ford", "Focus", 14), ("Ford", "Kuga", 21), ("Volkswagen", "Polo", 13),
    ("Volkswagen", "Golf", 18), ("Volkswagen", "Tiguan", 25), ("SEAT", "Ibiza", 12), ("SEAT", "Leon", 16),
    ("Opel", "Corsa", 12), ("Opel", "Astra", 15), ("Toyota", "Yaris", 14), ("Toyota", "Corolla", 19),
    ("Škoda", "Octavia", 18), ("Škoda", "Fabia", 12), ("Renault", "Clio", 12), ("Renault", "Captur", 16),
    ("Kia", "Ceed", 16), ("Kia", "Sportage", 23), ("Peugeot", "208", 13), ("Peugeot", "3008", 22),
)  # fmt: skip
VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
CHANNELS = (("auction", 34), ("trade_in", 14), ("private", 17), ("lease_return", 20), ("import", 15))
RECON = (("recon", 55), ("inspection", 15), ("maintenance", 12), ("transport", 18))
DAYS_IN_STOCK = (3, 12, 20, 29, 38, 47, 60, 78, 105, 190)
DAYS_TO_ARRIVE = (0, 0, 0, 1, 2, 3, 5, 9)
DAYS_TO_LINE = (2, 3, 5, 6, 8, 10, 13, 19)
PORTALS = ("AutoMarkt", "CarSquare", "MotorWeb")


@dataclass(slots=True)
class Car:
    """One stock unit. Amounts in cents; ``lines``: (posted, category, amount in the rooftop's currency)."""

    stock_number: str
    vin: str
    registration: str
    make: str
    model: str
    model_year: int
    condition: str
    use: str
    vat_scheme: str | None
    acquired_on: date
    arrived_on: date
    ready_on: date
    channel: str
    price: int  # what was paid, in `currency`
    currency: str
    rate: int
    cost_source: str  # lines, deal, purchase_price or unknown: where the cost of a sale will be found
    states_price: bool = True
    use_changed: tuple[date, str] | None = None  # (day, earlier use)
    removed_on: date | None = None
    sold_on: date | None = None
    lines: list[tuple[date, str, int]] = field(default_factory=list)
    path: list[tuple[date, str]] = field(default_factory=list)

    @property
    def base_price(self) -> int:
        """What was paid, in cents of the rooftop's currency."""
        return half_away(self.price * self.rate, 1_000_000)

    def cost(self, until: date) -> int:
        """What the unit has cost up to a day, internal packs apart, in cents of the rooftop's currency."""
        return self.base_price + sum(
            amount
            for posted, category, amount in self.lines
            if posted <= until and category not in ("pack", "purchase")
        )

    @property
    def text(self) -> str:
        return f"{self.make} {self.model} {self.model_year}"


#: What is noted when a car has to wait for a part.
DELAYS = (
    "Part on back order",
    "Supplier sent the wrong part",
    "Waits for the colour code",
    "Ordered, promised for Friday",
)


class Stock:
    """The cars of one rooftop."""

    def __init__(self, world: World, rooftop: Rooftop, people: People) -> None:
        self.world, self.rooftop, self.people = world, rooftop, people
        self.chance = world.chance("stock", rooftop.code)
        self.cars: list[Car] = []
        self.trades: list[Car] = []  # taken in part exchange, waiting for a buyer, oldest first

    def vin(self) -> str:
        """A vehicle identification number that no maker gives out, unique in the sample."""
        serial = int(self.rooftop.code[1:]) * 1_000_000 + len(self.cars) + 1
        middle = "".join(one_of(self.chance, VIN_LETTERS) for _ in range(6))
        return f"ZZ9{middle}{serial:08d}"

    def car(self, acquired: date, *, condition: str, use: str = "retail", channel: str | None = None) -> Car:
        """A new stock unit acquired on that day."""
        chance, rooftop = self.chance, self.rooftop
        make, model, worth = one_of(chance, CARS)
        channel = channel or ("manufacturer" if condition == "new" else weighted(chance, CHANNELS))
        age = 0 if condition == "new" else int(spread(chance, (1, 2, 3, 4, 6, 9)))
        price = int(worth * 100_000 * (1.15 if condition == "new" else 0.96 - 0.075 * age)) + int(
            chance.random() * 150_000
        )
        scheme: str | None = "standard"
        if condition == "used" and channel in ("private", "trade_in", "auction", "import"):
            scheme = "margin" if chance.random() < 0.8 else "standard"
        if chance.random() < 0.03 and scheme == "standard":
            scheme = None
        currency = rooftop.currency
        if channel == "import":
            currency = "EUR" if rooftop.currency == "GBP" else "GBP"
        source = weighted(chance, (("lines", 40), ("deal", 35), ("purchase_price", 24), ("unknown", 1)))
        arrived = acquired + timedelta(days=int(spread(chance, DAYS_TO_ARRIVE)) + (12 if channel == "import" else 0))
        number = len(self.cars) + 1
        rate = self.world.rate(currency, rooftop.currency, acquired)
        unit = Car(
            stock_number=f"S{number:05d}",
            vin=self.vin(),
            registration=f"{rooftop.code}{number:05d}",
            make=make,
            model=model,
            model_year=acquired.year - age,
            condition=condition,
            use=use,
            vat_scheme=scheme,
            acquired_on=acquired,
            arrived_on=arrived,
            ready_on=open_day(rooftop, arrived + timedelta(days=int(spread(chance, DAYS_TO_LINE)))),
            channel=channel,
            price=half_away(price * 1_000_000, rate) if currency != rooftop.currency else price,
            currency=currency,
            rate=rate,
            cost_source=source,
            states_price=source == "purchase_price" or (source != "unknown" and chance.random() < 0.94),
        )
        if scheme == "margin" and source != "unknown" and chance.random() < 0.9:
            unit.states_price = True
        self.cars.append(unit)
        return unit

    def prepare(self, unit: Car, sold_on: date) -> None:
        """Enters the purchase and the costs of preparation, all of them before the unit is sold."""
        chance = self.chance
        if unit.cost_source == "lines":
            unit.lines.append((unit.acquired_on, "purchase", unit.base_price))
        for _ in range(int(spread(chance, (1, 1, 2, 3, 5)))):
            posted = min(unit.acquired_on + timedelta(days=1 + int(chance.random() * 12)), sold_on)
            unit.lines.append((posted, weighted(chance, RECON), 4_000 + int(chance.random() ** 2 * 60_000)))
        if chance.random() < 0.25:
            unit.lines.append((unit.acquired_on, "pack", 15_000))
        if unit.channel == "import":
            unit.lines.append((min(unit.arrived_on, sold_on), "duty", 8_000 + int(chance.random() * 30_000)))

    def for_sale_on(self, contract: date, *, condition: str) -> Car:
        """The car somebody buys on that day: a trade-in that is waiting, or one acquired in good time."""
        if condition == "used" and self.trades and self.chance.random() < 0.35:
            waiting = self.trades[0]
            if 12 <= (contract - waiting.acquired_on).days <= 150:
                waiting.ready_on = min(waiting.ready_on, contract)
                return self.trades.pop(0)
        days = int(spread(self.chance, DAYS_IN_STOCK))
        unit = self.car(contract - timedelta(days=days), condition=condition)
        unit.arrived_on = min(unit.arrived_on, contract)
        unit.ready_on = min(unit.ready_on, contract)
        return unit

    def trade_in(self, taken: date, value: int) -> Car:
        """The car that a customer leaves in part exchange, ``value`` its actual cash value in cents."""
        unit = self.car(taken, condition="used", channel="trade_in")
        unit.price, unit.currency, unit.rate = value, self.rooftop.currency, 1_000_000
        unit.arrived_on = taken
        self.trades.append(unit)
        return unit

    def unsold(self, through: date) -> None:
        """The cars on the lot at the end that nobody has bought yet, and some on their way."""
        for _ in range(max(3, round(32 * self.world.scale))):
            days = int(spread(self.chance, (1, 10, 22, 38, 60, 95, 210)))
            unit = self.car(through - timedelta(days=days), condition=one_of(self.chance, ("new", "used", "used")))
            self.prepare(unit, through)
        for _ in range(max(1, round(3 * self.world.scale))):
            unit = self.car(through - timedelta(days=int(self.chance.random() * 8)), condition="new")
            unit.arrived_on = through + timedelta(days=4 + int(self.chance.random() * 20))
            unit.ready_on = unit.arrived_on + timedelta(days=5)

    def write(self) -> None:
        """Enters every car with its costs, events, inspections and adverts into the tables."""
        events = Events(self)
        for unit in self.cars:
            self._write_car(unit)
            events.write(unit)

    def _write_car(self, unit: Car) -> None:
        code, chance = self.rooftop.code, self.chance
        tables = self.world.tables
        changed = unit.use_changed[0] if unit.use_changed else None
        moments = (unit.acquired_on, unit.arrived_on, unit.ready_on, changed, unit.removed_on)
        row = len(tables["dms_vehicles"].rows)
        tables["dms_vehicles"].add(
            moments,
            rooftop=code,
            stock_number=unit.stock_number,
            vin=unit.vin,
            registration=unit.registration,
            make=unit.make,
            model=unit.model,
            model_year=unit.model_year,
            condition=unit.condition,
            use=unit.use,
            vat_scheme=unit.vat_scheme,
            acquired_on=unit.acquired_on,
            acquisition_channel=unit.channel,
            purchase_price=unit.price if unit.states_price else None,
            currency=unit.currency,
            rate=unit.rate if unit.currency != self.rooftop.currency else None,
            ordered_on=unit.acquired_on - timedelta(days=30) if unit.condition == "new" else None,
            eta_on=unit.arrived_on if unit.arrived_on > unit.acquired_on else None,
            arrived_on=unit.arrived_on,
            ready_on=unit.ready_on,
            removed_on=unit.removed_on,
            supplier=one_of(chance, ("Northern Auctions", "Vehicle Remarketing", "Fleet Returns")),
            purchase_invoice=f"PI{unit.stock_number[1:]}",
            odometer=7 if unit.condition == "new" else 8_000 + int(chance.random() * 90_000),
            odometer_unit="mi" if self.rooftop.currency == "GBP" else "km",
            updated_at=changed,
        )
        if unit.use_changed:
            tables["dms_vehicles"].earlier[row] = {"use": unit.use_changed[1], "updated_at": None}
        for number, (posted, category, amount) in enumerate(unit.lines, start=1):
            foreign = category == "duty" and unit.currency != self.rooftop.currency
            paid = half_away(amount * 1_000_000, unit.rate) if foreign else amount
            tables["dms_vehicle_costs"].add(
                posted,
                rooftop=code,
                cost_id=f"{unit.stock_number}-{number}",
                stock_number=unit.stock_number,
                posted_on=posted,
                category=category,
                amount=paid,
                currency=unit.currency if foreign else self.rooftop.currency,
                rate=unit.rate if foreign else None,
                internal_profit=half_away(amount, 5) if category == "recon" else None,
            )


class Events:
    """Writes the status events, inspections and adverts of the cars."""

    def __init__(self, stock: Stock) -> None:
        self.stock, self.rooftop, self.chance = stock, stock.rooftop, stock.chance
        self.tables = stock.world.tables
        self.events = self.inspections = self.adverts = 0

    def write(self, unit: Car) -> None:
        """The unit's life, in order: bought, arrived, prepared, advertised, gone."""
        chance = self.chance
        self.event(unit, unit.acquired_on, "in_transit" if unit.arrived_on > unit.acquired_on else "ordered")
        self.event(unit, unit.arrived_on, "arrived")
        days = (unit.ready_on - unit.arrived_on).days
        if unit.use in ("retail", "consignment") and days > 1:
            steps = ["inspection", "in_recon"] if days > 2 else ["in_recon"]
            if days > 5 and chance.random() < 0.3:
                steps.append("awaiting_parts")
            for place, step in enumerate(steps, start=1):
                self.event(unit, unit.arrived_on + timedelta(days=place * days // (len(steps) + 1)), step)
        self.event(unit, unit.ready_on, "ready")
        self.inspect(unit, "intake", unit.arrived_on)
        if unit.use == "retail":
            self.advertise(unit)
            if unit.sold_on:
                self.inspect(unit, "delivery", unit.sold_on)
        for day, status in unit.path:
            self.event(unit, day, status)

    def event(self, unit: Car, day: date, status: str) -> None:
        """One status event in the opening hours of ``day`` or of the next open day."""
        self.events += 1
        happened = work_time(self.rooftop, day, self.chance)
        self.tables["dms_vehicle_events"].add(
            happened,
            rooftop=self.rooftop.code,
            event_id=f"EV{self.events:06d}",
            stock_number=unit.stock_number,
            occurred_at=happened,
            status=status,
            location=one_of(self.chance, ("Lot A", "Lot B", "Workshop")),
            # By the number of the event, so that no other choice of the sample moves.
            note=DELAYS[self.events % len(DELAYS)] if status == "awaiting_parts" else None,
        )

    def inspect(self, unit: Car, kind: str, day: date) -> None:
        """An inspection; one in eight fails, or passes only after repair, and is tried again."""
        attempt = 1
        while True:
            self.inspections += 1
            happened = work_time(self.rooftop, day, self.chance)
            result = weighted(self.chance, (("pass", 87), ("fail", 8), ("pass_after_repair", 4), ("aborted", 1)))
            self.tables["dms_inspections"].add(
                happened,
                rooftop=self.rooftop.code,
                inspection_id=f"IN{self.inspections:06d}",
                vin=unit.vin,
                stock_number=unit.stock_number,
                kind=kind,
                attempt=attempt,
                inspected_at=happened,
                result=result,
                inspector=self.stock.people.on_duty("technician", max(day, self.stock.world.start), self.chance),
            )
            if result not in ("fail", "aborted") or attempt == 3:
                return
            attempt, day = attempt + 1, happened.date() + timedelta(days=2)

    def advertise(self, unit: Car) -> None:
        """One or two adverts from the day the unit is ready until it is sold."""
        for portal in PORTALS[: 1 + int(self.chance.random() * 2)]:
            self.adverts += 1
            self.tables["portal_listings"].add(
                (unit.ready_on, unit.sold_on),
                rooftop=self.rooftop.code,
                portal=portal,
                listing_id=f"AD{self.adverts:06d}",
                stock_number=unit.stock_number,
                vin=unit.vin,
                price=half_away(unit.base_price * 118, 100),
                currency=self.rooftop.currency,
                listed_on=unit.ready_on,
                removed_on=unit.sold_on,
                views=int(self.chance.random() * 3000),
                enquiries=int(self.chance.random() * 25),
                photos=int(self.chance.random() * 30),
            )
