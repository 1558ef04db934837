"""The gate end to end: real Great Expectations over a real landing and candidate."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from checks import candidate
from checks.gate import check
from checks.suite import Expectation
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.meta import CheckResult
from forecourt.publish import publish
from tests.checks.checks_scene import Scene, sound_scene

#: Every process started below notes each attempt to reach a network, and fails it.
NO_NETWORK = """
import socket
def refuse(*arguments, **named):
    with open({log!r}, "a") as log:
        log.write(repr(arguments[1:]) + "\\n")
    raise OSError("no network in this test")
socket.socket.connect = refuse
socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
"""


def by_name(results: list[CheckResult]) -> dict[str, CheckResult]:
    assert len({result.name for result in results}) == len(results)
    return {result.name: result for result in results}


def index_of(home: Home) -> Path:
    return home.data_docs / "index.html"


def files_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def network_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("network") / "log"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, network_log: Path) -> tuple[Scene, dict[str, CheckResult]]:
    """A plausible home, checked without a network and without a home folder of the user."""
    scene = sound_scene(tmp_path_factory.mktemp("o'hara") / "warehouse")
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(NO_NETWORK.format(log=str(network_log)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        patch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
        results = check(scene.home, scene.paths)
    return scene, by_name(results)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, CheckResult]]:
    """The plausible home with a violation of every expectation."""
    scene = sound_scene(tmp_path_factory.mktemp("broken"))
    published = scene.home.build / "published.duckdb"
    shutil.copy(scene.paths.warehouse, published)
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            """
            insert into marts.fct_vehicle_cost by name
            select 'R1|V' || n as vehicle_cost_key from range(100) as numbers (n)
            """
        )
    publish(scene.home, published, "run-0", keep=2)
    scene.deliver(5, 30, quarantined=9, lead_ids=3, status="sold on")
    for sql in BREAKS:
        scene.warehouse(sql)
    return scene, by_name(check(scene.home, scene.paths))


BREAKS = (
    "update meta.files set rows_new = 3 where file_id = 'f1'",
    "update meta.freshness set data_through = date '2062-06-29'",
    "insert into meta.versions values ('dms_rentals', 'R1|H1', 'row', timestamp '2026-06-29 23:30:00')",
    "update marts.fct_deal set total_gross = 19000 where deal_key = 'R1|D7'",
    "update marts.fct_vehicle_day set on_hire_seconds = 90000",
    "insert into marts.fct_receivable_movement by name select 'R1|invoice|I1|1' as receivable_key, -0.01 as amount",
    "insert into marts.fct_receivable_movement by name select 'R1|payment|P1|1' as receivable_key, 300 as amount",
    "update marts.fct_claim set source_amount_paid = 200.01",
)


def test_a_plausible_home_passes_every_check(sound: tuple[Scene, dict[str, CheckResult]]) -> None:
    scene, results = sound
    assert {name: result.outcome for name, result in results.items() if result.outcome != "passed"} == {}
    assert {result.source for result in results.values()} == {"deliveries", "candidate"}
    assert results["delivery_volume"].description.endswith("1 of 1 kinds of delivery were judged.")
    assert all(result.failures == 0 and result.rows == [] for result in results.values())
    with duckdb.connect(str(scene.paths.warehouse)) as connection:
        connection.execute("create table meta.after as select 1")  # nobody holds the candidate any more


def test_nothing_leaves_the_machine(sound: tuple[Scene, dict[str, CheckResult]], network_log: Path) -> None:
    assert sound
    assert not network_log.exists(), network_log.read_text(encoding="utf-8")


def test_the_docs_name_the_suites_and_load_nothing_from_elsewhere(
    sound: tuple[Scene, dict[str, CheckResult]],
) -> None:
    scene, results = sound
    index = index_of(scene.home)
    text = index.read_text(encoding="utf-8")
    assert "run-1" in text
    for name in ("deliveries", "candidate", *results):
        assert name in text
    links = re.findall(r'href="([^"]+)"', text)
    assert len(links) == 2
    for link in links:
        page = (index.parent / link.replace("%3A", ":")).read_text(encoding="utf-8")
        assert "Expectation Validation Result" in page
    for page in index.parent.rglob("*.html"):
        assert not re.findall(r"<(?:link|script|img|iframe)[^>]+https?://[^>]+>", page.read_text(encoding="utf-8"))


def test_only_the_docs_are_written(sound: tuple[Scene, dict[str, CheckResult]]) -> None:
    scene, _ = sound
    written = files_below(scene.home.root)
    assert {path for path in written if path.parts[0] != "reports"} == {
        Path("landing.duckdb"),
        Path("build/forecourt.duckdb"),
    }
    assert {path.parts[1] for path in written if path.parts[0] == "reports"} == {"data-docs"}


def test_every_expectation_is_broken_by_its_violation(broken: tuple[Scene, dict[str, CheckResult]]) -> None:
    _, results = broken
    assert {name for name, result in results.items() if result.outcome == "passed"} == set()


@pytest.mark.parametrize(
    ("name", "outcome", "failures", "row"),
    [
        ("delivery_volume", "finding", 1, {"feed": "dms_deals", "rows": 30, "usual_rows": 100, "earlier": 5}),
        ("delivery_quarantined_share", "finding", 1, {"quarantined": 9, "quarantined_share": 0.3}),
        ("delivery_empty_share", "finding", 1, {"column_name": "lead_id", "rows": 21, "usual_empty_share": 0.4}),
        ("delivery_new_codes", "finding", 1, {"column_name": "status", "code": "sold on", "rows": 21}),
        ("file_rows_accounted", "block", 1, {"file_id": "f1", "rows_read": 10, "rows_accounted": 9}),
        ("data_not_from_the_future", "finding", 1, {"feed": "dms_deals", "data_through": "2062-06-29"}),
        ("mart_filled", "block", 1, {"mart": "fct_rental", "feed": "dms_rentals", "feed_rows": 1}),
        ("mart_rows_kept", "finding", 1, {"mart": "fct_vehicle_cost", "rows": 0, "published_rows": 100}),
        ("deal_margin", "finding", 1, {"deal_key": "R1|D7", "total_gross": "19000.00", "file_id": "f1"}),
        ("vehicle_day_seconds", "block", 1, {"vehicle_day_key": "R1|S1|2026-06-29", "on_hire_seconds": 90000}),
        ("receivable_not_overpaid", "block", 1, {"receivable_key": "R1|invoice|I1|1", "outstanding": "-0.01"}),
        ("receivable_within_amount", "finding", 2, {"receivable_key": "R1|payment|P1|1", "outstanding": "300.00"}),
        ("claim_paid_within_claimed", "finding", 1, {"claim_key": "R1|K1", "source_amount_paid": "200.01"}),
    ],
)
def test_a_violation_is_named_with_its_rows(
    broken: tuple[Scene, dict[str, CheckResult]], name: str, outcome: str, failures: int, row: dict[str, object]
) -> None:
    result = broken[1][name]
    assert (result.outcome, result.failures) == (outcome, failures)
    assert {key: result.rows[0][key] for key in row} == row
    json.dumps(result.rows)


def test_the_docs_show_the_failing_rows(broken: tuple[Scene, dict[str, CheckResult]]) -> None:
    index = index_of(broken[0].home).read_text(encoding="utf-8")
    assert "blocks publishing" in index
    assert "<td>R1|D7</td><td>20000.00</td><td>19000.00</td>" in index


def test_a_home_without_history_or_deals_passes(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.deliver(0, 3)
    results = by_name(check(scene.home, scene.paths))
    assert {result.outcome for result in results.values()} == {"passed"}
    assert "deal_margin" not in results
    assert results["delivery_volume"].description.endswith("No history yet: nothing was judged.")
    assert index_of(scene.home).exists()


def test_a_published_run_that_is_gone_stops_no_new_one_and_is_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    published = scene.home.build / "published.duckdb"
    shutil.copy(scene.paths.warehouse, published)
    publish(scene.home, published, "run-0", keep=2).unlink()
    result = by_name(check(scene.home, scene.paths))["published_run_readable"]
    assert (result.outcome, result.failures) == ("finding", 1)
    assert "Run run-0 is not kept" in result.description


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("drop table marts.fct_deal", "deal_margin reads marts.fct_deal, which"),
        (
            "alter table marts.fct_deal drop column vehicle_cost",
            "deal_margin reads marts.fct_deal.vehicle_cost, a column",
        ),
    ],
)
def test_a_missing_table_or_column_is_named(tmp_path: Path, sql: str, named: str) -> None:
    scene = Scene(tmp_path)
    scene.warehouse(sql)
    with pytest.raises(Problem, match=re.escape(named)):
        check(scene.home, scene.paths)


def test_a_query_that_fails_is_named_and_leaves_the_docs_alone(
    sound: tuple[Scene, dict[str, CheckResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, _ = sound
    before = index_of(scene.home).read_text(encoding="utf-8")
    wrong = Expectation("wrong_type", "block", "Never.", "select cast(run_id as integer) as number from meta.runs")
    monkeypatch.setattr(candidate, "SUITE", (wrong,))
    with pytest.raises(Problem, match=r"check wrong_type \(candidate\) could not be made: .*'run-1' to INT32"):
        check(scene.home, scene.paths)
    assert index_of(scene.home).read_text(encoding="utf-8") == before
    assert {path.name for path in scene.home.reports.iterdir()} == {"data-docs"}
