"""What a mart holds, for people who write statements: grain, key, joins, columns with type, unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import streamlit as st

from dashboards import words
from dashboards.data import Reader
from dashboards.shell import Page
from forecourt.reference import Mart, read_marts, relations


@st.cache_resource(max_entries=4, show_spinner=False)
def _marts(reader: Reader) -> dict[str, Mart]:
    return read_marts(reader.warehouse)


def marts_of(reader: Reader) -> Mapping[str, Mart]:
    """The marts of the run that is shown, by name."""
    return _marts(reader)


def draw(page: Page, marts: Mapping[str, Mart], name: str, find: str = "") -> None:
    """Draws one mart; with ``find`` the columns that hold the text, or all where none does."""
    mart = marts[name]
    st.markdown(words.plain(mart.grain))
    facts = [f"Key: {mart.key}."] if mart.key else []
    if mart.parameters:
        facts.append(f"A table function: from {mart.called}.")
    joins = [f"{column} → {other}" for column, other in relations(marts, name)]
    if joins:
        facts.append(f"Joins: {', '.join(joins)}.")
    if mart.rules:
        facts.append(mart.rules)
    st.caption(words.plain(" ".join(facts)))
    found = [column for column in mart.columns if find.lower() in f"{column.name} {column.description}".lower()]
    st.dataframe(
        pl.DataFrame(
            [
                {"column": c.name, "type": c.type, "unit": c.unit, "what": c.description, "source": c.source}
                for c in found or mart.columns
            ]
        ),
        hide_index=True,
        height=420 if len(found or mart.columns) > 10 else "auto",
        column_order=["column", "type", "what"] if page.is_phone else None,
        column_config={
            "column": st.column_config.TextColumn("Column", width=120 if page.is_phone else 200),
            "type": st.column_config.TextColumn("Type", width=80 if page.is_phone else 110),
            "unit": st.column_config.TextColumn("Unit", width=110),
            "what": st.column_config.TextColumn("What it is", width=None if page.is_phone else 480),
            "source": st.column_config.TextColumn("Made of"),
        },
        alt=f"Columns of {name}",
    )


def select_of(mart: Mart) -> str:
    """A statement to begin with: all rows of a table; those of a table function as of the newest day."""
    if not mart.parameters:
        return f"select *\nfrom {mart.name}"
    given = {"as_of": "(select max(data_through) from freshness)", "basis": "'due'"}
    return f"select *\nfrom {mart.name}({', '.join(given.get(name, 'null') for name in mart.parameters)})"
