"""The yardstick: what Streamlit itself costs. Five cards, a chart and a table with constant data, and one choice."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

st.set_page_config(page_title="bare", layout="wide")
st.title("Bare", anchor=False)
with st.popover("Filters"):
    choice = st.selectbox("Choice", [str(number) for number in range(100)], key="choice")
for number, place in enumerate(st.columns(5)):
    place.metric(f"Card {number}", f"{number}{choice}", "+1")
MONTHS = [{"month": f"{2026 - number // 12}-{number % 12 + 1:02d}-01", "value": number % 7} for number in range(13)]
st.altair_chart(alt.Chart(alt.Data(values=MONTHS)).mark_line().encode(x="month:T", y="value:Q"))
st.dataframe(pl.DataFrame({"name": [f"Row {choice}"] * 20, "amount": [float(n) for n in range(20)]}), hide_index=True)
