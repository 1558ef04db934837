"""SQL: one select over the published marts, its answer as table, chart and file, and a link that shows the same."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from dashboards import behind, columns, result, shell, words
from dashboards.data import Reader
from dashboards.examples import EXAMPLES
from dashboards.shell import Page
from forecourt.errors import Problem
from forecourt.query import Answer, ask, count

#: Rows that a page draws, and that a file of one answer holds.
ROWS_SHOWN, ROWS_IN_A_FILE = 5_000, 1_000_000
#: Megabytes of Arrow data that a page draws, and that a file is made of: a browser and the server hold them.
SHOWN_MB, FILE_MB = 20, 500
SECONDS = (30, 120, 600)
#: What a link keeps.
KEPT = ("x", "y", "by", "chart")


def sql_page(page: Page) -> None:
    """The page *SQL*."""
    with st.container(horizontal=True, vertical_alignment="center"):
        _browser(page)
        page = _of_the_run(page)
    _take_number(page)
    with st.form("statement", border=False):
        statement = st.text_area(
            "Statement",
            key="q",
            bind="query-params",
            height=220,
            placeholder="select rooftop, count(*) as deals from fct_deal group by rooftop",
            help="One select in the dialect of DuckDB. It reads this warehouse and nothing else, and changes nothing.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.form_submit_button("Run", icon=":material/play_arrow:", help="Ctrl+Enter does the same.")
            seconds = st.selectbox(
                "Stop after",
                SECONDS,
                key="seconds",
                format_func=lambda given: f"{given} seconds",
                label_visibility="collapsed",
                width=150,
            )
    if not (statement or "").strip():
        st.caption("Write a select and press Ctrl+Enter, or take one of the examples.")
        return
    try:
        _answer(page, str(statement), float(seconds or SECONDS[0]))
    except Problem as problem:
        st.error(str(problem).replace("$", "\\$"), icon=":material/error:")


def _take_number(page: Page) -> None:
    """Writes the statement of the number that a link asks for, once; a link that is written wrongly asks for none."""
    asked = st.query_params.pop(behind.NUMBER, None)
    statement = behind.statement(page.reader, asked) if asked else None
    if statement:
        st.session_state["q"] = statement


def _browser(page: Page) -> None:
    marts = columns.marts_of(page.reader)
    # Another key is another popover: what was chosen from closes.
    picked = st.session_state.get("picked", 0)
    with st.popover("Examples", icon=":material/lightbulb:", key=f"examples_{picked}"):
        for number, (question, statement) in enumerate(EXAMPLES.items()):
            st.button(question, key=f"example_{number}", on_click=_write, args=(statement,), type="tertiary")
    with st.popover("Marts and columns", icon=":material/database:", key=f"marts_{picked}"):
        names = list(marts)
        name = st.selectbox("Mart", names, names.index("fct_deal") if "fct_deal" in names else 0, key="browsed")
        if name:
            st.button(f"Select from {name}", on_click=_write, args=(columns.select_of(marts[name]),))
            columns.draw(page, marts, name)
    st.page_link("app_pages/schema.py", label="The whole schema", icon=":material/menu_book:")


def _write(statement: str) -> None:
    """Puts a statement in place of the one that stands there; what was chosen for its chart goes with it."""
    st.session_state["q"] = statement
    st.session_state["picked"] = st.session_state.get("picked", 0) + 1
    for key in KEPT:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def _of_the_run(page: Page) -> Page:
    """The page with the run that is asked: the one in force, or the kept one that a link or the reader chose."""
    there = sorted((file.stem for file in page.reader.home.published.glob("*.duckdb")), reverse=True)
    kept = [page.reader.run_id, *(run for run in there if run != page.reader.run_id)]
    wanted = st.query_params.get("run")
    if wanted and wanted not in kept:
        st.page_link("app_pages/sql.py", label="Ask the run in force instead", icon=":material/update:")
        raise Problem(f"Run {wanted} is not kept any more, so this link has no answer. Kept: {', '.join(kept)}.")
    if len(kept) == 1:
        return page
    run = st.selectbox("Run", kept, key="run", bind="query-params", label_visibility="collapsed", width=260) or kept[0]
    if run != kept[0]:
        st.caption(f"Run {run} is not in force; the numbers of the other pages are those of run {kept[0]}.")
    return replace(page, reader=replace(page.reader, run_id=run))


@st.cache_resource(max_entries=8, show_spinner="The statement runs ...")
def _asked(reader: Reader, statement: str, seconds: float) -> tuple[Answer, int, float]:
    """The rows to show, how many there are in all, and the seconds that it took."""
    began = time.monotonic()
    found = ask(reader.warehouse, statement, limit=ROWS_SHOWN, seconds=seconds, room=SHOWN_MB * 10**6)
    took = time.monotonic() - began
    total = count(reader.warehouse, statement, seconds=seconds) if found.is_cut else found.rows.num_rows
    return found, total, took


def _answer(page: Page, statement: str, seconds: float) -> None:
    reader = page.reader
    found, total, took = _asked(reader, statement, seconds)
    shown = found.rows.num_rows
    said = words.counted(total, "rows", page.locale)
    if found.is_cut:
        said = f"The first {words.number(shown, 0, page.locale)} of {said} are shown"
    st.markdown(f"**{said}** · {words.number(took, 2, page.locale)} seconds · run {reader.run_id}")
    if found.is_full:
        st.caption(
            f"They are wide: no more fit in the {SHOWN_MB} MB that a page draws. "
            "Select fewer or shorter columns to see more of them, or take a file."
        )
    for name in found.as_text:
        st.caption(f"{name} is given as text: it has a day or time beyond the calendar, like infinity.")
    if not total:
        st.caption("No row answers this.")
        return
    rows, drawn = st.tabs(["Table", "Chart"], key="shown_as")
    with rows:
        result.table(found.rows)
    with drawn:
        result.chart(page, found.rows)
    in_a_file = min(total, ROWS_IN_A_FILE)
    if total > ROWS_IN_A_FILE:
        st.caption(
            f"A file holds the first {words.number(ROWS_IN_A_FILE, 0, page.locale)} rows at the most. "
            "The command forecourt sql with --limit takes more."
        )
    result.downloads(page, statement, found, lambda: _for_a_file(reader, statement, seconds), in_a_file)
    _links(page, statement)


def _for_a_file(reader: Reader, statement: str, seconds: float) -> Answer:
    """The rows of a file. Raises Problem where they are too wide for one that a server makes."""
    found = ask(reader.warehouse, statement, limit=ROWS_IN_A_FILE, seconds=seconds, room=FILE_MB * 10**6)
    if found.is_full:
        raise Problem(f"The answer has more than {FILE_MB} MB: the command forecourt sql -o writes it.")
    return found


def _links(page: Page, statement: str) -> None:
    """Two addresses of this answer: with the numbers of the day it is opened, and with exactly these."""
    here = (st.context.url or "").partition("?")[0]
    chart = {key: st.query_params[key] for key in KEPT if key in st.query_params}
    with st.popover("Link to this", icon=":material/link:"):
        st.caption("With the newest numbers of the day it is opened")
        st.code(f"{here}?{urlencode({'q': statement} | chart)}", language=None, wrap_lines=True)
        st.caption("With exactly these, as long as the run is kept")
        exact = {"q": statement, "run": page.reader.run_id} | chart
        st.code(f"{here}?{urlencode(exact)}", language=None, wrap_lines=True)


sql_page(shell.current())
