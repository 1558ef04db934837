"""A mail server in a process of its own, which keeps every letter in a folder."""

from __future__ import annotations

import mailbox
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast


class Postbox:
    """``port`` of 127.0.0.1 takes mail for anybody."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def letters(self) -> list[EmailMessage]:
        """What came, in the order of their subjects and addresses."""
        kept = [message_from_bytes(letter.as_bytes(), policy=policy.default) for letter in mailbox.Maildir(self.folder)]
        return sorted((cast(EmailMessage, letter) for letter in kept), key=lambda one: (one["Subject"], one["To"]))

    def settings(self) -> str:
        return (
            f'[mail]\nhost = "127.0.0.1"\nport = {self.port}\nsecurity = "none"\n'
            'sender = "Reports <reports@example.com>"\n'
        )


@contextmanager
def postbox(folder: Path) -> Iterator[Postbox]:
    """Serves until the body ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Mailbox", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Postbox(folder, port)
    finally:
        server.terminate()
        server.wait()
