"""The accountant's journey in a real browser: the planted cent is found, the month is closed, the pack ties to it."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from forecourt.home import Home
from tests.dashboards.conftest import served
from tests.support.browser import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(ledger_home: Home, tmp_path: Path) -> Iterator[tuple[str, Home]]:
    """The ledger in a home of its own, since a month of it is closed, and the address that shows it."""
    home = Home(tmp_path / "home")
    shutil.copytree(ledger_home.root, home.root)
    for address in served(home, tmp_path / "log"):
        yield address, home


def downloaded(page: Any, name: str) -> bytes:
    """The file that a button gives, found by the beginning of its label."""
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name=name).first.click()
    return Path(waiting.value.path()).read_bytes()


def test_a_month_is_closed_with_a_workbook_that_shows_the_planted_cent(browser: Any, desk: tuple[str, Home]) -> None:
    address, home = desk
    visit = Visit(browser, 1440, "light")
    page = visit.page

    visit.open(f"{address}/ageing?as_of=2026-03-31", "accountant-ageing")
    assert "North customer by GBP −0.01 differs" in page.inner_text('[data-testid="stMain"]')
    book = openpyxl.load_workbook(io.BytesIO(downloaded(page, "xlsx, all open documents")), data_only=True)
    cover = [[cell.value for cell in line] for line in book["Cover"].iter_rows()]
    assert ["R1", "customer", "GBP", 508.51, 508.5, -0.01, "differs"] in cover
    assert ["R2", "customer", "EUR", 80, 80, 0, "ties"] in cover
    assert book["Detail GBP"]["M1"].value == 508.5
    assert downloaded(page, "pdf, all open documents").startswith(b"%PDF")

    heading = page.get_by_role("heading", name="Customers, most past due first")
    table = heading.locator('xpath=following::*[@data-testid="stDataFrame"][1]')
    table.scroll_into_view_if_needed()
    visit.settle()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 54)
    statement = page.get_by_role("button", name="Statement of account of C1")
    statement.wait_for(timeout=60_000)
    visit.settle()
    assert downloaded(page, "Statement of account of C1").startswith(b"%PDF")

    visit.open(f"{address}/month_end", "accountant-month-end")
    assert "March 2026 is over and open" in page.inner_text('[data-testid="stMain"]')
    page.get_by_role("button", name="Close March 2026").click()
    page.get_by_text("I have read the tie-out and know that 1 account differs").click()
    visit.settle()
    page.get_by_role("button", name="Close the month for good").click()
    page.get_by_text("March 2026 is closed").wait_for(timeout=400_000)
    visit.settle()
    with zipfile.ZipFile(io.BytesIO(downloaded(page, "zip, the whole pack"))) as pack:
        kept = pack.read("2026-03/ageing_due_all.xlsx")
        tied = list(csv.DictReader(io.StringIO(pack.read("2026-03/tie_out.csv").decode())))
    assert kept == (home.closed / "2026-03" / "ageing_due_all.xlsx").read_bytes()
    assert [(row["rooftop"], row["difference"], row["verdict"]) for row in tied] == [
        ("R1", "-0.01", "differs"),
        ("R2", "0.00", "ties"),
    ]
    visit.open(f"{address}/month_end", "accountant-closed")
    assert visit.problems == []
    visit.context.close()
