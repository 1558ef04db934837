"""Lists of records: rows of a mart that a page shows, each with the line of the file behind it.

A list that stands behind a KPI is chosen by the same days and the same population as the KPI, so that it adds up to it
(a test says so). What is listed is declared in ``dashboards/lists``; here is how it is asked for and drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboards import naming, shell, tables, words
from dashboards.shell import Page
from dashboards.tables import Column
from forecourt.errors import Problem
from forecourt.metrics import Metric, Period

#: Every list ends in where its records came from.
_TAIL = {
    "file": Column("File", help="The file that the record came in."),
    "row_number": Column("Line", "count", help="The line of the file on which the record starts."),
}


def in_turn(amount: str, *, is_lowest_first: bool = False) -> str:
    """An ORDER BY of amounts: each currency by itself, and the currencies in turn; what has no amount comes last."""
    way = "" if is_lowest_first else " desc"
    return (
        f"{amount} is null, row_number() over (partition by currency order by {amount}{way} nulls last, trace_key), "
        "currency"
    )


@dataclass(frozen=True)
class Records:
    """A list of rows ``it`` of a mart, where a condition holds, in an order.

    ``where`` may use ``asked`` (first_day, last_day, as_of); ``joins`` adds further marts, of which ``leading`` may
    be the one whose file row leads. A list that ``is_grouped`` has one row per value of its columns that are no sums.
    What leads there is the last of its rows by ``newest``. ``key`` is the readable key by which ``traced`` (the mart
    itself unless said) is traced to its file rows. ``is_by_amount``: its order is one of amounts (``in_turn``), and
    where there are several currencies it says so.
    """

    title: str
    mart: str
    columns: Mapping[str, Column]
    order: str
    phone: tuple[str, str, str]
    where: str = "true"
    joins: str = ""
    leading: str = "it"
    key: str = ""
    traced: str = ""
    is_grouped: bool = False
    newest: str = ""
    note: str = ""
    is_by_amount: bool = False

    @property
    def slug(self) -> str:
        """Its name in keys of widgets and names of files."""
        return self.title.lower().replace(",", "").replace(" ", "_")


def statement(kind: Records, metric: Metric | None = None) -> str:
    """The SQL of a list, without a limit. Parameters: first day, last day, as_of, rooftops (empty = all).

    Behind a KPI over the same mart the KPI's own population is listed.
    """
    is_own = metric is not None and metric.relation == f"marts.{kind.mart}"
    population = metric.population if metric and is_own and metric.population else "true"
    population = population.replace("{as_of}", "(select last_day from asked)")
    key = kind.key or f"{kind.mart.removeprefix('fct_')}_key"
    columns = [f"{column.sql or f'it.{name}'} as {name}" for name, column in kind.columns.items()]
    behind = {name: f"{kind.leading}.{name}" for name in ("file_id", "row_number")}
    behind["trace_key"] = f"it.{key}"
    if kind.is_grouped:
        last = f"row({kind.newest})" if kind.newest else ""
        behind = {
            name: f"arg_max({column}, {last})" if last else f"any_value({column})" for name, column in behind.items()
        }
    selected = ",\n        ".join([*columns, *(f"{column} as {name}" for name, column in behind.items())])
    return f"""with asked as (
    select $1::date as first_day, $2::date as last_day, $3::date as as_of, $4::varchar[] as rooftops
),

found as (
    select
        {selected}
    from asked, (select * from marts.{kind.mart} where {population}) as it
    {kind.joins}
    where (len(asked.rooftops) = 0 or list_contains(asked.rooftops, it.rooftop))
        and ({kind.where})
    {"group by all" if kind.is_grouped else ""}
)

select found.*, files.file, count(*) over () as of_all
from found
left join (select file_id, name as file from meta.files) as files on found.file_id = files.file_id
order by {kind.order}"""


def draw(page: Page, kind: Records, period: Period, metric: Metric | None = None, *, shown: int = tables.SHOWN) -> int:
    """Draws a list for a period and returns how many records it has; nothing where the run has no such mart."""
    if not page.reader.has(kind.mart):
        return 0
    sql = statement(kind, metric)
    asked = (period.first, period.end, period.as_of, page.filters.rooftops)
    rows = page.reader.rows(f"{sql} limit {shown}", asked)

    total = rows[0]["of_all"] if rows else 0
    told = [kind.note] if kind.note else []
    if kind.is_by_amount:
        told += tables.not_compared(rows)
    if told:
        st.caption(" ".join(told))
    tables.records(
        page,
        naming.named(page.reader, rows, kind.columns),
        dict(kind.columns) | _TAIL,
        key=kind.slug,
        name=kind.title,
        phone=kind.phone,
        everything=lambda: naming.named(
            page.reader, page.reader.warehouse.rows(sql, [*asked[:3], list(asked[3])]), kind.columns
        ),
        total=total,
        evidence=lambda row: evidence(page, kind.traced or kind.mart, str(row["trace_key"])),
    )
    return total


def tabs(page: Page, kinds: Sequence[Records], period: Period, metric: Metric | None = None) -> None:
    """Several lists of one period, one at a time."""
    places: list[Any] = list(st.tabs([kind.title for kind in kinds])) if len(kinds) > 1 else [st.container()]
    for place, kind in zip(places, kinds, strict=True):
        with place:
            draw(page, kind, period, metric)


def evidence(page: Page, mart: str, key: str) -> None:
    """The file rows behind a record, where there is more than the one that leads it, and the command that tells all."""
    try:
        versions = page.reader.trace(mart, key)
    except Problem:
        return
    if len(versions) > 1:
        said = [
            f"{words.plain(each.file)}, line {each.row}" + (" (in force)" if each.is_in_force else "")
            if each.op == "row"
            else f"{words.plain(each.file)}: no longer in it"
            for each in versions[-6:]
        ]
        st.caption(f"{words.counted(len(versions), 'versions', page.locale)}: " + "; ".join(said) + ".")
    st.caption(f"The original lines: `forecourt trace {mart} '{key}'{shell.home_option(page.reader)}`")
