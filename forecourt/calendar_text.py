"""Days and times of the engine that Python has no value for, as text: infinity, the year 290000, 24:00:00."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_DAY = 86_400
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _LAST = (round(datetime(*day, tzinfo=UTC).timestamp()) for day in ((1, 1, 1), (9999, 12, 31)))
#: What stands for infinity where a value has 64 bits.
_INFINITY = 2**63 - 1


def readable(rows: pa.Table) -> tuple[pa.Table, list[str]]:
    """The rows with every column as text that has such a value, also in a list or record, and the names of those."""
    beyond = [number for number, column in enumerate(rows.columns) if any(map(_is_beyond, _leaves(column)))]
    if not beyond:
        return rows, []
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        columns = pa.table([rows.column(number) for number in beyond], names=[f"c{number}" for number in beyond])
        texts = connection.from_arrow(columns).project("cast(columns(*) as varchar)").to_arrow_table()
    for number, column in zip(beyond, texts.columns, strict=True):
        rows = rows.set_column(number, rows.column_names[number], column)
    return rows, [rows.column_names[number] for number in beyond]


def _leaves(column: pa.ChunkedArray | pa.Array) -> Iterator[pa.Array]:
    """The plain values in a column, however deep they stand in lists and records."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = array.type
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        for number in range(kind.num_fields):
            yield from _leaves(array.field(number))
    elif pa.types.is_map(kind):
        yield from _leaves(array.keys)
        yield from _leaves(array.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(array.flatten())
    else:
        yield array


def _is_beyond(leaf: pa.Array) -> bool:
    kind = leaf.type
    if pa.types.is_date32(kind):
        numbers, low, high = leaf.view(pa.int32()), date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH
    elif pa.types.is_timestamp(kind):
        unit = _UNITS[kind.unit]
        numbers, low = leaf.view(pa.int64()), max(_FIRST * unit, 1 - _INFINITY)
        high = min((_LAST + _DAY) * unit, _INFINITY) - 1
    elif pa.types.is_time64(kind):
        numbers, low, high = leaf.view(pa.int64()), 0, _DAY * _UNITS[kind.unit] - 1
    else:
        return False
    found = pc.min_max(numbers).as_py()
    return found["min"] is not None and not (low <= found["min"] and found["max"] <= high)
