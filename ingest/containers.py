"""Containers: a zip, a gzip or a mail with files attached. Each file in one is a delivery of its own.

A member is known by the name of its container and its own, ``stock.zip/dms_vehicles_2026-03-31.csv``. Nothing is
written to disk, so no name can lead anywhere; a container that tries is refused all the same. A container in a
container is refused, but for the archive that a mail carries: that is how systems send their reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import errors, message_from_bytes, policy
from email.message import EmailMessage
from zipfile import ZipFile, ZipInfo

from forecourt.errors import Problem
from ingest.delivery import own_name
from ingest.mapped import Bytes, whole
from ingest.readers.adf import looks_like_adf
from ingest.readers.kinds import ENDINGS, Kind, kind_of, words_for
from ingest.readers.signatures import is_picture
from ingest.readers.unzip import LIMITS, Allowance, Limits, chunks_of, gunzip, open_zip

#: What programs put beside the files that a person packed.
_ACCOMPANYING = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")

#: A mail is taken apart in memory; one that is larger carries nothing that is looked at, and is refused.
MAX_MAIL = 100 << 20

#: Endings of attachments that are exports; a mail's pictures and signatures are none.
_EXPORTS = (*(ending for endings in ENDINGS.values() for ending in endings), ".zip", ".gz")


#: What is wrong with an attachment whose bytes are not those that were sent.
_SPOILED = (
    errors.InvalidBase64CharactersDefect,
    errors.InvalidBase64LengthDefect,
    errors.InvalidBase64PaddingDefect,
)


@dataclass(frozen=True)
class Member:
    """One file of a container; ``name`` starts with that of the container."""

    name: str
    content: bytes


def is_container(data: Bytes) -> bool:
    """True for a zip or gzip, and for a mail that carries exports and is no lead itself."""
    kind = kind_of(data)
    is_mail = kind == "mail" and len(data) <= MAX_MAIL
    return kind in ("zip", "gzip") or (is_mail and not looks_like_adf(data) and bool(_attached(whole(data))))


def members(name: str, data: Bytes, limits: Limits = LIMITS) -> Iterator[Member]:
    """The files of a container, one after the other, unpacked as they are asked for.

    Raises Problem (a sentence without the file's name) before the first one, where the container is damaged, hostile,
    protected, empty, or lies in another one: its name then has the other's before a slash.
    """
    kind, data = kind_of(data), whole(data)
    if "/" in name:
        raise Problem(f"it is {words_for(data)} inside another container. Unpack it and deliver its files.")
    if kind != "mail":
        _check(data, kind, limits)
        return _unpacked(name, data, kind, limits)
    attached = _attached(data)
    _check_mail(data)
    for inner, content in attached:
        if kind_of(content) in ("zip", "gzip"):
            try:
                _check(content, kind_of(content), limits)
            except Problem as problem:
                raise Problem(f"its attachment {inner} cannot be taken: {problem}") from None
    return _of_mail(name, attached, limits)


def _check(data: bytes, kind: Kind, limits: Limits) -> None:
    """Unpacks everything once and keeps nothing, so that a container lands whole or not at all."""
    if kind == "gzip":
        gunzip(data, limits)
        return
    with open_zip(data, limits) as archive:
        if not _files(archive):
            raise Problem("it is a zip archive without a file in it. Pack it again.")
        allowance = Allowance(len(data), limits)
        for info in archive.infolist():
            for chunk in chunks_of(archive, info):
                allowance.take(chunk)


def _check_mail(data: bytes) -> None:
    """Refuses a mail whose files are not as they were sent: a part of a table would pass for all of it."""
    message = message_from_bytes(data, policy=policy.default)
    for part in message.walk() if isinstance(message, EmailMessage) else ():
        if any(isinstance(defect, errors.CloseBoundaryNotFoundDefect) for defect in part.defects):
            raise Problem("it is a mail that breaks off: the end of its parts is missing. Have it sent again.")
        name = part.get_filename()
        if name and name.lower().endswith(_EXPORTS) and not part.is_multipart():
            part.get_payload(decode=True)
            if any(isinstance(defect, _SPOILED) for defect in part.defects):
                raise Problem(
                    f"its attachment {own_name(name)} is damaged (its base64 cannot be read). Have it sent again."
                )


def _of_mail(name: str, attached: list[tuple[str, bytes]], limits: Limits) -> Iterator[Member]:
    for inner, content in attached:
        kind = kind_of(content)
        if kind in ("zip", "gzip"):
            yield from _unpacked(f"{name}/{inner}", content, kind, limits)
        else:
            yield Member(f"{name}/{inner}", content)


def _unpacked(name: str, data: bytes, kind: Kind, limits: Limits) -> Iterator[Member]:
    if kind == "gzip":
        inner = own_name(name)
        yield Member(f"{name}/{inner[:-3] if inner.lower().endswith('.gz') else inner}", gunzip(data, limits))
        return
    with open_zip(data, limits) as archive:
        for info in _files(archive):
            yield Member(f"{name}/{info.filename.replace(chr(92), '/')}", b"".join(chunks_of(archive, info)))


def _files(archive: ZipFile) -> list[ZipInfo]:
    return [info for info in archive.infolist() if not info.is_dir() and not _is_accompanying(info.filename)]


def _is_accompanying(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return any(part in _ACCOMPANYING for part in parts) or parts[-1].startswith("._")


def beside_a_lead(data: bytes) -> list[str]:
    """The names of the files that a mail with a lead carries besides; pictures, as in signatures, do not count."""
    return [name for name, content in _parts(data) if not is_picture(content) and not looks_like_adf(content)]


def _attached(data: bytes) -> list[tuple[str, bytes]]:
    """Name and bytes of the attachments that are exports by their names."""
    return [(name, content) for name, content in _parts(data) if name.lower().endswith(_EXPORTS)]


def _parts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the files that are attached to a mail."""
    message = message_from_bytes(data, policy=policy.default)
    for part in message.walk() if isinstance(message, EmailMessage) else ():
        name = part.get_filename()
        content = None if part.is_multipart() else part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            yield own_name(name.replace("\\", "/")), content
