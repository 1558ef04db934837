"""What a column of a mart is made of (feed columns, settings) and what it can say, from the statements that dbt ran.

DuckDB itself parses them (``json_serialize_sql``); a column is followed through CTEs, subqueries, unions and models
down to the tables of the landing and of the settings.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from forecourt.metrics import Metric
from forecourt.settings import POLICY_DEFAULTS

Node = Mapping[str, Any]
#: A column of a table that is not ours: (feed or "settings", column or policy key).
Leaf = tuple[str, str]

SETTINGS = "settings"
#: What the landing writes beside the columns of a feed.
TECHNICAL = frozenset(
    {"key", "op", "carried", "day_only", "exported_at", "landed_at", "first_exported_at", "file_id", "row_number"}
    | {"row_hash", "rest", "bad", "gone_at", "version_number", "last_version", "last_row"}
)
#: Columns of settings tables that spell out a policy. A key that ends in a dot stands for its family.
SPELT_OUT = {
    ("stock_edges", "label"): "stock.edges",
    ("stock_edges", "low"): "stock.edges",
    ("stock_edges", "high"): "stock.edges",
    ("ageing_buckets", "label"): "ageing.edges.",
    ("ageing_buckets", "low"): "ageing.edges.",
    ("ageing_buckets", "high"): "ageing.edges.",
    ("ageing_buckets", "provision_percent"): "ageing.provision.",
    ("ageing_buckets", "is_headline"): "ageing.headline_schedules",
}
FAMILIES = ("ageing.edges.", "ageing.default_terms.", "ageing.provision.", "sla.")


@dataclass(frozen=True)
class Sources:
    """``columns``: (feed, column), sorted; ``settings``: policy keys, a family of them ending in a dot."""

    columns: tuple[Leaf, ...]
    settings: tuple[str, ...]


class Lineage:
    """What is behind the models of a dbt manifest that a build has filled with the statements it ran."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._models: dict[str, _Query] = {}
        self._duckdb = duckdb.connect()
        for node in manifest["nodes"].values():
            if node["resource_type"] == "model" and node.get("compiled_code"):
                parsed = self._parsed(node["compiled_code"])
                if parsed is not None:
                    self._models[node["name"]] = _Query(parsed, {}, self._models)

    def behind(self, model: str, expressions: Iterable[str]) -> Sources:
        """What SQL expressions over the columns of a model are made of; an unknown name is made of nothing."""
        leaves: set[Leaf] = set()
        for expression in expressions:
            if expression.isidentifier() and model in self._models:
                leaves |= self._models[model].leaves(expression)
            elif (query := self._query(model, expression)) is not None:
                leaves |= query.leaves("said")
        return Sources(
            tuple(sorted(leaf for leaf in leaves if leaf[0] != SETTINGS)),
            tuple(sorted(key for source, key in leaves if source == SETTINGS)),
        )

    def words(self, model: str, expression: str) -> tuple[str, ...]:
        """The texts that an expression can be, in the order its statement names them; ... stands for data."""
        query = self._query(model, expression)
        return tuple(dict.fromkeys(query.words("said") if query else ()))

    def _query(self, model: str, expression: str) -> _Query | None:
        parsed = self._parsed(f"select {expression} as said from marts.{model}")
        return _Query(parsed, {}, self._models) if parsed is not None else None

    def _parsed(self, sql: str) -> dict[str, Any] | None:
        """The statement as a tree; None where DuckDB cannot take it apart."""
        (text,) = self._duckdb.execute("select json_serialize_sql($1)", [sql]).fetchone() or ("{}",)
        statements = json.loads(text).get("statements")
        return statements[0]["node"] if statements else None


def sourced(metric: Metric, lineage: Lineage) -> Metric:
    """A KPI with the feed columns, settings and exclusions behind it; what its description names is a setting of it."""
    model = metric.relation.removeprefix("marts.").partition("(")[0]
    days = (metric.date, metric.dated, metric.due, metric.started, metric.stopped, metric.closed, metric.event)
    given = (metric.numerator, metric.denominator, *days, metric.event_by_as_of, metric.population, metric.excluded)
    found = lineage.behind(model, [_on_a_day(each) for each in given if each])
    told = [key for key in POLICY_DEFAULTS if key in metric.description]
    return replace(
        metric,
        sources=tuple(f"{feed}.{column}" for feed, column in found.columns),
        settings=tuple(sorted({*found.settings, *([metric.window] if metric.window else []), *told})),
        reasons=lineage.words(model, _on_a_day(metric.excluded)) if metric.excluded else (),
    )


def _on_a_day(expression: str) -> str:
    return expression.replace("{as_of}", "as_of")


class _Query:
    """One query: what its columns are made of. ``ctes`` are the queries that its FROM may name before any model."""

    def __init__(self, node: Node, ctes: Mapping[str, _Query], models: Mapping[str, _Query]) -> None:
        self._node = node
        self._models = models
        self._found: dict[str, set[Leaf]] = {}
        self._ctes = dict(ctes)
        for entry in node.get("cte_map", {}).get("map", []):
            query = entry["value"].get("query_node") or entry["value"]["query"]["node"]
            self._ctes[entry["key"].lower()] = _Query(query, self._ctes, models)
        parts = (*node.get("children", ()), node.get("left"), node.get("right"))
        self._parts = [_Query(part, self._ctes, models) for part in parts if part]
        self._items: list[Node] = list(node.get("select_list", ()))
        self._tables = {
            alias: _Query(table["subquery"].get("node", table["subquery"]), self._ctes, models)
            if table["type"] == "SUBQUERY"
            else table
            for alias, table in _tables(node.get("from_table"))
        }
        tested = [node.get(part) for part in ("where_clause", "having", "qualify")]
        tested += [join.get("condition") for join in _joins(node.get("from_table"))]
        self._conditions: set[Leaf] = {(SETTINGS, key) for key in _policies(tested)}

    def leaves(self, column: str) -> set[Leaf]:
        """What a column of this query is made of; a recursive query ends where it began."""
        column = column.lower()
        if column not in self._found:
            self._found[column] = set()
            self._found[column] = self._look(column)
        return self._found[column]

    def _look(self, column: str) -> set[Leaf]:
        if self._parts:
            place = self._parts[0].place(column)
            return set[Leaf]().union(
                *(part.leaves(part.name_at(place) or column if place is not None else column) for part in self._parts)
            )
        for number, item in enumerate(self._items):
            if item["class"] != "STAR" and _name(item, number) == column:
                found = self._conditions | {(SETTINGS, key) for key in _policies(item)}
                for reference in _below(item, "COLUMN_REF"):
                    found |= self._resolve([part.lower() for part in reference["column_names"]])
                return found
        found = set()
        for star in [item for item in self._items if item["class"] == "STAR"]:
            if column not in {str(name).lower() for name in star.get("exclude_list") or ()}:
                found |= self._resolve([part for part in (star["relation_name"].lower(), column) if part])
        return found | self._conditions if found else found

    def words(self, column: str) -> list[str]:
        """The texts that a column of this query can hold."""
        column = column.lower()
        if self._parts:
            place = self._parts[0].place(column)
            named = [part.name_at(place) or column if place is not None else column for part in self._parts]
            return [text for part, name in zip(self._parts, named, strict=True) for text in part.words(name)]
        for number, item in enumerate(self._items):
            if item["class"] != "STAR" and _name(item, number) == column:
                return self._said(item)
        stars = [item for item in self._items if item["class"] == "STAR"]
        return [text for star in stars for text in self._said_by([star["relation_name"].lower(), column])]

    def _said(self, node: Node) -> list[str]:
        """The texts that an expression can be: the ends of its cases, not what they test."""
        if node["class"] == "CONSTANT":
            return [node["literal"]["text"]] if node.get("literal", {}).get("kind") == "STRING" else []
        if node["class"] == "COLUMN_REF":
            return self._said_by(["", *(part.lower() for part in node["column_names"])][-2:])
        if node["class"] == "CASE":
            ends = [check["then_expr"] for check in node["case_checks"]] + [node["else_expr"]]
        elif node.get("function_name") == "||":
            pieces = [self._said(argument["expression"]) or ["..."] for argument in node["arguments"]]
            return ["".join(chosen) for chosen in itertools.product(*pieces)]
        else:
            ends = [argument["expression"] for argument in node.get("arguments", ())]
            ends += [*node.get("children", ()), *([node["child"]] if node.get("child") else [])]
        return [text for end in ends if end for text in self._said(end)]

    def _said_by(self, path: list[str]) -> list[str]:
        texts = []
        for alias, table in self._tables.items():
            if path[0] in ("", alias):
                query = table if isinstance(table, _Query) else self._query_of(table)
                texts += query.words(path[-1]) if query else []
        return texts

    def place(self, column: str) -> int | None:
        """At which place a column stands; None where a star hides the places."""
        if self._parts:
            return self._parts[0].place(column)
        names = [None if item["class"] == "STAR" else _name(item, place) for place, item in enumerate(self._items)]
        return None if None in names or column not in names else names.index(column)

    def name_at(self, place: int) -> str | None:
        """The name of the column at a place; None where a star hides the places."""
        if self._parts:
            return self._parts[0].name_at(place)
        if any(item["class"] == "STAR" for item in self._items) or place >= len(self._items):
            return None
        return _name(self._items[place], place)

    def _resolve(self, path: list[str]) -> set[Leaf]:
        found: set[Leaf] = set()
        for alias, table in self._tables.items():
            if len(path) == 1 or alias == path[-2]:
                found |= self._of_table(table, path[-1])
        return found

    def _of_table(self, table: Node | _Query, column: str) -> set[Leaf]:
        if isinstance(table, _Query):
            return table.leaves(column)
        path = [part.lower() for part in table["qualified_name"]["path"]]
        if path[0] == "landing":
            return {(path[-1], column)} if path[1] != "ledger" and column not in TECHNICAL else set()
        if (path[-1], column) in SPELT_OUT:
            return {(SETTINGS, SPELT_OUT[path[-1], column])}
        query = self._query_of(table)
        return query.leaves(column) if query else set()

    def _query_of(self, table: Node) -> _Query | None:
        path = [part.lower() for part in table["qualified_name"]["path"]]
        return self._ctes.get(path[0]) if len(path) == 1 else self._models.get(path[-1])


def _tables(table: Node | None) -> Iterator[tuple[str, Node]]:
    if table and table["type"] == "JOIN":
        yield from _tables(table["left"])
        yield from _tables(table["right"])
    elif table and table["type"] in ("BASE_TABLE", "SUBQUERY"):
        yield (table["alias"] or table.get("table_name", "")).lower(), table


def _joins(table: Node | None) -> Iterator[Node]:
    if table and table["type"] == "JOIN":
        yield table
        yield from _joins(table["left"])
        yield from _joins(table["right"])


def _name(item: Node, place: int) -> str:
    if item["alias"]:
        return str(item["alias"]).lower()
    return str(item["column_names"][-1]).lower() if item["class"] == "COLUMN_REF" else f"#{place}"


def _below(node: Any, kind: str) -> Iterator[Node]:
    """Every expression of a class below a node of a statement, nested queries included."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if current.get("class") == kind:
                yield current
            waiting += [child for child in current.values() if isinstance(child, dict | list)]
        elif isinstance(current, list):
            waiting += current


def _policies(node: Any) -> Iterator[str]:
    """The policy keys, or families of them, that an expression names."""
    for constant in _below(node, "CONSTANT"):
        text = constant.get("literal", {}).get("text", "")
        if text in POLICY_DEFAULTS:
            yield text
        else:
            yield from (family for family in FAMILIES if text.startswith(family))
