from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.build import Paths, build, results
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.run import dbt_checks
from forecourt.settings import Settings
from forecourt.settings_file import load_settings

Project = Callable[..., Home]
DEFAULTS = load_settings(Path("absent.toml"))


def defaults() -> Settings:
    return DEFAULTS


def test_nothing_landed_is_one_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    with pytest.raises(Problem, match=r"Nothing has landed .* Put export files in .*inbox"):
        build(home, defaults())
    assert not home.root.exists()


def test_a_broken_landing_is_one_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.landing.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Problem, match=r"landing\.duckdb cannot be read: .*made anew from the archive"):
        build(home, defaults())


def test_a_build_tells_what_became_of_every_model_and_test(project: Project) -> None:
    home = project(
        marts__fct_broken="select cast('x' as integer) as number\n",
        marts__fct_after="select number from {{ ref('fct_broken') }}\n",
        checks__no_lead="select lead_key from {{ ref('fct_lead') }}\n",
        checks__odd_lead="{{ config(severity='warn') }}\nselect lead_key, 7 as days from {{ ref('fct_lead') }}\n",
        checks__no_orphan="select lead_key from {{ ref('fct_lead') }} where lead_key is null\n",
    )
    for leftover in (home.warehouse, home.scratch):
        leftover.write_bytes(b"of a build that was killed")
    told: list[tuple[int, int, str]] = []
    nodes = {
        node.name: node
        for node in build(home, defaults(), on_node=lambda done, total, name: told.append((done, total, name)))
    }
    assert {name: node.status for name, node in nodes.items()} == {
        "dim_rooftop": "success",
        "fct_lead": "success",
        "fct_broken": "error",
        "fct_after": "skipped",
        "no_lead": "fail",
        "odd_lead": "warn",
        "no_orphan": "pass",
    }
    assert "Could not convert string 'x'" in nodes["fct_broken"].message
    assert (nodes["no_lead"].failures, nodes["no_lead"].severity) == (1, "error")
    assert (nodes["odd_lead"].failures, nodes["odd_lead"].severity) == (1, "warn")
    assert nodes["odd_lead"].sql.endswith('fct_lead"')
    assert {name for _, _, name in told} >= {"dim_rooftop", "fct_lead", "no_lead"}
    assert {total for _, total, _ in told} == {7}
    assert max(done for done, _, _ in told) <= 7

    with duckdb.connect(str(home.warehouse), read_only=True) as warehouse:
        assert warehouse.execute("select * from marts.fct_lead").fetchall() == [("R1|L1", "R1")]
        assert warehouse.execute("select * from marts.dim_rooftop").fetchall() == [("R1",)]

    checks = {check.name: check for check in dbt_checks(home, Paths(home.build), list(nodes.values()))}
    assert {name: check.outcome for name, check in checks.items()} == {
        "fct_broken": "block",
        "no_lead": "block",
        "odd_lead": "finding",
        "no_orphan": "passed",
    }
    assert checks["no_lead"].rows == [{"lead_key": "R1|L1"}]
    assert checks["odd_lead"].rows == [{"lead_key": "R1|L1", "days": 7}]


def test_a_project_dbt_cannot_read_is_said_with_its_words(project: Project) -> None:
    home = project(marts__fct_lead="select * from {{ ref('stg_nowhere') }}\n")
    with pytest.raises(Problem, match=r"dbt could not build the marts:\n(.|\n)*stg_nowhere(.|\n)*not found") as caught:
        build(home, defaults())
    assert "Traceback" not in str(caught.value)
    assert "\x1b[" not in str(caught.value)


def settings_of(home: Home, table: str, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.scratch), read_only=True) as scratch:
        return scratch.execute(f"select {columns} from settings.{table} order by all").fetchall()


def test_a_selection_of_nothing_is_said_and_calendars_reach_over_the_days_of_the_data(project: Project) -> None:
    home = project()
    with duckdb.connect(str(home.landing)) as landing:
        landing.execute(
            """
            insert into crm.crm_leads (key, rooftop, lead_id, received_at, landed_at, op) values
                ('R2|L2', 'R2', 'L2', '2026-03-20 10:00', '2031-01-01', 'row'),
                ('R1|L3', 'R1', 'L3', '1926-03-20 10:00', null, 'row'),
                ('|L4', null, 'L4', '2926-03-20 10:00', null, 'row')
            """
        )
    with pytest.raises(Problem, match="no model matches 'fct_nowhere'"):
        build(home, defaults(), select="fct_nowhere", known_at=datetime(2026, 4, 1))  # noqa: DTZ001
    assert settings_of(home, "business_days", "distinct rooftop, min(day) over (), max(day) over ()") == [
        ("R1", date(2026, 2, 23), date(2026, 3, 27)),
        ("R2", date(2026, 2, 23), date(2026, 3, 27)),
    ]
    assert settings_of(home, "run", "known_at") == [(datetime(2026, 4, 1),)]  # noqa: DTZ001


def test_results_of_dbt_as_nodes(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.target.mkdir()
    run = {
        "results": [
            {
                "unique_id": "test.forecourt.unique_fct_lead.abc",
                "status": "fail",
                "failures": 3,
                "message": " Got 3 results ",
                "execution_time": 0.5,
                "compiled_code": "select 1;\n",
            },
            {
                "unique_id": "seed.forecourt.source_map",
                "status": "success",
                "failures": None,
                "message": None,
                "execution_time": 0.1,
            },
        ]
    }
    known = {
        "test.forecourt.unique_fct_lead.abc": {
            "name": "unique_fct_lead",
            "config": {"severity": "WARN"},
            "description": "Each lead once.",
        },
        "seed.forecourt.source_map": {
            "raw_code": "-- Says: a spelling\n-- of a source.\n-- Resolve: map it.\nselect 1"
        },
    }
    (paths.target / "run_results.json").write_text(json.dumps(run), encoding="utf-8")
    (paths.target / "manifest.json").write_text(json.dumps({"nodes": known}), encoding="utf-8")
    test, seed = results(paths)
    assert (test.resource_type, test.name, test.failures, test.severity) == ("test", "unique_fct_lead", 3, "warn")
    assert (test.message, test.sql, test.description) == ("Got 3 results", "select 1", "Each lead once.")
    assert (seed.resource_type, seed.failures, seed.message, seed.sql) == ("seed", 0, "", "")
    assert seed.description == "A spelling of a source. Map it."


def test_a_killed_run_takes_its_processes_with_it(tmp_path: Path) -> None:
    """``kill -9`` of the parent ends the child too, so that nothing keeps the landing locked."""
    alive = tmp_path / "alive"
    child = f"import os, time; open({str(alive)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = (
        "import subprocess, sys; from forecourt.child import ending_with_us; "
        f"subprocess.run(ending_with_us([sys.executable, '-c', {child!r}]))"
    )
    started = subprocess.Popen([sys.executable, "-c", parent])
    deadline = time.monotonic() + 30
    while not alive.exists() or not alive.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started.kill()
    started.wait()
    pid = int(alive.read_text())
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)
