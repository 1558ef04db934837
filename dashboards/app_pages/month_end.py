"""Month end: what can be closed and whether it ties, what closed months keep, what was learned about them since."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

import streamlit as st

from dashboards import access, closing, debtors, naming, shell, tables, words
from dashboards.reports import receivables
from dashboards.reports.pack import LEFT_OUT
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.close import ClosedMonth, closed_file, closed_months, require_closable
from forecourt.errors import Problem
from forecourt.periods import last_day

FILES = {"name": Column("File"), "size": Column("Bytes", "count"), "sha256": Column("sha256")}
ADJUSTMENTS = {
    "moved_on": Column("Counts on", "day"),
    "rooftop": Column("Rooftop"),
    "deal_number": Column("Deal"),
    "kind": Column("Kind", "code"),
    "reference": Column("Line of the deal"),
    "total": Column("Gross", "money"),
    "currency": Column("Currency"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}
CHANGED = {
    "rooftop": Column("Rooftop"),
    "schedule": Column("Schedule", "code"),
    "customer_name": Column("Customer"),
    "document": Column("Document"),
    "document_kind": Column("Kind", "code"),
    "currency": Column("Currency"),
    "closed": Column("As closed", "money"),
    "now": Column("As now known", "money", short="Now"),
    "change": Column("Change", "money"),
}


def month_end(page: Page) -> None:
    """The page *Month end*."""
    if access.seat().is_limited:
        st.info(
            "A month is closed for the whole company, with the names of its customers, so its files are only for those "
            "who may see both."
        )
        return
    closed = closed_months(page.reader.home)
    waiting = list(closing.open_months(page.reader.newest_day(), closed))
    _answer(page, closed, waiting)
    if waiting:
        _next(page, waiting)
    if closed:
        _kept(page, closed)


def _answer(page: Page, closed: list[ClosedMonth], waiting: list[date]) -> None:
    parts = []
    if closed:
        last = closed[-1]
        at = words.instant(datetime.fromisoformat(last.closed_at), page.locale)
        parts.append(f"{_month(last.first_on)} is closed: by {words.plain(last.closed_by)} at {at}")
    parts.append(f"{_month(waiting[0])} is over and open" if waiting else "no open month is over")
    sentence = "; ".join(parts)
    st.markdown(f"#### {sentence[:1].upper()}{sentence[1:]}.")


def _month(first_on: date) -> str:
    return f"{first_on:%B %Y}"


def _next(page: Page, waiting: list[date]) -> None:
    """The tie-out of an open month, and its closing."""
    st.subheader("To close", anchor=False)
    month = st.selectbox("Month", waiting, format_func=_month, key="month") or waiting[0]
    facts = page.reader.ageing_facts(last_day(month), "due", receivables.EVERYTHING, "all open documents")
    off = debtors.tieout(page, facts.tieout)
    try:
        behind = require_closable(page.reader.home, page.reader.warehouse, month)
    except Problem as problem:
        st.info(str(problem), icon=":material/info:")
        return
    if behind:
        st.caption(f"Not through the month, which does not stop its closing: {words.plain(', '.join(behind))}.")
    if access.seat().email is not None:
        st.caption(f"To close it: `forecourt close {month:%Y-%m}` on the machine that holds the warehouse.")
        return
    with st.popover(f"Close {_month(month)}", icon=":material/lock:"):
        st.markdown(
            "The month-end pack is kept for good and late costs count on their own day from then on. "
            "**A month is closed once.** The numbers are made again with it, which takes minutes."
        )
        said = words.counted(off, "accounts", page.locale) + (" differs" if off == 1 else " differ")
        differs = f" and know that {said}" if off else ""
        sure = st.checkbox(f"I have read the tie-out{differs}", key=f"sure_{month}")
        if st.button("Close the month for good", disabled=not sure, type="primary", key=f"close_{month}"):
            with st.spinner(f"Closing {_month(month)}", show_time=True):
                closing.close_in_process(page.reader.home, month)
            st.rerun()


def _kept(page: Page, closed: list[ClosedMonth]) -> None:
    """The files of a closed month, and what was learned about it since."""
    st.subheader("Closed", anchor=False)
    by_name = {month.month: month for month in reversed(closed)}
    name = st.selectbox(
        "Closed month", list(by_name), format_func=lambda name: _month(by_name[name].first_on), key="closed"
    )
    month = by_name[name or closed[-1].month]
    st.caption(f"From run {month.run_id}. `{page.reader.home.closed / month.month}` keeps these bytes for good.")
    with st.container(horizontal=True):
        st.download_button(
            f"zip, the whole pack: {words.counted(len(month.files), 'files', page.locale)}",
            partial(closing.zipped, page.reader.home, month),
            f"month_end_{month.month}.zip",
            "application/zip",
            key="pack",
            on_click="ignore",
            icon=":material/download:",
            type="primary",
        )
        for file in ("ageing_due_all.xlsx", "ageing_due_all.pdf", "stock_book.xlsx", "deposits_and_credits.xlsx"):
            if file in month.files:
                st.download_button(
                    file,
                    partial(closed_file, page.reader.home, month, file),
                    f"{month.month}_{file}",
                    key=f"kept_{file}",
                    on_click="ignore",
                    icon=":material/download:",
                )
    folder = page.reader.home.closed / month.month
    rows = [
        {"name": file, "size": (folder / file).stat().st_size if (folder / file).exists() else None, "sha256": sha256}
        for file, sha256 in month.files.items()
    ]
    damaged = [row["name"] for row in rows if not _is_whole(page, month, str(row["name"]))]
    if damaged:
        st.error(f"No longer what was closed: {', '.join(map(str, damaged))}. Put it back from a copy of the home.")
    with st.expander(f"All {len(rows)} files with their sums"):
        tables.records(page, rows, FILES, key="files", name="Files", phone=("name", "size", "sha256"))
    if LEFT_OUT in month.files and LEFT_OUT not in damaged:
        said = closed_file(page.reader.home, month, LEFT_OUT).decode()
        st.warning(f"Not in this pack: {words.plain(said.strip())}", icon=":material/info:")
    _learned(page, month)


def _is_whole(page: Page, month: ClosedMonth, name: str) -> bool:
    try:
        closed_file(page.reader.home, month, name)
    except Problem:
        return False
    return True


def _learned(page: Page, month: ClosedMonth) -> None:
    """What was posted since to the closed month: to its deals, and to its receivables."""
    st.subheader("Learned since", anchor=False)
    posted = page.reader.rows(closing.ADJUSTMENTS, (month.first_on, month.last_on))
    adjustments = naming.named(page.reader, posted, ADJUSTMENTS)
    st.markdown(f"**Prior-period adjustments of its deals: {len(adjustments)}**")
    tables.records(
        page,
        adjustments,
        ADJUSTMENTS,
        key="adjustments",
        name="Prior-period adjustments",
        phone=("deal_number", "total", "moved_on"),
        everything=lambda: adjustments,
    )
    try:
        found = closing.changed_since(page.reader.home, month, page.reader.warehouse)
    except Problem as problem:
        st.caption(str(problem))
        return
    changed = naming.named(page.reader, tables.in_turn(found), CHANGED)
    st.markdown(f"**Documents open on {words.day(month.last_on, page.locale)} otherwise than closed: {len(changed)}**")
    for told in tables.not_compared(changed):
        st.caption(told)
    tables.records(
        page,
        changed,
        CHANGED,
        key="changed",
        name="Changed since closing",
        phone=("document", "closed", "now"),
        everything=lambda: changed,
    )


month_end(shell.current())
