"""Starts the dashboards for one home as a child process: open on this machine, behind a sign-in anywhere else."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

from dashboards.access import SIGN_IN
from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.query import clear_spills
from forecourt.settings import LOOPBACK, Access
from forecourt.settings_file import load_settings

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
#: The folder that holds ``.streamlit/config.toml`` (theme, no usage statistics).
PROJECT = Path(__file__).resolve().parents[1]


def serve(home: Home, port: int | None = None, open_browser: bool = True, address: str = ADDRESS) -> int:
    """Runs the dashboards until they are stopped and returns their exit code.

    ``port`` None takes the first free one from 8501 on. Where the settings have ``[access]`` everybody signs in; where
    they have not, the pages are open and stay on this machine. Raises Problem for a port in use, for another address
    without a sign-in, and for a sign-in that lacks its secret or its url.
    """
    access = load_settings(home.settings).access
    if address not in LOOPBACK:
        _require_sign_in(home, access, address)
    chosen = _free_port(port, address)
    clear_spills(home)
    with tempfile.TemporaryDirectory(prefix="forecourt-") as private:
        given = command(chosen, address, access.url if access else "")
        if access:
            given.append(f"--secrets.files={write_secrets(Path(private), access, chosen)}")
        # Whoever stops this process stops the pages with it, and the file with the secret goes.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        child = subprocess.Popen(given, cwd=PROJECT, env=environment(home, access))
        if open_browser and address in (ADDRESS, "localhost"):
            threading.Thread(target=_open_when_ready, args=(chosen, child), daemon=True).start()
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            return 0


def command(port: int, address: str = ADDRESS, url: str = "") -> list[str]:
    """The command line of the child. ``url``: where browsers find the pages when it is not this address."""
    outside = urlsplit(url)
    names = ["localhost", ADDRESS, *([outside.hostname] if outside.hostname else [])]
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(Path(__file__).with_name("streamlit_app.py")),
        f"--server.address={address}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        # Another site cannot give its own name to this address and so read the pages through a visitor's browser.
        *(f"--server.allowedHosts={name}" for name in names),
        *([f"--browser.serverAddress={outside.hostname}"] if outside.hostname else []),
        *([f"--server.corsAllowedOrigins={outside.scheme}://{outside.netloc}"] if outside.hostname else []),
        *([f"--server.baseUrlPath={outside.path.strip('/')}"] if outside.path.strip("/") else []),
    ]


def environment(home: Home, access: Access | None = None) -> dict[str, str]:
    """The child's environment: this one's, with the home to show and whether everybody signs in."""
    given = os.environ | {"FORECOURT_HOME": str(home.root.resolve()), SIGN_IN: "1" if access else ""}
    if access and access.client_secret_env:
        given.pop(access.client_secret_env, None)  # it has it from the file
    return given


def write_secrets(folder: Path, access: Access, port: int) -> Path:
    """Writes what Streamlit's sign-in needs to a file that nobody else can read, and returns where it lies.

    Cookies are signed with a word made anew: who was signed in before a restart signs in again. Raises Problem where
    the client's secret cannot be had.
    """
    given = {
        "redirect_uri": f"{access.url or f'http://{ADDRESS}:{port}'}/oauth2callback",
        "cookie_secret": secrets.token_hex(32),
        "client_id": access.client_id,
        "client_secret": _client_secret(access),
        "server_metadata_url": f"{access.issuer}/.well-known/openid-configuration",
    }
    path = folder / "secrets.toml"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        # A text of JSON is a text of TOML.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in given.items()]
        file.write("".join(["[auth]\n", *lines]))
    return path


def _client_secret(access: Access) -> str:
    if access.client_secret_env:
        found, place = (
            os.environ.get(access.client_secret_env, ""),
            f"the environment variable {access.client_secret_env}",
        )
    else:
        path = access.client_secret_file or Path()
        place = str(path)
        try:
            found = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found.strip():
        raise Problem(f"The sign-in has no client secret: {place} is empty or cannot be read. Put the secret there.")
    return found.strip()


def _require_sign_in(home: Home, access: Access | None, address: str) -> None:
    if access is None:
        raise Problem(
            f"The dashboards do not start on {address} without a sign-in, since everybody on the network would see "
            f"everything: write [access] with issuer, client_id, client_secret_file, url and an [[access.users]] for "
            f"each person into {home.settings}."
        )
    if not access.url:
        raise Problem(
            f"The dashboards on {address} need the address at which browsers find them: write "
            f'url = "https://..." under [access] of {home.settings}.'
        )


def _free_port(wanted: int | None, address: str) -> int:
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + 50):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
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
