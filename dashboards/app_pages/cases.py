"""Cases: where every open enquiry and deal stands, and what keeps it there."""

from __future__ import annotations

import streamlit as st

from dashboards import charts, records, shell, tables, words
from dashboards.lists.promises import CASES
from dashboards.shell import Page
from dashboards.tables import Column

STAGES = ("enquiry", "inspection", "quotation", "approval", "preparation", "sale", "handover", "follow-up")


def cases(page: Page) -> None:
    """The page *Cases*: a bar per stage with the blocked ones, the blockers, the cases."""
    if not page.reader.has("fct_case"):
        st.info("This run holds no cases.", icon=":material/info:")
        return
    asked = (page.filters.rooftops,)
    found = {
        row["stage"]: row
        for row in page.reader.rows(
            "select stage, count(*) as cases, count(blocker) as blocked from marts.fct_case "
            "where is_open and (len($1::varchar[]) = 0 or list_contains($1::varchar[], rooftop)) group by stage",
            asked,
        )
    }
    total = sum(row["cases"] for row in found.values())
    blocked = sum(row["blocked"] for row in found.values())
    locale = page.locale
    st.markdown(
        f"#### {words.counted(total, 'cases', locale)} "
        f"{'is' if total == 1 else 'are'} open; {words.number(blocked, 0, locale)} wait for something."
    )
    st.caption(f"As the newest data has them: {words.day(page.reader.newest_day(), locale)}.")
    _stages(page, found)
    _blockers(page)
    st.subheader("The cases", anchor=False)
    records.draw(page, CASES, page.filters.period)


def _stages(page: Page, found: dict[str, dict[str, int]]) -> None:
    there = [stage for stage in STAGES if stage in found]
    if not there:
        return
    st.subheader("By stage", anchor=False)
    parts = ("running", "blocked")
    rows = [
        {
            "group": stage,
            "part": part,
            "position": place,
            "value": count,
            "text": words.counted(count, "cases", page.locale),
        }
        for stage in there
        for place, (part, count) in enumerate(
            zip(parts, (found[stage]["cases"] - found[stage]["blocked"], found[stage]["blocked"]), strict=True)
        )
    ]
    alt = "Open cases by stage: " + ", ".join(
        f"{stage} {found[stage]['cases']}, {found[stage]['blocked']} blocked" for stage in there
    )
    st.altair_chart(charts.stacked(rows, parts, ("Stage", "Standing", "Cases"), page.palette), alt=alt)


def _blockers(page: Page) -> None:
    rows = page.reader.rows(
        "select blocker_rule as rule, stage, any_value(replace(role, '_', ' ')) as role, count(*) as cases, "
        "min(blocked_on) as since from marts.fct_case where is_open and blocker is not null "
        "and (len($1::varchar[]) = 0 or list_contains($1::varchar[], rooftop)) "
        "group by all order by cases desc, rule, stage",
        (page.filters.rooftops,),
    )
    if not rows:
        return
    st.subheader("What blocks them", anchor=False)
    labels = {
        row["rule"]: row["label"]
        for row in page.reader.rows("select distinct rule, label from marts.fct_exception order by rule")
    }
    shown = [row | {"rule": labels.get(row["rule"], row["rule"].replace("_", " "))} for row in rows]
    columns = {
        "rule": Column("What"),
        "stage": Column("Stage"),
        "role": Column("Role"),
        "cases": Column("Cases", "count"),
        "since": Column("Oldest since", "day"),
    }
    tables.records(page, shown, columns, key="blockers", name="Blockers", phone=("rule", "stage", "cases"))


cases(shell.current())
