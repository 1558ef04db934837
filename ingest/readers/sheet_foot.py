"""Tells where a table in a sheet ends, as ``foot`` does for text: its rows are at hand as values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.readers.foot import BELOW, DECLARED, GAPS, LAST
from ingest.readers.unlike import SAMPLE, Values, first_note, why_unlike


@dataclass
class SheetFoot:
    """What stands below the table of a sheet: the place of its first row among all, how many rows are passed over,
    and what is withheld: row number, reason and values."""

    start: int
    passed: int = 0
    withheld: list[tuple[int, str, Values]] = field(default_factory=list)


def find_sheet_foot(
    rows: Sequence[Values], numbers: Sequence[int], declared: int | str, missing: Collection[str] = ()
) -> SheetFoot:
    """The foot of the filled rows of a sheet with these numbers; a gap between numbers is an empty row.

    ``declared``: how many rows a source says to stand there, or a regular expression that the first of them matches.
    ``missing``: words that stand for a value that there is not, in small letters.
    """
    foot = SheetFoot(len(rows))
    is_note = re.compile(declared) if isinstance(declared, str) and declared else None
    if is_note:
        first = max(len(rows) - LAST, 0)
        foot.start = next((p for p in range(first, len(rows)) if is_note.search("\t".join(rows[p]))), len(rows))
    elif declared:
        foot.start = max(len(rows) - int(declared), 0)
    for number, row in zip(numbers[foot.start :], rows[foot.start :], strict=True):
        has_shape = len(row) > 1 and sum(map(bool, row)) > 1
        if has_shape and not (is_note and is_note.search("\t".join(row))):
            foot.withheld.append((number, DECLARED.replace("line", "row"), row))
        else:
            foot.passed += 1
    start, reason = min(_ends(rows[: foot.start], numbers, missing), default=(foot.start, ""))
    for place in range(start, foot.start):
        said = reason if place == start else BELOW.format(line=numbers[start], reason=reason).replace("line", "row", 1)
        foot.withheld.append((numbers[place], said, rows[place]))
    foot.start = start
    return foot


def _ends(rows: Sequence[Values], numbers: Sequence[int], missing: Collection[str]) -> Iterator[tuple[int, str]]:
    """Where the table may end among the rows, and why."""
    gaps = [place for place in range(1, len(rows)) if numbers[place] > numbers[place - 1] + 1]
    for gap in gaps if len(gaps) <= GAPS else gaps[-1:]:
        after = next((later for later in gaps if later > gap), len(rows))
        reason = why_unlike(rows[max(gap - SAMPLE, 0) : gap], rows[gap : min(after, gap + SAMPLE)])
        if reason:
            yield gap, reason
            break
    first = max(len(rows) - LAST, 0)
    note = first_note(rows[first:], missing)
    if note:
        yield first + note[0], note[1]
