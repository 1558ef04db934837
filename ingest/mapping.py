"""Makes feed rows from file rows: which column of the file becomes which column of the feed, as SQL.

The rows of a file lie in a relation with the columns c0, c1, ..., row_id (unique in the file) and row_number.
Each feed mapping becomes one statement that gives typed rows with key, row hash, the columns that are kept aside, and
what is wrong with the row.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from forecourt.errors import Problem
from ingest.contract import Column, Feed
from ingest.readers.dialect import folded
from ingest.readers.text import other_separator, separated_otherwise
from ingest.sources import LINE, Cell, Condition, FeedMapping, Source
from ingest.values import BLANKS, Spelling, canonical_text, contradicts_order, is_local, native_form, typed

#: From here on one expression a column costs more than a list of all.
_MANY_COLUMNS = 100

_FIELDS = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Layout:
    """The columns of one file: folded name -> SQL of its text, and what of them no feed takes.

    ``kept``: what no feed takes as it stands, and so is kept aside: the unmapped columns, and those that only give a
    part of a value, a test or a digest; ``repeated``: folded names that stand more than once. ``trimmed``: the cells
    are known to have no surrounding blanks. ``place``: where the names stand, for a sentence that goes on with "has no
    column".
    """

    names: tuple[str, ...]
    text: dict[str, str]
    unmapped: tuple[int, ...]
    kept: tuple[int, ...] = ()
    repeated: frozenset[str] = frozenset()
    trimmed: bool = False
    place: str = "line 1: the header"

    def position(self, column: str) -> int:
        """Where a column stands, counted from 0. Raises StopIteration for one that is not there."""
        return next(position for position, name in enumerate(self.names) if folded(name) == folded(column))


@dataclass(frozen=True)
class FeedRows:
    """The statement for one mapping, and the columns of the feed that the file carries, in contract order."""

    feed: Feed
    carried: tuple[str, ...]
    query: str

    @property
    def carried_text(self) -> str | None:
        return carried_text(self.feed, self.carried)


def carried_text(feed: Feed, carried: tuple[str, ...]) -> str | None:
    """Null when a file carries every column of the feed, else the names it carries, sorted."""
    return None if set(carried) == set(feed.all_columns) else ",".join(sorted(carried))


def lay_out(source: Source, header: list[str], *, trimmed: bool, place: str = "line 1: the header") -> Layout:
    """Finds the columns that the mappings name. Raises Problem for a column that is missing or stands twice."""
    names = tuple(header)
    cells = [cell for mapping in source.mappings for cell in mapping.cells.values()]
    conditions = [condition for mapping in source.mappings for condition in mapping.when]
    by_position = {cell.position - 1 for cell in cells if cell.position}
    used = {folded(column) for cell in cells for column in cell.columns}
    used |= {folded(column) for condition in conditions for column in condition.columns}
    used |= {folded(column) for mapping in source.mappings if mapping.split for column in mapping.split.depths}
    ignored = {folded(column) for column in source.ignored}
    counts = Counter(folded(name) for name in names if name)
    for name, count in counts.items():
        if count == 1 or name in ignored:
            continue
        positions = [position for position, given in enumerate(names) if folded(given) == name]
        if name in used and not set(positions) <= by_position:
            listed = " and ".join(str(position + 1) for position in positions)
            raise Problem(
                f"the header names {names[positions[0]]} {count} times (columns {listed}), so it is not known which "
                "to take. Export it with each column once."
            )
    text = {folded(name): cell_text(place, source, trimmed) for place, name in enumerate(names) if name}
    text |= {str(place + 1): cell_text(place, source, trimmed) for place in by_position if place < len(names)}
    unmapped = tuple(
        place
        for place, name in enumerate(names)
        if folded(name) not in used and folded(name) not in ignored and place not in by_position
    )
    # A reader of leads or chats makes columns of its own, and what it makes them of is in them.
    is_made = source.reader in ("adf", "whatsapp")
    whole = (
        used if is_made else {folded(cell.column) for cell in cells if cell.column and not (cell.match or cell.when)}
    )
    whole_positions = {cell.position - 1 for cell in cells if cell.position and not (cell.match or cell.when)}
    kept = tuple(
        place
        for place, name in enumerate(names)
        if folded(name) not in whole and folded(name) not in ignored and place not in whole_positions
    )
    repeated = frozenset(name for name, count in counts.items() if count > 1)
    return Layout(names, text, unmapped, kept, repeated, trimmed, place)


def kept_name(layout: Layout, place: int) -> str:
    """Under which name an unmapped column is kept: its own, with its position where others have the same or none."""
    name = layout.names[place]
    if not name:
        made = f"column {place + 1}"
        return made if made not in map(folded, layout.names) else f"{made} without a name"
    return f"{name} (column {place + 1})" if folded(name) in layout.repeated else name


def cell_text(place: int, source: Source, trimmed: bool) -> str:
    """The text of a column, surrounding blanks removed, null words empty."""
    text = f"c{place}" if trimmed else f"trim(c{place}, {BLANKS})"
    if source.null_words:
        words = ", ".join(quoted(word.lower()) for word in source.null_words)
        text = f"case when lower({text}) in ({words}) then '' else {text} end"
    return text


def usable_mappings(source: Source, layout: Layout) -> list[FeedMapping]:
    """The mappings whose columns the file has; a cell whose columns are missing is not carried.

    Raises Problem when a required column is missing.
    """
    usable = []
    for mapping in source.mappings:
        missing = [
            (name, column)
            for name, cell in mapping.cells.items()
            if mapping.feed.all_columns[name].required or name in mapping.feed.key
            for column in _missing(cell, layout)
        ]
        missing += [
            ("", column)
            for condition in mapping.when
            for column in condition.columns
            if folded(column) not in layout.text
        ]
        if mapping.split:
            missing = [(name, column) for name, column in missing if column != LINE]
            missing += [("", column) for column in mapping.split.depths if folded(column) not in layout.text]
        if missing and mapping.is_repeated:
            continue
        absent = [name for name in mapping.feed.key if name not in mapping.cells]
        if missing or absent:
            name, column = missing[0] if missing else (absent[0], absent[0])
            raise _missing_column(mapping.feed, name, column, layout)
        cells = {name: cell for name, cell in mapping.cells.items() if not set(_missing(cell, layout)) - {LINE}}
        usable.append(replace(mapping, cells=cells))
    return usable


def cut_in_parts(mapping: FeedMapping, layout: Layout, relation: str) -> tuple[Layout, str]:
    """The layout and the relation that a mapping reads: where it splits lists, one row a part, with its line."""
    split = mapping.split
    if split is None:
        return layout, relation
    texts = {column: layout.text[folded(column)] for column in split.depths}
    outer, inner = quoted(split.marks[0]), quoted(split.marks[-1])
    parts = ", ".join(f"len(string_split({text}, {outer}))" for text in texts.values())
    values = [
        f"len(string_split(string_split({texts[column]}, {outer})[part], {inner}))"
        for column, depth in split.depths.items()
        if depth == 2
    ]
    names = {column: f"p{place}" for place, column in enumerate(split.depths)}
    cut = []
    for column, depth in split.depths.items():
        place = f"string_split({texts[column]}, {outer})[part]"
        place = f"string_split({place}, {inner})[value]" if depth == 2 else place
        cut.append(f"coalesce(trim({place}, {BLANKS}), '') as {names[column]}")
    line = f"{split.first_line - 1} + " + ("1000 * part + value" if len(split.marks) == 2 else "part")
    query = f"""(
        select *, ({line})::varchar as split_line, {", ".join(cut)}
        from (
            select *, unnest(range(1, greatest({", ".join(values) or "1"}) + 1)) as value
            from (select *, unnest(range(1, greatest({parts}) + 1)) as part from {relation})
        )
    )"""
    text = layout.text | {folded(column): name for column, name in names.items()} | {LINE: "split_line"}
    return replace(layout, text=text), query


def feed_rows(
    mapping: FeedMapping, source: Source, layout: Layout, relation: str, *, with_rest: bool, has_marks: bool = True
) -> FeedRows:
    """The statement that gives the typed rows of one mapping. ``has_marks``: see ``hash_text``.

    Its columns: row_id, row_number, every column of the feed and updated_at (null where not carried), rooftop_text
    (as the file has it), key, carried, day_only, row_hash, rest, bad, problem ('missing:column' or 'wrong:column';
    null for a sound row) and problem_text. It joins ``rooftop_places`` (text, code, time_zone).
    """
    layout, relation = cut_in_parts(mapping, layout, relation)
    feed = mapping.feed
    columns = feed.all_columns
    carried = tuple(name for name in columns if name in mapping.cells)
    spellings = {name: spelling_of(cell, source) for name, cell in mapping.cells.items()}
    texts = {
        name: _filled_key(feed, name, _cell(cell, layout, is_key=name in feed.key))
        for name, cell in mapping.cells.items()
    }
    cells = ", ".join(f'{sql} as "x_{name}"' for name, sql in texts.items())
    # Each once, and before it is typed: the engine would work out an expression anew wherever it stands in a case.
    native = {name: native_form(columns[name].type, f'"x_{name}"', spellings[name]) for name in carried}
    native = {name: sql for name, sql in native.items() if sql != f'"x_{name}"'}
    zone = quoted(source.time_zone) if source.time_zone else "coalesce(time_zone, 'UTC')"
    values = ", ".join(
        f'{_value(columns[name], native, zone)} as "{name}"' if name in carried
        else f'null::{columns[name].sql_type} as "{name}"'
        for name in columns
    )  # fmt: skip
    rooftop_text = '"x_rooftop"' if "rooftop" in carried else "''"
    sound_key = " and ".join(f'("{name}" is not null or not {_needed(columns[name])})' for name in feed.key)
    query = f"""
        with cells as (
            select row_id, row_number, {_rest(layout, source) if with_rest else "null"} as rest, {cells}
            from {relation}
            where {_all(mapping.when, layout)}
        ),
        native as (
            select {", ".join(["*", *(f'{sql} as "n_{name}"' for name, sql in native.items())])}
            from cells
        ),
        typed as (
            select native.*, {values}
            from native
            left join rooftop_places on {rooftop_text} = rooftop_places.text
        )
        select
            row_id,
            row_number,
            {", ".join(f'"{name}"' for name in columns)},
            {rooftop_text} as rooftop_text,
            case when {sound_key} then {key_text(feed)} end as key,
            {quoted(carried_text(feed, carried))} as carried,
            {_day_only([name for name in carried if columns[name].type == "instant"], native)} as day_only,
            {row_hash(_hash_texts(feed, carried, native, has_marks))} as row_hash,
            rest::json as rest,
            {_bad([name for name in carried if _optional(feed, columns[name])])}::json as bad,
            {_problem(feed, carried)} as problem,
            {_problem_text(feed, carried)} as problem_text
        from typed"""
    return FeedRows(feed, carried, query)


def key_text(feed: Feed) -> str:
    """SQL of a key: its parts as text joined with ``|``; a backslash or bar inside a part is escaped."""
    parts = []
    for name in feed.key:
        column = feed.columns[name]
        part = f"""strftime("{name}", '%Y-%m-%d')""" if column.type == "date" else f'"{name}"::varchar'
        if column.type == "text":
            escaped = f"replace(replace({part}, '\\', '\\\\'), '|', '\\|')"
            # Hardly any has one of them, and to look for them is cheaper than to replace them.
            part = f"case when contains({part}, '|') or contains({part}, '\\') then {escaped} else {part} end"
        parts.append(f"coalesce({part}, '')")
    return f"""concat({", '|', ".join(parts)})"""


#: What stands between the parts of the text that is hashed, and what begins its place holder inside a part: no two
#: different rows may give the same text.
HASH_MARKS = (b"\x1f", b"\x1e")
_BETWEEN, _ESCAPE = "chr(31)", "chr(30)"


def row_hash(parts: list[str]) -> str:
    """SQL of the hash of a row (md5, a number) from the parts of its columns (``hash_text``), of which none is null."""
    return f"md5_number(concat({f', {_BETWEEN}, '.join(parts)}))"


def row_hash_of_carried(parts: list[str]) -> str:
    """The same where the part of a column that is not carried is null, and left out."""
    return f"md5_number(concat_ws({_BETWEEN}, {', '.join(parts)}))"


def hash_text(column: Column, value: str, bad: str, is_day: str, *, has_marks: bool = True) -> str:
    """SQL of one column's part of the row hash: its typed value, else the text that failed, else empty.

    ``has_marks`` false: the file is known to hold none of the marks between parts, so none needs to be escaped.
    """

    def escaped(text: str) -> str:
        if not has_marks:
            return text
        return f"replace(replace({text}, {_ESCAPE}, {_ESCAPE} || '0'), {_BETWEEN}, {_ESCAPE} || '1')"

    text = canonical_text(column.type, value)
    if column.type == "text":
        return f"coalesce({escaped(text)}, '')"
    if column.type == "instant":
        text = f"case when {is_day} then 'd' || {text} else {text} end"
    return f"coalesce({text}, case when {bad} <> '' then '!' || {escaped(bad)} end, '')"


def rooftop_query(mapping: FeedMapping, layout: Layout, relation: str) -> str:
    """The texts that stand for a rooftop, each once; one empty text where the feed has no rooftop."""
    if "rooftop" not in mapping.cells:
        return "select ''"
    return f"select distinct {_cell(mapping.cells['rooftop'], layout)} from {relation}"


def contradiction_query(mapping: FeedMapping, source: Source, layout: Layout, relation: str) -> str | None:
    """Finds the first row whose date contradicts the declared order: row_number, column of the file, text."""
    layout, relation = cut_in_parts(mapping, layout, relation)
    found = []
    for name, cell in mapping.cells.items():
        if mapping.feed.all_columns[name].type in ("date", "instant") and cell.column:
            text = layout.text[folded(cell.column)]
            test = contradicts_order(text, spelling_of(cell, source))
            if test != "false":
                found.append(
                    f"select row_number, {quoted(cell.column)} as name, {text} as text from {relation} where {test}"
                )
    return f"{' union all '.join(found)} order by row_number limit 1" if found else None


def local_instants_query(rows: FeedRows, mapping: FeedMapping, layout: Layout, source: Source, relation: str) -> str:
    """Every local instant with a time of day on a day of ``clock_changes``: column, time zone, local (timestamp)."""
    zone = quoted(source.time_zone) if source.time_zone else "coalesce(time_zone, 'UTC')"
    layout, relation = cut_in_parts(mapping, layout, relation)
    rooftop = _cell(mapping.cells["rooftop"], layout) if "rooftop" in mapping.cells else "''"
    parts = []
    for name in rows.carried:
        if rows.feed.all_columns[name].type == "instant":
            text = native_form("instant", "given.text", spelling_of(mapping.cells[name], source))
            parts.append(
                f"select {quoted(name)} as name, {zone} as time_zone, try_cast(cells.text as timestamp) as local "
                f"from (select {text} as text, rooftop_text from ("
                f"select {_cell(mapping.cells[name], layout)} as text, {rooftop} as rooftop_text from {relation} "
                f"where {_all(mapping.when, layout)}) as given) as cells "
                "semi join clock_changes on left(cells.text, 10) = clock_changes.day "
                "left join rooftop_places on rooftop_text = rooftop_places.text "
                f"where {is_local('cells.text')}"
            )
    return " union all ".join(parts)


def quoted(text: str | None) -> str:
    """A SQL literal."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def _missing(cell: Cell, layout: Layout) -> list[str]:
    if cell.position:
        return [] if str(cell.position) in layout.text else [f"number {cell.position}"]
    return [column for column in cell.columns if folded(column) not in layout.text]


def _missing_column(feed: Feed, name: str, column: str, layout: Layout) -> Problem:
    known = [given for given in layout.names if given]
    words = other_separator(",".join(known), ",")
    if words:
        return separated_otherwise(words)
    near = difflib.get_close_matches(folded(column), [folded(given) for given in known], n=1, cutoff=0.5)
    nearest = next((given for given in known if near and folded(given) == near[0]), None)
    hint = f" The nearest column is {nearest!r}: rename it if that is the one." if nearest else ""
    need = f" ({feed.name} needs it as {name})" if name not in ("", column) else f", which {feed.name} needs"
    return Problem(f"{layout.place} has no column {column!r}{need}.{hint} Export the file again with it.")


def _cell(cell: Cell, layout: Layout, *, is_key: bool = False) -> str:
    """SQL of the text of a canonical column; a key that does not match its declared form is none."""
    if cell.const is not None:
        text = quoted(cell.const)
    elif cell.position:
        text = layout.text[str(cell.position)]
    elif cell.template:
        text = _template(cell.template, layout)
    elif cell.digest:
        text = _digest(cell.digest, layout)
    else:
        text = layout.text[folded(cell.column or "")]
    if cell.match:
        pattern = quoted(cell.match)
        other = "''" if is_key else text
        text = f"case when regexp_matches({text}, {pattern}) then regexp_extract({text}, {pattern}, 1) else {other} end"
    if cell.map:
        branches = " ".join(
            f"when {quoted(word.lower())} then {quoted(meaning)}" for word, meaning in cell.map.items() if word
        )
        if "" in cell.map:
            branches += f" when '' then {quoted(cell.map[''])}"
        text = f"case lower({text}) {branches} else {text} end"
    if cell.when:
        text = f"case when {_condition(cell.when, layout)} then {text} else '' end"
    return text


def _filled_key(feed: Feed, name: str, text: str) -> str:
    """The text of a key column, what an empty cell stands for filled in: a key cannot be left to the models."""
    column = feed.all_columns[name]
    if name not in feed.key or column.empty is None:
        return text
    return f"coalesce(nullif({text}, ''), {quoted(column.empty)})"


def _template(template: str, layout: Layout) -> str:
    """The filled template; empty where one of its columns is empty, since a key of half its parts is no key."""
    pieces, columns = [], []
    for number, piece in enumerate(_FIELDS.split(template)):
        if number % 2:
            columns.append(layout.text[folded(piece)])
            pieces.append(columns[-1])
        elif piece:
            pieces.append(quoted(piece))
    filled = " and ".join(f"{column} <> ''" for column in columns) or "true"
    return f"case when {filled} then {' || '.join(pieces)} else '' end"


def _digest(columns: tuple[str, ...], layout: Layout) -> str:
    """Sixteen hex digits made of the texts of these columns; empty where all of them are."""
    texts = [layout.text[folded(column)] for column in columns]
    said = ", ".join(f"length({text}) || ':' || {text}" for text in texts)
    filled = " or ".join(f"{text} <> ''" for text in texts)
    return f"case when {filled} then substr(md5(concat_ws(',', {said})), 1, 16) else '' end"


def _all(conditions: tuple[Condition, ...], layout: Layout) -> str:
    return " and ".join(_condition(condition, layout) for condition in conditions) or "true"


def _condition(condition: Condition, layout: Layout) -> str:
    texts = [layout.text[folded(column)] for column in condition.columns]
    filled = " or ".join(f"{text} <> ''" for text in texts)
    if condition.test == "filled":
        return f"({filled})"
    if condition.test == "matches":
        return f"regexp_matches({texts[0]}, {quoted(condition.words[0])})"
    if condition.test == "empty":
        return f"not ({filled})"
    words = ", ".join(quoted(word.lower()) for word in condition.words)
    return f"lower({texts[0]}) {'in' if condition.test == 'in' else 'not in'} ({words})"


def spelling_of(cell: Cell, source: Source) -> Spelling:
    """How the dates and numbers of a column are written: as in the source, if the column does not say otherwise."""
    return replace(source.spelling, patterns=cell.patterns) if cell.patterns else source.spelling


def _native(name: str, native: Collection[str]) -> str:
    """The column that holds the text of a canonical column in native form: its own where it had to be made."""
    return f'"{"n" if name in native else "x"}_{name}"'


def _value(column: Column, native: Collection[str], zone: str) -> str:
    if column.name == "rooftop":
        return "nullif(coalesce(code, x_rooftop), '')"
    return typed(column.type, _native(column.name, native), zone)


def _needed(column: Column) -> str:
    return "true" if column.required else "false"


def _optional(feed: Feed, column: Column) -> bool:
    return column.type != "text" and not column.required and column.name not in feed.key


def _rest(layout: Layout, source: Source) -> str:
    """The filled columns that no feed takes, as a JSON object; null when there are none."""
    names = [kept_name(layout, place) for place in layout.kept]
    texts = [cell_text(place, source, layout.trimmed) for place in layout.kept]
    if len(names) > _MANY_COLUMNS:
        marks = ", ".join(quoted(json.dumps(name, ensure_ascii=False) + ":") for name in names)
        filled = f"list_filter(list_zip([{marks}], [{', '.join(texts)}]), lambda pair: pair[2] <> '')"
        members = f"list_transform({filled}, lambda pair: pair[1] || to_json(pair[2])::varchar)"
        return f"'{{' || nullif(array_to_string({members}, ','), '') || '}}'"
    return _json_object(
        [(name, text, f"{text} <> ''") for name, text in zip(names, texts, strict=True)],
    )


def _bad(names: list[str]) -> str:
    """The texts of optional values that failed their type, as a JSON object; null when there are none."""
    return _json_object([(name, f'"x_{name}"', f"""("{name}" is null and "x_{name}" <> '')""") for name in names])


def _json_object(entries: list[tuple[str, str, str]]) -> str:
    """SQL of a JSON object of texts from (name, text, condition); null when no condition holds."""
    if not entries:
        return "null"
    parts = ", ".join(
        f"case when {test} then concat({quoted(json.dumps(name, ensure_ascii=False) + ':')}, to_json({text})) end"
        for name, text, test in entries
    )
    any_holds = " or ".join(test for _, _, test in entries)
    return f"case when {any_holds} then concat('{{', concat_ws(',', {parts}), '}}') end"


def _day_only(names: list[str], native: Collection[str]) -> str:
    if not names:
        return "null::varchar"
    parts = ", ".join(
        f"""case when "{name}" is not null and {_is_day(name, native)} then {quoted(name)} end"""
        for name in sorted(names)
    )
    return f"nullif(concat_ws(',', {parts}), '')"


def _is_day(name: str, native: Collection[str]) -> str:
    # In native form a date has 10 characters, an instant with its time of day has more.
    return f"length({_native(name, native)}) <= 10"


def _hash_texts(feed: Feed, carried: tuple[str, ...], native: Collection[str], has_marks: bool) -> list[str]:
    parts = []
    for name in carried:
        column = feed.all_columns[name]
        is_day = _is_day(name, native) if column.type == "instant" else "false"
        parts.append(hash_text(column, f'"{name}"', f'"x_{name}"', is_day, has_marks=has_marks))
    return parts


def _problem(feed: Feed, carried: tuple[str, ...]) -> str:
    """What is wrong with a row: its first key or required column that is empty or not of its type."""
    branches = []
    for name in carried:
        column = feed.all_columns[name]
        text = f'"x_{name}"'
        if column.required:
            branches.append(f"when {text} = '' then {quoted(f'missing:{name}')}")
        if column.type != "text" and (column.required or name in feed.key):
            branches.append(f"""when "{name}" is null and {text} <> '' then {quoted(f"wrong:{name}")}""")
    return f"case {' '.join(branches)} end" if branches else "null::varchar"


def _problem_text(feed: Feed, carried: tuple[str, ...]) -> str:
    branches = [
        f"""when "{name}" is null and "x_{name}" <> '' then "x_{name}" """
        for name in carried
        if feed.all_columns[name].type != "text" and (feed.all_columns[name].required or name in feed.key)
    ]
    return f"case {' '.join(branches)} end" if branches else "null::varchar"
