"""What was odd in a file: notes on the ledger, and the sentences that tell them to a person."""

from __future__ import annotations

from dataclasses import dataclass

from forecourt.wording import counted


@dataclass(frozen=True)
class Note:
    """One oddity of a file, counted: a row of ``ledger.notes``."""

    feed: str | None
    kind: str
    detail: str
    rows: int


def sentence(note: Note) -> str:
    """A note as a person reads it."""
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
        case "new column":
            return f"Column {note.detail!r} is new: the file of this kind before did not have it."
        case "missing column":
            return f"Column {note.detail!r}, which the file before had, is not in it; its values stay as they were."
        case "absent columns":
            return f"The mapping also names {note.detail}, and the file has no such columns."
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
