"""What a person decides about rows in quarantine, and what it does to the landing.

* **retry**: the rows are read again from the archived file with the mapping of the day of the decision.
* **accept**: a line with too few or too many values lands as it is: its values stand under the header's columns from
  left to right, a missing one is empty, one too many is kept aside. Key and required columns must be sound.
* **discard**: the rows never land; they stay on the ledger with the reason.

What lands counts as known from the instant of the decision, at the file's place in the history. The log holds each
decision with its rows, so a landing that is made anew carries it out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, notes, quarantine
from ingest.comparison import Delivery
from ingest.contract import Feed
from ingest.pinned import recognise_pinned
from ingest.readers.arrays import integers, strings
from ingest.readers.text import values_of
from ingest.reading import Batch, FileRows, read_rows
from ingest.recognition import Recognised, TextContent
from ingest.staging import Staged, split, stage
from ingest.versions import store_versions

#: Decision -> what the status of its rows becomes.
STATUS = {"retry": "retried", "accept": "accepted", "discard": "discarded"}

#: Results of a feed row from weak to strong.
_RESULTS = ("skipped", "unchanged", "changed", "new")


@dataclass
class Decided:
    """What a decision did. ``results``: line -> new, changed, unchanged or skipped; ``still``: line -> why it is
    still withheld."""

    decision: str
    file: str
    file_id: str
    rows: list[int] = field(default_factory=list)
    results: dict[int, str] = field(default_factory=dict)
    still: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Withheld:
    row_number: int
    feed: str | None
    raw: str
    key: str | None
    reason_code: str
    reason: str


def carry_out(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, entry: dict[str, Any], line: int
) -> Decided:
    """Does what the log entry says, inside the caller's transaction; ``line``: its line in the log.

    ``entry``: decision, file_id, rows (lines of the file), who, why, received_at, and for retry and accept the
    mapping. Raises Problem where the rows cannot be accepted or the file cannot be read again.
    """
    file_id = entry["file_id"]
    name, digest, exported_at = _file(connection, file_id)
    withheld = _withheld(connection, file_id, entry["rows"])
    decided = Decided(entry["decision"], name, file_id, sorted({row.row_number for row in withheld}))
    if entry["decision"] == "discard":
        _mark(connection, entry, [(row, STATUS["discard"]) for row in withheld])
    else:
        data = archive.fetch(home, digest)
        recognised = recognise_pinned(home, entry, name, data)
        rows = read_rows(recognised, settings)
        is_accept = entry["decision"] == "accept"
        rows = _as_they_are(recognised, rows, withheld) if is_accept else _again(rows, withheld)
        staged = stage(connection, recognised.source, rows, settings)
        delivery = Delivery(file_id, name, digest, exported_at, entry["received_at"], is_full=False)
        _land(connection, entry, decided, rows, staged, delivery, withheld)
    note(connection, entry, line)
    return decided


def note(connection: duckdb.DuckDBPyConnection, entry: dict[str, Any], line: int) -> None:
    """Writes that the decision on a line of the log has been carried out."""
    connection.execute(
        "insert into ledger.decisions values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            line,
            entry["decision"],
            entry["file_id"],
            entry.get("rows"),
            entry["who"],
            entry["why"],
            entry["received_at"],
            entry.get("mapping_hash"),
        ],
    )


def _file(connection: duckdb.DuckDBPyConnection, file_id: str) -> tuple[Any, ...]:
    """Name, content hash and exported_at of a file. Raises Problem for one that the ledger does not know."""
    found = connection.execute(
        "select name, content_hash, exported_at from ledger.files where file_id = ?", [file_id]
    ).fetchone()
    if found is None:
        raise Problem(f"No file {file_id} has come. `forecourt quarantine` names those with rows in quarantine.")
    return found


def _carried(connection: duckdb.DuckDBPyConnection, file_id: str, feed: Feed) -> str | None:
    """The columns of a feed that a file carries, by the ledger."""
    found = connection.execute(
        "select carried from ledger.file_feeds where file_id = ? and feed = ?", [file_id, feed.name]
    ).fetchone()
    return found[0] if found else None


def _withheld(connection: duckdb.DuckDBPyConnection, file_id: str, lines: Sequence[int]) -> list[_Withheld]:
    """The rows on these lines that no decision has settled."""
    found = connection.execute(
        """select row_number, feed, raw, key, reason_code, reason
            from ledger.quarantine
            where file_id = ? and row_number in (select unnest(?::bigint[])) and status in ('open', 'closed')
            order by all""",
        [file_id, list(lines)],
    ).fetchall()
    return [_Withheld(*row) for row in found]


def _again(rows: FileRows, withheld: Sequence[_Withheld]) -> FileRows:
    """Of the file's rows those that were withheld and still are the same text: another cut would lose its lines."""
    texts: dict[int, set[str]] = {}
    for row in withheld:
        texts.setdefault(row.row_number, set()).add(row.raw)
    batches = []
    for batch in rows.batches:
        numbers = batch.rows.column("row_number").to_pylist()
        ids = batch.rows.column("row_id")
        kept = [
            place
            for place, number in enumerate(numbers)
            if number in texts and rows.raw(ids[place].as_py()) in texts[number]
        ]
        batches.append(replace(batch, rows=batch.rows.take(integers(kept))))
    return replace(rows, batches=batches, repairs=[])


def _as_they_are(recognised: Recognised, rows: FileRows, withheld: Sequence[_Withheld]) -> FileRows:
    """The withheld lines cut under the header, however many values each has. Raises Problem for any other row."""
    header = next(iter(rows.batches)).header
    records = []
    for row in withheld:
        refusal = f"line {row.row_number} cannot be accepted: "
        advice = " Correct it where it was made, mend the mapping and retry, or discard it with a reason."
        if row.reason_code != "unreadable_line" or not isinstance(recognised.content, TextContent):
            raise Problem(f"{refusal}{row.reason.split('. ')[0].partition(': ')[2]}.{advice}")
        try:
            records.append((row.row_number, values_of(row.raw, recognised.content.dialect)))
        except Problem as problem:
            raise Problem(f"{refusal}{problem}, so its values cannot be told apart.{advice}") from None
    width = max([len(header), *(len(values) for _, values in records)])
    columns = {
        f"c{place}": strings([values[place] if place < len(values) else "" for _, values in records])
        for place in range(width)
    }
    numbers = integers([number for number, _ in records])
    table = pa.table(columns | {"row_number": numbers, "row_id": numbers})
    texts = {row.row_number: row.raw for row in withheld}
    batch = Batch(header + [""] * (width - len(header)), table, trimmed=False)
    return replace(rows, batches=[batch], raw=lambda row_id: texts[row_id], repairs=[])


def _land(
    connection: duckdb.DuckDBPyConnection,
    entry: dict[str, Any],
    decided: Decided,
    rows: FileRows,
    staged: Staged,
    delivery: Delivery,
    withheld: Sequence[_Withheld],
) -> None:
    """Stores what is sound now, says what is not, and moves the rows in the account of the file."""
    still = {bad.row_number: bad.reason for bad in rows.bad}
    read = {number for batch in rows.batches for number in batch.rows.column("row_number").to_pylist()}
    unsound: dict[tuple[int, str], quarantine.Quarantined] = {}
    results: dict[tuple[int, str], str] = {}
    connection.execute("create or replace temp table outcome (row_id bigint, feed varchar, result varchar)")
    for feed in staged.feeds.values():
        lines = [row.row_number for row in withheld if row.feed in (feed.name, None)]
        connection.execute(
            f"delete from typed_{feed.name} where row_number not in (select unnest(?::bigint[]))", [lines]
        )
        split(connection, staged, feed)
        unsound |= {
            (row.row_number, feed.name): row for row in quarantine.unsound(connection, feed, rows.raw, rows.unit)
        }
        if entry["decision"] == "accept" and unsound:
            first = next(iter(unsound.values()))
            raise Problem(
                f"line {first.row_number} cannot be accepted: {first.reason.split('. ')[0].partition(': ')[2]}. Only a "
                "row whose key and required columns are sound can. Correct it where it was made, or discard it with a "
                "reason."
            )
        store_versions(connection, feed, delivery, _carried(connection, delivery.file_id, feed))
        results |= {
            (number, feed.name): result
            for number, result in connection.execute(
                f"""select row_number, result from outcome
                    inner join typed_{feed.name} as typed on outcome.row_id = typed.row_id
                    where feed = '{feed.name}'"""
            ).fetchall()
        }
        connection.execute(f"drop table typed_{feed.name} cascade")
    marks: list[tuple[_Withheld, str]] = []
    for row in withheld:
        feeds = [row.feed] if row.feed else list(staged.feeds)
        problems = [unsound[place] for feed in feeds if (place := (row.row_number, feed)) in unsound]
        if row.row_number not in read:
            decided.still[row.row_number] = still.get(row.row_number) or (
                f"line {row.row_number} is part of another record now, so it cannot land alone. Deliver the file again."
            )
        elif problems:
            decided.still[row.row_number] = problems[0].reason
            _say_anew(connection, entry["file_id"], row, problems[0])
        else:
            marks.append((row, STATUS[entry["decision"]]))
            found = [results[place] for feed in feeds if (place := (row.row_number, feed)) in results]
            _move_in_feeds(connection, entry["file_id"], row, feeds, results)
            before = decided.results.get(row.row_number, "skipped")
            decided.results[row.row_number] = max([before, *found], key=_RESULTS.index)
    _mark(connection, entry, marks)
    for number in decided.still:
        decided.results.pop(number, None)
    _move_in_file(connection, entry["file_id"], decided.results.values())
    notes.write(connection, entry["file_id"], [told for told in staged.notes if told.kind != "unmapped column"])


def _mark(connection: duckdb.DuckDBPyConnection, entry: dict[str, Any], rows: Iterable[tuple[_Withheld, str]]) -> None:
    for row, status in rows:
        connection.execute(
            """update ledger.quarantine
                set status = ?, closed_by = null, decided_at = ?, decided_by = ?, decided_why = ?
                where file_id = ? and row_number = ? and feed is not distinct from ? and raw = ?
                    and status in ('open', 'closed')""",
            [
                status,
                entry["received_at"],
                entry["who"],
                entry["why"],
                entry["file_id"],
                row.row_number,
                row.feed,
                row.raw,
            ],
        )


def _say_anew(
    connection: duckdb.DuckDBPyConnection, file_id: str, row: _Withheld, problem: quarantine.Quarantined
) -> None:
    """The reason why a row that was read again is still withheld, in the place of the one before. That a full file did
    not say its key stays as it was: other keys are in force for it."""
    connection.execute(
        """update ledger.quarantine set reason_code = ?, reason = ?,
                key = case when file_id in (select file_id from ledger.full_scopes) then key else ? end
            where file_id = ? and row_number = ? and feed is not distinct from ? and raw = ?
                and status in ('open', 'closed')""",
        [problem.reason_code, problem.reason, problem.key, file_id, row.row_number, row.feed, row.raw],
    )


def _move_in_feeds(
    connection: duckdb.DuckDBPyConnection,
    file_id: str,
    row: _Withheld,
    feeds: Sequence[str],
    results: dict[tuple[int, str], str],
) -> None:
    """A row that could not be cut was counted as skipped by each feed, any other as quarantined by its own."""
    before = "rows_quarantined" if row.feed else "rows_skipped"
    for feed in feeds:
        after = f"rows_{results.get((row.row_number, feed), 'skipped')}"
        if after != before:
            connection.execute(
                f"update ledger.file_feeds set {before} = {before} - 1, {after} = {after} + 1 "
                "where file_id = ? and feed = ?",
                [file_id, feed],
            )


def _move_in_file(connection: duckdb.DuckDBPyConnection, file_id: str, results: Iterable[str]) -> None:
    for result in results:
        connection.execute(
            f"update ledger.files set rows_quarantined = rows_quarantined - 1, rows_{result} = rows_{result} + 1 "
            "where file_id = ?",
            [file_id],
        )
        if result == "skipped":
            connection.execute("insert into ledger.skipped values (?, 'no feed takes the row', 1)", [file_id])
