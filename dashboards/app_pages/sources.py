"""Sources: what each lead source and each person brought, the leads' own way beside what happened in the period."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboards import naming, shell, sources, tables, words
from dashboards.shell import Page
from dashboards.sources import COLUMNS, By
from dashboards.tables import Column

SOURCE, PERSON = "Source", "Person"
BY: dict[str, By] = {SOURCE: "source", PERSON: "owner"}
#: The two views of one funnel, in the order of the way.
COHORT = (
    *("of_leads", "of_good", "of_contacted", "of_contacted_pct", "of_set", "of_set_pct"),
    *("of_shown", "of_shown_pct", "of_sold", "of_sold_pct"),
)
PERIOD = ("sent", "made", "due", "confirmed", "confirmed_pct", "shown", "shown_pct", "visits", "be_backs", "sold")


def sources_page(page: Page) -> None:
    """The page *Sources*."""
    needed = (sources.MART, "fct_lead", "fct_appointment", "brg_lead_deal", "fct_deal_credit", "fct_spend_effect")
    if not all(page.reader.has(mart) for mart in needed):
        st.info("This run holds no leads. Land crm_leads and run again.", icon=":material/info:")
        return
    rows = sources.report(page.reader, page.filters.period, page.filters.rooftops, "source")
    _answer(page, rows)
    _funnels(page)
    st.subheader("Return on each source", anchor=False)
    st.caption(
        "All that raw leads tell about a source, each share beside its numerator and denominator. Money is that of the "
        "deals whose first lead came from it; what no lead led to stands under “no lead”."
    )
    _table(page, rows, SOURCE, tuple(COLUMNS), "Lead source return", ("group", "sold", "profit"))


def _answer(page: Page, rows: list[dict[str, Any]]) -> None:
    """The dearest and the best source in a sentence, per currency where there are two."""
    said = []
    currencies = dict.fromkeys(row["currency"] for row in rows)
    for currency in currencies:
        where = f" in {currency}" if len(currencies) > 1 else ""
        named = [row for row in rows if row["currency"] == currency and row["grp"] not in (None, sources.NO_LEAD)]
        best = max((row for row in named if row["profit"] is not None), key=lambda row: row["profit"], default=None)
        if best:
            amount = words.money(best["profit"], currency, 0, page.locale)
            said.append(f"{words.plain(best['grp'])} brought most{where}: {amount} after its cost")
        dear = max((row for row in named if row["cost_per_sold"]), key=lambda row: row["cost_per_sold"], default=None)
        if dear:
            amount = words.money(dear["cost_per_sold"], currency, 0, page.locale)
            said.append(f"{words.plain(dear['grp'])} cost most for a sale: {amount}")
    if said:
        st.markdown(f"#### {'; '.join(said)}.".replace("$", "\\$"))


def _funnels(page: Page) -> None:
    st.subheader("The way to a sale, in two views", anchor=False)
    chosen = st.segmented_control(
        "By", list(BY), default=SOURCE, required=True, key="by", bind="query-params", label_visibility="collapsed"
    )
    head = chosen or SOURCE
    rows = sources.report(page.reader, page.filters.period, page.filters.rooftops, BY[head])
    left, right = st.columns(2)
    with left:
        st.markdown("**The leads of these days**, and what became of them by now")
        _table(page, rows, head, COHORT, "Funnel of the leads", ("group", "of_good", "of_sold"))
    with right:
        st.markdown("**What happened in these days**, whoever's lead it was")
        _table(page, rows, head, PERIOD, "Funnel of the days", ("group", "shown", "sold"))
    st.caption(
        "The two do not add up to each other: a visit in these days may be of an older lead. Appointments are those of "
        "selling; service visits are out."
    )


def _table(
    page: Page, rows: list[dict[str, Any]], head: str, names: tuple[str, ...], title: str, phone: tuple[str, ...]
) -> None:
    several = len({row["currency"] for row in rows}) > 1
    shown = [
        row
        | {
            "group": _named(page, row, head, several=several),
            "place": page.reader.rooftops().get(str(row["rooftop"])),
        }
        for row in rows
        if any(row[name] for name in names)
    ]
    columns = {"group": Column(head)}
    if head == PERSON:
        columns["place"] = Column("Rooftop")
    columns |= {name: COLUMNS[name] for name in names}
    key = f"{title.lower().replace(' ', '_')}_{head.lower()}"
    tables.records(page, shown, columns, key=key, name=title, phone=phone)


def _named(page: Page, row: dict[str, Any], head: str, *, several: bool) -> str:
    """The group as people call it; where rooftops have several currencies with its own, since no total crosses them."""
    name = str(row["grp"] or "All")
    if head == PERSON and row["grp"]:
        return naming.persons(page.reader).get((str(row["rooftop"]), name), name)
    return f"{name}, {row['currency']}" if several else name


sources_page(shell.current())
