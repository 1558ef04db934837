"""A home of its own for a test: files written into it, landed, and the landing asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from forecourt.home import Home
from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest.contract import load_feeds
from ingest.landing import land
from ingest.outcome import FileResult

SETTINGS = """
[company]
name = "Test Motors"
time_zone = "UTC"
[[rooftops]]
code = "R1"
name = "North"
time_zone = "Europe/London"
[[rooftops]]
code = "R2"
time_zone = "UTC"
"""


@dataclass
class Scene:
    """One home under ``root``; ``given`` is a folder beside it for files to land."""

    root: Path

    def __post_init__(self) -> None:
        self.home = Home(self.root / "home")
        self.home.create()
        self.home.settings.write_text(SETTINGS)
        self.given = self.root / "given"
        self.given.mkdir(exist_ok=True)

    @property
    def settings(self) -> Settings:
        return load_settings(self.home.settings)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.given / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def land(self, *paths: Path, received_at: datetime | None = None) -> list[FileResult]:
        results = land(self.home, self.settings, paths, received_at=received_at)
        assert self.unaccounted() == []
        return results

    def land_text(self, name: str, content: str | bytes) -> FileResult:
        return self.land(self.write(name, content))[0]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home.landing), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def unaccounted(self) -> list[tuple[Any, ...]]:
        """Files whose rows read are not new + changed + unchanged + quarantined + skipped."""
        return self.rows(
            """select * from ledger.files
                where rows_read <> rows_new + rows_changed + rows_unchanged + rows_quarantined + rows_skipped"""
        )

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all landing tables, sorted."""
        tables = [feed.table for feed in load_feeds().values()]
        tables += [
            f"ledger.{name}"
            for name in (
                "files",
                "file_feeds",
                "full_scopes",
                "skipped",
                "sightings",
                "quarantine",
                "notes",
                "decisions",
                "headers",
            )
        ]
        return {table: sorted(self.rows(f"select * from {table}"), key=repr) for table in tables}
