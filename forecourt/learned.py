"""What became known after an instant: the file rows behind records that count otherwise than they did then.

A record is followed to the rows of the marts that name it, and from their keys (the car of a deal, the document that
pays another) to the rows of other marts; each of those names the file row that leads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from forecourt.door import Warehouse
from forecourt.metrics import Metric
from forecourt.trace import key_columns

#: (feed, key) of a record of a delivery.
Landed = tuple[str, str]


@dataclass(frozen=True)
class Learned:
    """One version that came after the instant. ``op``: row, or removed by a full file, which has no ``row``."""

    feed: str
    key: str
    op: str
    file: str
    row: int | None


def learned_rows(
    then: Warehouse, now: Warehouse, metric: Metric, records: Sequence[str]
) -> dict[str, tuple[Learned, ...]]:
    """Record -> the versions behind it that ``now`` knows and ``then`` did not, in the order they came.

    ``then`` is a warehouse built as known at an instant. A record without any is left out: another setting or a month
    closed since made the difference.
    """
    feeds = sorted({*metric.feeds, *(source.partition(".")[0] for source in metric.sources)})
    news: dict[Landed, list[Learned]] = {}
    (run,) = then.rows("select max(known_at) as known_at from meta.runs")
    if not records or run["known_at"] is None:
        return {}
    for row in now.rows(
        """
        select versions.feed, versions.key, versions.op, files.name as file, versions.row_number as "row"
        from meta.versions as versions
        inner join meta.files as files on versions.file_id = files.file_id
        where versions.received_at > $1 and versions.feed in (select unnest($2))
        order by versions.received_at, files.name, versions.row_number
        """,
        [run["known_at"], feeds],
    ):
        learned = Learned(**row | {"row": row["row"] if row["op"] == "row" else None})
        news.setdefault((learned.feed, learned.key), []).append(learned)
    found: dict[str, dict[Learned, None]] = {}
    # What a full file removed stands behind the record only as it was then.
    for warehouse in (then, now):
        for record, landed in _behind(warehouse, metric, records, feeds) if news else ():
            found.setdefault(record, {}).update(dict.fromkeys(news.get(landed, ())))
    return {record: tuple(rows) for record, rows in found.items() if rows}


def _behind(
    warehouse: Warehouse, metric: Metric, records: Sequence[str], feeds: Sequence[str]
) -> Iterator[tuple[str, Landed]]:
    """Each record with every record of a delivery that leads a row about it or about what it hangs on."""
    marts = key_columns(warehouse)
    record_key = metric.record if metric.record in marts.get(metric.model, ()) else marts.get(metric.model, [""])[0]
    names = {name for columns in marts.values() for name in columns}
    meant = {name: _meant(name, names) for name in names}
    rows: set[tuple[str, str, int]] = set()
    hangs_on: dict[str, dict[str, set[str]]] = {}
    for mart, columns in marts.items():
        if record_key in columns:
            for row in _rows(warehouse, mart, record_key, columns, records):
                rows.add((row[record_key], row["file_id"], row["row_number"]))
                for name in columns:
                    if row[name] is not None:
                        hangs_on.setdefault(meant[name], {}).setdefault(row[name], set()).add(row[record_key])
    for mart, columns in marts.items():
        # Rows about another record are that one's; only the records of the KPI itself pay and undo each other.
        for name in columns if mart == metric.model or record_key not in columns else ():
            linked = hangs_on.get(meant[name], {})
            for row in _rows(warehouse, mart, name, [name], list(linked)) if linked else ():
                rows |= {(record, row["file_id"], row["row_number"]) for record in linked[row[name]]}
    yield from _landed(warehouse, rows, feeds)


def _meant(name: str, names: set[str]) -> str:
    """The key that a column holds: ``counter_document_key`` one of documents."""
    return min((each for each in names if name == each or name.endswith(f"_{each}")), key=len)


def _rows(
    warehouse: Warehouse, mart: str, name: str, columns: Sequence[str], values: Sequence[str]
) -> list[dict[str, Any]]:
    has_number = warehouse.kept(
        "select table_name as mart from information_schema.columns where table_schema = 'marts' "
        "and column_name in ('stock_number', 'stock_unit_key') group by table_name having count(*) = 2"
    )

    def said(column: str) -> str:
        # A car that was never landed has no key, and yet costs.
        if column == "stock_unit_key" and {"mart": mart} in has_number:
            return "coalesce(stock_unit_key, rooftop || '|' || stock_number)"
        return f'cast("{column}" as varchar)'

    listed = ", ".join(f'{said(column)} as "{column}"' for column in columns)
    found: list[dict[str, Any]] = warehouse.rows(
        f'select distinct {listed}, file_id, row_number from marts."{mart}" '
        f"where {said(name)} in (select unnest($1)) and file_id is not null",
        [list(values)],
    )
    return found


def _landed(
    warehouse: Warehouse, rows: set[tuple[str, str, int]], feeds: Sequence[str]
) -> Iterator[tuple[str, Landed]]:
    records_of: dict[tuple[str, int], set[str]] = {}
    for record, file_id, row_number in rows:
        records_of.setdefault((file_id, row_number), set()).add(record)
    for version in warehouse.rows(
        "select distinct feed, key, file_id, row_number from meta.versions "
        "where feed in (select unnest($1)) and file_id in (select unnest($2)) order by all",
        [list(feeds), sorted({file_id for file_id, _ in records_of})],
    ):
        for record in sorted(records_of.get((version["file_id"], version["row_number"]), ())):
            yield record, (version["feed"], version["key"])
