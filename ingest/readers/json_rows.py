"""Reads JSON: a list of objects, lists somewhere inside of objects, or objects one after the other, as in ndjson.

Rows may be lists of values, too, below a list of their names or beside one (``columns``). Objects inside a record
become names with points (``vehicle.make``), lists names with numbers from 1 (``trade.1.vin``). Numbers keep the digits
in which they were written; nothing passes through a float.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from forecourt.errors import Problem
from forecourt.wording import megabytes
from ingest.mapped import Bytes, whole
from ingest.readers.decoding import Decoded
from ingest.readers.rows import BadRow, Objects

MAX_BYTES = 256 << 20
MAX_DEPTH = 40
#: A record takes a kilobyte of memory and more, however short it is written.
MAX_RECORDS = 2_000_000

_BLANK = re.compile(r"[ \t\r\n]*")
#: A value to which a star leads: no list of words.
_HOLDS_RECORDS = re.compile(r"\{|\[[ \t\r\n]*[\[{\]]")
#: A list of objects inside a list: a page of it.
_OBJECTS = re.compile(r"\[[ \t\r\n]*\{")
_EXPONENT = re.compile(r"-?\d{1,30}(\.\d{1,30})?[eE][+-]?\d{1,2}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

#: Name of a list -> the fields of its objects that hold a name and a value.
Keyed: TypeAlias = Mapping[str, tuple[str, str]]

#: Where a record starts and ends, its value, and why it has none.
_Found: TypeAlias = tuple[int, int, Any, str | None]


class _Object(dict[str, Any]):
    """An object of the file; ``twice``: a name that stands in it more than once."""

    twice: str | None = None


class _Number(str):
    """The digits of a number, as they were written."""

    __slots__ = ()


class _Unfit(Exception):
    """A record that cannot become a row; its text is the reason."""


def check_size(data: Bytes, max_bytes: int = MAX_BYTES) -> None:
    """Raises Problem for a file that is too large to be taken apart in memory."""
    if len(data) > max_bytes:
        raise Problem(
            f"it has {megabytes(len(data))}, and JSON is read up to {megabytes(max_bytes)}. "
            "Export fewer records in a file, or export them as csv."
        )


def read_json(decoded: Decoded, path: str = "", *, decimal: str = ".", keyed: Keyed | None = None) -> Objects:
    """The records of a file. ``path``: names with points that lead to the list; empty for a list or lines. On the way
    each object of a list is taken, and ``*`` leads to each value of an object.

    What an object around the list says is given to each of its records, under its name after a slash: ``/dealer``. Of
    several such objects that say the same name the nearest has one slash, the next one two. ``/*`` is the name to
    which ``*`` has led.
    ``decimal``: the mark that numbers get, because the source reads them by it. ``keyed``: lists of objects with a
    name and a value, like the answers of a form, which become names: ``answers.EMAIL``. Raises Problem (a sentence
    without the file's name) for what is no JSON, nested too deeply, without a list at the path, without a record that
    can be read, or with too many.
    """
    document = _Document(whole(decoded.data).decode("utf-8"))
    found = Objects([], [], document.raw, decoded.encoding)
    unfit: list[tuple[int, str, str]] = []
    lines: list[int] = []
    places: list[int] = []
    levels: list[tuple[_Around, ...]] = []
    listed = _Listed(document)
    for place, (start, end, value, why) in enumerate(document.records([name for name in path.split(".") if name])):
        if place == MAX_RECORDS:
            raise Problem(
                f"it has more than {MAX_RECORDS:,} records. Export fewer records in a file, or export them as csv."
            )
        lines.append(document.line(start))
        try:
            if why:
                raise _Unfit(why)
            if listed.is_header(value):
                continue
            found.values.append(_record(listed.named(value), decimal, keyed or {}))
        except _Unfit as reason:
            unfit.append((place, str(reason), document.text[start:end]))
            continue
        places.append(place)
        levels.append(document.around)
        document.spans.append((start, end))
    if not lines and document.without:
        name = next(iter(document.without))
        raise Problem(f"it has no {name!r}. Correct the path in the source, or export it again.")
    if len(lines) == listed.headers:
        raise Problem(
            "it has no record, so nothing tells its columns. A table that is empty comes as csv with its header."
        )
    if unfit and not found.values:
        # Without a sound record no column is known, and the file would be refused for the columns that it lacks.
        place, why, _ = unfit[0]
        raise Problem(f"none of its records can be read; line {lines[place]}: {why}. Export it again.")
    if len({*lines}) < len(lines):
        found.unit, lines = "record", list(range(1, len(lines) + 1))
    found.row_numbers = [lines[place] for place in places]
    found.bad = [BadRow(lines[place], reason, raw) for place, reason, raw in unfit]
    found.skipped = {"blank line": document.blank_lines} if document.blank_lines else {}
    if listed.headers:
        found.skipped["names of columns"] = listed.headers
    if document.constants:
        words = ", ".join(sorted(document.constants))
        found.remarks.append(f"{words} in it is no JSON and was read as a word; null_words can say that it is empty")
    unread = ", ".join(f"{name} ({count:,})" for name, count in document.unread.items())
    if unread:
        found.remarks.append(f"lists beside that of its records were not read: {unread}")
    for name, count in document.without.items():
        found.remarks.append(f"{count:,} of the objects around its records have no {name!r}")
    around = {id(chain): _said(chain, decimal) for chain in levels}
    found.values = [
        {**around[id(chain)], **record} if chain else record for chain, record in zip(levels, found.values, strict=True)
    ]
    return found


def paths_to_records(decoded: Decoded) -> list[str]:
    """Paths to lists of objects in a file, the shortest first and of these those with the most objects; the empty one
    where the file is such a list, and where it has none."""
    found: Counter[tuple[str, ...]] = Counter()
    try:
        _count_objects(json.loads(whole(decoded.data).decode("utf-8")), (), found)
    except (ValueError, RecursionError):
        return [""]
    paths = sorted(found, key=lambda path: (len(path), -found[path]))
    return [".".join(path) for path in paths if not any("." in name for name in path)] or [""]


def _count_objects(value: Any, path: tuple[str, ...], found: Counter[tuple[str, ...]]) -> None:
    """Counts the objects in the lists of a value, by the path that leads to them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _count_objects(inner, (*path, name), found)
    elif isinstance(value, list):
        objects = [inner for inner in value if isinstance(inner, dict)]
        found[path] += len(objects)
        for inner in objects:
            _count_objects(inner, path, found)


@dataclass
class _Around:
    """What an object around records says beside them: values, and lists that are not read."""

    values: _Object = field(default_factory=_Object)
    lists: dict[str, list[Any]] = field(default_factory=dict)


def _said(chain: Sequence[_Around], decimal: str) -> dict[str, str]:
    """What the objects around a list say, the outermost first, each name after a slash."""
    said: dict[str, str] = {}
    try:
        for level in reversed(chain):
            for name, text in _record(level.values, decimal, {}).items():
                slashes = "/"
                while slashes + name in said:
                    slashes += "/"
                said[slashes + name] = text
    except _Unfit as reason:
        raise Problem(f"what stands around its records cannot be read: {reason}. Export it again.") from None
    return said


def _holds_records(rows: list[Any]) -> bool:
    return any(isinstance(row, dict | list) for row in rows)


class _Listed:
    """Records that are lists of values: their names stand in a list beside them, else in the first of them."""

    def __init__(self, document: _Document) -> None:
        self._document = document
        self._around: tuple[_Around, ...] | None = None
        self._names: list[str] | None = None
        self.headers = 0

    def is_header(self, value: Any) -> bool:
        """True for the first record of a list, where it holds the names."""
        if self._document.around is self._around:
            return False
        self._around, self._names = self._document.around, None
        if not isinstance(value, list):
            return False
        self._names = self._document.names_beside(len(value))
        if self._names is None and value and all(type(name) is str for name in value):
            self._names = value
            self.headers += 1
            return True
        return False

    def named(self, value: Any) -> Any:
        """A list as an object, each value under the name of its place; anything else as it is."""
        if not isinstance(value, list):
            return value
        if self._names is None:
            raise _Unfit("it is no object with names, but a list, and no list of names stands above or beside it")
        if len(value) != len(self._names):
            raise _Unfit(f"it has {len(value)} values where {len(self._names)} names are")
        return _object(list(zip(self._names, value, strict=True)))


class _Document:
    """The text of a file, and what is known of it while its records are given.

    ``around``: the objects around the present record, the outermost first. ``unread``: lists beside those of the
    records, and how much they hold; ``without``: names that some of several objects lack, and how many do.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: list[tuple[int, int]] = []
        self.around: tuple[_Around, ...] = ()
        self.unread: Counter[str] = Counter()
        self.without: Counter[str] = Counter()
        self.blank_lines = 0
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=self._constant
        )
        self._counted = (0, 1)
        self.constants: set[str] = set()

    def _constant(self, word: str) -> _Number:
        """NaN or Infinity: no JSON, but some programs write them where they have no number."""
        self.constants.add(word)
        return _Number(word)

    def raw(self, position: int) -> str:
        start, end = self.spans[position]
        return self.text[start:end]

    def line(self, offset: int) -> int:
        """The line of an offset; offsets are asked for in their order."""
        before, line = self._counted
        line += self.text.count("\n", before, offset)
        self._counted = (offset, line)
        return line

    def names_beside(self, width: int) -> list[str] | None:
        """The one list of so many names before the records; as texts or as objects with a name."""
        found = []
        for entries in (entries for level in self.around for entries in level.lists.values()):
            names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
            if len(names) == width and all(type(name) is str for name in names):
                found.append([str(name) for name in names])
        return found[0] if len(found) == 1 else None

    def records(self, path: list[str]) -> Iterator[_Found]:
        start = self._skip(0)
        if not path and self.text.startswith("{", start):
            yield from self._lines()
            return
        if not path and not self.text.startswith("[", start):
            raise Problem("it starts like no JSON of records. Export a list of objects, or one object a line.")
        try:
            end = yield from self._descend(start, path)
            if self._skip(end) < len(self.text):
                raise json.JSONDecodeError("more follows after its end", self.text, self._skip(end))
        except json.JSONDecodeError as error:
            raise _no_json(error) from None
        except RecursionError:
            raise Problem("it is nested more deeply than any export. Export its records plainly.") from None

    def _lines(self) -> Iterator[_Found]:
        whole = self._whole_object()
        if whole is not None:
            yield (*whole, None)
            return
        position = 0
        while position < len(self.text):
            start, end = position, self._line_end(position)
            if not self.text[start:end].strip():
                self.blank_lines += end < len(self.text)
                position = end + 1
                continue
            start = self._skip(start)
            try:
                value, stop = self._value(start)
                rest = self._skip(stop)
                # Some programs write a comma after each object, as in a list without its brackets.
                if isinstance(value, dict) and self.text.startswith(",", rest):
                    rest = self._skip(rest + 1)
                # An object may be written over several lines, and the next one begin on its last.
                if rest >= (end := self._line_end(stop)) or (isinstance(value, dict) and self.text[rest] == "{"):
                    yield start, stop, value, None
                    position = rest if rest < end else end + 1
                    continue
                value, why = None, "more follows after the end of its object"
            except json.JSONDecodeError as error:
                value, why = None, f"it is no JSON ({error.msg} at character {error.pos - start + 1})"
            except RecursionError:
                value, why = None, "it is nested more deeply than any export"
            yield start, end, value, why
            position = end + 1

    def _line_end(self, position: int) -> int:
        end = self.text.find("\n", position)
        return len(self.text) if end < 0 else end

    def _whole_object(self) -> tuple[int, int, Any] | None:
        """The one object that the file is, written over several lines."""
        start = self._skip(0)
        try:
            value, end = self._value(start)
        except json.JSONDecodeError as error:
            lines = [line.strip() for line in self.text.split("\n", 50)[:50] if line.strip()]
            if 2 * sum(line.startswith("{") and line.endswith("}") for line in lines) < len(lines):
                raise _no_json(error) from None
            return None
        except RecursionError:
            return None
        return (start, end, value) if self._skip(end) == len(self.text) else None

    def _descend(self, start: int, path: list[str], *, is_one_of_many: bool = False) -> Generator[_Found, None, int]:
        """Yields the records to which the path leads from a value; returns where the value ends."""
        if self.text.startswith("[", start):
            return (yield from self._elements(start, path))
        if self.text.startswith("{", start) and path:
            return (yield from self._inside(start, path, is_one_of_many))
        value, end = self._value(start)
        if path:
            raise Problem(f"it has no object with {path[0]!r}. Correct the path in the source, or export it again.")
        if not is_one_of_many or not isinstance(value, dict):
            raise Problem("there is no list where its records should be. Correct the path in the source.")
        yield start, end, value, None
        return end

    def _inside(self, start: int, path: list[str], is_one_of_many: bool) -> Generator[_Found, None, int]:
        """Yields the records to which the path leads from an object; returns where the object ends."""
        before, level = self.around, _Around()
        self.around = (*before, level)
        position, is_found = self._skip(start + 1), False
        while not self.text.startswith("}", position):
            name, position = self._value(position)
            if not isinstance(name, str) or isinstance(name, _Number):
                raise json.JSONDecodeError("a name should stand here", self.text, position)
            position = self._after(":", self._skip(position))
            if path[0] == "*" and _HOLDS_RECORDS.match(self.text, position):
                is_found = True
                self.around = (*before, level, _Around(_Object({"*": name})))
                position = yield from self._descend(position, path[1:], is_one_of_many=True)
                self.around = (*before, level)
            elif name == path[0] and not is_found and not (is_one_of_many and self.text.startswith("null", position)):
                is_found = True
                position = yield from self._descend(position, path[1:], is_one_of_many=is_one_of_many)
            else:
                position = self._beside(name, position, level)
            position = self._skip(position)
            if not self.text.startswith("}", position):
                position = self._after(",", position)
        self.around = before
        if not is_found and not is_one_of_many:
            raise Problem(f"it has no {path[0]!r}. Correct the path in the source, or export it again.")
        if not is_found:
            self.without[path[0]] += 1
        return position + 1

    def _beside(self, name: str, start: int, level: _Around) -> int:
        """Keeps a value that stands beside the records; returns where it ends."""
        value, end = self._value(start)
        if isinstance(value, list):
            level.lists[name] = value
            if _holds_records(value):
                self.unread[name] += len(value)
        elif name in level.values:
            level.values.twice = name
        else:
            level.values[name] = value
        return end

    def _elements(self, start: int, path: list[str]) -> Generator[_Found, None, int]:
        """Yields the elements of a list, or the records to which the path leads from each; returns where it ends."""
        position = self._skip(start + 1)
        while not self.text.startswith("]", position):
            if path or _OBJECTS.match(self.text, position):
                end = yield from self._descend(position, path, is_one_of_many=True)
            else:
                value, end = self._value(position)
                yield position, end, value, None
            position = self._skip(end)
            if not self.text.startswith("]", position):
                position = self._after(",", position)
        return position + 1

    def _value(self, position: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self.text, position)
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, self.text, error.pos) from None

    def _after(self, mark: str, position: int) -> int:
        if not self.text.startswith(mark, position):
            raise json.JSONDecodeError(f"{mark!r} should stand here", self.text, position)
        return self._skip(position + 1)

    def _skip(self, position: int) -> int:
        match = _BLANK.match(self.text, position)
        return match.end() if match else position


def _no_json(error: json.JSONDecodeError) -> Problem:
    return Problem(f"line {error.lineno}, character {error.colno}: this is no JSON ({error.msg}). Export it again.")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        made.twice = next(name for name in names if names.count(name) > 1)
    return made


def _record(value: Any, decimal: str, keyed: Keyed) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Unfit("it is no object with names, but a bare value or list")
    record: dict[str, str] = {}
    _flatten("", value, record, decimal, keyed, 0)
    return record


def _flatten(name: str, value: Any, record: dict[str, str], decimal: str, keyed: Keyed, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Unfit(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, _Object):
        if value.twice is not None:
            raise _Unfit(f"it names {value.twice!r} twice, so it is not known which value to take")
        for inner, content in value.items():
            _flatten(f"{name}.{inner}" if name else inner, content, record, decimal, keyed, depth + 1)
    elif isinstance(value, list):
        for number, content in enumerate(value, start=1):
            place, rest = f"{name}.{number}", content
            called, holds = keyed.get(name, ("", ""))
            if isinstance(content, _Object) and content.twice is None and content.get(called) and holds in content:
                place = f"{name}.{content[called]}"
                rest = _Object({key: inner for key, inner in content.items() if key not in (called, holds)})
                _flatten(place, content[holds], record, decimal, keyed, depth + 1)
            _flatten(place, rest, record, decimal, keyed, depth + 1)
    elif name in record:
        raise _Unfit(f"it names {name!r} twice, so it is not known which value to take")
    else:
        record[name] = _text(name, value, decimal)


def _text(name: str, value: Any, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Number):
        digits = str(value)
        # Only an exponent that a figure may have is written out: 1e999999999 would fill the memory.
        if _EXPONENT.fullmatch(digits):
            digits = f"{Decimal(digits):f}"
        return digits.replace(".", decimal)
    if not value.isascii() and _LONE_SURROGATE.search(value):
        raise _Unfit(f"{name} holds half a character")
    if "\0" in value:
        raise _Unfit(f"{name} holds a NUL character")
    return str(value).strip(" \t\r\n\u00a0\ufeff")
