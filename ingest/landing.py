"""Landing: files in, row versions, ledger and quarantine out; one transaction per file.

The archive and its log are the record, ``landing.duckdb`` is made from them: a delivery is written to the log before
it is landed, and a delivery that the log names and the database does not is landed first at the next start.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, decisions, quarantine
from ingest.arrival import take
from ingest.contract import FEEDS_FOLDER, SYSTEMS, create_schema, load_feeds
from ingest.decisions import Decided
from ingest.file_landing import FileResult, land_delivery
from ingest.pinned import pin
from ingest.recognition import recognise
from ingest.sources import SOURCES_FOLDER, load_sources, native_source
from ingest.values import prepare

#: Raised when the landing itself changes what it makes of the same files, so that it is made anew.
LANDING_VERSION = 5

#: Memory of the database in MB, in all and for each processor: beyond it, work of large files goes to disk.
_MEMORY, _MEMORY_OF_PROCESSOR = 1024, 128

#: Files that lie beside exports and are none.
_NO_EXPORTS = ("forecourt.toml", "truth.json")


def land(
    home: Home,
    settings: Settings,
    paths: Sequence[Path],
    *,
    received_at: datetime | None = None,
    on_file: Callable[[FileResult], None] | None = None,
    on_rows: Callable[[Path, int], None] | None = None,
) -> list[FileResult]:
    """Lands files and the files of folders, in the order of their names; the caller holds ``home.lock()``.

    A bad file is refused with its reason and the others go on; nothing is raised for it. Files in the inbox are
    removed from there once they are landed or held, others are left alone. ``received_at`` (default: now) is when
    the files count as known. ``on_rows(path, done)`` is called with the rows of a file that are staged so far.
    """
    results = []
    with open_landing(home, settings) as connection:
        _log_settings(home)
        for path in files_of(paths):
            if path.is_dir() and path.samefile(home.root):  # the default home lies in the folder one works in
                continue
            started = time.monotonic()
            for result in take(connection, home, settings, path, received_at, on_rows):
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
    archive.finish_erasures(home)
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
    return land_delivery(connection, home, settings, entry, data, confirmed=decision["decision"] == "confirm")


def _catch_up(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Lands and decides what the log names and the database does not, in the order of the log."""
    status = dict(connection.execute("select file_id, status from ledger.files").fetchall())
    done = {line for (line,) in connection.execute("select line from ledger.decisions").fetchall()}
    for line, entry in enumerate(archive.read_log(home), start=1):
        if entry["kind"] == "delivery" and entry["file_id"] not in status:
            data = archive.fetch(home, entry["content_hash"])
            result = land_delivery(connection, home, settings, entry, data)
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
    config: dict[str, Any] = {
        "preserve_insertion_order": "false",
        "memory_limit": f"{max(_MEMORY, _MEMORY_OF_PROCESSOR * (os.cpu_count() or 1))}MB",
    }
    return duckdb.connect(str(home.landing), config=config)


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
