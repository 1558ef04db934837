"""The router of the dashboards: which pages there are, and nothing else. The home comes from FORECOURT_HOME."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards import access, data, shell

st.set_page_config(page_title="forecourt", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

SECTIONS = {
    "": [
        st.Page("app_pages/overview.py", title="Overview", default=True),
        st.Page("app_pages/gross.py", title="Gross margin", url_path="gross"),
        st.Page("app_pages/turnaround.py", title="Turnaround", url_path="turnaround"),
        st.Page("app_pages/utilisation.py", title="Utilisation", url_path="utilisation"),
        st.Page("app_pages/claims.py", title="Claims", url_path="claims"),
        st.Page("app_pages/ageing.py", title="Ageing", url_path="ageing"),
    ],
    "Selling": [
        st.Page("app_pages/leads.py", title="Leads", url_path="leads"),
        st.Page("app_pages/scorecard.py", title="Lead scorecard", url_path="scorecard"),
        st.Page("app_pages/sources.py", title="Sources", url_path="sources"),
        st.Page("app_pages/matching.py", title="CRM and DMS", url_path="matching"),
        st.Page("app_pages/people.py", title="People", url_path="people"),
        st.Page("app_pages/cases.py", title="Cases", url_path="cases"),
    ],
    "Cars": [
        st.Page("app_pages/stock.py", title="Stock", url_path="stock"),
        st.Page("app_pages/preparation.py", title="Preparation", url_path="preparation"),
        st.Page("app_pages/transit.py", title="In transit", url_path="transit"),
        st.Page("app_pages/workshop.py", title="Workshop", url_path="workshop"),
    ],
    "Control": [
        st.Page("app_pages/promises.py", title="Promises", url_path="promises"),
        st.Page("app_pages/contracts.py", title="Contracts in transit", url_path="contracts"),
        st.Page("app_pages/month_end.py", title="Month end", url_path="month_end"),
        st.Page("app_pages/stock_book.py", title="Stock book", url_path="stock_book"),
        st.Page("app_pages/data.py", title="Data", url_path="data"),
    ],
    "Find": [
        st.Page("app_pages/vehicle.py", title="Vehicle", url_path="vehicle"),
        st.Page("app_pages/customer.py", title="Customer", url_path="customer"),
        st.Page("app_pages/sql.py", title="SQL", url_path="sql"),
        st.Page("app_pages/schema.py", title="Schema", url_path="schema"),
    ],
}

seat = access.enter()
# Whoever has no seat finds the same addresses, so that a link still works after the sign-in, and nothing behind them.
shown = {
    title: [page for page in pages if seat is None or seat.sees(page.url_path)] for title, pages in SECTIONS.items()
}
if seat and not seat.sees(""):
    # The default page has no address but the root, so that a role without the overview needs one that only leads on.
    first = next(page for pages in shown.values() for page in pages)
    start = st.Page(lambda: st.switch_page(first), title=first.title, default=True, visibility="hidden")
    shown[""] = [start, *shown[""]]
page = st.navigation({title: pages for title, pages in shown.items() if pages}, position="top" if seat else "hidden")
if seat and not page.url_path and not seat.sees(""):
    page.run()
elif seat:
    shell.run(page)
    reader = data.reader()
    access.foot(seat, reader.rooftops() if reader else {})
