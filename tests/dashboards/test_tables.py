"""How tables are written: numbers, currencies and codes, the order of amounts, what of a record a phone shows."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import charts, naming, records, tables
from dashboards.data import Reader
from dashboards.lists import deals, promises
from dashboards.shell import Page
from dashboards.tables import Column
from dashboards.words import ENGLISH, Locale, locale_of
from forecourt.door import current_run, open_warehouse
from forecourt.home import Home
from forecourt.kpi import newest_day


def written(styled: Any, column: str) -> list[str]:
    """The cells of a column as a reader sees them."""
    lines = [line.split(";") for line in styled.to_string(delimiter=";", sparse_index=False).splitlines()]
    place = lines[0].index(column)
    return [line[place] for line in lines[1:] if any(line)]


@pytest.mark.parametrize(
    ("locale", "expected"), [(ENGLISH, ["−1,234.50", "0.00", ""]), (locale_of("de-DE"), ["−1.234,50", "0,00", ""])]
)
def test_numbers_of_a_table_have_a_true_minus(locale: Locale, expected: list[str]) -> None:
    frame = pl.DataFrame({"what": ["a", None, "c"], "amount": [-1234.5, 0.0, None]})
    styled = tables.numbers(frame, {"amount": 2, "not_there": 0}, locale)
    assert written(styled, "amount") == expected
    assert written(styled, "what") == ["a", "", "c"]


def test_an_effect_has_its_sign_and_what_rounds_to_nothing_has_none() -> None:
    frame = pl.DataFrame({"effect": [1.25, -0.5, 0.001]})
    assert written(tables.numbers(frame, {"effect": 2}, ENGLISH, ["effect"]), "effect") == ["+1.25", "−0.50", "0.00"]


COLUMNS = {
    "what": Column("What"),
    "currency": Column("Currency"),
    "amount": Column("Amount", "money"),
    "days": Column("Days", "count"),
    "year": Column("Year", "year"),
}
ROWS: list[dict[str, Any]] = [
    {"what": "a", "currency": "GBP", "amount": Decimal("-16.35"), "days": 1200, "year": 2023},
    {"what": "b", "currency": "EUR", "amount": Decimal(7), "days": None, "year": None},
    {"what": "c", "currency": None, "amount": None, "days": None, "year": None},
]


def test_an_amount_shows_its_currency_where_no_column_does() -> None:
    page = cast(Page, SimpleNamespace(locale=ENGLISH, is_phone=False))
    assert written(tables.drawn(page, ROWS, COLUMNS, ["what", "amount"]), "amount") == ["−£16.35", "€7.00", ""]
    whole = tables.drawn(page, ROWS, COLUMNS, list(COLUMNS))
    assert written(whole, "amount") == ["−16.35", "7.00", ""]
    assert written(whole, "days") == ["1,200", "", ""]
    assert tables.column_config(COLUMNS)["year"]["type_config"]["format"] == "%d"


def test_a_text_that_a_phone_has_no_room_for_ends_in_an_ellipsis() -> None:
    page = cast(Page, SimpleNamespace(locale=ENGLISH, is_phone=True))
    name = "Rechtsanwaltsgesellschaft Schwarzenbacher und Partner"
    (said, *_) = written(tables.drawn(page, [ROWS[0] | {"what": name}], COLUMNS, ["what", "amount"]), "what")
    assert said == "Rechtsanwaltsgesellschaft Schwarzenbacher…"
    (short, *_) = written(tables.drawn(page, ROWS, COLUMNS, ["what", "amount"], lines=1), "what")
    assert short == "a"


def test_a_phone_shows_other_columns_in_place_of_empty_ones() -> None:
    filled = ["rooftop", "deal", "car", "buyer", "currency"]
    assert tables.on_phone(("deal", "lead", "score"), filled) == ["deal", "car", "buyer"]
    assert tables.on_phone(("deal", "car", "buyer"), filled) == ["deal", "car", "buyer"]
    assert tables.on_phone(("deal", "lead", "score"), ["deal", "rooftop"]) == ["deal"]


def test_a_phone_reads_the_short_head_and_what_it_stands_for() -> None:
    columns = {"minutes": Column("Median response time", "number", "By the clock.", short="Answer, min")}
    assert tables.column_config(columns)["minutes"]["label"] == "Median response time"
    narrow = tables.column_config(columns, ["minutes"])["minutes"]
    assert (narrow["label"], narrow["help"]) == ("Answer, min", "Median response time. By the clock.")


def test_an_opened_record_shows_a_source_s_text_as_it_stands() -> None:
    """A table of a record reads Markdown; what a source wrote may not bold, link or load anything."""

    def record() -> None:
        from decimal import Decimal
        from types import SimpleNamespace

        from dashboards import tables, words
        from dashboards.tables import Column

        page = SimpleNamespace(locale=words.ENGLISH, is_phone=False)
        row = {"what": "![x](http://example.com/a.png)", "amount": Decimal("-5"), "currency": "EUR", "none": None}
        columns = {"what": Column("What"), "amount": Column("Amount", "money"), "none": Column("None")}
        tables._record(page, row, columns, None)  # type: ignore[arg-type]

    (table,) = AppTest.from_function(record).run().table
    assert table.value["field"].tolist() == ["What", "Amount"]
    assert table.value["value"].tolist() == [
        r"\!\[x\]\(http\:\/\/example\.com\/a\.png\)".replace("\\/", "/"),
        "−€5\\.00",
    ]


def test_a_column_of_short_texts_has_room_for_its_longest() -> None:
    """A table that measures itself takes the rare long text for an outlier and cuts it."""
    columns = {"what": Column("What"), "even": Column("Even"), "amount": Column("Amount", "money")}
    rows = [{"what": "sale", "even": "D00001", "amount": 1}] * 9 + [{"what": "product cancelled", "even": "D1"}]
    widths = tables.uneven(rows, columns)
    assert set(widths) == {"what"}
    sparse = [{"amount": None}] * 8 + [{"amount": 30595}, {"amount": 69.22}]
    assert tables.uneven(sparse, {"amount": Column("Amount", "money")})["amount"] > 7 * len("30,595.00")
    late = [{"what": "sale"}] * 10 + [{"what": "sale again"}]
    assert set(tables.uneven(late, {"what": Column("What")})) == {"what"}
    assert widths["what"] >= 7 * len("product cancelled")


def test_a_long_name_beside_a_bar_takes_two_lines() -> None:
    long = "Closed order without a message in 24 hours"
    axis = charts.named(["Task overdue", long]).to_dict()
    assert json.dumps({long: ["Closed order without a", "message in 24 hours"]}) in axis["labelExpr"]
    rooftops = [f"Example Motors of Saint Bartholomew-on-the-Marsh and Upper {name}" for name in ("Mill", "Hill")]
    written = json.loads(charts.named(rooftops).to_dict()["labelExpr"].removeprefix("(").split(")[datum")[0])
    assert [lines[1] for lines in written.values()] == ["… and Upper Mill", "… and Upper Hill"]
    assert "labelExpr" not in charts.named(["Task overdue"]).to_dict()


def test_amounts_of_two_currencies_stand_in_turn() -> None:
    rows = [{"currency": code, "n": n} for code, n in (("EUR", 9), ("EUR", 8), ("GBP", 3), ("EUR", 1), ("GBP", 1))]
    assert [row["n"] for row in tables.in_turn(rows)] == [9, 3, 8, 1, 1]
    assert tables.not_compared(rows)
    assert tables.not_compared(rows[:2]) == []


def test_lists_by_amount_compare_no_currencies(published_home: Home) -> None:
    warehouse = open_warehouse(published_home)
    day = newest_day(warehouse)
    for kind, amount, way in ((promises.BROKEN, "amount", -1), (deals.DEALS, "total", 1)):
        assert kind.is_by_amount
        rows = warehouse.rows(records.statement(kind), [date(day.year, 1, 1), day, day, []])
        known = [row for row in rows if row[amount] is not None and row.get("excluded") is None]
        assert [row["currency"] for row in known[:4]] == ["EUR", "GBP", "EUR", "GBP"]
        for currency in ("EUR", "GBP"):
            mine = [
                way * (abs(row[amount]) if way < 0 else row[amount]) for row in known if row["currency"] == currency
            ]
            assert len(mine) > 5
            assert all(one <= two for one, two in pairwise(mine))


def test_a_code_of_two_people_names_both(published_home: Home) -> None:
    reader = Reader(str(published_home.root), str(current_run(published_home)))
    (code, *_) = reader.rows(
        "select employee, list(distinct employee_name order by employee_name) as names from marts.dim_employee "
        "where employee_name is not null group by employee having count(distinct employee_name) = 2 order by employee"
    )
    assert naming.names_of(reader, "owner")[code["employee"]] == " and ".join(code["names"])


def test_codes_are_read_in_words(published_home: Home) -> None:
    reader = Reader(str(published_home.root), str(current_run(published_home)))
    (person,) = reader.rows(
        "select rooftop, employee, employee_name from marts.dim_employee where rooftop = 'R1' and employee_name != '' "
        "order by employee limit 1"
    )
    columns = {"role": Column("Role", "code"), "owner": Column("Owner"), "evidence": Column("Evidence", "said")}
    row = {
        "rooftop": "R1",
        "role": "bdc",
        "owner": f"{person['employee']}, nobody",
        "evidence": "",
        "stock_number": "a_b",
    }
    (named,) = naming.named(reader, [row | {"evidence": f"call_back by {person['employee']} of S_1"}], columns)
    assert named["rooftop"] == reader.rooftops()["R1"] != "R1"
    assert named["role"] == "enquiry team (BDC)"
    assert named["owner"] == f"{person['employee_name']}, nobody"
    assert named["evidence"] == f"call back by {person['employee_name']} of S_1"
    assert named["stock_number"] == "a_b"
    assert naming.called("bdc", naming.names_of(reader, "role")) == "enquiry team (BDC)"
