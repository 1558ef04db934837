"""The contract of every source: a small invented file of its kind is known as its own and gives these feed rows.

``tests/ingest/sources/<source>.yml`` holds the file as text, its name, and per feed the rows with their typed values as
text; an empty value is left out. ``withheld``: lines that end in quarantine, with the reason's code.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from forecourt.errors import Problem
from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest import quarantine
from ingest.contract import load_feeds
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import load_sources
from ingest.sources import Source
from ingest.staging import split, stage
from ingest.values import prepare
from tests.ingest.landing_scene import SETTINGS

SAMPLES = {path.stem: path for path in sorted((Path(__file__).parent / "sources").glob("*.yml"))}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    path = tmp_path_factory.mktemp("settings") / "forecourt.toml"
    path.write_text(SETTINGS)
    return load_settings(path)


@pytest.fixture(scope="module")
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        prepare(opened)
        yield opened


def sample(name: str) -> dict[str, Any]:
    given: dict[str, Any] = yaml.safe_load(SAMPLES[name].read_text(encoding="utf-8"))
    return given


def content(source: Source, text: str) -> bytes:
    """The text in the first encoding of the source that can write it: a table's last is its widest."""
    encodings = [dialect.encoding for dialect in source.dialects] if source.reader == "table" else ["utf-8"]
    return text.encode(encodings[-1] if encodings[-1] != "detect" else "utf-8")


def staged_rows(
    connection: duckdb.DuckDBPyConnection, settings: Settings, name: str, data: bytes
) -> tuple[dict[str, list[dict[str, str]]], dict[int, str]]:
    """Per feed the sound rows in the order of the file, and line -> reason code of the others."""
    recognised = recognise(name, data)
    rows = read_rows(recognised, settings)
    staged = stage(connection, recognised.source, rows, settings)
    found, withheld = {}, {bad.row_number: bad.reason_code for bad in rows.bad}
    for feed in staged.feeds.values():
        split(connection, staged, feed)
        withheld |= {row.row_number: row.reason_code for row in quarantine.unsound(connection, feed, rows.raw)}
        names = ", ".join(f'"{column}"::varchar as "{column}"' for column in feed.all_columns)
        cursor = connection.execute(f"select {names} from incoming order by row_id, key")
        columns = [column[0] for column in cursor.description or ()]
        found[feed.name] = [
            {column: value for column, value in zip(columns, row, strict=True) if value is not None}
            for row in cursor.fetchall()
        ]
        connection.execute(f"drop table typed_{feed.name} cascade")
    return found, withheld


def test_every_source_has_its_sample_and_says_what_it_was_made_from() -> None:
    assert set(SAMPLES) == set(load_sources())
    said = {name: yaml.safe_load(source.text).get("evidence") for name, source in load_sources().items()}
    assert [name for name, evidence in said.items() if not evidence] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_the_source_gives_its_feed_rows(
    connection: duckdb.DuckDBPyConnection, settings: Settings, name: str
) -> None:
    given = sample(name)
    source = load_sources()[name]
    data = content(source, given["text"])
    assert recognise(given["file"], data).source.name == name
    found, withheld = staged_rows(connection, settings, given["file"], data)
    assert {feed: rows for feed, rows in found.items() if rows} == given["rows"]
    assert withheld == given.get("withheld", {})
    assert set(found) <= set(load_feeds())


@pytest.mark.parametrize("name", SAMPLES)
def test_no_other_source_takes_its_file(name: str) -> None:
    given = sample(name)
    source = load_sources()[name]
    data = content(source, given["text"])
    others = {other: declared for other, declared in load_sources().items() if other != name}
    with pytest.raises(Problem):
        # XML of any name may be a lead, so a file that no name tells is judged by what is in it.
        recognise(given["file"] if source.patterns else "export.dat", data, lambda: others)
    if source.signature:
        assert recognise("export.dat", data).source.name == name
