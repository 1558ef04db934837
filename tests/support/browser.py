"""What everything that opens pages in a real browser shares: the browser, a server for a home, a reader's window."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dashboards.serve import ADDRESS, PROJECT

SCREENS = Path(__file__).resolve().parents[2] / "test-output" / "screens"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
WIDTHS: dict[int, dict[str, Any]] = {
    1440: {"viewport": {"width": 1440, "height": 900}},
    768: {"viewport": {"width": 768, "height": 1024}},
    390: {"viewport": {"width": 390, "height": 844}, "user_agent": PHONE, "is_mobile": True, "has_touch": True},
}
#: Asked once the script has ended: charts and tables are drawn by then or a moment later.
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
#: Notes when the page changed last.
WATCH = """
(() => {
    window.changed = 0;
    const note = () => { window.changed = performance.now(); };
    new MutationObserver(note).observe(document, {childList: true, characterData: true, subtree: true,
        attributes: true, attributeFilter: ['data-test-script-state', 'width', 'height', 'd']});
})()
"""
#: The script has ended, nothing is waited for, and nothing has changed for a quarter of a second.
STILL = f"""
() => document.querySelector('{DONE}') && !document.querySelector('[data-testid="stSkeleton"]')
    && performance.now() - window.changed > 250
"""
#: What a server must not say: nobody reads it, and each such line is a page that broke or soon will.
COMPLAINT = re.compile(r"Traceback|\bERROR\b|\bException\b|\w+Error:|[Dd]eprecat|\bWARNING\b|\w+Warning:")

#: Complaints of other packages about each other that no code of ours can end: Authlib asks for an httpx of its liking.
UPSTREAM = ("AuthlibDeprecationWarning: The httpx module is deprecated",)


@contextmanager
def opened_browser() -> Iterator[Any]:
    """A Chromium of this machine, else Playwright's own; closed afterwards."""
    from playwright.sync_api import sync_playwright

    named = os.environ.get("FORECOURT_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(given: Sequence[str], port: int, log: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a server that was started so, once it answers; stopped afterwards.

    Fails where the server said anything that it should not have (COMPLAINT), in its log.
    """
    with log.open("w") as out:
        child = subprocess.Popen(given, cwd=PROJECT, env=dict(environment), stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 90
            while not _answers(port):
                assert child.poll() is None, f"The server did not start: {log.read_text('utf-8')}"
                assert time.monotonic() < deadline, f"The server does not answer: {log.read_text('utf-8')}"
                time.sleep(0.1)
            yield f"http://{ADDRESS}:{port}"
        finally:
            child.terminate()
            child.wait()
    said = [line for line in log.read_text("utf-8").splitlines() if not any(known in line for known in UPSTREAM)]
    complaints = [line for line in said if COMPLAINT.search(line)]
    assert not complaints, "The server complained:\n" + "\n".join(said)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=1).close()
    except OSError:
        return False
    return True


#: How far the page is too wide; null where it has no sideways scroll.
WIDE = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const wide = main.scrollWidth > main.clientWidth
        || document.documentElement.scrollWidth > document.documentElement.clientWidth;
    return wide ? `${main.scrollWidth} of ${main.clientWidth} pixels` : null;
}"""


class Visit:
    """One reader with one window, and everything that went wrong in it."""

    def __init__(self, browser: Any, width: int, scheme: str) -> None:
        self.width, self.scheme = width, scheme
        self.context = browser.new_context(color_scheme=scheme, locale="en-GB", **WIDTHS[width])
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("console", self._said)

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):
            self.problems.append(f"request: {request.url} {request.failure}")

    def _said(self, message: Any) -> None:
        # On a link to a page Streamlit first looks for its own address below that page, and is told 404.
        if message.type == "error" and "/_stcore/" not in str(message.location.get("url")):
            self.problems.append(f"console: {message.text} {message.location.get('url')}")

    def open(self, url: str, name: str) -> None:
        """Opens a page, waits until it stands still, takes its picture."""
        self.page.goto(url)
        self.settle()
        self.picture(name)

    def settle(self) -> None:
        """Waits until the script has ended and the page stands still: nothing was added for a moment."""
        self.page.wait_for_selector('[data-testid="stMain"] h1', timeout=90_000)
        self.page.wait_for_function(STILL, timeout=90_000)

    def turn(self, scheme: str | None = None, width: int | None = None, *, settle: bool = True) -> None:
        """Shows the open page in another theme or at another width, without loading it again; ``settle`` false: the
        next page."""
        if scheme:
            self.scheme = scheme
            self.page.emulate_media(color_scheme=scheme)
        if width:
            self.width = width
            self.page.set_viewport_size(WIDTHS[width]["viewport"])
        if settle:
            self.settle()

    def picture(self, name: str) -> None:
        """Takes the picture of the whole page as it stands."""
        page, view = self.page, WIDTHS[self.width]["viewport"]
        height = page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
        page.set_viewport_size({"width": view["width"], "height": max(view["height"], min(height, 6000))})
        self.settle()
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(SCREENS / f"{name}-{self.width}-{self.scheme}.png"))
        page.set_viewport_size(view)

    def too_wide(self) -> str | None:
        """What reaches over the right edge; None where the page has no sideways scroll.

        Tables follow a new width some time after the page does, later on a busy machine.
        """
        from playwright.sync_api import TimeoutError

        with contextlib.suppress(TimeoutError):
            self.page.wait_for_function(f"() => !({WIDE})()", timeout=10_000)
            return None
        found: str | None = self.page.evaluate(WIDE)
        return found

    def cut(self) -> list[str]:
        """Texts that their box or one around it cuts off, and texts that lie on one another; none on a whole page."""
        found: list[str] = self.page.evaluate(CUT)
        return found


#: Charts and tables draw their texts themselves; what only a screen reader reads has no place on the screen.
CUT = """
() => {
    const apart = 'canvas, svg, [data-testid="stDataFrame"], [data-testid="stVegaLiteChart"], [role="listbox"]';
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [], found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const box = node.parentElement;
        if (!node.data.trim() || !box || box.closest(apart)) continue;
        if (!box.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1);
        if (!rects.length) continue;
        let hidden = false;
        for (let around = box; around && around !== document.body; around = around.parentElement) {
            const style = getComputedStyle(around), edge = around.getBoundingClientRect();
            if (edge.width <= 1 || edge.height <= 1) { hidden = true; break; }
            const scrolls = (way) => ['auto', 'scroll'].includes(way);
            if (scrolls(style.overflowX) || scrolls(style.overflowY)) break;
            const cuts = (way) => ['hidden', 'clip'].includes(way);
            const most = (side) => Math.max(...rects.map((rect) => rect[side]));
            const least = (side) => Math.min(...rects.map((rect) => rect[side]));
            if ((cuts(style.overflowX) && (most('right') > edge.right + 1.5 || least('left') < edge.left - 1.5))
                || (cuts(style.overflowY) && (most('bottom') > edge.bottom + 3 || least('top') < edge.top - 3))) {
                if (!box.closest('[title]')) found.push(`cut: ${node.data.trim().slice(0, 60)}`);
                hidden = true;
                break;
            }
        }
        if (!hidden) for (const rect of rects) texts.push([node.data.trim().slice(0, 40), rect, box]);
    }
    for (let one = 0; one < texts.length; one++)
        for (let two = one + 1; two < texts.length; two++) {
            const [a, b] = [texts[one][1], texts[two][1]];
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            // Lines of one paragraph may touch; the bar of the pages lies over what scrolls below it.
            const bar = (box) => Boolean(box.closest('[data-testid="stHeader"]'));
            if (wide > 2 && high > 6 && bar(texts[one][2]) === bar(texts[two][2]))
                found.push(`overlap: ${texts[one][0]} / ${texts[two][0]}`);
        }
    return found;
}
"""
