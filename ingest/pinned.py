"""The mapping that read a file, kept: the log names it, the archive holds its text.

A delivery is read with the mapping of the day it came, also when the landing is made anew later, so that what was
known at an instant stays what was known then. A mended mapping reads later deliveries, and earlier ones where a
person says so (``forecourt quarantine retry``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from forecourt.errors import Problem
from forecourt.home import Home
from ingest import archive
from ingest.mapped import Bytes, whole
from ingest.source_file import load_sources, read_source
from ingest.sources import Source

if TYPE_CHECKING:
    from ingest.recognition import Recognised


def pin(home: Home, source: Source | None) -> dict[str, str | None]:
    """What the log says of a mapping: ``source``, ``mapping_hash`` and ``mapping``, the archived text's hash.

    ``mapping`` is None for a native file, whose mapping is the contract; all are None for a file of no known kind.
    """
    if source is None or not source.text:
        return {
            "source": source.name if source else None,
            "mapping_hash": source.mapping_hash if source else None,
            "mapping": None,
        }
    text = source.text.encode()
    digest = archive.content_hash(text)
    archive.store(home, text, digest)
    return {"source": source.name, "mapping_hash": source.mapping_hash, "mapping": digest}


def recognise_pinned(home: Home, entry: dict[str, Any], name: str, data: Bytes) -> Recognised:
    """The file as the log entry's mapping reads it. Raises Problem (without the file's name).

    A mapping that this version can no longer read gives way to the present one of its name.
    """
    from ingest.recognition import recognise  # Here, because a file that came before needs no reader.

    declared = partial(load_sources, home.sources)
    if entry["source"] is None:
        found = recognise(name, data, declared)
        raise Problem(
            f"it was no known kind of file when it came; now it would be read as {found.source.name}. Read it again: "
            f"forecourt quarantine retry {entry['file_id']} --reason '...'."
        )
    if not entry.get("mapping"):
        return recognise(name, data)
    source = declared().get(entry["source"])
    if source is None or source.mapping_hash != entry["mapping_hash"]:
        text = whole(archive.fetch(home, entry["mapping"])).decode()
        try:
            source = read_source(entry["source"], text, f"{entry['source']}.yml of {entry['received_at']:%Y-%m-%d}")
        except Problem:
            if source is None:
                raise
    return recognise(name, data, lambda: {source.name: source})
