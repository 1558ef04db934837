"""Erasure of a person's data: what names the person is written over in the archive, and all is made anew from it.

Letters become x and digits 0, one for one, in every file that has the text. So no file changes its shape: lines, rows
and columns stay where they are, counts and sums stay what they were, and an address keeps the form of one. The bytes as
they came are then deleted; the log keeps who erased, when and why, and which bytes stand for which, but not the text.
"""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive
from ingest.landing import rebuild
from ingest.mapped import whole
from ingest.pinned import recognise_pinned
from ingest.reading import FileRows, read_rows

#: A shorter text stands in too many places that mean something else.
SHORTEST = 5
_ENCODINGS = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")
#: How programs write a text that has marks of theirs in it.
_WRITERS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: text.replace('"', '""'),
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
)


@dataclass
class Erased:
    """What an erasure did: names of the files in which something was written over, the containers whose bytes were
    deleted, and the names of files that name the person themselves, which the log keeps."""

    files: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


def erase(home: Home, settings: Settings, texts: Sequence[str], *, who: str, why: str) -> Erased:
    """Writes the texts over wherever they stand in the archive, and makes the landing anew; the caller holds
    ``home.lock()``.

    Raises Problem, with nothing done, for a text that is too short or stands nowhere, and where a file would still
    have it or would no longer be read as it was.
    """
    for text in texts:
        if len(text.strip()) < SHORTEST or "\n" in text:
            raise Problem(
                f"{text!r} cannot be erased: a text needs {SHORTEST} characters on one line, or it would meet others. "
                "Give the whole name, address or number."
            )
    log = archive.read_log(home)
    deliveries = {entry["content_hash"]: entry for entry in log if entry["kind"] == "delivery"}
    erased, changed = Erased(), {}
    for digest, entry in deliveries.items():
        data = whole(archive.fetch(home, digest))
        written = written_over(data, texts)
        _check(home, settings, entry, data, written, texts)
        if written != data:
            changed[digest] = written
            erased.files.append(entry["name"])
    if not changed:
        raise Problem(
            "No file of the archive has this text. Write it as the file has it; `forecourt trace` shows that."
        )
    packed = {deliveries[digest].get("container_hash") for digest in changed}
    containers = [entry for entry in log if entry["kind"] == "container" and entry["content_hash"] in packed]
    erased.containers = [entry["name"] for entry in containers]
    found = re.compile("|".join(map(re.escape, texts)), re.IGNORECASE)
    erased.named = sorted({entry["name"] for entry in log if "name" in entry and found.search(entry["name"])})
    kept = {}
    for digest, written in changed.items():
        kept[digest] = archive.content_hash(written)
        archive.store(home, written, kept[digest])
    archive.append_log(
        home,
        {
            "kind": "decision",
            "decision": "erase",
            "file_id": "",
            "files": kept | {entry["content_hash"]: "" for entry in containers},
            "who": who,
            "why": why,
            "received_at": archive.utc(datetime.now(UTC)),
        },
    )
    archive.finish_erasures(home)
    rebuild(home, settings)
    return erased


def written_over(data: bytes, texts: Sequence[str]) -> bytes:
    """The bytes with the texts written over, character by character; those of a zip are packed anew."""
    if not data.startswith(b"PK"):
        return _plain(data, texts)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archived:
            parts = [(info, archived.read(info)) for info in archived.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
        return data  # it was refused as it is, and nothing of it landed
    written = [(info, _plain(content, texts)) for info, content in parts]
    if [content for _, content in parts] == [content for _, content in written]:
        return data
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        for info, content in written:
            archived.writestr(zipfile.ZipInfo(info.filename, info.date_time), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _plain(data: bytes, texts: Sequence[str]) -> bytes:
    for text in texts:
        for wanted, written, is_wide in _spellings(text):
            pattern = re.escape(wanted) if is_wide else rb"(?<![A-Za-z0-9])" + re.escape(wanted) + rb"(?![A-Za-z0-9])"
            data = re.sub(pattern, lambda _, written=written: written, data, flags=re.IGNORECASE)  # type: ignore[misc]
    return data


def _spellings(text: str) -> Iterator[tuple[bytes, bytes, bool]]:
    """How a text may stand in a file and what is written over it: in each encoding, as csv, XML and JSON write it."""
    crossed_out = re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", text))
    for write in _WRITERS:
        for encoding in _ENCODINGS:
            with suppress(UnicodeEncodeError):
                yield write(text).encode(encoding), write(crossed_out).encode(encoding), encoding.startswith("utf-16")


def _check(
    home: Home, settings: Settings, entry: dict[str, Any], data: bytes, written: bytes, texts: Sequence[str]
) -> None:
    """Refuses what would leave the text in a row, or read the file otherwise than before."""
    after = _rows(home, settings, entry, written)
    before = after if written == data else _rows(home, settings, entry, data)
    if (before is None) != (after is None) or (before and after and _shape(before) != _shape(after)):
        raise Problem(f"{entry['name']} would no longer be read as it was, so nothing was erased. Give the whole text.")
    if after and _says(after, texts):
        raise Problem(
            f"{entry['name']} would still have it, written in a way that is not found in its bytes, so nothing was "
            "erased. Give the text as the file has it as well; what a mail packs cannot be written over."
        )


def _says(rows: FileRows, texts: Sequence[str]) -> bool:
    """True where one of the texts stands in a row, or in one that cannot be read."""
    wanted = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, texts))})(?!\w)", re.IGNORECASE)
    if any(wanted.search(bad.raw) for bad in rows.bad):
        return True
    for batch in rows.batches:
        for column in batch.rows.drop(["row_id", "row_number"]).columns:
            for text in texts:
                found = column.filter(pc.match_substring(column, text, ignore_case=True))
                if any(wanted.search(value) for value in found.to_pylist()):
                    return True
    return False


def _rows(home: Home, settings: Settings, entry: dict[str, Any], data: bytes) -> FileRows | None:
    """What a delivery gives; None for one that is refused."""
    try:
        rows = read_rows(recognise_pinned(home, entry, entry["name"], data), settings)
        rows.batches = list(rows.taken())
    except Problem:
        return None
    return rows


def _shape(rows: FileRows) -> tuple[object, ...]:
    return [batch.header for batch in rows.batches], rows.rows, len(rows.bad), rows.skipped
