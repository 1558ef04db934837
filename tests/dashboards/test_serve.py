"""The server starts on this machine only, and says so plainly."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dashboards import serve
from forecourt.errors import Problem
from forecourt.home import Home


def test_no_other_address(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"127\.0\.0\.1 only, not on 0\.0\.0\.0: they have no sign-in yet"):
        serve.serve(Home(tmp_path), address="0.0.0.0")


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
