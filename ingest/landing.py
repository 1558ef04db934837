"""Landing: files in, row versions, ledger and quarantine out; one transaction per file.

The archive and its log are the record, ``landing.duckdb`` is made from them: a delivery is written to the log before
it is landed, and a delivery that the log names and the database does not is landed first at the next start.
"""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, decisions, quarantine
from ingest.containers import is_container, members, own_name
from ingest.contract import FEEDS_FOLDER, SYSTEMS, Feed, create_schema, load_feeds
from ingest.decisions import Decided
from ingest.delivery import exported_at as exported_at_by_name
from ingest.delivery import impossible_date, is_full, native_feed
from ingest.drift import changed_keys, compare_header, odd_facts, repeated_keys
from ingest.intake import read_file
from ingest.ledger import full_files_before
from ingest.mapping import carried_text
from ingest.pinned import pin, recognise_pinned
from ingest.quarantine import Quarantined
from ingest.reading import FileRows, read_rows
from ingest.recognition import Recognised, recognise
from ingest.sources import SOURCES_FOLDER, Source, load_sources, native_source
from ingest.staging import Note, Staged, place_clocks, split, stage
from ingest.values import prepare
from ingest.versions import Delivery, note_scopes, store_versions

#: Raised when the landing itself changes what it makes of the same files, so that it is made anew.
LANDING_VERSION = 4

#: Files that lie beside exports and are none.
_NO_EXPORTS = ("forecourt.toml", "truth.json")

#: Results of a file row from weak to strong; a row is counted once, under its strongest.
_RESULTS = ("unchanged", "changed", "new", "quarantined")


@dataclass
class FileResult:
    """What became of one file.

    ``status``: landed, same again, held or refused; ``reason`` says why it is not landed, without
    the file's name. ``notes``: sentences about what was odd in it.
    """

    path: Path
    name: str
    file_id: str = ""
    source: str = ""
    status: str = ""
    reason: str = ""
    rows_read: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_unchanged: int = 0
    rows_quarantined: int = 0
    rows_skipped: int = 0
    feeds: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class _Held(Exception):
    """A full file that has far fewer rows than the one before: it waits for a person."""


class _SameAgain(Exception):
    """A delivery that says nothing that an earlier one did not."""


def land(
    home: Home,
    settings: Settings,
    paths: Sequence[Path],
    *,
    received_at: datetime | None = None,
    on_file: Callable[[FileResult], None] | None = None,
    on_rows: Callable[[Path, int, int], None] | None = None,
) -> list[FileResult]:
    """Lands files and the files of folders, in the order of their names; the caller holds ``home.lock()``.

    A bad file is refused with its reason and the others go on; nothing is raised for it. Files in the inbox are
    removed from there once they are landed or held, others are left alone. ``received_at`` (default: now) is when
    the files count as known. ``on_rows(path, done, total)`` is called as the rows of a file are stored.
    """
    results = []
    with open_landing(home, settings) as connection:
        _log_settings(home)
        for path in files_of(paths):
            if path.is_dir() and path.samefile(home.root):  # the default home lies in the folder one works in
                continue
            started = time.monotonic()
            for result in _take(connection, home, settings, path, received_at, on_rows):
                result.seconds = time.monotonic() - started
                started = time.monotonic()
                results.append(result)
                if on_file:
                    on_file(result)
    return results


def confirm(home: Home, settings: Settings, file_id: str, *, who: str, why: str) -> FileResult:
    """Lands a file that was held; the decision is written to the log first. The caller holds ``home.lock()``.

    Raises Problem when no such file is held.
    """
    with open_landing(home, settings) as connection:
        found = connection.execute(
            "select name from ledger.files where file_id = ? and status = 'held'", [file_id]
        ).fetchone()
        if not found:
            raise Problem(f"No file {file_id} is held. `forecourt status` lists the files that are.")
        entry = _decision("confirm", file_id, who, why)
        archive.append_log(home, entry)
        return _land_again(connection, home, settings, entry, len(archive.read_log(home)))


def retry_file(home: Home, settings: Settings, file_id: str, *, who: str, why: str) -> FileResult:
    """Reads a file that was refused once more, with the present mappings; the caller holds ``home.lock()``.

    Raises Problem when no such file was refused, or when it would be refused again: then nothing is logged.
    """
    with open_landing(home, settings) as connection:
        found = connection.execute(
            "select name, content_hash from ledger.files where file_id = ? and status = 'refused'", [file_id]
        ).fetchone()
        if not found:
            raise Problem(f"No file {file_id} was refused. `forecourt status` lists the files that were.")
        name, digest = found
        try:
            source = recognise(name, archive.fetch(home, digest)).source
        except Problem as problem:
            raise Problem(f"{name}: {problem}") from None
        entry = _decision("retry", file_id, who, why) | pin(home, source)
        archive.append_log(home, entry)
        return _land_again(connection, home, settings, entry, len(archive.read_log(home)))


def decide(
    home: Home, settings: Settings, decision: str, file_id: str, rows: Sequence[int], *, who: str, why: str
) -> Decided:
    """Carries out a decision (retry, accept or discard) on withheld rows of a file, given by their lines.

    It reaches the log before the landing commits. Raises Problem, with nothing done and nothing logged, where nothing
    would land. The caller holds ``home.lock()``.
    """
    with open_landing(home, settings) as connection:
        entry = _decision(decision, file_id, who, why) | {"rows": sorted(set(rows))}
        connection.execute("begin")
        try:
            if decision != "discard":
                entry |= _present_mapping(connection, home, file_id)
            decided = decisions.carry_out(connection, home, settings, entry, len(archive.read_log(home)) + 1)
            if not decided.rows:
                raise Problem(f"No row of {decided.file} on these lines waits for a decision.")
            if decision != "discard" and not decided.results:
                raise Problem(f"{decided.file}: nothing lands. {next(iter(decided.still.values()))}")
            archive.append_log(home, entry)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        return decided


def rebuild(home: Home, settings: Settings) -> None:
    """Makes landing.duckdb anew from the archive and its log: the same rows. The caller holds ``home.lock()``."""
    _drop(home)
    with open_landing(home, settings):
        pass


@contextmanager
def open_landing(home: Home, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The landing database for writing, complete: what the log names and the database does not is landed first."""
    home.create()
    connection = _connect(home)
    try:
        if _built_from(connection) not in (None, _contract_hash()):
            connection.close()
            _drop(home)
            connection = _connect(home)
        if not _built_from(connection):
            connection.execute("begin")
            create_schema(connection)
            connection.execute("insert into ledger.built_from values (?)", [_contract_hash()])
            connection.execute("commit")
        place_clocks(connection, settings, list(load_sources().values()))
        prepare(connection)
        _catch_up(connection, home, settings)
        yield connection
        quarantine.settle(connection)
    finally:
        connection.close()


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files to land: given ones as they are, those of folders by name, without hidden and accompanying ones.

    What lies in a folder and is no file (a folder in it, a broken link) is among them, so that it is refused by name.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
            found.extend(sorted(entry for entry in inside if entry.name not in _NO_EXPORTS))
        elif path.name not in _NO_EXPORTS and not path.name.startswith("."):
            found.append(path)
    return found


# --- one delivery ------------------------------------------------------------------------------------------------


def _take(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    path: Path,
    received_at: datetime | None,
    on_rows: Callable[[Path, int, int], None] | None,
) -> Iterator[FileResult]:
    """Archives, logs and lands one file from disk, or each file of a container."""
    try:
        data, changed_at = read_file(path, home.inbox)
    except Problem as problem:
        yield FileResult(path, path.name, status="refused", reason=str(problem))
        return
    arrival = _Arrival(connection, home, settings, path, archive.utc(changed_at), received_at, on_rows)
    is_done = True
    for result in arrival.take_container(data) if is_container(data) else [arrival.take(path.name, data)]:
        is_done = is_done and result.status != "refused"
        yield result
    if is_done and path.parent.resolve() == home.inbox.resolve():
        path.unlink()


@dataclass(frozen=True)
class _Arrival:
    """One file on disk, and what all deliveries in it have in common."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    settings: Settings
    path: Path
    changed_at: datetime
    received_at: datetime | None
    on_rows: Callable[[Path, int, int], None] | None

    def take_container(self, data: bytes) -> Iterator[FileResult]:
        """Each file in a container as a delivery; the container is kept in the archive beside them."""
        try:
            files = members(self.path.name, data)
        except Problem:
            # A delivery like any other, so that the ledger has the reason.
            yield self.take(self.path.name, data)
            return
        digest = archive.content_hash(data)
        self._keep_container(data, digest)
        for file in files:
            yield self._known(file.name, file.content) or self.take(file.name, file.content, digest)

    def take(self, name: str, data: bytes, container_hash: str | None = None) -> FileResult:
        """Archives, logs and lands one delivery. ``container_hash``: of the container that it came in."""
        connection, home, settings = self.connection, self.home, self.settings
        digest = archive.content_hash(data)
        exported_at, exported_from = self._exported(name)
        delivery = 1 + _count(connection, "select max(delivery) from ledger.files where content_hash = ?", digest)
        again = self._native_before(name, digest) if delivery > 1 else None
        recognised = _recognised(name, data) if again is None else None
        source = recognised.source if isinstance(recognised, Recognised) else again
        entry = {
            "kind": "delivery",
            "file_id": "",
            "content_hash": digest,
            "delivery": delivery,
            "name": name,
            "bytes": len(data),
            "exported_at": exported_at,
            "exported_from": exported_from,
            "received_at": archive.utc(self.received_at or datetime.now(UTC)),
            **pin(home, source),
        }
        if container_hash:
            entry["container_hash"] = container_hash
        entry["file_id"] = f"{digest[:16]}-{entry['delivery']}"
        if again and (result := self._same_again(entry, again)):
            return result
        recognised = recognised or _recognised(name, data)
        refused = _refused_again(connection, home, settings, entry, data, self.path, recognised)
        if refused:
            return refused
        with ThreadPoolExecutor(1) as pool:
            stored = pool.submit(archive.store, home, data, digest)

            def record() -> None:
                stored.result()
                archive.append_log(home, entry)

            return _land_delivery(
                connection,
                home,
                settings,
                entry,
                data,
                path=self.path,
                recognised=recognised,
                on_rows=self.on_rows,
                record=record,
            )

    def _native_before(self, name: str, digest: str) -> Source | None:
        """The source of a native file that came with the same bytes and name before: they need not be read to tell."""
        feed = native_feed(own_name(name))
        known = self.connection.execute(
            """select 1 from ledger.files
                where content_hash = ? and name = ? and source = ? and status in ('landed', 'held') limit 1""",
            [digest, name, feed],
        ).fetchall()
        return replace(native_source(load_feeds()[feed]), is_full=is_full(own_name(name))) if feed and known else None

    def _same_again(self, entry: dict[str, Any], source: Source) -> FileResult | None:
        """The answer to a delivery that says nothing new, logged; None for one whose rows must be looked at."""
        result = FileResult(self.path, entry["name"], file_id=entry["file_id"])
        landing = _FileLanding(self.connection, self.home, self.settings, entry, result, None, False)
        try:
            landing.check(source)
        except _SameAgain as outcome:
            result.status, result.reason = "same again", str(outcome)
            archive.append_log(self.home, entry)
            landing.record_unlanded()
            return result
        return None

    def _exported(self, name: str) -> tuple[datetime, str]:
        """When a delivery was exported and what says so: its own name, that of its container, or the file's time."""
        for part in reversed(name.split("/")):
            by_name = exported_at_by_name(part, self.settings.fallback.time_zone)
            if by_name:
                return by_name, "name"
        return self.changed_at, "file time"

    def _known(self, name: str, data: bytes) -> FileResult | None:
        """The answer for a file of a container that still lies there because another file of it was refused."""
        known = self.connection.execute(
            """select file_id, source from ledger.files
                where content_hash = ? and name = ? and exported_at = ? and status in ('landed', 'held')
                order by received_at limit 1""",
            [archive.content_hash(data), name, self._exported(name)[0]],
        ).fetchone()
        if not known:
            return None
        reason = f"these bytes came as {name} before, so nothing changes."
        return FileResult(self.path, name, known[0], known[1], "same again", reason)

    def _keep_container(self, data: bytes, digest: str) -> None:
        """Keeps the bytes of a container and notes it in the log, once."""
        logged = {entry["content_hash"] for entry in archive.read_log(self.home) if entry["kind"] == "container"}
        if digest not in logged:
            archive.store(self.home, data, digest)
            received_at = archive.utc(self.received_at or datetime.now(UTC))
            archive.append_log(
                self.home,
                {
                    "kind": "container",
                    "content_hash": digest,
                    "name": self.path.name,
                    "bytes": len(data),
                    "received_at": received_at,
                },
            )


def _recognised(name: str, data: bytes) -> Recognised | Problem:
    try:
        return recognise(name, data)
    except Problem as problem:
        return problem


def _refused_again(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    entry: dict[str, Any],
    data: bytes,
    path: Path,
    recognised: Recognised | Problem,
) -> FileResult | None:
    """The refusal of a file that was refused for the same reason before and still lies there: no new delivery."""
    if entry["delivery"] == 1:
        return None
    known = connection.execute(
        "select file_id, reason from ledger.files where content_hash = ? and name = ? and status = 'refused'",
        [entry["content_hash"], entry["name"]],
    ).fetchall()
    if not known:
        return None
    result = FileResult(path, entry["name"], source=entry["source"] or "")
    connection.execute("begin")
    try:
        if isinstance(recognised, Problem):
            raise recognised
        _FileLanding(connection, home, settings, entry, result, None, False).land(recognised)
    except (_Held, _SameAgain):
        return None
    except Problem as problem:
        for file_id, earlier in known:
            if earlier == str(problem):
                return FileResult(path, entry["name"], file_id, result.source, "refused", earlier)
    finally:
        connection.execute("rollback")
    return None


def _land_delivery(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    entry: dict[str, Any],
    data: bytes,
    *,
    path: Path | None = None,
    recognised: Recognised | Problem | None = None,
    on_rows: Callable[[Path, int, int], None] | None = None,
    record: Callable[[], None] = lambda: None,
    confirmed: bool = False,
) -> FileResult:
    """Lands one delivery in one transaction, or records why it is not landed.

    ``record`` returns when the archive and the log have it; it is called once the outcome is known, before that
    reaches the database.
    """
    result = FileResult(path or Path(entry["name"]), entry["name"], file_id=entry["file_id"])
    landing = _FileLanding(connection, home, settings, entry, result, on_rows, confirmed)
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
    except (_Held, _SameAgain) as outcome:
        connection.execute("rollback")
        result.status = "held" if isinstance(outcome, _Held) else "same again"
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


def _decision(decision: str, file_id: str, who: str, why: str) -> dict[str, Any]:
    """A decision as the log holds it, taken now."""
    return {
        "kind": "decision",
        "decision": decision,
        "file_id": file_id,
        "who": who,
        "why": why,
        "received_at": archive.utc(datetime.now(UTC)),
    }


def _present_mapping(connection: duckdb.DuckDBPyConnection, home: Home, file_id: str) -> dict[str, str | None]:
    """The mapping of a landed file's kind as it is now."""
    found = connection.execute("select source from ledger.files where file_id = ?", [file_id]).fetchone()
    if found is None:
        raise Problem(f"No file {file_id} has come. `forecourt quarantine` names those with rows in quarantine.")
    name = found[0]
    source = native_source(load_feeds()[name]) if name in load_feeds() else load_sources().get(name)
    if source is None:
        raise Problem(f"The kind of file {name} is no longer declared in ingest/sources/.")
    return pin(home, source)


def _land_again(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, decision: dict[str, Any], line: int
) -> FileResult:
    """Lands a held or refused file as of the instant of the decision: until then it did not count as known.

    ``line``: of the decision in the log. What was decided on the file before (a retry before a confirm) holds.
    """
    file_id = decision["file_id"]
    entry: dict[str, Any] = {}
    for logged in archive.read_log(home)[:line]:
        if logged.get("file_id") == file_id and not logged.get("rows"):
            taken = ("source", "mapping_hash", "mapping", "received_at")
            entry |= logged if logged["kind"] == "delivery" else {key: logged[key] for key in taken if key in logged}
    data = archive.fetch(home, entry["content_hash"])
    connection.execute("begin")
    for table in ("files", "skipped", "notes"):
        connection.execute(f"delete from ledger.{table} where file_id = ?", [file_id])
    decisions.note(connection, decision, line)
    connection.execute("commit")
    return _land_delivery(connection, home, settings, entry, data, confirmed=decision["decision"] == "confirm")


class _FileLanding:
    """The landing of one file inside its transaction; fills the result."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        settings: Settings,
        entry: dict[str, Any],
        result: FileResult,
        on_rows: Callable[[Path, int, int], None] | None,
        confirmed: bool,
    ) -> None:
        self.connection = connection
        self.home = home
        self.settings = settings
        self.entry = entry
        self.result = result
        self.on_rows = on_rows
        self.confirmed = confirmed
        self.encoding: str | None = None
        self.is_full = False

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
        staged = stage(self.connection, source, rows, self.settings, delivery)
        result.rows_read = rows.rows_read
        self._tell(0)
        quarantined = list(rows.bad)
        empty: set[int] = set()
        removed: dict[str, int] = {}
        if source.reader != "adf" and not source.names:
            staged.notes += compare_header(
                self.connection, source.name, self.entry["file_id"], self.entry["exported_at"], list(staged.names)
            )
        for feed in staged.feeds.values():
            split(self.connection, feed)
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
                    self._guard(feed)
        for position, feed in enumerate(staged.feeds.values(), start=1):
            if len(staged.feeds) > 1:
                split(self.connection, feed)
            removed[feed.name] = store_versions(self.connection, feed, delivery)
            self._tell(result.rows_read * position // len(staged.feeds))
        self._account(rows, staged, quarantined, len(empty), removed)
        for name in staged.feeds:
            self.connection.execute(f"drop table typed_{name} cascade")

    def check(self, source: Source) -> None:
        """Raises Problem for a name that says no day there is, _SameAgain for a delivery that says nothing new."""
        self.result.source, self.result.feeds, self.is_full = source.name, source.feeds, source.is_full
        self._check_name(source)
        if not self.confirmed and self.entry["delivery"] > 1:
            self._check_again()

    def record_unlanded(self) -> None:
        """Records a file that is held, refused or the same again."""
        result = self.result
        if result.status == "held":
            result.rows_skipped = result.rows_read
            self.connection.execute(
                "insert into ledger.skipped values (?, 'held for confirmation', ?)",
                [result.file_id, result.rows_read],
            )
        else:
            result.rows_read = 0
        self._record_file()

    def _tell(self, done: int) -> None:
        if self.on_rows:
            self.on_rows(self.result.path, done, self.result.rows_read)

    def _check_name(self, source: Source) -> None:
        """Refuses a name whose day does not exist: the file's own time stamp would silently speak in its place."""
        wrong = impossible_date(own_name(self.entry["name"]))
        # Portals number their leads: eight digits in such a name are no day that somebody wrote.
        if wrong and (source.reader != "adf" or "-" in wrong):
            raise Problem(
                f"its name says {wrong}, and there is no such day or time. Name it by the day through which it speaks, "
                "like 2026-03-31."
            )

    def _check_again(self) -> None:
        """Stops at a delivery whose bytes and exported_at are known, or whose bytes are where only the file's own
        time stamp says when it was exported; a full file is always read, because it says what is no longer there, and
        so is one under a new name where rows were withheld, because the name can be what they lacked."""
        entry = self.entry
        by_bytes = entry["exported_from"] == "file time" and not self.is_full
        known = self.connection.execute(
            f"""select name, status from ledger.files
                where content_hash = ? and source = ? and status in ('landed', 'held')
                    and ({"name = ? or rows_quarantined = 0" if by_bytes else "exported_at = ?"})
                order by received_at limit 1""",
            [entry["content_hash"], self.result.source, entry["name"] if by_bytes else entry["exported_at"]],
        ).fetchone()
        if known:
            name, status = known
            waits = ", and wait to be confirmed" if status == "held" else ", so nothing changes"
            raise _SameAgain(f"these bytes came as {name} before{waits}.")

    def _guard(self, feed: Feed) -> None:
        """Holds a full file that has none or fewer than half the rows of the full files before it, or other keys."""
        name, now, before, earlier = full_files_before(
            self.connection, feed, self.entry["file_id"], self.entry["exported_at"]
        )
        # From anywhere, and without a point after it: the sentence ends in a command that can be copied.
        where = shlex.quote(str(self.home.root.absolute()))
        confirming = f"forecourt land --confirm {self.entry['file_id']} --reason '...' --home {where}"
        if before and now * 2 < before:
            raise _Held(
                f"{name} has {now or 'no'} rows where the full file before ({earlier}) had "
                f"{before}, so it is held and nothing is removed. If that is right, confirm it: {confirming}"
            )
        changed = changed_keys(self.connection, feed, self.entry["file_id"], self.entry["exported_at"])
        if changed:
            raise _Held(
                f"{name} seems to write its keys otherwise: {changed}. It is held, because it would end the others "
                f"and begin all anew. If that is right, confirm it: {confirming}"
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
        quarantine.write(connection, file_id, self.entry["received_at"], quarantined)
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
        for rule, count in skipped.items():
            if count:
                connection.execute("insert into ledger.skipped values (?, ?, ?)", [file_id, rule, count])
        for feed in staged.feeds.values():
            self._account_feed(feed, staged, quarantined, removed[feed.name])
        for feed in staged.feeds.values():
            staged.notes.extend(repeated_keys(connection, feed))
        if staged.notes:
            self._write_notes(staged.notes)
        result.notes = [_sentence(note) for note in staged.notes]
        result.status = "landed"
        self._record_file()

    def _write_notes(self, notes: list[Note]) -> None:
        table = pa.table(
            {
                "feed": pa.array([note.feed for note in notes], pa.string()),
                "kind": pa.array([note.kind for note in notes], pa.string()),
                "detail": pa.array([note.detail for note in notes], pa.string()),
                "rows": pa.array([note.rows for note in notes], pa.int64()),
            }
        )
        self.connection.register("noted", table)
        self.connection.execute("insert into ledger.notes select ?, * from noted", [self.entry["file_id"]])
        self.connection.unregister("noted")

    def _strongest(self, staged: Staged, withheld: set[int]) -> dict[str, int]:
        """Result -> file rows whose strongest it is."""
        if staged.is_one_to_one:
            found = self.connection.execute("select result, count(*) from outcome group by result").fetchall()
            return dict(found) | {"quarantined": len(withheld)}
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
        counts = dict(
            self.connection.execute(
                "select result, count(*) from outcome where feed = ? group by result", [feed.name]
            ).fetchall()
        )
        landed = (
            sum(counts.values())
            if staged.is_one_to_one
            else _count(self.connection, "select count(distinct row_id) from outcome where feed = ?", feed.name)
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

    def _record_file(self) -> None:
        entry, result = self.entry, self.result
        self.connection.execute(
            f"insert into ledger.files values ({', '.join('?' * 20)})",
            [
                entry["file_id"],
                entry["content_hash"],
                entry["delivery"],
                entry["name"],
                result.source or entry["source"],
                entry["mapping_hash"],
                entry["exported_at"],
                entry["exported_from"],
                entry["received_at"],
                self.encoding,
                entry["bytes"],
                self.is_full,
                result.status,
                result.reason or None,
                result.rows_read,
                result.rows_new,
                result.rows_changed,
                result.rows_unchanged,
                result.rows_quarantined,
                result.rows_skipped,
            ],
        )


# --- the log and the database ------------------------------------------------------------------------------------


def _catch_up(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Lands and decides what the log names and the database does not, in the order of the log."""
    status = dict(connection.execute("select file_id, status from ledger.files").fetchall())
    done = {line for (line,) in connection.execute("select line from ledger.decisions").fetchall()}
    for line, entry in enumerate(archive.read_log(home), start=1):
        if entry["kind"] == "delivery" and entry["file_id"] not in status:
            data = archive.fetch(home, entry["content_hash"])
            result = _land_delivery(connection, home, settings, entry, data)
            status[entry["file_id"]] = result.status
        elif entry["kind"] == "decision" and line not in done:
            if entry.get("rows"):
                _decide_again(connection, home, settings, entry, line)
            elif status.get(entry["file_id"]) in ("held", "refused"):
                status[entry["file_id"]] = _land_again(connection, home, settings, entry, line).status


def _decide_again(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, entry: dict[str, Any], line: int
) -> None:
    """Carries out a decision of the log; one that this version of the code cannot carry out leaves its rows open."""
    connection.execute("begin")
    try:
        decisions.carry_out(connection, home, settings, entry, line)
    except Problem:
        connection.execute("rollback")
        connection.execute("begin")
        decisions.note(connection, entry, line)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _log_settings(home: Home) -> None:
    """Notes a change of the settings file in the log, its text in the archive: landing reads rooftops from it."""
    text = home.settings.read_bytes() if home.settings.exists() else b""
    digest = archive.content_hash(text)
    logged = [entry["content_hash"] for entry in archive.read_log(home) if entry["kind"] == "settings"]
    if text and (not logged or logged[-1] != digest):
        archive.store(home, text, digest)
        archive.append_log(
            home, {"kind": "settings", "content_hash": digest, "received_at": archive.utc(datetime.now(UTC))}
        )


def _connect(home: Home) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home.landing), config={"preserve_insertion_order": "false"})


def _built_from(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The contract that the database was made from; None for one that is new."""
    try:
        return str(connection.execute("select contract_hash from ledger.built_from").fetchall()[0][0])
    except duckdb.CatalogException:
        return None


def _contract_hash() -> str:
    files = [FEEDS_FOLDER / f"{system}.yml" for system in SYSTEMS] + sorted(SOURCES_FOLDER.glob("*.yml"))
    digest = hashlib.sha256(str(LANDING_VERSION).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _drop(home: Home) -> None:
    home.landing.unlink(missing_ok=True)
    home.landing.with_name(f"{home.landing.name}.wal").unlink(missing_ok=True)


def _count(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> int:
    rows = connection.execute(query, list(parameters)).fetchall()
    return int(rows[0][0]) if rows and rows[0][0] is not None else 0


def _ids(row_ids: set[int]) -> pa.Table:
    return pa.table({"row_id": pa.array(sorted(row_ids), pa.int64())})


def _sentence(note: Note) -> str:
    rows = f"{note.rows} row{'' if note.rows == 1 else 's'}"
    where = f"{note.feed}: " if note.feed else ""
    match note.kind:
        case "unmapped column":
            return f"Column {note.detail!r} is in no feed; its {rows} are kept aside."
        case "failed value":
            return f"{where}{note.detail} is not of its type in {rows}; kept as text, empty as a value."
        case "unknown word":
            return f"{where}{note.detail} is no word of the contract ({rows}); kept as it is."
        case "unknown rooftop":
            return f"{where}rooftop {note.detail} is not in the settings ({rows}); it has the company's defaults."
        case "new column":
            return f"Column {note.detail!r} is new: the file of this kind before did not have it."
        case "missing column":
            return f"Column {note.detail!r}, which the file before had, is not in it; its values stay as they were."
        case "repeated key":
            keys = f"{note.detail} key{'' if note.detail == '1' else 's'}"
            return f"{where}{keys} in {rows} with different values; the latest by updated_at counts, else the last row."
        case "future instant":
            return (
                f"{where}{note.detail} lies after the export in {rows}: a clock or the order of day and month is wrong."
            )
        case "no currency":
            return f"{where}currency is empty in {rows} with an amount; they count in the rooftop's currency."
        case "repair":
            return f"Repaired: {note.detail}."
        case "remark":
            return f"{note.detail[:1].upper()}{note.detail[1:]}{f' ({rows})' if note.rows else ''}."
    return f"{where}{note.detail} ({rows})."
