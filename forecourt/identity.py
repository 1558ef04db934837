"""What tells people, cars and sources apart, as tables of schema ``settings`` for the models to join.

Contacts and VINs of the landing are read by libraries here, once for every text that stands there: a function of the
text and of the rooftop's country alone, so it holds for every instant of knowledge.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb

from forecourt.contacts import plain_email, plain_phone, vin_status
from forecourt.rows import write_rows
from forecourt.settings import Settings

#: Table -> columns; all are text.
TABLES: dict[str, tuple[str, ...]] = {
    "contacts": ("rooftop", "kind", "raw", "contact", "reason"),
    "vins": ("vin", "status", "suggested"),
    "sources": ("spelling", "source"),
    "apart": ("a", "b"),
}
#: Table of the landing -> its columns of telephone numbers and of e-mail addresses.
CONTACTS = {
    "crm.crm_leads": ("phone", "email"),
    "crm.crm_customers": ("phone", "email"),
    "dms.dms_customers": ("phone", "email"),
    "portal.portal_leads": ("phone", "email"),
    "portal.portal_calls": ("caller_phone", None),
}
VINS = ("dms.dms_vehicles", "dms.dms_deals")

Plain = tuple[str | None, str | None]


def vin_as_key(column: str) -> str:
    """SQL for a VIN in the form that ``vehicle_key`` has; a placeholder in it is no car's key (macro ``vin_key``)."""
    return f"upper(regexp_replace({column}, '[\\s\\p{{Z}}\\p{{Pd}}]', '', 'g'))"


def write_identity(
    connection: duckdb.DuckDBPyConnection, landing: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    """Writes the tables ``contacts``, ``vins``, ``sources`` and ``apart`` anew; schema ``settings`` is there.

    ``contacts``: one row per rooftop (empty = group-wide), kind (phone, email) and text of any version in the landing,
    with its one form, or null and the reason. ``vins``: one row per VIN in upper case. ``sources`` and ``apart``: as
    the settings give them.
    """
    rows: dict[str, list[tuple[str | None, ...]]] = {
        "contacts": _contacts(landing, settings),
        "vins": [
            (vin, *vin_status(vin))
            for (vin,) in _distinct(landing, [(table, "upper(trim(vin))", "vin") for table in VINS])
        ],
        "sources": list(settings.sources.items()),
        "apart": list(settings.apart),
    }
    for table, columns in TABLES.items():
        write_rows(connection, f"settings.{table}", dict.fromkeys(columns, "varchar"), rows[table])


def _contacts(landing: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple[str | None, ...]]:
    relays, never = settings.policy("identity.relay_domains"), settings.policy("identity.never_match")
    relays = [domain.casefold().lstrip("@.") for domain in relays]

    @cache
    def plain(kind: str, country: str, raw: str) -> Plain:
        return plain_phone(raw, country) if kind == "phone" else plain_email(raw, relays)

    @cache
    def forms_never_matched(kind: str, country: str) -> set[str | None]:
        return {plain(kind, country, text)[0] for text in never} - {None}

    def row(kind: str, rooftop: str, raw: str) -> tuple[str | None, ...]:
        country = settings.rooftop(rooftop).country
        form, reason = plain(kind, country, raw)
        if form in forms_never_matched(kind, country):
            form, reason = None, "named in identity.never_match"
        return rooftop, kind, raw, form, reason

    return [
        row(kind, rooftop, raw)
        for place, kind in enumerate(("phone", "email"))
        for rooftop, raw in _distinct(
            landing,
            [(table, f"coalesce(rooftop, ''), {names[place]}", names[place]) for table, names in CONTACTS.items()],
        )
    ]


def _distinct(landing: duckdb.DuckDBPyConnection, wanted: list[tuple[str, str, str | None]]) -> list[tuple[Any, ...]]:
    """The distinct values of (table, columns, the column that must be given) over all versions, in order."""
    tables = {
        f"{schema}.{name}"
        for schema, name in landing.execute("select table_schema, table_name from information_schema.tables").fetchall()
    }
    parts = [
        f"select distinct {columns} from {table} where {given} is not null"
        for table, columns, given in wanted
        if given and table in tables
    ]
    return landing.execute(f"{' union '.join(parts)} order by all").fetchall() if parts else []
