"""A first mapping for a file of no declared kind: what was seen in it, and the YAML that a person corrects and keeps.

Nothing is landed by it. A column is proposed for one of a feed where a source that is declared already maps a column
of that name, or where the names are alike; what a feed needs and no column seems to give is left for the person.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import yaml

from forecourt.errors import Problem
from ingest.contract import Feed, load_feeds
from ingest.mapped import Bytes, whole
from ingest.readers import xml_rows
from ingest.readers.dialect import DETECT, Dialect, folded
from ingest.readers.encoding import decode_as
from ingest.readers.guess import guess
from ingest.readers.heading import find_heading
from ingest.readers.json_rows import paths_to_records, read_json
from ingest.readers.kinds import WORDS, Kind, kind_of, words_for
from ingest.readers.rows import Objects
from ingest.readers.sheets import Workbook, cell_text
from ingest.readers.text import SEPARATORS
from ingest.readers.web_page import open_page
from ingest.readers.workbook_open import open_workbook
from ingest.source_file import MAX_PREAMBLE, load_sources

#: Names of columns that are compared with all known ones, letter by letter.
_COMPARED = 30
#: Records that are looked at.
_SAMPLE = 200
#: Lists of a JSON file that are looked at.
_LISTS = 8

#: The name of a value in an object of a list.
_NUMBERED = re.compile(r"\.\d+\.")

#: A day in figures: no telephone number, no version, no address of a computer.
_DATE = re.compile(r"(\d{4}|\d{1,2}(?=\D\d+\D\d\d))([./-])(\d{1,2})\2(\d{4}|\d{1,2})(?!\d|[./-]\d)")
#: Amounts with a comma and with a point before the decimals, and the mark between their thousands.
_COMMA_AMOUNT = re.compile(r"-?\d{1,3}(?:([. '\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*)?,\d{1,2}-?|-?\d+,\d{1,2}-?")
_POINT_AMOUNT = re.compile(r"-?\d{1,3}([, '\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*(?:\.\d+)?-?|-?\d+\.\d{1,2}-?")


@dataclass(frozen=True)
class Seen:
    """How a file seems to be written: the keys of a source that say so, the names of its columns, and values of the
    first rows by column. ``doubt``: what only a person can tell, in a sentence."""

    name: str
    kind: Kind
    keys: dict[str, object]
    header: list[str]
    columns: list[list[str]]
    words: str
    doubt: str = ""


@dataclass
class Proposed:
    """The feed that a file seems to hold, column of the feed -> column of the file, and what it needs besides."""

    feed: Feed
    columns: dict[str, str] = field(default_factory=dict)
    needed: list[str] = field(default_factory=list)


def look_at(name: str, data: Bytes) -> Seen:
    """What a file seems to be. Raises Problem (without the file's name) for what holds no table."""
    kind, data = kind_of(data), whole(data)
    if kind == "text":
        return _text(name, data)
    if kind in ("workbook", "page"):
        return _sheet(name, kind, open_page(data) if kind == "page" else open_workbook(data))
    if kind == "json":
        return _json(name, data)
    if kind == "xml":
        try:
            root = xml_rows.open_xml(xml_rows.without_tail(data)[0])
        except Problem as problem:
            return _text_below_tags(name, data, problem)
        tags = Counter(str(element.tag) for element in root.iter() if len(element) or element.attrib)
        path = f"//{max(tags, key=lambda tag: (tags[tag], tag))}" if tags else f"//{root.tag}"
        keys: dict[str, object] = {"reader": "xml", "rows": path}
        return _records(name, kind, keys, xml_rows.read_xml(root, path), f"XML, records {path}")
    raise Problem(f"it is {words_for(data)}, which no source can declare. Export it as csv and deliver that file.")


def sentence(seen: Seen) -> str:
    """What was seen, and what to do about it."""
    proposed = propose(seen)
    near = [f"{column!r} looks like {name}" for name, column in list(proposed.columns.items())[:3]]
    alike = f" As {proposed.feed.name}: {', '.join(near)}." if near else ""
    doubt = f" Not certain: {seen.doubt}." if seen.doubt else ""
    return (
        f"Seen: {seen.words}.{doubt}{alike} A first mapping: `forecourt land --draft {PurePosixPath(seen.name).name}`."
    )


def propose(seen: Seen) -> Proposed:
    """The feed to whose columns most of the file's are mapped by declared sources, or are alike."""
    known = _known_names()
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for place, column in enumerate(filter(None, seen.header)):
        near = [folded(column)]
        if near[0] not in known:
            near = difflib.get_close_matches(near[0], known, n=1, cutoff=0.85) if place < _COMPARED else []
        for feed, name in known[near[0]] if near else ():
            found[feed].setdefault(name, column)
    feeds = load_feeds()
    by_file = difflib.get_close_matches(PurePosixPath(seen.name).stem.casefold(), feeds, n=1, cutoff=0.5)
    best = max(
        feeds,
        key=lambda feed: len(found[feed]) + 2 * (feed in by_file) + len(found[feed].keys() & set(feeds[feed].key[1:])),
    )
    proposed = Proposed(feeds[best], dict(found[best]))
    proposed.needed = [
        column.name
        for column in feeds[best].columns.values()
        if (column.required or column.name in feeds[best].key) and column.name not in proposed.columns
    ]
    return proposed


def draft(seen: Seen) -> str:
    """The YAML of a source for the file: to be completed where a line says so."""
    proposed = propose(seen)
    order, doubt = _dates(seen)
    doubts, feeds = filter(None, (seen.doubt, doubt)), ", ".join(load_feeds())
    words = re.findall(r"[^\W\d_]+", PurePosixPath(seen.name).stem.casefold())
    stem = "_".join(words) or "source"
    stem = f"own_{stem}" if stem in load_feeds() or stem in load_sources() else stem
    like = re.sub(r"[\W\d_]+", "*", PurePosixPath(seen.name).stem.casefold()).rstrip("*") + "*"
    like = like if words else PurePosixPath(seen.name).name
    head: dict[str, object] = {
        "description": f"Export like {PurePosixPath(seen.name).name}",
        "evidence": f"the file {PurePosixPath(seen.name).name}",
        "files": [like],
        **({} if "names" in seen.keys else {"header": _signature(seen)}),
        **seen.keys,
        **order,
        **_marks([value for column in seen.columns for value in column]),
    }
    lines = [
        f"# A first mapping: check it, complete it, save it as sources/{stem}.yml in the home folder, and land it.",
        *(f"# Not certain: {_on_one_line(doubt)}" for doubt in doubts),
        *(
            yaml.safe_dump({key: given}, allow_unicode=_is_shown(given), sort_keys=False, width=110).rstrip("\n")
            for key, given in head.items()
        ),
        "feeds:",
        *([] if proposed.columns else [f"  # No name of a column is known. Which feed is it? {feeds}"]),
        f"  {proposed.feed.name}:                    # {proposed.feed.description}",
        "    columns:",
    ]
    for name, column in proposed.feed.columns.items():
        if name in proposed.columns:
            lines.append(f"      {name}: {_quoted(proposed.columns[name])}{_type(column.type)}")
        elif name == "rooftop" and name in proposed.needed:
            lines.append("      rooftop: {const: R1}        # no column seems to name the rooftop: which is it?")
        elif name in proposed.needed:
            lines.append(f"      # {name}: needed ({column.type}): which column holds it?")
    left = [column for column in filter(None, seen.header) if column not in proposed.columns.values()]
    if left:
        lines.append(f"# Kept aside, in no feed: {', '.join(map(_on_one_line, dict.fromkeys(left)))}")
    absent = [name for name in proposed.feed.columns if name not in proposed.columns and name not in proposed.needed]
    if absent:
        lines.append(f"# {proposed.feed.name} could hold as well: {', '.join(absent)}")
    return "\n".join(lines) + "\n"


# --- how a file is written ---------------------------------------------------------------------------------------


def _text(name: str, data: bytes) -> Seen:
    seen = guess(data)
    dialect, names = seen.dialect, seen.names
    keys: dict[str, object] = {}
    if seen.encoding_doubt:
        # So it is refused until a person has decided: a guess that nobody reads would spoil letters in silence.
        keys["encoding"] = DETECT
    elif seen.encoding != "utf-8" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        keys["encoding"] = seen.encoding
    marks = {key: getattr(dialect, key) for key in ("delimiter", "quote", "escape", "comment")}
    keys |= {key: mark for key, mark in marks.items() if mark != getattr(Dialect(), key)}
    if names:
        keys |= {"names": names, "preamble": seen.above_rows}
    else:
        keys |= {"preamble": seen.preamble} if seen.preamble else {}
        keys |= {"header_lines": seen.header_lines} if seen.header_lines > 1 else {}
    keys |= {"footer": seen.footer} if seen.footer else {}
    doubts = [seen.encoding_doubt, seen.doubt]
    if seen.is_headless:
        doubts.append("no line seems to name the columns: name them under names")
    if seen.preamble > MAX_PREAMBLE:
        doubts.append(f"{seen.preamble} lines stand above the header, and {MAX_PREAMBLE} may: remove them")
    mark = SEPARATORS.get(dialect.delimiter, repr(dialect.delimiter))
    told = f"{seen.encoding}{' (not certain)' if seen.encoding_doubt else ''}"
    words = f"{told}, values between {mark}, quotes {dialect.quote or 'none'}, names of columns in line {seen.line + 1}"
    columns = _columns(seen.rows, len(names) or seen.width)
    return Seen(name, "text", keys, names or seen.header, columns, words, "; ".join(filter(None, doubts)))


def _text_below_tags(name: str, data: bytes, problem: Problem) -> Seen:
    """A table below the warning of a web server; raises the problem of what is XML and damaged."""
    seen = _text(name, data)
    is_table = len(seen.header) > 1 and not any("<" in column for column in seen.header)
    if not is_table or data.rstrip().endswith(b">"):
        raise problem
    return seen


def _sheet(name: str, kind: Kind, book: Workbook) -> Seen:
    """The sheet with the most rows."""
    sheet = max(book.sheets, key=lambda sheet: len(book.cells(sheet)))
    rows = [[cell_text(cell).strip() for cell in row] for row in book.cells(sheet)[:_SAMPLE]]
    heading = find_heading(rows)
    keys: dict[str, object] = {"sheet": sheet} if len(book.sheets) > 1 else {}
    keys |= {"preamble": heading.first} if heading.first else {}
    keys |= {"header_lines": heading.lines} if heading.lines > 1 else {}
    columns = _columns(rows[heading.last + 1 :], heading.width)
    return Seen(name, kind, keys, heading.names(rows) if rows else [], columns, f"{WORDS[kind]}, sheet {sheet!r}")


def _json(name: str, data: bytes) -> Seen:
    """The list of objects of whose names the most are known, and the fewest are those of lists inside of them."""
    decoded, known = decode_as(data, "utf-8"), _known_names()
    found: dict[str, Objects] = {}
    for path in paths_to_records(decoded)[:_LISTS]:
        # Another list may be the one that can be read.
        with suppress(Problem):
            found[path] = read_json(decoded, path)
    if not found:
        found[""] = read_json(decoded)

    def fits(path: str) -> int:
        names = found[path].names
        inner = {_NUMBERED.sub(".", name) for name in names if _NUMBERED.search(name)}
        return 2 * sum(folded(name) in known for name in names) - len(inner)

    path = max(found, key=fits)
    keys: dict[str, object] = {"reader": "json", **({"rows": path} if path else {})}
    return _records(name, "json", keys, found[path], f"JSON, records {path}" if path else "JSON")


def _records(name: str, kind: Kind, keys: dict[str, object], objects: Objects, words: str) -> Seen:
    columns = [[value for record in objects.values[:_SAMPLE] if (value := record.get(column))]
               for column in objects.names]  # fmt: skip
    return Seen(name, kind, keys, objects.names, columns, words)


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The filled values of so many columns."""
    return [[row[place] for row in rows if place < len(row) and row[place]] for place in range(width)]


def _dates(seen: Seen) -> tuple[dict[str, object], str]:
    """The order of dates where the first rows tell it, and what only a person can tell of it."""
    dates = [found for column in seen.columns for value in column if (found := _DATE.match(value))]
    orders = {_order(found) for found in dates} - {""}
    if len(orders) == 1:
        return {"dates": orders.pop()}, ""
    if not orders and any(found[2] == "." for found in dates):
        return {"dates": "dmy"}, ""
    if len(orders) > 1:
        return {}, f"dates are written in several orders ({', '.join(sorted(orders))}): give each column its own dates"
    if dates:
        return {}, f"{dates[0][0]} may begin with the day or with the month: write dates, dmy or mdy"
    return {}, ""


def _marks(values: Sequence[str]) -> dict[str, object]:
    """The marks in amounts: what parts decimals and thousands, and how one below zero is written."""
    bare = [value[1:-1] if value.startswith("(") and value.endswith(")") else value for value in values]
    for expression, decimal, usual in ((_COMMA_AMOUNT, ",", "."), (_POINT_AMOUNT, ".", "")):
        found = [match for value in bare if (match := expression.fullmatch(value))]
        thousands = Counter(match[1] for match in found if match[1])
        if not found or (decimal == "." and not thousands):
            continue
        if decimal == "." and not any("." in match[0] or match[0].count(",") != 1 for match in found if match[1]):
            continue  # 1,234 alone may be a thousand or one and a fraction
        keys: dict[str, object] = {"decimal": decimal} if decimal != "." else {}
        keys["thousands"] = thousands.most_common(1)[0][0] if thousands else usual
        below = [
            value for value, inner in zip(values, bare, strict=True) if value != inner and expression.fullmatch(inner)
        ]
        if below:
            keys["negative"] = "brackets"
        elif any(match[0].endswith("-") for match in found):
            keys["negative"] = "behind"
        return keys
    return {}


def _order(found: re.Match[str]) -> str:
    """The order that a date can only have; empty where there are several."""
    first, second = int(found[1]), int(found[3])
    if len(found[1]) == 4:
        return "ymd" if found[2] != "-" else "iso"
    if first > 12 >= second:
        return "dmy"
    return "mdy" if second > 12 >= first else ""


def _known_names() -> dict[str, list[tuple[str, str]]]:
    """Name of a column, folded -> the columns of feeds for which it stands, in any declared source."""
    known: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for feed in load_feeds().values():
        for name in feed.columns:
            for text in (name, name.replace("_", " "), name.replace("_", "")):
                known[text][feed.name, name] += 1
    for source in load_sources().values():
        for mapping in source.mappings:
            for name, cell in mapping.cells.items():
                if cell.column:
                    known[folded(cell.column)][mapping.feed.name, name] += 1
    return {text: [place for place, _ in counts.most_common()] for text, counts in known.items()}


def _signature(seen: Seen) -> list[str]:
    """Names by which such a file is known: those that stand once, and that are the same in any encoding if it is in
    doubt."""
    names = [name for name in dict.fromkeys(seen.header) if name]
    once = [name for name in names if seen.header.count(name) == 1] or names
    plain = [name for name in once if name.isascii()] if seen.keys.get("encoding") == DETECT else []
    return (plain or once)[:6]


def _is_shown(given: object) -> bool:
    """False for a blank that looks like a space and is none."""
    return not isinstance(given, str) or given.isprintable()


def _on_one_line(text: str) -> str:
    """A text for a comment, without what YAML takes in none."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _quoted(name: str) -> str:
    style = None if name.isprintable() else '"'
    return (
        yaml.safe_dump(name, allow_unicode=True, width=10_000, default_style=style)
        .removesuffix("\n")
        .removesuffix("...")
        .strip()
    )


def _type(kind: str) -> str:
    return "" if kind == "text" else f"        # {kind}"
