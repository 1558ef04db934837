"""What a file's name says."""

from __future__ import annotations

import pytest

from ingest.delivery import exported_at, impossible_date, is_full, native_feed


@pytest.mark.parametrize(
    ("name", "feed"),
    [
        ("crm_leads.csv", "crm_leads"),
        ("CRM_Leads_R1.CSV", "crm_leads"),
        ("dms_deal_products_2026-01-01.csv", "dms_deal_products"),
        ("dms_deals.full.2026-01-01.csv", "dms_deals"),
        ("crm_leadsx.csv", None),
        ("my_crm_leads.csv", None),
        ("crm_leads.xml", None),
    ],
)
def test_native_feed(name: str, feed: str | None) -> None:
    assert native_feed(name) == feed


def test_full() -> None:
    assert is_full("dms_vehicles.full.2026-03-31.csv")
    assert not is_full("dms_vehicles_full.csv")


@pytest.mark.parametrize(
    ("name", "instant"),
    [
        ("crm_leads_2026-07-31.csv", "2026-07-31 22:59:59"),
        ("crm_leads_20260731.csv", "2026-07-31 22:59:59"),
        ("crm_leads_2026-07-31T0612.csv", "2026-07-31 05:12:00"),
        ("crm_leads_20260731_061203.csv", "2026-07-31 05:12:03"),
        ("crm_leads_2026-07-31T06-12-05Z.csv", "2026-07-31 06:12:05"),
        ("DVD1_20260131_0808_SL.txt", "2026-01-31 08:08:00"),
        ("crm_leads_2026-01-01_2026-01-31.csv", "2026-01-31 23:59:59"),
        ("crm_leads_2026-01-31-2.csv", "2026-01-31 23:59:59"),
        ("crm_leads_2026-02-30.csv", "None"),
        ("crm_leads_12320260131.csv", "None"),
        ("crm_leads.csv", "None"),
    ],
)
def test_exported_at(name: str, instant: str) -> None:
    assert str(exported_at(name, "Europe/London")) == instant


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("crm_leads_2026-99-99.csv", "2026-99-99"),
        ("crm_leads_2026-02-29.csv", "2026-02-29"),
        ("crm_leads_20261301.csv", "20261301"),
        ("crm_leads_2026-01-31T2560.csv", "2026-01-31T2560"),
        ("crm_leads_2026-01-01_2026-01-32.csv", "2026-01-32"),
        ("crm_leads_20459999_2026-01-31.csv", None),
        ("crm_leads_2028-02-29.csv", None),
        ("crm_leads_12320269999.csv", None),
        ("crm_leads.csv", None),
    ],
)
def test_impossible_date(name: str, text: str | None) -> None:
    assert impossible_date(name) == text
