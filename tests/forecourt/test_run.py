from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from forecourt.build import Paths
from forecourt.door import current_run, last_run, open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.meta import CheckResult
from forecourt.run import build_and_publish
from forecourt.settings import Settings
from forecourt.settings_file import load_settings

Project = Callable[..., Home]


@pytest.fixture
def defaults(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "absent.toml")


def passing(home: Home, paths: Paths) -> list[CheckResult]:
    """A gate that reads the candidate, as the real one does, and has one finding."""
    with duckdb.connect(str(paths.warehouse), read_only=True) as candidate:
        found = candidate.execute("select count(*) from marts.fct_lead").fetchone()
    assert found is not None
    return [CheckResult("leads", "plausibility", "finding", found[0], "Leads are few.", [{"leads": found[0]}])]


def blocking(home: Home, paths: Paths) -> list[CheckResult]:
    return [CheckResult("volume", "delivery", "block", 1, "Half the rows are gone.")]


def failing(home: Home, paths: Paths) -> list[CheckResult]:
    raise Problem("The checks could not run.")


def losing(home: Home, paths: Paths) -> None:
    paths.warehouse.unlink()


def test_only_what_passes_every_check_is_published(project: Project, defaults: Settings) -> None:
    home = project()
    first = build_and_publish(home, defaults, passing)
    assert first.is_published
    assert [check.name for check in first.findings] == ["leads"]
    published = open_warehouse(home)
    assert published.run_id == first.run_id == current_run(home)
    assert published.rows("select lead_key from marts.fct_lead") == [{"lead_key": "R1|L1"}]
    assert published.rows("select run_id, known_at from meta.runs") == [{"run_id": first.run_id, "known_at": None}]
    (stored,) = published.rows("select outcome, failures, rows from meta.check_results")
    assert (stored["outcome"], stored["failures"], json.loads(stored["rows"])) == ("finding", 1, [{"leads": 1}])
    (version,) = published.rows("select feed, key from meta.versions")
    assert version == {"feed": "crm_leads", "key": "R1|L1"}

    blocked = build_and_publish(home, defaults, blocking)
    assert not blocked.is_published
    assert [check.name for check in blocked.blocks] == ["volume"]
    assert current_run(home) == first.run_id
    last = last_run(home)
    assert last is not None
    assert (last.run_id, last.status) == (blocked.run_id, "blocked")
    assert "volume" in last.message

    with pytest.raises(Problem, match="could not run"):
        build_and_publish(home, defaults, failing)
    assert current_run(home) == first.run_id
    last = last_run(home)
    assert last is not None
    assert (last.status, last.message) == ("failed", "The run failed: The checks could not run.")

    with pytest.raises(FileNotFoundError):
        build_and_publish(home, defaults, passing, prepare=losing)
    last = last_run(home)
    assert last is not None
    assert (last.status, "No such file" in last.message) == ("failed", True)
    assert [path.stem for path in home.published.glob("*.duckdb")] == [first.run_id]


def test_a_failed_test_of_ours_blocks_before_the_gate_meets_a_mart_that_was_left_out(
    project: Project, defaults: Settings
) -> None:
    home = project(
        marts__fct_lead="select rooftop from {{ ref('dim_rooftop') }}\n",
        checks__no_place="select rooftop from {{ ref('dim_rooftop') }}\n",
    )
    outcome = build_and_publish(home, defaults, passing)
    assert not outcome.is_published
    assert [(check.name, check.rows) for check in outcome.blocks] == [("no_place", [{"rooftop": "R1"}])]
    assert current_run(home) is None
