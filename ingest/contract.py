"""The feed contract: which canonical entities exist, their columns and types, and the landing tables made from them.

The YAML files in ``ingest/feeds/`` are the one place where a column is declared; readers, staging, templates and
documentation all take it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

#: The parser written in C where it is there: it reads the contract ten times faster.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FEEDS_FOLDER = Path(__file__).parent / "feeds"
SYSTEMS = ("crm", "dms", "portal")

#: Type of the contract -> type of the landing table. Instants are UTC.
SQL_TYPES = {
    "text": "varchar",
    "instant": "timestamp",
    "date": "date",
    "money": "decimal(18, 2)",
    "number": "decimal(18, 6)",
    "integer": "bigint",
    "boolean": "boolean",
}

#: The columns that follow the canonical ones in every landing table. ``landed_at`` is the received_at of the
#: delivery under another name, because a lead has a received_at of its own.
VERSION_COLUMNS = {
    "key": "varchar",
    "op": "varchar",
    "carried": "varchar",
    "day_only": "varchar",
    "exported_at": "timestamp",
    "landed_at": "timestamp",
    "file_id": "varchar",
    "row_number": "bigint",
    "row_hash": "uhugeint",
    "rest": "json",
    "bad": "json",
}

#: How the names of columns end whose texts name one thing.
_IDENTIFIERS = ("_id", "_number", "vin", "registration")

LEDGER_TABLES = {
    "files": """file_id varchar, content_hash varchar, delivery bigint, name varchar, source varchar,
        mapping_hash varchar, exported_at timestamp, exported_from varchar, received_at timestamp,
        encoding varchar, bytes bigint, is_full boolean, status varchar, reason varchar,
        rows_read bigint, rows_new bigint, rows_changed bigint, rows_unchanged bigint,
        rows_quarantined bigint, rows_skipped bigint""",
    "file_feeds": """file_id varchar, feed varchar, rows_new bigint, rows_changed bigint, rows_unchanged bigint,
        rows_quarantined bigint, rows_skipped bigint, rows_removed bigint, carried varchar""",
    # rows: how many keys of the rooftop the full file states, or keeps in force for rows that were withheld without
    # their key; the next full file is measured against it.
    "full_scopes": "file_id varchar, feed varchar, rooftop varchar, rows bigint",
    "skipped": "file_id varchar, rule varchar, rows bigint",
    # updated_at and carried: what the sighted row stated, needed to find its place when an older file arrives late;
    # carried only where it is not what file_feeds says of the file. rest: what no feed takes, where it is not what the
    # version of the row holds.
    "sightings": """feed varchar, key varchar using compression zstd, file_id varchar, row_number bigint,
        updated_at timestamp, carried varchar, rest json""",
    # key: set when the row is unreadable but its key is not, so that a full file does not call it gone. Where it is
    # null, a key that the text holds may be the row's (ingest/perhaps.py).
    # status: open, closed (by the later file closed_by), accepted, retried or discarded (by a decision).
    "quarantine": """file_id varchar, row_number bigint, feed varchar, reason_code varchar, reason varchar,
        raw varchar, received_at timestamp, status varchar, key varchar,
        closed_by varchar, decided_at timestamp, decided_by varchar, decided_why varchar""",
    # line: of the log; a decision that stands here has been carried out.
    "decisions": """line bigint, decision varchar, file_id varchar, row_numbers bigint[], decided_by varchar,
        decided_why varchar, decided_at timestamp, mapping_hash varchar""",
    # The names of a file's columns, with which the next file of its kind is compared.
    "headers": "file_id varchar, names varchar[]",
    "notes": "file_id varchar, feed varchar, kind varchar, detail varchar, rows bigint, sentence varchar",
    "built_from": "contract_hash varchar",
}


@dataclass(frozen=True)
class Column:
    """One canonical column. ``values``: the words a text may hold; ``empty``: what an empty cell stands for;
    the landing fills it in for a key column only, any other stays empty there."""

    name: str
    type: str
    required: bool = False
    personal: bool = False
    values: tuple[str, ...] = ()
    empty: str | None = None

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    @property
    def is_identifier(self) -> bool:
        """True for a text that names one person, car, document or record, so that most rows have their own."""
        return self.type == "text" and (self.personal or self.name.endswith(_IDENTIFIERS))


@dataclass(frozen=True)
class Feed:
    """One canonical entity; ``columns`` in contract order, without ``updated_at``, which every feed has besides."""

    name: str
    schema: str
    description: str
    money: bool
    key: tuple[str, ...]
    columns: Mapping[str, Column]

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def has_rooftop(self) -> bool:
        return "rooftop" in self.columns

    @property
    def named_by(self) -> str:
        """The part of the key that names the record: its identifier, else its first text besides the rooftop."""
        texts = [name for name in self.key if name != "rooftop" and self.columns[name].type == "text"]
        return next((name for name in texts if self.columns[name].is_identifier), texts[0])

    @property
    def rooftop_sql(self) -> str:
        """SQL of the rooftop that a row belongs to; empty where the feed has none."""
        return "coalesce(rooftop, '')" if self.has_rooftop else "''"

    @property
    def all_columns(self) -> Mapping[str, Column]:
        """The canonical columns and ``updated_at``, in the order of the landing table."""
        return {**self.columns, "updated_at": Column("updated_at", "instant")}


def read_yaml(text: str) -> Any:
    """The content of a YAML text. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_YAML_LOADER)


@cache
def load_feeds() -> dict[str, Feed]:
    """All feeds by name, in the order of the YAML files."""
    feeds: dict[str, Feed] = {}
    for system in SYSTEMS:
        entries = read_yaml((FEEDS_FOLDER / f"{system}.yml").read_text(encoding="utf-8"))
        for name, entry in entries.items():
            feeds[name] = _feed(name, system, entry)
    return feeds


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes every landing table and the ledger, empty; leaves those alone that are there."""
    for schema in (*SYSTEMS, "ledger"):
        connection.execute(f"create schema if not exists {schema}")
    for feed in load_feeds().values():
        columns = {name: column.sql_type for name, column in feed.all_columns.items()} | VERSION_COLUMNS
        # A dictionary does not shrink what hardly repeats, and to try one is a fifth of the time of a landing.
        own = {name for name, column in feed.all_columns.items() if column.is_identifier} | {"key"}
        body = ", ".join(
            f'"{name}" {sql_type}{" using compression zstd" if name in own else ""}'
            for name, sql_type in columns.items()
        )
        connection.execute(f"create table if not exists {feed.table} ({body})")
    for table, body in LEDGER_TABLES.items():
        connection.execute(f"create table if not exists ledger.{table} ({body})")


def _feed(name: str, system: str, entry: dict[str, Any]) -> Feed:
    columns = {
        column: Column(
            name=column,
            type=given["type"],
            required=given.get("required", False),
            personal=given.get("personal", False),
            values=tuple(given.get("values", ())),
            empty=given.get("empty"),
        )
        for column, given in entry["columns"].items()
    }
    return Feed(
        name=name,
        schema=system,
        description=entry["description"],
        money=entry.get("money", False),
        key=tuple(entry["key"]),
        columns=columns,
    )
