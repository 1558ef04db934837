"""Why a file is of no known kind, and the nearest thing that it could be, for the person who delivered it."""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath

from forecourt.errors import Problem
from ingest import draft
from ingest.contract import load_feeds
from ingest.delivery import named_feed
from ingest.opened_file import OpenedFile
from ingest.readers import workbook
from ingest.readers.dialect import folded
from ingest.readers.kinds import ENDINGS, words_for
from ingest.sources import Source


def unknown(file: OpenedFile, named: list[Source]) -> Problem:
    """The refusal of a file; ``named``: the sources whose name it has, and none of which it fits."""
    feed = named_feed(file.name)
    if feed:
        ending = PurePosixPath(file.name).suffix
        return Problem(
            f"its name is that of the feed {feed}, and native files end in .csv, .xlsx, .ods, .json or .ndjson"
            f"{f', not {ending}' if ending else ''}. Export it as csv, with a name that ends in .csv."
        )
    if file.kind == "other":
        return Problem(f"it is {words_for(file.data)}, which is not read. Export it as csv and deliver that file.")
    if file.kind == "text" and file.name.lower().endswith(ENDINGS["json"]):
        beginning = file.data[:40].decode("utf-8", "replace").lstrip("\ufeff")[:20]
        return Problem(
            f"its name says JSON, and it begins like none ({beginning!r}). Export it as plain JSON: a list "
            "of objects, or one object a line."
        )
    try:
        header = _names_of(file)
    except Problem as problem:
        return problem
    if named:
        return _unlike_its_source(named[0], header, file)
    return Problem(
        f"no feed has this name, and its header ({_listed(header)}) is that of no source. "
        f"{_nearest_feed(header, file)}, or declare the kind of file by a YAML in sources/ of the home folder. "
        f"{_seen(file)}"
    )


def _unlike_its_source(source: Source, header: list[str], file: OpenedFile) -> Problem:
    """Why a file is not as the source says whose name it has."""
    its_name = f"its name is that of {source.name} ({source.description})"
    if source.names:
        return Problem(
            f"{its_name}, but its first row cannot be read with its marks, and nothing else tells its columns. List "
            f"all of them under names, or correct it. {_seen(file)}"
        )
    columns = {folded(column) for column in header}
    missing = [column for column in source.signature if folded(column) not in columns]
    if not missing:
        return Problem(
            f"{its_name}, and its header has the names of it, but it does not stand where, or is not written as, the "
            f"source says. Correct preamble, header_lines or the marks. {_seen(file)}"
        )
    near = difflib.get_close_matches(folded(missing[0]), sorted(columns), n=1, cutoff=0.5)
    nearest = (
        f" The nearest to {missing[0]!r} is {next(name for name in header if folded(name) == near[0])!r}."
        if near
        else ""
    )
    if source.header_lines > 1:
        nearest = f" Its names are put together of {source.header_lines} lines, with a blank between.{nearest}"
    return Problem(
        f"{its_name}, but its header has no {_listed(missing)}.{nearest} Export it with these columns, or declare the "
        f"new kind of file by a YAML in sources/ of the home folder. {_seen(file)}"
    )


def _nearest_feed(header: list[str], file: OpenedFile) -> str:
    """How to name the file: for the feed with the most of its columns, else for the one whose name is the nearest."""
    feeds = load_feeds()
    columns = {folded(column) for column in header}
    near = max(feeds, key=lambda feed: len(columns & feeds[feed].columns.keys()))
    if len(columns & feeds[near].columns.keys()) < 2:
        near = next(iter(difflib.get_close_matches(file.name, feeds, n=1, cutoff=0.4)), "")
    if not near:
        return "Name it <feed>_....csv with the columns of a feed"
    return f"The nearest feed is {near}: name it {near}_....csv with the columns of that feed"


def _seen(file: OpenedFile) -> str:
    """How the file seems to be written, and how to begin a mapping for it; nothing where that cannot be told."""
    try:
        hidden = file.book().hidden if file.kind == "workbook" else []
        unread = f" Hidden sheets are not read: {', '.join(map(repr, hidden))}." if hidden else ""
        return draft.sentence(draft.look_at(file.name, file.data)) + unread
    except Problem as problem:
        return f"What it is cannot be told: {problem}"


def _names_of(file: OpenedFile) -> list[str]:
    """The names that a file seems to have for its columns. Raises Problem where it cannot be read."""
    if file.kind == "text":
        return draft.look_at(file.name, file.data).header
    if file.kind in ("workbook", "page"):
        place = workbook.first_filled_row(file.book())
        return workbook.header_at(file.book(), place) if place else []
    if file.kind == "json":
        return file.objects().names
    if file.kind == "xml":
        return list(dict.fromkeys(str(element.tag) for element in file.root().iter()))
    return []


def _listed(words: list[str]) -> str:
    """The first of some words."""
    return ", ".join(words[:4]) + " ..." * (len(words) > 4)
