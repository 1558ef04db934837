"""Who has a seat, which pages it has, and what the pages and the numbers are for somebody of one rooftop."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboards import access, data, filters, shell
from dashboards.access import SIGN_IN, Seat
from dashboards.data import Reader
from dashboards.tables import HEADS, NARROW
from forecourt.door import current_run
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.periods import default_period
from forecourt.publish import record_end
from forecourt.settings import ROLES
from tests.support.dashboards import APP, PAGES

#: The other rooftop by its code, as a word or in a key, and by its name; R2-E022 is somebody of the whole group.
OTHER = re.compile(r"(?<![A-Za-z0-9])R2(?![A-Za-z0-9-])|Lindenhof")
SETTINGS = """
[access]
issuer = "https://login.example.com"
client_id = "forecourt"
client_secret_env = "OUR_SECRET"
contact = "Pat"
[[access.users]]
email = "Sam@Example.com"
role = "analyst"
rooftops = ["R1"]
"""


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the provider says of whoever looks at a home that everybody signs in to."""
    home, user = Home(tmp_path), {"is_logged_in": True, "email": "sam@example.com"}
    home.settings.write_text(SETTINGS, "utf-8")
    monkeypatch.setenv("FORECOURT_HOME", str(home.root))
    monkeypatch.setenv(SIGN_IN, "1")
    monkeypatch.setattr(st, "user", user)
    return user


def test_the_list_says_role_and_rooftops_whatever_the_case(signed_in: dict[str, Any]) -> None:
    signed_in["email"] = "SAM@example.com"
    assert access.seat() == Seat("analyst", ("R1",), "sam@example.com")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"is_logged_in": False}, "not signed in"),
        ({"email": "eve@example.com"}, "eve@example.com is not on the list .* Ask Pat to add you"),
        ({"email": None}, "did not give your e-mail address"),
        ({"email_verified": False}, "has not verified that sam@example.com is yours"),
        ({"email_verified": "false"}, "has not verified"),
    ],
)
def test_nobody_else_has_a_seat(signed_in: dict[str, Any], said: dict[str, Any], sentence: str) -> None:
    signed_in |= said
    with pytest.raises(Problem, match=sentence):
        access.seat()


@pytest.mark.parametrize("text", ["", "[access]\n", None])
def test_settings_that_do_not_say_who_let_nobody_in(signed_in: dict[str, Any], text: str | None) -> None:
    assert access.seat()
    path = access.home().settings
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")
    with pytest.raises(Problem, match="Tell whoever runs them"):
        access.seat()


def test_without_a_sign_in_the_pages_are_open_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIGN_IN, raising=False)
    monkeypatch.setattr(st, "get_option", lambda name: "127.0.0.1")
    assert access.seat() == Seat("owner")
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0")
    with pytest.raises(Problem, match="without a sign-in"):
        access.seat()


def test_why_a_run_failed_is_not_told_to_a_limited_person(signed_in: dict[str, Any]) -> None:
    home = access.home()
    home.create()
    record_end(home, "20260101T000000-000000", "failed", "The run failed: R2|D1 stands twice")
    last = data.last_run()
    assert last
    assert (last.status, last.message) == ("failed", "Whoever runs these pages can see why.")
    home.settings.write_text(SETTINGS.replace('rooftops = ["R1"]', ""), "utf-8")
    told = data.last_run()
    assert told
    assert told.message == "The run failed: R2|D1 stands twice"


#: The role test matrix: what an accountant has of the pages; owner and analyst have all.
ACCOUNTANTS = {"ageing", "contracts", "month_end", "stock_book", "data"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", PAGES)
def test_the_matrix_of_roles_and_pages(role: str, name: str) -> None:
    has = role != "accountant" or name in ACCOUNTANTS
    assert Seat(role).sees("" if name == "overview" else name) is has


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_offered_its_pages_and_no_other(
    role: str, published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    seat = Seat(role, None, "pat@example.com")
    monkeypatch.setattr(access, "seat", lambda: seat)
    monkeypatch.setattr(access, "enter", lambda: seat)
    offered: list[str] = []

    class Nothing:
        url_path = "data"

        def run(self) -> None: ...

    def navigation(pages: dict[str, list[Any]], position: str) -> Nothing:
        shown = [page for group in pages.values() for page in group if page.visibility == "visible"]
        offered.extend(page.url_path or "overview" for page in shown)
        return Nothing()

    monkeypatch.setattr(st, "navigation", navigation)
    AppTest.from_file(APP, default_timeout=120).run()
    assert set(offered) == (ACCOUNTANTS if role == "accountant" else set(PAGES))


def test_a_masked_role_reads_a_file_without_names(signed_in: dict[str, Any]) -> None:
    path = access.home().settings
    path.write_text(SETTINGS.replace("[[access.users]]", 'mask = ["analyst"]\n[[access.users]]', 1), "utf-8")
    assert access.seat() == Seat("analyst", ("R1",), "sam@example.com", is_masked=True)
    path.write_text(SETTINGS.replace("[[access.users]]", 'mask = ["boss"]\n[[access.users]]', 1), "utf-8")
    with pytest.raises(Problem, match="Tell whoever runs them"):
        access.seat()


@pytest.mark.parametrize("name", ["overview", "ageing", "contracts", "customer", "data", "matching", "promises"])
def test_no_page_shows_a_masked_person_the_name_of_a_customer(
    published_home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Not on the page, and not in what it offers: the names of everybody who owes are looked for."""
    run_id = str(current_run(published_home))
    whole = Reader(str(published_home.root), run_id)
    owing = "select distinct customer_name from marts.fct_receivable where customer_name like '% %'"
    staff = {row["employee_name"] for row in whole.rows("select employee_name from marts.dim_employee")}
    names = {row["customer_name"] for row in whole.rows(owing)} - staff
    assert len(names) > 20
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    seat = Seat("owner", None, "pat@example.com", is_masked=True)
    monkeypatch.setattr(access, "seat", lambda: seat)
    monkeypatch.setattr(access, "enter", lambda: seat)
    app = AppTest.from_file(APP, default_timeout=120)
    if name == "customer":
        app.query_params["find"] = "C0000"
    if name != "overview":
        app.switch_page(f"app_pages/{name}.py")
    app.run()
    assert not app.exception
    said = " ".join([*map(str, app.main), *(frame.value.to_csv() for frame in app.dataframe)])
    assert not [one for one in names if one in said]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_shows_a_limited_person_another_rooftop(
    published_home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nor a folder of the server; and on a phone, which this person has, no head of a table is cut."""
    monkeypatch.setattr(shell, "is_phone", lambda: True)
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    seat = Seat("owner", ("R1",), "north@example.com")
    monkeypatch.setattr(access, "seat", lambda: seat)
    monkeypatch.setattr(access, "enter", lambda: seat)
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params["rooftop"] = "R2"
    if name != "overview":
        app.switch_page(f"app_pages/{name}.py")
    app.run()
    assert not app.exception
    assert not app.error
    said = " ".join([*map(str, app.main), *(frame.value.to_csv() for frame in app.dataframe)])
    assert not OTHER.search(said), name
    assert str(published_home.root) not in said
    assert cut_heads(app) == []


@pytest.mark.parametrize("name", ["overview", "data"])
def test_what_is_kept_from_a_limited_person_is_not_shown_as_zero(
    published_home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Checks, and counts of files that hold rows of several rooftops: they are not in the scope file at all."""
    seats = {"whole": Seat("owner", None, "pat@example.com"), "north": Seat("owner", ("R1",), "north@example.com")}
    said = {}
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    for who, seat in seats.items():
        monkeypatch.setattr(access, "seat", lambda seat=seat: seat)
        monkeypatch.setattr(access, "enter", lambda seat=seat: seat)
        app = AppTest.from_file(APP, default_timeout=120)
        if name != "overview":
            app.switch_page(f"app_pages/{name}.py")
        app.run()
        assert not app.exception
        said[who] = " ".join(str(each.value) for each in (*app.markdown, *app.caption))
    for claim in {"overview": ("their partner",), "data": (" passed", "accounted for", "rows were read")}[name]:
        assert claim in said["whole"]
        assert claim not in said["north"]


def cut_heads(app: AppTest) -> list[str]:
    """Heads that the width of their column has no room for."""
    room = dict(zip(NARROW, HEADS, strict=True))
    columns = [each for frame in app.dataframe for each in json.loads(frame.proto.columns).values()]
    return [each["label"] for each in columns if len(each.get("label") or "") > room.get(each.get("width"), 99)]


def test_commands_name_the_home_only_to_whoever_may_know_it(signed_in: dict[str, Any]) -> None:
    home = access.home()
    reader = Reader(str(home.root), "20260101T000000-000000", ("R1",))
    assert shell.home_option(reader) == ""
    home.settings.write_text(SETTINGS.replace('rooftops = ["R1"]', ""), "utf-8")
    assert shell.home_option(reader) == f" --home {home.root}"


def test_what_went_wrong_is_told_without_the_folders_of_the_server(
    published_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat("owner", ("R1",), "north@example.com")
    monkeypatch.setenv("FORECOURT_HOME", str(published_home.root))
    monkeypatch.setattr(access, "seat", lambda: seat)
    monkeypatch.setattr(access, "enter", lambda: seat)

    def broken(*_: Any, **__: Any) -> None:
        raise Problem(f"{published_home.landing} is damaged. Run `forecourt run --home {published_home.root}`.")

    monkeypatch.setattr(filters, "choose", broken)
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert [str(each.value) for each in app.info] == ["the home/landing.duckdb is damaged. Run `forecourt run`."]


def test_every_kpi_of_a_limited_person_is_that_of_the_rooftop(published_home: Home) -> None:
    run_id = str(current_run(published_home))
    whole, cut = (Reader(str(published_home.root), run_id, limit) for limit in (None, ("R1",)))
    period = default_period(whole.newest_day())
    for start in (period.first, date(period.first.year - 1, 1, 1)):
        asked = type(period)(start, period.last, period.as_of)
        for name in whole.metrics():
            ours, theirs = cut.kpi(name, asked), whole.kpi(name, asked, rooftops=["R1"])
            assert [(row.value, row.numerator, row.denominator, row.n, row.currency) for row in ours] == [
                (row.value, row.numerator, row.denominator, row.n, row.currency) for row in theirs
            ], name


def test_what_is_kept_for_one_person_is_not_given_to_another(published_home: Home) -> None:
    run_id = str(current_run(published_home))
    statement = "select distinct rooftop from marts.fct_deal order by rooftop"
    readers = [Reader(str(published_home.root), run_id, limit) for limit in (None, ("R1",), ("R2",), None)]
    assert [[row["rooftop"] for row in reader.rows(statement)] for reader in readers] == [
        ["R1", "R2"],
        ["R1"],
        ["R2"],
        ["R1", "R2"],
    ]
