"""Streamlit pages over the published warehouse; they show KPIs and compute none."""
