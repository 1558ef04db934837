"""Month ends on their page and behind it: what can be closed, what is kept whole, what was learned since."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dashboards.closing import changed_since, open_months, zipped
from dashboards.reports.pack import LEFT_OUT, SUMS, month_end_pack, sums
from forecourt.close import ClosedMonth, close_month, closed_month
from forecourt.door import open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from tests.dashboards.test_pages import opened, text_of
from tests.support.command import call, said

MARCH = date(2026, 3, 1)


def closed(month: str) -> ClosedMonth:
    return ClosedMonth(month, "2026-04-02T08:00:00", "Ada", "run1", {})


@pytest.fixture
def closed_home(ledger_home: Home, tmp_path: Path) -> Home:
    """The ledger with March closed beside the published run; a document of the closed ageing was 5.00 higher then."""
    home = Home(tmp_path / "home")
    home.create()
    shutil.copytree(ledger_home.published, home.published, dirs_exist_ok=True)
    warehouse = open_warehouse(home)
    files = month_end_pack(warehouse, MARCH, date(2026, 3, 31))
    files["ageing_due_all.csv"] = files["ageing_due_all.csv"].replace(b",70.50,70.50,", b",75.50,75.50,")
    files[SUMS] = sums(files)
    close_month(home, warehouse.run_id, MARCH, files, ())
    return home


@pytest.mark.parametrize(
    ("newest", "done", "expected"),
    [
        (date(2026, 3, 31), [], [date(2026, 3, 1), date(2026, 2, 1)]),
        (date(2026, 3, 30), [], [date(2026, 2, 1), date(2026, 1, 1)]),
        (date(2026, 4, 2), ["2026-03"], [date(2026, 2, 1), date(2026, 1, 1)]),
    ],
)
def test_only_a_month_that_is_over_and_open_can_be_closed(newest: date, done: list[str], expected: list[date]) -> None:
    assert list(open_months(newest, [closed(month) for month in done]))[:2] == expected


def test_a_pdf_that_cannot_be_made_is_named_in_the_pack(ledger_home: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    shutil.copytree(ledger_home.published, home.published, dirs_exist_ok=True)
    run_id = open_warehouse(ledger_home).run_id
    file = home.published / f"{run_id}.duckdb"
    file.chmod(0o644)
    with duckdb.connect(str(file)) as connection:
        connection.execute("update marts.fct_receivable set customer_name = '王芳'")
    files = month_end_pack(open_warehouse(home), MARCH, date(2026, 3, 31))
    assert not [name for name in files if name.endswith(".pdf")]
    said = files[LEFT_OUT].decode().splitlines()
    assert [line.partition(":")[0] for line in said] == ["ageing_due_all.pdf", "ageing_invoice_all.pdf"]
    assert all("王芳" in line and "Take xlsx or csv" in line for line in said)


def test_the_pack_comes_whole_and_damage_is_refused(closed_home: Home) -> None:
    month = closed_month(closed_home, "2026-03")
    data = zipped(closed_home, month)
    assert data == zipped(closed_home, month)
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        assert set(pack.namelist()) == {f"2026-03/{name}" for name in (*month.files, "close.json")}
    (closed_home.closed / "2026-03" / "stock_book.csv").write_bytes(b"other")
    with pytest.raises(Problem, match="is not what was closed"):
        zipped(closed_home, month)


def test_a_wrong_setting_is_told_before_a_month_is_closed(ledger_home: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    shutil.copytree(ledger_home.published, home.published, dirs_exist_ok=True)
    home.settings.write_text("[mail]\nfrom = 'reports@example.com'\n", encoding="utf-8")
    result = call("close", "2026-03", "--home", str(home.root))
    assert result.exit_code != 0
    assert "'from' is no setting (mail.from)" in said(result)
    assert not list(home.closed.glob("*"))


def test_what_was_learned_since_names_the_document(closed_home: Home) -> None:
    (row,) = changed_since(closed_home, closed_month(closed_home, "2026-03"), open_warehouse(closed_home))
    assert (row["rooftop"], row["document"], row["closed"], row["now"], row["change"]) == (
        *("R1", "I2", Decimal("75.50"), Decimal("70.50")),
        Decimal("-5.00"),
    )


def test_the_page_says_whether_the_open_month_ties(ledger_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(ledger_home, "month_end", monkeypatch)
    said = text_of(app)
    assert "March 2026 is over and open" in said
    assert "1 of 2 control accounts of this day tie" in said
    (button,) = (button for button in app.button if button.label == "Close the month for good")
    assert button.disabled
    app.checkbox(key="sure_2026-03-01").check().run()
    (button,) = (button for button in app.button if button.label == "Close the month for good")
    assert not button.disabled


def test_the_page_keeps_what_was_closed_and_says_what_changed(
    closed_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(closed_home, "month_end", monkeypatch)
    said = text_of(app)
    assert "March 2026 is closed" in said
    assert "Documents open on 31 March 2026 otherwise than closed: 1" in said
    labels = [button.label for button in app.get("download_button")]
    assert any(label.startswith("zip, the whole pack") for label in labels)
    (closed_home.closed / "2026-03" / "tie_out.csv").write_bytes(b"other")
    app = opened(closed_home, "month_end", monkeypatch)
    assert any("No longer what was closed: tie_out.csv" in str(part.value) for part in app.error)


def test_the_stock_book_page_adds_up_to_its_file(ledger_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(ledger_home, "stock_book", monkeypatch, period="last_month")
    said = text_of(app).replace("\xa0", " ")
    assert "4 cars sold under the margin scheme in March 2026" in said
    assert "VAT due **€191.60** and **£200.00**" in said
    assert "The VAT of 1 car is not known" in said
    labels = [button.label.replace("\xa0", " ") for button in app.get("download_button")]
    assert labels[:2] == ["xlsx: 5 cars", "csv: 5 cars"]
    totals, cars = (frame.value for frame in app.dataframe)
    assert set(totals["rooftop"]) == {"North", "Süd"}
    assert cars["model_year"].dropna().tolist() == [int(year) for year in cars["model_year"].dropna()]


def test_the_ageing_page_narrows_to_an_entity(ledger_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(ledger_home, "ageing", monkeypatch)
    app.date_input(key="as_of").set_value(date(2026, 3, 31)).run()
    app.selectbox(key="entity").set_value("Beispiel GmbH").run()
    assert not app.exception
    labels = [button.label.replace("\xa0", " ") for button in app.get("download_button")]
    assert "xlsx, this choice: 1 row" in labels
    assert "pdf, all open documents: 5 rows" in labels
    assert "1 of 1 control accounts of this day tie" in text_of(app).replace("\\", "")
