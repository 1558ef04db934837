"""Receivables at the end of a day by METRICS.md section 5."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from tests.oracle.clock import DAY
from tests.oracle.exports import Row, cents
from tests.oracle.records import LONGEST, Part, Question, World

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
QUARTER = timedelta(days=90)
CREDITS = ("credit_note", "payment", "overpayment")
EDGES = [30, 60, 90, 120]
TRANSIT_EDGES = [3, 7, 10, 15]
#: +1 where the document raises what is owed to the house, -1 where it lowers it.
SIDE = {"invoice": 1, "credit_note": -1, "payment": -1, "refund": 1, "returned": 1}


@dataclass(frozen=True, eq=False)
class Document:
    """One posted document; ``amount`` is positive."""

    rooftop: str
    number: str
    kind: str
    row: Row

    @property
    def posted_on(self) -> date:
        posted: date = self.row["posted_on"]
        return posted

    @property
    def amount(self) -> Decimal:
        amount: Decimal = self.row["amount"]
        return amount

    @property
    def schedule(self) -> str:
        return self.row.get("schedule") or "customer"


@dataclass(frozen=True)
class Setting:
    """What is set against a document: from which day, until before which day, and how much."""

    on: date
    amount: Decimal
    until: date = date.max


@dataclass(frozen=True)
class Open:
    """One row of the ageing: an instalment, a debit, or a credit nobody has used."""

    document: Document
    kind: str
    instalment: int
    outstanding: Decimal
    aged_from: date
    is_transit: bool


class Ageing:
    """Everything that is open on any day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._instalments = world.by("dms_instalments", "rooftop", "invoice_number")
        self._deals = {key: rows[0] for key, rows in world.by("dms_deals", "rooftop", "deal_number").items()}

    @cached_property
    def documents(self) -> list[Document]:
        """Invoices, credit notes, receipts, refunds and returned payments."""
        invoices = [
            Document(row["rooftop"], row["invoice_number"], row["kind"], row)
            for row in self._world.rows("dms_invoices")
        ]
        payments = [
            Document(row["rooftop"], row["payment_number"], _kind_of_payment(row), row)
            for row in self._world.rows("dms_payments")
        ]
        return invoices + payments

    @cached_property
    def settings(self) -> dict[Document, list[Setting]]:
        """Per document what has been set against it, explicitly or by the invoice a credit note names."""
        found: dict[Document, list[Setting]] = defaultdict(list)
        by_number: dict[tuple[str, str], list[Document]] = defaultdict(list)
        for document in self.documents:
            by_number[document.rooftop, document.number].append(document)
        named: dict[Document, date] = {}
        for row in self._world.rows("dms_allocations"):
            source = self._named(by_number, row, "from", prefer=("payment", "credit_note"))
            target = self._named(by_number, row, "to", prefer=("invoice", "refund", "returned"))
            ends = [document for document in (source, target) if document is not None]
            on = max([row["allocated_on"], *(document.posted_on for document in ends)])
            for document in ends:
                named[document] = min(named.get(document, date.max), on)
                found[document].append(Setting(on, row["amount"]))
        self._credit_by_reference(found, by_number, named)
        return found

    def _named(
        self, by_number: dict[tuple[str, str], list[Document]], row: Row, end: str, prefer: tuple[str, ...]
    ) -> Document | None:
        number = row.get(f"{end}_document")
        if number is None:
            return None
        candidates = by_number.get((row["rooftop"], number), [])
        kind = row.get(f"{end}_kind")
        if kind:
            return next((found for found in candidates if found.kind == kind), None)
        order = {name: place for place, name in enumerate(prefer)}
        return min(candidates, key=lambda found: order.get(found.kind, len(order)), default=None)

    def _credit_by_reference(
        self,
        found: dict[Document, list[Setting]],
        by_number: dict[tuple[str, str], list[Document]],
        named: dict[Document, date],
    ) -> None:
        """A credit note that names its invoice is set against it until an allocation names the credit note."""
        notes = [
            document
            for document in self.documents
            if document.kind == "credit_note" and document.row.get("credits_invoice")
        ]
        for note in sorted(notes, key=lambda document: (document.posted_on, document.number)):
            invoices = by_number.get((note.rooftop, note.row["credits_invoice"]), [])
            invoice = next((document for document in invoices if document.kind == "invoice"), None)
            if invoice is None or note.row.get("currency") != invoice.row.get("currency"):
                continue
            on, until = max(note.posted_on, invoice.posted_on), named.get(note, date.max)
            left = invoice.amount - sum((step.amount for step in found[invoice] if step.on <= on < step.until), ZERO)
            amount = min(note.amount, left)
            if amount > 0 and on < until:
                found[invoice].append(Setting(on, amount, until))
                found[note].append(Setting(on, amount, until))

    def open_on(self, day: date) -> Iterator[Open]:
        """The rows of the ageing at the end of a day."""
        for document in self.documents:
            if document.posted_on > day:
                continue
            steps = [step for step in self.settings[document] if step.on <= day < step.until]
            used = sum((step.amount for step in steps), ZERO)
            left = document.amount - used
            if SIDE[document.kind] < 0:
                yield Open(document, document.kind, 0, -left, self._due_on(document), False)
            elif left < 0:
                yield Open(document, "overpayment", 0, left, max(step.on for step in steps), False)
            else:
                yield from self._debit(document, used)

    def _debit(self, document: Document, used: Decimal) -> Iterator[Open]:
        kind = "invoice" if document.kind == "invoice" else "refund"
        transit = self.contract_day(document)
        for number, due, amount in self.rows_of(document):
            taken = min(amount, used)
            used -= taken
            yield Open(document, kind, number, amount - taken, transit or due, transit is not None)

    def rows_of(self, document: Document) -> list[tuple[int, date, Decimal]]:
        """Number, due day and amount of every instalment, oldest due first.

        A remainder is due with the last one; what goes beyond the invoice is cut from the last one back.
        """
        plan = sorted(
            self._instalments.get((document.rooftop, document.number), []) if document.kind == "invoice" else [],
            key=lambda row: (row["due_on"], row["instalment"]),
        )
        if not plan:
            return [(0, self._due_on(document), document.amount)]
        found = []
        rest = document.amount
        for row in plan:
            amount = min(row["amount"], rest)
            found.append((row["instalment"], row["due_on"], amount))
            rest -= amount
        return [*found, (0, plan[-1]["due_on"], rest)] if rest else found

    def _due_on(self, document: Document) -> date:
        if document.kind not in ("invoice", "credit_note"):
            return document.posted_on
        due: date | None = document.row.get("due_on")
        if due is not None:
            return due
        terms = document.row.get("terms_days")
        if terms is None and document.kind == "credit_note":
            return document.posted_on
        if terms is None:
            key = f"ageing.default_terms.{document.schedule}"
            terms = self._world.settings.policy(key, document.posted_on, 0)
        return document.posted_on + timedelta(days=int(terms))

    def left_of(self, document: Document, day: date) -> dict[int, Decimal]:
        """What is open of every instalment of a debit at the end of a day."""
        used = sum((step.amount for step in self.settings[document] if step.on <= day < step.until), ZERO)
        found = {}
        for number, _, amount in self.rows_of(document):
            taken = min(amount, max(used, ZERO))
            used -= taken
            found[number] = amount - taken
        return found

    def contract_day(self, document: Document) -> date | None:
        """The day from which a contract in transit ages; None for any other document."""
        if document.schedule != "contract_in_transit" or document.kind != "invoice":
            return None
        deal = self._deals.get((document.rooftop, document.row.get("deal_number")), {})
        return deal.get("contract_on") or document.posted_on

    def receivable_provision(self, question: Question) -> Iterator[Part]:
        """Section 5: percent per bucket of what is open of debit documents."""
        for part in self.parts("receivable_provision", question, None):
            if part.groups["document_kind"] in CREDITS:
                continue
            percent = self._world.settings.policy(f"ageing.provision.{part.groups['bucket']}", question.end, 0)
            yield replace(part, top=None if part.top is None else cents(part.top * Decimal(str(percent)) / 100))

    def dso_days(self, question: Question) -> Iterator[Part]:
        """Section 5: closing outstanding / invoices of the last 90 days × 90."""
        for found in self.open_on(question.end):
            for part in self._part("dso_days", found, question.end):
                top = None if part.top is None else part.top * 90
                yield replace(part, top=top, bottom=ZERO, record=found.document)
        for document in self.documents:
            if document.kind == "invoice" and question.end - QUARTER < document.posted_on <= question.end:
                whole = Open(document, "invoice", 0, document.amount, document.posted_on, False)
                for part in self._part("dso_days", whole, question.end):
                    yield replace(part, top=None, bottom=part.top, record=document)

    def funding_days(self, question: Question) -> Iterator[Part]:
        """Section 2: contract_on to the day the contract in transit is fully paid."""
        for document in self.documents:
            contract = self.contract_day(document)
            if contract is None:
                continue
            steps = sorted(self.settings[document], key=lambda step: step.on)
            funded = self._paid_on(document, steps)
            groups = {
                "currency": document.row.get("currency") or self._world.settings.rooftop(document.rooftop).currency,
                "customer": document.row.get("customer_id"),
                "rooftop": document.rooftop,
            }
            part = Part(funded, groups, record=document)
            if funded is not None and question.covers(funded):
                if document not in self.paid_in_cash:
                    yield replace(part, excluded="settled without cash")
                elif funded < contract:
                    yield replace(part, excluded="stopped before it started")
                elif funded - contract > LONGEST:
                    yield replace(part, excluded="over 365 days")
                else:
                    yield replace(part, top=Decimal((funded - contract).days))
            elif (
                contract <= question.end
                and document.posted_on <= question.end
                and (funded is None or funded > question.end)
            ):
                yield replace(part, day=question.end, is_open=True)

    def _paid_on(self, document: Document, steps: list[Setting]) -> date | None:
        """The day from which nothing was open any more."""
        left, paid = document.amount, None
        for day in sorted({step.on for step in steps} | {step.until for step in steps if step.until < date.max}):
            left = document.amount - sum((step.amount for step in steps if step.on <= day < step.until), ZERO)
            paid = (paid or day) if left < CENT else None
        return paid

    @cached_property
    def paid_in_cash(self) -> set[Document]:
        """Documents of which at least some was paid in cash."""
        by_number: dict[tuple[str, str], list[Document]] = defaultdict(list)
        for document in self.documents:
            by_number[document.rooftop, document.number].append(document)
        found = set()
        for row in self._world.rows("dms_allocations"):
            source = self._named(by_number, row, "from", prefer=("payment", "credit_note"))
            target = self._named(by_number, row, "to", prefer=("invoice", "refund", "returned"))
            kind = row.get("kind") or (source.kind if source else "payment")
            if target is not None and kind == "payment":
                found.add(target)
        return found

    def parts(self, kpi: str, question: Question, by: str | None) -> Iterator[Part]:
        """The rows open at the period's end; by month at every month's end."""
        for day in _states(question) if by == "month" else [question.end]:
            for found in self.open_on(day):
                if abs(found.outstanding) >= CENT:
                    yield from self._part(kpi, found, day)

    def _part(self, kpi: str, found: Open, day: date) -> Iterator[Part]:
        settings = self._world.settings
        document = found.document
        home = settings.rooftop(document.rooftop).currency
        currency = document.row.get("currency") or home
        rate: Decimal | None = document.row.get("rate") if currency != home else Decimal(1)
        base = cents(found.outstanding * rate) if rate is not None else None
        days = (day - found.aged_from).days
        is_credit = found.kind in CREDITS
        if kpi == "overdue_rate" and (
            is_credit or document.schedule not in settings.policy("ageing.headline_schedules", day)
        ):
            return
        if kpi == "unapplied_credits" and not is_credit:
            return
        yield Part(
            day,
            {
                "bucket": self._bucket(found, days, day),
                "currency": currency,
                "customer": document.row.get("customer_id"),
                "document_kind": found.kind,
                "rooftop": document.rooftop,
                "schedule": document.schedule,
            },
            top=(base if days > 0 else ZERO) if kpi == "overdue_rate" else base,
            bottom=base if kpi == "overdue_rate" else None,
            currency=home,
            excluded=None if base is not None else f"no rate for {currency}",
        )

    def _bucket(self, found: Open, days: int, day: date) -> str:
        schedule = found.document.schedule
        default = TRANSIT_EDGES if schedule == "contract_in_transit" else EDGES
        edges: list[int] = self._world.settings.policy(f"ageing.edges.{schedule}", day, default)
        if schedule != "contract_in_transit" and days <= 0:
            return "not_due"
        lower = 0 if schedule == "contract_in_transit" else 1
        for edge in edges:
            if days <= edge:
                return f"{lower}-{edge}"
            lower = edge + 1
        return f"{lower}+"


def _kind_of_payment(row: Row) -> str:
    return {"refund": "refund", "returned": "returned"}.get(row.get("kind") or "", "payment")


def _states(question: Question) -> Iterator[date]:
    day = question.first
    while day <= question.end:
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        yield min(following - DAY, question.end)
        day = following
