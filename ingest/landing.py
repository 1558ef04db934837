"""Landing: files in, row versions, ledger and quarantine out; one transaction per file.

The archive and its log are the record, ``landing.duckdb`` is made from them: a delivery is written to the log before
it is landed, and a delivery that the log names and the database does not is landed first at the next start.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from forecourt.home import Home
from forecourt.landed import damage
from forecourt.settings import Settings
from ingest import archive, engine, quarantine
from ingest.arrival import take
from ingest.contract import FEEDS_FOLDER, SYSTEMS, create_schema
from ingest.intake import take_file
from ingest.outcome import FileResult
from ingest.values import prepare

#: Raised when the landing itself changes what it makes of the same files, so that it is made anew.
LANDING_VERSION = 10

#: A checkpoint can put the rows of several files together, and writes those around them anew. After fewer rows than
#: these it does: each small file would keep a group of rows of its own. A large file makes full groups, and would wait.
_FEW_ROWS = 100_000

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
    # The default home lies in the folder one works in.
    waiting = [path for path in files_of(paths) if not (path.is_dir() and path.samefile(home.root))]
    home.create()
    with ThreadPoolExecutor(1) as reading:
        # The first file is read while the database is opened, which takes as long.
        first = [reading.submit(take_file, path, home.inbox) for path in waiting[:1]]
        with open_landing(home, settings) as connection:
            _log_settings(home)
            for path in waiting:
                started = time.monotonic()
                taking = first.pop().result if first else partial(take_file, path, home.inbox)
                for result in take(connection, home, settings, path, taking, received_at, on_rows):
                    result.seconds = time.monotonic() - started
                    started = time.monotonic()
                    results.append(result)
                    if on_file:
                        on_file(result)
            if 0 < sum(result.rows_read for result in results if result.status == "landed") < _FEW_ROWS:
                connection.execute("reset max_vacuum_tasks")
    return results


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


def _catch_up(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Lands and decides what the log names and the database does not, in the order of the log."""
    known = {file_id for (file_id,) in connection.execute("select file_id from ledger.files").fetchall()}
    done = {line for (line,) in connection.execute("select line from ledger.decisions").fetchall()}
    waiting = [
        (line, entry)
        for line, entry in enumerate(archive.read_log(home), start=1)
        if (entry["kind"] == "delivery" and entry["file_id"] not in known)
        or (entry["kind"] == "decision" and line not in done)
    ]
    if waiting:
        from ingest.replay import replay  # Here, because mostly nothing waits, and no reader is needed.

        replay(connection, home, settings, waiting)


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
    try:
        return duckdb.connect(str(home.landing), config=engine.settings())
    except duckdb.Error as error:
        raise damage(home, error) from None


def _built_from(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The contract that the database was made from; None for one that is new."""
    try:
        return str(connection.execute("select contract_hash from ledger.built_from").fetchall()[0][0])
    except duckdb.CatalogException:
        return None


def _contract_hash() -> str:
    # Not the sources: a delivery is read with the mapping of its day.
    digest = hashlib.sha256(str(LANDING_VERSION).encode())
    for system in SYSTEMS:
        digest.update((FEEDS_FOLDER / f"{system}.yml").read_bytes())
    return digest.hexdigest()


def _drop(home: Home) -> None:
    home.landing.unlink(missing_ok=True)
    home.landing.with_name(f"{home.landing.name}.wal").unlink(missing_ok=True)
