"""``python -m tests.bench.overview``: the overview against a bare Streamlit page, in the same browser, in pairs.

A sample of 10 rooftops and 3 years is made, landed and published once into test-output/bench, or ``--home`` names a
home. Either page has its server. Each repetition opens both, each in a session of its own with an empty cache, and
changes the filters of both. A view is over with the last change of the page: the moment after which nothing is added to
it for a second. The medians, and the median of the ratios of the pairs, go into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from dashboards.serve import command, environment
from forecourt.door import open_warehouse
from forecourt.home import Home
from tests.bench.report import ROOT, write
from tests.support.browser import WIDTHS, free_port, opened_browser, running

PLACE = ROOT / "test-output" / "bench"
ROOFTOPS, YEARS = 10, 3
#: The bounds: first view and filter change, as many times the bare page.
FIRST_VIEW, FILTER_CHANGE = 1.5, 2.0

#: Notes when the page changed last, and when its fifth figure stood there.
WATCH = """
() => {
    window.watched = {last: 0, cards: 0, state: ''};
    const look = () => {
        const now = performance.now();
        window.watched.last = now;
        const cards = document.querySelectorAll('[data-testid="stMetricValue"]').length;
        if (!window.watched.cards && cards >= 5) window.watched.cards = now;
    };
    const state = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
    // The running man in the header and the list of a field that closes are no part of the page.
    const isPage = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest(
        '[data-testid="stApp"], #root') && !node.parentElement?.closest('[data-testid="stHeader"], [role="listbox"]');
    new MutationObserver((found) => {
        const script = state();
        if (script !== window.watched.state || found.some((each) => each.type !== 'attributes' && isPage(each.target)))
            look();
        window.watched.state = script;
    }).observe(document, {childList: true, characterData: true, subtree: true, attributes: true,
        attributeFilter: ['data-test-script-state']});
}
"""
STILL = """
() => window.watched.state === 'notRunning' && window.watched.last > 0
    && performance.now() - window.watched.last > 1000
"""


#: A change of the filters, in the order in which they are made in one session -> what the report calls it.
CHANGES = {
    "rooftop": "one rooftop chosen",
    "period": "then last month as well",
    "rooftops": "then a second rooftop",
    "comparison": "then compared with last year",
    "free": "then a free period",
    "day": "then another first day of it",
}


@dataclass
class Times:
    """Milliseconds of one page, one entry a repetition.

    Until the five figures stand, the whole view, and every change of the filters (of the bare page its first choice,
    and the median of its later ones).
    """

    cards: list[float] = field(default_factory=list)
    view: list[float] = field(default_factory=list)
    changes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a published home; without it the sample is made")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--width", type=int, default=1440, choices=sorted(WIDTHS))
    given = parser.parse_args()
    home = Home(given.home) if given.home else sample_home()
    rooftops = open_warehouse(home).rows("select rooftop_name from marts.dim_rooftop order by rooftop")
    names = [row["rooftop_name"] for row in rooftops]
    PLACE.mkdir(parents=True, exist_ok=True)
    with opened_browser() as browser:
        first, ours, bare = measured(browser, home, names, given.repetitions, given.width)
    text = report(home, first, ours, bare, given.width)
    print(text)
    write("overview", text)


def sample_home() -> Home:
    """The published home of the sample; made where it is not there."""
    home = Home(PLACE / "home")
    if not home.current.exists():
        sample = PLACE / "sample"
        verb = [sys.executable, "-m", "forecourt.cli"]
        size = ["--rooftops", str(ROOFTOPS), "--years", str(YEARS)]
        subprocess.run([*verb, "sample", str(sample), *size], check=True)
        home.create()
        home.settings.write_bytes((sample / "forecourt.toml").read_bytes())
        # A sample holds a file that is refused: the run says so by its exit code and publishes all the same.
        subprocess.run([*verb, "run", str(sample), "--home", str(home.root)], check=False)
        assert home.current.exists(), "the sample was not published"
    return home


def measured(
    browser: Any, home: Home, rooftops: list[str], repetitions: int, width: int
) -> tuple[dict[str, float], Times, Times]:
    """Times of the very first view after the start of either server, and of ours and the bare page after that."""
    ours, bare = Times(), Times()
    port, plain = free_port(), free_port()
    given = command(plain)
    given[given.index(next(part for part in given if part.endswith("streamlit_app.py")))] = str(
        Path(__file__).with_name("bare.py")
    )
    with (
        running(command(port), port, PLACE / "overview.log", environment(home)) as address,
        running(given, plain, PLACE / "bare.log", os.environ) as yardstick,
    ):
        cold = Times(), Times()
        _bare(browser, yardstick, width, cold[1], 0)
        _overview(browser, address, width, cold[0], rooftops, 0)
        first = {"ours": cold[0].view[0], "ours_cards": cold[0].cards[0], "bare": cold[1].view[0]}
        for number in range(1, repetitions + 1):
            # Whoever comes second has no advantage: they take turns.
            if number % 2:
                _overview(browser, address, width, ours, rooftops, number)
                _bare(browser, yardstick, width, bare, number)
            else:
                _bare(browser, yardstick, width, bare, number)
                _overview(browser, address, width, ours, rooftops, number)
    return first, ours, bare


def _overview(browser: Any, address: str, width: int, times: Times, rooftops: list[str], number: int) -> None:
    """One session: the first view, then one change after the other, each to what nobody asked for before."""
    one, other = rooftops[number % len(rooftops)], rooftops[(number + 1 + number // len(rooftops)) % len(rooftops)]
    with _visit(browser, address, width, times) as page:
        times.changes["rooftop"].append(_chosen(page, "Rooftops", one))
        times.changes["period"].append(_chosen(page, "Period", "Last month"))
        times.changes["rooftops"].append(_chosen(page, "Rooftops", other))
        times.changes["comparison"].append(_chosen(page, "Compared with", "Same days last year"))
        times.changes["free"].append(_chosen(page, "Period", "From … to …"))
        times.changes["day"].append(_day_chosen(page, "From", 2 + number))


def _bare(browser: Any, address: str, width: int, times: Times, number: int) -> None:
    """One session: the first view, then three choices. The first of a session is slower than those after it."""
    with _visit(browser, address, width, times) as page:
        first, *later = (_chosen(page, "Choice", str(3 * number + each + 1)) for each in range(3))
        times.changes["first"].append(first)
        times.changes["later"].append(median(later))


@contextmanager
def _visit(browser: Any, address: str, width: int, times: Times) -> Iterator[Any]:
    """A session of its own; its first view is timed."""
    context = browser.new_context(locale="en-GB", **WIDTHS[width])
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    page.goto(address)
    page.wait_for_function(STILL, timeout=120_000)
    seen = page.evaluate("() => window.watched")
    times.cards.append(seen["cards"])
    times.view.append(seen["last"])
    yield page
    context.close()


def _chosen(page: Any, label: str, option: str) -> float:
    """Chooses an option of a filter; the milliseconds from the choice to the page's last change."""
    _open_filters(page)
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    choice = page.get_by_role("option", name=option, exact=True)
    choice.wait_for()
    _start_with_click(page)
    choice.click()
    took = _end(page)
    page.keyboard.press("Escape")  # a list of several choices stays open
    return took


def _day_chosen(page: Any, label: str, day: int) -> float:
    """Chooses another day of the month in a calendar; the milliseconds from the choice to the page's last change."""
    _open_filters(page)
    page.get_by_role("spinbutton", name=f"month, {label}").click()
    choice = page.get_by_role("grid").get_by_text(str(day), exact=True).first
    choice.wait_for()
    _start_with_click(page)
    choice.click()
    return _end(page)


def _open_filters(page: Any) -> None:
    if not page.get_by_test_id("stPopoverBody").is_visible():
        page.get_by_role("button", name="Filters").click()


def _start_with_click(page: Any) -> None:
    page.evaluate(
        "() => document.addEventListener('pointerdown', () => { window.watched.from = performance.now(); },"
        " {capture: true, once: true})"
    )


def _end(page: Any) -> float:
    """Milliseconds from the start to the page's last change, once it has been still."""
    page.wait_for_function(f"() => window.watched.last > window.watched.from && ({STILL})()", timeout=120_000)
    seen = page.evaluate("() => window.watched")
    return float(seen["last"] - seen["from"])


def report(home: Home, first: dict[str, float], ours: Times, bare: Times, width: int) -> str:
    """The section of docs/performance.md."""
    (size,) = open_warehouse(home).rows(
        "select (select count(*) from marts.dim_rooftop) as rooftops, (select sum(rows_read) from meta.files) as rows"
    )

    def line(name: str, one: list[float], other: list[float], bound: str = "") -> str:
        return f"| {name} | {median(one):,.0f} ms | {median(other):,.0f} ms | {ratio(one, other):.2f} | {bound} |"

    plain = {name: bare.changes["first" if name == "rooftop" else "later"] for name in CHANGES}
    lines = [
        line("first view, until the five figures stand", ours.cards, bare.view),
        line("first view, whole page", ours.view, bare.view, f"{FIRST_VIEW:g}"),
        *(line(said, ours.changes[name], plain[name], f"{FILTER_CHANGE:g}") for name, said in CHANGES.items()),
        line("very first view after the start of the server", [first["ours"]], [first["bare"]]),
    ]
    return f"""## Overview

The overview against a bare Streamlit page (five cards, a chart and a table with constant data), in the same browser and
the same run: a sample of {size["rooftops"]} rooftops and {size["rows"]:,} rows, {width} pixels wide,
{len(ours.view)} pairs, medians; a ratio is the median of the pairs' ratios. Each view is a new session with an empty
browser cache, of a server that has shown the page before. The changes are made one after the other in that session, to
what nobody has chosen since the server started; the first is set against the first choice on the bare page, the others
against its later ones. Time ends with the last change of the page. What is worked out when a run is published, and what
then: [why](decisions/0025-parts-of-kpis.md).

| | overview | bare page | ratio | bound |
|---|---|---|---|---|
{chr(10).join(lines)}"""


def ratio(ours: list[float], bare: list[float]) -> float:
    """The median of the ratios of the pairs."""
    return median(one / other for one, other in zip(ours, bare, strict=True))


if __name__ == "__main__":
    main()
