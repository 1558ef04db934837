"""An oracle for row versions: it keeps every file whole and folds the history of a key from all of them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

COLUMNS = ("rooftop", "task_id", "lead_id", "kind", "created_at", "due_at", "completed_at", "employee", "updated_at")
KEY = ("rooftop", "task_id")
INSTANTS = ("created_at", "due_at", "completed_at", "updated_at")

Row = dict[str, str]

#: Instants are UTC without offset, as in the landing.
START = datetime.fromisoformat("2026-01-01T06:00")
NEVER = datetime.fromisoformat("0001-01-01")


@dataclass(frozen=True)
class HistoryFile:
    """One export of crm_tasks; rows as text. A row whose due_at is empty goes to quarantine, and so do the lines in
    ``torn``, whose key nobody can tell."""

    name: str
    exported_at: datetime
    is_full: bool
    carried: tuple[str, ...]
    rows: tuple[Row, ...]
    torn: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        lines = [",".join(self.carried)] + [",".join(row[column] for column in self.carried) for row in self.rows]
        lines += self.torn
        return ("\n".join(lines) + "\n").encode()

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_bytes(self.content)
        return path


def random_history(source: random.Random, files: int) -> list[HistoryFile]:
    """Files with ties of exported_at and updated_at, full and partial, several rows a key, quarantined rows."""
    # Few different rows, so that files often repeat what others said; "single" is one key that changes to and fro,
    # "torn" has full files that state little and name the rest on lines that cannot be read.
    mode = source.choice(("wide", "dense", "single", "torn", "torn"))
    keys = {
        "wide": [("R1", "T1"), ("R1", "T-2"), ("R2", "T1")] * 2,
        "dense": [("R1", "T1"), ("R1", "T1"), ("R1", "T2")],
        "single": [("R1", "T1")] * 2,
        "torn": [("R1", "T1"), ("R1", "T-2"), ("R1", "T-2")],
    }[mode]
    pool = [_random_row(source, rooftop, task) for rooftop, task in keys]
    made: list[HistoryFile] = []
    for number in range(files):
        at = START + timedelta(hours=source.randrange(6 if mode != "single" else 12))
        is_full = mode != "single" and source.random() < (0.6 if mode == "torn" else 0.4)
        optional = ("lead_id", "kind", "created_at", "completed_at", "employee", "updated_at")
        carried = COLUMNS
        if mode != "single" and source.random() < 0.4:
            left_out = {column for column in optional if source.random() < 0.4}
            carried = tuple(column for column in COLUMNS if column not in left_out)
        rooftops = source.choice((("R1",), ("R2",), ("R1", "R2"))) if mode == "wide" else ("R1",)
        fitting = [row for row in pool if row["rooftop"] in rooftops]
        count = 1 if mode in ("single", "torn") else source.randrange(1 if is_full else 0, 4)
        rows = tuple(source.choice(fitting) for _ in range(count))
        name = f"crm_tasks_{source.choice('abc')}{number}{'.full' if is_full else ''}.{at:%Y-%m-%dT%H%M}.csv"
        torn = _random_torn(source, carried) if source.random() < (0.9 if mode == "torn" else 0.3) else ()
        file = HistoryFile(name, at, is_full, carried, rows, torn)
        if not any(other.content == file.content and other.exported_at == at for other in made):
            made.append(file)
    return made


def _random_row(source: random.Random, rooftop: str, task: str) -> Row:
    return {
        "rooftop": rooftop,
        "task_id": task,
        "lead_id": source.choice(("", "L1")),
        "kind": source.choice(("", "call", "visit")),
        "created_at": source.choice(("", "2026-01-01", "2026-01-01T00:00:00Z", "soon")),
        "due_at": source.choice(("2026-01-02T10:00:00Z",) * 7 + ("",)),
        "completed_at": source.choice(("", "2026-01-02T11:00:00Z")),
        "employee": source.choice(("", "E1")),
        "updated_at": source.choice(("", "2026-01-01T05:00:00Z", "2026-01-01T05:30:00Z")),
    }


def _random_torn(source: random.Random, carried: tuple[str, ...]) -> tuple[str, ...]:
    """Lines that name a task or nearly so: with more values than columns, or in place of a row without a rooftop."""
    named = ("T1", "t1", "T-2", "t 2", "T1 and T-2")
    said = (*named * 4, "T2", "2 T", "T12", "T-21", "XT1", "nothing")
    lines = []
    for _ in range(source.choice((1, 1, 2))):
        what = source.choice(said)
        values = [what if name == "task_id" else "" for name in carried]
        lines.append(source.choice((",".join(values), f"R1,{what},,,,,,,,,,,", f"x,R2,{what},,,,,,,,,,,,")))
    return tuple(lines)


def expected_state(files: list[HistoryFile]) -> dict[str, tuple[bool, dict[str, Any]]]:
    """Key -> (is gone, column -> value in force), from whole files in the order of the contract, however they came."""
    events: list[tuple[Any, ...]] = []
    for file in files:
        place = (file.name, file.digest)
        for number, row in enumerate(file.rows, start=2):
            if row["due_at"]:
                updated = _instant(row["updated_at"]) if "updated_at" in file.carried else None
                order = (file.exported_at, updated is not None, updated or NEVER, *place, number)
                events.append((order, "row", _key(row), {name: _value(name, row[name]) for name in file.carried}))
        if file.is_full:
            order = (file.exported_at, False, NEVER, *place, 0)
            stated = {_key(row) for row in file.rows}
            events.append((order, "full", {row["rooftop"] for row in file.rows}, (stated, file.torn)))
    state: dict[str, tuple[bool, dict[str, Any]]] = {}
    for _, kind, subject, content in sorted(events, key=lambda event: event[0]):
        if kind == "row":
            values = dict(state.get(subject, (False, {}))[1])
            state[subject] = (False, values | content)
            continue
        stated, torn = content
        for key, (is_gone, values) in state.items():
            rooftop, task = key.split("|")
            # A line that cannot be read and names the task may be the task's: then the file does not say that it ended.
            if rooftop in subject and key not in stated and not any(_names(line, task) for line in torn):
                state[key] = (True, values)
            else:
                state[key] = (is_gone, values)
    empty = {name: _value(name, "") for name in COLUMNS}
    return {key: (is_gone, empty | values) for key, (is_gone, values) in state.items()}


def landed_state(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[bool, dict[str, Any]]]:
    """The same from the stored versions, folded as the models fold them."""
    rows = connection.execute(
        f"""select key, op, carried, day_only, bad, {", ".join(f"versions.{name}" for name in COLUMNS)}
            from crm.crm_tasks as versions
            inner join ledger.files as files on versions.file_id = files.file_id
            order by versions.exported_at, versions.updated_at nulls first, files.name, files.content_hash,
                versions.row_number"""
    ).fetchall()
    state: dict[str, tuple[bool, dict[str, Any]]] = {}
    for key, op, carried, day_only, bad, *values in rows:
        held = dict(state.get(key, (False, {name: _value(name, "") for name in COLUMNS}))[1])
        if op == "row":
            failed = json.loads(bad or "{}")
            names = COLUMNS if carried is None else carried.split(",")
            for name, value in zip(COLUMNS, values, strict=True):
                if name in names:
                    held[name] = (value, failed.get(name), name in (day_only or "").split(","))
        state[key] = (op == "removed", held)
    return state


def _names(line: str, task: str) -> bool:
    """Whether a line has what the task is called, letter by letter and digit by digit, with nothing more on it."""
    read, sought = (
        " ".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())
        for text in (line, task)
    )
    return f" {sought} " in f" {read} "


def _key(row: Row) -> str:
    return "|".join(row[name] for name in KEY)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _value(name: str, text: str) -> tuple[Any, str | None, bool]:
    """Typed value, text that failed, and whether only a day was given; the rooftops' clocks stand at UTC."""
    if name in INSTANTS:
        value = _instant(text)
        return value, (text or None) if value is None else None, value is not None and len(text) == 10
    return text or None, None, False
