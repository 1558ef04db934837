"""Which columns of a file the mappings of its source read, and the SQL of their texts.

The rows of a file lie in a relation with the columns c0, c1, ..., row_id (unique in the file) and row_number.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace

from forecourt.errors import Problem
from forecourt.literals import literal
from ingest.contract import Feed
from ingest.readers.dialect import folded
from ingest.readers.text import other_separator, separated_otherwise
from ingest.sources import LINE, Cell, FeedMapping, Source
from ingest.values import BLANKS


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
        words = ", ".join(literal(word.lower()) for word in source.null_words)
        text = f"case when lower({text}) in ({words}) then '' else {text} end"
    return text


def usable_mappings(source: Source, layout: Layout) -> tuple[list[FeedMapping], dict[str, str]]:
    """The mappings whose columns the file has; a cell whose columns are missing is not carried. And the feeds of which
    none is left, with a column that the file lacks for it.

    Raises Problem when a required column is missing that is not of a group.
    """
    usable = []
    left_out: dict[str, str] = {}
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
        if missing and mapping.group and not any(name and name not in mapping.group for name, _ in missing):
            left_out.setdefault(mapping.feed.name, missing[0][1])
            continue
        absent = [name for name in mapping.feed.key if name not in mapping.cells]
        if missing or absent:
            name, column = missing[0] if missing else (absent[0], absent[0])
            raise _missing_column(mapping.feed, name, column, layout, source)
        cells = {name: cell for name, cell in mapping.cells.items() if not set(_missing(cell, layout)) - {LINE}}
        usable.append(replace(mapping, cells=cells))
    for mapping in usable:
        left_out.pop(mapping.feed.name, None)
    return usable, left_out


def cut_in_parts(mapping: FeedMapping, layout: Layout, relation: str) -> tuple[Layout, str]:
    """The layout and the relation that a mapping reads: where it splits lists, one row a part, with its line."""
    split = mapping.split
    if split is None:
        return layout, relation
    texts = {column: layout.text[folded(column)] for column in split.depths}
    outer, inner = literal(split.marks[0]), literal(split.marks[-1])
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


def _missing(cell: Cell, layout: Layout) -> list[str]:
    if cell.position:
        return [] if str(cell.position) in layout.text else [f"number {cell.position}"]
    return [column for column in cell.columns if folded(column) not in layout.text]


def _missing_column(feed: Feed, name: str, column: str, layout: Layout, source: Source) -> Problem:
    known = [given for given in layout.names if given]
    words = other_separator(",".join(known), ",")
    if words:
        return separated_otherwise(words)
    near = difflib.get_close_matches(folded(column), [folded(given) for given in known], n=1, cutoff=0.5)
    nearest = next((given for given in known if near and folded(given) == near[0]), None)
    hint = f" The nearest column is {nearest!r}: rename it if that is the one." if nearest else ""
    mending = "" if source.is_native else f", or correct the mapping {source.name}"
    need = f" ({feed.name} needs it as {name})" if name not in ("", column) else f", which {feed.name} needs"
    return Problem(f"{layout.place} has no column {column!r}{need}.{hint} Export the file again with it{mending}.")
