"""What people call the groups of a KPI: names of rooftops, employees and customers in place of their codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from dashboards import words
from dashboards.data import Reader
from dashboards.tables import Column

#: Dimensions whose values are codes of employees.
PEOPLE = frozenset({"salesperson", "owner", "employee", "technician", "advisor", "inspector", "approved_by"})

_CODE = re.compile(r"[a-z]+(_[a-z]+)+")


def names_of(reader: Reader, dimension: str, rooftops: Sequence[str] = ()) -> Mapping[str, str]:
    """Group → what people call it, for a dimension of codes; empty for one of words.

    A code belongs to its rooftop: where rooftops give one code to different people, both are named, or how many more.
    """
    if dimension == "rooftop":
        return reader.rooftops()
    if dimension == "role":
        return words.TERMS
    if dimension in PEOPLE and reader.has("dim_employee"):
        return _joined(reader, "employee", "employee_name", "dim_employee", tuple(rooftops), "people")
    if dimension == "customer" and reader.has("fct_receivable"):
        return _joined(reader, "customer_id", "customer_name", "fct_receivable", tuple(rooftops), "customers")
    return {}


def rooftops_of(reader: Reader, currency: str | None, chosen: Sequence[str]) -> Sequence[str]:
    """Those of the chosen rooftops (empty = all) that keep their books in a currency; all of them without one."""
    if currency is None or not reader.has("dim_rooftop"):
        return chosen
    rows = reader.rows("select rooftop from marts.dim_rooftop where currency = $1 order by rooftop", (currency,))
    return [row["rooftop"] for row in rows if not chosen or row["rooftop"] in chosen] or chosen


@lru_cache(maxsize=8)
def persons(reader: Reader) -> Mapping[tuple[str, str], str]:
    """(rooftop, code) → name, of employees and of customers that owe; who is kept group-wide is known everywhere."""
    found: dict[tuple[str, str], str] = {}
    if reader.has("fct_receivable"):
        for row in reader.warehouse.rows(
            "select rooftop, customer_id as code, any_value(customer_name) as name from marts.fct_receivable "
            "where customer_name is not null group by all"
        ):
            found[row["rooftop"], row["code"]] = row["name"]
    if reader.has("dim_employee"):
        for row in reader.warehouse.rows(
            "select coalesce(rooftop, '') as rooftop, employee as code, any_value(employee_name) as name "
            "from marts.dim_employee where employee_name is not null group by all order by all"
        ):
            for rooftop in [row["rooftop"]] if row["rooftop"] else reader.rooftops():
                found[rooftop, row["code"]] = row["name"]
    return found


def named(
    reader: Reader, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, Column] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Rows as people read them: names of rooftops and people in place of their codes, codes of ``columns`` in words."""
    rooftops = reader.rooftops()
    people = persons(reader) if any(name in PEOPLE or spec.kind == "said" for name, spec in columns.items()) else {}
    return [dict(row) | _said(row, columns, rooftops, people) for row in rows]


def _said(
    row: Mapping[str, Any],
    columns: Mapping[str, Column],
    rooftops: Mapping[str, str],
    people: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    place = row.get("rooftop")
    said: dict[str, Any] = {} if place is None else {"rooftop": rooftops.get(place, place)}
    for name, spec in columns.items():
        value = row.get(name)
        if not value:
            continue
        if name in PEOPLE:  # a split deal has two
            said[name] = ", ".join(people.get((str(place), code), code) for code in str(value).split(", "))
        elif spec.kind == "code":
            said[name] = words.term(str(value))
        elif spec.kind == "said":
            said[name] = " ".join(people.get((str(place), each)) or _spelled(each) for each in str(value).split(" "))
    return said


def _spelled(word: str) -> str:
    """A word of a sentence; a code of ours, which has small letters only, in words; an identifier as it is."""
    return words.term(word) if _CODE.fullmatch(word) else word


def called(group: str | None, names: Mapping[str, str]) -> str:
    """The name of a group, else its own words."""
    text = str(group)
    return names.get(text, words.term(text))


def dimension(name: str) -> str:
    """A dimension as a heading: Deal type."""
    return name.replace("_", " ").capitalize()


@lru_cache(maxsize=40)
def _joined(reader: Reader, code: str, name: str, mart: str, rooftops: tuple[str, ...], people: str) -> dict[str, str]:
    rows = reader.warehouse.rows(
        f"select {code} as code, list(distinct {name} order by {name}) as names from marts.{mart} "
        f"where {name} is not null "
        "and (len($1::varchar[]) = 0 or rooftop is null or list_contains($1::varchar[], rooftop)) "
        f"group by {code}",
        (list(rooftops),),
    )
    return {
        row["code"]: words.listed(row["names"])
        if len(row["names"]) < 3
        else f"{row['code']} ({len(row['names'])} {people})"
        for row in rows
    }
