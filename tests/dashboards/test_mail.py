"""Alerts and reports by mail: what is told, to whom, once; through a real mail server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from forecourt.alerts import look, news, tell
from forecourt.door import open_warehouse
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.mail import send
from forecourt.settings import Mail
from forecourt.settings_file import load_settings
from tests.support.command import call, said
from tests.support.postbox import Postbox, postbox

ALERTS = """
[[alerts]]
name = "Late money"
kpi = "overdue_rate"
above = 0.10
to = ["pat@example.com"]

[[alerts]]
promise = "late_payment"
rooftop = "R1"
above = 0
to = ["pat@example.com", "Sam <sam@example.com>"]

[[alerts]]
kpi = "receivable_outstanding"
by = "bucket"
group = "31-60"
above = 0
to = ["sam@example.com"]

[[alerts]]
kpi = "overdue_rate"
above = 1
to = ["eve@example.com"]

[[alerts]]
kpi = "conversion_rate"
below = 0.5
to = ["eve@example.com"]
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Postbox]:
    with postbox(tmp_path / "post") as found:
        yield found


@pytest.fixture
def home(ledger_home: Home, tmp_path: Path, box: Postbox) -> Home:
    """The ledger with alerts and a mail server beside its published run."""
    home = Home(tmp_path / "home")
    home.create()
    shutil.copytree(ledger_home.published, home.published, dirs_exist_ok=True)
    text = ledger_home.settings.read_text(encoding="utf-8")
    home.settings.write_text(f"{text}\n{box.settings()}{ALERTS}", encoding="utf-8")
    return home


def overdue(home: Home) -> dict[str, Any]:
    """The overdue rate in pounds, as the command prints it."""
    rows = json.loads(call("kpi", "overdue_rate", "--home", str(home.root), "--json").output)
    return next(row for row in rows if row["currency"] == "GBP")


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part
    return str(part.get_content())


def test_a_breach_is_mailed_once_to_those_it_is_for(home: Home, box: Postbox) -> None:
    warehouse, settings = open_warehouse(home), load_settings(home.settings)
    looked = look(warehouse, settings)
    row = overdue(home)
    assert row["value"] > 0.10
    said_of = {alert.records[0]: alert.text for alert in looked.alerts if alert.rule.name == "Late money"}
    expected = f"Late money: Overdue rate is {row['value'] * 100:.1f} % GBP, above 10.0 % (on 2026-04-02)."
    assert said_of["GBP"] == expected
    (late,) = [alert for alert in looked.alerts if alert.rule.promise]
    counted = "rule = 'late_payment' and rooftop = 'R1' and closed_on is null and broken_on <= date '2026-04-02'"
    (open_now,) = warehouse.rows(f"select count(*) as n from marts.fct_exception where {counted}")
    assert open_now["n"] == len(late.records) > 0
    assert len(looked.unjudged) == 1
    assert looked.unjudged[0].startswith("conversion rate: no data")

    everybody = ["pat@example.com", "Sam <sam@example.com>", "sam@example.com"]
    assert tell(home, settings, "run1", looked.alerts) == everybody
    letters = {letter["To"]: letter for letter in box.letters()}
    assert set(letters) == set(everybody)
    assert "Late money" in text_of(letters["pat@example.com"])
    assert late.text in text_of(letters["pat@example.com"])
    assert "bucket 31-60" in text_of(letters["sam@example.com"])
    assert letters["pat@example.com"]["From"] == "Reports <reports@example.com>"

    assert tell(home, settings, "run2", looked.alerts) == []
    assert len(box.letters()) == 3
    # One more late payment than was told is news, what is over is forgotten.
    told = json.loads(home.alerts.read_text(encoding="utf-8"))
    told[late.key].pop()
    home.alerts.write_text(json.dumps(told), encoding="utf-8")
    assert news(home, looked.alerts) == [late]
    tell(home, settings, "run3", [])
    assert len(news(home, looked.alerts)) == len(looked.alerts)


def test_a_letter_that_cannot_be_sent_is_told_and_sent_the_next_time(home: Home, box: Postbox) -> None:
    warehouse, settings = open_warehouse(home), load_settings(home.settings)
    alerts = look(warehouse, settings).alerts
    home.settings.write_text(home.settings.read_text(encoding="utf-8").replace(f"port = {box.port}", "port = 1"))
    with pytest.raises(Problem, match=r"The mail server 127[.]0[.]0[.]1:1 cannot be used"):
        tell(home, load_settings(home.settings), "run1", alerts)
    assert len(news(home, alerts)) == len(alerts)
    with pytest.raises(Problem, match="names no server under"):
        send(None, ["pat@example.com"], "Late", "Late")
    unsafe = Mail("127.0.0.1", box.port, "starttls", "reports@example.com")
    with pytest.raises(Problem, match="cannot be used: STARTTLS"):
        send(unsafe, ["pat@example.com"], "Late", "Late")
    assert box.letters() == []


def test_the_ageing_comes_as_the_file_that_is_exported(home: Home, box: Postbox, tmp_path: Path) -> None:
    place, file = ("--home", str(home.root)), tmp_path / "ageing.xlsx"
    sent = call("mail", "ageing", *place, "--to", "pat@example.com", "--as-of", "2026-03-31")
    assert sent.exit_code == 0, sent.exception
    call("export", "ageing", *place, "--as-of", "2026-03-31", "-o", str(file))
    (letter,) = box.letters()
    (attached,) = letter.iter_attachments()
    assert attached.get_filename() == "ageing_2026-03-31_due.xlsx"
    assert attached.get_content() == file.read_bytes()
    assert "North customer by GBP −0.01 differs" in text_of(letter)


def test_the_overview_says_what_the_command_says(home: Home, box: Postbox) -> None:
    assert call("mail", "overview", "--home", str(home.root), "--to", "pat@example.com").exit_code == 0
    (letter,) = box.letters()
    text = text_of(letter)
    row = overdue(home)
    assert f"Overdue rate GBP: {row['value'] * 100:.1f} %" in text
    assert f"(n {row['n']}, excluded {row['excluded']}" in text
    assert "Late money: Overdue rate is" in text
    assert "Not judged: conversion rate: no data" in text
    assert date(2026, 4, 2).isoformat() in letter["Subject"]


def test_without_a_server_nothing_is_mailed(ledger_home: Home) -> None:
    result = call("mail", "overview", "--home", str(ledger_home.root), "--to", "pat@example.com")
    assert "names no mail server. Write it under [mail]" in said(result)
