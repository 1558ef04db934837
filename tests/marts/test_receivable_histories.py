"""Random ledgers, aged at many days, against a plain reckoning that sees only what is dated by then.

Each ledger is a rooftop of one warehouse. The reckoning throws away everything dated after the day first, so a model
that lets later facts change an earlier day fails here.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.warehouse import make_warehouse, opened

LEDGERS = 300
START = date(2026, 1, 1)
DAYS = 60
CENT = Decimal("0.01")
EDGES = {"due": (0, 30, 60, 90, 120), "invoice": (30, 60, 90, 120)}
LABELS = {
    "due": ("not_due", "1-30", "31-60", "61-90", "91-120", "121+"),
    "invoice": ("0-30", "31-60", "61-90", "91-120", "121+"),
}


@dataclass
class Paper:
    """A document: ``amount`` is signed, ``parts`` are (instalment, due day, amount)."""

    number: str
    kind: str
    posted_on: date
    due_on: date
    amount: Decimal
    currency: str = "GBP"
    rate: Decimal = Decimal(1)
    credits: str | None = None
    parts: list[tuple[int, date, Decimal]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return ("payments" if self.kind in ("payment", "refund") else "invoices", self.number)


@dataclass
class Allocation:
    number: str
    kind: str
    source: str
    target: str
    on: date
    amount: Decimal


@dataclass
class Ledger:
    papers: list[Paper]
    allocations: list[Allocation]


def made(seed: int) -> Ledger:
    """A small ledger with the oddities that clerks and systems make."""
    dice = random.Random(seed)

    def day(first: int = 0) -> date:
        return START + timedelta(days=dice.randint(first, DAYS))

    def money() -> Decimal:
        return Decimal(dice.choice([10, 25, 40, 60, 100, 33.33, 0.01])).quantize(CENT)

    papers: list[Paper] = []
    euro = dice.random() < 0.2
    credits_crowd = dice.random() < 0.4  # several credit notes that name one invoice
    for number in range(1 if credits_crowd else dice.randint(1, 4)):
        posted, amount = day(), sum((money() for _ in range(dice.randint(1, 4))), Decimal(0))
        paper = Paper(f"I{number}", "invoice", posted, posted + timedelta(days=dice.choice([0, 7, 30])), amount)
        if dice.random() < 0.4:
            dues = [posted + timedelta(days=dice.choice([0, 10, 20, 30])) for _ in range(dice.randint(1, 3))]
            paper.parts = [(n, due, money()) for n, due in enumerate(dues, start=1)]
        papers.append(paper)
    invoices = [paper.number for paper in papers]
    for number in range(dice.randint(2, 4) if credits_crowd else dice.randint(0, 2)):
        posted = day()
        credits = dice.choice([*invoices, *invoices, *invoices, "I99", None])
        papers.append(Paper(f"C{number}", "credit_note", posted, posted, -money(), credits=credits))
    for number in range(0 if credits_crowd else dice.randint(0, 4)):
        posted = day()
        papers.append(Paper(f"P{number}", "payment", posted, posted, -money()))
    if dice.random() < 0.3:
        posted = day()
        papers.append(Paper("R0", "refund", posted, posted, money()))
    if euro:
        for paper in papers:
            paper.currency, paper.rate = "EUR", Decimal(dice.choice(["0.855000", "0.871300", "1.333333"]))
    allocations = []
    sources = [p.number for p in papers if p.amount < 0] + ["P99"]
    targets = [*invoices, *(p.number for p in papers if p.kind == "refund"), "I99"]
    for number in range(dice.randint(0, 8)):
        kind = dice.choices(["", "write_off", "fx", "transfer"], [85, 5, 5, 5])[0]
        source = dice.choice(sources) if kind not in ("write_off", "fx") else ""
        target = dice.choice(targets) if dice.random() < 0.9 else dice.choice(sources)
        amount = -money() if dice.random() < 0.2 else money()
        if source != target:
            allocations.append(Allocation(f"A{number}", kind, source, target, day(), amount))
    return Ledger(papers, allocations)


def files(ledgers: dict[str, Ledger]) -> dict[str, str]:
    invoices, instalments, payments, allocations = [], [], [], []
    for rooftop, ledger in ledgers.items():
        for p in ledger.papers:
            money = [p.posted_on, abs(p.amount), p.currency, p.rate if p.currency != "GBP" else ""]
            if p.kind in ("invoice", "credit_note"):
                due = p.due_on if p.kind == "invoice" else ""
                invoices.append([rooftop, p.number, p.kind, due, p.credits or "", *money])
                instalments += [[rooftop, p.number, *part] for part in p.parts]
            else:
                payments.append([rooftop, p.number, "refund" if p.kind == "refund" else "", *money])
        allocations += [[rooftop, a.number, a.kind, a.source, a.target, a.on, a.amount] for a in ledger.allocations]
    day = START + timedelta(days=DAYS + 1)
    return {
        f"dms_invoices_{day}.csv": as_csv(
            "rooftop,invoice_number,kind,due_on,credits_invoice,posted_on,amount,currency,rate", invoices
        ),
        f"dms_instalments_{day}.csv": as_csv("rooftop,invoice_number,instalment,due_on,amount", instalments),
        f"dms_payments_{day}.csv": as_csv("rooftop,payment_number,kind,posted_on,amount,currency,rate", payments),
        f"dms_allocations_{day}.csv": as_csv(
            "rooftop,allocation_id,kind,from_document,to_document,allocated_on,amount", allocations
        ),
    }


def as_csv(header: str, rows: list[list[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


Effect = tuple[date, Decimal]


def reckoned(ledger: Ledger, day: date, basis: str) -> dict[tuple[str, str, int], tuple[Decimal, Decimal, int, str]]:
    """(kind, document, instalment) -> (open, open at the booked rate, days, bucket) of what is open at ``day``."""
    known = {paper.number: paper for paper in ledger.papers}
    papers = {number: paper for number, paper in known.items() if paper.posted_on <= day}
    effects: dict[str, list[Effect]] = {number: [] for number in papers}
    named: dict[str, date] = {}
    for a in ledger.allocations:
        both = [known[n] for n in (a.source, a.target) if n in known]
        on = max([a.on, *(paper.posted_on for paper in both)])
        if on > day:
            continue
        for number, settled in ((a.target, a.amount), (a.source, -a.amount)):
            if number in papers:
                effects[number].append((on, settled))
                named[number] = min(on, named.get(number, on))
    refer(papers, effects, named)

    found = {}
    for paper in papers.values():
        settled = sum((amount for _, amount in effects[paper.number]), Decimal(0))
        for instalment, due, amount in open_parts(paper, settled):
            since = due if basis == "due" else paper.posted_on
            if instalment == 0:
                since = max(on for on, _ in effects[paper.number])
            age = (day - since).days
            label = LABELS[basis][sum(age > edge for edge in EDGES[basis])]
            base = (amount * paper.rate).quantize(CENT, ROUND_HALF_UP)
            part = (paper.kind, paper.number, instalment) if instalment else ("overpayment", paper.number, 1)
            found[part] = (amount, base, age, label)
    return found


def refer(papers: dict[str, Paper], effects: dict[str, list[Effect]], named: dict[str, date]) -> None:
    """Adds the effects of credit notes that count by the invoice they name, as far as no allocation names them."""
    queue = sorted(
        (max(paper.posted_on, papers[paper.credits].posted_on), paper.number)
        for paper in papers.values()
        if paper.credits in papers
    )
    taken: list[tuple[str, str, date, Decimal]] = []
    for on, number in queue:
        if number in named and named[number] <= on:
            continue
        invoice = papers[papers[number].credits or ""]
        left = invoice.amount - sum(amount for when, amount in effects[invoice.number] if when <= on)
        left -= sum(
            amount
            for other, of, _, amount in taken
            if of == invoice.number and not (other in named and named[other] <= on)
        )
        taken.append((number, invoice.number, on, min(-papers[number].amount, max(Decimal(0), left))))
    for number, invoice_number, on, amount in taken:
        if not amount:
            continue
        if number in named:  # lifted again: nothing is left of it but the day of the change
            effects[invoice_number] += [(on, Decimal(0)), (named[number], Decimal(0))]
        else:
            effects[invoice_number].append((on, amount))
            effects[number].append((on, -amount))


def open_parts(paper: Paper, settled: Decimal) -> Iterator[tuple[int, date, Decimal]]:
    """(instalment, due day, open amount); instalment 0 is an overpayment."""
    if paper.amount < 0:
        if paper.amount != settled:
            yield 1, paper.due_on, paper.amount - settled
        return
    parts: list[tuple[int, date, Decimal]] = []
    room = paper.amount
    for number, due, amount in sorted(paper.parts, key=lambda part: (part[1], part[0])):
        if room > 0:
            parts.append((number, due, min(amount, room)))
            room -= min(amount, room)
    if not paper.parts:
        parts.append((1, paper.due_on, room))
    elif room > 0:
        parts.append((max(n for n, _, _ in paper.parts) + 1, max(d for _, d, _ in paper.parts), room))
    if settled < 0:
        number, due, amount = parts[-1]
        parts[-1] = (number, due, amount - settled)
    left = max(settled, Decimal(0))
    for number, due, amount in parts:
        used = min(left, amount)
        left -= used
        if amount > used:
            yield number, due, amount - used
    if left > 0:
        yield 0, paper.due_on, -left


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Ledger]:
    return {f"L{seed:03d}": made(seed) for seed in range(LEDGERS)}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, ledgers: dict[str, Ledger]) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("histories")
    return opened(make_warehouse(Path(folder), files(ledgers), select="+path:marts/finance +int_receivables_aged"))


@pytest.mark.metrics("5.macro", "5.outstanding", "5.allocation-day", "5.nothing-after", "5.one-cent", "5.refunds")
@pytest.mark.parametrize("basis", ["due", "invoice"])
def test_every_day_is_as_reckoned_from_what_was_dated_by_then(
    basis: str, warehouse: duckdb.DuckDBPyConnection, ledgers: dict[str, Ledger]
) -> None:
    for ahead in (*range(0, DAYS + 1, 4), DAYS + 100):
        day = START + timedelta(days=ahead)
        found: dict[str, dict[tuple[str, str, int], tuple[Decimal, Decimal, int, str]]] = {r: {} for r in ledgers}
        for rooftop, kind, document, instalment, *figures in warehouse.execute(
            """
            select rooftop, document_kind, document, instalment, outstanding, outstanding_base, days_past_due, bucket
            from marts.receivable_ageing($1, $2)
            """,
            [day, basis],
        ).fetchall():
            found[rooftop][kind, document, instalment] = tuple(figures)
        for rooftop, ledger in ledgers.items():
            assert found[rooftop] == reckoned(ledger, day, basis), (rooftop, day, ledger)


def test_movements_are_all_there_is(warehouse: duckdb.DuckDBPyConnection) -> None:
    """What moved up to a day is what is open, also in the rooftop's currency, where every balance is rounded once."""
    (off,) = warehouse.execute(
        """
        with days as (select distinct effective_on as day from marts.fct_receivable_movement),

        moved as (
            select days.day, movement.receivable_key, sum(amount) as amount, sum(amount_base) as amount_base
            from days
            inner join marts.fct_receivable_movement as movement on movement.effective_on <= days.day
            group by all
        )

        select count(*)
        from moved
        inner join marts.fct_receivable as part using (receivable_key)
        where moved.amount_base <> cast(round(moved.amount * part.rate, 2) as decimal(18, 2))
        """
    ).fetchone() or (None,)
    assert off == 0


@pytest.mark.metrics("5.macro")
@pytest.mark.parametrize("day", ["2026-02-01", "1999-12-31", "2099-12-31"])
def test_another_basis_is_refused(day: str, warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="The basis of an ageing is due or invoice, not posted"):
        warehouse.execute("select * from marts.receivable_ageing($1, 'posted')", [day]).fetchall()
