"""What the suites compare: deliveries of one kind with each other, marts with their feeds and the published run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from checks import candidate, deliveries
from forecourt.publish import publish
from tests.checks.checks_scene import Scene, sound_scene


def broken_by(scene: Scene, tmp_path: Path, name: str) -> list[dict[str, Any]]:
    """The rows that break one delivery expectation."""
    profile = tmp_path / "profile.duckdb"
    profile.unlink(missing_ok=True)
    deliveries.write_profile(scene.home.landing, profile)
    (expectation,) = (each for each in deliveries.SUITE if each.name == name)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{profile}' as profile (read_only)")
        found = connection.execute(expectation.query())
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def profile_of(scene: Scene, tmp_path: Path, table: str) -> list[tuple[Any, ...]]:
    profile = tmp_path / "profile.duckdb"
    candidate.write_profile(scene.home, scene.paths.warehouse, profile)
    with duckdb.connect(str(profile)) as connection:
        return connection.execute(f"select * from {table} order by all").fetchall()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(("rows", "is_found"), [(39, True), (40, False), (300, False), (301, True), (0, True)])
def test_volume_is_held_against_the_median_of_the_earlier_ones(
    scene: Scene, tmp_path: Path, rows: int, is_found: bool
) -> None:
    for number, count in enumerate((90, 100, 5000)):
        scene.deliver(number, count)
    scene.deliver(3, rows)
    assert [row["rows"] for row in broken_by(scene, tmp_path, "delivery_volume")] == ([rows] if is_found else [])


def test_two_earlier_deliveries_are_no_history(scene: Scene, tmp_path: Path) -> None:
    for number in range(2):
        scene.deliver(number, 100)
    scene.deliver(2, 1)
    assert broken_by(scene, tmp_path, "delivery_volume") == []
    scene.deliver(3, 1)
    assert [row["usual_rows"] for row in broken_by(scene, tmp_path, "delivery_volume")] == [100]


def test_files_of_another_rooftop_are_another_kind(scene: Scene, tmp_path: Path) -> None:
    for number in range(4):
        scene.deliver(number, 1000, rooftop="R1")
        scene.deliver(number, 30, rooftop="R2")
    assert broken_by(scene, tmp_path, "delivery_volume") == []
    assert deliveries.write_profile(scene.home.landing, tmp_path / "again.duckdb") == (
        "2 of 2 kinds of delivery were judged."
    )


def test_what_did_not_land_is_neither_judged_nor_history(scene: Scene, tmp_path: Path) -> None:
    for number in range(3):
        scene.deliver(number, 100)
    scene.deliver(3, 1, outcome="held")
    assert broken_by(scene, tmp_path, "delivery_volume") == []


def test_an_older_file_that_arrives_last_is_history(scene: Scene, tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        scene.deliver(number, 100)
    scene.deliver(0, 1)
    assert broken_by(scene, tmp_path, "delivery_volume") == []


def test_a_column_the_file_does_not_carry_is_not_empty(scene: Scene, tmp_path: Path) -> None:
    for number in range(4):
        scene.deliver(number, 100, lead_ids=100)
    scene.deliver(4, 100, carried="sale_price,status")
    assert broken_by(scene, tmp_path, "delivery_empty_share") == []
    scene.deliver(5, 100, carried="lead_id,status")
    assert [row["empty_share"] for row in broken_by(scene, tmp_path, "delivery_empty_share")] == [1.0]


def test_a_code_is_new_only_once(scene: Scene, tmp_path: Path) -> None:
    for number in range(4):
        scene.deliver(number, 100)
    scene.deliver(4, 100, status="sold on")
    assert [row["code"] for row in broken_by(scene, tmp_path, "delivery_new_codes")] == ["sold on"]
    scene.deliver(5, 100, status="sold on")
    assert broken_by(scene, tmp_path, "delivery_new_codes") == []


def test_a_landing_without_deliveries_has_no_history(scene: Scene, tmp_path: Path) -> None:
    assert deliveries.write_profile(scene.home.landing, tmp_path / "p.duckdb") == "No history yet: nothing was judged."


def test_keys_that_a_full_file_removed_do_not_call_for_rows(scene: Scene, tmp_path: Path) -> None:
    scene.warehouse(
        """
        insert into meta.versions values
            ('dms_rentals', 'R1|H1', 'row', timestamp '2026-01-01'),
            ('dms_rentals', 'R1|H1', 'removed', timestamp '2026-02-01'),
            ('dms_claims', 'R1|H1', 'row', timestamp '2026-01-01')
        """
    )
    filled = {row[1]: row[2:] for row in profile_of(scene, tmp_path, "filled_marts")}
    assert filled["dms_rentals"] == (0, 0)
    assert filled["dms_claims"] == (1, 0)


@pytest.mark.parametrize(("known_at", "published_rows"), [("null", 25), ("timestamp '2026-02-01'", None)])
def test_a_file_of_an_earlier_knowledge_is_measured_by_what_it_knew(
    tmp_path: Path, known_at: str, published_rows: int | None
) -> None:
    scene = sound_scene(tmp_path)
    published = scene.home.build / "published.duckdb"
    shutil.copy(scene.paths.warehouse, published)
    publish(scene.home, published, "run-0", keep=2)
    scene.warehouse(f"update meta.runs set known_at = {known_at}")
    assert ("fct_deal", 25, published_rows) in profile_of(scene, tmp_path, "mart_rows")
    with duckdb.connect(str(tmp_path / "profile.duckdb")) as connection:
        assert connection.execute("select feed_rows from filled_marts where feed = 'dms_deals'").fetchone() == (
            25 if published_rows else 0,
        )
