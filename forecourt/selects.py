"""Which statements may be asked: one select, read only, of the marts and meta and of nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from forecourt.errors import Problem

#: Table functions of the engine that say nothing of the machine they run on. The marts' own are open too.
TABLE_FUNCTIONS = frozenset({
    "duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_schemas", "duckdb_tables", "duckdb_types",
    "duckdb_views", "generate_series", "histogram", "histogram_values", "json_each", "json_tree",
    "pragma_table_info", "range", "repeat", "repeat_row", "summary", "test_all_types", "unnest",
})  # fmt: skip
#: The engine's own tables carry one of these in front; some name files of the server, or what others asked.
_ENGINE_TABLE = re.compile(r"(duckdb|pragma|pg|sqlite)_")
_SETTINGS = frozenset({"current_setting"})


def relation(cursor: duckdb.DuckDBPyConnection, statement: str) -> duckdb.DuckDBPyRelation:
    """The statement, ready to run; its tables are looked for in ``marts``, then in ``meta``.

    Raises Problem where it is not one select or asks for something closed, duckdb.Error where it cannot run.
    """
    statements = duckdb.extract_statements(statement)
    if [each.type for each in statements] == [duckdb.StatementType.MULTI]:
        raise Problem(
            "A pivot that looks up its own columns runs several statements, and only one select is taken. "
            "Name them: `pivot MART on COLUMN in ('A', 'B') using sum(AMOUNT)`, "
            "or select `sum(AMOUNT) filter (where COLUMN = 'A')`."
        )
    if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
        raise Problem("Only one select is taken at a time (also `describe MART`, `show tables`, `with ... select`).")
    if statements[0].named_parameters:
        raise Problem("The statement has parameters, like $1 or ?, that nothing fills. Write the values themselves.")
    _require_open(cursor, statement)
    cursor.execute("set search_path = 'marts,meta'")
    return cursor.sql(statement)


def _require_open(cursor: duckdb.DuckDBPyConnection, statement: str) -> None:
    """Refuses functions and tables of the engine that tell about the server: its settings, paths, logs.

    Read only and without outside access, the engine still names its files to whoever asks for its settings.
    """
    ((text,),) = cursor.execute("select json_serialize_sql($1)", [statement]).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise Problem(f"The statement cannot run: {tree['error_message']}")
    ours = {
        name
        for (name,) in cursor.execute(
            "select function_name from duckdb_functions() where function_type = 'table_macro' and not internal"
        ).fetchall()
    }
    for kind, name in _named(tree["statements"]):
        is_closed = (
            name not in TABLE_FUNCTIONS | ours
            if kind == "TABLE_FUNCTION"
            else name in _SETTINGS
            if kind == "FUNCTION"
            else bool(_ENGINE_TABLE.match(name)) and name not in TABLE_FUNCTIONS
        )
        if is_closed:
            raise Problem(
                f"{name} is not open here: a statement reads the marts and meta of this warehouse. "
                "`show tables` lists them, `describe MART` its columns."
            )


def _named(node: Any) -> Iterator[tuple[str, str]]:
    """Kind and name, in lower case, of every function, table function and table in a tree of statements."""
    if isinstance(node, list):
        for part in node:
            yield from _named(part)
    elif isinstance(node, dict):
        kind = node.get("type")
        if kind == "TABLE_FUNCTION":
            yield kind, str(node["function"]["function_name"]).lower()
        elif kind == "FUNCTION":
            yield kind, str(node["function_name"]).lower()
        elif kind == "BASE_TABLE":
            yield kind, str(node["table_name"]).lower()
        for part in node.values():
            yield from _named(part)


def sentence(error: Exception) -> str:
    """What the engine says, without its picture of the statement."""
    said = str(error).partition("\n\nLINE ")[0].strip()
    text = re.sub(r"^[\w ]+ Error: ", "", re.sub(r"\s*\n\s*", " ", said))
    return f"The statement cannot run: {text}{'' if text[-1:] in '.?!' else '.'}"
