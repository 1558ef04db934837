from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from pyarrow import parquet

from forecourt import query
from forecourt.door import open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.verbs.sql import ROWS_SHOWN
from tests.support.command import call, forecourt, said

SELECT = "select record, day, amount, currency, claimed_on from fct_x order by record"


def ask(home: Home, statement: str, *words: str) -> Result:
    return call("sql", statement, *words, "--home", str(home.root))


def test_a_table_for_people_shows_rows_and_their_number(home: Home) -> None:
    done = forecourt(
        "sql",
        "--home",
        str(home.root),
        "select rooftop, sum(amount) as total, 'a [b]' as said from fct_x group by all order by all",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["rooftop", "total", "said"],
        ["R1", "150.00", "a", "[b]"],
        ["R2", "40.00", "a", "[b]"],
        ["2", "rows"],
    ]


def test_a_record_too_wide_for_a_line_is_shown_column_by_column(home: Home) -> None:
    done = ask(home, "select record, repeat('x', 240) as long, day from fct_x where record = 'a'")
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert lines == [["row", "1"], ["record", "a"], ["long", "x" * 240], ["day", "2026-03-02"], ["1", "row"]]


def test_json_gives_money_as_text_days_as_iso_and_what_is_unknown_as_null(home: Home) -> None:
    first = {"record": "a", "day": "2026-03-02", "amount": "100.00", "currency": "GBP", "claimed_on": None}
    for words in (("--json",), ("--format", "json")):
        rows = json.loads(ask(home, SELECT, *words).stdout)
        assert (rows[0], len(rows)) == (first, 4)
    assert json.loads(ask(home, "select 1 / 0 as endless", "--json").stdout) == [{"endless": "inf"}]


def test_csv_is_what_a_spreadsheet_reads_and_never_runs(home: Home) -> None:
    done = ask(home, "select '=1+1' as text, -1.50 as money, [1, 2] as list, null as nothing", "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["text", "money", "list", "nothing"],
        ["'=1+1", "-1.50", "[1, 2]", ""],
    ]


def test_no_kind_of_text_and_no_name_of_a_column_is_run_by_a_spreadsheet(home: Home) -> None:
    statement = """select '=1+1' as "=cmd|' /C calc'!A0", '=2+2'::enum('=2+2') as "@enum", '=3'::blob as bytes,
        union_value(text := '=4') as "+either", ['=5'] as "-list", {'=a': '=6'} as record, -7 as "-12.50" """
    names, values = csv.reader(io.StringIO(ask(home, statement, "--format", "csv").stdout))
    assert names == ["'=cmd|' /C calc'!A0", "'@enum", "bytes", "'+either", "'-list", "record", "-12.50"]
    assert values == ["'=1+1", "'=2+2", "'=3", "'=4", '["=5"]', '{"=a": "=6"}', "-7"]


@pytest.mark.parametrize("name", ["answer.csv", "answer.parquet", "answer.json"])
def test_the_ending_of_a_file_says_its_format_and_the_log_knows_it(home: Home, tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    done = ask(home, SELECT, "-o", str(output))
    assert "4 rows of run 20260401T060000-000001" in done.stdout, done.stderr
    if name.endswith("parquet"):
        records = [row["record"] for row in parquet.read_table(output).to_pylist()]
    elif name.endswith("csv"):
        records = [row["record"] for row in csv.DictReader(io.StringIO(output.read_text(encoding="utf-8")))]
    else:
        records = [row["record"] for row in json.loads(output.read_text(encoding="utf-8"))]
    assert records == ["a", "b", "c", "d"]
    entry = json.loads(home.exports_log.read_text(encoding="utf-8").splitlines()[-1])
    assert (entry["export"], entry["name"], entry["rows"]) == ("sql", name, 4)
    assert entry["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert entry["parameters"] == {"statement": SELECT}


def test_what_is_cut_is_said_beside_the_rows(home: Home) -> None:
    done = ask(home, f"select * from range({ROWS_SHOWN + 1})", "--json")
    assert len(json.loads(done.stdout)) == ROWS_SHOWN
    assert done.stderr == f"These are the first {ROWS_SHOWN:,} rows; there are more. --limit gives another number.\n"
    whole = ask(home, f"select * from range({ROWS_SHOWN + 1})", "--json", "--limit", str(ROWS_SHOWN + 1))
    assert (len(json.loads(whole.stdout)), whole.stderr) == (ROWS_SHOWN + 1, "")
    assert json.loads(ask(home, SELECT + " desc", "--limit", "1", "--json").stdout)[0]["record"] == "d"


def test_a_statement_comes_from_standard_input_too(home: Home) -> None:
    command = [sys.executable, "-m", "forecourt.cli", "sql", "-", "--json", "--home", str(home.root)]
    done = subprocess.run(
        command, input="-- how many\nselect count(*) as n\nfrom fct_x;\n", capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [{"n": 4}]


@pytest.mark.parametrize(
    "statement",
    [
        "show tables",
        "describe fct_x",
        "from meta.rooftops",
        "values (1)",
        "pivot fct_x on rooftop in ('R1', 'R2') using sum(amount)",
    ],
)
def test_what_reads_is_taken(home: Home, statement: str) -> None:
    assert ask(home, statement).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("selec 1", "The statement cannot run: syntax error at or near"),
        ("select amout from fct_x", '"amount"'),
        ("select * from fct_y", 'Did you mean "fct_x"?'),
        ("select 'a'::int", "Could not convert string 'a'"),
        ("select 1; select 2", "Only one select is taken at a time"),
        ("", "Only one select is taken at a time"),
        ("insert into marts.fct_x select * from fct_x", "Only one select is taken at a time"),
        ("copy (select 1) to 'stolen.csv'", "Only one select is taken at a time"),
        ("attach 'other.duckdb'", "Only one select is taken at a time"),
        ("set memory_limit = '100GB'", "Only one select is taken at a time"),
        ("install httpfs", "Only one select is taken at a time"),
        ("select * from read_csv('secrets.csv')", "read_csv is not open here"),
        ("from 'secrets.csv'", "The statement cannot run: "),
        ("select * from glob('*')", "glob is not open here"),
        ("select * from fct_x where record = $1", "Write the values themselves"),
        ("pivot fct_x on rooftop using sum(amount)", "A pivot that looks up its own columns"),
        ("with wide as (pivot fct_x on rooftop using sum(amount)) from wide", "A pivot that looks up its own columns"),
        ("pivot (from duckdb_settings()) on name in ('threads') using max(value)", "duckdb_settings is not open here"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets.csv").write_text("secret\nhidden\n", encoding="utf-8")
    result = ask(home, statement)
    assert sentence in said(result)
    assert "\n" not in said(result)
    assert "hidden" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.csv", "warehouse"]


def test_a_statement_that_takes_too_long_is_stopped(home: Home) -> None:
    endless = "select count(*) from range(1000000000) a, range(1000000) b where a.range * b.range % 7 = 3"
    assert "took longer than 0.3 seconds and was stopped" in said(ask(home, endless, "--timeout", "0.3"))


def test_the_time_holds_within_one_function(home: Home) -> None:
    began = time.monotonic()
    slow = "select levenshtein(repeat('a', 200000), repeat('b', 200000))"
    assert "took longer than 1 seconds and was stopped" in said(ask(home, slow, "--timeout", "1"))
    # Left alone it takes minutes.
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("statement", ["select repeat('x', 4294967295)", "select length(repeat('x', 4294967295))"])
def test_a_statement_that_needs_too_much_memory_is_a_sentence(home: Home, statement: str) -> None:
    assert "needs more memory than one may have" in said(ask(home, statement))


def test_a_run_that_went_while_it_was_open_is_a_sentence_without_its_place(home: Home) -> None:
    warehouse = open_warehouse(home)
    warehouse.path.rename(warehouse.path.with_suffix(".gone"))
    with pytest.raises(Problem, match=r"Run \w+-\d+ cannot be opened\. If it is not kept") as refused:
        query.ask(warehouse, "select 1", limit=1, seconds=5)
    assert str(home.root) not in str(refused.value)


def test_an_error_in_a_later_row_is_a_sentence(home: Home) -> None:
    late = "select case when range = 400000 then error('so late') else 1 end as n from range(500000)"
    assert said(ask(home, late, "--limit", "500000")) == "The statement cannot run: so late."


def test_a_day_that_python_has_no_value_for_is_text_and_said(home: Home) -> None:
    statement = "select 'infinity'::date as due, '290000-01-01'::date as far, date '2026-01-02' as day"
    given = {"due": "infinity", "far": "290000-01-01", "day": "2026-01-02"}
    for kind in ("json", "csv", "table"):
        done = ask(home, statement, "--format", kind)
        assert [line.partition(" is given as text")[0] for line in done.stderr.splitlines()] == ["due", "far"]
        assert all(value in done.stdout for value in given.values())
    assert json.loads(ask(home, statement, "--json").stdout) == [given]


def test_columns_of_one_name_and_types_that_files_have_not_are_kept(home: Home) -> None:
    statement = """select 1 as a, 2 as a, 340282366920938463463374607431768211455::uhugeint as most, '101'::bit as bits,
        '12:00:00+02'::timetz as clock"""
    most = "340282366920938463463374607431768211455"
    assert json.loads(ask(home, statement, "--json").stdout) == [
        {"a": 1, "a_1": 2, "most": most, "bits": "101", "clock": "12:00:00+02"}
    ]


def test_a_kept_run_is_asked_by_its_name(home: Home) -> None:
    assert ask(home, SELECT, "--run", "20260401T060000-000001").exit_code == 0
    assert "Run 2025 is not kept" in said(ask(home, SELECT, "--run", "2025"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--format", "parquet"), "say with -o which file"),
        (("-o", "answer.txt"), "A file is written as csv, parquet or json"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_a_wrong_use_says_what_is_right(home: Home, words: tuple[str, ...], sentence: str) -> None:
    result = ask(home, SELECT, *words)
    assert result.exit_code == 2
    assert sentence in result.output
