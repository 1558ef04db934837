"""The receivable ageing as a report: what its workbook and its pdf both say, and the two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

import pyarrow as pa

from dashboards.reports import receivables
from dashboards.reports.paper import Paper
from dashboards.reports.receivables import CUSTOMER, SCHEDULE, AgeingFacts, Sums, bucket_title, summary_blocks, sums_by
from dashboards.reports.report import Col, Part, Row, Tone
from dashboards.reports.sheets import Book, Field
from forecourt.errors import Problem

TITLE = "Receivable ageing"
#: More documents than this would fill thousands of pages.
PAPER_ROWS = 50_000

_DETAIL = {
    "rooftop": Field(9),
    "legal_entity": Field(24),
    "schedule": Field(19),
    "customer_id": Field(13),
    "customer_name": Field(30),
    "document": Field(17),
    "document_kind": Field(14),
    "instalment": Field(10, "whole"),
    "posted_on": Field(11, "day"),
    "due_on": Field(11, "day"),
    "currency": Field(9),
    "amount": Field(15, "money", "currency"),
    "outstanding": Field(15, "money", "currency"),
    "rate": Field(10, "rate"),
    "outstanding_base": Field(17, "money", "base_currency"),
    "base_currency": Field(13),
    "days_past_due": Field(13, "whole"),
    "bucket": Field(10),
    "disputed": Field(9, "flag"),
    "received_after": Field(15, "money", "currency"),
    "file": Field(34),
    "row": Field(9, "whole"),
}
_MOVEMENTS = {
    "rooftop": Field(9),
    "schedule": Field(19),
    "customer_id": Field(13),
    "customer_name": Field(30),
    "document": Field(17),
    "document_kind": Field(14),
    "instalment": Field(10, "whole"),
    "effective_on": Field(12, "day"),
    "movement": Field(13),
    "kind": Field(13),
    "counter_document": Field(24),
    "currency": Field(9),
    "amount": Field(15, "money", "currency"),
    "open_after": Field(15, "money"),
    "file": Field(34),
    "row": Field(9, "whole"),
}


def ageing_xlsx(table: pa.Table, movements: pa.Table, facts: AgeingFacts) -> bytes:
    """A workbook: cover with tie-out, summary, customers, provision and roll-forward, every document, every movement.

    ``table`` and ``movements`` are those of ``ageing_table`` and ``movements_table``. Equal rows and facts give equal
    bytes.
    """
    book = Book(TITLE, f"As of {facts.as_of}", facts.as_of)
    book.cover(facts.cover(table.num_rows), [totals(table), tieout(facts)])
    book.tables("Summary", list(summary(table, facts)))
    book.tables("Customers", list(customers(table, facts)))
    book.tables("Provision", [provision(facts)])
    book.tables("Roll-forward", [rollforward(facts)], frozen=2)
    book.listing("Detail", table, _DETAIL, by="currency")
    book.listing("Movements", movements, _MOVEMENTS, by="currency")
    return book.data()


def ageing_pdf(table: pa.Table, facts: AgeingFacts) -> bytes:
    """The same as pages: cover with tie-out, summary, customers, provision and roll-forward, every document.

    Raises Problem where a name holds a sign that paper cannot show, and for more documents than anyone would turn
    pages for: nothing is left out.
    """
    if table.num_rows > PAPER_ROWS:
        raise Problem(
            f"{table.num_rows:,} open documents are too many for a pdf, which holds {PAPER_ROWS:,}. "
            "Take xlsx or csv, or narrow the choice by rooftop or schedule."
        )
    foot = f"{TITLE} as of {facts.as_of}, run {facts.run_id}"
    paper = Paper(TITLE, f"As of {facts.as_of}", facts.as_of, foot, is_landscape=True)
    paper.facts(facts.cover(table.num_rows))
    paper.part(totals(table))
    paper.part(tieout(facts))
    paper.new_page()
    for part in (*summary(table, facts), *customers(table, facts), provision(facts), rollforward(facts)):
        paper.part(part)
    paper.new_page()
    for part in detail(table):
        paper.part(part)
    return paper.data()


def totals(table: pa.Table) -> Part:
    """The control totals by currency."""
    columns = (
        Col("Currency", 26),
        *(Col(head, 18, True) for head in ("Gross", "Unallocated", "Net", "Of it disputed", "Received after", "Rows")),
    )
    rows = [
        Row(
            (
                *(currency, part.gross, part.unallocated, part.net, part.disputed),
                *(part.received_after, part.documents),
            )
        )
        for (currency,), part in sums_by(table, ()).items()
    ]
    return Part("Totals by currency", columns, rows, receivables.CURRENCIES if rows else "Nothing is open on this day.")


def tieout(facts: AgeingFacts) -> Part:
    """Each schedule beside its control account, differences first."""
    columns = (
        *(Col("Rooftop", 26), Col("Schedule", 18), Col("Currency", 10), Col("Control account", 18, True)),
        *(Col("Outstanding", 18, True), Col("Difference", 18, True), Col("Verdict", 18)),
    )
    rows = [
        Row(
            (
                *(row["rooftop"], _words(row["schedule"]), row["currency"], row["control_balance"]),
                *(row["outstanding"], row["difference"], row["verdict"]),
            ),
            "good" if row["verdict"] == "ties" else "bad" if row["verdict"] == "differs" else "plain",
        )
        for row in facts.tieout
    ]
    has_difference = any(row["verdict"] == "differs" for row in facts.tieout)
    is_tied = any(row["verdict"] == "ties" for row in facts.tieout) and not has_difference
    tone: Tone = "bad" if has_difference else "good" if is_tied else "plain"
    return Part("Tie-out to the ledger", columns, rows, receivables.tied(facts.tieout), tone)


def summary(table: pa.Table, facts: AgeingFacts) -> Iterator[Part]:
    """Outstanding by schedule and bucket; schedules that age by the same edges stand together."""
    title = f"Outstanding by schedule and bucket as of {facts.as_of}"
    yield from _by_bucket(title, (Col("Schedule", 22),), sums_by(table, SCHEDULE), facts, lambda key: (_words(key[0]),))


def customers(table: pa.Table, facts: AgeingFacts) -> Iterator[Part]:
    """The same by customer."""
    heads = (Col("Customer", 30), Col("Customer id", 13), Col("Rooftop", 10), Col("Schedule", 20))
    title = f"Outstanding by customer and bucket as of {facts.as_of}"

    def named(key: tuple[str, ...]) -> tuple[str, ...]:
        schedule, rooftop, customer_id, name = key[:4]
        return name, customer_id, rooftop, _words(schedule)

    yield from _by_bucket(title, heads, sums_by(table, CUSTOMER), facts, named)


def _by_bucket(
    title: str,
    heads: Sequence[Col],
    sums: Mapping[tuple[str, ...], Sums],
    facts: AgeingFacts,
    named: Callable[[tuple[str, ...]], tuple[str, ...]],
) -> Iterator[Part]:
    """A part for each set of bucket edges, by currency with a total; the schedule comes first in the keys of sums."""
    for labels, entries in summary_blocks(sums, facts.labels):
        columns = (
            *heads,
            Col("Currency", 9),
            *(Col(bucket_title(label), 13, True) for label in labels),
            *(Col(head, 14, True) for head in ("Gross", "Unallocated", "Net", "Received after")),
        )
        rows = []
        for currency in sorted({key[-1] for key, _ in entries}):
            chosen = [(named(key), part) for key, part in entries if key[-1] == currency]
            rows += [Row((*names, currency, *_amounts(labels, [part]))) for names, part in sorted(chosen, key=_first)]
            blank = (None,) * (len(heads) - 1)
            rows.append(Row(("Total", *blank, currency, *_amounts(labels, [part for _, part in chosen])), "total"))
        yield Part(title, columns, rows)
    if not sums:
        yield Part(title, note="Nothing is open on this day.")


def _words(code: str) -> str:
    return code.replace("_", " ")


def _first(entry: tuple[tuple[str, ...], Sums]) -> tuple[str, ...]:
    return entry[0]


def _amounts(labels: Sequence[str], parts: Sequence[Sums]) -> list[Decimal]:
    zero = Decimal("0.00")
    amounts = [sum((part.buckets.get(label, zero) for part in parts), zero) for label in labels]
    for one_of in ("gross", "unallocated", "net", "received_after"):
        amounts.append(sum((getattr(part, one_of) for part in parts), zero))
    return amounts


def provision(facts: AgeingFacts) -> Part:
    """What the settings provide for by schedule and bucket, in the rooftops' currency."""
    columns = (
        *(Col("Schedule", 24), Col("Currency", 10), Col("Bucket", 14), Col("Owed", 18, True)),
        *(Col("Percent", 12, True), Col("Provision", 18, True)),
    )
    rows = []
    for currency, found in groupby(
        sorted(facts.provision, key=lambda row: row["currency"]), lambda row: row["currency"]
    ):
        lines = list(found)
        rows += [
            Row(
                (
                    *(_words(row["schedule"]), currency, bucket_title(row["bucket"])),
                    *(row["owed"], row["percent"], row["provision"]),
                )
            )
            for row in lines
        ]
        owed, provided = (sum((row[name] for row in lines), Decimal(0)) for name in ("owed", "provision"))
        rows.append(Row(("Total", currency, None, owed, None, provided), "total"))
    note = (
        "Debit documents at their booked rate, in the rooftops' currency; percents of ageing.provision in the settings."
    )
    return Part("Provision", columns, rows, note if rows else "Nothing is owed on this day.")


def rollforward(facts: AgeingFacts) -> Part:
    """How the receivables of the month's opening became those of its closing, by rooftop and schedule."""
    title = "Roll-forward"
    if not facts.rollforward:
        return Part(title, note="No month was over by this day.")
    first = facts.rollforward[0]
    heads = (name.replace("_", " ").capitalize() for name in receivables.ROLLFORWARD)
    columns = (
        *(Col("Rooftop", 10), Col("Schedule", 22), Col("Currency", 10)),
        *(Col(head, 15, True) for head in heads),
    )
    rows = [
        Row(
            (row["rooftop"], _words(row["schedule"]), row["currency"], *(row[name] for name in receivables.ROLLFORWARD))
        )
        for row in facts.rollforward
    ]
    for currency in sorted({row["currency"] for row in facts.rollforward}):
        mine = [row for row in facts.rollforward if row["currency"] == currency]
        sums = (sum((row[name] for row in mine), Decimal(0)) for name in receivables.ROLLFORWARD)
        rows.append(Row(("Total", None, currency, *sums), "total"))
    note = (
        f"{first['month']} to {max(row['through_on'] for row in facts.rollforward)}, at booked rates: opening "
        "+ invoices - cash + refunds and returned - credit notes - write-offs + fx + transfers = closing."
    )
    return Part(title, columns, rows, note)


def detail(table: pa.Table) -> Iterator[Part]:
    """Every document, by currency, with a subtotal for each customer who has more than one."""
    columns = (
        *(Col("Rooftop", 8), Col("Schedule", 15), Col("Customer", 26), Col("Customer id", 11), Col("Document", 15)),
        *(Col("Kind", 13), Col("Posted", 11), Col("Due", 11), Col("Amount", 13, True), Col("Outstanding", 13, True)),
        *(Col("Days", 6, True), Col("Bucket", 9), Col("Disputed", 8), Col("Received after", 12, True)),
    )
    rows = table.to_pylist()
    for currency in sorted({row["currency"] for row in rows}):
        mine = [row for row in rows if row["currency"] == currency]
        lines: list[Row] = []
        for _, found in groupby(mine, lambda row: (row["rooftop"], row["schedule"], row["customer_id"])):
            group = list(found)
            lines += [_document(row) for row in group]
            if len(group) > 1:
                lines.append(_subtotal(f"{group[0]['customer_name'] or group[0]['customer_id']}", group))
        lines.append(_subtotal(f"Total {currency}", mine))
        yield Part(f"Documents in {currency}", columns, lines)


def _document(row: Mapping[str, Any]) -> Row:
    return Row(
        (
            *(row["rooftop"], _words(row["schedule"]), row["customer_name"], row["customer_id"], row["document"]),
            *(_words(row["document_kind"]), row["posted_on"], row["due_on"], row["amount"]),
            *(row["outstanding"], row["days_past_due"], _words(row["bucket"])),
            *("yes" if row["disputed"] else None, row["received_after"]),
        )
    )


def _subtotal(name: str, rows: Sequence[Mapping[str, Any]]) -> Row:
    outstanding = sum((row["outstanding"] for row in rows), Decimal(0))
    return Row((None, None, name, *(None,) * 6, outstanding, *(None,) * 4), "total")
