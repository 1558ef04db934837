from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt import __version__
from forecourt.asof import known_at as built_as_known
from forecourt.build import FOREVER, Paths
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.inputs import write_inputs
from forecourt.meta import CheckResult, write_checks, write_meta
from forecourt.settings import Settings
from forecourt.settings_file import load_settings
from ingest.contract import create_schema

SETTINGS = """
[[rooftops]]
code = "R1"
time_zone = "Europe/London"
[[rooftops]]
code = "R2"
time_zone = "America/New_York"
"""
MANIFEST = {
    "semantic_models": {},
    "metrics": {},
    "nodes": {
        "model.forecourt.fct_lead": {
            "name": "fct_lead",
            "resource_type": "model",
            "schema": "marts",
            "columns": {
                "budget": {
                    "name": "budget",
                    "data_type": "decimal(18,2)",
                    "description": "What the customer would spend.",
                    "config": {"meta": {"unit": "money"}},
                }
            },
            "depends_on": {"nodes": ["model.forecourt.stg_crm__leads"]},
        },
        "model.forecourt.stg_crm__leads": {
            "name": "stg_crm__leads",
            "resource_type": "model",
            "schema": "staging",
            "columns": {},
            "depends_on": {"nodes": []},
        },
    },
}


class Scene:
    """A home between a build and its meta: a landing with what a test lands, settings, an empty candidate."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "o'hara" / "warehouse")
        self.home.create()
        self.paths = Paths(self.home.build)
        self.paths.target.mkdir()
        (self.paths.target / "manifest.json").write_text(json.dumps(MANIFEST), encoding="utf-8")
        self.home.settings.write_text(SETTINGS, encoding="utf-8")
        with duckdb.connect(str(self.home.landing)) as landing:
            create_schema(landing)

    @property
    def settings(self) -> Settings:
        return load_settings(self.home.settings)

    def land(
        self, file_id: str, exported_at: str, *rows: tuple[str, str, str], received_at: str = "2026-04-01"
    ) -> None:
        """Files with rows of (table, rooftop, key); of a sighting the table starts with '='."""
        with duckdb.connect(str(self.home.landing)) as landing:
            landing.execute(
                "insert into ledger.files (file_id, name, exported_at, received_at, status) "
                "values ($1, $1 || '.csv', $2, $3, 'landed')",
                [file_id, exported_at, received_at],
            )
            for number, (table, rooftop, key) in enumerate(rows, start=2):
                if table.startswith("="):
                    landing.execute(
                        "insert into ledger.sightings (feed, key, file_id, row_number) values ($1, $2, $3, $4)",
                        [table[1:], key, file_id, number],
                    )
                    continue
                place = {} if table == "dms_time_clock" else {"rooftop": rooftop}
                values = place | {
                    "key": key,
                    "op": "row",
                    "file_id": file_id,
                    "row_number": number,
                    "landed_at": received_at,
                }
                landing.execute(
                    f"insert into {table.split('_', maxsplit=1)[0]}.{table} ({', '.join(values)}) "
                    f"values ({', '.join('?' * len(values))})",
                    list(values.values()),
                )

    def write(self, known_at: datetime = FOREVER) -> None:
        for file in (self.paths.scratch, self.paths.warehouse):
            file.unlink(missing_ok=True)
        with duckdb.connect(str(self.paths.scratch)) as scratch:
            write_inputs(
                scratch,
                self.settings,
                rooftops=[],
                first_day=date(2026, 3, 1),
                last_day=date(2026, 3, 2),
                known_at=known_at,
            )
        with duckdb.connect(str(self.paths.warehouse)):
            pass
        write_meta(self.home, self.paths, run_id="run1", started_at=datetime(2026, 4, 1), known_at=None)  # noqa: DTZ001

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.paths.warehouse), read_only=True) as warehouse:
            return warehouse.execute(sql).fetchall()

    def freshness(self) -> dict[tuple[str, str | None], date]:
        rows = self.rows("select feed, rooftop, data_through from meta.freshness")
        return {(feed, rooftop): day for feed, rooftop, day in rows}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.metrics("0.data-through")
@pytest.mark.parametrize(
    ("exported_at", "day"),
    [
        ("2026-01-15 05:59:59", date(2026, 1, 14)),  # London in winter: UTC
        ("2026-01-15 06:00:00", date(2026, 1, 15)),
        ("2026-07-15 04:59:59", date(2026, 7, 14)),  # in summer an hour ahead
        ("2026-07-15 05:00:00", date(2026, 7, 15)),
        ("2026-07-14 23:30:00", date(2026, 7, 14)),  # half past midnight there
    ],
)
def test_an_export_before_six_in_the_morning_speaks_for_the_day_before(
    scene: Scene, exported_at: str, day: date
) -> None:
    scene.land("f1", exported_at, ("crm_leads", "R1", "R1|L1"))
    scene.write()
    assert scene.freshness() == {("crm_leads", "R1"): day}


def test_six_in_the_morning_is_that_of_the_rooftop(scene: Scene) -> None:
    scene.land("f1", "2026-01-15 08:00:00", ("crm_leads", "R1", "R1|L1"), ("crm_leads", "R2", "R2|L1"))
    scene.write()
    assert scene.freshness() == {
        ("crm_leads", "R1"): date(2026, 1, 15),
        ("crm_leads", "R2"): date(2026, 1, 14),
    }


def test_the_newest_file_counts_also_when_it_only_confirms(scene: Scene) -> None:
    scene.land("f1", "2026-01-15 12:00", ("crm_leads", "R1", "R1|L1"), ("dms_deals", "R1", "R1|D1"))
    scene.land("f2", "2026-01-20 12:00", ("=crm_leads", "R1", "R1|L1"))
    scene.land("f0", "2026-01-01 12:00", ("crm_leads", "R1", "R1|L0"))
    scene.write()
    assert scene.freshness() == {
        ("crm_leads", "R1"): date(2026, 1, 20),
        ("dms_deals", "R1"): date(2026, 1, 15),
    }


def test_what_arrived_after_known_at_makes_nothing_fresher(scene: Scene) -> None:
    scene.land("f1", "2026-01-15 12:00", ("crm_leads", "R1", "R1|L1"), received_at="2026-01-15 13:00")
    scene.land("f2", "2026-01-20 12:00", ("=crm_leads", "R1", "R1|L1"), received_at="2026-01-20 13:00")
    scene.write(known_at=datetime(2026, 1, 18))  # noqa: DTZ001
    assert scene.freshness() == {("crm_leads", "R1"): date(2026, 1, 15)}


def test_every_version_names_its_file_and_row(scene: Scene) -> None:
    scene.land("f1", "2026-01-15 12:00", ("crm_leads", "R1", "R1|L1"), ("dms_deals", "R1", "R1|D1"))
    scene.land("f2", "2026-01-16 12:00", ("crm_leads", "R1", "R1|L1"))
    scene.write()
    assert scene.rows("select feed, key, file_id, row_number from meta.versions order by all") == [
        ("crm_leads", "R1|L1", "f1", 2),
        ("crm_leads", "R1|L1", "f2", 2),
        ("dms_deals", "R1|D1", "f1", 3),
    ]
    assert scene.rows("select name, status from meta.files order by all") == [
        ("f1.csv", "landed"),
        ("f2.csv", "landed"),
    ]


def test_an_empty_landing_gives_empty_tables(scene: Scene) -> None:
    scene.write()
    for table in ("versions", "freshness", "files", "row_accounting", "quarantine", "metrics"):
        assert scene.rows(f"select count(*) from meta.{table}") == [(0,)], table
    assert scene.rows("select run_id, known_at, version from meta.runs") == [("run1", None, __version__)]


def test_only_columns_of_marts_are_told_to_readers(scene: Scene) -> None:
    scene.write()
    assert scene.rows("select * from meta.columns") == [
        ("fct_lead", "budget", "decimal(18,2)", "What the customer would spend.", "money", "stg_crm__leads")
    ]


def test_checks_keep_the_rows_that_failed_them(scene: Scene) -> None:
    scene.write()
    write_checks(
        scene.paths,
        [
            CheckResult("no_orphans", "dbt test", "finding", 1, "A deal without a lead.", [{"day": date(2026, 3, 1)}]),
            CheckResult("keys", "dbt test", "passed", 0, ""),
        ],
    )
    assert scene.rows("select name, outcome, failures, rows from meta.check_results order by name") == [
        ("keys", "passed", 0, "[]"),
        ("no_orphans", "finding", 1, '[{"day": "2026-03-01"}]'),
    ]


def test_meta_is_written_anew_over_itself(scene: Scene) -> None:
    scene.land("f1", "2026-01-15 12:00", ("crm_leads", "R1", "R1|L1"))
    scene.write()
    write_meta(scene.home, scene.paths, run_id="run2", started_at=datetime(2026, 4, 2), known_at=None)  # noqa: DTZ001
    assert scene.rows("select run_id from meta.runs") == [("run2",)]
    assert scene.rows("select count(*) from meta.versions") == [(1,)]


# Time travel before the first delivery: a sentence, and no build.


def test_nothing_was_known_before_the_first_delivery(scene: Scene) -> None:
    def ask(instant: str) -> str:
        with (
            pytest.raises(Problem) as caught,
            built_as_known(scene.home, scene.settings, datetime.fromisoformat(instant), ["fct_lead"]),
        ):
            pass
        return str(caught.value)

    assert "none came yet" in ask("2026-01-01T00:00")
    scene.land("f1", "2026-01-15 12:00", ("crm_leads", "R1", "R1|L1"), received_at="2026-01-15 13:00")
    assert "the first delivery came at 2026-01-15 13:00 UTC" in ask("2026-01-15T12:59")
    assert [path for path in scene.home.build.iterdir() if path.name.startswith("known-")] == []


def test_as_known_then_is_a_build_of_its_own(project: Callable[..., Home], tmp_path: Path) -> None:
    home = project()
    with duckdb.connect(str(home.landing)) as landing:
        landing.execute(
            "insert into ledger.files (file_id, received_at, status) values ('f1', '2026-03-02 12:00', 'landed')"
        )
    instant = datetime(2026, 3, 3)  # noqa: DTZ001
    settings = load_settings(tmp_path / "absent.toml")
    with built_as_known(home, settings, instant, ["fct_lead"]) as warehouse:
        assert warehouse.rows("select lead_key from marts.fct_lead") == [{"lead_key": "R1|L1"}]
        assert warehouse.rows("select known_at from meta.runs") == [{"known_at": instant}]
        assert warehouse.path.parent != home.build
    assert not home.warehouse.exists()
    assert list(home.build.iterdir()) == []
