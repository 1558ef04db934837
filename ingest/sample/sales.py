"""Deals: contracts, prices, trade-ins, products, deliveries, cancellations, reversals, and the car sold again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from ingest.sample.leads import Leads
from ingest.sample.people import Customer, People
from ingest.sample.planted import Plants
from ingest.sample.stock import Car, Stock
from ingest.sample.world import Rooftop, World, half_away, month_end, one_of, open_day, spread, weighted

DEALS_A_MONTH = 22
TYPES = (("lease", 8), ("fleet", 5), ("trade", 2), ("house", 2), ("retail", 83))
FRONT_MARGIN = (-0.03, 0.02, 0.045, 0.065, 0.085, 0.12, 0.19)
LEAD_DAYS = (0, 1, 4, 7, 10, 14, 22, 44)
DELIVERY_DAYS = (0, 1, 3, 4, 6, 8, 12, 24)
OVER_ALLOWANCE = (-30_000, 0, 0, 15_000, 40_000, 90_000)
BUYS_AGAIN_AFTER = 140  # days: far beyond the gap that ends an episode


@dataclass(slots=True)
class Product:
    """One product of a deal; amounts in cents. ``side``: front, back or none; ``cost``: None where unknown."""

    product: str
    side: str
    sale: int
    cost: int | None
    cancelled_on: date | None = None
    chargeback: int | None = None
    chargeback_on: date | None = None


@dataclass(slots=True)
class Deal:
    """One deal; amounts in cents of the rooftop's currency. ``ends``: delivered, finalised, cancelled, unwound."""

    number: str
    kind: str
    car: Car
    customer: Customer
    contract_on: date
    finalised_on: date | None
    delivered_on: date | None
    ends: str
    sale_price: int
    tax: int
    lead_id: str | None = None
    cancelled_on: date | None = None
    reversed_on: date | None = None
    commission: int | None = None
    trade: Car | None = None
    trade_allowance: int | None = None
    trade_acv: int | None = None
    trade_payoff: int | None = None
    financed: int = 0
    lender: Customer | None = None
    salesperson: str = ""
    second: str | None = None
    products: list[Product] = field(default_factory=list)

    @property
    def due_from_customer(self) -> int:
        """What the customer owes for car and products after the trade-in, in cents."""
        products = sum(product.sale for product in self.products if product.product != "finance_reserve")
        return self.sale_price + self.tax + products - (self.trade_allowance or 0) + (self.trade_payoff or 0)


class Sales:
    """The deals of one rooftop."""

    def __init__(
        self, world: World, rooftop: Rooftop, people: People, stock: Stock, leads: Leads, plants: Plants
    ) -> None:
        self.world, self.rooftop, self.people, self.stock, self.leads = world, rooftop, people, stock, leads
        self.plants = plants
        self.chance = world.chance("sales", rooftop.code)
        self.deals: list[Deal] = []
        self.buyers: list[tuple[Customer, date]] = []  # with the day of their last delivery

    def run(self) -> None:
        """Lives through the period month by month; then enters the deals into the tables."""
        chance = self.chance
        for month in self.world.months:
            length = month_end(month).day
            days = sorted(int(chance.random() * length) for _ in range(self.world.volume(DEALS_A_MONTH, chance)))
            for day in days:
                self._deal(open_day(self.rooftop, month + timedelta(days=day)))
            self._wholesale(month_end(month))
        self.stock.unsold(self.world.end)
        for deal in self.deals:
            self._write(deal)

    def _deal(self, contract: date) -> None:
        chance = self.chance
        kind = weighted(chance, TYPES)
        condition = "new" if chance.random() < 0.32 or kind == "lease" else "used"
        if kind == "retail" and condition == "used" and chance.random() < 0.03:
            self._consignment(contract)
            return
        car = self.stock.for_sale_on(contract, condition=condition)
        self.stock.prepare(car, contract)
        deal = self._sell(car, contract, kind, resale=False)
        if deal.ends == "unwound" and deal.reversed_on:
            again = open_day(self.rooftop, deal.reversed_on + timedelta(days=8 + int(chance.random() * 30)))
            car.lines.append((deal.reversed_on + timedelta(days=2), "recon", 9_000 + int(chance.random() * 20_000)))
            car.path.append((deal.reversed_on, "returned"))
            car.path.append((deal.reversed_on + timedelta(days=5), "ready"))
            self._sell(car, again, "retail", resale=True)
        elif deal.cancelled_on:
            again = deal.cancelled_on + timedelta(days=4 + int(chance.random() * 25))
            self._sell(car, open_day(self.rooftop, again), "retail", resale=True)

    def _sell(self, car: Car, contract: date, kind: str, *, resale: bool) -> Deal:
        chance, rooftop = self.chance, self.rooftop
        delivered = open_day(rooftop, contract + timedelta(days=int(spread(chance, DELIVERY_DAYS))))
        ends = weighted(chance, (("cancelled", 5), ("unwound", 3), ("finalised", 3), ("delivered", 89)))
        if resale:
            ends = "delivered"
        late = chance.random() < 0.12 and ends != "cancelled"
        base = car.cost(delivered)
        net = int(base * (1 + spread(chance, FRONT_MARGIN)))
        scheme = car.vat_scheme or "standard"
        if scheme == "margin":
            vat = rooftop.vat_percent
            net = max(net, (net * (100 + vat) - car.base_price * vat) // 100)
        price = net // 5_000 * 5_000 + 4_500
        customer, lead_id = self._customer(car, contract, delivered, kind)
        deal = Deal(
            number=f"D{len(self.deals) + 1:05d}",
            kind=kind,
            car=car,
            customer=customer,
            contract_on=contract,
            finalised_on=max(contract, delivered - timedelta(days=int(chance.random() * 3))),
            delivered_on=delivered,
            ends=ends,
            sale_price=price,
            tax=0 if scheme == "margin" else half_away(price * rooftop.vat_percent, 100),
            lead_id=lead_id,
            salesperson=self.people.on_duty("sales", contract, chance),
        )
        self.plants.discount(deal, scheme, rooftop.vat_percent)
        self.deals.append(deal)
        self._finish(deal, late)
        return deal

    def _finish(self, deal: Deal, late: bool) -> None:
        """What follows from how the deal ends: dates, products, trade-in, money, later costs."""
        chance, car, delivered = self.chance, deal.car, deal.delivered_on
        assert delivered is not None
        if deal.ends == "cancelled":
            deal.cancelled_on = deal.contract_on + timedelta(days=1 + int(chance.random() * 8))
            deal.finalised_on = deal.delivered_on = None
            if chance.random() < 0.1:  # delivered on paper, then called off before anything was booked back
                deal.finalised_on = deal.delivered_on = delivered
                deal.cancelled_on = delivered + timedelta(days=2)
        else:
            car.sold_on, car.removed_on = deal.contract_on, delivered
            car.path += [(deal.contract_on, "sold"), (delivered, "delivered")]
        if deal.ends == "unwound":
            deal.reversed_on = open_day(self.rooftop, delivered + timedelta(days=4 + int(chance.random() * 45)))
            car.removed_on = car.sold_on = None
        if chance.random() < 0.06:
            deal.second = self.people.on_duty("sales", deal.contract_on, chance)
        if deal.kind in ("retail", "lease"):
            self._products(deal)
            self._trade(deal)
            if chance.random() < 0.58 and deal.due_from_customer > 400_000:
                deal.lender = one_of(chance, self.people.finance)
                deal.financed = deal.due_from_customer * (55 + int(chance.random() * 35)) // 100 // 10_000 * 10_000
        if late:
            posted = delivered + timedelta(days=2 + int(chance.random() * 40))
            if posted != deal.reversed_on:
                amount = 4_000 + int(chance.random() * 36_000)
                car.lines.append((posted, "recon", -amount // 2 if chance.random() < 0.12 else amount))

    def _customer(self, car: Car, contract: date, delivered: date, kind: str) -> tuple[Customer, str | None]:
        chance = self.chance
        if kind not in ("retail", "lease") or chance.random() < 0.22:
            customer = self.people.person(contract - timedelta(days=1))  # walked in: the CRM never heard of them
            customer.buys = True
            if kind in ("retail", "lease") and chance.random() < 0.03:
                return customer, "L999999"  # a lead number that is not in the CRM
            return customer, None
        first = contract - timedelta(days=int(spread(chance, LEAD_DAYS)))
        customer = self._known(first) or self.people.person(first)
        customer.buys = True
        lead_id = self.leads.buying(customer, car, first, contract, delivered)
        self.buyers.append((customer, delivered))
        return customer, lead_id

    def _known(self, first_lead: date) -> Customer | None:
        """A buyer of long ago who comes back, each at most once."""
        comes_back = self.chance.random() < 0.06
        if comes_back and self.buyers and (first_lead - self.buyers[0][1]).days > BUYS_AGAIN_AFTER:
            return self.buyers.pop(0)[0]
        return None

    def _products(self, deal: Deal) -> None:
        chance, products = self.chance, deal.products
        products.append(Product("fee", "none", 19_900, 0))
        if chance.random() < 0.55:
            products.append(Product("finance_reserve", "back", 28_000 + int(chance.random() * 60_000), 0))
        for name, share, least, most, cost in (
            ("warranty", 0.42, 55_000, 130_000, 52),
            ("gap", 0.24, 29_000, 45_000, 35),
            ("insurance", 0.15, 15_000, 40_000, 60),
        ):
            if chance.random() < share:
                sale = least + int(chance.random() * (most - least))
                missing = name == "warranty" and chance.random() < 0.02
                product = Product(name, "back", sale, None if missing else sale * cost // 100)
                if deal.ends in ("delivered", "finalised") and chance.random() < 0.06 and deal.delivered_on:
                    product.cancelled_on = deal.delivered_on + timedelta(days=15 + int(chance.random() * 150))
                    product.chargeback = (sale - (product.cost or 0)) * (30 + int(chance.random() * 60)) // 100
                    product.chargeback_on = product.cancelled_on + timedelta(days=int(chance.random() * 12))
                products.append(product)
        if chance.random() < 0.2:
            sale = 12_000 + int(chance.random() * 70_000)
            products.append(Product("accessory", "front", sale, sale * 62 // 100))
        if chance.random() < 0.04:
            products.append(Product("we_owe", "front", 0, 8_000 + int(chance.random() * 20_000)))
        if deal.car.condition == "new" and chance.random() < 0.5:
            products.append(Product("incentive", "front", 20_000 + int(chance.random() * 40_000), 0))

    def _trade(self, deal: Deal) -> None:
        chance = self.chance
        if chance.random() > 0.36:
            return
        acv = 150_000 + int(chance.random() ** 2 * 900_000)
        deal.trade_acv = acv if chance.random() > 0.015 else None
        deal.trade_allowance = max(0, acv + int(spread(chance, OVER_ALLOWANCE)) // 5_000 * 5_000)
        if deal.trade_allowance >= deal.due_from_customer:
            deal.trade_acv = deal.trade_allowance = None
            return
        if chance.random() < 0.15:
            deal.trade_payoff = acv // 3
        if deal.delivered_on and deal.ends not in ("unwound", "cancelled"):
            deal.trade = self.stock.trade_in(deal.delivered_on, acv)

    def _consignment(self, contract: date) -> None:
        """Sold for its owner: the house earns a commission, the car is never its own."""
        chance = self.chance
        car = self.stock.car(contract - timedelta(days=20), condition="used", use="consignment", channel="private")
        car.states_price, car.vat_scheme, car.currency, car.rate = False, "none", self.rooftop.currency, 1_000_000
        delivered = open_day(self.rooftop, contract + timedelta(days=int(chance.random() * 6)))
        car.sold_on, car.removed_on = contract, delivered
        car.path += [(contract, "sold"), (delivered, "delivered")]
        customer = self.people.person(contract)
        customer.buys = True
        price = car.base_price * 110 // 100
        self.deals.append(
            Deal(
                number=f"D{len(self.deals) + 1:05d}",
                kind="retail",
                car=car,
                customer=customer,
                contract_on=contract,
                finalised_on=delivered,
                delivered_on=delivered,
                ends="delivered",
                sale_price=price,
                tax=0,
                commission=price * 7 // 100 if chance.random() < 0.9 else None,
                salesperson=self.people.on_duty("sales", contract, chance),
            )
        )

    def _wholesale(self, day: date) -> None:
        """At the end of a month the trade-ins nobody wanted go to other traders at about what they cost."""
        while self.stock.trades and (day - self.stock.trades[0].acquired_on).days > 50:
            car = self.stock.trades.pop(0)
            self.stock.prepare(car, day)
            self.wholesale(car, day)

    def wholesale(self, car: Car, day: date) -> None:
        """Sells a unit to another trader on that day."""
        chance = self.chance
        sold = open_day(self.rooftop, day - timedelta(days=int(chance.random() * 20)))
        car.sold_on = car.removed_on = sold
        car.path.append((sold, "wholesaled"))
        buyer = one_of(chance, self.people.accounts)
        buyer.buys = True
        price = max(20_000, car.cost(sold) + int(chance.random() * 30_000) - 15_000)
        scheme = car.vat_scheme or "standard"
        self.deals.append(
            Deal(
                number=f"D{len(self.deals) + 1:05d}",
                kind="wholesale",
                car=car,
                customer=buyer,
                contract_on=sold,
                finalised_on=sold,
                delivered_on=sold,
                ends="delivered",
                sale_price=price,
                tax=0 if scheme == "margin" else half_away(price * self.rooftop.vat_percent, 100),
                salesperson=self.people.on_duty("buyer", sold, chance),
            )
        )

    def _write(self, deal: Deal) -> None:
        tables, car, chance = self.world.tables, deal.car, self.chance
        table, row = tables["dms_deals"], len(tables["dms_deals"].rows)
        cost: int | None = None
        if car.cost_source == "deal" or (car.cost_source == "lines" and chance.random() < 0.2):
            cost = car.cost(deal.delivered_on or deal.contract_on)
        moments = (deal.contract_on, deal.finalised_on, deal.delivered_on, deal.reversed_on, deal.cancelled_on)
        status = deal.ends
        if status == "unwound" and chance.random() < 0.25:
            status = "cancelled"  # some clerks cancel what others unwind; the day of the reversal tells
        made = table.add(
            moments,
            rooftop=self.rooftop.code,
            deal_number=deal.number,
            stock_number=car.stock_number,
            vin=car.vin,
            customer_id=deal.customer.customer_id,
            lead_id=deal.lead_id,
            deal_type=deal.kind,
            status=status,
            contract_on=deal.contract_on,
            finalised_on=deal.finalised_on,
            delivered_on=deal.delivered_on,
            reversed_on=deal.reversed_on,
            sale_price=deal.sale_price,
            tax=deal.tax,
            currency=self.rooftop.currency,
            vat_scheme=car.vat_scheme if chance.random() < 0.85 else None,
            vehicle_cost=None if car.use == "consignment" else cost,
            commission=deal.commission,
            trade_vin=deal.trade.vin if deal.trade else None,
            trade_allowance=deal.trade_allowance,
            trade_acv=deal.trade_acv,
            trade_payoff=deal.trade_payoff,
            finance_company=deal.lender.customer_id if deal.lender else None,
            amount_financed=deal.financed or None,
            salesperson=deal.salesperson,
            second_salesperson=deal.second,
            finance_manager=self.people.on_duty("controller", deal.contract_on, chance),
        )
        if not made:
            return
        if deal.ends == "cancelled":
            table.earlier[row] = {"status": "booked", "finalised_on": None, "delivered_on": None}
        for line, product in enumerate(deal.products, start=1):
            tables["dms_deal_products"].add(
                (deal.contract_on, product.cancelled_on, product.chargeback_on),
                rooftop=self.rooftop.code,
                deal_number=deal.number,
                line=line,
                product=product.product,
                gross_side=product.side,
                sale=product.sale,
                cost=product.cost,
                booked_on=deal.contract_on,
                cancelled_on=product.cancelled_on,
                chargeback=product.chargeback,
                chargeback_on=product.chargeback_on,
            )
        self._documents(deal)

    def _documents(self, deal: Deal) -> None:
        required = ["contract", "identity", "registration"] + (["finance_agreement"] if deal.financed else [])
        for document in required:
            wanted = deal.contract_on + timedelta(days=2)
            days = int(spread(self.chance, (-2, -2, -1, 0, 0, 1, 6)))
            received = wanted + timedelta(days=days) if self.chance.random() < 0.96 else None
            self.world.tables["dms_documents"].add(
                (deal.contract_on, received),
                rooftop=self.rooftop.code,
                entity="deal",
                entity_id=deal.number,
                document=document,
                required_on=wanted,
                received_on=received,
                submitted_on=received,
            )
