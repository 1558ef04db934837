"""A question in SQL to a published run: one select, read only, with a limit to its rows and its time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.door import Warehouse
from forecourt.errors import Problem


@dataclass(frozen=True)
class Answer:
    """``rows``: at most as many as were asked for; ``is_cut``: there are more."""

    rows: pa.Table
    is_cut: bool


def ask(warehouse: Warehouse, statement: str, *, limit: int, seconds: float) -> Answer:
    """The first ``limit`` rows of a select; its tables are looked for in ``marts``, then in ``meta``.

    Raises Problem, in a sentence, where the statement is not one select, cannot run, or takes longer than ``seconds``.
    """
    rows = _taken(warehouse, statement, seconds, lambda found: found.limit(limit + 1).to_arrow_table())
    return Answer(rows.slice(0, limit), is_cut=rows.num_rows > limit)


def count(warehouse: Warehouse, statement: str, *, seconds: float) -> int:
    """How many rows a select has; raises Problem as ``ask`` does."""
    (found,) = _taken(warehouse, statement, seconds, lambda found: found.count("*").fetchall())
    return int(found[0])


def _taken(warehouse: Warehouse, statement: str, seconds: float, take: Callable[[duckdb.DuckDBPyRelation], Any]) -> Any:
    cursor = warehouse.cursor()
    try:
        statements = duckdb.extract_statements(statement)
        if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
            raise Problem(
                "Only one select is taken at a time (also `describe MART`, `show tables`, `with ... select`)."
            )
        if statements[0].named_parameters:
            raise Problem(
                "The statement has parameters, like $1 or ?, that nothing fills. Write the values themselves."
            )
        cursor.execute("set search_path = 'marts,meta'")
        timer = Timer(seconds, cursor.interrupt)
        timer.start()
        try:
            return take(cursor.sql(statement))
        finally:
            timer.cancel()
    except duckdb.InterruptException:
        raise Problem(
            f"The statement took longer than {seconds:g} seconds and was stopped. Narrow it, or allow it more time."
        ) from None
    except duckdb.Error as error:
        raise Problem(_sentence(error)) from None


def _sentence(error: duckdb.Error) -> str:
    """What the engine says, without its picture of the statement."""
    said = str(error).partition("\n\nLINE ")[0].strip()
    text = re.sub(r"^[\w ]+ Error: ", "", re.sub(r"\s*\n\s*", " ", said))
    return f"The statement cannot run: {text}{'' if text[-1:] in '.?!' else '.'}"
