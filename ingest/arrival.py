"""A file as it arrives: its bytes or those of each file in it, known before or not, into archive, log and landing."""

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
from ingest.containers import is_container, members, own_name
from ingest.contract import load_feeds
from ingest.delivery import exported_at as exported_at_by_name
from ingest.delivery import is_full, native_feed
from ingest.file_landing import FileLanding, FileResult, Held, SameAgain, count, land_delivery
from ingest.intake import read_file
from ingest.mapped import Bytes
from ingest.pinned import pin
from ingest.recognition import Recognised, recognise
from ingest.sources import Source, native_source


def take(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    path: Path,
    received_at: datetime | None,
    on_rows: Callable[[Path, int], None] | None,
) -> Iterator[FileResult]:
    """Archives, logs and lands one file from disk, or each file of a container."""
    try:
        data, changed_at = read_file(path, home.inbox)
    except Problem as problem:
        yield FileResult(path, path.name, status="refused", reason=str(problem))
        return
    arrival = Arrival(connection, home, settings, path, archive.utc(changed_at), received_at, on_rows)
    is_done = True
    for result in arrival.take_container(data) if is_container(data) else [arrival.take(path.name, data)]:
        is_done = is_done and result.status != "refused"
        yield result
    if is_done and path.parent.resolve() == home.inbox.resolve():
        path.unlink()


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

    def take_container(self, data: Bytes) -> Iterator[FileResult]:
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

    def take(self, name: str, data: Bytes, container_hash: str | None = None) -> FileResult:
        """Archives, logs and lands one delivery. ``container_hash``: of the container that it came in."""
        connection, home, settings = self.connection, self.home, self.settings
        digest = archive.content_hash(data)
        data = archive.kept(home, digest, data)
        exported_at, exported_from = self._exported(name)
        delivery = 1 + count(connection, "select max(delivery) from ledger.files where content_hash = ?", digest)
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

            return land_delivery(
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
        landing = FileLanding(self.connection, self.home, self.settings, entry, result, None, False)
        try:
            landing.check(source)
        except SameAgain as outcome:
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

    def _keep_container(self, data: Bytes, digest: str) -> None:
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


def _recognised(name: str, data: Bytes) -> Recognised | Problem:
    try:
        return recognise(name, data)
    except Problem as problem:
        return problem


def _refused_again(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    entry: dict[str, Any],
    data: Bytes,
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
        FileLanding(connection, home, settings, entry, result, None, False).land(recognised)
    except (Held, SameAgain):
        return None
    except Problem as problem:
        for file_id, earlier in known:
            if earlier == str(problem):
                return FileResult(path, entry["name"], file_id, result.source, "refused", earlier)
    finally:
        connection.execute("rollback")
    return None
