"""The workshop and the parts counter: repair orders with lines, punches and attendance, counter sales, claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingest.sample.people import Customer, People
from ingest.sample.planted import Plants
from ingest.sample.sales import Deal
from ingest.sample.world import Rooftop, World, at, in_hours, is_open, month_end, one_of, open_day, spread, weighted

ORDERS_A_MONTH = 40
TICKETS_A_MONTH = 25
OPERATIONS = (
    ("OIL", 80, 9_500), ("BRAKES", 160, 21_000), ("TYRES", 90, 12_000), ("CLUTCH", 420, 54_000),
    ("DIAG", 60, 8_000), ("AIRCON", 100, 13_500), ("BATTERY", 40, 6_000), ("SUSPENSION", 230, 30_000),
)  # fmt: skip
PARTS = ("FILTER", "PADS", "TYRE", "BATTERY", "BULB", "WIPER", "HOSE", "SENSOR")
CLAIM_RATE = 0.052  # of deliveries have a warranty or goodwill claim within 90 days
CAUSES = ("gearbox noise", "battery", "paint", "air conditioning", "infotainment", "water ingress")


@dataclass(slots=True)
class Order:
    """What the ledger needs to know of a repair order; amounts in cents."""

    number: str
    customer: Customer
    closed_on: date
    pay_type: str
    total: int
    insured: bool


@dataclass(slots=True)
class Ticket:
    customer: Customer | None
    sold_on: date
    total: int


class Workshop:
    """The workshop of one rooftop. Hours and quantities are hundredths, amounts cents."""

    def __init__(self, world: World, rooftop: Rooftop, people: People, plants: Plants) -> None:
        self.world, self.rooftop, self.people, self.plants = world, rooftop, people, plants
        self.chance = world.chance("workshop", rooftop.code)
        self.orders: list[Order] = []
        self.tickets: list[Ticket] = []
        self.punches = self.claims = 0

    def run(self, deals: list[Deal]) -> None:
        """Orders of every month for cars sold here and others, counter sales, attendance, then the claims."""
        chance = self.chance
        sold = [deal for deal in deals if deal.kind in ("retail", "lease") and deal.delivered_on]
        for month in self.world.months:
            length = month_end(month).day
            for _ in range(self.world.volume(ORDERS_A_MONTH, chance)):
                day = open_day(self.rooftop, month + timedelta(days=int(chance.random() * length)))
                owner = one_of(chance, sold)
                known = owner.delivered_on is not None and owner.delivered_on < day
                self._order(day, owner if known else None)
            for _ in range(self.world.volume(TICKETS_A_MONTH, chance)):
                self._ticket(open_day(self.rooftop, month + timedelta(days=int(chance.random() * length))))
        self._attendance()
        times = Counter(deal.car.stock_number for deal in sold)
        self.plants.choose_model(sold)
        for deal in sold:
            self._claims(deal, alone=times[deal.car.stock_number] == 1)
        for _ in range(max(2, round(6 * self.world.scale))):
            self._unlinked_claim()

    def _order(self, day: date, owner: Deal | None) -> None:
        chance, table = self.chance, self.world.tables["dms_repair_orders"]
        customer = owner.customer if owner else self._visitor(day)
        customer.buys = True
        opened = at(day, 510 + 360 * chance.random())
        promised = in_hours(self.rooftop, opened, spread(chance, (120, 240, 360, 500, 900)))
        waiting = chance.random() < 0.08
        done = in_hours(self.rooftop, opened, spread(chance, (60, 150, 260, 420, 1000)) + (2000 if waiting else 0))
        closed = in_hours(self.rooftop, done, spread(chance, (5, 30, 60, 200, 600)))
        voided = chance.random() < 0.03
        number = f"RO{len(table.rows) + 1:06d}"
        vin = owner.car.vin if owner else f"ZZ9VISITOR{int(chance.random() * 9_000_000) + 1_000_000}"
        advisor = self.people.on_duty("service_advisor", day, chance)
        odometer = int(8_000 + chance.random() * 90_000)
        if opened.date() > self.world.end:
            return
        pay_type = weighted(chance, (("customer", 70), ("warranty", 14), ("internal", 16)))
        supplier = self.plants.orders_parts()
        total, has_parts = self._lines(number, opened, pay_type, supplier)
        delay = self.plants.delay(supplier, opened.date()) if has_parts else 0.0
        if delay:
            waiting = True
            done, closed = in_hours(self.rooftop, done, delay), in_hours(self.rooftop, closed, delay)
        table.add(
            (opened, done, closed),
            rooftop=self.rooftop.code,
            ro_number=number,
            vin=vin,
            customer_id=customer.customer_id,
            advisor=advisor,
            opened_at=opened,
            first_promised_at=promised,
            promised_at=promised + timedelta(days=1) if waiting else promised,
            completed_at=done,
            closed_at=closed,
            voided=voided,
            waiting_for_parts=waiting,
            parts_eta=done.date() if waiting else None,
            odometer=odometer,
        )
        if waiting:
            table.earlier[len(table.rows) - 1] = {"promised_at": promised, "parts_eta": promised.date()}
        if not voided and total:
            insured = pay_type == "customer" and chance.random() < 0.05
            self.orders.append(Order(number, customer, closed.date(), pay_type, total, insured))

    def _visitor(self, day: date) -> Customer:
        if self.chance.random() < 0.3:
            return one_of(self.chance, self.people.accounts)
        return self.people.person(day)

    def _lines(self, number: str, opened: datetime, pay_type: str, supplier: str) -> tuple[int, bool]:
        """The order's lines with the punches on them; gives the total sold in cents, and whether parts were."""
        chance, total, line, has_parts = self.chance, 0, 0, False
        table = self.world.tables["dms_ro_lines"]
        technician = self.people.on_duty("technician", opened.date(), chance)
        start = in_hours(self.rooftop, opened, 15 + 60 * chance.random())
        for _ in range(int(spread(chance, (1, 1, 2, 3, 4)))):
            line += 1
            code, hundredths, price = one_of(chance, OPERATIONS)
            declined = chance.random() < 0.12
            worked = int(hundredths * (0.7 + 0.5 * chance.random()))
            stopped = in_hours(self.rooftop, start, worked * 0.6)
            if stopped.date() != start.date():  # nobody stays clocked in overnight
                start = in_hours(self.rooftop, at(start.date() + timedelta(days=1), 0), 0)
                stopped = in_hours(self.rooftop, start, worked * 0.6)
            sale = int(price * (0.9 + 0.3 * chance.random()))
            table.add(
                opened,
                rooftop=self.rooftop.code,
                ro_number=number,
                line=line,
                kind="labour",
                op_code=code,
                pay_type=pay_type,
                outcome="declined" if declined else "sold",
                technician=technician,
                sold_hours=0 if declined else hundredths,
                worked_hours=0 if declined else worked,
                sale=sale,
                cost=sale * 28 // 100,
                worked_on=None if declined else start.date(),
            )
            if declined:
                continue
            total += sale
            self.punches += 1
            self.world.tables["dms_labour_punches"].add(
                start,
                rooftop=self.rooftop.code,
                punch_id=f"P{self.punches:07d}",
                technician=technician,
                ro_number=number,
                line=line,
                started_at=start,
                stopped_at=stopped,
                altered=chance.random() < 0.04,
            )
            start = stopped
            if chance.random() < 0.6:
                line += 1
                part, quantity = one_of(chance, PARTS), 1 + int(chance.random() * 3)
                sale = quantity * (1_500 + int(chance.random() * 14_000))
                table.add(
                    opened,
                    rooftop=self.rooftop.code,
                    ro_number=number,
                    line=line,
                    kind="part",
                    op_code=code,
                    pay_type=pay_type,
                    outcome="sold",
                    sale=sale,
                    cost=sale * 68 // 100,
                    quantity=quantity * 100,
                    quantity_filled=quantity * 100,
                    part_number=f"{part}-{int(chance.random() * 90) + 10}",
                    supplier=supplier,
                )
                total += sale
                has_parts = True
        return total, has_parts

    def _ticket(self, day: date) -> None:
        chance, table = self.chance, self.world.tables["dms_counter_sales"]
        customer = one_of(chance, self.people.accounts) if chance.random() < 0.4 else None
        number, total = f"K{len(self.tickets) + 1:06d}", 0
        for line in range(1, 2 + int(chance.random() * 3)):
            sale = 900 + int(chance.random() ** 2 * 26_000)
            total += sale
            table.add(
                day,
                rooftop=self.rooftop.code,
                ticket=number,
                line=line,
                sold_on=day,
                department=weighted(chance, (("parts", 60), ("accessories", 25), ("inspection", 10), ("other", 5))),
                item=one_of(chance, PARTS),
                customer_id=customer.customer_id if customer else None,
                quantity=100,
                sale=sale,
                cost=sale * 66 // 100,
                currency=self.rooftop.currency,
            )
        self.tickets.append(Ticket(customer, day, total))
        if chance.random() < 0.03:
            table.add(
                day + timedelta(days=3),
                rooftop=self.rooftop.code,
                ticket=f"{number}R",
                line=1,
                sold_on=day + timedelta(days=3),
                department="parts",
                item=one_of(chance, PARTS),
                quantity=-100,
                sale=-total // 2,
                cost=-total // 3,
                currency=self.rooftop.currency,
                returns_ticket=number,
            )

    def _attendance(self) -> None:
        """A line of the time clock for each technician and open day."""
        chance, day = self.chance, self.world.start
        while day <= self.world.end:
            if is_open(self.rooftop, day) and day.weekday() < 5:
                for person in self.people.by_role("technician"):
                    if person.active_from <= day and (person.active_to is None or day <= person.active_to):
                        away = chance.random() < 0.07
                        self.world.tables["dms_time_clock"].add(
                            day,
                            rooftop=self.rooftop.code,
                            technician=person.employee,
                            day=day,
                            attended_hours=0 if away else 750 + int(chance.random() * 100),
                            available_hours=0 if away else 800,
                        )
            day += timedelta(days=1)

    def _claims(self, deal: Deal, *, alone: bool) -> None:
        """The claims that one delivered car brings: at most one early, seldom one before delivery or late."""
        chance, delivered = self.chance, deal.delivered_on
        assert delivered is not None
        kind = weighted(chance, (("warranty", 75), ("goodwill", 25)))
        if deal.ends != "cancelled" and chance.random() < self.plants.claims(CLAIM_RATE, deal):
            self._claim(deal, delivered + timedelta(days=2 + int(chance.random() * 86)), kind, alone)
        if chance.random() < 0.03:
            self._claim(deal, delivered + timedelta(days=92 + int(chance.random() * 200)), kind, alone)
        if chance.random() < 0.006:
            self._claim(deal, delivered - timedelta(days=1), kind, alone=False)
        if chance.random() < 0.02:
            self._claim(deal, delivered + timedelta(days=1 + int(chance.random() * 80)), "damage", alone)
        if deal.ends == "unwound" and deal.reversed_on:
            self._claim(deal, deal.reversed_on, "return", alone=False)

    def _claim(self, deal: Deal | None, day: date, kind: str, alone: bool) -> None:
        """One claim; on a car sold once it names the deal, the stock number or only the VIN."""
        chance, table = self.chance, self.world.tables["dms_claims"]
        names = weighted(chance, (("deal", 55), ("stock", 25), ("vin", 20))) if alone else "deal"
        self.claims += 1
        opened = at(day, 540 + 420 * chance.random())
        decided = in_hours(self.rooftop, opened, spread(chance, (300, 1500, 4000, 9000)))
        closed = in_hours(self.rooftop, decided, spread(chance, (60, 900, 3000)))
        claimed = 8_000 + int(chance.random() ** 2 * 120_000)
        accepted = chance.random() < 0.8
        row = len(table.rows)
        made = table.add(
            (opened, decided, closed),
            rooftop=self.rooftop.code,
            claim_number=f"CL{self.claims:05d}",
            kind=kind,
            deal_number=deal.number if deal and names == "deal" else None,
            stock_number=deal.car.stock_number if deal and names == "stock" else None,
            vin=(deal.car.vin if names == "vin" else None) if deal else None,
            opened_at=opened,
            decided_at=decided,
            closed_at=closed,
            status="closed" if accepted else "rejected",
            cause=one_of(chance, CAUSES),
            amount_claimed=claimed,
            amount_paid=claimed * 9 // 10 if accepted else 0,
            currency=self.rooftop.currency,
        )
        if made:
            table.earlier[row] = {"status": "open", "amount_paid": None}

    def _unlinked_claim(self) -> None:
        day = self.world.start + timedelta(days=int(self.chance.random() * (self.world.end - self.world.start).days))
        self._claim(None, day, "warranty", alone=False)
