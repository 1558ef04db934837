"""The pages in a real browser, wide and on a phone: nothing broken, nothing cut off sideways, pictures to look at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from forecourt.home import Home
from tests.support.barriers import barriers
from tests.support.browser import DONE, WIDTHS, Visit
from tests.support.dashboards import PAGES

pytestmark = pytest.mark.browser

#: What a page is asked for where it needs a question to show all it has.
ASKED = {
    "customer": "customer?find=C0001",
    "overview": "",
    "schema": "schema?find=promised",
    "sql": "sql?q=from+fct_deal",
    "vehicle": "vehicle?find=S0001",
}


def complaints(visit: Visit, name: str, problems: list[str]) -> None:
    """Adds what is wrong with the page that stands there: errors, sideways scroll, texts cut off, barriers."""
    where = f"{name} at {visit.width} {visit.scheme}"
    if visit.page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').count():
        problems.append(f"{where}: shows an error")
    problems += [f"{where}: {each}" for each in (*visit.problems, *visit.cut())]
    visit.problems.clear()
    if wide := visit.too_wide():
        problems.append(f"{where}: too wide, {wide}")


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_whole(browser: Any, address: str, width: int) -> None:
    """A wide page in the light, in the dark and at the width of a tablet, and on a phone: whole, no barriers (axe)."""
    visit = Visit(browser, width, "light")
    problems: list[str] = []
    for name in PAGES:
        place = ASKED.get(name, name)
        visit.open(f"{address}/{place}", name)
        complaints(visit, name, problems)
        problems += barriers(visit, name)
        if width == 1440:  # other colours stand at no other places, so the dark is shown at one width
            visit.turn(scheme="dark", settle=False)
            visit.open(f"{address}/{place}", name)
            complaints(visit, name, problems)
            problems += barriers(visit, name)
            visit.turn(width=768)
            complaints(visit, name, problems)
            visit.turn(width=1440, scheme="light", settle=False)
    visit.context.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("width", WIDTHS)
def test_an_empty_home_is_whole_too(browser: Any, empty_address: str, width: int) -> None:
    visit = Visit(browser, width, "light")
    problems: list[str] = []
    for name in ("", "data", "month_end", "vehicle"):
        visit.open(f"{empty_address}/{name}", f"empty-{name or 'overview'}")
        assert "Nothing is published" in visit.page.inner_text('[data-testid="stMain"]')
        complaints(visit, f"empty {name}", problems)
        problems += barriers(visit, f"empty {name}")
    visit.context.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("width", [1440, 390])
def test_long_names_are_whole(browser: Any, long_names: str, width: int) -> None:
    visit = Visit(browser, width, "light")
    problems: list[str] = []
    for name in ("", "gross", "people", "ageing", "promises", "stock", "data"):
        visit.open(f"{long_names}/{name}", f"long-{name or 'overview'}")
        complaints(visit, f"long {name}", problems)
    visit.context.close()
    assert not problems, "\n".join(problems)


def test_a_choice_stays_in_the_url_from_page_to_page(browser: Any, address: str) -> None:
    visit = Visit(browser, 1440, "light")
    page = visit.page
    page.goto(f"{address}/?period=last_month&versus=nothing")
    page.wait_for_selector('[data-testid="stMetric"]', timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    page.get_by_role("link", name="Fleet utilisation").click()
    page.wait_for_selector("h1:has-text('Utilisation')", timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    assert "period=last_month" in page.url
    assert "versus=nothing" in page.url
    page.get_by_role("link", name="Claims", exact=True).click()
    page.wait_for_selector("h1:has-text('Claims')", timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    assert "period=last_month" in page.url
    assert "versus=nothing" in page.url
    visit.context.close()


def test_from_the_tile_to_the_line_of_the_file_in_three_clicks(browser: Any, address: str) -> None:
    """The owner on a phone: the card, the record; its file and line stand below it, two touches from the overview."""
    visit = Visit(browser, 390, "light")
    page = visit.page
    page.goto(address)
    page.wait_for_selector('[data-testid="stMetric"]', timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    page.get_by_test_id("stMain").get_by_role("link", name="Gross margin").first.click()
    page.wait_for_selector("h1:has-text('Gross margin')", timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    table = page.get_by_test_id("stDataFrame").filter(visible=True).last
    table.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = table.bounding_box()
    page.touchscreen.tap(box["x"] + 17, box["y"] + 53)
    page.get_by_text("The original lines").wait_for(timeout=30_000)
    assert re.search(r"From dms_\w+_\S+\.csv, line \d+\.", page.inner_text('[data-testid="stMain"]'))
    assert visit.problems == []
    visit.context.close()


def test_the_workbook_comes_down_and_is_logged(browser: Any, address: str, published_home: Home) -> None:
    visit = Visit(browser, 1440, "light")
    page = visit.page
    page.goto(f"{address}/ageing")
    button = page.get_by_role("button", name="xlsx, all open documents")
    button.wait_for(timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    with page.expect_download(timeout=60_000) as waiting:
        button.click()
    data = Path(waiting.value.path()).read_bytes()
    assert data.startswith(b"PK")
    assert waiting.value.suggested_filename.startswith("ageing_")
    assert published_home.exports_log.read_text().count("\n") >= 1
    visit.context.close()


def test_the_analyst_asks_in_sql_and_sends_the_link(browser: Any, address: str, published_home: Home) -> None:
    """A statement by keyboard, its chart, a file of it, and a link that shows a colleague the same."""
    visit = Visit(browser, 1440, "light")
    page = visit.page
    page.goto(f"{address}/sql")
    statement = page.get_by_role("textbox", name="Statement")
    statement.wait_for(timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    statement.fill("select rooftop, count(*) as deals\nfrom fct_deal\ngroup by rooftop\norder by rooftop")
    statement.press("Control+Enter")
    page.get_by_text("2\u00a0rows").wait_for(timeout=60_000)
    page.get_by_role("tab", name="Chart").click()
    page.get_by_test_id("stVegaLiteChart").wait_for(timeout=30_000)
    page.get_by_role("combobox", name="Drawn as").click()
    page.get_by_role("option", name="Dots").click()
    page.wait_for_url("**chart=Dots**", timeout=30_000)
    page.wait_for_timeout(500)  # a button of the run before has nothing to give any more
    page.wait_for_selector(DONE, timeout=60_000)
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name="csv of these 2").click()
    lines = Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "rooftop,deals"
    assert len(lines) == 3
    entry = json.loads(published_home.exports_log.read_text(encoding="utf-8").splitlines()[-1])
    assert (entry["export"], entry["rows"], entry["by"]) == ("sql", 2, "page")
    page.get_by_role("button", name="Link to this").click()
    link = page.get_by_test_id("stCode").last.inner_text().strip()
    assert link.startswith(f"{address}/sql?")
    assert "run=" in link

    colleague = Visit(browser, 1440, "light")
    colleague.page.goto(link)
    colleague.page.get_by_text("2\u00a0rows").wait_for(timeout=60_000)
    colleague.page.wait_for_selector(DONE, timeout=60_000)
    shown = colleague.page.get_by_role("textbox", name="Statement")
    expect(shown).to_have_value(re.compile("from fct_deal"), timeout=60_000)
    assert "chart=Dots" in colleague.page.url
    assert visit.problems + colleague.problems == []
    colleague.context.close()
    visit.context.close()


def test_a_number_leads_to_its_sql(browser: Any, address: str) -> None:
    visit = Visit(browser, 1440, "light")
    page = visit.page
    page.goto(f"{address}/gross")
    page.get_by_role("link", name="The SQL behind it").click(timeout=60_000)
    page.wait_for_selector("h1:has-text('SQL')", timeout=60_000)
    statement = page.get_by_role("textbox", name="Statement")
    expect(statement).to_have_value(re.compile("^-- Gross margin"), timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    page.get_by_test_id("stDataFrame").first.wait_for(timeout=60_000)
    assert visit.problems == []
    visit.context.close()


def reach(page: Any, what: str) -> None:
    """Goes on by the tabulator until the focus is on what a selector names."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(what) => document.activeElement.matches(what)", what):
            return
    pytest.fail(f"no way to {what} by keyboard")


def test_from_the_filters_to_the_record_without_a_mouse(browser: Any, address: str) -> None:
    visit = Visit(browser, 1440, "light")
    page = visit.page
    page.goto(address)
    visit.settle()
    reach(page, '[data-testid="stPopoverButton"]')
    page.keyboard.press("Enter")
    page.get_by_test_id("stPopoverBody").wait_for()
    reach(page, '[data-testid="stMultiSelect"] input')
    page.keyboard.type("Linden")
    page.get_by_role("option", name="Lindenhof").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**rooftop=R2**")
    visit.settle()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverBody").wait_for(state="hidden")
    reach(page, '[data-testid="stPageLink-NavLink"][href*="gross"]')
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Gross margin')")
    visit.settle()
    reach(page, "canvas")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    page.get_by_text("The original lines").wait_for()
    assert "rooftop=R2" in page.url
    assert visit.problems == []
    visit.context.close()
