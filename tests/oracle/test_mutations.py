"""A small dealership changed at random: whatever its exports say, warehouse and oracle count the same.

One example holds many rooftops, each with its own changes, so that one landing and one build try them all.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.building import apart, compared
from tests.oracle.exports import contracts
from tests.oracle.records import Question
from tests.oracle.scene import EXPORTED, KEYS, TABLES, Rows, as_csv, scene

ROOFTOPS = 16
EXAMPLES = 1
#: Deliveries beside the first: one that is older and arrives all the same, one that is newer.
OLDER, NEWER = "2026-04-15", "2026-05-06"
QUESTIONS = (
    Question(date(2025, 12, 1), date(2026, 4, 30), date(2026, 4, 30)),
    Question(date(2026, 1, 1), date(2026, 3, 31), date(2026, 3, 31)),
    Question(date(2026, 1, 1), date(2026, 2, 28), date(2026, 5, 6)),
)
DAY = re.compile(r"\d{4}-\d\d-\d\d")
#: Amounts that are positive by contract, whatever they stand for.
POSITIVE = {"dms_invoices", "dms_instalments", "dms_payments"}


@dataclass(frozen=True)
class Change:
    """One change of one row of one feed, in the first delivery or in a file that carries only what it changes."""

    feed: str
    row: int
    column: int
    kind: str
    days: int
    delivery: str


changes = st.builds(
    Change,
    feed=st.sampled_from(sorted(TABLES)),
    row=st.integers(0, 10),
    column=st.integers(0, 20),
    kind=st.sampled_from(["delete", "repeat", "shift", "negate", "blank", "scale"]),
    days=st.sampled_from([-95, -31, -1, 1, 2, 14, 45, 400]),
    delivery=st.sampled_from([EXPORTED, EXPORTED, OLDER, NEWER]),
)


def required(feed: str) -> set[str]:
    """The columns that no row of a feed may leave empty."""
    return {name for name, column in contracts()[feed].columns.items() if column.required}


def changed(row: dict[str, str], columns: list[str], change: Change) -> dict[str, str] | None:
    """The cells that a change gives a row; None where it has none to change."""
    if change.kind == "shift":
        fits = [name for name in columns if DAY.match(row[name])]
    elif change.kind in ("negate", "scale"):
        fits = [name for name in columns if re.fullmatch(r"-?\d+\.\d\d", row[name])]
        if change.kind == "negate" and change.feed in POSITIVE:
            return None
    else:
        # A row without what is required is no row but a quarantine, which has its own tests.
        fits = [name for name in columns if row[name] and name not in required(change.feed)]
    if not fits:
        return None
    name = fits[change.column % len(fits)]
    cell = row[name]
    if change.kind == "shift":
        cell = (date.fromisoformat(cell[:10]) + timedelta(days=change.days)).isoformat() + cell[10:]
    elif change.kind == "negate":
        cell = cell.removeprefix("-") if cell.startswith("-") else f"-{cell}"
    elif change.kind == "scale":
        cell = f"{float(cell) * 1.37:.2f}"
    else:
        cell = ""
    return {name: cell}


def files_of(scenes: list[list[Change]]) -> dict[str, str]:
    """The files of all rooftops: name to text."""
    first: Rows = defaultdict(list)
    files: dict[str, str] = {}
    for number, wanted in enumerate(scenes):
        rooftop = f"M{number:02}"
        rows = apart(scene(), number)
        for change in wanted:
            table = rows[change.feed]
            keys = KEYS[change.feed]
            if not table:
                continue
            row = table[change.row % len(table)]
            free = [name for name in row if name not in keys]
            if change.kind == "delete":
                table.remove(row)
            elif change.kind == "repeat":
                name = keys[-1] if keys[-1] != "day" else keys[0]
                table.append(row | {name: f"{row[name]}{9 if name in ('line', 'instalment', 'event') else 'b'}"})
            elif cells := changed(row, free, change):
                if change.delivery == EXPORTED:
                    row.update(cells)
                else:
                    # A file with only the key, what is required and what has changed.
                    needed = [name for name in free if name in required(change.feed) or name in cells]
                    partial = {"rooftop": rooftop, **row, **cells}
                    name = f"{change.feed}_{rooftop}_{len(files):04}_{change.delivery}.csv"
                    files[name] = as_csv([partial], ["rooftop", *keys, *needed])
        for feed, table in rows.items():
            first[feed] += [{"rooftop": rooftop, **row} for row in table]
    for feed, table in first.items():
        header = scene()[feed][0]
        files[f"{feed}_{EXPORTED}.csv"] = as_csv(table, ["rooftop", *header])
    return files


def test_the_scene_as_it_was_written(tmp_path: Path) -> None:
    assert compared(tmp_path, files_of([[]]), QUESTIONS, by=None) == []


@settings(
    max_examples=EXAMPLES,
    # No shrinking: every try is a landing and a build, and the failure names the rooftop and its changes.
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.lists(changes, min_size=1, max_size=4), min_size=ROOFTOPS, max_size=ROOFTOPS))
def test_any_change_of_rows_and_files(scenes: list[list[Change]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mutations"))
    try:
        found = compared(folder, files_of(scenes), QUESTIONS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    blamed = {
        number: scenes[number] for number in range(len(scenes)) if any(f"'M{number:02}'" in line for line in found)
    }
    if found:
        pytest.fail("\n".join([*found, *(f"M{number:02}: {wanted}" for number, wanted in blamed.items())]))
