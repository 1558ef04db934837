"""Read ADF 1.0 lead files: the XML that portals send, in every state in which it arrives.

Each prospect is found in the original text first and read alone, through the repair ladder of `adf_mend`.
It gives a row or a bad row, never nothing. XML entities and external DTDs are refused before anything is parsed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from ingest.mapped import Bytes, whole
from ingest.readers.adf_lead import Incomplete, lead_values
from ingest.readers.adf_mend import Unreadable, parse
from ingest.readers.adf_split import Slice, count_starts, has_tag, split
from ingest.readers.adf_text import Passage, decode, is_mail, mail_parts
from ingest.readers.rows import BadRow, TextRow

MAX_BYTES = 50 * 1024 * 1024

_Content = tuple[tuple[str, str | None], ...]
_REFUSED = (
    "The file declares XML entities or an external DTD and was refused as a whole: ask the sender for it without "
    "a DOCTYPE."
)
_LITERAL_TAG = re.compile(r"<[^<>]*>")


@dataclass
class AdfFile:
    """What one file gave: rows and bad rows in the order of the file, the repairs made, the encoding used."""

    rows: list[TextRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    encoding: str = "utf-8"


def read_adf(data: bytes, *, encoding: str | None = None) -> AdfFile:
    """Read the bytes of one lead file: ADF XML, or a mail or page with ADF in it.

    `encoding` is what the source declares; without it the file's own declaration counts, then UTF-8, then
    Windows-1252. Never raises for bad input: a file without a prospect gives one bad row that says what it is.
    """
    if len(data) > MAX_BYTES:
        megabytes = len(data) / 1024 / 1024
        reason = f"The file has {megabytes:.0f} MB; lead files are read up to 50 MB: split it into smaller ones."
        return AdfFile(bad=[BadRow(1, reason, data[:2000].decode("latin-1"))])
    decoded = decode(data, encoding)
    whole = Passage(decoded.text)
    result = AdfFile(encoding=decoded.encoding, repairs=list(decoded.repairs))
    passages, sent_at = [whole], None
    if is_mail(data):
        parts, sent_at = mail_parts(data)
        parts = [(passage, how) for passage, how in parts if has_tag(passage.text)]
        if sum(count_starts(passage.text) for passage, _ in parts) < count_starts(whole.text):
            result.repairs.append("the parts of the mail do not hold all its leads: it was read as plain text")
        elif parts:
            passages = [passage for passage, _ in parts]
            result.encoding = parts[0][1].encoding
            result.repairs = [repair for _, how in parts for repair in how.repairs]
    seen: set[_Content] = set()
    for passage in passages:
        if not _read_passage(passage, sent_at, result, seen):
            return AdfFile(bad=[BadRow(1, _REFUSED, decoded.text)], encoding=result.encoding)
    if not result.rows and not result.bad:
        result.bad.append(BadRow(1, _what_it_is(data, decoded.text), decoded.text))
    return result


def looks_like_adf(data: Bytes) -> bool:
    """Tell by the bytes, not the name, whether this is XML, a mail or a page with an adf or prospect tag."""
    data = data[:65536] if len(data) > MAX_BYTES else whole(data)
    text = decode(data).text
    if is_mail(data):
        return has_tag(text) or any(has_tag(passage.text) for passage, _ in mail_parts(data)[0])
    start = text.lstrip("\ufeff \t\r\n")
    first_line = start.split("\n", 1)[0]
    # A table with ADF in one of its cells is a table.
    is_table = not start.startswith("<") and max(first_line.count(mark) for mark in ",;\t|") >= 2
    return not is_table and has_tag(text)


def _read_passage(passage: Passage, sent_at: str | None, result: AdfFile, seen: set[_Content]) -> bool:
    """Read every prospect of a passage into `result`; return False when it must be refused as a whole.

    `seen` collects the leads of a mail's parts, because alternative parts repeat them; a lead that stands twice in
    one part is two messages.
    """
    found = split(passage.text)
    if found.forbidden:
        return False
    earlier = frozenset(seen)
    result.repairs.extend(found.notes)
    for piece in found.slices:
        raw = passage.text[piece.start : piece.end]
        line = passage.line(piece.start)
        if piece.fault:
            result.bad.append(BadRow(line, piece.fault, raw))
            continue
        try:
            root, repairs = parse(_plain_xml(raw, piece))
            values, notes = lead_values(root, sent_at)
        except Unreadable as problem:
            place = line + problem.line - 1 if passage.lines is None else line
            reason = (
                f"The prospect is no readable XML (line {place}: {problem.reason}): correct that place, or ask "
                "for the lead again."
            )
            result.bad.append(BadRow(line, reason, raw))
            continue
        except Incomplete as problem:
            result.bad.append(BadRow(line, str(problem), raw))
            continue
        if piece.level:
            repairs.insert(0, "the lead was HTML-escaped and was unescaped")
        content = tuple(sorted(values.items(), key=lambda item: item[0]))
        if content in earlier:
            result.repairs.append(f"line {line}: the lead repeats one of another part of the mail and was passed over")
            continue
        seen.add(content)
        result.repairs.extend(f"line {line}: {repair}" for repair in [*repairs, *notes])
        result.rows.append(TextRow(line, values, raw))
    return True


def _plain_xml(raw: str, piece: Slice) -> str:
    """Take HTML escaping off a prospect that a mail shows as text."""
    if not piece.level:
        return raw
    text = _LITERAL_TAG.sub("\n", raw)
    for _ in range(piece.level):
        text = html.unescape(text)
    return text


def _what_it_is(data: bytes, text: str) -> str:
    if not data.strip():
        return "The file is empty: ask for it again."
    root = re.search(r"<(?![?!])([^\s/>]{1,60})", text)
    if has_tag(text):
        return "The file has an adf tag but no prospect in it: ask for it again."
    if is_mail(data):
        return "The file is a mail without an ADF lead in it: forward the lead itself, or remove the mail."
    if re.search(r"<(?:[\w.-]{1,40}:)?ProcessSalesLead\b", text, re.IGNORECASE):
        return "The file is a STAR ProcessSalesLead, not ADF: ask the sender for ADF 1.0."
    if root and root[1].lower() == "html":
        return "The file is a web page without an ADF lead in it: ask for the lead as ADF 1.0."
    if root:
        return f"The file starts with <{root[1]}> and holds no ADF prospect: check what was delivered."
    return "The file is text without any ADF prospect: check what was delivered."
