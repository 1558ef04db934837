"""Decisions that a person takes now: each reaches the log, with who and why, and is carried out.

``confirm`` lands a held file, ``retry_file`` a refused one, ``decide`` settles withheld rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import duckdb

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive, decisions
from ingest.contract import load_feeds
from ingest.decisions import Decided
from ingest.landing import open_landing
from ingest.outcome import FileResult
from ingest.pinned import pin
from ingest.recognition import recognise
from ingest.replay import land_again
from ingest.source_file import load_sources
from ingest.sources import native_source


def confirm(home: Home, settings: Settings, file_id: str, *, who: str, why: str) -> FileResult:
    """Lands a file that was held; the decision is written to the log first. The caller holds ``home.lock()``.

    Raises Problem when no such file is held.
    """
    with open_landing(home, settings) as connection:
        _waiting(connection, file_id, "held")
        entry = _decision("confirm", file_id, who, why)
        archive.append_log(home, entry)
        return land_again(connection, home, settings, entry, len(archive.read_log(home)))


def retry_file(home: Home, settings: Settings, file_id: str, *, who: str, why: str) -> FileResult:
    """Reads a file that was refused once more, with the present mappings; the caller holds ``home.lock()``.

    Raises Problem when no such file was refused, or when it would be refused again: then nothing is logged.
    """
    with open_landing(home, settings) as connection:
        name, digest = _waiting(connection, file_id, "refused")
        try:
            source = recognise(name, archive.fetch(home, digest), partial(load_sources, home.sources)).source
        except Problem as problem:
            raise Problem(f"{name}: {problem}") from None
        entry = _decision("retry", file_id, who, why) | pin(home, source)
        archive.append_log(home, entry)
        return land_again(connection, home, settings, entry, len(archive.read_log(home)))


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


def _waiting(connection: duckdb.DuckDBPyConnection, file_id: str, status: str) -> tuple[str, str]:
    """Name and content hash of a file that is held or refused. Raises Problem where none is."""
    found = connection.execute(
        "select name, content_hash from ledger.files where file_id = ? and status = ?", [file_id, status]
    ).fetchone()
    if not found:
        raise Problem(f"No file {file_id} is {status}. `forecourt status` lists the files that are.")
    name, digest = found
    return name, digest


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
    source = native_source(load_feeds()[name]) if name in load_feeds() else load_sources(home.sources).get(name)
    if source is None:
        raise Problem(f"The kind of file {name} is no longer declared, neither in {home.sources} nor by forecourt.")
    return pin(home, source)
