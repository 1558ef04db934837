"""Schema: what the marts hold, one at a time, with a search over all of their columns."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards import columns, shell, words
from dashboards.shell import Page

#: The tables of ``meta`` that answer questions about the data itself.
META = {
    "columns": "every column of every mart: type, unit, description, what it is made of",
    "metrics": "every KPI: its formula, unit, kind and dimensions",
    "files": "every file that came, when, and what became of its rows",
    "row_accounting": "the same by feed: rows new, changed, unchanged, quarantined, skipped",
    "quarantine": "rows that did not land, with the reason and the original text",
    "versions": "the file and line behind every version of every record",
    "freshness": "per feed and rooftop the day its newest export speaks for",
    "check_results": "what was checked before publishing, with up to five rows that failed",
    "policies": "the settings in force, by day",
    "runs": "this run: when it started, as known when, by which version",
}


def schema(page: Page) -> None:
    """The page *Schema*."""
    marts = columns.marts_of(page.reader)
    total = sum(len(mart.columns) for mart in marts.values())
    st.markdown(
        f"#### {words.counted(len(marts), 'marts', page.locale)} hold "
        f"{words.counted(total, 'columns', page.locale)}, each described."
    )
    find = (
        st.text_input(
            "Search names and descriptions",
            key="find",
            bind="query-params",
            placeholder="gross, promised, vin ...",
        )
        or ""
    ).strip()
    hits = {
        name: [c.name for c in mart.columns if find.lower() in f"{c.name} {c.description}".lower()]
        for name, mart in marts.items()
    }
    named = [name for name in marts if hits[name] or find.lower() in f"{name} {marts[name].description}".lower()]
    if not named:
        st.info(f"No mart has anything called “{find}”. Try a shorter word.", icon=":material/search_off:")
        return
    if "mart" in st.session_state and st.session_state["mart"] not in named:
        del st.session_state["mart"]
    first = "fct_deal" if "fct_deal" in named and not find else named[0]
    found = f"Mart, {len(named)} of {len(marts)} hold “{find}”" if find else "Mart"
    name = st.selectbox(found, named, named.index(first), key="mart", bind="query-params") or first
    columns.draw(page, marts, name, find)
    st.page_link(
        "app_pages/sql.py",
        label=f"Ask {name} in SQL",
        icon=":material/code:",
        query_params={"q": columns.select_of(marts[name])},
    )
    st.subheader("About the data itself", anchor=False)
    st.dataframe(
        pl.DataFrame([{"table": f"meta.{table}", "what": what} for table, what in META.items()]),
        hide_index=True,
        column_config={"table": "Table", "what": "What it says"},
        alt="Tables of the schema meta",
    )
    st.caption(
        "Other clients see the same descriptions as comments. "
        f"`forecourt where{shell.home_option(page.reader)}` says how DBeaver, Excel and Python open the file."
    )


schema(shell.current())
