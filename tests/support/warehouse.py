"""A whole warehouse from a few lines of csv: landed and built for real, for tests to ask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from forecourt.build import NodeResult, build
from forecourt.home import Home
from forecourt.settings_file import load_settings
from ingest.landing import land


def make_warehouse(
    folder: Path,
    files: Mapping[str, str],
    settings_toml: str = "",
    *,
    select: str | None = None,
    tests: bool = False,
    unit_tests: bool = False,
) -> Home:
    """A home in ``folder`` with the files landed and the marts built.

    ``files``: native file name (``dms_deals_2026-03-31.csv``; the date is the day it speaks for) -> csv text.
    ``select`` is a dbt selection, such as ``+path:marts/finance +int_receivables_aged``, to build a part; with
    ``tests`` the build is tested, too. Fails the test where a file does not land or a node of the build breaks.
    """
    home = Home(folder / "home")
    home.create()
    home.settings.write_text(settings_toml, encoding="utf-8")
    settings = load_settings(home.settings)
    exports = folder / "exports"
    exports.mkdir()
    for name, text in files.items():
        (exports / name).write_text(text, encoding="utf-8")
    with home.lock():
        landed = land(home, settings, [exports])
        refused = [f"{file.name}: {file.reason}" for file in landed if file.status != "landed"]
        assert not refused, refused
        nodes = build(home, settings, select=select, tests=tests, unit_tests=unit_tests)
    broken = [f"{node.name}: {node.message}" for node in nodes if is_broken(node)]
    assert not broken, broken
    return home


def is_broken(node: NodeResult) -> bool:
    """True when a node of a build is more than a finding: an error, a failed test of ours, or skipped for one."""
    return node.status not in ("success", "pass", "warn", "no-op")


def opened(home: Home) -> duckdb.DuckDBPyConnection:
    """The built file, read-only."""
    return duckdb.connect(str(home.warehouse), read_only=True)
