"""The verb that shows where a row comes from: ``trace``."""

from __future__ import annotations

from pathlib import Path

import click

from forecourt.home import Home
from forecourt.verbs.load import settings_of
from forecourt.verbs.options import home_option, json_option


@click.command()
@click.argument("mart")
@click.argument("key", nargs=-1, required=True)
@home_option()
@json_option
def trace(mart: str, key: tuple[str, ...], home_path: Path, as_json: bool) -> None:
    """Show the file rows behind a row of a mart: every version of its record, with the original text.

    \b
    KEY is the natural key part by part; its first parts alone show all rows that begin with them.
    Example:  forecourt trace fct_deal R1 D1
    """
    from dataclasses import asdict

    from forecourt import show
    from forecourt.door import open_warehouse
    from forecourt.terminal import out
    from forecourt.trace import trace as versions_of
    from ingest.originals import original_texts

    home = Home(home_path)
    versions = versions_of(open_warehouse(home), mart, key)
    settings = settings_of(home)
    wanted: dict[tuple[str, str], set[int]] = {}
    for version in versions:
        if version.op == "row" and version.row is not None:
            wanted.setdefault((version.file, version.content_hash), set()).add(version.row)
    texts = {
        (digest, row): text
        for (name, digest), rows in wanted.items()
        for row, text in original_texts(home, settings, name, digest, rows).items()
    }
    facts = [
        asdict(version) | {"text": texts.get((version.content_hash, version.row or 0)) if version.op == "row" else None}
        for version in versions
    ]
    if as_json:
        show.print_json(facts)
        return
    for fact in facts:
        said = "" if fact["op"] == "row" else " removed: a full file no longer had it"
        mark = " (in force)" if fact["is_in_force"] else ""
        out.print(
            f"{fact['feed']} {fact['key']}  {fact['file']}:{fact['row'] or ''}  "
            f"received {fact['received_at']:%Y-%m-%d %H:%M} UTC{mark}{said}",
            markup=False,
            highlight=False,
        )
        if fact["text"]:
            click.echo(f"    {fact['text']}")
