"""The marts as readers know them: grain, key, columns, what joins them, and the contract that their columns keep.

Read from a published file alone (its comments and ``meta.columns``), so that the docs, the schema page and another SQL
client say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecourt.errors import Problem

if TYPE_CHECKING:
    from forecourt.door import Warehouse

#: Goes up when a mart or a column vanishes, is renamed or changes its type; the changelog says which.
CONTRACT = 1

#: Mart -> column -> type: what readers rely on.
Columns = Mapping[str, Mapping[str, str]]

#: Marts that every other one joins by a column which is no key of one record.
_SHARED = {"rooftop": "dim_rooftop", "source": "dim_source", "date_day": "dim_date"}
#: Keys of two different things: a paper that a deal must have, and a document of the ledger.
_TWOFOLD = frozenset({"document_key"})


@dataclass(frozen=True)
class Column:
    """One column; ``unit`` is empty where there is none, ``source`` names feed columns or models behind it."""

    name: str
    type: str
    unit: str
    description: str
    source: str


@dataclass(frozen=True)
class Mart:
    """One mart with its columns in order; ``parameters`` are those of a table function, empty for a table."""

    name: str
    description: str
    columns: tuple[Column, ...]
    parameters: tuple[str, ...] = ()

    @property
    def grain(self) -> str:
        """Its first sentence: One row per ..."""
        return _parts(self.description)[0]

    @property
    def key(self) -> str:
        """The columns that name one row, as its description says them; empty where it says none."""
        return _parts(self.description)[1]

    @property
    def rules(self) -> str:
        """What its description says beyond grain and key."""
        return _parts(self.description)[2]

    @property
    def called(self) -> str:
        """How a statement names it: fct_deal, receivable_ageing(as_of, basis)."""
        return f"{self.name}({', '.join(self.parameters)})" if self.parameters else self.name


def _parts(description: str) -> tuple[str, str, str]:
    text = " ".join(description.split())
    grain, _, rest = text.partition(" Key: ")
    if not rest:
        first, dot, others = text.partition(". ")
        return f"{first}{dot.strip()}", "", others
    key, _, rules = f"{rest} ".partition(". ")
    return grain, key.removesuffix("."), rules.strip()


def unit_of(column: str, type_: str) -> str:
    """The unit that a column's name and type say by the naming rules; empty where they say none."""
    if type_ == "timestamp":
        return "instant, UTC"
    if type_ == "date":
        return "day"
    if type_ == "boolean":
        return "true or false"
    if not re.match(r"decimal|bigint|integer|double", type_):
        return ""
    if type_ == "decimal(18,2)":
        return "cars" if column == "unit" else "money"
    for unit in ("seconds", "minutes", "hours", "days", "percent"):
        if re.search(rf"(^|_){unit}($|_)", column):
            return unit
    if re.search(r"(^|_)rate$", column) and type_.startswith("decimal"):
        return "0 to 1" if type_ == "decimal(6,4)" else "rooftop's currency for one"
    return ""


def read_marts(warehouse: Warehouse) -> dict[str, Mart]:
    """The marts of a published run by name: facts, dimensions, bridges, then table functions."""
    described = warehouse.rows(
        """
        select table_name as mart, comment, null as parameters from duckdb_tables() where schema_name = 'marts'
        union all
        select function_name, any_value(comment), any_value(parameters)
        from duckdb_functions()
        where schema_name = 'marts' and function_type = 'table_macro'
        group by function_name
        """
    )
    found: dict[str, dict[str, Column]] = {}
    for row in warehouse.rows('select mart, "column", type, description, unit, source from meta.columns order by all'):
        column = Column(row["column"], row["type"], row["unit"], " ".join(row["description"].split()), row["source"])
        found.setdefault(row["mart"], {})[column.name] = column
    marts = []
    for row in described:
        name, parameters = row["mart"], tuple(row["parameters"] or ())
        called = f"marts.{name}({', '.join(['null'] * len(parameters))})" if parameters else f"marts.{name}"
        order = [each["column_name"] for each in warehouse.rows(f"describe select * from {called}")]
        columns = tuple(found[name][column] for column in order if column in found.get(name, {}))
        marts.append(Mart(name, row["comment"] or "", columns, parameters))
    kinds = ("fct_", "dim_", "brg_")
    place = {mart.name: next((i for i, k in enumerate(kinds) if mart.name.startswith(k)), len(kinds)) for mart in marts}
    return {mart.name: mart for mart in sorted(marts, key=lambda mart: (place[mart.name], mart.name))}


def relations(marts: Mapping[str, Mart], name: str) -> list[tuple[str, str]]:
    """(column, other mart) for every column of a mart that is the key of a row elsewhere, by the naming rules."""
    owners = {
        f"{mart.removeprefix(kind)}_key": mart
        for mart in marts
        for kind in ("fct_", "dim_", "brg_")
        if mart.startswith(kind)
    }
    owners |= {column: mart for column, mart in _SHARED.items() if mart in marts}
    joining = [column.name for column in marts[name].columns if column.name not in _TWOFOLD]
    return [(column, owners[column]) for column in joining if owners.get(column, name) != name]


def page(marts: Mapping[str, Mart], version: str, lead: str) -> str:
    """The reference of all marts in Markdown."""
    index = [f"| [{mart.name}](#{mart.name}) | {_cell(mart.grain)} |" for mart in marts.values()]
    parts = [
        "# Marts",
        lead,
        f"The contract of the columns is **version {version}** ([contract.json](contract.json)): its first number goes "
        "up when a mart or a column vanishes or changes its type, its second when something is added.",
        "\n".join(["| mart | |", "|---|---|", *index]),
        *(_entry(marts, mart) for mart in marts.values()),
    ]
    return "\n\n".join(parts) + "\n"


def _entry(marts: Mapping[str, Mart], mart: Mart) -> str:
    columns = [
        f"| `{column.name}` | {column.type} | {column.unit} | {_cell(column.description)} | {_made_of(column)} |"
        for column in mart.columns
    ]
    joined = [f"`{column}` is that of [{other}](#{other})" for column, other in relations(marts, mart.name)]
    parts = [
        f"## {mart.name}",
        mart.grain,
        *([f"Key: {mart.key}."] if mart.key else []),
        *([f"A table function: `from {mart.called}`."] if mart.parameters else []),
        *([mart.rules] if mart.rules else []),
        *([f"Joins: {'; '.join(joined)}."] if joined else []),
        "\n".join(["| column | type | unit | what it is | made of |", "|---|---|---|---|---|", *columns]),
    ]
    return "\n\n".join(parts)


def _made_of(column: Column) -> str:
    """The feeds behind a column, with their columns where those are few."""
    feeds: dict[str, list[str]] = {}
    for source in filter(None, column.source.split(", ")):
        feed, _, name = source.partition(".")
        feeds.setdefault(feed, []).extend([name] if name else [])
    few = sum(len(names) for names in feeds.values()) <= 4
    return "; ".join(f"{feed} ({', '.join(names)})" if few and names else feed for feed, names in feeds.items())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def columns_of(marts: Mapping[str, Mart]) -> dict[str, dict[str, str]]:
    """Mart -> column -> type, as the contract keeps it."""
    return {name: {column.name: column.type for column in mart.columns} for name, mart in marts.items()}


def breaches(kept: Columns, now: Columns) -> list[str]:
    """What of a kept contract does not hold now, a sentence each; empty where only something was added."""
    said = []
    for mart, columns in kept.items():
        if mart not in now:
            said.append(f"{mart} is gone.")
            continue
        for column, type_ in columns.items():
            if column not in now[mart]:
                said.append(f"{mart}.{column} is gone.")
            elif now[mart][column] != type_:
                said.append(f"{mart}.{column} was {type_} and is {now[mart][column]}.")
    return said


def renewed(kept: Mapping[str, Any], now: Columns, major: int = CONTRACT) -> dict[str, Any]:
    """The contract for the marts as they are now: ``version`` and ``marts``.

    ``kept`` is the last one, or empty. Raises Problem, with every breach and what to do, where readers of it would
    break and ``major`` has not gone up.
    """
    old: Columns = kept.get("marts", {})
    first, _, second = str(kept.get("version", "0.0")).partition(".")
    broken = breaches(old, now)
    if broken and major <= int(first):
        raise Problem(
            f"{' '.join(broken)} Statements of readers break. Put it back; or, where it must be, raise CONTRACT in "
            f"forecourt/reference.py to {int(first) + 1}, name it in the table of CHANGELOG.md and run `make docs`."
        )
    if major > int(first):
        version = f"{major}.0"
    elif _counted(old) != _counted(now):
        version = f"{first}.{int(second) + 1}"
    else:
        version = f"{first}.{second}"
    return {"version": version, "marts": {mart: dict(columns) for mart, columns in sorted(now.items())}}


def _counted(columns: Columns) -> Sequence[tuple[str, str]]:
    return sorted((mart, column) for mart, found in columns.items() for column in found)


def as_text(contract: Mapping[str, Any]) -> str:
    """A contract as the checked-in file holds it."""
    return json.dumps(contract, indent=1) + "\n"
