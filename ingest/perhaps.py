"""Keys that a full file does not state and perhaps does: in a row that was withheld without its key.

A line with a value too many may be a car's own. To end the car for it would be a wrong figure that nobody sees, so its
key stays in force until a full file that can be read says otherwise. A row may be that of a key when its original text
has the words of the part that names the record (``Feed.named_by``), one after another. A word is what stands together
of letters and digits, in small letters: 1 is no word of 2011. The other parts do not count: a rooftop may come from the
name of the file or an alias, days and numbers are written otherwise in a file than in a key.

Only the file itself decides, not what becomes of the row: accepted, retried or discarded, it had been withheld. So the
state does not depend on what came first, a file, the decision or a late version of the key.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecourt.literals import literal
from ingest.comparison import Comparison
from ingest.contract import Feed

#: So many words of a part are compared: a text of more is not told apart by them.
_MOST_WORDS = 8

#: Before every updated_at: what a file leaves out has none.
_FIRST = "timestamp '-infinity'"

_JSON_LETTER = r"\\u[0-9a-fA-F]{4}"
_ENTITY = r"&(amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);"


@dataclass(frozen=True)
class Kept:
    """Keys that a full file did not end for its withheld rows: how many, one of them, and the name of the file where
    it is not the one that is being landed."""

    keys: int
    example: str
    file: str | None


def place_perhaps(comparison: Comparison) -> None:
    """Makes ``perhaps`` (key, rooftop, file_id): the keys that this file could end, or of which it states something
    that others could end, with the full files that perhaps state them: this one, and those of its instant or later."""
    run, feed = comparison.run, comparison.feed
    run("create or replace temp table perhaps (key varchar, rooftop varchar, file_id varchar)")
    if not comparison.late and not comparison.delivery.is_full:
        return
    name = literal(feed.name)
    run(
        f"""create or replace temp view torn as
            select file_id, raw
            from ledger.quarantine
            where key is null and coalesce(feed, {name}) = {name} and file_id in (
                select file_id from ledger.full_scopes
                where feed = {name} and (file_id = {literal(comparison.delivery.file_id)} or file_id in (
                    select file_id from files_known where exported_at >= timestamp '{comparison.delivery.exported_at}'
                ))
            )"""
    )
    if not comparison.connection.execute("select 1 from torn limit 1").fetchall():
        return
    run(
        f"""create or replace temp table identities as
            select key, rooftop, len(words) as length, array_to_string(words, ' ') as said
            from (
                select distinct key, {feed.rooftop_sql} as rooftop, {_words(_naming(feed))}[:{_MOST_WORDS}] as words
                from ({comparison.in_question()})
            )"""
    )
    lengths = comparison.connection.execute("select distinct length from identities order by length").fetchall()
    for (length,) in lengths:
        # What is said is looked up before keys are, because many keys can share what names them (lines of a deal).
        run(
            f"""insert into perhaps
                select key, identities.rooftop, found.file_id
                from identities
                inner join (
                    select distinct file_id, said
                    from ({_sayings(length)})
                    semi join (select said as of_key from identities where length = {length}) on said = of_key
                ) as found on identities.said = found.said and length = {length}
                inner join (select file_id, rooftop from ledger.full_scopes where feed = {name}) as scopes
                    on found.file_id = scopes.file_id and identities.rooftop = scopes.rooftop"""
        )


def kept_in_force(comparison: Comparison) -> list[Kept]:
    """Of the keys in ``perhaps`` those that were in force where the full file would have ended them, and for another
    full file would not have been without this one. After the comparison. Counts those of this file among the keys that
    it states, because the next full file is measured against them."""
    if not comparison.connection.execute("select 1 from perhaps limit 1").fetchall():
        return []
    feed, delivery = comparison.feed, comparison.delivery
    own = f"file_id = {literal(delivery.file_id)}"
    in_perhaps = "select key from perhaps"
    comparison.run(
        f"""create or replace temp table kept as
            with places as (
                select file_id, file_name, content_hash, exported_at from files_known
                union
                select {literal(delivery.file_id)}, {literal(delivery.name)}, {literal(delivery.content_hash)},
                    timestamp '{delivery.exported_at}'
            ),
            placed as (
                select key, op, versions.file_id, (
                    versions.exported_at, coalesce(updated_at, {_FIRST}), file_name, content_hash, row_number
                ) as place
                from {feed.table} as versions
                inner join places on versions.file_id = places.file_id
                where key in ({in_perhaps})
            ),
            endings as (
                select file_id, file_name as full_name, (exported_at, {_FIRST}, file_name, content_hash, 0) as place
                from places
            )
            select perhaps.key, rooftop, perhaps.file_id, full_name
            from placed
            inner join perhaps on placed.key = perhaps.key
            inner join endings on perhaps.file_id = endings.file_id and placed.place < endings.place
            anti join ({stated_keys(feed, in_perhaps)}) as stated
                on perhaps.key = stated.key and perhaps.file_id = stated.file_id
            group by all
            having arg_max(op, placed.place) = 'row' and (
                perhaps.{own}
                or arg_max(op, placed.place) filter (where not placed.{own}) is distinct from 'row'
            )"""
    )
    comparison.run(
        f"""update ledger.full_scopes set rows = rows + counted.keys
            from (select rooftop, count(*) as keys from kept where {own} group by rooftop) as counted
            where {own} and feed = {literal(feed.name)} and full_scopes.rooftop = counted.rooftop"""
    )
    found = comparison.connection.execute(
        f"""select count(distinct key), min(key), case when not {own} then arg_min(full_name, key) end
            from kept group by {own} order by {own} desc"""
    ).fetchall()
    return [Kept(*row) for row in found]


def stated_keys(feed: Feed, keys: str) -> str:
    """SQL of which of these keys stand in which files: key, file_id; also where the row is withheld with its key."""
    of_feed = f"feed = {literal(feed.name)} and key in ({keys})"
    return f"""select key, file_id from {feed.table} where key in ({keys})
        union all select key, file_id from ledger.sightings where {of_feed}
        union all select key, file_id from ledger.quarantine where {of_feed}"""


def _naming(feed: Feed) -> str:
    """SQL of the text that names the record of a key; empty where the contract filled it in, as no file says that."""
    empty = feed.columns[feed.named_by].empty
    return f"""coalesce(nullif("{feed.named_by}", {literal(empty)}), '')"""


def _words(text: str) -> str:
    return rf"regexp_extract_all(lower({text}), '[\pL\pN]+')"


def _sayings(length: int) -> str:
    """SQL of what the withheld rows say in so many words on end: file_id, said."""
    if not length:
        # A part without letters and digits cannot be looked for: any row may have it.
        return "select file_id, '' as said from torn"
    # A letter in JSON and a mark in XML can be written in two ways: once as it stands, and once as it is meant.
    plain = r"""replace(replace(replace(raw, '\\', ' '), '\"', ' '), '"', ' ')"""
    letters = rf"""try_cast('"' || regexp_replace({plain}, '[\x00-\x1f]', ' ', 'g') || '"' as json) ->> '$'"""
    text = f"""concat_ws(' ', raw, case when regexp_matches(raw, '{_JSON_LETTER}') then {letters} end,
        case when contains(raw, '&') then regexp_replace(raw, '{_ENTITY}', ' ', 'g') end)"""
    if length == 1:
        return f"select file_id, unnest({_words(text)}) as said from torn"
    return f"""select file_id, array_to_string(words[place:place + {length - 1}], ' ') as said
        from (
            select *, unnest(range(1, len(words) - {length - 2})) as place
            from (select file_id, {_words(text)} as words from torn)
        )"""
