"""The data behind the pages: the run, how fresh each feed is, every file's rows, what was quarantined, the checks."""

from __future__ import annotations

import streamlit as st

from dashboards import shell, tables, words
from dashboards.shell import Page
from dashboards.tables import Column

FRESHNESS = {
    "feed": Column("Feed"),
    "rooftop": Column("Rooftop"),
    "data_through": Column("Data through", "day"),
    "exported_at": Column("Exported (UTC)", "instant"),
}
FILES = {
    "name": Column("File"),
    "status": Column("Status"),
    "rows_read": Column("Read", "count"),
    "rows_new": Column("New", "count"),
    "rows_changed": Column("Changed", "count"),
    "rows_unchanged": Column("Unchanged", "count"),
    "rows_quarantined": Column("Quarantined", "count"),
    "rows_skipped": Column("Skipped", "count", help="By a named rule."),
    "unaccounted": Column("Unaccounted", "count", help="Read less all of the others: always zero."),
    "exported_at": Column("Exported (UTC)", "instant"),
    "received_at": Column("Received (UTC)", "instant"),
    "reason": Column("Reason"),
}
QUARANTINE = {
    "name": Column("File"),
    "row_number": Column("Line", "count"),
    "feed": Column("Feed"),
    "reason": Column("Reason"),
    "raw": Column("Original text"),
}
CHECKS = {
    "outcome": Column("Outcome"),
    "name": Column("Check"),
    "failures": Column("Rows", "count"),
    "description": Column("What it says"),
    "source": Column("By"),
}


def data_page(page: Page) -> None:
    """The page *Data*: what the run checked, which files it read, what lies in quarantine, how fresh each feed is."""
    _answer(page)
    checks, files, quarantine, freshness = st.tabs(["Checks", "Files", "Quarantine", "Freshness"])
    with checks:
        _checks(page)
    with files:
        _files(page)
    with quarantine:
        _quarantine(page)
    with freshness:
        rows = page.reader.rows("select * from meta.freshness order by data_through, feed, rooftop")
        tables.records(
            page, rows, FRESHNESS, key="freshness", name="Freshness", phone=("feed", "rooftop", "data_through")
        )


def _answer(page: Page) -> None:
    (run,) = page.reader.rows("select started_at, known_at, version from meta.runs")
    (sums,) = page.reader.rows(
        "select count(*) as files, coalesce(sum(rows_read), 0)::bigint as read, "
        "coalesce(sum(rows_quarantined), 0)::bigint as quarantined, "
        "coalesce(sum(rows_read - rows_new - rows_changed - rows_unchanged - rows_quarantined - rows_skipped), 0)"
        "::bigint as lost from meta.files"
    )
    locale = page.locale
    lost = (
        "every row is accounted for"
        if not sums["lost"]
        else f"{words.number(sums['lost'], 0, locale)} are not accounted for"
    )
    st.markdown(
        f"#### {words.counted(sums['files'], 'files', locale)} with {words.number(sums['read'], 0, locale)} rows "
        f"were read; {words.number(sums['quarantined'], 0, locale)} are in quarantine, and {lost}."
    )
    known = f" · as known at {words.instant(run['known_at'], locale)}" if run["known_at"] else ""
    newest = f" · as of {words.day(page.reader.newest_day(), locale)}" if page.reader.has_landed() else ""
    st.caption(
        f"Run {page.reader.run_id} · started {words.instant(run['started_at'], locale)}{known} · "
        f"forecourt {run['version']}{newest}"
    )


def _checks(page: Page) -> None:
    found = page.reader.rows(
        "select count(*) as there from information_schema.tables "
        "where table_schema = 'meta' and table_name = 'check_results'"
    )
    if not found[0]["there"]:
        st.caption("This run holds no check results.")
        return
    counts = {
        row["outcome"]: row["checks"]
        for row in page.reader.rows("select outcome, count(*) as checks from meta.check_results group by outcome")
    }
    st.markdown(
        f":green[:material/check_circle:] {words.number(counts.get('passed', 0), 0, page.locale)} passed · "
        f":orange[:material/flag:] {words.counted(counts.get('finding', 0), 'findings', page.locale)} · "
        f":red[:material/block:] {words.counted(counts.get('block', 0), 'blocks', page.locale)}"
    )
    rows = page.reader.rows(
        "select * from meta.check_results where outcome != 'passed' order by outcome, failures desc, name"
    )
    if not rows:
        st.caption("Nothing was found.")
        return
    tables.records(page, rows, CHECKS, key="checks", name="Checks", phone=("name", "failures", "outcome"))


def _files(page: Page) -> None:
    rows = page.reader.rows(
        "select *, rows_read - rows_new - rows_changed - rows_unchanged - rows_quarantined - rows_skipped "
        "as unaccounted from meta.files order by status = 'landed', received_at desc, name limit 1000"
    )
    frame = tables.frame(rows, FILES)
    if frame["reason"].null_count() == frame.height:
        frame = frame.drop("reason")
    order = ["name", "rows_read", "rows_quarantined"] if page.is_phone else list(frame.columns)
    st.dataframe(
        frame,
        hide_index=True,
        column_config=tables.column_config(FILES),
        column_order=order,
        alt="Files and their rows",
        placeholder="",
    )


def _quarantine(page: Page) -> None:
    rows = page.reader.rows(
        "select files.name, quarantine.row_number, quarantine.feed, quarantine.reason, quarantine.raw "
        "from meta.quarantine as quarantine left join meta.files as files using (file_id) "
        "order by files.name, quarantine.row_number limit 1000"
    )
    if not rows:
        st.caption("Nothing is in quarantine.")
        return
    tables.records(
        page,
        rows,
        QUARANTINE,
        key="quarantine",
        name="Quarantine",
        phone=("name", "row_number", "reason"),
        total=len(rows),
    )


data_page(shell.current())
