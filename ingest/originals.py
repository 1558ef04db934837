"""The original text of single file rows, read again from the archive: the last step of a number's way back."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from forecourt.errors import Problem
from forecourt.home import Home
from forecourt.settings import Settings
from ingest import archive
from ingest.reading import read_rows
from ingest.recognition import recognise
from ingest.source_file import load_sources


def original_texts(
    home: Home, settings: Settings, name: str, content_hash: str, row_numbers: Collection[int]
) -> dict[int, str]:
    """Row number -> text of the records of one archived file that start on these lines.

    Several records that start on one line are joined by a line end; a line on which none starts is left out. Raises
    Problem where the archive misses the file or it is of a kind that is no longer declared.
    """
    data = archive.fetch(home, content_hash)
    try:
        rows = read_rows(recognise(name, data, partial(load_sources, home.sources)), settings)
    except Problem as problem:
        raise Problem(f"{name}: {problem}") from None
    found: dict[int, list[str]] = {}
    for batch in rows.batches:
        numbers = batch.rows.column("row_number").to_pylist()
        wanted = [place for place, number in enumerate(numbers) if number in row_numbers]
        for place in wanted:
            row_id = batch.rows.column("row_id")[place].as_py()
            found.setdefault(numbers[place], []).append(rows.raw(row_id))
    return {number: "\n".join(dict.fromkeys(texts)) for number, texts in found.items()}
