"""Makes feed rows from file rows: which column of the file becomes which column of the feed, as SQL.

Each feed mapping becomes one statement that gives typed rows with key, row hash, the columns that are kept aside, and
what is wrong with the row.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace

from forecourt.literals import literal
from ingest.contract import Column, Feed
from ingest.layout import Layout, cell_text, cut_in_parts, kept_name
from ingest.readers.dialect import folded
from ingest.row_identity import carried_text, hash_text, key_text, row_hash
from ingest.sources import FIELD, Cell, Condition, FeedMapping, Source
from ingest.values import Spelling, contradicts_order, is_local, native_form, typed

#: From here on one expression a column costs more than a list of all.
_MANY_COLUMNS = 100


@dataclass(frozen=True)
class FeedRows:
    """The statement for one mapping, and the columns of the feed that the file carries, in contract order."""

    feed: Feed
    carried: tuple[str, ...]
    query: str

    @property
    def carried_text(self) -> str | None:
        return carried_text(self.feed, self.carried)


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
    zone = literal(source.time_zone) if source.time_zone else "coalesce(time_zone, 'UTC')"
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
            {literal(carried_text(feed, carried))} as carried,
            {_day_only([name for name in carried if columns[name].type == "instant"], native)} as day_only,
            {row_hash(_hash_texts(feed, carried, native, has_marks))} as row_hash,
            rest::json as rest,
            {_bad([name for name in carried if _optional(feed, columns[name])])}::json as bad,
            {_problem(feed, carried)} as problem,
            {_problem_text(feed, carried)} as problem_text
        from typed"""
    return FeedRows(feed, carried, query)


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
                    f"select row_number, {literal(cell.column)} as name, {text} as text from {relation} where {test}"
                )
    return f"{' union all '.join(found)} order by row_number limit 1" if found else None


def local_instants_query(rows: FeedRows, mapping: FeedMapping, layout: Layout, source: Source, relation: str) -> str:
    """Every local instant with a time of day on a day of ``clock_changes``: column, time zone, local (timestamp)."""
    zone = literal(source.time_zone) if source.time_zone else "coalesce(time_zone, 'UTC')"
    layout, relation = cut_in_parts(mapping, layout, relation)
    rooftop = _cell(mapping.cells["rooftop"], layout) if "rooftop" in mapping.cells else "''"
    parts = []
    for name in rows.carried:
        if rows.feed.all_columns[name].type == "instant":
            text = native_form("instant", "given.text", spelling_of(mapping.cells[name], source))
            parts.append(
                f"select {literal(name)} as name, {zone} as time_zone, try_cast(cells.text as timestamp) as local "
                f"from (select {text} as text, rooftop_text from ("
                f"select {_cell(mapping.cells[name], layout)} as text, {rooftop} as rooftop_text from {relation} "
                f"where {_all(mapping.when, layout)}) as given) as cells "
                "semi join clock_changes on left(cells.text, 10) = clock_changes.day "
                "left join rooftop_places on rooftop_text = rooftop_places.text "
                f"where {is_local('cells.text')}"
            )
    return " union all ".join(parts)


def _cell(cell: Cell, layout: Layout, *, is_key: bool = False) -> str:
    """SQL of the text of a canonical column; a key that does not match its declared form is none."""
    if cell.const is not None:
        text = literal(cell.const)
    elif cell.position:
        text = layout.text[str(cell.position)]
    elif cell.template:
        text = _template(cell.template, layout)
    elif cell.digest:
        text = _digest(cell.digest, layout)
    else:
        text = layout.text[folded(cell.column or "")]
    if cell.match:
        pattern = literal(cell.match)
        other = "''" if is_key else text
        text = f"case when regexp_matches({text}, {pattern}) then regexp_extract({text}, {pattern}, 1) else {other} end"
    if cell.map:
        branches = " ".join(
            f"when {literal(word.lower())} then {literal(meaning)}" for word, meaning in cell.map.items() if word
        )
        if "" in cell.map:
            branches += f" when '' then {literal(cell.map[''])}"
        text = f"case lower({text}) {branches} else {text} end"
    if cell.when:
        text = f"case when {_condition(cell.when, layout)} then {text} else '' end"
    return text


def _filled_key(feed: Feed, name: str, text: str) -> str:
    """The text of a key column, what an empty cell stands for filled in: a key cannot be left to the models."""
    column = feed.all_columns[name]
    if name not in feed.key or column.empty is None:
        return text
    return f"coalesce(nullif({text}, ''), {literal(column.empty)})"


def _template(template: str, layout: Layout) -> str:
    """The filled template; empty where one of its columns is empty, since a key of half its parts is no key."""
    pieces, columns = [], []
    for number, piece in enumerate(FIELD.split(template)):
        if number % 2:
            columns.append(layout.text[folded(piece)])
            pieces.append(columns[-1])
        elif piece:
            pieces.append(literal(piece))
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
        return f"regexp_matches({texts[0]}, {literal(condition.words[0])})"
    if condition.test == "empty":
        return f"not ({filled})"
    words = ", ".join(literal(word.lower()) for word in condition.words)
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
        marks = ", ".join(literal(json.dumps(name, ensure_ascii=False) + ":") for name in names)
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
        f"case when {test} then concat({literal(json.dumps(name, ensure_ascii=False) + ':')}, to_json({text})) end"
        for name, text, test in entries
    )
    any_holds = " or ".join(test for _, _, test in entries)
    return f"case when {any_holds} then concat('{{', concat_ws(',', {parts}), '}}') end"


def _day_only(names: list[str], native: Collection[str]) -> str:
    if not names:
        return "null::varchar"
    parts = ", ".join(
        f"""case when "{name}" is not null and {_is_day(name, native)} then {literal(name)} end"""
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
            branches.append(f"when {text} = '' then {literal(f'missing:{name}')}")
        if column.type != "text" and (column.required or name in feed.key):
            branches.append(f"""when "{name}" is null and {text} <> '' then {literal(f"wrong:{name}")}""")
    return f"case {' '.join(branches)} end" if branches else "null::varchar"


def _problem_text(feed: Feed, carried: tuple[str, ...]) -> str:
    branches = [
        f"""when "{name}" is null and "x_{name}" <> '' then "x_{name}" """
        for name in carried
        if feed.all_columns[name].type != "text" and (feed.all_columns[name].required or name in feed.key)
    ]
    return f"case {' '.join(branches)} end" if branches else "null::varchar"
