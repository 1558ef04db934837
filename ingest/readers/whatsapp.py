"""Reads the text export of a WhatsApp chat: one row a message, with who wrote it and to which side.

A message begins with a stamp (Android ``12/03/2026, 09:15 - Name: text``, iPhone ``[9/22/26, 10:17:02 AM] Name:
text``, in the forms and digits of the phone's language); lines without one go on with the message before. A stamp
without a name is a notice of the system. Which of its first two numbers is the day depends on the phone: it is taken
from the chat where only one order gives days there are that do not run backwards, else from the source's ``dates``; a
date that begins with its year is year, month, day.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from forecourt.errors import Problem
from ingest.readers.rows import BadRow, Objects

#: What languages write for the halves of the day, before or behind the time.
_HALVES = {
    "a": ("am", "a.m.", "a. m.", "a.m", "ص", "öö", "午前", "上午", "오전"),
    "p": ("pm", "p.m.", "p. m.", "p.m", "م", "ös", "午後", "下午", "오후"),
}
_HALF = "|".join(sorted(map(re.escape, (*_HALVES["a"], *_HALVES["p"])), key=len, reverse=True))
_STAMP = re.compile(
    r"^\[?(?P<first>\d{1,4})(?P<mark>[/.-]|\. )(?P<second>\d{1,2})(?P=mark)(?P<third>\d{4}|\d{1,2})\.?"
    r"(?:[,،] ?| à | às | klo | kl\. | um | )(?:(?P<before>" + _HALF + r") ?)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<seconds>\d\d))?(?: ?(?P<behind>" + _HALF + r"))?(?:\]| -) "
    r"(?P<rest>.*)$",
    re.IGNORECASE,
)
_SENDER = re.compile(r"^(?P<sender>[^:\n]{1,80}):(?: (?P<text>.*)|$|(?=\n)(?P<below>.*))$", re.DOTALL)
_PHONE = re.compile(r"^\+?[\d ()/.-]{6,}$")
#: The file is named for the other side, in the language of the phone: WhatsApp Chat with Ann.txt, WhatsApp Chat -
#: Ann.zip, Chat de WhatsApp con Ann.txt, Ann ile WhatsApp Sohbeti.txt.
_OTHER_SIDE = tuple(
    # A browser numbers a file of which it has one: Ann (1).txt.
    re.compile(form + r"(?: \(\d+\))?(?:\.(?:txt|zip))?$", re.IGNORECASE)
    for form in (
        r"whatsapp(?:[ -]\w+)? (?:with|mit|avec|con|com|met|med|z|с) (?P<name>.+?)",
        r"whatsapp[ -]chat - (?P<name>.+?)",
        r"whatsapp-keskustelu:? (?P<name>.+?)",
        r"واتساب مع (?P<name>.+?)",
        r"^(?P<name>.+?) ile whatsapp sohbeti",
        r"^(?P<name>.+?) ?とのwhatsapp.*?",
    )
)
#: Marks of direction that phones put beside names and stamps, and blanks that are none.
_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_INVISIBLE = dict.fromkeys(map(ord, _MARKS)) | {0x202F: " ", 0xA0: " "}
_NOT_ASCII = re.compile(r"(?![0-9])\d")
#: An iPhone puts this before what the system says in somebody's name; the first entry of a chat is such a notice.
_OF_THE_SYSTEM = "\u200e"
_MEDIA = re.compile(r"^<?(?:media|image|video|audio|sticker|gif|document) omitted>?$", re.IGNORECASE)


#: In so much of a text stands the first line of a chat.
CHAT_HEAD = 65536


def looks_like_chat(text: str) -> bool:
    """True when the first line with anything on it bears a stamp."""
    first = next((line for line in text[:CHAT_HEAD].splitlines() if line.strip()), "")
    return _stamp(first.translate(_INVISIBLE)) is not None


def read_chat(text: str, name: str, declared: str, encoding: str) -> Objects:
    """The messages of a chat; ``name``: of the file, which names the other side; ``declared``: dmy, mdy or ymd.

    Values of a message: occurred_at (ISO, local), minute, sender, text, repeat (how many equal messages of that minute
    came before), direction (in, out; empty where it cannot be told), media (yes or empty). Raises Problem (without
    the file's name) where neither order of day and month gives a chat, and where several people wrote and none is the
    one for whom the file is named.
    """
    bad: list[BadRow] = []
    remarks: list[str] = []
    entries = _entries(text, bad)
    order = _order([entry.stamp for entry in entries], declared, remarks)
    named = _named_for(name)
    messages = [
        (entry, message)
        for place, entry in enumerate(entries)
        if (message := _message(entry, named, is_first=place == 0))
    ]
    other = _other_side(named, {sender for _, (sender, _) in messages}, remarks)
    seen: Counter[tuple[str, str, str]] = Counter()
    values: list[Mapping[str, str]] = []
    for entry, (sender, said) in messages:
        at = _instant(entry.stamp, order)
        assert at is not None
        is_media = any(_MEDIA.match(part.strip()) for part in said.splitlines())
        key = (f"{at:%Y-%m-%d %H:%M}", sender, "media" if is_media else said)
        values.append(
            {
                "occurred_at": at.isoformat(),
                "minute": key[0],
                "sender": sender,
                "text": key[2],
                "repeat": str(seen[key]),
                "direction": _direction(sender, other),
                "media": "yes" if is_media else "",
            }
        )
        seen[key] += 1
    notices = len(entries) - len(messages)
    return Objects(
        values=values,
        row_numbers=[entry.line for entry, _ in messages],
        raw=lambda position: "\n".join(messages[position][0].written),
        encoding=encoding,
        bad=bad,
        skipped={"notice of the system": notices} if notices else {},
        remarks=remarks,
    )


@dataclass(frozen=True)
class _Entry:
    """What begins with a stamp: the line of the file, the stamp, the lines without it, and the lines as they stand."""

    line: int
    stamp: re.Match[str]
    said: list[str]
    written: list[str]


def _entries(text: str, bad: list[BadRow]) -> list[_Entry]:
    """The entries of a chat; what stands before the first is a bad row."""
    entries: list[_Entry] = []
    for number, line in enumerate(text.splitlines(), start=1):
        clean = line.translate(_INVISIBLE)
        stamp = _stamp(clean)
        if stamp:
            entries.append(_Entry(number, stamp, [clean[stamp.start("rest") :]], [line]))
        elif entries:
            entries[-1].said.append(clean)
            entries[-1].written.append(line)
        elif clean.strip():
            bad.append(BadRow(number, "it stands before the first message, so nobody said it", line))
    return entries


def _stamp(line: str) -> re.Match[str] | None:
    """The stamp with which a line begins, its digits read in any script."""
    return _STAMP.match(_NOT_ASCII.sub(lambda digit: str(unicodedata.digit(digit[0])), line))


def _message(entry: _Entry, named: str | None, *, is_first: bool) -> tuple[str, str] | None:
    """Who said what; None for a notice of the system."""
    said = "\n".join(entry.said)
    message = _SENDER.match(said)
    if named and said.casefold().startswith(f"{named}: "):
        # A name may hold a colon, and the file says it.
        sender, text = said[: len(named)], said[len(named) + 1 :]
    elif message:
        sender, text = message["sender"], message["text"] or message["below"] or ""
    else:
        return None
    if (
        is_first
        and f": {_OF_THE_SYSTEM}" in "\n".join(entry.written).partition("]")[2]
        and not _MEDIA.match(text.strip())
    ):
        return None
    return sender.strip(), text.strip()


def _order(stamps: list[re.Match[str]], declared: str, remarks: list[str]) -> str:
    """In which order the dates of a chat have day, month and year."""
    fitting = [order for order in ("dmy", "mdy", "ymd") if _fits(stamps, order)]
    if not fitting:
        raise Problem(
            "its dates are neither day/month/year nor month/day/year: a day does not exist or the messages run "
            "backwards. Export the chat again."
        )
    if len(fitting) == 1:
        return fitting[0]
    if declared not in fitting:
        raise Problem(
            "whether day or month stands first in its dates cannot be told from it. Declare dates as dmy or mdy."
        )
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
    numbers = [stamp[name] for name in ("first", "second", "third")]
    parts = dict(zip(order, numbers, strict=True))
    # A year has two or four digits; one that stands first has four, else a day would pass for it.
    if len(parts["y"]) not in ((4,) if order == "ymd" else (2, 4)) or max(len(parts["d"]), len(parts["m"])) > 2:
        return None
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    hour = int(stamp["hour"])
    half = (stamp["before"] or stamp["behind"] or "").casefold()
    if half:
        if not (1 if half[0] in "ap" else 0) <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in _HALVES["p"] else 0)
    try:
        return datetime(year, int(parts["m"]), int(parts["d"]), hour, int(stamp["minute"]), int(stamp["seconds"] or 0))  # noqa: DTZ001
    except ValueError:
        return None


def _named_for(name: str) -> str | None:
    """The person or number that the file, or the archive it came in, is named for, in folded case."""
    for part in reversed(PurePosixPath(name).parts):
        match = next((found for form in _OTHER_SIDE if (found := form.search(part))), None)
        if match:
            return match["name"].translate(_INVISIBLE).strip().casefold()
    return None


def _other_side(named: str | None, senders: set[str], remarks: list[str]) -> str | None:
    """Who of the senders, in folded case, is the other side; None where it cannot be told.

    Raises Problem where several wrote and none of them is the one for whom the file is named.
    """
    folded = {sender.casefold() for sender in senders}
    # A name that nobody saved in the phone is written with a tilde, and the file is named for its number.
    unsaved = [sender for sender in folded if sender.startswith("~")]
    if named not in folded and len(unsaved) == 1 and len(folded) < 3:
        return unsaved[0]
    if named is not None and named not in folded and len(folded) > 1:
        raise Problem(
            f"{len(folded)} people wrote in it, and none of them is the one for whom the file is named, so it is not "
            "known which messages came in. Name it for the customer, as the chat has the name: WhatsApp Chat with "
            "NAME.txt. A group has no such name and is not read."
        )
    if named is None and any(not _PHONE.match(sender) for sender in senders):
        remarks.append(
            "its name does not say who the customer is, so it is not known which messages came in: name it WhatsApp "
            "Chat with NAME.txt, as the chat has the name"
        )
    return named


def _direction(sender: str, other: str | None) -> str:
    if other is not None:
        return "in" if sender.casefold() == other else "out"
    # Without a name of the file only a number that nobody saved is known to be no colleague.
    return "in" if _PHONE.match(sender) else ""
