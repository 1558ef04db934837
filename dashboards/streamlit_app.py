"""The router of the dashboards: which pages there are, and nothing else. The home comes from FORECOURT_HOME."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards import shell

st.set_page_config(page_title="forecourt", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

page = st.navigation(
    [
        st.Page("app_pages/overview.py", title="Overview", default=True),
        st.Page("app_pages/gross.py", title="Gross margin", url_path="gross"),
        st.Page("app_pages/turnaround.py", title="Turnaround", url_path="turnaround"),
        st.Page("app_pages/utilisation.py", title="Utilisation", url_path="utilisation"),
        st.Page("app_pages/claims.py", title="Claims", url_path="claims"),
        st.Page("app_pages/ageing.py", title="Ageing", url_path="ageing"),
        st.Page("app_pages/leads.py", title="Leads", url_path="leads"),
        st.Page("app_pages/data.py", title="Data", url_path="data"),
    ],
    position="top",
)
shell.run(page)
