"""``make pictures``: the pictures of docs/features.md, taken from the pages of a demo home in a real browser.

Each shows one row of the table: a page, from a heading on, in a window 900 pixels wide. Run it again after a change of
the pages; the demo is made from a fixed seed, so that only what changed looks different.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from dashboards.access import SIGN_IN
from dashboards.serve import ADDRESS, PROJECT, command, environment
from forecourt.alerts import look
from forecourt.door import open_warehouse
from forecourt.home import Home
from forecourt.settings import AlertRule
from forecourt.settings_file import load_settings

FOLDER = PROJECT / "docs" / "images" / "features"
WIDTH = 900
#: Bytes that a picture may have; 150 kB.
LARGEST = 150_000


@dataclass(frozen=True)
class Shot:
    """``url``: the page and what it is asked; ``start``: a heading or tab to begin at; ``tab``: one to open before.

    ``row``: the record of the first table after ``start`` to open, counted from 1.
    """

    url: str
    start: str = ""
    tab: str = ""
    row: int = 0
    height: int = 640


#: Number of the row of the table, and what shows it.
SHOTS: Mapping[str, Shot] = {
    "01-drill-down": Shot("gross", "The records", row=1, height=1150),
    "02-gross": Shot("gross", height=700),
    "03-source-return": Shot("sources", "Return on each source"),
    "04-response": Shot("leads"),
    "05-two-funnels": Shot("sources?by=Person", "The way to a sale, in two views"),
    "06-duplicates": Shot("leads?kpi=Appointments+set", height=420),
    "07-crm-and-dms": Shot("matching?period=year", height=760),
    "08-stock": Shot("stock"),
    "09-preparation": Shot("preparation", height=820),
    "10-budget": Shot("preparation", "The records", tab="Over budget, most first"),
    "11-workshop": Shot("workshop", "The records"),
    "12-technicians": Shot("people", tab="Workshop"),
    "13-declined-work": Shot("workshop", "The records", tab="Declined work not won back, dearest first"),
    "14-hires": Shot("utilisation", "The records"),
    "15-ageing": Shot("ageing", height=760),
    "16-contracts": Shot("contracts", "What holds the money, and whose turn it is", height=520),
    "17-days-past-due": Shot("ageing?schedule=customer", "GBP by schedule and bucket"),
    "18-benchmark": Shot("gross", height=420),
    "19-month-end": Shot("month_end"),
    "20-sql": Shot(
        "sql?q=select+source,+count(*)+as+leads+from+fct_lead+group+by+source+order+by+leads+desc", height=900
    ),
    "22-trust": Shot("", "Can these numbers be trusted", tab="Every source"),
    "23-exceptions": Shot("promises", height=760),
    "24-history": Shot("vehicle?find=S00500", height=700),
}
#: Rules of alerts as forecourt.toml has them, for the letter.
RULES = (
    AlertRule("Cars over 120 days", "stock_units", None, "bucket", "121+", None, Decimal(0), None),
    AlertRule("Contract in transit past 7 days", None, "late_funding", None, None, None, Decimal(0), None),
    AlertRule("Answered in time", "sla_met_rate", None, None, None, None, None, Decimal("0.8")),
)
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@contextmanager
def served(home: Home, further: Mapping[str, str]) -> Iterator[str]:
    """The address of a server of the pages."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen(
        command(port),
        cwd=PROJECT,
        env={**environment(home), **further},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection((ADDRESS, port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://{ADDRESS}:{port}"
    finally:
        child.terminate()
        child.wait()


def _settled(page: Any) -> None:
    page.wait_for_selector('[data-testid="stMain"] h1', timeout=60_000)
    page.wait_for_selector(DONE, timeout=60_000)
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stSkeleton\"]')", timeout=60_000)
    page.wait_for_timeout(800)


def _taken(page: Any, address: str, shot: Shot) -> bytes:
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.goto(f"{address}/{shot.url}")
    _settled(page)
    height = page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": height + 600})
    page.wait_for_timeout(600)
    if shot.tab:
        page.get_by_text(shot.tab, exact=True).first.click()
        _settled(page)
    top = 0.0
    if shot.start:
        heading = page.get_by_text(shot.start, exact=True).first
        top = heading.bounding_box()["y"] - 12
    if shot.row:
        tables = page.locator('[data-testid="stDataFrame"]').all()
        box = next(box for table in tables if (box := table.bounding_box()) and box["y"] > top)
        page.mouse.click(box["x"] + 18, box["y"] + 35 * shot.row + 18)
        page.get_by_text("The original lines:").first.wait_for(timeout=30_000)
        _settled(page)
    return bytes(page.screenshot(clip={"x": 0, "y": top, "width": WIDTH, "height": shot.height}))


def _letter(page: Any, home: Home) -> bytes:
    """The alerts of the demo as they are mailed."""
    settings = replace(load_settings(home.settings), alerts=RULES)
    text = "\n\n".join(alert.text for alert in look(open_warehouse(home), settings).alerts)
    page.set_viewport_size({"width": WIDTH, "height": 230})
    page.set_content(
        f'<pre style="font: 14px/1.5 monospace; padding: 16px; white-space: pre-wrap">Subject: {settings.company}: '
        f"alerts\n\n{escape(text)}</pre>"
    )
    return bytes(page.screenshot())


def _kept(name: str, data: bytes) -> int:
    """Writes a picture with few colours, which text and charts do with; returns its bytes."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    file = FOLDER / f"{name}.png"
    for colours in (128, 64, 32):
        image.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= LARGEST:
            break
    return file.stat().st_size


def main(root: str, *names: str) -> None:
    """Takes the pictures of a demo home; with names only those."""
    home = Home(Path(root))
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [*SHOTS, "21-sign-in", "25-alerts"] if not names else list(names)
    found = os.environ.get("FORECOURT_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(color_scheme="light", locale="en-GB").new_page()
        with served(home, {}) as address:
            for name in wanted:
                if name in SHOTS:
                    print(f"{name}: {_kept(name, _taken(page, address, SHOTS[name])):,} bytes")
        if "21-sign-in" in wanted:
            with served(home, {SIGN_IN: "1"}) as address:
                print(f"21-sign-in: {_kept('21-sign-in', _taken(page, address, Shot('', height=320))):,} bytes")
        if "25-alerts" in wanted:
            print(f"25-alerts: {_kept('25-alerts', _letter(page, home)):,} bytes")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
