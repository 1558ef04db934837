"""The data behind the pages: runs, how fresh each feed is, every file's rows, what was quarantined, the checks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards import access, naming, shell, tables, words
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.close import closed_months
from forecourt.door import run_started_at

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
NOTES = {
    "name": Column("File"),
    "sentence": Column("What was odd"),
    "rows": Column("Rows", "count"),
    "received_at": Column("Received (UTC)", "instant"),
}
QUARANTINE = {
    "name": Column("File"),
    "row_number": Column("Line", "count"),
    "feed": Column("Feed"),
    "reason": Column("Reason"),
    "raw": Column("Original text"),
    "status": Column("Status"),
    "settled": Column("Settled by"),
}
#: What becomes of a row that does not land; the first waits for a person.
STATUSES = ("open", "closed", "accepted", "retried", "discarded")
RUNS = {
    "run": Column("Run"),
    "started_at": Column("Started (UTC)", "instant"),
    "standing": Column("Standing"),
}
CHECKS = {
    "outcome": Column("Outcome"),
    "check": Column("Check", "code", "In SQL and in the Data Docs its name has underscores."),
    "failures": Column("Rows", "count"),
    "description": Column("What it says"),
    "source": Column("By"),
}


def data_page(page: Page) -> None:
    """The page *Data*: what the run checked, which files it read, what lies in quarantine, how fresh each feed is."""
    _answer(page)
    checks, files, notes, quarantine, freshness, runs = st.tabs(
        ["Checks", "Files", "Notes", "Quarantine", "Freshness", "Runs"]
    )
    with checks:
        _checks(page)
    with files:
        _files(page)
    with notes:
        _notes(page)
    with quarantine:
        _quarantine(page)
    with freshness:
        found = page.reader.rows("select * from meta.freshness order by data_through, feed, rooftop")
        rows = naming.named(page.reader, found)
        tables.records(
            page, rows, FRESHNESS, key="freshness", name="Freshness", phone=("feed", "rooftop", "data_through")
        )

    with runs:
        _runs(page)


def _runs(page: Page) -> None:
    """The runs that are kept: the one in force, those that a month was closed from, and the ones before."""
    home = page.reader.home
    closed = {month.run_id: month.month for month in closed_months(home)}
    rows = []
    for run in sorted((file.stem for file in home.published.glob("*.duckdb")), reverse=True):
        standing = ["in force"] if run == page.reader.run_id else []
        standing += [f"{closed[run]} was closed from it"] if run in closed else []
        rows.append({"run": run, "started_at": run_started_at(run), "standing": ", ".join(standing) or "kept"})
    tables.records(page, rows, RUNS, key="runs", name="Runs", phone=("run", "started_at", "standing"))
    st.caption("Put an earlier one back: `forecourt rollback RUN`. Ask it in SQL: choose it on the page *SQL*.")


def _docs(page: Page) -> None:
    """The pages of the checks with the rows that failed them, for whoever may see the rows of every rooftop."""
    folder = page.reader.home.data_docs
    if access.seat().is_limited or not (folder / "index.html").exists():
        return
    st.download_button(
        "Data Docs (zip)",
        lambda: _zipped(folder),
        "data-docs.zip",
        "application/zip",
        key="data_docs",
        on_click="ignore",
        icon=":material/download:",
        help="Every check with its rows as pages: unpack it and open index.html. "
        f"On the machine itself: {folder / 'index.html'}",
    )


def _zipped(folder: Path) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            packed.write(file, f"data-docs/{file.relative_to(folder)}")
    return data.getvalue()


def _answer(page: Page) -> None:
    (run,) = page.reader.rows("select started_at, known_at, version from meta.runs")
    (sums,) = page.reader.rows(
        "select count(*) as files, count(*) filter (where status = 'landed' and rows_read is null) as shared, "
        "coalesce(sum(rows_read), 0)::bigint as read, "
        "(select count(*) from meta.quarantine where status = 'open') as quarantined, "
        "coalesce(sum(rows_read - rows_new - rows_changed - rows_unchanged - rows_quarantined - rows_skipped), 0)"
        "::bigint as lost from meta.files"
    )
    locale = page.locale
    lost = (
        "every row is accounted for"
        if not sums["lost"]
        else f"{words.number(sums['lost'], 0, locale)} are not accounted for"
    )
    files, opened = words.counted(sums["files"], "files", locale), words.number(sums["quarantined"], 0, locale)
    if sums["shared"]:
        shared = words.number(sums["shared"], 0, locale)
        said = f"{files} were read, {shared} of them with rows of other rooftops too; of yours {opened} are open"
        st.markdown(f"#### {said} in quarantine.")
    else:
        read = words.number(sums["read"], 0, locale)
        st.markdown(f"#### {files} with {read} rows were read; {opened} are open in quarantine, and {lost}.")
    known = f" · as known at {words.instant(run['known_at'], locale)}" if run["known_at"] else ""
    newest = f" · as of {words.day(page.reader.newest_day(), locale)}" if page.reader.has_landed() else ""
    st.caption(
        f"Run {page.reader.run_id} · started {words.instant(run['started_at'], locale)}{known} · "
        f"forecourt {run['version']}{newest}"
    )


def _checks(page: Page) -> None:
    if page.reader.limit is not None:
        st.caption("Checks count rows of the whole company, so they are only for those who may see all of it.")
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
    _docs(page)
    rows = page.reader.rows(
        "select * from meta.check_results where outcome != 'passed' order by outcome, failures desc, name"
    )
    if not rows:
        st.caption("Nothing was found.")
        return
    shown = naming.named(page.reader, [row | {"check": row["name"]} for row in rows], CHECKS)
    tables.records(page, shown, CHECKS, key="checks", name="Checks", phone=("check", "failures", "outcome"))


def _files(page: Page) -> None:
    rows = page.reader.rows(
        "select *, rows_read - rows_new - rows_changed - rows_unchanged - rows_quarantined - rows_skipped "
        "as unaccounted, count(*) over () as of_all from meta.files "
        f"order by status = 'landed', received_at desc, name limit {tables.LISTED}"
    )
    if rows and rows[0]["of_all"] > len(rows):
        shown, of_all = (words.number(count, 0, page.locale) for count in (len(rows), rows[0]["of_all"]))
        st.caption(
            f"Those that did not land, then the newest: {shown} of {of_all} files. `select * from files` has all."
        )
    has_reason = any(row["reason"] for row in rows)
    columns = {name: column for name, column in FILES.items() if name != "reason" or has_reason}
    tables.listing(page, rows, columns, "Files and their rows", ("name", "rows_read", "rows_quarantined"))


def _notes(page: Page) -> None:
    """What was odd in the files that landed, the newest first."""
    statement = (
        "select notes.*, name, received_at from meta.notes inner join meta.files using (file_id) "
        "order by received_at desc, name, kind, detail"
    )
    (total,) = page.reader.rows("select count(*) as notes from meta.notes")
    if not total["notes"]:
        st.caption("Nothing was odd in the files that landed.")
        return

    def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        # A run that an earlier version published has no sentences.
        return [{"sentence": f"{row['kind']}: {row['detail']}", **row, "rows": row["rows"] or None} for row in rows]

    tables.records(
        page,
        told(page.reader.rows(f"{statement} limit {tables.SHOWN}")),
        NOTES,
        key="notes",
        name="Notes on files",
        phone=("sentence", "name", "rows"),
        everything=lambda: told(page.reader.warehouse.rows(statement)),
        total=total["notes"],
    )


def _quarantine(page: Page) -> None:
    counts = {
        row["status"]: row["rows"]
        for row in page.reader.rows("select status, count(*) as rows from meta.quarantine group by status")
    }
    if not counts:
        st.caption("Nothing is in quarantine.")
        return
    chosen = st.segmented_control(
        "Status",
        STATUSES,
        default=STATUSES[0],
        required=True,
        format_func=lambda status: f"{status} {words.number(counts.get(status, 0), 0, page.locale)}",
        key="quarantine",
        bind="query-params",
        label_visibility="collapsed",
    )
    status = chosen or STATUSES[0]
    total = counts.get(status, 0)
    if not total:
        st.caption("No row is open: each was made good, or somebody decided on it." if status == "open" else "None.")
        return
    names = {row["file_id"]: row["name"] for row in page.reader.rows("select file_id, name from meta.files")}
    statement = "select * from meta.quarantine where status = $1 order by received_at, file_id, row_number"

    def told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "name": names.get(row["file_id"]), "settled": _settled(row, names, page)} for row in rows]

    tables.records(
        page,
        told(page.reader.rows(f"{statement} limit {tables.SHOWN}", (status,))),
        QUARANTINE,
        key=f"quarantine_{status}",
        name="Quarantine",
        phone=("name", "row_number", "reason"),
        everything=lambda: told(page.reader.warehouse.rows(statement, [status])),
        total=total,
    )
    if status == "open":
        st.caption(
            "Correct the line where it was made and deliver the file again, or decide on it: "
            "`forecourt quarantine retry`, `accept` or `discard`."
        )


def _settled(row: Mapping[str, Any], names: Mapping[str, str], page: Page) -> str | None:
    """Which file or who settled a row, and why; None while it is open."""
    if row["status"] == "closed":
        return names.get(row["closed_by"])
    if row["status"] == "open":
        return None
    return f"{row['decided_by']}, {words.instant(row['decided_at'], page.locale)}: {row['decided_why']}"


data_page(shell.current())
