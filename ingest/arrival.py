"""A file as it arrives from disk: known before, or handed on to be received."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive
from ingest.contract import load_feeds
from ingest.delivery import exported_at as exported_at_by_name
from ingest.delivery import is_full, native_feed, own_name
from ingest.intake import Taken
from ingest.outcome import FileAccount, FileResult, SameAgain, count
from ingest.pinned import pin
from ingest.sources import Source, native_source


def take(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    path: Path,
    taking: Callable[[], Taken],
    received_at: datetime | None,
    on_rows: Callable[[Path, int], None] | None,
) -> Iterator[FileResult]:
    """Archives, logs and lands one file from disk, or each file of a container. ``taking`` gives its bytes."""
    try:
        taken = taking()
    except Problem as problem:
        yield FileResult(path, path.name, status="refused", reason=str(problem))
        return
    arrival = Arrival(connection, home, settings, path, archive.utc(taken.changed_at), received_at, on_rows)
    results = []
    for result in _results(arrival, taken):
        results.append(result)
        yield result
    if path.parent.resolve() == home.inbox.resolve() and all(result.status != "refused" for result in results):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            results[-1].stays = (
                f"it cannot be removed from the inbox ({error.strerror}), and each run looks at it again. Give access "
                "to the inbox, or remove the file."
            )


def _results(arrival: Arrival, taken: Taken) -> Iterator[FileResult]:
    known = arrival.known_before(arrival.path.name, taken.size, taken.digest)
    if known:
        yield known
        return
    with ThreadPoolExecutor(1) as working:
        joining = working.submit(taken.content)
        from ingest.reception import receive  # Here, because a file that came before needs no reader.

        content = joining.result()
        stored = working.submit(archive.store, arrival.home, content, taken.digest)
        yield from receive(arrival, content, taken.digest, stored)


@dataclass(frozen=True)
class Arrival:
    """One file on disk, and what all deliveries in it have in common."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    settings: Settings
    path: Path
    changed_at: datetime
    received_at: datetime | None
    on_rows: Callable[[Path, int], None] | None

    def entry(
        self, name: str, size: int, digest: str, source: Source | None, container_hash: str | None = None
    ) -> dict[str, Any]:
        """What the log says of a delivery of so many bytes. ``container_hash``: of the container that it came in."""
        exported_at, exported_from = self.exported(name)
        delivery = 1 + count(self.connection, "select max(delivery) from ledger.files where content_hash = ?", digest)
        entry = {
            "kind": "delivery",
            "file_id": f"{digest[:16]}-{delivery}",
            "content_hash": digest,
            "delivery": delivery,
            "name": name,
            "bytes": size,
            "exported_at": exported_at,
            "exported_from": exported_from,
            "received_at": archive.utc(self.received_at or datetime.now(UTC)),
            **pin(self.home, source),
        }
        return entry | {"container_hash": container_hash} if container_hash else entry

    def known_before(self, name: str, size: int, digest: str, container_hash: str | None = None) -> FileResult | None:
        """The answer to a native file that came with these bytes and this name before and says nothing new, logged:
        it need not be read to tell. None for one that must be looked at."""
        source = self._native_before(name, digest)
        if source is None:
            return None
        entry = self.entry(name, size, digest, source, container_hash)
        result = FileResult(self.path, name, file_id=entry["file_id"])
        account = FileAccount(self.connection, entry, result)
        try:
            account.check(source)
        except SameAgain as outcome:
            result.status, result.reason = "same again", str(outcome)
            archive.append_log(self.home, entry)
            account.record_unlanded()
            return result
        return None

    def exported(self, name: str) -> tuple[datetime, str]:
        """When a delivery was exported and what says so: its own name, that of its container, or the file's time."""
        for part in reversed(name.split("/")):
            by_name = exported_at_by_name(part, self.settings.fallback.time_zone)
            if by_name:
                return by_name, "name"
        return self.changed_at, "file time"

    def _native_before(self, name: str, digest: str) -> Source | None:
        feed = native_feed(own_name(name))
        known = self.connection.execute(
            """select 1 from ledger.files
                where content_hash = ? and name = ? and source = ? and status in ('landed', 'held') limit 1""",
            [digest, name, feed],
        ).fetchall()
        return replace(native_source(load_feeds()[feed]), is_full=is_full(own_name(name))) if feed and known else None
