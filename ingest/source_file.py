"""Reads the declarations of sources: the shipped ones, ``ingest/sources/*.yml``, and those of a home folder.

What stands in one is checked when it is read, so that a wrong mapping is found before a file is.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from forecourt.errors import Problem
from ingest.contract import load_feeds, read_yaml
from ingest.readers.dialect import DETECT, Dialect, is_character_set
from ingest.sources import LINE, Cell, Condition, FeedMapping, Source, Split
from ingest.values import STAMPS, Spelling, why_no_pattern

SOURCES_FOLDER = Path(__file__).parent / "sources"

_COMMON_KEYS = {
    "description", "evidence", "reader", "files", "header", "exact", "decimal", "thousands", "currency", "negative",
    "dates", "months", "time_zone", "null_words", "full", "ignore", "feeds",
}  # fmt: skip

#: Of delimited text, or of a sheet of a workbook.
_TABLE_KEYS = {
    "encoding", "delimiter", "quote", "escape", "comment", "names", "preamble", "header_lines", "footer", "sheet",
}  # fmt: skip

#: Reader -> the keys that it knows besides the common ones.
READERS = {
    "table": _TABLE_KEYS,
    "json": {"rows", "absent", "keyed"},
    "xml": {"rows", "fields", "absent"},
    "adf": set(),
    "whatsapp": set(),
}
#: Rows above a header and below a table that may be declared; a report's title and notes need no more.
MAX_PREAMBLE = 100
MAX_HEADER_LINES = 5
#: Longer than any mark that separates values.
_MAX_DELIMITER = 8

#: What a cell is made of: one of these.
_CELL_ORIGINS = ("column", "position", "const", "template", "digest", "file")
_CELL_KEYS = {*_CELL_ORIGINS, "as", "match", "dates", "map", "when"}


def load_sources(own: Path | None = None) -> dict[str, Source]:
    """All declared sources by name: the shipped ones, and those of a folder of one's own (``Home.sources``), which take
    the place of shipped ones of their names. Raises Problem naming the file of a wrong declaration."""
    paths = [path for folder in (SOURCES_FOLDER, own) if folder for path in sorted(folder.glob("*.yml"))]
    return {path.stem: _read(path, path.stat().st_mtime_ns) for path in paths}


@cache
def _read(path: Path, changed: int) -> Source:
    """The source in a file as it was at an instant: read once, until it is changed."""
    file = path.name if path.parent == SOURCES_FOLDER else str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Problem(f"{file} is no UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.") from None
    except OSError as error:
        raise Problem(f"{file} cannot be read ({error.strerror}). Give access to it, or remove it.") from None
    return read_source(path.stem, text, file)


def read_source(name: str, text: str, file: str) -> Source:
    """A source from the text of its YAML file. Raises Problem naming the file and what is wrong."""
    try:
        given = read_yaml(text)
    except yaml.YAMLError as error:
        raise Problem(f"{file} is no valid YAML: {_fault(error)}") from None
    reader = _Declaration(file)
    reader.check_form(given)
    kind = given.get("reader", "table")
    if kind not in READERS:
        raise reader.problem(f"reader: {kind!r} is none of {', '.join(READERS)}")
    reader.only(given, _COMMON_KEYS | READERS[kind], f"a source with the reader {kind}")
    if name in load_feeds():
        raise reader.problem(f"{name} is the name of a feed; give the source another one")
    dates = given.get("dates", "iso")
    patterns: tuple[str, ...] = ()
    if isinstance(dates, list) or "%" in dates or dates in STAMPS:
        dates, patterns = "iso", _patterns(dates, reader, "the source")
    if dates not in ("iso", "mdy", "dmy", "ymd"):
        raise reader.problem(f"dates: {dates!r} is none of iso, mdy, dmy, ymd, {', '.join(STAMPS)}")
    source = Source(
        name=name,
        description=given["description"],
        mappings=tuple(_mappings(given.get("feeds", {}), reader)),
        mapping_hash=hashlib.sha256(text.encode()).hexdigest()[:16],
        reader=kind,
        patterns=tuple(given.get("files", ())),
        signature=tuple(given.get("header", ())),
        is_exact=given.get("exact", False),
        dialects=tuple(_dialects(given, reader)),
        names=_names(given.get("names", {}), reader),
        has_all_names=isinstance(given.get("names"), list),
        preamble=_preamble(given.get("preamble"), reader),
        header_lines=_header_lines(given.get("header_lines", 1), reader),
        footer=_footer(given.get("footer", 0), reader),
        sheets=_texts(given.get("sheet", ())),
        rows=given.get("rows", ""),
        fields=dict(given.get("fields", {})),
        is_absent_empty=given.get("absent", "empty") == "empty",
        spelling=Spelling(
            dates=dates,
            decimal=given.get("decimal", "."),
            thousands=given.get("thousands", ""),
            currency=given.get("currency", ""),
            patterns=patterns,
            negative=given.get("negative", ""),
            months=_months(given.get("months"), reader),
        ),
        keyed={str(name): (str(pair[0]), str(pair[1])) for name, pair in given.get("keyed", {}).items()},
        time_zone=given.get("time_zone"),
        null_words=tuple(str(word) for word in given.get("null_words", ())),
        is_full=given.get("full", False),
        ignored=tuple(given.get("ignore", ())),
        text=text,
    )
    _check_recognisable(source, given, reader)
    return source


@cache
def _form() -> Any:
    """What checks the form of a declaration, by a JSON schema that editors read too."""
    from jsonschema import Draft202012Validator  # Here, because native files need no declaration.

    return Draft202012Validator(json.loads(Path(__file__).with_name("source.schema.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Declaration:
    file: str

    def problem(self, what: str) -> Problem:
        return Problem(f"{self.file}: {what}.")

    def check_form(self, given: Any) -> None:
        """Refuses what is of another form than ``source.schema.json`` says; which keys there are is asked later."""
        form = _form()
        if form.is_valid(given):
            return
        from jsonschema.exceptions import best_match

        error = best_match(form.iter_errors(given))
        steps = (str(step + 1) if type(step) is int else str(step) for step in error.absolute_path)
        place = ".".join(steps) or "the file"
        if error.validator == "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            raise self.problem(f"{place} needs {missing}")
        raise self.problem(f"{place}: {error.instance!r} is not {error.schema['description']}")

    def only(self, given: Mapping[str, Any], allowed: set[str], where: str) -> None:
        for key in given:
            if key not in allowed:
                raise self.problem(f"{key!r} is no key of {where}{_nearest(str(key), sorted(allowed))}")


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}" if near else ""


def _fault(error: yaml.YAMLError) -> str:
    """Where the text is no YAML, and what was looked for there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark and error.problem:
        mark = error.problem_mark
        return f"line {mark.line + 1}, character {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _dialects(given: Mapping[str, Any], reader: _Declaration) -> Iterator[Dialect]:
    for encoding in _texts(given.get("encoding", "utf-8")):
        if encoding != DETECT and not is_character_set(encoding):
            raise reader.problem(f"encoding: {encoding!r} is no character set; write one like cp1252, or {DETECT}")
        for mark in _texts(given.get("delimiter", ",")):
            quote, escape, comment = (
                str(given.get(key) or "") if key in given else default
                for key, default in (("quote", '"'), ("escape", ""), ("comment", ""))
            )
            _check_marks(mark, quote, escape, comment, reader)
            missing = frozenset(str(word).lower() for word in given.get("null_words", ()))
            yield Dialect(encoding, mark, quote, "" if escape == quote else escape, comment, missing)


def _check_marks(delimiter: str, quote: str, escape: str, comment: str, reader: _Declaration) -> None:
    """Refuses marks by which a line could be cut in two ways."""
    if not 1 <= len(delimiter) <= _MAX_DELIMITER or set(delimiter) & {"\n", "\r", quote or "\n", escape or "\n"}:
        raise reader.problem(
            f"delimiter: {delimiter!r} is none; write one to {_MAX_DELIMITER} characters, none of them a line end, the "
            "quote or the escape mark"
        )
    for key, mark in (("quote", quote), ("escape", escape)):
        if len(mark) > 1 or not mark.isascii() or mark in ("\n", "\r"):
            raise reader.problem(f"{key}: {mark!r} is none; write one ASCII character, or '' for none")
    if comment and (comment in delimiter or comment.startswith((quote or "\n", " ", "\t")) or "\n" in comment):
        raise reader.problem(f"comment: {comment!r} is none; write what such a line begins with, like '#'")


def _header_lines(given: Any, reader: _Declaration) -> int:
    if not isinstance(given, int) or not 1 <= given <= MAX_HEADER_LINES:
        raise reader.problem(f"header_lines: say of how many lines the header is, 1 to {MAX_HEADER_LINES}")
    return given


def _footer(given: Any, reader: _Declaration) -> int | str:
    if isinstance(given, str):
        return _expression(given, reader, "footer")
    if not isinstance(given, int) or not 0 <= given <= MAX_PREAMBLE:
        raise reader.problem(
            f"footer: say how many lines stand below the table, 0 to {MAX_PREAMBLE}, or write a regular expression "
            "that the first of them matches"
        )
    return given


def _months(given: Any, reader: _Declaration) -> tuple[tuple[str, ...], ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) != 12 or not all(isinstance(words, str) for words in given):
        raise reader.problem("months: list twelve words, from January on; several for one month with a bar between")
    return tuple(tuple(word.strip() for word in words.split("|") if word.strip()) for words in given)


def _names(given: Any, reader: _Declaration) -> dict[int, str]:
    """Position -> name, from a list of all names or a mapping of name to position."""
    if isinstance(given, list):
        return {place: str(name) for place, name in enumerate(given, start=1)}
    names = {place: str(name) for name, place in given.items() if isinstance(place, int) and place > 0}
    if len(names) < len(given):
        raise reader.problem("names: give each name a position of its own, counted from 1")
    return names


def _preamble(given: Any, reader: _Declaration) -> int | None:
    if given is not None and (not isinstance(given, int) or not 0 <= given <= MAX_PREAMBLE):
        raise reader.problem(f"preamble: say how many rows may stand above the header, 0 to {MAX_PREAMBLE}")
    return given


def _check_recognisable(source: Source, given: Mapping[str, Any], reader: _Declaration) -> None:
    """Refuses a declaration by which no file could be told, or that says two things."""
    if source.names and source.signature:
        raise reader.problem("header and names: a file has a header or none; declare one of the two")
    if source.names and source.header_lines > 1:
        raise reader.problem("header_lines and names: a file has a header or none; declare one of the two")
    if source.names and not source.patterns:
        raise reader.problem("files: a file without a header is known by its name; give its patterns")
    if source.reader == "whatsapp" and (not source.patterns or source.spelling.dates not in ("dmy", "mdy", "ymd")):
        raise reader.problem("a chat is known by its name: give the patterns in files, and dates as dmy, mdy or ymd")
    if source.reader not in ("adf", "whatsapp") and not source.signature and not source.names:
        raise reader.problem("header: name the columns by which the file is known")
    if source.reader == "xml" and not source.rows:
        raise reader.problem("rows: say which elements are the records, like //vehicle")
    from ingest.readers.xml_rows import why_no_path  # Here, because native files need no reader of XML.

    for name, path in [("rows", source.rows)] * (source.reader == "xml") + list(source.fields.items()):
        wrong = why_no_path(path)
        if wrong:
            raise reader.problem(f"{name}: {path!r} is no XPath ({wrong})")
    if source.spelling.negative not in ("", "brackets", "behind"):
        raise reader.problem(f"negative: {source.spelling.negative!r} is none of brackets, behind")
    if given.get("absent", "empty") not in ("empty", "unsaid"):
        raise reader.problem(f"absent: {given['absent']!r} is none of empty, unsaid")
    if not source.mappings:
        raise reader.problem("feeds: say of which feeds its rows are, and what their columns are made of")


def _texts(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _mappings(given: Mapping[str, Any], reader: _Declaration) -> Iterator[FeedMapping]:
    feeds = load_feeds()
    for name, entry in given.items():
        if name not in feeds:
            raise reader.problem(f"{name!r} is no feed{_nearest(name, feeds)}")
        feed = feeds[name]
        reader.only(entry, {"when", "columns", "unpivot"}, name)
        common = entry.get("columns", {})
        for columns, condition, split in _unpivoted(entry, reader):
            cells = {column: _cell(cell, reader, f"{name}.{column}") for column, cell in {**common, **columns}.items()}
            unknown = [column for column in cells if column not in feed.all_columns]
            if unknown:
                raise reader.problem(f"{name} has no column {unknown[0]}{_nearest(unknown[0], feed.all_columns)}")
            missing = [column.name for column in feed.columns.values() if column.required and column.name not in cells]
            if missing:
                raise reader.problem(f"{name} needs the column {missing[0]}, which is not mapped")
            when = [*_conditions(entry.get("when"), reader), *_conditions(condition, reader)]
            yield FeedMapping(feed, cells, tuple(when), group=frozenset(columns), split=split)


def _unpivoted(entry: Mapping[str, Any], reader: _Declaration) -> Iterator[tuple[dict[str, Any], Any, Split | None]]:
    """Columns, condition and split of each feed row that a file row gives; ``{n}`` and ``{line}`` filled in."""
    if "unpivot" not in entry:
        yield {}, None, None
        return
    for group in entry["unpivot"]:
        reader.only(group, {"repeat", "first_line", "split", "when", "columns"}, "unpivot")
        first = group.get("first_line", 1)
        if "split" in group:
            yield group["columns"], group.get("when"), _split(group["split"], first, reader)
            continue
        for number in range(1, group.get("repeat", 1) + 1):
            words = {"{n}": str(number), LINE: str(first + number - 1)}
            yield _filled_in(group["columns"], words), _filled_in(group.get("when"), words), None


def _split(given: Mapping[str, Any], first_line: int, reader: _Declaration) -> Split:
    reader.only(given, {"marks", "columns"}, "split")
    marks = tuple(given["marks"])
    depths = dict.fromkeys(given["columns"], 1) if isinstance(given["columns"], list) else given["columns"]
    if len(marks) not in (1, 2) or any(len(mark) != 1 for mark in marks):
        raise reader.problem("split: marks are one or two single characters")
    wrong = [column for column, depth in depths.items() if not 1 <= depth <= len(marks)]
    if wrong:
        raise reader.problem(f"split: {wrong[0]} has the depth {depths[wrong[0]]}, and there are {len(marks)} marks")
    return Split(marks, {str(column): depth for column, depth in depths.items()}, first_line)


def _filled_in(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled_in(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled_in(inner, words) for inner in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value


def _cell(given: Any, reader: _Declaration, where: str) -> Cell:
    if isinstance(given, str):
        return Cell(column=given)
    reader.only(given, _CELL_KEYS, where)
    if sum(key in given for key in _CELL_ORIGINS) != 1:
        raise reader.problem(f"{where} needs one of {', '.join(_CELL_ORIGINS)}")
    conditions = _conditions(given.get("when"), reader)
    return Cell(
        column=given.get("column"),
        position=given.get("position"),
        const=None if given.get("const") is None else str(given["const"]),
        template=given.get("template"),
        digest=tuple(given.get("digest", ())),
        file=_file(given, reader, where),
        form=given.get("as", r"\1"),
        match=_match(given.get("match"), reader, where),
        patterns=_patterns(given.get("dates", ()), reader, where),
        map={str(key): str(value) for key, value in given.get("map", {}).items()},
        when=conditions[0] if conditions else None,
    )


def _file(given: Mapping[str, Any], reader: _Declaration, where: str) -> str | None:
    expression = given.get("file")
    if expression is None and "as" in given:
        raise reader.problem(f"{where}: as is for a part of the file's name, which file finds")
    if expression is not None:
        groups = re.compile(_expression(expression, reader, where)).groups
        wanted = max(map(int, re.findall(r"\\(\d)", given.get("as", r"\1"))), default=0)
        if not 1 <= wanted <= groups:
            raise reader.problem(f"{where}: file needs the groups in round brackets that are taken from the name")
    return expression


def _match(given: str | None, reader: _Declaration, where: str) -> str | None:
    if given is not None and re.compile(_expression(given, reader, where)).groups != 1:
        raise reader.problem(f"{where}: match needs one group in round brackets, the part to take")
    return given


def _expression(given: str, reader: _Declaration, where: str) -> str:
    try:
        re.compile(given)
    except re.error as error:
        raise reader.problem(f"{where}: {given!r} is no regular expression ({error})") from None
    return given


def _patterns(given: Any, reader: _Declaration, where: str) -> tuple[str, ...]:
    patterns = (given,) if isinstance(given, str) else tuple(given)
    for pattern in patterns:
        wrong = why_no_pattern(pattern)
        if wrong:
            raise reader.problem(f"{where}: dates: {pattern!r} is no way to write a date: {wrong}")
    return patterns


def _conditions(given: Any, reader: _Declaration) -> list[Condition]:
    entries = [] if given is None else given if isinstance(given, list) else [given]
    conditions = []
    for entry in entries:
        reader.only(entry, {"column", "filled", "in", "not_in", "matches"}, "when")
        columns = (entry["column"],) if isinstance(entry["column"], str) else tuple(entry["column"])
        if "filled" in entry:
            conditions.append(Condition(columns, "filled" if entry["filled"] else "empty"))
        elif "matches" in entry:
            conditions.append(Condition(columns, "matches", (_expression(entry["matches"], reader, "when"),)))
        else:
            test = "in" if "in" in entry else "not_in"
            conditions.append(Condition(columns, test, tuple(str(word) for word in entry[test])))
    return conditions
