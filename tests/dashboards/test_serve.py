"""The server starts open on this machine, behind a sign-in anywhere else, and says plainly what is missing."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from dashboards import serve
from dashboards.access import SIGN_IN
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings_file import load_settings

ACCESS = """[access]
issuer = "https://login.example.com"
client_id = "forecourt"
client_secret_env = "OUR_SECRET"
{more}
[[access.users]]
email = "pat@example.com"
role = "owner"
"""


def home_with(folder: Path, more: str = "") -> Home:
    """A home that says who may see it."""
    home = Home(folder)
    home.settings.write_text(ACCESS.format(more=more), encoding="utf-8")
    return home


def test_no_other_address_without_a_sign_in(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(Problem) as said:
        serve.serve(home, address="0.0.0.0")
    for what in ("do not start on 0.0.0.0 without a sign-in", "[access]", "[[access.users]]", str(home.settings)):
        assert what in str(said.value)


def test_another_address_needs_the_one_that_browsers_know(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r'write url = "https://\.\.\." under \[access\]'):
        serve.serve(home_with(tmp_path), address="0.0.0.0")


def test_a_sign_in_without_its_secret_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OUR_SECRET", raising=False)
    with pytest.raises(Problem, match="no client secret: the environment variable OUR_SECRET is empty"):
        serve.serve(home_with(tmp_path))


def test_the_secret_lies_in_a_file_of_ours_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", 'a "secret" \\ ✓ 🔑')
    access = load_settings(home_with(tmp_path, 'url = "https://cars.example.com/reports"').settings).access
    assert access
    path = serve.write_secrets(tmp_path, access, 8501)
    assert path.stat().st_mode & 0o777 == 0o600
    given = tomllib.loads(path.read_text("utf-8"))["auth"]
    assert given["client_secret"] == 'a "secret" \\ ✓ 🔑'
    assert given["redirect_uri"] == "https://cars.example.com/reports/oauth2callback"
    assert given["server_metadata_url"] == "https://login.example.com/.well-known/openid-configuration"
    child = serve.environment(Home(tmp_path), access)
    assert "OUR_SECRET" not in child
    assert child[SIGN_IN] == "1"
    assert not serve.environment(Home(tmp_path))[SIGN_IN]


def test_browsers_are_told_apart_by_the_names_they_use(tmp_path: Path) -> None:
    given = serve.command(8599, "0.0.0.0", "https://cars.example.com/reports")
    assert "--server.address=0.0.0.0" in given
    assert "--server.allowedHosts=cars.example.com" in given
    assert "--server.corsAllowedOrigins=https://cars.example.com" in given
    assert "--server.baseUrlPath=reports" in given
    assert [each for each in serve.command(8599) if "allowedHosts" in each] == [
        "--server.allowedHosts=localhost",
        "--server.allowedHosts=127.0.0.1",
    ]


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((serve.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {port} is in use"):
            serve.serve(Home(tmp_path), port=port)


def test_the_child_is_bound_to_this_machine_and_told_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    given = serve.command(8599)
    assert "--server.address=127.0.0.1" in given
    assert "--browser.gatherUsageStats=false" in given
    assert Path(given[4]).is_file()
    monkeypatch.chdir(tmp_path)
    assert serve.environment(Home(Path("home")))["FORECOURT_HOME"] == str(tmp_path / "home")
