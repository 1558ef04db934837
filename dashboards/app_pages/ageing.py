"""Receivable ageing: who owes what, for how long, on any day, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa
import streamlit as st

from dashboards import cards, charts, debtors, filters, kpi_page, naming, shell, tables, whys, words
from dashboards.reports import exports, receivables
from dashboards.reports.credits import credits_table
from dashboards.reports.receivables import EVERYTHING, AgeingFacts, Basis, Choice, Sums
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.kpi import KpiRow
from forecourt.metrics import Metric, Period

BY_DUE, BY_DATE = "Due date", "Document date"
BASES: dict[str, Basis] = {BY_DUE: "due", BY_DATE: "invoice"}
#: How far the page goes back.
YEARS = 10
FILES: dict[exports.Format, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "pdf": "application/pdf",
}


def ageing(page: Page) -> None:
    """The page *Ageing*: who owes what since when, at the end of a chosen day."""
    metric = page.reader.metrics().get("overdue_rate")
    choice, basis, day = _chosen(page)
    table = page.reader.ageing(day, basis, choice)
    # The rate is of every open document by its due day: where less or another age is shown, it speaks of others.
    is_of_all = choice == Choice(page.filters.rooftops) and basis == "due"
    if metric:
        period = Period(day, day, page.filters.period.as_of)
        rows = page.reader.kpi(metric.name, period, rooftops=page.filters.rooftops) if is_of_all else []
        _answer(page, metric, day, rows, table)
    _downloads(page, table, day, basis, choice)
    facts = page.reader.ageing_facts(day, basis, choice, _part(choice))
    debtors.tieout(page, facts.tieout)
    if table.num_rows:
        _summary(page, table, facts)
    if metric:
        months = Period(day.replace(day=1), day, page.filters.period.as_of)
        rows = page.reader.kpi(metric.name, months, rooftops=page.filters.rooftops)
        title = "Overdue rate by month" + ("" if is_of_all else ", of all documents by due day")
        kpi_page.trend(page, metric, months, rows, title=title)
        if day == page.filters.period.end:
            whys.draw(page, metric)
    if table.num_rows:
        debtors.customers(page, table, day)
        debtors.documents(page, table, day)
    _behind(page, table, facts)
    if metric:
        kpi_page.definition(page, metric)


def _chosen(page: Page) -> tuple[Choice, Basis, date]:
    """What the reader asks for: which documents, aged by what, at the end of which day."""
    places = (
        (*st.columns(2, wrap=False), *st.columns(2), st.container())
        if page.is_phone
        else (*st.columns([2, 3, 3]), *st.columns([3, 2, 3])[:2])
    )
    newest = page.reader.newest_day()
    first, asked = date(newest.year - YEARS, 1, 1), filters.iso_day(st.query_params.get("as_of"))
    if asked and asked > newest:
        st.caption(filters.beyond(newest, asked, page.locale))
    if asked and asked < first:
        told = [words.day(each, page.locale) for each in (first, asked)]
        st.caption(f"The page goes back to {told[0]}; {told[1]} was asked.")
    day = places[0].date_input(
        "As of",
        page.filters.period.end,
        min_value=min(first, page.filters.period.end),
        max_value=newest,
        key="as_of",
        bind="query-params",
        format="YYYY-MM-DD",
    )
    documents = page.reader.rows("select distinct schedule, legal_entity, currency from marts.fct_receivable")
    names = {
        column: sorted({row[column] or "" for row in documents}) for column in ("schedule", "legal_entity", "currency")
    }
    schedule = filters.one_of(places[1], "Schedule", "schedule", names["schedule"], debtors.plain)
    entity = filters.one_of(places[2], "Legal entity", "entity", names["legal_entity"])
    basis = places[3].segmented_control(
        "Aged by", list(BASES), default=BY_DUE, required=True, key="basis", bind="query-params"
    )
    currency = filters.one_of(places[4], "Currency", "currency", names["currency"])
    choice = Choice(page.filters.rooftops, schedule, entity, currency)
    return choice, BASES[basis or BY_DUE], day if isinstance(day, date) else page.filters.period.end


def _part(choice: Choice) -> str:
    return "all open documents" if choice == EVERYTHING else "this choice"


def _answer(page: Page, metric: Metric, day: date, rows: list[KpiRow], table: pa.Table) -> None:
    """What is open in each rooftop currency, and how much of the headline schedules is late where ``rows`` say it."""
    sums, unrated = receivables.sums_in_base(table)
    written = [words.money(sums[code], words.plain(code), 0, page.locale) for code in _in_order(page, sums)]
    owed = [f"**{text}**" for text in written if not text.startswith(words.MINUS)]
    owing = [f"**{text.removeprefix(words.MINUS)}**" for text in written if text.startswith(words.MINUS)]
    clauses = [f"{words.listed(owed)} was open"] if owed else []
    clauses += [f"credits exceeded what was owed by {words.listed(owing)}"] if owing else []
    sentence = f"On {words.day(day, page.locale)} {', and '.join(clauses) or 'nothing was open'}"
    late = [
        f"{words.value_text(metric, row.value, None, page.locale)}" + (f" in {row.currency}" if len(rows) > 1 else "")
        for row in rows
        if row.value is not None
    ]
    sentence += f"; {words.listed(late)} of what is owed on the headline schedules was past due." if late else "."
    st.markdown(f"#### {sentence}".replace("$", "\\$"))
    if unrated:
        st.caption(f"Without a booked rate, so not in it: {words.counted(unrated, 'documents', page.locale)}.")
    standing = cards.target_line(page, metric, rows) if rows else None
    if standing:
        st.caption(f"Overdue rate: {standing[:1].lower()}{standing[1:]}")


def _in_order(page: Page, currencies: Iterable[str]) -> list[str]:
    """Currencies as the rooftops stand, then the foreign ones."""
    known = page.reader.currencies()
    return sorted(currencies, key=lambda code: (known.index(code) if code in known else len(known), code))


def _summary(page: Page, table: pa.Table, facts: AgeingFacts) -> None:
    """Per currency a stacked bar of what is owed by schedule, and the sums as a table."""
    sums = receivables.sums_by_schedule(table)
    st.caption(receivables.CURRENCIES)
    for currency in _in_order(page, {key[1] for key in sums}):
        mine = {key: part for key, part in sums.items() if key[1] == currency}
        gross = sum((part.gross for part in mine.values()), Decimal(0))
        unallocated = sum((part.unallocated for part in mine.values()), Decimal(0))
        disputed = sum((part.disputed for part in mine.values()), Decimal(0))
        received = sum((part.received_after for part in mine.values()), Decimal(0))
        st.subheader(f"{words.plain(currency)} by schedule and bucket", anchor=False)
        code = words.plain(currency)
        written = [words.money(value, code, 2, page.locale) for value in (gross, unallocated, gross + unallocated)]
        said = f"Gross {written[0]} · unallocated {written[1]} · net **{written[2]}**"
        if disputed:
            said += f" · of it disputed {words.money(disputed, code, 2, page.locale)}"
        if received:
            said += f" · received after this day {words.money(received, code, 2, page.locale)}"
        st.markdown(said.replace("$", "\\$"))
        for buckets, entries in receivables.summary_blocks(mine, facts.labels):
            _block(page, buckets, [(key[0], part) for key, part in entries], currency)


def _block(page: Page, buckets: tuple[str, ...], entries: list[tuple[str, Sums]], currency: str) -> None:
    drawn, table = st.tabs(["Chart", "Table"])
    titles = [receivables.bucket_title(bucket) for bucket in buckets]
    points = [
        {
            "group": debtors.plain(schedule),
            "part": receivables.bucket_title(bucket),
            "position": position,
            "value": float(part.owed[bucket]),
            "text": words.money(part.owed[bucket], currency, 2, page.locale),
        }
        for schedule, part in entries
        for position, bucket in enumerate(buckets)
        if part.owed.get(bucket)
    ]
    alt = f"Owed in {currency} by schedule and bucket"
    if points:
        heads = ("Schedule", "Days past due", "Outstanding")
        columns = 2 if page.is_phone else 0
        drawn.altair_chart(charts.stacked(points, titles, heads, page.palette, columns), alt=alt)
        drawn.caption("Debit documents; unallocated credits are in the table.")
    rows = []
    for schedule, part in entries:
        row: dict[str, Any] = {"Schedule": debtors.plain(schedule)}
        row |= {receivables.bucket_title(bucket): float(part.buckets.get(bucket, 0)) for bucket in buckets}
        row |= {"Gross": float(part.gross), "Unallocated": float(part.unallocated), "Net": float(part.net)}
        rows.append(row)
    if len(rows) > 1:
        total: dict[str, Any] = {"Schedule": "Total"}
        rows.insert(0, total | {name: sum(row[name] for row in rows) for name in rows[0] if name != "Schedule"})
    frame = pl.DataFrame(rows)
    money = dict.fromkeys((name for name in frame.columns if name != "Schedule"), 2)
    table.dataframe(tables.numbers(frame, money, page.locale), hide_index=True, alt=alt)


PROVISION = {
    "schedule": Column("Schedule"),
    "currency": Column("Currency"),
    "bucket": Column("Bucket"),
    "owed": Column("Owed", "money"),
    "percent": Column("Percent", "number", decimals=2),
    "provision": Column("Provision", "money"),
}
ROLLFORWARD = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule"),
    "currency": Column("Currency"),
    **{name: Column(debtors.plain(name), "money") for name in receivables.ROLLFORWARD},
}
CREDITS = {
    "rooftop": Column("Rooftop"),
    "customer_name": Column("Customer"),
    "customer_id": Column("Customer id"),
    "document": Column("Document"),
    "document_kind": Column("Kind", "code"),
    "deal_number": Column("Deal"),
    "posted_on": Column("Posted", "day"),
    "days_open": Column("Days", "count"),
    "currency": Column("Currency"),
    "unapplied": Column("Unapplied", "money"),
    "customer_balance": Column("Customer's balance", "money", help="All that the customer owes; below zero it is his."),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}


def _behind(page: Page, table: pa.Table, facts: AgeingFacts) -> None:
    """What an accountant reads beside the documents: credits, provision, roll-forward."""
    first, second, third = st.tabs(["Deposits and credit balances", "Provision", "Roll-forward"])
    with first:
        found = credits_table(page.reader.warehouse, facts.as_of, facts.choice).to_pylist() if table.num_rows else []
        rows = naming.named(page.reader, [row | {"row_number": row["row"]} for row in found], CREDITS)
        st.caption("Payments, credit notes and overpayments that nobody has set against anything yet.")
        phone = ("customer_name", "unapplied", "days_open")
        tables.records(
            page, rows, CREDITS, key="credits", name="Deposits and credits", phone=phone, everything=lambda: rows
        )
    with second:
        rows = [
            {**row, "schedule": debtors.plain(row["schedule"]), "bucket": receivables.bucket_title(row["bucket"])}
            for row in facts.provision
        ]
        st.caption("Percents of what is owed in each bucket: `ageing.provision.<bucket>` in the settings.")
        tables.listing(page, rows, PROVISION, "Provision", ("schedule", "bucket", "provision"))
    with third:
        rows = naming.named(
            page.reader, [{**row, "schedule": debtors.plain(row["schedule"])} for row in facts.rollforward]
        )
        if rows:
            first_day, through = rows[0]["month"], max(row["through_on"] for row in rows)
            days = f"{words.day(first_day, page.locale)} to {words.day(through, page.locale)}"
            st.caption(
                f"{days}, at booked rates: the last month that was over by the day above, or that the data end in."
            )
        tables.listing(page, rows, ROLLFORWARD, "Roll-forward", ("schedule", "opening", "closing"))


def _downloads(page: Page, table: pa.Table, day: date, basis: Basis, choice: Choice) -> None:
    """Exactly what is chosen above, and everything of the day, each with its row count."""
    with st.container(horizontal=True):
        _files(page, table, day, basis, choice)
    if choice != EVERYTHING:
        with st.container(horizontal=True):
            _files(page, page.reader.ageing(day, basis), day, basis, EVERYTHING, is_first=False)


def _files(page: Page, table: pa.Table, day: date, basis: Basis, choice: Choice, *, is_first: bool = True) -> None:
    part, rows = _part(choice), words.counted(table.num_rows, "rows", page.locale)
    for suffix, kind in FILES.items():
        st.download_button(
            f"{suffix}, {part}: {rows}",
            partial(_file, page, table, day, basis, choice, suffix),
            f"ageing_{day.isoformat()}_{basis}.{suffix}",
            kind,
            key=f"{suffix}_{part}",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if suffix == "xlsx" and is_first else "secondary",
        )


def _file(page: Page, table: pa.Table, day: date, basis: Basis, choice: Choice, suffix: exports.Format) -> bytes:
    """The bytes of one file, made when they are asked for and entered in the log of exports."""
    facts = page.reader.ageing_facts(day, basis, choice, _part(choice))
    data = exports.ageing_file(page.reader.warehouse, table, facts, suffix)
    name = exports.export_name(facts, suffix)
    exports.record_export(page.reader.home, data, facts, name=name, rows=table.num_rows, by="page")
    return data


ageing(shell.current())
