from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from forecourt.cli import cli
from forecourt.door import Warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.metrics import Metric
from forecourt.publish import publish, record_end
from forecourt.verbs.options import Day, Instant

WarehouseOf = Callable[..., Warehouse]


def verbs(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb with its words: ('kpi',), ('export', 'ageing')."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))
        else:
            yield (*before, name), command


VERBS = dict(verbs())


def forecourt(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, in a process of its own."""
    command = [sys.executable, "-m", "forecourt.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def call(*words: str) -> Result:
    """The command in this process; a Problem reaches the caller as the result's exception."""
    return CliRunner().invoke(cli, list(words))


def said(result: Result) -> str:
    """The one sentence a failed command prints."""
    assert isinstance(result.exception, Problem), result.output
    return str(result.exception)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example_that_it_understands(words: tuple[str, ...]) -> None:
    result = call(*words, "--help")
    assert result.exit_code == 0
    (example,) = re.findall(r"Example:\s+forecourt (.+)", result.output)
    given = example.split()
    assert tuple(given[: len(words)]) == words
    VERBS[words].make_context(" ".join(words), given[len(words) :], resilient_parsing=False).close()


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_says_wrong_use_with_exit_code_2(words: tuple[str, ...]) -> None:
    result = call(*words, "--no-such-option")
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_the_verbs_that_need_a_home_take_it() -> None:
    without = [
        " ".join(words) for words, command in VERBS.items() if "home_path" not in {p.name for p in command.params}
    ]
    assert without == ["sample"]


def test_a_process_says_wrong_use_with_exit_code_2_and_no_traceback() -> None:
    done = forecourt("kpi", "--from", "1 March")
    assert done.returncode == 2
    assert "write it like 2026-03-31" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_says_trouble_in_one_sentence_with_exit_code_1(tmp_path: Path) -> None:
    done = forecourt("kpi", "--home", str(tmp_path / "[new] home"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error Nothing is published in")
    assert "[new] home" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_process_answers_with_exit_code_0(tmp_path: Path) -> None:
    done = forecourt("status", "--home", str(tmp_path), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["run"] is None


def test_help_answers_without_loading_what_it_does_not_need() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from forecourt.cli import cli; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "print(sorted({'duckdb', 'polars', 'streamlit', 'great_expectations', 'pyarrow', 'dbt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_home_comes_from_the_environment_too(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["where", "--json"], env={"FORECOURT_HOME": str(tmp_path / "mine")})
    assert json.loads(result.output)["home"] == str((tmp_path / "mine").resolve())


@pytest.mark.parametrize(
    "words",
    [
        ("kpi",),
        ("kpi", "--json"),
        ("export", "ageing", "-o", "ageing.csv"),
        ("where",),
        ("rollback",),
        ("build",),
        ("build", "--json"),
    ],
    ids=" ".join,
)
def test_a_new_home_is_told_what_is_missing(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = call(*words, "--home", str(tmp_path / "warehouse"))
    assert re.match(r"(Nothing is published|Nothing has landed|There is no kept run)", said(result))
    assert result.output == ""


def test_a_file_that_is_not_there_is_said_before_anything_else(tmp_path: Path) -> None:
    result = call("land", str(tmp_path / "leads.csv"), "--home", str(tmp_path / "warehouse"))
    assert said(result) == f"There is no file or folder {tmp_path / 'leads.csv'}. Check its name."


def test_a_wrong_setting_is_said_with_its_line(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    home.create()
    home.settings.write_text("[policy]\nclaim.window_days = -3\n", encoding="utf-8")
    assert "forecourt.toml, line 2" in said(call("build", "--home", str(home.root)))


def test_a_home_in_use_is_said(tmp_path: Path) -> None:
    home = Home(tmp_path / "warehouse")
    with home.lock():
        done = forecourt("run", "--home", str(home.root))
    assert done.returncode == 1
    assert "one run works at a time" in done.stderr
    assert "Traceback" not in done.stderr


GROSS = Metric(
    name="gross_margin_rate",
    label="Gross margin",
    description="",
    kind="flow",
    unit="percent",
    model="fct_x",
    relation="marts.fct_x",
    date="day",
    numerator="sum(amount)",
    denominator="sum(base)",
    record="record",
    currency="currency",
    dimensions={"rooftop": "rooftop", "make": "make"},
    feeds=("dms_deals",),
    requires=("dms_deals",),
)
CLAIMS = Metric(
    name="claim_rate",
    label="Claims",
    description="",
    kind="cohort",
    unit="percent",
    model="fct_x",
    relation="marts.fct_x",
    date="day",
    numerator="count(record)",
    denominator="count(record)",
    record="record",
    window="claim.window_days",
    event="claimed_on",
    dimensions={"rooftop": "rooftop"},
    feeds=("dms_deals",),
)
FACTS = """
create table marts.fct_x as
select * from (values
    ('a', 'R1', 'Aston', date '2026-03-02', 100.00, 1000.00, 'GBP', null),
    ('b', 'R1', 'Berlin', date '2026-03-30', 50.00, 1000.00, 'GBP', null),
    ('c', 'R2', 'Aston', date '2026-03-31', 20.00, 500.00, 'GBP', null),
    ('d', 'R2', 'Aston', date '2025-12-15', 20.00, 500.00, 'GBP', date '2026-01-10')
) as facts(record, rooftop, make, day, amount, base, currency, claimed_on);
"""


@pytest.fixture
def home(tmp_path: Path, warehouse_of: WarehouseOf) -> Home:
    """A home with one small published run."""
    made = Home(tmp_path / "warehouse")
    made.create()
    warehouse_of(
        FACTS,
        path=made.warehouse,
        metrics=[GROSS, CLAIMS],
        freshness=[("dms_deals", "R1", date(2026, 3, 31)), ("dms_deals", "R2", date(2026, 3, 30))],
        policies=[("claim.window_days", "90", date(1900, 1, 1), None)],
    )
    publish(made, made.warehouse, "20260401T060000-000001", keep=10)
    record_end(made, "20260401T060000-000001", "published", "3 checks, 0 findings.")
    return made


def kpis(home: Home, *words: str) -> list[dict[str, Any]]:
    result = call("kpi", *words, "--home", str(home.root), "--json")
    assert result.exit_code == 0, result.exception
    rows: list[dict[str, Any]] = json.loads(result.output)
    return rows


def test_kpi_without_a_period_shows_the_month_so_far_and_a_mature_cohort(home: Home) -> None:
    gross, claims = kpis(home)
    assert (gross["kpi"], gross["from"], gross["to"], gross["as_of"]) == (
        "gross_margin_rate",
        "2026-03-01",
        "2026-03-31",
        "2026-03-31",
    )
    assert (gross["value"], gross["numerator"], gross["denominator"]) == (0.068, "170.00", "2500.00")
    assert (gross["data_through"], gross["is_stale"]) == ("2026-03-30", True)
    assert (claims["from"], claims["to"], claims["value"]) == ("2025-12-01", "2025-12-31", 1.0)


def test_kpi_takes_period_group_and_rooftop(home: Home) -> None:
    rows = kpis(home, "gross_margin_rate", "--from", "2026-03-01", "--to", "2026-03-30", "--by", "make")
    assert [(row["group"], row["value"]) for row in rows] == [("Aston", 0.1), ("Berlin", 0.05)]
    (south,) = kpis(home, "gross_margin_rate", "--rooftop", "R2")
    assert south["value"] == 0.04
    (early,) = kpis(home, "gross_margin_rate", "--to", "2026-03-31", "--as-of", "2026-03-30")
    assert (early["value"], early["as_of"]) == (0.075, "2026-03-30")


def test_a_period_that_ends_after_the_data_is_answered_as_of_the_data(home: Home) -> None:
    """Else a cohort whose claims nobody has sent yet would look mature and free of claims."""
    (claims,) = kpis(home, "claim_rate", "--from", "2026-03-01", "--to", "2026-12-31")
    assert (claims["to"], claims["as_of"]) == ("2026-12-31", "2026-03-31")
    assert (claims["value"], claims["reason"]) == (None, "immature: 0 of 3 so far")


def test_by_alone_leaves_out_the_kpis_without_that_dimension(home: Home) -> None:
    assert {row["kpi"] for row in kpis(home, "--by", "make")} == {"gross_margin_rate"}
    assert "No KPI has a dimension 'colour'" in said(call("kpi", "--by", "colour", "--home", str(home.root)))


def test_the_statement_of_a_kpi_runs_as_printed(home: Home) -> None:
    result = call("kpi", "gross_margin_rate", "--sql", "--home", str(home.root))
    (row,) = Warehouse(home.published / "20260401T060000-000001.duckdb").rows(result.output)
    assert (float(row["numerator"]), float(row["denominator"])) == (170, 2500)


def test_a_table_for_people_shows_the_same_number(home: Home) -> None:
    done = forecourt("kpi", "gross_margin_rate", "--home", str(home.root))
    assert done.returncode == 0
    assert re.search(r"Gross margin\s+6\.8 %\s+GBP\s+170\.00\s+2,500\.00\s+3\b", done.stdout), done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("gross_margin",), "Did you mean gross_margin_rate?"),
        (("gross_margin_rate", "--by", "colour"), "It has: rooftop, make, month"),
        (("--from", "2026-03-31", "--to", "2026-03-01"), "Swap --from and --to"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_right(home: Home, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in said(call("kpi", *words, "--home", str(home.root)))


def test_where_and_status_name_the_run_in_force(home: Home) -> None:
    where = json.loads(call("where", "--home", str(home.root), "--json").output)
    assert where["run"] == "20260401T060000-000001"
    assert Path(where["warehouse"]).is_file()
    status = json.loads(call("status", "--home", str(home.root), "--json").output)
    assert status["run"] == where["run"]
    assert status["last_run"]["status"] == "published"
    assert [feed["data_through"] for feed in status["feeds"]] == ["2026-03-31", "2026-03-30"]
    assert call("where", "--home", str(home.root)).exit_code == 0


def test_status_says_that_the_last_run_did_not_publish(home: Home) -> None:
    record_end(home, "20260402T060000-000001", "blocked", "1 check blocks publishing: volume.")
    (home.inbox / "crm_leads.csv").write_text("rooftop\n", encoding="utf-8")
    done = forecourt("status", "--home", str(home.root))
    assert "published  20260401T060000-000001" in done.stdout
    assert "1 check blocks publishing: volume." in done.stdout
    assert "1 files waiting" in done.stdout


def test_known_at_before_the_first_delivery_is_one_sentence(home: Home) -> None:
    words = ("kpi", "gross_margin_rate", "--known-at", "2020-01-01", "--home", str(home.root))
    assert re.match(r"Nothing (was known|has landed)", said(call(*words)))


def test_rollback_by_name(home: Home) -> None:
    result = call("rollback", "20260401T060000-000001", "--home", str(home.root))
    assert result.exit_code == 0
    assert "no kept run 2025" in said(call("rollback", "2025", "--home", str(home.root)))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-31T18:00", "2026-03-31T18:00:00"),
        ("2026-03-31T18:00+02:00", "2026-03-31T16:00:00"),
        ("2026-03-31T18:00:00Z", "2026-03-31T18:00:00"),
        ("2026-03-31", "2026-03-31T23:59:59.999999"),
    ],
)
def test_instants_are_utc_and_a_day_is_its_end(text: str, instant: str) -> None:
    assert Instant().convert(text, None, None) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["31.03.2026", "2026-02-30", "today", ""])
def test_what_is_no_day_is_wrong_use(text: str) -> None:
    for kind in (Day(), Instant()):
        with pytest.raises(click.BadParameter, match="write it like"):
            kind.convert(text, None, None)


def test_a_held_file_lands_on_somebodys_word(tmp_path: Path) -> None:
    """An export cut to a tenth is held; with a reason it lands, and the reason is in the log."""
    rows = [f"R1,S{number},Ford" for number in range(20)]
    exports = tmp_path / "exports"
    exports.mkdir()
    for day, count in (("2026-01-01", 20), ("2026-01-02", 2)):
        text = "\n".join(["rooftop,stock_number,make", *rows[:count], ""])
        (exports / f"dms_vehicles_{day}.full.csv").write_text(text, encoding="utf-8")
    home = str(tmp_path / "home")
    landed = json.loads(forecourt("land", str(exports), "--home", home, "--json").stdout)
    held = next(file for file in landed if file["status"] == "held")
    without_reason = forecourt("land", "--confirm", held["file_id"], "--home", home)
    assert without_reason.returncode == 1
    assert "--reason" in without_reason.stderr
    confirmed = forecourt("land", "--confirm", held["file_id"], "--reason", "sold the lot", "--home", home, "--json")
    assert [file["status"] for file in json.loads(confirmed.stdout)] == ["landed"]
    assert '"why": "sold the lot"' in (tmp_path / "home/archive/log.ndjson").read_text(encoding="utf-8")
