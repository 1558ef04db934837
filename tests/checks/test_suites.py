"""Conventions of the suites: documented columns only, numbers with a dated reason, queries that bind."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from string import Template

import duckdb
import pytest
import yaml

from checks import candidate, deliveries
from checks.suite import THRESHOLDS, Expectation, thresholds
from forecourt.build import PROJECT
from ingest.contract import load_feeds
from tests.checks.checks_scene import META, documented_marts

ALL = (*deliveries.SUITE, *candidate.SUITE)


def test_names_are_unique() -> None:
    assert len({expectation.name for expectation in ALL}) == len(ALL)


@pytest.mark.parametrize("expectation", candidate.SUITE, ids=lambda expectation: expectation.name)
def test_an_expectation_reads_documented_columns_and_declares_each(expectation: Expectation) -> None:
    """The query binds against tables that hold nothing but the declared columns, with their documented types."""
    marts = documented_marts()
    with duckdb.connect() as connection:
        connection.execute(META)
        connection.execute("create schema marts; attach ':memory:' as profile")
        connection.execute("create table profile.filled_marts (mart varchar, feed varchar, feed_rows int, rows int)")
        connection.execute("create table profile.mart_rows (mart varchar, rows int, published_rows int)")
        for table, columns in expectation.needs.items():
            schema, name = table.split(".")
            if schema == "marts":
                body = ", ".join(f'"{column}" {marts[name][column]}' for column in columns)
                connection.execute(f"create table marts.{name} ({body})")
        connection.execute(expectation.query())


def test_every_threshold_carries_a_dated_reason_and_is_used() -> None:
    entries = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    used = "".join(expectation.failing + expectation.says for expectation in ALL)
    code = Path(deliveries.__file__).read_text(encoding="utf-8")
    for name, entry in entries.items():
        assert isinstance(entry["since"], date), name
        assert len(entry["reason"]) > 30, name
        assert f"${name}" in used + code, name
    for expectation in ALL:
        assert set(Template(expectation.failing).get_identifiers()) <= set(entries)
        assert "$" not in expectation.sentence()


def test_a_sentence_shows_numbers_as_people_write_them() -> None:
    (margin,) = (expectation for expectation in ALL if expectation.name == "deal_margin")
    assert "between −50 % and 60 % of it" in margin.sentence()
    assert thresholds()["empty_share_rise"].words() == "20 points"


def test_important_columns_are_optional_columns_of_their_feed() -> None:
    """A required column cannot be empty: such a row is quarantined."""
    for feed, columns in deliveries.IMPORTANT.items():
        for column in columns:
            assert not load_feeds()[feed].columns[column].required, (feed, column)


def test_the_contract_is_read_as_the_landing_reads_it() -> None:
    read = deliveries.contract()
    assert {feed: entry["schema"] for feed, entry in read.items()} == {
        feed.name: feed.schema for feed in load_feeds().values()
    }


def test_marts_of_feeds_are_documented() -> None:
    assert set(candidate.MART_OF_FEED) <= set(load_feeds())
    assert set(candidate.MART_OF_FEED.values()) <= set(documented_marts())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dms_deals_2026-01-31.csv", "dms_deals_*.csv"),
        ("dms_deals_R1_20260131T0610.full.csv", "dms_deals_R1_*.full.csv"),
        ("DVD123_20260131_0610_SL.txt", "DVD123_*_SL.txt"),
        ("dms_deals_2026-01-31T06:10:59Z.csv", "dms_deals_*.csv"),
        ("dms_deals_4711.csv", "dms_deals_4711.csv"),
    ],
)
def test_the_date_in_a_name_is_no_part_of_its_kind(name: str, kind: str) -> None:
    query = f"select regexp_replace($1, '{deliveries.DATE_IN_NAME}', '*', 'g')"
    assert duckdb.execute(query, [name]).fetchone() == (kind,)


def test_checks_import_nothing_but_the_kernel() -> None:
    for path in (PROJECT / "checks").glob("*.py"):
        assert not {"ingest", "dashboards"} & {
            line.split()[1].split(".")[0]
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith(("import ", "from "))
        }, path
