"""The ledger: documents of every schedule, payments, allocations, instalments and the mistakes clerks make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ingest.sample.people import Customer, People
from ingest.sample.planted import Plants
from ingest.sample.rental import Damage
from ingest.sample.sales import Deal
from ingest.sample.workshop import Order, Ticket
from ingest.sample.world import Rooftop, World, half_away, month_end, one_of, spread, weighted

PAYS_LATE = (-16, -10, -6, -3, -1, 0, 2, 7, 18, 55)  # days after the due day on which an account customer pays
TRADERS_PAY = (-9, -6, -4, -2, -1, 0, 2, 9)
FUNDING_DAYS = (0, 2, 3, 4, 5, 6, 8, 14)  # days from contract until the finance company pays


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a payment already entered; ``amount`` in cents of ``currency``."""

    number: str
    kind: str
    customer: Customer | None
    schedule: str | None
    posted_on: date
    due_on: date
    amount: int
    currency: str
    rate: int


class Ledger:
    """The receivables of one rooftop."""

    def __init__(self, world: World, rooftop: Rooftop, people: People, plants: Plants) -> None:
        self.world, self.rooftop, self.people, self.plants = world, rooftop, people, plants
        self.chance = world.chance("ledger", rooftop.code)
        self.made: dict[str, int] = {}

    def run(self, deals: list[Deal], orders: list[Order], tickets: list[Ticket], damages: list[Damage]) -> None:
        """Posts everything the business did; each part in the order of its own days."""
        for deal in deals:
            self._deal(deal)
        for order in orders:
            self._order(order)
        self._accounts(tickets)
        for damage in damages:
            invoice = self.invoice("rental_damage", damage.customer, damage.day, damage.amount, terms=14)
            self._pay_some_day(invoice, never=0.08)
        for month in self.world.months:
            for _ in range(self.world.volume(1.5, self.chance)):
                member = one_of(self.chance, self.people.staff)
                amount = 3_000 + int(self.chance.random() * 20_000)
                self._pay_some_day(self.invoice("employee", member, month + timedelta(days=9), amount, terms=30))
        self._weekly()
        self._oddities()

    def _weekly(self) -> None:
        """What the planted slow payer takes every week."""
        payer, day = self.plants.payer, self.world.start
        while payer and day <= self.world.end:
            amount = 60_000 + int(self.plants.chance.random() * 60_000)
            self._pay_some_day(self.invoice("parts_account", payer, day, amount, terms=30), never=0.0)
            day += timedelta(days=7)

    # documents -----------------------------------------------------------------------------------------------

    def _number(self, prefix: str) -> str:
        self.made[prefix] = self.made.get(prefix, 0) + 1
        return f"{prefix}{self.made[prefix]:06d}"

    def invoice(
        self,
        schedule: str | None,
        customer: Customer | None,
        posted: date,
        amount: int,
        *,
        terms: int = 0,
        kind: str = "invoice",
        foreign: bool = False,
        deal: str | None = None,
        order: str | None = None,
        credits: str | None = None,
        bare: bool = False,
    ) -> Document:
        """Posts an invoice or credit note; ``bare``: without due day and terms, so that the defaults decide."""
        chance, home = self.chance, self.rooftop.currency
        currency = {"GBP": "EUR", "EUR": "GBP"}[home] if foreign else home
        rate = self.world.rate(currency, home, posted)
        due = posted + timedelta(days=terms)
        number = self._number("INV" if kind == "invoice" else "CN")
        dated = kind == "invoice" and not bare
        disputed = posted + timedelta(days=10) if dated and terms and chance.random() < 0.03 else None
        settled = disputed + timedelta(days=int(10 + chance.random() * 60)) if disputed else None
        by_terms = dated and chance.random() < 0.3
        self.world.tables["dms_invoices"].add(
            (posted, disputed, settled),
            rooftop=self.rooftop.code,
            invoice_number=number,
            kind=kind,
            schedule=schedule,
            customer_id=customer.customer_id if customer else None,
            customer_name=customer.name if customer else None,
            posted_on=posted,
            due_on=due if dated and not by_terms else None,
            terms_days=terms if by_terms else None,
            amount=amount,
            currency=currency,
            rate=rate if foreign else None,
            deal_number=deal,
            ro_number=order,
            credits_invoice=credits,
            disputed_from=disputed,
            disputed_until=settled,
            dispute_reason="quality of the work" if disputed else None,
        )
        return Document(number, kind, customer, schedule, posted, due, amount, currency, rate)

    def payment(
        self, of: Document, on: date, amount: int, *, kind: str | None = None, reverses: str | None = None
    ) -> Document:
        """Posts a receipt, refund or returned payment in the currency, schedule and name of a document."""
        number = self._number({"refund": "REF", "returned": "RET"}.get(kind or "", "PAY"))
        rate = self.world.rate(of.currency, self.rooftop.currency, on)
        self.world.tables["dms_payments"].add(
            on,
            rooftop=self.rooftop.code,
            payment_number=number,
            kind=kind,
            reverses=reverses,
            schedule=of.schedule,
            customer_id=of.customer.customer_id if of.customer else None,
            customer_name=of.customer.name if of.customer else None,
            posted_on=on,
            amount=amount,
            currency=of.currency,
            rate=rate if of.currency != self.rooftop.currency else None,
            method=weighted(self.chance, (("transfer", 60), ("card", 30), ("cash", 10))),
        )
        return Document(number, kind or "payment", of.customer, of.schedule, on, on, amount, of.currency, rate)

    def allocate(
        self, source: Document | None, to: Document | str, on: date, amount: int, *, kind: str | None = None
    ) -> None:
        """Allocates a payment or credit note to a document; without a source it is a write-off."""
        target = to if isinstance(to, str) else to.number
        named = self.chance.random() < 0.7
        seen = max(on, source.posted_on) if source else on
        self.world.tables["dms_allocations"].add(
            seen,
            rooftop=self.rooftop.code,
            allocation_id=self._number("AL"),
            kind=kind,
            from_document=source.number if source else None,
            from_kind=source.kind if source and named else None,
            to_document=target,
            to_kind=to.kind if isinstance(to, Document) and named else None,
            allocated_on=on,
            amount=amount,
        )

    def settle(self, invoice: Document, on: date, amount: int | None = None) -> Document:
        """A receipt allocated to the invoice on the day it comes; the whole amount unless one is given."""
        receipt = self.payment(invoice, on, invoice.amount if amount is None else amount)
        self.allocate(receipt, invoice, on, receipt.amount)
        return receipt

    def _pay_some_day(self, invoice: Document, never: float = 0.03) -> None:
        """Pays an invoice on terms as customers do: early, late, in two parts, or not at all."""
        chance = self.chance
        if chance.random() < never:
            if chance.random() < 0.8:
                self.allocate(None, invoice, invoice.due_on + timedelta(days=110), invoice.amount, kind="write_off")
            return
        paid = max(invoice.posted_on, invoice.due_on + timedelta(days=int(spread(chance, PAYS_LATE))))
        paid += timedelta(days=self.plants.pays_later(invoice.customer, invoice.posted_on))
        if chance.random() < 0.1:
            part = invoice.amount * (30 + int(chance.random() * 40)) // 100
            self.settle(invoice, paid, part)
            self.settle(invoice, paid + timedelta(days=9 + int(chance.random() * 30)), invoice.amount - part)
        else:
            self.settle(invoice, paid)

    # what is posted ------------------------------------------------------------------------------------------

    def _deal(self, deal: Deal) -> None:
        if deal.kind in ("wholesale", "trade", "fleet"):
            if deal.delivered_on and deal.ends != "cancelled":
                foreign = deal.kind == "wholesale" and self.chance.random() < 0.15
                amount = deal.sale_price + deal.tax
                if foreign:
                    other = "EUR" if self.rooftop.currency == "GBP" else "GBP"
                    rate = self.world.rate(self.rooftop.currency, other, deal.delivered_on)
                    amount = half_away(amount * rate, 1_000_000)
                invoice = self.invoice(
                    "wholesale", deal.customer, deal.delivered_on, amount, terms=10, foreign=foreign, deal=deal.number
                )
                late = timedelta(days=int(spread(self.chance, TRADERS_PAY)))
                self.settle(invoice, max(invoice.posted_on, invoice.due_on + late))
            return
        self._retail(deal)

    def _retail(self, deal: Deal) -> None:
        """Deposit at contract, invoice at delivery, the finance company's share as a contract in transit."""
        chance = self.chance
        deposit_amount = 20_000 + 10_000 * int(chance.random() * 9)
        wanted = Document(
            "", "invoice", deal.customer, None, deal.contract_on, deal.contract_on, 0, self.rooftop.currency, 1_000_000
        )
        own = deal.due_from_customer - deal.financed
        deposit = None
        if chance.random() < 0.6 and own > deposit_amount + 10_000:
            deposit = self.payment(wanted, deal.contract_on, deposit_amount)
        if deal.delivered_on is None or deal.ends == "cancelled":
            if deposit and deal.cancelled_on:  # refunded some days after; some clerks forget to match the two
                back = deal.cancelled_on + timedelta(days=2 + int(chance.random() * 9))
                refund = self.payment(wanted, back, deposit_amount, kind="refund", reverses=deposit.number)
                if chance.random() < 0.8:
                    self.allocate(deposit, refund, back, deposit_amount)
            return
        day = deal.delivered_on
        if own > 0:
            invoice = self.invoice(None, deal.customer, day, own, terms=one_of(chance, (3, 5, 7)), deal=deal.number)
            if deposit:
                early = chance.random() < 0.1  # allocated before the invoice it pays was posted
                self.allocate(deposit, invoice, deal.contract_on if early else day, deposit_amount)
            rest = own - (deposit_amount if deposit else 0)
            if 60_000 < rest < 450_000 and chance.random() < 0.15:
                self._instalments(invoice, rest, paid_already=own - rest)
            else:
                paid = day + timedelta(days=int(spread(chance, (-1, 0, 0, 0, 1, 2, 4, 9))))
                self.settle(invoice, max(paid, deal.contract_on), rest)
            if deal.reversed_on:
                self._credit(invoice, deal.reversed_on + timedelta(days=1), own)
        if deal.financed and deal.lender:
            contract = self.invoice("contract_in_transit", deal.lender, day, deal.financed, terms=7, deal=deal.number)
            funded = max(day, deal.contract_on + timedelta(days=int(spread(chance, FUNDING_DAYS))))
            if chance.random() < 0.01:
                funded += timedelta(days=30)
            if deal.reversed_on and deal.reversed_on <= funded:
                note = self.invoice(
                    contract.schedule, deal.lender, deal.reversed_on, deal.financed, kind="credit_note",
                    deal=deal.number, credits=contract.number,
                )  # fmt: skip
                self.allocate(note, contract, deal.reversed_on, deal.financed)
            else:
                self.settle(contract, funded)
                if deal.reversed_on:
                    self._credit(contract, deal.reversed_on + timedelta(days=1), deal.financed)
        for product in deal.products:
            if product.product == "incentive":
                claim = self.invoice(
                    "incentive", one_of(chance, self.people.makers), day, product.sale, terms=45, deal=deal.number
                )
                self._pay_some_day(claim)

    def _credit(self, invoice: Document, on: date, amount: int) -> None:
        """A paid invoice is credited and the money goes back a few days later."""
        foreign = invoice.currency != self.rooftop.currency
        note = self.invoice(invoice.schedule, invoice.customer, on, amount, kind="credit_note", foreign=foreign)
        back = on + timedelta(days=2 + int(self.chance.random() * 8))
        refund = self.payment(invoice, back, amount, kind="refund")
        self.allocate(note, refund, back, amount)

    def _instalments(self, invoice: Document, rest: int, paid_already: int) -> None:
        """Splits what is left into parts; now and then the parts do not add up to the whole."""
        chance, months = self.chance, 3 + int(self.chance.random() * 4)
        whole = invoice.amount - (5_000 if chance.random() < 0.25 and paid_already == 0 else 0)
        for number in range(1, months + 1):
            amount = whole // months if number < months else whole - whole // months * (months - 1)
            self.world.tables["dms_instalments"].add(
                invoice.posted_on,
                rooftop=self.rooftop.code,
                invoice_number=invoice.number,
                instalment=number,
                due_on=invoice.posted_on + timedelta(days=30 * number),
                amount=amount,
            )
        left = rest
        for number in range(1, months + 1):
            if left <= 0:
                return
            if chance.random() < 0.06:  # stops paying; most find the money later
                if chance.random() < 0.7:
                    self.settle(invoice, invoice.posted_on + timedelta(days=30 * number + 80), left)
                return
            amount = min(left, invoice.amount // months)
            late = int(spread(chance, (-3, 0, 0, 2, 9, 25)))
            self.settle(invoice, invoice.posted_on + timedelta(days=max(1, 30 * number + late)), amount)
            left -= amount

    def _order(self, order: Order) -> None:
        chance, day = self.chance, order.closed_on
        if order.pay_type == "internal":
            return
        if order.pay_type == "warranty":
            maker = one_of(chance, self.people.makers)
            self._pay_some_day(self.invoice("warranty", maker, day, order.total, terms=30, order=order.number))
        elif order.insured:
            insurer = one_of(chance, self.people.insurers)
            self._pay_some_day(self.invoice("insurance", insurer, day, order.total, terms=30, order=order.number))
        elif order.customer.terms_days:
            invoice = self.invoice(
                "parts_account", order.customer, day, order.total, terms=order.customer.terms_days, order=order.number
            )
            self._pay_some_day(invoice)
        else:
            bare = chance.random() < 0.15
            invoice = self.invoice(None, order.customer, day, order.total, order=order.number, bare=bare)
            self.settle(invoice, day + timedelta(days=int(spread(chance, (0, 0, 0, 0, 0, 1, 10)))))

    def _accounts(self, tickets: list[Ticket]) -> None:
        """What trade customers took at the counter, one invoice each at the end of a month."""
        totals: dict[tuple[date, str], tuple[Customer, int]] = {}
        for ticket in tickets:
            if ticket.customer:
                key = (month_end(ticket.sold_on), ticket.customer.customer_id)
                _, before = totals.get(key, (ticket.customer, 0))
                totals[key] = (ticket.customer, before + ticket.total)
        for (day, _), (customer, total) in sorted(totals.items(), key=lambda entry: entry[0]):
            foreign = self.chance.random() < 0.03
            terms = customer.terms_days or 30
            invoice = self.invoice("parts_account", customer, day, total * 6 // 5, terms=terms, foreign=foreign)
            self._pay_some_day(invoice)
            if self.chance.random() < 0.1:
                self._adjust(invoice, total // 10)

    def _adjust(self, invoice: Document, amount: int) -> None:
        """A credit note for returned parts: allocated, only naming the invoice, or standing alone."""
        on = invoice.posted_on + timedelta(days=1)  # before any money comes, so that the invoice is still open
        how = weighted(self.chance, (("allocated", 30), ("alone", 70)))
        foreign = invoice.currency != self.rooftop.currency
        note = self.invoice(invoice.schedule, invoice.customer, on, amount, kind="credit_note", foreign=foreign)
        if how == "allocated":
            self.allocate(note, invoice, on + timedelta(days=3), amount)

    def _oddities(self) -> None:
        """What every ledger has: see each line. A customer of their own keeps each apart from the rest."""
        for month in self.world.months:
            day = month + timedelta(days=6)
            for _ in range(self.world.volume(0.5, self.chance)):
                self._odd(day, 40_000 + int(self.chance.random() * 160_000))

    def _odd(self, day: date, amount: int) -> None:
        chance = self.chance
        customer = one_of(chance, self.people.accounts)
        later = day + timedelta(days=20 + int(chance.random() * 40))
        what = int(chance.random() * 8)
        invoice = self.invoice("parts_account", None if what == 0 else customer, day, amount, terms=30, bare=what == 1)
        if what == 0:  # nobody's invoice, open until somebody finds out whose it is
            self.settle(invoice, later + timedelta(days=60))
        elif what == 1:  # paid too much
            self.allocate(self.payment(invoice, later, amount + 5_000), invoice, later, amount + 5_000)
        elif what == 2:  # allocated to the wrong invoice and undone
            wrong = self.invoice("parts_account", customer, day, amount, terms=30)
            receipt = self.payment(invoice, later, amount)
            self.allocate(receipt, wrong, later, amount)
            self.allocate(receipt, wrong, later + timedelta(days=12), -amount)
            self.allocate(receipt, invoice, later + timedelta(days=12), amount)
            self.settle(wrong, later + timedelta(days=20))
        elif what == 3:  # bounced, undone by the book, paid again
            receipt = self.settle(invoice, later)
            bounced = later + timedelta(days=4)
            returned = self.payment(invoice, bounced, amount, kind="returned", reverses=receipt.number)
            self.allocate(receipt, invoice, bounced, -amount)
            self.allocate(receipt, returned, bounced, amount)
            self.settle(invoice, bounced + timedelta(days=15))
        elif what == 4:  # bounced, left as a debit of its own
            receipt = self.settle(invoice, later)
            bounced = later + timedelta(days=4)
            returned = self.payment(invoice, bounced, amount, kind="returned", reverses=receipt.number)
            made_good = bounced + timedelta(days=25 if chance.random() < 0.7 else 130)
            self.allocate(self.payment(invoice, made_good, amount), returned, made_good, amount)
        elif what == 5:  # the clerk mistyped the invoice: the money counts as spent, the invoice stays open
            receipt = self.payment(invoice, later, amount)
            self.allocate(receipt, "INV999999", later, amount)
            self.settle(invoice, later + timedelta(days=120))
        elif what == 6:  # a credit note that names its invoice and that no allocation names
            on, number = day + timedelta(days=9), invoice.number
            self.invoice("parts_account", customer, on, amount // 4, kind="credit_note", credits=number)
            self.settle(invoice, later, amount - amount // 4)
        else:  # an advance nobody matched, matched in hindsight to a day before
            receipt = self.payment(invoice, later, amount // 2)
            self.allocate(receipt, invoice, day, amount // 2)
            self.settle(invoice, later + timedelta(days=30), amount - amount // 2)


def write_rates(world: World) -> None:
    """The rates of exchange between pound and euro: booked on the first, closing and average at the month's end."""
    for month in world.months:
        for currency, other in (("EUR", "GBP"), ("GBP", "EUR")):
            rate = world.rate(currency, other, month)
            last = month_end(month)
            for kind, on, value in (
                ("booked", month, rate),
                ("month_average", last, rate),
                ("closing", last, rate + 1_500),
            ):
                world.tables["fx_rates"].add(on, currency=currency, to_currency=other, on=on, kind=kind, rate=value)
