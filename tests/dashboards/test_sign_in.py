"""Signing in at a real provider with a real browser: who is limited stays inside, who is unknown stays outside."""

from __future__ import annotations

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from dashboards.serve import ADDRESS
from forecourt.home import Home
from tests.support.browser import SCREENS, STILL, WATCH, free_port, running

pytestmark = pytest.mark.browser

PROVIDER = Path(__file__).resolve().parents[1] / "support" / "provider.py"
SECRET = "a secret of nobody"
ACCESS = """
[access]
issuer = "{issuer}"
client_id = "forecourt"
client_secret_file = "secret"
contact = "Pat"

[[access.users]]
email = "North@Example.com"
role = "owner"
rooftops = ["R1"]

[[access.users]]
email = "books@example.com"
role = "accountant"

[[access.users]]
email = "unverified@example.com"
role = "owner"
"""
#: The other rooftop by its code, as a word or in a key, and by its name.
OTHER = re.compile(r"(?<![A-Za-z0-9])R2(?![A-Za-z0-9])|Lindenhof")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    given = [sys.executable, str(PROVIDER), "forecourt", SECRET]
    with subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout
        yield child.stdout.readline().strip()
        child.terminate()


@pytest.fixture(scope="module")
def home(published_home: Home, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample's published run in a home whose settings say who may see it."""
    own = Home(tmp_path_factory.mktemp("signed") / "home")
    shutil.copytree(published_home.published, own.published, ignore=shutil.ignore_patterns("scopes"))
    own.settings.write_text(published_home.settings.read_text("utf-8") + ACCESS.format(issuer=issuer), "utf-8")
    (own.root / "secret").write_text(f"{SECRET}\n", "utf-8")
    return own


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[str]:
    """Where `forecourt dashboards` shows that home; the secret lies in no log, and in no file once it has stopped."""
    port = free_port()
    given = [sys.executable, "-m", "forecourt.cli", "dashboards", "--home", str(home.root), "--no-browser"]
    log, private = home.root / "dashboards.log", home.root / "private"
    private.mkdir()
    told = os.environ | {"TMPDIR": str(private)}
    with running([*given, "--port", str(port)], port, log, told) as address:
        (kept,) = private.rglob("secrets.toml")
        assert (kept.parent.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
        yield address
    assert SECRET not in log.read_text("utf-8")
    assert not list(private.rglob("secrets.toml"))
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((ADDRESS, port), timeout=1)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(locale="en-GB", accept_downloads=True, viewport={"width": 1280, "height": 1000})
    context.add_init_script(WATCH)
    yield context.new_page()
    context.close()


def arrive(page: Any, url: str) -> str:
    """Opens a page, waits until it stands still, returns all that it says."""
    page.goto(url)
    return still(page)


def still(page: Any) -> str:
    page.wait_for_selector('[data-testid="stMain"] h1', timeout=90_000)
    page.wait_for_function(STILL, timeout=90_000)
    return str(page.locator("body").inner_text())


def sign_in(page: Any, address: str, email: str) -> str:
    """Through the button, the provider's form and back; returns what the page says then."""
    said = arrive(page, address)
    assert "Sign in to see" in said
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile(f"^{re.escape(address)}/(?!oauth2callback)"), timeout=60_000)
    page.wait_for_selector('[data-testid="stApp"] >> text=/Signed in as|No access/', timeout=90_000)
    return still(page)


def picture(page: Any, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENS / f"{name}.png"), full_page=True)


def downloaded(page: Any, button: str) -> str:
    with page.expect_download(timeout=60_000) as found:
        page.locator('[data-testid="stDownloadButton"] button').filter(has_text=button).first.click()
    return str(Path(found.value.path()).read_text("utf-8"))


def asked(page: Any, address: str, statement: str) -> str:
    """What the SQL page says to a statement that comes with its address."""
    return arrive(page, f"{address}/sql?q={quote(statement)}&{urlencode({'rooftop': 'R2'})}")


def test_a_limited_user_stays_inside(page: Any, home: Home, address: str) -> None:
    said = sign_in(page, address, "north@example.com")
    assert "Signed in as north@example.com · owner · Hollybank only" in said
    assert not OTHER.search(said)
    picture(page, "signed-in-limited")
    for place in ("?rooftop=R2", "gross?rooftop=R2", "stock?rooftop=R2", "data?rooftop=R2", "vehicle?find=R200293"):
        said = arrive(page, f"{address}/{place}")
        assert "Signed in as north@example.com" in said, place
        assert not OTHER.search(said), place


def test_downloads_of_a_limited_user_hold_one_rooftop(page: Any, address: str) -> None:
    sign_in(page, address, "north@example.com")
    arrive(page, f"{address}/ageing?rooftop=R2")
    rows = list(csv.DictReader(downloaded(page, "csv").splitlines()))
    assert rows
    assert {row["rooftop"] for row in rows} == {"R1"}


def test_sql_of_a_limited_user_finds_one_rooftop(page: Any, home: Home, address: str) -> None:
    sign_in(page, address, "north@example.com")
    for statement in (
        "select rooftop, count(*) as deals from marts.fct_deal group by rooftop",
        "select distinct split_part(key, '|', 1) as rooftop from meta.versions where feed = 'dms_deals'",
    ):
        said = asked(page, address, statement)
        assert re.search(r"\b1\srow", said)
        assert downloaded(page, "csv").splitlines()[1].startswith("R1")
    (run,) = home.published.glob("*.duckdb")
    for statement in (f"select * from '{run}'", f"select * from read_blob('{run}')", f"attach '{run}' as whole"):
        said = asked(page, address, statement)
        assert page.locator('[data-testid="stAlert"]').count() == 1, statement
        assert not OTHER.search(said.replace(statement, ""))


def test_an_unknown_user_is_turned_away(page: Any, address: str) -> None:
    said = sign_in(page, address, "nobody@example.com")
    assert "nobody@example.com is not on the list of those who may see these pages. Ask Pat to add you." in said
    picture(page, "signed-in-unknown")
    for place in ("gross", "sql?q=select%201", "data"):
        said = arrive(page, f"{address}/{place}")
        assert "No access" in said
        assert "Gross" not in said
    page.get_by_role("button", name="Sign in as somebody else").click()
    page.wait_for_selector("text=Sign in to see", timeout=60_000)


def test_an_address_that_is_not_verified_is_nobody(page: Any, address: str) -> None:
    said = sign_in(page, address, "unverified@example.com")
    assert "has not verified that unverified@example.com is yours" in said


def test_an_accountant_has_the_accountants_pages_and_signs_out(page: Any, address: str) -> None:
    said = sign_in(page, address, "books@example.com")
    assert page.locator("h1").inner_text() == "Ageing"
    assert "Signed in as books@example.com · accountant" in said
    assert "Gross margin" not in said
    page.goto(f"{address}/sql?q=select%201")
    page.get_by_text("Page not found").wait_for(timeout=60_000)
    arrive(page, address)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_selector("text=Sign in to see", timeout=60_000)
    picture(page, "signed-out")
    assert "Sign in to see" in arrive(page, f"{address}/ageing")


def test_somebody_taken_off_the_list_is_out_with_the_next_page(page: Any, home: Home, address: str) -> None:
    sign_in(page, address, "books@example.com")
    before = home.settings.read_text("utf-8")
    home.settings.write_text(before.replace("books@", "gone@"), "utf-8")
    try:
        assert "No access" in arrive(page, f"{address}/data")
    finally:
        home.settings.write_text(before, "utf-8")
