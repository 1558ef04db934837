"""Native csv exports as the oracle reads them: typed rows, and the state that all versions of a key add up to.

Shares nothing with the landing but the contract of the feeds (names, keys, types, values).
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.clock import moment, through
from tests.oracle.settings import Rooftop, Settings

CONTRACT = Path(__file__).resolve().parents[2] / "ingest" / "feeds"
STAMP = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d)(\d\d)(\d\d)?)?")
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """One column of a feed's contract."""

    kind: str
    required: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """One feed: its key, its columns and whether its rows are money that a full file cannot take away."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    is_money: bool


@dataclass(frozen=True)
class Version:
    """What one file row said of one key."""

    order: tuple[Any, ...]
    exported_at: datetime
    values: Row


@dataclass
class Record:
    """A key's state in force (``row``), its versions in order, and the day from which a full file left it out."""

    row: Row
    versions: list[Version] = field(default_factory=list)
    gone_on: date | None = None

    def states(self) -> Iterator[tuple[Version, Row]]:
        """Every version with the state it led to."""
        state: Row = {}
        for version in self.versions:
            state = state | version.values
            yield version, state


@dataclass(frozen=True)
class ExportFile:
    """One file: its rows that passed the contract, and what it speaks for."""

    name: str
    digest: str
    exported_at: datetime
    is_full: bool
    rows: tuple[tuple[int, Key, Row], ...]


@cache
def contracts() -> dict[str, Contract]:
    """The contract of every feed."""
    found = {}
    for path in sorted(CONTRACT.glob("*.yml")):
        for name, spec in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if not isinstance(spec, dict) or "key" not in spec:
                continue
            columns = {
                column: Column(said["type"], said.get("required", False), tuple(said.get("values", ())))
                for column, said in spec["columns"].items()
            }
            columns["updated_at"] = Column("instant")
            found[name] = Contract(name, tuple(spec["key"]), columns, bool(spec.get("money")))
    return found


def feed_of(name: str) -> str | None:
    """The feed a native csv file belongs to, by its name."""
    stem = name.removesuffix(".csv")
    fits = [feed for feed in contracts() if stem == feed or stem.startswith((f"{feed}_", f"{feed}."))]
    return max(fits, key=len) if name.endswith(".csv") and fits else None


def read_feeds(folder: Path, settings: Settings) -> dict[str, dict[Key, Record]]:
    """Every feed of a folder, folded: key to record. A feed that no file carries is absent."""
    files: dict[str, list[ExportFile]] = defaultdict(list)
    for path in sorted(folder.glob("*.csv")):
        feed = feed_of(path.name)
        if feed:
            files[feed].append(read_file(path, contracts()[feed], settings))
    return {feed: fold(contracts()[feed], found, settings) for feed, found in files.items()}


def read_file(path: Path, contract: Contract, settings: Settings) -> ExportFile:
    """One csv file; rows that fail a key or a required column are left out."""
    content = path.read_bytes()
    lines = content.decode("utf-8-sig").splitlines(keepends=True)
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    rows = []
    for number, cells in enumerate(reader, start=1):
        if len(cells) != len(header):
            continue
        found = typed(dict(zip(header, cells, strict=True)), contract, settings)
        if found is not None:
            rows.append((number, tuple(found.get(part) for part in contract.key), found))
    return ExportFile(
        path.name,
        hashlib.sha256(content).hexdigest(),
        exported_at(path.name, settings),
        ".full." in path.name,
        tuple(rows),
    )


def exported_at(name: str, settings: Settings) -> datetime:
    """The instant in a file's name; a day alone speaks for that whole day."""
    found = STAMP.search(name)
    if found is None:
        raise ValueError(f"{name}: the oracle reads files whose name says when they were exported")
    hour, minute, second = found[2], found[3], found[4]
    at = time(int(hour), int(minute), int(second or 0)) if hour else time(23, 59, 59)
    return datetime.combine(date.fromisoformat(found[1]), at, settings.company.zone).astimezone(UTC)


def newest_day(folder: Path, settings: Settings) -> date:
    """The last day that any native file of a folder speaks for; before six in the morning the day before counts."""
    local = [
        exported_at(path.name, settings).astimezone(settings.company.zone)
        for path in folder.glob("*.csv")
        if feed_of(path.name)
    ]
    return max(at.date() - (timedelta(days=1) if at.hour < 6 else timedelta()) for at in local)


def typed(cells: Mapping[str, str], contract: Contract, settings: Settings) -> Row | None:
    """The canonical columns of a row, typed; None where the row breaks the contract."""
    rooftop = settings.rooftop((cells.get("rooftop") or "").strip())
    found: Row = {}
    for name, text in cells.items():
        column = contract.columns.get(name)
        if column is None:
            continue
        try:
            found[name] = _value(text.strip(), column, rooftop)
        except (ValueError, InvalidOperation):
            found[name] = None
    required = {name for name, column in contract.columns.items() if column.required}
    return None if any(found.get(name) is None for name in required) else found


def _value(text: str, column: Column, rooftop: Rooftop) -> Any:
    if not text:
        return None
    if column.kind == "text":
        if column.values and text not in column.values:
            raise ValueError(text)
        return text
    if column.kind == "instant":
        return moment(text, rooftop)
    parsers: dict[str, Callable[[str], Any]] = {
        "date": date.fromisoformat,
        "integer": int,
        "money": lambda cell: cents(Decimal(cell)),
        "number": Decimal,
        "boolean": lambda cell: TRUTH.get(cell.lower()),
    }
    return parsers[column.kind](text)


def cents(amount: Decimal) -> Decimal:
    """Half away from zero to the cent."""
    return amount.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


def fold(contract: Contract, files: list[ExportFile], settings: Settings) -> dict[Key, Record]:
    """Per key and column the last version whose file carries the column; keys left out by a full file are gone."""
    versions: dict[Key, list[Version]] = defaultdict(list)
    for file in files:
        for number, key, row in file.rows:
            updated = row.get("updated_at")
            changed = updated.at if updated else datetime.min.replace(tzinfo=UTC)
            order = (file.exported_at, changed, file.name, file.digest, number)
            versions[key].append(Version(order, file.exported_at, row))
    records = {}
    for key, found in versions.items():
        found.sort(key=lambda version: version.order)
        record = Record({}, found)
        for version in found:
            record.row |= version.values
        record.gone_on = _gone_on(contract, key, found, files, settings)
        records[key] = record
    return records


def _gone_on(
    contract: Contract, key: Key, versions: list[Version], files: list[ExportFile], settings: Settings
) -> date | None:
    """The day of the first full file that left a key out after its last appearance; None while it is there."""
    if contract.is_money or "rooftop" not in contract.key:
        return None
    rooftop = key[contract.key.index("rooftop")]
    at = contract.key.index("rooftop")
    last = versions[-1].exported_at
    omitted = [
        file.exported_at
        for file in files
        if file.is_full and file.exported_at > last and any(other[at] == rooftop for _, other, _ in file.rows)
    ]
    return through(min(omitted), settings.rooftop(rooftop)) if omitted else None
