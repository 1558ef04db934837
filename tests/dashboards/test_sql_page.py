"""The SQL and the schema page: statements answered, refused and linked; what a chart shows and says."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qs

import duckdb
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import behind, result
from dashboards.data import Reader
from dashboards.examples import EXAMPLES
from forecourt.door import current_run, open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.kpi import compute, headline_period, load_metrics, newest_day
from forecourt.periods import default_period
from forecourt.query import ask
from forecourt.reference import read_marts, relations
from tests.dashboards.test_pages import opened, text_of


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.get("download_button")]


@pytest.mark.parametrize("question", EXAMPLES)
def test_an_example_has_an_answer(question: str, published_home: Home) -> None:
    assert ask(open_warehouse(published_home), EXAMPLES[question], limit=5, seconds=60).rows.num_rows > 0


def test_a_link_shows_its_statement_and_the_answer(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = "select rooftop, count(*) as deals from fct_deal group by rooftop order by rooftop"
    app = opened(published_home, "sql", monkeypatch, q=statement)
    assert app.text_area(key="q").value == statement
    expected = open_warehouse(published_home).rows(statement.replace("fct_deal", "marts.fct_deal"))
    assert app.dataframe[-1].value.to_dict("records") == expected
    assert f"run {current_run(published_home)}" in text_of(app)
    rows = len(expected)
    assert buttons(app) == [f"csv of these {rows}", f"parquet of these {rows}"]
    # The link given on says the same, and where wanted exactly this run.
    newest, exact = (parse_qs(str(code.value).partition("?")[2]) for code in app.code[-2:])
    assert newest == {"q": [statement]}
    assert exact == {"q": [statement], "run": [current_run(published_home)]}


@pytest.mark.parametrize(
    "statement",
    [
        "select current_setting('temp_directory')",
        "select 'temp_directory'.Current_Setting()",
        "with given as (select system.main.current_setting('threads') as n) select (select n from given)",
        "select value from duckdb_settings() where name = 'temp_directory'",
        "select max(path) from duckdb_databases",
        "summarize from duckdb_databases()",
        "from pragma_database_list",
        "from pg_catalog.pg_settings",
        "from fct_deal where rooftop in (select message from duckdb_logs)",
        "from query('select * from duckdb_settings()')",
        "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "from enable_logging()",
        "from read_text('forecourt.toml')",
    ],
)
def test_a_statement_learns_nothing_of_the_server(statement: str, published_home: Home) -> None:
    with pytest.raises(Problem, match="is not open here: a statement reads the marts and meta"):
        ask(open_warehouse(published_home), statement, limit=5, seconds=10)


@pytest.mark.parametrize(
    "statement", ["describe fct_deal", "show tables", "summarize dim_rooftop", "from receivable_ageing(today(), 'due')"]
)
def test_marts_and_their_columns_stay_open(statement: str, published_home: Home) -> None:
    assert ask(open_warehouse(published_home), statement, limit=5, seconds=10).rows.num_rows


def test_rows_beyond_the_cap_are_said_and_offered(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "sql", monkeypatch, q="select range as n from range(12000)")
    assert "The first 5,000 of 12,000" in text_of(app)
    assert len(app.dataframe[-1].value) == 5_000
    assert buttons(app)[2:] == ["csv of all 12,000", "parquet of all 12,000"]


def test_wide_rows_are_drawn_as_far_as_a_page_holds_them(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "sql", monkeypatch, q="select repeat('x', 60000) as wide from range(5000)")
    assert "The first 333 of 5,000" in text_of(app)
    assert "no more fit in the 20 MB that a page draws" in text_of(app)
    assert len(app.dataframe[-1].value) == 333
    app = opened(published_home, "sql", monkeypatch, q="select repeat('x', 21000000) as wide")
    assert "The first 0 of 1" in text_of(app)
    assert "no more fit in the 20 MB that a page draws" in text_of(app)


def test_values_of_every_type_are_shown(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "sql", monkeypatch, q="from test_all_types()")
    assert not app.error
    shown = app.dataframe[-1].value
    assert shown["date"].tolist()[:2] == ["5877642-06-25 (BC)", "5881580-07-10"]
    assert "date is given as text: it has a day or time beyond the calendar" in text_of(app)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("select amout from fct_deal", 'Referenced column "amout" not found'),
        ("delete from marts.fct_deal", "Only one select is taken at a time"),
        ("attach '/tmp/other.duckdb'", "Only one select is taken at a time"),
        ("from read_csv('/etc/passwd')", "read_csv is not open here"),
        ("from '/etc/passwd'", "The statement cannot run"),
        ("select 1; select 2", "Only one select is taken at a time"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    statement: str, sentence: str, published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(published_home, "sql", monkeypatch, q=statement)
    assert [sentence in str(error.value) for error in app.error] == [True], app.error
    assert "root:" not in text_of(app)


def test_the_sql_behind_a_kpi_gives_the_kpi(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = open_warehouse(published_home)
    metric = load_metrics(warehouse)["gross_margin_rate"]
    period = headline_period(warehouse, metric, default_period(newest_day(warehouse)))
    shown = {row.currency: row.value for row in compute(warehouse, metric, period)}
    link = next(link for link in opened(published_home, "gross", monkeypatch).get("page_link") if "SQL" in link.label)
    (number,) = parse_qs(link.proto.query_string)["number"]
    app = opened(published_home, "sql", monkeypatch, number=number)
    assert str(app.text_area(key="q").value).startswith(f"-- {metric.label}")
    answer = app.dataframe[-1].value
    assert dict(zip(answer["currency"], answer["value"], strict=True)) == pytest.approx(shown)


@pytest.mark.parametrize(
    "number",
    [
        "gross",
        "{}",
        "[]",
        '["no_such_kpi","2026-03-01","2026-03-31","2026-03-31",null]',
        '["units","March","2026-03-31","2026-03-31",null]',
        '["units","2026-03-01","2026-03-31","2026-03-31","1) from fct_deal --"]',
        '["units","2026-03-01","2026-03-31","2026-03-31",null,7]',
    ],
)
def test_a_link_to_a_number_that_is_written_wrongly_asks_nothing(number: str, published_home: Home) -> None:
    assert behind.statement(Reader(str(published_home.root), str(current_run(published_home))), number) is None


@pytest.fixture
def two_runs(published_home: Home, tmp_path: Path) -> Home:
    """A home with the published run in force and an earlier one, which calls itself old."""
    home = Home(tmp_path / "home")
    home.create()
    run = current_run(published_home)
    shutil.copy(published_home.published / f"{run}.duckdb", home.published / f"{run}.duckdb")
    home.current.write_text(f"{run}\n", encoding="utf-8")
    earlier = home.published / "20200101T060000-000001.duckdb"
    shutil.copy(home.published / f"{run}.duckdb", earlier)
    earlier.chmod(0o644)
    with duckdb.connect(str(earlier)) as connection:
        connection.execute("update meta.runs set run_id = 'old'")
    return home


def test_an_earlier_run_is_asked_by_its_name(two_runs: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = "select run_id from runs"
    app = opened(two_runs, "sql", monkeypatch, q=statement, run="20200101T060000-000001")
    assert app.dataframe[-1].value["run_id"].tolist() == ["old"]
    assert "is not in force" in text_of(app)
    app = opened(two_runs, "sql", monkeypatch, q=statement)
    assert app.dataframe[-1].value["run_id"].tolist() == [current_run(two_runs)]


@pytest.mark.parametrize("run", ["20190101T060000-000001", "../landing", "scopes/x"])
def test_a_run_that_is_not_kept_is_not_answered_by_another(
    run: str, two_runs: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(two_runs.published / "20200101T060000-000001.duckdb", two_runs.root / "landing.duckdb")
    app = opened(two_runs, "sql", monkeypatch, q="select run_id from runs", run=run)
    assert f"Run {run} is not kept any more" in text_of(app)
    assert not buttons(app)


def test_the_schema_finds_columns_by_their_meaning(published_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(published_home, "schema", monkeypatch, find="allowance")
    assert "fct_deal" in app.selectbox(key="mart").options
    assert "fct_rental" not in app.selectbox(key="mart").options
    found = opened(published_home, "schema", monkeypatch, mart="fct_deal").dataframe[0].value
    types = {row["column"]: (row["type"], row["unit"]) for row in found.to_dict("records")}
    assert types["total_gross"] == ("decimal(18,2)", "money")
    assert list(types)[:3] == ["deal_key", "rooftop", "deal_number"]
    nothing = opened(published_home, "schema", monkeypatch, find="zzz")
    assert "Try a shorter word" in text_of(nothing)


def points(rows: pa.Table, x: str, y: str, series: str | None = None, kind: result.Kind = "Bars") -> tuple[int, str]:
    found, notes = result.points(rows, x, y, series, kind)
    return len(found), " ".join(notes)


def test_a_chart_says_what_it_leaves_out() -> None:
    many = pa.table({"name": [f"n{number}" for number in range(60)], "value": list(range(60))})
    assert points(many, "name", "value") == (40, "The first 40 of 60 values of name are drawn, in the answer's order.")
    assert points(many, "name", "value", kind="Line") == (60, "")
    assert points(many, "value", "value", "name", "Dots") == (6, "The 6 largest of 60 are drawn.")
    holes = pa.table({"name": ["a", None, "c"], "value": [1.0, 2.0, None]})
    assert points(holes, "name", "value") == (1, "2\u00a0rows without a value are not drawn.")
    twice = pa.table({"name": ["a", "a"], "value": [1, 2]})
    assert points(twice, "name", "value")[1].startswith("Several rows share a value of name")


def test_what_no_table_shows_is_written_as_text(published_home: Home) -> None:
    statement = (
        "select [1, 2] as list, {'a': 1} as record, 'x'::blob as bytes, null as nothing, 1.50 as money, true as t"
    )
    rows = result.showable(ask(open_warehouse(published_home), statement, limit=1, seconds=60).rows)
    (row,) = rows.to_pylist()
    assert (row["list"], row["record"], row["nothing"], str(row["money"]), row["t"]) == (
        "[1, 2]",
        '{"a": 1}',
        None,
        "1.50",
        True,
    )


def test_a_join_that_the_schema_names_leads_to_rows(published_home: Home) -> None:
    warehouse = open_warehouse(published_home)
    marts = read_marts(warehouse)
    astray = []
    for mart in (mart for mart in marts.values() if not mart.parameters):
        for column, other in relations(marts, mart.name):
            (found,) = warehouse.rows(
                f"select count({column}) as known, count(*) filter ({column} in (select {column} from marts.{other})) "
                f"as led from marts.{mart.name}"
            )
            if found["led"] < 0.9 * found["known"]:
                astray.append((mart.name, column, other, found))
    assert astray == []
    assert ("stock_unit_key", "fct_stock_unit") in relations(marts, "fct_deal")
