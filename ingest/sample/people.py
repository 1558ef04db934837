"""Invented people: customers, trade accounts, companies and employees.

Names are drawn from short lists per locale and numbered; e-mail addresses lie under reserved example domains
and phone numbers under the country code +999, which nobody has.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from ingest.sample.world import Rooftop, World, one_of, spread

FIRST = {
    "en": "Alma Bertie Cora Dexter Elsie Fergus Greta Hattie Ivor Jory Kezia Lowen Mabel Ned Odette Piers "
    "Quilla Rufus Selwyn Tamsin Una Verity Wilf Xanthe Yorick Zelda",
    "de": "Anselm Birte Clemens Dörte Eike Frauke Gero Hilke Ingo Jule Kuno Levke Malte Nele Okka Pauline "
    "Quirin Rieke Swantje Tjark Ute Veit Wiebke Xaver Yvonne Zita",
    "es": "Amparo Basilio Casilda Dimas Edelmira Fermín Graciela Herminio Íñigo Jacinta Leandro Macarena Néstor "
    "Obdulia Plácido Remedios Saturnino Telmo Úrsula Ventura Xoán Yolanda Zulema",
}
LAST = {
    "en": "Ashgrove Brindle Cawdrey Dunmallet Eskholm Fennimore Gorsewood Hartsop Inchmere Jessamy Kirkbarrow "
    "Larkhill Merriweather Nettlebed Oakhanger Pennyfold Quernmore Ravenglass Saltmarsh Thistledown",
    "de": "Apfelgrund Birkenau Dornfeld Eschenbrück Fliederow Grünhagen Haselbusch Immenrode Kranichfeld "
    "Lerchenau Moosberg Nebelsieck Ottersee Pappelheim Rosenhagen Schlehdorn Tannwald Uhlenhorst",
    "es": "Alcornocal Belmontejo Campoameno Dehesilla Encinasola Fresnedal Granadilla Higuerón Jarales Laurelado "
    "Manzanar Nogalejo Olivarejo Peñalara Robledal Sauceda Tejadillo Umbrías Valdehierro",
}
STREETS = {"en": "Example Lane", "de": "Musterweg", "es": "Calle de Ejemplo"}
COUNTRY = {"en": "GB", "de": "DE", "es": "ES"}
TRADE_WORDS = {
    "en": ("Garage", "Taxis", "Couriers"),
    "de": ("Werkstatt", "Taxi", "Kurier"),
    "es": ("Taller", "Taxi", "Envíos"),
}

ROLES = (
    ("sales", 5),
    ("bdc", 2),
    ("manager", 1),
    ("controller", 1),
    ("buyer", 1),
    ("service_advisor", 2),
    ("technician", 5),
    ("cashier", 1),
    ("accountant", 1),
    ("owner", 1),
)
TENURE = (250, 500, 900, 1600, 3000, 5000)  # days between joining and leaving, quantiles


@dataclass(slots=True)
class Customer:
    """One customer record. ``since``: the day it was made; ``buys``: it has a deal."""

    customer_id: str
    name: str
    email: str
    phone: str
    kind: str
    since: date
    buys: bool = False
    merged_into: str | None = None
    terms_days: int | None = None


@dataclass(slots=True)
class Employee:
    """One employee of a rooftop; ``active_to`` is the last day, None while employed."""

    employee: str
    name: str
    role: str
    active_from: date
    active_to: date | None


class People:
    """The people of one rooftop, made as they are needed; ``write`` enters them into the tables at the end."""

    def __init__(self, world: World, rooftop: Rooftop) -> None:
        self.world, self.rooftop = world, rooftop
        self.chance = world.chance("people", rooftop.code)
        self.first, self.last = FIRST[rooftop.locale].split(), LAST[rooftop.locale].split()
        self.customers: list[Customer] = []
        self.employees: list[Employee] = []
        self._there: dict[tuple[str, date], list[str]] = {}  # role and day -> who was there
        self._hire()
        beginning = world.start - timedelta(days=400)
        self.finance = [self.company(f"{word} Vehicle Finance", "finance_company", beginning) for word in "ABC"]
        self.makers = [self.company(f"{word} Vehicles", "manufacturer", beginning) for word in ("Orion", "Vega")]
        self.insurers = [self.company(f"{word} Mutual", "insurer", beginning) for word in ("Beacon", "Harbour")]
        self.accounts = []
        for _ in range(max(3, round(10 * world.scale))):
            word = f"{one_of(self.chance, self.last)} {one_of(self.chance, TRADE_WORDS[rooftop.locale])}"
            account = self.company(word, "business", beginning)
            account.terms_days = (14, 30, 30, 45)[int(self.chance.random() * 4)]
            self.accounts.append(account)
        self.staff = [self.company(person.name, "employee", beginning) for person in self.employees[:3]]

    def _hire(self) -> None:
        size = 0.6 + 0.4 * self.world.scale
        for role, count in ROLES:
            for _ in range(max(1, round(count * size))):
                joined = self.world.start - timedelta(days=int(self.chance.random() * 1500) + 30)
                while True:
                    left = joined + timedelta(days=int(spread(self.chance, TENURE)))
                    if left > self.world.start:
                        gone = left if left <= self.world.end else None
                        number = len(self.employees) + 1
                        self.employees.append(Employee(f"E{number:03d}", self._name(), role, joined, gone))
                        if gone is None:
                            break
                    joined = left + timedelta(days=1)

    def _name(self) -> str:
        return f"{one_of(self.chance, self.first)} {one_of(self.chance, self.last)}"

    def on_duty(self, role: str, day: date, chance: random.Random) -> str:
        """An employee of that role who was there on that day."""
        there = self._there.get((role, day))
        if there is None:
            there = self._there[role, day] = [
                person.employee
                for person in self.by_role(role)
                if person.active_from <= day and (person.active_to is None or day <= person.active_to)
            ]
        return one_of(chance, there)

    def by_role(self, role: str) -> list[Employee]:
        """Everybody who ever had that role, in the order of joining."""
        return [person for person in self.employees if person.role == role]

    def _customer(self, name: str, kind: str, since: date) -> Customer:
        number = len(self.customers) + 1
        mail = "".join(letter for letter in name.lower().replace(" ", ".") if letter.isascii())
        house = self.rooftop.code.lower()
        customer = Customer(
            customer_id=f"C{number:05d}",
            name=name,
            email=f"{mail}{number}@{house}.example.com",
            phone=f"+999 {int(self.rooftop.code[1:]):02d} {number:07d}",
            kind=kind,
            since=since,
        )
        self.customers.append(customer)
        return customer

    def person(self, since: date) -> Customer:
        """A new private customer; one in twelve is a small firm."""
        name = self._name()
        kind = "individual"
        if self.chance.random() < 0.08:
            kind, name = "business", f"{name} & {one_of(self.chance, TRADE_WORDS[self.rooftop.locale])}"
        return self._customer(name, kind, since)

    def company(self, name: str, kind: str, since: date) -> Customer:
        """A new customer that is a company, or an employee who buys."""
        return self._customer(name, kind, since)

    def stranger(self) -> tuple[str, str, str]:
        """Name, e-mail and phone of somebody who is no customer."""
        name, number = self._name(), int(self.chance.random() * 9_000_000) + 1_000_000
        return name, f"visitor{number}@portal.example.net", f"+999 88 {number}"

    def write(self) -> None:
        """Enters everybody into the customer and employee feeds."""
        crm, dms = self.world.tables["crm_customers"], self.world.tables["dms_customers"]
        code, locale = self.rooftop.code, self.rooftop.locale
        self._merge()
        owners = self.by_role("sales")
        for number, customer in enumerate(self.customers):
            owner = one_of(self.chance, owners)
            crm.add(
                customer.since,
                rooftop=code,
                customer_id=customer.customer_id,
                name=customer.name,
                kind=customer.kind,
                email=customer.email,
                phone=customer.phone,
                merged_into=customer.merged_into,
                employee=owner.employee,
                active=self.chance.random() < 0.95,
            )
            if customer.buys or customer.terms_days or customer.kind not in ("individual", "business"):
                dms.add(
                    customer.since,
                    rooftop=code,
                    customer_id=customer.customer_id,
                    name=customer.name,
                    kind=customer.kind,
                    email=customer.email,
                    phone=customer.phone,
                    address=f"{number % 200 + 1} {STREETS[locale]}",
                    postcode=f"ZZ{number % 90 + 10}",
                    country=COUNTRY[locale],
                    vat_number=f"XX{number:09d}" if customer.kind == "business" else None,
                    terms_days=customer.terms_days,
                    credit_limit=1_000_000 if customer.terms_days else None,
                    merged_into=customer.merged_into,
                )
        for person in self.employees:
            self.world.tables["crm_employees"].add(
                (person.active_from, person.active_to),
                rooftop="" if person.role == "owner" else code,
                employee=f"{code}-{person.employee}" if person.role == "owner" else person.employee,
                name=person.name,
                role=person.role,
                active_from=person.active_from,
                active_to=person.active_to,
            )

    def _merge(self) -> None:
        """Some records of people who never bought turn out to be the same person as another."""
        idle = [c for c in self.customers if not c.buys and c.kind == "individual"]
        for first, second in zip(idle[10::97], idle[11::97], strict=False):
            second.merged_into = first.customer_id
