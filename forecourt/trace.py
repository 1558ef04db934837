"""From a row of a mart back to the file rows behind it: every version of the record that leads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from forecourt.door import Warehouse
from forecourt.errors import Problem

#: Mart -> the marts whose rows a row of it is made of, and the column that says of which.
MADE_OF = {
    "fct_deal": {
        "fct_deal_product": "deal_key",
        "fct_vehicle_cost": "stock_unit_key",
        "fct_deal_movement": "deal_key",
    },
    "fct_receivable": {"fct_receivable_movement": "receivable_key"},
}


@dataclass(frozen=True)
class Version:
    """One version of a record. ``op``: row, or removed by a full file; instants are UTC without offset.

    ``is_in_force``: the mart's row shows this one.
    """

    mart_key: str
    feed: str
    key: str
    op: str
    file: str
    file_id: str
    content_hash: str
    row: int | None
    exported_at: datetime
    received_at: datetime
    is_in_force: bool


def trace(warehouse: Warehouse, mart: str, parts: Sequence[str]) -> list[Version]:
    """The versions behind the rows of a mart with that natural key, in the order of their exports.

    ``parts`` are the parts of the key in order; the first ones alone find all rows whose keys begin with them. Raises
    Problem naming the nearest mart or key where there is none.
    """
    key = _key_column(warehouse, mart)
    wanted = "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
    # A key given whole, as the marts print it, is as good as its parts.
    given = parts[0] if len(parts) == 1 else wanted
    rows = _rows(warehouse, mart, key, f'"{key}" in ($1, $2)', [wanted, given])
    rows = rows or _rows(warehouse, mart, key, f'starts_with("{key}", $1) or starts_with("{key}", $2)', [
        f"{wanted}|",
        f"{given}|",
    ])  # fmt: skip
    if not rows:
        near = warehouse.rows(
            f'select "{key}" as key from marts."{mart}" where "{key}" is not null '
            f'order by levenshtein("{key}", $1), "{key}" limit 3',
            [wanted],
        )
        listed = ", ".join(row["key"] for row in near)
        raise Problem(f"{mart} has no row {wanted}." + (f" The nearest: {listed}." if near else " It is empty."))
    return [version for row in rows for version in _versions(warehouse, row)]


def made_of(warehouse: Warehouse, mart: str, versions: Sequence[Version]) -> list[Version]:
    """The versions of what else the traced rows are made of: a deal's products and costs, a debt's allocations.

    None of those that are there already. A car's costs are those of its stock unit.
    """
    known = {(version.feed, version.key) for version in versions}
    found: list[Version] = []
    for other, column in MADE_OF.get(mart, {}).items():
        if not warehouse.has(other):
            continue
        where = f'"{column}" in (select "{column}" from marts."{mart}" where "{_key_column(warehouse, mart)}" in '
        keys = sorted({version.mart_key for version in versions})
        listed = ", ".join(f"${place}" for place in range(1, len(keys) + 1))
        for row in _rows(warehouse, other, _key_column(warehouse, other), f"{where}({listed}))", keys):
            told = [each for each in _versions(warehouse, row) if (each.feed, each.key) not in known]
            known |= {(each.feed, each.key) for each in told}
            found += told
    return found


def changes_of(warehouse: Warehouse, versions: Sequence[Version]) -> dict[tuple[str, str, str, int | None], list[str]]:
    """(feed, key, file id, row) of a version -> what it changed of the watched fields: ``amount: 90 to 80 (why)``."""
    if not warehouse.has("fct_change"):
        return {}
    rows = warehouse.rows(
        "select feed, record_key, file_id, row_number, field, previous_value, new_value, reason from marts.fct_change "
        "where record_key in (select unnest($1)) order by change_key",
        [sorted({version.key for version in versions})],
    )
    found: dict[tuple[str, str, str, int | None], list[str]] = {}
    for row in rows:
        values = [row[name] if row[name] is not None else "nothing" for name in ("previous_value", "new_value")]
        said = f"{row['field']}: {values[0]} to {values[1]}" + (f" ({row['reason']})" if row["reason"] else "")
        found.setdefault((row["feed"], row["record_key"], row["file_id"], row["row_number"]), []).append(said)
    return found


def leading_rows(warehouse: Warehouse, mart: str, keys: Sequence[str], column: str = "") -> dict[str, tuple[str, int]]:
    """Key -> file name and row of the leading record of these rows of a mart; others are left out.

    Where ``column`` says that they are keys of another mart (the deals of their movements), of the rows of that one.
    """
    own = {name: columns[0] for name, columns in key_columns(warehouse).items()}
    if own.get(mart) != column:
        mart = next((name for name, first in own.items() if first == column), mart)
    key = own.get(mart)
    if key is None:
        return {}
    rows = warehouse.rows(
        f'select rows."{key}" as key, files.name, rows.row_number from marts."{mart}" as rows '
        f'inner join meta.files as files on rows.file_id = files.file_id where rows."{key}" in (select unnest($1))',
        [list(keys)],
    )
    return {row["key"]: (row["name"], row["row_number"]) for row in rows}


def _key_column(warehouse: Warehouse, mart: str) -> str:
    keys = key_columns(warehouse)
    if mart not in keys:
        near = get_close_matches(mart, keys, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Problem(f"{mart} is no mart with a file row behind its rows.{hint} Those are: {', '.join(keys)}.")
    return keys[mart][0]


def key_columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """Mart -> its readable key and then those of others that it names, of marts whose rows name their file row."""
    columns = warehouse.rows(
        "select table_name as mart, column_name as name from information_schema.columns "
        "where table_schema = 'marts' order by table_name, ordinal_position"
    )
    marts: dict[str, list[str]] = {}
    for column in columns:
        marts.setdefault(column["mart"], []).append(column["name"])
    return {
        mart: [name for name in names if name.endswith("_key")]
        for mart, names in marts.items()
        if {"file_id", "row_number"} <= set(names) and any(name.endswith("_key") for name in names)
    }


def _rows(warehouse: Warehouse, mart: str, key: str, where: str, parameters: Sequence[str]) -> list[dict[str, Any]]:
    return warehouse.rows(
        f'select distinct "{key}" as key, file_id, row_number from marts."{mart}" where {where} order by all',
        parameters,
    )


def _versions(warehouse: Warehouse, row: dict[str, Any]) -> list[Version]:
    """All versions of the records that the row's leading file row gave; of several the one with the row's own key."""
    records = warehouse.rows(
        "select distinct feed, key from meta.versions where file_id = $1 and row_number = $2 order by all",
        [row["file_id"], row["row_number"]],
    )
    own = [record for record in records if record["key"] == row["key"]]
    found = []
    for record in own or records:
        versions = warehouse.rows(
            """
            select
                versions.feed, versions.key, versions.op, files.name as file, versions.file_id, files.content_hash,
                versions.row_number as "row", files.exported_at, versions.received_at,
                versions.file_id = $3 and versions.row_number = $4 as is_in_force
            from meta.versions as versions
            inner join meta.files as files on versions.file_id = files.file_id
            where versions.feed = $1 and versions.key = $2
            order by files.exported_at, files.name, files.content_hash, versions.row_number
            """,
            [record["feed"], record["key"], row["file_id"], row["row_number"]],
        )
        found += [Version(mart_key=row["key"], **version) for version in versions]
    return found
