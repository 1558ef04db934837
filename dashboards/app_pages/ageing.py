"""Receivable ageing: who owes what, for how long, on any day, and the same as a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboards import cards, charts, exports, kpi_page, receivables, shell, tables, whys, words
from dashboards.receivables import Basis, Choice, Sums
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.metrics import Period

BY_DUE, BY_DATE = "Due date", "Document date"
BASES: dict[str, Basis] = {BY_DUE: "due", BY_DATE: "invoice"}
ALL = "All"
FILES: dict[exports.Format, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "pdf": "application/pdf",
}

DOCUMENTS = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule"),
    "customer_name": Column("Customer"),
    "document": Column("Document"),
    "document_kind": Column("Kind"),
    "posted_on": Column("Posted", "day"),
    "due_on": Column("Due", "day"),
    "currency": Column("Currency"),
    "amount": Column("Amount", "money"),
    "outstanding": Column("Outstanding", "money"),
    "days_past_due": Column("Days", "count"),
    "bucket": Column("Bucket"),
    "disputed": Column("Disputed"),
    "received_after": Column("Received after", "money", help="Cash allocated after this day; not taken off."),
    "customer_id": Column("Customer id"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}
CUSTOMERS = {
    "customer_name": Column("Customer"),
    "customer_id": Column("Customer id"),
    "rooftop": Column("Rooftop"),
    "currency": Column("Currency"),
    "owed": Column("Owed", "money"),
    "past_due": Column("Past due", "money", help="Debit documents whose due day has passed."),
    "unapplied": Column("Unapplied", "money", help="Credits and payments not set against anything."),
    "net": Column("Net", "money"),
    "oldest": Column("Oldest, days", "count"),
    "documents": Column("Documents", "count"),
}


def ageing(page: Page) -> None:
    """The page *Ageing*: who owes what since when, at the end of a chosen day."""
    metric = page.reader.metrics().get("overdue_rate")
    first, second, third = st.columns([2, 3, 3, 6])[:3] if not page.is_phone else (*st.columns(2, wrap=False), st)
    as_of = first.date_input(
        "As of",
        page.filters.period.end,
        max_value=page.reader.newest_day(),
        key="as_of",
        bind="query-params",
        format="YYYY-MM-DD",
    )
    chosen = third.segmented_control(
        "Aged by", list(BASES), default=BY_DUE, required=True, key="basis", bind="query-params"
    )
    basis = BASES[chosen or BY_DUE]
    day = as_of if isinstance(as_of, date) else page.filters.period.end
    everything = page.reader.ageing(day, basis, Choice(page.filters.rooftops))
    names = sorted(set(everything.column("schedule").to_pylist()))
    schedule = second.selectbox("Schedule", [ALL, *names], format_func=_plain, key="schedule", bind="query-params")
    table = everything
    if schedule != ALL:
        table = everything.filter(pc.equal(everything.column("schedule"), schedule))
    only = None if schedule == ALL else schedule
    if metric:
        period = Period(day, day, page.filters.period.as_of)
        rows = page.reader.kpi("overdue_rate", period, rooftops=page.filters.rooftops)
        _answer(page, day, rows, receivables.sums_by_schedule(table))
    _downloads(page, table, day, basis, only)
    if table.num_rows:
        _summary(page, table, basis, day)
        _tieout(page, day, only)
    if metric:
        months = Period(day.replace(day=1), day, page.filters.period.as_of)
        rows = page.reader.kpi(metric.name, months, rooftops=page.filters.rooftops)
        kpi_page.trend(page, metric, months, rows, title="Overdue rate by month")
        if day == page.filters.period.end:
            whys.draw(page, metric)
    if table.num_rows:
        _customers(page, table, day)
        _documents(page, table)
    if metric:
        kpi_page.definition(page, metric, ("ageing.",))


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _answer(page: Page, day: date, rows: list[Any], sums: dict[tuple[str, str], Sums]) -> None:
    """What is open per currency, and how much of the headline schedules is late."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, currency), part in sums.items():
        totals[currency] += part.net
    parts = [
        f"**{words.money(totals[currency], words.plain(currency), 0, page.locale)}**"
        for currency in _in_order(page, totals)
    ]
    metric = page.reader.metrics()["overdue_rate"]
    late = [
        f"{words.value_text(metric, row.value, None, page.locale)}" + (f" in {row.currency}" if len(rows) > 1 else "")
        for row in rows
        if row.value is not None
    ]
    sentence = f"On {words.day(day, page.locale)} {words.listed(parts) or 'nothing'} was open"
    sentence += f"; {words.listed(late)} of what is owed on the headline schedules was past due." if late else "."
    st.markdown(f"#### {sentence}".replace("$", "\\$"))
    standing = cards.target_line(page, metric, rows)
    if standing:
        st.caption(f"Overdue rate: {standing[:1].lower()}{standing[1:]}")


def _in_order(page: Page, currencies: Iterable[str]) -> list[str]:
    """Currencies as the rooftops stand, then the foreign ones."""
    known = page.reader.currencies()
    return sorted(currencies, key=lambda code: (known.index(code) if code in known else len(known), code))


def _summary(page: Page, table: pa.Table, basis: Basis, as_of: date) -> None:
    """Per currency a stacked bar of what is owed by schedule, and the sums as a table."""
    labels = receivables.bucket_labels(page.reader.warehouse, basis, as_of)
    sums = receivables.sums_by_schedule(table)
    for currency in _in_order(page, {key[1] for key in sums}):
        mine = {key: part for key, part in sums.items() if key[1] == currency}
        gross = sum((part.gross for part in mine.values()), Decimal(0))
        unallocated = sum((part.unallocated for part in mine.values()), Decimal(0))
        disputed = sum((part.disputed for part in mine.values()), Decimal(0))
        st.subheader(f"{words.plain(currency)} by schedule and bucket", anchor=False)
        code = words.plain(currency)
        written = [words.money(value, code, 2, page.locale) for value in (gross, unallocated, gross + unallocated)]
        said = f"Gross {written[0]} · unallocated {written[1]} · net **{written[2]}**"
        if disputed:
            said += f" · of it disputed {words.money(disputed, code, 2, page.locale)}"
        st.markdown(said.replace("$", "\\$"))
        for buckets, entries in receivables.summary_blocks(mine, labels):
            _block(page, buckets, [(key[0], part) for key, part in entries], currency)


def _block(page: Page, buckets: tuple[str, ...], entries: list[tuple[str, Sums]], currency: str) -> None:
    drawn, table = st.tabs(["Chart", "Table"])
    titles = [receivables.bucket_title(bucket) for bucket in buckets]
    points = [
        {
            "group": _plain(schedule),
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
        row: dict[str, Any] = {"Schedule": _plain(schedule)}
        row |= {receivables.bucket_title(bucket): float(part.buckets.get(bucket, 0)) for bucket in buckets}
        row |= {"Gross": float(part.gross), "Unallocated": float(part.unallocated), "Net": float(part.net)}
        rows.append(row)
    if len(rows) > 1:
        total: dict[str, Any] = {"Schedule": "Total"}
        rows.insert(0, total | {name: sum(row[name] for row in rows) for name in rows[0] if name != "Schedule"})
    frame = pl.DataFrame(rows)
    money = {name: st.column_config.NumberColumn(name, format="%,.2f") for name in frame.columns if name != "Schedule"}
    table.dataframe(frame, hide_index=True, column_config=cast(dict[str, Any], money), alt=alt)


def _tieout(page: Page, day: date, schedule: str | None) -> None:
    rows = receivables.tieout(page.reader.warehouse, day, Choice(page.filters.rooftops, schedule))
    if not rows:
        st.caption(f"No control balance of {words.day(day, page.locale)} was landed to tie out to.")
        return
    off = [row for row in rows if row["difference"]]
    if not off:
        st.markdown(f":green[:material/check_circle:] All {len(rows)} control accounts of this day tie.")
        return
    names = [
        f"{words.plain(row['rooftop'])} {words.plain(_plain(row['schedule']).lower())} by "
        f"{words.money(row['difference'], words.plain(row['currency']), 2, page.locale)}"
        for row in off
    ]
    st.markdown(
        f":red[:material/error:] {len(rows) - len(off)} of {len(rows)} control accounts of this day tie; "
        f"{words.listed(names)} {'differs' if len(off) == 1 else 'differ'}.".replace("$", "\\$")
    )
    with st.expander("Tie-out to the ledger"):
        frame = tables.frame(rows, TIEOUT)
        st.dataframe(frame, hide_index=True, column_config=tables.column_config(TIEOUT), alt="Tie-out to the ledger")


TIEOUT = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule"),
    "currency": Column("Currency"),
    "control_balance": Column("Control account", "money"),
    "outstanding": Column("Outstanding", "money"),
    "difference": Column("Difference", "money"),
}


def _customers(page: Page, table: pa.Table, day: date) -> None:
    st.subheader("Customers, most past due first", anchor=False)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    wanted = ("rooftop", "customer_id", "currency", "customer_name", "outstanding", "due_on", "days_past_due")
    for values in zip(*(table.column(name).to_pylist() for name in wanted), strict=True):
        rooftop, customer_id, currency, name, outstanding, due_on, days = values
        entry = found.setdefault(
            (rooftop, customer_id, currency),
            {
                "rooftop": rooftop,
                "customer_id": customer_id,
                "currency": currency,
                "customer_name": name,
                "owed": Decimal(0),
                "past_due": Decimal(0),
                "unapplied": Decimal(0),
                "net": Decimal(0),
                "oldest": None,
                "documents": 0,
            },
        )
        entry["customer_name"] = entry["customer_name"] or name
        entry["net"] += outstanding
        entry["documents"] += 1
        if outstanding < 0:
            entry["unapplied"] += outstanding
            continue
        entry["owed"] += outstanding
        entry["past_due"] += outstanding if due_on and due_on < day else 0
        entry["oldest"] = days if entry["oldest"] is None else max(entry["oldest"], days)
    names = page.reader.rooftops()
    for entry in found.values():
        entry["rooftop"] = names.get(entry["rooftop"], entry["rooftop"])
    ordered = sorted(
        found.values(), key=lambda row: (-row["past_due"], -row["owed"], row["rooftop"], row["customer_id"])
    )
    tables.records(
        page,
        ordered,
        CUSTOMERS,
        key="customers",
        name="Customers",
        phone=("customer_name", "past_due", "net"),
        everything=lambda: ordered,
        total=len(ordered),
    )


def _documents(page: Page, table: pa.Table) -> None:
    st.subheader("Documents, oldest first", anchor=False)
    order = sorted(range(table.num_rows), key=table.column("days_past_due").to_pylist().__getitem__, reverse=True)
    first = table.take(order[: tables.SHOWN]).to_pylist()
    names = page.reader.rooftops()
    rows = [
        row
        | {
            "row_number": row["row"],
            "rooftop": names.get(row["rooftop"], row["rooftop"]),
            "schedule": _plain(row["schedule"]),
            "document_kind": row["document_kind"].replace("_", " "),
            "disputed": "yes" if row["disputed"] else None,
        }
        for row in first
    ]
    tables.records(
        page,
        rows,
        DOCUMENTS,
        key="documents",
        name="Documents",
        phone=("customer_name", "outstanding", "days_past_due"),
        downloads=False,
    )
    if table.num_rows > len(rows):
        st.caption(f"The {len(rows)} oldest of {words.number(table.num_rows, 0, page.locale)}; the files hold all.")


def _downloads(page: Page, table: pa.Table, day: date, basis: Basis, schedule: str | None) -> None:
    """The files: exactly what is chosen above, and everything of the day, each with its row count."""
    chosen = bool(schedule or page.filters.rooftops)
    whole = page.reader.ageing(day, basis)
    with st.container(horizontal=True):
        _pair(
            page, table, day, basis, page.filters.rooftops, schedule, "this choice" if chosen else "all open documents"
        )
    if chosen:
        with st.container(horizontal=True):
            _pair(page, whole, day, basis, (), None, "all open documents")


def _pair(
    page: Page,
    table: pa.Table,
    day: date,
    basis: Basis,
    rooftops: tuple[str, ...],
    schedule: str | None,
    part: str,
) -> None:
    rows = words.counted(table.num_rows, "rows", page.locale)
    for suffix, kind in FILES.items():
        facts_name = f"ageing_{day.isoformat()}_{basis}.{suffix}"
        st.download_button(
            f"{suffix}, {part}: {rows}",
            partial(_file, page, table, day, basis, rooftops, schedule, suffix),
            facts_name,
            kind,
            key=f"{suffix}_{part}",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if suffix == "xlsx" and not part.startswith("all") else "secondary",
        )


def _file(
    page: Page,
    table: pa.Table,
    day: date,
    basis: Basis,
    rooftops: tuple[str, ...],
    schedule: str | None,
    suffix: exports.Format,
) -> bytes:
    """The bytes of one file, made when they are asked for and entered in the log of exports."""
    facts = exports.ageing_facts(page.reader.warehouse, day, basis, Choice(rooftops, schedule))
    data = exports.ageing_file(page.reader.warehouse, table, facts, suffix)
    name = exports.export_name(facts, suffix)
    exports.record_export(page.reader.home, data, facts, name=name, rows=table.num_rows, by="page")
    return data


ageing(shell.current())
