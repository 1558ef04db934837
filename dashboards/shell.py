"""The frame of every page: the run it shows, the banner of a failed run, filters, empty states, the reader's locale."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import duckdb
import streamlit as st

from dashboards import access, data, filters, palette, words
from dashboards.data import Reader
from dashboards.filters import Filters
from dashboards.palette import DARK, LIGHT, Palette
from dashboards.words import Locale
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.periods import default_period


@dataclass(frozen=True)
class Page:
    """What a page works with."""

    reader: Reader
    filters: Filters
    locale: Locale
    palette: Palette
    is_phone: bool


#: The page about the run itself, which no period narrows.
UNFILTERED = "data"
#: Pages about what the run holds, for people who write statements: a period is theirs to choose.
DESK = frozenset({"sql", "schema"})
#: Pages about one car, one customer or one month after the other: they have no period to choose.
LIVES = frozenset({"vehicle", "customer", "month_end"})
_KEY = "current_page"

#: What theming has no option for: less room above the title, figures of equal width, enough contrast of small type and
#: of filled buttons (also when the theme changes under an open page), cards that share a row as far as they fit, on a
#: phone room for the tools that stand above a table, an arrow and its number on one line.
#: Holds no data.
STYLE = (
    """<style>
[data-testid="stMainBlockContainer"] {padding-top: 4.5rem; padding-bottom: 3rem; font-variant-numeric: tabular-nums;}
[data-testid="stCaptionContainer"] {color: light-dark(LIGHT, DARK); opacity: 1;}
[data-testid="stCaptionContainer"] p {color: inherit;}
[data-testid="stPageLink"] a {padding-left: 0; margin-left: 0;}
.st-key-q textarea {font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.875rem;}
[class*="st-key-cards_"] > [data-testid="stLayoutWrapper"] {flex: 1 1 190px; width: auto; min-width: 190px;}
[class*="st-key-cards_"] > [data-testid="stLayoutWrapper"]:has(> [class*="st-key-card_wide_"]) {flex: 1.6 1 280px;}
[data-testid^="stBaseButton-primary"]:enabled * {color: light-dark(#ffffff, BACKGROUND);}
[class*="st-key-card_"] [data-testid="stHorizontalBlock"] {overflow: visible;}
.stMarkdownColoredText:has(> [role="img"]) {white-space: nowrap;}
.spark {position: relative; height: 44px;}
.spark img {display: block; width: 100%; height: 100%;}
.spark div {position: absolute; inset: 0; display: flex;}
.spark i {flex: 1;}
@media (max-width: 640px) {
  [data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) {margin-top: 1.75rem;}
  [class*="st-key-cards_"] > [data-testid="stLayoutWrapper"] {flex-basis: 100% !important;}
  [data-testid="stMainBlockContainer"] {padding-top: 3.5rem; padding-left: 1rem; padding-right: 1rem;}
}
</style>""".replace("LIGHT", LIGHT.text)
    .replace("DARK", DARK.text)
    .replace("BACKGROUND", DARK.background)
)


def run(page: Any) -> None:
    """Draws a page of the navigation: title, banner, filters, then the page's own script.

    The filters belong to the router's script, not to a page's, so that a choice and its place in the URL live on
    from page to page. What can be mended is said in a sentence.
    """
    colours = palette.palette()
    st.html(STYLE)
    locale = words.locale_of(st.context.locale)
    reader = data.reader()
    st.title(page.title, anchor=False)
    if reader is None:
        _nothing_yet()
        return
    _banner(reader, locale)
    try:
        if page.url_path == UNFILTERED:
            # The page looks at the run, so its day will do: it opens even where no file landed.
            chosen = Filters((), default_period(reader.started_on()), None, "")
        elif not reader.has_landed():
            _nothing_landed(reader)
            return
        elif page.url_path in DESK:
            chosen = Filters((), default_period(reader.started_on()), None, "")
        elif page.url_path in LIVES:
            chosen = Filters((), default_period(reader.newest_day()), None, "")
        else:
            chosen = filters.choose(
                reader.rooftops(),
                reader.newest_day(),
                locale,
                is_phone=is_phone(),
                is_limited=reader.limit is not None,
            )
        st.session_state[_KEY] = Page(reader, chosen, locale, colours, is_phone())
        page.run()
    except Problem as problem:
        st.info(_told(str(problem), reader.home), icon=":material/info:")
    except (duckdb.CatalogException, duckdb.BinderException):
        # The marts of a run are those of the program that made it. Should it be something else, the log has it.
        logging.getLogger(__name__).exception("run %s cannot show %s", reader.run_id, page.title)
        st.info(
            f"Run {reader.run_id} lacks what this page shows: it was made by an earlier version of forecourt. "
            "Make it anew: `forecourt run`.",
            icon=":material/info:",
        )


def current() -> Page:
    """What the page that is being drawn works with."""
    page: Page = st.session_state[_KEY]
    return page


def home_option(reader: Reader) -> str:
    """How a command that is shown names the home; a limited person is not told the folders of the server."""
    return "" if access.seat().is_limited else f" --home {reader.home.root}"


def is_phone() -> bool:
    """Whether the reader's browser says that it is a phone's: it gets three columns of a table."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def _nothing_yet() -> None:
    """An empty home: what to do, in the order to do it."""
    home = data.home()
    last = data.last_run()
    if last:
        st.error(f"The last run did not publish: {last.message}", icon=":material/error:")
    st.markdown(f"Nothing is published{_in(home)} yet. As soon as a run has published, the numbers stand here.")
    if access.seat().is_limited:
        return
    _steps(home)
    st.caption("To look around with an invented dealership first, run `forecourt demo`.")


def _nothing_landed(reader: Reader) -> None:
    """A published run without a single landed file: why, and what to do."""
    (stopped,) = reader.rows("select count(*) as files from meta.files where status != 'landed'")
    st.markdown(f"No file has landed{_in(reader.home)} yet, so run {reader.run_id} has no numbers to show.")
    if stopped["files"]:
        files = words.counted(stopped["files"], "files")
        st.page_link(f"app_pages/{UNFILTERED}.py", label=f"{files} did not land: the page Data says why")
    if not access.seat().is_limited:
        _steps(reader.home)


def _told(text: str, home: Home) -> str:
    """A sentence as this person may read it: without the folders of the server for a limited one."""
    if not access.seat().is_limited:
        return text
    return text.replace(f" --home {home.root}", "").replace(str(home.root), "the home")


def _in(home: Home) -> str:
    """Where, for whoever may know the folders of the server."""
    return "" if access.seat().is_limited else f" in `{home.root}`"


def _steps(home: Home) -> None:
    st.markdown(
        f"1. Put export files of the CRM, the DMS or the portals into `{home.inbox}`.\n"
        f"2. Run `forecourt run --home {home.root}`.\n"
        "3. Load this page again."
    )


def _banner(reader: Reader, locale: Locale) -> None:
    last = data.last_run()
    if last and last.status != "published":
        st.warning(
            f"The run that ended {last.ended_at.replace('T', ' at ')} UTC did not publish: {last.message} "
            f"What you see is run {reader.run_id}.",
            icon=":material/warning:",
        )
    seen = st.session_state.get("shown_run")
    if seen and seen != reader.run_id:
        st.toast(f"New numbers: run {reader.run_id}.", icon=":material/update:")
    st.session_state["shown_run"] = reader.run_id
