"""What was reported stays reported: a month-end ageing before and after a backdated credit note, a late cost while its
month is open and once it is closed, and the records that made the difference; and what files say that come late, or
say again what an earlier one said. Real files, landed, built and closed, asked by ``kpi`` and ``export``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from forecourt.build import Paths, build
from forecourt.cli import cli
from forecourt.door import current_run, open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.meta import write_meta
from forecourt.publish import publish
from forecourt.run import new_run_id
from forecourt.settings_file import load_settings
from ingest.landing import land

DELIVERED = {
    "dms_invoices_2026-03-31.csv": """\
rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount
R1,I1,invoice,C1,2026-01-10,2026-02-09,1000.00
R1,I2,invoice,C2,2026-03-20,2026-04-19,300.00
""",
    "dms_payments_2026-03-31.csv": """\
rooftop,payment_number,customer_id,posted_on,amount
R1,P1,C1,2026-03-01,400.00
""",
    "dms_allocations_2026-03-31.csv": """\
rooftop,allocation_id,from_document,from_kind,to_document,to_kind,allocated_on,amount
R1,A1,P1,payment,I1,invoice,2026-03-01,400.00
""",
    "dms_deals_2026-03-31.csv": """\
rooftop,deal_number,stock_number,deal_type,status,delivered_on,sale_price,vehicle_cost
R1,D1,S1,retail,delivered,2026-03-10,10000.00,8260.50
""",
    "dms_vehicle_costs_2026-04-30.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K1,S1,2026-04-05,recon,200.00
""",
}
BACKDATED = {
    "dms_invoices_2026-05-04.csv": """\
rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount,credits_invoice
R1,CN1,credit_note,C1,2026-03-20,,100.00,I1
""",
}
INVOICES = """\
rooftop,invoice_number,kind,customer_id,posted_on,due_on,amount
R1,I1,invoice,C1,2026-01-10,2026-02-09,1000.00
R1,I2,invoice,C2,2026-03-20,2026-04-19,300.00
"""
#: A full file, another without the second invoice, the first again; then two that were exported in between: an older
#: word on an amount, and the only file with a dispute.
RETOLD = {
    "dms_invoices.full.2026-03-20.csv": INVOICES,
    "dms_invoices.full.2026-03-22.csv": INVOICES.replace("1000.00", "900.00").partition("R1,I2")[0],
    "dms_invoices.full.2026-03-31.csv": INVOICES,
    "dms_invoices_2026-03-21.csv": INVOICES.replace("1000.00", "1100.00"),
    "dms_invoices_2026-03-25.csv": """\
rooftop,invoice_number,kind,posted_on,amount,disputed_from
R1,I1,invoice,2026-01-10,950.00,2026-03-24
""",
}
PART = (
    "+path:marts/finance +path:marts/deal +fct_claim +fct_episode +fct_vehicle_day "
    "+fct_stock_unit +dim_vehicle +dim_customer"
)


@dataclass
class Story:
    """A home, and what it said at each step of its history."""

    home: Home
    folder: Path
    said: dict[str, Any] = field(default_factory=dict)

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--home", str(self.home.root)])

    def land(self, files: dict[str, str]) -> None:
        exports = self.folder / f"delivery{len(self.said)}"
        exports.mkdir()
        for name, text in files.items():
            (exports / name).write_text(text, encoding="utf-8")
        with self.home.lock():
            landed = land(self.home, load_settings(self.home.settings), [exports])
        assert {file.status for file in landed} == {"landed"}

    def deliver(self, files: dict[str, str], part: str = PART) -> None:
        """Lands the files and publishes what can be known from them."""
        self.land(files)
        settings = load_settings(self.home.settings)
        with self.home.lock():
            broken = [
                node.name
                for node in build(self.home, settings, select=part, tests=False)
                if node.status not in ("success", "pass", "warn")
            ]
            assert broken == []
            paths, run_id = Paths(self.home.build), new_run_id()
            write_meta(self.home, paths, run_id=run_id, started_at=now(), known_at=None)
            publish(self.home, self.home.warehouse, run_id, keep=1)

    def ageing(self, *words: str) -> bytes:
        path = self.folder / "ageing.csv"
        result = self.call("export", "ageing", "--format", "csv", "-o", str(path), *words)
        assert result.exit_code == 0, result.exception
        return path.read_bytes()

    def overdue(self, *words: str) -> tuple[str, str]:
        """Numerator and denominator of the overdue rate at the end of March."""
        result = self.call("kpi", "overdue_rate", "--as-of", "2026-03-31", "--json", *words)
        assert result.exit_code == 0, result.exception
        (row,) = json.loads(result.output)
        return row["numerator"], row["denominator"]

    def gross(self, first: str, last: str, as_of: str) -> Decimal | None:
        (row,) = open_warehouse(self.home).rows(
            "select sum(total) as total from marts.fct_deal_movement "
            f"where moved_on between '{first}' and '{last}' and dated_on <= '{as_of}'"
        )
        total: Decimal | None = row["total"]
        return total


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """March is reported, with a late cost in April; it is closed; then a credit note is posted back into it."""
    folder = tmp_path_factory.mktemp("story")
    home = Home(folder / "home")
    home.create()
    home.settings.write_text('[company]\nname = "Example Motors"\ncurrency = "GBP"\n', encoding="utf-8")
    told = Story(home, folder)
    said = told.said
    said["before"] = now()
    told.deliver(DELIVERED)
    said["reported"], said["reported_at"] = told.ageing("--as-of", "2026-03-31"), now()
    said["gross reported"] = told.gross("2026-03-01", "2026-03-31", "2026-03-31")
    said["too early"] = told.call("close", "2026-04")
    said["gross while open"] = told.gross("2026-03-01", "2026-03-31", "2026-04-30")
    said["april while open"] = told.gross("2026-04-01", "2026-04-30", "2026-04-30")
    said["closed run"] = current_run(home)
    said["close"] = told.call("close", "2026-03", "--json")
    said["gross once closed"] = told.gross("2026-03-01", "2026-03-31", "2026-04-30")
    said["april once closed"] = told.gross("2026-04-01", "2026-04-30", "2026-04-30")
    said["again"] = told.call("close", "2026-03")
    told.deliver(BACKDATED)
    return told


@pytest.fixture(scope="module")
def retold(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Five files about two invoices, one after the other; published after the first and after the last."""
    folder = tmp_path_factory.mktemp("retold")
    home = Home(folder / "home")
    home.create()
    home.settings.write_text('[company]\nname = "Example Motors"\ncurrency = "GBP"\n', encoding="utf-8")
    told = Story(home, folder)
    (first, text), *others = RETOLD.items()
    told.deliver({first: text}, part="+path:marts/finance")
    told.said[first] = (now(), told.ageing("--as-of", "2026-03-31"), told.overdue())
    for name, later in others[:-1]:
        told.land({name: later})
        told.said[name] = (now(),)
    told.deliver(dict(others[-1:]), part="+path:marts/finance")
    return told


def test_full_files_x_y_x_end_as_x_whatever_comes_late(retold: Story) -> None:
    _, reported, figures = retold.said["dms_invoices.full.2026-03-20.csv"]
    assert figures == ("1000.00", "1300.00")
    assert retold.overdue() == figures
    # The late partial file is alone in saying that the invoice is disputed; its older amount is not believed.
    then, today = (text.decode().splitlines() for text in (reported, retold.ageing("--as-of", "2026-03-31")))
    assert [len(lines) for lines in (then, today)] == [3, 3]
    column = then[0].split(",").index("disputed")
    assert [line.split(",")[column] for line in then[1:]] == ["false", "false"]
    assert [line.split(",")[column] for line in today[1:]] == ["true", "false"]
    amount = then[0].split(",").index("outstanding")
    assert [line.split(",")[amount] for line in today[1:]] == ["1000.00", "300.00"]


def test_each_state_of_knowledge_comes_out_again(retold: Story) -> None:
    instant, reported, _ = retold.said["dms_invoices.full.2026-03-20.csv"]
    assert retold.ageing("--as-of", "2026-03-31", "--known-at", instant.isoformat()) == reported
    # A money row that the second full file left out keeps its amount.
    (second,) = retold.said["dms_invoices.full.2026-03-22.csv"]
    assert retold.overdue("--known-at", second.isoformat()) == ("900.00", "1200.00")
    (late,) = retold.said["dms_invoices_2026-03-21.csv"]
    assert retold.overdue("--known-at", late.isoformat()) == ("1000.00", "1300.00")


def test_a_schedule_that_is_none_is_refused_with_the_nearest(retold: Story) -> None:
    path = retold.folder / "none.csv"
    result = retold.call("export", "ageing", "--schedule", "custmer", "--format", "csv", "-o", str(path))
    assert str(result.exception) == "There is no schedule 'custmer'. Did you mean customer?"
    assert not path.exists()


@pytest.mark.metrics("1.late-cost")
def test_a_late_cost_belongs_to_the_open_month_and_to_its_own_day_once_it_is_closed(story: Story) -> None:
    assert story.said["gross reported"] == Decimal("1739.50")
    assert (story.said["gross while open"], story.said["april while open"]) == (Decimal("1539.50"), None)
    assert (story.said["gross once closed"], story.said["april once closed"]) == (
        Decimal("1739.50"),
        Decimal("-200.00"),
    )


@pytest.mark.metrics("0.known-at")
def test_the_ageing_of_then_comes_out_byte_for_byte(story: Story) -> None:
    reported = story.said["reported"]
    assert b"I1,invoice,1,2026-01-10,2026-02-09,GBP,1000.00,600.00," in reported
    as_now_known = story.ageing("--as-of", "2026-03-31")
    assert b"I1,invoice,1,2026-01-10,2026-02-09,GBP,1000.00,500.00," in as_now_known
    instant = story.said["reported_at"].isoformat()
    assert story.ageing("--as-of", "2026-03-31", "--known-at", instant) == reported
    assert story.ageing("--closed", "2026-03") == reported
    assert story.ageing("--closed", "2026-03", "--as-of", "2026-03-31", "--schedule", "customer") == reported


@pytest.mark.metrics("0.known-at")
def test_as_reported_against_as_now_known_lists_the_records_between(story: Story) -> None:
    words = ("kpi", "overdue_rate", "gross_margin_rate", "--from", "2026-03-01", "--to", "2026-03-31", "--as-of")
    instant = story.said["reported_at"].isoformat()
    result = story.call(*words, "2026-04-30", "--known-at", instant, "--versus-now", "--json")
    assert result.exit_code == 0, result.exception
    overdue, gross = json.loads(result.output)
    assert overdue["as_reported"]["numerator"] == "600.00"
    assert overdue["as_now_known"]["numerator"] == "500.00"
    (record,) = overdue["records"]
    assert (record["record"], record["change"], record["file"], record["row"]) == (
        "R1|invoice|I1|1",
        "changed",
        "dms_invoices_2026-03-31.csv",
        2,
    )
    assert record["as_reported"] == {"numerator": "600.00", "denominator": "600.00"}
    assert record["as_now_known"] == {"numerator": "500.00", "denominator": "500.00"}
    (learned,) = record["learned"]
    assert (learned["feed"], learned["file"], learned["row"]) == ("dms_invoices", "dms_invoices_2026-05-04.csv", 2)
    # March was open then, so its late cost lowered it; now it is closed.
    assert (gross["as_reported"]["numerator"], gross["as_now_known"]["numerator"]) == ("1539.50", "1739.50")
    (moved,) = gross["records"]
    assert (moved["record"], moved["change"], moved["file"], moved["row"]) == (
        "R1|D1",
        "changed",
        "dms_deals_2026-03-31.csv",
        2,
    )
    assert moved["learned"] == []  # nothing came: the closing made the difference


@pytest.mark.metrics("0.known-at")
def test_what_was_learned_of_a_gross_is_named_with_its_file_row(tmp_path: Path) -> None:
    """A cost posted before the sale, one after it, and a deal whose cost nobody knew come after the number."""
    home = Home(tmp_path / "home")
    home.create()
    home.settings.write_text('[company]\nname = "Example Motors"\ncurrency = "GBP"\n', encoding="utf-8")
    told = Story(home, tmp_path)
    told.deliver(
        {
            "dms_deals_2026-03-31.csv": """\
rooftop,deal_number,stock_number,deal_type,status,delivered_on,sale_price,vehicle_cost
R1,D1,S1,retail,delivered,2026-03-10,10000.00,
R1,D2,S2,retail,delivered,2026-03-10,10000.00,9000.00
R1,D3,S3,retail,delivered,2026-03-10,10000.00,9000.00
R1,D4,S4,retail,delivered,2026-03-10,10000.00,
""",
            "dms_vehicle_costs_2026-03-31.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K0,S4,2026-03-01,purchase,8000.00
""",
        },
        part="+path:marts/deal +fct_vehicle_cost",
    )
    told.said["first"] = now()
    told.deliver(
        {
            "dms_vehicle_costs_2026-04-20.csv": """\
rooftop,cost_id,stock_number,posted_on,category,amount
R1,K1,S1,2026-03-20,purchase,9500.00
R1,K2,S2,2026-03-30,recon,55.00
R1,K4,S4,2026-03-02,recon,45.00
R1,K9,S9,2026-03-30,recon,99.00
""",
        },
        part="+path:marts/deal +fct_vehicle_cost",
    )
    words = ("kpi", "total_gross", "--from", "2026-03-01", "--to", "2026-03-31", "--as-of", "2026-03-31")
    result = told.call(*words, "--known-at", told.said["first"].isoformat(), "--versus-now", "--json")
    assert result.exit_code == 0, result.exception
    (gross,) = json.loads(result.output)
    assert (gross["as_reported"]["excluded"], gross["as_now_known"]["excluded"]) == (1, 0)
    costs = "dms_vehicle_costs_2026-04-20.csv"
    assert [
        (moved["record"], moved["change"], moved["file"], [(each["file"], each["row"]) for each in moved["learned"]])
        for moved in gross["records"]
    ] == [
        ("R1|D1", "changed", "dms_deals_2026-03-31.csv", [(costs, 2)]),
        ("R1|D2", "changed", "dms_deals_2026-03-31.csv", [(costs, 3)]),
        ("R1|D4", "changed", "dms_deals_2026-03-31.csv", [(costs, 4)]),
    ]
    unknown = {"numerator": None, "denominator": None, "excluded": "vehicle cost unknown"}
    assert gross["records"][0]["as_reported"] == unknown


def test_nothing_was_known_before_the_first_delivery(story: Story) -> None:
    instant = story.said["before"].isoformat()
    result = story.call("export", "ageing", "--known-at", instant, "-o", str(story.folder / "never.csv"))
    assert isinstance(result.exception, Problem)
    assert str(result.exception).startswith("Nothing was known at")
    assert not (story.folder / "never.csv").exists()


def test_a_month_is_closed_once_and_not_before_its_data_are_through(story: Story) -> None:
    assert "2026-04 cannot be closed before its data are through 2026-04-30" in str(story.said["too early"].exception)
    assert "A month is closed once" in str(story.said["again"].exception)


def test_a_closed_month_keeps_its_files_who_when_and_its_run(story: Story) -> None:
    closed = json.loads(story.said["close"].output)
    folder = story.home.closed / "2026-03"
    assert closed["run_id"] == story.said["closed run"]
    assert closed["published"] is not None
    assert closed["closed_by"]
    assert {path.name for path in folder.iterdir()} == {*closed["files"], "close.json"}
    assert {"headlines.csv", "ageing_due_all.csv", "ageing_invoice_customer.xlsx"} <= set(closed["files"])
    kept = {path.stem for path in story.home.published.glob("*.duckdb")}
    assert kept == {closed["run_id"], current_run(story.home)}
    assert open_warehouse(story.home, closed["run_id"]).rows("select deal_key from marts.fct_deal") == [
        {"deal_key": "R1|D1"}
    ]
    lines = (folder / "headlines.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith(
        "gross_margin_rate,Gross margin,percent,2026-03-01,2026-03-31,2026-03-31,,GBP,0.17395,1739.50,10000.00,"
    )


def test_a_closed_file_that_was_changed_is_refused(story: Story) -> None:
    path = story.home.closed / "2026-03" / "ageing_invoice_all.csv"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"600.00", b"599.00"))
    words = ("export", "ageing", "--closed", "2026-03", "--basis", "invoice", "--format", "csv", "-o", "x.csv")
    assert "its sha256 differs" in str(story.call(*words).exception)
    path.write_bytes(kept)


def test_a_month_that_is_not_closed_is_said(story: Story) -> None:
    result = story.call("export", "ageing", "--closed", "2026-02", "-o", "x.csv")
    assert "2026-02 is not closed. Closed: 2026-03." in str(result.exception)
    wrong_day = story.call("export", "ageing", "--closed", "2026-03", "--as-of", "2026-03-30", "-o", "x.csv")
    assert "was closed as of 2026-03-31" in str(wrong_day.exception)
    assert story.call("export", "ageing", "--closed", "2026-03", "--rooftop", "R1", "-o", "x.csv").exit_code == 2


def test_a_row_of_a_mart_is_traced_to_the_text_in_its_file(story: Story) -> None:
    result = story.call("trace", "fct_receivable", "R1", "invoice", "I1", "--json")
    assert result.exit_code == 0, result.exception
    version, credit_note, allocation = json.loads(result.output)
    assert (credit_note["feed"], credit_note["key"]) == ("dms_invoices", "R1|CN1")
    assert (allocation["feed"], allocation["key"], allocation["text"]) == (
        "dms_allocations",
        "R1|A1",
        "R1,A1,P1,payment,I1,invoice,2026-03-01,400.00",
    )
    assert (version["feed"], version["key"], version["file"], version["row"], version["op"]) == (
        "dms_invoices",
        "R1|I1",
        "dms_invoices_2026-03-31.csv",
        2,
        "row",
    )
    assert version["text"] == "R1,I1,invoice,C1,2026-01-10,2026-02-09,1000.00"
    told = story.call("trace", "fct_deal", "R1", "D1")
    assert "R1,D1,S1,retail,delivered,2026-03-10,10000.00,8260.50" in told.output
    assert "R1,K1,S1,2026-04-05,recon,200.00" in told.output
    told = story.call("trace", "fct_deal_movement", "R1", "D1", "late_cost", "K1")
    assert "R1,K1,S1,2026-04-05,recon,200.00" in told.output
    assert "The nearest: R1|invoice|I1|1" in str(story.call("trace", "fct_receivable", "R1", "invoice", "I7").exception)
