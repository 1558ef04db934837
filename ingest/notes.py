"""What was odd in a file: notes on the ledger, and the sentences that tell them to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from forecourt.wording import counted

#: Letters of the names that a sentence lists.
_MOST_LETTERS = 300


@dataclass(frozen=True)
class Note:
    """One oddity of a file, counted: a row of ``ledger.notes``."""

    feed: str | None
    kind: str
    detail: str
    rows: int

    @property
    def sentence(self) -> str:
        """The note as a person reads it."""
        return _sentence(self)


def write(connection: duckdb.DuckDBPyConnection, file_id: str, notes: Sequence[Note]) -> None:
    """Adds the notes of a file to the ledger."""
    if notes:
        columns = zip(*((note.feed, note.kind, note.detail, note.rows, note.sentence) for note in notes), strict=True)
        connection.execute(
            f"insert into ledger.notes select ?, {', '.join(['unnest(?)'] * 5)}", [file_id, *map(list, columns)]
        )


def _sentence(note: Note) -> str:
    rows = counted(note.rows, "rows")
    where = f"{note.feed}: " if note.feed else ""
    match note.kind:
        case "unmapped column":
            return f"Column {note.detail!r} is in no feed; its values are kept aside ({rows})."
        case "failed value":
            return f"{where}{note.detail} is not of its type in {rows}; kept as text, empty as a value."
        case "unknown word":
            return f"{where}{note.detail} is no word of the contract ({rows}); kept as it is."
        case "unknown rooftop":
            return f"{where}rooftop {note.detail} is not in the settings ({rows}); it has the company's defaults."
        case "new columns":
            return f"Columns that the file of this kind before did not have: {_some(note.detail)}."
        case "missing columns":
            return (
                f"Columns that the file of this kind before had: {_some(note.detail)}. Their values stay as they were."
            )
        case "absent columns":
            return f"The mapping also names {_some(note.detail)}, and the file has no such columns."
        case "no rows of a feed":
            return f"{where}the file gives no rows of this feed, because it has no column {note.detail!r}."
        case "repeated key":
            keys = counted(int(note.detail), "keys")
            return f"{where}{keys} in {rows} with different values; the latest by updated_at counts, else the last row."
        case "kept key" | "key kept by a later file":
            keys = f"{counted(note.rows, 'keys')} {'stays' if note.rows == 1 else 'stay'} in force"
            which = "this file does" if note.kind == "kept key" else "a later full file does"
            return (
                f"{where}{keys}, such as {note.detail}, though {which} not state it: a row that is withheld without "
                "its key may be it. The next full file without such a row decides: mend it in the export. If it is a "
                "note below the table, take it out there, or declare it as footer of the source."
            )
        case "future instant":
            return (
                f"{where}{note.detail} lies after the export in {rows}: a clock or the order of day and month is wrong."
            )
        case "future export":
            return (
                f"It says that it was exported on {note.detail}, and that day is still to come: until then its rows "
                "win over those of files that are dated rightly."
            )
        case "no currency":
            return f"{where}currency is empty in {rows} with an amount; they count in the rooftop's currency."
        case "repair":
            return f"Repaired: {note.detail}."
        case "remark":
            return f"{note.detail[:1].upper()}{note.detail[1:]}{f' ({rows})' if note.rows else ''}."
    return f"{where}{note.detail} ({rows})."


def _some(names: str) -> str:
    """The first of many names."""
    return names if len(names) <= _MOST_LETTERS else f"{names[:_MOST_LETTERS].rpartition(', ')[0]} and more"
