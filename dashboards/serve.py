"""Starts the dashboards for one home as a child process, on this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path

from forecourt.errors import Problem
from forecourt.home import Home

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
#: The folder that holds ``.streamlit/config.toml`` (theme, no usage statistics).
PROJECT = Path(__file__).resolve().parents[1]


def serve(home: Home, port: int | None = None, open_browser: bool = True, address: str = ADDRESS) -> int:
    """Runs the dashboards until they are stopped and returns their exit code.

    ``port`` None takes the first free one from 8501 on. Raises Problem for a port in use, and for any address but
    this machine's own: who may see what is not decided by these pages yet, so they are not put on a network.
    """
    if address not in (ADDRESS, "localhost"):
        raise Problem(
            f"The dashboards listen on {ADDRESS} only, not on {address}: they have no sign-in yet, "
            "and everyone on the network would see everything. Use a tunnel (ssh -L) to look from elsewhere."
        )
    chosen = _free_port(port)
    child = subprocess.Popen(command(chosen), cwd=PROJECT, env=environment(home))
    if open_browser:
        threading.Thread(target=_open_when_ready, args=(chosen, child), daemon=True).start()
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        return 0


def command(port: int) -> list[str]:
    """The command line of the child."""
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(Path(__file__).with_name("streamlit_app.py")),
        f"--server.address={ADDRESS}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]


def environment(home: Home) -> dict[str, str]:
    """The child's environment: this one's, with the home to show."""
    return os.environ | {"FORECOURT_HOME": str(home.root.resolve())}


def _free_port(wanted: int | None) -> int:
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    if wanted is not None:
        raise Problem(f"Port {wanted} is in use on this machine. Give another one, or none to take a free one.")
    raise Problem(f"No port from {FIRST_PORT} to {FIRST_PORT + 49} is free on this machine. Give one with --port.")


def _open_when_ready(port: int, child: subprocess.Popen[bytes]) -> None:
    """Opens the reader's browser once the server answers; a machine without one only prints the address."""
    while child.poll() is None:
        try:
            with socket.create_connection((ADDRESS, port), timeout=1):
                break
        except OSError:
            time.sleep(0.2)
    else:
        return
    webbrowser.open(f"http://{ADDRESS}:{port}")
