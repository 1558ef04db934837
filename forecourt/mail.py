"""Mail by SMTP to the server that the settings name; without those nothing ever leaves the machine."""

from __future__ import annotations

import mimetypes
import os
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from forecourt.errors import Problem
from forecourt.settings import Mail

SECONDS = 30


def send(
    mail: Mail | None, to: Sequence[str], subject: str, text: str, files: Mapping[str, bytes] | None = None
) -> None:
    """Sends one message to all of ``to``, with ``files`` (name -> bytes) attached.

    Raises Problem where no server is named, it cannot be reached, or it refuses the message or one of those it is for.
    """
    if mail is None:
        raise Problem("Nothing can be mailed: forecourt.toml names no server under [mail]. docs/settings.md says how.")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.sender, ", ".join(to), subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=parseaddr(mail.sender)[1].partition("@")[2])
    message.set_content(text)
    for name, data in (files or {}).items():
        kind, _, form = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        message.add_attachment(data, maintype=kind, subtype=form, filename=name)
    where = f"{mail.host}:{mail.port}"
    try:
        with _connected(mail) as server:
            if mail.user:
                server.login(mail.user, _password(mail))
            refused = server.send_message(message, to_addrs=[parseaddr(address)[1] for address in to])
    except smtplib.SMTPRecipientsRefused as error:
        raise Problem(f"The mail server {where} takes no mail for {', '.join(error.recipients)}.") from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise Problem(f"The mail server {where} refused: {error.smtp_code} {said}.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise Problem(f"The mail server {where} cannot be used: {error}. Check [mail] in forecourt.toml.") from None
    if refused:
        raise Problem(f"The mail server {where} takes no mail for {', '.join(refused)}; the others have it.")


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    if mail.security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _password(mail: Mail) -> str:
    if mail.password_env:
        found = os.environ.get(mail.password_env)
        if not found:
            raise Problem(f"The environment variable {mail.password_env}, which [mail] names, is not set.")
        return found
    try:
        return mail.password_file.read_text(encoding="utf-8").strip() if mail.password_file else ""
    except OSError as error:
        raise Problem(f"{mail.password_file}, which [mail] names, cannot be read ({error.strerror}).") from None
