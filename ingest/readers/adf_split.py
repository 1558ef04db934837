"""Find the prospects in a text, so that each is read alone and a broken one does not take the others with it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import NamedTuple

# `<`, or `&lt;` in a mail that shows the lead as text, or `&amp;lt;` where that was escaped again.
_TOKEN = re.compile(
    r"(?P<open><|&(?:amp;)*(?:lt|\#0*60|\#x0*3c);)"
    r"(?P<what>!--|!\[CDATA\[|!DOCTYPE\b|!ENTITY\b|/?(?:[\w.-]{1,40}:)?(?:prospect|adf)(?![\w.:-]))"
    r"|(?P<close>--|\]\])(?:>|(?P<escape>&(?:amp;)*(?:gt|\#0*62|\#x0*3e);))",
    re.IGNORECASE,
)
_TAG_END = re.compile(r"<|>|&(?:amp;)*(?:[gl]t|\#0*6[02]|\#x0*3[ce]);", re.IGNORECASE)
_BAD_PROLOGUE = re.compile(r"<\?(?:XML\b|[Aa][Dd][Ff]\s+(?:VERSION|version)\s)|\?>\s*<\?xml\s")
_COMMENT = re.compile(r"<!--(?:(?!-->|<!--).)*-->", re.DOTALL)
_MARKUP = re.compile(r"<!--|-->|<[^<>]*>")

UNCLOSED = (
    "The prospect that starts here has no end tag before the next lead or the end of the file: the file is cut "
    "off or damaged; ask for it again."
)
NO_START = (
    "A prospect ends here whose start tag is missing or damaged: put the text between <prospect> and </prospect>, "
    "or ask for the file again."
)
COMMENTED = (
    "A prospect stands inside an XML comment and was not read: if it is a lead, take it out of the comment, else "
    "dismiss this row."
)
STRAY = "Parts of a lead stand outside of any prospect: put them between <prospect> and </prospect>."


@dataclass(frozen=True)
class Slice:
    """Offsets of one prospect, how often it is HTML-escaped, and why it cannot be read, if so."""

    start: int
    end: int
    level: int
    fault: str | None = None


class _Token(NamedTuple):
    start: int
    end: int
    kind: str
    level: int


@dataclass(frozen=True)
class Split:
    """The prospects of a text in order, whether it declares XML entities, and notes on what surrounds them."""

    slices: list[Slice]
    forbidden: bool
    notes: list[str]


def has_tag(text: str) -> bool:
    """Tell whether an adf or prospect tag occurs in the text, plain or HTML-escaped."""
    return any(token.kind in {"start", "end", "adf", "/adf"} for token in _tokens(text))


def count_starts(text: str) -> int:
    """Count the start tags of prospects, plain or HTML-escaped."""
    return sum(token.kind == "start" for token in _tokens(text))


def split(text: str) -> Split:
    """Cut a text at its prospects. Every start tag and every end tag without a start gives a slice."""
    tokens = list(_tokens(text))
    slices: list[Slice] = []
    notes: list[str] = []
    opened: _Token | None = None
    inside_adf = 0
    boundary = 0  # end of what earlier slices and adf tags account for
    at = 0
    while True:
        if at == len(tokens):
            # What is escaped in a plain prospect is its text; where that has no end, it is leads of their own.
            later = _escaped_start(tokens, opened) if opened is not None else None
            if opened is None or later is None:
                break
            slices.append(Slice(opened.start, tokens[later].start, opened.level, UNCLOSED))
            opened, boundary, at = None, tokens[later].start, later
        token = tokens[at]
        at += 1
        # An escaped tag inside a plain prospect is text; a plain one inside an escaped prospect is a boundary.
        if (opened is not None and token.level != opened.level) and (
            token.level > opened.level or token.kind not in {"start", "adf", "doctype", "entity"}
        ):
            continue
        if token.kind in {"comment", "cdata"}:
            # Outside of adf a comment may be the wrapper of a lead (`<!--Body : <adf>`), inside it is a comment.
            if opened is not None or (inside_adf and token.kind == "comment"):
                closing = _closing(tokens, at)
                if closing is not None:
                    if opened is None and any(t.kind == "start" for t in tokens[at:closing]):
                        slices.append(Slice(token.start, tokens[closing].end, token.level, COMMENTED))
                        boundary = tokens[closing].end
                    at = closing + 1
        elif token.kind == "entity" or (token.kind == "doctype" and _is_forbidden(text, token)):
            return Split([], True, [])
        elif token.kind == "start":
            if opened is not None:
                slices.append(Slice(opened.start, token.start, opened.level, UNCLOSED))
            opened, boundary = token, token.start
            ending = _TAG_END.search(text, token.end)
            if ending and _is_gt(ending[0]) and text[ending.start() - 1] == "/":
                slices.append(Slice(token.start, ending.end(), token.level))
                opened, boundary = None, ending.end()
        elif token.kind == "end":
            ending = _TAG_END.search(text, token.end)
            closed = ending is not None and not text[token.end : ending.start()].strip() and _is_gt(ending[0])
            end = ending.end() if ending is not None and closed else token.end
            if opened is not None:
                slices.append(Slice(opened.start, end, opened.level, None if closed else UNCLOSED))
            else:
                slices.append(Slice(boundary, end, token.level, NO_START))
            opened, boundary = None, end
        elif token.kind in {"adf", "/adf"}:
            if opened is not None:
                slices.append(Slice(opened.start, token.start, opened.level, UNCLOSED))
                opened = None
            inside_adf = max(0, inside_adf + (1 if token.kind == "adf" else -1))
            ending = _TAG_END.search(text, token.end)
            if ending and token.kind == "adf" and _is_gt(ending[0]) and text[ending.start() - 1] == "/":
                inside_adf -= 1
            boundary = ending.end() if ending and _is_gt(ending[0]) else token.end
    if opened is not None:
        slices.append(Slice(opened.start, len(text), opened.level, UNCLOSED))
    slices, surroundings = _strays(text, slices)
    if inside_adf and slices:
        notes.append("the adf element is not closed: the file may be cut off after its last lead")
    if slices and not any(token.kind in {"adf", "/adf"} for token in tokens):
        notes.append("no adf element around the prospect")
    surroundings = html.unescape(surroundings)
    if _BAD_PROLOGUE.search(surroundings):
        notes.append("a malformed prologue was passed over")
    if _MARKUP.sub(" ", _COMMENT.sub(" ", surroundings)).strip():
        notes.append("text before, between or after the leads was passed over")
    return Split(slices, False, notes)


def _escaped_start(tokens: list[_Token], opened: _Token) -> int | None:
    """The place of the first start tag behind another that is escaped more often than it."""
    behind = (
        place
        for place, token in enumerate(tokens)
        if token.kind == "start" and token.start > opened.start and token.level > opened.level
    )
    return next(behind, None)


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        if match["close"]:
            kind = "/comment" if match["close"] == "--" else "/cdata"
            level = _level(match["escape"] or "")
        else:
            what = match["what"].lower()
            level = _level("" if match["open"] == "<" else match["open"])
            if what[0] == "!":
                kind = {"!--": "comment", "![cdata[": "cdata", "!doctype": "doctype", "!entity": "entity"}[what]
            else:
                name = what.lstrip("/").rpartition(":")[2]
                kind = "/" * (what[0] == "/") + name
                kind = {"prospect": "start", "/prospect": "end"}.get(kind, kind)
        found.append(_Token(match.start(), match.end(), kind, level))
    return found


def _level(escape: str) -> int:
    return 0 if not escape else 1 + escape.lower().count("amp;")


def _is_gt(text: str) -> bool:
    return text == ">" or re.search(r"gt;$|62;$|3e;$", text, re.IGNORECASE) is not None


def _closing(tokens: list[_Token], at: int) -> int | None:
    """Find the token that closes the comment or CDATA section opened just before `at`, or None if damaged.

    A section in which a prospect ends that did not start there has lost its own end: the end that follows belongs
    to another lead, and honouring it would hide a whole prospect.
    """
    kind, level = tokens[at - 1].kind, tokens[at - 1].level
    depth = 0
    for index in range(at, len(tokens)):
        token = tokens[index]
        if token.kind == "/" + kind and token.level in {level, 0}:
            return index if depth == 0 else None
        if token.level != level:
            continue
        if token.kind == kind:
            return None
        depth += (token.kind == "start") - (token.kind == "end")
        if depth < 0:
            return None
    return None


def _is_forbidden(text: str, token: _Token) -> bool:
    """A DOCTYPE that points elsewhere or declares anything; a plain one and that of an HTML mail do no harm."""
    ending = _TAG_END.search(text, token.end)
    declaration = text[token.end : ending.start() if ending else len(text)]
    if "[" in declaration:
        return True
    external = re.search(r"\b(?:SYSTEM|PUBLIC)\b", declaration, re.IGNORECASE) is not None
    return external and declaration.split()[0].lower() != "html"


def _strays(text: str, slices: list[Slice]) -> tuple[list[Slice], str]:
    """Add a slice for lead elements outside of every prospect; return also all the text between the slices."""
    whole: list[Slice] = []
    gaps: list[str] = []
    position = 0
    for piece in [*slices, None]:
        end = len(text) if piece is None else piece.start
        gap = text[position:end]
        if slices and re.search(r"<(?:[\w.-]{1,40}:)?(?:customer|vehicle|requestdate)\b", gap, re.IGNORECASE):
            whole.append(Slice(position, end, 0, STRAY))
        else:
            gaps.append(gap)
        if piece is not None:
            whole.append(piece)
            position = piece.end
    return whole, "\n".join(gaps)
