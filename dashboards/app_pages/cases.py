"""Cases: where every enquiry and deal stood at the end of the chosen day, and what kept it there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards import charts, naming, records, shell, tables, words
from dashboards.board import STAGES, board
from dashboards.shell import Page
from dashboards.tables import Column

CASES = {
    "rooftop": Column("Rooftop"),
    "case": Column("Case"),
    "stage": Column("Stage"),
    "owner": Column("Owner"),
    "role": Column("Role", "code"),
    "entered_on": Column("In stage since", "day"),
    "days": Column("Days in stage", "count"),
    "blocker": Column("What blocks", "said"),
    "blocked_on": Column("Blocked since", "day"),
    "file": Column("File"),
    "row_number": Column("Line", "count"),
}
BLOCKERS = {
    "label": Column("What"),
    "stage": Column("Stage"),
    "role": Column("Role", "code"),
    "cases": Column("Cases", "count"),
    "since": Column("Oldest since", "day"),
}


def cases(page: Page) -> None:
    """The page *Cases*: a bar per stage with the blocked ones, the blockers, the cases."""
    if not all(page.reader.has(mart) for mart in ("fct_case", "fct_exception", "fct_lead", "fct_quote")):
        st.info("This run holds no cases.", icon=":material/info:")
        return
    day, locale = page.filters.period.end, page.locale
    found = board(page.reader, day, page.filters.rooftops)
    blocked = sum(row["blocker"] is not None for row in found)
    now = day >= page.reader.newest_day()
    be, wait = ("is" if len(found) == 1 else "are", "wait") if now else ("was" if len(found) == 1 else "were", "waited")
    st.markdown(
        f"#### {words.counted(len(found), 'cases', locale)} {be} open on {words.day(day, locale)}; "
        f"{words.number(blocked, 0, locale)} {wait} for something."
    )
    st.caption("At the end of the last day of the period above; choose another to see the board of that day.")
    _stages(page, found)
    _blockers(page, found)
    st.subheader("The cases, blocked ones first", anchor=False)
    shown = naming.named(page.reader, found, CASES)
    tables.records(
        page,
        shown,
        CASES,
        key="cases",
        name="Cases",
        phone=("case", "stage", "days"),
        everything=lambda: shown,
        evidence=lambda row: records.evidence(page, "fct_case", str(row["case_key"])),
    )


def _stages(page: Page, found: Sequence[dict[str, Any]]) -> None:
    counts = Counter((row["stage"], row["blocker"] is not None) for row in found)
    there = [stage for stage in STAGES if counts[stage, True] + counts[stage, False]]
    if not there:
        return
    st.subheader("By stage", anchor=False)
    parts = ("running", "blocked")
    rows = [
        {
            "group": stage,
            "part": part,
            "position": place,
            "value": counts[stage, part == "blocked"],
            "text": words.counted(counts[stage, part == "blocked"], "cases", page.locale),
        }
        for stage in there
        for place, part in enumerate(parts)
    ]
    alt = "Open cases by stage: " + ", ".join(
        f"{stage} {counts[stage, False] + counts[stage, True]}, {counts[stage, True]} blocked" for stage in there
    )
    st.altair_chart(charts.stacked(rows, parts, ("Stage", "Standing", "Cases"), page.palette), alt=alt)


def _blockers(page: Page, found: Sequence[dict[str, Any]]) -> None:
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in found:
        if row["blocker"] is None:
            continue
        entry = groups.setdefault(
            (row["rule"], row["stage"], row["role"]),
            {"label": row["label"], "stage": row["stage"], "role": words.term(row["role"])}
            | {"cases": 0, "since": row["blocked_on"]},
        )
        entry["cases"] += 1
        entry["since"] = min(entry["since"], row["blocked_on"])
    if not groups:
        return
    st.subheader("What blocks them", anchor=False)
    shown = sorted(groups.values(), key=lambda entry: (-entry["cases"], str(entry["label"]), str(entry["stage"])))
    tables.records(page, shown, BLOCKERS, key="blockers", name="Blockers", phone=("label", "stage", "cases"))


cases(shell.current())
