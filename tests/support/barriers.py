"""What axe finds on a page that keeps people out: of what we draw nothing, of Streamlit's own markup what is listed."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import Visit

GRAVE = ("serious", "critical")
#: (rule, what its element is or lies in) of what Streamlit draws itself and no option of it changes -> what it is.
UPSTREAM = {
    ("list", '[data-testid="stSidebarNavItems"]'): "a phone's sections of pages: a list of boxes",
    ("listitem", '[data-testid="stSidebarNavItems"]'): "a phone's pages of a section: items of no list",
}
_axe = Axe()


def barriers(visit: Visit, name: str) -> list[str]:
    """Serious and critical findings that are not Streamlit's own, one line each with rule, place and markup."""
    asked = {"resultTypes": ["violations"]}
    found = []
    for broken in _axe.run(visit.page, options=asked).response["violations"]:
        if broken["impact"] not in GRAVE:
            continue
        known = [place for each, place in UPSTREAM if each == broken["id"]]
        for node in broken["nodes"]:
            (target,) = node["target"]
            if not visit.page.locator(target).evaluate("(it, known) => known.some((each) => it.closest(each))", known):
                why = node["failureSummary"].replace("\n", " ")[:260]
                place = f"{name} at {visit.width} {visit.scheme}"
                found.append(f"{place}: {broken['id']} {target} {node['html'][:200]} {why}")
    return found
