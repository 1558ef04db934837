"""One delivery in one transaction: its rows as versions and its account in the ledger, or why it is not landed."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import notes, quarantine
from ingest.comparison import Delivery
from ingest.contract import Feed
from ingest.drift import ahead_of_time, changed_keys, compare_header, odd_facts, renamed_rooftop, repeated_keys
from ingest.ledger import full_files_before
from ingest.mapped import Bytes
from ingest.notes import Note
from ingest.outcome import FileAccount, FileResult, Held, SameAgain, count
from ingest.perhaps import Kept
from ingest.pinned import recognise_pinned
from ingest.quarantine import Quarantined
from ingest.readers.arrays import integers
from ingest.reading import FileRows, read_rows
from ingest.recognition import Recognised
from ingest.row_identity import carried_text
from ingest.staging import Staged, split, stage
from ingest.versions import note_scopes, store_versions

#: Results of a file row from weak to strong; a row is counted once, under its strongest.
_RESULTS = ("unchanged", "changed", "new", "quarantined")


def land_delivery(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    entry: dict[str, Any],
    data: Bytes,
    *,
    path: Path | None = None,
    recognised: Recognised | Problem | None = None,
    on_rows: Callable[[Path, int], None] | None = None,
    record: Callable[[], None] = lambda: None,
    confirmed: bool = False,
) -> FileResult:
    """Lands one delivery in one transaction, or records why it is not landed.

    ``record`` returns when the archive and the log have it; it is called once the outcome is known, before that
    reaches the database.
    """
    result = FileResult(path or Path(entry["name"]), entry["name"], file_id=entry["file_id"])
    landing = FileLanding(connection, home, settings, entry, result, on_rows, confirmed)
    connection.execute("begin")
    try:
        if recognised is None:
            recognised = recognise_pinned(home, entry, entry["name"], data)
        if isinstance(recognised, Problem):
            raise recognised
        landing.land(recognised)
        record()
        connection.execute("commit")
        return result
    except (Held, SameAgain) as outcome:
        connection.execute("rollback")
        result.status = "held" if isinstance(outcome, Held) else "same again"
        result.reason = str(outcome)
    except Problem as problem:
        connection.execute("rollback")
        result.status, result.reason = "refused", str(problem)
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError, MemoryError) as error:
        connection.execute("rollback")
        raise Problem(f"{entry['name']} could not be landed: {error}. Free space or memory and run again.") from error
    except Exception as error:
        # Raising would stop every later run at this file, because the log names it: refuse it and go on.
        connection.execute("rollback")
        result.status = "refused"
        result.reason = (
            f"it could not be landed ({type(error).__name__}: {error}). This is a defect of "
            "forecourt: report it with this sentence; the file is kept in the archive."
        )
    except BaseException:
        connection.execute("rollback")
        raise
    record()
    landing.record_unlanded()
    return result


class FileLanding(FileAccount):
    """The landing of one file inside its transaction; fills the result."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        settings: Settings,
        entry: dict[str, Any],
        result: FileResult,
        on_rows: Callable[[Path, int], None] | None,
        confirmed: bool,
    ) -> None:
        super().__init__(connection, entry, result, confirmed)
        self.home = home
        self.settings = settings
        self.on_rows = on_rows

    def land(self, recognised: Recognised) -> None:
        source, result = recognised.source, self.result
        self.check(source)
        rows = read_rows(recognised, self.settings)
        self.encoding = rows.encoding
        delivery = Delivery(
            file_id=self.entry["file_id"],
            name=self.entry["name"],
            content_hash=self.entry["content_hash"],
            exported_at=self.entry["exported_at"],
            landed_at=self.entry["received_at"],
            is_full=self.is_full,
        )
        self.connection.execute("create or replace temp table outcome (row_id bigint, feed varchar, result varchar)")
        staged = stage(self.connection, source, rows, self.settings, delivery, on_rows=self._tell)
        staged.notes += ahead_of_time(self.entry["exported_at"], self.entry["received_at"])
        result.rows_read = rows.rows_read
        quarantined = list(rows.bad)
        empty: set[int] = set()
        removed: dict[str, int] = {}
        if source.reader != "adf" and not source.names:
            staged.notes += compare_header(
                self.connection, source, self.entry["file_id"], self.entry["exported_at"], list(staged.names)
            )
        for feed in staged.feeds.values():
            split(self.connection, staged, feed)
            staged.notes += odd_facts(
                self.connection, feed, staged.carried[feed.name], self.entry["exported_at"], staged.stated(feed)
            )
            unsound = quarantine.unsound(self.connection, feed, rows.raw, rows.unit)
            blank_rows = {row.row_id for row in unsound if not row.raw.strip(' \t",;|')}
            empty |= blank_rows
            quarantined.extend(row for row in unsound if row.row_id not in blank_rows)
            if self.is_full:
                note_scopes(self.connection, feed, delivery)
                if not self.confirmed:
                    self._guard(feed, staged.carried[feed.name])
        quarantine.write(self.connection, delivery.file_id, delivery.landed_at, quarantined)
        for feed in staged.feeds.values():
            if len(staged.feeds) > 1:
                split(self.connection, staged, feed)
            carried = carried_text(feed, staged.carried[feed.name])
            stored = store_versions(self.connection, feed, delivery, carried)
            removed[feed.name] = stored.removed
            staged.notes += [_kept_note(feed, kept) for kept in stored.kept]
        self._account(rows, staged, quarantined, len(empty), removed)
        for name in staged.feeds:
            self.connection.execute(f"drop table typed_{name} cascade")

    def _tell(self, done: int) -> None:
        if self.on_rows:
            self.on_rows(self.result.path, done)

    def _guard(self, feed: Feed, carried: tuple[str, ...]) -> None:
        """Holds a full file that has none or fewer than half the rows of the full files before it, or other keys, or
        another name for a rooftop."""
        name, now, before, earlier = full_files_before(
            self.connection, feed, self.entry["file_id"], self.entry["exported_at"]
        )
        # From anywhere, and without a point after it: the sentence ends in a command that can be copied.
        where = shlex.quote(str(self.home.root.absolute()))
        confirming = f"forecourt land --confirm {self.entry['file_id']} --reason '...' --home {where}"
        if before and now * 2 < before:
            raise Held(
                f"{name} has {now or 'no'} rows where the full file before ({earlier}) had "
                f"{before}, so it is held and nothing is removed. If that is right, confirm it: {confirming}"
            )
        changed = changed_keys(self.connection, feed, self.entry["file_id"], self.entry["exported_at"])
        if changed:
            raise Held(
                f"{name} seems to write its keys otherwise: {changed}. It is held, because it would end the others "
                f"and begin all anew. If that is right, confirm it: {confirming}"
            )
        renamed = renamed_rooftop(self.connection, feed, carried, self.entry["file_id"], self.entry["exported_at"])
        if renamed:
            was, code, rows = renamed
            raise Held(
                f"{name} seems to call rooftop {was} {code}: {rows}. It is held, because all would stand twice. "
                f"If {code} is {was}, give it to {was} as an alias in {self.home.settings.name}. Then, or if it is "
                f"right as it is, confirm it: {confirming}"
            )

    def _account(
        self,
        rows: FileRows,
        staged: Staged,
        quarantined: list[Quarantined],
        empty: int,
        removed: dict[str, int],
    ) -> None:
        """Counts each file row once, under its strongest result, and writes the ledger."""
        connection, result, file_id = self.connection, self.result, self.entry["file_id"]
        counts = self._strongest(staged, {row.row_id for row in quarantined})
        result.rows_new = counts.get("new", 0)
        result.rows_changed = counts.get("changed", 0)
        result.rows_unchanged = counts.get("unchanged", 0)
        result.rows_quarantined = counts.get("quarantined", 0)
        result.rows_skipped = result.rows_read - sum(counts.values())
        skipped = {
            **rows.skipped,
            "empty row": empty,
            "no feed takes the row": result.rows_skipped - sum(rows.skipped.values()) - empty,
        }
        for rule, passed in skipped.items():
            if passed:
                connection.execute("insert into ledger.skipped values (?, ?, ?)", [file_id, rule, passed])
        for feed in staged.feeds.values():
            self._account_feed(feed, staged, quarantined, removed[feed.name])
        for feed in staged.feeds.values():
            staged.notes.extend(repeated_keys(connection, feed))
        notes.write(connection, file_id, staged.notes)
        result.notes = [note.sentence for note in staged.notes]
        result.status = "landed"
        self.record_file()

    def _strongest(self, staged: Staged, withheld: set[int]) -> dict[str, int]:
        """Result -> file rows whose strongest it is."""
        if staged.is_one_to_one:
            found = self.connection.execute("select result, count(*) from outcome group by result").fetchall()
            results = Counter(dict(found))
            results["new"] += staged.stored
            results["quarantined"] = len(withheld)
            return results
        self.connection.register("withheld_rows", _ids(withheld))
        strengths = ", ".join(f"('{word}', {strength})" for strength, word in enumerate(_RESULTS))
        counts = dict(
            self.connection.execute(
                f"""with strengths (result, strength) as (values {strengths}),
                    strongest as (
                        select row_id, max(strength) as strength
                        from (
                            select row_id, strength from outcome natural join strengths
                            union all select row_id, {len(_RESULTS) - 1} from withheld_rows
                        )
                        group by row_id
                    )
                    select result, count(*) from strongest natural join strengths group by result"""
            ).fetchall()
        )
        self.connection.unregister("withheld_rows")
        return counts

    def _account_feed(self, feed: Feed, staged: Staged, quarantined: list[Quarantined], removed: int) -> None:
        counts = Counter(
            dict(
                self.connection.execute(
                    "select result, count(*) from outcome where feed = ? group by result", [feed.name]
                ).fetchall()
            )
        )
        counts["new"] += staged.stored
        landed = (
            sum(counts.values())
            if staged.is_one_to_one
            else count(self.connection, "select count(distinct row_id) from outcome where feed = ?", feed.name)
        )
        withheld = sum(row.feed == feed.name for row in quarantined)
        self.connection.execute(
            "insert into ledger.file_feeds values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self.entry["file_id"],
                feed.name,
                counts.get("new", 0),
                counts.get("changed", 0),
                counts.get("unchanged", 0),
                withheld,
                self.result.rows_read - landed - withheld,
                removed,
                carried_text(feed, staged.carried[feed.name]),
            ],
        )


def _kept_note(feed: Feed, kept: Kept) -> Note:
    if kept.file is None:
        return Note(feed.name, "kept key", kept.example, kept.keys)
    return Note(feed.name, "key kept by a later file", f"{kept.example} ({kept.file})", kept.keys)


def _ids(row_ids: set[int]) -> pa.Table:
    return pa.table({"row_id": integers(sorted(row_ids))})
