from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from forecourt.errors import Problem
from forecourt.settings import BEGINNING, POLICY_DEFAULTS, WEEKDAYS, Dated, Settings
from forecourt.settings_file import MARTS, kpi_names, load_settings


def load(folder: Path, text: str) -> Settings:
    path = folder / "forecourt.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(Problem) as caught:
        load(folder, text)
    return str(caught.value)


def line_of(message: str) -> int | None:
    found = re.search(r"forecourt\.toml, line (\d+):", message)
    return int(found[1]) if found else None


def test_a_home_without_a_file_has_every_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "absent.toml")
    assert settings.rooftops == {}
    assert {key: settings.policy(key) for key in settings.policies} == POLICY_DEFAULTS
    assert settings.keep_runs == 10
    assert (settings.targets, settings.benchmarks) == ((), ())


def test_an_empty_file_is_the_same_as_none(tmp_path: Path) -> None:
    assert load(tmp_path, "# nothing yet\n") == load_settings(tmp_path / "absent.toml")


def test_a_rooftop_that_only_the_data_knows_has_the_company_defaults_and_a_flag(tmp_path: Path) -> None:
    settings = load(tmp_path, '[company]\nname = "Example Motors"\ncurrency = "EUR"\ntime_zone = "Europe/Berlin"\n')
    stranger = settings.rooftop("R9")
    assert (stranger.code, stranger.name, stranger.legal_entity) == ("R9", "R9", "Example Motors")
    assert (stranger.currency, stranger.time_zone, stranger.is_configured) == ("EUR", "Europe/Berlin", False)


def test_the_example_of_the_design_is_read_as_it_says(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [company]
        name = "Example Motors"
        currency = "GBP"
        [[rooftops]]
        code = "R1"
        name = "North"
        legal_entity = "Example Motors Ltd"
        time_zone = "Europe/London"
        currency = "GBP"
        vat_rate = 0.20
        holidays = "GB-ENG"
        hours = { mon = "09:00-19:00", tue = "09:00-19:00", sat = "09:00-17:00" }
        [policy]
        deal.recognition = "contract"
        """,
    )
    north = settings.rooftop("R1")
    assert north.is_configured
    assert (north.name, north.vat_rate, north.holidays) == ("North", Decimal("0.2"), "GB-ENG")
    assert north.hours["sat"] == ((540, 1020),)
    assert north.hours["wed"] == ()
    assert settings.policy("deal.recognition") == "contract"


def test_a_rooftop_takes_what_it_does_not_say_from_the_company(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [company]
        name = "Example Motors"
        currency = "EUR"
        vat_rate = 0.19
        time_zone = "Europe/Berlin"
        holidays = "DE-BE"
        [[rooftops]]
        code = "R1"
        [[rooftops]]
        code = "R2"
        vat_rate = 0.07
        """,
    )
    assert settings.rooftop("R1").vat_rate == Decimal("0.19")
    assert settings.rooftop("R2").vat_rate == Decimal("0.07")
    assert settings.rooftop("R2").holidays == "DE-BE"
    assert settings.rooftop("R2").name == "R2"


def test_a_rooftop_is_found_by_code_name_or_alias_whatever_the_case_and_spaces(tmp_path: Path) -> None:
    settings = load(tmp_path, '[[rooftops]]\ncode = "R1"\nname = "North  Road"\naliases = ["NR", "Nord"]\n')
    assert {settings.rooftop_code(text) for text in ("r1", " north road ", "nr", "NORD")} == {"R1"}
    assert settings.rooftop_code("South") == "South"


def test_dotted_and_nested_policies_are_the_same(tmp_path: Path) -> None:
    dotted = load(tmp_path, "[policy]\nclaim.window_days = 60\n")
    nested = load(tmp_path, "[policy.claim]\nwindow_days = 60\n")
    quoted = load(tmp_path, '[policy]\n"claim.window_days" = 60\n')
    assert dotted == nested == quoted
    assert dotted.policy("claim.window_days") == 60


@pytest.mark.metrics("9.value-of-the-day")
def test_a_dated_policy_applies_from_its_day_and_the_default_before_the_first(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [policy]
        claim.window_days = [{ from = 2026-02-01, value = 60 }, { from = 2026-06-01, value = 120 }]
        """,
    )
    days = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 1), date(2026, 5, 31), date(2026, 6, 1)]
    assert [settings.policy("claim.window_days", day) for day in days] == [90, 90, 60, 60, 120]
    assert settings.policy("claim.window_days") == 120
    assert settings.policies["claim.window_days"][0] == Dated(BEGINNING, 90)


def test_before_its_first_day_a_member_of_a_family_is_what_the_family_is(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [policy]
        sla.portal.buy_minutes = [{ from = 2026-02-01, value = 15 }]
        ageing.edges.warranty = [{ from = 2026-02-01, value = [10, 20] }]
        """,
    )
    assert settings.policy("sla.portal.buy_minutes", date(2026, 1, 1)) == POLICY_DEFAULTS["sla.default_minutes"]
    assert settings.policy("ageing.edges.warranty", date(2026, 1, 1)) == POLICY_DEFAULTS["ageing.edges.default"]
    assert settings.policy("ageing.edges.warranty", date(2026, 2, 1)) == [10, 20]


@pytest.mark.metrics("9.hours")
def test_several_intervals_a_day_and_past_midnight(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [[rooftops]]
        code = "R1"
        hours = { mon = "13:00-18:00, 09:00-12:30", fri = "22:00-02:00", sun = "00:00-24:00" }
        """,
    )
    hours = settings.rooftop("R1").hours
    assert hours["mon"] == ((540, 750), (780, 1080))
    assert hours["fri"] == ((1320, 1560),)
    assert hours["sun"] == ((0, 1440),)
    assert hours["tue"] == ()


def test_holidays_are_a_code_or_a_list_of_days_or_none(tmp_path: Path) -> None:
    by_list = load(tmp_path, '[[rooftops]]\ncode = "R1"\nholidays = ["2026-12-24", 2026-12-31]\n')
    assert by_list.rooftop("R1").holidays == (date(2026, 12, 24), date(2026, 12, 31))
    assert load(tmp_path, '[[rooftops]]\ncode = "R1"\n').rooftop("R1").holidays is None


@pytest.mark.metrics("9.targets", "9.benchmarks")
def test_targets_and_benchmarks(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [[rooftops]]
        code = "R1"
        [[targets]]
        kpi = "claim_rate"
        value = 0.05
        [[targets]]
        kpi = "claim_rate"
        rooftop = "R1"
        from = 2026-02-01
        value = 0.04
        [[benchmarks]]
        kpi = "claim_rate"
        value = 0.06
        source = "an invented survey"
        date = 2025-12-31
        """,
    )
    company, own = settings.targets
    assert (company.rooftop, company.valid_from, company.value) == (None, BEGINNING, Decimal("0.05"))
    assert (own.rooftop, own.valid_from, own.value) == ("R1", date(2026, 2, 1), Decimal("0.04"))
    assert settings.benchmarks[0].source == "an invented survey"


#: The text, the line of the wrong value, and a word the sentence must hold.
WRONG = {
    "unknown table": ("\n[polcy]\n", 2, "policy"),
    "unknown key of the company": ('[company]\ncurency = "GBP"\n', 2, "currency"),
    "unknown key of a rooftop": ('[[rooftops]]\ncode = "R1"\n\ntimezone = "Europe/London"\n', 4, "time_zone"),
    "unknown policy": ('[policy]\n\ndeal.recogniton = "delivered"\n', 3, "deal.recognition"),
    "unknown key of a target": ('[[targets]]\nkpi = "claim_rate"\nvale = 1\n', 3, "value"),
    "unknown key of a benchmark": ('[[benchmarks]]\nkpi = "claim_rate"\nsorce = "x"\n', 3, "source"),
    "unknown key of publishing": ("[publish]\nkeep_run = 3\n", 2, "keep_runs"),
    "another table of a zone": ('[company]\ntime_zone = "posix/Europe/London"\n', 2, "no time zone"),
    "a zone that counts leap seconds": ('[company]\ntime_zone = "right/UTC"\n', 2, "no time zone"),
    "unknown weekday": ('[company]\nhours = { mod = "09:00-10:00" }\n', 2, "mon"),
    "a word that is no choice": ('[policy]\ndeal.recognition = "signed"\n', 2, "delivered, contract, finalised"),
    "a number as text": ('[policy]\nclaim.window_days = "90"\n', 2, "whole number"),
    "a part of a day": ("[policy]\nclaim.window_days = 90.5\n", 2, "whole number"),
    "a negative number of days": ("[policy]\nclaim.window_days = -1\n", 2, "whole number"),
    "a truth value as a number": ("[policy]\nclaim.window_days = true\n", 2, "whole number"),
    "edges that fall": ("[policy]\nstock.edges = [30, 20]\n", 2, "rising"),
    "edges of a family that repeat": ("[policy]\nageing.edges.warranty = [30, 30]\n", 2, "rising"),
    "no edges": ("[policy]\nstock.edges = []\n", 2, "rising"),
    "a word for a list": ('[policy]\nclaim.kinds = "warranty"\n', 2, "list"),
    "dated values out of order": (
        "[policy]\nclaim.window_days = [\n{ from = 2026-02-01, value = 1 },\n{ from = 2026-01-01, value = 2 },\n]\n",
        2,
        "order",
    ),
    "two values of one day": (
        "[policy]\nclaim.window_days = [{ from = 2026-02-01, value = 1 }, { from = 2026-02-01, value = 2 }]\n",
        2,
        "order",
    ),
    "a dated value with a wrong word": (
        '[policy]\ndeal.pack = [{ from = 2026-02-01, value = "inside" }]\n',
        2,
        "in_cost",
    ),
    "a dated value without a day": ("[policy]\nclaim.window_days = [{ value = 1 }]\n", 2, "from"),
    "a dated value with a day that is none": (
        '[policy]\nclaim.window_days = [{ from = "1 May", value = 1 }]\n',
        2,
        "no day",
    ),
    "a time zone that is none": ('[[rooftops]]\ncode = "R1"\ntime_zone = "London"\n', 3, "Europe/London"),
    "a currency sign": ('[[rooftops]]\ncode = "R1"\ncurrency = "£"\n', 3, "GBP"),
    "a VAT rate in percent": ('[[rooftops]]\ncode = "R1"\nvat_rate = 20\n', 3, "0.20"),
    "a VAT rate that is not a number": ('[[rooftops]]\ncode = "R1"\nvat_rate = nan\n', 3, "no number"),
    "a holiday code that is none": ('[[rooftops]]\ncode = "R1"\nholidays = "GB-LONDON"\n', 3, "GB-ENG"),
    "a holiday that is no day": ('[[rooftops]]\ncode = "R1"\nholidays = ["Christmas"]\n', 3, "no day"),
    "a rooftop without a code": ('[[rooftops]]\ncode = "R1"\n[[rooftops]]\nname = "South"\n', 3, "code"),
    "a rooftop whose code is a number": ("[[rooftops]]\ncode = 1\n", 2, "no text"),
    "a rooftop that stands twice": ('[[rooftops]]\ncode = "R1"\n[[rooftops]]\ncode = "R1"\n', 4, "twice"),
    "an alias that is no list": ('[[rooftops]]\ncode = "R1"\naliases = "North"\n', 3, "list"),
    "one table in place of several": ('[rooftops]\ncode = "R1"\n', 1, "[[rooftops]]"),
    "one target in place of several": ('[targets]\nkpi = "claim_rate"\n', 1, "[[targets]]"),
    "an opening time that is none": ('[company.hours]\nmon = "9-19"\n', 2, "09:00-19:00"),
    "a minute that is none": ('[company.hours]\nmon = "09:60-19:00"\n', 2, "no opening time"),
    "no time between": ('[company.hours]\nmon = "09:00-09:00"\n', 2, "no opening time"),
    "opening times that overlap": ('[company.hours]\nmon = "09:00-13:00, 12:00-18:00"\n', 2, "overlap"),
    "a night that runs into the next day": ('[company.hours]\nsun = "22:00-06:00"\nmon = "05:00-12:00"\n', 2, "mon"),
    "hours that are no table": ('[company]\nhours = "09:00-19:00"\n', 2, "table"),
    "a target of no KPI": ('[[targets]]\nvalue = 1\nkpi = "clam_rate"\n', 3, "did you mean claim_rate?"),
    "a benchmark of no KPI": (
        '[[benchmarks]]\nkpi = "q"\nvalue = 1\n',
        2,
        "there is no KPI 'q'; `forecourt kpi` lists",
    ),
    "a target without a value": ('[[targets]]\nkpi = "claim_rate"\n', 1, "no number"),
    "the second target is wrong": (
        '[[targets]]\nkpi = "units"\nvalue = 1\n[[targets]]\nkpi = "units"\nvalue = "much"\n',
        6,
        "no number",
    ),
    "a target of a rooftop that is not there": (
        '[[rooftops]]\ncode = "R1"\n[[targets]]\nkpi = "units"\nrooftop = "R7"\nvalue = 1\n',
        5,
        "R7",
    ),
    "no run to keep": ("[publish]\nkeep_runs = 0\n", 2, "at least 1"),
    "runs to keep in words": ('[publish]\nkeep_runs = "ten"\n', 2, "at least 1"),
    "a company that is no table": ('company = "Example Motors"\n', 1, "table"),
}


@pytest.mark.parametrize(("text", "line", "word"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_is_refused_with_its_line(tmp_path: Path, text: str, line: int, word: str) -> None:
    message = refused(tmp_path, text)
    assert line_of(message) == line, message
    assert word in message


def test_what_is_no_toml_or_no_text_is_one_sentence(tmp_path: Path) -> None:
    assert "line 2" in refused(tmp_path, "[company]\nname = \n")
    path = tmp_path / "forecourt.toml"
    path.write_bytes(b'[company]\nname = "Caf\xe9"\n')
    with pytest.raises(Problem, match="UTF-8"):
        load_settings(path)


comments = st.lists(st.sampled_from(["", "# a remark", "   ", "# claim.window_days = 1", "# [[rooftops]]"]), max_size=6)


@limits(max_examples=60, deadline=None)
@given(rooftops=st.integers(1, 4), data=st.data())
def test_the_line_is_right_wherever_the_wrong_rooftop_stands(
    tmp_path_factory: pytest.TempPathFactory, rooftops: int, data: st.DataObject
) -> None:
    wrong = data.draw(st.integers(0, rooftops - 1))
    lines: list[str] = ["[company]", 'name = "Example Motors"']
    place = 0
    for number in range(rooftops):
        lines += data.draw(comments)
        lines += ["[[rooftops]]", f'code = "R{number}"', *data.draw(comments), "vat_rate = 0.20", 'currency = "GBP"']
        if number == wrong:
            lines[-1] = 'currency = "pounds"'
            place = len(lines)
    folder = tmp_path_factory.mktemp("home")
    assert line_of(refused(folder, "\n".join(lines))) == place


numbers = [key for key, default in POLICY_DEFAULTS.items() if isinstance(default, int)]
nonsense: st.SearchStrategy[Any] = st.one_of(
    st.text("abc", min_size=1), st.booleans(), st.integers(max_value=-1), st.lists(st.integers(), max_size=2)
)


@limits(max_examples=60, deadline=None)
@given(key=st.sampled_from(numbers), value=nonsense, before=comments)
def test_no_number_of_a_policy_can_be_anything_else(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any, before: list[str]
) -> None:
    if key.startswith("ageing.provision") and type(value) is int:
        value = "a"
    written = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    text = "\n".join(["[policy]", *before, f"{key} = {written}"])
    message = refused(tmp_path_factory.mktemp("home"), text)
    assert line_of(message) == len(before) + 2
    assert f"policy.{key}" in message


def minutes_of_week(settings: Settings, code: str) -> list[int]:
    starts = {day: index * 1440 for index, day in enumerate(WEEKDAYS)}
    return [
        (starts[day] + minute) % (7 * 1440)
        for day, intervals in settings.rooftop(code).hours.items()
        for start, end in intervals
        for minute in range(start, end)
    ]


@limits(max_examples=60, deadline=None)
@given(
    hours=st.dictionaries(
        st.sampled_from(WEEKDAYS),
        st.lists(st.tuples(st.integers(0, 23), st.integers(0, 24)), min_size=1, max_size=3),
        min_size=1,
    )
)
def test_hours_that_are_accepted_never_count_a_minute_twice(
    tmp_path_factory: pytest.TempPathFactory, hours: dict[str, list[tuple[int, int]]]
) -> None:
    lines = [f'{day} = "{", ".join(f"{a:02}:00-{b:02}:00" for a, b in spans)}"' for day, spans in hours.items()]
    text = '[[rooftops]]\ncode = "R1"\n[rooftops.hours]\n' + "\n".join(lines)
    try:
        settings = load(tmp_path_factory.mktemp("home"), text)
    except Problem:
        return
    minutes = minutes_of_week(settings, "R1")
    assert len(minutes) == len(set(minutes))


@pytest.mark.parametrize(
    ("company", "rooftop", "country"),
    [
        ("", "", "GB"),
        ('holidays = "DE-BE"', "", "DE"),
        ('holidays = "DE-BE"', 'holidays = "UK"', "GB"),
        ('holidays = "DE-BE"', 'country = "ES"', "ES"),
        ('country = "AT"', 'holidays = "DE-BE"', "AT"),
        ("", "holidays = [2026-01-01]", "GB"),
    ],
)
def test_the_country_of_a_rooftop_is_the_one_it_names_else_that_of_its_holidays(
    tmp_path: Path, company: str, rooftop: str, country: str
) -> None:
    settings = load(tmp_path, f'[company]\n{company}\n[[rooftops]]\ncode = "R1"\n{rooftop}\n')
    assert settings.rooftop("R1").country == country


def test_spellings_of_sources_are_read_without_case_and_spaces_at_their_ends(tmp_path: Path) -> None:
    settings = load(tmp_path, '[sources]\n"Auto Markt / North " = "AutoMarkt"\nweb = "Own site"\n')
    assert settings.sources == {"auto markt / north": "AutoMarkt", "web": "Own site"}


def test_customers_are_kept_apart_in_pairs(tmp_path: Path) -> None:
    settings = load(tmp_path, '[[identity.apart]]\na = "crm|R1|C1"\nb = "dms|R1|C2"\n')
    assert settings.apart == (("crm|R1|C1", "dms|R1|C2"),)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[sources]\n"web" = "Website"\n"Auto Markt" = ""\n', 3, "no source"),
        ('[sources]\n"web" = "Website"\n" WEB" = "Website"\n', 3, "twice"),
        ('[sources]\n"Auto Markt" = 5\n', 2, "no text"),
        ('[identity]\nmatch = ["email"]\n', 2, "no setting"),
        ('[[identity.apart]]\nb = "crm|R1|C2"\na = "C1"\n', 3, "no customer"),
        ('[[identity.apart]]\na = "crm|R1|C1"\nb = "crm|R1|C1"\n', 3, "apart from itself"),
        ('[policy]\nidentity.match = ["email", "name"]\n', 2, "none of email, phone"),
        ('[policy]\nidentity.join_systems = "yes"\n', 2, "none of no, by_contact, by_id"),
        ('[[rooftops]]\ncode = "R1"\ncountry = "England"\n', 3, "no country"),
    ],
)
def test_a_wrong_setting_of_identity_or_sources_names_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    message = refused(tmp_path, text)
    assert line_of(message) == line
    assert words in message


def test_the_names_of_the_kpis_are_those_of_the_marts() -> None:
    tables = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in MARTS.rglob("*.yml")]
    assert kpi_names() == {metric["name"] for table in tables for metric in table.get("metrics", ())}


ACCESS = """[access]
issuer = "https://login.example.com/"
client_id = "forecourt"
client_secret_file = "secret"
[[access.users]]
email = "Pat@Example.com "
role = "owner"
[[access.users]]
email = "sam@example.com"
role = "analyst"
rooftops = ["R2", "R1"]
"""


def test_who_may_sign_in(tmp_path: Path) -> None:
    path = tmp_path / "forecourt.toml"
    path.write_text(ACCESS, encoding="utf-8")
    access = load_settings(path).access
    assert access
    assert (access.issuer, access.client_secret_file) == ("https://login.example.com", tmp_path / "secret")
    pat, sam = access.users
    assert (pat.email, pat.rooftops) == ("pat@example.com", None)
    assert access.user("SAM@example.com") == sam
    assert sam.rooftops == ("R1", "R2")
    assert access.user("eve@example.com") is None


def test_nobody_has_to_sign_in_where_nothing_is_said(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "forecourt.toml").access is None


@pytest.mark.parametrize(
    ("before", "after", "line", "sentence"),
    [
        ('issuer = "https://login.example.com/"\n', "", 1, "a sign-in needs issuer"),
        ("https://login", "http://login", 2, "is no address that begins with https://"),
        ('client_secret_file = "secret"', 'client_secret = "hush"', 4, "'client_secret' is no setting"),
        ('client_secret_file = "secret"\n', "", 1, "client_secret_file or client_secret_env, one of the two"),
        ('"owner"', '"boss"', 7, "'boss' is none of owner, accountant, analyst"),
        ('"sam@example.com"', '"PAT@example.com"', 9, "'pat@example.com' stands twice"),
        ('"sam@example.com"', '"sam"', 9, "'sam' is no e-mail address"),
        ('["R2", "R1"]', "[]", 11, "this names no rooftop; leave it out for all of them"),
        ("[[access.users]]\nemail", '[[rooftops]]\ncode = "R1"\n[[access.users]]\nemail', 13, "no rooftop 'R2'"),
    ],
)
def test_a_wrong_line_about_who_may_sign_in_is_named(
    tmp_path: Path, before: str, after: str, line: int, sentence: str
) -> None:
    path = tmp_path / "forecourt.toml"
    path.write_text(ACCESS.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(Problem, match=f"line {line}: .*{re.escape(sentence)}") as said:
        load_settings(path)
    assert "hush" not in str(said.value)


ALERTS = """[mail]
host = "smtp.example.com"
sender = "Reports <reports@example.com>"
user = "reports"
password_env = "OUR_PASSWORD"
[[rooftops]]
code = "R1"
[[alerts]]
kpi = "stock_units"
by = "bucket"
group = "121+"
above = 0
to = ["Pat <pat@example.com>"]
[[alerts]]
promise = "late_funding"
rooftop = "R1"
above = 3
"""


def test_alerts_and_the_server_that_mails_them(tmp_path: Path) -> None:
    path = tmp_path / "forecourt.toml"
    path.write_text(ALERTS, encoding="utf-8")
    settings = load_settings(path)
    assert settings.mail
    assert (settings.mail.port, settings.mail.security, settings.mail.password_env) == (587, "starttls", "OUR_PASSWORD")
    aged, late = settings.alerts
    assert (aged.kpi, aged.by, aged.group, aged.above, aged.to) == (
        *("stock_units", "bucket", "121+", 0, ("Pat <pat@example.com>",)),
    )
    assert (late.promise, late.rooftop, late.above, late.below) == ("late_funding", "R1", 3, None)
    nothing = load_settings(tmp_path / "none.toml")
    assert (nothing.mail, nothing.alerts) == (None, ())


@pytest.mark.parametrize(
    ("before", "after", "line", "sentence"),
    [
        ('host = "smtp.example.com"\n', "", 1, "mail needs host"),
        ("<reports@example.com>", "", 3, "'Reports' is no e-mail address"),
        ('password_env = "OUR_PASSWORD"\n', "", 1, "with user name its password by password_file or password_env"),
        ('user = "reports"', 'security = "none"', 4, "only mail to this machine itself may go without encryption"),
        ('user = "reports"', 'security = "ssl"', 4, "'ssl' is none of starttls, tls, none"),
        ('kpi = "stock_units"', 'kpi = "stock_unit"', 9, "there is no KPI 'stock_unit'; did you mean stock_units?"),
        ('promise = "late_funding"', 'promise = "late_fund"', 15, "did you mean late_funding?"),
        ('group = "121+"\n', "", 8, "by and group go together"),
        ("above = 3", "above = 3\nbelow = 1", 14, "above or below, one of the two"),
        ("above = 3", "", 14, "above or below, one of the two"),
        ('promise = "late_funding"', "", 14, "a kpi or at a promise, one of the two"),
        ('rooftop = "R1"', 'rooftop = "R9"', 16, "there is no rooftop 'R9' in this file (alerts.rooftop)"),
        ("<pat@example.com>", "", 13, "'Pat ' is no e-mail address"),
        ("to =", "mailto =", 13, "'mailto' is no setting"),
    ],
)
def test_a_wrong_line_about_mail_is_named(tmp_path: Path, before: str, after: str, line: int, sentence: str) -> None:
    path = tmp_path / "forecourt.toml"
    path.write_text(ALERTS.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(Problem, match=f"line {line}: .*{re.escape(sentence)}"):
        load_settings(path)
