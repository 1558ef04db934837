"""A first mapping for a file of no declared kind: what was seen in it, and the YAML that a person corrects and keeps.

Nothing is landed by it. A column is proposed for one of a feed where a source that is declared already maps a column
of that name, or where the names are alike; what a feed needs and no column seems to give is left for the person.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import yaml

from forecourt.errors import Problem
from ingest.contract import Feed, load_feeds
from ingest.mapped import Bytes, whole
from ingest.readers import workbook, xml_rows
from ingest.readers.careful import Lines, Record, read_record
from ingest.readers.dialect import DETECT, Dialect, folded, trimmed
from ingest.readers.encoding import decode_as, likely
from ingest.readers.json_rows import read_json
from ingest.readers.kinds import WORDS, Kind, kind_of, words_for
from ingest.readers.web_page import open_page
from ingest.sources import MAX_PREAMBLE, load_sources

#: Delimiters that are tried; a longer one before the mark it contains.
_DELIMITERS = (", ", "||", ";", "\t", "|", ",", "^", "~", "¦", "§", "\x1f", "\x01")
#: Marks of several characters that may stand between values.
_LONG_MARK = re.compile(r"(?=([|~^;,¦§]))(?!\1+[^|~^;,¦§])[|~^;,¦§]{2,4}")
_DECIMAL_COMMA = re.compile(r"\d,\d{1,2}(?!\d)")
#: A line drawn between rows.
_RULE = re.compile(r"[|+ ;:,\t]*([-=]{2,}[|+ ;:,\t]*)+")
_YEAR = re.compile(r"(19|20)\d\d")
#: Names of columns that are compared with all known ones, letter by letter.
_COMPARED = 30
#: Records that are looked at to tell how a file is written.
_SAMPLE = 200

_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})\b")
#: Amounts with a comma and with a point before the decimals, and the mark between their thousands.
_COMMA_AMOUNT = re.compile(r"-?\d{1,3}(?:([. '\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*)?,\d{1,2}-?|-?\d+,\d{1,2}-?")
_POINT_AMOUNT = re.compile(r"-?\d{1,3}([, '\u2019\u00a0\u202f])\d{3}(?:\1\d{3})*(?:\.\d+)?-?|-?\d+\.\d{1,2}-?")
_WORDS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}


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
        book = open_page(data) if kind == "page" else workbook.open_workbook(data)
        sheet = max(book.sheets, key=lambda sheet: len(book.cells(sheet)))
        rows = [[str(cell).strip() for cell in row] for row in book.cells(sheet)[:_SAMPLE]]
        above, width = _header_row(rows)
        header = [*rows[above], *[""] * width][:width] if rows else []
        keys: dict[str, object] = {"sheet": sheet} if len(book.sheets) > 1 else {}
        keys |= {"preamble": above} if above else {}
        return Seen(name, kind, keys, header, _columns(rows[above + 1 :], width), f"{WORDS[kind]}, sheet {sheet!r}")
    if kind == "json":
        objects = read_json(decode_as(data, "utf-8"), "", decimal=".")
        return _records(name, kind, {"reader": "json"}, objects.names, objects.values[:_SAMPLE], "JSON")
    if kind == "xml":
        root = xml_rows.open_xml(xml_rows.without_tail(data)[0])
        tags = Counter(str(element.tag) for element in root.iter() if len(element) or element.attrib)
        path = f"//{max(tags, key=lambda tag: (tags[tag], tag))}" if tags else f"//{root.tag}"
        objects = xml_rows.read_xml(root, path, {})
        keys = {"reader": "xml", "rows": path}
        return _records(name, kind, keys, objects.names, objects.values[:_SAMPLE], f"XML, records {path}")
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
    words = re.findall(r"[^\W\d_]+", PurePosixPath(seen.name).stem.casefold())
    stem = "_".join(words) or "source"
    like = re.sub(r"[\W\d_]+", "*", PurePosixPath(seen.name).stem.casefold()).rstrip("*") + "*"
    like = like if words else PurePosixPath(seen.name).name
    head: dict[str, object] = {
        "description": f"Export like {PurePosixPath(seen.name).name}",
        "evidence": f"the file {PurePosixPath(seen.name).name}",
        "files": [like],
        **({} if "names" in seen.keys else {"header": _signature(seen)}),
        **seen.keys,
        **_spelling(seen),
    }
    lines = [
        f"# A first mapping: check it, complete it, save it as ingest/sources/{stem}.yml, and land the file.",
        *([f"# Not certain: {_on_one_line(seen.doubt)}"] if seen.doubt else []),
        yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=110).rstrip(),
        "feeds:",
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


# --- how a text is written ---------------------------------------------------------------------------------------


def _text(name: str, data: bytes) -> Seen:
    try:
        encoding, doubt = decode_as(data, "utf-8").encoding, ""
    except Problem:
        encoding, doubt = likely(data)
    decoded = decode_as(data, encoding)
    lines = Lines(decoded.data[: 1 << 20])
    comment = _comment(lines)
    dialect, records = _best_dialect(lines, comment)
    above, width = _header_row([values for _, values in records])
    doubts = [doubt, _why_one_column(lines, records) if width < 2 else ""]
    keys: dict[str, object] = {}
    if doubt:
        # So it is refused until a person has decided: a guess that nobody reads would spoil letters in silence.
        keys["encoding"] = DETECT
    elif decoded.encoding != "utf-8" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        keys["encoding"] = decoded.encoding
    keys |= {"delimiter": dialect.delimiter} if dialect.delimiter != "," else {}
    keys |= {"quote": dialect.quote} if dialect.quote != '"' else {}
    keys |= {"escape": dialect.escape} if dialect.escape else {}
    keys |= {"comment": comment} if comment else {}
    line = records[above][0] if records else 0
    preamble = sum(1 for place in range(line) if not comment or not lines.text(place).startswith(comment))
    header = records[above][1] if records else []
    rows = [values for _, values in records[above + 1 :]]
    names = _names_without_end(header, rows)
    if names:
        keys |= {"names": names, "preamble": preamble + 1}
    elif _is_like_rows(header, rows):
        doubts.append("no line seems to name the columns: name them under names")
        names = [f"column {place}" for place in range(1, len(header) + 1)]
        keys |= {"names": names, "preamble": preamble}
    elif preamble:
        keys["preamble"] = preamble
    mark = _WORDS.get(dialect.delimiter, repr(dialect.delimiter))
    if preamble > MAX_PREAMBLE:
        doubts.append(f"{preamble} lines stand above the header, and {MAX_PREAMBLE} may: remove them")
    told = f"{decoded.encoding}{' (not certain)' if doubt else ''}"
    words = f"{told}, values between {mark}, quotes {dialect.quote or 'none'}, names of columns in line {line + 1}"
    return Seen(
        name, "text", keys, names or header, _columns(rows, len(names) or width), words, "; ".join(filter(None, doubts))
    )


def _comment(lines: Lines) -> str:
    """What lines begin with that are no rows: drawn ones, or notes between rows; empty for none."""
    texts = [lines.text(line) for line in range(_SAMPLE) if lines.has(line)]
    ruled = next((text for text in texts if _RULE.fullmatch(text) and text[:1] not in ("", " ", "\t", '"', "'")), "")
    notes = [place for place, text in enumerate(texts) if text.startswith("#")]
    # Where only the first lines begin so, they are a title, and the last of them may be the header.
    if ruled or not notes or len(notes) > notes[-1]:
        return ruled[:4]
    rows = sum(_has_marks_of(texts[place], texts[max(place - 1, 0) : place + 2]) for place in notes)
    return "#" if rows * 2 < len(notes) < len(texts) * 2 / 3 else ""


def _has_marks_of(text: str, others: Sequence[str]) -> bool:
    """True for a line with as many delimiters as one of its neighbours, so that it may be a row."""
    return any(text.count(mark) == other.count(mark) > 0 for mark in ";\t,|" for other in others if other != text)


def _best_dialect(lines: Lines, comment: str) -> tuple[Dialect, list[tuple[int, list[str]]]]:
    """The marks with which most records have as many values, and these records with their lines."""
    texts = [lines.text(line) for line in range(_SAMPLE) if lines.has(line)]
    text = "\n".join(texts)
    long_marks = {found[0] for found in _LONG_MARK.finditer(text)}
    long_marks = {mark for mark in long_marks if text.count(mark) * 2 >= len(texts)}
    best: tuple[float, Dialect, list[tuple[int, list[str]]]] = (-1.0, Dialect(), [])
    # Blanks between a delimiter and a quote belong to the delimiter.
    padded = {found[1] for found in re.finditer(r"\"( *[;,|\t] *)(?=\")", text) if found[1].strip(" ") != found[1]}
    for mark in (*sorted(long_marks), *sorted(padded), *_DELIMITERS):
        parts = (long for long in long_marks if mark in long and mark != long)
        if any(text.count(mark) == text.count(long) * long.count(mark) for long in parts):
            continue
        for dialect in _quoting(text, mark, comment):
            records = list(_records_of(lines, dialect))
            widths = Counter(len(values) for _, values in records if len(values) > 1)
            if not widths:
                continue
            width, count = widths.most_common(1)[0]
            unread = sum(not values for _, values in records)
            score = count / len(records) - unread / len(records) + min(width, 20) / 100
            # The commas of amounts part no values, where something else does.
            is_decimal = mark == "," and len(_DECIMAL_COMMA.findall(text)) == text.count(",")
            score -= 0.6 * is_decimal
            if is_decimal and score < 0.4:
                continue
            if score > best[0] + 0.001:
                best = (score, dialect, records)
    _, dialect, records = best
    if not records:
        # One value a line: between a mark that stands nowhere, so that no comma parts it.
        dialect = Dialect(delimiter=next((mark for mark in ",;\t|^~" if mark not in text), "\x1f"), comment=comment)
        records = list(_records_of(lines, dialect))
    return dialect, records


def _quoting(text: str, mark: str, comment: str) -> Iterator[Dialect]:
    """The ways in which values between a mark may be quoted: by the quote that most values begin and end with."""
    border = re.escape(mark)
    begun = {
        quote: len(re.findall(rf"(?:^|{border}){quote}|{quote}(?:{border}|$)", text, re.MULTILINE)) for quote in "\"'"
    }
    yield Dialect(delimiter=mark, comment=comment)
    if begun["'"] > begun['"']:
        yield Dialect(delimiter=mark, quote="'", comment=comment)
    if '\\"' in text and mark != "\\":
        yield Dialect(delimiter=mark, escape="\\", comment=comment)
    quoted = rf"(?:^|{border}) *\"|(?:^|{border})'[^'\n]*'(?:{border}|$)"
    if text.count('"') > 1 and not re.search(quoted, text, re.MULTILINE):
        yield Dialect(delimiter=mark, quote="", comment=comment)


def _records_of(lines: Lines, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The lines and values of the first records; no values for a line that cannot be read."""
    line = 0
    while line < _SAMPLE and lines.has(line):
        if dialect.comment and lines.text(line).startswith(dialect.comment):
            line += 1
            continue
        record = read_record(lines, line, dialect)
        yield line, [trimmed(value) for value in record.values] if isinstance(record, Record) else []
        line = record.next_line if isinstance(record, Record) else line + 1


def _header_row(records: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many rows stand above the header, and how many columns it has: the first row that is as wide as most rows
    and filled with words. A block of words and values above an empty line is no table, if a larger one follows."""
    widths = Counter(_width(record) for record in records if _width(record))
    if not widths:
        return 0, 0
    width = max(widths, key=lambda width: (widths[width] * min(width, 3), width))
    found = [place for place, record in enumerate(records) if _may_be_header(record, width)]
    blocks = {place: _rows_below(records, place) for place in found}
    for place in found:
        follows = [other for other in found if blocks[other] > blocks[place] > 0 and other > place + blocks[place] + 1]
        if not any(_is_all_words(records[other]) for other in follows):
            return place, len(records[place])
    return 0, len(records[0])


def _may_be_header(record: Sequence[str], width: int) -> bool:
    filled = [value for value in record if value]
    is_wide = _width(record) >= width or (len(record) >= width and len(filled) * 4 >= width * 3)
    has_words = not all(map(_is_figure, filled)) or (len(filled) > 1 and all(map(_YEAR.fullmatch, filled)))
    return is_wide and len(filled) * 2 > width and has_words


def _is_all_words(record: Sequence[str]) -> bool:
    return all(value and not re.search(r"\d", value) for value in record)


def _rows_below(records: Sequence[Sequence[str]], place: int) -> int:
    """How many rows stand below a row, up to the next empty one."""
    empty = (later for later in range(place + 1, len(records)) if not any(records[later]))
    return next(empty, len(records)) - place - 1


def _names_without_end(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns where all lines but the header end in a delimiter, or only the header; else none."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width = max(widths, key=widths.__getitem__, default=0)
    if not width or width == len(header) or widths[width] * 5 < widths.total() * 4:
        return []
    ends = [row[len(header) :] for row in rows if len(row) == width] if width > len(header) else [header[width:]]
    return [*header, *[""] * width][:width] if not any(map(any, ends)) else []


def _is_like_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True where a header has figures in the form of those below it, in several columns: it may be a row itself."""
    alike = 0
    for place, name in enumerate(header):
        forms = Counter(_form(row[place]) for row in rows if place < len(row) and row[place])
        most = max(forms, key=forms.__getitem__, default="")
        alike += "0" in most and _form(name) == most and not _YEAR.fullmatch(name)
    return alike > 1


def _form(value: str) -> str:
    return re.sub(r"\d+", "0", value)


def _why_one_column(lines: Lines, records: Sequence[tuple[int, list[str]]]) -> str:
    """What is odd about a text that has one value a line; empty where it may well be so."""
    texts = [text for line, _ in records if (text := lines.text(line)).strip()]
    if len(texts) > 1 and sum(bool(re.search(r"\S {2,}\S", text)) for text in texts) * 5 >= len(texts) * 4:
        return "its values seem to stand in columns of a fixed width, which are not read: export it with a delimiter"
    values = [value for _, record in records for value in record if value]
    if len(values) > 1 and any(all(mark in value for value in values) for mark in ",;\t|"):
        return "each line is quoted as a whole, so it is one value: export it with quotes around values"
    return ""


def _width(record: Sequence[str]) -> int:
    return next((place for place in range(len(record), 0, -1) if record[place - 1]), 0)


def _is_figure(value: str) -> bool:
    return re.fullmatch(r"[\d.,:/\s%€$£+-]+", value) is not None


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    return [[row[place] for row in rows if place < len(row) and row[place]] for place in range(width)]


def _records(
    name: str, kind: Kind, keys: dict[str, object], names: list[str], values: Sequence[object], words: str
) -> Seen:
    columns = [[str(record[column]) for record in values if isinstance(record, dict) and record.get(column)]
               for column in names]  # fmt: skip
    return Seen(name, kind, keys, names, columns, words)


def _spelling(seen: Seen) -> dict[str, object]:
    """The order of dates and the marks in numbers, where the first rows tell them."""
    dates = [found for column in seen.columns for value in column if (found := _DATE.match(value))]
    orders = {_order(found) for found in dates} - {""}
    keys: dict[str, object] = {"dates": orders.pop()} if len(orders) == 1 else {}
    if not keys and any(found[2] == "." for found in dates):
        keys = {"dates": "dmy"}
    return keys | _marks([value for column in seen.columns for value in column])


def _marks(values: Sequence[str]) -> dict[str, object]:
    """The marks in amounts: what parts decimals and thousands, and how one below zero is written."""
    bare = [value[1:-1] if value.startswith("(") and value.endswith(")") else value for value in values]
    for expression, decimal, usual in ((_COMMA_AMOUNT, ",", "."), (_POINT_AMOUNT, ".", "")):
        found = [match for value in bare if (match := expression.fullmatch(value))]
        thousands = Counter(match[1] for match in found if match[1])
        if not found or (decimal == "." and not thousands):
            continue
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


def _on_one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text)


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
