"""Reads the text export of a WhatsApp chat: one row a message, with who wrote it and to which side.

A message begins with a stamp (Android ``12/03/2026, 09:15 - Name: text``, iPhone ``[9/22/26, 10:17:02 AM] Name:
text``); lines without one go on with the message before. A stamp without a name is a notice of the system. Which of
its first two numbers is the day depends on the phone: it is taken from the chat where only one order gives days there
are that do not run backwards, else from the source's ``dates``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from forecourt.errors import Problem
from ingest.readers.rows import BadRow, Objects

_STAMP = re.compile(
    r"^\[?(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d\d),? "
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<seconds>\d\d))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?:\]| -) "
    r"(?P<rest>.*)$"
)
_SENDER = re.compile(r"^(?P<sender>[^:]{1,80}): (?P<text>.*)$", re.DOTALL)
_PHONE = re.compile(r"^\+?[\d ()/.-]{6,}$")
#: The file is named for the other side: WhatsApp Chat with Ann.txt, WhatsApp Chat - Ann.zip, WhatsApp-Chat mit Ann.txt.
_OTHER_SIDE = re.compile(
    r"whatsapp[ -]chat(?: (?:with|mit|avec|con|met)| -) (?P<name>.+?)(?:\.(?:txt|zip))?$", re.IGNORECASE
)
#: Marks of direction that phones put beside names and stamps, and blanks that are none.
_INVISIBLE = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202c\ufeff")) | {0x202F: " ", 0xA0: " "}
_MEDIA = re.compile(r"^<?(?:media|image|video|audio|sticker|gif|document) omitted>?$", re.IGNORECASE)


#: In so much of a text stands the first line of a chat.
CHAT_HEAD = 65536


def looks_like_chat(text: str) -> bool:
    """True when the first line with anything on it bears a stamp."""
    first = next((line for line in text[:CHAT_HEAD].splitlines() if line.strip()), "")
    return _STAMP.match(first.translate(_INVISIBLE)) is not None


def read_chat(text: str, name: str, declared: str, encoding: str) -> Objects:
    """The messages of a chat; ``name``: of the file, which names the other side; ``declared``: dmy or mdy.

    Values of a message: occurred_at (ISO, local), minute, sender, text, repeat (how many equal messages of that minute
    came before), direction (in, out; empty where it cannot be told), media (yes or empty). Raises Problem (without
    the file's name) where neither order of day and month gives a chat.
    """
    bad: list[BadRow] = []
    remarks: list[str] = []
    pieces = list(_pieces(text, bad))
    order = _order(pieces, declared, remarks)
    other = _other_side(name)
    seen: Counter[tuple[str, str, str]] = Counter()
    rows: list[tuple[int, dict[str, str], str]] = []
    for line, match, said, raw in pieces:
        message = _SENDER.match(said)
        if message is None:
            continue
        at = _instant(match, order)
        assert at is not None
        sender, body = message["sender"].strip(), message["text"].strip()
        is_media = any(_MEDIA.match(part.strip()) for part in body.splitlines())
        key = (f"{at:%Y-%m-%d %H:%M}", sender, "media" if is_media else body)
        values = {
            "occurred_at": at.isoformat(),
            "minute": key[0],
            "sender": sender,
            "text": key[2],
            "repeat": str(seen[key]),
            "direction": _direction(sender, other),
            "media": "yes" if is_media else "",
        }
        seen[key] += 1
        rows.append((line, values, raw))
    notices = len(pieces) - len(rows)
    return Objects(
        values=[values for _, values, _ in rows],
        row_numbers=[line for line, _, _ in rows],
        raw=lambda position: rows[position][2],
        encoding=encoding,
        bad=bad,
        skipped={"notice of the system": notices} if notices else {},
        remarks=remarks,
    )


def _pieces(text: str, bad: list[BadRow]) -> Iterator[tuple[int, re.Match[str], str, str]]:
    """Line, stamp, what was said and the original text of each entry; what stands before the first is a bad row."""
    started: tuple[int, re.Match[str]] | None = None
    said: list[str] = []
    raw: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        clean = line.translate(_INVISIBLE)
        match = _STAMP.match(clean)
        if match:
            if started:
                yield *started, "\n".join(said), "\n".join(raw)
            started, said, raw = (number, match), [match["rest"]], [line]
        elif started:
            said.append(clean)
            raw.append(line)
        elif clean.strip():
            reason = "it stands before the first message, so nobody said it"
            bad.append(BadRow(number, reason, line))
    if started:
        yield *started, "\n".join(said), "\n".join(raw)


def _order(pieces: list[tuple[int, re.Match[str], str, str]], declared: str, remarks: list[str]) -> str:
    fitting = [order for order in ("dmy", "mdy") if _fits([match for _, match, _, _ in pieces], order)]
    if not fitting:
        raise Problem(
            "its dates are neither day/month/year nor month/day/year: a day does not exist or the messages run "
            "backwards. Export the chat again."
        )
    if len(fitting) == 1:
        return fitting[0]
    words = {"dmy": "the day", "mdy": "the month"}[declared]
    remarks.append(f"whether day or month stands first cannot be told from it; {words} was taken, as declared")
    return declared


def _fits(stamps: list[re.Match[str]], order: str) -> bool:
    """True when every stamp is an instant and none is more than a day before the one above it."""
    last: datetime | None = None
    for stamp in stamps:
        at = _instant(stamp, order)
        if at is None or (last is not None and at < last - timedelta(days=1)):
            return False
        last = at
    return True


def _instant(stamp: re.Match[str], order: str) -> datetime | None:
    day, month = (stamp["first"], stamp["second"]) if order == "dmy" else (stamp["second"], stamp["first"])
    year = int(stamp["year"]) + (2000 if len(stamp["year"]) == 2 else 0)
    hour = int(stamp["hour"])
    if stamp["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if stamp["half"].lower() == "p" else 0)
    try:
        return datetime(year, int(month), int(day), hour, int(stamp["minute"]), int(stamp["seconds"] or 0))  # noqa: DTZ001
    except ValueError:
        return None


def _other_side(name: str) -> str | None:
    """The person or number that the file, or the archive it came in, is named for."""
    for part in reversed(PurePosixPath(name).parts):
        match = _OTHER_SIDE.search(part)
        if match:
            return match["name"].translate(_INVISIBLE).strip().casefold()
    return None


def _direction(sender: str, other: str | None) -> str:
    if other is not None:
        return "in" if sender.casefold() == other else "out"
    # Without a name of the file only a number that nobody saved is known to be no colleague.
    return "in" if _PHONE.match(sender) else ""
