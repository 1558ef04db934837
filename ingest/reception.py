"""A file that is received: its bytes or those of each file in it into archive, log and landing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, file_landing
from ingest.arrival import Arrival
from ingest.containers import is_container, members
from ingest.file_landing import FileLanding
from ingest.mapped import Bytes
from ingest.outcome import FileResult, Held, SameAgain
from ingest.recognition import Recognised, recognise
from ingest.source_file import load_sources


def receive(arrival: Arrival, data: Bytes, digest: str, stored: Future[None]) -> Iterator[FileResult]:
    """Receives one file, or each file of a container as a delivery; the container is kept beside them. ``stored``: done
    once the archive has the bytes."""
    if not is_container(data):
        yield _received(arrival, arrival.path.name, data, digest, stored)
        return
    try:
        files = members(arrival.path.name, data)
    except Problem:
        # A delivery like any other, so that the ledger has the reason.
        yield _received(arrival, arrival.path.name, data, digest, stored)
        return
    _keep_container(arrival, data, digest, stored)
    for file in files:
        own = archive.content_hash(file.content)
        known = _known(arrival, file.name, own) or arrival.known_before(file.name, len(file.content), own, digest)
        if known:
            yield known
            continue
        with ThreadPoolExecutor(1) as archiving:
            kept = archiving.submit(archive.store, arrival.home, file.content, own)
            yield _received(arrival, file.name, file.content, own, kept, digest)


def _received(
    arrival: Arrival, name: str, data: Bytes, digest: str, stored: Future[None], container_hash: str | None = None
) -> FileResult:
    """Logs and lands one delivery, while it is archived."""
    connection, home, settings = arrival.connection, arrival.home, arrival.settings
    data = archive.kept(home, digest, data)
    recognised = _recognised(home, name, data)
    source = recognised.source if isinstance(recognised, Recognised) else None
    entry = arrival.entry(name, len(data), digest, source, container_hash)
    refused = _refused_again(connection, home, settings, entry, arrival.path, recognised)
    if refused:
        return refused

    def record() -> None:
        stored.result()
        archive.append_log(home, entry)

    return file_landing.land_delivery(
        connection,
        home,
        settings,
        entry,
        data,
        path=arrival.path,
        recognised=recognised,
        on_rows=arrival.on_rows,
        record=record,
    )


def _known(arrival: Arrival, name: str, digest: str) -> FileResult | None:
    """The answer for a file of a container that still lies there because another file of it was refused."""
    known = arrival.connection.execute(
        """select file_id, source from ledger.files
            where content_hash = ? and name = ? and exported_at = ? and status in ('landed', 'held')
            order by received_at limit 1""",
        [digest, name, arrival.exported(name)[0]],
    ).fetchone()
    if not known:
        return None
    reason = f"these bytes came as {name} before, so nothing changes."
    return FileResult(arrival.path, name, known[0], known[1], "same again", reason)


def _keep_container(arrival: Arrival, data: Bytes, digest: str, stored: Future[None]) -> None:
    """Notes a container in the log, once, as soon as the archive has its bytes."""
    logged = {entry["content_hash"] for entry in archive.read_log(arrival.home) if entry["kind"] == "container"}
    if digest not in logged:
        stored.result()
        received_at = archive.utc(arrival.received_at or datetime.now(UTC))
        archive.append_log(
            arrival.home,
            {
                "kind": "container",
                "content_hash": digest,
                "name": arrival.path.name,
                "bytes": len(data),
                "received_at": received_at,
            },
        )


def _recognised(home: Home, name: str, data: Bytes) -> Recognised | Problem:
    try:
        return recognise(name, data, partial(load_sources, home.sources))
    except Problem as problem:
        return problem


def _refused_again(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    entry: dict[str, Any],
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
