"""docs/performance.md, of which every bench writes one section: what it measured, and on which machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "performance.md"


def write(name: str, text: str) -> None:
    """Puts a section in the place of the one of that name, or at the end, with a line about the machine below it."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{text.strip()}\n\n{_machine()}\n{end}"
    known = REPORT.read_text("utf-8") if REPORT.exists() else "# Performance\n\nWritten by `make bench`.\n"
    if begin in known:
        before, _, rest = known.partition(begin)
        known = before + section + rest.partition(end)[2]
    else:
        known = f"{known.rstrip()}\n\n{section}\n"
    REPORT.write_text(known, "utf-8")


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, {os.cpu_count()} processors "
        f"({platform.machine()}), load {os.getloadavg()[1]:.1f}."
    )
