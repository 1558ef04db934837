from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forecourt.home import Home
from forecourt.publish import record_end
from tests.support.command import call, forecourt, said


def test_where_and_status_name_the_run_in_force(home: Home) -> None:
    where = json.loads(call("where", "--home", str(home.root), "--json").output)
    assert where["run"] == "20260401T060000-000001"
    assert Path(where["warehouse"]).is_file()
    status = json.loads(call("status", "--home", str(home.root), "--json").output)
    assert status["run"] == where["run"]
    assert status["last_run"]["status"] == "published"
    assert [feed["data_through"] for feed in status["feeds"]] == ["2026-03-31", "2026-03-30"]
    assert call("where", "--home", str(home.root)).exit_code == 0


def test_where_says_how_python_and_excel_get_at_the_data(home: Home, tmp_path: Path) -> None:
    told = call("where", "--home", str(home.root)).output.splitlines()
    first = next(number for number, line in enumerate(told) if line.startswith("Python"))
    snippet = [line[len("Python") :].strip() for line in (told[first], " " * 6 + told[first + 1])]
    names: dict[str, Any] = {}
    exec(snippet[0], names)
    assert names["warehouse"].sql("select count(*) from marts.fct_x").fetchall() == [(4,)]
    with pytest.raises(duckdb.Error, match="read-only"):
        names["warehouse"].execute("delete from marts.fct_x")
    # The second line shows a mart; this home has another one.
    assert snippet[1] == 'warehouse.sql("from marts.fct_deal").show()'
    exec(snippet[1].replace("fct_deal", "fct_x"), names)
    names["warehouse"].close()
    url = next(line for line in told if "jdbc:duckdb:" in line).partition("jdbc:duckdb:")[2]
    assert Path(url) == Path(json.loads(call("where", "--home", str(home.root), "--json").output)["warehouse"])
    words = shlex.split(next(line for line in told if line.startswith("Excel")))[2:]
    words[words.index("deals.csv")] = str(tmp_path / "deals.csv")
    assert call(*(word.replace("fct_deal", "fct_x") for word in words)).exit_code == 0
    assert len((tmp_path / "deals.csv").read_text(encoding="utf-8").splitlines()) == 5


def test_status_says_that_the_last_run_did_not_publish(home: Home) -> None:
    record_end(home, "20260402T060000-000001", "blocked", "1 check blocks publishing: volume.")
    (home.inbox / "crm_leads.csv").write_text("rooftop\n", encoding="utf-8")
    done = forecourt("status", "--home", str(home.root))
    assert "published  20260401T060000-000001" in done.stdout
    assert "1 check blocks publishing: volume." in done.stdout
    assert "1 file waiting" in done.stdout


def test_status_counts_what_is_published_while_the_landing_is_written(home: Home) -> None:
    write = f"import duckdb; landing = duckdb.connect({str(home.landing)!r}); print(flush=True); input()"
    writing = subprocess.Popen([sys.executable, "-c", write], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writing.stdout is not None
        assert writing.stdout.readline()
        facts = json.loads(call("status", "--home", str(home.root), "--json").output)
        assert facts["counted_in"] == "run"
        assert "counted as they were published" in call("status", "--home", str(home.root)).output
    finally:
        writing.communicate("\n")


def test_a_damaged_landing_is_one_sentence_that_mends_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "dms_vehicles_2026-03-31.csv").write_text("rooftop,stock_number\nR1,S1\n", encoding="utf-8")
    assert call("land", str(tmp_path), "--home", str(home.root)).exit_code == 0
    home.landing.write_bytes(b"no database")
    for verb in ("land", "status", "quarantine", "build"):
        sentence = said(call(verb, "--home", str(home.root)))
        assert f"Move it away and run `forecourt land --home {home.root}`" in sentence
    home.landing.unlink()
    assert call("land", "--home", str(home.root)).exit_code == 0
    facts = json.loads(call("status", "--home", str(home.root), "--json").output)
    assert [(row["status"], row["files"]) for row in facts["files"]] == [("landed", 1)]


def test_a_landing_of_another_version_is_one_sentence_that_mends_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "dms_vehicles_2026-03-31.csv").write_text("rooftop,stock_number\nR1,\n", encoding="utf-8")
    assert call("land", str(tmp_path), "--home", str(home.root)).exit_code == 0
    with duckdb.connect(str(home.landing)) as landing:
        landing.execute("alter table ledger.quarantine drop column closed_by")
        landing.execute("update ledger.built_from set contract_hash = 'another'")
    sentence = said(call("quarantine", "--home", str(home.root)))
    assert "was made by another version of forecourt" in sentence
    assert call("land", "--home", str(home.root)).exit_code == 0
    assert "1 row in quarantine." in call("quarantine", "--home", str(home.root)).output


def test_rollback_by_name(home: Home) -> None:
    result = call("rollback", "20260401T060000-000001", "--home", str(home.root))
    assert result.exit_code == 0
    assert "no kept run 2025" in said(call("rollback", "2025", "--home", str(home.root)))
