"""Who looks at the pages and what they may see: everything where the pages are open, else what the settings say.

``forecourt dashboards`` tells its child by SIGN_IN that everybody signs in. The list of people is read from
forecourt.toml whenever it changes, so a name that is taken off it is out with its next click.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import LOOPBACK, Access
from forecourt.settings_file import load_settings

#: The environment variable by which the server is told that everybody signs in.
SIGN_IN = "FORECOURT_SIGN_IN"
DEFAULT_HOME = "./warehouse"
#: Pages that a role has; a role that is not here has every page.
PAGES = {"accountant": frozenset({"ageing", "contracts", "month_end", "stock_book", "data"})}


@dataclass(frozen=True)
class Seat:
    """One person before the pages. ``rooftops``: those the person is limited to, None = all; ``email`` None = open.

    ``is_masked``: customers are numbers to the person, not names.
    """

    role: str
    rooftops: tuple[str, ...] | None = None
    email: str | None = None
    is_masked: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether anything of the run is kept from the person, so that files of the whole company are too."""
        return self.rooftops is not None or self.is_masked

    def sees(self, page: str) -> bool:
        """Whether the role has a page, by its place in the address; the overview's is empty."""
        return self.role not in PAGES or page in PAGES[self.role]


def home() -> Home:
    """The home that this server shows."""
    return Home(Path(os.environ.get("FORECOURT_HOME", DEFAULT_HOME)))


def seat() -> Seat:
    """Who looks. Raises Problem for everybody who may not: not signed in, not on the list, or nobody can tell."""
    if not os.environ.get(SIGN_IN):
        if st.get_option("server.address") not in LOOPBACK:
            raise Problem("These pages are open to a network without a sign-in. Start them by `forecourt dashboards`.")
        return Seat("owner")
    if not is_signed_in():
        raise Problem("You are not signed in.")
    email = str(st.user.get("email") or "").strip().lower()
    access = _access()
    ask = f"Ask {access.contact} to add you." if access.contact else "Ask whoever runs these pages to add you."
    if not email:
        raise Problem(f"The sign-in did not give your e-mail address, so nobody can tell who you are. {ask}")
    if str(st.user.get("email_verified")).lower() == "false":
        raise Problem(f"The sign-in has not verified that {email} is yours. Verify it there and sign in again.")
    user = access.user(email)
    if user is None:
        raise Problem(f"{email} is not on the list of those who may see these pages. {ask}")
    return Seat(user.role, user.rooftops, email, user.role in access.masked)


def is_signed_in() -> bool:
    """Whether the provider has said who this is, on the list or not."""
    return bool(os.environ.get(SIGN_IN)) and bool(st.user.get("is_logged_in"))


def enter() -> Seat | None:
    """The seat of whoever looks; for those without one a page that says why and what to do, and None."""
    if os.environ.get(SIGN_IN) and not is_signed_in():
        st.title("forecourt", anchor=False)
        st.markdown("These are the numbers of a business. Sign in to see those that are yours.")
        st.button("Sign in", type="primary", on_click=st.login, icon=":material/login:")
        return None
    try:
        return seat()
    except Problem as problem:
        st.title("No access", anchor=False)
        st.error(str(problem), icon=":material/block:")
        _sign_out("Sign in as somebody else")
        return None


def foot(seat: Seat, names: Mapping[str, str]) -> None:
    """Under every page: who is signed in, what the numbers are of, and the way out. ``names``: rooftop → its name."""
    if seat.email is None:
        return
    st.divider()
    limit = f" · {', '.join(names.get(code, code) for code in seat.rooftops)} only" if seat.rooftops else ""
    with st.container(horizontal=True, vertical_alignment="center", key="signed_in"):
        masked = " · customers by number" if seat.is_masked else ""
        st.caption(f"Signed in as {seat.email} · {seat.role}{limit}{masked}")
        _sign_out("Sign out")


def _sign_out(label: str) -> None:
    if is_signed_in():
        st.button(label, on_click=st.logout, icon=":material/logout:", type="tertiary")


def _access() -> Access:
    path = home().settings
    try:
        known = path.stat()
        access = _read(path, known.st_mtime_ns, known.st_size)
    except (OSError, Problem):
        # What is wrong with the file is for the person who runs the pages, not for everybody who can reach them.
        raise Problem("The settings of these pages cannot be read. Tell whoever runs them.") from None
    if access is None:
        raise Problem("The settings of these pages do not say any more who may see them. Tell whoever runs them.")
    return access


@lru_cache(maxsize=1)
def _read(path: Path, changed_at: int, size: int) -> Access | None:
    return load_settings(path).access
