from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from forecourt.identity import write_identity
from forecourt.settings_file import load_settings

SETTINGS = """
[[rooftops]]
code = "BER"
country = "DE"
[policy]
identity.never_match = ["020 7946 0000", "desk@dealer.example.com"]
identity.relay_domains = ["@carsquare.example"]
[sources]
"Auto Markt / North" = "AutoMarkt"
[[identity.apart]]
a = "crm|R1|C1"
b = "crm|R1|C2"
"""


@pytest.fixture
def written(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    path = tmp_path / "forecourt.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    landing = duckdb.connect()
    landing.execute("create schema crm; create schema dms; create schema portal")
    landing.execute(
        """
        create table crm.crm_customers as
        select * from (values
            ('R1', '020 7946 0123', 'Kit@Example.com'),
            ('BER', '030 23125123', null),
            (null, '030 23125123', 'x@mail.carsquare.example'),
            ('R1', '+44 20 7946 0000', 'Desk@dealer.example.com'),
            ('R1', '0000000', null),
            ('R1', '020 7946 0123', 'Kit@Example.com')
        ) as customers (rooftop, phone, email);
        create table portal.portal_calls as select 'R1' as rooftop, '(020) 7946-0123' as caller_phone;
        create table dms.dms_deals as select ' 1m8gdm9axkp042788 ' as vin union all select null
        """
    )
    scratch = duckdb.connect()
    scratch.execute("create schema settings")
    write_identity(scratch, landing, load_settings(path))
    return scratch


def test_every_contact_has_the_form_of_its_rooftops_country_or_a_reason(written: duckdb.DuckDBPyConnection) -> None:
    rows = written.execute("select * from settings.contacts order by rooftop, kind desc, raw").fetchall()
    assert rows == [
        ("", "phone", "030 23125123", "+443023125123", None),
        ("", "email", "x@mail.carsquare.example", None, "forwarding address"),
        ("BER", "phone", "030 23125123", "+493023125123", None),
        ("R1", "phone", "(020) 7946-0123", "+442079460123", None),
        ("R1", "phone", "+44 20 7946 0000", None, "named in identity.never_match"),
        ("R1", "phone", "0000000", None, "placeholder"),
        ("R1", "phone", "020 7946 0123", "+442079460123", None),
        ("R1", "email", "Desk@dealer.example.com", None, "named in identity.never_match"),
        ("R1", "email", "Kit@Example.com", "kit@example.com", None),
    ]


def test_vins_sources_and_pairs_stand_as_tables(written: duckdb.DuckDBPyConnection) -> None:
    assert written.execute("select * from settings.vins").fetchall() == [("1M8GDM9AXKP042788", "valid_checked", None)]
    assert written.execute("select * from settings.sources").fetchall() == [("auto markt / north", "AutoMarkt")]
    assert written.execute("select * from settings.apart").fetchall() == [("crm|R1|C1", "crm|R1|C2")]


def test_an_empty_landing_gives_empty_tables(tmp_path: Path) -> None:
    scratch = duckdb.connect()
    scratch.execute("create schema settings")
    write_identity(scratch, duckdb.connect(), load_settings(tmp_path / "absent.toml"))
    for table in ("contacts", "vins", "sources", "apart"):
        assert scratch.execute(f"select count(*) from settings.{table}").fetchone() == (0,)
